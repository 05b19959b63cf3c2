/**
 * What somebody asks of a service: a greenlet here, or one in another process. Until it is answered it may stand in the
 * service's lots, as any greenlet does in those of a queue.
 */
import type { ParkingLot, Waiter } from '../../sync/parking-lot.ts';
import type { Frame } from './frame.ts';

/** @internal */
export abstract class Request implements Waiter {
  next: any = null;
  prev: any = null;
  /** The item that is put. */
  slot: any;
  readonly method: number;
  /** How long it may wait in milliseconds, `undefined` for ever; for some methods, how many. */
  readonly limit: number | undefined;
  /** For whom it asks: compared only. */
  readonly client: object;
  #lot: ParkingLot | undefined;
  #timer: { cancel(): void } | undefined;

  constructor(client: object, method: number, limit: number | undefined, item: Frame | undefined) {
    this.client = client;
    this.method = method;
    this.limit = limit;
    this.slot = item;
  }

  /** Stands in `lot` until it is woken from there; or until its time is up, when `giveUp` answers it. */
  park(lot: ParkingLot, giveUp: () => void): void {
    lot.add(this);
    this.#lot = lot;
    if (this.limit === undefined) return;
    this.#timer = this.startTimer(this.limit, () => {
      lot.remove(this);
      this.#lot = undefined;
      giveUp();
    });
  }

  /** It is not wanted any more. Whether it still waited. */
  withdraw(): boolean {
    const lot = this.#lot;
    if (lot === undefined) return false;
    lot.remove(this);
    this.#settle();
    return true;
  }

  wake(value: unknown): void {
    this.#settle();
    this.answer(value);
  }

  fail(error: unknown): void {
    this.#settle();
    this.refuse(error);
  }

  #settle(): void {
    this.#lot = undefined;
    this.#timer?.cancel();
  }

  get principal(): never {
    return this.client as never;
  }

  protected abstract answer(value: unknown): void;
  protected abstract refuse(error: unknown): void;
  protected abstract startTimer(ms: number, fire: () => void): { cancel(): void };
}

/** What several processes share: it lives in the process that made it, and serves one request after the other. @internal */
export interface Service {
  /** Answers the request, or parks it. */
  serve(request: Request): void;
  /** What was granted did not arrive. */
  takeBack(request: Request, value: unknown): void;
  /** A process that used it has ended, or closed it. */
  lose(client: object): void;
}
