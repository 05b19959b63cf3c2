import {
  type Coroutine,
  Greenlet,
  GreenletExit,
  Group,
  getcurrent,
  InvalidSwitchError,
  type Iteration,
  isExit,
  Pool,
  sleep,
  spawn,
  spawnLater,
  Timeout,
  wait,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

function* double(n: number): Coroutine<number> {
  yield* sleep(n);
  return 2 * n;
}

/** All that an iteration gives: values, and the messages of errors. */
function* drain(items: Iteration<unknown>): Coroutine<unknown[]> {
  const all: unknown[] = [];
  for (;;) {
    try {
      const step = yield* items.next();
      if (step.done) return all;
      all.push(step.value);
    } catch (error) {
      all.push((error as Error).message);
    }
  }
}

const namesOf = (greenlets: Iterable<Greenlet<any>>) => Array.from(greenlets, ({ name }) => name);

describe('the members of a group', () => {
  it('are there until they end', () =>
    virtually(function* () {
      const group = new Group();
      const [slow, quick] = [group.spawn(double, 2), group.spawn(double, 1)];
      const stranger = spawn(double, 1);
      slow.name = 'slow';
      quick.name = 'quick';
      expect([group.size, namesOf(group), group.has(slow), group.has(stranger)]).toEqual([
        2,
        ['slow', 'quick'],
        true,
        false,
      ]);
      expect(group.statistics()).toEqual({ members: 2 });
      yield* quick;
      expect(namesOf(group)).toEqual(['slow']);
      yield* slow;
      expect([group.size, [...group], slow.value]).toEqual([0, [], 4]);
      yield* stranger;
    }));

  it('begin in the order of their spawning, never at once', () =>
    virtually(function* () {
      const log: string[] = [];
      const group = new Group();
      for (const name of ['a', 'b']) group.spawn(() => log.push(name));
      log.push('spawned');
      yield* group.join();
      expect(log).toEqual(['spawned', 'a', 'b']);
    }));

  it('can be added, started or not, once', () =>
    virtually(function* () {
      const [unstarted, started, ended] = [new Greenlet(double, 1), spawn(double, 2), spawn(double, 0)];
      yield* ended;
      const group = new Group([unstarted, started, ended]);
      expect(group.add(started)).toBe(started);
      expect(namesOf(group)).toEqual([unstarted.name, started.name]);
      unstarted.start();
      yield* group.join();
      expect([unstarted.value, started.value]).toEqual([2, 4]);
      expect(() => group.add(5 as never)).toThrow(TypeError);
    }));

  it('can be discarded, and run on', () =>
    virtually(function* () {
      const group = new Group();
      const member = group.spawn(double, 5);
      group.discard(member);
      group.discard(member);
      expect([group.size, yield* group.join(), hub.now()]).toEqual([0, true, 0]);
      expect(yield* member).toBe(10);
    }));

  it('must be functions to spawn', () => {
    expect(() => new Group().spawn(5 as never)).toThrow(TypeError);
    expect(() => new Group().map(5 as never, [])).toThrow(TypeError);
    expect(() => new Group().map(double, 5 as never)).toThrow(TypeError);
  });
});

describe('join', () => {
  it('waits for all, also for those who come meanwhile', () =>
    virtually(function* () {
      const group = new Group();
      group.spawn(double, 5);
      hub.callLater(3, () => void group.spawn(double, 10));
      expect([yield* group.join(), hub.now(), group.size]).toEqual([true, 13, 0]);
      expect(yield* group.join()).toBe(true);
    }));

  it('gives false when time is up, and leaves no timer behind', () =>
    virtually(function* () {
      const group = new Group();
      const member = group.spawn(double, 10);
      expect([yield* group.join({ timeout: 0 }), yield* group.join({ timeout: 4 }), hub.now()]).toEqual([
        false,
        false,
        4,
      ]);
      expect(yield* group.join({ timeout: 100 })).toBe(true);
      expect([hub.now(), hub.stats().timers, member.value]).toEqual([10, 0, 20]);
      expect(() => group.join({ timeout: -1 })).toThrow(RangeError);
    }));

  it('wakes all joiners, in the order of their calls, but one that was killed', () =>
    virtually(function* () {
      const group = new Group();
      group.spawn(double, 5);
      const log: string[] = [];
      const joiners = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          yield* group.join({ timeout: 100 });
          log.push(name);
        }),
      );
      yield* sleep(1);
      yield* joiners[1]!.kill();
      yield* wait(joiners);
      expect([log, hub.stats().timers]).toEqual([['a', 'c'], 0]);
    }));

  it('does not let a member wait for itself', () =>
    virtually(function* () {
      const group = new Group();
      const member = group.spawn(() => group.join());
      yield* group.join();
      expect(member.exception).toBeInstanceOf(InvalidSwitchError);
    }));

  it('throws the first failure when all have ended, with raiseError, and once', () =>
    virtually(function* () {
      const group = new Group();
      const fail = function* (ms: number) {
        yield* sleep(ms);
        throw new Error(`after ${ms}`);
      };
      group.spawn(fail, 1);
      yield* sleep(2);
      group.spawn(fail, 1);
      group.spawn(double, 20);
      const results: unknown[] = [yield* group.join({ raiseError: true, timeout: 5 })];
      try {
        yield* group.join({ raiseError: true });
      } catch (error) {
        results.push((error as Error).message, hub.now());
      }
      results.push(yield* group.join({ raiseError: true }));
      expect(results).toEqual([false, 'after 1', 22, true]);
    }));

  it('takes the errors of members, so that nobody reports them', async () => {
    await virtually(function* () {
      const group = new Group();
      group.spawn(() => {
        throw new Error('of a member');
      });
      yield* group.join();
    });
    expect(await takeReports()).toEqual([]);
  });

  it('counts a killed member as no failure', () =>
    virtually(function* () {
      const group = new Group();
      const member = group.spawn(double, 5);
      yield* sleep(0);
      yield* member.kill();
      expect(yield* group.join({ raiseError: true })).toBe(true);
    }));
});

describe('kill', () => {
  it('kills all at once and waits for their ends', () =>
    virtually(function* () {
      const group = new Group();
      const log: string[] = [];
      for (const ms of [3, 7]) {
        group.spawn(function* () {
          try {
            yield* sleep(100);
          } finally {
            yield* sleep(ms);
            log.push(`${ms} at ${hub.now()}`);
          }
        });
      }
      yield* sleep(0);
      group.spawn(() => log.push('never'));
      const killing = group.kill();
      log.push(`${group.size} left`);
      yield* killing;
      expect(log).toEqual(['2 left', '3 at 3', '7 at 7']);
    }));

  it('kills late joiners too, until all are gone', () =>
    virtually(function* () {
      const group = new Group();
      const log: string[] = [];
      group.spawn(function* () {
        try {
          yield* sleep(100);
        } finally {
          group.spawn(() => log.push('never'));
          group.spawn(double, 50);
        }
      });
      yield* sleep(0);
      yield* group.kill();
      expect([log, group.size, hub.now()]).toEqual([[], 0, 0]);
      group.spawn(() => log.push('afterwards'));
      yield* group.join();
      expect(log).toEqual(['afterwards']);
    }));

  it('throws the given error into each, which join may raise', () =>
    virtually(function* () {
      const group = new Group();
      const members = [group.spawn(double, 5), group.spawn(double, 5)];
      yield* sleep(0);
      const error = new Error('enough');
      yield* group.kill(error);
      expect(members.map(({ exception }) => exception)).toEqual([error, error]);
      expect(yield* group.join()).toBe(true);
    }));

  it('waits no longer than its timeout, and not at all with block: false', () =>
    virtually(function* () {
      const group = new Group();
      const stubborn = group.spawn(function* () {
        for (;;) {
          try {
            yield* sleep(20);
            return;
          } catch (error) {
            if (!isExit(error)) throw error;
          }
        }
      });
      yield* sleep(0);
      yield* group.kill(undefined, { block: false });
      expect(hub.now()).toBe(0);
      yield* group.kill(new GreenletExit(), { timeout: 5 });
      expect([hub.now(), group.size, hub.stats().timers]).toEqual([5, 1, 1]);
      const newcomer = group.spawn(double, 1);
      expect(yield* newcomer).toBe(2);
      yield* stubborn;
      expect(() => group.kill(undefined, { timeout: -1 })).toThrow(RangeError);
    }));

  it('reaches the member that calls it', () =>
    virtually(function* () {
      const group = new Group();
      const log: string[] = [];
      group.spawn(double, 50);
      group.spawn(function* () {
        yield* group.kill();
        log.push('never');
      });
      yield* group.join();
      expect([log, hub.now()]).toEqual([[], 0]);
    }));

  it('does nothing to an empty group', () => virtually(() => new Group().kill()));

  it('of one member leaves the others, and strangers', () =>
    virtually(function* () {
      const group = new Group();
      const [one, other, stranger] = [group.spawn(double, 5), group.spawn(double, 5), spawn(double, 5)];
      yield* sleep(0);
      yield* group.killOne(one);
      yield* group.killOne(stranger);
      expect([one.dead, yield* other, yield* stranger]).toEqual([true, 10, 10]);
      expect(one.value).toBeInstanceOf(GreenletExit);
    }));
});

describe.each([
  ['a Group', () => new Group()],
  ['a Pool of 1', () => new Pool(1)],
  ['a Pool of 2', () => new Pool(2)],
  ['a Pool of 1000', () => new Pool(1000)],
  ['a Pool without a limit', () => new Pool()],
])('%s', (_, make) => {
  it('applies a function and gives its result or error', () =>
    virtually(function* () {
      const group = make();
      expect(yield* group.apply(double, 3)).toBe(6);
      expect(yield* group.apply((a: number, b: number) => a + b, 1, 2)).toBe(3);
      const error = new Error('of fn');
      let caught: unknown;
      try {
        yield* group.apply(() => {
          throw error;
        });
      } catch (thrown) {
        caught = thrown;
      }
      expect(caught).toBe(error);
      expect(yield* group.join({ raiseError: true })).toBe(true);
    }));

  it('applies in place for a member', () =>
    virtually(function* () {
      const group = make();
      const inside = yield* group.apply(function* () {
        const me = getcurrent()!.id;
        return (yield* group.apply(() => getcurrent()!.id)) === me;
      });
      expect(inside).toBe(true);
    }));

  it('applies without waiting', () =>
    virtually(function* () {
      const group = make();
      const log: string[] = [];
      const results = [3, 2, 1].map((n) =>
        group.applyAsync(function* () {
          log.push(`begin ${n}`);
          return yield* double(n);
        }),
      );
      log.push('called');
      expect([yield* results[0]!, yield* results[1]!, yield* results[2]!]).toEqual([6, 4, 2]);
      expect(log).toEqual(['called', 'begin 3', 'begin 2', 'begin 1']);
    }));

  it('maps in the order of the items', () =>
    virtually(function* () {
      const group = make();
      expect(yield* group.map(double, [3, 1, 2])).toEqual([6, 2, 4]);
      expect(yield* group.map(double, [])).toEqual([]);
      expect(yield* group.mapAsync((n: number) => n + 1, new Set([1, 2]))).toEqual([2, 3]);
      expect(yield* group.map((letter: string) => letter.toUpperCase(), 'ab')).toEqual(['A', 'B']);
      async function* numbers() {
        yield 1;
        yield 2;
      }
      expect(yield* group.map(double, numbers())).toEqual([2, 4]);
      expect(yield* group.map(double, group.imap(double, [1, 2]))).toEqual([4, 8]);
      expect(group.size).toBe(0);
    }));

  it('throws the first error in the order of the items from map, and the others run on', () =>
    virtually(function* () {
      const group = make();
      const ended: number[] = [];
      const work = function* (n: number) {
        yield* sleep(n);
        ended.push(n);
        if (n < 5) throw new Error(`of ${n}`);
      };
      let caught: unknown;
      try {
        yield* group.map(work, [6, 4, 2]);
      } catch (error) {
        caught = error;
      }
      expect((caught as Error).message).toBe('of 4');
      yield* group.join({ raiseError: true });
      expect(ended.toSorted()).toEqual([2, 4, 6]);
    }));

  it('gives results one by one, errors in their places', () =>
    virtually(function* () {
      const group = make();
      const work = function* (n: number) {
        yield* sleep(10 * n);
        if (n === 2) throw new Error('two');
        return n;
      };
      using ordered = group.imap(work, [3, 2, 1]);
      expect(yield* drain(ordered)).toEqual([3, 'two', 1]);
      expect(yield* ordered.next()).toEqual({ done: true, value: undefined });
      using unordered = group.imapUnordered(work, [3, 2, 1]);
      expect((yield* drain(unordered)).toSorted()).toEqual([1, 3, 'two']);
      expect(yield* group.join({ raiseError: true })).toBe(true);
    }));

  it('throws what reading the items throws behind the results', () =>
    virtually(function* () {
      const group = make();
      for (const name of ['imap', 'imapUnordered'] as const) {
        using results = group[name](
          double,
          (function* () {
            yield 1;
            yield 2;
            throw new Error('no more');
          })(),
        );
        expect(yield* drain(results)).toEqual([2, 4, 'no more']);
      }
    }));
});

describe('imap', () => {
  const log: string[] = [];
  function* items(count: number) {
    log.length = 0;
    try {
      for (let n = 1; n <= count; n++) {
        log.push(`read ${n}`);
        yield n;
      }
    } finally {
      log.push('closed');
    }
  }

  it('is lazy, and reads no more than maxsize items ahead', () =>
    virtually(function* () {
      const group = new Group();
      using results = group.imap(double, items(5), { maxsize: 2 });
      yield* sleep(5);
      expect(log).toEqual([]);
      expect((yield* results.next()).value).toBe(2);
      yield* sleep(50);
      expect(log).toEqual(['read 1', 'read 2', 'read 3']);
      expect(yield* drain(results)).toEqual([4, 6, 8, 10]);
      expect(log).toEqual(['read 1', 'read 2', 'read 3', 'read 4', 'read 5', 'closed']);
    }));

  it('is bounded by default, unless maxsize is null', () =>
    virtually(function* () {
      for (const [group, options, expected] of [
        [new Group(), {}, 101],
        [new Pool(2), {}, 101],
        [new Pool(150), {}, 151],
        [new Group(), { maxsize: null }, 200],
      ] as const) {
        using results = group.imapUnordered((n: number) => n, items(200), options);
        yield* results.next();
        yield* group.join();
        yield* sleep(1);
        expect(log.filter((line) => line !== 'closed')).toHaveLength(expected);
      }
      expect(() => new Group().imap(double, [], { maxsize: 0 })).toThrow(RangeError);
    }));

  it('gives results as they come if it is unordered', () =>
    virtually(function* () {
      using results = new Group().imapUnordered(double, [3, 1, 2]);
      expect(yield* drain(results)).toEqual([2, 4, 6]);
    }));

  it('works on while its reader is busy, as far as the pool has places', () =>
    virtually(function* () {
      const pool = new Pool(1);
      using results = pool.imap(double, [10, 10, 10]);
      yield* results.next();
      yield* sleep(50);
      expect([yield* drain(results), hub.now()]).toEqual([[20, 20], 60]);
    }));

  it('loses nothing when its reader is timed out', () =>
    virtually(function* () {
      using results = new Group().imap(double, [10, 1]);
      const got: unknown[] = [];
      for (const ms of [3, 3, 30, 30]) {
        using limit = Timeout.startNew(ms);
        try {
          got.push((yield* results.next()).value);
        } catch (error) {
          got.push(error === limit);
        }
      }
      expect(got).toEqual([true, true, 20, 2]);
    }));

  it('frees everything when its reader leaves early', () =>
    virtually(function* () {
      const pool = new Pool(3);
      const work = function* (n: number) {
        try {
          yield* sleep(10 * n);
          return n;
        } catch (error) {
          if (isExit(error)) log.push(`killed ${n}`);
          throw error;
        }
      };
      {
        using results = pool.imapUnordered(work, items(9), { maxsize: 5 });
        expect((yield* results.next()).value).toBe(1);
      }
      yield* pool.join({ raiseError: true });
      expect([hub.now(), pool.freeCount(), hub.stats().timers]).toEqual([10, 3, 0]);
      expect(log.toSorted()).toEqual([
        'closed',
        'killed 2',
        'killed 3',
        'killed 4',
        'read 1',
        'read 2',
        'read 3',
        'read 4',
        'read 5',
      ]);
    }));

  it('closes its items when its reader leaves before the first, and can be left twice', () =>
    virtually(function* () {
      let closed = 0;
      const source: Iteration<number> = {
        *next() {
          return { done: true, value: undefined };
        },
        [Symbol.dispose]() {
          closed++;
        },
      };
      const results = new Group().imap(double, source);
      results[Symbol.dispose]();
      results[Symbol.dispose]();
      expect([closed, yield* results.next()]).toEqual([2, { done: true, value: undefined }]);
    }));

  it('kills a task that got its place in the pass in which the reader left', () =>
    virtually(function* () {
      const pool = new Pool(1);
      const first = yield* pool.spawn(double, 50);
      const tasks: string[] = [];
      const results = pool.imap(function* () {
        tasks.push('begun');
        yield* sleep(50);
        tasks.push('never');
      }, items(9));
      const reader = spawn(() => results.next());
      yield* sleep(0);
      pool.discard(first);
      results[Symbol.dispose]();
      expect((yield* reader).done).toBe(true);
      yield* pool.join();
      yield* first.kill();
      expect([tasks, log, pool.freeCount(), hub.now()]).toEqual([['begun'], ['read 1', 'closed'], 1, 0]);
    }));

  it('frees the items that it reads when reading them fails', () =>
    virtually(function* () {
      const group = new Group();
      const inner = group.imap(function* (n: number) {
        yield* sleep(10 * n);
        if (n === 1) throw new Error('one');
      }, items(3));
      using outer = group.imap(double as (n: unknown) => Coroutine<number>, inner);
      expect(yield* drain(outer)).toEqual(['one']);
      yield* group.join();
      expect([hub.now(), log]).toEqual([10, ['read 1', 'read 2', 'read 3', 'closed']]);
    }));

  it('gives a killed member as its exit', () =>
    virtually(function* () {
      const group = new Group();
      spawnLater(1, () => void group.kill());
      using results = group.imap(double, [5]);
      expect((yield* results.next()).value).toBeInstanceOf(GreenletExit);
      yield* sleep(2);
    }));
});
