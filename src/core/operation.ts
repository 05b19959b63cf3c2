/**
 * What `yield*` accepts, and the protocol between an operation and the hub.
 *
 * An operation performs itself inside its first `next()`, which comes without an argument. Either the result is there
 * already: it returns `RESULT`, done, and no scheduler was visited. Or it registers the current greenlet somewhere and
 * returns `SUSPENDED`. When the greenlet is resumed, the hub passes `RESULT` down through every delegating `yield*`,
 * and the operation hands the same object back. So a switch allocates nothing, and the hub never inspects what a
 * coroutine yields beyond comparing it with these few objects.
 *
 * Rejected: yielding a record that describes the request (an allocation and a dispatch each time), and operations
 * written as generator functions (50 % dearer to resume).
 */
import { DEV, noteMade, notePerformed } from './dev.ts';

declare const suspension: unique symbol;

/** What a suspended operation yields to the hub. Opaque: only genlet's own operations make one. */
export interface Suspension {
  readonly [suspension]: true;
}

/**
 * Anything that `yield*` performs in a coroutine: a blocking call, a greenlet (its value), a coroutine call.
 *
 * `yield*` infers `T`. An operation is lazy: nothing happens before `yield*`. It is good for one `yield*`.
 *
 * @example
 * ```ts
 * import { type Operation, run, sleep } from 'genlet';
 *
 * const pause: Operation<void> = sleep(1);
 * await run(function* () {
 *   yield* pause;
 * });
 * ```
 */
export interface Operation<T> {
  /** What `yield*` asks for; nothing else may iterate it. */
  [Symbol.iterator](): Iterator<Suspension, T, any>;
  /** Never there: a promise is no operation, even where `yield*` takes one. */
  readonly catch?: never;
}

/** The generator that a call of a coroutine function returns; itself an `Operation<T>`. */
export type Coroutine<T> = Generator<Suspension, T, any>;

/** What running a function gives in the end: an operation's result, a promise's value, or the plain value. */
export type Outcome<R> = R extends Operation<infer T> ? T : Awaited<R>;

/** The iterator result with which a finished operation answers, and with which the hub resumes a suspended one. @internal */
export interface Resumption {
  done: true;
  value: any;
}

/** @internal */
export type Step = IteratorResult<Suspension, any>;

/** The one shared result object; its value is read at once by `yield*`, so nobody may keep it. @internal */
export const RESULT: Resumption = { done: true, value: undefined };

/** Yielded by an operation that has parked its greenlet. @internal */
export const SUSPENDED: Step = { done: false, value: undefined as never };

/** Yielded by a raw switch: the hub goes on with `hub.target`. @internal */
export const SWITCHING: Step = { done: false, value: undefined as never };

/** Yielded by a `coroutine()` call when the native stack is deep: the hub starts the callee on an empty one. @internal */
export const BOUNCE: Step = { done: false, value: undefined as never };

/** Where a blocked greenlet stands. @internal */
export interface WaitPoint {
  /** Takes the greenlet off; called before an error is thrown into it. It must not lose anything. */
  cancel(greenlet: never): void;
  /** What is waited for, for reports: `sleep(1000)`, `Queue.get()`. */
  describe(): string;
}

/**
 * The base of all built-in operations.
 *
 * In its first call, `next` passes `arguments.length` on to `hub.self`: `yield*` calls `next(undefined)`, but a spread,
 * `for...of`, destructuring and `Array.from` call `next()`. That is how misuse is told from use.
 *
 * `next` is written out in each class: a shared `next` that calls an abstract method becomes megamorphic in a program
 * with many kinds of operations, and costs 1.6 times as much.
 * @internal
 */
abstract class PlainOperation<T> implements Operation<T>, Iterator<Suspension, T, any> {
  [Symbol.iterator](): this {
    return this;
  }

  /** First call: performs the operation. Later calls come from the hub, with `RESULT`. */
  abstract next(resumed?: Resumption): IteratorResult<Suspension, T>;

  /** `yield*` calls this when an error is thrown into the suspended greenlet. */
  throw(error: unknown): IteratorResult<Suspension, T> {
    throw error;
  }

  /** Called when a destructuring or a broken-off loop closes its iterator: `next` then says what is wrong. */
  return(): IteratorResult<Suspension, T> {
    return this.next();
  }

  /** Whether it can be performed again after it was cancelled, for it then leaves nothing behind. */
  get repeatable(): boolean {
    return false;
  }

  /** Whether it may be a case of a `select`: it either happens or, when it is cancelled, has done nothing. */
  get selectable(): boolean {
    return this.repeatable;
  }

  /** Whether it keeps nothing, so that it can be performed several times at once. */
  get shareable(): boolean {
    return false;
  }

  /** Called when it was left out, and will never be performed. */
  forgo(): void {}

  /** What the operation waits for, for reports and misuse errors. */
  abstract describe(): string;
}

/** As it is in development mode. */
abstract class TrackedOperation<T> extends PlainOperation<T> {
  constructor() {
    super();
    noteMade(this);
  }

  override [Symbol.iterator](): this {
    notePerformed(this);
    return this;
  }
}

/** @internal */
export const BaseOperation: typeof PlainOperation = DEV ? TrackedOperation : PlainOperation;
/** @internal */
export type BaseOperation<T> = PlainOperation<T>;
