/** `Semaphore`, `BoundedSemaphore` and `DummySemaphore`: a number of permits. */
import { checkInteger, checkTimeout } from '../core/check.ts';
import { InvalidStateError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Operation, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { Acquirable } from './acquirable.ts';
import { LotCall } from './lot-call.ts';
import { ParkingLot } from './parking-lot.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** What `semaphore.statistics()` gives. */
export interface SemaphoreStatistics {
  /** Permits that are free. */
  readonly free: number;
  /** Greenlets blocked in `acquire()` or `hold()`. */
  readonly waiting: number;
}

/**
 * A number of permits. Anybody may give one back, also one more than there were. Follows `gevent.lock.Semaphore` and
 * `threading.Semaphore`.
 *
 * A permit that is released while somebody waits goes to the first in line. `release` never suspends and may be called
 * from anywhere. It can be given to `wait()` and `iwait()`, which take none.
 *
 * @example
 * ```ts
 * import { joinall, run, Semaphore, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const desks = new Semaphore(2);
 *   const visit = function* (name: string) {
 *     using _ = yield* desks.hold();
 *     console.log(`${name} sits`);
 *     yield* sleep(1);
 *   };
 *   yield* joinall([spawn(visit, 'Ann'), spawn(visit, 'Bob'), spawn(visit, 'Cat')]);
 *   // => Ann sits
 *   // => Bob sits
 *   // => Cat sits
 *   console.log(desks.counter); // => 2
 * });
 * ```
 */
export class Semaphore extends Acquirable {
  readonly #watchers = new ParkingLot(this, 'wait');
  #counter: number;

  /** @throws {RangeError} `value` is negative or no whole number */
  constructor(value = 1) {
    super();
    this.#counter = checkInteger('value', value, 0);
  }

  /** Permits that are free. Follows `Semaphore.counter` of gevent. */
  get counter(): number {
    return this.#counter;
  }

  locked(): boolean {
    return this.#counter === 0;
  }

  /**
   * Gives back `permits` of them, and gives how many are free then. Those who wait get theirs in the order of their
   * calls.
   *
   * @throws {RangeError} `permits` is no whole number of 1 or more
   */
  release(permits = 1): number {
    if (permits !== 1) checkInteger('permits', permits, 1);
    for (let left = permits; left > 0; left--) {
      const waiter = this.waiters.shift();
      if (waiter === null) {
        this.#free(left);
        break;
      }
      waiter.wake(true);
    }
    return this.#counter;
  }

  #free(permits: number): void {
    this.#counter += permits;
    if (this.#watchers.size > 0) this.#watchers.wakeAll(undefined);
    this.links.notify();
  }

  /**
   * Waits until a permit is free, and gives how many are; 0 when `timeout` milliseconds are over, or if somebody took
   * them in the meantime. It takes none. Suspends; a kill ends the wait. Waiters wake in the order of their calls.
   * Follows `Semaphore.wait` of gevent.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<number> {
    return new Watch(this, this.#watchers, checkTimeout(timeout));
  }

  /** Counters of this moment. */
  statistics(): SemaphoreStatistics {
    return { free: this.#counter, waiting: this.waiters.size };
  }

  /** @internal */
  take(): boolean {
    if (this.#counter === 0) return false;
    this.#counter--;
    return true;
  }
}

class Watch extends LotCall<number> {
  readonly #semaphore: Semaphore;

  constructor(semaphore: Semaphore, lot: ParkingLot, limit: number | undefined) {
    super(lot, limit);
    this.#semaphore = semaphore;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      resumed.value = this.#semaphore.counter;
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { counter } = this.#semaphore;
    return counter > 0 || this.limit === 0 ? hub.ready(counter) : this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(undefined);
  }
}

/**
 * A semaphore that never has more permits than at first: one `release()` too many throws. Follows
 * `threading.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore, run } from 'genlet';
 *
 * await run(function* () {
 *   const one = new BoundedSemaphore(1);
 *   yield* one.acquire();
 *   one.release();
 *   try {
 *     one.release();
 *   } catch (error) {
 *     console.log((error as Error).message); // => release() was called more often than acquire(): all 1 permits are free
 *   }
 * });
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  readonly #most: number;

  /** @throws {RangeError} `value` is negative or no whole number */
  constructor(value = 1) {
    super(value);
    this.#most = value;
  }

  /**
   * As `Semaphore.release`.
   *
   * @throws {InvalidStateError} there would be more permits than at first; nothing is released
   * @throws {RangeError} `permits` is no whole number of 1 or more
   */
  override release(permits = 1): number {
    checkInteger('permits', permits, 1);
    if (this.counter + permits > this.#most) {
      throw new InvalidStateError(
        `release(${permits === 1 ? '' : permits}) was called more often than acquire(): ` +
          `${this.counter === this.#most ? 'all' : `${this.counter} of`} ${this.#most} permits are free`,
      );
    }
    return super.release(permits);
  }
}

/**
 * Looks like a semaphore and never makes anybody wait, where a lock is asked for and none is needed. Follows
 * `gevent.lock.DummySemaphore`.
 *
 * @example
 * ```ts
 * import { DummySemaphore, run } from 'genlet';
 *
 * await run(function* () {
 *   const free = new DummySemaphore();
 *   using _ = yield* free.hold();
 *   console.log(yield* free.acquire(), free.locked()); // => true false
 * });
 * ```
 */
export class DummySemaphore extends Semaphore {
  constructor() {
    super(1);
  }

  /** Does nothing, and gives the number of free permits, which is always 1. */
  override release(): number {
    return this.counter;
  }

  /** @internal */
  override take(): boolean {
    return true;
  }
}
