// Whatever can be held is given back at the end of its block, however that is left: `using` over four kinds of locks.
// Python: `with` over threading.Lock, RLock, Condition and Semaphore.
import { Condition, Lock, RLock, run, Semaphore, sleep, spawn } from 'genlet';

type Holdable = Lock | RLock | Condition | Semaphore;

function* returns(lock: Holdable) {
  using _ = yield* lock.hold();
  yield* sleep(10);
  console.log(`  held: ${lock.locked()}`);
}

function* fails(lock: Holdable) {
  using _ = yield* lock.hold();
  yield* sleep(10);
  throw new Error('trouble');
}

function* lingers(lock: Holdable) {
  using _ = yield* lock.hold();
  yield* sleep(60_000);
}

await run(function* () {
  for (const lock of [new Lock(), new RLock(), new Condition(), new Semaphore(1)]) {
    console.log(`${lock.constructor.name}:`);

    yield* returns(lock);
    console.log(`  locked after a return: ${lock.locked()}`);

    try {
      yield* fails(lock);
    } catch {
      console.log(`  locked after an error: ${lock.locked()}`);
    }

    const lingering = spawn(lingers, lock);
    yield* lingering.join(10);
    yield* lingering.kill();
    console.log(`  locked after a kill: ${lock.locked()}`);
  }
});
