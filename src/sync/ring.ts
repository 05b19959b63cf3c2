/** A first-in-first-out store: a ring buffer, which moves no items about as `Array.shift` does. */
import type { ItemStore } from './item-store.ts';

/** Lengths are powers of two, so that positions wrap by a mask. */
const SHORTEST = 16;
/** A longer buffer is given back when the last item leaves: a burst must not hold its memory for ever. */
const LONGEST_KEPT = 1024;

/** @internal */
export class Ring<T> implements ItemStore<T> {
  size = 0;
  #places: (T | undefined)[] = new Array(SHORTEST);
  #mask = SHORTEST - 1;
  #head = 0;

  add(item: T): void {
    if (this.size > this.#mask) this.#grow();
    this.#places[(this.#head + this.size) & this.#mask] = item;
    this.size++;
  }

  take(): T {
    const head = this.#head;
    const item = this.#places[head] as T;
    this.#places[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.size--;
    if (this.size === 0 && this.#mask >= LONGEST_KEPT) this.#use(new Array(SHORTEST));
    return item;
  }

  first(): T {
    return this.#places[this.#head] as T;
  }

  copy(): Ring<T> {
    const copy = new Ring<T>();
    for (let i = 0; i < this.size; i++) copy.add(this.#places[(this.#head + i) & this.#mask] as T);
    return copy;
  }

  #grow(): void {
    const places = new Array<T | undefined>(2 * this.#places.length);
    for (let i = 0; i < this.size; i++) places[i] = this.#places[(this.#head + i) & this.#mask];
    this.#use(places);
  }

  #use(places: (T | undefined)[]): void {
    this.#places = places;
    this.#mask = places.length - 1;
    this.#head = 0;
  }
}
