/** `sleep` and `idle`. */
import { checkDuration } from './check.ts';
import { DEV, notePerformed } from './dev.ts';
import { InvalidStateError } from './errors.ts';
import { hub as importedHub } from './hub.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { Ref, type Timer } from './timers.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

class Yield extends BaseOperation<void> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    return hub.self(this, arguments.length).yieldTurn();
  }

  override get repeatable(): boolean {
    return true;
  }

  override get shareable(): boolean {
    return true;
  }

  describe(): string {
    return 'sleep(0)';
  }
}

/** It has no state, so one serves all; in dev mode each must be told apart. */
const sharedYield = new Yield();
notePerformed(sharedYield);

/** Its own timer, for one object less: 100,000 sleepers are no rarity. */
class Sleep extends BaseOperation<void> {
  // A node of the timer queue, see `Timer`.
  due = 0;
  slot = -1;
  before: Timer = this as never;
  after: Timer = this as never;
  ref: number;

  readonly #ms: number;
  #greenlet: RawGreenlet | undefined = undefined;

  constructor(ms: number, ref: number) {
    super();
    this.#ms = ms;
    this.ref = ref;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    if (this.pending) {
      throw new InvalidStateError(`${this.describe()} is being performed by ${this.#greenlet}: make one for each`);
    }
    const step = hub.park(me, this);
    this.#greenlet = me;
    if (this.ref === Ref.PROCESS && me.daemon) this.ref = Ref.DAEMON;
    hub.startTimer(this as unknown as Timer, this.#ms);
    return step;
  }

  get pending(): boolean {
    return this.slot !== -1;
  }

  cancel(): void {
    hub.timers.cancel(this as unknown as Timer);
  }

  /** The time has come. */
  fire(): void {
    this.#greenlet!.wake(undefined);
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `sleep(${this.#ms})`;
  }
}

/**
 * Suspends the greenlet for `ms` milliseconds, never less. `sleep(0)` puts it at the back of the ready queue.
 * Suspends; a kill or timeout ends the sleep. Sleepers that are due in the same millisecond wake in the order of their
 * calls. With `ref: false` the sleep does not keep the process alive. Follows `gevent.sleep`.
 *
 * @throws {RangeError} `ms` is negative or NaN
 * @example
 * ```ts
 * import { run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const other = spawn(() => console.log('other'));
 *   console.log('main'); // => main
 *   yield* sleep(0); // => other
 *   yield* sleep(2);
 *   console.log(other.dead); // => true
 * });
 * ```
 */
export function sleep(ms = 0, options?: { ref?: boolean }): Operation<void> {
  if (ms === 0) return DEV ? new Yield() : sharedYield;
  return new Sleep(checkDuration('sleep() time', ms), options?.ref === false ? Ref.NOTHING : Ref.PROCESS);
}

class Idle extends BaseOperation<void> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    const step = hub.park(me, this);
    hub.whenIdle(me);
    return step;
  }

  cancel(me: RawGreenlet): void {
    hub.forgetIdler(me);
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return 'idle()';
  }
}

/**
 * Suspends until nothing else is ready, I/O included. A kill ends the wait. Waiters wake together, in the order of
 * their calls. Follows `gevent.idle`.
 *
 * @example
 * ```ts
 * import { idle, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   spawn(function* () {
 *     for (let i = 0; i < 3; i++) yield* sleep(0);
 *     console.log('busy no more');
 *   });
 *   yield* idle(); // => busy no more
 * });
 * ```
 */
export function idle(): Operation<void> {
  return new Idle();
}
