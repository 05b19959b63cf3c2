// Ten counts to ten million: one after the other, on two threads, and in two processes. How many, and how far, can be said
// as arguments: npx tsx examples/executors.ts 10 10000000
// Python: concurrent.futures with submit, map, as_completed, add_done_callback and shutdown.
import { asCompleted, type Coroutine, type Future } from 'genlet';
import { type Executor, main, ProcessPoolExecutor, ThreadPoolExecutor } from 'genlet/workers';

/** Keeps a core busy: counts in steps of three, modulo a prime. */
export function count(to: number): number {
  let sum = 0;
  for (let n = 0; n < to; n++) sum = (sum + 3 * n) % 1_000_003;
  return sum;
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(2)} s`;

function* withExecutor(executor: Executor, tasks: number[]): Coroutine<number[]> {
  const { name } = executor.constructor;
  // Both workers are started before the clock is.
  using warm = executor.map(count, [0, 0], { chunksize: 1 });
  while (!(yield* warm.next()).done);

  let called = 0;
  const begin = performance.now();
  const futures = tasks.map((to) => executor.submit(count, to));
  for (const future of futures) future.addDoneCallback(() => called++);
  using completed = asCompleted<Future<number>>(futures);
  const results: number[] = [];
  for (let step; !(step = yield* completed.next()).done; ) results.push(yield* step.value.result());
  console.log(`${name}: submit and asCompleted took ${seconds(begin)}, ${called} callbacks`);

  const again = performance.now();
  using mapped = executor.map(count, tasks);
  const sums: number[] = [];
  for (let step; !(step = yield* mapped.next()).done; ) sums.push(step.value);
  console.log(`${name}: map took ${seconds(again)}`);

  yield* executor.shutdown();
  return results.every((result) => result === sums[0]) ? sums : [];
}

main(import.meta.url, function* () {
  const [times = 10, to = 10_000_000] = process.argv.slice(2).map(Number);
  const tasks: number[] = Array(times).fill(to);

  const begin = performance.now();
  const expected = tasks.map(count);
  console.log(`one after the other: ${seconds(begin)}`);

  for (const Kind of [ThreadPoolExecutor, ProcessPoolExecutor]) {
    const sums = yield* withExecutor(new Kind({ maxWorkers: 2 }), tasks);
    console.log(`${Kind.name}: same results? ${String(sums) === String(expected)}`);
  }
});
