/**
 * The base of blocking calls that wait in a lot, with or without a time limit.
 *
 * Without one, the lot itself is the greenlet's wait point, and the operation keeps nothing. `next` stays written out in
 * each class: see `BaseOperation`.
 */
import type { Deadline } from '../core/deadline.ts';
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Step, type Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import type { ParkingLot } from './parking-lot.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** @internal */
export abstract class LotCall<T> extends BaseOperation<T> {
  protected readonly lot: ParkingLot;
  /** The time limit in milliseconds. */
  protected readonly limit: number | undefined;
  /** To be canceled by `next` when the wait is over. */
  protected deadline: Deadline | undefined;

  constructor(lot: ParkingLot, limit: number | undefined) {
    super();
    this.lot = lot;
    this.limit = limit;
    this.deadline = undefined;
  }

  /** Blocks the current greenlet until the lot's owner wakes it, or its time is up. */
  protected block(me: RawGreenlet): Step {
    return this.limit === undefined ? this.lot.park(me) : this.blockHere(me);
  }

  /** As `block`, for an operation that has a `describe` or a `cancel` of its own. */
  protected blockHere(me: RawGreenlet): Step {
    const step = this.lot.park(me, this);
    if (this.limit !== undefined) this.deadline = hub.deadline(me, this, this.limit);
    return step;
  }

  /** Wakes a greenlet whose time is up, with what the call then gives or throws. */
  protected abstract giveUp(me: RawGreenlet): void;

  override get repeatable(): boolean {
    return true;
  }

  override throw(error: unknown): IteratorResult<Suspension, T> {
    this.deadline?.cancel();
    throw error;
  }

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
