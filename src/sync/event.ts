/** `Event`: a flag to wait for. */
import { checkTimeout } from '../core/check.ts';
import type { Operation } from '../core/operation.ts';
import type { Waitable } from '../core/wait.ts';
import { LotLinks } from './lot-links.ts';
import { LotWait } from './lot-wait.ts';
import { ParkingLot } from './parking-lot.ts';

/** What `event.statistics()` gives. */
export interface EventStatistics {
  /** Greenlets blocked in `wait()`. */
  readonly waiting: number;
}

/**
 * A flag that greenlets can wait for, until somebody sets it. Follows `gevent.event.Event` and `threading.Event`.
 *
 * `set` and `clear` never suspend and may be called from anywhere, callbacks and ordinary code included. It can be given
 * to `wait()` and `iwait()`.
 *
 * @example
 * ```ts
 * import { Event, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const open = new Event();
 *   spawn(() => open.set());
 *   console.log(open.isSet()); // => false
 *   console.log(yield* open.wait(1000)); // => true
 * });
 * ```
 */
export class Event implements Waitable {
  readonly #waiters = new ParkingLot(this, 'wait');
  readonly #links = new LotLinks(this, this.#waiters);
  readonly #isUp = (): boolean => this.#flag;
  #flag = false;

  /** Whether the flag is up. */
  isSet(): boolean {
    return this.#flag;
  }

  /** The same as `isSet()`, as all that can be waited for has it. */
  ready(): boolean {
    return this.#flag;
  }

  /**
   * Raises the flag: all who wait now get `true`, in the order of their calls, even if it is lowered again before their
   * turn comes. Links and waiters are served in one order.
   */
  set(): void {
    this.#flag = true;
    this.#waiters.wakeAll(true);
  }

  /** Lowers the flag: who waits from now on blocks. */
  clear(): void {
    this.#flag = false;
  }

  /**
   * Waits until the flag is up and gives `true`; `false` when `timeout` milliseconds are over. Suspends unless the flag
   * is up; a kill ends the wait. Waiters wake in the order of their calls.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<boolean> {
    return new LotWait(this.#waiters, this.#isUp, checkTimeout(timeout));
  }

  /** Calls `callback(event)` in the hub, once, when the flag is raised; in the next pass if it is up already. */
  rawlink(callback: (event: this) => void): void {
    this.#links.add(callback, this.#flag);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (event: this) => void): void {
    this.#links.remove(callback);
  }

  /** Counters of this moment. */
  statistics(): EventStatistics {
    return { waiting: this.#waiters.size - this.#links.size };
  }
}
