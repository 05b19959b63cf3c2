/** `LifoQueue`: the last item in is the first out. */
import type { ItemStore } from './item-store.ts';
import { Queue } from './queue.ts';

class Stack<T> implements ItemStore<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  take(): T {
    return this.#items.pop()!;
  }

  first(): T {
    return this.#items.at(-1)!;
  }

  copy(): Stack<T> {
    const copy = new Stack<T>();
    copy.#items.push(...this.#items);
    return copy;
  }
}

/**
 * A `Queue` whose last item in is the first out. Follows `queue.LifoQueue`.
 *
 * @example
 * ```ts
 * import { LifoQueue, run } from 'genlet';
 *
 * await run(function* () {
 *   const stack = new LifoQueue(null, [1, 2, 3]);
 *   console.log(yield* stack.get()); // => 3
 * });
 * ```
 */
export class LifoQueue<T> extends Queue<T> {
  constructor(maxsize?: number | null, items?: Iterable<T>) {
    super(maxsize, items, new Stack());
  }
}
