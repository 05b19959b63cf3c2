/**
 * The `rawlink`s of an object that wakes all who wait at once: they stand in its lot, so that greenlets and callbacks are
 * served in one order. Follows gevent's `AbstractLinkable`.
 */
import type { Handle } from '../core/callback.ts';
import { checkCallback } from '../core/check.ts';
import { hub } from '../core/hub.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import type { ParkingLot, Waiter } from './parking-lot.ts';

class LotLink implements Waiter {
  next: any = null;
  prev: any = null;
  slot: any = undefined;
  readonly callback: (source: any) => void;
  readonly #links: LotLinks;
  /** Its call in the next pass, once it was woken. */
  #call: Handle | undefined;

  constructor(callback: (source: any) => void, links: LotLinks) {
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
    this.#call = hub.callSoon(() => this.#links.serve(this));
  }

  fail(): void {
    this.wake();
  }

  cancel(): void {
    this.#call!.cancel();
  }
}

/** @internal */
export class LotLinks {
  readonly #source: object;
  readonly #lot: ParkingLot;
  readonly #links = new Set<LotLink>();

  constructor(source: object, lot: ParkingLot) {
    this.#source = source;
    this.#lot = lot;
  }

  /** How many of those who stand in the lot are links. */
  get size(): number {
    return [...this.#links].filter(({ standing }) => standing).length;
  }

  /** Calls `callback(source)` once, when the lot is woken; in the next pass if the source is ready already. */
  add(callback: (source: any) => void, ready: boolean): void {
    checkCallback('link', callback);
    const link = new LotLink(callback, this);
    this.#links.add(link);
    if (ready) link.wake();
    else this.#lot.add(link);
  }

  remove(callback: (source: any) => void): void {
    for (const link of this.#links) {
      if (link.callback !== callback) continue;
      this.#links.delete(link);
      if (link.standing) this.#lot.remove(link);
      else link.cancel();
      return;
    }
  }

  serve(link: LotLink): void {
    this.#links.delete(link);
    link.callback(this.#source);
  }
}
