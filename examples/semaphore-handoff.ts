// A consumer that waits by a semaphore until a producer has made an item; five rounds.
// Python: threading.Semaphore(0), acquired by the consumer and released by the producer.
import { all, run, Semaphore, sleep } from 'genlet';

const ROUNDS = 5;
const made = new Semaphore(0);
let item = 0;

function* produce() {
  for (let round = 1; round <= ROUNDS; round++) {
    yield* sleep(1000);
    item = round ** 2;
    console.log(`produced ${item}`);
    made.release();
  }
}

function* consume() {
  for (let round = 1; round <= ROUNDS; round++) {
    console.log('waiting');
    yield* made.acquire();
    console.log(`consumed ${item}`);
  }
}

await run(function* () {
  yield* all([consume(), produce()]);
});
