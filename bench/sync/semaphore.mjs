// Two tasks that wake each other in turn by semaphores.
import { go, python } from '../harness/programs.mjs';
import { asyncs, effects, genlets } from './tasks.mjs';

const rounds = 100_000;
const fewRounds = 10_000;

export default {
  title: 'Semaphores, ping-pong',
  about:
    'Two tasks and one permit, which goes to and fro: each acquires its own semaphore and releases that of the other.',
  unit: 'ns per hand-over',
  cases: {
    async genlet() {
      const { Semaphore } = await import('../genlet.mjs');
      const player = (own, other) =>
        function* () {
          for (let round = 0; round < rounds; round++) {
            yield* own.acquire();
            other.release();
          }
        };
      const [ping, pong] = [new Semaphore(1), new Semaphore(0)];
      return { operations: 2 * rounds, pass: await genlets(player(ping, pong), player(pong, ping)) };
    },
    async 'async-mutex'() {
      const { Semaphore } = await import('async-mutex');
      const player = (own, other) => async () => {
        for (let round = 0; round < fewRounds; round++) {
          await own.acquire();
          other.release();
        }
      };
      const [ping, pong] = [new Semaphore(1), new Semaphore(0)];
      return { operations: 2 * fewRounds, pass: asyncs(player(ping, pong), player(pong, ping)) };
    },
    async Effect() {
      const { Semaphore } = await import('effect');
      const player = (own, other) =>
        function* () {
          for (let round = 0; round < fewRounds; round++) {
            yield* own.take(1);
            yield* other.release(1);
          }
        };
      const [ping, pong] = [Semaphore.makeUnsafe(1), Semaphore.makeUnsafe(0)];
      return { operations: 2 * fewRounds, pass: await effects(player(ping, pong), player(pong, ping)) };
    },
    gevent: python('sync/peers/sync.py', 'gevent_semaphores', fewRounds),
    asyncio: python('sync/peers/sync.py', 'asyncio_semaphores', fewRounds),
    'Go, channels of 1': go('sync/peers', 'semaphores', rounds),
  },
};
