import { BrokenPoolError, isExit, joinall, run, sleep, spawn, UncloneableError, WorkerDied, withTimeout } from 'genlet';
import { registerError, WorkerHub, type WorkerHubOptions } from 'genlet/workers';
import { afterEach, describe, expect, it } from 'vitest';
import { hub, watchHub } from '../../support/hub.ts';
import { random as seeded } from '../../support/random.ts';
import { OutOfPaper } from '../fixtures/remote-tasks.ts';

const url = new URL('../fixtures/remote-tasks.ts', import.meta.url);
const { takeReports } = watchHub();
const hubs: WorkerHub[] = [];
registerError(OutOfPaper);

function open(options: WorkerHubOptions = { size: 1 }) {
  const workers = new WorkerHub(options);
  hubs.push(workers);
  return { workers, tasks: workers.module<typeof import('../fixtures/remote-tasks.ts')>(url) };
}

afterEach(() => {
  for (const each of hubs.splice(0)) each.terminate();
  expect(hub.outside).toBe(0);
});

function* caught(perform: () => { [Symbol.iterator](): Iterator<any, unknown, any> }): Generator<any, any, any> {
  try {
    yield* perform();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Within what time a misbehaving job must have failed. */
const soon = 1000;

describe('a job that', { timeout: 60_000 }, () => {
  it('throws fails with its error: class, code, cause, properties, and both stacks', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const error = yield* caught(() => tasks.fail('far away'));
      expect(error).toBeInstanceOf(RangeError);
      expect({ ...error, message: error.message }).toEqual({ message: 'far away', code: 'E_FAR', deep: { a: [1] } });
      expect(error.cause).toBeInstanceOf(TypeError);
      expect(error.stack).toMatch(/at fail /);
      const own = yield* caught(() => tasks.failLater());
      expect(own).toBeInstanceOf(OutOfPaper);
      expect([own.name, own.pages, own.message]).toEqual(['OutOfPaper', 7, 'no paper for 7 pages']);
      for (const value of [undefined, null, 5, 'text', { a: 1 }]) {
        expect(yield* caught(() => tasks.throwValue(value))).toEqual(value);
      }
      expect(workers.stats().deaths).toBe(0);
    });
  });

  it('returns what cannot be cloned fails with the path to it, and spares the others', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const jobs = [workers.spawn(tasks.inc, 1), workers.spawn(tasks.uncloneable), workers.spawn(tasks.inc, 2)];
      yield* joinall(jobs);
      const error = yield* caught(() => jobs[1]!);
      expect(error).toBeInstanceOf(UncloneableError);
      expect([error.path, error.message]).toEqual([
        'result.items[3].callback',
        "result.items[3].callback: callback can't be cloned",
      ]);
      expect([jobs[0]!.value, jobs[2]!.value]).toEqual([2, 3]);
    });
    await takeReports(); // it was taken late
  });

  it('was given what cannot be cloned fails with the path to it, and spares the others', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const bad = [() => 1, { a: [new Map([['k', Symbol('s')]])] }, new WeakMap(), Promise.resolve()];
      const jobs = [1, ...bad, 2].map((value) => workers.spawn(tasks.nothing, value));
      const last = workers.spawn(tasks.inc, 1);
      yield* joinall([...jobs, last]);
      expect(jobs.map((job) => job.value)).toEqual([[1], undefined, undefined, undefined, undefined, [2]]);
      expect(last.value).toBe(2);
      const paths: string[] = [];
      for (const job of jobs.slice(1, 5)) paths.push((yield* caught(() => job)).path);
      expect(paths).toEqual(['arguments[0]', "arguments[0].a[0].get('k')", 'arguments[0]', 'arguments[0]']);
    });
    await takeReports(); // they were taken late
  });

  it('loops for ever is ended with its thread when it is killed; the others go on elsewhere', async () => {
    const { workers, tasks } = open({ size: 1, grace: 50 });
    await run(function* () {
      yield* tasks.inc(1);
      const looping = workers.spawn(tasks.hang);
      const others = [1, 2, 3].map((n) => workers.spawn(tasks.inc, n));
      yield* sleep(20);
      const start = performance.now();
      yield* looping.kill();
      expect(performance.now() - start).toBeLessThan(soon);
      expect([looping.successful(), String(looping.value)]).toEqual([true, 'GreenletExit: killed']);
      yield* joinall(others);
      expect(others.map((job) => job.value)).toEqual([2, 3, 4]);
    });
  });

  it('loops for ever is ended with its thread when its time is up', async () => {
    const { workers, tasks } = open({ size: 1, grace: 20 });
    await run(function* () {
      yield* tasks.inc(1);
      expect(yield* withTimeout(20, () => tasks.hang(), { value: 'time is up' })).toBe('time is up');
      expect(yield* tasks.inc(1)).toBe(2);
      expect(workers.stats().running).toBe(0);
    });
  });

  it('takes long keeps its thread when another one, behind it, is killed', async () => {
    const { workers, tasks } = open({ size: 1, grace: 20 });
    await run(function* () {
      yield* tasks.inc(1);
      const suspended = workers.spawn(tasks.wait, 60_000);
      yield* sleep(20);
      const long = workers.spawn(tasks.busy, 150);
      const behind = workers.spawn(tasks.inc, 1);
      yield* sleep(20);
      yield* behind.kill();
      expect(long.dead).toBe(false);
      yield* suspended.kill();
      expect(yield* long).toBe(150);
      expect(suspended.successful()).toBe(true);
    });
  });

  it('exits fails, and those that it shared its worker with; who was not begun goes elsewhere', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.inc(1);
      const suspended = workers.spawn(tasks.wait, 60_000);
      yield* sleep(20);
      const start = performance.now();
      const exiting = workers.spawn(tasks.exit, 7);
      const others = [1, 2, 3].map((n) => workers.spawn(tasks.inc, n));
      const error = yield* caught(() => exiting);
      expect(performance.now() - start).toBeLessThan(soon);
      expect(error).toBeInstanceOf(WorkerDied);
      expect([error.code, error.exitCode]).toEqual(['GENLET_WORKER_DIED', 7]);
      expect(error.message).toMatch(/worker\d*-1 ended with exit code 7 while it ran exit/);
      expect(yield* caught(() => suspended)).toBeInstanceOf(WorkerDied);
      yield* joinall(others);
      expect(others.map((job) => job.value)).toEqual([2, 3, 4]);
      expect(workers.stats().deaths).toBe(1);
    });
  });

  it('runs out of memory fails within its limits', { timeout: 30_000 }, async () => {
    const { tasks } = open({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 } });
    await run(function* () {
      const error = yield* caught(() => tasks.hoard());
      expect(error).toBeInstanceOf(WorkerDied);
      expect(error.cause.code).toBe('ERR_WORKER_OUT_OF_MEMORY');
      expect(yield* tasks.inc(1)).toBe(2);
    });
  });

  it('leaves an error behind costs the worker, and what runs there at the time', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      expect(yield* tasks.errorLater(20)).toBe('returned');
      const error = yield* caught(() => tasks.wait(60_000));
      expect(error).toBeInstanceOf(WorkerDied);
      expect(error.cause.message).toBe('in a timer');
      expect(yield* tasks.rejectLater()).toBe('returned');
      while (workers.stats().deaths < 2) yield* sleep(5);
      expect(yield* tasks.inc(1)).toBe(2);
    });
    expect((await takeReports()).map(({ error }) => String(error))).toEqual(['Error: nobody cares']);
  });

  it('dies is run again as often as it was asked for, and never else', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const job = workers.spawnWith({ retries: 2 }, tasks.exit, 1);
      expect(yield* caught(() => job)).toBeInstanceOf(WorkerDied);
      expect(workers.stats().deaths).toBe(3);
    });
  });
});

describe('a pool', { timeout: 60_000 }, () => {
  it('breaks when its workers never get ready', async () => {
    const { workers, tasks } = open({ size: 2, init: { module: url, name: 'failingSetUp' } });
    await run(function* () {
      const jobs = [1, 2, 3].map((n) => workers.spawn(tasks.inc, n));
      for (const job of jobs) {
        const error = yield* caught(() => job);
        expect(error).toBeInstanceOf(BrokenPoolError);
        expect(String(error.cause)).toBe('RangeError: no set-up');
      }
      expect(yield* caught(() => tasks.inc(1))).toBeInstanceOf(BrokenPoolError);
      while (workers.stats().workers > 0) yield* sleep(5);
    });
  });

  it('breaks when the file that is to be loaded first is missing', async () => {
    const { tasks } = open({ size: 1, init: { module: new URL('./none.ts', url), name: 'setUp' } });
    await run(function* () {
      const error = yield* caught(() => tasks.inc(1));
      expect(error.cause.code).toBe('ERR_MODULE_NOT_FOUND');
    });
  });

  it('settles every job once, whatever is killed and whoever dies', { timeout: 120_000 }, async () => {
    const JOBS = 100_000;
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seeded(seed);
    const { workers, tasks } = open({ size: 2, grace: 200 });
    await run(function* () {
      const settled = new Uint8Array(JOBS);
      const jobs = Array.from({ length: JOBS }, (_, i) => {
        const dice = random(100_000);
        const job =
          dice < 12
            ? workers.spawn(tasks.exit, 1)
            : dice < 2000
              ? workers.spawn(tasks.wait, random(20))
              : dice < 30_000
                ? workers.spawn(tasks.add, i, 1)
                : workers.spawn(tasks.inc, i);
        job.rawlink(() => void settled[i]!++);
        return job;
      });
      const ended = () => jobs.every((job) => job.dead);
      const killer = spawn(function* () {
        while (!ended()) {
          yield* sleep(1);
          for (let k = 0; k < 20; k++) jobs[random(JOBS)]!.kill();
        }
      });
      yield* joinall([...jobs, killer]);
      yield* sleep(0);
      const outcomes = { seed, notOnce: settled.filter((times) => times !== 1).length, wrong: 0, died: 0, killed: 0 };
      for (const [i, job] of jobs.entries()) {
        if (!job.successful()) {
          if (job.exception instanceof WorkerDied) outcomes.died++;
          else outcomes.wrong++;
        } else if (isExit(job.value)) outcomes.killed++;
        else if (job.value !== i + 1 && job.value !== 'waited') outcomes.wrong++;
      }
      expect(outcomes).toMatchObject({ notOnce: 0, wrong: 0 });
      expect(outcomes.died, `seed ${seed}`).toBeGreaterThan(0);
      expect(outcomes.killed, `seed ${seed}`).toBeGreaterThan(100);
      expect(workers.stats()).toMatchObject({ queued: 0, running: 0 });
    });
    await takeReports();
  });
});
