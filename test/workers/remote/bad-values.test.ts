import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, sleep, spawn, UncloneableError, WorkerDied } from 'genlet';
import { Pool, RemoteChannel, WorkerHub, type WorkerHubOptions } from 'genlet/workers';
import { afterEach, describe, expect, it } from 'vitest';
import { caught } from '../../support/caught.ts';
import { hub, watchHub } from '../../support/hub.ts';
import * as poolTasks from '../fixtures/executor-tasks.ts';

const url = new URL('../fixtures/bad-value-tasks.ts', import.meta.url);
const { takeReports } = watchHub();
const hubs: WorkerHub[] = [];

function open(options: WorkerHubOptions = { size: 1 }) {
  const workers = new WorkerHub(options);
  hubs.push(workers);
  return { workers, tasks: workers.module<typeof import('../fixtures/bad-value-tasks.ts')>(url) };
}

afterEach(() => {
  for (const each of hubs.splice(0)) each.terminate();
  expect(hub.outside).toBe(0);
});

/** What a proxy hides is found out only when it is sent, together with others. */
describe('a value that can not be cloned', { timeout: 60_000 }, () => {
  it.each(['withSymbol', 'withProxy'] as const)('ends a stream in its place, and no other job: %s', async (name) => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.same(0);
      using stream = workers.stream(tasks[name]);
      const others = Array.from({ length: 40 }, (_, i) => workers.spawn(tasks.same, i));
      expect(yield* stream.next()).toEqual({ done: false, value: 1 });
      expect(yield* caught(stream.next())).toBeInstanceOf(UncloneableError);
      for (const [i, job] of others.entries()) expect(yield* job).toBe(i);
      expect(yield* tasks.same('goes on')).toBe('goes on');
    });
  });

  it.each([
    ['a symbol', () => Symbol('bad')],
    ['a proxy', () => new Proxy({}, {})],
    ['a getter that throws', () => Object.defineProperty({}, 'x', { enumerable: true, get: () => JSON.parse('{') })],
  ])('fails the call that it was given to: %s', async (_name, make) => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.same(0);
      const jobs = [workers.spawn(tasks.same, 1), workers.spawn(tasks.same, make()), workers.spawn(tasks.same, 3)];
      const failure = spawn(() => caught(jobs[1]!));
      expect(yield* jobs[0]!).toBe(1);
      expect(yield* jobs[2]!).toBe(3);
      expect(yield* failure).toMatchObject({ name: 'UncloneableError', path: 'arguments[0]' });
      expect(workers.stats().deaths).toBe(0);
    });
  });

  it('has no job beside it run twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'genlet-test-'));
    const file = join(folder, 'lines');
    const { workers, tasks } = open();
    try {
      await run(function* () {
        for (let i = 0; i < 50; i++) {
          yield* tasks.same(i);
          yield* tasks.same(new Map());
          yield* tasks.maybeExit(file, 'warm', false);
        }
        const jobs = [
          workers.spawn(tasks.same, new Proxy({}, {})),
          workers.spawn(tasks.maybeExit, file, 'once', true),
          workers.spawn(tasks.same, new Map() as unknown),
        ];
        const failures = jobs.slice(0, 2).map((job) => spawn(() => caught(job)));
        expect(yield* failures[0]!).toBeInstanceOf(UncloneableError);
        expect(yield* failures[1]!).toBeInstanceOf(WorkerDied);
        expect(yield* jobs[2]!).toEqual(new Map());
      });
      expect(readFileSync(file, 'utf8').match(/once/g)).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is refused by a channel, or reported if it hid, and what was put beside it arrives', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      const channel = new RemoteChannel<unknown>();
      const taker = workers.spawn(tasks.takeTwo, channel);
      yield* channel.put(1);
      expect(yield* caught(channel.put(Symbol('bad')))).toBeInstanceOf(UncloneableError);
      yield* channel.put(new Proxy({}, {}));
      yield* channel.put(2);
      expect(yield* taker).toEqual([1, 2]);
    });
    expect(await takeReports()).toMatchObject([{ error: { name: 'UncloneableError' } }]);
  });
});

describe('a hub', { timeout: 60_000 }, () => {
  it('waits in close() for the jobs that there are, though some were aborted before they began', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* caught(workers.spawnWith({ signal: AbortSignal.abort() }, tasks.same, 1));
      const job = workers.spawn(tasks.nap, 50);
      yield* sleep(1);
      yield* workers.close();
      expect(job.value).toBe(50);
      expect(workers.stats().ended).toBe(2);
    });
  });

  it('gives the items of a stream that only computes as they come', async () => {
    const { workers, tasks } = open();
    await run(function* () {
      yield* tasks.same(0);
      using stream = workers.stream(tasks.slowly, 20);
      yield* stream.next();
      expect(workers.stats().running).toBe(1);
      const first = performance.now();
      let step = yield* stream.next();
      while (!step.done) step = yield* stream.next();
      expect(performance.now() - first).toBeGreaterThan(30);
    });
  });

  it('keeps an idle worker for ever if it is told to', async () => {
    const { workers, tasks } = open({ size: 1, idleTimeout: Number.POSITIVE_INFINITY });
    await run(function* () {
      yield* tasks.same(0);
      yield* sleep(50);
      expect(workers.stats().workers).toBe(1);
    });
  });
});

it('reads a kind of array of its own as that wants to be read', async () => {
  class Backwards extends Array<number> {
    override *[Symbol.iterator](): ArrayIterator<number> {
      for (let i = this.length - 1; i >= 0; i--) yield this[i]!;
    }
  }
  using pool = new Pool(1);
  const items = new Backwards();
  items.push(1, 2, 3);
  expect(await run(() => pool.map(poolTasks.square, items))).toEqual([9, 4, 1]);
});
