/** What a queue keeps its items in: it decides which comes out next. */
import { checkInteger } from '../core/check.ts';

/** A place for items. It never blocks; `take` and `first` are only called while `size` is not 0. */
export interface ItemStore<T> {
  /** How many items there are. */
  readonly size: number;
  /** Puts an item in. */
  add(item: T): void;
  /** Takes out the item whose turn it is. */
  take(): T;
  /** The item whose turn it is. */
  first(): T;
  /** A store of the same kind with the same items. */
  copy(): ItemStore<T>;
}

/** A limit on a number of items: `undefined`, `null`, 0 and `Infinity` stand for none. @internal */
export function checkMaxsize(maxsize: number | null | undefined): number {
  if (maxsize === undefined || maxsize === null || maxsize === 0 || maxsize === Number.POSITIVE_INFINITY) {
    return Number.POSITIVE_INFINITY;
  }
  return checkInteger('maxsize', maxsize, 0);
}
