/** The `rawlink`s of a shared object: they stand in its line as greenlets do, and take nothing. */
import { checkCallback } from '../../core/check.ts';
import { LinkSet } from '../../sync/link-set.ts';
import { LotLink } from '../../sync/lot-links.ts';
import type { Line } from './line.ts';

/** What a waiter has for its note that takes nothing. @internal */
export const WATCHING: unique symbol = Symbol('watching');

/** @internal */
export class LineLinks {
  readonly #source: object;
  readonly #line: Line;
  readonly #isReady: () => boolean;
  readonly #note: () => unknown;
  readonly #links = new LinkSet<LotLink>();

  /** A link stands in `line` with the note that `note` gives; it stays there if `isReady` says no when its turn comes. */
  constructor(source: object, line: Line, isReady: () => boolean, note: () => unknown = () => WATCHING) {
    this.#source = source;
    this.#line = line;
    this.#isReady = isReady;
    this.#note = note;
  }

  add(callback: (source: any) => void): void {
    checkCallback('link', callback);
    const link = new LotLink(callback, this);
    this.#links.add(link);
    this.#stand(link);
  }

  #stand(link: LotLink): void {
    this.#line.add(link);
    link.slot.note = this.#note();
    this.#line.settle(link);
  }

  remove(callback: (source: any) => void): void {
    const link = this.#links.take(callback);
    if (link === undefined) return;
    if (link.standing) this.#line.remove(link);
    else link.cancel();
  }

  serve(link: LotLink): void {
    if (!this.#isReady()) {
      this.#stand(link);
      return;
    }
    this.#links.delete(link);
    link.callback(this.#source);
  }
}
