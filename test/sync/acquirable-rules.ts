/** What locks and semaphores have in common, as tests: each runs on an object that has one free permit. */
import {
  type Acquirable,
  BlockingSwitchOutError,
  type Coroutine,
  Event,
  type Greenlet,
  iwait,
  joinall,
  NotInGreenletError,
  type Operation,
  run,
  select,
  sleep,
  spawn,
  Timeout,
  wait,
} from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually } from '../support/hub.ts';

export type OnePermit = Acquirable & { statistics(): { readonly waiting: number } };

/** Every subset of `items`, in every order. */
export function* arrangements<T>(items: readonly T[]): Generator<T[]> {
  yield [];
  for (const item of items) {
    for (const rest of arrangements(items.filter((other) => other !== item))) yield [item, ...rest];
  }
}

/** Performs `count` operations that are ready, so that the slice of the hub may end at the next one. */
export function* useUpSlice(count: number) {
  const set = new Event();
  set.set();
  for (let i = 0; i < count; i++) yield* set.wait();
}

/** Enough for `useUpSlice` to hit every place of a slice. */
export const SLICE = 300;

/** What `operation` says to whoever performs it elsewhere than in a greenlet. */
export function performElsewhere(operation: Iterable<unknown>): unknown {
  try {
    return (operation[Symbol.iterator]() as Iterator<unknown, unknown, undefined>).next(undefined);
  } catch (error) {
    return error;
  }
}

export function itGivesPermits(name: string, make: () => OnePermit): void {
  /** Takes the permit, notes it, and gives it back after `ms`. */
  const visitor = (permits: OnePermit, visitorName: string, log: string[], ms = 1) =>
    spawn(function* () {
      yield* permits.acquire();
      log.push(visitorName);
      yield* sleep(ms);
      permits.release();
    });

  describe(`${name}.acquire()`, () => {
    it('takes a free permit without a switch, and gives true', () =>
      virtually(function* () {
        const permits = make();
        const log: unknown[] = [];
        const other = spawn(() => log.push('other'));
        log.push(permits.locked(), yield* permits.acquire(), permits.locked());
        permits.release();
        log.push(permits.locked(), permits.ready());
        yield* other.join();
        expect(log).toEqual([false, true, true, false, true, 'other']);
      }));

    it('does nothing before it is performed', () => {
      const permits = make();
      permits.acquire();
      permits.hold();
      expect(permits.locked()).toBe(false);
    });

    it('gives the permit on in the order of the calls, and a releaser that asks again queues behind', () =>
      virtually(function* () {
        const permits = make();
        const log: string[] = [];
        yield* permits.acquire();
        for (const visitorName of ['a', 'b', 'c']) visitor(permits, visitorName, log);
        yield* sleep(0);
        expect(permits.statistics()).toMatchObject({ waiting: 3 });
        permits.release();
        log.push(`${permits.locked()} ${permits.acquireNowait()} ${yield* permits.acquire({ block: false })}`);
        expect(permits.statistics()).toMatchObject({ waiting: 2 });
        yield* permits.acquire();
        log.push('main');
        expect([log, hub.now()]).toEqual([['true false false', 'a', 'b', 'c', 'main'], 3]);
        permits.release();
        expect(permits.locked()).toBe(false);
      }));

    it('starves nobody: who takes turns with many gets as many turns as they', () =>
      virtually(function* () {
        const permits = make();
        const turns = [0, 0, 0];
        const players = turns.map((_, index) =>
          spawn(function* () {
            while (turns[0]! < 50) {
              using _ = yield* permits.hold();
              turns[index]!++;
              yield* sleep(0);
            }
          }),
        );
        yield* joinall(players);
        expect(turns).toEqual([50, 50, 50]);
      }));

    it('gives false at once, without a switch, when it must not wait', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const log: unknown[] = [];
        const poller = spawn(function* () {
          spawn(() => log.push('other'));
          log.push(yield* permits.acquire({ block: false }), yield* permits.acquire({ timeout: 0 }));
          log.push(yield* permits.acquire({ block: false, timeout: 50 }), permits.acquireNowait());
        });
        yield* poller;
        yield* sleep(0);
        expect([log, hub.now()]).toEqual([[false, false, false, false, 'other'], 0]);
        permits.release();
        expect([yield* permits.acquire({ block: false }), permits.locked()]).toEqual([true, true]);
        permits.release();
        expect([yield* permits.acquire({ timeout: 0 }), permits.locked()]).toEqual([true, true]);
        permits.release();
        expect([permits.acquireNowait(), permits.locked()]).toEqual([true, true]);
      }));

    it('gives false when time is up, takes nothing then, and leaves no timer', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const [early, late, endless] = [10, 20, null].map((timeout) => spawn(() => permits.acquire({ timeout })));
        yield* sleep(15);
        expect([early!.value, permits.statistics().waiting, hub.stats().timers]).toEqual([false, 2, 1]);
        permits.release();
        expect([yield* late!, permits.locked(), hub.now(), hub.stats().timers]).toEqual([true, true, 15, 0]);
        yield* endless!.kill();
        expect(permits.statistics()).toMatchObject({ waiting: 0 });
      }));

    it('takes null and Infinity for no limit', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const waiters = [null, Number.POSITIVE_INFINITY].map((timeout) =>
          spawn(function* () {
            const got = yield* permits.acquire({ timeout, block: true });
            permits.release();
            return [got, hub.now()];
          }),
        );
        yield* sleep(10 ** 9);
        permits.release();
        yield* joinall(waiters);
        expect(waiters.map(({ value }) => value)).toEqual(Array(2).fill([true, 10 ** 9]));
        expect([yield* permits.acquire(undefined), permits.locked()]).toEqual([true, true]);
      }));

    it('rejects wrong arguments at the call', () => {
      const permits = make();
      const negative = new RangeError('timeout is -1: give milliseconds, 0 or more');
      expect(() => permits.acquire({ timeout: -1 })).toThrow(negative);
      expect(() => permits.acquire({ timeout: -1, block: false })).toThrow(negative);
      expect(() => permits.hold(-1)).toThrow(negative);
      expect(() => permits.acquire({ timeout: Number.NaN })).toThrow(RangeError);
      expect(() => permits.hold(Number.NaN)).toThrow(RangeError);
      expect(() => permits.acquire({ timeout: '5' as never })).toThrow(TypeError);
      expect(() => permits.hold({ timeout: 5 } as never)).toThrow(
        new TypeError('timeout is { timeout: 5 }: give a number of milliseconds'),
      );
      for (const wrong of [5, false, null]) {
        expect(() => permits.acquire(wrong as never)).toThrow(
          new TypeError(`options is ${wrong}: give { timeout: milliseconds } or { block: false }`),
        );
      }
      expect(permits.locked()).toBe(false);
    });

    for (const [place, index] of Object.entries({ first: 0, middle: 1, last: 2 })) {
      for (const timeout of [null, 50]) {
        it(`loses a waiter that is killed, and no other: the ${place} of three, with a timeout of ${timeout}`, () =>
          virtually(function* () {
            const permits = make();
            const log: string[] = [];
            yield* permits.acquire();
            const waiters = ['a', 'b', 'c'].map((waiter) =>
              spawn(function* () {
                yield* permits.acquire({ timeout });
                log.push(waiter);
                permits.release();
              }),
            );
            yield* sleep(1);
            yield* waiters[index]!.kill();
            expect([permits.statistics().waiting, hub.stats().timers]).toEqual([2, timeout === null ? 0 : 2]);
            permits.release();
            yield* joinall(waiters);
            expect(log).toEqual(['a', 'b', 'c'].filter((_, at) => at !== index));
            expect([permits.locked(), hub.now(), hub.stats().timers]).toEqual([false, 1, 0]);
          }));
      }
    }

    it('lets an outer timeout through, and leaves the line', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const waiter = spawn(function* () {
          const caught: boolean[] = [];
          for (const acquire of [() => permits.acquire(), () => permits.acquire({ timeout: 100 })]) {
            using limit = Timeout.startNew(5);
            try {
              yield* acquire();
            } catch (error) {
              caught.push(error === limit);
            }
          }
          return caught;
        });
        expect([yield* waiter, hub.now(), hub.stats().timers]).toEqual([[true, true], 10, 0]);
        expect(permits.statistics()).toMatchObject({ waiting: 0 });
      }));

    it('keeps a permit that was given before time was up, although the greenlet runs only afterwards', async () => {
      const clock = new (class extends VirtualClock {
        late = 0;
        override now() {
          return super.now() + this.late;
        }
      })();
      await run(
        function* () {
          const permits = make();
          yield* permits.acquire();
          const waiters = [spawn(() => permits.acquire({ timeout: 5 })), spawn(() => permits.acquire({ timeout: 5 }))];
          yield* sleep(1);
          permits.release();
          clock.late = 10;
          yield* useUpSlice(2 * SLICE); // the limits are seen to be over between the release and the first one's turn
          yield* joinall(waiters);
          expect([waiters.map(({ value }) => value), permits.locked(), hub.now()]).toEqual([[true, false], true, 11]);
        },
        { clock },
      );
    });

    it('blocks neither a hub callback nor ordinary code: it throws there', async () => {
      const permits = make();
      const calls = [() => permits.acquire(), () => permits.acquire({ timeout: 0 }), () => permits.hold()];
      const outside = calls.map((call) => performElsewhere(call()));
      let inCallback: unknown[] = [];
      hub.callSoon(() => {
        inCallback = calls.map((call) => performElsewhere(call()));
      });
      await nextTurn();
      expect(outside.map((error) => (error as Error).constructor)).toEqual(Array(3).fill(NotInGreenletError));
      expect(inCallback.map((error) => (error as Error).constructor)).toEqual(Array(3).fill(BlockingSwitchOutError));
      expect(String(outside[0])).toContain(`${name}.acquire() was performed outside a greenlet`);
      expect(String(outside[2])).toContain(`${name}.hold() was performed outside a greenlet`);
      expect(String(inCallback[0])).toContain(`${name}.acquire() would block a hub callback`);
      expect([permits.locked(), permits.statistics().waiting]).toEqual([false, 0]);
    });

    it('is reported with who holds the lock, with a time limit or without', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const holder = name.endsWith('Lock') ? ', held by <main>' : '';
        const calls: (() => Operation<unknown>)[] = [
          () => permits.acquire(),
          () => permits.acquire({ timeout: 50 }),
          () => permits.hold(50),
        ];
        const reports: string[] = [];
        for (const call of calls) {
          const waiter = spawn(call);
          yield* sleep(0);
          reports.push((yield* failureOf(waiter.switch()))!.message.replace(/.* waits for /, ''));
          yield* waiter.kill();
        }
        const waitsFor = expect.stringMatching(new RegExp(`^${name}\\.(acquire|hold)\\(\\)${holder}$`));
        expect(reports).toEqual([waitsFor, waitsFor, waitsFor]);
      }));

    it('names the bare call when it is misused, whether a permit is free or not', () =>
      virtually(function* () {
        for (const isHeld of [false, true]) {
          for (const call of ['acquire', 'hold'] as const) {
            const permits = make();
            if (isHeld) yield* permits.acquire();
            const misuse = spawn(() => [...(permits[call]() as Iterable<unknown>)]);
            const error = yield* failureOf(misuse);
            expect(error).toBeInstanceOf(TypeError);
            expect(error?.message).toMatch(
              new RegExp(`^${name}\\.${call}\\(\\) was iterated by .*: write yield\\* ${name}\\.${call}\\(\\)$`),
            );
            expect([permits.locked(), permits.statistics().waiting]).toEqual([isHeld, 0]);
          }
        }
      }));
  });

  describe(`${name}.hold()`, () => {
    it('gives the permit back when the block returns, throws or is killed', () =>
      virtually(function* () {
        const permits = make();
        const log: unknown[] = [];
        const enter = (body: () => Operation<void>) =>
          spawn(function* () {
            using _ = yield* permits.hold();
            log.push(permits.locked());
            yield* body();
          });
        yield* enter(() => sleep(5));
        log.push('returned', permits.locked());
        const failing = enter(() => {
          throw new RangeError('expected');
        });
        log.push((yield* failureOf(failing))?.message, permits.locked());
        const killed = enter(() => sleep(1000));
        yield* sleep(1);
        yield* killed.kill();
        log.push('killed', permits.locked());
        expect(log).toEqual([true, 'returned', false, true, 'expected', false, true, 'killed', false]);
      }));

    it('gives it back once, however often it is disposed of', () =>
      virtually(function* () {
        const permits = make();
        const held = yield* permits.hold();
        held[Symbol.dispose]();
        expect(permits.locked()).toBe(false);
        yield* permits.acquire();
        held[Symbol.dispose]();
        expect(permits.locked()).toBe(true);
        permits.release();
        expect(permits.locked()).toBe(false);
      }));

    it('throws a Timeout when there was no permit in time, and leaves nothing behind', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const messages = spawn(function* () {
          const caught: string[] = [];
          for (const timeout of [0, 5]) {
            try {
              yield* permits.hold(timeout);
            } catch (error) {
              expect(error).toBeInstanceOf(Timeout);
              caught.push(`${(error as Error).message} at ${hub.now()}`);
            }
          }
          return caught;
        });
        expect(yield* messages).toEqual([
          `${name}.hold() had no result yet at 0`,
          `${name}.hold() timed out after 5 ms at 5`,
        ]);
        expect([permits.statistics().waiting, hub.stats().timers]).toEqual([0, 0]);
        const log: string[] = [];
        yield* spawn(function* () {
          spawn(() => log.push('other'));
          yield* failureOf(permits.hold(0));
          log.push('polled without a switch');
        });
        yield* sleep(0);
        expect(log).toEqual(['polled without a switch', 'other']);
        const patient = [undefined, null, 5].map((timeout) =>
          spawn(function* () {
            using _ = yield* permits.hold(timeout);
          }),
        );
        yield* sleep(1);
        permits.release();
        yield* joinall(patient, { raiseError: true });
        expect([permits.locked(), hub.stats().timers, hub.now()]).toEqual([false, 0, 6]);
      }));

    for (const timeout of [undefined, 50]) {
      it(`loses and doubles no permit, whatever happens in the pass of the release, with a timeout of ${timeout}`, () =>
        virtually(function* () {
          for (const order of arrangements(['release', 'kill a', 'kill b', 'kill c'])) {
            const permits = make();
            const log: string[] = [];
            const hold = yield* permits.hold();
            const waiters = new Map<string, Greenlet>();
            for (const waiter of ['a', 'b', 'c']) {
              const body = function* () {
                using _ = yield* permits.hold(timeout);
                log.push(`${waiter} has it`);
                yield* sleep(0);
                log.push(`${waiter} goes on`);
              };
              waiters.set(waiter, spawn(body));
            }
            yield* sleep(0);
            // What must happen: who had it already when the kill came has it, and gives it back.
            const line = ['a', 'b', 'c'];
            const entering: string[] = [];
            const killed = new Set<string>();
            for (const event of order) {
              if (event === 'release') {
                hold[Symbol.dispose]();
                entering.push(...line.splice(0, 1));
                continue;
              }
              const waiter = event.at(-1)!;
              waiters.get(waiter)!.kill();
              killed.add(waiter);
              if (line.includes(waiter)) line.splice(line.indexOf(waiter), 1);
            }
            yield* sleep(0);
            hold[Symbol.dispose]();
            yield* wait(waiters.values());
            const expected = [...entering, ...line].flatMap((waiter) =>
              killed.has(waiter) ? [`${waiter} has it`] : [`${waiter} has it`, `${waiter} goes on`],
            );
            expect({ order, log }).toEqual({ order, log: expected });
            expect([permits.locked(), permits.statistics().waiting, hub.stats().timers]).toEqual([false, 0, 0]);
          }
        }));
    }

    it('loses no permit to a kill, wherever the slice of the hub ends', () =>
      virtually(function* () {
        for (let count = 0; count < SLICE; count++) {
          const permits = make();
          let inside = 0;
          const visits: number[] = [];
          const visit = function* (work: number) {
            yield* useUpSlice(work);
            using _ = yield* permits.hold();
            visits.push(++inside);
            try {
              yield* sleep(0);
            } finally {
              inside--;
            }
          };
          const victim = spawn(visit, count);
          const other = spawn(visit, 0);
          spawn(() => void victim.kill());
          yield* wait([victim, other]);
          expect(visits.every((there) => there === 1)).toBe(true);
          expect([permits.locked(), permits.statistics().waiting]).toEqual([false, 0]);
        }
      }));
  });

  describe(`a ${name} in select()`, () => {
    it('is taken by the case that happens, and by no other', () =>
      virtually(function* () {
        const [one, other] = [make(), make()];
        yield* one.acquire();
        yield* other.acquire();
        const chooser = spawn(function* () {
          const { key, value } = yield* select({ one: one.acquire(), other: other.acquire(), limit: sleep(50) });
          const who = [key, value, hub.now()];
          (key === 'one' ? one : other).release();
          return who;
        });
        yield* sleep(5);
        expect([one.statistics().waiting, other.statistics().waiting]).toEqual([1, 1]);
        other.release();
        one.release();
        expect(yield* chooser).toEqual(['other', true, 5]);
        expect([one, other].map((permits) => [permits.locked(), permits.statistics().waiting])).toEqual([
          [false, 0],
          [false, 0],
        ]);
        expect(hub.stats().timers).toBe(0);
      }));

    it('is not taken when another case happens or the chooser is killed', () =>
      virtually(function* () {
        const permits = make();
        yield* permits.acquire();
        const late = spawn(() => select({ hold: permits.hold(), limit: sleep(5) }));
        expect(yield* late).toEqual({ key: 'limit', value: undefined });
        const killed = spawn(() => select({ hold: permits.hold(), acquire: permits.acquire({ timeout: 100 }) }));
        yield* sleep(0);
        expect(permits.statistics()).toMatchObject({ waiting: 2 });
        yield* killed.kill();
        expect([permits.statistics().waiting, hub.stats().timers]).toEqual([0, 0]);
        permits.release();
        expect(permits.locked()).toBe(false);
      }));

    it('is held by the greenlet that chose, who gives it back', () =>
      virtually(function* () {
        const permits = make();
        for (const ms of [0, 5]) {
          const hold = yield* permits.hold();
          const chooser = spawn(function* () {
            const { key, value } = yield* select({ held: permits.hold(), limit: sleep(50) });
            expect([key, permits.locked()]).toEqual(['held', true]);
            (value as Disposable)[Symbol.dispose]();
          });
          if (ms > 0) yield* sleep(ms);
          hold[Symbol.dispose]();
          yield* chooser;
          expect([permits.locked(), hub.stats().timers]).toEqual([false, 0]);
        }
      }));
  });

  itIsLinked(name, make);
}

/** The error that `operation` throws. */
export function* failureOf(operation: Operation<unknown>): Coroutine<Error | undefined> {
  try {
    yield* operation;
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function itIsLinked(name: string, make: () => OnePermit): void {
  describe(`a link to a ${name}`, () => {
    it('is called once, in a pass of its own, when the permit gets free', () =>
      virtually(function* () {
        const permits = make();
        const log: unknown[] = [];
        yield* permits.acquire();
        permits.rawlink((source) => log.push(source === permits));
        yield* sleep(0);
        permits.release();
        log.push('released');
        yield* sleep(0);
        yield* permits.acquire();
        permits.release();
        yield* sleep(0);
        expect(log).toEqual(['released', true]);
      }));

    it('is called in the next pass if the permit is free already, and takes nothing', () =>
      virtually(function* () {
        const permits = make();
        const log: unknown[] = [];
        permits.rawlink(() => log.push('link', permits.locked()));
        log.push('linked');
        yield* sleep(0);
        expect(log).toEqual(['linked', 'link', false]);
      }));

    it('is not called for a permit that goes to a waiter, nor for one that is taken before its turn', () =>
      virtually(function* () {
        const permits = make();
        const log: string[] = [];
        const hold = yield* permits.hold();
        permits.rawlink(() => log.push('link'));
        const waiter = spawn(function* () {
          yield* permits.acquire();
          log.push('waiter');
          yield* sleep(5);
          permits.release();
          log.push(`again ${permits.acquireNowait()}`);
          yield* sleep(5);
          permits.release();
          log.push('released');
        });
        yield* sleep(0);
        hold[Symbol.dispose]();
        yield* waiter;
        yield* sleep(0);
        expect(log).toEqual(['waiter', 'again true', 'released', 'link']);
      }));

    it('can be taken back, also when it is already due, and leaves the others in their order', () =>
      virtually(function* () {
        const permits = make();
        const log: string[] = [];
        const [one, two, three, four] = ['one', 'two', 'three', 'four'].map((link) => () => void log.push(link));
        yield* permits.acquire();
        for (const link of [one, two, three, four]) permits.rawlink(link!);
        permits.unlink(one!);
        permits.unlink(() => {});
        permits.release();
        permits.unlink(three!);
        yield* sleep(0);
        expect(log).toEqual(['two', 'four']);
      }));

    it('is left out when an earlier one takes the permit, and called when that comes back', () =>
      virtually(function* () {
        const permits = make();
        const log: unknown[] = [];
        yield* permits.acquire();
        permits.rawlink(() => log.push('one', permits.acquireNowait()));
        permits.rawlink(() => log.push('two'));
        permits.release();
        yield* sleep(1);
        log.push(permits.locked());
        hub.callSoon(() => permits.release()); // a link runs in the name of all code outside greenlets
        yield* sleep(1);
        expect(log).toEqual(['one', true, true, 'two']);
        expect(permits.locked()).toBe(false);
      }));

    it('that throws is reported, and the others are called', () =>
      virtually(function* () {
        const permits = make();
        const { onError } = hub;
        const log: unknown[] = [];
        hub.onError = (error) => void log.push((error as Error).message);
        permits.rawlink(() => {
          throw new RangeError('expected');
        });
        permits.rawlink(() => log.push('called'));
        yield* sleep(1);
        hub.onError = onError;
        expect(log).toEqual(['expected', 'called']);
      }));

    it('must be a plain function', () => {
      expect(() => make().rawlink(5 as never)).toThrow(new TypeError('link is 5: give a plain function'));
      expect(() => make().rawlink(function* () {} as never)).toThrow(TypeError);
    });

    it('makes wait() and iwait() tell when there is a permit, without taking it', () =>
      virtually(function* () {
        const [free, soon, never] = [make(), make(), make()];
        yield* soon.acquire();
        yield* never.acquire();
        const waiting = spawn(() => wait([never, soon, free], { timeout: 10 }));
        const first = spawn(function* () {
          using ready = iwait([soon, never]);
          return (yield* ready.next()).value;
        });
        yield* sleep(5);
        soon.release();
        expect((yield* first) === soon).toBe(true);
        expect((yield* waiting).map((permits) => [never, soon, free].indexOf(permits))).toEqual([2, 1]);
        expect([hub.now(), free.locked(), soon.locked(), never.locked()]).toEqual([10, false, false, true]);
        expect([free, soon, never].map((permits) => permits.statistics().waiting)).toEqual([0, 0, 0]);
      }));
  });
}
