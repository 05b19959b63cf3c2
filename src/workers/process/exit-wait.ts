/** Waiting for the end of a process. */
import { hub as importedHub } from '../../core/hub.ts';
import type { Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { TimedWait } from '../../core/timed-wait.ts';
import type { Process } from './process.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** @internal */
export class ExitWait extends TimedWait<void> {
  readonly #process: Process;
  #me: RawGreenlet | undefined;

  constructor(process: Process, limit: number | undefined) {
    super(limit);
    this.#process = process;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#process.ready() || this.limit === 0) return hub.ready(undefined);
    const step = hub.park(me, this);
    this.#me = me;
    this.#process.rawlink(this.#wake);
    this.startDeadline(me);
    return step;
  }

  #wake = (): void => {
    this.#me!.wake(undefined);
  };

  cancel(): void {
    this.deadline?.cancel();
    this.#process.unlink(this.#wake);
  }

  expire(me: RawGreenlet): void {
    this.#process.unlink(this.#wake);
    me.wake(undefined);
  }

  describe(): string {
    return `Process.join() of ${this.#process.name}`;
  }
}
