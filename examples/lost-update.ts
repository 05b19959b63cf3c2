// A hundred greenlets add one to a number each; who suspends between reading and writing loses updates without a lock.
// Python: threading.Thread and time.sleep(0) around `count += 1`, without and with threading.Lock.
import { Group, Lock, run, sleep } from 'genlet';

let count = 0;
const lock = new Lock();

function* increment() {
  const read = count;
  yield* sleep(0); // here others read the same number
  count = read + 1;
}

function* incrementLocked() {
  using _ = yield* lock.hold();
  yield* increment();
}

function* countBy(add: typeof increment) {
  count = 0;
  const group = new Group();
  for (let n = 0; n < 100; n++) group.spawn(add);
  yield* group.join();
  return count;
}

await run(function* () {
  console.log(`without a lock: ${yield* countBy(increment)}`);
  console.log(`with a lock: ${yield* countBy(incrementLocked)}`);
});
