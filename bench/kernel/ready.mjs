// An operation whose result is there already. An await gives way all the same; here it should cost little more than a call.
import { go, python } from '../harness/programs.mjs';
import { asyncTasks, effectTasks, genletTasks } from './tasks.mjs';

const operations = 500_000;

const awaiting = (value) => ({
  operations,
  pass: asyncTasks(1, async () => {
    let sum = 0;
    for (let index = 0; index < operations; index++) sum += await value;
    return sum;
  }),
});

export default {
  title: 'An operation that need not block',
  about: 'The value of a task that has ended: `yield* greenlet`, `await promise`, and so on.',
  unit: 'ns per operation',
  cases: {
    async genlet() {
      const { spawn } = await import('../genlet.mjs');
      const pass = await genletTasks(1, function* () {
        const finished = spawn(() => 1);
        yield* finished.join();
        let sum = 0;
        for (let index = 0; index < operations; index++) sum += yield* finished;
        return sum;
      });
      return { operations, pass };
    },
    'await promise': () => awaiting(Promise.resolve(1)),
    'await number': () => awaiting(1),
    async 'Effect.succeed'() {
      const { Effect } = await import('effect');
      const one = Effect.succeed(1);
      const pass = await effectTasks(1, function* () {
        let sum = 0;
        for (let index = 0; index < operations; index++) sum += yield* one;
        return sum;
      });
      return { operations, pass };
    },
    'gevent, get()': python('kernel/peers/kernel.py', 'gevent_get', operations / 10),
    'Go, closed channel': go('kernel/peers', 'closed', operations),
  },
  bars: [{ atMost: 12 }, { against: 'await promise', faster: 5 }, { against: 'await number', faster: 5 }],
};
