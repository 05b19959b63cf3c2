import { ConcurrentObjectUseError, run, sleep, spawn, UncloneableError, WorkerDied } from 'genlet';
import { type RemoteStream, registerError, WorkerHub } from 'genlet/workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hub, watchHub } from '../../support/hub.ts';
import { OutOfPaper } from '../fixtures/remote-tasks.ts';

const url = new URL('../fixtures/remote-tasks.ts', import.meta.url);
watchHub();
registerError(OutOfPaper);
let workers: WorkerHub;
let tasks: ReturnType<typeof open>;

function open() {
  workers = new WorkerHub({ size: 1 });
  return workers.module<typeof import('../fixtures/remote-tasks.ts')>(url);
}

beforeEach(() => {
  tasks = open();
});

afterEach(() => {
  workers.terminate();
  expect(hub.outside).toBe(0);
});

function* collect<T>(stream: RemoteStream<T>) {
  const items: T[] = [];
  for (let step; !(step = yield* stream.next()).done; ) items.push(step.value);
  return items;
}

describe('a stream', { timeout: 60_000 }, () => {
  it('gives what a generator yields, in order', async () => {
    await run(function* () {
      expect(yield* collect(workers.stream(tasks.count, 1000))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
      expect(yield* collect(workers.stream(tasks.count, 0))).toEqual([]);
    });
  });

  it('takes generators that wait, async ones, and iterables', async () => {
    await run(function* () {
      expect(yield* collect(workers.stream(tasks.countSlowly, 3))).toEqual([0, 1, 2]);
      expect(yield* collect(workers.stream(tasks.countAsync, 3))).toEqual([0, 1, 2]);
      expect(yield* collect(workers.stream(tasks.listOf, 3))).toEqual([0, 1, 2]);
    });
  });

  it('holds the generator up when nobody reads', async () => {
    await run(function* () {
      yield* tasks.takeEvents();
      const stream = workers.streamWith({ credit: 4 }, tasks.count, 10);
      yield* sleep(30);
      expect(yield* tasks.takeEvents()).toEqual(['yields 0', 'yields 1', 'yields 2', 'yields 3']);
      expect(yield* stream.next()).toEqual({ done: false, value: 0 });
      expect(yield* stream.next()).toEqual({ done: false, value: 1 });
      yield* sleep(30);
      expect(yield* tasks.takeEvents()).toEqual(['yields 4', 'yields 5']);
      expect(yield* collect(stream)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    });
  });

  it('ends the generator when it is left', async () => {
    await run(function* () {
      {
        using stream = workers.streamWith({ credit: 2 }, tasks.count, 1000);
        yield* stream.next();
      }
      yield* sleep(20);
      expect((yield* tasks.takeEvents()).at(-1)).toBe('count ends');
      expect(workers.stats().running).toBe(0);
    });
  });

  it('throws the error of the generator after its items, once', async () => {
    await run(function* () {
      const stream = workers.stream(tasks.countAndFail, 2);
      expect([(yield* stream.next()).value, (yield* stream.next()).value]).toEqual([0, 1]);
      try {
        yield* stream.next();
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(OutOfPaper);
        expect((error as Error).stack).toContain('--- awaited at ---');
      }
      expect(yield* stream.next()).toEqual({ done: true, value: undefined });
    });
  });

  it('fails at an item that cannot be cloned', async () => {
    await run(function* () {
      const stream = workers.stream(tasks.yieldUncloneable);
      expect(yield* stream.next()).toEqual({ done: false, value: 1 });
      try {
        yield* stream.next();
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(UncloneableError);
      }
      expect(yield* tasks.inc(1)).toBe(2);
    });
  });

  it('fails when its worker dies', async () => {
    await run(function* () {
      const stream = workers.streamWith({ credit: 1 }, tasks.count, 10);
      yield* stream.next();
      try {
        yield* tasks.exit(1);
      } catch {}
      try {
        yield* collect(stream);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(WorkerDied);
      }
    });
  });

  it('loses nothing when its reader is killed, and has one reader at a time', async () => {
    await run(function* () {
      const stream = workers.stream(tasks.countSlowly, 3);
      const reader = spawn(() => stream.next());
      yield* sleep(0);
      try {
        yield* stream.next();
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(ConcurrentObjectUseError);
      }
      yield* reader.kill();
      expect(yield* collect(stream)).toEqual([0, 1, 2]);
    });
  });

  it('has a greenlet, which can be joined and killed', async () => {
    await run(function* () {
      const stream = workers.stream(tasks.count, 3);
      yield* stream.greenlet.join();
      expect(yield* collect(stream)).toEqual([0, 1, 2]);
      const other = workers.streamWith({ credit: 1 }, tasks.count, 3);
      yield* other.next();
      yield* other.greenlet.kill();
      expect((yield* collect(other)).length).toBeLessThan(3);
    });
  });

  it('takes nothing but generators and iterables', async () => {
    await run(function* () {
      try {
        yield* workers.stream(tasks.inc as never, 1 as never).next();
        expect.unreachable();
      } catch (error) {
        expect((error as Error).message).toMatch(/inc gave 2: a stream takes a generator function/);
      }
    });
  });
});
