/** The plainest of blocking calls: wait in a lot until somebody wakes it, or time is up. */
import { hub as importedHub } from '../core/hub.ts';
import type { Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { LotCall } from './lot-call.ts';
import type { ParkingLot } from './parking-lot.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** Gives `true` at once if there is nothing to wait for, else when the lot is woken; `false` when time is up. @internal */
export class LotWait extends LotCall<boolean> {
  readonly #isOver: () => boolean;

  constructor(lot: ParkingLot, isOver: () => boolean, limit: number | undefined) {
    super(lot, limit);
    this.#isOver = isOver;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#isOver()) return hub.ready(true);
    return this.limit === 0 ? hub.ready(false) : this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(false);
  }
}
