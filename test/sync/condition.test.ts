import {
  BlockingSwitchOutError,
  Condition,
  type Coroutine,
  coroutine,
  type Greenlet,
  getcurrent,
  InvalidStateError,
  isExit,
  joinall,
  Lock,
  LoopExit,
  NotInGreenletError,
  RLock,
  run,
  Semaphore,
  sleep,
  spawn,
  Timeout,
  wait,
} from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { random } from '../support/random.ts';
import { arrangements, failureOf, performElsewhere, SLICE, useUpSlice } from './acquirable-rules.ts';

watchHub();

/** Whether the running greenlet holds the lock of `condition`. */
function isHeldHere(condition: Condition): boolean {
  return condition.lock.statistics().holder === getcurrent()?.name;
}

/** Waits once, and notes how the wait ended, when, and whether the lock was held then. */
function waiter(condition: Condition, name: string, log: string[], timeout?: number | null): Greenlet {
  const greenlet = spawn(function* () {
    yield* condition.acquire();
    try {
      const notified = yield* condition.wait(timeout);
      log.push(`${name} ${notified ? 'notified' : 'too late'} at ${hub.now()}${isHeldHere(condition) ? '' : ' bare'}`);
      yield* sleep(0);
    } catch (error) {
      log.push(`${name} ${isExit(error) ? 'killed' : error} at ${hub.now()}${isHeldHere(condition) ? '' : ' bare'}`);
      throw error;
    } finally {
      condition.release();
    }
  });
  greenlet.name = name;
  return greenlet;
}

/** Holds the lock for `ms` milliseconds. */
function holder(condition: Condition, ms: number): Greenlet {
  return spawn(function* () {
    using _ = yield* condition.hold();
    yield* sleep(ms);
  });
}

function* notify(condition: Condition, count?: number): Coroutine<void> {
  using _ = yield* condition.hold();
  condition.notify(count);
}

describe('the lock of a Condition', () => {
  it('is an RLock of its own, or the one that was given, which several conditions may share', () =>
    virtually(function* () {
      const own = new Condition();
      expect(own.lock).toBeInstanceOf(RLock);
      expect(own.lock === new Condition().lock).toBe(false);
      for (const lock of [new Lock(), new RLock()]) {
        const [one, other] = [new Condition(lock), new Condition(lock)];
        expect([one.lock === lock, other.lock === lock]).toEqual([true, true]);
        using _ = yield* one.hold();
        expect([other.locked(), lock.locked()]).toEqual([true, true]);
        other.notify();
      }
    }));

  it('must be a Lock or an RLock', () => {
    for (const [wrong, shown] of [
      [null, 'null'],
      [5, '5'],
      [new Semaphore(), expect.stringContaining('Semaphore')],
      [new Condition(), expect.stringContaining('Condition')],
    ]) {
      let message = '';
      try {
        new Condition(wrong as never);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        message = (error as Error).message;
      }
      expect(message.replace(/^lock is (.*): give a Lock or an RLock$/s, '$1')).toEqual(shown);
    }
  });

  it('is taken and given back through the condition as through itself', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: unknown[] = [condition.locked(), yield* condition.acquire(), condition.acquireNowait()];
      log.push(yield* condition.acquire({ timeout: 5 }), (condition.lock as RLock).statistics().depth);
      const other = spawn(function* () {
        const refused: unknown[] = [condition.acquireNowait(), yield* condition.acquire({ block: false })];
        refused.push(yield* condition.acquire({ timeout: 5 }), yield* failureOf(condition.hold(5)));
        return [...refused, hub.now()];
      });
      log.push(yield* other);
      for (let i = 0; i < 3; i++) condition.release();
      log.push(condition.locked(), condition.lock.locked());
      {
        using _ = yield* condition.hold();
        log.push(condition.locked());
      }
      expect(log).toEqual([
        false,
        true,
        true,
        true,
        3,
        [false, false, false, expect.any(Timeout), 10],
        false,
        false,
        true,
      ]);
      expect(condition.locked()).toBe(false);
      expect(() => condition.release()).toThrow(InvalidStateError);
      expect(() => condition.acquire({ timeout: -1 })).toThrow(RangeError);
      expect(() => condition.hold(-1)).toThrow(RangeError);
    }));
});

describe.each([
  ['a Lock', Lock],
  ['an RLock', RLock],
])('a Condition over %s', (_, SomeLock) => {
  const make = () => new Condition(new SomeLock());

  it('gives its lock up while it waits, and has it again afterwards', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiting = waiter(condition, 'a', log);
      yield* sleep(5);
      expect([condition.locked(), condition.statistics()]).toEqual([false, { waiting: 1 }]);
      yield* condition.acquire();
      condition.notify();
      log.push(`notified`);
      expect(condition.statistics()).toEqual({ waiting: 0 });
      yield* sleep(5);
      log.push('released');
      condition.release();
      yield* waiting;
      expect(log).toEqual(['notified', 'released', 'a notified at 10']);
      expect(condition.locked()).toBe(false);
    }));

  it('gives its lock to those who stand in line for it, and queues behind them', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiting = waiter(condition, 'a', log);
      const others = ['b', 'c'].map((name) =>
        spawn(function* () {
          using _ = yield* condition.hold();
          log.push(`${name} has it`);
          condition.notify();
          yield* sleep(1);
        }),
      );
      yield* joinall([waiting, ...others]);
      expect(log).toEqual(['b has it', 'c has it', 'a notified at 2']);
    }));

  it('notifies the first of those who wait, one or as many as it is told, in the order of their calls', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiters = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => waiter(condition, name, log));
      yield* sleep(0);
      yield* notify(condition, 0);
      yield* sleep(1);
      yield* notify(condition);
      yield* sleep(1);
      yield* notify(condition, 2);
      yield* sleep(1);
      expect(condition.statistics()).toEqual({ waiting: 4 });
      {
        using _ = yield* condition.hold();
        condition.notify();
        condition.notifyAll();
        expect(condition.statistics()).toEqual({ waiting: 0 });
      }
      yield* joinall(waiters);
      expect(log).toEqual([
        'a notified at 1',
        'b notified at 2',
        'c notified at 2',
        ...['d', 'e', 'f', 'g'].map((name) => `${name} notified at 3`),
      ]);
    }));

  it('forgets a notification when nobody waits, or fewer than were to be woken', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      yield* notify(condition);
      const early = waiter(condition, 'a', log);
      yield* sleep(1);
      yield* notify(condition, 1000);
      yield* early;
      const late = waiter(condition, 'b', log, 5);
      yield* late;
      expect(log).toEqual(['a notified at 1', 'b too late at 6']);
    }));

  it('gives false when time is up, with the lock, and leaves neither waiter nor timer', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      yield* joinall(['a', 'b'].map((name, index) => waiter(condition, name, log, 5 + index)));
      expect(log).toEqual(['a too late at 5', 'b too late at 6']);
      expect([condition.statistics(), condition.locked(), hub.stats().timers]).toEqual([{ waiting: 0 }, false, 0]);
    }));

  it('gives false only when the lock is there, if that is held when time is up', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiting = waiter(condition, 'a', log, 5);
      yield* sleep(1);
      holder(condition, 10);
      yield* waiting;
      expect([log, hub.stats().timers]).toEqual([['a too late at 11'], 0]);
    }));

  it('polls with a timeout of 0: those who stand in line for the lock have it first', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      yield* condition.acquire();
      const unaware = spawn(() => log.push('unaware'));
      log.push(`${yield* condition.wait(0)} at ${hub.now()}`);
      yield* unaware.join();
      const other = holder(condition, 5);
      yield* sleep(0);
      log.push(`${yield* condition.wait(0)} at ${hub.now()}`);
      condition.release();
      yield* other;
      expect([log, condition.locked(), hub.stats().timers]).toEqual([
        ['false at 0', 'unaware', 'false at 5'],
        false,
        0,
      ]);
    }));

  it('takes null and Infinity for no limit', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiters = [waiter(condition, 'a', log, null), waiter(condition, 'b', log, Number.POSITIVE_INFINITY)];
      yield* sleep(10 ** 9);
      yield* notify(condition, 2);
      yield* joinall(waiters);
      expect(log).toEqual(['a notified at 1000000000', 'b notified at 1000000000']);
    }));

  it('gives a notification that comes when time is up to the next', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiters = [waiter(condition, 'a', log, 5), waiter(condition, 'b', log, 100)];
      yield* sleep(5);
      yield* notify(condition);
      yield* joinall(waiters);
      expect(log).toEqual(['a too late at 5', 'b notified at 5']);
      expect(hub.stats().timers).toBe(0);
    }));

  it('keeps a notification that came before time was up, although the lock is there only afterwards', () =>
    virtually(function* () {
      const condition = make();
      const log: string[] = [];
      const waiting = waiter(condition, 'a', log, 5);
      yield* sleep(1);
      yield* condition.acquire();
      condition.notify();
      yield* sleep(10);
      condition.release();
      yield* waiting;
      expect([log, hub.stats().timers]).toEqual([['a notified at 11'], 0]);
    }));

  it('keeps a notification that came before time was up, although the greenlet runs only afterwards', async () => {
    const clock = new (class extends VirtualClock {
      late = 0;
      override now() {
        return super.now() + this.late;
      }
    })();
    await run(
      function* () {
        const condition = make();
        const log: string[] = [];
        const waiters = [waiter(condition, 'a', log, 5), waiter(condition, 'b', log, 5)];
        yield* sleep(1);
        yield* notify(condition);
        clock.late = 10;
        yield* useUpSlice(2 * SLICE);
        yield* joinall(waiters);
        expect(log).toEqual(['a notified at 11', 'b too late at 11']);
      },
      { clock },
    );
  });

  it('can only be used by who holds the lock', () =>
    virtually(function* () {
      const condition = make();
      const refusal = (call: string) =>
        new InvalidStateError(`Condition.${call}() needs the lock: acquire() it, or use hold()`);
      const tryAll = function* () {
        expect(() => condition.notify()).toThrow(refusal('notify'));
        expect(() => condition.notifyAll()).toThrow(refusal('notifyAll'));
        expect(yield* failureOf(condition.wait())).toEqual(refusal('wait'));
        expect(yield* failureOf(condition.wait(0))).toEqual(refusal('wait'));
        expect(yield* failureOf(condition.waitFor(() => true))).toEqual(refusal('waitFor'));
      };
      yield* tryAll();
      yield* condition.acquire();
      const log: string[] = [];
      yield* spawn(tryAll); // somebody else holds it
      condition.release();
      const waiting = waiter(condition, 'a', log);
      yield* sleep(0);
      yield* tryAll(); // nobody does, while one waits
      expect([condition.statistics(), condition.locked()]).toEqual([{ waiting: 1 }, false]);
      yield* waiting.kill();
      expect(log).toEqual(['a killed at 0']);
    }));

  it('rejects wrong arguments at the call', () =>
    virtually(function* () {
      const condition = make();
      using _ = yield* condition.hold();
      const tooShort = new RangeError('timeout is -1: give milliseconds, 0 or more');
      expect(() => condition.wait(-1)).toThrow(tooShort);
      expect(() => condition.waitFor(() => true, -1)).toThrow(tooShort);
      expect(() => condition.wait(Number.NaN)).toThrow(RangeError);
      expect(() => condition.waitFor(() => true, Number.NaN)).toThrow(RangeError);
      expect(() => condition.wait({ timeout: 5 } as never)).toThrow(TypeError);
      for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => condition.notify(wrong)).toThrow(
          new RangeError(`count is ${wrong}: give a whole number, 0 or more`),
        );
      }
      expect(() => condition.waitFor(5 as never)).toThrow(new TypeError('predicate is 5: give a plain function'));
      expect(() => condition.waitFor(true as never)).toThrow(TypeError);
      expect(() => condition.waitFor(function* () {} as never)).toThrow(/predicate is a coroutine function/);
    }));

  it('does nothing before a wait is performed, and neither blocks hub callbacks nor ordinary code', async () => {
    const condition = make();
    expect(condition.acquireNowait()).toBe(true);
    condition.wait();
    condition.waitFor(() => false);
    const calls = [() => condition.wait(), () => condition.wait(0), () => condition.waitFor(() => true)];
    const errors = calls.map((call) => performElsewhere(call()));
    hub.callSoon(() => errors.push(...calls.map((call) => performElsewhere(call()))));
    await nextTurn();
    expect(errors.map((error) => (error as Error).constructor)).toEqual([
      ...Array(3).fill(NotInGreenletError),
      ...Array(3).fill(BlockingSwitchOutError),
    ]);
    expect([0, 2].map((index) => String(errors[index]).split(' ')[1])).toEqual([
      'Condition.wait()',
      'Condition.waitFor()',
    ]);
    expect([condition.locked(), condition.statistics()]).toEqual([true, { waiting: 0 }]);
    condition.release();
  });

  it('names the call that was iterated by something other than yield*, and keeps the lock', () =>
    virtually(function* () {
      const condition = make();
      yield* condition.acquire();
      let error: unknown;
      try {
        [...(condition.wait() as Iterable<unknown>)];
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain('Condition.wait() was iterated by something other than yield*');
      expect([isHeldHere(condition), condition.statistics()]).toEqual([true, { waiting: 0 }]);
      condition.release();
      yield* sleep(0);
    }));

  it('is notified from hub callbacks and from ordinary code that have taken the lock', async () => {
    const condition = make();
    const log: string[] = [];
    const refused: unknown[] = [];
    const notifyHere = () => {
      try {
        condition.notify();
      } catch (error) {
        refused.push((error as Error).constructor);
      }
      expect(condition.acquireNowait()).toBe(true);
      condition.notify();
      condition.release();
    };
    const waiters = [waiter(condition, 'a', log), waiter(condition, 'b', log)];
    await nextTurn();
    notifyHere();
    await waiters[0];
    hub.callSoon(notifyHere);
    await waiters[1];
    expect(log.map((line) => line.split(' at ')[0])).toEqual(['a notified', 'b notified']);
    expect(refused).toEqual([InvalidStateError, InvalidStateError]);
    expect(condition.locked()).toBe(false);
  });

  it('is named in the report of a deadlock', () =>
    virtually(function* () {
      const condition = make();
      using _ = yield* condition.hold();
      const error = yield* failureOf(condition.wait());
      expect(error).toBeInstanceOf(LoopExit);
      expect(error?.message).toContain('<main> waits for Condition.wait() since 0 ms');
      expect([isHeldHere(condition), condition.statistics()]).toEqual([true, { waiting: 0 }]);
    }));

  describe('when a greenlet is killed', () => {
    it('while it waits: it has the lock when the error arrives, and no notification is lost on it', () =>
      virtually(function* () {
        for (const timeout of [null, 50]) {
          for (const index of [0, 1, 2]) {
            const condition = make();
            const log: string[] = [];
            const waiters = ['a', 'b', 'c'].map((name) => waiter(condition, name, log, timeout));
            yield* sleep(0);
            yield* waiters[index]!.kill();
            expect([condition.statistics(), condition.locked()]).toEqual([{ waiting: 2 }, false]);
            yield* notify(condition, 2);
            yield* joinall(waiters);
            const now = hub.now();
            const others = ['a', 'b', 'c'].filter((_, at) => at !== index);
            expect(log).toEqual([
              `${'abc'[index]} killed at ${now}`,
              ...others.map((name) => `${name} notified at ${now}`),
            ]);
            expect(hub.stats().timers).toBe(0);
          }
        }
      }));

    it('while it waits and somebody holds the lock: the error arrives when the lock is there', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const [victim, other] = [waiter(condition, 'a', log), waiter(condition, 'b', log)];
        yield* sleep(0);
        holder(condition, 10);
        yield* sleep(1);
        victim.kill();
        expect(condition.statistics()).toEqual({ waiting: 1 });
        yield* sleep(5);
        expect([victim.dead, log]).toEqual([false, []]);
        yield* victim.join();
        expect([log, condition.statistics(), condition.locked()]).toEqual([['a killed at 10'], { waiting: 1 }, false]);
        yield* other.kill();
      }));

    it('before it waits: it has the lock when the error arrives, after those who stood in line for that', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const victim: Greenlet = spawn(function* () {
          using _ = yield* condition.hold();
          yield* sleep(1);
          victim.kill();
          const error = yield* failureOf(condition.wait());
          log.push(
            `${isExit(error)} ${isHeldHere(condition)} at ${hub.now()}, ${condition.statistics().waiting} waiting`,
          );
        });
        yield* sleep(0);
        holder(condition, 10);
        yield* victim.join();
        expect([log, condition.locked()]).toEqual([['true true at 11, 0 waiting'], false]);
      }));

    it('after it was notified, while it takes the lock again: the notification goes to the next', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const [victim, next, last] = ['a', 'b', 'c'].map((name) => waiter(condition, name, log));
        yield* sleep(0);
        yield* condition.acquire();
        condition.notify();
        yield* sleep(1);
        expect(condition.lock.statistics()).toMatchObject({ waiting: 1 });
        victim!.kill();
        yield* sleep(1);
        expect([log, condition.statistics()]).toEqual([[], { waiting: 2 }]);
        condition.release();
        yield* next!;
        expect([log, condition.statistics()]).toEqual([['a killed at 2', 'b notified at 2'], { waiting: 1 }]);
        yield* last!.kill();
      }));

    it('after it was notified, before its turn: it has the notification, if the lock is free', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const [victim, next] = [waiter(condition, 'a', log), waiter(condition, 'b', log)];
        yield* sleep(0);
        yield* notify(condition);
        victim.kill();
        yield* victim.join();
        expect([log, condition.locked()]).toEqual([['a notified at 0', 'a killed at 0'], false]);
        expect(condition.statistics()).toEqual({ waiting: 1 });
        yield* next.kill();
      }));

    it('when its time is up, while it takes the lock again: there is no notification to pass on', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const [victim, other] = [waiter(condition, 'a', log, 5), waiter(condition, 'b', log)];
        yield* sleep(0);
        holder(condition, 10);
        yield* sleep(7);
        victim.kill();
        yield* victim.join();
        expect([log, condition.statistics()]).toEqual([['a killed at 10'], { waiting: 1 }]);
        yield* other.kill();
      }));

    it('and nobody else waits: the notification is forgotten', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const victim = waiter(condition, 'a', log);
        yield* sleep(0);
        yield* condition.acquire();
        condition.notify();
        yield* sleep(1);
        victim.kill();
        condition.release();
        const newcomer = waiter(condition, 'b', log, 5);
        yield* joinall([victim, newcomer]);
        expect(log).toEqual(['a killed at 1', 'b too late at 6']);
      }));

    it('twice, before it has the lock again: the lock comes first all the same', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const victim = waiter(condition, 'a', log);
        yield* sleep(0);
        holder(condition, 10);
        yield* sleep(1);
        for (let i = 0; i < 3; i++) {
          victim.kill();
          yield* sleep(1);
        }
        yield* victim.join();
        expect(log).toEqual(['a killed at 10']);
        expect([condition.locked(), condition.lock.statistics().waiting]).toEqual([false, 0]);
      }));

    it('and survives it: it can be killed again', () =>
      virtually(function* () {
        const condition = make();
        const log: string[] = [];
        const survivor = spawn(function* () {
          using _ = yield* condition.hold();
          for (let i = 0; i < 2; i++) {
            const error = yield* failureOf(condition.wait());
            log.push(`${isExit(error)} ${isHeldHere(condition)} at ${hub.now()}`);
          }
        });
        yield* sleep(1);
        holder(condition, 5);
        yield* sleep(1);
        survivor.kill();
        yield* sleep(10);
        survivor.kill();
        yield* survivor;
        expect(log).toEqual(['true true at 6', 'true true at 12']);
      }));

    it('nothing is lost or doubled, whatever comes in one pass', () =>
      virtually(function* () {
        for (const isReleasedAtOnce of [true, false]) {
          for (const order of arrangements(['notify', 'notify too', 'kill a', 'kill b', 'kill c'])) {
            const condition = make();
            const log: string[] = [];
            const names = ['a', 'b', 'c'];
            const waiters = names.map((name) => waiter(condition, name, log));
            yield* sleep(0);
            yield* condition.acquire();
            // What must happen: `line` waits still, `woken` have their turn in this order.
            const line = [...names];
            const woken: { name: string; notified: boolean }[] = [];
            const killed = new Set<string>();
            for (const event of order) {
              if (event.startsWith('notify')) {
                condition.notify();
                const name = line.shift();
                if (name !== undefined) woken.push({ name, notified: true });
                continue;
              }
              const name = event.at(-1)!;
              waiters[names.indexOf(name)]!.kill();
              killed.add(name);
              if (!line.includes(name)) continue;
              line.splice(line.indexOf(name), 1);
              woken.push({ name, notified: false });
            }
            if (isReleasedAtOnce) condition.release();
            yield* sleep(0);
            yield* sleep(1);
            if (!isReleasedAtOnce) condition.release();
            yield* sleep(1);
            const expected: string[] = [];
            let isFree = isReleasedAtOnce;
            for (let turn = woken.shift(); turn !== undefined; turn = woken.shift()) {
              const { name, notified } = turn;
              const isDying = killed.has(name);
              if (notified && (isFree || !isDying)) expected.push(`${name} notified`);
              if (isDying) expected.push(`${name} killed`);
              else isFree = false;
              const isPassedOn = notified && isDying && !isFree;
              const next = isPassedOn ? line.shift() : undefined;
              if (next !== undefined) woken.push({ name: next, notified: true });
            }
            const ends = log.map((entry) => entry.replace(/ at \d+/, ''));
            expect({ isReleasedAtOnce, order, ends }).toEqual({ isReleasedAtOnce, order, ends: expected });
            expect([condition.locked(), condition.statistics()]).toEqual([false, { waiting: line.length }]);
            for (const left of waiters) yield* left.kill();
          }
        }
      }));

    it('it has the lock when the error arrives, wherever the slice of the hub ends', () =>
      virtually(function* () {
        for (const isNotified of [true, false]) {
          for (let count = 0; count < SLICE; count++) {
            const condition = make();
            const log: string[] = [];
            const victim = waiter(condition, 'a', log);
            yield* sleep(0);
            yield* condition.acquire();
            if (isNotified) condition.notify();
            victim.kill();
            yield* useUpSlice(count);
            yield* sleep(1);
            expect({ count, log }).toEqual({ count, log: [] });
            condition.release();
            yield* victim.join();
            expect({ count, log }).toEqual({ count, log: [`a killed at ${hub.now()}`] });
          }
        }
      }));
  });

  it('lets outer timeouts through when it has the lock, in whichever phase they come', () =>
    virtually(function* () {
      for (const [what, ms, expected] of [
        ['waiting', 5, 'at 5, 2 waiting'],
        ['notified', 15, 'at 20, 1 waiting'],
        ['late', 15, 'at 20, 2 waiting'],
      ] as const) {
        const condition = make();
        const log: string[] = [];
        const begun = hub.now();
        const limited = spawn(function* () {
          using _ = yield* condition.hold();
          using limit = Timeout.startNew(ms);
          const error = yield* failureOf(condition.wait(what === 'late' ? 12 : undefined));
          return [error === limit, isHeldHere(condition), hub.now() - begun];
        });
        const others = [waiter(condition, 'b', log), waiter(condition, 'c', log)];
        yield* sleep(0);
        const notifier = spawn(function* () {
          yield* sleep(10);
          using _ = yield* condition.hold();
          if (what === 'notified') condition.notify();
          yield* sleep(10);
        });
        const [isIt, isHeld, at] = yield* limited;
        yield* sleep(1);
        const seen = `at ${at}, ${condition.statistics().waiting} waiting`;
        expect([what, isIt, isHeld, seen]).toEqual([what, true, true, expected]);
        yield* notifier.join();
        for (const other of others) yield* other.kill();
        expect(hub.stats().timers).toBe(0);
      }
    }));
});

describe('Condition.wait() over an RLock held several times', () => {
  it('gives it up wholly and restores it: after a notification, a timeout and a kill', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: unknown[] = [];
      const depths = spawn(function* () {
        using _ = yield* condition.hold();
        using __ = yield* condition.hold();
        using ___ = yield* condition.hold();
        log.push(yield* condition.wait(), condition.lock.statistics());
        log.push(yield* condition.wait(5), condition.lock.statistics());
        try {
          yield* condition.wait();
        } finally {
          log.push('killed', condition.lock.statistics());
        }
      });
      depths.name = 'a';
      const held = { locked: true, holder: 'a', depth: 3, waiting: 0 };
      yield* sleep(1);
      expect(condition.lock.statistics()).toEqual({ locked: false, holder: undefined, depth: 0, waiting: 0 });
      yield* condition.acquire();
      yield* condition.acquire();
      condition.notify();
      condition.release();
      yield* sleep(1);
      expect(log).toEqual([]);
      condition.release();
      yield* sleep(2);
      yield* condition.acquire();
      yield* sleep(10);
      condition.release();
      yield* sleep(1);
      yield* condition.acquire();
      depths.kill();
      yield* sleep(1);
      condition.release();
      yield* depths.join();
      expect(log).toEqual([true, held, false, held, 'killed', held]);
      expect(condition.lock.statistics()).toEqual({ locked: false, holder: undefined, depth: 0, waiting: 0 });
    }));

  it('is the same in the frames of coroutine() calls', () =>
    virtually(function* () {
      const condition = new Condition();
      const descend = coroutine(function* (left: number): Generator<any, number, any> {
        using _ = yield* condition.hold();
        if (left > 0) return yield* descend(left - 1);
        yield* condition.wait();
        return (condition.lock as RLock).statistics().depth;
      });
      const deep = spawn(descend, 500);
      yield* sleep(1);
      yield* notify(condition);
      expect([yield* deep, condition.locked()]).toEqual([501, false]);
    }));

  it('leaves the lock to its holder when a deadlock ends the wait for it', () =>
    virtually(function* () {
      const condition = new Condition();
      const keeper = spawn(function* () {
        yield* sleep(1);
        yield* condition.acquire();
        condition.notify();
        try {
          yield* new Semaphore(0).acquire();
        } finally {
          condition.release();
        }
      });
      yield* condition.acquire();
      yield* condition.acquire();
      const error = yield* failureOf(condition.wait());
      expect(error).toBeInstanceOf(LoopExit);
      expect(error?.message).toContain(`<main> waits for RLock.acquire(), held by <${keeper.name}>`);
      expect(condition.lock.statistics()).toEqual({ locked: true, holder: keeper.name, depth: 1, waiting: 0 });
      yield* keeper.kill();
      expect(condition.locked()).toBe(false);
    }));
});

describe('Condition.waitFor()', () => {
  it('gives the value of the predicate at once, without a switch, if that is true already', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: unknown[] = [];
      using _ = yield* condition.hold();
      const other = spawn(() => log.push('other'));
      log.push(yield* condition.waitFor(() => 'value'), yield* condition.waitFor(() => 7, 0));
      yield* other.join();
      expect(log).toEqual(['value', 7, 'other']);
    }));

  it('looks again after each notification, with the lock, and gives the first true value', () =>
    virtually(function* () {
      const condition = new Condition(new Lock());
      const log: string[] = [];
      let items = 0;
      const consumer = spawn(function* () {
        using _ = yield* condition.hold();
        return yield* condition.waitFor(() => {
          log.push(`${items} at ${hub.now()}${isHeldHere(condition) ? '' : ' bare'}`);
          return items >= 3 && `${items} items`;
        });
      });
      yield* sleep(1);
      for (let i = 0; i < 4; i++) {
        yield* sleep(10);
        using _ = yield* condition.hold();
        items++;
        if (i !== 1) condition.notify();
      }
      expect([yield* consumer, condition.locked()]).toEqual(['3 items', false]);
      expect(log).toEqual(['0 at 0', '1 at 11', '3 at 31']);
    }));

  it('gives the last value when time is up, however often it was notified in vain', () =>
    virtually(function* () {
      for (const last of [false, 0, '', null, undefined]) {
        const condition = new Condition();
        const begun = hub.now();
        const consumer = spawn(function* () {
          using _ = yield* condition.hold();
          const value = yield* condition.waitFor(() => last, 25);
          return [value, hub.now() - begun, isHeldHere(condition)];
        });
        for (let i = 0; i < 5; i++) {
          yield* sleep(10);
          yield* notify(condition);
        }
        expect(yield* consumer).toEqual([last, 25, true]);
        expect([hub.stats().timers, condition.statistics()]).toEqual([0, { waiting: 0 }]);
      }
    }));

  it('looks a last time when time is up', () =>
    virtually(function* () {
      const condition = new Condition();
      let looks = 0;
      yield* condition.acquire();
      expect(yield* condition.waitFor(() => hub.now() === 5 && `look ${++looks}`, 5)).toBe('look 1');
      expect(yield* condition.waitFor(() => ++looks > 100, 0)).toBe(false);
      expect([looks, hub.now()]).toEqual([2, 5]);
      condition.release();
    }));

  it('lets the error of the predicate through, with the lock', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: unknown[] = [];
      let isBroken = false;
      const consumer = spawn(function* () {
        using _ = yield* condition.hold();
        const error = yield* failureOf(
          condition.waitFor(() => {
            if (isBroken) throw new RangeError('expected');
            return false;
          }),
        );
        log.push(error?.message, isHeldHere(condition));
      });
      yield* sleep(1);
      isBroken = true;
      yield* notify(condition);
      yield* consumer;
      expect(log).toEqual(['expected', true]);
    }));

  it('behaves as wait() at a kill: the lock comes first, and the notification goes to the next', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: string[] = [];
      let items = 0;
      const consumers = ['a', 'b', 'c'].map((name) => {
        const consumer = spawn(function* () {
          using _ = yield* condition.hold();
          try {
            yield* condition.waitFor(() => items > 0);
            log.push(`${name} took ${items--}`);
          } finally {
            log.push(`${name} left${isHeldHere(condition) ? '' : ' bare'}`);
          }
        });
        consumer.name = name;
        return consumer;
      });
      yield* sleep(1);
      yield* consumers[0]!.kill();
      yield* condition.acquire();
      items++;
      condition.notify();
      yield* sleep(1);
      consumers[1]!.kill();
      condition.release();
      yield* joinall(consumers);
      expect(log).toEqual(['a left', 'b left', 'c took 1', 'c left']);
    }));

  it('lets others have their turn in a loop, whether the predicate is true or there is no time', () =>
    virtually(function* () {
      const condition = new Condition();
      using _ = yield* condition.hold();
      for (const [value, timeout] of [[true, null] as const, [false, 0] as const]) {
        let turns = 0;
        const other = spawn(function* () {
          for (;;) {
            turns++;
            yield* sleep(0);
          }
        });
        for (let i = 0; i < 10 * SLICE; i++) yield* condition.waitFor(() => value, timeout);
        expect(turns).toBeGreaterThan(5);
        yield* other.kill();
      }
    }));
});

describe('a link to a Condition', () => {
  it('is called once, in a pass of its own, at the next notification, whether somebody waits or not', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: unknown[] = [];
      for (const call of ['notify', 'notifyAll'] as const) {
        condition.rawlink((source) => log.push(source === condition));
        yield* sleep(0);
        using _ = yield* condition.hold();
        condition[call]();
        log.push(call);
        yield* sleep(0);
        condition[call]();
        yield* sleep(0);
      }
      expect(log).toEqual(['notify', true, 'notifyAll', true]);
    }));

  it('is called neither by notify(0), nor when the notification of a killed waiter goes to the next', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: string[] = [];
      const [victim, next] = [waiter(condition, 'a', log), waiter(condition, 'b', log)];
      yield* sleep(0);
      yield* condition.acquire();
      condition.notify();
      const link = () => log.push('link');
      condition.rawlink(link);
      condition.notify(0);
      yield* sleep(1);
      victim.kill();
      condition.release();
      yield* joinall([victim, next]);
      expect(log).toEqual(['a killed at 1', 'b notified at 1']);
      condition.unlink(link);
      yield* notify(condition);
      yield* sleep(0);
      expect(log).toHaveLength(2);
    }));

  it('can be taken back, also when it is already due', () =>
    virtually(function* () {
      const condition = new Condition();
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) => () => void log.push(name));
      for (const link of [one, two, three]) condition.rawlink(link!);
      condition.unlink(one!);
      condition.unlink(() => {});
      yield* notify(condition);
      condition.unlink(two!);
      yield* sleep(0);
      expect(log).toEqual(['three']);
      expect(() => condition.rawlink(5 as never)).toThrow(new TypeError('link is 5: give a plain function'));
    }));

  it('makes wait() and iwait() tell of a notification, without the lock', () =>
    virtually(function* () {
      const [one, other] = [new Condition(), new Condition()];
      const waiting = spawn(() => wait([one, other], { timeout: 10 }));
      yield* sleep(5);
      yield* notify(other);
      const ready = yield* waiting;
      expect([ready.length, ready[0] === other, other.locked(), hub.now()]).toEqual([1, true, false, 10]);
    }));
});

describe('conditions that share a lock', () => {
  it('are notified one by one', () =>
    virtually(function* () {
      const lock = new Lock();
      const [one, other] = [new Condition(lock), new Condition(lock)];
      const log: string[] = [];
      const waiters = [waiter(one, 'a', log), waiter(other, 'b', log)];
      yield* sleep(1);
      yield* notify(other, 5);
      yield* sleep(1);
      expect([log, one.statistics(), other.statistics()]).toEqual([
        ['b notified at 1'],
        { waiting: 1 },
        { waiting: 0 },
      ]);
      yield* notify(one);
      yield* joinall(waiters);
      expect(log).toEqual(['b notified at 1', 'a notified at 2']);
    }));

  it('make a bounded buffer that loses no item and forgets nobody, whoever is killed or out of time, at any seed', () =>
    virtually(function* () {
      for (let seed = 0; seed < 60; seed++) {
        const below = random(seed);
        const lock = below(2) === 0 ? new Lock() : new RLock();
        const [notEmpty, notFull] = [new Condition(lock), new Condition(lock)];
        const items: number[] = [];
        const taken: number[] = [];
        let put = 0;
        const limit = () => (below(3) === 0 ? 1 + below(20) : null);
        const producer = function* () {
          for (let i = 0; i < 8; i++) {
            yield* sleep(below(4));
            using _ = yield* notFull.hold();
            if (!(yield* notFull.waitFor(() => items.length < 2, limit()))) continue;
            items.push(++put);
            notEmpty.notify();
            if (below(4) === 0) yield* sleep(below(3));
          }
        };
        const consumer = function* () {
          for (let i = 0; i < 8; i++) {
            using _ = yield* notEmpty.hold();
            if (!(yield* notEmpty.waitFor(() => items.length > 0, limit()))) continue;
            taken.push(items.shift()!);
            notFull.notify();
            if (below(4) === 0) yield* sleep(below(3));
          }
        };
        const greenlets = Array.from({ length: 16 }, (_, index) => spawn(index % 2 === 0 ? producer : consumer));
        for (let i = 0; i < 12; i++) {
          yield* sleep(below(5));
          greenlets[below(16)]!.kill();
        }
        yield* sleep(1000);
        // Nobody is left waiting for what is there.
        expect({ seed, stuck: items.length > 0 && notEmpty.statistics().waiting > 0 }).toEqual({ seed, stuck: false });
        expect({ seed, stuck: items.length < 2 && notFull.statistics().waiting > 0 }).toEqual({ seed, stuck: false });
        for (const greenlet of greenlets) yield* greenlet.kill();
        expect([...taken, ...items]).toEqual(Array.from({ length: put }, (_, index) => index + 1));
        expect([lock.locked(), lock.statistics().waiting, hub.stats().timers]).toEqual([false, 0, 0]);
      }
    }));
});
