/** `PriorityQueue`: the least item is the first out. */
import { checkCallback, show } from '../core/check.ts';
import { Heap } from './heap.ts';
import { Queue } from './queue.ts';

/** Whether `<` would compare something else, such as `[object Object]`. */
function hasNoOrder(value: unknown): boolean {
  const primitive: unknown = value?.valueOf();
  return !['number', 'bigint', 'string', 'boolean'].includes(typeof primitive);
}

function orderOf(one: any, other: any): number {
  if (hasNoOrder(one) || hasNoOrder(other) || !(one < other || one >= other)) {
    throw new TypeError(
      `${show(one)} and ${show(other)} have no order of their own: give PriorityQueue a compare function`,
    );
  }
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Numbers, strings and dates by `<`; arrays item by item, as Python compares tuples, so `[priority, item]` works. */
function naturalOrder(one: any, other: any): number {
  if (!Array.isArray(one) || !Array.isArray(other)) return orderOf(one, other);
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i++) {
    const order = naturalOrder(one[i], other[i]);
    if (order !== 0) return order;
  }
  return one.length - other.length;
}

/**
 * A `Queue` whose least item is the first out, by `compare` as of `Array.sort`; equal ones in the order in which they
 * came. Without `compare`: numbers, strings and dates by `<`, arrays by their first unequal items. `compare` must not
 * throw. Follows `queue.PriorityQueue`.
 *
 * @example
 * ```ts
 * import { PriorityQueue, run } from 'genlet';
 *
 * await run(function* () {
 *   const queue = new PriorityQueue<{ name: string; urgency: number }>(null, (a, b) => b.urgency - a.urgency);
 *   yield* queue.put({ name: 'tidy up', urgency: 1 });
 *   yield* queue.put({ name: 'put out the fire', urgency: 9 });
 *   console.log((yield* queue.get()).name); // => put out the fire
 * });
 * ```
 */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * A queue that begins with `items`.
   *
   * @throws {RangeError} `maxsize` is negative or no whole number, or there are more items than places
   * @throws {TypeError} `compare` is not a function
   */
  constructor(maxsize?: number | null, compare: (one: T, other: T) => number = naturalOrder, items?: Iterable<T>) {
    checkCallback('compare', compare);
    super(maxsize, items, new Heap(compare));
  }
}
