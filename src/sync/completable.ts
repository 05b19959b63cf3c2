/** What `asCompleted` and `waitFutures` wait for. */
import { show } from '../core/check.ts';
import type { Waitable } from '../core/wait.ts';

/** What completes once, with a value or an error: a greenlet, an `AsyncResult`, a `Future`. */
export interface Completable extends Waitable {
  /** Whether it has completed. */
  ready(): boolean;
  /** Whether it has completed without an error. */
  successful(): boolean;
}

/** `futures` without duplicates, if all of them are such that can be waited for. @internal */
export function distinctFutures<F extends Completable>(caller: string, futures: Iterable<F>): Set<F> {
  if (typeof futures?.[Symbol.iterator] !== 'function' || isCompletable(futures)) {
    throw new TypeError(`${caller} got ${show(futures)}: give an iterable of futures or greenlets`);
  }
  const distinct = new Set(futures);
  for (const future of distinct) {
    if (!isCompletable(future)) throw new TypeError(`${caller} got ${show(future)}: give futures or greenlets`);
  }
  return distinct;
}

function isCompletable(value: unknown): value is Completable {
  const { rawlink, unlink, ready, successful } = (value ?? {}) as { [name in keyof Completable]?: unknown };
  return [rawlink, unlink, ready, successful].every((member) => typeof member === 'function');
}
