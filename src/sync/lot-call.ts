/**
 * The base of blocking calls that wait in a lot, with or without a time limit.
 *
 * Without one, the lot itself is the greenlet's wait point, and the operation keeps nothing. `next` stays written out in
 * each class: see `BaseOperation`.
 */
import type { Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { TimedWait } from '../core/timed-wait.ts';
import type { ParkingLot } from './parking-lot.ts';

/** @internal */
export abstract class LotCall<T> extends TimedWait<T> {
  protected readonly lot: ParkingLot;

  constructor(lot: ParkingLot, limit: number | undefined) {
    super(limit);
    this.lot = lot;
  }

  /** Blocks the current greenlet until the lot's owner wakes it, or its time is up. */
  protected block(me: RawGreenlet): Step {
    return this.limit === undefined ? this.lot.park(me) : this.blockHere(me);
  }

  /** As `block`, for an operation that has a `describe` or a `cancel` of its own. */
  protected blockHere(me: RawGreenlet): Step {
    const step = this.lot.park(me, this);
    this.startDeadline(me);
    return step;
  }

  /** Wakes a greenlet whose time is up, with what the call then gives or throws. */
  protected abstract giveUp(me: RawGreenlet): void;

  cancel(me: RawGreenlet): void {
    this.deadline?.cancel();
    this.lot.remove(me);
  }

  expire(me: RawGreenlet): void {
    this.lot.remove(me);
    this.giveUp(me);
  }

  describe(): string {
    return this.lot.describe();
  }
}
