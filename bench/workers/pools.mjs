// Each peer's pool of two threads, started and warm: `all(name, inputs)` gives the results of a task for each of the inputs, all
// handed over at once; `oneByOne(name, inputs)` waits for each before it comes to the next.
import { fileURLToPath } from 'node:url';

const size = 2;
const tasksUrl = new URL('tasks.mjs', import.meta.url);

export async function genlet() {
  const { joinall, run } = await import('../genlet.mjs');
  const { WorkerHub } = await import('../../dist/workers/index.js');
  const hub = new WorkerHub({ size });
  const tasks = hub.module(tasksUrl);
  await run(() => hub.broadcast(tasks.increment, 1));
  return {
    all: (name, inputs) =>
      run(function* () {
        const task = tasks[name];
        const jobs = inputs.map((input) => hub.spawn(task, input));
        yield* joinall(jobs);
        return jobs.map(({ value }) => value);
      }),
    oneByOne: (name, inputs) =>
      run(function* () {
        const task = tasks[name];
        const results = [];
        for (const input of inputs) results.push(yield* task(input));
        return results;
      }),
  };
}

/** Its way to wait is the default one, which blocks the worker's event loop: it is the fastest that it has. */
export async function piscina() {
  const { Piscina } = await import('piscina');
  const pool = new Piscina({ filename: tasksUrl.href, minThreads: size, maxThreads: size, recordTiming: false });
  return promising((name, input) => pool.run(input, { name }));
}

export async function tinypool() {
  const { Tinypool } = await import('tinypool');
  const pool = new Tinypool({ filename: tasksUrl.href, minThreads: size, maxThreads: size });
  return promising((name, input) => pool.run(input, { name }));
}

export async function workerpool() {
  const { default: workerpool } = await import('workerpool');
  const script = fileURLToPath(new URL('workerpool-worker.mjs', import.meta.url));
  const pool = workerpool.pool(script, { minWorkers: size, maxWorkers: size, workerType: 'thread' });
  return promising((name, input) => pool.exec(name, [input]));
}

function promising(call) {
  return {
    all: (name, inputs) => Promise.all(inputs.map((input) => call(name, input))),
    async oneByOne(name, inputs) {
      const results = [];
      for (const input of inputs) results.push(await call(name, input));
      return results;
    },
  };
}

/** No pool at all. */
export async function oneThread() {
  const tasks = await import(tasksUrl);
  return { all: (name, inputs) => inputs.map(tasks[name]) };
}

/** Throws if a result is not what it should be. */
export function check(results, isRight) {
  if (!results.every(isRight))
    throw new Error(`wrong result: ${results.find((result, index) => !isRight(result, index))}`);
}
