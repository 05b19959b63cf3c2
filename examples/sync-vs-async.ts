// Ten tasks of half a second each: one after the other, then all at the same time.
// Python: task(n) in a loop, against gevent.spawn(task, n) and gevent.joinall.
import { type Coroutine, getHub, joinall, run, sleep, spawn } from 'genlet';

const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

function* task(n: number) {
  yield* sleep(500);
  console.log(`task ${n} is done`);
}

function* oneByOne() {
  for (const n of numbers) yield* task(n);
}

function* together() {
  yield* joinall(numbers.map((n) => spawn(task, n)));
}

function* measure(label: string, work: () => Coroutine<void>) {
  const hub = getHub();
  const begin = hub.now();
  yield* work();
  console.log(`${label}: ${((hub.now() - begin) / 1000).toFixed(1)} s`);
}

await run(function* () {
  yield* measure('one by one', oneByOne);
  yield* measure('together', together);
});
