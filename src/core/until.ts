/** Waiting for a promise: the bridge from the other half of Node. */
import { show } from './check.ts';
import { hub as importedHub } from './hub.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/**
 * The two reactions by which a greenlet waits for promises, one after the other: made once, for closures are a third of
 * the cost of a wait. A wait that is interrupted leaves its pair to the promise and takes a new one next time.
 * @internal
 */
export class Reactions {
  #waiter: RawGreenlet | undefined;

  /** `promise` must be a native one: it calls back once, and never at once. */
  await(promise: Promise<unknown>, waiter: RawGreenlet): void {
    this.expect(waiter);
    promise.then(this.#onValue, this.#onError);
  }

  /** Its promise calls back, whoever waited for that before. */
  expect(waiter: RawGreenlet): void {
    this.#waiter = waiter;
    hub.outside++;
  }

  forget(): void {
    this.#waiter = undefined;
    hub.outside--;
  }

  #onValue = (value: unknown): void => {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.forget();
    hub.wakeInline(waiter, value, false);
  };

  #onError = (error: unknown): void => {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.forget();
    hub.wakeInline(waiter, error, true);
  };
}

/**
 * The reactions of waits that were interrupted: a promise can't be asked to forget them, so the next who waits for it
 * takes them over. Else a promise that lives long would collect one with each interrupted wait.
 */
const abandoned = new WeakMap<Promise<unknown>, Reactions>();
let someAbandoned = false;

class Until<T> extends BaseOperation<T> {
  readonly #source: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>);
  #controller: AbortController | undefined;
  #promise: Promise<T> | undefined;

  constructor(source: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>)) {
    super();
    this.#source = source;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    let me: RawGreenlet;
    try {
      me = hub.self(this, arguments.length);
    } catch (killed) {
      this.forgo();
      throw killed;
    }
    const source = this.#source;
    const promise = typeof source === 'function' ? this.#start(source, me) : native(source);
    let step: Step;
    try {
      step = hub.park(me, this);
    } catch (killed) {
      this.#controller?.abort();
      promise.catch(() => {});
      throw killed;
    }
    this.#promise = promise;
    this.#await(promise, me);
    return step;
  }

  #start(source: (signal: AbortSignal) => PromiseLike<T>, me: RawGreenlet): Promise<T> {
    this.#controller = new AbortController();
    hub.current = me.runner;
    try {
      const promise = source(this.#controller.signal);
      if (typeof promise?.then === 'function') return native(promise);
      throw new TypeError(`until() got a function that returned ${show(promise)}: it must return a promise`);
    } finally {
      hub.current = me;
    }
  }

  /** The promise may be rejected all the same, and nobody is to hear of it. */
  override forgo(): void {
    if (typeof this.#source !== 'function') native(this.#source).catch(() => {});
  }

  #await(promise: Promise<T>, me: RawGreenlet): void {
    const extras = me.extra();
    const reactions = someAbandoned ? abandoned.get(promise) : undefined;
    if (reactions === undefined) {
      extras.reactions ??= new Reactions();
      extras.reactions.await(promise, me);
    } else {
      abandoned.delete(promise);
      extras.reactions = reactions;
      reactions.expect(me);
    }
  }

  cancel(me: RawGreenlet): void {
    const extras = me.extra();
    const reactions = extras.reactions!;
    reactions.forget();
    extras.reactions = undefined;
    someAbandoned = true;
    abandoned.set(this.#promise!, reactions);
    this.#controller?.abort();
  }

  override get selectable(): boolean {
    return true;
  }

  describe(): string {
    return typeof this.#source === 'function' ? 'until(function)' : 'until(promise)';
  }
}

/** Other thenables may call back twice, or at once; a native promise keeps that off. */
function native<T>(promise: PromiseLike<T>): Promise<T> {
  return promise instanceof Promise ? promise : Promise.resolve(promise);
}

/**
 * Waits for a promise, or for the one that a function returns when given an `AbortSignal`.
 *
 * Suspends, even if the promise is settled. A kill or timeout ends the wait: the signal is aborted, a late result is
 * dropped and a late rejection never becomes an unhandled one. Follows `await`.
 *
 * @throws whatever the promise is rejected with
 * @example
 * ```ts
 * import { run, until } from 'genlet';
 *
 * await run(function* () {
 *   const text = yield* until(Promise.resolve('text'));
 *   console.log(text); // => text
 * });
 * ```
 */
export function until<T>(source: PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>)): Operation<T> {
  if (typeof source !== 'function' && typeof (source as PromiseLike<T> | undefined)?.then !== 'function') {
    throw new TypeError(`promise is ${show(source)}: give a promise, or a function that returns one`);
  }
  return new Until(source);
}
