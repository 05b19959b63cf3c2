/** An `RLock` between threads. */
import { InvalidStateError } from '../../core/errors.ts';
import { currentPrincipal, type Principal } from '../../sync/principal.ts';
import { type LockStatistics, SharedOwnedLock } from './owned-lock.ts';
import type { Descriptor, Opening } from './shared-object.ts';

/** What the `statistics()` of a shared `RLock` gives. */
export interface RLockStatistics extends LockStatistics {
  /** How often its holder has acquired it; 0 if that is in another thread. */
  readonly depth: number;
}

/**
 * A lock between threads that its holder can acquire again without waiting; it is free when it was released as often. It
 * belongs to a greenlet: nobody else may release it. Follows `multiprocessing.RLock` and genlet's own `RLock`.
 *
 * If the thread of its holder ends, the lock goes to the next as `abandoned`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const lock = new shared.RLock();
 *   yield* lock.acquire();
 *   yield* lock.acquire();
 *   lock.release();
 *   console.log(lock.locked(), lock.statistics().depth); // => true 1
 *   lock.release();
 *   console.log(lock.locked()); // => false
 * });
 * ```
 */
export class RLock extends SharedOwnedLock {
  #depth = 0;

  constructor();
  /** @internal */
  constructor(opening: Opening);
  constructor(opening?: Opening) {
    super(opening);
  }

  /**
   * Takes back one `acquire()`; after the last, the lock is free for the first who waits.
   *
   * @throws {InvalidStateError} the running greenlet does not hold it
   */
  release(): void {
    if (!this.isMine()) {
      const { holder } = this.statistics();
      throw new InvalidStateError(
        `release() of an RLock that ${holder === undefined ? 'nobody holds' : `${holder} holds`}, ` +
          `by ${currentPrincipal()}: only its holder may release it`,
      );
    }
    if (this.#depth > 1) this.#depth--;
    else this.leave();
  }

  override share(): Descriptor<'RLock'> {
    return super.share() as Descriptor<'RLock'>;
  }

  /** Counters of this moment. */
  override statistics(): RLockStatistics {
    return { ...super.statistics(), depth: this.holder === undefined ? 0 : this.#depth };
  }

  /** @internal */
  get kind(): string {
    return 'RLock';
  }

  /** @internal */
  override take(): boolean {
    if (!this.isMine()) return super.take();
    this.#depth++;
    return true;
  }

  /** @internal */
  override claim(principal: Principal): boolean {
    if (!super.claim(principal)) return false;
    this.#depth = 1;
    return true;
  }

  /** @internal */
  leave(): number {
    const depth = this.#depth;
    this.#depth = 0;
    this.free();
    return depth;
  }

  /** @internal */
  restore(depth: number): void {
    this.#depth = depth;
  }
}
