/**
 * Who wants to know of a greenlet's end: joiners and links of all kinds, in the order of registration. They form a circle
 * without a head, so that a greenlet with one joiner costs nothing but the joiner.
 */
import type { Greenlet } from './greenlet.ts';

/** @internal */
export abstract class Link {
  #before: Link = this;
  #after: Link = this;
  linked = false;

  /** The greenlet has ended: called while it ends, so it may only wake or schedule. */
  abstract notify(greenlet: Greenlet<any>): void;

  addTo(greenlet: Greenlet<any>): void {
    this.linked = true;
    const first = greenlet.links;
    if (first === undefined) {
      greenlet.links = this;
      return;
    }
    const last = first.#before;
    this.#before = last;
    this.#after = first;
    last.#after = this;
    first.#before = this;
  }

  removeFrom(greenlet: Greenlet<any>): void {
    if (!this.linked) return;
    this.linked = false;
    const after = this.#after;
    if (greenlet.links === this) greenlet.links = after === this ? undefined : after;
    this.#before.#after = after;
    after.#before = this.#before;
    this.#before = this.#after = this;
  }

  /** Serves the links of a greenlet that has ended; to serve one may take off others. */
  static notifyAll(greenlet: Greenlet<any>): void {
    const first = greenlet.links!;
    if (first.#after === first) first.notify(greenlet);
    else for (const link of Link.all(greenlet)) if (link.linked) link.notify(greenlet);
  }

  /** The links of a greenlet at this moment. */
  static all(greenlet: Greenlet<any>): Link[] {
    const links: Link[] = [];
    const first = greenlet.links;
    for (let link = first; link !== undefined; link = link.#after === first ? undefined : link.#after) links.push(link);
    return links;
  }
}
