/**
 * `AsyncResult`: a value or an error that comes later, once.
 *
 * All its blocking calls wait in one lot, so that they wake in the order in which they were made. They are woken with
 * nothing and read the outcome when they are resumed: it never changes again.
 */
import { checkTimeout } from '../core/check.ts';
import { InvalidStateError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Operation, Resumption, Step, Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { timedOut } from '../core/timeout.ts';
import { type BlockOptions, limitOf } from './block-options.ts';
import type { Completable } from './completable.ts';
import { LotCall } from './lot-call.ts';
import { LotLinks } from './lot-links.ts';
import { ParkingLot } from './parking-lot.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

const nodeInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** What `result.statistics()` gives. */
export interface AsyncResultStatistics {
  /** Greenlets blocked in `get()` and the like. */
  readonly waiting: number;
}

type State = 'pending' | 'succeeded' | 'failed';

/**
 * A value or an error that somebody stores once, and others wait for. Follows `gevent.event.AsyncResult`, but never
 * changes once it is set.
 *
 * `set`, `trySet` and what only looks never suspend and may be called from anywhere, callbacks and ordinary code
 * included. It is an operation: `yield* result` is `result.get()`; ordinary code can `await` it. It can be given to
 * `wait()` and `iwait()`, and `greenlet.link(result)` stores how a greenlet ends. An error that nobody asks for is not
 * reported.
 *
 * @example
 * ```ts
 * import { AsyncResult, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const answer = new AsyncResult<number>();
 *   spawn(() => answer.set(42));
 *   console.log(answer.ready()); // => false
 *   console.log(yield* answer); // => 42
 *   console.log(answer.value); // => 42
 * });
 * ```
 */
export class AsyncResult<T = unknown> implements Completable, Operation<T>, PromiseLike<T> {
  readonly #waiters = new ParkingLot(this, 'get');
  readonly #links = new LotLinks(this, this.#waiters);
  #state: State = 'pending';
  /** The value or the error. */
  #outcome: unknown = undefined;
  #promise: Promise<T> | undefined = undefined;

  // ---- state

  /** Whether it holds a value or an error. */
  ready(): boolean {
    return this.#state !== 'pending';
  }

  /** Whether it holds a value. */
  successful(): boolean {
    return this.#state === 'succeeded';
  }

  /** The value; `undefined` until there is one. */
  get value(): T | undefined {
    return this.#state === 'succeeded' ? (this.#outcome as T) : undefined;
  }

  /** The error; `undefined` until there is one. */
  get exception(): unknown {
    return this.#state === 'failed' ? this.#outcome : undefined;
  }

  // ---- storing the outcome

  /**
   * Stores the value and wakes all who wait, and calls the links, in the order of their calls.
   *
   * @throws {InvalidStateError} there is a value or an error already, which stays
   */
  set(value: T): void {
    if (!this.trySet(value)) throw this.#alreadySet();
  }

  /**
   * Stores an error instead of a value, of any kind: each who asks for the value gets this very object thrown.
   *
   * @throws {InvalidStateError} there is a value or an error already, which stays
   */
  setException(error: unknown): void {
    if (!this.trySetException(error)) throw this.#alreadySet();
  }

  /**
   * As `set`, and tells whether this call was the first; if not, it changes nothing.
   *
   * @example
   * ```ts
   * import { AsyncResult } from 'genlet';
   *
   * const winner = new AsyncResult<string>();
   * console.log(winner.trySet('tortoise')); // => true
   * console.log(winner.trySet('hare')); // => false
   * console.log(winner.value); // => tortoise
   * ```
   */
  trySet(value: T): boolean {
    return this.#settle('succeeded', value);
  }

  /** As `setException`, and tells whether this call was the first; if not, it changes nothing. */
  trySetException(error: unknown): boolean {
    return this.#settle('failed', error);
  }

  #settle(state: State, outcome: unknown): boolean {
    if (this.#state !== 'pending') return false;
    this.#state = state;
    this.#outcome = outcome;
    this.#waiters.wakeAll(undefined);
    return true;
  }

  #alreadySet(): InvalidStateError {
    return new InvalidStateError(
      `${this} can't be set again: use trySet() or trySetException() if others may be first`,
    );
  }

  // ---- asking for it

  /**
   * Waits for the value. Suspends unless there is an outcome already; a kill ends the wait. Waiters wake in the order of
   * their calls.
   *
   * @throws the stored error, the same object each time
   * @throws {Timeout} no outcome within `timeout` ms, or not at once with `block: false`
   * @throws {RangeError} `timeout` is negative or NaN
   */
  get(options?: BlockOptions): Operation<T> {
    return this.take('get', limitOf(options));
  }

  /** `yield* result` is `result.get()`. */
  [Symbol.iterator](): Iterator<Suspension, T, any> {
    return this.take('get', undefined)[Symbol.iterator]();
  }

  /**
   * The value, without waiting; for callbacks and ordinary code too.
   *
   * @throws the stored error, the same object each time
   * @throws {Timeout} there is no outcome yet
   */
  getNowait(): T {
    if (this.#state === 'pending') throw timedOut(`${this.constructor.name}.getNowait()`, 0);
    if (this.#state === 'failed') throw this.#outcome;
    return this.#outcome as T;
  }

  /**
   * Waits for the outcome and gives the value; `undefined` if that is an error, or when `timeout` milliseconds are over.
   * Never throws the stored error. Suspends unless there is an outcome already; a kill ends the wait. Waiters wake in the
   * order of their calls.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<T | undefined> {
    return new Wait(this, this.#waiters, 'wait', checkTimeout(timeout));
  }

  /** The outcome as a promise, for ordinary code: always the same one. */
  toPromise(): Promise<T> {
    this.#promise ??= new Promise<T>((resolve, reject) => {
      const settle = () => {
        if (this.#state === 'failed') reject(this.#outcome);
        else resolve(this.#outcome as T);
      };
      if (this.ready()) settle();
      else this.#links.add(settle, false);
    });
    return this.#promise;
  }

  /** Makes `await result` work in ordinary code. */
  then<F = T, E = never>(
    onFulfilled?: ((value: T) => F | PromiseLike<F>) | null,
    onRejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<F | E> {
    return this.toPromise().then(onFulfilled, onRejected);
  }

  // ---- links

  /** Calls `callback(result)` in the hub, once, when there is an outcome; in the next pass if there is one already. */
  rawlink(callback: (result: this) => void): void {
    this.#links.add(callback, this.ready());
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (result: this) => void): void {
    this.#links.remove(callback);
  }

  /** Counters of this moment. */
  statistics(): AsyncResultStatistics {
    return { waiting: this.#waiters.size - this.#links.size };
  }

  /** How it appears in messages: class and state. The value is left out, for it may refer back to this object. */
  toString(): string {
    return `<${this.constructor.name} ${this.#state}>`;
  }

  /** As `console.log` shows it. @internal */
  [nodeInspect](): string {
    return this.toString();
  }

  /** What a blocked call is called in reports. @internal */
  describeCall(call: string): string {
    return `${this.constructor.name}.${call}()`;
  }

  /** Whether the outcome is lost if nobody waits for it; then it can't be waited for just to try. @internal */
  get perishable(): boolean {
    return false;
  }

  /** The last one who waited was killed, or had its time run out in `get`. @internal */
  forsake(): void {}

  /** Somebody who was to wait for it will not: see `BaseOperation`. @internal */
  forgo(): void {
    if (this.#waiters.size === 0) this.forsake();
  }

  /** The waiting form of `getNowait`, under the name by which the user called it. @internal */
  take(call: string, limit: number | undefined): Operation<T> {
    return new Get(this, this.#waiters, call, limit);
  }
}

/**
 * A blocking call. It is its own wait point even without a time limit, since it knows its name and the lot does not.
 * When its time is up it is woken as by `set`, and takes an outcome that came in the meantime all the same.
 */
abstract class ResultCall<T, R> extends LotCall<R> {
  protected readonly result: AsyncResult<T>;
  protected readonly call: string;

  constructor(result: AsyncResult<T>, lot: ParkingLot, call: string, limit: number | undefined) {
    super(lot, limit);
    this.result = result;
    this.call = call;
  }

  protected override block(me: RawGreenlet): Step {
    return this.blockHere(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(undefined);
  }

  override cancel(me: RawGreenlet): void {
    super.cancel(me);
    this.result.forgo();
  }

  override get repeatable(): boolean {
    return !this.result.perishable;
  }

  override get selectable(): boolean {
    return true;
  }

  override describe(): string {
    return this.result.describeCall(this.call);
  }
}

class Get<T> extends ResultCall<T, T> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      resumed.value = this.#outcome(true);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    return this.result.ready() || this.limit === 0 ? hub.ready(this.#outcome()) : this.block(me);
  }

  #outcome(waited = false): T {
    if (this.result.ready()) return this.result.getNowait();
    if (waited) this.result.forgo();
    throw timedOut(this.describe(), this.limit!);
  }
}

class Wait<T> extends ResultCall<T, T | undefined> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      resumed.value = this.result.value;
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    return this.result.ready() || this.limit === 0 ? hub.ready(this.result.value) : this.block(me);
  }
}
