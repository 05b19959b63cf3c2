import { Greenlet, Pool, PoolFull, sleep, spawn, Timeout, wait } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

const nap = (ms: number) => sleep(ms);

describe('the places of a pool', () => {
  it('are taken by members and get free when these end', () =>
    virtually(function* () {
      const pool = new Pool(2);
      expect([pool.freeCount(), pool.full()]).toEqual([2, false]);
      const first = yield* pool.spawn(nap, 5);
      yield* pool.spawn(nap, 10);
      expect([pool.freeCount(), pool.full(), pool.size]).toEqual([0, true, 2]);
      yield* pool.spawn(nap, 1);
      expect([hub.now(), first.dead]).toEqual([5, true]);
      yield* pool.join();
      expect(pool.statistics()).toEqual({ members: 0, free: 2, waiting: 0 });
    }));

  it('are given in the order of the calls, and spawn starts as spawn() does', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const log: string[] = [];
      const spawners = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          yield* pool.spawn(function* () {
            log.push(`${name} begins`);
            yield* sleep(5);
          });
          log.push(`${name} is spawned`);
        }),
      );
      yield* sleep(0);
      expect(pool.statistics()).toEqual({ members: 1, free: 0, waiting: 2 });
      yield* wait(spawners);
      yield* pool.join();
      expect(log).toEqual(['a is spawned', 'a begins', 'b is spawned', 'b begins', 'c is spawned', 'c begins']);
    }));

  it('have no limit for undefined, null and Infinity, and are none for 0', () =>
    virtually(function* () {
      for (const none of [undefined, null, Infinity]) {
        const pool = new Pool(none);
        for (let i = 0; i < 10; i++) yield* pool.spawn(nap, 1);
        expect([pool.freeCount(), pool.full(), pool.size]).toEqual([Infinity, false, 10]);
        yield* pool.join();
        expect(pool.freeCount()).toBe(Infinity);
      }
      const closed = new Pool(0);
      expect([closed.freeCount(), closed.full(), yield* closed.waitAvailable(5)]).toEqual([0, true, 0]);
      for (const wrong of [-1, 1.5, Number.NaN]) expect(() => new Pool(wrong)).toThrow(RangeError);
    }));

  it('are taken by greenlets that are added, each once', () =>
    virtually(function* () {
      const pool = new Pool(2);
      const greenlet = new Greenlet(nap, 5);
      expect(yield* pool.add(greenlet)).toBe(greenlet);
      expect(yield* pool.add(greenlet)).toBe(greenlet);
      expect([pool.freeCount(), greenlet.started]).toEqual([1, false]);
      greenlet.start();
      yield* pool.add(spawn(nap, 5));
      const late = new Greenlet(nap, 1);
      const adders = [spawn(() => pool.add(late)), spawn(() => pool.add(late))];
      yield* wait(adders);
      expect([hub.now(), pool.freeCount()]).toEqual([5, 1]);
      late.start();
      yield* pool.join();
      expect(pool.freeCount()).toBe(2);
      expect(() => pool.add(5 as never)).toThrow(TypeError);
      expect(() => pool.spawn(5 as never)).toThrow(TypeError);
    }));

  it('get free by discard, and pass at once to who waits', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const first = yield* pool.spawn(nap, 20);
      const spawner = spawn(() => pool.spawn(nap, 1));
      yield* sleep(0);
      pool.discard(first);
      expect([pool.freeCount(), pool.size]).toEqual([0, 0]);
      yield* spawner;
      yield* pool.join();
      expect([hub.now(), pool.freeCount()]).toEqual([1, 1]);
      yield* first;
      expect(pool.freeCount()).toBe(1);
    }));

  it('get free when members fail, are killed, or never begin', () =>
    virtually(function* () {
      const pool = new Pool(3);
      yield* pool.spawn(() => {
        throw new Error('fails');
      });
      const blocked = yield* pool.spawn(nap, 50);
      yield* sleep(0);
      const unbegun = yield* pool.spawn(nap, 50);
      unbegun.kill();
      yield* blocked.kill();
      expect([pool.freeCount(), hub.now()]).toEqual([3, 0]);
    }));
});

describe('waiting for a place', () => {
  it('throws PoolFull without blocking, or when time is up', () =>
    virtually(function* () {
      const pool = new Pool(1);
      yield* pool.spawn(nap, 100);
      const thrown: unknown[] = [];
      for (const options of [{ block: false }, { timeout: 0 }, { timeout: 5 }]) {
        try {
          yield* pool.add(new Greenlet(nap, 1), options);
        } catch (error) {
          thrown.push([(error as Error).constructor, hub.now()]);
        }
      }
      expect(thrown).toEqual([
        [PoolFull, 0],
        [PoolFull, 0],
        [PoolFull, 5],
      ]);
      expect(pool.statistics()).toEqual({ members: 1, free: 0, waiting: 0 });
      expect(() => pool.add(new Greenlet(nap, 1), { timeout: -1 })).toThrow(RangeError);
      yield* pool.join();
    }));

  it('stops its clock when it gets one', () =>
    virtually(function* () {
      const pool = new Pool(1);
      yield* pool.spawn(nap, 5);
      const added = yield* pool.add(new Greenlet(nap, 1), { timeout: 100 });
      expect([hub.now(), hub.stats().timers]).toEqual([5, 0]);
      added.start();
      yield* pool.join();
    }));

  it('can be killed, and the place goes to the next', () =>
    virtually(function* () {
      const pool = new Pool(1);
      yield* pool.spawn(nap, 5);
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) =>
        spawn(() => pool.add(new Greenlet(() => log.push(name)), name === 'two' ? { timeout: 50 } : undefined)),
      );
      yield* sleep(1);
      yield* one!.kill();
      yield* two!.kill();
      expect([pool.statistics().waiting, hub.stats().timers]).toEqual([1, 1]);
      (yield* three!).start();
      yield* pool.join();
      expect([log, pool.freeCount()]).toEqual([['three'], 1]);
    }));

  it('keeps a place that was given in the pass of the kill', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const first = yield* pool.spawn(nap, 50);
      const log: string[] = [];
      const spawner = spawn(function* () {
        const member = yield* pool.spawn(nap, 5);
        log.push(`spawned, ${pool.size} member`);
        yield* member;
        log.push('late');
      });
      yield* sleep(0);
      pool.discard(first);
      yield* spawner.kill();
      yield* pool.join();
      yield* first.kill();
      expect([log, pool.freeCount()]).toEqual([['spawned, 1 member'], 1]);
    }));

  it('lets an outer timeout through', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const member = yield* pool.spawn(nap, 50);
      using limit = Timeout.startNew(5);
      let caught: unknown;
      try {
        yield* pool.spawn(nap, 1);
      } catch (error) {
        caught = error;
      }
      expect([caught === limit, pool.statistics().waiting]).toEqual([true, 0]);
      yield* member.kill();
    }));
});

describe('waitAvailable', () => {
  it('tells the free places and takes none', () =>
    virtually(function* () {
      const pool = new Pool(2);
      expect(yield* pool.waitAvailable()).toBe(2);
      yield* pool.spawn(nap, 5);
      yield* pool.spawn(nap, 10);
      expect([yield* pool.waitAvailable(0), yield* pool.waitAvailable(2), hub.now()]).toEqual([0, 0, 2]);
      expect([yield* pool.waitAvailable(), hub.now()]).toEqual([1, 5]);
      yield* pool.join();
      expect(() => pool.waitAvailable(-1)).toThrow(RangeError);
    }));

  it('stands behind those who wait to spawn', () =>
    virtually(function* () {
      const pool = new Pool(1);
      yield* pool.spawn(nap, 5);
      const waiter = spawn(() => pool.waitAvailable(100));
      yield* sleep(0);
      const spawner = spawn(() => pool.spawn(nap, 5));
      expect([yield* waiter, hub.now()]).toEqual([1, 10]);
      yield* spawner;
      expect(hub.stats().timers).toBe(0);
    }));

  it('waits on if somebody was quicker', () =>
    virtually(function* () {
      const pool = new Pool(1);
      yield* pool.spawn(nap, 5);
      const quicker = spawn(function* () {
        yield* sleep(5);
        yield* pool.spawn(nap, 5);
      });
      const waiters = [undefined, 7].map((timeout) => spawn(() => pool.waitAvailable(timeout)));
      yield* wait([...waiters, quicker]);
      expect([waiters.map(({ value }) => value), hub.now()]).toEqual([[1, 0], 10]);
    }));
});

describe('a member that spawns into its own full pool', () => {
  it('gets PoolFull if no place could ever get free', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const member = yield* pool.spawn(function* () {
        yield* pool.spawn(nap, 1);
      });
      yield* member.join();
      expect(member.exception).toBeInstanceOf(PoolFull);
      expect((member.exception as Error).message).toMatch(/all members, Greenlet-\d+ among them/);
    }));

  it('waits as long as another member may end', () =>
    virtually(function* () {
      const pool = new Pool(2);
      const log: string[] = [];
      yield* pool.spawn(nap, 5);
      yield* pool.spawn(function* () {
        const child = yield* pool.spawn(nap, 1);
        log.push(`spawned at ${hub.now()}`);
        yield* child;
      });
      yield* pool.join({ raiseError: true });
      expect([log, pool.freeCount()]).toEqual([['spawned at 5'], 2]);
    }));

  it('is the last of several who would wait for each other', () =>
    virtually(function* () {
      const pool = new Pool(2);
      const log: string[] = [];
      const work = function* (name: string) {
        yield* sleep(1);
        try {
          yield* pool.spawn(() => log.push(`child of ${name}`));
        } catch (error) {
          log.push(`${name}: ${(error as Error).constructor.name}`);
        }
      };
      yield* pool.spawn(work, 'one');
      yield* pool.spawn(work, 'two');
      yield* pool.join({ raiseError: true });
      expect([log, pool.freeCount()]).toEqual([['two: PoolFull', 'child of one'], 2]);
    }));

  it('may wait with a time limit', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const member = yield* pool.spawn(() => pool.add(new Greenlet(nap, 1), { timeout: 5 }));
      yield* member.join();
      expect([hub.now(), (member.exception as Error).constructor]).toEqual([5, PoolFull]);
    }));
});

describe('a pool at work', () => {
  it('runs at most its size at once', () =>
    virtually(function* () {
      const pool = new Pool(3);
      let running = 0;
      let most = 0;
      const work = function* (n: number) {
        most = Math.max(most, ++running);
        yield* sleep(n % 7);
        running--;
        return n;
      };
      const numbers = Array.from({ length: 50 }, (_, n) => n);
      expect(yield* pool.map(work, numbers)).toEqual(numbers);
      using results = pool.imap(work, numbers);
      for (const n of numbers) expect((yield* results.next()).value).toBe(n);
      expect([most, running, pool.freeCount()]).toEqual([3, 0, 3]);
    }));

  it('never blocks in applyAsync, and passes its result on', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const results = [5, 5, 5].map((ms) =>
        pool.applyAsync(function* () {
          yield* sleep(ms);
          return hub.now();
        }),
      );
      yield* wait(results);
      expect(results.map(({ value }) => value)).toEqual([5, 10, 15]);
    }));

  it('is emptied by kill; who waited for a place gets it then', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const log: string[] = [];
      yield* pool.spawn(nap, 50);
      const spawner = spawn(() => pool.spawn(() => log.push('late')));
      yield* sleep(0);
      yield* pool.kill();
      const late = yield* spawner;
      yield* late.join();
      expect([log, hub.now(), pool.freeCount()]).toEqual([['late'], 0, 1]);
    }));
});
