/** asyncio's test_locks: Lock, Event, Condition and Semaphore. */
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  type Greenlet,
  GreenletExit,
  InvalidStateError,
  joinall,
  Lock,
  type Operation,
  RLock,
  Semaphore,
  sleep,
  spawn,
  Timeout,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { outcome, timed } from './locks-support.ts';

watchHub();

const primitives = [Lock, RLock, Condition, Semaphore, BoundedSemaphore];

/** Kills `greenlet` in a callback, and waits for its end. */
function* killSoon(greenlet: Greenlet) {
  hub.callSoon(() => void greenlet.kill());
  yield* greenlet.join();
  expect(greenlet.value).toBeInstanceOf(GreenletExit);
}

describe.each(primitives.map((SomeLock) => [SomeLock.name, SomeLock] as const))('a %s', (_, SomeLock) => {
  it('is no operation itself, and is not taken by a try', () =>
    virtually(function* () {
      const lock = new SomeLock();
      const tries = [
        function* () {
          yield* lock as never as Operation<unknown>;
        },
        function* () {
          yield lock as never;
        },
        function* () {
          using _ = lock as never;
        },
      ];
      for (const trial of tries) expect(yield* outcome(trial())).toBeInstanceOf(TypeError);
      expect(lock.locked()).toBe(false);
    }));

  it('is held in a block, and free after it', () =>
    virtually(function* () {
      const lock = new SomeLock();
      expect(lock.locked()).toBe(false);
      {
        using _ = yield* lock.hold();
        expect(lock.locked()).toBe(true);
      }
      expect(lock.locked()).toBe(false);
    }));
});

it('a Barrier and an Event are no operations themselves', () =>
  virtually(function* () {
    const [barrier, event] = [new Barrier(5), new Event()];
    for (const thing of [barrier, event]) {
      const trial = function* () {
        yield* thing as never as Operation<unknown>;
      };
      expect(yield* outcome(trial())).toBeInstanceOf(TypeError);
    }
    expect([barrier.waiting, barrier.broken, event.isSet()]).toEqual([0, false, false]);
  }));

describe('Lock', () => {
  it('shows in statistics() whether it is locked, and how many wait', () =>
    virtually(function* () {
      const lock = new Lock();
      const states = [lock.statistics().locked];
      yield* lock.acquire();
      const waiting = spawn(() => lock.acquire());
      yield* sleep(0);
      states.push(lock.statistics().locked);
      expect([states, lock.statistics().waiting]).toEqual([[false, true], 1]);
      yield* waiting.kill();
    }));

  it('goes to those who wait, one at a release, in the order of their calls', () =>
    virtually(function* () {
      const lock = new Lock();
      const result: number[] = [];
      const take = function* (number: number) {
        if (yield* lock.acquire()) result.push(number);
        return true;
      };
      expect(yield* lock.acquire()).toBe(true);
      const tasks = [spawn(take, 1), spawn(take, 2)];
      yield* sleep(0);
      expect(result).toEqual([]);
      lock.release();
      yield* sleep(0);
      yield* sleep(0);
      expect(result).toEqual([1]);
      tasks.push(spawn(take, 3));
      for (const expected of [
        [1, 2],
        [1, 2, 3],
      ]) {
        lock.release();
        yield* sleep(0);
        expect(result).toEqual(expected);
      }
      expect(tasks.map(({ dead, value }) => [dead, value])).toEqual(Array(3).fill([true, true]));
    }));

  it('has no waiter left when the wait for it is cut short', () =>
    virtually(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      const task = spawn(() => lock.acquire());
      yield* killSoon(task);
      expect(lock.statistics().waiting).toBe(0);
    }));

  it('passes over a waiter that is killed while its holder is about to release it', () =>
    virtually(function* () {
      const lock = new Lock();
      const go = new Event();
      const work = function* (gate?: Event) {
        using _ = yield* lock.hold();
        if (gate !== undefined) yield* gate.wait();
      };
      const [a, b, c] = [spawn(work, go), spawn(work), spawn(work)];
      yield* sleep(0);
      expect([lock.locked(), lock.statistics().waiting]).toEqual([true, 2]);
      go.set();
      b.kill();
      expect(lock.statistics().waiting).toBe(1);
      yield* joinall([a, b, c]);
      expect([lock.locked(), a.dead, b.value]).toEqual([false, true, expect.any(GreenletExit)]);
      expect(c.value).toBeUndefined();
    }));

  it('goes to one alone when it is released beside the kill of the first in line', () =>
    virtually(function* () {
      const lock = new Lock();
      let calls = 0;
      let locks = 0;
      const take = function* () {
        calls++;
        yield* lock.acquire();
        locks++;
      };
      yield* lock.acquire();
      const [first, second, third] = [spawn(take), spawn(take), spawn(take)];
      yield* sleep(0);
      hub.callSoon(() => {
        first.kill();
        lock.release();
      });
      yield* first.join();
      yield* sleep(0);
      expect([locks, calls, first.value, second.dead]).toEqual([1, 3, expect.any(GreenletExit), true]);
      yield* third.kill();
      expect(lock.statistics().waiting).toBe(0);
    }));

  it('wakes the second in line when the first is killed before the release', () =>
    virtually(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      const first = spawn(() => lock.acquire());
      yield* sleep(0);
      expect(lock.statistics().waiting).toBe(1);
      const second = spawn(() => lock.acquire());
      yield* sleep(0);
      first.kill();
      lock.release();
      yield* sleep(0);
      expect([lock.locked(), first.value, yield* second]).toEqual([true, expect.any(GreenletExit), true]);
    }));

  it('can not be released when nobody holds it', () => {
    expect(() => new Lock().release()).toThrow(InvalidStateError);
  });

  it('is free when it is released and nobody waits', () =>
    virtually(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      expect(lock.locked()).toBe(true);
      lock.release();
      expect(lock.locked()).toBe(false);
    }));
});

describe('Event', () => {
  it('shows in isSet() and statistics() whether it is set, and how many wait', () =>
    virtually(function* () {
      const event = new Event();
      const waiting = spawn(() => event.wait());
      yield* sleep(0);
      expect([event.isSet(), event.statistics()]).toEqual([false, { waiting: 1 }]);
      event.set();
      expect([event.isSet(), event.statistics(), yield* waiting]).toEqual([true, { waiting: 0 }, true]);
    }));

  it('wakes those who wait in their order, after one that needs not wait', () =>
    virtually(function* () {
      const event = new Event();
      const result: number[] = [];
      const note = function* (number: number) {
        if (yield* event.wait()) result.push(number);
      };
      const tasks = [spawn(note, 1), spawn(note, 2)];
      yield* sleep(0);
      expect(result).toEqual([]);
      tasks.push(spawn(note, 3));
      event.set();
      yield* sleep(0);
      expect(result).toEqual([3, 1, 2]);
      expect(tasks.map(({ dead, value }) => [dead, value])).toEqual(Array(3).fill([true, undefined]));
    }));

  it('does not make wait who comes when it is set', () =>
    virtually(function* () {
      const event = new Event();
      event.set();
      expect(yield* timed(event.wait())).toEqual([true, 0]);
    }));

  it('has no waiter left when the wait is cut short', () =>
    virtually(function* () {
      const event = new Event();
      yield* killSoon(spawn(() => event.wait()));
      expect(event.statistics().waiting).toBe(0);
    }));

  it('is down after clear()', () => {
    const event = new Event();
    const states = [event.isSet()];
    event.set();
    states.push(event.isSet());
    event.clear();
    states.push(event.isSet());
    expect(states).toEqual([false, true, false]);
  });

  it('wakes a waiter once, though it is set, cleared and set again', () =>
    virtually(function* () {
      const event = new Event();
      const result: number[] = [];
      const task = spawn(function* () {
        if (yield* event.wait()) result.push(1);
        return true;
      });
      yield* sleep(0);
      expect(result).toEqual([]);
      event.set();
      event.clear();
      expect(event.isSet()).toBe(false);
      event.set();
      event.set();
      yield* sleep(0);
      expect([result, event.statistics().waiting, task.value]).toEqual([[1], 0, true]);
    }));
});

describe('Condition', () => {
  it('lets those whom it notified go on one by one, each when the lock is free', () =>
    virtually(function* () {
      // Unlike asyncio, only who holds the lock may notify; so each gives it back when its gate opens.
      const condition = new Condition();
      const result: number[] = [];
      const gates = [new Event(), new Event(), new Event()];
      const tasks = gates.map((gate, index) =>
        spawn(function* () {
          using _ = yield* condition.hold();
          if (yield* condition.wait()) result.push(index + 1);
          yield* gate.wait();
          if (index === 0) condition.notify(2);
          return true;
        }),
      );
      yield* sleep(0);
      expect([result, condition.locked()]).toEqual([[], false]);
      yield* condition.acquire();
      condition.notify();
      yield* sleep(0);
      expect([result, condition.locked()]).toEqual([[], true]);
      condition.release();
      yield* sleep(1);
      expect([result, condition.locked()]).toEqual([[1], true]);
      for (const [index, gate] of gates.entries()) {
        yield* sleep(1);
        expect([result.length, condition.locked()]).toEqual([index + 1, true]);
        gate.set();
      }
      yield* joinall(tasks);
      expect([result, condition.locked(), tasks.map(({ value }) => value)]).toEqual([
        [1, 2, 3],
        false,
        Array(3).fill(true),
      ]);
    }));

  it('has no waiter left when the wait is cut short, and is locked then', () =>
    virtually(function* () {
      const condition = new Condition();
      let states: unknown;
      const task = spawn(function* () {
        using _ = yield* condition.hold();
        try {
          yield* condition.wait();
        } finally {
          states = [condition.statistics().waiting, condition.locked()];
        }
      });
      yield* sleep(0);
      yield* killSoon(task);
      expect([states, condition.locked()]).toEqual([[0, true], false]);
    }));

  it('is locked by the waiter that is killed after its notification while another holds the lock', () =>
    virtually(function* () {
      const condition = new Condition();
      let holder: string | undefined;
      const task = spawn(function* () {
        using _ = yield* condition.hold();
        try {
          yield* condition.wait();
        } finally {
          holder = condition.lock.statistics().holder;
        }
      });
      yield* sleep(0);
      expect(condition.locked()).toBe(false);
      yield* condition.acquire();
      condition.notify();
      hub.callSoon(() => void task.kill());
      yield* sleep(0);
      condition.release();
      yield* task.join();
      expect([holder, task.value]).toEqual([task.name, expect.any(GreenletExit)]);
    }));

  it('lets a kill arrive that comes while the notified waiter takes the lock again', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: string[] = [];
      const task = spawn(function* () {
        using _ = yield* condition.hold();
        log.push('waits');
        yield* condition.wait();
        log.push('goes on');
      });
      yield* sleep(0);
      yield* condition.acquire();
      condition.notify();
      yield* sleep(0);
      task.kill();
      yield* sleep(0);
      expect(task.dead).toBe(false);
      condition.release();
      yield* sleep(0);
      expect([log, task.value, condition.locked()]).toEqual([['waits'], expect.any(GreenletExit), false]);
    }));

  it('can not be waited for without the lock', () =>
    virtually(function* () {
      expect(yield* outcome(new Condition().wait())).toBeInstanceOf(InvalidStateError);
    }));

  it('waits for a predicate', () =>
    virtually(function* () {
      const condition = new Condition();
      let holds = false;
      const result: number[] = [];
      const task = spawn(function* () {
        yield* condition.acquire();
        if (yield* condition.waitFor(() => holds)) {
          result.push(1);
          condition.release();
        }
        return true;
      });
      yield* sleep(0);
      for (const value of [false, true]) {
        holds = value;
        yield* condition.acquire();
        condition.notify();
        condition.release();
        yield* sleep(0);
        expect(result).toEqual(value ? [1] : []);
      }
      expect(task.value).toBe(true);
    }));

  it('can not wait for a predicate without the lock, even one that is true', () =>
    virtually(function* () {
      // asyncio gives the value of one that is true.
      const condition = new Condition();
      for (const value of [[1, 2, 3], false]) {
        expect(yield* outcome(condition.waitFor(() => value))).toBeInstanceOf(InvalidStateError);
      }
    }));

  it('wakes one at notify(1), and all at notify(2048)', () =>
    virtually(function* () {
      const condition = new Condition();
      const result: number[] = [];
      const tasks = [1, 2, 3].map((number) =>
        spawn(function* () {
          yield* condition.acquire();
          if (yield* condition.wait()) result.push(number);
          condition.release();
          return true;
        }),
      );
      yield* sleep(0);
      for (const [counts, expected] of [
        [[1], [1]],
        [
          [1, 2048],
          [1, 2, 3],
        ],
      ]) {
        yield* condition.acquire();
        for (const count of counts!) condition.notify(count);
        condition.release();
        yield* sleep(1);
        expect(result).toEqual(expected);
      }
      expect(tasks.map(({ value }) => value)).toEqual([true, true, true]);
    }));

  it('wakes all at notifyAll()', () =>
    virtually(function* () {
      const condition = new Condition();
      const result: number[] = [];
      const tasks = [1, 2].map((number) =>
        spawn(function* () {
          yield* condition.acquire();
          if (yield* condition.wait()) result.push(number);
          condition.release();
          return true;
        }),
      );
      yield* sleep(0);
      yield* condition.acquire();
      condition.notifyAll();
      condition.release();
      yield* joinall(tasks);
      expect([result, tasks.map(({ value }) => value)]).toEqual([
        [1, 2],
        [true, true],
      ]);
    }));

  it.each(['notify', 'notifyAll'] as const)('can not be notified without the lock: %s', (call) => {
    expect(() => new Condition()[call]()).toThrow(InvalidStateError);
  });

  it('shows in locked() and statistics() whether it is locked, and how many wait', () =>
    virtually(function* () {
      const condition = new Condition();
      const states: unknown[] = [condition.locked(), condition.statistics().waiting];
      const waiters = [1, 2].map(() =>
        spawn(function* () {
          using _ = yield* condition.hold();
          yield* condition.wait();
        }),
      );
      yield* sleep(0);
      yield* condition.acquire();
      states.push(condition.locked(), condition.statistics().waiting);
      expect(states).toEqual([false, 0, true, 2]);
      condition.notifyAll();
      condition.release();
      yield* joinall(waiters);
    }));

  it('is locked when its lock is, and its lock when it is, whether that was given or made', () =>
    virtually(function* () {
      const shared = new Lock();
      for (const condition of [new Condition(), new Condition(new Lock()), new Condition(shared)]) {
        const { lock } = condition;
        for (const holds of [condition, lock]) {
          expect([lock.locked(), condition.locked()]).toEqual([false, false]);
          using _ = yield* holds.hold();
          expect([lock.locked(), condition.locked()]).toEqual([true, true]);
        }
        expect([lock.locked(), condition.locked()]).toEqual([false, false]);
      }
      expect(new Condition(shared).lock).toBe(shared);
    }));

  it('can be waited for within a time limit, and its block be left then', () =>
    virtually(function* () {
      const condition = new Condition();
      {
        using _ = yield* condition.hold();
        const [error, ms] = yield* timed(outcome(withTimeout(500, () => condition.wait())));
        expect([error, ms, condition.locked()]).toEqual([expect.any(Timeout), 500, true]);
      }
      expect(condition.locked()).toBe(false);
    }));
});

describe('Semaphore', () => {
  it('is locked from the beginning with a value of 0', () => {
    expect(new Semaphore(0).locked()).toBe(true);
  });

  it('shows in statistics() its value, and how many wait', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      const statistics = [semaphore.statistics()];
      yield* semaphore.acquire();
      statistics.push(semaphore.statistics());
      const waiters = [spawn(() => semaphore.acquire()), spawn(() => semaphore.acquire())];
      yield* sleep(0);
      statistics.push(semaphore.statistics());
      expect(statistics).toEqual([
        { free: 1, waiting: 0 },
        { free: 0, waiting: 0 },
        { free: 0, waiting: 2 },
      ]);
      for (const waiter of waiters) yield* waiter.kill();
    }));

  it('has a value of 1 by default', () => {
    const semaphore = new Semaphore();
    expect([semaphore.counter, semaphore.locked()]).toEqual([1, false]);
  });

  it('has no negative value', () => {
    expect(() => new Semaphore(-1)).toThrow(RangeError);
  });

  it('lets as many in as it has permits, and one more at each release', () =>
    virtually(function* () {
      const semaphore = new Semaphore(3);
      const result: number[] = [];
      const take = function* (number: number) {
        yield* semaphore.acquire();
        result.push(number);
        return true;
      };
      expect([yield* semaphore.acquire(), yield* semaphore.acquire(), semaphore.locked()]).toEqual([true, true, false]);
      const tasks = [1, 2, 3].map((number) => spawn(take, number));
      yield* sleep(0);
      expect([result, semaphore.locked(), semaphore.statistics()]).toEqual([[1], true, { free: 0, waiting: 2 }]);
      tasks.push(spawn(take, 4));
      semaphore.release();
      semaphore.release();
      expect(semaphore.counter).toBe(0);
      yield* sleep(0);
      expect([result, semaphore.locked(), semaphore.statistics()]).toEqual([[1, 2, 3], true, { free: 0, waiting: 1 }]);
      semaphore.release();
      yield* joinall(tasks);
      expect(tasks.map(({ value }) => value)).toEqual(Array(4).fill(true));
    }));

  it('has no waiter left when the wait for it is cut short', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      yield* semaphore.acquire();
      yield* killSoon(spawn(() => semaphore.acquire()));
      expect(semaphore.statistics().waiting).toBe(0);
    }));

  it('goes to the third in line when the first two are killed before the release', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const tasks = [1, 2, 3, 4].map(() => spawn(() => semaphore.acquire()));
      yield* sleep(0);
      tasks[0]!.kill();
      tasks[1]!.kill();
      semaphore.release();
      yield* sleep(0);
      expect([tasks[2]!.value, tasks[3]!.dead]).toEqual([true, false]);
      yield* tasks[3]!.kill();
    }));

  it('goes to the second in line when the first is killed before the release', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const [first, second] = [spawn(() => semaphore.acquire()), spawn(() => semaphore.acquire())];
      yield* sleep(0);
      first.kill();
      semaphore.release();
      yield* sleep(0);
      expect([semaphore.locked(), second.value]).toEqual([true, true]);
    }));

  it('has its permit again when one is killed that was just given it', () =>
    virtually(function* () {
      // asyncio takes the permit back from the one that is killed; here it has it, and dies at its next suspension.
      const semaphore = new Semaphore(1);
      const log: string[] = [];
      const first = spawn(function* () {
        {
          using _ = yield* semaphore.hold();
          yield* sleep(0);
        }
        second.kill();
      });
      const second: Greenlet = spawn(function* () {
        using _ = yield* semaphore.hold();
        log.push('entered');
        yield* sleep(0);
        log.push('went on');
      });
      yield* joinall([first, second]);
      expect([log, first.value, second.value]).toEqual([['entered'], undefined, expect.any(GreenletExit)]);
      expect(yield* timed(semaphore.acquire({ timeout: 1000 }))).toEqual([true, 0]);
    }));

  it('can not be released too often, if it is bounded', () => {
    expect(() => new BoundedSemaphore().release()).toThrow(InvalidStateError);
  });

  it('is free when it is released and nobody waits', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      yield* semaphore.acquire();
      expect(semaphore.locked()).toBe(true);
      semaphore.release();
      expect(semaphore.locked()).toBe(false);
    }));

  it('goes round in the order of the calls', () =>
    virtually(function* () {
      const semaphore = new Semaphore(1);
      const result: string[] = [];
      const twice = function* (name: string) {
        for (const time of [1, 2]) {
          yield* semaphore.acquire();
          result.push(`${name}_${time}`);
          yield* sleep(10);
          semaphore.release();
        }
      };
      yield* joinall(['c1', 'c2', 'c3'].map((name) => spawn(twice, name)));
      expect(result).toEqual(['c1_1', 'c2_1', 'c3_1', 'c1_2', 'c2_2', 'c3_2']);
    }));

  it('gives a permit that is free at once, though others were given theirs and have not run yet', () =>
    virtually(function* () {
      // In asyncio the second greenlet would queue behind the third, which has its permit all the same.
      const semaphore = new Semaphore(1);
      const result: number[] = [];
      const tasks = [
        spawn(function* () {
          yield* semaphore.acquire();
          result.push(1);
        }),
        spawn(function* () {
          yield* semaphore.acquire();
          result.push(2);
          semaphore.release();
          yield* semaphore.acquire();
          result.push(4);
        }),
        spawn(function* () {
          yield* semaphore.acquire();
          result.push(3);
        }),
      ];
      yield* sleep(0);
      semaphore.release();
      semaphore.release();
      yield* joinall(tasks);
      expect([result, semaphore.counter]).toEqual([[1, 2, 4, 3], 0]);
    }));

  it('passes over one that was killed, in the order of the calls', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const result: number[] = [];
      const tasks = [1, 2, 3].map((number) =>
        spawn(function* () {
          yield* semaphore.acquire();
          result.push(number);
        }),
      );
      yield* sleep(0);
      tasks[0]!.kill();
      yield* sleep(0);
      semaphore.release();
      semaphore.release();
      yield* joinall(tasks);
      expect(result).toEqual([2, 3]);
    }));
});
