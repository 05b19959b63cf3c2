/** The cases of multiprocessing's tests of locks, semaphores and events, over those between processes. */
import { run } from 'genlet';
import { Event } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { eventCases, lockCases, processKit, semaphoreCases } from '../fixtures/conformance-shared-cases.ts';

watchHub();
const kit = processKit();

describe('a Lock between processes', () => lockCases(kit));
describe('a Semaphore between processes', () => semaphoreCases(kit));
describe('an Event between processes', () => {
  eventCases(kit);

  it('says whether it is set', () =>
    run(function* () {
      const event = new Event();
      const states = [yield* event.isSet()];
      event.set();
      states.push(yield* event.isSet());
      event.clear();
      states.push(yield* event.isSet());
      expect(states).toEqual([false, true, false]);
    }));
});
