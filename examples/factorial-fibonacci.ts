// Two calculations that take a step a second, at the same time.
// Python: asyncio.sleep in two coroutines, asyncio.gather.
import { all, run, sleep } from 'genlet';

function* factorial(n: number) {
  let product = 1;
  for (let factor = 2; factor <= n; factor++) {
    yield* sleep(1000);
    product *= factor;
    console.log(`factorial(${factor}) is ${product}`);
  }
  return product;
}

function* fibonacci(n: number) {
  let [before, current] = [0, 1];
  for (let index = 2; index <= n; index++) {
    yield* sleep(1000);
    [before, current] = [current, before + current];
    console.log(`fibonacci(${index}) is ${current}`);
  }
  return current;
}

await run(function* () {
  const results = yield* all({ factorial: factorial(5), fibonacci: fibonacci(10) });
  console.log(results);
});
