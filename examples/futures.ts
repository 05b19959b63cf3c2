// Futures that greenlets fill, one with a result and one with an error, and one that is cancelled; callbacks tell of all.
// Python: asyncio.Future with add_done_callback, set_result, set_exception and cancel.
import { Future, run, sleep, spawn } from 'genlet';

function* sum(future: Future<number>, n: number) {
  yield* sleep(3000);
  future.setResult((n * (n + 1)) / 2);
}

function* factorial(future: Future<number>, n: number) {
  yield* sleep(4000);
  let product = 1;
  for (let factor = 2; factor <= n; factor++) product *= factor;
  if (Number.isSafeInteger(product)) future.setResult(product);
  else future.setException(new RangeError(`${n}! is too large`));
}

function watched(label: string) {
  const future = new Future<number>();
  future.addDoneCallback(({ value, exception }) => console.log(`${label} is done: ${value ?? exception}`));
  return future;
}

await run(function* () {
  const [small, large, unwanted] = [watched('the sum'), watched('the factorial'), watched('the third')];
  spawn(sum, small, 100);
  spawn(factorial, large, 100);
  unwanted.cancel();
  console.log(`main has the sum: ${yield* small.result()}`);
  try {
    yield* large.result();
  } catch (error) {
    console.log(`main has no factorial: ${(error as Error).message}`);
  }
});
