/** gevent's test__pool: places, apply, join, errors. The tests over pools of several sizes have a file of their own. */
import { type Coroutine, Event, Greenlet, Pool, PoolFull, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { describe, expect, it, vi } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { itReturnsWhenTimeIsUp, outcomeOf } from './gevent-waits.ts';

const { takeReports } = watchHub();

const nap = (ms: number) => sleep(ms);

describe('work given to a pool', () => {
  it('is done after applyAsync, without anybody waiting for it', () =>
    virtually(function* () {
      const done = new Event();
      const pool = new Pool(2);
      pool.applyAsync((_word: string) => done.set(), 'x');
      expect(yield* done.wait()).toBe(true);
      yield* pool.join();
    }));

  it('gives its value by apply', () =>
    virtually(function* () {
      const pool = new Pool(2);
      expect(yield* pool.apply(() => 'return value')).toBe('return value');
      expect(yield* new Pool().apply((a: number) => ['foo', a], 1)).toEqual(['foo', 1]);
    }));

  it('throws its error by apply, and only there', () =>
    virtually(function* () {
      const error = new Error('expected');
      const pool = new Pool(1);
      const outcome = yield* outcomeOf(() =>
        pool.apply(() => {
          throw error;
        }),
      );
      expect((outcome as { error: unknown }).error).toBe(error);
      expect([yield* pool.join({ raiseError: true }), pool.freeCount()]).toEqual([true, 1]);
    }));

  it('may wait for other work of the pool', () =>
    virtually(function* () {
      const event = new Event();
      const log: string[] = [];
      const pool = new Pool(2);
      const consumer = yield* pool.spawn(function* () {
        log.push('consumer waits');
        yield* event.wait();
        log.push('consumer goes on');
      });
      pool.applyAsync(function* () {
        yield* sleep(1);
        log.push('producer');
        event.set();
      });
      yield* consumer.get();
      expect(log).toEqual(['consumer waits', 'producer', 'consumer goes on']);
    }));

  it('may apply to its own pool, although that is full', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const result = yield* pool.apply(() => pool.apply((a: number) => a + 1, 5));
      expect(result).toBe(6);
      const event = new Event();
      pool.applyAsync(() => event.set());
      expect(yield* event.wait()).toBe(true);
      yield* pool.join();
    }));
});

describe('a pool survives', () => {
  it('errors for which even reporting fails', async () => {
    const error = new Error('crash');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const failingReports: unknown[] = [];
    try {
      await virtually(function* () {
        hub.onError = (reported) => {
          failingReports.push(reported);
          throw new Error('reporting failed');
        };
        const pool = new Pool(1);
        const member = yield* pool.spawn(function* (): Coroutine<void> {
          yield* sleep(1);
          throw error;
        });
        const linkError = new Error('link');
        member.rawlink(() => {
          throw linkError;
        });
        using _limit = Timeout.startNew(2000);
        const outcome = yield* outcomeOf(() => member.get());
        expect((outcome as { error: unknown }).error).toBe(error);
        yield* sleep(0);
        expect([pool.freeCount(), failingReports]).toEqual([1, [linkError]]);
        yield* withTimeout(100, () => pool.apply(nap, 1));
        expect([yield* pool.join(), hub.now()]).toEqual([true, 2]);
      });
    } finally {
      write.mockRestore();
    }
  });

  it('errors that can’t even be printed', async () => {
    const { lines } = await runProgram(`
      import { Pool, run, sleep } from 'genlet';
      process.stderr.write = () => { throw new Error('writing failed'); };
      await run(function* () {
        const pool = new Pool(1);
        const member = yield* pool.spawn(() => { throw new Error('crash'); });
        member.rawlink(() => { throw new Error('link'); });
        yield* member.join();
        yield* sleep(1);
        console.log(pool.freeCount(), yield* pool.apply(() => 'goes on'));
      });
    `);
    expect(lines).toEqual(['1 goes on']);
  });
});

describe('the places of a pool', () => {
  it('are taken at the spawn, and applyAsync takes none that is not there', () =>
    virtually(function* () {
      const pool = new Pool(2);
      const log: number[] = [];
      const note = (n: number) => void log.push(n);
      expect(pool.freeCount()).toBe(2);
      const first = yield* pool.spawn(note, 1);
      expect(pool.freeCount()).toBe(1);
      yield* first.get();
      expect([log, pool.freeCount()]).toEqual([[1], 2]);
      pool.applyAsync(note, 2);
      expect([log, pool.freeCount()]).toEqual([[1], 1]);
      pool.applyAsync(note, 3);
      expect([log, pool.freeCount()]).toEqual([[1], 0]);
      pool.applyAsync(note, 4);
      expect(log).toEqual([1]);
      yield* sleep(10);
      expect([log, pool.freeCount()]).toEqual([[1, 2, 3, 4], 2]);
    }));

  it('get free once by discard, and not again at the end', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const first = yield* pool.spawn(nap, 1000);
      pool.discard(first);
      yield* first.kill();
      expect([first.started, pool.size, pool.freeCount()]).toEqual([false, 0, 1]);
    }));

  it('are taken by added greenlets; while there is none, add waits', () =>
    withTwoSleepers(function* (pool, first, second) {
      expect([pool.freeCount(), pool.size]).toEqual([1, 0]);
      yield* pool.add(first);
      expect([pool.freeCount(), pool.size]).toEqual([0, 1]);
      const limit = Timeout.startNew(100);
      const outcome = yield* outcomeOf(() => pool.add(second));
      expect([(outcome as { error: unknown }).error === limit, hub.now()]).toEqual([true, 100]);
      expect([pool.freeCount(), pool.size, pool.statistics().waiting]).toEqual([0, 1, 0]);
    }));

  it('are not waited for with block: false: add throws PoolFull', () =>
    withTwoSleepers(function* (pool, first, second) {
      yield* pool.add(first);
      const log: string[] = [];
      const other = spawn(() => log.push('other'));
      expect(yield* outcomeOf(() => pool.add(second, { block: false }))).toEqual({ error: expect.any(PoolFull) });
      expect([pool.has(second), log]).toEqual([false, []]); // no switch
      yield* other;
    }));

  it('are waited for as long as the timeout says: add throws PoolFull', () =>
    withTwoSleepers(function* (pool, first, second) {
      yield* pool.add(first);
      expect(yield* outcomeOf(() => pool.add(second, { timeout: 100 }))).toEqual({ error: expect.any(PoolFull) });
      expect([hub.now(), pool.has(second), second.dead]).toEqual([100, false, false]);
    }));

  it('are waited for before a greenlet starts: one that got none stays unstarted', () =>
    withTwoSleepers(function* (pool, first) {
      yield* pool.add(first);
      const third = new Greenlet(nap, 1000);
      const outcome = yield* outcomeOf(function* () {
        (yield* pool.add(third, { timeout: 100 })).start();
      });
      expect(outcome).toEqual({ error: expect.any(PoolFull) });
      expect([hub.now(), third.started, third.dead]).toEqual([100, false, false]);
    }));

  it('cannot be fewer than none', () => {
    expect(() => new Pool(-1)).toThrow(new RangeError('size is -1: give a whole number, 0 or more'));
  });

  it('never come where there are none', () =>
    virtually(function* () {
      const pool = new Pool(0);
      expect([pool.freeCount(), pool.full()]).toEqual([0, true]);
      expect([yield* pool.waitAvailable(10), hub.now()]).toEqual([0, 10]);
    }));

  function withTwoSleepers(body: (pool: Pool, first: Greenlet<void>, second: Greenlet<void>) => Coroutine<void>) {
    return virtually(function* () {
      const [first, second] = [spawn(nap, 1000), spawn(nap, 1000)];
      try {
        yield* body(new Pool(1), first, second);
      } finally {
        yield* second.kill();
        yield* first.kill();
      }
    });
  }
});

describe.each([
  ['', false],
  [', with raiseError', true],
])('join of a pool at work%s', (_, raiseError) => {
  itReturnsWhenTimeIsUp(function* (timeout) {
    const pool = new Pool();
    const sleeper = yield* pool.spawn(nap, 10_000);
    try {
      return yield* pool.join({ timeout: timeout ?? null, raiseError });
    } finally {
      yield* sleeper.kill();
    }
  }, false);
});

describe('join of a pool', () => {
  it('gives true at once if it is empty', () =>
    virtually(function* () {
      const log: string[] = [];
      const other = spawn(() => log.push('other'));
      expect([yield* new Pool().join(), log]).toEqual([true, []]);
      yield* other;
    }));

  it('gives false while there is a member, and true when the last has ended', () =>
    virtually(function* () {
      const pool = new Pool(1);
      expect(pool.size).toBe(0);
      yield* pool.spawn(nap, 100);
      expect(pool.size).toBe(1);
      expect([yield* pool.join({ timeout: 10 }), hub.now()]).toEqual([false, 10]);
      expect([yield* pool.join(), hub.now(), pool.size]).toEqual([true, 100, 0]);
    }));
});

describe('spawning into a pool', () => {
  it('waits while it is full', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const log: number[][] = [[pool.size, hub.now()]];
      for (let i = 0; i < 2; i++) {
        yield* pool.spawn(nap, 100);
        log.push([pool.size, hub.now()]);
      }
      yield* sleep(190);
      log.push([pool.size, hub.now()]);
      expect(log).toEqual([
        [0, 0],
        [1, 0],
        [1, 100],
        [0, 290],
      ]);
    }));
});

describe('an error in the items', () => {
  const error = new Error('items');
  function* items(): Generator<number, void, void> {
    yield 1;
    yield 2;
    throw error;
  }

  it('is thrown by map', () =>
    virtually(function* () {
      const pool = new Pool(3);
      const worked: number[] = [];
      const outcome = yield* outcomeOf(() => pool.map((n: number) => worked.push(n), items()));
      expect([(outcome as { error: unknown }).error === error, worked]).toEqual([true, [1, 2]]);
      expect([yield* pool.join(), pool.freeCount()]).toEqual([true, 3]);
    }));

  it('is thrown by imapUnordered, behind the results', () =>
    virtually(function* () {
      const pool = new Pool(3);
      const results: unknown[] = [];
      const outcome = yield* outcomeOf(function* () {
        using each = pool.imapUnordered((n: number) => n, items());
        for (let step; !(step = yield* each.next()).done; ) results.push(step.value);
      });
      expect([(outcome as { error: unknown }).error === error, results]).toEqual([true, [1, 2]]);
      expect(pool.freeCount()).toBe(3);
    }));
});

describe('an error in the work', () => {
  const invert = (n: number) => {
    if (n === 0) throw new RangeError('division by zero');
    return 1 / n;
  };

  it('is thrown by map', () =>
    virtually(function* () {
      const pool = new Pool(3);
      expect(yield* outcomeOf(() => pool.map(invert, [1, 0, 2]))).toEqual({
        error: new RangeError('division by zero'),
      });
    }));

  it.each(['imap', 'imapUnordered'] as const)('is thrown by %s in its place, and the iteration goes on', (method) =>
    virtually(function* () {
      const pool = new Pool(1);
      using each = pool[method](invert, [1, 0, 2]);
      expect(yield* each.next()).toEqual({ done: false, value: 1 });
      expect(yield* outcomeOf(() => each.next())).toEqual({ error: new RangeError('division by zero') });
      expect(yield* each.next()).toEqual({ done: false, value: 0.5 });
      expect(yield* each.next()).toEqual({ done: true, value: undefined });
    }),
  );

  it('never reaches the hub, for somebody has taken it', async () => {
    await virtually(function* () {
      const pool = new Pool(2);
      for (const work of [() => pool.map(invert, [0, 0]), () => pool.apply(invert, 0)]) yield* outcomeOf(work);
      yield* sleep(1);
    });
    expect(await takeReports()).toEqual([]);
  });
});
