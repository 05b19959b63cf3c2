/** `hub.join()`: waits until there is nothing left to do. */
import type { Deadline } from './deadline.ts';
import { BaseOperation, type Resumption, type Step, SUSPENDED } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import type { Scheduler } from './scheduler.ts';
import { Ref } from './timers.ts';

/** @internal */
export class HubJoin extends BaseOperation<boolean> {
  readonly #hub: Scheduler;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(hub: Scheduler, timeout: number | undefined) {
    super();
    this.#hub = hub;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const hub = this.#hub;
    const me = hub.self(this, arguments.length);
    if (hub.roster.isIdle(me)) return hub.ready(true);
    if (this.#timeout === 0) return hub.ready(false);
    hub.park(me, this);
    hub.roster.joiners.add(me);
    // Not a reason to stay alive, nor to count the hub as busy: whoever else has one keeps the process going.
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout, Ref.NOTHING);
    return SUSPENDED;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline?.cancel();
    this.#hub.roster.joiners.delete(me);
  }

  expire(me: RawGreenlet): void {
    this.#hub.roster.joiners.delete(me);
    me.wake(false);
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return 'hub.join()';
  }
}
