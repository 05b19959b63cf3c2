/** `Lock`: one at a time. */
import { InvalidStateError } from '../core/errors.ts';
import { Acquirable } from './acquirable.ts';
import { currentPrincipal, describeHolder, type Principal } from './principal.ts';

/** What the `statistics()` of a lock gives. */
export interface LockStatistics {
  /** Whether somebody holds it. */
  readonly locked: boolean;
  /** Who holds it: the name of a greenlet. */
  readonly holder: string | undefined;
  /** Greenlets blocked in `acquire()` or `hold()`. */
  readonly waiting: number;
}

/**
 * A lock that one greenlet at a time can hold; its holder, too, waits if it asks again. Anybody may release it. Follows
 * `threading.Lock`.
 *
 * A lock that is released while somebody waits goes to the first in line. `release` never suspends and may be called
 * from anywhere. It can be given to `wait()` and `iwait()`, which don't take it.
 *
 * @example
 * ```ts
 * import { joinall, Lock, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const lock = new Lock();
 *   let count = 0;
 *   const increment = function* () {
 *     using _ = yield* lock.hold();
 *     const read = count;
 *     yield* sleep(1);
 *     count = read + 1;
 *   };
 *   yield* joinall([spawn(increment), spawn(increment), spawn(increment)]);
 *   console.log(count, lock.locked()); // => 3 false
 * });
 * ```
 */
export class Lock extends Acquirable {
  #holder: Principal | undefined;

  locked(): boolean {
    return this.#holder !== undefined;
  }

  /**
   * Gives the lock to the first who waits for it, or leaves it free.
   *
   * @throws {InvalidStateError} nobody holds it
   */
  release(): void {
    if (this.#holder === undefined)
      throw new InvalidStateError('release() of a Lock that nobody holds: acquire() it first');
    const waiter = this.waiters.shift();
    if (waiter === null) {
      this.#holder = undefined;
      this.links.notify();
    } else {
      this.#holder = waiter.principal;
      waiter.wake(true);
    }
  }

  /** Counters of this moment. */
  statistics(): LockStatistics {
    return { locked: this.locked(), holder: this.#holder?.name, waiting: this.waiters.size };
  }

  /** @internal */
  take(): boolean {
    if (this.#holder !== undefined) return false;
    this.#holder = currentPrincipal();
    return true;
  }

  /** @internal */
  override describeHolder(): string {
    return describeHolder(this.#holder);
  }

  // ---- for Condition

  /** Whether the running greenlet, or ordinary code, holds it. @internal */
  isMine(): boolean {
    return this.#holder === currentPrincipal();
  }

  /** Gives it up wholly, and gives how often it was held. @internal */
  leave(): number {
    this.release();
    return 1;
  }

  /** Is held as often as `leave` said, by who holds it once. @internal */
  restore(_depth: number): void {}
}
