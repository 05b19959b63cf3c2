/** The time limit of one blocking call: wakes the greenlet unless the call is over before. */

import type { WaitPoint } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import type { Scheduler } from './scheduler.ts';
import { Timer } from './timers.ts';

/** A wait that can run out of time. @internal */
export interface Expirable extends WaitPoint {
  /** Time is up: takes the greenlet off and wakes it with what the call then gives. */
  expire(greenlet: RawGreenlet): void;
}

/** @internal */
export class Deadline extends Timer {
  readonly #hub: Scheduler;
  readonly #greenlet: RawGreenlet;
  readonly #wait: Expirable;

  constructor(hub: Scheduler, greenlet: RawGreenlet, wait: Expirable) {
    super();
    this.#hub = hub;
    this.#greenlet = greenlet;
    this.#wait = wait;
  }

  cancel(): void {
    this.#hub.timers.cancel(this);
  }

  /** A wake-up that was granted in the meantime stands. */
  fire(): void {
    if (this.#greenlet.isBlockedOn(this.#wait)) this.#wait.expire(this.#greenlet);
  }
}
