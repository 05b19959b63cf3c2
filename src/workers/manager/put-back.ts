/** Giving an item back to the queue that it was taken from, so that it is the next again. */
import type { ItemStore } from '../../sync/item-store.ts';
import { SimpleQueue } from '../../sync/queue.ts';
import { Ring } from '../../sync/ring.ts';

/** A ring with items in front that were given back. */
class RingWithFront<T> implements ItemStore<T> {
  readonly #ring: Ring<T>;
  /** The next one is the last. */
  readonly #front: T[];

  constructor(ring: Ring<T>, front: T[]) {
    this.#ring = ring;
    this.#front = front;
  }

  get size(): number {
    return this.#front.length + this.#ring.size;
  }

  add(item: T): void {
    this.#ring.add(item);
  }

  addInFront(item: T): void {
    this.#front.push(item);
  }

  take(): T {
    return this.#front.length > 0 ? this.#front.pop()! : this.#ring.take();
  }

  first(): T {
    return this.#front.length > 0 ? this.#front.at(-1)! : this.#ring.first();
  }

  copy(): RingWithFront<T> {
    return new RingWithFront(this.#ring.copy(), [...this.#front]);
  }
}

/**
 * Gives `item` to the first who waits for one, or puts it where it was: in front; or, where another order rules, where that
 * wants it. It is the same task as before, if the queue counts them.
 * @internal
 */
export function putBack<T>(queue: SimpleQueue<T>, item: T): void {
  const { store } = queue;
  if (!queue.empty() && store instanceof Ring) queue.store = inFront(new RingWithFront(store, []), item);
  else if (!queue.empty() && store instanceof RingWithFront) inFront(store, item);
  else SimpleQueue.prototype.admit.call(queue, item);
}

function inFront<T>(store: RingWithFront<T>, item: T): ItemStore<T> {
  store.addInFront(item);
  return store;
}
