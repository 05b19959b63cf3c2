/** `Hub`: the public face of the scheduler, and the hub of this thread. */
import { Callback, type Handle } from './callback.ts';
import { checkCallback, checkDuration, checkTimeout } from './check.ts';
import { InvalidStateError } from './errors.ts';
import type { Greenlet } from './greenlet.ts';
import { HubJoin } from './hub-join.ts';
import type { Operation } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { Scheduler } from './scheduler.ts';

/** Counters of a hub, as `hub.stats()` gives them. */
export interface HubStats {
  /** Turns given to greenlets since the start. */
  readonly switches: number;
  /** Greenlets started since the start. */
  readonly spawned: number;
  /** Greenlets started and not ended. */
  readonly alive: number;
  /** Greenlets and callbacks in the ready queue. */
  readonly ready: number;
  /** Running timers. */
  readonly timers: number;
  /**
   * The longest time between two readings of the clock, in milliseconds, and the greenlet that took it. With several
   * turns between the readings (up to 256 short ones) it is a sum and its greenlet is `undefined`; while `tracking` is
   * on the clock is read after every turn.
   */
  readonly longestSlice: { readonly ms: number; readonly greenlet: RawGreenlet | undefined };
}

/** The scheduler of this thread; see `getHub()`. Follows `gevent.hub.Hub` and asyncio's event loop. */
export class Hub extends Scheduler {
  #forever: { stop: () => void } | undefined = undefined;

  /** Calls `fn` in the next pass, after what is ready now. It must not block. Follows asyncio's `call_soon`. */
  callSoon<A extends unknown[]>(fn: (...args: A) => void, ...args: A): Handle {
    checkCallback('callback', fn);
    const callback = new Callback(this, () => fn(...args));
    this.push(callback);
    return callback;
  }

  /** Calls `fn` after `ms` milliseconds; it keeps the process alive until then. Follows asyncio's `call_later`. */
  callLater<A extends unknown[]>(ms: number, fn: (...args: A) => void, ...args: A): Handle {
    checkCallback('callback', fn);
    const callback = new Callback(this, () => fn(...args));
    this.startTimer(callback, checkDuration('delay', ms));
    return callback;
  }

  /** Calls `fn` when `now()` has reached `time`. Follows asyncio's `call_at`. */
  callAt<A extends unknown[]>(time: number, fn: (...args: A) => void, ...args: A): Handle {
    if (!(time >= 0)) throw new RangeError(`time is ${time}: give milliseconds of hub.now()`);
    return this.callLater(Math.max(0, time - this.now()), fn, ...args);
  }

  /**
   * As `callSoon`, and promised to be safe from anywhere in this thread: signal handlers, native callbacks, code of
   * another copy of genlet. Functions don't cross threads in JavaScript: post a message from a worker instead.
   */
  callSoonThreadsafe<A extends unknown[]>(fn: (...args: A) => void, ...args: A): Handle {
    return this.callSoon(fn, ...args);
  }

  /**
   * Waits until nothing is left to do: no other greenlet (daemons apart), no callback, no timer, or only greenlets that
   * nothing can wake. Gives `true`, or `false` when `timeout` milliseconds are over. Suspends; a kill just ends the wait.
   * Follows `gevent.hub.Hub.join`.
   */
  join(options: { timeout?: number | null } = {}): Operation<boolean> {
    return new HubJoin(this, checkTimeout(options.timeout));
  }

  /** Keeps the process alive, for callbacks, until `stop()`. For ordinary code. Follows asyncio's `run_forever`. */
  runForever(): Promise<void> {
    if (this.#forever !== undefined)
      throw new InvalidStateError('hub.runForever() runs already: call hub.stop() first');
    return new Promise((resolve) => {
      const keepAlive = setInterval(() => {}, 2 ** 30);
      this.#forever = {
        stop: () => {
          clearInterval(keepAlive);
          this.#forever = undefined;
          resolve();
        },
      };
    });
  }

  /** Ends `runForever()`; nothing happens if it does not run. */
  stop(): void {
    this.#forever?.stop();
  }

  /** Calls `hook` for each greenlet when it starts; gives a function that takes the hook out. */
  onSpawn(hook: (greenlet: Greenlet<any>) => void): () => void {
    checkCallback('hook', hook);
    return this.roster.addSpawnHook(hook);
  }

  /** Counters since the start. */
  stats(): HubStats {
    const { switches, roster, timers, longest } = this;
    return {
      switches,
      spawned: roster.spawned,
      alive: roster.alive,
      ready: [...this.queued()].length,
      timers: timers.size,
      longestSlice: longest,
    };
  }
}

/** The hub of this thread. @internal */
export const hub: Hub = new Hub();

/**
 * The hub of this thread. Follows `gevent.get_hub`.
 *
 * @example
 * ```ts
 * import { getHub } from 'genlet';
 *
 * const hub = getHub();
 * hub.callLater(2, () => console.log('later'));
 * hub.callSoon(() => console.log('soon'));
 * await new Promise((resolve) => hub.callLater(5, resolve, undefined));
 * // => soon
 * // => later
 * ```
 */
export function getHub(): Hub {
  return hub;
}

/**
 * The greenlet that runs now, or `undefined` in hub callbacks and in ordinary code. Follows `gevent.getcurrent`.
 *
 * @example
 * ```ts
 * import { getcurrent, run } from 'genlet';
 *
 * console.log(getcurrent()); // => undefined
 * await run(function* main() {
 *   console.log(getcurrent()?.started); // => true
 * });
 * ```
 */
export function getcurrent(): RawGreenlet | undefined {
  return hub.current;
}
