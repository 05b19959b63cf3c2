/** A clock that jumps. */
import { checkDuration } from '../core/check.ts';
import type { Clock } from '../core/clock.ts';
import { hub } from '../core/hub.ts';

/**
 * A clock for tests: when no greenlet is ready it jumps straight to the next deadline, so that a program that sleeps for
 * hours ends at once, and on time to the millisecond. It starts at 0. Follows trio's `MockClock` with autojump.
 *
 * If a greenlet waits for something outside (a socket, a promise, `suspend`), it first waits `patience` milliseconds of
 * real time for that. With nothing to jump to and nothing to wait for, it finds the deadlock that the program is in, and
 * `main` gets its `LoopExit`.
 *
 * @example
 * ```ts
 * import { run, sleep } from 'genlet';
 * import { VirtualClock } from 'genlet/testing';
 *
 * const clock = new VirtualClock();
 * await run(() => sleep(24 * 3_600_000), { clock });
 * console.log(clock.now()); // => 86400000
 * ```
 */
export class VirtualClock implements Clock {
  readonly #patience: number;
  #now = 0;
  #jump: NodeJS.Immediate | undefined;
  #wait: NodeJS.Timeout | undefined;

  constructor(options: { patience?: number } = {}) {
    this.#patience = checkDuration('patience', options.patience ?? 20);
  }

  now(): number {
    return this.#now;
  }

  /** Called by the hub whenever nothing is ready. */
  rest(due: number, _ref: boolean, wake: () => void): void {
    clearImmediate(this.#jump);
    clearTimeout(this.#wait);
    const jump = () => {
      if (due === Number.POSITIVE_INFINITY) hub.stalled();
      else {
        this.#now = Math.max(this.#now, due);
        wake();
      }
    };
    if (hub.outside === 0) this.#jump = setImmediate(jump);
    else if (due !== Number.POSITIVE_INFINITY) this.#wait = setTimeout(jump, this.#patience);
  }
}
