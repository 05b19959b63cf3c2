import {
  Barrier,
  BlockingSwitchOutError,
  BrokenBarrierError,
  type Coroutine,
  type Greenlet,
  getcurrent,
  isExit,
  iwait,
  joinall,
  LoopExit,
  NotInGreenletError,
  run,
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

/** Waits once, and notes its place and the time, or the error. */
function party(barrier: Barrier, name: string, log: string[], timeout?: number | null): Greenlet {
  const greenlet = spawn(function* () {
    try {
      log.push(`${name} ${yield* barrier.wait(timeout)} at ${hub.now()}`);
      yield* sleep(0);
    } catch (error) {
      if (isExit(error)) {
        log.push(`${name} killed at ${hub.now()}`);
        throw error;
      }
      const { message } = error as Error;
      log.push(`${name} ${error instanceof BrokenBarrierError ? message : error} at ${hub.now()}`);
    }
  });
  greenlet.name = name;
  return greenlet;
}

/** Several parties, in the order of their names. */
function parties(barrier: Barrier, names: string, log: string[], timeout?: number | null): Greenlet[] {
  return [...names].map((name) => party(barrier, name, log, timeout));
}

const broken = (names: string, reason: string, at: number) =>
  [...names].map((name) => `${name} Barrier.wait(): ${reason} at ${at}`);

describe('Barrier.wait()', () => {
  it('lets nobody on before all have come, and gives their places in the order of arrival', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const log: string[] = [];
      const waiters = parties(barrier, 'ab', log);
      yield* sleep(5);
      expect([log, barrier.waiting, barrier.statistics()]).toEqual([[], 2, { parties: 3, waiting: 2, broken: false }]);
      const other = spawn(() => log.push('other'));
      log.push(`main ${yield* barrier.wait()}`); // the last goes on without a switch
      yield* joinall([...waiters, other]);
      expect(log).toEqual(['main 2', 'other', 'a 0 at 5', 'b 1 at 5']);
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
    }));

  it('does not make a single party wait', () =>
    virtually(function* () {
      let rounds = 0;
      const barrier = new Barrier(1, () => rounds++);
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      log.push(yield* barrier.wait(), yield* barrier.wait(0), yield* barrier.wait(5));
      yield* other.join();
      expect([log, rounds]).toEqual([[0, 0, 0, 'other'], 3]);
    }));

  it('keeps its parties in lockstep, round after round', () =>
    virtually(function* () {
      const size = 7;
      const barrier = new Barrier(size);
      const before: number[] = [];
      const after: number[] = [];
      const places = Array<number>(size).fill(0);
      const walkers = Array.from({ length: size }, (_, index) =>
        spawn(function* () {
          for (let round = 0; round < 300; round++) {
            if ((round + index) % 3 === 0) yield* sleep((round * index) % 5);
            before.push(round);
            expect(after).toHaveLength(size * round);
            places[yield* barrier.wait()]!++;
            after.push(round);
            expect(before).toHaveLength(size * (round + 1));
            yield* barrier.wait(1000);
          }
        }),
      );
      yield* joinall(walkers, { raiseError: true });
      expect(places).toEqual(Array(size).fill(300));
      expect([barrier.statistics(), hub.stats().timers]).toEqual([{ parties: size, waiting: 0, broken: false }, 0]);
    }));

  it('puts those who are too many into the next round', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const waiters = parties(barrier, 'abcde', log);
      yield* sleep(5);
      expect(log).toEqual(['b 1 at 0', 'd 1 at 0', 'a 0 at 0', 'c 0 at 0']);
      expect(barrier.waiting).toBe(1);
      expect(yield* barrier.wait()).toBe(1);
      yield* joinall(waiters);
      expect(log.at(-1)).toBe('e 0 at 5');
    }));

  it('breaks the barrier when time is up: for who was out of time, for all who wait, and for newcomers', () =>
    virtually(function* () {
      const barrier = new Barrier(4);
      const log: string[] = [];
      const waiters = [party(barrier, 'a', log), party(barrier, 'b', log, 5), party(barrier, 'c', log, 50)];
      yield* joinall(waiters);
      yield* party(barrier, 'd', log);
      expect(log.sort()).toEqual(broken('abcd', 'not all came within 5 ms', 5));
      expect([barrier.statistics(), hub.stats().timers]).toEqual([{ parties: 4, waiting: 0, broken: true }, 0]);
    }));

  it('has the limit of the barrier, unless it has one of its own; null is none', () =>
    virtually(function* () {
      for (const [own, expected] of [
        [undefined, 20],
        [5, 5],
        [50, 50],
        [null, undefined],
      ] as const) {
        const barrier = new Barrier(2, undefined, 20);
        const log: string[] = [];
        const begun = hub.now();
        const waiting = party(barrier, 'a', log, own);
        yield* sleep(100);
        expect({ own, dead: waiting.dead, waiting: barrier.waiting }).toEqual({
          own,
          dead: expected !== undefined,
          waiting: expected === undefined ? 1 : 0,
        });
        if (expected === undefined) yield* waiting.kill();
        else expect(log).toEqual(broken('a', `not all came within ${expected} ms`, begun + expected));
      }
      const endless = new Barrier(2, undefined, null);
      const log: string[] = [];
      const waiting = party(endless, 'a', log);
      yield* sleep(10 ** 9);
      yield* endless.wait();
      yield* waiting;
      expect([log.length, hub.stats().timers]).toEqual([1, 0]);
    }));

  it('breaks the barrier at once with a limit of 0, except for the last to come', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const waiting = party(barrier, 'a', log);
      yield* sleep(0);
      expect(yield* barrier.wait(0)).toBe(1);
      yield* waiting;
      const other = spawn(() => log.push('other'));
      const late = yield* failureOf(barrier.wait(0));
      log.push('polled without a switch');
      yield* other.join();
      expect(late).toBeInstanceOf(BrokenBarrierError);
      expect(late?.message).toBe('Barrier.wait(): not all came within 0 ms');
      expect(log).toEqual(['a 0 at 0', 'polled without a switch', 'other']);
      expect([barrier.broken, hub.now()]).toEqual([true, 0]);
    }));

  it('breaks the barrier when a party is killed, whichever it is', () =>
    virtually(function* () {
      for (const timeout of [null, 50]) {
        for (const victim of 'abc') {
          const barrier = new Barrier(4);
          const log: string[] = [];
          const waiters = parties(barrier, 'abc', log, timeout);
          yield* sleep(1);
          const now = hub.now();
          yield* waiters['abc'.indexOf(victim)]!.kill();
          yield* joinall(waiters);
          yield* party(barrier, 'd', log);
          const others = 'abcd'.replace(victim, '');
          expect(log.sort()).toEqual(
            [`${victim} killed at ${now}`, ...broken(others, `${victim} was killed while it waited`, now)].sort(),
          );
          expect([barrier.broken, barrier.waiting, hub.stats().timers]).toEqual([true, 0, 0]);
        }
      }
    }));

  it('breaks the barrier when the timeout around a party expires', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const log: string[] = [];
      const other = party(barrier, 'a', log);
      const limited = spawn(function* () {
        using limit = Timeout.startNew(5);
        return (yield* failureOf(barrier.wait(50))) === limit;
      });
      yield* joinall([other, limited]);
      expect([limited.value, barrier.broken, hub.stats().timers]).toEqual([true, true, 0]);
      expect(log).toEqual([expect.stringMatching(/^a Barrier\.wait\(\): .* at 5$/)]);
    }));

  it('keeps the place that it was given: whoever is killed in the pass of the last arrival', () =>
    virtually(function* () {
      for (const order of arrangements(['arrive', 'kill a', 'kill b'])) {
        const barrier = new Barrier(3);
        const log: string[] = [];
        const waiters = parties(barrier, 'ab', log, 50);
        yield* sleep(0);
        let places: string | undefined;
        for (const event of order) {
          if (event === 'arrive') places = String((yield* failureOf(barrier.wait())) ?? 'all came');
          else waiters['ab'.indexOf(event.at(-1)!)]!.kill();
        }
        if (!order.includes('arrive') && order.length === 0) barrier.abort();
        yield* joinall(waiters);
        const ends = log.map((entry) => entry.replace(/ at \d+$/, '')).sort();
        const arrival = order.indexOf('arrive');
        const early = order.filter((event, index) => event !== 'arrive' && (arrival < 0 || index < arrival));
        const late = order.filter((event, index) => event !== 'arrive' && arrival >= 0 && index > arrival);
        if (arrival >= 0 && early.length === 0) {
          const expected = ['a 0', 'b 1', ...late.map((event) => `${event.at(-1)} killed`)];
          expect({ order, ends, places }).toEqual({ order, ends: expected.sort(), places: 'all came' });
          expect(barrier.broken).toBe(false);
        } else {
          // The first kill wakes the others with their error, which a later kill does not take back.
          const first = early[0]?.at(-1);
          const reason = first === undefined ? 'the barrier was aborted' : `${first} was killed while it waited`;
          const expected = [...'ab'].map((name) =>
            name === first ? `${name} killed` : `${name} Barrier.wait(): ${reason}`,
          );
          expect({ order, ends: ends.filter((end) => expected.includes(end)) }).toEqual({ order, ends: expected });
          expect(barrier.broken).toBe(true);
          if (arrival >= 0) expect(places).toBe(`BrokenBarrierError: Barrier.wait(): ${reason}`);
        }
        expect([barrier.waiting, hub.stats().timers]).toEqual([0, 0]);
      }
    }));

  it('keeps the place that it was given before time was up, although the greenlet runs only afterwards', async () => {
    const clock = new (class extends VirtualClock {
      late = 0;
      override now() {
        return super.now() + this.late;
      }
    })();
    await run(
      function* () {
        const barrier = new Barrier(2);
        const log: string[] = [];
        const waiting = party(barrier, 'a', log, 5);
        yield* sleep(1);
        expect(yield* barrier.wait()).toBe(1);
        clock.late = 10;
        yield* useUpSlice(2 * SLICE);
        yield* waiting;
        expect([log, barrier.broken]).toEqual([['a 0 at 11'], false]);
      },
      { clock },
    );
  });

  it('is broken when the last comes in the very millisecond in which time is up', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const waiting = party(barrier, 'a', log, 5);
      yield* sleep(5);
      const error = yield* failureOf(barrier.wait());
      yield* waiting;
      expect([error?.message, log]).toEqual([
        'Barrier.wait(): not all came within 5 ms',
        broken('a', 'not all came within 5 ms', 5),
      ]);
    }));

  it('does not count a party that was killed before it could wait', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const dying: Greenlet = spawn(function* () {
        dying.kill();
        yield* barrier.wait();
      });
      yield* dying.join();
      expect([barrier.broken, barrier.waiting]).toEqual([false, 0]);
      const waiters = parties(barrier, 'ab', log);
      yield* joinall(waiters);
      expect(log.sort()).toEqual(['a 0 at 0', 'b 1 at 0']);
    }));

  it('lets both pass or none, when one is killed wherever the slice of the hub ends', () =>
    virtually(function* () {
      const outcomes = new Set<string>();
      for (let count = 0; count < 2 * SLICE; count++) {
        const barrier = new Barrier(2);
        const log: string[] = [];
        const victim = spawn(function* () {
          yield* useUpSlice(count);
          log.push(`victim ${yield* barrier.wait()}`);
        });
        const other = party(barrier, 'other', log);
        spawn(() => void victim.kill());
        yield* sleep(1);
        const ends = log.map((entry) => entry.replace(/ (Barrier|at).*/, '')).sort();
        outcomes.add(`${ends.join(', ')}; ${barrier.waiting} waiting${barrier.broken ? ', broken' : ''}`);
        yield* other.kill();
      }
      expect([...outcomes].sort()).toEqual([
        '; 1 waiting', // killed before it came
        'other 0, victim 1; 0 waiting',
        'other 1, victim 0; 0 waiting',
        'other; 0 waiting, broken', // killed while it waited
      ]);
    }));

  it('rejects wrong arguments at the call', () => {
    const barrier = new Barrier(2);
    expect(() => barrier.wait(-1)).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => barrier.wait(Number.NaN)).toThrow(RangeError);
    expect(() => barrier.wait({ timeout: 5 } as never)).toThrow(TypeError);
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Barrier(wrong)).toThrow(new RangeError(`parties is ${wrong}: give a whole number, 1 or more`));
    }
    expect(() => new Barrier('2' as never)).toThrow(RangeError);
    expect(() => new Barrier(2, 5 as never)).toThrow(
      new TypeError('action is 5: give a coroutine function or a plain function'),
    );
    expect(() => new Barrier(2, sleep(5) as never)).toThrow(/pass the function and its arguments, not its call$/);
    expect(() => new Barrier(2, undefined, -1)).toThrow(RangeError);
    expect(() => new Barrier(2, undefined, Number.NaN)).toThrow(RangeError);
    expect(barrier.parties).toBe(2);
  });

  it('does nothing before it is performed, and neither blocks hub callbacks nor ordinary code', async () => {
    let acted = false;
    const barrier = new Barrier(1, () => {
      acted = true;
    });
    barrier.wait();
    const errors = [performElsewhere(barrier.wait())];
    hub.callSoon(() => errors.push(performElsewhere(barrier.wait(0))));
    await nextTurn();
    expect(errors.map((error) => (error as Error).constructor)).toEqual([NotInGreenletError, BlockingSwitchOutError]);
    expect(String(errors[0])).toContain('Barrier.wait() was performed outside a greenlet');
    expect([acted, barrier.statistics()]).toEqual([false, { parties: 1, waiting: 0, broken: false }]);
  });

  it('lets others have their turn, although a party that waits alone never has to', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      let turns = 0;
      const other = spawn(function* () {
        for (;;) {
          turns++;
          yield* sleep(0);
        }
      });
      for (let i = 0; i < 10 * SLICE; i++) yield* barrier.wait();
      expect(turns).toBeGreaterThan(5);
      yield* other.kill();
    }));

  it('is named in the report of a deadlock, which breaks the barrier', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const error = yield* failureOf(barrier.wait());
      expect(error).toBeInstanceOf(LoopExit);
      expect(error?.message).toContain('<main> waits for Barrier.wait() since 0 ms');
      expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: true });
    }));
});

describe('the action of a Barrier', () => {
  it('is called once a round, by the last to come, before any goes on', () =>
    virtually(function* () {
      const log: string[] = [];
      const barrier = new Barrier(2, () => void log.push(`action of ${getcurrent()!.name}`));
      for (const names of ['ab', 'cd']) yield* joinall(parties(barrier, names, log));
      expect(log).toEqual(['action of b', 'b 1 at 0', 'a 0 at 0', 'action of d', 'd 1 at 0', 'c 0 at 0']);
    }));

  it('may suspend, or give a promise; all wait for its end', () =>
    virtually(function* () {
      const log: string[] = [];
      const actions: (() => unknown)[] = [
        function* () {
          yield* sleep(5);
          log.push('acted');
        },
        () => sleep(5),
        async () => {
          await Promise.resolve();
          log.push('acted');
        },
      ];
      for (const action of actions) {
        const barrier = new Barrier(2, action);
        const begun = hub.now();
        const waiters = parties(barrier, 'ab', log);
        yield* joinall(waiters);
        log.push(`after ${hub.now() - begun}`);
      }
      expect(log).toEqual([
        ...['acted', 'b 1 at 5', 'a 0 at 5', 'after 5'],
        ...['b 1 at 10', 'a 0 at 10', 'after 5'],
        ...['acted', 'b 1 at 10', 'a 0 at 10', 'after 0'],
      ]);
    }));

  it.each<[string, () => unknown]>([
    [
      'a plain function',
      () => {
        throw new RangeError('expected');
      },
    ],
    [
      'a coroutine function',
      function* () {
        yield* sleep(0);
        throw new RangeError('expected');
      },
    ],
    ['an async function', async () => Promise.reject(new RangeError('expected'))],
  ])('that fails breaks the barrier; the error goes to the last to come: %s', (_, action) =>
    virtually(function* () {
      const barrier = new Barrier(3, action);
      const log: string[] = [];
      yield* joinall(parties(barrier, 'abc', log));
      expect(barrier.broken).toBe(true);
      yield* party(barrier, 'd', log);
      expect(log.sort()).toEqual([
        ...broken('ab', 'the action failed', 0),
        'c RangeError: expected at 0',
        ...broken('d', 'the action failed', 0),
      ]);
    }),
  );

  it('runs while newcomers gather for the next round', () =>
    virtually(function* () {
      const log: string[] = [];
      const barrier = new Barrier(2, () => sleep(10));
      const waiters = parties(barrier, 'abc', log);
      yield* sleep(5);
      expect([log, barrier.statistics()]).toEqual([[], { parties: 2, waiting: 1, broken: false }]);
      yield* sleep(10);
      expect([log, barrier.waiting]).toEqual([['b 1 at 10', 'a 0 at 10'], 1]);
      waiters.push(party(barrier, 'd', log));
      yield* joinall(waiters);
      expect(log.slice(2)).toEqual(['d 1 at 25', 'c 0 at 25']);
    }));

  it('of a next round may begin, and end, while that of a full one still runs', () =>
    virtually(function* () {
      for (const [first, second] of [
        [10, 30],
        [30, 10],
      ] as const) {
        const log: string[] = [];
        const durations = [first, second];
        const barrier = new Barrier(2, () => sleep(durations.shift()!));
        yield* joinall(parties(barrier, 'abcd', log));
        const places = log.map((entry) => entry.split(' at ')[0]);
        expect(places.sort()).toEqual(['a 0', 'b 1', 'c 0', 'd 1']);
        expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: false });
      }
    }));

  it('comes to nothing when one who waits for it is killed or out of time', () =>
    virtually(function* () {
      for (const how of ['killed', 'late'] as const) {
        const log: string[] = [];
        const begun = hub.now();
        const barrier = new Barrier(3, function* () {
          yield* sleep(10);
          log.push(`acted at ${hub.now()}`);
        });
        const waiters = [party(barrier, 'a', log), party(barrier, 'b', log, how === 'late' ? 5 : null)];
        waiters.push(...parties(barrier, 'cd', log));
        yield* sleep(5);
        if (how === 'killed') yield* waiters[1]!.kill();
        yield* joinall(waiters);
        const reason = how === 'killed' ? 'b was killed while it waited' : 'not all came within 5 ms';
        const victim = how === 'killed' ? `b killed at ${begun + 5}` : broken('b', reason, begun + 5)[0]!;
        expect(log.sort()).toEqual(
          [
            victim,
            ...broken('ad', reason, begun + 5),
            `acted at ${begun + 10}`,
            ...broken('c', reason, begun + 10),
          ].sort(),
        );
        expect([barrier.broken, hub.stats().timers]).toEqual([true, 0]);
      }
    }));

  it('that is killed with the last to come breaks the barrier', () =>
    virtually(function* () {
      const log: string[] = [];
      const barrier = new Barrier(2, function* () {
        try {
          yield* sleep(100);
        } finally {
          log.push(`left at ${hub.now()}`);
        }
      });
      const waiters = parties(barrier, 'abc', log);
      yield* sleep(5);
      yield* waiters[1]!.kill();
      yield* joinall(waiters);
      expect(log.sort()).toEqual([
        ...broken('a', 'the action failed', 5),
        'b killed at 5',
        ...broken('c', 'the action failed', 5),
        'left at 5',
      ]);
      expect([barrier.broken, barrier.waiting]).toEqual([true, 0]);
    }));

  it('goes on for a full round when a newcomer of the next is killed, which breaks the barrier for later', () =>
    virtually(function* () {
      const log: string[] = [];
      const barrier = new Barrier(2, () => sleep(10));
      const waiters = parties(barrier, 'abc', log);
      yield* sleep(5);
      yield* waiters[2]!.kill();
      expect(barrier.broken).toBe(true);
      yield* joinall(waiters);
      yield* party(barrier, 'd', log);
      expect(log).toEqual([
        'c killed at 5',
        'b 1 at 10',
        'a 0 at 10',
        ...broken('d', 'c was killed while it waited', 10),
      ]);
    }));

  it('breaks rounds that began later when it fails', () =>
    virtually(function* () {
      const log: string[] = [];
      let rounds = 0;
      const barrier = new Barrier(2, function* () {
        if (++rounds > 1) return;
        yield* sleep(10);
        throw new RangeError('expected');
      });
      yield* joinall(parties(barrier, 'abcde', log));
      expect(log.map((entry) => entry.split(' at ')[0]).sort()).toEqual([
        'a Barrier.wait(): the action failed',
        'b RangeError: expected',
        'c 0',
        'd 1',
        'e Barrier.wait(): the action failed',
      ]);
      expect(barrier.broken).toBe(true);
    }));
});

describe('Barrier.reset()', () => {
  it('does nothing to a barrier at which nobody waits', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      barrier.reset();
      expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: false });
      const log: string[] = [];
      yield* joinall(parties(barrier, 'ab', log));
      expect(log).toEqual(['b 1 at 0', 'a 0 at 0']);
    }));

  it('fails those who wait, and makes the barrier as new', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const log: string[] = [];
      const waiters = parties(barrier, 'ab', log, 50);
      yield* sleep(5);
      barrier.reset();
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
      waiters.push(...parties(barrier, 'cde', log));
      yield* joinall(waiters);
      expect(log).toEqual([...broken('ab', 'the barrier was reset', 5), 'e 2 at 5', 'c 0 at 5', 'd 1 at 5']);
      expect(hub.stats().timers).toBe(0);
    }));

  it('does not reach those who were let through in the same pass', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const waiting = party(barrier, 'a', log);
      yield* sleep(0);
      expect(yield* barrier.wait()).toBe(1);
      barrier.reset();
      yield* waiting;
      expect([log, barrier.broken]).toEqual([['a 0 at 0'], false]);
    }));

  it('mends a broken barrier', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      yield* party(barrier, 'a', log, 5);
      barrier.reset();
      expect(barrier.broken).toBe(false);
      yield* joinall(parties(barrier, 'bc', log));
      expect(log.slice(1)).toEqual(['c 1 at 5', 'b 0 at 5']);
    }));

  it('fails every round whose action runs, and the newcomers; the barrier is as new', () =>
    virtually(function* () {
      const log: string[] = [];
      let rounds = 0;
      const barrier = new Barrier(2, function* () {
        if (++rounds < 3) yield* sleep(10 * rounds);
      });
      const waiters = parties(barrier, 'abcde', log);
      yield* sleep(5);
      barrier.reset();
      expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: false });
      yield* sleep(0);
      const failed = [...log].sort();
      expect(failed.filter((entry) => /^[ace]/.test(entry))).toEqual(broken('ace', 'the barrier was reset', 5));
      waiters.push(...parties(barrier, 'fg', log));
      yield* joinall(waiters);
      expect(
        log
          .filter((entry) => /^[fg]/.test(entry))
          .map((entry) => entry.split(' at ')[0])
          .sort(),
      ).toEqual(['f 0', 'g 1']);
      const lasts = log.filter((entry) => /^[bd]/.test(entry)).map((entry) => entry.split(' at ')[0]);
      expect(lasts.sort()).toEqual(['b', 'd'].map((name) => `${name} Barrier.wait(): the barrier was reset`));
      expect(barrier.broken).toBe(false);
    }));

  it('leaves the barrier whole when the action of a round that it failed fails later, or its last party is killed', () =>
    virtually(function* () {
      for (const how of ['fails', 'is killed'] as const) {
        const log: string[] = [];
        const barrier = new Barrier(2, function* () {
          yield* sleep(10);
          throw new RangeError('expected');
        });
        const waiters = parties(barrier, 'ab', log);
        yield* sleep(5);
        const now = hub.now();
        barrier.reset();
        const newcomer = party(barrier, 'c', log);
        yield* sleep(0);
        if (how === 'is killed') yield* waiters[1]!.kill();
        yield* joinall(waiters);
        expect(log).toEqual([
          ...broken('a', 'the barrier was reset', now),
          how === 'fails' ? `b RangeError: expected at ${now + 5}` : `b killed at ${now}`,
        ]);
        expect(barrier.statistics()).toEqual({ parties: 2, waiting: 1, broken: false });
        yield* newcomer.kill();
      }
    }));

  it('may be called by the action itself', () =>
    virtually(function* () {
      const log: string[] = [];
      const barrier: Barrier = new Barrier(2, () => barrier.reset());
      yield* joinall(parties(barrier, 'ab', log));
      expect(log.sort()).toEqual(broken('ab', 'the barrier was reset', 0));
      expect(barrier.broken).toBe(false);
    }));

  it('may be called from hub callbacks and from ordinary code', async () => {
    const barrier = new Barrier(2);
    for (const reset of [() => barrier.reset(), () => void hub.callSoon(() => barrier.reset())]) {
      const waiting = run(() => barrier.wait());
      await nextTurn();
      reset();
      await expect(waiting).rejects.toThrow(new BrokenBarrierError('Barrier.wait(): the barrier was reset'));
    }
    expect(barrier.broken).toBe(false);
  });
});

describe('Barrier.abort()', () => {
  it('breaks a barrier at which nobody waits', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      const log: string[] = [];
      barrier.abort();
      expect(barrier.statistics()).toEqual({ parties: 1, waiting: 0, broken: true });
      yield* party(barrier, 'a', log);
      expect(log).toEqual(broken('a', 'the barrier was aborted', 0));
    }));

  it('fails those who wait, now and later, until reset()', () =>
    virtually(function* () {
      const barrier = new Barrier(3);
      const log: string[] = [];
      const waiters = parties(barrier, 'ab', log, 50);
      yield* sleep(5);
      barrier.abort();
      barrier.abort();
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: true });
      waiters.push(...parties(barrier, 'cde', log));
      yield* joinall(waiters);
      expect(log).toEqual(broken('abcde', 'the barrier was aborted', 5));
      barrier.reset();
      yield* joinall(parties(barrier, 'fgh', log));
      expect(log.slice(5)).toEqual(['h 2 at 5', 'f 0 at 5', 'g 1 at 5']);
      expect(hub.stats().timers).toBe(0);
    }));

  it('does not reach those who were let through in the same pass', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const waiting = party(barrier, 'a', log);
      yield* sleep(0);
      expect(yield* barrier.wait()).toBe(1);
      barrier.abort();
      yield* waiting;
      expect([log, barrier.broken]).toEqual([['a 0 at 0'], true]);
    }));

  it('fails every round whose action runs, and the newcomers', () =>
    virtually(function* () {
      const log: string[] = [];
      let rounds = 0;
      const barrier = new Barrier(2, () => sleep(10 * ++rounds));
      const waiters = parties(barrier, 'abcde', log);
      yield* sleep(5);
      barrier.abort();
      yield* joinall(waiters);
      expect(log.map((entry) => entry.split(' at ')[0]).sort()).toEqual(
        [...'abcde'].map((name) => `${name} Barrier.wait(): the barrier was aborted`),
      );
      expect(barrier.broken).toBe(true);
    }));

  it('may be called by the action itself, and by a reset in between', () =>
    virtually(function* () {
      const log: string[] = [];
      const barrier: Barrier = new Barrier(2, () => barrier.abort());
      yield* joinall(parties(barrier, 'ab', log));
      expect(log.sort()).toEqual(broken('ab', 'the barrier was aborted', 0));
      expect(barrier.broken).toBe(true);
      barrier.reset();
      yield* joinall(parties(barrier, 'cd', log));
      expect(log.slice(2).sort()).toEqual(broken('cd', 'the barrier was aborted', 0));
    }));

  it('may be called from hub callbacks and from ordinary code', async () => {
    for (const later of [false, true]) {
      const barrier = new Barrier(2);
      const waiting = run(() => barrier.wait());
      await nextTurn();
      if (later) hub.callSoon(() => barrier.abort());
      else barrier.abort();
      await expect(waiting).rejects.toThrow(new BrokenBarrierError('Barrier.wait(): the barrier was aborted'));
    }
  });
});

describe('a link to a Barrier', () => {
  const breaks: [string, (barrier: Barrier, waiting: Greenlet) => void][] = [
    ['is aborted', (barrier) => barrier.abort()],
    ['loses a party', (_, waiting) => void waiting.kill()],
  ];

  it('is called once, in a pass of its own, when a round is complete', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: unknown[] = [];
      barrier.rawlink((source) => log.push(source === barrier));
      for (let round = 0; round < 2; round++) {
        const waiting = spawn(() => barrier.wait());
        yield* sleep(0);
        log.push(yield* barrier.wait());
        yield* waiting;
        yield* sleep(0);
      }
      expect(log).toEqual([1, true, 1]);
    }));

  it.each(breaks)('is called when the barrier %s', (_, breakIt) =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      const waiting = party(barrier, 'a', log);
      barrier.rawlink(() => log.push(`broken: ${barrier.broken}`));
      yield* sleep(0);
      breakIt(barrier, waiting);
      yield* waiting.join();
      yield* sleep(0);
      expect(log).toContain('broken: true');
      expect(log).toHaveLength(2);
    }),
  );

  it('is called when a party is out of time, and when the action fails', () =>
    virtually(function* () {
      const log: string[] = [];
      const slow = new Barrier(2);
      slow.rawlink(() => log.push(`slow at ${hub.now()}`));
      yield* failureOf(slow.wait(5));
      const failing = new Barrier(1, () => Promise.reject(new RangeError('expected')));
      failing.rawlink(() => log.push('failing'));
      yield* failureOf(failing.wait());
      yield* sleep(0);
      expect(log).toEqual(['slow at 5', 'failing']);
    }));

  it('is called in the next pass if the barrier is broken already, and not by a reset', () =>
    virtually(function* () {
      const barrier = new Barrier(2);
      const log: string[] = [];
      barrier.rawlink(() => log.push('one'));
      const waiting = party(barrier, 'a', []);
      yield* sleep(0);
      barrier.reset();
      yield* waiting;
      expect(log).toEqual([]);
      barrier.abort();
      barrier.rawlink(() => log.push('two'));
      log.push('linked');
      yield* sleep(0);
      expect(log).toEqual(['linked', 'one', 'two']);
    }));

  it('can be taken back, also when it is already due', () =>
    virtually(function* () {
      const barrier = new Barrier(1);
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) => () => void log.push(name));
      for (const link of [one, two, three]) barrier.rawlink(link!);
      barrier.unlink(one!);
      barrier.unlink(() => {});
      yield* barrier.wait();
      barrier.unlink(two!);
      yield* sleep(0);
      expect(log).toEqual(['three']);
      expect(() => barrier.rawlink(5 as never)).toThrow(new TypeError('link is 5: give a plain function'));
    }));

  it('makes wait() and iwait() tell of a complete round, without being a party', () =>
    virtually(function* () {
      const [one, other] = [new Barrier(1), new Barrier(1)];
      const waiting = spawn(() => wait([one, other], { timeout: 10 }));
      const first = spawn(function* () {
        using ready = iwait([one, other]);
        return (yield* ready.next()).value === other;
      });
      yield* sleep(5);
      expect([one.waiting, yield* other.wait(), yield* first]).toEqual([0, 0, true]);
      const ready = yield* waiting;
      expect([ready.length, ready[0] === other, hub.now()]).toEqual([1, true, 10]);
    }));
});

describe('a Barrier under a crowd', () => {
  /** Waits until told otherwise, counting the places that were given. */
  function* walk(barrier: Barrier, places: number[], below: (n: number) => number): Coroutine<void> {
    for (let i = 0; i < 12; i++) {
      yield* sleep(below(4));
      try {
        places[yield* barrier.wait(below(4) === 0 ? below(6) : null)]!++;
      } catch (error) {
        if (!(error instanceof BrokenBarrierError)) throw error;
        if (below(2) === 0) barrier.reset();
      }
    }
  }

  it('gives each place of a round once, or fails the whole round, whatever kills, limits, resets and aborts come', () =>
    virtually(function* () {
      let rounds = 0;
      for (let seed = 0; seed < 150; seed++) {
        const below = random(seed);
        const size = 1 + below(4);
        const places = Array<number>(size).fill(0);
        const ms = below(3);
        const barrier = new Barrier(size, ms === 0 ? undefined : () => sleep(ms));
        const walkers = Array.from({ length: 3 * size }, () => spawn(walk, barrier, places, below));
        const lengths: number[] = [];
        for (let i = 0; i < 15; i++) {
          yield* sleep(below(6));
          const what = below(4);
          if (what === 0) barrier.abort();
          else if (what === 1) barrier.reset();
          else walkers[below(walkers.length)]!.kill();
          lengths.push(barrier.waiting);
        }
        expect(lengths.every((length) => length < size)).toBe(true);
        while (walkers.some(({ dead }) => !dead)) {
          yield* sleep(20);
          barrier.abort();
        }
        rounds += places[0]!;
        // A kill of the last arriver while the action runs, or of one that waits for it, fails the round as a whole.
        expect({ seed, places }).toEqual({ seed, places: Array(size).fill(places[0]) });
        expect([barrier.waiting, hub.stats().timers]).toEqual([0, 0]);
      }
      expect(rounds).toBeGreaterThan(500);
    }));
});
