/** `Future`: the result of work that somebody else does, which can be cancelled before it begins. */
import { checkCallback, checkTimeout } from '../core/check.ts';
import { CancelledError, InvalidStateError } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';
import { AsyncResult, type AsyncResultStatistics } from './async-result.ts';

/** What `future.statistics()` gives. */
export interface FutureStatistics extends AsyncResultStatistics {
  /** Done callbacks that have not been called. */
  readonly callbacks: number;
}

/**
 * An `AsyncResult` that can be cancelled, and says whether work on it has begun. Follows `concurrent.futures.Future`,
 * with the callbacks of `asyncio.Future`.
 *
 * Whoever does the work calls `setRunningOrNotifyCancel()` first, then `setResult` or `setException`. Whoever wants the
 * result calls `result()`, adds a callback, or gives the future to `asCompleted()` or `waitFutures()`. None but `result`
 * suspends; they may be called from anywhere.
 *
 * @example
 * ```ts
 * import { CancelledError, Future, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const page = new Future<string>();
 *   page.addDoneCallback((future) => console.log('callback:', future.value));
 *   spawn(() => page.setResult('<html>'));
 *   const result = yield* page.result(1000); // => callback: <html>
 *   console.log('result:', result); // => result: <html>
 *
 *   const other = new Future<string>();
 *   console.log(other.cancel(), other.exception instanceof CancelledError); // => true true
 * });
 * ```
 */
export class Future<T = unknown> extends AsyncResult<T> {
  #begun = false;
  #cancelled = false;
  // Of type `unknown`, for a callback's parameter would keep a `Future<5>` from being a `Future<number>`.
  /** The done callbacks that have not been called, by the links that call them. */
  readonly #callbacks = new Map<() => void, unknown>();

  // ---- state

  /** Whether it has a result or an error, or was cancelled. The same as `ready()`. */
  done(): boolean {
    return this.ready();
  }

  /** Whether work on it has begun, so that it can't be cancelled any more, and not ended. */
  running(): boolean {
    return this.#begun && !this.ready();
  }

  /** Whether it was cancelled. Its `exception` is a `CancelledError` then. */
  cancelled(): boolean {
    return this.#cancelled;
  }

  // ---- for whoever wants the result

  /**
   * Waits for the result, for at most `timeout` milliseconds: `get()` under the name that Python gives it. Suspends
   * unless the future is done; a kill ends the wait. Waiters wake in the order of their calls.
   *
   * @throws the error that was set, the same object each time
   * @throws {CancelledError} the future was cancelled, before the call or since
   * @throws {Timeout} time is up
   * @throws {RangeError} `timeout` is negative or NaN
   */
  result(timeout?: number | null): Operation<T> {
    return this.take('result', checkTimeout(timeout));
  }

  /**
   * Cancels the future unless work on it has begun or ended: all who wait for it get a `CancelledError`, and
   * callbacks are called, in the order in which they came. Gives whether the future is cancelled now: also `true` if it was before.
   *
   * The error has `message`. Work that is running is not interrupted: kill the greenlet that does it.
   */
  cancel(message = 'the future was cancelled'): boolean {
    if (this.#begun || this.ready()) return this.#cancelled;
    this.#cancelled = true;
    return this.trySetException(new CancelledError(message));
  }

  /**
   * Calls `callback(future)` in the hub when the future is done, or in the next pass if it is already: once for each
   * time that it was added, in that order. It must not block. An error it throws goes to `hub.handleError`, and the
   * other callbacks are called all the same.
   */
  addDoneCallback(callback: (future: this) => void): void {
    checkCallback('callback', callback);
    const link = () => {
      this.#callbacks.delete(link);
      callback(this);
    };
    this.#callbacks.set(link, callback);
    this.rawlink(link);
  }

  /** Takes a callback back, however often it was added; gives how many times that was. Also one that is about to be called. */
  removeDoneCallback(callback: (future: this) => void): number {
    const links = [...this.#callbacks].filter(([, added]) => added === callback);
    for (const [link] of links) {
      this.#callbacks.delete(link);
      this.unlink(link);
    }
    return links.length;
  }

  // ---- for whoever does the work

  /**
   * Says that work on the future begins: `true`, and it can't be cancelled from now on; `false` if it was cancelled, so
   * that there is nothing to do. For executors and the like.
   *
   * @throws {InvalidStateError} the work has begun or ended before
   * @example
   * ```ts
   * import { Future } from 'genlet';
   *
   * function work(future: Future<number>, task: () => number): void {
   *   if (!future.setRunningOrNotifyCancel()) return;
   *   try {
   *     future.setResult(task());
   *   } catch (error) {
   *     future.setException(error);
   *   }
   * }
   *
   * const [one, two] = [new Future<number>(), new Future<number>()];
   * two.cancel();
   * for (const future of [one, two]) work(future, () => 42);
   * console.log(one.value, two.cancelled()); // => 42 true
   * ```
   */
  setRunningOrNotifyCancel(): boolean {
    if (this.#cancelled) return false;
    if (this.#begun || this.ready()) throw new InvalidStateError(`${this} can't begin again: make a new future`);
    this.#begun = true;
    return true;
  }

  /**
   * Stores the result, as `set`.
   *
   * @throws {InvalidStateError} the future is done, or was cancelled
   */
  setResult(result: T): void {
    this.set(result);
  }

  /** Counters of this moment. */
  override statistics(): FutureStatistics {
    return { ...super.statistics(), callbacks: this.#callbacks.size };
  }

  /** How it appears in messages: class and state. */
  override toString(): string {
    if (this.#cancelled) return `<${this.constructor.name} cancelled>`;
    return this.running() ? `<${this.constructor.name} running>` : super.toString();
  }
}
