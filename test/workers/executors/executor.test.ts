/** CPython's test_concurrent_futures: submit and map of both executors, and what belongs to one of them. */
import { availableParallelism } from 'node:os';
import { FIRST_COMPLETED, joinall, run, sleep, spawn, Timeout, waitFutures } from 'genlet';
import { ProcessPoolExecutor, Semaphore, shared, ThreadPoolExecutor, WorkerHub } from 'genlet/workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/executor-tasks.ts';
import { drain, executors, LineFile, making, next, range, thrown, untilQuiet } from './support.ts';

watchHub();

describe.each(executors)('a %s', (_, Executor) => {
  let executor: InstanceType<typeof Executor>;

  beforeAll(() => {
    executor = new Executor({ maxWorkers: 2 });
  });

  afterAll(() => run(() => executor.shutdown()));

  it('gives the result of a call as a future', () =>
    run(function* () {
      const future = executor.submit(tasks.multiply, 2, 8);
      expect([future.done(), String(future)]).toEqual([false, '<Future pending>']);
      expect(yield* future.result()).toBe(16);
      expect([future.done(), future.running(), future.cancel()]).toEqual([true, false, false]);
      expect(yield* executor.submit(tasks.list, 1, { self: 2 }, [3]).result()).toEqual([1, { self: 2 }, [3]]);
    }));

  it('calls coroutine functions and async ones', () =>
    run(function* () {
      const futures = [executor.submit(tasks.slowSquare, 3, 1), executor.submit(tasks.later, 4)];
      yield* waitFutures(futures);
      expect(futures.map(({ value }) => value)).toEqual([9, 4]);
    }));

  it('calls the functions of a module that has no marks', () =>
    run(function* () {
      const path = new WorkerHub().module<typeof import('node:path')>('node:path');
      expect(yield* executor.submit(path.basename, '/a/b').result()).toBe('b');
    }));

  it('refuses what it can not name, and what is no function', () => {
    expect(thrown(() => executor.submit((x: number) => x, 1)).message).toMatch(
      /^the function can't be found by another thread or process: export it/,
    );
    expect(thrown(() => executor.submit(1 as never)).message).toMatch(/^submit\(\) target is 1: give a /);
    expect(thrown(() => executor.map(undefined as never, [])).message).toMatch(/^map\(\) target is undefined: /);
  });

  it('maps over one iterable or several, in chunks or one by one', () =>
    run(function* () {
      const squares = range(10).map((x) => x * x);
      expect(yield* drain(executor.map(tasks.square, range(10)))).toEqual(squares);
      expect(yield* drain(executor.map(tasks.multiply, range(10), range(10)))).toEqual(squares);
      expect(yield* drain(executor.map(tasks.multiply, range(10), range(10), { chunksize: 3 }))).toEqual(squares);
      expect(yield* drain(executor.map(tasks.sum3, [1, 2], new Set([3, 4, 5]), [6, 7, 8]))).toEqual([10, 13]);
      expect(yield* drain(executor.map(tasks.square, []))).toEqual([]);
    }));

  it.each([1, 6, 40, 50, 'auto'] as const)('gives the same with a chunksize of %s', (chunksize) =>
    run(function* () {
      const squares = range(40).map((x) => x * x);
      expect(yield* drain(executor.map(tasks.square, range(40), { chunksize }))).toEqual(squares);
    }),
  );

  it('refuses a chunksize that is none', () => {
    for (const chunksize of [-1, 0, 0.5]) {
      const error = thrown(() => executor.map(tasks.square, [], { chunksize }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe(`chunksize is ${chunksize}: give a whole number, 1 or more`);
    }
    expect(thrown(() => executor.map(tasks.square, [], { chunksize: 'big' as never })).message).toBe(
      "chunksize is 'big': give a number, or 'auto'",
    );
  });

  it.each([1, 2, 4, 'auto'] as const)('throws an error of a map at its place, with a chunksize of %s', (chunksize) =>
    run(function* () {
      using results = executor.map(tasks.divide, [1, 1, 1, 10], [2, 1, 0, 5], { chunksize });
      expect([yield* next(results), yield* next(results)]).toEqual([0, 1]);
      const error = yield* caught(next(results));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe('1 / 0');
      expect(yield* drain(results)).toEqual([2]); // the rest was done all the same
    }),
  );

  it('throws Timeout once when a map takes too long, and is at its end then', () =>
    run(function* () {
      using results = executor.map(tasks.wait, [0, 0, 20_000], { timeout: 1500, chunksize: 1 });
      const got = yield* drain(results);
      expect(got.slice(0, -1).every((value) => value === undefined)).toBe(true);
      expect(got.at(-1)).toBeInstanceOf(Timeout);
      expect(got.at(-1).message).toMatch(/PoolExecutor\.map\(\) had no more results after 1500 ms$/);
      expect((yield* results.next()).done).toBe(true);
      expect(yield* executor.submit(tasks.square, 3).result()).toBe(9);
      yield* untilQuiet(executor);
    }));

  it('gives the results of a map as they come, if asked to', () =>
    run(function* () {
      using results = executor.map(tasks.slowSquare, [2, 1], [500, 0], { ordered: false, chunksize: 1 });
      expect(yield* drain(results)).toEqual([1, 4]);
    }));

  it('throws the error of a call with its class, code and stack', () =>
    run(function* () {
      const future = executor.submit(tasks.fail);
      const error = yield* caught(future.result());
      expect(error).toBeInstanceOf(RangeError);
      expect([error.message, error.code, future.exception === error]).toEqual(['boom', 'BOOM', true]);
      expect(error.stack).toMatch(/executor-tasks\.js.*awaited at.*executor\.test\.ts/s);
    }));

  it('has futures for waitFutures, callbacks and promises', async () => {
    const done: unknown[] = [];
    await run(function* () {
      const quick = executor.submit(tasks.square, 6);
      const slow = executor.submit(tasks.slowSquare, 7, 300);
      quick.addDoneCallback(({ value }) => done.push(value));
      slow.addDoneCallback(({ value }) => done.push(value));
      const first = yield* waitFutures([quick, slow], { returnWhen: FIRST_COMPLETED });
      expect([first.done.has(quick), first.notDone.has(slow)]).toEqual([true, true]);
      const same = yield* waitFutures([slow, slow]);
      expect([same.done.size, same.notDone.size]).toEqual([1, 0]);
    });
    expect(done).toEqual([36, 49]);
    expect(await executor.submit(tasks.square, 8)).toBe(64);
  });

  it('runs no more calls at once than it has workers', () =>
    run(function* () {
      const futures = range(6).map((x) => executor.submit(tasks.slowSquare, x, 100));
      let most = 0;
      while (!futures.every((future) => future.done())) {
        most = Math.max(most, futures.filter((future) => future.running()).length);
        yield* sleep(5);
      }
      expect(most).toBe(2);
      expect(executor.stats().workers).toBe(2);
    }));

  it('hands on what stands behind a call that waits for it', () =>
    run(function* () {
      const gate = new (Executor === ThreadPoolExecutor ? shared.Semaphore : Semaphore)(0);
      // Quick ones first, so that several go to a worker at once.
      for (let i = 0; i < 50; i++) gate.release();
      yield* waitFutures(range(50).map(() => executor.submit(tasks.acquire, gate)));
      const waiting = range(30).map(() => executor.submit(tasks.acquire, gate));
      yield* sleep(100);
      expect(waiting.filter((future) => future.running()).length).toBeLessThanOrEqual(2);
      for (let i = 0; i < 30; i++) gate.release();
      yield* waitFutures(waiting);
      expect(waiting.every((future) => future.successful())).toBe(true);
    }));

  it('cancels what no worker has, and nothing else', () =>
    run(function* () {
      using file = new LineFile();
      const busy = range(2).map(() => executor.submit(tasks.spin, 300));
      const rest = range(3).map((line) => executor.submit(tasks.note, file.path, line));
      while (!busy.every((future) => future.running())) yield* sleep(1);
      expect(busy[0]!.cancel()).toBe(false);
      expect([rest[1]!.running(), rest[1]!.cancel(), rest[1]!.cancelled(), rest[1]!.cancel()]).toEqual([
        false,
        true,
        true,
        true,
      ]);
      expect((yield* caught(rest[1]!.result())).code).toBe('GENLET_CANCELLED');
      yield* waitFutures([...busy, ...rest]);
      expect(file.lines().sort()).toEqual(['0', '2']);
      expect(busy.map(({ value }) => value)).toEqual([300, 300]);
    }));

  it('survives the kill of one who waits for a result', () =>
    run(function* () {
      const future = executor.submit(tasks.slowSquare, 5, 100);
      const waiter = spawn(() => future.result());
      yield* sleep(1);
      yield* waiter.kill();
      expect(yield* future.result()).toBe(25);
    }));

  it('loses nothing when the reader of a map is killed', () =>
    run(function* () {
      using results = executor.map(tasks.slowSquare, range(4), [0, 50, 50, 50], { chunksize: 1 });
      expect(yield* next(results)).toBe(0);
      const reader = spawn(() => results.next());
      yield* sleep(1);
      yield* reader.kill();
      expect(yield* drain(results)).toEqual([1, 4, 9]);
    }));

  it('ends what a map has begun when it is left early', () =>
    run(function* () {
      using file = new LineFile();
      {
        using results = executor.map(
          tasks.noteWhenKilled,
          range(5).map(() => file.path),
          range(5),
          { chunksize: 1 },
        );
        const reader = spawn(() => results.next());
        while (file.lines().length < 2) yield* sleep(5);
        yield* reader.kill();
      }
      while (file.lines().length < 4) yield* sleep(5);
      expect(file.lines().sort()).toEqual(['0 begins', '0 ends', '1 begins', '1 ends']);
      expect(yield* executor.submit(tasks.square, 3).result()).toBe(9);
      yield* untilQuiet(executor);
    }));

  it('reads items that come later', () =>
    run(function* () {
      async function* items() {
        for (const item of range(5)) yield item;
      }
      function* slowly(): Generator<any, void, any> {
        for (const item of range(5)) {
          yield* sleep(1);
          yield item;
        }
      }
      expect(yield* drain(executor.map(tasks.square, items()))).toEqual([0, 1, 4, 9, 16]);
      expect(yield* drain(executor.map(tasks.square, slowly()))).toEqual([0, 1, 4, 9, 16]);
    }));

  it('refuses numbers of workers that are none', () => {
    for (const maxWorkers of [0, -1, 1.5]) {
      const error = thrown(() => new Executor({ maxWorkers }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe(`maxWorkers is ${maxWorkers}: give a whole number, 1 or more`);
    }
    expect(thrown(() => new Executor(4 as never)).message).toMatch(/^options is 4: give \{ /);
  });

  it('has as many workers as the machine runs at once, if nobody says how many', () => {
    using other = new Executor();
    expect(other.maxWorkers).toBe(availableParallelism());
    expect(other.stats().workers).toBe(0);
  });
});

describe('the workers of an executor', () => {
  const make = making();

  it.each(executors)('are used again while they are idle: %s', (_, Executor) =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 4 }));
      for (const [x, y] of [
        [21, 2],
        [6, 7],
        [3, 14],
      ] as const)
        yield* executor.submit(tasks.multiply, x, y).result();
      expect(executor.stats().workers).toBe(1);
    }),
  );

  it.each(executors)('are no more than there is to do: %s', (_, Executor) =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 5 }));
      yield* waitFutures([executor.submit(tasks.square, 1), executor.submit(tasks.square, 2)]);
      expect(executor.stats().workers).toBe(2);
    }),
  );

  it.each(executors)('are replaced after maxTasksPerChild calls: %s', (_, Executor) =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1, maxTasksPerChild: 3 }));
      const which = Executor === ThreadPoolExecutor ? tasks.thread : tasks.pid;
      const ids: number[] = [];
      for (let i = 0; i < 4; i++) ids.push(yield* executor.submit(which).result());
      expect([ids[1], ids[2]]).toEqual([ids[0], ids[0]]);
      expect(ids[3]).not.toBe(ids[0]);
      expect(executor.stats().workers).toBeLessThanOrEqual(2); // the first one may just be ending
    }),
  );

  it('run one call at a time even while one replaces another', () =>
    run(function* () {
      const executor = make(new ThreadPoolExecutor({ maxWorkers: 1, maxTasksPerChild: 1 }));
      const futures = range(3).map((x) => executor.submit(tasks.slowSquare, x, 100));
      while (!futures.every((future) => future.done())) {
        expect(futures.filter((future) => future.running()).length).toBeLessThanOrEqual(1);
        yield* sleep(5);
      }
      expect(futures.map(({ value }) => value)).toEqual([0, 1, 4]);
    }));

  it.each(executors)('have the name that was given: %s', (_, Executor) =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1, name: 'SpecialPool' }));
      if (Executor === ProcessPoolExecutor) {
        expect(yield* executor.submit(tasks.name).result()).toBe('SpecialPool-1');
      }
      expect(String(executor)).toBe(`<${Executor.name} SpecialPool>`);
      expect(String(make(new Executor()))).toMatch(/^<(\w+Executor) \1-\d+>$/);
    }),
  );

  it('end after idleTimeout, and are started again', () =>
    run(function* () {
      const executor = make(new ThreadPoolExecutor({ maxWorkers: 1, idleTimeout: 20 }));
      yield* executor.submit(tasks.square, 1).result();
      while (executor.stats().workers > 0) yield* sleep(10);
      expect(yield* executor.submit(tasks.square, 2).result()).toBe(4);
    }));

  it('meet each other at a barrier of as many', () =>
    run(function* () {
      const executor = make(new ThreadPoolExecutor({ maxWorkers: 2 }));
      for (let round = 0; round < 3; round++) {
        const barrier = new shared.Barrier(2);
        const futures = [executor.submit(tasks.meet, barrier), executor.submit(tasks.meet, barrier)];
        yield* waitFutures(futures);
        expect(futures.map(({ value }) => value).sort()).toEqual([0, 1]);
      }
    }));

  it('serve several greenlets at once', () =>
    run(function* () {
      const executor = make(new ThreadPoolExecutor({ maxWorkers: 2 }));
      const readers = range(4).map((k) =>
        spawn(function* () {
          using results = executor.map(
            tasks.multiply,
            range(500),
            range(500).map(() => k),
          );
          return yield* drain(results);
        }),
      );
      yield* joinall(readers);
      for (const [k, { value }] of readers.entries()) expect(value).toEqual(range(500).map((x) => x * k));
    }));
});
