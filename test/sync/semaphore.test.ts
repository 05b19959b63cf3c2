import {
  all,
  BlockingSwitchOutError,
  BoundedSemaphore,
  DummySemaphore,
  InvalidStateError,
  iwait,
  joinall,
  LoopExit,
  NotInGreenletError,
  run,
  Semaphore,
  select,
  sleep,
  spawn,
  Timeout,
  wait,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { random } from '../support/random.ts';
import { arrangements, failureOf, itGivesPermits, performElsewhere, SLICE, useUpSlice } from './acquirable-rules.ts';

watchHub();

itGivesPermits('Semaphore', () => new Semaphore());
itGivesPermits('BoundedSemaphore', () => new BoundedSemaphore());

describe.each([
  ['Semaphore', Semaphore],
  ['BoundedSemaphore', BoundedSemaphore],
])('%s', (name, SomeSemaphore) => {
  it('has as many permits as it was given, one by default', () =>
    virtually(function* () {
      expect(new SomeSemaphore().counter).toBe(1);
      const semaphore = new SomeSemaphore(3);
      const counters = [semaphore.counter];
      for (let i = 0; i < 3; i++) {
        expect([semaphore.locked(), semaphore.ready()]).toEqual([false, true]);
        yield* semaphore.acquire();
        counters.push(semaphore.counter);
      }
      expect([semaphore.locked(), semaphore.ready(), semaphore.acquireNowait()]).toEqual([true, false, false]);
      for (let i = 0; i < 3; i++) counters.push(semaphore.release());
      expect(counters).toEqual([3, 2, 1, 0, 1, 2, 3]);
      expect(new SomeSemaphore(0).locked()).toBe(true);
    }));

  it('rejects a value that is negative or no whole number', () => {
    const error = (shown: string) => new RangeError(`value is ${shown}: give a whole number, 0 or more`);
    expect(() => new SomeSemaphore(-1)).toThrow(error('-1'));
    expect(() => new SomeSemaphore(1.5)).toThrow(error('1.5'));
    expect(() => new SomeSemaphore(Number.NaN)).toThrow(error('NaN'));
    expect(() => new SomeSemaphore(Number.POSITIVE_INFINITY)).toThrow(error('Infinity'));
    expect(() => new SomeSemaphore('2' as never)).toThrow(error("'2'"));
    expect(() => new SomeSemaphore(null as never)).toThrow(error('null'));
  });

  it('rejects a number of permits that is less than one or not whole, and releases nothing then', () => {
    const semaphore = new SomeSemaphore(2);
    expect([semaphore.acquireNowait(), semaphore.acquireNowait()]).toEqual([true, true]);
    for (const wrong of [0, -1, 0.5, 1.5, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => semaphore.release(wrong)).toThrow(
        new RangeError(`permits is ${wrong}: give a whole number, 1 or more`),
      );
    }
    expect(() => semaphore.release('1' as never)).toThrow(RangeError);
    expect(semaphore.counter).toBe(0);
  });

  it('lets in no more greenlets at a time than it has permits', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(3);
      const log: string[] = [];
      const visits = ['a', 'b', 'c', 'd', 'e'].map((visitor, index) =>
        spawn(function* () {
          using _ = yield* semaphore.hold();
          log.push(`${visitor} in at ${hub.now()}`);
          yield* sleep(10 - index);
        }),
      );
      yield* joinall(visits);
      expect(log).toEqual(['a in at 0', 'b in at 0', 'c in at 0', 'd in at 8', 'e in at 9']);
      expect(semaphore.counter).toBe(3);
    }));

  it('gives several permits at once to those who wait, in the order of their calls, and keeps the rest', () =>
    virtually(function* () {
      const semaphore = new SomeSemaphore(5);
      for (let i = 0; i < 5; i++) yield* semaphore.acquire();
      const log: string[] = [];
      const waiters = ['a', 'b', 'c'].map((waiter) =>
        spawn(function* () {
          yield* semaphore.acquire();
          log.push(waiter);
        }),
      );
      yield* sleep(0);
      log.push(`free: ${semaphore.release(2)}`);
      expect(semaphore.statistics()).toEqual({ free: 0, waiting: 1 });
      yield* sleep(0);
      log.push(`free: ${semaphore.release(3)}`);
      expect(semaphore.statistics()).toEqual({ free: 2, waiting: 0 });
      yield* joinall(waiters);
      expect(log).toEqual(['free: 0', 'a', 'b', 'free: 2', 'c']);
    }));

  it('takes a permit from anybody: another greenlet, a hub callback, ordinary code', async () => {
    const semaphore = new SomeSemaphore(3);
    await run(function* () {
      for (let i = 0; i < 3; i++) yield* semaphore.acquire();
    });
    expect(semaphore.release()).toBe(1);
    hub.callSoon(() => void semaphore.release());
    await run(() => spawn(() => semaphore.release()));
    expect(semaphore.counter).toBe(3);
  });

  it('wakes waiters when a hub callback or ordinary code releases it', async () => {
    const semaphore = new SomeSemaphore(2);
    expect([semaphore.acquireNowait(), semaphore.acquireNowait()]).toEqual([true, true]);
    const [one, other] = [run(() => semaphore.acquire()), run(() => semaphore.acquire())];
    await nextTurn();
    expect(semaphore.statistics()).toEqual({ free: 0, waiting: 2 });
    expect(semaphore.release()).toBe(0);
    expect([await one, semaphore.statistics()]).toEqual([true, { free: 0, waiting: 1 }]);
    hub.callSoon(() => void semaphore.release());
    expect([await other, semaphore.statistics()]).toEqual([true, { free: 0, waiting: 0 }]);
  });

  it('is named in the report of a deadlock', () =>
    virtually(function* () {
      const error = yield* failureOf(new SomeSemaphore(0).acquire());
      expect(error).toBeInstanceOf(LoopExit);
      expect(error?.message).toContain(`<main> waits for ${name}.acquire() since 0 ms`);
    }));

  it('conserves its permits, whatever releases, kills and limits come in one pass', () =>
    virtually(function* () {
      for (const order of arrangements(['release 1', 'release 2', 'kill a', 'kill c', 'kill d'])) {
        const semaphore = new SomeSemaphore(3);
        for (let i = 0; i < 3; i++) yield* semaphore.acquire();
        const waiters = ['a', 'b', 'c', 'd'].map((waiter) =>
          spawn(function* () {
            yield* semaphore.acquire(waiter < 'c' ? {} : { timeout: 50 });
            return waiter;
          }),
        );
        yield* sleep(0);
        const line = ['a', 'b', 'c', 'd'];
        const given: string[] = [];
        for (const event of order) {
          const [what, which] = event.split(' ') as [string, string];
          if (what === 'release') {
            given.push(...line.splice(0, Number(which)));
            semaphore.release(Number(which));
          } else {
            waiters['abcd'.indexOf(which)]!.kill();
            if (line.includes(which)) line.splice(line.indexOf(which), 1);
          }
        }
        yield* sleep(0);
        const had = waiters.map(({ value }) => value).filter((value) => typeof value === 'string');
        expect({ order, had }).toEqual({ order, had: given });
        const released = order.reduce(
          (sum, event) => sum + (event.startsWith('release') ? Number(event.at(-1)) : 0),
          0,
        );
        const statistics = { free: released - given.length, waiting: line.length };
        expect({ order, statistics: semaphore.statistics() }).toEqual({ order, statistics });
        for (const waiter of waiters) yield* waiter.kill();
        expect(hub.stats().timers).toBe(0);
      }
    }));

  it('keeps count under a crowd of visitors with limits and kills, at any seed', () =>
    virtually(function* () {
      for (let seed = 0; seed < 40; seed++) {
        const below = random(seed);
        const permits = 1 + below(4);
        const semaphore = new SomeSemaphore(permits);
        let inside = 0;
        let most = 0;
        const visitors = Array.from({ length: 30 }, () =>
          spawn(function* () {
            for (let visit = 0; visit < 5; visit++) {
              yield* sleep(below(5));
              if (!(yield* semaphore.acquire(below(2) === 0 ? {} : { timeout: below(10) }))) continue;
              most = Math.max(most, ++inside);
              try {
                yield* sleep(below(4));
              } finally {
                inside--;
                semaphore.release();
              }
            }
          }),
        );
        for (let i = 0; i < 10; i++) {
          yield* sleep(below(4));
          visitors[below(30)]!.kill();
        }
        yield* joinall(visitors);
        expect({ seed, inside, most, free: semaphore.counter }).toEqual({
          seed,
          inside: 0,
          most: permits,
          free: permits,
        });
        expect([semaphore.statistics().waiting, hub.stats().timers]).toEqual([0, 0]);
      }
    }));
});

describe('several calls of one Semaphore at once', () => {
  it('take a permit each in all(), as these get free', () =>
    virtually(function* () {
      const semaphore = new Semaphore(1);
      const both = spawn(() => all([semaphore.acquire(), semaphore.acquire(), semaphore.acquire({ timeout: 50 })]));
      yield* sleep(5);
      expect([both.dead, semaphore.statistics()]).toEqual([false, { free: 0, waiting: 2 }]);
      semaphore.release(2);
      expect([yield* both, semaphore.counter, hub.stats().timers]).toEqual([[true, true, true], 0, 0]);
    }));

  it('take one permit in select(), however many are released', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const cases = () => ({
        one: semaphore.acquire(),
        other: semaphore.acquire(),
        hold: semaphore.hold(50),
        wait: semaphore.wait(),
        again: semaphore.wait(60),
      });
      for (const isReleasedBefore of [true, false]) {
        if (isReleasedBefore) semaphore.release(3);
        const chooser = spawn(() => select(cases()));
        yield* sleep(1);
        if (!isReleasedBefore) semaphore.release(3);
        const { key } = yield* chooser;
        const left = key === 'wait' || key === 'again' ? 3 : 2;
        expect([semaphore.statistics(), hub.stats().timers]).toEqual([{ free: left, waiting: 0 }, 0]);
        for (let i = 0; i < left; i++) semaphore.acquireNowait();
      }
    }));
});

describe('Semaphore.release()', () => {
  it('may be called more often than acquire()', () =>
    virtually(function* () {
      const semaphore = new Semaphore(1);
      expect([semaphore.release(), semaphore.release(5), semaphore.counter]).toEqual([2, 7, 7]);
      for (let i = 0; i < 7; i++) yield* semaphore.acquire();
      expect(semaphore.acquireNowait()).toBe(false);
    }));
});

describe('Semaphore.wait()', () => {
  it('tells how many permits are free, at once and without a switch, and takes none', () =>
    virtually(function* () {
      const semaphore = new Semaphore(2);
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      log.push(yield* semaphore.wait(), yield* semaphore.wait(5), yield* semaphore.wait(0), semaphore.counter);
      yield* other.join();
      expect(log).toEqual([2, 2, 2, 2, 'other']);
    }));

  it('waits until a permit is free; all who wait wake, in the order of their calls', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const log: string[] = [];
      const waiters = ['a', 'b', 'c'].map((waiter) =>
        spawn(function* () {
          log.push(`${waiter} ${yield* semaphore.wait()}`);
        }),
      );
      yield* sleep(5);
      semaphore.release(2);
      log.push('released');
      yield* joinall(waiters);
      expect([log, semaphore.counter]).toEqual([['released', 'a 2', 'b 2', 'c 2'], 2]);
    }));

  it('does not wake for a permit that goes to somebody in acquire()', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const waiter = spawn(() => semaphore.wait());
      const taker = spawn(() => semaphore.acquire());
      yield* sleep(5);
      semaphore.release();
      yield* taker;
      yield* sleep(5);
      expect(waiter.dead).toBe(false);
      semaphore.release();
      expect([yield* waiter, hub.now()]).toEqual([1, 10]);
    }));

  it('gives 0 when time is up, or if the permit was taken before its turn', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const log: unknown[] = [];
      spawn(() => log.push('other'));
      log.push(yield* semaphore.wait(0), hub.now());
      yield* sleep(0);
      expect(log).toEqual([0, 0, 'other']);
      expect([yield* semaphore.wait(5), hub.now(), hub.stats().timers]).toEqual([0, 5, 0]);
      const waiter = spawn(() => semaphore.wait(100));
      yield* sleep(1);
      semaphore.release();
      expect(semaphore.acquireNowait()).toBe(true);
      expect([yield* waiter, hub.now(), hub.stats().timers]).toEqual([0, 6, 0]);
    }));

  it('ends at a kill and at an outer timeout, and leaves the others waiting', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const waiters = [null, 50, null].map((timeout) => spawn(() => semaphore.wait(timeout)));
      const limited = spawn(function* () {
        using _ = Timeout.startNew(5);
        yield* semaphore.wait(50);
      });
      yield* sleep(1);
      yield* waiters[0]!.kill();
      yield* waiters[1]!.kill();
      expect(yield* failureOf(limited)).toBeInstanceOf(Timeout);
      expect([hub.now(), hub.stats().timers]).toEqual([5, 0]);
      semaphore.release();
      expect(yield* waiters[2]!).toBe(1);
    }));

  it('loses and doubles nothing when it is killed in the pass of the release', () =>
    virtually(function* () {
      for (const order of arrangements(['release', 'kill a', 'kill b'])) {
        const semaphore = new Semaphore(0);
        const [a, b] = [spawn(() => semaphore.wait()), spawn(() => semaphore.wait(50))];
        yield* sleep(0);
        const expected: unknown[] = [1, 1];
        for (const event of order) {
          if (event === 'release') semaphore.release();
          else (event === 'kill a' ? a : b).kill();
        }
        yield* sleep(0);
        const released = order.indexOf('release');
        for (const [index, kill] of ['kill a', 'kill b'].entries()) {
          const killed = order.indexOf(kill);
          if (killed >= 0 && (released < 0 || killed < released)) expected[index] = 'killed';
          else if (released < 0) expected[index] = undefined;
        }
        const values = [a, b].map(({ value }) => ((value as unknown) instanceof Error ? 'killed' : value));
        expect({ order, values }).toEqual({ order, values: expected });
        expect(semaphore.counter).toBe(released < 0 ? 0 : 1);
        yield* a.kill();
        yield* b.kill();
      }
    }));

  it('rejects wrong limits at the call, and neither blocks a hub callback nor ordinary code', async () => {
    const semaphore = new Semaphore(0);
    expect(() => semaphore.wait(-1)).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => semaphore.wait(Number.NaN)).toThrow(RangeError);
    expect(() => semaphore.wait({ timeout: 5 } as never)).toThrow(TypeError);
    expect(performElsewhere(semaphore.wait())).toBeInstanceOf(NotInGreenletError);
    let error: unknown;
    hub.callSoon(() => {
      error = performElsewhere(semaphore.wait());
    });
    await nextTurn();
    expect(error).toBeInstanceOf(BlockingSwitchOutError);
    expect(String(error)).toContain('Semaphore.wait() would block a hub callback');
  });

  it('is named in the report of a deadlock', () =>
    virtually(function* () {
      const error = yield* failureOf(new Semaphore(0).wait());
      expect(error?.message).toContain('<main> waits for Semaphore.wait() since 0 ms');
    }));

  it('lets others have their turn in a loop', () =>
    virtually(function* () {
      const semaphore = new Semaphore();
      let turns = 0;
      const other = spawn(function* () {
        for (;;) {
          turns++;
          yield* sleep(0);
        }
      });
      for (let i = 0; i < 10 * SLICE; i++) yield* semaphore.wait();
      expect(turns).toBeGreaterThan(5);
      yield* other.kill();
    }));
});

describe('BoundedSemaphore.release()', () => {
  it('throws if there would be more permits than at first, and releases nothing then', () =>
    virtually(function* () {
      const one = new BoundedSemaphore();
      expect(() => one.release()).toThrow(
        new InvalidStateError('release() was called more often than acquire(): all 1 permits are free'),
      );
      const three = new BoundedSemaphore(3);
      yield* three.acquire();
      expect(() => three.release(2)).toThrow(
        new InvalidStateError('release(2) was called more often than acquire(): 2 of 3 permits are free'),
      );
      expect(three.counter).toBe(2);
      expect(three.release()).toBe(3);
      expect(() => three.release()).toThrow(InvalidStateError);
      expect(() => new BoundedSemaphore(0).release()).toThrow(InvalidStateError);
      expect([one.counter, three.counter]).toEqual([1, 3]);
    }));

  it('counts a permit that was handed to a waiter as taken', () =>
    virtually(function* () {
      const semaphore = new BoundedSemaphore(1);
      yield* semaphore.acquire();
      const waiter = spawn(() => semaphore.acquire());
      yield* sleep(0);
      expect([semaphore.release(), yield* waiter, semaphore.release()]).toEqual([0, true, 1]);
      expect(() => semaphore.release()).toThrow(InvalidStateError);
    }));

  it('is no call too many when the block of hold() is left', () =>
    virtually(function* () {
      const semaphore = new BoundedSemaphore(2);
      {
        using _ = yield* semaphore.hold();
        using __ = yield* semaphore.hold();
        expect(semaphore.counter).toBe(0);
      }
      expect(semaphore.counter).toBe(2);
    }));
});

describe('DummySemaphore', () => {
  it('never makes anybody wait, whatever is called', () =>
    virtually(function* () {
      const dummy = new DummySemaphore();
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      for (let i = 0; i < 3; i++) {
        using _ = yield* dummy.hold();
        log.push(yield* dummy.acquire(), yield* dummy.acquire({ block: false }), dummy.acquireNowait());
        log.push(dummy.locked(), dummy.ready());
      }
      log.push(dummy.release(), dummy.release(), (dummy as Semaphore).release(5), dummy.counter);
      log.push(yield* dummy.wait(), yield* dummy.wait(0));
      yield* other.join();
      expect(log).toEqual([...Array(3).fill([true, true, true, false, true]).flat(), 1, 1, 1, 1, 1, 1, 'other']);
      expect(dummy.statistics()).toEqual({ free: 1, waiting: 0 });
    }));

  it('never makes anybody wait, whatever it was made with', () =>
    virtually(function* () {
      for (const value of [0, 1, 5]) {
        const dummy: Semaphore = new (DummySemaphore as typeof Semaphore)(value);
        expect([dummy.locked(), dummy.ready(), yield* dummy.acquire({ timeout: 0 })]).toEqual([false, true, true]);
        expect(yield* dummy.wait(0)).toBeGreaterThan(0);
      }
    }));

  it('is always ready for links, wait() and iwait()', () =>
    virtually(function* () {
      const dummy = new DummySemaphore();
      const log: unknown[] = [];
      dummy.rawlink((source) => log.push(source === dummy));
      const taken = () => log.push('taken back');
      dummy.rawlink(taken);
      dummy.unlink(taken);
      yield* sleep(0);
      expect(log).toEqual([true]);
      expect((yield* wait([dummy]))[0] === dummy).toBe(true);
      using ready = iwait([dummy]);
      expect((yield* ready.next()).value === dummy).toBe(true);
    }));

  it('checks arguments and where it is used as a semaphore does', () => {
    const dummy = new DummySemaphore();
    expect(() => dummy.acquire({ timeout: -1 })).toThrow(RangeError);
    expect(() => dummy.hold(Number.NaN)).toThrow(RangeError);
    expect(performElsewhere(dummy.acquire())).toBeInstanceOf(NotInGreenletError);
  });

  it('lets others have their turn in a loop', () =>
    virtually(function* () {
      const dummy = new DummySemaphore();
      let turns = 0;
      const other = spawn(function* () {
        for (;;) {
          turns++;
          yield* sleep(0);
        }
      });
      for (let i = 0; i < 10 * SLICE; i++) yield* dummy.acquire();
      yield* useUpSlice(SLICE);
      expect(turns).toBeGreaterThan(5);
      yield* other.kill();
    }));
});
