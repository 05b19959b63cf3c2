/** Event, Condition and Barrier in one thread. */
import { BrokenBarrierError, InvalidStateError, iwait, joinall, sleep, spawn, wait } from 'genlet';
import { shared } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { attempt } from '../../support/caught.ts';
import { hub, virtually, watchHub } from '../../support/hub.ts';

watchHub();

describe('Event', () => {
  it('wakes all who wait, in their order, though it is lowered at once', () =>
    virtually(function* () {
      const event = new shared.Event();
      const order: string[] = [];
      const waiters = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          expect(yield* event.wait()).toBe(true);
          order.push(name);
        }),
      );
      yield* sleep(1);
      event.set();
      event.clear();
      expect(event.isSet()).toBe(false);
      yield* joinall(waiters);
      expect(order).toEqual(['a', 'b', 'c']);
      expect(yield* event.wait(10)).toBe(false);
    }));

  it('does not block while it is up, and changes only once', () =>
    virtually(function* () {
      const event = new shared.Event();
      event.clear();
      event.set();
      event.set();
      expect([event.isSet(), event.ready(), yield* event.wait(), yield* event.wait(0)]).toEqual([
        true,
        true,
        true,
        true,
      ]);
      event.clear();
      expect(yield* event.wait(0)).toBe(false);
    }));

  it('forgets who is killed, and serves links', () =>
    virtually(function* () {
      const event = new shared.Event();
      const killed = spawn(() => event.wait());
      yield* sleep(1);
      yield* killed.kill();
      expect(event.statistics().waiting).toBe(0);
      const linked = spawn(() => wait([event]));
      yield* sleep(1);
      event.set();
      expect(yield* linked).toEqual([event]);
      expect(yield* wait([event])).toEqual([event]);
    }));

  it('checks its time limit', () => {
    expect(() => new shared.Event().wait(-1)).toThrow(RangeError);
  });
});

describe('Condition', () => {
  it('notifies in the order of the calls, as many as it is told to', () =>
    virtually(function* () {
      const condition = new shared.Condition();
      const order: string[] = [];
      const waiters = ['a', 'b', 'c', 'd'].map((name) =>
        spawn(function* () {
          using _ = yield* condition.hold();
          expect(yield* condition.wait()).toBe(true);
          order.push(name);
        }),
      );
      yield* sleep(1);
      expect(condition.statistics().waiting).toBe(4);
      yield* condition.acquire();
      condition.notify(2);
      condition.release();
      yield* sleep(1);
      expect(order).toEqual(['a', 'b']);
      yield* condition.acquire();
      condition.notifyAll();
      condition.release();
      yield* joinall(waiters);
      expect(order).toEqual(['a', 'b', 'c', 'd']);
    }));

  it('takes the lock again when time is up, however often it was held', () =>
    virtually(function* () {
      const lock = new shared.RLock();
      const condition = new shared.Condition(lock);
      yield* condition.acquire();
      yield* condition.acquire();
      const start = hub.now();
      expect(yield* condition.wait(25)).toBe(false);
      expect(yield* condition.wait(0)).toBe(false);
      expect([hub.now() - start, lock.statistics().depth]).toEqual([25, 2]);
      expect(yield* condition.waitFor(() => 0, 10)).toBe(0);
      expect(yield* condition.waitFor(() => 'yes')).toBe('yes');
      condition.release();
      condition.release();
    }));

  it('passes on the notification of one who is killed', () =>
    virtually(function* () {
      const condition = new shared.Condition(new shared.Lock());
      const events: string[] = [];
      const waiter = function* (name: string) {
        using _ = yield* condition.hold();
        try {
          yield* condition.wait();
          events.push(`${name} notified`);
        } finally {
          events.push(`${name} ${condition.locked() ? 'holds' : 'holds not'}`);
        }
      };
      const [first, second] = [spawn(waiter, 'first'), spawn(waiter, 'second')];
      yield* sleep(1);
      yield* condition.acquire();
      condition.notify();
      first.kill();
      yield* sleep(1);
      condition.release();
      yield* joinall([first, second]);
      expect(events).toEqual(['first holds', 'second notified', 'second holds']);
    }));

  it('does not count those who were killed or ran out of time', () =>
    virtually(function* () {
      const condition = new shared.Condition();
      const waiter = function* (limit?: number) {
        using _ = yield* condition.hold();
        return yield* condition.wait(limit);
      };
      const killed = spawn(waiter);
      const late = spawn(waiter, 5);
      const last = spawn(waiter);
      yield* sleep(1);
      yield* killed.kill();
      expect(yield* late).toBe(false);
      yield* condition.acquire();
      condition.notify();
      condition.release();
      expect(yield* last).toBe(true);
    }));

  it('tells those who are linked of a notification', () =>
    virtually(function* () {
      const condition = new shared.Condition();
      const linked = spawn(() => wait([condition]));
      yield* sleep(1);
      using _ = yield* condition.hold();
      condition.notify();
      expect(yield* linked).toEqual([condition]);
      expect(yield* wait([condition], { timeout: 5 })).toEqual([]);
    }));

  it('needs its lock, and a shared one', () =>
    virtually(function* () {
      const condition = new shared.Condition();
      expect(() => condition.notify()).toThrow(InvalidStateError);
      expect(() => condition.notifyAll()).toThrow('Condition.notifyAll() needs the lock');
      expect(yield* attempt(() => condition.wait())).toBeInstanceOf(InvalidStateError);
      expect(() => condition.notify(-1)).toThrow('count is -1');
      expect(() => new shared.Condition({} as never)).toThrow('lock is {}: give a shared.Lock or a shared.RLock');
      const copy = shared.open(structuredClone(condition.share()));
      expect([copy === condition, copy.lock === condition.lock]).toEqual([true, true]);
    }));
});

describe('Barrier', () => {
  it('lets all through together and numbers them, round after round', () =>
    virtually(function* () {
      const actions: number[] = [];
      const barrier = new shared.Barrier(3, () => void actions.push(barrier.waiting));
      const party = function* (ms: number) {
        yield* sleep(ms);
        return [yield* barrier.wait(), yield* barrier.wait()];
      };
      const parties = [3, 1, 2].map((ms) => spawn(party, ms));
      yield* joinall(parties);
      expect(parties.map((one) => one.value)).toEqual([
        [2, 0],
        [0, 1],
        [1, 2],
      ]);
      expect(actions).toEqual([0, 0]);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
    }));

  const broken = (act: (barrier: shared.Barrier) => unknown, limit?: number) =>
    virtually(function* () {
      const barrier = new shared.Barrier(3);
      const waiters = [attempt(() => barrier.wait(limit)), attempt(() => barrier.wait())];
      yield* sleep(1);
      expect(barrier.waiting).toBe(2);
      const made = act(barrier);
      if (made !== undefined) yield* (made as (waiters: unknown) => Generator<any, any, any>)(waiters);
      yield* joinall(waiters);
      return [barrier.broken, ...waiters.map((one) => String((one.value as Error | undefined)?.message))];
    });

  it('breaks when it is aborted, until it is reset', async () => {
    const message = 'Barrier.wait(): the barrier was aborted';
    expect(await broken((barrier) => barrier.abort())).toEqual([true, message, message]);
  });

  it('fails those who wait when it is reset, and goes on', async () => {
    const message = 'Barrier.wait(): the barrier was reset';
    expect(await broken((barrier) => barrier.reset())).toEqual([false, message, message]);
  });

  it('breaks when one runs out of time', async () => {
    const message = 'Barrier.wait(): not all came in time';
    expect(await broken(() => undefined, 10)).toEqual([true, message, message]);
  });

  it('breaks when one who waits is killed', async () => {
    const act = () => (waiters: ReturnType<typeof spawn>[]) => waiters[0]!.kill()[Symbol.iterator]();
    const [isBroken, killed, other] = await broken(act as never);
    expect([isBroken, killed, other]).toEqual([true, 'killed', 'Barrier.wait(): one who waited was killed']);
  });

  it('breaks when the action fails, and throws its error in the last to arrive', () =>
    virtually(function* () {
      const barrier = new shared.Barrier(2, () => {
        throw new Error('no luck');
      });
      const first = attempt(() => barrier.wait());
      yield* sleep(1);
      const last = attempt(() => barrier.wait());
      yield* joinall([first, last]);
      expect([first.value, last.value].map((error) => (error as Error).message)).toEqual([
        'Barrier.wait(): the action failed',
        'no luck',
      ]);
      expect(barrier.broken).toBe(true);
      barrier.reset();
      expect(barrier.broken).toBe(false);
    }));

  it('makes those who come while the action runs part of the next round', () =>
    virtually(function* () {
      const barrier = new shared.Barrier(2, () => sleep(10));
      const round = [spawn(() => barrier.wait()), spawn(() => barrier.wait())];
      yield* sleep(5);
      const early = spawn(() => barrier.wait());
      yield* joinall(round);
      expect(round.map((one) => one.value)).toEqual([0, 1]);
      expect(yield* barrier.wait()).toBe(1);
      expect(yield* early).toBe(0);
    }));

  it('fails a round that is aborted while its action runs', () =>
    virtually(function* () {
      const barrier = new shared.Barrier(2, () => sleep(10));
      const round = [attempt(() => barrier.wait()), attempt(() => barrier.wait())];
      yield* sleep(5);
      barrier.abort();
      yield* joinall(round);
      expect(round.map((one) => one.value instanceof BrokenBarrierError)).toEqual([true, true]);
      expect(() => new shared.Barrier(2).reset()).not.toThrow();
    }));

  it('tells those who are linked when a round is complete or it breaks', () =>
    virtually(function* () {
      const barrier = new shared.Barrier(1);
      const linked = spawn(() => wait([barrier]));
      yield* sleep(1);
      expect(yield* barrier.wait()).toBe(0);
      expect(yield* linked).toEqual([barrier]);
      barrier.abort();
      using ready = iwait([barrier]);
      expect((yield* ready.next()).value).toBe(barrier);
    }));

  it('keeps its own time limit in all threads, and checks its arguments', () =>
    virtually(function* () {
      const barrier = new shared.Barrier(2, undefined, 15);
      const start = hub.now();
      const alone = yield* attempt(() => barrier.wait());
      expect([alone instanceof BrokenBarrierError, hub.now() - start]).toEqual([true, 15]);
      expect(structuredClone(barrier.share())).toMatchObject({ shared: 'Barrier', detail: 15 });
      expect(() => new shared.Barrier(0)).toThrow('parties is 0: give a whole number, 1 or more');
      expect(() => new shared.Barrier(5000)).toThrow('parties is 5000: give at most 4095');
      expect(() => new shared.Barrier(1, 5 as never)).toThrow('action is 5');
    }));
});
