/** The functions of a module that runs in workers: their types, and what stands for them here. */
import type { Operation, Outcome, Suspension } from '../../core/operation.ts';

declare const source: unique symbol;

/**
 * A function in a worker: `yield* fn(...args)` runs it there and gives its result. A call does nothing before `yield*`; a
 * kill or timeout of the one who waits kills the coroutine there.
 *
 * @typeParam F - The type that the function has in its module.
 */
export interface RemoteFunction<F extends (...args: any[]) => any> {
  (...args: Parameters<F>): Operation<Outcome<ReturnType<F>>>;
  /** The function that it stands for, for the types alone. */
  readonly [source]?: F;
}

/** The functions of a module, to be called in workers. */
export type RemoteModule<M> = {
  readonly [K in keyof M as M[K] extends (...args: any[]) => any ? K : never]: M[K] extends (...args: any[]) => any
    ? RemoteFunction<M[K]>
    : never;
};

/** What a function yields that is used as a stream. */
export type ItemOf<R> = R extends Iterable<infer Y> | AsyncIterable<infer Y> ? Exclude<Y, Suspension> : never;

/** Makes an object that has a function for each name that is asked for. @internal */
export function remoteModule<M>(makeFunction: (name: string) => unknown): RemoteModule<M> {
  const functions = new Map<string, unknown>();
  return new Proxy(Object.create(null), {
    get(_, name) {
      // A module namespace is no thenable, and neither is this: else `await` would call it.
      if (typeof name === 'symbol' || name === 'then') return undefined;
      const known = functions.get(name) ?? makeFunction(name);
      functions.set(name, known);
      return known;
    },
    has: (_, name) => typeof name === 'string' && name !== 'then',
  });
}
