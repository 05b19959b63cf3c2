/** The cases of multiprocessing's TestSyncManagerTypes: a manager in one process, and another that uses its objects. */
import { InvalidStateError, run } from 'genlet';
import { Manager, Pool } from 'genlet/workers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { use } from '../fixtures/conformance-shared-tasks.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
watchHub();

let manager: Manager;
let worker: Pool;
beforeAll(() => {
  manager = new Manager();
  worker = new Pool(1);
  return run(() => manager.start());
});
afterAll(() => {
  worker.terminate();
  return run(() => manager.shutdown());
});

/** Has the other process use `object`. */
const there = (how: Parameters<typeof use>[0], object: unknown) => worker.apply(use, [how, object]);

describe('what another process has done with an object of a manager can be seen here', () => {
  it('Event', () =>
    run(function* () {
      const event = yield* manager.Event();
      yield* event.set();
      yield* there('Event', event);
      expect([yield* event.isSet(), yield* event.wait(1)]).toEqual([false, false]);
    }));

  it('Lock', () =>
    run(function* () {
      const lock = yield* manager.Lock();
      yield* there('acquire', lock);
      expect(yield* lock.locked()).toBe(true);
      yield* lock.release();
      let failure: unknown;
      try {
        yield* lock.release();
      } catch (error) {
        failure = error;
      }
      expect(failure).toBeInstanceOf(InvalidStateError);
    }));

  it('RLock', () =>
    run(function* () {
      const lock = yield* manager.RLock();
      yield* there('acquireAndRelease', lock);
      expect([yield* lock.locked(), yield* lock.acquire({ block: false })]).toEqual([false, true]);
    }));

  it.each(['Semaphore', 'BoundedSemaphore'] as const)('%s', (name) =>
    run(function* () {
      const semaphore = yield* manager[name]();
      yield* there('acquire', semaphore);
      expect(yield* semaphore.counter()).toBe(0);
      expect(yield* semaphore.release()).toBe(1);
    }),
  );

  it('Condition', () =>
    run(function* () {
      const condition = yield* manager.Condition();
      yield* there('acquireAndRelease', condition);
      expect(yield* condition.locked()).toBe(false);
    }));

  it('Barrier', () =>
    run(function* () {
      const barrier = yield* manager.Barrier(5);
      yield* barrier.abort();
      yield* there('Barrier', barrier);
      expect([yield* barrier.parties(), yield* barrier.broken()]).toEqual([5, false]);
    }));

  it.each([
    ['Queue', 'Queue'],
    ['Queue that is joined', 'joinable'],
  ] as const)('%s', (_, how) =>
    run(function* () {
      const queue = yield* manager.Queue<number>(2);
      for (const item of [5, 6]) yield* queue.put(item);
      yield* there(how, queue);
      expect([yield* queue.empty(), yield* queue.full()]).toEqual([true, false]);
      expect(yield* queue.join(0)).toBe(how === 'joinable');
    }),
  );

  it('list', () =>
    run(function* () {
      const list = yield* manager.list<number>();
      yield* list.push(5);
      yield* there('list', list);
      expect([yield* list.length(), yield* list.copy()]).toEqual([0, []]);
    }));

  it('dict', () =>
    run(function* () {
      const dict = yield* manager.dict<string, number>();
      yield* dict.set('foo', 5);
      yield* there('dict', dict);
      expect([yield* dict.size(), yield* dict.copy()]).toEqual([0, new Map()]);
    }));

  it('Value', () =>
    run(function* () {
      const value = yield* manager.Value(1);
      yield* there('Value', value);
      expect(yield* value.get()).toBe(2);
    }));

  it('Array', () =>
    run(function* () {
      const array = yield* manager.Array([0, 1]);
      yield* there('Array', array);
      expect(yield* array.copy()).toEqual([0, 1]);
    }));

  it('Namespace', () =>
    run(function* () {
      const names = yield* manager.Namespace({ x: 0, y: 0 });
      yield* names.set('y', 1);
      yield* there('Namespace', names);
      expect(yield* names.copy()).toEqual({ x: 0, y: 1 });
    }));
});
