// A hundred tasks that all want the same lock, and give way while they have it.
import { go, python } from '../harness/programs.mjs';
import { asyncs, effects, genlets } from './tasks.mjs';

const tasks = 100;
const turns = 1000;
const fewTurns = 200;

const copies = (body) => Array.from({ length: tasks }, () => body);

export default {
  title: 'A contended lock, 100 tasks',
  about:
    'Each acquires it, gives way once, releases it, and comes again. In gevent and Go the task that released it may have it again before those who wait; in the others it goes to the first of them.',
  unit: 'ns per turn',
  cases: {
    async genlet() {
      const { Lock, sleep } = await import('../genlet.mjs');
      const lock = new Lock();
      const body = function* () {
        for (let turn = 0; turn < turns; turn++) {
          yield* lock.acquire();
          yield* sleep(0);
          lock.release();
        }
      };
      return { operations: tasks * turns, pass: await genlets(...copies(body)) };
    },
    async 'async-mutex'() {
      const { Mutex } = await import('async-mutex');
      const mutex = new Mutex();
      const body = async () => {
        for (let turn = 0; turn < fewTurns; turn++) {
          const release = await mutex.acquire();
          await undefined;
          release();
        }
      };
      return { operations: tasks * fewTurns, pass: asyncs(...copies(body)) };
    },
    async 'async-mutex, Semaphore(1)'() {
      const { Semaphore } = await import('async-mutex');
      const semaphore = new Semaphore(1);
      const body = async () => {
        for (let turn = 0; turn < fewTurns; turn++) {
          await semaphore.acquire();
          await undefined;
          semaphore.release();
        }
      };
      return { operations: tasks * fewTurns, pass: asyncs(...copies(body)) };
    },
    async 'Effect, Semaphore(1)'() {
      const { Effect, Semaphore } = await import('effect');
      const semaphore = Semaphore.makeUnsafe(1);
      const body = function* () {
        for (let turn = 0; turn < fewTurns; turn++) {
          yield* semaphore.take(1);
          yield* Effect.yieldNow;
          yield* semaphore.release(1);
        }
      };
      return { operations: tasks * fewTurns, pass: await effects(...copies(body)) };
    },
    'gevent, Semaphore(1)': python('sync/peers/sync.py', 'gevent_lock', tasks, fewTurns, 1),
    'asyncio.Lock': python('sync/peers/sync.py', 'asyncio_lock', tasks, fewTurns, 1),
    'Go, sync.Mutex': go('sync/peers', 'lock', tasks, turns, 1),
  },
  bars: [
    { against: 'gevent, Semaphore(1)', faster: 3 },
    { against: 'async-mutex', faster: 3 },
  ],
};
