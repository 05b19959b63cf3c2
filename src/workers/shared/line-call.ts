/** The blocking calls of shared objects: as those of `sync`, in a line that goes through all threads. */
import { hub as importedHub } from '../../core/hub.ts';
import type { Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { LotCall } from '../../sync/lot-call.ts';
import type { Line } from './line.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** The base of calls that wait in a line. @internal */
export abstract class LineCall<T> extends LotCall<T> {
  protected readonly line: Line;

  constructor(line: Line, limit: number | undefined) {
    super(line, limit);
    this.line = line;
  }

  /** Blocks the current greenlet; `note` is what the owner of the line wants to know about it. */
  protected stand(me: RawGreenlet, note?: unknown): Step {
    const step = this.block(me);
    me.slot.note = note;
    this.line.settle(me);
    return step;
  }

  /** What another thread has left for it in the meantime is its own, though time is up. */
  override expire(me: RawGreenlet): void {
    this.line.serve();
    if (me.isBlockedOn(this)) super.expire(me);
  }
}

/** Gives `true` at once if there is nothing to wait for, else when its turn comes; `false` when time is up. @internal */
export class LineWait extends LineCall<boolean> {
  readonly #isOver: () => boolean;
  readonly #note: (() => unknown) | undefined;

  constructor(line: Line, isOver: () => boolean, limit: number | undefined, note?: () => unknown) {
    super(line, limit);
    this.#isOver = isOver;
    this.#note = note;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#isOver()) return hub.ready(true);
    return this.limit === 0 ? hub.ready(false) : this.stand(me, this.#note?.());
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(false);
  }
}
