/** CPython's _test_multiprocessing: Pool and ThreadPool. */
import {
  CancelledError,
  type Coroutine,
  InvalidStateError,
  run,
  sleep,
  spawn,
  Timeout,
  UncloneableError,
  WorkerDied,
} from 'genlet';
import { Pool, ThreadPool } from 'genlet/workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/executor-tasks.ts';
import { drain, LineFile, making, next, pools, range, thrown, untilQuiet } from './support.ts';

watchHub();

const squares = (count: number) => range(count).map((x) => x * x);

class SayWhen extends Error {}

/** Items up to `when`, and an error there. */
function* throwing(total: number, when: number): Generator<number, void, undefined> {
  if (when < 0) throw new SayWhen();
  for (let i = 0; i < total; i++) {
    if (i === when) throw new SayWhen();
    yield i;
  }
}

/** As `throwing`, by an iterable that need not be waited for. */
function throwingNow(total: number, when: number): Iterable<number> {
  return { [Symbol.iterator]: () => ({ next: throwing(total, when).next.bind(throwing(total, when)) }) };
}

describe.each(pools)('a %s', (_, AnyPool) => {
  let pool: InstanceType<typeof AnyPool>;

  beforeAll(() => {
    pool = new AnyPool(2);
  });

  afterAll(() => {
    pool.terminate();
    return run(() => pool.join());
  });

  it('applies a function to arguments', () =>
    run(function* () {
      expect(yield* pool.apply(tasks.square, [5])).toBe(25);
      expect(yield* pool.apply(tasks.multiply, [3, 4])).toBe(12);
      expect(yield* pool.apply(tasks.list)).toEqual([]);
      const error = yield* caught(pool.apply(tasks.divide, [1, 0]));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.stack).toMatch(/executor-tasks\.js.*awaited at.*pool\.test\.ts/s);
    }));

  it('refuses what is no function, and arguments in no array', () => {
    expect(thrown(() => pool.apply(7 as never)).message).toMatch(/^apply\(\) target is 7: /);
    expect(thrown(() => pool.apply(tasks.square, 5 as never)).message).toBe('args is 5: give an array of arguments');
    expect(thrown(() => pool.map(tasks.square, 5 as never)).message).toMatch(/^items is 5: give an iterable/);
    expect(thrown(() => pool.applyAsync(tasks.square, [1], { callback: 5 as never })).message).toMatch(
      /^callback is 5: /,
    );
  });

  it('maps, with chunks and without', () =>
    run(function* () {
      expect(yield* pool.map(tasks.square, range(10))).toEqual(squares(10));
      expect(yield* pool.map(tasks.square, range(100), { chunksize: 20 })).toEqual(squares(100));
      expect(yield* pool.map(tasks.square, range(100), { chunksize: 1 })).toEqual(squares(100));
    }));

  it('maps over lists of arguments', () =>
    run(function* () {
      const pairs = range(100).map((x): [number, number] => [x, 99 - x]);
      const products = pairs.map(([x, y]) => x * y);
      expect(yield* pool.starmap(tasks.multiply, pairs.slice(0, 10))).toEqual(products.slice(0, 10));
      expect(yield* pool.starmap(tasks.multiply, pairs, { chunksize: 20 })).toEqual(products);
      expect(yield* pool.starmapAsync(tasks.multiply, pairs)).toEqual(products);
    }));

  it('maps without waiting', () =>
    run(function* () {
      const result = pool.mapAsync(tasks.square, range(10));
      expect(result.ready()).toBe(false);
      expect(yield* result.get()).toEqual(squares(10));
      expect(yield* pool.mapAsync(tasks.square, [], { chunksize: 1 }).get({ timeout: 5000 })).toEqual([]);
    }));

  it('calls back with the results of a map, or its first error', () =>
    run(function* () {
      const calls: any[] = [];
      const callbacks = { callback: (x: any) => calls.push(x), errorCallback: (x: any) => calls.push(x) };
      yield* pool.mapAsync(tasks.failOdd, [4], callbacks).wait();
      expect(calls).toEqual([[4]]);
      yield* pool.mapAsync(tasks.failOdd, [2, 3, 5], callbacks).wait();
      expect(calls.length).toBe(2);
      expect(calls[1].message).toBe('3 is odd');
    }));

  it('calls back with a result or an error, before whoever waits goes on', () =>
    run(function* () {
      const calls: any[] = [];
      const callbacks = { callback: (x: any) => calls.push(x), errorCallback: (x: any) => calls.push(x.message) };
      expect(yield* pool.applyAsync(tasks.square, [3], callbacks)).toBe(9);
      expect((yield* caught(pool.applyAsync(tasks.fail, [], callbacks))).code).toBe('BOOM');
      expect(calls).toEqual([9, 'boom']);
    }));

  it('gives a result later', () =>
    run(function* () {
      const result = pool.applyAsync(tasks.slowSquare, [7, 100]);
      const begin = performance.now();
      expect(yield* result.get()).toBe(49);
      expect(performance.now() - begin).toBeGreaterThan(90);
    }));

  it('stops waiting for a result when time is up', () =>
    run(function* () {
      const result = pool.applyAsync(tasks.slowSquare, [6, 600]);
      expect(yield* caught(result.get({ timeout: 100 }))).toBeInstanceOf(Timeout);
      expect(yield* result.wait(0)).toBe(undefined);
      expect(yield* result).toBe(36);
    }));

  it('ends a call if who waits for it is killed', () =>
    run(function* () {
      using file = new LineFile();
      const waiter = spawn(() => pool.apply(tasks.noteWhenKilled, [file.path, 'it']));
      while (file.lines().length < 1) yield* sleep(5);
      yield* waiter.kill();
      while (file.lines().length < 2) yield* sleep(5);
      expect(file.lines()).toEqual(['it begins', 'it ends']);
      yield* untilQuiet(pool);
    }));

  it('ends the calls of a map if who waits for it is killed', () =>
    run(function* () {
      using file = new LineFile();
      const items = range(20).map((x): [string, number] => [file.path, x]);
      const waiter = spawn(() => pool.starmap(tasks.noteWhenKilled, items, { chunksize: 1 }));
      while (file.lines().length < 2) yield* sleep(5);
      yield* waiter.kill();
      while (file.lines().length < 4) yield* sleep(5);
      expect(yield* pool.apply(tasks.square, [2])).toBe(4);
      yield* untilQuiet(pool);
      expect(file.lines().sort()).toEqual(['0 begins', '0 ends', '1 begins', '1 ends']);
    }));

  it('fails a map if an item can not be sent', () =>
    run(function* () {
      const items = range(10).map(() => () => 1);
      expect(yield* caught(pool.map(tasks.echo, items))).toBeInstanceOf(UncloneableError);
    }));

  it.each([throwing, throwingNow])('fails a map if its items fail: %o', (items) =>
    run(function* () {
      for (const [total, when] of [
        [1, -1],
        [1, -1],
        [10, 3],
      ] as const) {
        const error = yield* caught(pool.map(tasks.square, items(total, when), { chunksize: 1 }));
        expect(error).toBeInstanceOf(SayWhen);
        expect(error.cause).toBe(undefined);
      }
      expect(yield* pool.apply(tasks.square, [2])).toBe(4);
    }),
  );

  it('gives results one by one', () =>
    run(function* () {
      const results = pool.imap(tasks.square, range(10));
      for (let i = 0; i < 10; i++) expect(yield* next(results)).toBe(i * i);
      expect(yield* results.next()).toEqual({ done: true, value: undefined });
      expect(yield* results.next()).toEqual({ done: true, value: undefined });
      expect(yield* drain(pool.imap(tasks.square, range(1000), { chunksize: 100 }))).toEqual(squares(1000));
      expect(yield* drain(pool.imap(tasks.square, range(5000)))).toEqual(squares(5000));
    }));

  it('gives results as they come', () =>
    run(function* () {
      const sorted = (items: number[]) => items.sort((x, y) => x - y);
      expect(sorted(yield* drain(pool.imapUnordered(tasks.square, range(10))))).toEqual(squares(10));
      const many = pool.imapUnordered(tasks.square, range(1000), { chunksize: 100 });
      expect(sorted(yield* drain(many))).toEqual(squares(1000));
    }));

  it.each([throwing, throwingNow])('throws an error of the items behind the results before it: %o', (items) =>
    run(function* () {
      for (const [total, when, chunksize] of [
        [1, -1, 1],
        [10, 3, 1],
        [20, 7, 2],
        [20, 7, 4],
      ] as const) {
        for (const imap of [pool.imap, pool.imapUnordered]) {
          using results = imap.call(pool, tasks.square as never, items(total, when), { chunksize });
          const got = yield* drain(results);
          expect(got.pop()).toBeInstanceOf(SayWhen);
          expect(got.sort((x, y) => x - y)).toEqual(squares(Math.max(when, 0)));
        }
      }
    }),
  );

  it('reads no more items than maxsize ahead', () =>
    run(function* () {
      let read = 0;
      function* items(): Generator<number, void, undefined> {
        for (;;) yield read++;
      }
      {
        using results = pool.imap(tasks.square, items(), { maxsize: 10 });
        expect(yield* next(results)).toBe(0);
        yield* sleep(50);
        expect(read).toBeLessThanOrEqual(12);
        for (let i = 1; i < 50; i++) expect(yield* next(results)).toBe(i * i);
        expect(read).toBeLessThanOrEqual(61);
      }
      yield* untilQuiet(pool);
    }));

  it('has read all items of a map when that has begun', () =>
    run(function* () {
      const items = range(10_000);
      const results = pool.mapAsync(tasks.square, items);
      items.length = 5;
      items[0] = 7;
      expect(yield* results.get()).toEqual(range(10_000).map((n) => n * n));
    }));

  it('has nothing to do for no items', () =>
    run(function* () {
      expect(yield* pool.map(tasks.square, [])).toEqual([]);
      expect(yield* drain(pool.imap(tasks.square, []))).toEqual([]);
      expect(yield* drain(pool.imapUnordered(tasks.square, []))).toEqual([]);
      expect(yield* pool.mapAsync(tasks.square, []).get()).toEqual([]);
    }));

  it('calls the rest of a map though a call has failed, and throws the first error in the end', () =>
    run(function* () {
      const result = pool.mapAsync(tasks.failLarge, [300, 0], { chunksize: 1 });
      const begin = performance.now();
      const error = yield* caught(result.get());
      expect(error.message.length).toBe(1 << 20);
      expect(performance.now() - begin).toBeGreaterThan(280);
    }));

  it('gives an error for a result that can not be sent, and loses no worker', () =>
    run(function* () {
      for (let round = 0; round < 20; round++) {
        let reported: unknown;
        const result = pool.applyAsync(tasks.uncloneable, [], { errorCallback: (error) => (reported = error) });
        const error = yield* caught(result.get());
        expect(error).toBeInstanceOf(UncloneableError);
        expect(reported).toBe(error);
      }
      expect(pool.stats().deaths).toBe(0);
    }));
});

describe.each(pools)('the end of a %s', (_, AnyPool) => {
  const make = making();

  it('takes a number of workers', () => {
    for (const size of [-1, 0, 2.5]) expect(thrown(() => new AnyPool(size))).toBeInstanceOf(RangeError);
    expect(make(new AnyPool(3)).size).toBe(3);
    for (const maxTasksPerChild of [0, -1, 0.5, '12' as never]) {
      expect(thrown(() => new AnyPool(3, { maxTasksPerChild }))).toBeInstanceOf(RangeError);
    }
  });

  it('comes when all is done after close, and no work is taken any more', () =>
    run(function* () {
      const pool = make(new AnyPool(2));
      const results = range(6).map((x) => pool.applyAsync(tasks.slowSquare, [x, 20]));
      const mapped = pool.imap(
        tasks.square,
        (function* () {
          yield* range(2000);
        })(),
      );
      pool.close();
      expect(thrown(() => pool.mapAsync(tasks.square, [1]))).toBeInstanceOf(InvalidStateError);
      expect(yield* caught(pool.apply(tasks.square, [1]))).toBeInstanceOf(InvalidStateError);
      yield* pool.join();
      expect(results.map(({ value }) => value)).toEqual(squares(6));
      expect(yield* drain(mapped)).toEqual(squares(2000)); // also what nobody had read
      expect(pool.stats().workers).toBe(0);
    }));

  it('can only be waited for after close or terminate', () =>
    run(function* () {
      const pool = make(new AnyPool(1, { name: 'open' }));
      const error = yield* caught(pool.join());
      expect(error).toBeInstanceOf(InvalidStateError);
      expect(error.message).toBe('open is open: close() or terminate() it first');
    }));

  it('comes at once with terminate, whatever is being done', () =>
    run(function* () {
      const pool = make(new AnyPool(2));
      const mapped = pool.mapAsync(
        tasks.wait,
        range(10_000).map(() => 60_000),
        { chunksize: 1 },
      );
      const hanging = pool.applyAsync(tasks.hang);
      const reading = pool.imap(
        tasks.wait,
        range(5000).map(() => 60_000),
      );
      while (pool.stats().running === 0) yield* sleep(5);
      pool.terminate();
      yield* pool.join();
      expect(mapped.exception).toBeInstanceOf(CancelledError);
      expect(hanging.cancelled()).toBe(true);
      const rest = yield* drain(reading);
      expect(rest[0]).toBeInstanceOf(CancelledError);
      expect(rest[0].message).toMatch(/^(Thread)?Pool-\d+ was terminated$/);
    }));

  it('comes with the end of a block', () =>
    run(function* () {
      let pool: InstanceType<typeof AnyPool>;
      {
        using made = new AnyPool(1);
        pool = made;
        expect(yield* made.map(tasks.square, range(10))).toEqual(squares(10));
      }
      expect(thrown(() => pool.mapAsync(tasks.square, [1]))).toBeInstanceOf(InvalidStateError);
      yield* pool.join();
    }));

  it('loses no call when workers live for one call only', () =>
    run(function* () {
      const pool = make(new AnyPool(2, { maxTasksPerChild: 1 }));
      const results = range(4).map((x) => pool.applyAsync(tasks.slowSquare, [x, 20]));
      pool.close();
      yield* pool.join();
      expect(results.map(({ value }) => value)).toEqual(squares(4));
    }));
});

describe('the processes of a Pool', () => {
  const make = making();

  it('are replaced after maxTasksPerChild calls', () =>
    run(function* () {
      const pool = make(new Pool(2, { maxTasksPerChild: 10 }));
      const ids = new Set<number>();
      function* one(): Coroutine<void> {
        ids.add(yield* pool.apply(tasks.pid));
      }
      for (let i = 0; i < 25; i++) yield* one();
      expect(ids.size).toBeGreaterThanOrEqual(3);
      expect(ids.has(process.pid)).toBe(false);
    }));

  it('fail the call that one of them dies of, and no other', () =>
    run(function* () {
      const pool = make(new Pool(1));
      const others = range(3).map((x) => pool.applyAsync(tasks.slowSquare, [x, 5]));
      expect(yield* caught(pool.apply(tasks.exit))).toBeInstanceOf(WorkerDied);
      for (const [x, other] of others.entries()) expect(yield* other).toBe(x * x);
    }));
});

it('kills a call that hangs, and goes on with another thread', () =>
  run(function* () {
    const pool = new ThreadPool(1, { grace: 50 });
    const waiter = spawn(() => pool.apply(tasks.hang));
    while (pool.stats().running === 0) yield* sleep(5);
    yield* waiter.kill();
    expect(yield* pool.apply(tasks.square, [3])).toBe(9);
    pool.close();
    yield* pool.join();
  }));
