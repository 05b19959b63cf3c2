/**
 * `Timeout`: an error that is thrown into the greenlet which started it, unless cancelled before.
 *
 * It is an `Error` by prototype only and its own timer node: running the `Error` constructor, with its stack capture,
 * would cost more than everything else about it. The stack is captured when it fires.
 */
import { checkFunction, checkOptions, checkTimeout, show } from './check.ts';
import { composite } from './dev.ts';
import { brand, InvalidStateError } from './errors.ts';
import { hub as importedHub } from './hub.ts';
import type { Coroutine, Operation, Outcome } from './operation.ts';
import { callAndWait } from './perform.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { Ref, type Timer } from './timers.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/** What a `Timeout` throws instead of itself: an error, a class to make one of when it fires, or its message. */
export type TimeoutError = Error | (new () => Error) | string;

/**
 * A time limit for whatever the greenlet does next. Follows `gevent.Timeout`.
 *
 * When it expires it is thrown at the greenlet's suspension point: itself, so that nested timeouts are told apart by
 * identity, or the `error` that was given. Code that never suspends can't be interrupted. A limit of `undefined` or
 * `null` never expires; 0 does so at the first suspension that lasts. Starting and cancelling one costs no Node timer.
 *
 * @example
 * ```ts
 * import { run, sleep, Timeout } from 'genlet';
 *
 * await run(function* () {
 *   using limit = Timeout.startNew(5);
 *   try {
 *     yield* sleep(1000);
 *   } catch (error) {
 *     if (error !== limit) throw error; // somebody else's
 *     console.log(String(error)); // => Timeout: timed out after 5 ms
 *   }
 * });
 * ```
 */
export class Timeout implements Error {
  declare readonly code: 'GENLET_TIMEOUT';
  declare readonly name: string;
  declare stack?: string;
  declare cause?: unknown;
  /** The limit in milliseconds; `undefined` for none. */
  readonly ms: number | undefined;

  // A node of the timer queue, see `Timer`.
  /** @internal */
  due = 0;
  /** @internal */
  slot = -1;
  /** @internal */
  before: Timer = this as never;
  /** @internal */
  after: Timer = this as never;
  /** @internal */
  ref: number = Ref.PROCESS;

  #error: TimeoutError | undefined;
  #greenlet: RawGreenlet | undefined = undefined;
  #shields = 0;
  #closed = false;

  constructor(ms?: number | null, error?: TimeoutError) {
    this.ms = checkTimeout(ms);
    if (error !== undefined && !(error instanceof Error) && typeof error !== 'string' && !isErrorClass(error)) {
      throw new TypeError(`error is ${show(error)}: give an Error, an Error class or a message`);
    }
    this.#error = error;
  }

  /** Starts a new timeout, or the one that is given instead of a duration if it does not run yet. */
  static startNew(timeout?: number | null | Timeout, error?: TimeoutError): Timeout {
    const made = timeout instanceof Timeout ? timeout : new Timeout(timeout, error);
    if (!made.pending) made.start();
    return made;
  }

  /** The message that was given, or `timed out after 5000 ms`. */
  get message(): string {
    if (!(#error in this)) return ''; // a copy by prototype, as test runners make for their diffs
    return typeof this.#error === 'string' ? this.#error : `timed out after ${this.ms} ms`;
  }

  /** Whether it runs: started, and neither expired nor cancelled. */
  get pending(): boolean {
    return this.slot !== -1;
  }

  /**
   * Starts it for the current greenlet.
   *
   * @throws {InvalidStateError} it runs already, or was closed
   * @throws {NotInGreenletError} there is no greenlet to interrupt
   */
  start(): void {
    if (this.pending) throw new InvalidStateError(`${this} is pending: cancel() it before another start()`);
    if (this.#closed) throw new InvalidStateError(`${this} was closed: make a new one`);
    const me = hub.self(this);
    this.#greenlet = me;
    if (this.ms === undefined) return;
    this.#shields = me.extras === undefined ? 0 : me.extras.shields;
    hub.startTimer(this as Timer, this.ms);
  }

  /** Stops it; it may be started again. An error that still waits for the greenlet's next suspension is taken back. */
  cancel(): void {
    if (this.slot !== -1) hub.timers.cancel(this as Timer);
    else this.#greenlet?.withdraw(this);
  }

  /** Stops it for good. */
  close(): void {
    this.cancel();
    this.#closed = true;
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  fire(): void {
    this.#greenlet!.interrupt(this.#toThrow(), this.#shields, this);
  }

  #toThrow(): unknown {
    const error = this.#error;
    if (error instanceof Error) return error;
    if (typeof error === 'function') return make(error);
    Error.captureStackTrace(this);
    return this;
  }

  /** @internal */
  describe(): string {
    return `new Timeout(${this.ms}).start()`;
  }
}
Object.setPrototypeOf(Timeout.prototype, Error.prototype);
brand(Timeout, 'GENLET_TIMEOUT');

function isErrorClass(value: unknown): boolean {
  return typeof value === 'function' && (value === Error || value.prototype instanceof Error);
}

function make(errorClass: new () => Error): unknown {
  try {
    return new errorClass();
  } catch (error) {
    return error;
  }
}

/** A `Timeout` to be thrown for a call that ran out of time. @internal */
export function timedOut(call: string, ms: number): Timeout {
  const error = new Timeout(ms, ms === 0 ? `${call} had no result yet` : `${call} timed out after ${ms} ms`);
  Error.captureStackTrace(error, timedOut);
  return error;
}

/**
 * Runs `fn` in the current greenlet for at most `ms` milliseconds. Gives its result, or `value` if *this* time limit
 * expired; anybody else's timeout passes through. Suspends as `fn` does; a kill goes into `fn`. Follows
 * `gevent.with_timeout`.
 *
 * @throws {Timeout} time is up and no `value` was given
 * @example
 * ```ts
 * import { run, sleep, withTimeout } from 'genlet';
 *
 * await run(function* () {
 *   const answer = yield* withTimeout(5, () => sleep(1000), { value: 'too slow' });
 *   console.log(answer); // => too slow
 * });
 * ```
 */
export function withTimeout<R>(ms: number | null | undefined, fn: () => R): Operation<Outcome<R>>;
export function withTimeout<R, V>(
  ms: number | null | undefined,
  fn: () => R,
  options: { value: V },
): Operation<Outcome<R> | V>;
export function withTimeout(
  ms: number | null | undefined,
  fn: () => unknown,
  options?: { value: unknown },
): Operation<unknown> {
  const limit = new Timeout(ms);
  checkFunction('function', fn);
  checkOptions(options, '{ value: what to give when time is up }');
  return composite('withTimeout()', limited(limit, fn, options));
}

function* limited(limit: Timeout, fn: () => unknown, options: { value: unknown } | undefined): Coroutine<unknown> {
  limit.start();
  try {
    return yield* callAndWait(fn);
  } catch (error) {
    if (error === limit && options !== undefined && 'value' in options) return options.value;
    throw error;
  } finally {
    limit.close();
  }
}
