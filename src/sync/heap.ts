/** A store that gives the least item first: a binary heap. */
import type { ItemStore } from './item-store.ts';

interface Entry<T> {
  readonly item: T;
  /** Tells equal items apart, so that the one that came first goes first. */
  readonly order: number;
}

/** @internal */
export class Heap<T> implements ItemStore<T> {
  readonly #compare: (one: T, other: T) => number;
  readonly #entries: Entry<T>[] = [];
  #added = 0;

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#entries.length;
  }

  add(item: T): void {
    const entries = this.#entries;
    const entry = { item, order: this.#added++ };
    // Nothing is moved before all is compared: `compare` may throw.
    let place = entries.length;
    for (let parent = (place - 1) >> 1; place > 0; parent = (place - 1) >> 1) {
      if (!this.#isBefore(entry, entries[parent]!)) break;
      place = parent;
    }
    for (let at = entries.length; at > place; ) {
      const parent = (at - 1) >> 1;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[place] = entry;
  }

  take(): T {
    const entries = this.#entries;
    const { item } = entries[0]!;
    const last = entries.pop()!;
    if (entries.length > 0) this.#sink(last);
    return item;
  }

  first(): T {
    return this.#entries[0]!.item;
  }

  copy(): Heap<T> {
    const copy = new Heap(this.#compare);
    copy.#entries.push(...this.#entries);
    copy.#added = this.#added;
    return copy;
  }

  /** Puts an entry in the place of the first, and down to where it belongs. */
  #sink(entry: Entry<T>): void {
    const entries = this.#entries;
    let at = 0;
    for (let child = 1; child < entries.length; child = 2 * at + 1) {
      const sibling = child + 1;
      if (sibling < entries.length && this.#isBefore(entries[sibling]!, entries[child]!)) child = sibling;
      if (!this.#isBefore(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  }

  #isBefore(one: Entry<T>, other: Entry<T>): boolean {
    const order = this.#compare(one.item, other.item);
    return order === 0 ? one.order < other.order : order < 0;
  }
}
