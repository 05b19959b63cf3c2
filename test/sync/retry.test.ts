import {
  type Coroutine,
  coroutine,
  Event,
  type Greenlet,
  GreenletExit,
  GreenletLocal,
  getcurrent,
  isExit,
  Lock,
  LoopExit,
  NotInGreenletError,
  Queue,
  QueueEmpty,
  type RetryPolicy,
  RLock,
  retry,
  run,
  shield,
  sleep,
  spawn,
  spawnNow,
  suspend,
  Timeout,
  taskGroup,
  until,
  withTimeout,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What an operation gives, or the object that it throws. */
function* outcomeOf(operation: Iterable<never> | Coroutine<unknown> | Greenlet<any> | object): Coroutine<any> {
  try {
    return yield* operation as Coroutine<unknown>;
  } catch (error) {
    return error;
  }
}

/** A function that fails so many times, each time with another error, and the times of its calls. */
function failing(times: number) {
  const errors = Array.from({ length: times }, (_, i) => new Error(`failure ${i + 1}`));
  const calls: number[] = [];
  const fn = (attempt: number) => {
    calls.push(hub.now());
    const error = errors[attempt - 1];
    if (error !== undefined) throw error;
    return `attempt ${attempt}`;
  };
  return { fn, calls, errors };
}

/** As if its time were up just now. */
function expire(limit: Timeout): void {
  hub.timers.cancel(limit as never);
  limit.fire();
}

describe('retry()', () => {
  it('gives the first result, and tells the function which attempt it is', () =>
    virtually(function* () {
      const { fn, calls } = failing(2);
      expect(yield* retry(fn)).toBe('attempt 3');
      expect(calls).toHaveLength(3);
      const lucky = failing(0);
      expect([yield* retry(lucky.fn), lucky.calls]).toEqual(['attempt 1', [0]]);
    }));

  it('makes 3 attempts by default, or as many as it is told, and throws the very error of the last', () =>
    virtually(function* () {
      for (const [policy, attempts] of [
        [undefined, 3],
        [{}, 3],
        [{ attempts: 1 }, 1],
        [{ attempts: 7 }, 7],
      ] as [RetryPolicy | undefined, number][]) {
        const { fn, calls, errors } = failing(100);
        const error = yield* outcomeOf(retry(fn, policy));
        expect([error === errors[attempts - 1], calls.length]).toEqual([true, attempts]);
      }
    }));

  it('goes on for ever if told so', () =>
    virtually(function* () {
      const { fn } = failing(2000);
      expect(yield* retry(fn, { attempts: Number.POSITIVE_INFINITY, backoff: { initial: 1, max: 2 } })).toBe(
        'attempt 2001',
      );
    }));

  it('takes coroutine functions, plain, async and marked ones, and what returns an operation', () =>
    virtually(function* () {
      const failFirst = (attempt: number) => {
        if (attempt === 1) throw new Error('first');
        return attempt;
      };
      const functions = [
        function* (attempt: number) {
          yield* sleep(1);
          return failFirst(attempt);
        },
        coroutine(function* (attempt: number) {
          yield* sleep(1);
          return failFirst(attempt);
        }),
        failFirst,
        async (attempt: number) => failFirst(attempt),
        (attempt: number) => until(Promise.resolve().then(() => failFirst(attempt))),
        (attempt: number) => spawn(failFirst, attempt),
        (attempt: number) => withTimeout(5, () => failFirst(attempt)),
      ];
      for (const fn of functions) expect(yield* retry(fn as () => unknown)).toBe(2);
    }));

  it('retries whatever is thrown, undefined as well', () =>
    virtually(function* () {
      const thrown = [undefined, null, 'text', { code: 5 }];
      const seen: unknown[] = [];
      const fn = (attempt: number) => {
        throw thrown[attempt - 1];
      };
      const onRetry = (error: unknown) => seen.push(error);
      expect(yield* outcomeOf(retry(fn, { attempts: 4, onRetry }))).toBe(thrown[3]);
      expect(seen).toEqual([undefined, null, 'text']);
    }));

  it('gives results that are undefined, errors or exits as they are', () =>
    virtually(function* () {
      const killed = spawn(sleep, 1000);
      yield* sleep(0);
      yield* killed.kill();
      const error = new Error('a result');
      expect(yield* retry(() => undefined)).toBe(undefined);
      expect(yield* retry(() => error)).toBe(error);
      expect(yield* retry(() => killed.get())).toBe(killed.value);
    }));

  it('does not suspend when the function does not', () =>
    virtually(function* () {
      const log: string[] = [];
      const other = spawn(() => log.push('other'));
      log.push(yield* retry(() => 'done'));
      yield* other;
      expect(log).toEqual(['done', 'other']);
    }));

  it('lets others run between two attempts, even without a pause', () =>
    virtually(function* () {
      const log: string[] = [];
      const other = spawn(() => log.push('other'));
      yield* retry((attempt) => {
        log.push(`attempt ${attempt}`);
        if (attempt < 3) throw new Error('no');
      });
      yield* other;
      expect(log).toEqual(['attempt 1', 'other', 'attempt 2', 'attempt 3']);
    }));

  it('reports no error that it took', () =>
    virtually(function* () {
      yield* outcomeOf(
        retry(function* () {
          yield* sleep(1);
          throw new Error('no');
        }),
      );
      yield* sleep(1);
      expect(yield* spawn(takeReports)).toEqual([]);
    }));
});

describe('the pauses', () => {
  const timesWith = (policy: RetryPolicy) =>
    virtually(function* () {
      const { fn, calls } = failing(100);
      yield* outcomeOf(retry(fn, policy));
      return calls;
    });

  it('are none by default, or all of one length', async () => {
    expect(await timesWith({ attempts: 3 })).toEqual([0, 0, 0]);
    expect(await timesWith({ attempts: 4, backoff: 100 })).toEqual([0, 100, 200, 300]);
  });

  it('double by default, or grow by a factor, up to a longest', async () => {
    expect(await timesWith({ attempts: 5, backoff: { initial: 10 } })).toEqual([0, 10, 30, 70, 150]);
    expect(await timesWith({ attempts: 4, backoff: { initial: 10, factor: 3 } })).toEqual([0, 10, 40, 130]);
    expect(await timesWith({ attempts: 4, backoff: { initial: 10, factor: 1 } })).toEqual([0, 10, 20, 30]);
    expect(await timesWith({ attempts: 5, backoff: { initial: 10, max: 25 } })).toEqual([0, 10, 30, 55, 80]);
    expect(await timesWith({ attempts: 3, backoff: { initial: 10, max: 5 } })).toEqual([0, 5, 10]);
    expect(await timesWith({ attempts: 3, backoff: { initial: 0, factor: 9 } })).toEqual([0, 0, 0]);
  });

  it('stay finite after very many attempts', () =>
    virtually(function* () {
      const { fn } = failing(1200);
      const delays: number[] = [];
      const onRetry = (_: unknown, __: number, delay: number) => void delays.push(delay);
      const policy = { attempts: 1300, backoff: { initial: 1, factor: 1e9, max: 1000 }, onRetry };
      expect(yield* retry(fn, policy)).toBe('attempt 1201');
      expect([delays[0], delays[1], delays.at(-1)]).toEqual([1, 1000, 1000]);
    }));

  it('begin at the end of an attempt', () =>
    virtually(function* () {
      const calls: number[] = [];
      const fn = function* () {
        calls.push(hub.now());
        yield* sleep(7);
        throw new Error('no');
      };
      yield* outcomeOf(retry(fn, { backoff: 10 }));
      expect([calls, hub.now()]).toEqual([[0, 17, 34], 41]);
    }));

  it('are made shorter by jitter, as much as the random number says', async () => {
    const random = () => 0.5;
    expect(await timesWith({ attempts: 4, backoff: 100, jitter: 1, random })).toEqual([0, 50, 100, 150]);
    expect(await timesWith({ attempts: 4, backoff: 100, jitter: true, random })).toEqual([0, 50, 100, 150]);
    expect(await timesWith({ attempts: 3, backoff: 100, jitter: 0.2, random })).toEqual([0, 90, 180]);
    expect(await timesWith({ attempts: 3, backoff: 100, jitter: false, random })).toEqual([0, 100, 200]);
    const growing = { attempts: 4, backoff: { initial: 100, max: 300 }, jitter: 0.5 };
    const numbers = [0, 0.5, 0.999];
    // What grows is the pause before the jitter.
    expect(await timesWith({ ...growing, random: () => numbers.shift()! })).toEqual([0, 100, 250, 401]);
    expect(numbers).toEqual([]);
  });

  it('need no random number without jitter', async () => {
    const random = () => expect.fail('asked for a random number');
    expect(await timesWith({ attempts: 2, backoff: 5, random })).toEqual([0, 5]);
  });

  it('are random by default where there is jitter, and within their bounds', () =>
    virtually(function* () {
      const { fn } = failing(300);
      const delays: number[] = [];
      const onRetry = (_: unknown, __: number, delay: number) => void delays.push(delay);
      yield* retry(fn, { attempts: 301, backoff: 100, jitter: 0.25, onRetry });
      expect(Math.min(...delays)).toBeGreaterThan(75);
      expect(Math.max(...delays)).toBeLessThanOrEqual(100);
      expect(new Set(delays).size).toBeGreaterThan(250);
    }));
});

describe('retryIf', () => {
  it('decides by the error and the number of the attempt, and is not asked after the last', () =>
    virtually(function* () {
      const { fn, errors } = failing(100);
      const asked: unknown[] = [];
      const retryIf = (...args: unknown[]) => {
        asked.push(args);
        return args[1] !== 2;
      };
      expect(yield* outcomeOf(retry(fn, { attempts: 5, retryIf }))).toBe(errors[1]);
      expect(asked).toEqual([
        [errors[0], 1],
        [errors[1], 2],
      ]);
      asked.length = 0;
      expect(yield* outcomeOf(retry(fn, { attempts: 1, retryIf }))).toBe(errors[0]);
      expect(asked).toEqual([]);
    }));

  it('ends it by an error of its own', () =>
    virtually(function* () {
      const { fn, calls } = failing(5);
      const error = new Error('retryIf is broken');
      const retryIf = () => {
        throw error;
      };
      expect(yield* outcomeOf(retry(fn, { retryIf }))).toBe(error);
      expect(calls).toHaveLength(1);
    }));
});

describe('onRetry', () => {
  it('is told of each failure that is retried, before the pause', () =>
    virtually(function* () {
      const { fn, errors } = failing(100);
      const log: unknown[] = [];
      const onRetry = (...args: unknown[]) => void log.push([hub.now(), ...args]);
      const policy = { attempts: 3, backoff: { initial: 10 }, retryIf: () => true, onRetry };
      yield* outcomeOf(retry(fn, policy));
      expect(log).toEqual([
        [0, errors[0], 1, 10],
        [10, errors[1], 2, 20],
      ]);
      log.length = 0;
      yield* outcomeOf(retry(fn, { ...policy, retryIf: () => false }));
      expect(log).toEqual([]);
    }));

  it('ends it by an error of its own', () =>
    virtually(function* () {
      const { fn, calls } = failing(5);
      const error = new Error('onRetry is broken');
      const onRetry = () => {
        throw error;
      };
      expect(yield* outcomeOf(retry(fn, { onRetry }))).toBe(error);
      expect(calls).toHaveLength(1);
    }));
});

describe('a time limit inside a call', () => {
  it('by the policy ends an attempt, which is retried', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const fn = function* (attempt: number) {
        try {
          yield* sleep(attempt < 3 ? 100 : 5);
          return 'in time';
        } finally {
          log.push(`${attempt} ended at ${hub.now()}`);
        }
      };
      const onRetry = (error: unknown) => void log.push((error as Error).message);
      expect(yield* retry(fn, { timeout: 10, backoff: 1, onRetry })).toBe('in time');
      expect(log).toEqual([
        '1 ended at 10',
        'timed out after 10 ms',
        '2 ended at 21',
        'timed out after 10 ms',
        '3 ended at 27',
      ]);
      expect(hub.stats().timers).toBe(0);
    }));

  it('by the policy is thrown after the last attempt', () =>
    virtually(function* () {
      const error = yield* outcomeOf(retry(() => sleep(100), { timeout: 10, attempts: 2 }));
      expect([error, hub.now()]).toEqual([expect.any(Timeout), 20]);
    }));

  it('of a get, of withTimeout or of a Timeout is a failure as any other', () =>
    virtually(function* () {
      const slow = spawn(sleep, 1000);
      const queue = new Queue<string>();
      const error = new Error('too slow');
      class TooSlow extends Error {}
      const functions = [
        () => slow.get({ timeout: 5 }),
        () => slow.get({ block: false }),
        () => queue.get({ timeout: 5 }),
        () => withTimeout(5, () => sleep(100)),
        function* () {
          using _ = Timeout.startNew(5, error);
          yield* sleep(100);
        },
        function* () {
          Timeout.startNew(5, TooSlow); // left running
          yield* sleep(100);
        },
      ];
      const outcomes: unknown[] = [];
      for (const fn of functions) {
        let calls = 0;
        const counted = () => {
          calls++;
          return fn();
        };
        outcomes.push([calls, yield* outcomeOf(retry(counted as () => Coroutine<unknown>)), calls].slice(1));
      }
      const three = (type: unknown) => [expect.any(type), 3];
      expect(outcomes).toEqual([
        three(Timeout),
        three(Timeout),
        three(QueueEmpty),
        three(Timeout),
        [error, 3],
        three(TooSlow),
      ]);
      yield* slow.kill();
      yield* sleep(10);
    }));
});

describe('what comes from outside', () => {
  class TooSlow extends Error {}
  const kinds: [string, () => Error | (new () => Error) | string | undefined][] = [
    ['itself', () => undefined],
    ['a message', () => 'too slow'],
    ['an error', () => new Error('too slow')],
    ['an error class', () => TooSlow],
  ];

  for (const [name, makeError] of kinds) {
    it(`is not retried: a timeout of the caller that throws ${name}`, () =>
      virtually(function* () {
        for (const at of [0, 5, 10, 15, 25]) {
          const start = hub.now();
          const calls: number[] = [];
          const error = makeError();
          using limit = Timeout.startNew(at, error);
          const fn = function* () {
            calls.push(hub.now() - start);
            yield* sleep(10);
            throw new Error('a failure');
          };
          const caught = yield* outcomeOf(retry(fn, { attempts: 10, backoff: 2 }));
          expect(
            caught === (error instanceof Error ? error : limit) || (error === TooSlow && caught instanceof TooSlow),
          ).toBe(true);
          expect([calls, hub.now() - start]).toEqual([[0, 12, 24].filter((time) => time <= at), at]);
        }
        expect(hub.stats().timers).toBe(0);
      }));
  }

  it('is not retried: a kill, at any time, with whatever error', () =>
    virtually(function* () {
      for (const exception of [undefined, new GreenletExit('mine'), new Error('mine')]) {
        for (let at = 0; at <= 30; at++) {
          const start = hub.now();
          const log: unknown[] = [];
          const greenlet = spawn(function* () {
            yield* retry(
              function* (attempt) {
                try {
                  yield* sleep(10);
                } finally {
                  log.push(`${attempt} ended at ${hub.now() - start}`);
                }
                throw new Error('a failure');
              },
              { attempts: 10, backoff: 2 },
            );
          });
          yield* sleep(at);
          yield* greenlet.kill(exception);
          expect(hub.now() - start).toBe(at);
          const begun = [0, 12, 24].filter((begin) => begin <= at);
          const ends = begun.map((begin, i) => `${i + 1} ended at ${Math.min(at, begin + 10)}`);
          expect(log, `kill at ${at}`).toEqual(ends);
          if (exception === undefined) expect(greenlet.value).toBeInstanceOf(GreenletExit);
          else expect(isExit(exception) ? greenlet.value : yield* outcomeOf(greenlet)).toBe(exception);
        }
      }
      expect(hub.stats().timers).toBe(0);
    }));

  it('is thrown into the function as it is, where it is suspended', () =>
    virtually(function* () {
      using limit = Timeout.startNew(5);
      const seen: unknown[] = [];
      const fn = function* () {
        try {
          yield* sleep(100);
        } catch (error) {
          seen.push(error);
          throw error;
        }
      };
      expect(yield* outcomeOf(retry(fn))).toBe(limit);
      expect(seen).toEqual([limit]);
    }));

  it('waits for the finally blocks of the function, which a second kill interrupts', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const fn = function* () {
        try {
          yield* sleep(1000);
        } finally {
          try {
            yield* sleep(10);
            log.push(`first finally at ${hub.now()}`);
            yield* sleep(1000);
          } finally {
            log.push(`second finally at ${hub.now()}`);
          }
        }
      };
      const greenlet = spawn(() => retry(fn));
      yield* sleep(5);
      yield* greenlet.kill(undefined, { timeout: 20 });
      expect([greenlet.dead, hub.now()]).toEqual([false, 25]);
      yield* greenlet.kill();
      expect([log, hub.now()]).toEqual([['first finally at 15', 'second finally at 25'], 25]);
    }));

  it('may be taken by the function, whose result then counts, and whose failure is not retried', () =>
    virtually(function* () {
      let calls = 0;
      const failure = new Error('while cleaning up');
      for (const fails of [false, true]) {
        using _ = Timeout.startNew(5);
        const fn = function* () {
          calls++;
          try {
            yield* sleep(100);
          } catch {
            if (fails) throw failure;
          }
          return 'taken';
        };
        expect(yield* outcomeOf(retry(fn))).toBe(fails ? failure : 'taken');
      }
      expect(calls).toBe(2);
    }));

  it('goes first when it comes in the same pass as a failure', () =>
    virtually(function* () {
      let calls = 0;
      const greenlet = spawn(() =>
        retry(
          function* () {
            calls++;
            yield* sleep(10);
            greenlet.kill();
            throw new Error('a failure');
          },
          { backoff: 5 },
        ),
      );
      yield* greenlet.join();
      expect([calls, greenlet.value, hub.now()]).toEqual([1, expect.any(GreenletExit), 10]);
    }));

  it('comes too late when it comes in the same pass as the result', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = spawn(function* () {
        log.push(
          yield* retry(function* () {
            yield* sleep(10);
            greenlet.kill();
            return 'result';
          }),
        );
        yield* sleep(0);
        log.push('never reached');
      });
      yield* greenlet.join();
      expect([log, greenlet.value]).toEqual([['result'], expect.any(GreenletExit)]);
    }));

  it('loses nothing that the function was given before: it is thrown at the next suspension', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const lock = new Lock();
      const limits: Timeout[] = [];
      const work = function* (name: string) {
        using limit = Timeout.startNew(1000);
        limits.push(limit);
        using _ = yield* retry(() => lock.hold());
        log.push(`${name} has the lock`);
        yield* sleep(0);
        log.push('never reached');
      };
      const interruptions: [string, (greenlet: Greenlet<any>) => unknown][] = [
        ['killed', (greenlet) => greenlet.kill()],
        ['killed by an error', (greenlet) => greenlet.kill(new Error('mine'))],
        ['timed out', () => expire(limits.at(-1)!)],
      ];
      for (const [name, interrupt] of interruptions) {
        const mine = yield* lock.hold();
        const greenlet = spawn(work, name);
        yield* sleep(1);
        hub.callSoon(() => {
          mine[Symbol.dispose]();
          interrupt(greenlet);
        });
        log.push((yield* outcomeOf(greenlet)).message);
        expect(lock.locked()).toBe(false);
      }
      expect(log).toEqual([
        'killed has the lock',
        'killed',
        'killed by an error has the lock',
        'mine',
        'timed out has the lock',
        'timed out after 1000 ms',
      ]);
    }));

  it('is taken back by a timeout that is cancelled before it can be thrown', () =>
    virtually(function* () {
      const event = new Event();
      const greenlet = spawn(function* () {
        const limit = Timeout.startNew(1000);
        hub.callLater(1, () => {
          event.set();
          expire(limit);
        });
        const result = yield* retry(() => event.wait());
        limit.close();
        yield* sleep(10);
        return result;
      });
      expect(yield* greenlet).toBe(true);
    }));

  it('is thrown inside the shield in which it came', () =>
    virtually(function* () {
      const event = new Event();
      const log: unknown[] = [];
      yield* shield(function* () {
        const limit = Timeout.startNew(1000);
        hub.callLater(1, () => {
          event.set();
          expire(limit);
        });
        log.push(yield* retry(() => event.wait()));
        log.push((yield* outcomeOf(sleep(1))) === limit);
      });
      expect(log).toEqual([true, true]);
    }));

  it('is thrown at once where the timeout could not take it back, for it has another error', () =>
    virtually(function* () {
      const error = new Error('too slow');
      const event = new Event();
      const greenlet = spawn(function* () {
        using limit = Timeout.startNew(1000, error);
        hub.callLater(1, () => {
          event.set();
          expire(limit);
        });
        yield* retry(() => event.wait());
      });
      expect(yield* outcomeOf(greenlet)).toBe(error);
    }));

  it('goes first, in the pause, when the function fails before it arrives', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const event = new Event();
      const greenlet = spawn(() =>
        retry(
          function* (attempt) {
            log.push(attempt);
            yield* event.wait();
            throw new Error('a failure');
          },
          { onRetry: (error) => log.push((error as Error).message) },
        ),
      );
      yield* sleep(1);
      event.set();
      yield* greenlet.kill();
      expect([log, isExit(greenlet.value)]).toEqual([[1, 'a failure'], true]);
    }));

  it('spares a function that has not begun', () =>
    virtually(function* () {
      const log: unknown[] = [];
      // With 100 children running on each other, the next one has to wait for its turn.
      const nested = (levels: number): Greenlet<any> =>
        spawnNow(function* (): Coroutine<void> {
          if (levels > 0) {
            yield* nested(levels - 1);
            return;
          }
          (getcurrent() as Greenlet).kill();
          try {
            yield* retry(() => log.push('ran'));
          } catch (error) {
            log.push(isExit(error));
            throw error;
          }
          yield* sleep(0);
        });
      for (let levels = 97; levels <= 101; levels++) yield* nested(levels);
      expect(log).toEqual(['ran', 'ran', true, 'ran', 'ran']);
    }));

  it('is a shield of the caller, which keeps it off the function', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = spawn(() =>
        shield(() =>
          retry(
            function* (attempt) {
              yield* sleep(10);
              if (attempt < 3) throw new Error('no');
              log.push(`done at ${hub.now()}`);
            },
            { backoff: 1 },
          ),
        ),
      );
      yield* sleep(5);
      yield* greenlet.kill();
      expect([log, greenlet.value]).toEqual([['done at 32'], expect.any(GreenletExit)]);
    }));

  it('respects a shield inside the function', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = spawn(() =>
        retry(() =>
          shield(function* () {
            yield* sleep(10);
            log.push(`saved at ${hub.now()}`);
          }),
        ),
      );
      yield* sleep(5);
      yield* greenlet.kill();
      expect([log, greenlet.value]).toEqual([['saved at 10'], expect.any(GreenletExit)]);
    }));

  it('is a failure of another task of the group, which ends the retrying', () =>
    virtually(function* () {
      const failure = new Error('of a task');
      let calls = 0;
      const body = taskGroup(function* (group) {
        group.spawn(function* () {
          yield* sleep(5);
          throw failure;
        });
        yield* retry(() => {
          calls++;
          return sleep(1000);
        });
      });
      expect(yield* outcomeOf(body)).toBe(failure);
      expect([calls, hub.now()]).toEqual([1, 5]);
    }));

  it('is a LoopExit, which passes shields inside the function, too', async () => {
    for (const wrapped of [false, true]) {
      let calls = 0;
      const block = () => new Queue().get();
      const main = () =>
        retry(() => {
          calls++;
          return wrapped ? shield(block) : block();
        });
      await expect(virtually(main)).rejects.toThrow(LoopExit);
      expect(calls).toBe(1);
    }
  });

  it('aborts the signal of the greenlet that the function sees', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = spawn(() =>
        retry(function* () {
          const { signal } = getcurrent() as Greenlet;
          log.push(signal.aborted);
          try {
            yield* suspend(() => {});
          } finally {
            log.push(signal.aborted);
          }
        }),
      );
      yield* sleep(1);
      yield* greenlet.kill();
      expect(log).toEqual([false, true]);
    }));
});

describe('an exit', () => {
  it('that the function throws is not retried', () =>
    virtually(function* () {
      let calls = 0;
      const exit = new GreenletExit('enough');
      const greenlet = spawn(() =>
        retry(function* () {
          calls++;
          yield* sleep(1);
          throw exit;
        }),
      );
      yield* greenlet.join();
      expect([calls, greenlet.value]).toEqual([1, exit]);
    }));

  it('by which the function kills itself is not retried', () =>
    virtually(function* () {
      let calls = 0;
      const greenlet = spawn(() =>
        retry(function* () {
          calls++;
          (getcurrent() as Greenlet).kill();
          yield* sleep(1);
        }),
      );
      yield* greenlet.join();
      expect([calls, greenlet.value]).toEqual([1, expect.any(GreenletExit)]);
    }));
});

it('a spawn hook that kills the attempt ends the retrying', () =>
  virtually(function* () {
    const me = getcurrent();
    for (const exception of [new GreenletExit('hook'), new Error('hook')]) {
      const remove = hub.onSpawn((greenlet) => {
        if (getcurrent() !== me) greenlet.kill(exception);
      });
      const greenlet = spawn(() => retry(() => expect.fail('called'), { attempts: 1 }));
      yield* greenlet.join();
      remove();
      expect(isExit(exception) ? greenlet.value : yield* outcomeOf(greenlet)).toBe(exception);
    }
  }));

describe('the greenlet of an attempt', () => {
  it('has the name of the caller, also a new one', () =>
    virtually(function* () {
      const me = getcurrent()!;
      me.name = 'fetcher';
      const seen: unknown[] = [];
      yield* retry(function* () {
        seen.push(getcurrent()!.name);
        yield* sleep(1);
        getcurrent()!.name = 'parser';
      });
      expect([seen, me.name, getcurrent() === me]).toEqual([['fetcher'], 'parser', true]);
    }));

  it('has the locks of the caller, and leaves its own to it', () =>
    virtually(function* () {
      const lock = new RLock();
      const outer = yield* lock.hold();
      yield* retry(function* () {
        using _ = yield* lock.hold();
        expect(lock.statistics().depth).toBe(2);
        yield* sleep(1);
        yield* retry(() => lock.acquire());
      });
      expect(lock.statistics()).toMatchObject({ depth: 2, holder: getcurrent()!.name });
      lock.release();
      outer[Symbol.dispose]();
      expect(lock.locked()).toBe(false);
    }));

  it('has the values of the caller, inherited or not', () =>
    virtually(function* () {
      for (const inherit of [false, true]) {
        const local = new GreenletLocal(() => 'none', { inherit });
        local.set('caller');
        const seen = yield* retry(function* () {
          const before = local.get();
          yield* sleep(1);
          local.set('attempt');
          return yield* retry(() => [before, local.get()]);
        });
        expect([seen, local.get()]).toEqual([['caller', 'attempt'], 'attempt']);
      }
    }));

  it('fails as the call does, for those who look on', () =>
    virtually(function* () {
      const attempts: Greenlet<any>[] = [];
      const remove = hub.onSpawn((greenlet) => attempts.push(greenlet));
      const { fn, errors } = failing(1);
      yield* retry(fn);
      remove();
      expect(attempts.map(({ exception }) => exception)).toEqual([errors[0], undefined]);
    }));

  it('is a daemon if the caller is one', async () => {
    const log: string[] = [];
    await virtually(function* () {
      const daemon = spawn(() =>
        retry(function* () {
          try {
            yield* sleep(1000);
          } finally {
            log.push(`finally at ${hub.now()}`);
          }
        }),
      );
      daemon.daemon = true;
      yield* sleep(5);
    });
    await virtually(() => {});
    expect(log).toEqual(['finally at 5']);
  });
});

describe('misuse of retry()', () => {
  const never = () => expect.fail('called');

  it('in its arguments is told at the call', () => {
    const cases: [() => unknown, Error][] = [
      [() => retry(5 as never), new TypeError('function is 5: give a coroutine function or a plain function')],
      [
        () => retry(never, 5 as never),
        new TypeError('policy is 5: give an object such as { attempts: 5, backoff: 100 }'),
      ],
      [
        () => retry(never, null as never),
        new TypeError('policy is null: give an object such as { attempts: 5, backoff: 100 }'),
      ],
      [() => retry(never, { attempts: 0 }), new RangeError('attempts is 0: give a whole number, 1 or more')],
      [() => retry(never, { attempts: 2.5 }), new RangeError('attempts is 2.5: give a whole number, 1 or more')],
      [() => retry(never, { backoff: -1 }), new RangeError('backoff is -1: give milliseconds, 0 or more')],
      [() => retry(never, { backoff: '5' as never }), new TypeError("backoff is '5': give a number of milliseconds")],
      [() => retry(never, { backoff: null as never }), new TypeError('backoff is null: give a number of milliseconds')],
      [
        () => retry(never, { backoff: {} as never }),
        new TypeError('backoff.initial is undefined: give a number of milliseconds'),
      ],
      [
        () => retry(never, { backoff: { initial: Number.NaN } }),
        new RangeError('backoff.initial is NaN: give milliseconds, 0 or more'),
      ],
      [
        () => retry(never, { backoff: { initial: 5, factor: 0.5 } }),
        new RangeError('backoff.factor is 0.5: give a number, 1 or more'),
      ],
      [
        () => retry(never, { backoff: { initial: 5, max: -5 } }),
        new RangeError('backoff.max is -5: give milliseconds, 0 or more'),
      ],
      [() => retry(never, { jitter: 1.5 }), new RangeError('jitter is 1.5: give 0 to 1')],
      [() => retry(never, { jitter: Number.NaN }), new RangeError('jitter is NaN: give 0 to 1')],
      [() => retry(never, { timeout: -1 }), new RangeError('timeout is -1: give milliseconds, 0 or more')],
      [() => retry(never, { retryIf: 5 as never }), new TypeError('retryIf is 5: give a plain function')],
      [
        () => retry(never, { retryIf: function* () {} as never }),
        new TypeError("retryIf is a coroutine function, which can't suspend there: spawn it"),
      ],
      [() => retry(never, { onRetry: 5 as never }), new TypeError('onRetry is 5: give a plain function')],
      [() => retry(never, { random: 5 as never }), new TypeError('random is 5: give a plain function')],
    ];
    for (const [call, error] of cases) expect(call).toThrow(error);
  });

  it('by performing it outside a greenlet throws', () => {
    expect(() => (retry(never) as Coroutine<never>).next()).toThrow(NotInGreenletError);
  });

  it('by never performing it calls nothing', () => {
    retry(never);
  });
});

it('retry() can be nested, and takes as many attempts as the product', () =>
  virtually(function* () {
    let calls = 0;
    const inner = () =>
      retry(
        function* () {
          calls++;
          yield* sleep(1);
          throw new Error('no');
        },
        { attempts: 2 },
      );
    expect(yield* outcomeOf(retry(inner, { attempts: 3 }))).toBeInstanceOf(Error);
    expect([calls, hub.now()]).toEqual([6, 6]);
  }));

it('retry() works in real time', async () => {
  const { fn } = failing(2);
  expect(await run(() => retry(fn, { backoff: { initial: 1 } }))).toBe('attempt 3');
});

it('retry() has the type of what the function gives', () => {
  const check = (_: () => unknown) => {};
  check(function* () {
    expectTypeOf(yield* retry(() => 5)).toEqualTypeOf<number>();
    expectTypeOf(yield* retry(async () => 'text')).toEqualTypeOf<string>();
    expectTypeOf(yield* retry(() => sleep(5))).toEqualTypeOf<void>();
    expectTypeOf(
      yield* retry(function* (attempt) {
        expectTypeOf(attempt).toEqualTypeOf<number>();
        yield* sleep(1);
        return true;
      }),
    ).toEqualTypeOf<boolean>();
  });
});
