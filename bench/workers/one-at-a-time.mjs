// A task is handed over when the result of the one before has come: nothing can be batched, and both threads would fall asleep each time.
import { speedOf } from '../io/measure.mjs';
import { reading, timeAndCpu } from './measure.mjs';
import * as pools from './pools.mjs';

const count = 2000;
const numbers = Array.from({ length: count }, (_, index) => index);

const asking = (makePool) => async () => {
  const pool = await makePool();
  return reading(count, async () => {
    pools.check(await pool.oneByOne('increment', numbers), (result, index) => result === index + 1);
  });
};

export default {
  title: 'Tiny tasks, one at a time',
  about:
    'A task gets an integer and gives the next one, two worker threads. The workers of piscina block their event loop while ' +
    'they wait, which saves them a way through it; timers and sockets of theirs stand still meanwhile. In genlet both sides stay ' +
    'awake for a moment instead.',
  readings: timeAndCpu('task', [speedOf(0.9, 'piscina')]),
  cases: { genlet: asking(pools.genlet), piscina: asking(pools.piscina) },
};
