/** The cases of multiprocessing's tests of Value, Array and shared ctypes, over `shared` in threads. */
import { run } from 'genlet';
import { shared, ThreadPool } from 'genlet/workers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import {
  accumulate,
  accumulateHeld,
  accumulateRaw,
  assign,
  assignRaw,
  double,
} from '../fixtures/conformance-shared-tasks.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
watchHub();

let thread: ThreadPool;
beforeAll(() => {
  thread = new ThreadPool(1);
});
afterAll(() => thread.terminate());

describe('a shared Value', () => {
  const cells = [
    ['i32', 4343, 24234],
    ['f64', 3.625, -4.25],
    ['i16', -232, 234],
    ['i64', 2n ** 33n, 2n ** 34n],
    ['u8', 'x'.charCodeAt(0), 'y'.charCodeAt(0)],
  ] as const;

  it.each([
    ['by its value', assign],
    ['in its memory', assignRaw],
  ])('is changed by another thread, %s', (_, change) =>
    run(function* () {
      const values = cells.map(([type, before]) => new shared.Value<any>(type, before));
      expect(values.map(({ value }) => value)).toEqual(cells.map(([, before]) => before));
      const after = cells.map(([, , number]) => number);
      yield* thread.apply(change, [values, after]);
      expect(values.map(({ value }) => value)).toEqual(after);
    }),
  );

  it('has its memory, and a lock: its own or a given one', () => {
    const own = new shared.Value('i32', 5);
    expect([own.getLock(), own.array]).toEqual([expect.any(shared.RLock), new Int32Array([5])]);
    expect(new shared.Value('i32', 5, {}).getLock()).toBeInstanceOf(shared.RLock);
    const lock = new shared.Lock();
    expect(new shared.Value('i32', 5, { lock }).getLock()).toBe(lock);
    expect(() => new shared.Value('i32', 5, { lock: 'none' as never })).toThrow(
      "lock is 'none': give a shared.Lock or a shared.RLock",
    );
  });
});

describe('a shared Array', () => {
  it.each([
    ['under its lock', accumulateHeld],
    ['in its memory', accumulateRaw],
  ])('is changed by another thread, %s', (_, accumulateThere) =>
    run(function* () {
      const numbers = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
      const row = new shared.Array('i32', numbers);
      expect([row.length, row.get(3), [...row.array.slice(2, 7)]]).toEqual([10, 821, numbers.slice(2, 7)]);
      numbers.splice(4, 4, 1, 2, 3, 4);
      row.array.set([1, 2, 3, 4], 4);
      expect([...row]).toEqual(numbers);
      accumulate(numbers);
      yield* thread.apply(accumulateThere, [row]);
      expect([...row]).toEqual(numbers);
    }),
  );

  it('of a length has zeros, whatever was in memory before', () => {
    for (let i = 0; i < 3; i++) {
      const row = new shared.Array('i32', 10);
      expect([row.length, ...row]).toEqual([10, ...new Array(10).fill(0)]);
      for (let at = 0; at < 10; at++) row.set(at, at);
      expect([...row]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  it('has its memory, and a lock: its own or a given one', () => {
    const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const own = new shared.Array('i32', numbers);
    expect([own.getLock(), own.array]).toEqual([expect.any(shared.RLock), new Int32Array(numbers)]);
    expect(new shared.Array('i32', numbers, {}).getLock()).toBeInstanceOf(shared.RLock);
    const lock = new shared.Lock();
    expect(new shared.Array('i32', numbers, { lock }).getLock()).toBe(lock);
    expect(() => new shared.Array('i32', numbers, { lock: 'none' as never })).toThrow("lock is 'none'");
  });
});

describe('numbers of all kinds', () => {
  it.each([
    ['without their locks', false],
    ['with their locks', true],
  ])('are doubled by another thread, %s', (_, locked) =>
    run(function* () {
      const cells = {
        x: new shared.Value('i32', 7),
        y: new shared.Value('f64', 1 / 3),
        z: new shared.Value('i64', 2n ** 33n),
        row: new shared.Array('f64', [0, 1, 2, 3, 4]),
        text: new shared.Array('u8', 20),
      };
      cells.text.array.set(Buffer.from('hello'));
      yield* thread.apply(double, [cells, locked]);
      expect([cells.x.value, cells.y.value, cells.z.value]).toEqual([14, 2 / 3, 2n ** 34n]);
      expect([...cells.row]).toEqual([0, 2, 4, 6, 8]);
      expect(Buffer.from(cells.text.array).toString().replaceAll('\0', '')).toBe('hellohello');
      const locks = Object.values(cells).map((each) => (each.getLock() as shared.RLock).locked());
      expect(locks).toEqual([false, false, false, false, false]);
    }),
  );
});
