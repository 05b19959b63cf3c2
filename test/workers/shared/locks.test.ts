import { InvalidStateError, iwait, joinall, run, select, sleep, spawn, Timeout, wait } from 'genlet';
import { shared } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { attempt } from '../../support/caught.ts';
import { hub, virtually, watchHub } from '../../support/hub.ts';

watchHub();

const kinds = [
  ['Lock', () => new shared.Lock()],
  ['RLock', () => new shared.RLock()],
  ['Semaphore', () => new shared.Semaphore(1)],
  ['BoundedSemaphore', () => new shared.BoundedSemaphore(1)],
] as const;

describe.each(kinds)('%s', (name, make) => {
  it('serves the greenlets of a thread in the order of their calls', () =>
    virtually(function* () {
      const lock = make();
      const events: string[] = [];
      const visit = function* (visitor: string) {
        yield* lock.acquire();
        events.push(`${visitor} in`);
        yield* sleep(5);
        events.push(`${visitor} out`);
        lock.release();
      };
      yield* joinall(['a', 'b', 'c'].map((visitor) => spawn(visit, visitor)));
      expect(events).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
      expect(lock.locked()).toBe(false);
    }));

  it('gives false when time is up, at once with block: false', () =>
    virtually(function* () {
      const lock = make();
      yield* spawn(() => lock.acquire());
      const start = hub.now();
      expect(yield* lock.acquire({ timeout: 30 })).toBe(false);
      expect(hub.now() - start).toBe(30);
      expect(yield* lock.acquire({ block: false })).toBe(false);
      expect(yield* lock.acquire({ timeout: 0 })).toBe(false);
      expect(lock.acquireNowait()).toBe(false);
      expect(hub.now() - start).toBe(30);
    }));

  it('is held for a block, and throws a Timeout where it can not be', () =>
    virtually(function* () {
      const lock = make();
      yield* spawn(function* () {
        {
          using _ = yield* lock.hold();
          expect(lock.locked()).toBe(true);
        }
        expect(lock.locked()).toBe(false);
        yield* lock.acquire();
      });
      const failure = yield* attempt(() => lock.hold(20));
      expect(failure).toBeInstanceOf(Timeout);
      expect((failure as Error).message).toContain('hold()');
    }));

  it('loses nothing to a kill, and lets the next one have it', () =>
    virtually(function* () {
      const lock = make();
      const holder = spawn(function* () {
        using _ = yield* lock.hold();
        yield* sleep(10);
      });
      const killed = spawn(() => lock.acquire());
      const next = spawn(() => lock.acquire());
      yield* sleep(1);
      yield* killed.kill();
      expect(lock.statistics().waiting).toBe(1);
      yield* holder.kill();
      expect(yield* next).toBe(true);
      expect(lock.locked()).toBe(true);
    }));

  it('stays with one who is killed after it was granted', () =>
    virtually(function* () {
      const lock = make();
      const holder = spawn(function* () {
        yield* lock.acquire();
        yield* sleep(10);
        lock.release();
        waiter.kill();
      });
      const events: string[] = [];
      const waiter = spawn(function* () {
        yield* sleep(0);
        yield* lock.acquire();
        events.push('granted');
        try {
          yield* sleep(1);
        } finally {
          events.push('released');
          lock.release();
        }
      });
      yield* joinall([holder, waiter]);
      expect(events).toEqual(['granted', 'released']);
      expect(lock.locked()).toBe(false);
    }));

  it('can be waited for without being taken, and selected', () =>
    virtually(function* () {
      const lock = make();
      yield* spawn(() => lock.acquire());
      expect(yield* wait([lock], { timeout: 5 })).toEqual([]);
      const chosen = spawn(() => select({ lock: lock.acquire(), late: sleep(50) }));
      yield* sleep(1);
      expect(lock.statistics().waiting).toBe(1);
      expect((yield* chosen).key).toBe('late');
      expect(lock.statistics().waiting).toBe(0);
    }));

  it('tells those who wait for it when it is free', () =>
    virtually(function* () {
      const lock = make();
      const holder = spawn(function* () {
        using _ = yield* lock.hold();
        yield* sleep(10);
      });
      yield* sleep(1);
      using ready = iwait([lock]);
      expect((yield* ready.next()).value).toBe(lock);
      expect([lock.locked(), hub.now() > 0]).toEqual([false, true]);
      expect((yield* select({ lock: lock.acquire(), late: sleep(50) })).key).toBe('lock');
      yield* holder.join();
    }));

  it('takes a link back', () =>
    virtually(function* () {
      const lock = make();
      let calls = 0;
      const link = () => void calls++;
      lock.rawlink(link);
      lock.unlink(link);
      yield* sleep(1);
      expect([calls, lock.statistics().waiting]).toEqual([0, 0]);
    }));

  it('checks its arguments at the call', () => {
    const lock = make();
    expect(() => lock.acquire({ timeout: -1 })).toThrow(RangeError);
    expect(() => lock.acquire(5 as never)).toThrow('options is 5: give { timeout: milliseconds }');
    expect(() => lock.hold(Number.NaN)).toThrow(RangeError);
  });

  it('is one object for its descriptor, which structured clone takes', () => {
    const lock = make();
    const descriptor = structuredClone(lock.share());
    expect(descriptor.shared).toBe(name);
    expect(shared.open(descriptor as shared.Descriptor)).toBe(lock);
  });

  it('starves nobody in a loop that never waits for anything else', () =>
    run(function* () {
      const lock = make();
      let turns = 0;
      const busy = spawn(function* () {
        for (;;) {
          yield* lock.acquire();
          turns++;
          lock.release();
        }
      });
      yield* sleep(1);
      expect(turns).toBeGreaterThan(0);
      yield* busy.kill();
    }));
});

describe('Lock', () => {
  it('can be released by anybody, but only while somebody holds it', () => {
    const lock = new shared.Lock();
    expect(() => lock.release()).toThrow(InvalidStateError);
    expect(() => lock.release()).toThrow('release() of a Lock that nobody holds: acquire() it first');
    expect(lock.acquireNowait()).toBe(true);
    expect(lock.statistics()).toEqual({ locked: true, holder: 'ordinary code', waiting: 0 });
    lock.release();
    expect(lock.statistics()).toEqual({ locked: false, holder: undefined, waiting: 0 });
  });

  it('makes its holder wait, too', () =>
    virtually(function* () {
      const lock = new shared.Lock();
      yield* lock.acquire();
      expect(yield* lock.acquire({ timeout: 1 })).toBe(false);
    }));
});

describe('RLock', () => {
  it('lets its holder in again, and nobody else out', () =>
    virtually(function* () {
      const lock = new shared.RLock();
      yield* lock.acquire();
      yield* lock.acquire();
      expect(lock.statistics()).toMatchObject({ depth: 2, locked: true });
      const failure = yield* attempt(function* () {
        lock.release();
      });
      expect(failure).toBeInstanceOf(InvalidStateError);
      expect(String(failure)).toContain('only its holder may release it');
      lock.release();
      expect(lock.locked()).toBe(true);
      lock.release();
      expect([lock.locked(), lock.statistics().depth]).toEqual([false, 0]);
      expect(() => lock.release()).toThrow('that nobody holds');
    }));
});

describe('Semaphore', () => {
  it('has as many permits as it is given', () =>
    virtually(function* () {
      const seats = new shared.Semaphore(2);
      yield* seats.acquire();
      yield* seats.acquire();
      expect([seats.counter, seats.locked()]).toEqual([0, true]);
      expect(seats.release(3)).toBe(3);
      expect(seats.statistics()).toEqual({ free: 3, waiting: 0 });
    }));

  it('serves several waiters by one release', () =>
    virtually(function* () {
      const seats = new shared.Semaphore(0);
      const waiters = [1, 2, 3].map(() => spawn(() => seats.acquire()));
      yield* sleep(1);
      expect(seats.release(2)).toBe(0);
      expect((yield* joinall(waiters, { timeout: 5 })).length).toBe(2);
      seats.release();
      yield* joinall(waiters);
    }));

  it('tells how many permits are free without taking one', () =>
    virtually(function* () {
      const seats = new shared.Semaphore(0);
      expect(yield* seats.wait(5)).toBe(0);
      const watcher = spawn(() => seats.wait());
      yield* sleep(1);
      seats.release(2);
      expect([yield* watcher, seats.counter]).toEqual([2, 2]);
    }));

  it('checks what it is given', () => {
    expect(() => new shared.Semaphore(-1)).toThrow('value is -1: give a whole number, 0 or more');
    expect(() => new shared.Semaphore(2 ** 31)).toThrow(RangeError);
    expect(() => new shared.Semaphore().release(0)).toThrow('permits is 0: give a whole number, 1 or more');
    expect(() => new shared.Semaphore().release(2 ** 31)).toThrow(RangeError);
    const one = new shared.BoundedSemaphore(1);
    expect(() => one.release()).toThrow('release() was called more often than acquire(): all 1 permits are free');
    expect(() => shared.open(one.share()).release(2)).toThrow(InvalidStateError);
  });
});
