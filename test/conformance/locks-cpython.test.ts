/** CPython's lock_tests: Lock, RLock, Event and Condition. */
import { Condition, Event, InvalidStateError, joinall, Lock, RLock, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { crowd, outcome, timed, together } from './locks-support.ts';

watchHub();

describe.each([
  ['a Lock', Lock],
  ['an RLock', RLock],
])('%s', (_, SomeLock) => {
  it('is free when it is made', () => {
    const lock = new SomeLock();
    expect([lock.locked(), lock.statistics().holder]).toEqual([false, undefined]);
  });

  it('shows in statistics() whether it is locked', () =>
    virtually(function* () {
      const lock = new SomeLock();
      expect(lock.statistics()).toMatchObject({ locked: false });
      yield* lock.acquire();
      expect(lock.statistics()).toMatchObject({ locked: true, holder: 'main' });
    }));

  it('is acquired and released', () =>
    virtually(function* () {
      const lock = new SomeLock();
      yield* lock.acquire();
      expect(lock.locked()).toBe(true);
      lock.release();
      expect(lock.locked()).toBe(false);
    }));

  it('is acquired by a call that does not block, if it is free', () =>
    virtually(function* () {
      const lock = new SomeLock();
      expect(yield* lock.acquire({ block: false })).toBe(true);
      lock.release();
    }));

  it('is refused to a call that does not block, if another holds it', () =>
    virtually(function* () {
      const lock = new SomeLock();
      yield* lock.acquire();
      expect(yield* spawn(() => lock.acquire({ block: false }))).toBe(false);
      lock.release();
    }));

  it('keeps all others waiting until it is released, and goes round then', () =>
    virtually(function* () {
      const lock = new SomeLock();
      const finished: number[] = [];
      yield* lock.acquire();
      const others = crowd(5, function* (index) {
        yield* lock.acquire();
        lock.release();
        finished.push(index);
      });
      yield* sleep(10);
      expect(finished).toEqual([]);
      lock.release();
      yield* joinall(others);
      expect(finished).toEqual([0, 1, 2, 3, 4]);
    }));

  it('is free after a block that used it, whether that returned or threw', () =>
    virtually(function* () {
      const lock = new SomeLock();
      const block = function* (error?: Error) {
        using _ = yield* lock.hold();
        if (error !== undefined) throw error;
      };
      const cycle = function* () {
        yield* lock.acquire();
        lock.release();
      };
      yield* block();
      yield* spawn(cycle);
      const error = new TypeError('expected');
      expect(yield* outcome(block(error))).toBe(error);
      yield* spawn(cycle);
    }));

  it('waits for as long as it is told', () =>
    virtually(function* () {
      const lock = new SomeLock();
      expect(() => lock.acquire({ timeout: -100 })).toThrow(RangeError);
      // Unlike CPython, a limit beside `block: false` has no meaning, and one that is too long to be counted is cut.
      for (const options of [{ block: false, timeout: 1000 }, { timeout: 1e100 }, { timeout: 5000 }]) {
        expect(yield* timed(lock.acquire(options))).toEqual([true, 0]);
        if (options.block !== false)
          expect(yield* timed(spawn(() => lock.acquire({ timeout: 500 })))).toEqual([false, 500]);
        lock.release();
      }
    }));
});

describe('a Lock, unlike an RLock,', () => {
  it('has to be released before its holder can acquire it again', () =>
    virtually(function* () {
      const lock = new Lock();
      const phases: number[] = [];
      const greedy = spawn(function* () {
        yield* lock.acquire();
        phases.push(1);
        yield* lock.acquire();
        phases.push(2);
      });
      yield* sleep(10);
      expect(phases).toEqual([1]);
      lock.release();
      yield* greedy;
      expect(phases).toEqual([1, 2]);
    }));

  it('can be released by another greenlet', () =>
    virtually(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      yield* spawn(() => lock.release());
      expect(yield* timed(lock.acquire())).toEqual([true, 0]);
      lock.release();
    }));

  it('is whole after an acquire that ran out of time', () =>
    virtually(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      expect(yield* lock.acquire({ timeout: 10 })).toBe(false);
      lock.release();
      expect([lock.locked(), yield* lock.acquire({ block: false })]).toEqual([false, true]);
    }));
});

describe('an RLock, unlike a Lock,', () => {
  it('can be acquired again and again by its holder', () =>
    virtually(function* () {
      const lock = new RLock();
      const depths: number[] = [];
      for (const call of ['acquire', 'acquire', 'release', 'acquire', 'release', 'release']) {
        if (call === 'acquire') yield* lock.acquire();
        else lock.release();
        depths.push(lock.statistics().depth);
      }
      expect(depths).toEqual([1, 2, 1, 2, 1, 0]);
    }));

  it('can not be released unless it is held', () =>
    virtually(function* () {
      const lock = new RLock();
      expect(() => lock.release()).toThrow(InvalidStateError);
      for (const call of ['acquire', 'acquire', 'release', 'acquire', 'release', 'release']) {
        if (call === 'acquire') yield* lock.acquire();
        else lock.release();
      }
      expect(() => lock.release()).toThrow(InvalidStateError);
    }));

  it('can not be given up by a Condition unless it is held', () =>
    virtually(function* () {
      const lock = new RLock();
      const condition = new Condition(lock);
      expect(yield* outcome(condition.wait(0))).toBeInstanceOf(InvalidStateError);
      yield* lock.acquire();
      yield* lock.acquire();
      expect(yield* condition.wait(0)).toBe(false);
      expect(lock.statistics().depth).toBe(2);
      lock.release();
      lock.release();
      expect(yield* outcome(condition.wait(0))).toBeInstanceOf(InvalidStateError);
      expect(lock.locked()).toBe(false);
    }));

  it('can not be released by another greenlet', () =>
    virtually(function* () {
      const lock = new RLock();
      yield* spawn(() => lock.acquire());
      expect(() => lock.release()).toThrow(InvalidStateError);
      expect(lock.locked()).toBe(true);
    }));

  it('is owned by the greenlet that acquired it, and by no other, until the last release', () =>
    virtually(function* () {
      const lock = new RLock();
      // Whoever owns it may notify a condition over it.
      const isOwned = () => {
        try {
          new Condition(lock).notify();
          return true;
        } catch {
          return false;
        }
      };
      const owned = [isOwned()];
      yield* lock.acquire();
      owned.push(isOwned());
      yield* lock.acquire();
      owned.push(isOwned(), yield* spawn(isOwned));
      lock.release();
      owned.push(isOwned());
      lock.release();
      owned.push(isOwned());
      expect(owned).toEqual([false, true, true, false, true, false]);
    }));
});

describe('an Event', () => {
  it('is up after set() and down after clear(), however often', () => {
    const event = new Event();
    const states = [event.isSet()];
    for (const call of ['set', 'set', 'clear', 'clear'] as const) {
      event[call]();
      states.push(event.isSet());
    }
    expect(states).toEqual([false, true, true, false, false]);
  });

  it('lets all who wait go on, then and later, also after it was set and cleared before', () =>
    virtually(function* () {
      const event = new Event();
      for (let time = 0; time < 2; time++) {
        const first: boolean[] = [];
        const second: boolean[] = [];
        const waiters = crowd(5, function* () {
          first.push(yield* event.wait());
          second.push(yield* event.wait());
        });
        yield* sleep(10);
        expect(first).toEqual([]);
        event.set();
        yield* joinall(waiters);
        expect([first, second]).toEqual([Array(5).fill(true), Array(5).fill(true)]);
        event.set();
        event.clear();
      }
    }));

  it('ends the wait with false when time is up, and with true if it is set', () =>
    virtually(function* () {
      const event = new Event();
      let results: unknown[] = [];
      const waits = function* () {
        results.push(yield* event.wait(0), yield* timed(event.wait(500)));
      };
      yield* together(5, waits);
      expect(results).toEqual(
        Array(5)
          .fill([false, [false, 500]])
          .flat(),
      );
      results = [];
      event.set();
      yield* together(5, waits);
      expect(results).toEqual(
        Array(5)
          .fill([true, [true, 0]])
          .flat(),
      );
    }));

  it('ends the wait with true although it is cleared before the waiters run', () =>
    virtually(function* () {
      const event = new Event();
      const waiters = crowd(5, () => event.wait(1000));
      yield* sleep(250);
      event.set();
      event.clear();
      yield* joinall(waiters);
      expect(waiters.map(({ value }) => value)).toEqual(Array(5).fill(true));
      expect(hub.now()).toBe(250);
    }));
});

describe('a Condition', () => {
  it('takes the lock that it was given, or an RLock of its own, by acquire() and release()', () =>
    virtually(function* () {
      const own = new Condition();
      yield* own.acquire();
      yield* own.acquire();
      own.release();
      own.release();
      expect(own.locked()).toBe(false);
      const lock = new Lock();
      const condition = new Condition(lock);
      yield* condition.acquire();
      expect(lock.acquireNowait()).toBe(false);
      condition.release();
      expect([lock.acquireNowait(), condition.acquireNowait()]).toEqual([true, false]);
      lock.release();
      using _ = yield* condition.hold();
      expect(lock.acquireNowait()).toBe(false);
    }));

  it('can not be waited for without the lock', () =>
    virtually(function* () {
      expect(yield* outcome(new Condition().wait())).toBeInstanceOf(InvalidStateError);
    }));

  it('can not be notified without the lock', () => {
    expect(() => new Condition().notify()).toThrow(InvalidStateError);
  });

  it('wakes as many as are notified, those who have waited longest', () =>
    virtually(function* () {
      const condition = new Condition();
      for (let time = 0; time < 2; time++) {
        let phase = 0;
        const first: unknown[] = [];
        const second: unknown[] = [];
        const waiters = crowd(5, function* () {
          for (const results of [first, second]) {
            using _ = yield* condition.hold();
            results.push([yield* condition.wait(), phase]);
          }
        });
        const notify = function* (count: number | 'all') {
          yield* sleep(10);
          {
            using _ = yield* condition.hold();
            if (count === 'all') condition.notifyAll();
            else condition.notify(count);
            yield* sleep(10); // nobody goes on before the lock is free
            phase++;
          }
          yield* sleep(10);
        };
        const many = (count: number, in_: number) => Array(count).fill([true, in_]);
        yield* notify(3);
        expect([first, second]).toEqual([many(3, 1), []]);
        yield* notify(5); // two in their first wait, three in their second
        expect([first, second]).toEqual([[...many(3, 1), ...many(2, 2)], many(3, 2)]);
        yield* notify('all');
        expect([first, second]).toEqual([
          [...many(3, 1), ...many(2, 2)],
          [...many(3, 2), ...many(2, 3)],
        ]);
        yield* joinall(waiters);
      }
    }));

  it('ends the wait with false when time is up', () =>
    virtually(function* () {
      const condition = new Condition();
      const results: unknown[] = [];
      yield* together(5, function* () {
        yield* condition.acquire();
        results.push(yield* timed(condition.wait(500)));
        condition.release();
      });
      expect(results).toEqual(Array(5).fill([false, 500]));
    }));

  it('waits for a predicate through notifications that come too early', () =>
    virtually(function* () {
      const condition = new Condition();
      let state = 0;
      const waiter = spawn(function* () {
        using _ = yield* condition.hold();
        return [yield* condition.waitFor(() => state === 4), state];
      });
      for (let i = 0; i < 4; i++) {
        yield* sleep(10);
        using _ = yield* condition.hold();
        state++;
        condition.notify();
      }
      expect(yield* waiter).toEqual([true, 4]);
    }));

  it('gives up the wait for a predicate when time is up', () =>
    virtually(function* () {
      const condition = new Condition();
      let state = 0;
      const waiter = spawn(function* () {
        using _ = yield* condition.hold();
        return yield* timed(condition.waitFor(() => state === 4, 100));
      });
      for (let i = 0; i < 3; i++) {
        yield* sleep(10);
        using _ = yield* condition.hold();
        state++;
        condition.notify();
      }
      expect(yield* waiter).toEqual([false, 100]);
    }));
});
