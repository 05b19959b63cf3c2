// Ten processes write into one dict, which a manager keeps for them.
// Python: multiprocessing.Manager().dict().
import { type DictProxy, Manager, main, Process } from 'genlet/workers';
import { readOptions, wholeNumber } from './support/options.ts';

/** Exported, so that it can be found in another process. */
export function* double(results: DictProxy<number, number>, n: number) {
  yield* results.set(n, 2 * n);
}

main(import.meta.url, function* () {
  const { processes: count } = readOptions({ processes: wholeNumber(10, { least: 1, most: 100 }) });
  using manager = new Manager();
  const results = yield* manager.dict<number, number>();
  const processes = Array.from({ length: count }, (_, n) => new Process(double, [results, n]));
  for (const process of processes) process.start();
  for (const process of processes) yield* process.join();
  const entries = (yield* results.entries()).sort(([a], [b]) => a - b);
  console.log(entries.map(([key, value]) => `${key}: ${value}`).join(', '));
});
