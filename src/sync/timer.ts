/** `Timer`: a function call that comes later, unless it is cancelled. */
import { checkDuration, checkFunction } from '../core/check.ts';
import { GreenletExit } from '../core/errors.ts';
import { Greenlet } from '../core/greenlet.ts';
import type { Outcome } from '../core/operation.ts';

/**
 * A greenlet that calls a function `ms` milliseconds after its `start()`, unless `cancel()` comes first. As every
 * greenlet it can be joined, linked to, waited for and killed, and its value is what the function gives. Follows
 * `threading.Timer`.
 *
 * The function may suspend. For one that doesn't, `hub.callLater` is cheaper; `spawnLater` makes and starts a greenlet
 * in one call.
 *
 * @typeParam R - what the function returns
 * @typeParam A - its arguments
 * @example
 * ```ts
 * import { run, Timer } from 'genlet';
 *
 * await run(function* () {
 *   const tea = new Timer(5, (cups: number) => console.log(`${cups} cups of tea`), 2);
 *   const alarm = new Timer(60_000, () => console.log('never reached'));
 *   tea.start();
 *   alarm.start();
 *   yield* tea.join(); // => 2 cups of tea
 *   alarm.cancel();
 *   console.log(alarm.dead); // => true
 * });
 * ```
 */
export class Timer<R = unknown, A extends unknown[] = any[]> extends Greenlet<Outcome<R>> {
  /** The delay in milliseconds. */
  readonly ms: number;

  /**
   * An unstarted timer that will call `fn` with `args`.
   *
   * @throws {RangeError} `ms` is negative or NaN
   * @throws {TypeError} `fn` is not a function
   */
  constructor(ms: number, fn: (...args: A) => R, ...args: A) {
    checkDuration('delay', ms);
    checkFunction('Timer() target', fn);
    super(fn as never, ...args);
    this.ms = ms;
  }

  /** Starts the delay. No effect if it was started before, or cancelled. Never suspends; may be called from anywhere. */
  override start(): this {
    return this.startLater(this.ms);
  }

  /**
   * Prevents the call, also before `start()`: the timer ends at once with a `GreenletExit` as its value, joiners wake and
   * links fire. Too late, nothing happens: a call that has begun is ended by `kill()` only. Never suspends; may be called
   * from anywhere.
   */
  cancel(): void {
    const begun = this.frame !== null || this.isRunning();
    if (!begun) this.sendKill(new GreenletExit(`${this.name} was cancelled`));
  }
}
