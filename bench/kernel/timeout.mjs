// A deadline of 30 s around a call that makes one switch and never needs it, as around nearly every request.
import { go, python } from '../harness/programs.mjs';
import { asyncTasks, effectTasks, genletTasks } from './tasks.mjs';

const limit = 30_000; // ms

async function request() {
  await undefined;
}

/** `tasks` tasks in turn, each of which makes `calls` such calls one after the other. */
function calling(tasks, calls, { about, bars = [] }) {
  const fewCalls = calls / 20; // for those that take microseconds

  /** `makeTask` gets genlet and gives the body of a task. */
  const genletCalls = async (makeTask) => ({
    operations: tasks * calls,
    pass: await genletTasks(tasks, makeTask(await import('../genlet.mjs'))),
  });
  const asyncCalls = (count, task) => ({ operations: tasks * count, pass: asyncTasks(tasks, task) });

  return {
    title: `A timeout around a call of one switch, ${tasks} at a time`,
    about: `${about} Nothing ever times out. The rows "no timeout" show what the call costs by itself.`,
    unit: 'ns per call',
    cases: {
      genlet: () =>
        genletCalls(
          ({ sleep, Timeout }) =>
            function* () {
              for (let index = 0; index < calls; index++) {
                const timeout = Timeout.startNew(limit);
                try {
                  yield* sleep(0);
                } finally {
                  timeout.close();
                }
              }
            },
        ),
      'genlet, withTimeout': () =>
        genletCalls(({ sleep, withTimeout }) => {
          function* call() {
            yield* sleep(0);
          }
          return function* () {
            for (let index = 0; index < calls; index++) yield* withTimeout(limit, call);
          };
        }),
      'genlet, no timeout': () =>
        genletCalls(
          ({ sleep }) =>
            function* () {
              for (let index = 0; index < calls; index++) yield* sleep(0);
            },
        ),
      'setTimeout, clearTimeout': () =>
        asyncCalls(calls, async () => {
          for (let index = 0; index < calls; index++) {
            const timer = setTimeout(() => {}, limit);
            try {
              await undefined;
            } finally {
              clearTimeout(timer);
            }
          }
        }),
      'Promise.race': () =>
        asyncCalls(calls, async () => {
          for (let index = 0; index < calls; index++) {
            let timer;
            const expired = new Promise((_, reject) => {
              timer = setTimeout(reject, limit);
            });
            try {
              await Promise.race([request(), expired]);
            } finally {
              clearTimeout(timer);
            }
          }
        }),
      'AbortSignal.timeout': () =>
        asyncCalls(fewCalls, async () => {
          for (let index = 0; index < fewCalls; index++) {
            AbortSignal.timeout(limit);
            await undefined;
          }
        }),
      'await, no timeout': () =>
        asyncCalls(calls, async () => {
          for (let index = 0; index < calls; index++) await undefined;
        }),
      async 'Effect.timeout'() {
        const { Effect } = await import('effect');
        const call = Effect.timeout(Effect.promise(request), limit);
        const pass = await effectTasks(tasks, function* () {
          for (let index = 0; index < fewCalls; index++) yield* call;
        });
        return { operations: tasks * fewCalls, pass };
      },
      'gevent.Timeout': python('kernel/peers/kernel.py', 'gevent_timeout', tasks, fewCalls),
      'asyncio.timeout': python('kernel/peers/kernel.py', 'asyncio_timeout', tasks, fewCalls),
      'Go, context.WithTimeout': go('kernel/peers', 'timeout', tasks, calls),
    },
    bars,
  };
}

export default [
  calling(1, 50_000, {
    about: 'The only timer of 30 s in the program.',
    bars: [
      { against: 'setTimeout, clearTimeout', faster: 4 },
      { against: 'Promise.race', faster: 8 },
      { against: 'gevent.Timeout', faster: 40 },
    ],
  }),
  calling(100, 1000, {
    about:
      'A hundred timers of 30 s at any time, which makes it easier for Node: it need not make and drop its list of them.',
  }),
];
