/** `hub.join()`: waits until there is nothing left to do. */
import type { Deadline } from './deadline.ts';
import type { Hub } from './hub.ts';
import { BaseOperation, type Resumption, type Step, SUSPENDED } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

/** @internal */
export class HubJoin extends BaseOperation<boolean> {
  readonly #hub: Hub;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(hub: Hub, timeout: number | undefined) {
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
    if (hub.isIdle(me)) return hub.ready(true);
    if (this.#timeout === 0) return hub.ready(false);
    hub.park(me, this);
    hub.joiners.add(me);
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout);
    return SUSPENDED;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline?.cancel();
    this.#hub.joiners.delete(me);
  }

  expire(me: RawGreenlet): void {
    this.#hub.joiners.delete(me);
    me.wake(false);
  }

  describe(): string {
    return 'hub.join()';
  }
}
