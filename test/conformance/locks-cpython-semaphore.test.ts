/** CPython's lock_tests: Semaphore and BoundedSemaphore. */
import { BoundedSemaphore, InvalidStateError, joinall, Semaphore, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';
import { crowd, outcome, timed, together } from './locks-support.ts';

watchHub();

describe.each([
  ['a Semaphore', Semaphore],
  ['a BoundedSemaphore', BoundedSemaphore],
])('%s', (_, SomeSemaphore) => {
  it('has no negative value', () => {
    expect(() => new SomeSemaphore(-1)).toThrow(RangeError);
    expect(() => new SomeSemaphore(Number.MIN_SAFE_INTEGER)).toThrow(RangeError);
  });

  it('is acquired as often as its value says, and released as often', () =>
    virtually(function* () {
      for (const value of [1, 2]) {
        const semaphore = new SomeSemaphore(value);
        for (let i = 0; i < value; i++) expect(yield* timed(semaphore.acquire())).toEqual([true, 0]);
        for (let i = 0; i < value; i++) semaphore.release();
        expect(semaphore.counter).toBe(value);
      }
    }));

  it.each([
    ['one by one', (semaphore: Semaphore, count: number) => Array.from({ length: count }, () => semaphore.release())],
    ['by one call', (semaphore: Semaphore, count: number) => semaphore.release(count)],
  ])('lets in as many as are released: %s', (_, release) =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(7);
      yield* semaphore.acquire();
      let phase = 0;
      const entered: number[] = [];
      const results: boolean[] = [];
      const crowded = crowd(10, function* () {
        for (let i = 0; i < 2; i++) {
          results.push(yield* semaphore.acquire());
          entered.push(phase);
        }
      });
      yield* sleep(10);
      expect(entered).toEqual(Array(6).fill(0));
      for (const count of [7, 6]) {
        phase++;
        release(semaphore, count);
        yield* sleep(10);
      }
      expect(entered).toEqual([...Array(6).fill(0), ...Array(7).fill(1), ...Array(6).fill(2)]);
      expect([semaphore.acquireNowait(), yield* semaphore.acquire({ block: false })]).toEqual([false, false]);
      release(semaphore, 1);
      yield* joinall(crowded);
      expect(results).toEqual(Array(20).fill(true));
    }),
  );

  it('is refused to a call that does not block when its permits are taken', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(2);
      const results: boolean[] = [];
      for (let i = 0; i < 3; i++) results.push(yield* semaphore.acquire({ block: false }));
      semaphore.release();
      results.push(yield* semaphore.acquire({ block: false }));
      expect(results).toEqual([true, true, false, true]);
    }));

  it('is given to as many of those who do not block as there are permits', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(4);
      yield* semaphore.acquire();
      const results: boolean[] = [];
      yield* together(5, function* () {
        results.push(yield* semaphore.acquire({ block: false }));
        results.push(yield* semaphore.acquire({ block: false }));
      });
      expect(results.sort()).toEqual([...Array(7).fill(false), ...Array(3).fill(true)]);
    }));

  it('is waited for as long as it is told', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(2);
      const results: unknown[] = [];
      for (let i = 0; i < 3; i++) results.push(yield* timed(semaphore.acquire({ timeout: 5 })));
      semaphore.release();
      results.push(yield* timed(semaphore.acquire({ timeout: 5 })));
      results.push(yield* timed(semaphore.acquire({ timeout: 500 })));
      // Unlike CPython, a limit beside `block: false` has no meaning.
      results.push(yield* timed(semaphore.acquire({ block: false, timeout: 1000 })));
      expect(results).toEqual([
        [true, 0],
        [true, 0],
        [false, 5],
        [true, 0],
        [false, 500],
        [false, 0],
      ]);
    }));

  it('has one permit by default', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore();
      yield* semaphore.acquire();
      const other = spawn(function* () {
        yield* semaphore.acquire();
        semaphore.release();
      });
      yield* sleep(10);
      expect(other.dead).toBe(false);
      semaphore.release();
      yield* other;
    }));

  it('is given back at the end of blocks within each other, whether they return or throw', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(2);
      const blocks = function* (error?: Error) {
        using _ = yield* semaphore.hold();
        expect(semaphore.acquireNowait()).toBe(true);
        semaphore.release();
        using __ = yield* semaphore.hold();
        expect(semaphore.acquireNowait()).toBe(false);
        if (error !== undefined) throw error;
      };
      yield* blocks();
      expect(semaphore.counter).toBe(2);
      const error = new TypeError('expected');
      expect(yield* outcome(blocks(error))).toBe(error);
      expect(semaphore.counter).toBe(2);
    }));

  it('shows its value in statistics()', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(3);
      expect(semaphore.statistics().free).toBe(3);
      yield* semaphore.acquire();
      expect(semaphore.statistics().free).toBe(2);
      semaphore.release();
      expect(semaphore.statistics().free).toBe(3);
    }));
});

describe('beyond its first value', () => {
  it('a Semaphore can be released, and has one permit more then', () =>
    virtually(function* () {
      const semaphore = new Semaphore(1);
      semaphore.release();
      expect(semaphore.statistics().free).toBe(2);
      expect(yield* timed(semaphore.acquire())).toEqual([true, 0]);
      expect(yield* timed(semaphore.acquire())).toEqual([true, 0]);
      semaphore.release();
    }));

  it('a BoundedSemaphore can not be released', () =>
    virtually(function* () {
      const semaphore = new BoundedSemaphore();
      expect(() => semaphore.release()).toThrow(InvalidStateError);
      yield* semaphore.acquire();
      semaphore.release();
      expect(() => semaphore.release()).toThrow(InvalidStateError);
    }));
});
