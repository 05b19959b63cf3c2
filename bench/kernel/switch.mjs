// What it costs to go to the back of the ready queue and come back, with one, 1,000 and 100,000 greenlets taking turns.
import { go, python } from '../harness/programs.mjs';
import { asyncTasks, effectionTasks, effectTasks, genletTasks, sagaTasks } from './tasks.mjs';

const resolved = Promise.resolve();

/** The body of a task of genlet, and the switches that all tasks of a pass make together. */
async function sleepingGenlets(greenlets, turns) {
  const { sleep } = await import('../genlet.mjs');
  const pass = await genletTasks(greenlets, function* () {
    for (let turn = 0; turn < turns; turn++) yield* sleep(0);
  });
  return { operations: greenlets * turns, pass };
}

/** No queue, no scheduler, no errors: what V8 takes to resume a generator, the floor under everything here. */
function bareGenerators(count, turns) {
  const generators = Array.from({ length: count }, () =>
    (function* () {
      for (;;) yield;
    })(),
  );
  return {
    operations: count * turns,
    pass() {
      for (let turn = 0; turn < turns; turn++) for (let index = 0; index < count; index++) generators[index].next();
    },
  };
}

function awaiting(tasks, turns, value) {
  const pass = asyncTasks(tasks, async () => {
    for (let turn = 0; turn < turns; turn++) await value;
  });
  return { operations: tasks * turns, pass };
}

async function coRoutines(tasks, turns) {
  const { default: co } = await import('co');
  const pass = asyncTasks(tasks, () =>
    co(function* () {
      for (let turn = 0; turn < turns; turn++) yield resolved;
    }),
  );
  return { operations: tasks * turns, pass };
}

async function sagas(tasks, turns) {
  const pass = await sagaTasks(tasks, function* () {
    for (let turn = 0; turn < turns; turn++) yield resolved;
  });
  return { operations: tasks * turns, pass };
}

async function effects(tasks, turns) {
  const { Effect } = await import('effect');
  const pass = await effectTasks(tasks, function* () {
    for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow;
  });
  return { operations: tasks * turns, pass };
}

/** Effection has no way to give way but a sleep of 1 ms and more; this is its cheapest operation instead. */
async function effectionActions(tasks, turns) {
  const { action } = await import('effection');
  const cancel = () => {};
  const pass = await effectionTasks(tasks, function* () {
    for (let turn = 0; turn < turns; turn++) {
      yield* action((resolve) => {
        resolve();
        return cancel;
      });
    }
  });
  return { operations: tasks * turns, pass };
}

const title = (count) => `A switch through the ready queue, ${count.toLocaleString('en-US')} at a time`;
const unit = 'ns per switch';

/** One or 1,000 tasks; `turns` each for what takes tens of nanoseconds, a tenth of it for what takes hundreds and more. */
function switches(count, turns, { cases = {}, bars }) {
  const fewTurns = turns / 10;
  return {
    title: title(count),
    about: '`yield* sleep(0)` in genlet; every peer does what gives way to the other tasks.',
    unit,
    cases: {
      genlet: () => sleepingGenlets(count, turns),
      ...cases,
      'bare next()': () => bareGenerators(count, turns),
      'await undefined': () => awaiting(count, turns, undefined),
      'await resolved': () => awaiting(count, turns, resolved),
      'co, resolved promise': () => coRoutines(count, turns),
      'redux-saga, resolved promise': () => sagas(count, turns),
      'Effect.yieldNow': () => effects(count, fewTurns),
      'Effection, action': () => effectionActions(count, fewTurns),
      'gevent.sleep(0)': python('kernel/peers/kernel.py', 'gevent_sleep', count, fewTurns),
      'asyncio.sleep(0)': python('kernel/peers/kernel.py', 'asyncio_sleep', count, fewTurns),
      'Go Gosched': go('kernel/peers', 'gosched', count, turns),
    },
    bars,
  };
}

const hugeCount = 100_000;
const hugeTurns = 5;

/** From the moment when all tasks are under way to the end of the last one: starting so many costs as much as switching. */
class Clock {
  #begin;
  #end;

  turn() {
    this.#begin ??= process.hrtime.bigint();
  }

  taskEnds() {
    this.#end = process.hrtime.bigint();
  }

  /** Nanoseconds of the pass that has just ended; ready for the next one. */
  read() {
    const nanoseconds = Number(this.#end - this.#begin);
    this.#begin = undefined;
    return nanoseconds;
  }
}

async function hugeGenlets() {
  const { sleep } = await import('../genlet.mjs');
  const clock = new Clock();
  const pass = await genletTasks(hugeCount, function* () {
    yield* sleep(0);
    clock.turn();
    for (let turn = 0; turn < hugeTurns; turn++) yield* sleep(0);
    clock.taskEnds();
  });
  return {
    operations: hugeCount * hugeTurns,
    async timedPass() {
      await pass();
      return clock.read();
    },
  };
}

function hugeAwaits(value) {
  const clock = new Clock();
  const pass = asyncTasks(hugeCount, async () => {
    await value;
    clock.turn();
    for (let turn = 0; turn < hugeTurns; turn++) await value;
    clock.taskEnds();
  });
  return {
    operations: hugeCount * hugeTurns,
    async timedPass() {
      await pass();
      return clock.read();
    },
  };
}

export default [
  switches(1, 200_000, {
    cases: { 'genlet, two in turn': () => sleepingGenlets(2, 100_000) },
    bars: [
      { against: 'bare next()', atMost: 2.5 },
      { of: 'genlet, two in turn', against: 'bare next()', atMost: 2.5 },
      { against: 'await undefined', faster: 1.5 },
      { against: 'Go Gosched', faster: 2 },
      { against: 'Effect.yieldNow', faster: 10 },
      { against: 'gevent.sleep(0)', faster: 50 },
    ],
  }),
  switches(1000, 200, {
    bars: [
      { against: 'bare next()', atMost: 2 },
      { against: 'Effect.yieldNow', faster: 10 },
      { against: 'gevent.sleep(0)', faster: 50 },
    ],
  }),
  {
    title: title(hugeCount),
    about: `${hugeTurns} switches each, from when all are under way to the end of the last.`,
    unit,
    cases: {
      genlet: hugeGenlets,
      'bare next()': () => bareGenerators(hugeCount, hugeTurns),
      'await undefined': () => hugeAwaits(undefined),
      'await resolved': () => hugeAwaits(resolved),
      'Go Gosched': go('kernel/peers', 'gosched', hugeCount, hugeTurns),
    },
    bars: [
      { against: 'await undefined', faster: 3.5 },
      { against: 'await resolved', faster: 3.5 },
      { against: 'Go Gosched', faster: 4 },
    ],
  },
];
