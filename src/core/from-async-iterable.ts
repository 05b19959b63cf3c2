/** Async iterables, read one item at a time. */
import { show } from './check.ts';
import type { Coroutine, Operation } from './operation.ts';
import { until } from './until.ts';

/** An iteration whose steps suspend; `using` it ends it early. The form of `iwait` and of every other iteration. */
export interface Iteration<T> {
  /** Waits for the next item, as `{ done: false, value }`, or for the end, as `{ done: true }`. */
  next(): Operation<IteratorResult<T, undefined>>;
  /** Ends the iteration and frees what it holds. */
  [Symbol.dispose](): void;
}

class AsyncIteration<T> implements Iteration<T> {
  readonly #iterator: AsyncIterator<T>;
  #ended = false;

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  *next(): Coroutine<IteratorResult<T, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      const result = yield* until(this.#iterator.next());
      if (!result.done) return result;
      this.#ended = true;
      return { done: true, value: undefined };
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    Promise.resolve(this.#iterator.return?.()).catch(() => {});
  }
}

/**
 * Reads an async iterable in a coroutine. `next()` suspends; a kill or timeout in it, as leaving the `using` scope, ends
 * the iterable by its `return()`. Follows `for await`.
 *
 * @throws what the iterable throws
 * @example
 * ```ts
 * import { fromAsyncIterable, run } from 'genlet';
 *
 * async function* letters() {
 *   yield 'a';
 *   yield 'b';
 * }
 *
 * await run(function* () {
 *   using items = fromAsyncIterable(letters());
 *   for (let item; !(item = yield* items.next()).done; ) console.log(item.value);
 *   // => a
 *   // => b
 * });
 * ```
 */
export function fromAsyncIterable<T>(iterable: AsyncIterable<T>): Iteration<T> {
  const open = (iterable as AsyncIterable<T> | undefined)?.[Symbol.asyncIterator];
  if (typeof open !== 'function') throw new TypeError(`iterable is ${show(iterable)}: give an async iterable`);
  return new AsyncIteration(open.call(iterable));
}
