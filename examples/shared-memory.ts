// Four calls on two threads count in memory that they share: a Value and an Array, under a Lock.
// Python: multiprocessing.Value, Array and Lock, given to the workers of a pool by its initializer.
import { sleep } from 'genlet';
import { main, shared, ThreadPool } from 'genlet/workers';

interface Counters {
  readonly lock: shared.Lock;
  readonly total: shared.Value<'i32'>;
  readonly each: shared.Array<'i32'>;
}

let counters: Counters;

/** Called in each worker at its start. */
export function setUp(given: Counters): void {
  counters = given;
}

/** Counts up, and gives way between reading and writing: without the lock, most of it would be lost. */
export function* count(worker: number, times: number) {
  const { lock, total, each } = counters;
  for (let i = 0; i < times; i++) {
    using _ = yield* lock.hold();
    const before = total.value;
    yield* sleep(0);
    total.value = before + 1;
    each.set(worker, each.get(worker) + 1);
  }
}

main(import.meta.url, function* () {
  const lock = new shared.Lock();
  const total = new shared.Value('i32', 0);
  const each = new shared.Array('i32', 4);
  using pool = new ThreadPool(2, { initializer: setUp, initargs: [{ lock, total, each }] });
  yield* pool.starmap(
    count,
    [0, 1, 2, 3].map((worker) => [worker, 250] as const),
  );
  console.log(`the total is ${total.value}`);
  console.log(`each counted ${[...each].join(', ')}`);
});
