/** The cases of multiprocessing's tests of what processes wait for each other with, over a manager. */
import { Barrier, run } from 'genlet';
import { type BarrierProxy, Manager } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import {
  barrierCases,
  conditionCases,
  eventCases,
  lockCases,
  managerKit,
  queueCases,
  rlockCases,
  semaphoreCases,
} from '../fixtures/conformance-shared-cases.ts';
import { PARTIES } from '../fixtures/conformance-shared-parties.ts';

watchHub();

let act: () => unknown;

class Gates extends Manager {}
Gates.register('Gate', () => new Barrier(PARTIES, () => act()));

const manager = new Gates();
const kit = managerKit(manager);

describe('a Lock of a manager', () => lockCases(kit));
describe('an RLock of a manager', () => rlockCases(kit));
describe('a Semaphore of a manager', () => semaphoreCases(kit));
describe('an Event of a manager', () => {
  eventCases(kit);

  it('says what it is', () =>
    run(function* () {
      const event = yield* manager.Event();
      expect(String(event)).toBe('Event of a manager');
      yield* event.set();
      expect(String(event)).toBe('Event of a manager');
    }));
});
describe('a Condition of a manager', () => {
  conditionCases(kit);

  it('waits for no predicate that is no function', () =>
    run(function* () {
      const condition = yield* manager.Condition();
      expect(() => condition.waitFor(5 as never)).toThrow('predicate is 5: give a coroutine function');
    }));
});
describe('a Barrier of a manager', () => {
  barrierCases(kit);

  it('has called its action once before any party goes on', () =>
    run(function* () {
      const counts = yield* manager.Array(1);
      act = () => counts.add(0, 1);
      const barrier = yield* manager.create<BarrierProxy>('Gate');
      expect(yield* kit.begin('actor', { barrier, counts }, 2, 1)).toEqual([1, 1, 1, 1, 1]);
      expect(yield* counts.get(0)).toBe(1);
    }));
});
describe('a Queue of a manager', () => queueCases(kit));
