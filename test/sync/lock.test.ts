import { getcurrent, InvalidStateError, Lock, LoopExit, run, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { failureOf, itGivesPermits } from './acquirable-rules.ts';

watchHub();

itGivesPermits('Lock', () => new Lock());

describe('Lock', () => {
  it('makes its holder wait, too, if it asks again', () =>
    virtually(function* () {
      const lock = new Lock();
      const log: unknown[] = [];
      const greedy = spawn(function* () {
        yield* lock.acquire();
        log.push(lock.acquireNowait(), yield* lock.acquire({ timeout: 5 }), hub.now());
        yield* lock.acquire();
        log.push('again', hub.now());
      });
      yield* sleep(10);
      lock.release();
      yield* greedy;
      expect(log).toEqual([false, false, 5, 'again', 10]);
    }));

  it('may be released by anybody: another greenlet, a hub callback, ordinary code', async () => {
    const lock = new Lock();
    await run(() => lock.acquire());
    lock.release();
    expect(lock.locked()).toBe(false);
    expect(lock.acquireNowait()).toBe(true);
    hub.callSoon(() => lock.release());
    await nextTurn();
    expect(lock.locked()).toBe(false);
    await virtually(function* () {
      yield* lock.acquire();
      yield* spawn(() => lock.release());
      expect(lock.locked()).toBe(false);
    });
  });

  it('goes to a waiter when a hub callback or ordinary code releases it', async () => {
    const lock = new Lock();
    expect(lock.acquireNowait()).toBe(true);
    const one = run(() => lock.acquire());
    const other = run(() => lock.acquire());
    await nextTurn();
    lock.release();
    expect([await one, lock.locked(), lock.statistics().waiting]).toEqual([true, true, 1]);
    hub.callSoon(() => {
      lock.release();
      expect(lock.acquireNowait()).toBe(false);
    });
    expect(await other).toBe(true);
    lock.release();
    expect(lock.locked()).toBe(false);
  });

  it('can be taken in a hub callback and in ordinary code, and makes others wait for these', async () => {
    const lock = new Lock();
    let inCallback: boolean[] = [];
    hub.callSoon(() => {
      inCallback = [lock.acquireNowait(), lock.acquireNowait()];
    });
    await nextTurn();
    expect([inCallback, lock.acquireNowait(), await run(() => lock.acquire({ block: false }))]).toEqual([
      [true, false],
      false,
      false,
    ]);
    expect(lock.statistics()).toEqual({ locked: true, holder: 'ordinary code', waiting: 0 });
    lock.release();
  });

  it('can only be released when somebody holds it', () =>
    virtually(function* () {
      const lock = new Lock();
      const error = new InvalidStateError('release() of a Lock that nobody holds: acquire() it first');
      expect(() => lock.release()).toThrow(error);
      yield* lock.acquire();
      lock.release();
      expect(() => lock.release()).toThrow(error);
      expect([lock.locked(), lock.acquireNowait()]).toEqual([false, true]);
    }));

  it('stays with a greenlet that ended without giving it back', () =>
    virtually(function* () {
      const lock = new Lock();
      const holder = spawn(() => lock.acquire());
      holder.name = 'forgetful';
      yield* holder;
      expect(lock.acquireNowait()).toBe(false);
      expect(lock.statistics()).toEqual({ locked: true, holder: 'forgetful', waiting: 0 });
      lock.release();
      expect(lock.locked()).toBe(false);
    }));

  it('tells in statistics() who holds it and how many wait', () =>
    virtually(function* () {
      const lock = new Lock();
      expect(lock.statistics()).toEqual({ locked: false, holder: undefined, waiting: 0 });
      getcurrent()!.name = 'boss';
      yield* lock.acquire();
      const waiters = ['a', 'b'].map((name) => {
        const waiter = spawn(() => lock.acquire());
        waiter.name = name;
        return waiter;
      });
      yield* sleep(0);
      expect(lock.statistics()).toEqual({ locked: true, holder: 'boss', waiting: 2 });
      lock.release();
      // The first in line has it from the moment of the release on.
      expect(lock.statistics()).toEqual({ locked: true, holder: 'a', waiting: 1 });
      yield* waiters[0]!;
      lock.release();
      yield* waiters[1]!;
      expect(lock.statistics()).toEqual({ locked: true, holder: 'b', waiting: 0 });
    }));

  it('is named with its holder in the report of a deadlock', () =>
    virtually(function* () {
      const [one, other] = [new Lock(), new Lock()];
      const cross = function* (first: Lock, second: Lock) {
        using _ = yield* first.hold();
        yield* sleep(1);
        using __ = yield* second.hold(null);
      };
      const [left, right] = [spawn(cross, one, other), spawn(cross, other, one)];
      left.name = 'left';
      right.name = 'right';
      const error = (yield* failureOf(left.join())) as LoopExit;
      expect(error).toBeInstanceOf(LoopExit);
      expect(error.blocked.slice(1).map(({ name, waitsFor }) => [name, waitsFor])).toEqual([
        ['<left cross>', expect.stringMatching(/^Lock\.\w+\(\), held by <right cross>$/)],
        ['<right cross>', expect.stringMatching(/^Lock\.\w+\(\), held by <left cross>$/)],
      ]);
      yield* left.kill();
      yield* right;
      expect([one.locked(), other.locked()]).toEqual([false, false]);
    }));

  it('is named with its holder when main waits for itself', () =>
    virtually(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      const error = yield* failureOf(lock.acquire());
      expect(error).toBeInstanceOf(LoopExit);
      expect(error?.message).toContain('<main> waits for Lock.acquire(), held by <main>');
      expect(lock.statistics()).toMatchObject({ locked: true, waiting: 0 });
    }));
});
