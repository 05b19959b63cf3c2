/** What shared locks and semaphores have in common. */
import { checkTimeout } from '../../core/check.ts';
import { DEV } from '../../core/dev.ts';
import { hub as importedHub } from '../../core/hub.ts';
import type { Operation, Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { timedOut } from '../../core/timeout.ts';
import type { Waitable } from '../../core/wait.ts';
import { Held } from '../../sync/acquirable.ts';
import { type BlockOptions, limitOf } from '../../sync/block-options.ts';
import type { Waiter } from '../../sync/parking-lot.ts';
import { currentPrincipal, type Principal } from '../../sync/principal.ts';
import { LINE_WORDS, Line, NOT_YET } from './line.ts';
import { LineCall } from './line-call.ts';
import { LineLinks, WATCHING } from './line-links.ts';
import { FIRST_WORD, type Opening, SharedObject } from './shared-object.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** The word that says what is free. @internal */
export const STATE: number = FIRST_WORD;
/** A word for the subclass. @internal */
export const AUX: number = STATE + 1;
const LINE: number = AUX + 1;

/** The base of the shared `Lock`, `RLock`, `Semaphore` and `BoundedSemaphore`. */
export abstract class SharedAcquirable extends SharedObject implements Waitable {
  /** @internal */
  readonly line: Line;
  readonly #links: LineLinks;
  #acquire: Acquire | undefined = undefined;

  /** @internal */
  constructor(opening: Opening | undefined) {
    super(opening, LINE + LINE_WORDS);
    const isFree = (): boolean => !this.locked();
    this.line = new SharedLine(this, 'acquire', this.space, this.words, LINE, this, isFree);
    this.#links = new LineLinks(this, this.line, () => this.ready());
  }

  /** Whether `acquire()` would block. */
  abstract locked(): boolean;

  /** Whether `acquire()` would not block. */
  ready(): boolean {
    return !this.locked();
  }

  /**
   * Takes a permit and gives `true`; `false` if there was none within `timeout` milliseconds, or at once with
   * `block: false`. Suspends the greenlet, never the thread, while there is none; a kill ends the wait and takes nothing.
   * Permits are given in the order of the calls, within a thread always; one who comes from another thread may be served
   * before a waiter, until that has waited for a millisecond.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  acquire(options?: BlockOptions): Operation<boolean> {
    if (options !== undefined || DEV) return new Acquire(this, limitOf(options));
    this.#acquire ??= new Acquire(this, undefined);
    return this.#acquire; // without a time limit it keeps nothing, so one serves all
  }

  /** As `acquire`, without waiting; not an operation, so it works in callbacks and in ordinary code too. */
  acquireNowait(): boolean {
    return this.take();
  }

  /**
   * Takes a permit for a block: `using _ = yield* lock.hold()` gives it back when the block is left, by return, error or
   * kill. Suspends as `acquire`.
   *
   * @throws {Timeout} there was no permit within `timeout` milliseconds
   * @throws {RangeError} `timeout` is negative or NaN
   */
  hold(timeout?: number | null): Operation<Disposable> {
    return new Hold(this, checkTimeout(timeout));
  }

  /** Gives a permit back. */
  abstract release(): unknown;

  /** Calls `callback(this)` in the hub, once, when a permit is free; in the next pass if one is already. It takes none. */
  rawlink(callback: (source: this) => void): void {
    this.#links.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (source: this) => void): void {
    this.#links.remove(callback);
  }

  // ---- what the operations use

  /** Takes a permit for whoever runs now, if there is one and nobody has waited too long for it. @internal */
  take(): boolean {
    return this.line.isOpen() && this.claim(currentPrincipal());
  }

  /** Takes a permit, if there is one. @internal */
  abstract claim(principal: Principal): boolean;

  /** @internal */
  attempt(waiter: Waiter): unknown {
    if (waiter.slot.note === WATCHING) return this.locked() ? NOT_YET : undefined;
    return this.claim(waiter.principal) ? true : NOT_YET;
  }

  /** @internal */
  promising(_waiter: Waiter): boolean {
    return !this.locked();
  }

  /** Who keeps others waiting, for reports. @internal */
  describeHolder(): string {
    return '';
  }
}

/** Tells who holds what is waited for. */
class SharedLine extends Line {
  readonly #owner: SharedAcquirable;

  constructor(owner: SharedAcquirable, ...rest: Tail<ConstructorParameters<typeof Line>>) {
    super(owner, ...rest);
    this.#owner = owner;
  }

  override describe(): string {
    return super.describe() + this.#owner.describeHolder();
  }
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never;

class Acquire extends LineCall<boolean> {
  readonly #source: SharedAcquirable;

  constructor(source: SharedAcquirable, limit: number | undefined) {
    super(source.line, limit);
    this.#source = source;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#source.take()) return hub.ready(true);
    return this.limit === 0 ? hub.ready(false) : this.stand(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(false);
  }

  override get shareable(): boolean {
    return this.limit === undefined;
  }
}

class Hold extends LineCall<Disposable> {
  readonly #source: SharedAcquirable;

  constructor(source: SharedAcquirable, limit: number | undefined) {
    super(source.line, limit);
    this.#source = source;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      if (resumed.value === true) resumed.value = new Held(this.#source);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#source.take()) return hub.ready(new Held(this.#source));
    if (this.limit === 0) return hub.refuse(this.#timedOut());
    return this.stand(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(this.#timedOut());
  }

  #timedOut(): Error {
    return timedOut(`${this.#source.constructor.name}.hold()`, this.limit!);
  }
}
