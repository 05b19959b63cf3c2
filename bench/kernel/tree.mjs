// "Skynet": a task starts ten more, these ten more each, and so on; every task adds up what its children return.
import { go, python } from '../harness/programs.mjs';

const leaves = 100_000;
const tasks = 111_111;
const fewLeaves = 10_000; // for those that take microseconds a task
const fewTasks = 11_111;

async function genletTree(start) {
  const { run, [start]: startChild } = await import('../genlet.mjs');
  function* node(first, size) {
    if (size === 1) return first;
    const children = new Array(10);
    for (let index = 0; index < 10; index++) children[index] = startChild(node, first + (index * size) / 10, size / 10);
    let total = 0;
    for (const child of children) total += yield* child;
    return total;
  }
  function* root() {
    return yield* node(0, leaves);
  }
  return { operations: tasks, pass: async () => check(await run(root), leaves) };
}

async function asyncNode(first, size) {
  if (size === 1) return first;
  const children = new Array(10);
  for (let index = 0; index < 10; index++) children[index] = asyncNode(first + (index * size) / 10, size / 10);
  let total = 0;
  for (const child of children) total += await child;
  return total;
}

function check(total, leaves) {
  const sum = (leaves * (leaves - 1)) / 2;
  if (total !== sum) throw new Error(`the tree adds up to ${total}, not ${sum}`);
}

export default {
  title: 'A tree of 111,111 tasks',
  about:
    'Each task starts ten more, five levels deep, and adds up what they return. "genlet" starts them by `spawnNow`.',
  unit: 'ns per task',
  cases: {
    genlet: () => genletTree('spawnNow'),
    'genlet, spawn': () => genletTree('spawn'),
    'async functions': () => ({ operations: tasks, pass: async () => check(await asyncNode(0, leaves), leaves) }),
    async 'Effect (11,111 tasks)'() {
      const { Effect, Fiber } = await import('effect');
      const node = (first, size) =>
        Effect.gen(function* () {
          if (size === 1) return first;
          const children = new Array(10);
          for (let index = 0; index < 10; index++) {
            children[index] = yield* Effect.forkChild(node(first + (index * size) / 10, size / 10));
          }
          let total = 0;
          for (const child of children) total += yield* Fiber.join(child);
          return total;
        });
      return { operations: fewTasks, pass: async () => check(await Effect.runPromise(node(0, fewLeaves)), fewLeaves) };
    },
    'gevent (11,111 tasks)': python('kernel/peers/kernel.py', 'gevent_tree', fewLeaves),
    Go: go('kernel/peers', 'tree', leaves),
  },
  bars: [
    { against: 'async functions', faster: 1.8 },
    { against: 'Go', faster: 5 },
  ],
};
