// The pools of Python's standard library beside those that are called the same here: processes against processes. Threads of
// Python take turns on one core, so its processes stand beside the worker threads, too.
import { python } from '../harness/programs.mjs';
import { reading, readingWithChildren, timeAndCpu } from './measure.mjs';
import { check } from './pools.mjs';

const size = 2;
/** These passes are short. */
const warmUpPasses = 12;

/** `kind` is a pool or executor of genlet, `Processes` the one that has processes; `begin` gives what all `count` calls give. */
const calling = (kind, make, count, begin) => async () => {
  const { run } = await import('../genlet.mjs');
  const workers = await import('../../dist/workers/index.js');
  const tasks = await import('./tasks.mjs');
  const increment = workers.task(new URL('tasks.mjs', import.meta.url).href, 'increment', tasks.increment);
  const pool = make(workers[kind]);
  const read = kind.startsWith('Thread') ? reading : readingWithChildren;
  const numbers = Array.from({ length: count }, (_, index) => index); // as Python's `range` is there
  const pass = async () => {
    const results = await run(() => begin(pool, increment, numbers));
    check(results, (result, index) => result === index + 1);
  };
  return read(count, pass, warmUpPasses);
};

function* resultsOf(futures) {
  const results = [];
  for (const future of futures) results.push(yield* future.get());
  return results;
}

function poolTable({ title, about, count, begin, peer, bar }) {
  const make = (Pool) => new Pool(size);
  return {
    title,
    about,
    readings: timeAndCpu('call', [{ against: 'multiprocessing.Pool', faster: bar }]),
    cases: {
      genlet: calling('Pool', make, count, begin),
      'genlet, ThreadPool': calling('ThreadPool', make, count, begin),
      'multiprocessing.Pool': python('workers/peers/workers.py', peer, count),
    },
  };
}

const floodOfCalls = 3000;
const makeExecutor = (Executor) => new Executor({ maxWorkers: size });
const submitAll = (executor, increment, numbers) =>
  resultsOf(numbers.map((number) => executor.submit(increment, number)));

export default [
  poolTable({
    title: 'Pool.applyAsync, 5,000 calls at once',
    about: 'Two processes, and a call that adds one. Futures are made for all, then all results are waited for.',
    count: 5000,
    begin: (pool, increment, numbers) => resultsOf(numbers.map((number) => pool.applyAsync(increment, [number]))),
    peer: 'apply_async',
    bar: 10,
  }),
  poolTable({
    title: 'Pool.map of 20,000 items',
    about: 'As above, in chunks of the size that each pool chooses by itself.',
    count: 20_000,
    begin: (pool, increment, numbers) => pool.map(increment, numbers),
    peer: 'map',
    bar: 1.2,
  }),
  poolTable({
    title: 'Pool.apply, one call at a time',
    about: 'As above, where each call waits for the one before.',
    count: 2000,
    *begin(pool, increment, numbers) {
      const results = [];
      for (const number of numbers) results.push(yield* pool.apply(increment, [number]));
      return results;
    },
    peer: 'apply',
    bar: 2,
  }),
  {
    title: 'ProcessPoolExecutor.submit, 3,000 calls at once',
    about: 'Two processes, and a call that adds one. The bar is for the CPU time.',
    readings: timeAndCpu('call', [], [{ against: 'concurrent.futures.ProcessPoolExecutor', faster: 30 }]),
    cases: {
      genlet: calling('ProcessPoolExecutor', makeExecutor, floodOfCalls, submitAll),
      'genlet, ThreadPoolExecutor': calling('ThreadPoolExecutor', makeExecutor, floodOfCalls, submitAll),
      'concurrent.futures.ProcessPoolExecutor': python('workers/peers/workers.py', 'submit', floodOfCalls),
    },
  },
];
