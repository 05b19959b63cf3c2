// 100,000 tasks that each sleep once, for 0 to 1,000 ms: the CPU they take, and the timers of Node behind them.
import { go, python } from '../harness/programs.mjs';

const sleepers = 100_000;

/** The same "random" durations for all. */
function durations() {
  let seed = 12345;
  return Array.from({ length: sleepers }, () => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return Math.floor((seed / 0x80000000) * 1000);
  });
}

/** CPU milliseconds, user and system, of the whole process from here to the end of `work`. */
async function cpuOf(work) {
  const begin = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
}

async function genletSleeps() {
  const { joinall, run, sleep, spawn } = await import('../genlet.mjs');
  function* sleeper(duration) {
    yield* sleep(duration);
  }
  const each = durations();
  return () =>
    run(function* () {
      yield* joinall(each.map((duration) => spawn(sleeper, duration)));
    });
}

function asyncSleeps() {
  const sleep = (duration) => new Promise((resolve) => setTimeout(resolve, duration));
  const sleeper = async (duration) => {
    await sleep(duration);
  };
  const each = durations();
  return () => Promise.all(each.map(sleeper));
}

async function effectSleeps() {
  const { Effect } = await import('effect');
  const sleeper = (duration) =>
    Effect.gen(function* () {
      yield* Effect.sleep(duration);
    });
  const all = Effect.all(durations().map(sleeper), { concurrency: 'unbounded', discard: true });
  return () => Effect.runPromise(all);
}

/** The most timers that Node has at any of several looks while all are asleep; those set here in order to look are over by then. */
async function mostTimersDuring(work) {
  let most = 0;
  work();
  for (let look = 0; look < 20; look++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    most = Math.max(most, process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length);
  }
  return most;
}

export default [
  {
    title: '100,000 concurrent sleeps, CPU',
    about: 'CPU time, user and system, of the whole process. Each task sleeps once, for 0 to 1,000 ms.',
    unit: 'CPU ms',
    mostRounds: 2,
    cases: {
      genlet: async () => cpuOf(await genletSleeps()),
      'async, setTimeout': () => cpuOf(asyncSleeps()),
      'Effect.sleep': async () => cpuOf(await effectSleeps()),
      gevent: python('kernel/peers/kernel.py', 'gevent_sleepers', sleepers),
      asyncio: python('kernel/peers/kernel.py', 'asyncio_sleepers', sleepers),
      Go: go('kernel/peers', 'sleepers', sleepers),
    },
    bars: [{ against: 'async, setTimeout', atMost: 0.6 }],
  },
  {
    title: '100,000 concurrent sleeps, timers of Node',
    about: 'The most active timers of Node at twenty looks, 20 ms apart.',
    unit: 'timers',
    mostRounds: 1,
    cases: {
      genlet: async () => mostTimersDuring(await genletSleeps()),
      'async, setTimeout': () => mostTimersDuring(asyncSleeps()),
    },
    bars: [{ atMost: 1 }],
  },
];
