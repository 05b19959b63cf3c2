/** `ThreadPool`: a pool of worker threads. */
import { ThreadLink } from '../remote/thread-link.ts';
import { Crew } from './crew.ts';
import { planCrew, type ThreadCrewOptions } from './crew-options.ts';
import { CrewPool } from './crew-pool.ts';

/** Options of a `ThreadPool`. */
export interface ThreadPoolOptions extends ThreadCrewOptions {}

/**
 * As `Pool`, with threads: they start sooner, and can be given shared objects and what `move` moves. Follows
 * `multiprocessing.pool.ThreadPool`.
 *
 * @example
 * ```ts
 * import { main, shared, ThreadPool } from 'genlet/workers';
 *
 * export function* add(total: shared.Value<'i32'>, lock: shared.Lock, n: number) {
 *   using _ = yield* lock.hold();
 *   total.value += n;
 * }
 *
 * main(import.meta.url, function* () {
 *   using pool = new ThreadPool(2);
 *   const total = new shared.Value('i32', 0);
 *   const lock = new shared.Lock();
 *   yield* pool.starmap(add, [1, 2, 3].map((n) => [total, lock, n] as const));
 *   console.log(total.value); // => 6
 * });
 * ```
 */
export class ThreadPool extends CrewPool {
  /**
   * A pool of at most `threads` threads, by default as many as the machine runs at once.
   *
   * @throws {RangeError} `threads` or an option is out of range
   * @throws {TypeError} it is not known where `initializer` is exported
   */
  constructor(threads?: number | null, options: ThreadPoolOptions = {}) {
    const plan = planCrew('ThreadPool', 'threads', threads, options);
    super(new Crew(plan, (setup, events) => new ThreadLink(setup, events, options.resourceLimits)));
  }
}
