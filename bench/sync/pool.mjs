// 10,000 short tasks, five at a time, and their results in order.
import { go, python } from '../harness/programs.mjs';

const tasks = 10_000;
const size = 5;
const inputs = Array.from({ length: tasks }, (_, index) => index);

/** A pass that checks that the results are the inputs, one by one. */
const mapping = (map) => ({
  operations: tasks,
  async pass() {
    const results = await map();
    if (results.length !== tasks || results.some((result, index) => result !== index)) throw new Error('wrong results');
  },
});

async function giveWay(input) {
  await undefined;
  return input;
}

async function atOnce(input) {
  return input;
}

/** `yields`: how many times a task gives way, 0 or 1. */
function poolMap(yields, { title, about, bars }) {
  const asyncTask = yields === 0 ? atOnce : giveWay;
  return {
    title,
    about,
    unit: 'ns per task',
    cases: {
      async genlet() {
        const { Pool, run, sleep } = await import('../genlet.mjs');
        const giveWay = function* (input) {
          yield* sleep(0);
          return input;
        };
        const atOnce = function* (input) {
          return input;
        };
        const task = yields === 0 ? atOnce : giveWay;
        return mapping(() =>
          run(function* () {
            return yield* new Pool(size).map(task, inputs);
          }),
        );
      },
      async 'p-limit'() {
        const { default: pLimit } = await import('p-limit');
        return mapping(() => pLimit(size).map(inputs, asyncTask));
      },
      async 'p-queue'() {
        const { default: PQueue } = await import('p-queue');
        return mapping(() => new PQueue({ concurrency: size }).addAll(inputs.map((input) => () => asyncTask(input))));
      },
      async 'Effect.forEach'() {
        const { Effect } = await import('effect');
        const task = (input) => (yields === 0 ? Effect.succeed(input) : Effect.as(Effect.yieldNow, input));
        const all = Effect.forEach(inputs, task, { concurrency: size });
        return mapping(() => Effect.runPromise(all));
      },
      gevent: python('sync/peers/sync.py', 'gevent_pool', size, tasks, yields),
      'asyncio, Semaphore and gather': python('sync/peers/sync.py', 'asyncio_pool', size, tasks, yields),
      'Go, goroutines and a channel': go('sync/peers', 'pool', size, tasks, yields),
    },
    bars,
  };
}

export default [
  poolMap(1, {
    title: 'Pool(5).map of 10,000',
    about: 'Each task gives way once.',
    bars: [
      { against: 'gevent', faster: 5 },
      { against: 'p-limit', faster: 3 },
    ],
  }),
  poolMap(0, {
    title: 'Pool(5).map of 10,000, tasks that return at once',
    about: 'What the pool takes by itself.',
  }),
];
