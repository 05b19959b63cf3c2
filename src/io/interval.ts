/** `interval`: a beat to keep step with. */
import { checkDuration } from '../core/check.ts';
import { Checkpoint } from '../core/checkpoint.ts';
import { composite } from '../core/dev.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { LotWait } from '../sync/lot-wait.ts';
import { ParkingLot } from '../sync/parking-lot.ts';

/**
 * A beat of every so many milliseconds, counted from its making, so that it does not drift; made by `timers.interval`.
 * Beats that nobody waited for are passed over, but for the last. It costs nothing between two calls of `next`. Follows
 * Go's `time.Ticker`, and the iterator of `timers/promises`' `setInterval`.
 */
export class Interval {
  /** The time between two beats in milliseconds. */
  readonly ms: number;
  readonly #start = hub.now();
  readonly #waiters = new ParkingLot(this, 'next');
  /** The number of the last beat that was given. */
  #given = 0;
  #closed = false;

  /** @internal */
  constructor(ms: number) {
    this.ms = checkDuration('interval', ms);
    if (ms === 0) throw new RangeError('interval is 0: give milliseconds, more than 0');
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Gives the number of the next beat, counted from 1; at once if one has passed since the last call. Suspends until then; a
   * kill ends the wait, and takes no beat. `done` once the interval is closed. If several wait, all get the same beat.
   */
  next(): Operation<IteratorResult<number, undefined>> {
    return composite('Interval.next()', this.#next());
  }

  *#next(): Coroutine<IteratorResult<number, undefined>> {
    yield* new Checkpoint('Interval.next()');
    const beat = Math.max(this.#passed(), this.#given + 1);
    yield* new LotWait(this.#waiters, this.#isOver(beat), this.#start + beat * this.ms - hub.now());
    if (this.#closed) return { done: true, value: undefined };
    this.#given = Math.max(this.#given, beat);
    return { done: false, value: beat };
  }

  /** The beats until now. */
  #passed(): number {
    return Math.floor((hub.now() - this.#start) / this.ms);
  }

  #isOver(beat: number): () => boolean {
    return () => this.#closed || this.#passed() >= beat;
  }

  /** Ends it, without suspending: whoever waits gets the end. A second call does nothing. */
  close(): void {
    this.#closed = true;
    this.#waiters.wakeAll(true);
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How it appears in messages. */
  toString(): string {
    return `<Interval of ${this.ms} ms>`;
  }
}
