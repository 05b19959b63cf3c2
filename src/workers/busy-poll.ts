/**
 * Staying awake for what comes back soon. A core that has fallen asleep takes some 30 us to wake up, which is longer than
 * many a call of another thread or process takes, there and back. So whoever waits for an answer has the event loop go
 * round for a moment before it goes to sleep. If that was in vain, it is left out the next times, more and more of them.
 */
import { availableParallelism } from 'node:os';
import { readClock, setImmediate } from '../core/node-timers.ts';

/** How long to stay awake, in milliseconds. */
const MOMENT = 0.1;
/** How often it is left out at most. */
const MOST_LEFT_OUT = 1023;

/** @internal */
export class BusyPoll {
  /** Whether the event loop is kept going round. */
  active = false;
  #isOver = false;
  #limit = 0;
  /** How often it is left out now (always where who answers needs the only core), and how often after the next failure. */
  #leftOut = availableParallelism() > 1 ? 0 : Number.POSITIVE_INFINITY;
  #penalty = 1;

  /** Somebody begins to wait for an answer. */
  begin(): void {
    if (this.active && !this.#isOver) return;
    if (!this.active) {
      if (this.#leftOut > 0) {
        this.#leftOut--;
        return;
      }
      this.active = true;
      setImmediate(this.#goRound);
    }
    this.#isOver = false;
    this.#limit = readClock() + MOMENT;
  }

  /** An answer has come. */
  end(): void {
    if (!this.active) return;
    this.#isOver = true;
    this.#penalty = 1;
  }

  readonly #goRound = (): void => {
    if (this.#isOver) this.active = false;
    else if (readClock() < this.#limit) setImmediate(this.#goRound);
    else {
      this.active = false;
      this.#leftOut = this.#penalty;
      this.#penalty = Math.min(2 * this.#penalty + 1, MOST_LEFT_OUT);
    }
  };
}
