/**
 * asyncio's test_locks: Barrier.
 *
 * asyncio lets a round drain before newcomers enter, and a party leave by a cancel. Here all of a full round are let
 * through at once, whoever comes back belongs to the next round, and the kill of a party breaks the barrier.
 */
import { Barrier, BrokenBarrierError, GreenletExit, joinall, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';
import { crowd, together } from './locks-support.ts';

watchHub();

const N = 5;
const MIDDLE = 2;

/** How a wait ended. */
function* ended(barrier: Barrier) {
  try {
    yield* barrier.wait();
    return 'passed';
  } catch (error) {
    if (error instanceof BrokenBarrierError) return 'broken';
    throw error;
  }
}

const times = <T>(count: number, item: T): T[] => Array(count).fill(item);

describe('a Barrier', () => {
  it('shows in statistics() how many wait of how many, and whether it is broken', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const statistics = () => {
        const { waiting, broken } = barrier.statistics();
        return `${waiting}/${barrier.parties}${broken ? ' broken' : ''}`;
      };
      const states = [statistics()];
      const waiters = crowd(2, () => ended(barrier));
      yield* sleep(0);
      states.push(statistics());
      waiters.push(...crowd(3, () => ended(barrier)));
      yield* sleep(0);
      states.push(statistics());
      waiters.push(...crowd(2, () => ended(barrier)));
      yield* sleep(0);
      barrier.reset();
      states.push(statistics());
      waiters.push(...crowd(2, () => ended(barrier)));
      yield* sleep(0);
      barrier.abort();
      states.push(statistics());
      yield* joinall(waiters);
      expect(states).toEqual(['0/5', '2/5', '0/5', '0/5', '0/5 broken']);
      expect(waiters.map(({ value }) => value)).toEqual([...times(5, 'passed'), ...times(4, 'broken')]);
    }));

  it('has one party at least', () => {
    expect(() => new Barrier(0)).toThrow(RangeError);
    expect(() => new Barrier(-4)).toThrow(RangeError);
    expect(new Barrier(N)).toBeInstanceOf(Barrier);
  });

  it('gives each party its place', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const places: number[] = [];
      yield* together(3, function* () {
        places.push(yield* barrier.wait());
      });
      expect(places.sort()).toEqual([0, 1, 2]);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
    }));

  it('makes a single party wait for nobody, however often it comes', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      const places: number[] = [];
      for (let i = 0; i < 2; i++) {
        const one = spawn(() => barrier.wait());
        yield* sleep(0);
        expect([one.dead, barrier.waiting]).toEqual([true, 0]);
        places.push(yield* one);
      }
      expect([places, yield* barrier.wait(), barrier.broken]).toEqual([[0, 0], 0, false]);
    }));

  it('fills up one by one', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const waiting: number[] = [];
      const tasks = [];
      for (let i = 0; i < 3; i++) {
        tasks.push(spawn(() => barrier.wait()));
        yield* sleep(0);
        waiting.push(barrier.waiting);
      }
      yield* joinall(tasks);
      expect([waiting, barrier.broken]).toEqual([[1, 2, 0], false]);
    }));

  it('is passed twice by all, in two rounds with a place for each', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const log: string[] = [];
      const places: number[] = [];
      yield* together(N, function* () {
        yield* barrier.wait();
        log.push('first');
        places.push(yield* barrier.wait());
        log.push('second');
      });
      expect(log).toEqual([...times(N, 'first'), ...times(N, 'second')]);
      expect(places.sort()).toEqual([0, 1, 2, 3, 4]);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: false });
    }));

  it('lets some come back at once while the others have not gone on yet', () =>
    virtually(function* () {
      const comeBack = 2;
      const barrier = new Barrier(N);
      const others = new Barrier(N - comeBack);
      let left = comeBack;
      let passed = 0;
      yield* together(N, function* () {
        yield* barrier.wait();
        if (left-- <= 0) yield* others.wait();
        yield* barrier.wait();
        passed++;
      });
      expect([passed, barrier.waiting, others.waiting]).toEqual([N, 0, 0]);
    }));

  it('is broken by the kill of a party; reset, it fills up again', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const [one, other] = [spawn(() => ended(barrier)), spawn(() => ended(barrier))];
      yield* sleep(0);
      expect(barrier.waiting).toBe(2);
      yield* one.kill();
      expect([one.value, yield* other, barrier.waiting, barrier.broken]).toEqual([
        expect.any(GreenletExit),
        'broken',
        0,
        true,
      ]);
      barrier.reset();
      const tasks = crowd(3, () => ended(barrier));
      yield* joinall(tasks);
      expect([tasks.map(({ value }) => value), barrier.waiting, barrier.broken]).toEqual([
        times(3, 'passed'),
        0,
        false,
      ]);
    }));
});

describe('the reset of a Barrier', () => {
  it('changes nothing when nobody waits', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      yield* spawn(() => barrier.reset());
      expect(barrier.statistics()).toEqual({ parties: 1, waiting: 0, broken: false });
    }));

  it('fails those who wait', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const tasks = crowd(N - 1, () => ended(barrier));
      yield* sleep(0);
      spawn(() => barrier.reset());
      yield* joinall(tasks);
      expect([tasks.map(({ value }) => value), barrier.waiting, barrier.broken]).toEqual([
        times(N - 1, 'broken'),
        0,
        false,
      ]);
    }));

  it('does not fail those who were let through and have not gone on yet', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const results: string[] = [];
      yield* together(N, function* () {
        results.push(yield* ended(barrier));
        if (results.length === N - MIDDLE) barrier.reset();
      });
      expect([results, barrier.waiting, barrier.broken]).toEqual([times(N, 'passed'), 0, false]);
    }));

  it('fails those who came back already, and not those who have not gone on yet', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const [first, second, third]: [string[], string[], string[]] = [[], [], []];
      yield* together(N, function* () {
        first.push(yield* ended(barrier));
        if (first.length <= MIDDLE) second.push(yield* ended(barrier));
        else if (first.length === MIDDLE + 1) barrier.reset();
        third.push(yield* ended(barrier));
      });
      expect([first, second, third]).toEqual([times(N, 'passed'), times(MIDDLE, 'broken'), times(N, 'passed')]);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: false });
    }));

  it('lets those who waited wait again, in the finally of the wait that failed', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const log: string[] = [];
      const tasks = crowd(N - 1, function* () {
        try {
          yield* barrier.wait();
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenBarrierError);
          log.push('broken');
        } finally {
          yield* barrier.wait();
          log.push('passed');
        }
      });
      yield* sleep(0);
      barrier.reset();
      yield* sleep(0);
      yield* barrier.wait();
      log.push('passed');
      yield* joinall(tasks);
      expect(log).toEqual([...times(N - 1, 'broken'), ...times(N, 'passed')]);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: false });
    }));

  it('by the last to go on fails the others, who came back already; all pass again', () =>
    virtually(function* () {
      // In asyncio those others do not wait yet, and pass.
      const barrier = new Barrier(N);
      const [first, second, third]: [string[], string[], string[]] = [[], [], []];
      yield* together(N, function* () {
        first.push(yield* ended(barrier));
        if (first.length === N) barrier.reset();
        else second.push(yield* ended(barrier));
        third.push(yield* ended(barrier));
      });
      expect([first, second, third]).toEqual([times(N, 'passed'), times(N - 1, 'broken'), times(N, 'passed')]);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: false });
    }));
});

describe('the abort of a Barrier', () => {
  it('breaks it when nobody waits', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      yield* spawn(() => barrier.abort());
      expect(barrier.statistics()).toEqual({ parties: 1, waiting: 0, broken: true });
    }));

  it('fails those who came back already, and not those who have not gone on yet', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const [first, second]: [string[], string[]] = [[], []];
      yield* together(N, function* () {
        first.push(yield* ended(barrier));
        if (first.length <= MIDDLE) second.push(yield* ended(barrier));
        else barrier.abort();
      });
      expect([first, second]).toEqual([times(N, 'passed'), times(MIDDLE, 'broken')]);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: true });
    }));

  it('by one that failed lets nobody wait in vain for it', () =>
    virtually(function* () {
      const barrier = new Barrier(N);
      const results: string[] = [];
      yield* together(N, function* () {
        try {
          if ((yield* barrier.wait()) === MIDDLE) throw new RangeError('expected');
          results.push(yield* ended(barrier));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          barrier.abort();
        }
      });
      expect([results, barrier.waiting, barrier.broken]).toEqual([times(N - 1, 'broken'), 0, true]);
    }));

  it('is mended by a reset when all have left it', () =>
    virtually(function* () {
      const [barrier, sync] = [new Barrier(N), new Barrier(N)];
      const results: string[] = [];
      yield* together(N, function* () {
        if ((yield* barrier.wait()) === MIDDLE) barrier.abort();
        else results.push(yield* ended(barrier));
        if ((yield* sync.wait()) === MIDDLE) barrier.reset();
        yield* sync.wait();
        results.push(yield* ended(barrier));
      });
      expect(results).toEqual([...times(N - 1, 'broken'), ...times(N, 'passed')]);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: false });
    }));
});
