/** `Condition`: waiting until somebody says that something has changed. */
import { checkCallback, checkInteger, checkTimeout, show } from '../core/check.ts';
import { Checkpoint } from '../core/checkpoint.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError } from '../core/errors.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import type { Waitable } from '../core/wait.ts';
import type { BlockOptions } from './block-options.ts';
import { retakeLock, waitUntil } from './condition-wait.ts';
import { Lock } from './lock.ts';
import { LotWait } from './lot-wait.ts';
import { ParkingLot } from './parking-lot.ts';
import { ReadyLinks } from './ready-links.ts';
import { RLock } from './rlock.ts';

/** What `condition.statistics()` gives. */
export interface ConditionStatistics {
  /** Greenlets blocked in `wait()` that have not been notified. */
  readonly waiting: number;
}

/**
 * A lock together with a way to wait, while it is given up, for a change that another holder of the lock makes. Follows
 * `threading.Condition`.
 *
 * `notify` and `notifyAll` never suspend. It can be given to `wait()` and `iwait()`: it is ready at the next
 * notification.
 *
 * @example
 * ```ts
 * import { Condition, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const changed = new Condition();
 *   const items: string[] = [];
 *   const consumer = spawn(function* () {
 *     using _ = yield* changed.hold();
 *     yield* changed.waitFor(() => items.length > 0);
 *     return items.pop();
 *   });
 *   spawn(function* () {
 *     using _ = yield* changed.hold();
 *     items.push('bread');
 *     changed.notify();
 *   });
 *   console.log(yield* consumer); // => bread
 * });
 * ```
 */
export class Condition implements Waitable {
  /** The lock that belongs to it. */
  readonly lock: Lock | RLock;
  readonly #waiters = new ParkingLot(this, 'wait');
  readonly #links = new ReadyLinks(this);

  /** Several conditions may share one `lock`; without one, it makes an `RLock` of its own. */
  constructor(lock: Lock | RLock = new RLock()) {
    if (!(lock instanceof Lock || lock instanceof RLock)) {
      throw new TypeError(`lock is ${show(lock)}: give a Lock or an RLock`);
    }
    this.lock = lock;
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
   * milliseconds were over before. An `RLock` held several times is given up wholly, and restored. Waiters are notified
   * in the order of their calls.
   *
   * Suspends. A kill, too, is thrown only when the lock has been taken again; a notification that the killed one had
   * goes to the next.
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
    const depth = this.lock.leave();
    let notified = false;
    try {
      notified = yield* new LotWait(this.#waiters, never, limit);
      return notified;
    } finally {
      // A notification that a killed one had goes to the next.
      yield* retakeLock(this.lock, depth, () => notified && this.#notify(1));
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
   * Wakes `count` of those who wait, the first ones; each goes on when it has got the lock.
   *
   * @throws {InvalidStateError} the caller does not hold the lock
   * @throws {RangeError} `count` is no whole number of 0 or more
   */
  notify(count = 1): void {
    checkInteger('count', count, 0);
    this.#checkLock('notify');
    this.#notify(count);
    if (count > 0) this.#links.notify();
  }

  /**
   * Wakes all who wait.
   *
   * @throws {InvalidStateError} the caller does not hold the lock
   */
  notifyAll(): void {
    this.#checkLock('notifyAll');
    this.#notify(this.#waiters.size);
    this.#links.notify();
  }

  #notify(count: number): void {
    for (let left = Math.min(count, this.#waiters.size); left > 0; left--) this.#waiters.shift()!.wake(true);
  }

  #checkLock(call: string): void {
    if (this.lock.isMine()) return;
    throw new InvalidStateError(`Condition.${call}() needs the lock: acquire() it, or use hold()`);
  }

  /** Calls `callback(condition)` in the hub, once, at the next notification. */
  rawlink(callback: (condition: this) => void): void {
    this.#links.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (condition: this) => void): void {
    this.#links.remove(callback);
  }

  /** Counters of this moment. */
  statistics(): ConditionStatistics {
    return { waiting: this.#waiters.size };
  }
}

const never = (): boolean => false;
