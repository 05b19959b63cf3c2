/**
 * The `rawlink`s of an object that wakes all who wait at once: they stand in its lot, so that greenlets and callbacks are
 * served in one order. Follows gevent's `AbstractLinkable`.
 */
import type { Handle } from '../core/callback.ts';
import { checkCallback } from '../core/check.ts';
import { hub } from '../core/hub.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { LinkSet } from './link-set.ts';
import type { ParkingLot, Waiter } from './parking-lot.ts';

/** What a link needs of those to whom it belongs. */
interface Owner {
  /** It does not stand in the lot any more. */
  left?(): void;
  /** Its turn has come. */
  serve(link: LotLink): void;
}

/** A callback that stands in a lot as greenlets do. @internal */
export class LotLink implements Waiter {
  next: any = null;
  prev: any = null;
  slot: any = undefined;
  readonly callback: (source: any) => void;
  readonly #owner: Owner;
  /** Its call in the next pass, once it was woken. */
  #call: Handle | undefined;

  constructor(callback: (source: any) => void, owner: Owner) {
    this.callback = callback;
    this.#owner = owner;
  }

  /** It takes nothing, so it acts in nobody's name. */
  get principal(): RawGreenlet {
    return this as never;
  }

  get standing(): boolean {
    return this.#call === undefined;
  }

  wake(): void {
    this.#owner.left?.();
    this.#call = hub.callSoon(() => {
      this.#call = undefined;
      this.#owner.serve(this);
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
export class LotLinks implements Owner {
  readonly #source: object;
  readonly #lot: ParkingLot;
  readonly #links = new LinkSet<LotLink>();
  /** How many of those who stand in the lot are links. */
  size = 0;

  constructor(source: object, lot: ParkingLot) {
    this.#source = source;
    this.#lot = lot;
  }

  /** Calls `callback(source)` once, when the lot is woken; in the next pass if the source is ready already. */
  add(callback: (source: any) => void, ready: boolean): void {
    checkCallback('link', callback);
    const link = new LotLink(callback, this);
    this.#links.add(link);
    this.#lot.add(link);
    this.size++;
    if (!ready) return;
    this.#lot.remove(link);
    link.wake();
  }

  remove(callback: (source: any) => void): void {
    const link = this.#links.take(callback);
    if (link === undefined) return;
    if (link.standing) {
      this.#lot.remove(link);
      this.left();
    } else link.cancel();
  }

  left(): void {
    this.size--;
  }

  serve(link: LotLink): void {
    this.#links.delete(link);
    link.callback(this.#source);
  }
}
