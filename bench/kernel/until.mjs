// The price of the bridge to promises: waiting for one that is resolved already.
import { asyncTasks, effectTasks, genletTasks } from './tasks.mjs';

const resolved = Promise.resolve(1);

function waits(tasks, turns) {
  const operations = tasks * turns;
  return {
    title: `Waiting for a resolved promise, ${tasks.toLocaleString('en-US')} at a time`,
    about: '`yield* until(promise)` beside `await promise`.',
    unit: 'ns per wait',
    cases: {
      async genlet() {
        const { until } = await import('../genlet.mjs');
        const pass = await genletTasks(tasks, function* () {
          for (let turn = 0; turn < turns; turn++) yield* until(resolved);
        });
        return { operations, pass };
      },
      await: () => ({
        operations,
        pass: asyncTasks(tasks, async () => {
          for (let turn = 0; turn < turns; turn++) await resolved;
        }),
      }),
      async 'Effect.promise'() {
        const { Effect } = await import('effect');
        const wait = Effect.promise(() => resolved);
        const pass = await effectTasks(tasks, function* () {
          for (let turn = 0; turn < turns; turn++) yield* wait;
        });
        return { operations, pass };
      },
    },
    bars: [{ against: 'await', atMost: 2.5 }],
  };
}

export default [waits(1, 50_000), waits(1000, 50)];
