import {
  type Coroutine,
  coroutine,
  type Greenlet,
  GreenletExit,
  getcurrent,
  type Items,
  isExit,
  iwait,
  LoopExit,
  mapItems,
  NotInGreenletError,
  Pool,
  Queue,
  run,
  shield,
  sleep,
  spawn,
  spawnLater,
  Timeout,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What an operation throws. */
function* thrownBy(operation: object): Coroutine<any> {
  try {
    yield* operation as Coroutine<unknown>;
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}

function* double(n: number): Coroutine<number> {
  yield* sleep(n);
  return 2 * n;
}

const nameOfMe = () => getcurrent()!.name;

/** Records the life of each call: `begin`, `end`, or `finally` where it was killed. */
function recorder(log: unknown[], cleanup = 0) {
  return function* (ms: number, index: number) {
    log.push(`begin ${index} at ${hub.now()}`);
    let isDone = false;
    try {
      yield* sleep(ms);
      isDone = true;
    } finally {
      if (!isDone && cleanup > 0) yield* sleep(cleanup);
      log.push(`${isDone ? 'end' : 'finally'} ${index} at ${hub.now()}`);
    }
    return ms;
  };
}

describe('the results of mapItems()', () => {
  it('are in the order of the items, whatever ends first', () =>
    virtually(function* () {
      expect(yield* mapItems([30, 10, 20], double)).toEqual([60, 20, 40]);
      expect(hub.now()).toBe(30);
      expect(yield* mapItems([30, 10, 20], double, { limit: 2, preserveOrder: true })).toEqual([60, 20, 40]);
    }));

  it('are given as they come if order does not matter', () =>
    virtually(function* () {
      expect(yield* mapItems([30, 10, 20], double, { preserveOrder: false })).toEqual([20, 40, 60]);
      expect(yield* mapItems([30, 10, 25], double, { preserveOrder: false, limit: 2 })).toEqual([20, 60, 50]);
    }));

  it('are none for no items', () =>
    virtually(function* () {
      const never = () => expect.fail('called');
      for (const items of [[], new Set<number>(), (async function* () {})()]) {
        expect(yield* mapItems(items as Items<number>, never)).toEqual([]);
      }
    }));

  it('may be undefined, errors, exits or whatever else', () =>
    virtually(function* () {
      const values = [undefined, null, new Error('a value'), new GreenletExit(), 0, ''];
      expect(yield* mapItems(values, (value) => value)).toEqual(values);
      expect(yield* mapItems(values, (value) => value, { preserveOrder: false, limit: 1 })).toEqual(values);
    }));

  it('come from coroutine functions, plain, async and marked ones, and what returns an operation', () =>
    virtually(function* () {
      const functions: ((n: number) => unknown)[] = [
        double,
        coroutine(double),
        (n: number) => 2 * n,
        async (n: number) => 2 * n,
        (n: number) => spawn(double, n),
        (n: number) => double(n),
      ];
      for (const fn of functions) expect(yield* mapItems([1, 2, 3], fn, { limit: 2 })).toEqual([2, 4, 6]);
    }));
});

describe('the items', () => {
  it('may be any iterable, async iterable or iteration', () =>
    virtually(function* () {
      const pool = new Pool(2);
      const sources: Items<number>[] = [
        [1, 2, 3],
        new Set([1, 2, 3]),
        new Map([
          ['a', 1],
          ['b', 2],
          ['c', 3],
        ]).values(),
        (function* () {
          yield* [1, 2, 3];
        })(),
        (async function* () {
          yield* [1, 2, 3];
        })(),
        pool.imap((n: number) => n, [1, 2, 3]),
      ];
      for (const items of sources) expect(yield* mapItems(items, double, { limit: 2 })).toEqual([2, 4, 6]);
      // An iwait() can be read by one at a time only.
      const sleepers = [15, 5, 10].map((ms) => spawn(double, ms));
      const fn = function* (sleeper: Greenlet<number>) {
        yield* sleep(1);
        return sleeper.value;
      };
      expect(yield* mapItems(iwait(sleepers), fn, { limit: 3 })).toEqual([10, 20, 30]);
    }));

  it('come with their index', () =>
    virtually(function* () {
      expect(yield* mapItems('abc', (letter, index) => `${index}${letter}`)).toEqual(['0a', '1b', '2c']);
    }));

  it('are begun in their order, so many at once', () =>
    virtually(function* () {
      const log: string[] = [];
      yield* mapItems([20, 10, 5, 20, 1], recorder(log), { limit: 2 });
      expect(log).toEqual([
        'begin 0 at 0',
        'begin 1 at 0',
        'end 1 at 10',
        'begin 2 at 10',
        'end 2 at 15',
        'begin 3 at 15',
        'end 0 at 20',
        'begin 4 at 20',
        'end 4 at 21',
        'end 3 at 35',
      ]);
    }));

  it('are all in work at once without a limit', () =>
    virtually(function* () {
      for (const limit of [undefined, null, Number.POSITIVE_INFINITY, 1000]) {
        const start = hub.now();
        yield* mapItems(Array(500).fill(10), double, { limit: limit as number });
        expect(hub.now() - start).toBe(10);
      }
    }));

  it('are done one after the other with a limit of 1', () =>
    virtually(function* () {
      const log: string[] = [];
      yield* mapItems([2, 1], recorder(log), { limit: 1 });
      expect(log).toEqual(['begin 0 at 0', 'end 0 at 2', 'begin 1 at 2', 'end 1 at 3']);
    }));

  it('are read when a worker is free, not before', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const items = (function* () {
        for (let i = 0; i < 5; i++) {
          log.push(`read ${i} at ${hub.now()}`);
          yield 10;
        }
      })();
      yield* mapItems(items, double, { limit: 2 });
      expect(log).toEqual(['read 0 at 0', 'read 1 at 0', 'read 2 at 10', 'read 3 at 10', 'read 4 at 20']);
    }));

  it('are read by one worker at a time, in order, where reading takes long', () =>
    virtually(function* () {
      const log: string[] = [];
      const queue = new Queue<number>();
      const items = {
        left: 4,
        *next(): Coroutine<IteratorResult<number, undefined>> {
          if (this.left-- === 0) return { done: true, value: undefined };
          return { done: false, value: yield* queue.get() };
        },
        [Symbol.dispose]() {
          log.push(`disposed at ${hub.now()}`);
        },
      };
      const feeder = spawn(function* () {
        for (const ms of [25, 1, 1, 1]) {
          yield* sleep(10);
          queue.putNowait(ms);
        }
      });
      yield* mapItems(items, recorder(log), { limit: 3 });
      yield* feeder;
      expect(log).toEqual([
        'begin 0 at 10',
        'begin 1 at 20',
        'end 1 at 21',
        'begin 2 at 30',
        'end 2 at 31',
        'end 0 at 35',
        'begin 3 at 40',
        'end 3 at 41',
        'disposed at 41',
      ]);
    }));
});

describe('the workers', () => {
  it('are named by numbers, and there are never more than needed', () =>
    virtually(function* () {
      const before = hub.stats().spawned;
      const names = yield* mapItems(
        [5, 1, 1, 1],
        function* (ms) {
          yield* sleep(ms);
          return nameOfMe();
        },
        { limit: 2 },
      );
      expect(names).toEqual(['worker-1', 'worker-2', 'worker-2', 'worker-2']);
      expect(hub.stats().spawned - before).toBe(2);
      // One does all that does not wait; another was there in case of.
      const quick = yield* mapItems(Array(20).fill(0), nameOfMe, { limit: 10 });
      expect([new Set(quick), hub.stats().spawned - before]).toEqual([new Set(['worker-1']), 4]);
    }));

  it('do not run inside the call that spawns them', () =>
    virtually(function* () {
      const log: string[] = [];
      const operation = mapItems([1], () => log.push('worker'));
      const other = spawn(() => log.push('other'));
      yield* operation;
      yield* other;
      expect(log).toEqual(['other', 'worker']);
    }));

  it('do not run before the operation is performed', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const operation = mapItems([1], () => log.push('called'));
      yield* sleep(10);
      expect(log).toEqual([]);
      yield* operation;
      expect(log).toEqual(['called']);
    }));

  it('of several calls are apart from each other, also where one is inside of another', () =>
    virtually(function* () {
      const rows = yield* mapItems(
        [1, 2, 3],
        (row) => mapItems([10, 20], (n) => [row, n, nameOfMe()].join(' '), { limit: 1 }),
        { limit: 2 },
      );
      expect(rows).toEqual([
        ['1 10 worker-1', '1 20 worker-1'],
        ['2 10 worker-1', '2 20 worker-1'],
        ['3 10 worker-1', '3 20 worker-1'],
      ]);
    }));

  it('are daemons if the caller is one', async () => {
    const log: unknown[] = [];
    await virtually(function* () {
      const daemon = spawn(() => mapItems([1000, 1000], recorder(log)));
      daemon.daemon = true;
      yield* sleep(5);
    });
    await virtually(() => {});
    expect(log).toEqual(['begin 0 at 0', 'begin 1 at 0', 'finally 0 at 5', 'finally 1 at 5']);
  });
});

describe('a failure', () => {
  const failure = new Error('a failure');

  it('kills the other workers, waits for their finally blocks, and is thrown', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const record = recorder(log, 7);
      const fn = function* (ms: number, index: number) {
        yield* record(ms, index);
        if (index === 1) throw failure;
      };
      expect(yield* thrownBy(mapItems([50, 10, 50, 50], fn, { limit: 3 }))).toBe(failure);
      expect([log, hub.now()]).toEqual([
        ['begin 0 at 0', 'begin 1 at 0', 'begin 2 at 0', 'end 1 at 10', 'finally 0 at 17', 'finally 2 at 17'],
        17,
      ]);
      expect(yield* spawn(takeReports)).toEqual([]);
    }));

  it('of any kind of function ends it, with undefined as the error, too', () =>
    virtually(function* () {
      const functions = [
        () => {
          throw undefined;
        },
        () => Promise.reject(undefined),
        function* (n: number) {
          yield* sleep(n);
          throw undefined;
        },
      ];
      for (const fn of functions as ((n: number) => unknown)[]) {
        for (const limit of [1, 5]) expect(yield* thrownBy(mapItems([1, 2, 3], fn, { limit }))).toBe(undefined);
      }
    }));

  it('lets nobody begin with another item, even in the same pass', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const fn = function* (ms: number, index: number) {
        log.push(`begin ${index}`);
        yield* sleep(ms);
        if (index === 0) throw failure;
        log.push(`end ${index}`);
      };
      expect(yield* thrownBy(mapItems([10, 10, 10, 10, 10], fn, { limit: 3 }))).toBe(failure);
      expect(log).toEqual(['begin 0', 'begin 1', 'begin 2', 'end 1', 'end 2']);
    }));

  it('is thrown as the first; what the others die of is reported', () =>
    virtually(function* () {
      const fn = function* (ms: number) {
        try {
          yield* sleep(ms);
        } finally {
          if (ms > 10) yield* sleep(1);
          // biome-ignore lint/correctness/noUnsafeFinally: an error while cleaning up
          throw new Error(`${ms}`);
        }
      };
      expect(yield* thrownBy(mapItems([30, 10, 20], fn))).toMatchObject({ message: '10' });
      const reports = yield* spawn(takeReports);
      expect(reports.map(({ error, greenlet }) => [greenlet!.name, (error as Error).message])).toEqual([
        ['worker-1', '30'],
        ['worker-3', '20'],
      ]);
    }));

  it('of reading the items ends it as well', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const broken = [
        (function* () {
          yield 5;
          throw failure;
        })(),
        (async function* () {
          yield 5;
          throw failure;
        })(),
      ];
      for (const items of broken) {
        expect(yield* thrownBy(mapItems(items, recorder(log), { limit: 3 }))).toBe(failure);
      }
      expect(log.map((line) => (line as string).slice(0, 7))).toEqual(['begin 0', 'finally', 'begin 0', 'finally']);
    }));

  it('ends the iterator of the items, after the workers', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const items = (function* () {
        try {
          for (;;) yield 20;
        } finally {
          log.push('items ended');
        }
      })();
      const record = recorder(log, 1);
      const fn = function* (ms: number, index: number) {
        if (index === 1) {
          yield* sleep(10);
          throw failure;
        }
        yield* record(ms, index);
      };
      expect(yield* thrownBy(mapItems(items, fn, { limit: 2 }))).toBe(failure);
      expect(log).toEqual(['begin 0 at 0', 'finally 0 at 11', 'items ended']);
    }));

  it('comes while another worker waits for an item', () =>
    virtually(function* () {
      const queue = new Queue<number>(null, [10]);
      let disposed = 0;
      const items = {
        *next(): Coroutine<IteratorResult<number, undefined>> {
          return { done: false, value: yield* queue.get() };
        },
        [Symbol.dispose]: () => void disposed++,
      };
      const fn = function* (ms: number) {
        yield* sleep(ms);
        throw failure;
      };
      expect(yield* thrownBy(mapItems(items, fn, { limit: 3 }))).toBe(failure);
      expect([disposed, queue.statistics().getters, hub.now()]).toEqual([1, 0, 10]);
    }));

  it('is a kill of a worker, or an exit that the function throws: the exit is thrown', () =>
    virtually(function* () {
      const exit = new GreenletExit('mine');
      const functions = [
        function* (n: number) {
          yield* sleep(n);
          if (n === 2) (getcurrent() as Greenlet).kill(exit);
          yield* sleep(1);
        },
        function* (n: number) {
          yield* sleep(n);
          if (n === 2) throw exit;
          yield* sleep(1);
        },
      ];
      for (const fn of functions) {
        const greenlet = spawn(() => mapItems([5, 2, 5], fn));
        yield* greenlet.join();
        expect(greenlet.value === (exit as unknown)).toBe(true);
      }
      const error = new Error('of a kill');
      const killed = mapItems([5, 5], function* (_, index) {
        if (index === 1) {
          const me = getcurrent() as Greenlet;
          spawnLater(2, () => void me.kill(error));
        }
        yield* sleep(5);
      });
      expect(yield* thrownBy(killed)).toBe(error);
    }));
});

describe('a kill of the caller', () => {
  it('kills the workers and waits for them, at any time', () =>
    virtually(function* () {
      for (const preserveOrder of [true, false]) {
        for (let at = 0; at <= 40; at++) {
          const start = hub.now();
          const log: string[] = [];
          let open = 0;
          let disposed = 0;
          const items = (function* () {
            try {
              yield* [10, 5, 12, 7, 3, 9];
            } finally {
              disposed++;
            }
          })();
          const fn = function* (ms: number) {
            open++;
            try {
              yield* sleep(ms);
            } finally {
              try {
                yield* sleep(2);
              } finally {
                open--;
              }
            }
          };
          const greenlet = spawn(function* () {
            try {
              yield* mapItems(items, fn, { limit: 2, preserveOrder });
              log.push('done');
            } finally {
              log.push(`open ${open}, disposed ${disposed}`);
            }
          });
          yield* sleep(at);
          const wasDone = greenlet.dead;
          yield* greenlet.kill();
          expect([open, disposed], `kill at ${at}`).toEqual([0, 1]);
          expect(hub.now() - start - at).toBeLessThanOrEqual(2);
          if (wasDone) expect(log).toEqual(['done', 'open 0, disposed 1']);
          else expect([log.at(-1), isExit(greenlet.value)]).toEqual(['open 0, disposed 1', true]);
        }
      }
    }));

  it('before it begins runs nothing', () =>
    virtually(function* () {
      const greenlet = spawn(() => mapItems([1], () => expect.fail('called')));
      yield* greenlet.kill();
      const pending = spawn(function* () {
        (getcurrent() as Greenlet).kill();
        yield* mapItems([1], () => expect.fail('called'));
      });
      yield* pending.join();
      expect(isExit(pending.value)).toBe(true);
    }));

  it('by a timeout does, too, whatever its error is', () =>
    virtually(function* () {
      for (const error of [undefined, new Error('too slow')]) {
        const log: unknown[] = [];
        const start = hub.now();
        using limit = Timeout.startNew(5, error);
        const caught = yield* thrownBy(mapItems([10, 20], recorder(log, 3)));
        expect([caught === (error ?? limit), log.length, hub.now() - start]).toEqual([true, 4, 8]);
      }
    }));

  it('again, while it waits for finally blocks, leaves no worker behind', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = spawn(function* () {
        try {
          yield* mapItems([100, 100], recorder(log, 10));
        } finally {
          log.push(`caller at ${hub.now()}`);
        }
      });
      yield* sleep(5);
      greenlet.kill();
      yield* sleep(5);
      yield* greenlet.kill();
      expect(log.slice(2)).toEqual(['finally 0 at 15', 'finally 1 at 15', 'caller at 15']);
    }));

  it('while a failure waits for finally blocks goes first, and the failure is reported', () =>
    virtually(function* () {
      const failure = new Error('a failure');
      const record = recorder([], 10);
      const greenlet = spawn(() =>
        mapItems([100, 0], (ms, index) => {
          if (index === 1) throw failure;
          return record(ms, index);
        }),
      );
      yield* sleep(5);
      yield* greenlet.kill();
      expect([isExit(greenlet.value), hub.now()]).toEqual([true, 10]);
      const reports = yield* spawn(takeReports);
      expect(reports).toEqual([{ error: failure, greenlet: undefined, context: 'a mapItems() that was killed' }]);
    }));

  it('reports what the workers die of', () =>
    virtually(function* () {
      const failure = new Error('while cleaning up');
      const greenlet = spawn(() =>
        mapItems([100], function* (ms) {
          try {
            yield* sleep(ms);
          } finally {
            // biome-ignore lint/correctness/noUnsafeFinally: an error while cleaning up
            throw failure;
          }
        }),
      );
      yield* sleep(5);
      yield* greenlet.kill();
      const reports = yield* spawn(takeReports);
      expect([isExit(greenlet.value), reports.map(({ error }) => error)]).toEqual([true, [failure]]);
    }));

  it('waits for a shield of a worker', () =>
    virtually(function* () {
      const log: string[] = [];
      const greenlet = spawn(() =>
        mapItems([10], (ms) =>
          shield(function* () {
            yield* sleep(ms);
            log.push(`saved at ${hub.now()}`);
          }),
        ),
      );
      yield* sleep(5);
      yield* greenlet.kill();
      expect(log).toEqual(['saved at 10']);
    }));

  it('in the same pass as the last result comes too late', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const greenlet = spawn(function* () {
        log.push(yield* mapItems([10], double));
        yield* sleep(0);
        log.push('never reached');
      });
      const killer = spawn(function* () {
        yield* sleep(10);
        yield* sleep(0);
        yield* greenlet.kill();
      });
      yield* killer;
      expect([log, isExit(greenlet.value)]).toEqual([[[20]], true]);
    }));

  it('by a LoopExit ends blocked workers', async () => {
    const log: unknown[] = [];
    const main = () =>
      mapItems([1], function* () {
        try {
          yield* new Queue().get();
        } finally {
          log.push('finally');
        }
      });
    await expect(virtually(main)).rejects.toThrow(LoopExit);
    expect(log).toEqual(['finally']);
  });
});

describe('misuse of mapItems()', () => {
  const never = () => expect.fail('called');

  it('in its arguments is told at the call', () => {
    for (const limit of [0, -1, 1.5, Number.NaN, '5' as never]) {
      expect(() => mapItems([1], never, { limit })).toThrow(RangeError);
    }
    expect(() => mapItems([1], never, { limit: 0 })).toThrow('limit is 0: give a whole number, 1 or more');
    expect(() => mapItems([1], 5 as never)).toThrow(
      new TypeError('function is 5: give a coroutine function or a plain function'),
    );
    expect(() => mapItems(5 as never, never)).toThrow(
      new TypeError('items is 5: give an iterable, an async iterable or an iteration'),
    );
    expect(() => mapItems(undefined as never, never)).toThrow(TypeError);
  });

  it('by performing it outside a greenlet throws', () => {
    expect(() => (mapItems([1], never) as Coroutine<never>).next()).toThrow(NotInGreenletError);
  });
});

it('mapItems() works in real time', async () => {
  const times = [12, 4, 8];
  expect(await run(() => mapItems(times, (ms) => sleep(ms), { limit: 2 }))).toEqual([undefined, undefined, undefined]);
});

it('mapItems() has the types of its function', () => {
  const check = (_: () => unknown) => {};
  check(function* () {
    expectTypeOf(yield* mapItems([1], double)).toEqualTypeOf<number[]>();
    expectTypeOf(yield* mapItems(['a'], async (text) => text)).toEqualTypeOf<string[]>();
    expectTypeOf(
      yield* mapItems(new Set([1]), (item, index) => {
        expectTypeOf([item, index]).toEqualTypeOf<number[]>();
        return `${item}`;
      }),
    ).toEqualTypeOf<string[]>();
  });
});
