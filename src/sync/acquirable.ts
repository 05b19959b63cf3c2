/**
 * What locks and semaphores have in common: who wants a permit that is not there stands in line, and a permit that comes
 * back belongs to the first in line before anybody else can ask for it. So nobody starves, and a permit that was granted
 * is never lost to a kill that comes later.
 */
import { checkTimeout } from '../core/check.ts';
import { DEV } from '../core/dev.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Operation, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { timedOut } from '../core/timeout.ts';
import type { Waitable } from '../core/wait.ts';
import { type BlockOptions, limitOf } from './block-options.ts';
import { LotCall } from './lot-call.ts';
import { ParkingLot } from './parking-lot.ts';
import { ReadyLinks } from './ready-links.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** The base of `Lock`, `RLock`, `Semaphore` and their kin. */
export abstract class Acquirable implements Waitable {
  /** @internal */
  readonly waiters: ParkingLot = new WaitingLine(this);
  /** @internal */
  readonly links: ReadyLinks = new ReadyLinks(this, () => this.ready());
  #acquire: Acquire | undefined = undefined;

  /** Whether `acquire()` would block. */
  abstract locked(): boolean;

  /** Whether `acquire()` would not block. */
  ready(): boolean {
    return !this.locked();
  }

  /**
   * Takes a permit and gives `true`; `false` if there was none within `timeout` milliseconds, or at once with
   * `block: false`. Suspends while there is none; a kill ends the wait and takes nothing. Permits are given in the order
   * of the calls. A permit once given stays: a kill that comes later is thrown at the next suspension.
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
    this.links.add(callback);
    if (this.ready()) this.links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (source: this) => void): void {
    this.links.remove(callback);
  }

  /** Takes a permit for whoever runs now, if there is one. @internal */
  abstract take(): boolean;

  /** Who keeps others waiting, for reports. @internal */
  describeHolder(): string {
    return '';
  }
}

/** Tells who holds what is waited for. */
class WaitingLine extends ParkingLot {
  readonly #owner: Acquirable;

  constructor(owner: Acquirable) {
    super(owner, 'acquire');
    this.#owner = owner;
  }

  override describe(): string {
    return super.describe() + this.#owner.describeHolder();
  }
}

class Acquire extends LotCall<boolean> {
  readonly #source: Acquirable;

  constructor(source: Acquirable, limit: number | undefined) {
    super(source.waiters, limit);
    this.#source = source;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#source.take()) return hub.ready(true);
    return this.limit === 0 ? hub.ready(false) : this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(false);
  }

  override get shareable(): boolean {
    return this.limit === undefined;
  }

  override describe(): string {
    return this.deadline === undefined ? `${this.#source.constructor.name}.acquire()` : super.describe();
  }
}

class Hold extends LotCall<Disposable> {
  readonly #source: Acquirable;

  constructor(source: Acquirable, limit: number | undefined) {
    super(source.waiters, limit);
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
    return this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(this.#timedOut());
  }

  #timedOut(): Error {
    return timedOut(`${this.#source.constructor.name}.hold()`, this.limit!);
  }

  override describe(): string {
    return this.deadline === undefined ? `${this.#source.constructor.name}.hold()` : super.describe();
  }
}

/** A permit that is given back once. @internal */
export class Held implements Disposable {
  #source: { release(): unknown } | undefined;

  constructor(source: { release(): unknown }) {
    this.#source = source;
  }

  [Symbol.dispose](): void {
    const source = this.#source;
    this.#source = undefined;
    source?.release();
  }
}
