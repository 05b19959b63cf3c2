import {
  coroutine,
  getcurrent,
  InvalidStateError,
  joinall,
  LoopExit,
  RawGreenlet,
  RLock,
  run,
  select,
  sleep,
  spawn,
  spawnNow,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { failureOf, itGivesPermits } from './acquirable-rules.ts';

watchHub();

itGivesPermits('RLock', () => new RLock());

/** The message of what `call` throws, which must be an InvalidStateError. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidStateError);
    return (error as Error).message;
  }
  return 'no error';
}

describe('RLock', () => {
  it('can be acquired again by its holder without a switch, and is free when it was released as often', () =>
    virtually(function* () {
      const lock = new RLock();
      const log: unknown[] = [];
      const waiter = spawn(function* () {
        yield* lock.acquire();
        log.push('waiter', lock.statistics().depth);
        lock.release();
      });
      yield* lock.acquire();
      yield* sleep(0);
      log.push(yield* lock.acquire(), yield* lock.acquire({ block: false }), yield* lock.acquire({ timeout: 5 }));
      log.push(lock.acquireNowait(), lock.statistics().depth, lock.statistics().waiting);
      {
        using _ = yield* lock.hold();
        using __ = yield* lock.hold(0);
        log.push(lock.statistics().depth);
      }
      for (let left = 5; left > 0; left--) {
        log.push(lock.locked());
        lock.release();
        yield* sleep(0);
      }
      yield* waiter;
      expect(log).toEqual([true, true, true, true, 5, 1, 7, true, true, true, true, true, 'waiter', 1]);
      expect([lock.locked(), lock.ready(), hub.now()]).toEqual([false, true, 0]);
    }));

  it('goes to the next in line with a depth of one, however often its holder had it', () =>
    virtually(function* () {
      const lock = new RLock();
      const take = function* () {
        yield* lock.acquire();
        const { depth } = lock.statistics();
        yield* lock.acquire();
        lock.release();
        lock.release();
        return depth;
      };
      for (let i = 0; i < 3; i++) yield* lock.acquire();
      const takers = [spawn(take), spawn(take)];
      yield* sleep(0);
      for (let i = 0; i < 3; i++) lock.release();
      yield* joinall(takers);
      expect(takers.map(({ value }) => value)).toEqual([1, 1]);
      expect(lock.statistics()).toEqual({ locked: false, holder: undefined, depth: 0, waiting: 0 });
    }));

  it('can be released by its holder only; the error says who holds it and who tried', async () => {
    const lock = new RLock();
    await virtually(function* () {
      expect(refusal(() => lock.release())).toBe(
        'release() of an RLock that nobody holds, by <main>: only its holder may release it',
      );
      yield* lock.acquire();
      const thief = spawn(function* steal() {
        return [refusal(() => lock.release()), lock.acquireNowait(), yield* lock.acquire({ timeout: 1 })];
      });
      thief.name = 'thief';
      expect(yield* thief).toEqual([
        'release() of an RLock that <main> holds, by <thief steal>: only its holder may release it',
        false,
        false,
      ]);
      let inCallback = '';
      hub.callSoon(() => {
        inCallback = refusal(() => lock.release());
      });
      yield* sleep(0);
      expect(inCallback).toBe(
        'release() of an RLock that <main> holds, by ordinary code: only its holder may release it',
      );
      expect(lock.statistics()).toEqual({ locked: true, holder: 'main', depth: 1, waiting: 0 });
      lock.release();
      expect(refusal(() => lock.release())).toContain('that nobody holds, by <main>');
    });
    expect(refusal(() => lock.release())).toContain('that nobody holds, by ordinary code');
    expect(lock.locked()).toBe(false);
  });

  it('is gone for who has released it, from the moment of the release on', () =>
    virtually(function* () {
      const lock = new RLock();
      yield* lock.acquire();
      const next = spawn(function* () {
        yield* lock.acquire();
        yield* sleep(1);
        lock.release();
      });
      next.name = 'next';
      yield* sleep(0);
      lock.release();
      expect(lock.statistics()).toEqual({ locked: true, holder: 'next', depth: 1, waiting: 0 });
      expect(refusal(() => lock.release())).toContain('that <next> holds, by <main>');
      yield* next;
      expect(lock.locked()).toBe(false);
    }));

  it('takes hub callbacks and ordinary code for one more greenlet', async () => {
    const lock = new RLock();
    expect([lock.acquireNowait(), lock.acquireNowait()]).toEqual([true, true]);
    hub.callSoon(() => {
      expect(lock.acquireNowait()).toBe(true);
      lock.release();
      lock.release();
    });
    await nextTurn();
    expect(lock.statistics()).toEqual({ locked: true, holder: 'ordinary code', depth: 1, waiting: 0 });
    const waiting = run(function* () {
      const message = refusal(() => lock.release());
      using _ = yield* lock.hold();
      return message;
    });
    await nextTurn();
    expect(lock.statistics()).toMatchObject({ waiting: 1 });
    lock.release();
    expect(await waiting).toBe(
      'release() of an RLock that ordinary code holds, by <main>: only its holder may release it',
    );
    expect(lock.locked()).toBe(false);
  });

  it('belongs to the greenlet across the frames of coroutine() calls', () =>
    virtually(function* () {
      const lock = new RLock();
      const descend = coroutine(function* (left: number): Generator<any, number, any> {
        using _ = yield* lock.hold();
        if (left === 0) {
          yield* sleep(1);
          return lock.statistics().depth;
        }
        return yield* descend(left - 1);
      });
      const competitor = spawn(function* () {
        yield* sleep(0);
        using _ = yield* lock.hold();
        return hub.now();
      });
      expect(yield* descend(5000)).toBe(5001);
      expect(yield* competitor).toBe(1);
      expect(lock.statistics()).toEqual({ locked: false, holder: undefined, depth: 0, waiting: 0 });
    }));

  it('is given back by every frame of a greenlet that is killed', () =>
    virtually(function* () {
      const lock = new RLock();
      const descend = coroutine(function* (left: number): Generator<any, void, any> {
        using _ = yield* lock.hold();
        yield* left === 0 ? sleep(1000) : descend(left - 1);
      });
      const holder = spawn(descend, 100);
      const next = spawn(function* () {
        using _ = yield* lock.hold();
        return hub.now();
      });
      yield* sleep(1);
      expect(lock.statistics()).toMatchObject({ depth: 101, waiting: 1 });
      yield* holder.kill();
      expect([yield* next, lock.locked()]).toEqual([1, false]);
    }));

  it('is not held by greenlets that its holder spawns or switches to', () =>
    virtually(function* () {
      const lock = new RLock();
      yield* lock.acquire();
      const child = spawnNow(() => lock.acquireNowait());
      const raw = new RawGreenlet(() => [lock.acquireNowait(), refusal(() => lock.release())]);
      expect([yield* child, yield* raw.switch()]).toEqual([
        false,
        [false, expect.stringMatching(/^release\(\) of an RLock that <main> holds, by <RawGreenlet-\d+>/)],
      ]);
      lock.release();
      const holder = new RawGreenlet(function* () {
        yield* lock.acquire();
        const before = lock.acquireNowait();
        yield* holder.parent!.switch(before);
        lock.release();
        lock.release();
        return lock.locked();
      });
      expect([yield* holder.switch(), lock.acquireNowait(), yield* holder.switch()]).toEqual([true, false, false]);
    }));

  it('stays with a greenlet that ended without giving it back', () =>
    virtually(function* () {
      const lock = new RLock();
      const holder = spawn(() => lock.acquire());
      yield* holder;
      expect([lock.acquireNowait(), lock.statistics().holder]).toEqual([false, holder.name]);
      expect(refusal(() => lock.release())).toContain(`that <${holder.name}> holds`);
    }));

  it('is acquired again in select(), by the greenlet that holds it', () =>
    virtually(function* () {
      const lock = new RLock();
      yield* lock.acquire();
      const { key } = yield* select({ lock: lock.acquire(), limit: sleep(5) });
      expect([key, lock.statistics().depth]).toEqual(['lock', 2]);
      const other = spawn(function* () {
        const chosen = yield* select({ lock: lock.acquire(), limit: sleep(50) });
        const { holder } = lock.statistics();
        const again = lock.acquireNowait();
        lock.release();
        lock.release();
        return [chosen.key, holder === getcurrent()!.name, again];
      });
      yield* sleep(5);
      lock.release();
      lock.release();
      expect([yield* other, lock.locked()]).toEqual([['lock', true, true], false]);
    }));

  it('tells in statistics() who holds it, how often, and how many wait', () =>
    virtually(function* () {
      const lock = new RLock();
      expect(lock.statistics()).toEqual({ locked: false, holder: undefined, depth: 0, waiting: 0 });
      getcurrent()!.name = 'boss';
      yield* lock.acquire();
      yield* lock.acquire();
      const waiters = [spawn(() => lock.acquire()), spawn(() => lock.acquire({ timeout: 5 }))];
      yield* sleep(0);
      expect(lock.statistics()).toEqual({ locked: true, holder: 'boss', depth: 2, waiting: 2 });
      yield* waiters[1]!;
      expect(lock.statistics()).toMatchObject({ waiting: 1 });
      yield* waiters[0]!.kill();
      expect(lock.statistics()).toEqual({ locked: true, holder: 'boss', depth: 2, waiting: 0 });
    }));

  it('is named with its holder in the report of a deadlock', () =>
    virtually(function* () {
      const lock = new RLock();
      const holder = spawn(function* forget() {
        yield* lock.acquire();
      });
      holder.name = 'forgetful';
      yield* holder;
      const error = yield* failureOf(lock.acquire({ timeout: null }));
      expect(error).toBeInstanceOf(LoopExit);
      expect((error as LoopExit).blocked).toMatchObject([
        { name: '<main>', waitsFor: 'RLock.acquire(), held by <forgetful forget>, which has ended', since: 0 },
      ]);
      expect(error?.message).toContain('held by <forgetful forget>, which has ended since 0 ms');
    }));
});
