/** CPython's lock_tests: Barrier. */
import { Barrier, BrokenBarrierError, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';
import { crowd, outcome, together } from './locks-support.ts';

watchHub();

const N = 5;
const MIDDLE = 2;

describe('a Barrier', () => {
  it.each([1, 10])('is passed in lockstep, %i times', (passes) =>
    virtually(function* () {
      const barrier = new Barrier(N, undefined, 2000);
      const [before, after]: [number[], number[]] = [[], []];
      yield* together(N, function* (index) {
        for (let pass = 0; pass < passes; pass++) {
          before.push(index);
          expect(after).toHaveLength(pass * N);
          yield* barrier.wait();
          after.push(index);
          expect(before).toHaveLength((pass + 1) * N);
          yield* barrier.wait();
        }
      });
      expect(after).toHaveLength(passes * N);
      expect(barrier.statistics()).toEqual({ parties: N, waiting: 0, broken: false });
    }),
  );

  it('gives each party a place of its own', () =>
    virtually(function* () {
      const barrier = new Barrier(N, undefined, 2000);
      const places: number[] = [];
      yield* together(N, function* () {
        places.push(yield* barrier.wait());
      });
      expect(places.sort()).toEqual([0, 1, 2, 3, 4]);
    }));

  it('has called its action once before any party goes on', () =>
    virtually(function* () {
      let calls = 0;
      const barrier = new Barrier(N, () => calls++);
      const seen: number[] = [];
      yield* together(N, function* () {
        yield* barrier.wait();
        seen.push(calls);
      });
      expect(seen).toEqual([1, 1, 1, 1, 1]);
    }));

  it('is broken by abort(), which one of them calls while the others wait', () =>
    virtually(function* () {
      const barrier = new Barrier(N, undefined, 2000);
      const log: string[] = [];
      yield* together(N, function* () {
        if ((yield* barrier.wait()) === MIDDLE) {
          barrier.abort();
          return;
        }
        const result = yield* outcome(barrier.wait());
        log.push(result instanceof BrokenBarrierError ? 'broken' : 'passed');
      });
      expect([log, barrier.broken]).toEqual([Array(N - 1).fill('broken'), true]);
    }));

  it('lets those who wait go by reset(), and can be passed again', () =>
    virtually(function* () {
      const barrier = new Barrier(N, undefined, 2000);
      const log: string[] = [];
      yield* together(N, function* () {
        if ((yield* barrier.wait()) === MIDDLE) {
          while (barrier.waiting < N - 1) yield* sleep(1);
          barrier.reset();
        } else {
          const result = yield* outcome(barrier.wait());
          log.push(result instanceof BrokenBarrierError ? 'broken' : 'passed');
        }
        yield* barrier.wait();
        log.push('passed again');
      });
      expect(log).toEqual([...Array(N - 1).fill('broken'), ...Array(N).fill('passed again')]);
    }));

  it('can be passed again when it was broken and reset', () =>
    virtually(function* () {
      const barrier = new Barrier(N, undefined, 2000);
      const sync = new Barrier(N);
      const log: string[] = [];
      yield* together(N, function* () {
        if ((yield* barrier.wait()) === MIDDLE) barrier.abort();
        else {
          const result = yield* outcome(barrier.wait());
          log.push(result instanceof BrokenBarrierError ? 'broken' : 'passed');
        }
        // All have left it when it is reset, and nobody comes before.
        if ((yield* sync.wait()) === MIDDLE) barrier.reset();
        yield* sync.wait();
        yield* barrier.wait();
        log.push('passed again');
      });
      expect(log).toEqual([...Array(N - 1).fill('broken'), ...Array(N).fill('passed again')]);
    }));

  it.each([
    ['of the call', 2000, 500],
    ['of the barrier', 300, undefined],
  ])('is broken when a party comes later than the limit %s', (_, limit, timeout) =>
    virtually(function* () {
      const barrier = new Barrier(N, undefined, limit);
      const errors: unknown[] = [];
      yield* together(N, function* () {
        if ((yield* barrier.wait()) === MIDDLE) yield* sleep(1000);
        errors.push(yield* outcome(barrier.wait(timeout)));
      });
      expect(errors).toEqual(Array(N).fill(expect.any(BrokenBarrierError)));
    }),
  );

  it('makes a single party wait for nobody', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      expect([yield* barrier.wait(), yield* barrier.wait()]).toEqual([0, 0]);
    }));

  it('shows in statistics() how many wait of how many, and whether it is broken', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
      const two = crowd(2, () => barrier.wait(3000));
      yield* sleep(200);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 2, broken: false });
      yield* barrier.wait(3000);
      for (const one of two) yield* one;
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
      barrier.abort();
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: true });
      yield* spawn(() => outcome(barrier.wait()));
    }));
});
