/** Links in the order of registration, each found by its callback in O(1). */

interface Linked {
  readonly callback: unknown;
}

/** @internal */
export class LinkSet<L extends Linked> implements Iterable<L> {
  readonly #links = new Set<L>();
  readonly #byCallback = new Map<unknown, Set<L>>();

  add(link: L): void {
    this.#links.add(link);
    const same = this.#byCallback.get(link.callback);
    if (same === undefined) this.#byCallback.set(link.callback, new Set([link]));
    else same.add(link);
  }

  delete(link: L): void {
    if (!this.#links.delete(link)) return;
    const same = this.#byCallback.get(link.callback)!;
    same.delete(link);
    if (same.size === 0) this.#byCallback.delete(link.callback);
  }

  /** Takes out the first link to `callback`. */
  take(callback: unknown): L | undefined {
    const [first] = this.#byCallback.get(callback) ?? [];
    if (first !== undefined) this.delete(first);
    return first;
  }

  [Symbol.iterator](): Iterator<L> {
    return this.#links.values();
  }
}
