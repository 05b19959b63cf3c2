/** CPython's test_concurrent_futures: shutdown, initializers, and calls that crash. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  BrokenPoolError,
  CancelledError,
  InvalidStateError,
  run,
  sleep,
  spawn,
  UncloneableError,
  WorkerDied,
  waitFutures,
} from 'genlet';
import { ProcessPoolExecutor, shared, ThreadPoolExecutor } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/executor-tasks.ts';
import { drain, executors, LineFile, making, next, range, thrown } from './support.ts';

watchHub();
const make = making();
const execute = promisify(execFile);

/** The lines that a program printed, which must end by itself. */
async function lines(...args: string[]): Promise<string[]> {
  const program = fileURLToPath(new URL('../fixtures/executor-program.ts', import.meta.url));
  const { stdout, stderr } = await execute(process.execPath, [program, ...args], {
    timeout: 55_000,
  });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

describe.each(executors)('shutdown of a %s', (kind, Executor) => {
  it('waits for what was submitted, and refuses more', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2 }));
      const futures = range(10).map((x) => executor.submit(tasks.slowSquare, x, 5));
      yield* executor.shutdown();
      expect(futures.map(({ value }) => value)).toEqual(range(10).map((x) => x * x));
      expect(executor.stats().workers).toBe(0);
      const refusals = [() => executor.submit(tasks.square, 1), () => executor.map(tasks.square, [1])].map(thrown);
      for (const error of refusals) {
        expect(error).toBeInstanceOf(InvalidStateError);
        expect(error.message).toMatch(/^(Thread|Process)PoolExecutor-\d+ was shut down: make a new one$/);
      }
      yield* executor.shutdown();
    }));

  it('lets a map that nobody reads come to its end', () =>
    run(function* () {
      using file = new LineFile();
      const executor = make(new Executor({ maxWorkers: 2 }));
      executor.map(
        tasks.note,
        range(10).map(() => file.path),
        range(10),
      );
      yield* executor.shutdown();
      expect(file.lines().map(Number).sort()).toEqual(range(10));
    }));

  it('acts at once; the results come all the same', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2 }));
      const squares = executor.map(tasks.square, range(10));
      yield* executor.shutdown({ wait: false });
      expect(thrown(() => executor.submit(tasks.square, 1))).toBeInstanceOf(InvalidStateError);
      expect(yield* drain(squares)).toEqual(range(10).map((x) => x * x));
      while (executor.stats().workers > 0) yield* sleep(10);
    }));

  it('cancels what no worker has, if asked to', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2 }));
      const futures = range(50).map((x) => executor.submit(tasks.slowSquare, x, 100));
      while (!futures.some((future) => future.running())) yield* sleep(1);
      yield* executor.shutdown({ cancelFutures: true });
      const cancelled = futures.filter((future) => future.cancelled());
      expect(cancelled.length).toBeGreaterThan(20);
      expect(cancelled[0]!.exception).toBeInstanceOf(CancelledError);
      const others = futures.filter((future) => !future.cancelled());
      expect(others.length).toBeGreaterThan(0);
      expect(others.every((future) => future.successful())).toBe(true);
    }));

  it('cancels the rest of a map, too', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1 }));
      using results = executor.map(
        tasks.slowSquare,
        range(4000),
        range(4000).map(() => 20),
        { chunksize: 1 },
      );
      expect(yield* next(results)).toBe(0);
      const ended = executor.shutdown({ cancelFutures: true });
      const left = yield* drain(results);
      yield* ended;
      expect(left.length).toBe(3999);
      expect(left.at(-1)).toBeInstanceOf(CancelledError);
      expect(left.at(-1).message).toBe(`${String(executor).slice(1, -1).split(' ')[1]} was shut down`);
    }));

  it('does not hang on a call that was cancelled just before', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1 }));
      yield* executor.submit(tasks.square, 1).result();
      executor.submit(tasks.square, 2).cancel();
      yield* executor.shutdown();
    }));

  it('ends at the end of a block, after what was submitted', () =>
    run(function* () {
      let results: any;
      {
        using executor = new Executor({ maxWorkers: 2 });
        results = executor.map(tasks.square, [-3, 2]);
      }
      expect(yield* drain(results)).toEqual([9, 4]);
    }));

  it('can be interrupted, and goes on', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1 }));
      const future = executor.submit(tasks.slowSquare, 3, 100);
      const waiter = spawn(() => executor.shutdown());
      yield* sleep(1);
      yield* waiter.kill();
      expect(yield* future.result()).toBe(9);
    }));

  it('is not needed for the program to end, nor is waiting for a result', async () => {
    expect(await lines(kind)).toEqual(['main ends', 'apple']);
    expect(await lines(kind, 'shutdown')).toEqual(['main ends', 'apple']);
  });
});

describe.each(executors)('the initializer of a %s', (_, Executor) => {
  it.each([
    ['plain', tasks.setUp],
    ['coroutine', tasks.setUpSlowly],
  ])('is called in each worker before anything else: a %s function', (_, initializer) =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2, initializer, initargs: ['initialized'] }));
      const futures = [executor.submit(tasks.getStatus), executor.submit(tasks.getStatus)];
      yield* waitFutures(futures);
      expect(futures.map(({ value }) => value)).toEqual(['initialized', 'initialized']);
    }),
  );

  it('breaks the executor if it fails', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2, initializer: tasks.failSetUp }));
      const error = yield* caught(executor.submit(tasks.getStatus).result());
      expect(error).toBeInstanceOf(BrokenPoolError);
      expect(error.cause).toBeInstanceOf(RangeError);
      expect(error.cause.message).toBe('error in initializer');
      expect(thrown(() => executor.submit(tasks.getStatus))).toBeInstanceOf(BrokenPoolError);
      yield* executor.shutdown();
    }));

  it('has to be a function that workers find', () => {
    expect(thrown(() => new Executor({ initializer: () => {} })).message).toMatch(/can't be found by another thread/);
    expect(thrown(() => new Executor({ initializer: tasks.setUp, initargs: 'x' as never })).message).toBe(
      "initargs is 'x': give an array of arguments",
    );
  });
});

it('gives shared objects to the initializer', () =>
  run(function* () {
    const lock = new shared.Lock();
    const total = new shared.Value('i32', 0);
    const executor = make(
      new ThreadPoolExecutor({ maxWorkers: 2, initializer: tasks.setUpShared, initargs: [lock, total] }),
    );
    yield* drain(executor.map(tasks.addShared, range(100)));
    expect(total.value).toBe(4950);
  }));

it('breaks on an argument of the initializer that can not be sent', () =>
  run(function* () {
    for (const [, Executor] of executors) {
      const executor = make(new Executor({ maxWorkers: 1, initializer: tasks.setUp, initargs: [() => {}] }));
      const error = yield* caught(executor.submit(tasks.getStatus).result());
      expect(error).toBeInstanceOf(BrokenPoolError);
      expect(error.cause.message).toMatch(/could not be cloned|can't be (cloned|sent)/);
    }
  }));

describe.each(executors)('a call that goes wrong in a %s', (_, Executor) => {
  it.each([
    ['exits', tasks.exit],
    ['exits after it waited', tasks.exitLater],
  ])('fails alone if it %s', (_, fn) =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2 }));
      const others = range(5).map((x) => executor.submit(tasks.slowSquare, x, 5));
      const error = yield* caught(executor.submit(fn as () => never).result());
      expect(error).toBeInstanceOf(WorkerDied);
      expect(error.message).toMatch(/ ended with exit code \d while it ran exit(Later)?$/);
      yield* waitFutures(others);
      expect(others.map(({ value }) => value)).toEqual([0, 1, 4, 9, 16]);
      expect(yield* executor.submit(tasks.square, 3).result()).toBe(9);
      yield* executor.shutdown();
    }),
  );

  it('fails if its argument can not be sent, with the path to the culprit', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1 }));
      const future = executor.submit(tasks.echo, { inner: [() => 42] } as never);
      executor.shutdown(); // does not wait
      const error = yield* caught(future.result());
      expect(error).toBeInstanceOf(UncloneableError);
      expect(error.path).toMatch(/inner\[0\]/);
    }));

  it('fails if its result can not be sent', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 1 }));
      for (let round = 0; round < 5; round++) {
        const error = yield* caught(executor.submit(tasks.uncloneable).result());
        expect(error).toBeInstanceOf(UncloneableError);
        expect(error.path).toMatch(/inner\[0\]/);
      }
      expect(executor.stats().deaths).toBe(0);
    }));

  it('fails for each item of its chunk if the worker dies, with large items, too', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2 }));
      const data = 'a'.repeat(1 << 18);
      const errors = yield* drain(
        executor.map(
          tasks.exitWith,
          range(4).map(() => data),
          { chunksize: 2 },
        ),
      );
      expect(errors.length).toBe(4);
      for (const error of errors) expect(error).toBeInstanceOf(WorkerDied);
    }));

  it('does not make a shutdown hang', () =>
    run(function* () {
      const executor = make(new Executor({ maxWorkers: 2 }));
      const future = executor.submit(tasks.exitLater, 100);
      yield* executor.shutdown();
      expect(future.exception).toBeInstanceOf(WorkerDied);
    }));
});

it('survives the crash of a process and its kill', () =>
  run(function* () {
    const executor = make(new ProcessPoolExecutor({ maxWorkers: 1 }));
    expect(yield* caught(executor.submit(tasks.crash).result())).toBeInstanceOf(WorkerDied);
    expect(yield* caught(executor.submit(tasks.crash, 'SIGKILL').result())).toBeInstanceOf(WorkerDied);
    expect(yield* executor.submit(tasks.square, 3).result()).toBe(9);
  }));
