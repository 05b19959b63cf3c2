/** gevent's test__pool, the tests that it runs over pools of 1, 2, 3, 10 and any number of places. */
import {
  type Coroutine,
  type Greenlet,
  type Iteration,
  Pool,
  Queue,
  QueueShutDown,
  sleep,
  spawnLater,
  Timeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { random } from '../support/random.ts';
import { outcomeOf } from './gevent-waits.ts';

watchHub();

function* square(n: number, ms = 0): Coroutine<number> {
  yield* sleep(ms);
  return n * n;
}

const numbers = (below: number) => Array.from({ length: below }, (_, n) => n);
const squares = (below: number) => numbers(below).map((n) => n * n);

/** Squares after a random time of up to 100 ms, the same in each run. */
function slowly(): (n: number) => Coroutine<number> {
  const upTo = random(7);
  return (n) => square(n, upTo(100));
}

function* listOf<T>(iteration: Iteration<T>): Coroutine<T[]> {
  using each = iteration;
  const list: T[] = [];
  for (let step: IteratorResult<T, undefined>; !(step = yield* each.next()).done; ) list.push(step.value);
  return list;
}

const ascending = (list: number[]) => list.sort((one, other) => one - other);

/** The items of a queue, until it is shut down. */
function itemsOf<T>(queue: Queue<T>): Iteration<T> {
  return {
    *next(): Coroutine<IteratorResult<T, undefined>> {
      try {
        return { done: false, value: yield* queue.get() };
      } catch (error) {
        if (error instanceof QueueShutDown) return { done: true, value: undefined };
        throw error;
      }
    },
    [Symbol.dispose]() {},
  };
}

/** 0, 1 and 2 at once, and the end only after a sleep. */
function slowToEnd(): Iteration<number> {
  let n = 0;
  return {
    *next(): Coroutine<IteratorResult<number, undefined>> {
      if (n < 3) return { done: false, value: n++ };
      yield* sleep(200);
      return { done: true, value: undefined };
    },
    [Symbol.dispose]() {},
  };
}

const imaps = ['imap', 'imapUnordered'] as const;

describe.each([1, 2, 3, 10, null])('a pool of size %s', (size) => {
  /** Runs `body` with a pool, which is empty and whole afterwards. */
  const withPool = (body: (pool: Pool) => Coroutine<void>) =>
    virtually(function* () {
      const pool = new Pool(size);
      yield* body(pool);
      expect([yield* pool.join(), pool.size, pool.freeCount()]).toEqual([true, 0, size ?? Number.POSITIVE_INFINITY]);
    });

  it('gives the value of what it applies', () =>
    withPool(function* (pool) {
      expect(yield* pool.apply(square, 5)).toBe(25);
      expect(yield* pool.apply(({ n }: { n: number }) => square(n), { n: 3 })).toBe(9);
    }));

  it('maps in the order of the items', () =>
    withPool(function* (pool) {
      for (const count of [10, 100]) {
        expect(yield* pool.map((n: number) => square(n), numbers(count))).toEqual(squares(count));
      }
    }));

  it('gives the value of applyAsync when it is there', () =>
    withPool(function* (pool) {
      const result = pool.applyAsync(square, 7, 82);
      expect([yield* result.get(), hub.now()]).toEqual([49, 82]);
    }));

  it('gives a greenlet by applyAsync, whose links are called with the value', () =>
    withPool(function* (pool) {
      const log: number[] = [];
      const result = pool.applyAsync(square, 7, 82);
      result.linkValue(({ value }: Greenlet<number>) => log.push(value!));
      expect([yield* result.get(), hub.now()]).toEqual([49, 82]);
      yield* sleep(0);
      expect(log).toEqual([49]);
    }));

  it('goes on with what nobody waits for any longer', () =>
    withPool(function* (pool) {
      const result = pool.applyAsync(square, 6, 235);
      expect(yield* outcomeOf(() => result.get({ timeout: 35 }))).toEqual({ error: expect.any(Timeout) });
      expect(hub.now()).toBe(35);
      yield* pool.join();
      expect([result.value, hub.now()]).toEqual([36, 235]);
    }));

  it('gives all results by imap, in the order of the items', () =>
    withPool(function* (pool) {
      expect(yield* listOf(pool.imap((n: number) => square(n), numbers(10)))).toEqual(squares(10));
    }));

  it.each([10, 1000])('gives %i results one by one by imap, and then the end', (count) =>
    withPool(function* (pool) {
      using results = pool.imap((n: number) => square(n), numbers(count));
      for (const value of squares(count)) expect(yield* results.next()).toEqual({ done: false, value });
      expect(yield* results.next()).toEqual({ done: true, value: undefined });
    }),
  );

  it('gives results in the order of the items by imap, whatever each takes', () =>
    withPool(function* (pool) {
      expect(yield* listOf(pool.imap(slowly(), numbers(10)))).toEqual(squares(10));
    }));

  it('gives each of 1000 results once by imapUnordered, time and again', () =>
    withPool(function* (pool) {
      for (let i = 0; i < 2; i++) {
        const results = yield* listOf(pool.imapUnordered((n: number) => square(n), numbers(1000)));
        expect(ascending(results)).toEqual(squares(1000));
      }
    }));

  it('gives each result once by imapUnordered, whatever each takes', () =>
    withPool(function* (pool) {
      expect(ascending(yield* listOf(pool.imapUnordered(slowly(), numbers(10))))).toEqual(squares(10));
    }));

  it.each(imaps)('ends %s of no items at once', (method) =>
    withPool(function* (pool) {
      expect(yield* listOf(pool[method](square, []))).toEqual([]);
    }),
  );

  it('maps no items to no results', () =>
    withPool(function* (pool) {
      expect(yield* pool.map(square, [])).toEqual([]);
    }));

  it('loses its members by kill in no time; what waited for a place goes on', () =>
    withPool(function* (pool) {
      const begun: number[] = [];
      const result = pool.mapAsync(
        function* (n: number) {
          begun.push(n);
          yield* sleep(100);
        },
        numbers((size ?? 10) * 2),
      );
      yield* sleep(50);
      const before = begun.length;
      yield* pool.kill();
      expect(hub.now()).toBe(50);
      yield* result.join();
      expect([before, begun.length, hub.now()]).toEqual(size === null ? [20, 20, 50] : [size, 2 * size, 150]);
    }));

  it('gives results in the order of completion by imapUnordered', () =>
    withPool(function* (pool) {
      const work = function* (tenths: number) {
        yield* sleep(100 * tenths);
        return `${tenths}`;
      };
      const results = yield* listOf(pool.imapUnordered(work, [10, 1, 2]));
      // Two of them have a free place for the third at 100 ms, three or more from the beginning.
      expect(results).toEqual(size === 1 ? ['10', '1', '2'] : ['1', '2', '10']);
    }));

  it.each(imaps)('ends %s when its source ends later than its last item comes', (method) =>
    withPool(function* (pool) {
      const queue = new Queue<number>();
      queue.putNowait(123);
      const ending = spawnLater(100, () => queue.shutdown());
      expect(yield* listOf(pool[method]((n: number) => n, itemsOf(queue)))).toEqual([123]);
      expect([hub.now(), ending.dead]).toEqual([100, true]);
    }),
  );

  it.each(imaps)('ends %s of a source that sleeps before its end', (method) =>
    withPool(function* (pool) {
      expect(yield* listOf(pool[method]((n: number) => square(n), slowToEnd()))).toEqual([0, 1, 4]);
      expect(hub.now()).toBe(200);
    }),
  );

  it.each(imaps)('works ahead of a slow reader by no more than maxsize in %s', (method) =>
    withPool(function* (pool) {
      let begun = 0;
      const ahead: number[] = [];
      const results: number[] = [];
      using each = pool[method](
        (n: number) => {
          begun++;
          return n;
        },
        numbers(100),
        { maxsize: 1 },
      );
      for (let step: IteratorResult<number, undefined>; !(step = yield* each.next()).done; ) {
        results.push(step.value);
        yield* sleep(10);
        ahead.push(begun - results.length);
      }
      expect(ascending(results)).toEqual(numbers(100));
      expect(Math.max(...ahead)).toBe(1);
    }),
  );
});
