/** A greenlet that is to begin later. */
import type { Deadline } from './deadline.ts';
import type { Greenlet } from './greenlet.ts';
import { hub } from './hub.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

/** Its wait point meanwhile. @internal */
export class StartTimer {
  readonly #deadline: Deadline;
  readonly #ms: number;

  constructor(greenlet: Greenlet<any>, ms: number) {
    this.#ms = ms;
    this.#deadline = hub.deadline(greenlet, this, ms);
  }

  expire(greenlet: RawGreenlet): void {
    greenlet.begin();
  }

  cancel(): void {
    this.#deadline.cancel();
  }

  describe(): string {
    return `its start after ${this.#ms} ms`;
  }
}
