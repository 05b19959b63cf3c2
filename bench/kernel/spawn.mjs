// Starting tasks that have nothing to do, and waiting for all of them: what a task costs by itself.
import { go, python } from '../harness/programs.mjs';
import { asyncTasks, effectionTasks, sagaTasks } from './tasks.mjs';

const tasks = 100_000;
const fewTasks = 2000;

function* returnOne() {
  return 1;
}

/** `start` names what starts a child: spawn, which queues it, or spawnNow, which runs it at once. */
async function genletChildren(start) {
  const { joinall, run, [start]: startChild } = await import('../genlet.mjs');
  function* parent() {
    const children = new Array(tasks);
    for (let index = 0; index < tasks; index++) children[index] = startChild(returnOne);
    yield* joinall(children);
  }
  return { operations: tasks, pass: () => run(parent) };
}

export default {
  title: 'Spawn and join, 100,000 alive at once',
  about: `Every task returns at once. Effection and redux-saga start ${fewTasks.toLocaleString('en-US')}: their cost a task grows with the number.`,
  unit: 'ns per task',
  cases: {
    genlet: () => genletChildren('spawn'),
    'genlet, spawnNow': () => genletChildren('spawnNow'),
    'async function': () => ({ operations: tasks, pass: asyncTasks(tasks, async () => 1) }),
    'async function, one await': () => ({
      operations: tasks,
      pass: asyncTasks(tasks, async () => {
        await undefined;
        return 1;
      }),
    }),
    async co() {
      const { default: co } = await import('co');
      return { operations: tasks, pass: asyncTasks(tasks, () => co(returnOne)) };
    },
    async 'Effect.forkChild'() {
      const { Effect, Fiber } = await import('effect');
      const child = Effect.gen(returnOne);
      const parent = Effect.gen(function* () {
        const children = new Array(tasks);
        for (let index = 0; index < tasks; index++) children[index] = yield* Effect.forkChild(child);
        yield* Fiber.joinAll(children);
      });
      return { operations: tasks, pass: () => Effect.runPromise(parent) };
    },
    async 'redux-saga'() {
      return { operations: fewTasks, pass: await sagaTasks(fewTasks, returnOne) };
    },
    async Effection() {
      return { operations: fewTasks, pass: await effectionTasks(fewTasks, returnOne) };
    },
    gevent: python('kernel/peers/kernel.py', 'gevent_spawn', tasks),
    asyncio: python('kernel/peers/kernel.py', 'asyncio_spawn', tasks),
    Go: go('kernel/peers', 'spawn', tasks),
  },
  bars: [
    { against: 'async function', atMost: 1.5 },
    { against: 'Effect.forkChild', faster: 4 },
    { against: 'gevent', faster: 50 },
  ],
};
