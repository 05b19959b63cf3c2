/** gevent's test__semaphore and test__lock. */
import {
  BoundedSemaphore,
  type Coroutine,
  type Greenlet,
  joinall,
  Lock,
  LoopExit,
  RLock,
  Semaphore,
  sleep,
  spawn,
  wait,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';
import { outcome, timed, together } from './locks-support.ts';

watchHub();

describe('a Semaphore', () => {
  it('gives false when time is up', () =>
    virtually(function* () {
      expect(yield* timed(new Semaphore(0).acquire({ timeout: 10 }))).toEqual([false, 10]);
    }));

  it('calls each link once, though it is released again and again', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      const log: string[] = [];
      for (const name of ['a', 'b']) {
        semaphore.rawlink(() => log.push(name));
        semaphore.release();
      }
      yield* sleep(1);
      expect([log, semaphore.counter]).toEqual([['a', 'b'], 3]);
    }));

  it('calls a link at once if it is free, so that it can be waited for', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      const [ready, ms] = yield* timed(wait([semaphore]));
      expect([ready.length, ready[0] === semaphore, ms]).toEqual([1, true, 0]);
    }));

  it('is fair to who waits, or two that pass it on to new ones for ever would starve a third', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      let isOver = false;
      const take = function* (): Coroutine<void> {
        if (isOver) return;
        yield* semaphore.acquire();
        yield* spawn(giveBack).join();
      };
      const giveBack = function* (): Coroutine<void> {
        semaphore.release();
        if (isOver) return;
        yield* spawn(take).join();
      };
      const [one, other] = [spawn(take), spawn(take)];
      const exiting = spawn(function* () {
        yield* semaphore.acquire();
        isOver = true;
      });
      // The third keeps the permit, for which the first still waits.
      expect(yield* outcome(joinall([one, other, exiting]))).toBeInstanceOf(LoopExit);
      expect([exiting.dead, other.dead, one.dead]).toEqual([true, true, false]);
      semaphore.release();
      yield* one.join();
      expect([semaphore.counter, semaphore.statistics().waiting]).toEqual([1, 0]);
    }));
});

// gevent lets threads compete, each with a hub of its own.
describe.each([
  ['a Semaphore', () => new Semaphore(1)],
  ['a BoundedSemaphore', () => new BoundedSemaphore(1)],
  ['a Lock', () => new Lock()],
  ['an RLock', () => new RLock()],
])('%s between two greenlets', (_, make: () => Semaphore | Lock | RLock) => {
  it('goes to the other one when it is released', () =>
    virtually(function* () {
      const lock = make();
      yield* lock.acquire();
      const other = spawn(() => lock.acquire());
      yield* sleep(1);
      lock.release();
      expect(yield* other).toBe(true);
    }));

  it('is free, and owes nobody, when it is released after the other one gave up', () =>
    virtually(function* () {
      const lock = make();
      yield* lock.acquire();
      const other = spawn(() => lock.acquire({ timeout: 10 }));
      expect(yield* other).toBe(false);
      lock.release();
      expect([lock.locked(), lock.statistics().waiting]).toEqual([false, 0]);
    }));

  it('is refused to one that comes, and gives up, while its first waiter has it', () =>
    virtually(function* () {
      const lock = make();
      yield* lock.acquire();
      let late: Greenlet<boolean> | undefined;
      const first = spawn(function* () {
        const got = yield* lock.acquire();
        late = spawn(() => lock.acquire({ timeout: 10 }));
        yield* sleep(20);
        return got;
      });
      yield* sleep(0);
      lock.release();
      expect([yield* first, late?.value, lock.statistics().waiting]).toEqual([true, false, 0]);
    }));

  it.each([
    ['with no limit', {}, 0],
    ['with a limit', { timeout: 4000 }, 0],
    ['with pauses', {}, 10],
  ])('is taken and given back ten thousand times by each: %s', (_, options, pauseAfter) =>
    virtually(function* () {
      const lock = make();
      const done = [0, 0];
      yield* together(2, function* (index) {
        for (let i = 0; i < 10_000; i++) {
          if (yield* lock.acquire(options)) done[index]!++;
          lock.release();
          if (pauseAfter > 0 && i % pauseAfter === 0) yield* sleep(1);
        }
      });
      expect([done, lock.locked()]).toEqual([[10_000, 10_000], false]);
    }),
  );
});
