import {
  AsyncResult,
  all,
  type Coroutine,
  coroutine,
  Event,
  Greenlet,
  GreenletExit,
  getcurrent,
  InvalidStateError,
  isExit,
  joinall,
  Lock,
  LoopExit,
  NotInGreenletError,
  Queue,
  RawGreenlet,
  run,
  Semaphore,
  select,
  shield,
  sleep,
  spawn,
  spawnLater,
  spawnNow,
  TaskGroup,
  Timeout,
  taskGroup,
  until,
  wait,
  withTimeout,
} from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What an operation throws. */
function* thrown(main: () => Iterable<any>): Coroutine<any> {
  try {
    yield* main() as Coroutine<unknown>;
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

/** Sleeps for `ms`, then throws. */
function* failAfter(ms: number, error: unknown): Coroutine<never> {
  yield* sleep(ms);
  throw error;
}

/** Works for a second; when it is killed, cleans up for `ms` and notes that. */
function* worker(log: unknown[], name: string, ms = 10): Coroutine<void> {
  try {
    yield* sleep(1000);
    log.push(`${name} is done`);
  } catch (error) {
    log.push(`${name} ${isExit(error) ? 'is killed' : error}`);
    throw error;
  } finally {
    yield* sleep(ms);
    log.push(`${name} is clean at ${hub.now()}`);
  }
}

/** Fails when it is killed, after `ms`. */
function* sore(error: unknown, ms = 0): Coroutine<void> {
  try {
    yield* sleep(1000);
  } finally {
    yield* sleep(ms);
    // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
    throw error;
  }
}

const messages = (error: unknown): unknown =>
  error instanceof AggregateError ? error.errors.map(messages) : error instanceof Error ? error.message : error;

describe('taskGroup', () => {
  it('ends when all its greenlets have ended, and gives what the body returns', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const value = yield* taskGroup(function* (group) {
        for (const ms of [30, 10, 20]) {
          group.spawn(function* () {
            yield* sleep(ms);
            log.push(ms);
          });
        }
        expect([group.size, group.statistics()]).toEqual([3, { tasks: 3 }]);
        yield* sleep(5);
        log.push('body');
        return 'value';
      });
      expect([value, log, hub.now()]).toEqual(['value', ['body', 10, 20, 30], 30]);
    }));

  it('takes functions of any kind for its body', () =>
    virtually(function* () {
      expect([
        yield* taskGroup(() => 'plain'),
        yield* taskGroup(function* () {
          yield* sleep(1);
          return 'coroutine';
        }),
        yield* taskGroup(
          coroutine(function* () {
            yield* sleep(1);
            return 'marked';
          }),
        ),
        yield* taskGroup(async () => 'async'),
        yield* taskGroup((group) => group.spawn(() => 'greenlet')),
        yield* taskGroup(() => until(Promise.resolve('operation'))),
        yield* taskGroup(() => undefined),
        yield* taskGroup(() => new Event().wait(1)),
      ]).toEqual(['plain', 'coroutine', 'marked', 'async', 'greenlet', 'operation', undefined, false]);
    }));

  it('gives the body the group', () =>
    virtually(function* () {
      yield* taskGroup((group) => {
        expect([group instanceof TaskGroup, group.size]).toEqual([true, 0]);
      });
    }));

  it('is lazy: the body is not called before yield*', () =>
    virtually(function* () {
      const log: string[] = [];
      const operation = taskGroup(() => void log.push('body'));
      yield* sleep(1);
      expect(log).toEqual([]);
      yield* operation;
      expect(log).toEqual(['body']);
    }));

  it('spawns as spawn does: arguments, order, result, promises, operations', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup(function* (group) {
        const note = (text: string, number: number) => log.push(text, number);
        const [one, two] = [group.spawn(note, 'one', 1), group.spawn(note, 'two', 2)];
        expect([one instanceof Greenlet, log]).toEqual([true, []]);
        expect([yield* one, yield* two, yield* group.spawn(async () => 'async')]).toEqual([2, 4, 'async']);
        expect(yield* group.spawn(sleep, 1)).toBe(undefined);
        expect(yield* group.spawn(() => group.spawn(() => 'inner'))).toBe('inner');
      });
      expect(log).toEqual(['one', 1, 'two', 2]);
    }));

  it('runs a child of spawnNow at once, until it first blocks', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup(function* (group) {
        const child = group.spawnNow(function* (name: string) {
          log.push(name);
          yield* sleep(5);
          log.push('child goes on');
          return 5;
        }, 'child');
        log.push('body', group.size);
        expect(yield* child).toBe(5);
        expect(group.spawnNow(() => 'at once').value).toBe('at once');
        expect(group.size).toBe(0);
      });
      expect(log).toEqual(['child', 'body', 1, 'child goes on']);
    }));

  it('waits for tasks of tasks of tasks, also when the body has ended', () =>
    virtually(function* () {
      let [ended, most] = [0, 0];
      yield* taskGroup((group) => {
        const task = function* (depth: number): Coroutine<void> {
          most = Math.max(most, group.size);
          yield* sleep(1);
          if (depth > 0) for (let i = 0; i < 3; i++) group.spawn(task, depth - 1);
          ended++;
        };
        group.spawn(task, 5);
      });
      expect([ended, most > 200]).toEqual([(3 ** 6 - 1) / 2, true]);
    }));

  it('has no failure in a greenlet that is killed', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup(function* (group) {
        const victim = group.spawn(worker, log, 'victim');
        const unstarted = group.spawn(() => log.push('never'));
        unstarted.kill();
        const late = group.spawn(sleep, 50);
        yield* sleep(1);
        yield* victim.kill();
        log.push('body');
        expect(group.size).toBe(1);
        yield* late;
        group.spawn(() => {
          throw new GreenletExit('leaves by itself');
        });
      });
      expect([log, hub.now()]).toEqual([['victim is killed', 'victim is clean at 11', 'body'], 50]);
    }));

  it('does not starve others by a loop of groups that never wait', () =>
    virtually(function* () {
      let [turns, over] = [0, false];
      const other = spawn(function* () {
        while (!over) {
          turns++;
          yield* sleep(0);
        }
      });
      for (let round = 0; round < 5000; round++) yield* taskGroup(() => round);
      over = true;
      expect(turns).toBeGreaterThan(5);
      yield* other;
    }));

  it('checks its arguments at the call', () =>
    virtually(function* () {
      for (const wrong of [undefined, null, 5, {}, sleep(1)]) {
        expect(() => taskGroup(wrong as never)).toThrow(TypeError);
      }
      expect(() => taskGroup(undefined as never)).toThrow(/^body/);
      yield* taskGroup((group) => {
        expect(() => group.spawn(undefined as never)).toThrow(/^spawn\(\) target/);
        expect(() => group.spawnNow(5 as never)).toThrow(/^spawnNow\(\) target/);
        expect(group.size).toBe(0);
      });
    }));

  it('must be performed in a greenlet, by yield*', async () => {
    const operation = taskGroup(() => 1) as unknown as Iterator<unknown, unknown, undefined>;
    expect(() => operation.next(undefined)).toThrow(NotInGreenletError);
    await virtually(function* () {
      const event = new Event();
      let error: any;
      try {
        error = [...(taskGroup(() => event.wait()) as Iterable<any>)];
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(TypeError);
      expect(event.statistics().waiting).toBe(0);
      yield* sleep(0);
    });
  });

  it('works in a raw greenlet', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const raw = new RawGreenlet(function* () {
        return yield* thrown(() =>
          taskGroup(function* (group) {
            group.spawn(worker, log, 'sibling');
            group.spawn(failAfter, 5, new Error('task'));
            yield* sleep(1000);
          }),
        );
      });
      expect(messages(yield* raw.switch())).toBe('task');
      expect(log).toEqual(['sibling is killed', 'sibling is clean at 15']);
    }));
});

describe('the first failure', () => {
  it('kills the others, waits for their finally blocks, and is thrown as it is', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const failure = new Error('task');
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(worker, log, 'slow', 30);
          group.spawn(failAfter, 5, failure);
          group.spawn(worker, log, 'fast', 10);
          try {
            yield* sleep(1000);
          } catch (caught) {
            log.push(`body ${isExit(caught) ? 'is killed' : caught} at ${hub.now()}`);
            throw caught;
          } finally {
            yield* sleep(20);
            log.push(`body is clean at ${hub.now()}`);
          }
        }),
      );
      log.push(`over at ${hub.now()}`);
      expect([error === failure, log]).toEqual([
        true,
        [
          'slow is killed',
          'fast is killed',
          'body is killed at 5',
          'fast is clean at 15',
          'body is clean at 25',
          'slow is clean at 35',
          'over at 35',
        ],
      ]);
    }));

  it('of a task while the body has ended', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup((group) => {
          group.spawn(worker, log, 'sibling', 30);
          group.spawn(failAfter, 5, new Error('task'));
          return 'value';
        }),
      );
      expect([messages(error), log]).toEqual(['task', ['sibling is killed', 'sibling is clean at 35']]);
    }));

  it('of the body kills the tasks, and is thrown as it is', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const failure = new Error('body');
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(worker, log, 'one');
          group.spawn(worker, log, 'two', 20);
          yield* sleep(5);
          throw failure;
        }),
      );
      expect([error === failure, log, hub.now()]).toEqual([
        true,
        ['one is killed', 'two is killed', 'one is clean at 15', 'two is clean at 25'],
        25,
      ]);
    }));

  it('of a body that is no coroutine does the same', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const failing = (body: () => unknown) =>
        thrown(() =>
          taskGroup((group) => {
            group.spawn(() => log.push('never'));
            return body();
          }),
        );
      const plain = yield* failing(() => {
        throw new Error('plain');
      });
      const rejected = yield* failing(async () => {
        throw new Error('async');
      });
      expect([messages(plain), messages(rejected), log]).toEqual(['plain', 'async', ['never']]);
    }));

  it('lets tasks that have not begun never run', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(() => {
            throw new Error('task');
          });
          for (let i = 0; i < 5; i++) group.spawn(() => log.push('never'));
          yield* sleep(1000);
        }),
      );
      expect([messages(error), log, hub.now()]).toEqual(['task', [], 0]);
    }));

  it('kills each task once, whatever else happens while it cleans up', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(worker, log, 'slow', 100);
          group.spawn(failAfter, 5, new Error('first'));
          group.spawn(sore, new Error('second'), 10);
          group.spawn(sore, new Error('third'), 20);
          try {
            yield* sleep(1000);
          } finally {
            yield* sleep(50);
          }
        }),
      );
      expect([messages(error), log, hub.now()]).toEqual([
        ['first', 'second', 'third'],
        ['slow is killed', 'slow is clean at 105'],
        105,
      ]);
    }));

  it('may be anything that can be thrown', () =>
    virtually(function* () {
      for (const value of [undefined, null, 0, 'text', { an: 'object' }, new AggregateError([], 'own')]) {
        const fail = () => {
          throw value;
        };
        expect(yield* thrown(() => taskGroup((group) => void group.spawn(fail)))).toBe(value);
        expect(yield* thrown(() => taskGroup(fail))).toBe(value);
        const body = yield* thrown(() =>
          taskGroup((group) => {
            group.spawn(fail);
            return sleep(1000);
          }),
        );
        expect(body).toBe(value);
      }
    }));

  it('may be a Timeout of a task, which is none of the owner', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        withTimeout(
          500,
          () =>
            taskGroup(function* (group) {
              group.spawn(worker, log, 'sibling');
              group.spawn(() => withTimeout(5, () => sleep(1000)));
              yield* sleep(1000);
            }),
          { value: 'too late' },
        ),
      );
      expect([String(error), log]).toEqual([
        'Timeout: timed out after 5 ms',
        ['sibling is killed', 'sibling is clean at 15'],
      ]);
    }));

  it('may be a kill with an error', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const own = new Error('own');
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          const victim = group.spawn(sleep, 1000);
          const unstarted = group.spawn(sleep, 1000);
          group.spawn(worker, log, 'sibling');
          yield* sleep(1);
          victim.kill(own);
          yield* sleep(1000);
          log.push(unstarted);
        }),
      );
      expect([error === own, log]).toEqual([true, ['sibling is killed', 'sibling is clean at 11']]);
      const other = yield* thrown(() => taskGroup((group) => void group.spawn(sleep, 1000).kill(own)));
      expect(other).toBe(own);
    }));
});

describe('several failures', () => {
  it('are thrown together, in their order, with the first as cause', () =>
    virtually(function* () {
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(sore, new Error('third'), 20);
          group.spawn(sore, new Error('second'), 10);
          group.spawn(failAfter, 5, new Error('first'));
          yield* sleep(1000);
        }),
      );
      expect(error).toBeInstanceOf(AggregateError);
      expect([messages(error), error.cause === error.errors[0], error.message]).toEqual([
        ['first', 'second', 'third'],
        true,
        '3 tasks of a group failed',
      ]);
    }));

  it('in one pass: all of them', () =>
    virtually(function* () {
      const event = new Event();
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          for (const name of ['one', 'two', 'three']) {
            group.spawn(function* () {
              yield* event.wait();
              throw new Error(name);
            });
          }
          yield* sleep(1);
          event.set();
          yield* sleep(1000);
        }),
      );
      // the others were granted what they waited for: a kill reaches them at their next suspension, which never comes
      expect(messages(error)).toEqual(['one', 'two', 'three']);
    }));

  it('of the body first, then of the tasks', () =>
    virtually(function* () {
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(sore, new Error('task'), 5);
          yield* sleep(5);
          throw new Error('body');
        }),
      );
      expect([messages(error), messages(error.cause)]).toEqual([['body', 'task'], 'body']);
    }));

  it('of the body may be a Timeout of a call of its own', () =>
    virtually(function* () {
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(sore, new Error('task'));
          yield* new AsyncResult().get({ timeout: 5 });
        }),
      );
      expect(messages(error)).toEqual(['AsyncResult.get() timed out after 5 ms', 'task']);
    }));

  it('of a task first, then of the body that cleans up', () =>
    virtually(function* () {
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('task'));
          try {
            yield* sleep(1000);
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: it is what is tested
            throw new Error('body');
          }
        }),
      );
      expect([messages(error), messages(error.cause)]).toEqual([['task', 'body'], 'task']);
    }));

  it('of a body that turns its interruption into another error', () =>
    virtually(function* () {
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('task'));
          try {
            yield* sleep(1000);
          } catch (cause) {
            throw new Error('wrapped', { cause });
          }
        }),
      );
      expect([messages(error), isExit(error.errors[1].cause)]).toEqual([['task', 'wrapped'], true]);
    }));

  it('of one task and the body that waited for it are one', () =>
    virtually(function* () {
      const failure = new Error('task');
      for (const grace of [0, 5]) {
        const error = yield* thrown(() =>
          taskGroup(function* (group) {
            const child = group.spawn(failAfter, 5, failure);
            try {
              yield* sleep(1000);
            } catch {
              yield* sleep(grace);
            }
            yield* child;
          }),
        );
        expect(error).toBe(failure);
      }
      const late = yield* thrown(() =>
        taskGroup(function* (group) {
          const child = group.spawn(() => withTimeout(5, () => sleep(50)));
          yield* thrown(() => sleep(100));
          yield* child;
        }),
      );
      expect(String(late)).toBe('Timeout: timed out after 5 ms');
    }));

  it('of thousands are collected in no time', () =>
    virtually(function* () {
      const count = 5000;
      const error = yield* thrown(() =>
        taskGroup((group) => {
          for (let number = 0; number < count; number++) group.spawn(sore, number, number % 7);
          group.spawn(failAfter, 5, 'first');
        }),
      );
      expect([error.errors.length, error.cause]).toEqual([count + 1, 'first']);
      expect(new Set(error.errors).size).toBe(count + 1);
    }));
});

describe('the body of a group that fails', () => {
  it('is interrupted by a GreenletExit, wherever it waits', () =>
    virtually(function* () {
      const lock = new Lock();
      lock.acquireNowait();
      const queue = new Queue<number>();
      const waits: Record<string, (group: TaskGroup) => Iterable<any>> = {
        sleep: () => sleep(1000),
        'sleep(0)': function* () {
          for (;;) yield* sleep(0);
        },
        acquire: () => lock.acquire(),
        hold: function* () {
          using _ = yield* lock.hold();
        },
        get: () => queue.get({ timeout: 1000 }),
        select: () => select({ item: queue.get(), nap: sleep(1000) }),
        greenlet: (group) => group.spawn(sleep, 1000),
        join: (group) => group.spawn(sleep, 1000).join(),
        joinall: (group) => joinall([group.spawn(sleep, 1000)]),
        wait: (group) => wait([group.spawn(sleep, 1000)]),
        all: () => all([sleep(1000)] as never),
        until: () => until(new Promise(() => {})),
        withTimeout: () => withTimeout(1000, () => sleep(2000)),
        result: () => new AsyncResult().get(),
        ready: function* () {
          const semaphore = new Semaphore(1e9);
          for (;;) yield* semaphore.acquire();
        },
      };
      for (const [name, body] of Object.entries(waits)) {
        const log: unknown[] = [];
        const begun = hub.now();
        const error = yield* thrown(() =>
          taskGroup(function* (group) {
            group.spawn(function* () {
              if (name.startsWith('sleep(0)') || name === 'ready') yield* sleep(0);
              else yield* sleep(5);
              throw new Error('task');
            });
            try {
              yield* body(group) as Coroutine<unknown>;
            } catch (caught) {
              log.push(isExit(caught), String(caught));
              throw caught;
            }
          }),
        );
        expect([name, messages(error), log]).toEqual([
          name,
          'task',
          [true, 'GreenletExit: a task of its group failed'],
        ]);
        expect([name, hub.now() - begun <= 5]).toEqual([name, true]);
        yield* sleep(1000);
      }
      expect([lock.statistics().waiting, queue.statistics().getters, hub.outside]).toEqual([0, 0, 0]);
      lock.release();
    }));

  it('is not interrupted at all if it ends before its next suspension', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup((group) => {
          const child = group.spawnNow(() => {
            throw new Error('task');
          });
          log.push(child.dead);
        }),
      );
      yield* sleep(0);
      yield* sleep(5);
      expect([messages(error), log, hub.now()]).toEqual(['task', [true], 5]);
    }));

  it('is interrupted at its next suspension if it runs when a child fails', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawnNow(() => {
            throw new Error('task');
          });
          log.push('body');
          const second = group.spawnNow(() => log.push('never'));
          const third = group.spawn(() => log.push('never'));
          log.push(isExit(second.value), isExit(third.value), group.size);
          try {
            yield* sleep(0);
            log.push('never');
          } finally {
            log.push('finally');
          }
        }),
      );
      expect([messages(error), log]).toEqual(['task', ['body', true, true, 0, 'finally']]);
    }));

  it('has what it waited for if that came in the same pass, before the failure', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const [queue, event] = [new Queue<string>(), new Event()];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(function* () {
            yield* event.wait();
            queue.putNowait('item');
            throw new Error('task');
          });
          hub.callLater(5, () => event.set());
          log.push(yield* queue.get());
          yield* sleep(0);
          log.push('never');
        }),
      );
      expect([messages(error), log, queue.qsize()]).toEqual(['task', ['item'], 0]);
    }));

  it('may catch the interruption and go on; the group still fails, when it ends', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('task'));
          group.spawn(worker, log, 'sibling');
          log.push(isExit(yield* thrown(() => sleep(1000))));
          yield* sleep(100);
          log.push(isExit(yield* group.spawn(() => 'too late')));
          yield* sleep(100);
          log.push(hub.now());
          return 'value';
        }),
      );
      expect([messages(error), log]).toEqual([
        'task',
        [true, 'sibling is killed', 'sibling is clean at 15', true, 205].sort((one, other) =>
          one === 'sibling is killed' ? -1 : other === 'sibling is killed' ? 1 : 0,
        ),
      ]);
    }));

  it('is interrupted once: later failures do not cut its cleanup short', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('first'));
          group.spawn(sore, new Error('second'), 10);
          try {
            yield* sleep(1000);
          } finally {
            yield* sleep(50);
            log.push(`clean at ${hub.now()}`);
          }
        }),
      );
      expect([messages(error), log]).toEqual([['first', 'second'], ['clean at 55']]);
    }));

  it('ends its shield first', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('task'));
          yield* shield(function* () {
            yield* sleep(50);
            log.push(`saved at ${hub.now()}`);
          });
          log.push('never');
        }),
      );
      expect([messages(error), log]).toEqual(['task', ['saved at 50']]);
    }));

  it('is interrupted although the whole group is in a shield, and a kill waits outside', () =>
    virtually(function* () {
      for (const wakeLate of [false, true]) {
        const log: unknown[] = [];
        const begun = hub.now();
        const owner = spawn(function* () {
          yield* shield(function* () {
            const error = yield* thrown(() =>
              taskGroup(function* (group) {
                group.spawn(failAfter, 5, new Error('task'));
                if (wakeLate) {
                  yield* sleep(0);
                  yield* sleep(5); // due together with the failure
                }
                yield* sleep(1000);
              }),
            );
            log.push(messages(error), hub.now() - begun);
          });
          log.push('never');
        });
        yield* sleep(1);
        owner.kill();
        yield* owner.join();
        expect([log, isExit(owner.value)]).toEqual([['task', 5], true]);
      }
    }));

  it('gets the interruption in a coroutine() frame and in a native one alike', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const deep = coroutine(function* (depth: number): Coroutine<void> {
        try {
          if (depth === 0) yield* sleep(1000);
          else yield* deep(depth - 1);
        } finally {
          log.push(depth);
        }
      });
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('task'));
          yield* deep(3);
        }),
      );
      expect([messages(error), log]).toEqual(['task', [0, 1, 2, 3]]);
    }));
});

describe('a kill from outside', () => {
  it('kills all, waits for them, and goes on as it is', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const exit = new GreenletExit('from outside');
      const owner: Greenlet<unknown> = spawn(function* () {
        yield* taskGroup(function* (group) {
          group.spawn(worker, log, 'one', 20);
          group.spawn(worker, log, 'two', 10);
          try {
            yield* sleep(1000);
          } finally {
            log.push('body');
          }
        });
        log.push('never');
      });
      yield* sleep(5);
      yield* owner.kill(exit);
      expect([owner.value === exit, log, hub.now()]).toEqual([
        true,
        ['body', 'one is killed', 'two is killed', 'two is clean at 15', 'one is clean at 25'],
        25,
      ]);
    }));

  it('while the body has ended and tasks are waited for', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const exit = new GreenletExit('from outside');
      const owner: Greenlet<unknown> = spawn(() => taskGroup((group) => void group.spawn(worker, log, 'task')));
      yield* sleep(5);
      yield* owner.kill(exit);
      expect([owner.value === exit, log]).toEqual([true, ['task is killed', 'task is clean at 15']]);
    }));

  it('while the group is dying of a failure: the tasks clean up, the kill goes on, the failure is reported once', async () => {
    const log: unknown[] = [];
    const exit = new GreenletExit('from outside');
    await virtually(function* () {
      for (const body of [() => sleep(1000), () => undefined]) {
        const begun = hub.now();
        const owner: Greenlet<unknown> = spawn(() =>
          taskGroup((group) => {
            group.spawn(function* () {
              try {
                yield* sleep(1000);
              } finally {
                yield* sleep(20);
                log.push(`clean after ${hub.now() - begun}`);
              }
            });
            group.spawn(failAfter, 5, new Error('task'));
            return body();
          }),
        );
        yield* sleep(10);
        yield* owner.kill(exit);
        log.push(owner.value === exit, hub.now() - begun);
      }
    });
    expect(log).toEqual(['clean after 25', true, 25, 'clean after 25', true, 25]);
    expect((await takeReports()).map(({ error, context }) => [messages(error), context])).toEqual([
      ['task', 'a taskGroup() that was killed'],
      ['task', 'a taskGroup() that was killed'],
    ]);
  });

  it('again and again: the tasks are killed once, and have the time that they need', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner = spawn(() =>
        taskGroup(function* (group) {
          group.spawn(worker, log, 'task', 50);
          yield* sleep(1000);
        }),
      );
      yield* sleep(5);
      for (let time = 0; time < 5; time++) {
        owner.kill();
        yield* sleep(5);
      }
      expect([owner.dead, log]).toEqual([false, ['task is killed']]);
      yield* owner.join();
      expect([isExit(owner.value), log]).toEqual([true, ['task is killed', 'task is clean at 55']]);
    }));

  it.each(['kill first', 'failure first'])('in the same pass as a failure: %s', async (order) => {
    const log: unknown[] = [];
    await virtually(function* () {
      for (const body of [() => sleep(1000), () => undefined]) {
        const event = new Event();
        const owner = spawn(() =>
          taskGroup((group) => {
            group.spawn(function* () {
              yield* event.wait();
              throw new Error('task');
            });
            group.spawn(worker, log, 'sibling', 0);
            return body();
          }),
        );
        const killer = function* () {
          yield* event.wait();
          owner.kill();
        };
        if (order === 'kill first') spawn(killer);
        yield* sleep(1);
        if (order === 'failure first') spawn(killer);
        yield* sleep(1);
        event.set();
        yield* owner.join();
        log.push(isExit(owner.value));
      }
    });
    const round = (at: number) => ['sibling is killed', `sibling is clean at ${at}`, true];
    expect(log).toEqual([...round(2), ...round(4)]);
    expect((await takeReports()).map(({ error }) => messages(error))).toEqual(['task', 'task']);
  });

  it('in the same pass as the end of the last task: it arrives, once', () =>
    virtually(function* () {
      const log: unknown[] = [];
      for (const killFirst of [true, false]) {
        const owner = spawn(function* () {
          log.push(
            yield* taskGroup((group) => {
              group.spawn(sleep, 5);
              return 'value';
            }),
          );
          yield* sleep(0);
          log.push('never');
        });
        const killer = function* () {
          yield* sleep(5);
          owner.kill();
        };
        if (killFirst) spawn(killer);
        yield* sleep(0);
        if (!killFirst) spawn(killer);
        yield* owner.join();
        expect(isExit(owner.value)).toBe(true);
      }
      // granted: the tasks had ended; else the kill was first
      expect(log.filter((line) => line !== 'value')).toEqual([]);
    }));

  it('before the body begins, and while it is called', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner: Greenlet<any> = spawn(function* () {
        (getcurrent() as Greenlet).kill();
        yield* taskGroup(function* (group) {
          log.push('body');
          group.spawn(() => log.push('never'));
          yield* sleep(0);
          log.push('never');
        });
      });
      yield* owner.join();
      expect([isExit(owner.value), log]).toEqual([true, ['body']]);
    }));

  it('with an error of its own goes on as it is, at whatever time', async () => {
    const own = new Error('own');
    const log: unknown[] = [];
    await virtually(function* () {
      const kill = function* (at: number, body: () => unknown): Coroutine<void> {
        const owner = spawn(() =>
          taskGroup((group) => {
            group.spawn(sore, new Error('task'), 10);
            group.spawn(worker, [], 'sibling');
            return body();
          }),
        );
        yield* sleep(at);
        owner.kill(own);
        log.push((yield* thrown(() => owner)) === own);
      };
      yield* kill(5, () => sleep(1000)); // in the body
      yield* kill(5, () => undefined); // while tasks are waited for
      yield* kill(10, () => failAfter(5, new Error('body'))); // while it is dying
    });
    expect(log).toEqual([true, true, true]);
    expect((await takeReports()).map(({ error }) => messages(error))).toEqual(['task', 'task', 'body', 'task']);
  });

  it('with an error of its own in the same pass as a failure goes on as it is', async () => {
    const own = new Error('own');
    let given: unknown;
    await virtually(function* () {
      const event = new Event();
      const owner = spawn(() =>
        taskGroup(function* (group) {
          group.spawn(function* () {
            yield* event.wait();
            throw new Error('task');
          });
          yield* sleep(1000);
        }),
      );
      yield* sleep(1);
      event.set();
      owner.kill(own);
      given = yield* thrown(() => owner);
    });
    expect(given).toBe(own);
    expect((await takeReports()).map(({ error }) => messages(error))).toEqual(['task']);
  });

  it('that the body catches is over: the group goes on', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner = spawn(() =>
        taskGroup(function* (group) {
          group.spawn(sleep, 100);
          log.push(isExit(yield* thrown(() => sleep(1000))));
          yield* sleep(5);
          return group.size;
        }),
      );
      yield* sleep(5);
      owner.kill();
      expect([yield* owner, log, hub.now()]).toEqual([1, [true], 100]);
    }));

  it('waits for a shield in the body', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner = spawn(() =>
        taskGroup(function* (group) {
          group.spawn(worker, log, 'task');
          yield* shield(() => sleep(50));
          log.push('never');
        }),
      );
      yield* sleep(5);
      yield* owner.kill();
      expect([isExit(owner.value), log]).toEqual([true, ['task is killed', 'task is clean at 60']]);
    }));

  it('waits for the shield of a task', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner = spawn(() =>
        taskGroup(function* (group) {
          group.spawn(function* () {
            yield* shield(() => sleep(50));
            log.push('never');
          });
          yield* sleep(1000);
        }),
      );
      yield* sleep(5);
      yield* owner.kill();
      expect([isExit(owner.value), log, hub.now()]).toEqual([true, [], 50]);
    }));

  it('by a task', () =>
    virtually(function* () {
      for (const body of [() => sleep(1000), () => undefined]) {
        const log: unknown[] = [];
        const owner: Greenlet<any> = spawn(() =>
          taskGroup((group) => {
            group.spawn(worker, log, 'sibling', 0);
            group.spawn(function* () {
              yield* sleep(5);
              owner.kill();
              try {
                yield* sleep(1000);
              } finally {
                log.push('killer is killed');
              }
            });
            return body();
          }),
        );
        yield* owner.join();
        expect(isExit(owner.value)).toBe(true);
        expect([log[0], log.length, log.includes('killer is killed')]).toEqual(['sibling is killed', 3, true]);
      }
    }));

  it('by a task that waits for the end of its owner', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner: Greenlet<any> = spawn(() =>
        taskGroup(function* (group) {
          group.spawn(function* () {
            yield* sleep(5);
            yield* owner.kill(); // the owner's end needs this one's: its own kill frees it
            log.push('never');
          });
          yield* sleep(1000);
        }),
      );
      yield* owner.join();
      expect([isExit(owner.value), log, hub.now()]).toEqual([true, [], 5]);
    }));

  it('of a main by a signal', async () => {
    const controller = new AbortController();
    const log: unknown[] = [];
    const running = run(
      () =>
        taskGroup(function* (group) {
          group.spawn(function* () {
            try {
              yield* sleep(10_000);
            } finally {
              yield* sleep(1);
              log.push('clean');
            }
          });
          yield* sleep(10_000);
        }),
      { signal: controller.signal },
    );
    await nextTurn();
    controller.abort(new Error('aborted'));
    await expect(running).rejects.toThrow('aborted');
    expect(log).toEqual(['clean']);
  });
});

describe('a timeout', () => {
  it('around the group kills all and passes through by identity', () =>
    virtually(function* () {
      for (const body of [() => sleep(1000), () => undefined]) {
        const log: unknown[] = [];
        using limit = Timeout.startNew(5);
        const begun = hub.now();
        const error = yield* thrown(() =>
          taskGroup((group) => {
            group.spawn(worker, log, 'task', 20);
            return body();
          }),
        );
        expect([error === limit, log.length, hub.now() - begun]).toEqual([true, 2, 25]);
      }
    }));

  it('of withTimeout gives its value when all have ended', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const value = yield* withTimeout(
        5,
        () =>
          taskGroup(function* (group) {
            group.spawn(worker, log, 'task', 20);
            yield* sleep(1000);
          }),
        { value: 'late' },
      );
      expect([value, log, hub.now()]).toEqual(['late', ['task is killed', 'task is clean at 25'], 25]);
    }));

  it('that is started in the body passes through by identity, also when the body has ended', () =>
    virtually(function* () {
      for (const wait of [() => sleep(1000), () => undefined]) {
        const log: unknown[] = [];
        let limit: Timeout | undefined;
        const error = yield* thrown(() =>
          taskGroup((group) => {
            limit = Timeout.startNew(5);
            group.spawn(worker, log, 'task', 20);
            return wait();
          }),
        );
        expect([error === limit, log.length]).toEqual([true, 2]);
      }
    }));

  it('that the body ends in time is over', () =>
    virtually(function* () {
      const value = yield* taskGroup(function* (group) {
        using _ = Timeout.startNew(10);
        group.spawn(sleep, 50);
        yield* sleep(5);
        return hub.stats().timers;
      });
      expect([value, hub.now()]).toEqual([2, 50]);
    }));

  it('inside the body is caught there', () =>
    virtually(function* () {
      const value = yield* taskGroup(function* (group) {
        group.spawn(sleep, 50);
        return yield* withTimeout(5, () => sleep(1000), { value: 'late' });
      });
      expect([value, hub.now()]).toEqual(['late', 50]);
    }));

  it('that expires while the group is dying is thrown in the end; the failure is reported', async () => {
    let result: unknown;
    await virtually(function* () {
      using limit = Timeout.startNew(10);
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(worker, [], 'task', 20);
          group.spawn(failAfter, 5, new Error('task'));
          yield* sleep(1000);
        }),
      );
      result = [error === limit, hub.now()];
    });
    expect(result).toEqual([true, 25]);
    expect((await takeReports()).map(({ error }) => messages(error))).toEqual(['task']);
  });

  it('with an error of its own passes through as it is', async () => {
    const own = new Error('own');
    let result: unknown;
    await virtually(function* () {
      using _ = Timeout.startNew(5, own);
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(sore, new Error('task'), 10);
          yield* sleep(1000);
        }),
      );
      result = [error === own, hub.now()];
    });
    expect(result).toEqual([true, 15]);
    expect((await takeReports()).map(({ error }) => messages(error))).toEqual(['task']);
  });

  it('and a kill while it is dying: neither is lost', () =>
    virtually(function* () {
      for (const killAt of [5, 15]) {
        const log: unknown[] = [];
        const begun = hub.now();
        const owner = spawn(function* () {
          const given = yield* withTimeout(
            10,
            () =>
              taskGroup(function* (group) {
                group.spawn(worker, [], 'task', 50);
                yield* sleep(1000);
              }),
            { value: 'late' },
          );
          log.push(given, hub.now() - begun);
          yield* sleep(0);
          log.push('never');
        });
        yield* sleep(killAt);
        yield* owner.kill();
        expect([isExit(owner.value), log]).toEqual([true, killAt < 10 ? [] : ['late', 60]]);
        expect(hub.now() - begun).toBe(killAt < 10 ? 55 : 60);
      }
    }));

  it('that is inner never loses an outer one, which came while the group was dying, or before', () =>
    virtually(function* () {
      for (const [outer, inner] of [
        [10, 20],
        [20, 10],
      ] as const) {
        const log: unknown[] = [];
        const begun = hub.now();
        const value = yield* withTimeout(
          outer,
          function* () {
            const given = yield* withTimeout(
              inner,
              () =>
                taskGroup(function* (group) {
                  group.spawn(worker, [], 'task', 50);
                  yield* sleep(1000);
                }),
              { value: 'inner' },
            );
            log.push(given);
            yield* sleep(0);
            log.push('never');
          },
          { value: 'outer' },
        );
        expect([value, log]).toEqual(['outer', outer < inner ? [] : ['inner']]);
        expect(hub.now() - begun).toBe(60);
      }
    }));

  it('and another one in one pass: the first goes on, the other one follows, and none is taken for a failure', () =>
    virtually(function* () {
      for (const body of [() => sleep(1000), () => undefined]) {
        const begun = hub.now();
        const limits = [Timeout.startNew(10), Timeout.startNew(10)];
        const caught = [
          yield* thrown(() =>
            taskGroup((group) => {
              group.spawn(worker, [], 'task', 5);
              return body();
            }),
          ),
          hub.now() - begun,
          yield* thrown(() => sleep(0)),
        ];
        expect(caught.map((one) => (limits.includes(one) ? limits.indexOf(one) : one))).toEqual([0, 15, 1]);
      }
    }));

  it('of withTimeout in one pass with an outer one leaves that its due', () =>
    virtually(function* () {
      const value = yield* withTimeout(
        10,
        () =>
          withTimeout(
            10,
            () =>
              taskGroup(function* (group) {
                group.spawn(worker, [], 'task', 5);
                yield* sleep(1000);
              }),
            { value: 'inner' },
          ),
        { value: 'outer' },
      );
      expect([value, hub.now()]).toEqual(['outer', 15]);
    }));

  it('and a kill in one pass: neither is taken for a failure', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const owner = spawn(function* () {
        const value = yield* withTimeout(
          10,
          () =>
            taskGroup(function* (group) {
              group.spawn(worker, [], 'task', 5);
              yield* sleep(1000);
            }),
          { value: 'late' },
        );
        log.push(value);
        yield* sleep(0);
        log.push('never');
      });
      yield* sleep(0);
      yield* sleep(10);
      yield* owner.kill();
      expect([isExit(owner.value), log, hub.now()]).toEqual([true, ['late'], 15]);
    }));

  it('and a failure in one pass: the group ends with one of them, and nothing is lost', async () => {
    const seen: unknown[] = [];
    await virtually(function* () {
      for (const first of ['timeout', 'failure']) {
        const begun = hub.now();
        const error = yield* thrown(function* () {
          const limit = new Timeout(5);
          if (first === 'timeout') limit.start();
          try {
            yield* taskGroup(function* (group) {
              group.spawn(failAfter, 5, new Error('task'));
              yield* sleep(0);
              if (first === 'failure') limit.start();
              yield* sleep(1000);
            });
          } finally {
            limit.close();
          }
        });
        seen.push(error instanceof Timeout ? 'Timeout' : messages(error), hub.now() - begun);
        yield* sleep(10);
      }
    });
    const reports = (await takeReports()).map(({ error }) => messages(error));
    expect([seen[1], seen[3]]).toEqual([5, 5]);
    const failures = [...seen, ...reports].filter((one) => one === 'task');
    expect(failures).toHaveLength(2);
  });
});

describe('spawning into a group', () => {
  it('that has ended throws, by whatever means it ended', () =>
    virtually(function* () {
      const groups: TaskGroup[] = [];
      yield* taskGroup((group) => void groups.push(group));
      yield* thrown(() =>
        taskGroup((group) => {
          groups.push(group);
          throw new Error('body');
        }),
      );
      yield* thrown(() =>
        taskGroup((group) => {
          groups.push(group);
          group.spawn(failAfter, 1, new Error('task'));
        }),
      );
      const owner = spawn(() =>
        taskGroup(function* (group) {
          groups.push(group);
          yield* sleep(1000);
        }),
      );
      yield* sleep(1);
      yield* owner.kill();
      expect(groups).toHaveLength(4);
      for (const group of groups) {
        expect(() => group.spawn(sleep, 1)).toThrow(
          new InvalidStateError("spawn() in a task group that has ended: its greenlets can't outlive it"),
        );
        expect(() => group.spawnNow(sleep, 1)).toThrow(InvalidStateError);
        expect([group.size, group.statistics()]).toEqual([0, { tasks: 0 }]);
      }
    }));

  it('that is dying kills the newcomer before it begins', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(function* () {
            try {
              yield* sleep(1000);
            } finally {
              const late = [group.spawn(() => log.push('never')), group.spawnNow(() => log.push('never'))];
              log.push(
                late.map(({ value, dead }) => [isExit(value), dead]),
                group.size,
              );
              yield* sleep(10);
            }
          });
          group.spawn(failAfter, 5, new Error('task'));
          yield* sleep(1000);
        }),
      );
      expect([messages(error), log, hub.now()]).toEqual([
        'task',
        [
          [
            [true, true],
            [true, true],
          ],
          1,
        ],
        15,
      ]);
    }));

  it('from outside keeps it alive, also between the end of the last task and the turn of the owner', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const go = new Event();
      let group: TaskGroup | undefined;
      const owner = spawn(function* () {
        yield* taskGroup(function* (given) {
          group = given;
          given.spawn(() => go.wait());
          yield* sleep(0);
          spawn(function* () {
            yield* go.wait();
            log.push(group!.size);
            group!.spawn(function* () {
              yield* sleep(50);
              log.push('newcomer');
            });
          });
        });
        log.push('over');
      });
      yield* sleep(5);
      go.set();
      yield* owner;
      expect([log, hub.now()]).toEqual([[0, 'newcomer', 'over'], 55]);
    }));

  it('from outside while it is dying, at the last moment', () =>
    virtually(function* () {
      const log: unknown[] = [];
      let group: TaskGroup | undefined;
      const owner = spawn(() =>
        taskGroup(function* (given) {
          group = given;
          given.spawn(worker, [], 'task', 10);
          yield* sleep(5);
          throw new Error('body');
        }),
      );
      spawn(function* () {
        yield* sleep(6);
        yield* sleep(9); // due with the end of the last task
        try {
          log.push(isExit(group!.spawn(() => log.push('never')).value));
        } catch (error) {
          log.push(error instanceof InvalidStateError);
        }
      });
      expect(messages(yield* thrown(() => owner))).toBe('body');
      yield* sleep(5);
      expect(log).toEqual([true]);
    }));

  it('works from ordinary code and from hub callbacks', async () => {
    const log: unknown[] = [];
    let group: TaskGroup | undefined;
    const running = run(() =>
      taskGroup(function* (given) {
        group = given;
        yield* sleep(5);
      }),
    );
    await nextTurn();
    group!.spawn(function* () {
      yield* sleep(10);
      log.push('ordinary');
    });
    group!.spawnNow(() => log.push('now'));
    hub.callSoon(() => void group!.spawn(() => log.push('callback')));
    await running;
    expect(log).toEqual(['now', 'callback', 'ordinary']);
  });

  it('from a link of a task', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup(function* (group) {
        const first = group.spawn(sleep, 5);
        first.link(() => {
          try {
            group.spawn(() => log.push('second'));
          } catch (error) {
            log.push((error as Error).name);
          }
        });
        group.spawn(sleep, 10);
      });
      expect(log).toEqual(['second']);
    }));

  it('while a hook kills what is spawned leaves nobody in it', () =>
    virtually(function* () {
      const off = hub.onSpawn((greenlet) => void greenlet.kill());
      let sizes: unknown;
      try {
        yield* taskGroup((group) => {
          group.spawn(sleep, 1000);
          group.spawnNow(sleep, 1000);
          sizes = group.size;
        });
      } finally {
        off();
      }
      expect([sizes, hub.now()]).toEqual([0, 0]);
    }));

  it('takes daemons, which are waited for as all others', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup((group) => {
        group.spawn(worker, log, 'daemon', 0).daemon = true;
      });
      expect(log).toEqual(['daemon is done', 'daemon is clean at 1000']);
    }));

  it('takes daemons in real time: the group keeps the process alive until they have ended', async () => {
    const { lines, stderr, exit } = await runProgram(`
      import { run, sleep, taskGroup } from 'genlet';
      await run(function* () {
        yield* taskGroup((group) => {
          group.spawn(function* () {
            yield* sleep(20);
            console.log('daemon is done');
          }).daemon = true;
        });
        console.log('over');
      });`);
    expect([lines, stderr, exit]).toEqual([['daemon is done', 'over'], '', 0]);
  });
});

describe('a daemon that owns a group', () => {
  it('is killed with its tasks when nobody else is left', async () => {
    const { lines, stderr, exit } = await runProgram(`
      import { Event, run, sleep, spawn, taskGroup } from 'genlet';
      await run(function* () {
        const begun = new Event();
        spawn(() => taskGroup(function* (group) {
          const task = function* (name) {
            try {
              if (name === 'daemon') begun.set();
              yield* sleep(60_000);
            } finally {
              yield* sleep(5);
              console.log(name);
            }
          };
          group.spawn(task, 'daemon').daemon = true;
          yield* task('owner');
        })).daemon = true;
        yield* begun.wait();
      });`);
    expect([lines.sort(), stderr, exit]).toEqual([['daemon', 'owner'], '', 0]);
  });
});

describe('nested groups', () => {
  it('in the body: a failure of the inner one is a failure of the outer body', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const failure = new Error('inner');
      const error = yield* thrown(() =>
        taskGroup(function* (outer) {
          outer.spawn(worker, log, 'outer task', 20);
          yield* taskGroup(function* (inner) {
            inner.spawn(worker, log, 'inner task', 10);
            inner.spawn(failAfter, 5, failure);
            yield* sleep(1000);
          });
          log.push('never');
        }),
      );
      expect([error === failure, log]).toEqual([
        true,
        ['inner task is killed', 'inner task is clean at 15', 'outer task is killed', 'outer task is clean at 35'],
      ]);
    }));

  it('in the body: a failure of the outer one ends the inner one, without an error of its own', () =>
    virtually(function* () {
      for (const body of [() => sleep(1000), () => undefined]) {
        const log: unknown[] = [];
        const failure = new Error('outer');
        const begun = hub.now();
        const error = yield* thrown(() =>
          taskGroup(function* (outer) {
            outer.spawn(failAfter, 5, failure);
            yield* taskGroup((inner) => {
              inner.spawn(worker, log, 'inner task', 10);
              return body();
            });
            log.push('never');
          }),
        );
        expect([error === failure, log.length, log[0], hub.now() - begun]).toEqual([
          true,
          2,
          'inner task is killed',
          15,
        ]);
      }
    }));

  it('in the body: both fail in one pass, or while one is dying: no failure is lost, none is thrown twice', async () => {
    const found: unknown[] = [];
    await virtually(function* () {
      for (const [outerAt, innerAt] of [
        [5, 5],
        [5, 10],
        [10, 5],
      ] as const) {
        const error = yield* thrown(() =>
          taskGroup(function* (outer) {
            outer.spawn(failAfter, outerAt, new Error('outer'));
            yield* taskGroup(function* (inner) {
              inner.spawn(failAfter, innerAt, new Error('inner'));
              inner.spawn(worker, [], 'inner task', 20);
              yield* sleep(1000);
            });
          }),
        );
        found.push(messages(error));
      }
    });
    const reports = (await takeReports()).map(({ error }) => messages(error));
    const all = [...found, ...reports].flat(9);
    // where the outer failure comes first, the inner task is killed before it can fail
    expect(all.filter((one) => one === 'outer')).toHaveLength(3);
    expect(all.filter((one) => one === 'inner').length).toBeGreaterThanOrEqual(1);
    expect(all.filter((one) => one === 'inner').length).toBeLessThanOrEqual(2);
  });

  it('in a task: a failure goes through both', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const failure = new Error('inner');
      const error = yield* thrown(() =>
        taskGroup(function* (outer) {
          outer.spawn(worker, log, 'outer task', 20);
          outer.spawn(() =>
            taskGroup((inner) => {
              inner.spawn(worker, log, 'inner task', 10);
              inner.spawn(failAfter, 5, failure);
            }),
          );
          yield* sleep(1000);
        }),
      );
      expect([error === failure, log]).toEqual([
        true,
        ['inner task is killed', 'inner task is clean at 15', 'outer task is killed', 'outer task is clean at 35'],
      ]);
    }));

  it('in a task: a kill goes down to the leaves, and the ends come up', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const nest = function* (depth: number): Coroutine<void> {
        try {
          if (depth === 0) yield* sleep(1000);
          else
            yield* taskGroup((group) => {
              group.spawn(nest, depth - 1);
              group.spawn(nest, depth - 1);
            });
        } finally {
          yield* sleep(1);
          log.push(depth);
        }
      };
      const owner = spawn(nest, 4);
      yield* sleep(5);
      yield* owner.kill();
      expect(log).toEqual([...Array(16).fill(0), ...Array(8).fill(1), ...Array(4).fill(2), 3, 3, 4]);
      expect(hub.now()).toBe(10);
    }));

  it('failures of both levels are nested in AggregateErrors', () =>
    virtually(function* () {
      const error = yield* thrown(() =>
        taskGroup(function* (outer) {
          outer.spawn(sore, new Error('outer task'));
          outer.spawn(() =>
            taskGroup((inner) => {
              inner.spawn(failAfter, 5, new Error('first'));
              inner.spawn(sore, new Error('second'));
            }),
          );
          yield* sleep(1000);
        }),
      );
      expect(messages(error)).toEqual([['first', 'second'], 'outer task']);
    }));

  it('the inner body may spawn into the outer group, which waits for it', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup(function* (outer) {
        yield* taskGroup((inner) => {
          inner.spawn(sleep, 5);
          outer.spawn(function* () {
            yield* sleep(20);
            log.push('outer task');
          });
        });
        log.push(`inner is over at ${hub.now()}`);
      });
      expect([log, hub.now()]).toEqual([['inner is over at 5', 'outer task'], 20]);
    }));

  it('one after the other of the same greenlet do not mix up their interruptions', () =>
    virtually(function* () {
      for (let round = 0; round < 3; round++) {
        const error = yield* thrown(() =>
          taskGroup(function* (group) {
            group.spawnNow(() => {
              throw new Error(`round ${round}`);
            });
          }),
        );
        expect(messages(error)).toBe(`round ${round}`);
        expect(yield* taskGroup((group) => group.spawn(() => round))).toBe(round);
      }
    }));
});

describe('the errors of a group', () => {
  it('are not reported as untaken, thrown or not', async () => {
    await virtually(function* () {
      yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawn(failAfter, 5, new Error('first'));
          group.spawn(sore, new Error('second'), 500);
          yield* sleep(1000);
        }),
      );
    });
    expect(await takeReports()).toEqual([]);
  });

  it('are reported once if nobody takes the error of the owner', async () => {
    const failure = new Error('task');
    await virtually(function* () {
      const owner = spawn(() => taskGroup((group) => void group.spawn(failAfter, 5, failure)));
      yield* owner.join();
      yield* sleep(5);
    });
    const reports = await takeReports();
    expect(reports.map(({ error }) => error === failure)).toEqual([true]);
  });

  it('reject run', async () => {
    await expect(
      virtually(() => taskGroup((group) => void group.spawn(failAfter, 5, new Error('task')))),
    ).rejects.toThrow('task');
  });

  it('are told from those of greenlets that are no tasks', async () => {
    await virtually(function* () {
      yield* taskGroup(function* (group) {
        spawn(failAfter, 1, new Error('stranger'));
        group.spawn(sleep, 5);
      });
    });
    expect((await takeReports()).map(({ error }) => messages(error))).toEqual(['stranger']);
  });

  it('may be looked at by others, who wait for a task', () =>
    virtually(function* () {
      const failure = new Error('task');
      let task: Greenlet<any> | undefined;
      const onlooker = spawn(function* () {
        yield* sleep(1);
        return yield* thrown(() => task!);
      });
      const error = yield* thrown(() =>
        taskGroup((group) => {
          task = group.spawn(failAfter, 5, failure);
        }),
      );
      expect([error === failure, (yield* onlooker) === failure, task!.exception === failure]).toEqual([
        true,
        true,
        true,
      ]);
    }));

  it('a sibling that waits for the failing task is killed, and does not fail a second time', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const failure = new Error('task');
      const error = yield* thrown(() =>
        taskGroup((group) => {
          const failing = group.spawn(failAfter, 5, failure);
          group.spawn(function* () {
            const caught = yield* thrown(() => failing);
            log.push(isExit(caught));
            throw caught;
          });
        }),
      );
      expect([error === failure, log]).toEqual([true, [true]]);
    }));
});

describe('a group that nothing can end', () => {
  it('is named in the LoopExit, which ends it', async () => {
    const log: unknown[] = [];
    const error = await virtually(() =>
      taskGroup((group) => {
        group.spawn(function* () {
          try {
            yield* new Event().wait();
          } finally {
            yield* sleep(5);
            log.push('clean');
          }
        });
      }),
    ).catch((caught) => caught);
    expect(error).toBeInstanceOf(LoopExit);
    expect((error as LoopExit).blocked.map(({ waitsFor }) => waitsFor)).toEqual(['TaskGroup.join()', 'Event.wait()']);
    expect(log).toEqual(['clean']);
  });

  it('gets its LoopExit in the body', async () => {
    const log: unknown[] = [];
    const error = await virtually(() =>
      taskGroup(function* (group) {
        group.spawn(function* () {
          try {
            yield* new Event().wait();
          } finally {
            log.push('task');
          }
        });
        try {
          yield* new Event().wait();
        } finally {
          log.push('body');
        }
      }),
    ).catch((caught) => caught);
    expect([error, log]).toEqual([expect.any(LoopExit), ['body', 'task']]);
  });
});

describe('a group whose cleanup nothing can end', () => {
  it.each(['fails', 'is killed'])('is given up by a LoopExit when it %s', async (what) => {
    let task: Greenlet<unknown> | undefined;
    const controller = new AbortController();
    const running = run(
      () =>
        taskGroup(function* (group) {
          task = group.spawn(function* () {
            try {
              yield* sleep(1000);
            } finally {
              yield* new Event().wait();
            }
          });
          yield* sleep(5);
          if (what === 'fails') throw new Error('body');
          controller.abort(new Error('aborted'));
          yield* sleep(5);
        }),
      { clock: new VirtualClock(), signal: controller.signal },
    );
    const error = await running.catch((caught) => caught);
    const reports = await takeReports();
    task!.kill();
    if (what === 'fails') {
      expect([error, messages(reports[0]!.error)]).toEqual([expect.any(LoopExit), 'body']);
      expect(reports.slice(1).every((one) => one.error instanceof LoopExit)).toBe(true); // the task is blocked still
    } else {
      expect(messages(error)).toBe('aborted');
      expect(reports.every((one) => one.error instanceof LoopExit)).toBe(true);
    }
  });
});

describe('a child of spawnNow in a group', () => {
  it('may be the native parent of the end: it fails deep down', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          const nest = function* (depth: number): Coroutine<void> {
            try {
              if (depth === 0) throw new Error('deep');
              group.spawnNow(nest, depth - 1);
              log.push(depth);
              yield* sleep(1000);
            } finally {
              log.push(-depth);
            }
          };
          group.spawnNow(nest, 150); // deeper than children are nested
          yield* sleep(1000);
        }),
      );
      expect([messages(error), hub.now()]).toEqual(['deep', 0]);
      const depths = log as number[];
      expect(depths.filter((depth) => depth > 0)).toHaveLength(depths.filter((depth) => depth < 0).length);
    }));

  it('is killed where it stands, not when it fails first', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const error = yield* thrown(() =>
        taskGroup(function* (group) {
          group.spawnNow(worker, log, 'first', 5);
          spawnNow(function* () {
            group.spawnNow(() => {
              throw new Error('task');
            });
          });
          yield* sleep(1000);
        }),
      );
      expect([messages(error), log]).toEqual(['task', ['first is killed', 'first is clean at 5']]);
    }));

  it('may be delayed by the caller: a greenlet of spawnLater is no task', () =>
    virtually(function* () {
      const log: unknown[] = [];
      yield* taskGroup(function* (group) {
        const later = spawnLater(50, () => log.push('later'));
        yield* group.spawn(() => later.join());
      });
      expect([log, hub.now()]).toEqual([['later'], 50]);
    }));
});
