// A lock that its owner may acquire again.
import { python } from '../harness/programs.mjs';
import { genlets } from './tasks.mjs';

const rounds = 250_000;
const fewRounds = 25_000;

export default {
  title: 'A reentrant lock that is free',
  about: 'One task acquires it twice and releases it twice. Go, Effect and asyncio have none.',
  unit: 'ns per pair',
  cases: {
    async genlet() {
      const { RLock } = await import('../genlet.mjs');
      const lock = new RLock();
      const pass = await genlets(function* () {
        for (let round = 0; round < rounds; round++) {
          yield* lock.acquire();
          yield* lock.acquire();
          lock.release();
          lock.release();
        }
      });
      return { operations: 2 * rounds, pass };
    },
    'gevent, RLock': python('sync/peers/sync.py', 'gevent_rlock', fewRounds),
  },
};
