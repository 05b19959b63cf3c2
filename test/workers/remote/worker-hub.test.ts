import {
  Greenlet,
  Group,
  InvalidStateError,
  iwait,
  joinall,
  killall,
  type Operation,
  run,
  select,
  sleep,
  spawn,
  Timeout,
  taskGroup,
  wait,
  withTimeout,
} from 'genlet';
import { RemoteGreenlet, WorkerHub, type WorkerHubOptions } from 'genlet/workers';
import { afterEach, describe, expect, it } from 'vitest';
import { hub, watchHub } from '../../support/hub.ts';

const url = new URL('../fixtures/remote-tasks.ts', import.meta.url);
const { takeReports } = watchHub();
const hubs: WorkerHub[] = [];

function open(options: WorkerHubOptions = { size: 1 }) {
  const workers = new WorkerHub(options);
  hubs.push(workers);
  return { workers, tasks: workers.module<typeof import('../fixtures/remote-tasks.ts')>(url) };
}

afterEach(() => {
  for (const each of hubs.splice(0)) each.terminate();
  expect(hub.outside).toBe(0);
});

describe('a function of a module', { timeout: 60_000 }, () => {
  it('runs in a worker, be it plain, async or a coroutine function', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      expect(yield* tasks.inc(1)).toBe(2);
      expect(yield* tasks.add(1, 2)).toBe(3);
      expect(yield* tasks.later(1, 'text')).toBe('text');
      expect(yield* tasks.thread()).toBeGreaterThan(0);
      expect(yield* tasks.nothing()).toEqual([]);
      expect(yield* tasks.nothing(undefined)).toEqual([undefined]);
      expect(yield* tasks.nothing(1, [2], { three: 3 })).toEqual([1, [2], { three: 3 }]);
      expect(workers.stats().workers).toBe(1);
    });
  });

  it('does nothing before yield*', async () => {
    const { workers, tasks } = open();
    tasks.inc(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(workers.stats()).toMatchObject({ workers: 0, queued: 0, ended: 0 });
  });

  it('that the module does not have fails with those that it has', async () => {
    const { tasks } = open();
    await run(function* () {
      const { missing } = tasks as unknown as { missing(): Operation<void> };
      const failure = yield* caught(() => missing());
      expect(failure).toBeInstanceOf(TypeError);
      expect(failure.message).toMatch(/has no function missing: it exports .*inc, /);
    });
  });

  it('of a module that cannot be imported fails with the error of the import', async () => {
    const { workers } = open();
    const other = workers.module<{ fn(): void }>(new URL('../fixtures/no-such-module.ts', import.meta.url));
    await run(function* () {
      expect((yield* caught(() => other.fn())).code).toBe('ERR_MODULE_NOT_FOUND');
    });
  });

  it('is killed there when whoever waits for it is killed here', async () => {
    const { tasks } = open();
    await run(function* () {
      yield* tasks.takeEvents();
      const waiter = spawn(() => tasks.wait(60_000));
      yield* sleep(50);
      yield* waiter.kill();
      yield* sleep(20);
      expect(yield* tasks.takeEvents()).toEqual([
        'wait(60000) begins',
        'wait(60000) got GreenletExit: whoever waited for it was interrupted',
        'wait(60000) ends',
      ]);
      expect(yield* withTimeout(10, () => tasks.wait(50_000), { value: 'late' })).toBe('late');
    });
  });

  it('can be a case of a select, and is killed there when another one happens', async () => {
    const { tasks } = open();
    await run(function* () {
      yield* tasks.takeEvents();
      const { key } = yield* select({ slow: tasks.wait(60_000), quick: tasks.inc(1) });
      expect(key).toBe('quick');
      yield* sleep(20);
      expect((yield* tasks.takeEvents()).at(-1)).toBe('wait(60000) ends');
    });
  });

  it('tells where it was waited for', async () => {
    const { workers, tasks } = open();
    await run(function* whoWaits() {
      const error = yield* caught(() => tasks.fail('far'));
      expect(error.stack).toMatch(/RangeError: far\n.*at fail .*remote-tasks[\s\S]*--- awaited at ---[\s\S]*whoWaits/);
      const job = workers.spawn(tasks.fail, 'again');
      expect((yield* caught(() => job)).stack).toMatch(/--- awaited at ---[\s\S]*whoWaits/);
      expect((yield* caught(() => job.get())).stack.match(/awaited at/g)).toHaveLength(1);
    });
  });
});

function* caught(perform: () => { [Symbol.iterator](): Iterator<any, unknown, any> }): Generator<any, any, any> {
  try {
    yield* perform();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a RemoteGreenlet', { timeout: 60_000 }, () => {
  it('is a greenlet: joined, linked to, waited for, with a value', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const events: unknown[] = [];
      const job = workers.spawn(tasks.add, 1, 2);
      expect(job).toBeInstanceOf(Greenlet);
      expect(job).toBeInstanceOf(RemoteGreenlet);
      expect([job.started, job.dead, job.ready(), job.successful(), job.value]).toEqual([
        true,
        false,
        false,
        false,
        undefined,
      ]);
      expect(String(job)).toMatch(/^<RemoteGreenlet-\d+ add>$/);
      job.link((ended) => events.push(['link', ended.value]));
      job.linkValue((ended) => events.push(['linkValue', ended.value]));
      job.linkException(() => events.push('linkException'));
      job.rawlink((ended) => events.push(['rawlink', ended === job]));
      const unwanted = () => events.push('unlinked');
      job.rawlink(unwanted);
      job.unlink(unwanted);
      yield* job.join();
      expect([job.started, job.dead, job.ready(), job.successful(), job.value]).toEqual([false, true, true, true, 3]);
      yield* sleep(0);
      expect(events).toEqual([
        ['link', 3],
        ['linkValue', 3],
        ['rawlink', true],
      ]);
      expect(yield* job).toBe(3);
      expect(yield* job.get()).toBe(3);
    });
    const job = workers.spawn(tasks.inc, 1);
    expect(await job).toBe(2);
  });

  it('may be waited for with a time limit', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const job = workers.spawn(tasks.wait, 60_000);
      yield* job.join(1);
      expect(job.dead).toBe(false);
      expect(yield* caught(() => job.get({ timeout: 1 }))).toBeInstanceOf(Timeout);
      expect(yield* caught(() => job.get({ block: false }))).toBeInstanceOf(Timeout);
      yield* job.kill();
    });
  });

  it('works in joinall, wait, iwait, killall, groups and task groups, beside local ones', async () => {
    const { workers, tasks } = open({ size: 2 });
    await run(function* () {
      const quick = workers.spawn(tasks.inc, 1);
      const local = spawn(sleep, 1);
      const slow = workers.spawn(tasks.later, 30, 'slow');
      const ended: unknown[] = yield* joinall([quick, local, slow]);
      expect([ended.length, ended.indexOf(local) < ended.indexOf(slow)]).toEqual([3, true]);

      const [first] = yield* wait([workers.spawn(tasks.wait, 60_000), quick], { count: 1 });
      expect(first === quick).toBe(true);
      using ready = iwait([workers.spawn(tasks.inc, 5)]);
      expect((yield* ready.next()).value?.value).toBe(6);
      const selected = yield* select({ job: workers.spawn(tasks.inc, 2), late: sleep(10_000) });
      expect(selected).toEqual({ key: 'job', value: 3 });

      const group = new Group();
      const failing = group.add(workers.spawn(tasks.fail, 'in a group'));
      group.add(workers.spawn(tasks.inc, 1));
      expect((yield* caught(() => group.join({ raiseError: true }))).message).toBe('in a group');
      expect(failing.successful()).toBe(false);

      const waiting = [1, 2, 3].map(() => workers.spawn(tasks.wait, 60_000));
      yield* sleep(20);
      yield* killall(waiting);
      expect(waiting.map((job) => [job.dead, job.successful()])).toEqual([
        [true, true],
        [true, true],
        [true, true],
      ]);
      expect(yield* taskGroup((tasksHere) => [tasksHere.spawn(() => tasks.inc(1))])).toHaveLength(1);
    });
  });

  it('ends with its GreenletExit when it is killed, once the worker has answered', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.takeEvents();
      const job = workers.spawn(tasks.wait, 60_000);
      yield* sleep(20);
      const killed = job.kill();
      expect(job.dead).toBe(false);
      yield* killed;
      expect([job.dead, job.successful(), (job.value as unknown as Error).name]).toEqual([true, true, 'GreenletExit']);
      expect(yield* tasks.takeEvents()).toEqual([
        'wait(60000) begins',
        'wait(60000) got GreenletExit: killed',
        'wait(60000) ends',
      ]);
    });
  });

  it('fails with the very error that it was killed with', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.inc(1);
      const job = workers.spawn(tasks.wait, 60_000);
      yield* sleep(20);
      const error = new RangeError('enough');
      yield* job.kill(error);
      expect(job.exception).toBe(error);
      expect(yield* caught(() => job)).toBe(error);
    });
  });

  it('never runs if it is killed before it is begun', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.takeEvents();
      const unsent = workers.spawn(tasks.wait, 1);
      unsent.kill();
      expect(unsent.dead).toBe(true);
      const hog = workers.spawn(tasks.busy, 50);
      const behind = workers.spawn(tasks.wait, 2);
      yield* sleep(10);
      yield* behind.kill();
      yield* hog;
      expect(yield* tasks.takeEvents()).toEqual([]);
    });
  });

  it('may go on after a kill, as a local one', async () => {
    const { workers, tasks } = open({ size: 1, grace: 200 });
    await run(function* () {
      yield* tasks.inc(1);
      const job = workers.spawn(tasks.stubborn, 400);
      yield* sleep(20);
      yield* job.kill();
      expect(job.value).toBe('survived');
      expect(workers.stats().deaths).toBe(0);
    });
  });

  it('can kill itself there', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const job = workers.spawn(tasks.killOneself);
      yield* job.join();
      expect([job.successful(), String(job.value)]).toEqual([true, 'GreenletExit: had enough']);
    });
  });

  it('whose error nobody takes is reported', async () => {
    const { workers, tasks } = open();
    await run(() => workers.spawn(tasks.fail, 'lost').join());
    expect((await takeReports()).map(({ error }) => String(error))).toEqual(['RangeError: lost']);
  });
});

describe('a WorkerHub', { timeout: 60_000 }, () => {
  it('starts workers as they are needed, and all at once when jobs wait', async () => {
    const { workers, tasks } = open({ size: 3 });
    await run(function* () {
      expect(workers.stats().workers).toBe(0);
      yield* tasks.inc(1);
      expect(workers.stats().workers).toBe(1);
      const jobs = [1, 2, 3].map(() => workers.spawn(tasks.busy, 30));
      yield* sleep(0);
      yield* sleep(0);
      expect(workers.stats().workers).toBe(3);
      yield* joinall(jobs);
    });
  });

  it('begins jobs in order, those of higher priority first', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.busy(1);
      const order: number[] = [];
      const jobs = [0, 5, 0, -1, 5].map((priority, index) => {
        const job = workers.spawnWith({ priority }, tasks.busy, 2 + index / 100);
        job.rawlink(() => void order.push(index));
        return job;
      });
      yield* joinall(jobs);
      yield* sleep(0);
      expect(order).toEqual([1, 4, 0, 2, 3]);
    });
  });

  it('runs any number of coroutines in one worker at once, or as many as concurrency allows', async () => {
    const { workers, tasks } = open();
    const limited = open({ size: 1, concurrency: 2 });
    await run(function* () {
      const jobs = Array.from({ length: 200 }, () => workers.spawn(tasks.wait, 60_000));
      yield* sleep(100);
      expect(yield* tasks.alive()).toBe(201);
      yield* killall(jobs);
      const few = Array.from({ length: 6 }, () => limited.workers.spawn(limited.tasks.wait, 40));
      yield* joinall(few);
      const events = yield* limited.tasks.takeEvents();
      let unfinished = 0;
      const counts = events.map((event) => (unfinished += event.endsWith('begins') ? 1 : -1));
      expect(Math.max(...counts)).toBe(2);
      expect(events).toHaveLength(12);
    });
  });

  it('kills a job when its signal is aborted', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const controller = new AbortController();
      const { signal } = controller;
      const job = workers.spawnWith({ signal }, tasks.wait, 60_000);
      yield* sleep(20);
      controller.abort(new RangeError('aborted'));
      yield* job.join();
      expect(job.exception).toBe(signal.reason);
      expect(yield* caught(() => job)).toBe(signal.reason);
      const late = workers.spawnWith({ signal }, tasks.inc, 1);
      expect(late.dead).toBe(true);
      expect(yield* caught(() => late)).toBe(signal.reason);
      expect(yield* tasks.inc(1)).toBe(2);
    });
  });

  it('calls init in each worker before its first job, and teardown before its end', async () => {
    const { workers, tasks } = open({
      size: 1,
      init: { module: url, name: 'slowSetUp', args: ['made'] },
      teardown: { module: url, name: 'setUp', args: ['gone'] },
    });
    await run(function* () {
      expect(yield* tasks.getState()).toBe('made');
      yield* workers.close();
      expect(workers.stats()).toMatchObject({ workers: 0, deaths: 0 });
    });
  });

  it('broadcasts to every worker, started or not', async () => {
    const { workers, tasks } = open({ size: 3 });
    await run(function* () {
      yield* tasks.inc(1);
      const threads = yield* workers.broadcast(tasks.thread);
      expect(new Set(threads).size).toBe(3);
      yield* workers.broadcast(tasks.setUp, 'told');
      const states = yield* workers.broadcast(tasks.getState);
      expect(states).toEqual(['told', 'told', 'told']);
      expect((yield* caught(() => workers.broadcast(tasks.fail, 'all'))).message).toBe('all');
    });
    await takeReports();
  });

  it('leaves the event loop of an idle worker free', async () => {
    const { tasks } = open();
    await run(function* () {
      yield* tasks.tickEvery(5);
      yield* sleep(200);
      expect(yield* tasks.getTicks()).toBeGreaterThan(10);
    });
  });

  it('counts and measures', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* joinall(Array.from({ length: 50 }, () => workers.spawn(tasks.busy, 1)));
      yield* tasks.sizeOf(new Uint8Array(100_000));
      const { queued, running, ended, run: runs, wait: waits, transfer, clonedBytes } = workers.stats();
      expect({ queued, running, ended }).toEqual({ queued: 0, running: 0, ended: 51 });
      expect(runs.count).toBe(51);
      expect(runs.p50).toBeGreaterThanOrEqual(1);
      expect(runs.p50).toBeLessThan(10);
      expect(waits.count).toBe(51);
      expect(waits.max).toBeGreaterThan(10);
      expect(transfer.count).toBeGreaterThan(0);
      expect(transfer.max).toBeGreaterThan(0);
      expect(clonedBytes.sent).toBeGreaterThan(100_000);
      expect(clonedBytes.received).toBeGreaterThan(50);
    });
  });

  it('ends idle workers, and starts others when there is work again', async () => {
    const { workers, tasks } = open({ size: 1, idleTimeout: 20 });
    await run(function* () {
      const first = yield* tasks.thread();
      while (workers.stats().workers > 0) yield* sleep(5);
      expect(yield* tasks.thread()).not.toBe(first);
    });
  });

  it('replaces workers after so many jobs, or at an age', async () => {
    const { tasks } = open({ size: 1, recycleAfter: { jobs: 2 } });
    const aged = open({ size: 1, recycleAfter: { age: 1 } });
    await run(function* () {
      const threads: number[] = [];
      for (let i = 0; i < 4; i++) threads.push(yield* tasks.thread());
      expect(threads[0]).toBe(threads[1]);
      expect(threads[2]).toBe(threads[3]);
      expect(new Set(threads).size).toBe(2);
      expect(yield* aged.tasks.thread()).not.toBe(yield* aged.tasks.thread());
    });
  });

  it('lets its jobs end when it is closed, and takes no more', async () => {
    const { workers, tasks } = open({ size: 2 });
    await run(function* () {
      const jobs = [10, 20, 30].map((ms) => workers.spawn(tasks.wait, ms));
      const closing = spawn(() => workers.close());
      yield* sleep(0);
      expect(() => workers.spawn(tasks.inc, 1)).toThrow(InvalidStateError);
      yield* closing;
      expect(jobs.map((job) => job.value)).toEqual(['waited', 'waited', 'waited']);
      yield* workers.close();
    });
  });

  it('ends everything at once when it is terminated', async () => {
    const { workers, tasks } = open({ size: 2 });
    await run(function* () {
      const jobs = [workers.spawn(tasks.wait, 60_000), workers.spawn(tasks.busy, 5000), workers.spawn(tasks.inc, 1)];
      yield* sleep(30);
      workers.terminate();
      expect(jobs.map((job) => job.dead)).toEqual([true, true, true]);
      while (workers.stats().workers > 0) yield* sleep(5);
    });
  });

  it('checks its arguments', () => {
    expect(() => new WorkerHub({ size: 0 })).toThrow('size is 0: give a whole number, 1 or more');
    expect(() => new WorkerHub({ grace: -1 })).toThrow('grace is -1: give milliseconds, 0 or more');
    expect(() => new WorkerHub(5 as never)).toThrow(TypeError);
    expect(() => new WorkerHub({ recycleAfter: { jobs: 0.5 } })).toThrow(RangeError);
    expect(() => new WorkerHub({ concurrency: 0 })).toThrow(RangeError);
    expect(() => new WorkerHub({ init: { module: 'tasks.ts', name: 'x' } })).toThrow('init.module is');
    const { workers, tasks } = open();
    expect(() => workers.module('./tasks.ts')).toThrow("give a URL, such as new URL('./tasks.ts', import.meta.url)");
    expect(() => workers.spawn(() => 1)).toThrow('task(import.meta.url');
    expect(() => workers.spawn(5 as never)).toThrow(TypeError);
    expect(() => workers.spawnWith({ retries: -1 }, tasks.inc, 1)).toThrow(RangeError);
    expect(() => workers.spawnWith({ priority: Number.NaN }, tasks.inc, 1)).toThrow('priority is NaN: give a number');
    expect(() => workers.spawnWith({ signal: {} as never }, tasks.inc, 1)).toThrow('give an AbortSignal');
    expect(() => workers.streamWith({ credit: 0 }, tasks.count, 1)).toThrow(RangeError);
  });
});
