/** What `map` and its kin read: items of any kind of iterable. */
import { show } from '../core/check.ts';
import { fromAsyncIterable, type Iteration } from '../core/from-async-iterable.ts';
import type { Coroutine } from '../core/operation.ts';

/** Items to work on: an iterable, an async iterable, or an iteration such as `imap` and `iwait` give. */
export type Items<T> = Iterable<T> | AsyncIterable<T> | Iteration<T>;

/** The items of an iterable, which need not be waited for. @internal */
export class SyncIteration<T> implements Iteration<T> {
  readonly #iterator: Iterator<T>;
  #ended = false;

  constructor(iterator: Iterator<T>) {
    this.#iterator = iterator;
  }

  *next(): Coroutine<IteratorResult<T, undefined>> {
    return this.read();
  }

  /** As `next`, not an operation. */
  read(): IteratorResult<T, undefined> {
    if (this.#ended) return { done: true, value: undefined };
    this.#ended = true; // an iterator that throws has ended
    const result = this.#iterator.next();
    if (result.done) return { done: true, value: undefined };
    this.#ended = false;
    return result;
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#iterator.return?.();
  }
}

/** One way to read all of them. @internal */
export function iterate<T>(items: Items<T>): Iteration<T> {
  const source = items as Partial<Iterable<T> & AsyncIterable<T> & Iteration<T>> | undefined | null;
  const open = source?.[Symbol.iterator];
  if (typeof open === 'function') return new SyncIteration(open.call(source));
  if (typeof source?.[Symbol.asyncIterator] === 'function') return fromAsyncIterable(source as AsyncIterable<T>);
  if (typeof source?.next === 'function' && typeof source[Symbol.dispose] === 'function') return source as Iteration<T>;
  throw new TypeError(`items is ${show(items)}: give an iterable, an async iterable or an iteration`);
}
