// What it costs that every greenlet keeps the AsyncLocalStorage context of its spawn.
import { AsyncLocalStorage } from 'node:async_hooks';
import { asyncTasks, genletTasks } from './tasks.mjs';

const tasks = 100;
const turns = 1000;
const operations = tasks * turns;

async function switching() {
  const { sleep } = await import('../genlet.mjs');
  return genletTasks(tasks, function* () {
    for (let turn = 0; turn < turns; turn++) yield* sleep(0);
  });
}

function awaiting() {
  return asyncTasks(tasks, async () => {
    for (let turn = 0; turn < turns; turn++) await undefined;
  });
}

/** The pass inside one store, which all tasks share. */
function withStore(pass) {
  const storage = new AsyncLocalStorage();
  return { operations, pass: () => storage.run({ user: 'one' }, pass) };
}

/** The pass where each task is started in a store of its own. */
async function withStoreEach() {
  const { joinall, run, sleep, spawn } = await import('../genlet.mjs');
  const storage = new AsyncLocalStorage();
  function* task() {
    for (let turn = 0; turn < turns; turn++) yield* sleep(0);
  }
  function* main() {
    const each = Array.from({ length: tasks }, (_, user) => storage.run({ user }, () => spawn(task)));
    yield* joinall(each);
  }
  return { operations, pass: () => run(main) };
}

export default {
  title: 'A switch with AsyncLocalStorage',
  about: 'A hundred tasks in turn: no store in the program, one store for all, a store for each.',
  unit: 'ns per switch',
  cases: {
    genlet: async () => ({ operations, pass: await switching() }),
    'genlet, one store': async () => withStore(await switching()),
    'genlet, a store each': withStoreEach,
    await: () => ({ operations, pass: awaiting() }),
    'await, one store': () => withStore(awaiting()),
  },
};
