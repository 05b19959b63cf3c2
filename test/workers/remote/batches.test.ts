import { MessageChannel } from 'node:worker_threads';
import { joinall, run, sleep, UncloneableError } from 'genlet';
import { move, WorkerHub } from 'genlet/workers';
import { afterEach, describe, expect, it } from 'vitest';
import { JobRunner } from '../../../src/workers/remote/job-runner.ts';
import { JOBS, Shape } from '../../../src/workers/remote/protocol.ts';
import { hub, watchHub } from '../../support/hub.ts';

const url = new URL('../fixtures/remote-tasks.ts', import.meta.url);
watchHub();
let workers: WorkerHub;

function open() {
  workers = new WorkerHub({ size: 1 });
  return workers.module<typeof import('../fixtures/remote-tasks.ts')>(url);
}

afterEach(() => {
  workers.terminate();
  expect(hub.outside).toBe(0);
});

describe('jobs of one batch', { timeout: 60_000 }, () => {
  it('share no argument, at whatever depth', async () => {
    const tasks = open();
    await run(function* () {
      yield* tasks.inc(1);
      const argument = { n: 0 };
      const direct = [1, 2, 3].map(() => workers.spawn(tasks.mutate, argument));
      yield* joinall(direct);
      expect(direct.map((job) => job.value)).toEqual([1, 1, 1]);
      const inner = { n: 0 };
      const nested = [1, 2, 3].map((n) => workers.spawn(tasks.mutate, { n, inner }));
      yield* joinall(nested);
      expect(nested.map((job) => job.value)).toEqual([1, 1, 1]);
      expect([argument, inner]).toEqual([{ n: 0 }, { n: 0 }]);
    });
  });

  it('share no result', async () => {
    const tasks = open();
    await run(function* () {
      yield* tasks.inc(1);
      const jobs = [1, 2, 3].map(() => workers.spawn(tasks.giveCached));
      yield* joinall(jobs);
      jobs[0]!.value!.n = 5;
      expect(jobs.map((job) => job.value)).toEqual([{ n: 5 }, { n: 1 }, { n: 1 }]);
    });
  });

  it('keep what is shared, or goes in a circle, within one argument', async () => {
    const tasks = open();
    await run(function* () {
      const shared = { n: 1 };
      const circle: Record<string, unknown> = { one: shared, two: shared };
      circle.self = circle;
      const [copy] = (yield* tasks.nothing(circle)) as [typeof circle];
      expect(copy.self).toBe(copy);
      expect(copy.one).toBe(copy.two);
      expect(copy.one).toEqual({ n: 1 });
    });
  });

  it('carry every kind of value that can be cloned', async () => {
    const tasks = open();
    const big = Array.from({ length: 1000 }, (_, i) => ({ i }));
    const values = [
      new Date(5),
      /x/g,
      new Map([[{ k: 1 }, new Set([1])]]),
      new Uint8Array([1, 2]),
      10n ** 30n,
      Number.NaN,
      -0,
      undefined,
      null,
      new RangeError('r'),
      big,
      Object.assign(Object.create(null), { a: 1 }),
    ];
    await run(function* () {
      const jobs = values.map((value) => workers.spawn(tasks.nothing, value));
      yield* joinall(jobs);
      expect(jobs.map((job) => job.value![0])).toEqual(values.map((value) => structuredClone(value)));
    });
  });
});

describe('move()', { timeout: 60_000 }, () => {
  it('transfers arguments and results, also inside other values', async () => {
    const tasks = open();
    await run(function* () {
      const bytes = new Uint8Array(100_000);
      const inner = new Uint8Array(50_000);
      const jobs = [
        workers.spawn(tasks.sizeOf, move(bytes)),
        workers.spawn(tasks.inc, 1),
        workers.spawn(tasks.nothing, { list: [move(inner)] }),
      ];
      yield* joinall(jobs);
      expect(jobs[0]!.value).toBe(100_000);
      expect([bytes.length, inner.length]).toEqual([0, 0]);
      const [{ list }] = jobs[2]!.value as [{ list: [Uint8Array] }];
      expect(list[0].length).toBe(50_000);
      const result = yield* tasks.giveMoved(70_000);
      expect([result.length, result[69_999]]).toEqual([70_000, 7]);
      expect(workers.stats().clonedBytes.sent).toBeLessThan(1000);
    });
  });

  it('lets two jobs be given the same buffer: the second one fails, and no other', async () => {
    const tasks = open();
    await run(function* () {
      const bytes = move(new Uint8Array(10));
      const first = workers.spawn(tasks.sizeOf, bytes);
      const second = workers.spawn(tasks.sizeOf, bytes);
      const third = workers.spawn(tasks.inc, 1);
      second.link(() => {}); // takes its error
      yield* joinall([first, third]);
      expect([first.value, third.value]).toEqual([10, 2]);
      try {
        yield* second;
      } catch (error) {
        expect(error).toBeInstanceOf(UncloneableError);
      }
      expect(second.successful()).toBe(false);
    });
  });

  it('sends ports', async () => {
    const tasks = open();
    await run(function* () {
      const { port1, port2 } = new MessageChannel();
      const heard: unknown[] = [];
      port1.on('message', (message) => heard.push(message));
      yield* tasks.postTo(move(port2));
      while (heard.length === 0) yield* tasks.inc(1);
      expect(heard).toEqual(['hello']);
    });
  });

  it('takes what can be transferred', () => {
    open();
    expect(() => move({} as never)).toThrow('give an ArrayBuffer, a view of one, a MessagePort or the like');
    expect(() => move([] as never)).toThrow(TypeError);
    expect(() => move(5 as never)).toThrow(TypeError);
    expect(() => move(new SharedArrayBuffer(8))).toThrow(TypeError);
  });
});

describe('results', { timeout: 60_000 }, () => {
  it('do not wait for a job behind them that takes long', async () => {
    workers = new WorkerHub({ size: 1, concurrency: 1 });
    const tasks = workers.module<typeof import('../fixtures/remote-tasks.ts')>(url);
    const word = new Int32Array(new SharedArrayBuffer(4));
    await run(function* () {
      yield* tasks.inc(1);
      for (const turn of ['unknown how long it takes', 'known']) {
        Atomics.store(word, 0, 0);
        const short = workers.spawn(tasks.inc, 2);
        const long = workers.spawn(tasks.hold, word);
        expect(yield* short).toBe(3);
        yield* sleep(20);
        expect(long.dead, turn).toBe(false);
        Atomics.store(word, 0, 1);
        Atomics.notify(word, 0);
        yield* long;
      }
    });
  });

  it('go together, also where jobs run one by one', async () => {
    workers = new WorkerHub();
    const sent: unknown[][] = [];
    const link = { send: (message: unknown) => sent.push(message as unknown[]), poll: () => undefined, exit() {} };
    const setup = { name: 'worker', concurrency: 1, init: undefined, teardown: undefined, program: undefined };
    const runner = new JobRunner(link, setup, { started() {}, running() {} });
    const reported = () => sent.reduce((sum, { length }) => sum + (length - 3) / 3, 0);
    await run(function* () {
      runner.receive([JOBS, 0, [0, { module: url.href, name: 'inc' }], 0, Shape.ONE_ARGUMENT, 1]);
      while (reported() < 1) yield* sleep(1);
      sent.length = 0;
      const jobs = Array.from({ length: 200 }, (_, id) => [id, Shape.ONE_ARGUMENT, id]);
      runner.receive([JOBS, 0, undefined, ...jobs.flat()]);
      while (reported() < jobs.length) yield* sleep(1);
      expect(sent.flatMap((message) => message.filter((_, i) => i > 3 && i % 3 === 2))).toEqual(
        jobs.map(([, , n]) => n! + 1),
      );
      expect(sent.length).toBeLessThan(20);
    });
  });
});
