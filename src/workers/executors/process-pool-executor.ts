/** `ProcessPoolExecutor`: an executor over processes. */
import { ProcessLink } from '../process/process-link.ts';
import { Crew } from './crew.ts';
import { type CrewOptions, planCrew } from './crew-options.ts';
import { Executor } from './executor.ts';

/** Options of a `ProcessPoolExecutor`. */
export interface ProcessPoolExecutorOptions extends CrewOptions {
  /** The greatest number of processes; by default as many as the machine runs at once. */
  maxWorkers?: number | null;
}

/**
 * As `ThreadPoolExecutor`, in processes: each has memory of its own, and may crash or be killed without harm to the
 * others. A call costs some microseconds more. Follows `concurrent.futures.ProcessPoolExecutor`; but a process that dies
 * fails only the call that it ran, with `WorkerDied`, and is replaced.
 *
 * @example
 * ```ts
 * import { main, ProcessPoolExecutor } from 'genlet/workers';
 *
 * export const cube = (n: number) => n ** 3;
 *
 * main(import.meta.url, function* () {
 *   using executor = new ProcessPoolExecutor({ maxWorkers: 1 });
 *   console.log(yield* executor.submit(cube, 3).result()); // => 27
 * });
 * ```
 */
export class ProcessPoolExecutor extends Executor {
  /**
   * @throws {RangeError} an option is out of range
   * @throws {TypeError} it is not known where `initializer` is exported
   */
  constructor(options: ProcessPoolExecutorOptions = {}) {
    const plan = planCrew('ProcessPoolExecutor', 'maxWorkers', options?.maxWorkers, options);
    super(new Crew(plan, (setup, events) => new ProcessLink(setup, events)));
  }
}
