// Killing what is blocked, in any order: each has to leave the queue of the semaphore, and not by searching it.
import { python } from '../harness/programs.mjs';

const many = 100_000;
const few = 10_000;

/** Orders of 0, 1, …, length - 1. */
const orders = {
  'front to back': (length) => Array.from({ length }, (_, index) => index),
  'back to front': (length) => Array.from({ length }, (_, index) => length - 1 - index),
  random(length) {
    const order = orders['front to back'](length);
    let seed = 12345;
    for (let last = length - 1; last > 0; last--) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      const other = Math.floor((seed / 0x80000000) * (last + 1));
      [order[last], order[other]] = [order[other], order[last]];
    }
    return order;
  },
};

/** From the first kill to the end of the last task. */
async function genletKills(count, order) {
  const { killall, run, Semaphore, sleep, spawn } = await import('../genlet.mjs');
  const places = orders[order](count);
  function* pass() {
    const semaphore = new Semaphore(0);
    const waiting = function* () {
      yield* semaphore.acquire();
    };
    const tasks = places.map(() => spawn(waiting));
    yield* sleep(0);
    const victims = places.map((place) => tasks[place]);
    const begin = process.hrtime.bigint();
    yield* killall(victims);
    return Number(process.hrtime.bigint() - begin);
  }
  return { operations: count, timedPass: () => run(pass) };
}

async function effectInterrupts(count, order) {
  const { Effect, Fiber, Semaphore } = await import('effect');
  const places = orders[order](count);
  const pass = Effect.gen(function* () {
    const semaphore = yield* Semaphore.make(1);
    yield* semaphore.take(1);
    const fibers = [];
    for (let index = 0; index < count; index++) fibers.push(yield* Effect.forkChild(semaphore.take(1)));
    yield* Effect.yieldNow;
    const victims = places.map((place) => fibers[place]);
    const begin = process.hrtime.bigint();
    yield* Fiber.interruptAll(victims);
    return Number(process.hrtime.bigint() - begin);
  });
  return { operations: count, timedPass: () => Effect.runPromise(pass) };
}

export default Object.keys(orders).map((order) => ({
  title: `Killing 100,000 blocked tasks, ${order}`,
  about:
    'All wait for one semaphore, and are killed in the order in which they came, the other way round, or at random; 10,000 ns each is a second for all.',
  unit: 'ns per kill',
  cases: {
    genlet: () => genletKills(many, order),
    'genlet, 10,000': () => genletKills(few, order),
    'Effect, 10,000': () => effectInterrupts(few, order),
    'gevent, 10,000': python('sync/peers/sync.py', 'gevent_kill', few, order),
    'asyncio, 10,000': python('sync/peers/sync.py', 'asyncio_kill', few, order),
  },
  bars: [{ atMost: 10_000 }, { against: 'genlet, 10,000', atMost: 1.5 }],
}));
