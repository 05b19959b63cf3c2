/** What the shared `Lock` and `RLock` have in common: shared memory knows which thread holds it, the thread which greenlet. */
import { InvalidStateError } from '../../core/errors.ts';
import { currentPrincipal, describeHolder, type Principal } from '../../sync/principal.ts';
import { SharedAcquirable, STATE } from './acquirable.ts';

/** What the `statistics()` of a shared lock gives. */
export interface LockStatistics {
  /** Whether somebody holds it. */
  readonly locked: boolean;
  /** Who holds it: the name of a greenlet of this thread, or `thread 3`. */
  readonly holder: string | undefined;
  /** Greenlets of this thread blocked in `acquire()` or `hold()`. */
  readonly waiting: number;
}

/** The base of the shared `Lock` and `RLock`. */
export abstract class SharedOwnedLock extends SharedAcquirable {
  #holder: Principal | undefined;
  #abandoned = false;

  /** Whether somebody holds it. A thread that has ended holds nothing. */
  locked(): boolean {
    const owner = Atomics.load(this.words, STATE);
    return owner !== 0 && this.space.alive(owner);
  }

  /**
   * Whether the thread that held it before had ended without releasing it, so that what it protects may be half changed.
   * Belongs to who has acquired it since, until the next `acquire()` in this thread. Python's locks know no such thing: there,
   * such a lock is never free again.
   */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Counters of this moment. */
  statistics(): LockStatistics {
    return { locked: this.locked(), holder: this.#holderName(), waiting: this.line.size };
  }

  /** The greenlet that holds it, if it is one of this thread. @internal */
  get holder(): Principal | undefined {
    return Atomics.load(this.words, STATE) === this.space.token ? this.#holder : undefined;
  }

  #holderName(): string | undefined {
    const owner = Atomics.load(this.words, STATE);
    if (owner === 0 || !this.space.alive(owner)) return undefined;
    return this.holder?.name ?? `thread ${this.space.threadOf(owner)}`;
  }

  /** Whether the running greenlet, or ordinary code, holds it. @internal */
  isMine(): boolean {
    return this.holder === currentPrincipal();
  }

  /** Takes it unless somebody has it. @internal */
  claim(principal: Principal): boolean {
    const { words } = this;
    const { token } = this.space;
    const owner = Atomics.compareExchange(words, STATE, 0, token);
    if (owner !== 0) {
      if (this.space.alive(owner) || Atomics.compareExchange(words, STATE, owner, token) !== owner) return false;
    }
    this.#abandoned = owner !== 0;
    this.#holder = principal;
    return true;
  }

  /** Leaves it free, and lets the first have it who waits. @internal */
  free(): void {
    const owner = Atomics.load(this.words, STATE);
    if (owner === 0 || Atomics.compareExchange(this.words, STATE, owner, 0) !== owner) {
      throw new InvalidStateError(`release() of a ${this.constructor.name} that nobody holds: acquire() it first`);
    }
    if (owner === this.space.token) this.#holder = undefined;
    if (this.line.busy) this.line.serve();
  }

  /** @internal */
  override describeHolder(): string {
    const holder = this.#holderName();
    if (holder === undefined || this.holder !== undefined) return describeHolder(this.holder);
    return `, held by ${holder}`;
  }

  // ---- for Condition

  /** Gives it up wholly, and gives how often it was held. @internal */
  abstract leave(): number;

  /** Is held as often as `leave` said, by who holds it once. @internal */
  abstract restore(depth: number): void;
}
