/** Where the hub's time comes from, and what happens while it has nothing to do. */
import { clearTimeout, readClock, setTimeout } from './node-timers.ts';

/** A source of time for a hub: the real one by default, a `VirtualClock` in tests. */
export interface Clock {
  /** The time in milliseconds, with fractions; it never goes backwards. */
  now(): number;
  /**
   * The hub has nothing ready. Calls `wake` once at `due` (`Infinity`: nothing is due), or not much later; too early does
   * no harm. `ref` tells whether the process must stay alive for it. Each call replaces the last one.
   */
  rest(due: number, ref: boolean, wake: () => void): void;
}

/** `setTimeout` can't count further. */
const LONGEST_ALARM = 2 ** 31 - 1;

/** Node's monotonic clock, and one Node timer for all timers of the hub. @internal */
export class RealClock implements Clock {
  #alarm: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #ref = true;
  #wake: (() => void) | undefined;

  now(): number {
    return readClock();
  }

  rest(due: number, ref: boolean, wake: () => void): void {
    // An alarm that rings too early is cheaper than one that is set anew whenever a timeout is cancelled.
    if (this.#due <= due) {
      this.#keepAlive(ref);
      return;
    }
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    if (due === Number.POSITIVE_INFINITY) return;
    this.#due = due;
    this.#wake = wake;
    const delay = Math.max(1, Math.min(LONGEST_ALARM, Math.ceil(due - this.now())));
    this.#alarm = setTimeout(this.#ring, delay);
    this.#ref = true;
    this.#keepAlive(ref);
  }

  #keepAlive(ref: boolean): void {
    if (this.#alarm === undefined || this.#ref === ref) return;
    this.#ref = ref;
    if (ref) this.#alarm.ref();
    else this.#alarm.unref();
  }

  #ring = (): void => {
    this.#alarm = undefined;
    this.#due = Number.POSITIVE_INFINITY;
    this.#wake?.();
  };
}
