// What a task takes while it is blocked. Heap bytes for JavaScript after a full collection; resident bytes for the others.
import { go, python } from '../harness/programs.mjs';

const tasks = 100_000;
const farAway = 1e8; // ms
const batch = 10_000;

async function settledHeap() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return process.memoryUsage().heapUsed;
}

/**
 * Heap bytes for each of `count` tasks that `block` starts, in batches with the event loop between them. `allBlocked` waits until
 * the last one has come to its blocking call: one that has not run yet is a good deal smaller.
 */
async function bytesPerTask(count, block, allBlocked = () => {}) {
  const kept = new Array(count).fill(undefined);
  const before = await settledHeap();
  for (let index = 0; index < count; index++) {
    kept[index] = block();
    if (index % batch === batch - 1) await new Promise(setImmediate);
  }
  await allBlocked();
  const bytes = ((await settledHeap()) - before) / count;
  if (kept.length !== count) throw new Error('unreachable: keeps the tasks alive');
  return bytes;
}

async function blockedGreenlets(count, makeBody) {
  const genlet = await import('../genlet.mjs');
  const body = makeBody(genlet);
  const allBlocked = () =>
    genlet.run(function* () {
      yield* genlet.idle();
    });
  return bytesPerTask(count, () => genlet.spawn(body), allBlocked);
}

/** A greenlet that never ends, for the others to wait for. */
function endless({ sleep, spawn }) {
  return spawn(function* () {
    yield* sleep(farAway);
  });
}

/** In a wait queue, as behind a lock or a queue. */
function onEvent({ Event }) {
  const event = new Event();
  return function* () {
    yield* event.wait();
  };
}

function waiting(genlet) {
  const other = endless(genlet);
  return function* () {
    yield* other;
  };
}

function threeFramesDeep(genlet) {
  const innermost = waiting(genlet);
  function* middle() {
    return yield* innermost();
  }
  return function* () {
    return yield* middle();
  };
}

const asleep = ({ sleep }) =>
  function* () {
    yield* sleep(farAway);
  };

function* yieldOnce() {
  yield;
}

/** Every one on a promise of its own, whose resolver somebody holds, as it is with a queue of waiters. */
function onOwnPromise(resolvers) {
  return async () => {
    await new Promise((resolve) => resolvers.push(resolve));
  };
}

export default {
  title: 'Memory of a blocked task',
  about:
    'Everything that a task takes while it waits, 100,000 of them unless said otherwise: its own object, its frames, its place in a ' +
    'queue or among the timers. Heap bytes for JavaScript, resident bytes (RSS) for Python and Go.',
  unit: 'bytes',
  nodeFlags: ['--expose-gc'],
  mostRounds: 2,
  cases: {
    genlet: () => blockedGreenlets(tasks, onEvent),
    'genlet, 1,000,000 of them': () => blockedGreenlets(10 * tasks, onEvent),
    'genlet, waiting for a greenlet': () => blockedGreenlets(tasks, waiting),
    'genlet, asleep': () => blockedGreenlets(tasks, asleep),
    'genlet, three frames deep': () => blockedGreenlets(tasks, threeFramesDeep),
    'bare generator': () =>
      bytesPerTask(tasks, () => {
        const generator = yieldOnce();
        generator.next();
        return generator;
      }),
    'async function': () => bytesPerTask(tasks, onOwnPromise([])),
    'async function, asleep': () =>
      bytesPerTask(tasks, async () => {
        await new Promise((resolve) => setTimeout(resolve, farAway));
      }),
    async 'Effect, Deferred'() {
      const { Deferred, Effect } = await import('effect');
      const deferred = Effect.runSync(Deferred.make());
      const wait = Effect.gen(function* () {
        yield* Deferred.await(deferred);
      });
      return bytesPerTask(tasks, () => Effect.runFork(wait));
    },
    async 'redux-saga, 10,000 of them'() {
      const { runSaga, stdChannel } = await import('redux-saga');
      const { take } = await import('redux-saga/effects');
      const environment = { channel: stdChannel(), dispatch() {} };
      function* wait() {
        yield take('never');
      }
      return bytesPerTask(tasks / 10, () => runSaga(environment, wait));
    },
    'asyncio (RSS)': python('kernel/peers/kernel.py', 'asyncio_memory', tasks),
    'greenlet (Python, RSS)': python('kernel/peers/kernel.py', 'greenlet_memory', tasks),
    'gevent (RSS)': python('kernel/peers/kernel.py', 'gevent_memory', tasks),
    'Go (RSS)': go('kernel/peers', 'memory', tasks),
  },
  bars: [
    { atMost: 400 },
    { of: 'genlet, waiting for a greenlet', atMost: 400 },
    { of: 'genlet, 1,000,000 of them', atMost: 400 },
    { of: 'genlet, asleep', atMost: 400 },
  ],
};
