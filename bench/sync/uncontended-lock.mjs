// A lock that is free: no promise, no switch, little more than two calls.
import { go, python } from '../harness/programs.mjs';
import { asyncs, effects, genlets } from './tasks.mjs';

const operations = 500_000;
const fewOperations = 50_000;

/** `name` is the class of something that holds one. */
async function genletLock(name, ...args) {
  const { [name]: Lock } = await import('../genlet.mjs');
  const lock = new Lock(...args);
  const pass = await genlets(function* () {
    for (let index = 0; index < operations; index++) {
      yield* lock.acquire();
      lock.release();
    }
  });
  return { operations, pass };
}

export default {
  title: 'A lock that is free',
  about: 'One task acquires and releases; nobody else wants it.',
  unit: 'ns per pair',
  cases: {
    genlet: () => genletLock('Lock'),
    async 'genlet, empty loop'() {
      const pass = await genlets(function* () {
        for (let index = 0; index < operations; index++);
      });
      return { operations, pass };
    },
    'genlet, Semaphore(1)': () => genletLock('Semaphore', 1),
    async 'async-mutex'() {
      const { Mutex } = await import('async-mutex');
      const mutex = new Mutex();
      const pass = asyncs(async () => {
        for (let index = 0; index < fewOperations; index++) {
          const release = await mutex.acquire();
          release();
        }
      });
      return { operations: fewOperations, pass };
    },
    async 'async-mutex, Semaphore(1)'() {
      const { Semaphore } = await import('async-mutex');
      const semaphore = new Semaphore(1);
      const pass = asyncs(async () => {
        for (let index = 0; index < fewOperations; index++) {
          await semaphore.acquire();
          semaphore.release();
        }
      });
      return { operations: fewOperations, pass };
    },
    async 'Effect, Semaphore(1)'() {
      const { Semaphore } = await import('effect');
      const semaphore = Semaphore.makeUnsafe(1);
      const pass = await effects(function* () {
        for (let index = 0; index < fewOperations; index++) {
          yield* semaphore.take(1);
          yield* semaphore.release(1);
        }
      });
      return { operations: fewOperations, pass };
    },
    'gevent, Semaphore(1)': python('sync/peers/sync.py', 'gevent_lock', 1, fewOperations, 0),
    'asyncio.Lock': python('sync/peers/sync.py', 'asyncio_lock', 1, fewOperations, 0),
    'Go, sync.Mutex': go('sync/peers', 'lock', 1, operations, 0),
  },
  bars: [
    { atMost: 30, moreThan: 'genlet, empty loop' },
    { against: 'gevent, Semaphore(1)', faster: 3 },
    { against: 'async-mutex', faster: 5 },
  ],
};
