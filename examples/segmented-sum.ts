// The sum of the numbers below a million, in two segments at the same time.
// Python: two threading.Thread that add up half of a range each, started and joined.
import { all, run, sleep } from 'genlet';

function* sum(begin: number, end: number) {
  let total = 0;
  for (let n = begin; n < end; n++) {
    total += n;
    if (n % 10_000 === 0) yield* sleep(0); // there is one thread: lets the other half, and whoever else, on
  }
  console.log(`from ${begin} to ${end - 1}: ${total}`);
  return total;
}

await run(function* () {
  const [low, high] = yield* all([sum(0, 500_000), sum(500_000, 1_000_000)]);
  console.log(`in all: ${low + high}`);
});
