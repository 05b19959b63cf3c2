// Thousands of tasks at once that do next to nothing: what it costs to hand one over and to have its result.
import { reading, timeAndCpu } from './measure.mjs';
import * as pools from './pools.mjs';

const count = 5000;
const numbers = Array.from({ length: count }, (_, index) => index);

const kinds = {
  integers: {
    about: 'A task gets an integer and gives the next one.',
    name: 'increment',
    makeInputs: () => numbers,
    isRight: (result, index) => result === index + 1,
    bars: [
      { against: 'piscina', faster: 8 },
      { against: 'tinypool', faster: 8 },
      { against: 'workerpool', faster: 10 },
    ],
  },
  objects: {
    about: 'A task gets an object of four properties, one of its own, and gives one of three.',
    name: 'summarize',
    makeInputs: () => numbers.map((id) => ({ id, first: id + 1.5, second: 2, name: `some-task-name-${id}` })),
    isRight: ({ id, sum, name }, index) => id === index && sum === index + 3.5 && name.endsWith(`-${index}`),
    bars: [{ against: 'piscina', faster: 4 }],
  },
};

const flooding = (makePool, { name, makeInputs, isRight }) =>
  async function flood() {
    const pool = await makePool();
    return reading(count, async () => pools.check(await pool.all(name, makeInputs()), isRight));
  };

export default Object.entries(kinds).map(([what, kind]) => ({
  title: `${count.toLocaleString('en-US')} tiny tasks at once, ${what}`,
  about: `${kind.about} Two worker threads.`,
  readings: timeAndCpu('task', kind.bars),
  cases: {
    genlet: flooding(pools.genlet, kind),
    piscina: flooding(pools.piscina, kind),
    tinypool: flooding(pools.tinypool, kind),
    workerpool: flooding(pools.workerpool, kind),
  },
}));
