// Locks of several threads or processes, while nobody else wants them.
import { python } from '../harness/programs.mjs';
import { speedOf } from '../io/measure.mjs';
import { reading, timeAndCpu } from './measure.mjs';

const pairs = 200_000;

export default {
  title: 'A shared lock that is free',
  about:
    'Acquired and released by the only one who wants it: a lock between threads in genlet, one between processes in Python.',
  readings: timeAndCpu('pair', [speedOf(0.8, 'multiprocessing.Lock')]),
  cases: {
    async genlet() {
      const { run } = await import('../genlet.mjs');
      const { shared } = await import('../../dist/workers/index.js');
      const lock = new shared.Lock();
      return reading(pairs, () =>
        run(function* () {
          for (let index = 0; index < pairs; index++) {
            yield* lock.acquire();
            lock.release();
          }
        }),
      );
    },
    'multiprocessing.Lock': python('workers/peers/workers.py', 'lock', pairs),
  },
};
