/** Queues between processes as CPython tests them: see test/conformance/rows-processes.md. */
import { InvalidStateError, type Operation, QueueEmpty, QueueFull, run, sleep, spawn, UncloneableError } from 'genlet';
import { activeChildren, Event, JoinableQueue, Process, Queue } from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/conformance-process-tasks.ts';

vi.setConfig({ testTimeout: 60_000 });
watchHub();

afterEach(() => {
  for (const child of activeChildren()) child.kill();
});

function started(target: (...args: any[]) => unknown, ...args: unknown[]): Process {
  const child = new Process(target, args);
  child.start();
  return child;
}

/** How long a call takes that throws. */
function* timeOf(call: Operation<any>, error: unknown): Generator<any, number, any> {
  const before = performance.now();
  expect(yield* caught(call)).toBeInstanceOf(error);
  return performance.now() - before;
}

describe('a Queue', () => {
  it('is full until another process has taken something', async () => {
    await run(function* () {
      const queue = new Queue<number>(6);
      const [start, done] = [new Event(), new Event()];
      const child = started(tasks.take, queue, start, done, 6);
      expect([yield* queue.empty(), yield* queue.full()]).toEqual([true, false]);
      yield* queue.put(1);
      yield* queue.put(2, { block: true });
      yield* queue.put(3, { timeout: null });
      yield* queue.put(4, { block: false });
      yield* queue.put(5, { timeout: 0 });
      yield* queue.putNowait(6);
      expect([yield* queue.empty(), yield* queue.full()]).toEqual([false, true]);
      expect(yield* timeOf(queue.put(7, { block: false }), QueueFull)).toBeLessThan(10_000);
      expect(yield* timeOf(queue.put(7, { block: false, timeout: 60_000 }), QueueFull)).toBeLessThan(10_000);
      expect(yield* timeOf(queue.putNowait(7), QueueFull)).toBeLessThan(10_000);
      expect(yield* timeOf(queue.put(7, { timeout: 60 }), QueueFull)).toBeGreaterThan(55);
      start.set();
      expect(yield* done.wait(30_000)).toBe(true);
      expect([yield* queue.empty(), yield* queue.full()]).toEqual([true, false]);
      yield* child.join();
    });
  });

  it('gives what another process has put, also after that has ended, and is empty then', async () => {
    await run(function* () {
      const queue = new Queue<number>();
      expect(yield* queue.empty()).toBe(true);
      const child = started(tasks.putRange, queue, 2, 6);
      yield* child.join();
      expect([yield* queue.empty(), yield* queue.qsize()]).toEqual([false, 4]);
      expect(yield* queue.get({ timeout: null })).toBe(2);
      expect(yield* queue.get()).toBe(3);
      expect(yield* queue.get({ timeout: 1000 })).toBe(4);
      expect(yield* queue.getNowait()).toBe(5);
      expect(yield* queue.empty()).toBe(true);
      expect(yield* timeOf(queue.get({ block: false }), QueueEmpty)).toBeLessThan(10_000);
      expect(yield* timeOf(queue.get({ block: false, timeout: 60_000 }), QueueEmpty)).toBeLessThan(10_000);
      expect(yield* timeOf(queue.getNowait(), QueueEmpty)).toBeLessThan(10_000);
      expect(yield* timeOf(queue.get({ timeout: 60 }), QueueEmpty)).toBeGreaterThan(55);
    });
  });

  it('has what was put here before it went to another process, in front of what that puts', async () => {
    await run(function* () {
      const queue = new Queue<number>();
      for (let i = 0; i < 10; i++) yield* queue.put(i);
      const child = started(tasks.putRange, queue, 10, 20);
      for (let i = 0; i < 20; i++) expect(yield* queue.get()).toBe(i);
      expect(yield* caught(queue.get({ block: false }))).toBeInstanceOf(QueueEmpty);
      yield* child.join();
    });
  });

  it('tells another process whether it is empty, after what that has put itself, too', async () => {
    await run(function* () {
      const queue = new Queue<boolean>();
      const [start, done] = [new Event(), new Event()];
      const child = started(tasks.putEmptiness, queue, start, done);
      expect(yield* queue.empty()).toBe(true);
      start.set();
      expect(yield* done.wait(30_000)).toBe(true);
      expect(yield* queue.empty()).toBe(false);
      expect([yield* queue.get(), yield* queue.get()]).toEqual([true, false]);
      expect(yield* queue.empty()).toBe(true);
      yield* child.join();
    });
  });

  it('counts its items', async () => {
    await run(function* () {
      const queue = new Queue<number>();
      const sizes = [yield* queue.qsize()];
      for (const item of [1, 5]) {
        yield* queue.put(item);
        sizes.push(yield* queue.qsize());
      }
      for (let i = 0; i < 2; i++) {
        yield* queue.get();
        sizes.push(yield* queue.qsize());
      }
      expect(sizes).toEqual([0, 1, 2, 1, 0]);
    });
  });

  it('can be used by a module while it is imported', async () => {
    const module = await import('../fixtures/conformance-process-import.ts');
    expect(module.item).toBe('knock knock');
  });

  it('has no place taken by an item that can not be sent, which who puts it is told', async () => {
    await run(function* () {
      const queue = new Queue<unknown>(1);
      const error = yield* caught(queue.put({ inner: () => {} }));
      expect(error).toBeInstanceOf(UncloneableError);
      expect(error.path).toBe('value.inner');
      yield* queue.put(true, { block: false });
      expect(yield* queue.qsize()).toBe(1);
      expect(yield* queue.get({ timeout: 1000 })).toBe(true);
      expect(yield* queue.empty()).toBe(true);
    });
  });

  it.each([
    ['Queue', Queue],
    ['JoinableQueue', JoinableQueue],
  ])('that was closed refuses everything: a %s', async (_, AnyQueue) => {
    await run(function* () {
      const queue = new AnyQueue();
      yield* queue.put('foo');
      queue.close();
      queue.close();
      expect(() => queue.put('foo')).toThrow('was closed');
      expect(() => queue.get()).toThrow('was closed');
      expect(yield* caught(queue.empty())).toBeInstanceOf(InvalidStateError);
    });
  });
});

describe('a JoinableQueue', () => {
  it('is not joined before all that was put has been done', async () => {
    await run(function* () {
      const queue = new JoinableQueue<number>();
      for (let i = 0; i < 10; i++) yield* queue.put(i);
      const joiner = spawn(() => queue.join());
      for (let i = 0; i < 10; i++) {
        yield* queue.get();
        yield* sleep(0);
        expect(joiner.dead).toBe(false);
        yield* queue.taskDone();
      }
      expect(yield* joiner).toBe(true);
    });
  });
});
