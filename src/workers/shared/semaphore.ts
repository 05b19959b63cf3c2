/** `Semaphore` and `BoundedSemaphore` between threads. */
import { checkInteger, checkTimeout } from '../../core/check.ts';
import { InvalidStateError } from '../../core/errors.ts';
import { hub as importedHub } from '../../core/hub.ts';
import type { Operation, Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { AUX, SharedAcquirable, STATE } from './acquirable.ts';
import type { Line } from './line.ts';
import { LineCall } from './line-call.ts';
import { WATCHING } from './line-links.ts';
import { type Descriptor, Opening } from './shared-object.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

const MOST = 2 ** 31 - 1;

/** What `statistics()` of a shared semaphore gives. */
export interface SemaphoreStatistics {
  /** Permits that are free. */
  readonly free: number;
  /** Greenlets of this thread blocked in `acquire()`, `hold()` or `wait()`. */
  readonly waiting: number;
}

/**
 * A number of permits for the greenlets of all threads. Anybody may give one back, also one more than there were. Follows
 * `multiprocessing.Semaphore` and genlet's own `Semaphore`.
 *
 * `release` never suspends and may be called from anywhere. Permits have no owner: those of a thread that ends without
 * releasing them stay taken. It can be given to `wait()` and `iwait()`, which take none.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const seats = new shared.Semaphore(2);
 *   yield* seats.acquire();
 *   console.log(seats.counter); // => 1
 *   console.log(seats.release()); // => 2
 * });
 * ```
 */
export class Semaphore extends SharedAcquirable {
  /** @throws {RangeError} `value` is negative, no whole number, or over 2^31 - 1 */
  constructor(value?: number);
  /** @internal */
  constructor(opening: Opening);
  constructor(value: number | Opening = 1) {
    const opening = value instanceof Opening ? value : undefined;
    const count = opening === undefined ? checkCount(value as number) : 0;
    super(opening);
    if (opening === undefined) this.words[STATE] = this.words[AUX] = count;
  }

  /** Permits that are free. Follows `Semaphore.counter` of gevent. */
  get counter(): number {
    return Atomics.load(this.words, STATE);
  }

  locked(): boolean {
    return this.counter === 0;
  }

  /**
   * Gives back `permits` of them, and gives how many are free then. Those who wait get theirs in the order of their
   * calls.
   *
   * @throws {RangeError} `permits` is no whole number of 1 or more, or there would be more than 2^31 - 1
   */
  release(permits = 1): number {
    checkInteger('permits', permits, 1);
    const { words } = this;
    for (;;) {
      const counter = Atomics.load(words, STATE);
      this.checkRelease(counter, permits);
      if (Atomics.compareExchange(words, STATE, counter, counter + permits) === counter) break;
    }
    if (this.line.busy) this.line.serve();
    return this.counter;
  }

  /** @internal */
  checkRelease(counter: number, permits: number): void {
    if (counter + permits > MOST)
      throw new RangeError(`permits is ${permits}: there can't be more than ${MOST} in all`);
  }

  /**
   * Waits until a permit is free, and gives how many are; 0 when `timeout` milliseconds are over, or if somebody took
   * them in the meantime. It takes none. Suspends; a kill ends the wait. Stands in one line with those who acquire.
   * Follows `Semaphore.wait` of gevent.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<number> {
    return new Watch(this, this.line, checkTimeout(timeout));
  }

  override share(): Descriptor<'Semaphore' | 'BoundedSemaphore'> {
    return super.share() as Descriptor<'Semaphore'>;
  }

  /** Counters of this moment. */
  statistics(): SemaphoreStatistics {
    return { free: this.counter, waiting: this.line.size };
  }

  /** @internal */
  get kind(): string {
    return 'Semaphore';
  }

  /** @internal */
  claim(): boolean {
    const { words } = this;
    for (let counter = Atomics.load(words, STATE); counter > 0; counter = Atomics.load(words, STATE)) {
      if (Atomics.compareExchange(words, STATE, counter, counter - 1) === counter) return true;
    }
    return false;
  }
}

function checkCount(value: number): number {
  if (checkInteger('value', value, 0) <= MOST) return value;
  throw new RangeError(`value is ${value}: give at most ${MOST}`);
}

class Watch extends LineCall<number> {
  readonly #semaphore: Semaphore;

  constructor(semaphore: Semaphore, line: Line, limit: number | undefined) {
    super(line, limit);
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
    return counter > 0 || this.limit === 0 ? hub.ready(counter) : this.stand(me, WATCHING);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(undefined);
  }
}

/**
 * A semaphore between threads that never has more permits than at first: one `release()` too many throws. Follows
 * `multiprocessing.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const one = new shared.BoundedSemaphore(1);
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
  /**
   * As `Semaphore.release`.
   *
   * @throws {InvalidStateError} there would be more permits than at first; nothing is released
   * @throws {RangeError} `permits` is no whole number of 1 or more
   */
  override release(permits = 1): number {
    return super.release(permits);
  }

  /** @internal */
  override checkRelease(counter: number, permits: number): void {
    const most = this.words[AUX]!;
    if (counter + permits <= most) return;
    throw new InvalidStateError(
      `release(${permits === 1 ? '' : permits}) was called more often than acquire(): ` +
        `${counter === most ? 'all' : `${counter} of`} ${most} permits are free`,
    );
  }

  /** @internal */
  override get kind(): string {
    return 'BoundedSemaphore';
  }
}
