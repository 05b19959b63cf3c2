// Two tasks in turn, who tell each other by a condition whose turn it is.
import { go, python } from '../harness/programs.mjs';
import { genlets } from './tasks.mjs';

const rounds = 50_000;
const fewRounds = 5000;

export default {
  title: 'A condition, ping-pong',
  about: 'With the lock held, each waits until it is its turn, gives the turn to the other and notifies it.',
  unit: 'ns per turn',
  cases: {
    async genlet() {
      const { Condition, Lock } = await import('../genlet.mjs');
      const lock = new Lock();
      const condition = new Condition(lock);
      let turn = 0;
      const player = (me) =>
        function* () {
          for (let round = 0; round < rounds; round++) {
            yield* lock.acquire();
            while (turn !== me) yield* condition.wait();
            turn = 1 - me;
            condition.notify();
            lock.release();
          }
        };
      return { operations: 2 * rounds, pass: await genlets(player(0), player(1)) };
    },
    'gevent, patched threading': python('sync/peers/sync.py', 'gevent_condition', fewRounds),
    'asyncio.Condition': python('sync/peers/sync.py', 'asyncio_condition', fewRounds),
    'Go, sync.Cond': go('sync/peers', 'condition', rounds),
  },
};
