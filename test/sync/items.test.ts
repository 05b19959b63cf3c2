import { Group, joinall, mapItems, Pool, PoolFull, retry, sleep, spawn } from 'genlet';
import { expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const double = (n: number): number => 2 * n;

/** Yields three items, the second of which takes 5 ms. */
function* source(log: string[] = []) {
  try {
    yield 1;
    yield* sleep(5);
    yield 2;
    yield 3;
  } finally {
    log.push(`ended at ${hub.now()}`);
  }
}

it('are read from a generator that suspends in between, whoever reads', () =>
  virtually(function* () {
    const group = new Group();
    expect(yield* group.map(double, source())).toEqual([2, 4, 6]);
    expect(yield* mapItems(source(), double, { limit: 2 })).toEqual([2, 4, 6]);
    using results = group.imap(double, source());
    const read: [number, number][] = [];
    for (let step; !(step = yield* results.next()).done; ) read.push([hub.now(), step.value]);
    expect(read).toEqual([
      [10, 2],
      [15, 4],
      [15, 6],
    ]);
  }));

it('of a generator that need not wait are read at once', () =>
  virtually(function* () {
    const items = function* () {
      for (let i = 0; i < 1000; i++) yield i;
    };
    expect((yield* new Pool(3).map(double, items())).length).toBe(1000);
    expect(hub.now()).toBe(0);
  }));

it('may be waited for in many ways inside the generator', () =>
  virtually(function* () {
    const items = function* () {
      yield yield* spawn(() => 1);
      yield* joinall([spawn(sleep, 3)]);
      const inner = function* () {
        yield* sleep(0);
        return 2;
      };
      yield yield* inner();
    };
    expect(yield* new Group().map(double, items())).toEqual([2, 4]);
  }));

it('end with the generator when the reader is killed, fails or leaves early', () =>
  virtually(function* () {
    const log: string[] = [];
    const group = new Group();
    const killed = spawn(() => group.map(double, source(log)));
    yield* sleep(1);
    yield* killed.kill();
    const left = group.imap(double, source(log), { maxsize: 1 });
    expect(yield* left.next()).toEqual({ done: false, value: 2 });
    const reader = spawn(() => left.next());
    yield* sleep(1);
    left[Symbol.dispose]();
    yield* reader.join();
    expect(log).toEqual(['ended at 1', 'ended at 2']);
    expect(hub.stats().timers).toBe(0);
  }));

it('give the error of the generator behind those that came before', () =>
  virtually(function* () {
    const items = function* () {
      yield 1;
      yield* sleep(1);
      throw new Error('no more');
    };
    using results = new Group().imap(double, items());
    expect((yield* results.next()).value).toBe(2);
    let error: unknown;
    try {
      yield* results.next();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toEqual(new Error('no more'));
    expect(yield* results.next()).toEqual({ done: true, value: undefined });
  }));

it('are refused if they are none', () => {
  expect(() => new Group().map(double, 5 as never)).toThrow('items is 5: give an iterable');
  expect(() => new Group().imap(double, [], 5 as never)).toThrow('options is 5: give { maxsize: 10 }');
  expect(() => mapItems([], double, null as never)).toThrow('options is null: give { limit: 10 }');
});

it('read by a member of a full pool fail with PoolFull instead of waiting for ever', () =>
  virtually(function* () {
    const pool = new Pool(1);
    const member = yield* pool.spawn(function* () {
      using results = pool.imap(double, [1]);
      yield* results.next();
    });
    let error: unknown;
    try {
      yield* member;
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PoolFull);
    expect(yield* takeReportsNow()).toEqual([]);
  }));

it('are worked on in place by a member, also inside retry()', () =>
  virtually(function* () {
    const pool = new Pool(1);
    const member = yield* pool.spawn(() => retry(() => pool.apply(double, 4)));
    expect(yield* member).toBe(8);
  }));

function* takeReportsNow() {
  yield* sleep(1);
  return yield* spawn(() => takeReports());
}
