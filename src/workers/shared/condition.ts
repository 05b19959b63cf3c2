/**
 * A `Condition` between threads.
 *
 * Each thread has a word that tells how many of its greenlets wait and how many of those are notified; a notifier raises
 * the second, a waiter that gives up lowers the first, each in one atomic step. So a notification is never given to
 * nobody: one that has no taker any more is seen by whoever gives up, and goes to another.
 */
import { checkCallback, checkInteger, checkTimeout, show } from '../../core/check.ts';
import { Checkpoint } from '../../core/checkpoint.ts';
import { composite } from '../../core/dev.ts';
import { InvalidStateError } from '../../core/errors.ts';
import { hub as importedHub } from '../../core/hub.ts';
import type { Coroutine, Operation, Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { Waitable } from '../../core/wait.ts';
import type { BlockOptions } from '../../sync/block-options.ts';
import { retakeLock, waitUntil } from '../../sync/condition-wait.ts';
import { LINE_WORDS, Line, NOT_YET } from './line.ts';
import { LineCall } from './line-call.ts';
import { SharedOwnedLock } from './owned-lock.ts';
import { PULSE_WORDS, Pulse } from './pulse.ts';
import { RLock } from './rlock.ts';
import { type Descriptor, FIRST_WORD, Opening, SharedObject } from './shared-object.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

const LINE: number = FIRST_WORD;
const PULSE: number = LINE + LINE_WORDS;

/** In the word of a thread: one waiter, one notification. */
const WAITER = 1;
const NOTIFIED: number = 1 << 16;
const MOST_WAITERS = NOTIFIED - 1;
const waitersIn = (word: number): number => word & MOST_WAITERS;
const notifiedIn = (word: number): number => word >>> 16;

/** What `statistics()` of a shared condition gives. */
export interface ConditionStatistics {
  /** Greenlets of this thread blocked in `wait()` that have not been notified. */
  readonly waiting: number;
}

/**
 * A lock between threads together with a way to wait, while it is given up, for a change that another holder of the lock
 * makes, in whatever thread. Follows `multiprocessing.Condition` and genlet's own `Condition`.
 *
 * `notify` and `notifyAll` never suspend. It can be given to `wait()` and `iwait()`: it is ready at the next
 * notification.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const changed = new shared.Condition();
 *   const count = new shared.Value('i32');
 *   const consumer = spawn(function* () {
 *     using _ = yield* changed.hold();
 *     yield* changed.waitFor(() => count.value > 0);
 *     return count.value;
 *   });
 *   spawn(function* () {
 *     using _ = yield* changed.hold();
 *     count.value = 7;
 *     changed.notify();
 *   });
 *   console.log(yield* consumer); // => 7
 * });
 * ```
 */
export class Condition extends SharedObject implements Waitable {
  /** The lock that belongs to it. */
  readonly lock: SharedOwnedLock;
  /** @internal */
  readonly line: Line;
  readonly #pulse: Pulse;

  /** Several conditions may share one `lock`, a shared `Lock` or `RLock`; without one, it makes an `RLock` of its own. */
  constructor(lock?: SharedOwnedLock);
  /** @internal */
  constructor(opening: Opening);
  constructor(lock: SharedOwnedLock | Opening = new RLock()) {
    const opening = lock instanceof Opening ? lock : undefined;
    if (opening === undefined && !(lock instanceof SharedOwnedLock)) {
      throw new TypeError(`lock is ${show(lock)}: give a shared.Lock or a shared.RLock`);
    }
    super(opening, PULSE + PULSE_WORDS);
    this.lock = opening === undefined ? (lock as SharedOwnedLock) : opening.parts.lock;
    this.line = new Line(this, 'wait', this.space, this.words, LINE, this);
    this.#pulse = new Pulse(this, this.space, this.words, PULSE, () => false);
  }

  /** As `lock.acquire()`. */
  acquire(options?: BlockOptions): Operation<boolean> {
    return this.lock.acquire(options);
  }

  /** As `lock.acquireNowait()`. */
  acquireNowait(): boolean {
    return this.lock.acquireNowait();
  }

  /** As `lock.hold()`: `using _ = yield* condition.hold()`. */
  hold(timeout?: number | null): Operation<Disposable> {
    return this.lock.hold(timeout);
  }

  /** As `lock.release()`. */
  release(): void {
    this.lock.release();
  }

  /** Whether somebody holds the lock. */
  locked(): boolean {
    return this.lock.locked();
  }

  /**
   * Gives the lock up, waits for a notification, and takes the lock again: gives `true`, or `false` when `timeout`
   * milliseconds were over before. An `RLock` held several times is given up wholly, and restored. The threads are
   * notified in the order of their first calls, the greenlets of a thread in that of theirs.
   *
   * Suspends the greenlet, never the thread. A kill, too, is thrown only when the lock has been taken again; a
   * notification that the killed one had goes to the next.
   *
   * @throws {InvalidStateError} the greenlet does not hold the lock
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<boolean> {
    return composite('Condition.wait()', this.#wait(checkTimeout(timeout)));
  }

  *#wait(limit: number | undefined): Coroutine<boolean> {
    yield* new Checkpoint('Condition.wait()');
    this.#checkLock('wait');
    const wait = new Wait(this, limit);
    let notified = false;
    try {
      notified = yield* wait;
      return notified;
    } finally {
      // A notification that a killed one had goes to the next.
      if (wait.depth > 0) yield* retakeLock(this.lock, wait.depth, () => notified && this.#distribute(1));
    }
  }

  /**
   * Waits until `predicate()` is true, looking again after each notification, and gives its last value: a false one when
   * `timeout` milliseconds are over. It is called while the lock is held. Suspends, and behaves at a kill, as `wait`.
   *
   * @throws {InvalidStateError} the greenlet does not hold the lock
   * @throws {RangeError} `timeout` is negative or NaN
   */
  waitFor<T>(predicate: () => T, timeout?: number | null): Operation<T> {
    checkCallback('predicate', predicate);
    return composite('Condition.waitFor()', this.#waitFor(predicate, checkTimeout(timeout)));
  }

  *#waitFor<T>(predicate: () => T, limit: number | undefined): Coroutine<T> {
    yield* new Checkpoint('Condition.waitFor()');
    this.#checkLock('waitFor');
    return yield* waitUntil(predicate, limit, (left) => this.#wait(left));
  }

  /**
   * Wakes `count` of those who wait; each goes on when it has got the lock.
   *
   * @throws {InvalidStateError} the caller does not hold the lock
   * @throws {RangeError} `count` is no whole number of 0 or more
   */
  notify(count = 1): void {
    checkInteger('count', count, 0);
    this.#checkLock('notify');
    this.#distribute(count);
    if (count > 0) this.#pulse.fire();
  }

  /**
   * Wakes all who wait.
   *
   * @throws {InvalidStateError} the caller does not hold the lock
   */
  notifyAll(): void {
    this.#checkLock('notifyAll');
    this.#distribute(Number.POSITIVE_INFINITY);
    this.#pulse.fire();
  }

  #distribute(count: number): void {
    if (!this.line.busy) return;
    const slots = new Set<number>();
    for (let left = count; left > 0; left--) {
      const slot = this.#notifyOne();
      if (slot < 0) break;
      slots.add(slot);
    }
    for (const slot of slots) {
      if (slot === this.space.slot) this.line.serve();
      else this.space.ring(slot);
    }
  }

  /** Notifies one who waits, and gives the slot of its thread; -1 if nobody does. */
  #notifyOne(): number {
    const { words, line } = this;
    for (;;) {
      const slot = this.#chooseSlot();
      if (slot < 0) return slot;
      const at = line.extraAt(slot);
      const word = Atomics.load(words, at);
      if (notifiedIn(word) >= waitersIn(word)) continue;
      if (Atomics.compareExchange(words, at, word, (word + NOTIFIED) | 0) === word) return slot;
    }
  }

  /** The thread with the fewest notifications that it has not heard of, and of these the one that waits longest. */
  #chooseSlot(): number {
    let chosen = -1;
    let fewest = 0;
    let least = 0;
    for (const slot of this.line.slots()) {
      const word = Atomics.load(this.words, this.line.extraAt(slot));
      const notified = notifiedIn(word);
      if (notified >= waitersIn(word)) continue;
      const ticket = this.line.ticketOf(slot);
      if (chosen >= 0 && (notified > fewest || (notified === fewest && ((ticket - least) | 0) > 0))) continue;
      chosen = slot;
      fewest = notified;
      least = ticket;
    }
    return chosen;
  }

  #checkLock(call: string): void {
    if (this.lock.isMine()) return;
    throw new InvalidStateError(`Condition.${call}() needs the lock: acquire() it, or use hold()`);
  }

  /** Calls `callback(condition)` in the hub, once, at the next notification. */
  rawlink(callback: (condition: this) => void): void {
    this.#pulse.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (condition: this) => void): void {
    this.#pulse.remove(callback);
  }

  override share(): Descriptor<'Condition'> {
    return { ...super.share(), parts: { lock: this.lock.share() } } as Descriptor<'Condition'>;
  }

  /** Counters of this moment. */
  statistics(): ConditionStatistics {
    return { waiting: this.line.size };
  }

  /** @internal */
  get kind(): string {
    return 'Condition';
  }

  // ---- what `Wait` and the line use

  /** One of this thread waits. @internal */
  enlist(): void {
    Atomics.add(this.words, this.line.extraAt(), WAITER);
  }

  /** One of this thread has given up; a notification for which there is nobody left goes on. @internal */
  forsake(): void {
    const { words } = this;
    const at = this.line.extraAt();
    for (;;) {
      const word = Atomics.load(words, at);
      const surplus = notifiedIn(word) > waitersIn(word) - 1;
      const next = (word - WAITER - (surplus ? NOTIFIED : 0)) | 0;
      if (Atomics.compareExchange(words, at, word, next) !== word) continue;
      if (surplus) this.#distribute(1);
      return;
    }
  }

  /** @internal */
  checkRoom(): void {
    if (waitersIn(Atomics.load(this.words, this.line.extraAt())) < MOST_WAITERS) return;
    throw new InvalidStateError(`Condition.wait(): ${MOST_WAITERS} greenlets of this thread wait already`);
  }

  /** @internal */
  attempt(): unknown {
    const { words } = this;
    const at = this.line.extraAt();
    for (let word = Atomics.load(words, at); notifiedIn(word) > 0; word = Atomics.load(words, at)) {
      if (Atomics.compareExchange(words, at, word, (word - WAITER - NOTIFIED) | 0) === word) return true;
    }
    return NOT_YET;
  }

  /** @internal */
  promising(): boolean {
    return notifiedIn(Atomics.load(this.words, this.line.extraAt())) > 0;
  }

  /** What a thread was notified of that did not live to hear it goes to others. @internal */
  onDeath(word: number): void {
    this.#distribute(notifiedIn(word));
  }
}

/** Stands in line before it gives the lock up: from then on it can be notified. */
class Wait extends LineCall<boolean> {
  readonly #condition: Condition;
  /** How often the lock was held that was given up; 0 if it was not. */
  depth = 0;

  constructor(condition: Condition, limit: number | undefined) {
    super(condition.line, limit);
    this.#condition = condition;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const condition = this.#condition;
    if (this.limit === 0) {
      this.depth = condition.lock.leave();
      return hub.ready(false);
    }
    condition.checkRoom();
    const step = this.blockHere(me);
    condition.enlist();
    this.line.settle(me);
    this.depth = condition.lock.leave();
    return step;
  }

  override cancel(me: RawGreenlet): void {
    super.cancel(me);
    this.#condition.forsake();
  }

  protected giveUp(me: RawGreenlet): void {
    this.#condition.forsake();
    me.wake(false);
  }
}
