/** A `Lock` between threads. */
import { SharedOwnedLock } from './owned-lock.ts';
import type { Descriptor, Opening } from './shared-object.ts';

/**
 * A lock that one greenlet of all threads at a time can hold; its holder, too, waits if it asks again. Anybody may release
 * it. Follows `multiprocessing.Lock` and genlet's own `Lock`.
 *
 * `release` never suspends and may be called from anywhere. If the thread of its holder ends, the lock goes to the next
 * as `abandoned`. It can be given to `wait()` and `iwait()`, which don't take it.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const lock = new shared.Lock();
 *   const there = shared.open(lock.share()); // as another thread does it with what it was sent
 *   using _ = yield* lock.hold();
 *   console.log(there.locked(), there.acquireNowait()); // => true false
 * });
 * ```
 */
export class Lock extends SharedOwnedLock {
  constructor();
  /** @internal */
  constructor(opening: Opening);
  constructor(opening?: Opening) {
    super(opening);
  }

  /**
   * Leaves it free; the first who waits for it gets it, unless that waits in another thread, for less than a millisecond,
   * and somebody else comes before it has woken up.
   *
   * @throws {InvalidStateError} nobody holds it
   */
  release(): void {
    this.free();
  }

  override share(): Descriptor<'Lock'> {
    return super.share() as Descriptor<'Lock'>;
  }

  /** @internal */
  get kind(): string {
    return 'Lock';
  }

  /** @internal */
  leave(): number {
    this.free();
    return 1;
  }

  /** @internal */
  restore(_depth: number): void {}
}
