/** The base of blocking calls that take a time limit. */
import type { Deadline, Expirable } from './deadline.ts';
import { hub as importedHub } from './hub.ts';
import { BaseOperation, type Suspension } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** @internal */
export abstract class TimedWait<T> extends BaseOperation<T> implements Expirable {
  /** The time limit in milliseconds. */
  protected readonly limit: number | undefined;
  /** Runs while the call is blocked; to be canceled by `next` when the wait is over, and by `cancel`. */
  protected deadline: Deadline | undefined;

  constructor(limit: number | undefined) {
    super();
    this.limit = limit;
    this.deadline = undefined;
  }

  /** Starts the time limit, if there is one, of a call that is blocked from now on. */
  protected startDeadline(me: RawGreenlet): void {
    if (this.limit !== undefined) this.deadline = hub.deadline(me, this, this.limit);
  }

  override throw(error: unknown): IteratorResult<Suspension, T> {
    this.deadline?.cancel();
    throw error;
  }

  override get repeatable(): boolean {
    return true;
  }

  abstract cancel(me: RawGreenlet): void;

  abstract expire(me: RawGreenlet): void;
}
