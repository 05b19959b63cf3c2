// A pool of two processes: one call, a call with a callback, maps at once and later, and results one by one.
// Python: multiprocessing.Pool with apply, apply_async, map, map_async, imap, close and join.
import { main, Pool } from 'genlet/workers';

export const square = (n: number) => n * n;

main(import.meta.url, function* () {
  const pool = new Pool(2);
  const numbers = Array.from({ length: 100 }, (_, n) => n);

  console.log(`apply: ${yield* pool.apply(square, [7])}`);

  const later = pool.applyAsync(square, [8], { callback: (result) => console.log(`callback: ${result}`) });
  console.log(`applyAsync: ${yield* later.get({ timeout: 10_000 })}`);

  const squares = yield* pool.map(square, numbers, { chunksize: 10 });
  console.log(`map: ${squares.slice(0, 5).join(', ')}, …, ${squares.at(-1)}`);

  const result = pool.mapAsync(square, [10, 11, 12]);
  console.log(`mapAsync: ready at once? ${result.ready()}`);
  console.log(`mapAsync: ${(yield* result).join(', ')}`);

  using results = pool.imap(square, numbers);
  let count = 0;
  for (let step; !(step = yield* results.next()).done; count++) {
    if (step.value !== count ** 2) throw new Error(`${step.value} is out of order`);
  }
  console.log(`imap: ${count} squares in order`);

  pool.close();
  yield* pool.join();
  console.log('closed and joined');
});
