/** The plainest of blocking calls: wait in a lot until somebody wakes it, or time is up. */
import type { Deadline } from '../core/deadline.ts';
import { hub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import type { ParkingLot } from './parking-lot.ts';

/** Gives `true` at once if there is nothing to wait for, else when the lot is woken; `false` when time is up. @internal */
export class LotWait extends BaseOperation<boolean> {
  readonly #lot: ParkingLot;
  readonly #isOver: () => boolean;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(lot: ParkingLot, isOver: () => boolean, timeout: number | undefined) {
    super();
    this.#lot = lot;
    this.#isOver = isOver;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#isOver()) return hub.ready(true);
    if (this.#timeout === 0) return hub.ready(false);
    if (this.#timeout === undefined) return this.#lot.park(me);
    const step = this.#lot.park(me, this);
    this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline!.cancel();
    this.#lot.remove(me);
  }

  expire(me: RawGreenlet): void {
    this.#lot.remove(me);
    me.wake(false);
  }

  describe(): string {
    return this.#lot.describe();
  }
}
