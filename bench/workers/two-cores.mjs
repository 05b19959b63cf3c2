// Work for the processor, in pieces: what two workers make of two cores, beside one thread.
import { speedOf } from '../io/measure.mjs';
import { reading, timeAndCpu } from './measure.mjs';
import * as pools from './pools.mjs';

const count = 16;

const kinds = {
  'Fibonacci numbers': { task: 'fibonacci', input: 29 },
  'chains of SHA-256': { task: 'hashChain', input: 2000 },
  'products of matrices': { task: 'multiply', input: 200 },
};

function table([what, { task, input }]) {
  const working = (makePool) => async () => {
    const pool = await makePool();
    const tasks = await import('./tasks.mjs');
    const right = tasks[task](input);
    return reading(count, async () => {
      pools.check(await pool.all(task, new Array(count).fill(input)), (result) => result === right);
    });
  };
  return {
    title: `Two workers: ${what}`,
    about: `${count} times ${task}(${input}). On two cores that nobody else uses, 0.5 x one thread would be perfect.`,
    base: 'one thread',
    readings: timeAndCpu('task', [{ of: 'genlet', ...speedOf(0.95, 'piscina') }]),
    cases: {
      genlet: working(pools.genlet),
      piscina: working(pools.piscina),
      'one thread': working(pools.oneThread),
    },
  };
}

export default Object.entries(kinds).map(table);
