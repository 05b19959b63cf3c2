/** Waiting for a promise: the bridge from the other half of Node. */
import { checkFunction, show } from './check.ts';
import { hub } from './hub.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

type Source<T> = PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T>);

class Until<T> extends BaseOperation<T> {
  readonly #source: Source<T>;
  #controller: AbortController | undefined;
  /** Who waits; `undefined` as soon as nobody does. */
  #waiter: RawGreenlet | undefined;

  constructor(source: Source<T>) {
    super();
    this.#source = source;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    const promise = this.#start();
    let step: Step;
    try {
      step = hub.park(me, this);
    } catch (error) {
      this.#abort();
      promise.then(undefined, () => {});
      throw error;
    }
    this.#waiter = me;
    hub.outside++;
    try {
      promise.then(
        (value) => this.#settle(value, false),
        (error: unknown) => this.#settle(error, true),
      );
    } catch (error) {
      this.#settle(error, true);
    }
    return step;
  }

  #start(): PromiseLike<T> {
    const source = this.#source;
    if (typeof source !== 'function') return source;
    this.#controller = new AbortController();
    const promise = source(this.#controller.signal);
    if (typeof promise?.then === 'function') return promise;
    throw new TypeError(`until() got a function that returned ${show(promise)}: it must return a promise`);
  }

  #settle(outcome: unknown, failed: boolean): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.#waiter = undefined;
    hub.outside--;
    hub.wakeInline(waiter, outcome, failed);
  }

  cancel(): void {
    this.#waiter = undefined;
    hub.outside--;
    this.#abort();
  }

  #abort(): void {
    this.#controller?.abort();
  }

  describe(): string {
    return typeof this.#source === 'function' ? 'until(function)' : 'until(promise)';
  }
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
  if (typeof (source as PromiseLike<T> | undefined)?.then !== 'function') checkFunction('promise', source);
  return new Until(source);
}
