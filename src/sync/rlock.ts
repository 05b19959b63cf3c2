/** `RLock`: one greenlet at a time, as often as it likes. */
import { InvalidStateError } from '../core/errors.ts';
import { Acquirable } from './acquirable.ts';
import type { LockStatistics } from './lock.ts';
import { currentPrincipal, describeHolder, type Principal } from './principal.ts';

/** What the `statistics()` of an `RLock` gives. */
export interface RLockStatistics extends LockStatistics {
  /** How often its holder has acquired it. */
  readonly depth: number;
}

/**
 * A lock that its holder can acquire again without waiting; it is free when it was released as often. It belongs to a
 * greenlet: nobody else may release it. Follows `threading.RLock`.
 *
 * A lock that gets free while somebody waits goes to the first in line. It can be given to `wait()` and `iwait()`, which
 * don't take it. Hub callbacks and ordinary code count as one more greenlet.
 *
 * @example
 * ```ts
 * import { RLock, run } from 'genlet';
 *
 * await run(function* () {
 *   const lock = new RLock();
 *   function* outer() {
 *     using _ = yield* lock.hold();
 *     return yield* inner();
 *   }
 *   function* inner() {
 *     using _ = yield* lock.hold();
 *     return lock.statistics().depth;
 *   }
 *   console.log(yield* outer(), lock.locked()); // => 2 false
 * });
 * ```
 */
export class RLock extends Acquirable {
  #holder: Principal | undefined;
  #depth = 0;

  /** Whether somebody holds it; `acquire()` blocks unless that is the running greenlet. */
  locked(): boolean {
    return this.#holder !== undefined;
  }

  /**
   * Takes back one `acquire()`; after the last, the first who waits has it.
   *
   * @throws {InvalidStateError} the running greenlet does not hold it
   */
  release(): void {
    if (!this.isMine()) {
      const holder = this.#holder === undefined ? 'nobody holds' : `${this.#holder} holds`;
      throw new InvalidStateError(
        `release() of an RLock that ${holder}, by ${currentPrincipal()}: only its holder may release it`,
      );
    }
    if (--this.#depth === 0) this.#handOver();
  }

  #handOver(): void {
    const waiter = this.waiters.shift();
    if (waiter === null) {
      this.#holder = undefined;
      this.links.notify();
    } else {
      this.#holder = waiter.principal;
      this.#depth = 1;
      waiter.wake(true);
    }
  }

  /** Counters of this moment. */
  statistics(): RLockStatistics {
    return { locked: this.locked(), holder: this.#holder?.name, depth: this.#depth, waiting: this.waiters.size };
  }

  /** @internal */
  take(): boolean {
    const principal = currentPrincipal();
    if (this.#holder === undefined) this.#holder = principal;
    else if (this.#holder !== principal) return false;
    this.#depth++;
    return true;
  }

  /** @internal */
  override describeHolder(): string {
    return describeHolder(this.#holder);
  }

  // ---- for Condition, as in `Lock`

  /** @internal */
  isMine(): boolean {
    return this.#holder === currentPrincipal();
  }

  /** @internal */
  leave(): number {
    const depth = this.#depth;
    this.#depth = 0;
    this.#handOver();
    return depth;
  }

  /** @internal */
  restore(depth: number): void {
    this.#depth = depth;
  }
}
