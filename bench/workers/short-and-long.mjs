// Tasks that keep a processor busy: short ones, beside which handing over still shows, and long ones, with which it must not.
import { speedOf } from '../io/measure.mjs';
import { reading, timeAndCpu } from './measure.mjs';
import * as pools from './pools.mjs';

function table({ title, number, result, count, bar }) {
  const working = (makePool) => async () => {
    const pool = await makePool();
    return reading(count, async () => {
      pools.check(await pool.all('fibonacci', new Array(count).fill(number)), (each) => each === result);
    });
  };
  return {
    title,
    about: `Each is fibonacci(${number}), by recursion; two worker threads.`,
    readings: timeAndCpu('task', [bar]),
    cases: { genlet: working(pools.genlet), piscina: working(pools.piscina) },
  };
}

export default [
  table({
    title: '1,000 tasks of some 0.07 ms at once',
    number: 20,
    result: 6765,
    count: 1000,
    bar: { against: 'piscina', faster: 1.2 },
  }),
  table({
    title: '24 tasks of more than 5 ms at once',
    number: 30,
    result: 832_040,
    count: 24,
    bar: speedOf(0.95, 'piscina'),
  }),
];
