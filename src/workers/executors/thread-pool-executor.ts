/** `ThreadPoolExecutor`: an executor over worker threads. */
import { ThreadLink } from '../remote/thread-link.ts';
import { Crew } from './crew.ts';
import { planCrew, type ThreadCrewOptions } from './crew-options.ts';
import { Executor } from './executor.ts';

/** Options of a `ThreadPoolExecutor`. */
export interface ThreadPoolExecutorOptions extends ThreadCrewOptions {
  /** The greatest number of threads; by default as many as the machine runs at once. */
  maxWorkers?: number | null;
}

/**
 * Calls functions in worker threads and gives futures of their results. For work that keeps a core busy; what only waits
 * needs no threads here: spawn it. Threads are started when there is work for them, one call runs in each at a time, and
 * the process ends by itself when nothing is outstanding. Follows `concurrent.futures.ThreadPoolExecutor`.
 *
 * Its futures are those of `genlet`: they go into `asCompleted` and `waitFutures`. A thread that dies fails the call that
 * it ran and is replaced.
 *
 * @example
 * ```ts
 * import { asCompleted } from 'genlet';
 * import { main, ThreadPoolExecutor } from 'genlet/workers';
 *
 * export function squares(below: number) {
 *   let sum = 0;
 *   for (let n = 0; n < below; n++) sum += n * n;
 *   return sum;
 * }
 *
 * main(import.meta.url, function* () {
 *   using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
 *   const future = executor.submit(squares, 10);
 *   console.log(yield* future.result()); // => 285
 *   using sums = executor.map(squares, [2, 3, 4]);
 *   for (let step; !(step = yield* sums.next()).done; ) console.log(step.value);
 *   // => 1
 *   // => 5
 *   // => 14
 *   const futures = [5, 6].map((below) => executor.submit(squares, below));
 *   using completed = asCompleted(futures);
 *   let total = 0;
 *   for (let step; !(step = yield* completed.next()).done; ) total += yield* step.value.result();
 *   console.log(total); // => 85
 * });
 * ```
 */
export class ThreadPoolExecutor extends Executor {
  /**
   * @throws {RangeError} an option is out of range
   * @throws {TypeError} it is not known where `initializer` is exported
   */
  constructor(options: ThreadPoolExecutorOptions = {}) {
    const plan = planCrew('ThreadPoolExecutor', 'maxWorkers', options?.maxWorkers, options);
    super(new Crew(plan, (setup, events) => new ThreadLink(setup, events, options.resourceLimits)));
  }
}
