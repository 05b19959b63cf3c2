/** The `rawlink`s of a shared object: they stand in its line as greenlets do, and take nothing. */
import type { Handle } from '../../core/callback.ts';
import { checkCallback } from '../../core/check.ts';
import { hub } from '../../core/hub.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { LinkSet } from '../../sync/link-set.ts';
import type { Waiter } from '../../sync/parking-lot.ts';
import type { Line } from './line.ts';

/** What a waiter has for its note that takes nothing. @internal */
export const WATCHING: unique symbol = Symbol('watching');

class LineLink implements Waiter {
  next: any = null;
  prev: any = null;
  slot: any = undefined;
  readonly callback: (source: any) => void;
  readonly #links: LineLinks;
  /** Its call in the next pass, once its turn has come. */
  #call: Handle | undefined;

  constructor(callback: (source: any) => void, links: LineLinks) {
    this.callback = callback;
    this.#links = links;
  }

  /** It takes nothing, so it acts in nobody's name. */
  get principal(): RawGreenlet {
    return this as never;
  }

  get standing(): boolean {
    return this.#call === undefined;
  }

  wake(): void {
    this.#call = hub.callSoon(() => {
      this.#call = undefined;
      this.#links.serve(this);
    });
  }

  fail(): void {
    this.wake();
  }

  cancel(): void {
    this.#call!.cancel();
  }
}

/** @internal */
export class LineLinks {
  readonly #source: object;
  readonly #line: Line;
  readonly #isReady: () => boolean;
  readonly #note: () => unknown;
  readonly #links = new LinkSet<LineLink>();

  /** A link stands in `line` with the note that `note` gives; it stays there if `isReady` says no when its turn comes. */
  constructor(source: object, line: Line, isReady: () => boolean, note: () => unknown = () => WATCHING) {
    this.#source = source;
    this.#line = line;
    this.#isReady = isReady;
    this.#note = note;
  }

  add(callback: (source: any) => void): void {
    checkCallback('link', callback);
    const link = new LineLink(callback, this);
    this.#links.add(link);
    this.#stand(link);
  }

  #stand(link: LineLink): void {
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

  serve(link: LineLink): void {
    if (!this.#isReady()) {
      this.#stand(link);
      return;
    }
    this.#links.delete(link);
    link.callback(this.#source);
  }
}
