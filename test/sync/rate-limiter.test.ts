import {
  BlockingSwitchOutError,
  type Clock,
  type Greenlet,
  GreenletExit,
  killall,
  NotInGreenletError,
  RateLimiter,
  type RateLimiterOptions,
  run,
  select,
  sleep,
  spawn,
  Timeout,
  wait,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { random } from '../support/random.ts';

watchHub();

/** When so many acquisitions, one after the other, happen. */
function* timesOf(limiter: RateLimiter, count: number) {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    yield* limiter.acquire();
    times.push(hub.now());
  }
  return times;
}

/** A greenlet that acquires, and notes the outcome and the time. */
function acquirer(limiter: RateLimiter, log: unknown[], name: string, options?: RateLimiterOptions): Greenlet<void> {
  return spawn(function* () {
    try {
      log.push(`${name} ${yield* limiter.acquire(options)} at ${hub.now()}`);
    } catch (error) {
      log.push(`${name} ${(error as Error).name} at ${hub.now()}`);
      throw error;
    }
  });
}

describe('tokens', () => {
  it('can be had at once after a pause, and come back so long after they were taken', () =>
    virtually(function* () {
      expect(yield* timesOf(new RateLimiter(3, 100), 8)).toEqual([0, 0, 0, 100, 100, 100, 200, 200]);
    }));

  it('come back each at its own time, in the rhythm in which they were taken', () =>
    virtually(function* () {
      const limiter = new RateLimiter(3, 100);
      const free: unknown[] = [];
      for (const pause of [30, 30, 39]) {
        expect(limiter.acquireNowait()).toBe(true);
        yield* sleep(pause);
      }
      free.push(limiter.acquireNowait());
      yield* sleep(1);
      free.push(limiter.acquireNowait(), limiter.acquireNowait());
      expect(free).toEqual([false, true, false]);
      expect(yield* timesOf(limiter, 4)).toEqual([130, 160, 200, 230]);
    }));

  it('are never more than allowed in any interval, and never fewer than are asked for', () =>
    virtually(function* () {
      for (let seed = 1; seed <= 60; seed++) {
        const next = random(seed);
        const [tokens, ms] = [1 + next(5), 1 + next(50)];
        const limiter = new RateLimiter(tokens, ms);
        const taken: number[] = []; // the time of each token
        const start = hub.now();
        for (let i = 0; i < 60; i++) {
          if (next(3) === 0) yield* sleep(next(2 * ms));
          const wanted = 1 + next(tokens);
          const asked = hub.now();
          yield* limiter.acquire({ tokens: wanted });
          const now = hub.now();
          // It is had when the last of the tokens that are in the way has come back, no earlier and no later.
          const inTheWay = taken.at(wanted - tokens - 1);
          expect(now, `seed ${seed}`).toBe(Math.max(asked, inTheWay === undefined ? start : inTheWay + ms));
          for (let n = 0; n < wanted; n++) taken.push(now);
        }
        for (let i = tokens; i < taken.length; i++) expect(taken[i]! - taken[i - tokens]!).toBeGreaterThanOrEqual(ms);
      }
    }));

  it('do not drift where the interval is no whole number of milliseconds', () =>
    virtually(function* () {
      const times = yield* timesOf(new RateLimiter(1, 2.5), 2001);
      expect(times.slice(0, 6)).toEqual([0, 3, 5, 8, 10, 13]);
      expect(times.at(-1)).toBe(5000);
      const start = hub.now();
      const others = yield* timesOf(new RateLimiter(3, 7.3), 3001);
      expect(Math.abs(others.at(-1)! - start - 7300)).toBeLessThanOrEqual(1);
    }));

  it('can be taken several at once', () =>
    virtually(function* () {
      const limiter = new RateLimiter(5, 100);
      const log: unknown[] = [];
      for (const tokens of [3, 2, 5, 1, 4, 2]) {
        yield* limiter.acquire({ tokens });
        log.push([tokens, hub.now()]);
      }
      expect(log).toEqual([
        [3, 0],
        [2, 0],
        [5, 100],
        [1, 200],
        [4, 200],
        [2, 300],
      ]);
    }));

  it('are as many as ever after a very long time', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 1000);
      yield* timesOf(limiter, 3);
      yield* sleep(1e9);
      const start = hub.now();
      expect((yield* timesOf(limiter, 3)).map((time) => time - start)).toEqual([0, 0, 1000]);
    }));

  it('are new ones by another clock', async () => {
    const limiter = new RateLimiter(3, 60_000);
    expect([limiter.acquireNowait(2), limiter.acquireNowait(2)]).toEqual([true, false]);
    for (let i = 0; i < 2; i++) {
      await virtually(function* () {
        expect([limiter.statistics().available, limiter.acquireNowait(), limiter.statistics().available]).toEqual([
          3,
          true,
          2,
        ]);
        expect(yield* timesOf(limiter, 4)).toEqual([0, 0, 60_000, 60_000]);
      });
    }
    expect([limiter.acquireNowait(3), limiter.acquireNowait()]).toEqual([true, false]);
  });
});

describe('those who wait', () => {
  it('are served in the order of their calls, also who wants little behind who wants much', () =>
    virtually(function* () {
      const limiter = new RateLimiter(3, 100);
      const log: unknown[] = [];
      limiter.acquireNowait();
      const greenlets = [
        acquirer(limiter, log, 'three', { tokens: 3 }),
        acquirer(limiter, log, 'one'),
        acquirer(limiter, log, 'two', { tokens: 2 }),
        acquirer(limiter, log, 'last'),
      ];
      yield* sleep(1);
      expect([limiter.statistics(), limiter.acquireNowait()]).toEqual([{ available: 2, waiting: 4 }, false]);
      expect(yield* limiter.acquire({ block: false })).toBe(false);
      yield* wait(greenlets);
      expect(log).toEqual(['three true at 100', 'one true at 200', 'two true at 200', 'last true at 300']);
    }));

  it('are woken in the pass in which their tokens come back, and not inside of it', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 10);
      const log: unknown[] = [];
      limiter.acquireNowait(2);
      const greenlets = ['a', 'b', 'c'].map((name) => acquirer(limiter, log, name));
      yield* wait(greenlets);
      expect(log).toEqual(['a true at 10', 'b true at 10', 'c true at 20']);
    }));

  it('need one timer of the hub for all, and none when nobody is left', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 10);
      const timers: number[] = [];
      const greenlets = Array.from({ length: 50 }, () => spawn(() => limiter.acquire()));
      for (let i = 0; i < 3; i++) {
        yield* sleep(i === 0 ? 0 : 10);
        timers.push(hub.stats().timers);
      }
      yield* wait(greenlets);
      timers.push(hub.stats().timers);
      limiter.acquireNowait();
      timers.push(hub.stats().timers);
      expect(timers).toEqual([1, 1, 1, 0, 0]);
    }));

  it('get false when their time is up, having taken nothing', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 100);
      const log: unknown[] = [];
      limiter.acquireNowait(2);
      expect(yield* limiter.acquire({ timeout: 30 })).toBe(false);
      const greenlets = [
        acquirer(limiter, log, 'patient'),
        acquirer(limiter, log, 'hasty', { timeout: 20, tokens: 2 }),
        acquirer(limiter, log, 'second', { timeout: null }),
      ];
      yield* wait(greenlets);
      expect(log).toEqual(['hasty false at 50', 'patient true at 100', 'second true at 100']);
      expect(limiter.statistics()).toEqual({ available: 0, waiting: 0 });
    }));

  it('let those behind move up when the first of them gives up', () =>
    virtually(function* () {
      const limiter = new RateLimiter(3, 100);
      const log: unknown[] = [];
      limiter.acquireNowait();
      const greenlets = [
        acquirer(limiter, log, 'greedy', { tokens: 3, timeout: 20 }),
        acquirer(limiter, log, 'one'),
        acquirer(limiter, log, 'two', { tokens: 2 }),
      ];
      yield* wait(greenlets);
      // Two were free all the time; the time of `one` counts from when it got its token.
      expect(log).toEqual(['greedy false at 20', 'one true at 20', 'two true at 100']);
      expect(yield* timesOf(limiter, 2)).toEqual([120, 200]);
    }));

  it('have their tokens if they come in the very millisecond in which their time is up', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 10);
      const log: unknown[] = [];
      limiter.acquireNowait();
      yield* wait([
        acquirer(limiter, log, 'a', { timeout: 10 }),
        acquirer(limiter, log, 'b', { timeout: 20 }),
        acquirer(limiter, log, 'c', { timeout: 20 }),
        acquirer(limiter, log, 'd', { timeout: 40 }),
      ]);
      expect(log).toEqual(['a true at 10', 'b true at 20', 'c false at 20', 'd true at 30']);
      expect(hub.stats().timers).toBe(0);
    }));

  it('are not suspended by block: false, a timeout of 0, or tokens that are there', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 100);
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      for (const options of [undefined, { timeout: 0 }, { timeout: 0 }, { block: false }]) {
        log.push(yield* limiter.acquire(options));
      }
      yield* other;
      expect(log).toEqual([true, true, false, false, 'other']);
    }));

  it('include no call that was never performed', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 100);
      const call = limiter.acquire();
      expect(limiter.statistics()).toEqual({ available: 1, waiting: 0 });
      expect(yield* call).toBe(true);
    }));
});

describe('a kill', () => {
  it('of the first lets those behind move up, at once if they can', () =>
    virtually(function* () {
      const limiter = new RateLimiter(3, 100);
      const log: unknown[] = [];
      limiter.acquireNowait();
      const greedy = acquirer(limiter, log, 'greedy', { tokens: 3 });
      const others = [acquirer(limiter, log, 'one'), acquirer(limiter, log, 'two', { tokens: 2 })];
      yield* sleep(50);
      greedy.kill();
      yield* wait(others);
      expect(log).toEqual(['one true at 50', 'greedy GreenletExit at 50', 'two true at 100']);
      expect(hub.stats().timers).toBe(0);
      expect(yield* timesOf(limiter, 2)).toEqual([150, 200]);
    }));

  it('of the first, for whom the timer runs, leaves a timer for the next', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 100);
      const log: unknown[] = [];
      limiter.acquireNowait();
      yield* sleep(40);
      limiter.acquireNowait();
      const greenlets = [
        acquirer(limiter, log, 'one', { tokens: 2 }),
        acquirer(limiter, log, 'two'),
        acquirer(limiter, log, 'three', { timeout: 5000 }),
      ];
      yield* sleep(10);
      yield* greenlets[0]!.kill();
      expect([hub.stats().timers, limiter.statistics().waiting]).toEqual([2, 2]);
      yield* wait(greenlets);
      expect(log).toEqual(['one GreenletExit at 50', 'two true at 100', 'three true at 140']);
    }));

  it('of the only one leaves no timer, and of one in the middle the order as it is', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 100);
      const log: unknown[] = [];
      limiter.acquireNowait();
      const lonely = acquirer(limiter, log, 'lonely', { timeout: 1000 });
      yield* sleep(1);
      yield* lonely.kill();
      expect([hub.stats().timers, limiter.statistics()]).toEqual([0, { available: 0, waiting: 0 }]);
      const greenlets = ['a', 'b', 'c'].map((name) => acquirer(limiter, log, name));
      yield* sleep(1);
      yield* greenlets[1]!.kill();
      yield* wait(greenlets);
      expect(log).toEqual(['lonely GreenletExit at 1', 'b GreenletExit at 2', 'a true at 100', 'c true at 200']);
    }));

  it('at any time takes no token from the others, and none twice', () =>
    virtually(function* () {
      for (let at = 0; at <= 60; at++) {
        const limiter = new RateLimiter(2, 10);
        const start = hub.now();
        const log: unknown[] = [];
        const greenlets = Array.from({ length: 10 }, (_, i) =>
          spawn(function* () {
            const tokens = 1 + (i % 2);
            yield* limiter.acquire({ tokens, timeout: i % 3 === 0 ? 45 : null });
            for (let n = 0; n < tokens; n++) log.push(hub.now() - start);
            yield* sleep(1); // here a kill arrives that comes too late to spare the tokens
          }),
        );
        yield* sleep(at);
        const victims = [greenlets[at % 10]!, greenlets[(3 * at + 1) % 10]!];
        killall(victims, undefined, { block: false });
        yield* wait(greenlets);
        const times = (log as number[]).filter((time) => time < 45);
        for (let i = 2; i < times.length; i++)
          expect(times[i]! - times[i - 2]!, `kill at ${at}`).toBeGreaterThanOrEqual(10);
        expect(limiter.statistics().waiting).toBe(0);
        yield* sleep(10);
        expect(limiter.statistics()).toEqual({ available: 2, waiting: 0 });
      }
      expect(hub.stats().timers).toBe(0);
    }));

  it('in the same pass as the wake-up comes too late: the tokens are spent', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 10);
      const log: unknown[] = [];
      limiter.acquireNowait();
      const greenlet = spawn(function* () {
        log.push(yield* limiter.acquire());
        yield* sleep(0);
        log.push('never reached');
      });
      const behind = acquirer(limiter, log, 'behind');
      // The limiter's timer was started before, so it fires before.
      yield* sleep(0);
      hub.callLater(10, () => void greenlet.kill());
      yield* wait([greenlet, behind]);
      expect([log, greenlet.value]).toEqual([[true, 'behind true at 20'], expect.any(GreenletExit)]);
    }));

  it('of very many, in any order, takes linear time', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 1e6);
      limiter.acquireNowait();
      for (const fromBehind of [false, true]) {
        const greenlets = Array.from({ length: 50_000 }, () => spawn(() => limiter.acquire()));
        yield* sleep(0);
        expect(limiter.statistics().waiting).toBe(50_000);
        const start = performance.now();
        const killing = killall(fromBehind ? greenlets.reverse() : greenlets);
        expect(performance.now() - start).toBeLessThan(1500); // linear: some 50 ms
        yield* killing;
        expect([limiter.statistics().waiting, hub.stats().timers]).toEqual([0, 0]);
      }
    }));

  it('by an outer timeout, too, takes nothing', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 100);
      limiter.acquireNowait();
      for (const timeout of [undefined, 50]) {
        using limit = Timeout.startNew(5);
        let caught: unknown;
        try {
          yield* limiter.acquire({ timeout: timeout ?? null });
        } catch (error) {
          caught = error;
        }
        expect([caught === limit, limiter.statistics()]).toEqual([true, { available: 0, waiting: 0 }]);
      }
      expect(hub.stats().timers).toBe(0);
    }));
});

/** A clock that is set by hand, and jumps to the next deadline and some milliseconds past it. */
class LateClock implements Clock {
  time = 0;
  late = 0;
  #jump: NodeJS.Immediate | undefined;

  now(): number {
    return this.time;
  }

  rest(due: number, _: boolean, wake: () => void): void {
    clearImmediate(this.#jump);
    if (due === Number.POSITIVE_INFINITY) return;
    this.#jump = setImmediate(() => {
      this.time = Math.max(this.time, due + this.late);
      wake();
    });
  }
}

describe('on a hub that is late', () => {
  const timesWhenLate = (late: number) => {
    const clock = new LateClock();
    clock.late = late;
    return run(() => timesOf(new RateLimiter(1, 10), 6), { clock });
  };

  it('a delay below a millisecond does not count', async () => {
    expect(await timesWhenLate(0.5)).toEqual([0, 10.5, 20.5, 30.5, 40.5, 50.5]);
  });

  it('a longer one puts off what follows: the limit holds', async () => {
    expect(await timesWhenLate(4)).toEqual([0, 14, 27, 40, 53, 66]);
  });

  it('a long one is not made up for by a burst', async () => {
    const clock = new LateClock();
    const limiter = new RateLimiter(2, 10);
    const times: number[] = [];
    const main = function* () {
      const acquire = function* () {
        yield* limiter.acquire();
        times.push(clock.now());
        if (times.length > 2) clock.late = 0;
      };
      clock.late = 47;
      yield* wait(Array.from({ length: 9 }, () => spawn(acquire)));
    };
    await run(main, { clock });
    expect(times).toEqual([0, 0, 57, 57, 66, 66, 76, 76, 86]);
  });

  it('each of those who are served together has its own time', async () => {
    const clock = new LateClock();
    const limiter = new RateLimiter(2, 10);
    const main = function* () {
      limiter.acquireNowait();
      clock.time = 0.5;
      limiter.acquireNowait();
      clock.late = 0.9;
      const late = [spawn(timesOf, limiter, 1), spawn(timesOf, limiter, 1)];
      yield* wait(late);
      clock.late = 0;
      return [...late.flatMap(({ value }) => value), ...(yield* timesOf(limiter, 2))];
    };
    // The first came back at 10, so again at 20; the second at 10.5, so again at 20.5, which is 21 to the hub's timers.
    expect(await run(main, { clock })).toEqual([10.9, 10.9, 20, 21]);
  });

  it('a timer that rings too early, for the numbers are rounded, does no harm', async () => {
    const clock = new LateClock();
    const limiter = new RateLimiter(1, 2.5000000000000004);
    const main = function* () {
      clock.time = 0.5;
      limiter.acquireNowait();
      clock.time = 0.526; // 3.0000000000000004 - 0.526 + 0.526 is 3
      return [yield* limiter.acquire({ timeout: 100 }), clock.time];
    };
    expect(await run(main, { clock })).toEqual([true, 4]);
  });
});

describe('a limiter outside greenlets', () => {
  it('gives tokens to callbacks and to ordinary code, without waiting', async () => {
    const limiter = new RateLimiter(2, 60_000);
    const log: unknown[] = [limiter.acquireNowait()];
    hub.callSoon(() => log.push(limiter.acquireNowait(2), limiter.acquireNowait(), limiter.acquireNowait()));
    await nextTurn();
    expect([log, limiter.statistics()]).toEqual([[true, false, true, false], { available: 0, waiting: 0 }]);
  });

  it('does not block them', async () => {
    const limiter = new RateLimiter(1, 60_000);
    const perform = () => limiter.acquire()[Symbol.iterator]().next(undefined);
    expect(perform).toThrow(NotInGreenletError);
    const caught = new Promise((resolve) => {
      hub.callSoon(() => {
        try {
          perform();
        } catch (error) {
          resolve(error);
        }
      });
    });
    expect(await caught).toBeInstanceOf(BlockingSwitchOutError);
    expect(limiter.statistics()).toEqual({ available: 1, waiting: 0 });
  });
});

describe('select()', () => {
  it('takes tokens only where that is the case that happens', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 100);
      const log: unknown[] = [];
      for (let i = 0; i < 4; i++) {
        log.push((yield* select({ token: limiter.acquire({ tokens: 2 }), limit: sleep(60) })).key, hub.now());
      }
      expect(log).toEqual(['token', 0, 'limit', 60, 'token', 100, 'limit', 160]);
      expect([limiter.statistics(), hub.stats().timers]).toEqual([{ available: 0, waiting: 0 }, 0]);
    }));

  it('may have several cases of one limiter', () =>
    virtually(function* () {
      const limiter = new RateLimiter(2, 100);
      limiter.acquireNowait(2);
      const log: unknown[] = [];
      const selecting = spawn(() => select({ two: limiter.acquire({ tokens: 2 }), one: limiter.acquire() }));
      yield* sleep(0);
      const behind = acquirer(limiter, log, 'behind', { tokens: 2 });
      const { key } = yield* selecting;
      yield* behind;
      expect([hub.now(), log]).toEqual([200, ['behind true at 200']]);
      expect(['one', 'two']).toContain(key);
    }));
});

describe('misuse of a limiter', () => {
  it('in its numbers is told at once', () => {
    expect(() => new RateLimiter(0, 10)).toThrow(new RangeError('tokens is 0: give a whole number, 1 or more'));
    expect(() => new RateLimiter(1.5, 10)).toThrow(RangeError);
    expect(() => new RateLimiter(Number.POSITIVE_INFINITY, 10)).toThrow(RangeError);
    expect(() => new RateLimiter(1, -1)).toThrow(new RangeError('interval is -1: give milliseconds, 0 or more'));
    expect(() => new RateLimiter(1, Number.NaN)).toThrow(RangeError);
    expect(() => new RateLimiter(1, 0)).toThrow(new RangeError('interval is 0: give milliseconds, more than 0'));
    expect(() => new RateLimiter(1, '10' as never)).toThrow(TypeError);
    const limiter = new RateLimiter(3, 10);
    expect([limiter.tokens, limiter.ms]).toEqual([3, 10]);
    for (const tokens of [0, -1, 2.5, Number.NaN]) {
      expect(() => limiter.acquire({ tokens })).toThrow(`tokens is ${tokens}: give a whole number, 1 or more`);
      expect(() => limiter.acquireNowait(tokens)).toThrow(RangeError);
    }
    const tooMany = new RangeError('tokens is 4: give 3 or less, for there never are more');
    expect(() => limiter.acquire({ tokens: 4 })).toThrow(tooMany);
    expect(() => limiter.acquireNowait(4)).toThrow(tooMany);
    expect(() => limiter.acquire({ timeout: -1 })).toThrow(
      new RangeError('timeout is -1: give milliseconds, 0 or more'),
    );
    expect(() => limiter.acquire(5 as never)).toThrow(TypeError);
  });

  it('by a spread leaves nobody in line', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 10);
      for (let i = 0; i < 2; i++) {
        expect(() => [...(limiter.acquire() as never as Iterable<unknown>)]).toThrow(/RateLimiter\.acquire\(\)/);
        limiter.acquireNowait();
      }
      expect([limiter.statistics(), hub.stats().timers]).toEqual([{ available: 0, waiting: 0 }, 0]);
      yield* sleep(0);
    }));
});
