/** The cases of multiprocessing's tests of barriers, over `shared` in threads. */
import { BrokenBarrierError, run, sleep, spawn } from 'genlet';
import { shared } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { barrierCases, sharedKit } from '../fixtures/conformance-shared-cases.ts';
import { PARTIES } from '../fixtures/conformance-shared-parties.ts';

watchHub();
const kit = sharedKit();

describe('a shared Barrier', () => {
  barrierCases(kit);

  it('has called its action once before any party goes on', () =>
    run(function* () {
      const [barrier, counts] = [yield* kit.barrier(), yield* kit.counts(1)];
      expect(yield* kit.begin('actor', { barrier, counts }, 2, 1)).toEqual([1, 1, 1, 1, 1]);
      expect(counts.get(0)).toBe(1);
    }));

  it('can be passed by who hears of a reset before that has come to its end in another thread', () =>
    run(function* () {
      const barrier = new shared.Barrier(2);
      const RESET = 5;
      const first = spawn(function* () {
        try {
          yield* barrier.wait();
        } catch (error) {
          return [error, yield* barrier.wait()];
        }
        return 'passed';
      });
      yield* sleep(1);
      barrier.break(0, RESET); // as far as `reset()` has come there
      yield* sleep(1);
      expect([barrier.broken, barrier.waiting, yield* barrier.wait()]).toEqual([false, 1, 1]);
      expect(yield* first).toEqual([expect.any(BrokenBarrierError), 0]);
    }));

  it('is passed a thousand times', () =>
    run(function* () {
      const site = { barrier: yield* kit.barrier(), lock: new shared.Lock(), queue: new shared.Queue<number>() };
      const parties = kit.begin('thousand', { ...site, passes: 1000 }, 2, 1);
      const items: number[] = [];
      while (items.length < 1000 * PARTIES) items.push(...(yield* site.queue.getMany()));
      expect(items).toEqual(Array.from({ length: 1000 * PARTIES }, (_, i) => Math.floor(i / PARTIES)));
      yield* parties;
    }));
});
