/** What a greenlet can be linked to instead of a function. */

/** What can hold the outcome of a greenlet, and tells whether it took it: an `AsyncResult`, a `Future`. */
export interface Settable<T> {
  /** Stores a value. */
  trySet(value: T): boolean;
  /** Stores an error. */
  trySetException(error: unknown): boolean;
}

/** @internal */
export function isSettable(target: unknown): target is Settable<any> {
  const { trySet, trySetException } = (target ?? {}) as Partial<Settable<any>>;
  return typeof trySet === 'function' && typeof trySetException === 'function';
}
