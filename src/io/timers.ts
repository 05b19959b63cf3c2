/** Time as `node:timers` has it, for coroutines: everything here runs on the hub's clock, also on a virtual one. */
import { checkFunction } from '../core/check.ts';
import type { Greenlet } from '../core/greenlet.ts';
import type { Coroutine } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import { spawn } from '../core/spawn.ts';
import { Timer } from '../sync/timer.ts';
import { Interval } from './interval.ts';

export { sleep } from '../core/sleep.ts';
export { Interval } from './interval.ts';

/**
 * Calls `fn` in a greenlet after `ms` milliseconds, and gives that greenlet, whose `cancel()` is in time until then. Acts
 * at once; may be called from anywhere. The greenlet keeps the process alive; `daemon = true` is Node's `unref()`.
 * Follows `setTimeout`.
 *
 * @throws {RangeError} `ms` is negative or NaN
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { timers } from 'genlet/io';
 *
 * await run(function* () {
 *   const egg = timers.setTimeout((minutes: number) => `an egg of ${minutes} minutes`, 4, 5);
 *   const alarm = timers.setTimeout(() => console.log('never reached'), 60_000);
 *   alarm.cancel();
 *   console.log(yield* egg); // => an egg of 5 minutes
 * });
 * ```
 */
export function setTimeout<R, A extends unknown[]>(fn: (...args: A) => R, ms = 0, ...args: A): Timer<R, A> {
  return new Timer(ms, fn, ...args).start();
}

/**
 * Calls `fn` in a greenlet every `ms` milliseconds, until it is killed or `fn` throws. A call that suspends for longer
 * holds up the next one, and the calls that were missed meanwhile become one. Acts at once; may be called from anywhere.
 * Follows `setInterval`; `kill()` is `clearInterval`, `daemon = true` is `unref()`.
 *
 * @throws {RangeError} `ms` is not more than 0
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { timers } from 'genlet/io';
 *
 * await run(function* () {
 *   let count = 0;
 *   const ticker = timers.setInterval(() => void count++, 2);
 *   yield* timers.sleep(9);
 *   yield* ticker.kill();
 *   console.log(count > 1); // => true
 * });
 * ```
 */
export function setInterval<R, A extends unknown[]>(fn: (...args: A) => R, ms: number, ...args: A): Greenlet<never> {
  checkFunction('function', fn);
  return spawn(call, interval(ms), () => fn(...args));
}

function* call(beats: Interval, fn: () => unknown): Coroutine<never> {
  for (;;) {
    yield* beats.next();
    yield* callAndWait(fn);
  }
}

/**
 * A beat of every `ms` milliseconds from now on. Never suspends itself.
 *
 * @throws {RangeError} `ms` is not more than 0
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { timers } from 'genlet/io';
 *
 * await run(function* () {
 *   using beats = timers.interval(5);
 *   for (let beat; !(beat = yield* beats.next()).done; ) {
 *     console.log(beat.value); // => 1
 *     break;
 *   }
 * });
 * ```
 */
export function interval(ms: number): Interval {
  return new Interval(ms);
}
