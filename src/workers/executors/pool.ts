/** `Pool`: a pool of processes. */
import { ProcessLink } from '../process/process-link.ts';
import { Crew } from './crew.ts';
import { type CrewOptions, planCrew } from './crew-options.ts';
import { CrewPool } from './crew-pool.ts';

/** Options of a `Pool`. */
export interface PoolOptions extends CrewOptions {}

/**
 * Processes that call functions, each one at a time. They are started when there is work for them, and the program ends by
 * itself when nothing is outstanding. Follows `multiprocessing.Pool`.
 *
 * @example
 * ```ts
 * import { main, Pool } from 'genlet/workers';
 *
 * export const square = (n: number) => n * n;
 * export const power = (base: number, exponent: number) => base ** exponent;
 *
 * main(import.meta.url, function* () {
 *   using pool = new Pool(2);
 *   console.log(yield* pool.apply(square, [7])); // => 49
 *   console.log(yield* pool.map(square, [1, 2, 3])); // => [ 1, 4, 9 ]
 *   console.log(yield* pool.starmap(power, [[2, 3], [3, 2]])); // => [ 8, 9 ]
 *   const result = pool.applyAsync(square, [9], { callback: (value) => console.log('done:', value) });
 *   yield* result.wait(); // => done: 81
 * });
 * ```
 */
export class Pool extends CrewPool {
  /**
   * A pool of at most `processes` processes, by default as many as the machine runs at once.
   *
   * @throws {RangeError} `processes` or an option is out of range
   * @throws {TypeError} it is not known where `initializer` is exported
   */
  constructor(processes?: number | null, options: PoolOptions = {}) {
    const plan = planCrew('Pool', 'processes', processes, options);
    super(new Crew(plan, (setup, events) => new ProcessLink(setup, events)));
  }
}
