import {
  BlockingSwitchOutError,
  type Coroutine,
  InvalidStateError,
  LifoQueue,
  LoopExit,
  type Operation,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  run,
  SimpleQueue,
  sleep,
  spawn,
  wait,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What an operation gives, or the class of what it throws. */
function* outcome<T>(operation: Operation<T>): Coroutine<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return (error as Error).constructor;
  }
}

const idle = { getters: 0, peekers: 0, putters: 0 };

describe.each([SimpleQueue, Queue])('%o', (QueueClass) => {
  it('gives items in the order in which they came', () =>
    virtually(function* () {
      const queue = new QueueClass<number>();
      for (const n of [1, 2, 3]) yield* queue.put(n);
      expect([queue.qsize(), queue.empty(), queue.full(), queue.maxsize]).toEqual([3, false, false, Infinity]);
      const got = [yield* queue.get(), yield* queue.get(), yield* queue.get()];
      expect(got).toEqual([1, 2, 3]);
      expect([queue.qsize(), queue.empty()]).toEqual([0, true]);
    }));

  it('keeps that order through growth and wrapping around', () => {
    const queue = new QueueClass<number>();
    const got: number[] = [];
    let put = 0;
    for (const [more, less] of [
      [10, 7],
      [50, 30],
      [3000, 2900],
      [5, 128],
      [3, 3],
    ] as const) {
      for (let i = 0; i < more; i++) queue.putNowait(put++);
      for (let i = 0; i < less; i++) got.push(queue.getNowait());
    }
    expect(queue.empty()).toBe(true);
    expect(got).toEqual(Array.from({ length: put }, (_, i) => i));
  });

  it('gives undefined, null and errors as items', () =>
    virtually(function* () {
      const error = new Error('an item');
      const queue = new QueueClass<unknown>(1);
      const putter = spawn(function* () {
        for (const item of [undefined, null, error, undefined]) yield* queue.put(item);
      });
      const got = [yield* queue.get(), yield* queue.get(), yield* queue.get(), yield* queue.get()];
      yield* putter;
      expect(got).toEqual([undefined, null, error, undefined]);
    }));

  it('begins with the items it is given', () => {
    const queue = new QueueClass(2, 'ab');
    expect([queue.qsize(), queue.full(), queue.getNowait(), queue.getNowait()]).toEqual([2, true, 'a', 'b']);
    expect(() => new QueueClass(2, 'abc')).toThrow(new RangeError("3 items don't fit: maxsize is 2"));
  });

  it('has no limit for 0, undefined, null and Infinity, and rejects what is no number of places', () => {
    for (const none of [0, undefined, null, Infinity]) expect(new QueueClass(none).maxsize).toBe(Infinity);
    expect(new QueueClass(3).maxsize).toBe(3);
    for (const wrong of [-1, 1.5, Number.NaN, '3' as never]) expect(() => new QueueClass(wrong)).toThrow(RangeError);
  });

  it('hands an item straight to the first blocked getter', () =>
    virtually(function* () {
      const queue = new QueueClass<string>(1);
      const log: string[] = [];
      const getters = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          log.push(`${name} got ${yield* queue.get()}`);
        }),
      );
      yield* sleep(0);
      expect(queue.statistics()).toMatchObject({ ...idle, size: 0, getters: 3 });
      for (const item of ['x', 'y', 'z']) queue.putNowait(item);
      log.push(`put, ${queue.qsize()} left`);
      expect(() => queue.getNowait()).toThrow(QueueEmpty);
      yield* wait(getters);
      expect(log).toEqual(['put, 0 left', 'a got x', 'b got y', 'c got z']);
    }));

  it('admits blocked putters in order, one for each free place', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(2);
      const log: string[] = [];
      const putters = [1, 2, 3, 4, 5].map((n) =>
        spawn(function* () {
          yield* queue.put(n);
          log.push(`${n} is in`);
        }),
      );
      yield* sleep(0);
      expect(queue.statistics()).toMatchObject({ ...idle, size: 2, maxsize: 2, putters: 3 });
      log.push(`got ${queue.getNowait()}, ${queue.qsize()} left`);
      log.push(`got ${queue.getNowait()}, ${queue.qsize()} left`);
      expect(queue.statistics()).toMatchObject({ ...idle, size: 2, putters: 1 });
      yield* sleep(0);
      expect(log).toEqual(['1 is in', '2 is in', 'got 1, 2 left', 'got 2, 2 left', '3 is in', '4 is in']);
      const rest = [yield* queue.get(), yield* queue.get(), yield* queue.get()];
      yield* wait(putters);
      expect(rest).toEqual([3, 4, 5]);
    }));

  it('does not let a later put pass those who are blocked', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      yield* queue.put(1);
      const blocked = spawn(() => queue.put(2));
      yield* sleep(0);
      expect(queue.getNowait()).toBe(1);
      expect(() => queue.putNowait(3)).toThrow(QueueFull);
      yield* blocked;
      expect([queue.getNowait(), queue.qsize()]).toEqual([2, 0]);
    }));

  it('does not wait with block: false, a timeout of 0, or a Nowait call', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      const results: unknown[] = [];
      for (const options of [{ block: false }, { timeout: 0 }, { block: false, timeout: 5 }]) {
        results.push(yield* outcome(queue.get(options)), yield* outcome(queue.peek(options)));
        results.push(yield* outcome(queue.getMany(2, options)));
      }
      expect(results).toEqual(Array(9).fill(QueueEmpty));
      expect(() => queue.getNowait()).toThrow(new QueueEmpty(`${QueueClass.name}.getNowait(): the queue is empty`));
      expect(() => queue.peekNowait()).toThrow(QueueEmpty);
      expect(yield* outcome(queue.put(1, { block: false }))).toBe(undefined);
      expect(yield* outcome(queue.put(2, { block: false }))).toBe(QueueFull);
      expect(yield* outcome(queue.put(2, { timeout: 0 }))).toBe(QueueFull);
      expect(() => queue.putNowait(2)).toThrow(QueueFull);
      expect([hub.now(), queue.getNowait(), queue.qsize()]).toEqual([0, 1, 0]);
    }));

  it('throws when time is up, and leaves neither waiter nor timer behind', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      const times: unknown[] = [];
      const record = function* (operation: Operation<unknown>) {
        times.push([yield* outcome(operation), hub.now()]);
      };
      yield* record(queue.get({ timeout: 10 }));
      yield* record(queue.peek({ timeout: 10 }));
      yield* record(queue.getMany(3, { timeout: 10 }));
      queue.putNowait(1);
      yield* record(queue.put(2, { timeout: 10 }));
      expect(times).toEqual([
        [QueueEmpty, 10],
        [QueueEmpty, 20],
        [QueueEmpty, 30],
        [QueueFull, 40],
      ]);
      expect(queue.statistics()).toMatchObject({ ...idle, size: 1 });
      expect(hub.stats().timers).toBe(0);
    }));

  it('stops the clock of a call that got what it waited for', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      const options = { timeout: 1000 };
      const readers = [
        spawn(() => queue.peek(options)),
        spawn(() => queue.get(options)),
        spawn(() => queue.getMany(9, options)),
      ];
      yield* sleep(0);
      expect(hub.stats().timers).toBe(3);
      for (const n of [1, 2]) yield* queue.put(n);
      yield* wait(readers);
      expect(readers.map(({ value }) => value)).toEqual([1, 1, [2]]);
      queue.putNowait(3);
      const putter = spawn(() => queue.put(4, options));
      yield* sleep(0);
      expect(queue.getNowait()).toBe(3);
      yield* putter;
      expect([hub.stats().timers, queue.qsize()]).toEqual([0, 1]);
    }));

  it('rejects negative time limits at the call', () => {
    const queue = new QueueClass<number>();
    for (const timeout of [-1, Number.NaN]) {
      expect(() => queue.get({ timeout })).toThrow(RangeError);
      expect(() => queue.put(1, { timeout, block: false })).toThrow(RangeError);
      expect(() => queue.peek({ timeout })).toThrow(RangeError);
      expect(() => queue.getMany(1, { timeout })).toThrow(RangeError);
    }
  });

  it('does nothing before the call is performed', () => {
    const queue = new QueueClass<number>();
    queue.put(1);
    queue.get();
    expect(queue.statistics()).toMatchObject({ ...idle, size: 0 });
  });

  it('blocks nobody in a callback, where the Nowait forms work', async () => {
    const queue = new QueueClass<number>(1);
    const getter = spawn(() => queue.get());
    await nextTurn();
    const errors: unknown[] = [];
    hub.callSoon(() => {
      queue.putNowait(1);
      queue.putNowait(2);
      try {
        queue.put(3)[Symbol.iterator]().next(undefined);
      } catch (error) {
        errors.push((error as Error).constructor);
      }
    });
    expect(await getter).toBe(1);
    expect([queue.getNowait(), errors]).toEqual([2, [BlockingSwitchOutError]]);
  });

  it('is used from ordinary code', async () => {
    const queue = new QueueClass<number>(1);
    queue.putNowait(1);
    const blocked = run(() => queue.put(2));
    await nextTurn();
    expect(queue.getNowait()).toBe(1);
    await blocked;
    expect(queue.getNowait()).toBe(2);
  });

  it('ends in a LoopExit that says what is waited for, if nobody can ever put', async () => {
    const error = await virtually(() => new QueueClass().get()).catch((error: unknown) => error as LoopExit);
    expect(error).toBeInstanceOf(LoopExit);
    expect((error as LoopExit).blocked.map(({ waitsFor }) => waitsFor)).toEqual([`${QueueClass.name}.get()`]);
  });

  it('admits more when maxsize is raised, and takes nothing out when it is lowered', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      const putters = [1, 2, 3, 4].map((n) => spawn(() => queue.put(n)));
      yield* sleep(0);
      queue.maxsize = 3;
      expect(queue.statistics()).toMatchObject({ size: 3, maxsize: 3, putters: 1 });
      queue.maxsize = 1;
      expect([queue.getNowait(), queue.qsize(), queue.full()]).toEqual([1, 2, true]);
      queue.maxsize = null;
      expect(queue.statistics()).toMatchObject({ size: 3, maxsize: Infinity, putters: 0 });
      yield* wait(putters);
      expect(yield* queue.getMany()).toEqual([2, 3, 4]);
    }));

  describe('peek', () => {
    it('shows the next item and leaves it there', () =>
      virtually(function* () {
        const queue = new QueueClass(3, ['a', 'b']);
        expect([yield* queue.peek(), queue.peekNowait(), queue.qsize(), yield* queue.get()]).toEqual([
          'a',
          'a',
          2,
          'a',
        ]);
      }));

    it('shows an item that arrives to those who wait in front of the getter that takes it', () =>
      virtually(function* () {
        const queue = new QueueClass<string>();
        const log: string[] = [];
        const peek = function* (n: number) {
          log.push(`${n} saw ${yield* queue.peek()}`);
        };
        const waiters = [
          spawn(peek, 1),
          spawn(peek, 2),
          spawn(function* () {
            log.push(`got ${yield* queue.get()}`);
          }),
          spawn(peek, 3),
        ];
        yield* sleep(0);
        expect(queue.statistics()).toMatchObject({ getters: 1, peekers: 3 });
        queue.putNowait('x');
        yield* wait(waiters, { count: 3 });
        expect(log).toEqual(['1 saw x', '2 saw x', 'got x']);
        expect(queue.statistics()).toMatchObject({ size: 0, getters: 0, peekers: 1 });
        queue.putNowait('y');
        yield* wait(waiters);
        expect([log.at(-1), queue.getNowait()]).toEqual(['3 saw y', 'y']);
      }));
  });

  it('is copied with its items and maxsize, and without those who wait', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(3);
      for (const item of [2, 3, 1]) queue.putNowait(item);
      const putter = spawn(() => queue.put(4));
      yield* sleep(0);
      const copy = queue.copy();
      expect(copy).toBeInstanceOf(QueueClass);
      expect(copy.statistics()).toMatchObject({ size: 3, maxsize: 3, putters: 0 });
      copy.getNowait();
      expect([copy.qsize(), queue.qsize()]).toEqual([2, 3]);
      yield* putter.kill();
      expect([...(yield* queue.getMany())].slice(1)).toEqual(yield* copy.getMany());
    }));

  describe('getMany', () => {
    it('gives the same when it need not wait and gives way', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        for (let i = 0; i < 1000; i++) {
          queue.putNowait(i);
          expect(yield* queue.getMany()).toEqual([i]);
        }
      }));

    it('takes what is there, at most so many, and what blocked putters bring', () =>
      virtually(function* () {
        const queue = new QueueClass<number>(2);
        const putters = [1, 2, 3, 4, 5].map((n) => spawn(() => queue.put(n)));
        yield* sleep(0);
        expect(yield* queue.getMany(3)).toEqual([1, 2, 3]);
        expect(yield* queue.getMany()).toEqual([4, 5]);
        yield* wait(putters);
      }));

    it('waits for the first item and takes those behind it', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const consumer = spawn(() => queue.getMany(3));
        yield* sleep(0);
        for (const n of [1, 2, 3, 4]) queue.putNowait(n);
        expect(yield* consumer).toEqual([1, 2, 3]);
        expect(queue.getNowait()).toBe(4);
      }));

    it('wants to take at least one', () => {
      for (const max of [0, -1, 1.5, Number.NaN]) expect(() => new QueueClass().getMany(max)).toThrow(RangeError);
    });
  });

  describe('killed', () => {
    it('as a getter, leaves the item to the next', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const getters = [undefined, { timeout: 100 }, undefined].map((options) => spawn(() => queue.get(options)));
        const batch = spawn(() => queue.getMany(2));
        const peeker = spawn(() => queue.peek({ timeout: 100 }));
        yield* sleep(0);
        for (const greenlet of [getters[0]!, getters[1]!, batch, peeker]) yield* greenlet.kill();
        expect(queue.statistics()).toMatchObject({ ...idle, getters: 1 });
        expect(hub.stats().timers).toBe(0);
        queue.putNowait(7);
        expect(yield* getters[2]!).toBe(7);
      }));

    it('as a putter, takes its item with it', () =>
      virtually(function* () {
        const queue = new QueueClass<number>(1, [0]);
        const putters = [1, 2, 3].map((n) => spawn(() => queue.put(n, n === 2 ? { timeout: 100 } : undefined)));
        yield* sleep(0);
        yield* putters[0]!.kill();
        yield* putters[1]!.kill();
        expect(queue.statistics()).toMatchObject({ ...idle, size: 1, putters: 1 });
        expect(hub.stats().timers).toBe(0);
        expect(queue.getNowait()).toBe(0);
        yield* putters[2]!;
        expect([queue.getNowait(), queue.empty()]).toEqual([3, true]);
      }));

    it('in the pass in which it was handed an item, has it and is killed at its next suspension', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const log: unknown[] = [];
        const getter = spawn(function* () {
          const item = yield* queue.get();
          log.push(item);
          try {
            yield* sleep(5);
          } finally {
            queue.putNowait(item);
          }
        });
        yield* sleep(0);
        queue.putNowait(1);
        yield* getter.kill();
        expect([log, queue.getNowait(), queue.empty(), hub.now()]).toEqual([[1], 1, true, 0]);
      }));

    it('in the pass in which it was admitted, has put its item', () =>
      virtually(function* () {
        const queue = new QueueClass<number>(1, [1]);
        const log: string[] = [];
        const putter = spawn(function* () {
          yield* queue.put(2);
          log.push('put');
          yield* sleep(5);
          log.push('never');
        });
        yield* sleep(0);
        expect(queue.getNowait()).toBe(1);
        yield* putter.kill();
        expect([log, queue.getNowait(), queue.empty()]).toEqual([['put'], 2, true]);
      }));

    it('before the item comes in the same pass, leaves it in the queue', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const getter = spawn(() => queue.get());
        yield* sleep(0);
        const killing = getter.kill();
        queue.putNowait(1);
        yield* killing;
        expect(queue.getNowait()).toBe(1);
      }));

    it('by its time limit, leaves an item that comes in the same millisecond in the queue', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        hub.callLater(10, () => queue.putNowait(1));
        expect(yield* outcome(queue.get({ timeout: 10 }))).toBe(QueueEmpty);
        yield* sleep(0);
        expect(queue.getNowait()).toBe(1);
      }));
  });

  describe('a link', () => {
    it('fires once when there is an item, and takes nothing', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const log: unknown[] = [];
        queue.rawlink((source) => log.push(source === queue));
        queue.putNowait(1);
        log.push('put');
        yield* sleep(0);
        queue.putNowait(2);
        yield* sleep(0);
        expect([log, queue.qsize()]).toEqual([['put', true], 2]);
      }));

    it('fires in the next pass if there is an item already', () =>
      virtually(function* () {
        const queue = new QueueClass(null, [1]);
        const log: string[] = [];
        queue.rawlink(() => log.push('link'));
        log.push('linked');
        yield* sleep(0);
        expect(log).toEqual(['linked', 'link']);
      }));

    it('waits on if the item goes to a getter, or is taken before its turn', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const log: string[] = [];
        queue.rawlink(() => log.push('link'));
        const getter = spawn(() => queue.get());
        yield* sleep(0);
        queue.putNowait(1);
        queue.putNowait(2);
        expect(queue.getNowait()).toBe(2);
        yield* getter;
        yield* sleep(0);
        expect(log).toEqual([]);
        queue.putNowait(3);
        yield* sleep(0);
        expect(log).toEqual(['link']);
      }));

    it('can be taken back', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        const log: string[] = [];
        const link = () => void log.push('link');
        queue.rawlink(link);
        queue.putNowait(1);
        queue.unlink(link);
        yield* sleep(0);
        expect(log).toEqual([]);
      }));

    it('fires at a shutdown, for then there is nothing to wait for', () =>
      virtually(function* () {
        const queue = new QueueClass<number>();
        hub.callLater(5, () => queue.shutdown());
        expect(yield* wait([queue])).toEqual([queue]);
      }));

    it('that throws is reported, and the others are called', async () => {
      const queue = new QueueClass<number>();
      const log: string[] = [];
      const error = new Error('a link');
      queue.rawlink(() => {
        throw error;
      });
      queue.rawlink(() => log.push('second'));
      queue.putNowait(1);
      expect((await takeReports()).map((report) => report.error)).toEqual([error]);
      expect(log).toEqual(['second']);
    });

    it('makes queues work with wait(), which takes nothing', () =>
      virtually(function* () {
        const [one, two] = [new QueueClass<number>(), new QueueClass<number>()];
        hub.callLater(5, () => two.putNowait(1));
        expect(yield* wait([one, two], { count: 1 })).toEqual([two]);
        expect(two.qsize()).toBe(1);
        one.putNowait(1);
        yield* sleep(0);
      }));
  });

  describe('shutdown', () => {
    it('makes put throw at once, and get when the queue is empty', () =>
      virtually(function* () {
        const queue = new QueueClass(3, ['a', 'b']);
        queue.shutdown();
        queue.shutdown();
        expect(yield* outcome(queue.put('c'))).toBe(QueueShutDown);
        expect(() => queue.putNowait('c')).toThrow(QueueShutDown);
        expect([yield* queue.peek(), yield* queue.get(), queue.getNowait()]).toEqual(['a', 'a', 'b']);
        const after: Operation<unknown>[] = [queue.get(), queue.get({ timeout: 0 }), queue.peek(), queue.getMany(1)];
        for (const operation of after) expect(yield* outcome(operation)).toBe(QueueShutDown);
        expect(() => queue.getNowait()).toThrow(QueueShutDown);
        expect(() => queue.peekNowait()).toThrow(QueueShutDown);
      }));

    it('drops the items that are left, if it is immediate', () =>
      virtually(function* () {
        const queue = new QueueClass(3, ['a', 'b']);
        queue.shutdown({ immediate: true });
        expect([queue.qsize(), yield* outcome(queue.get())]).toEqual([0, QueueShutDown]);
      }));

    it.each([false, true])('wakes all who are blocked with the error (immediate: %s)', (immediate) =>
      virtually(function* () {
        const [empty, full] = [new QueueClass<number>(), new QueueClass<number>(1, [0])];
        const blocked = [
          spawn(() => outcome(empty.get())),
          spawn(() => outcome(empty.get({ timeout: 100 }))),
          spawn(() => outcome(empty.getMany(5, { timeout: 100 }))),
          spawn(() => outcome(empty.peek({ timeout: 100 }))),
          spawn(() => outcome(full.put(1))),
          spawn(() => outcome(full.put(2, { timeout: 100 }))),
        ];
        yield* sleep(0);
        empty.shutdown({ immediate });
        full.shutdown({ immediate });
        yield* wait(blocked);
        expect(blocked.map(({ value }) => value)).toEqual(Array(6).fill(QueueShutDown));
        expect([empty.statistics(), full.statistics()]).toMatchObject([idle, { ...idle, size: immediate ? 0 : 1 }]);
        expect(hub.stats().timers).toBe(0);
      }),
    );
  });
});

describe('tasks of a queue', () => {
  it('are finished by taskDone(), and waited for by join()', () =>
    virtually(function* () {
      const queue = new Queue<number>(1, [0]);
      const log: string[] = [];
      const joiners = [1, 2].map((n) =>
        spawn(function* () {
          log.push(`${n} ${yield* queue.join()}`);
        }),
      );
      const putter = spawn(() => queue.put(1));
      yield* sleep(0);
      expect(queue.statistics()).toMatchObject({ size: 1, putters: 1, unfinishedTasks: 1, joiners: 2 });
      yield* queue.get();
      expect(queue.unfinishedTasks).toBe(2);
      queue.taskDone();
      yield* queue.get();
      log.push('working');
      yield* sleep(5);
      queue.taskDone();
      log.push('done');
      yield* wait([...joiners, putter]);
      expect(log).toEqual(['working', 'done', '1 true', '2 true']);
      expect(yield* queue.join()).toBe(true);
    }));

  it('count when they are handed over, and not while their putter is blocked or gives up', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      const getter = spawn(() => queue.get());
      yield* sleep(0);
      queue.putNowait(1);
      yield* getter;
      expect(queue.unfinishedTasks).toBe(1);
      queue.putNowait(2);
      const given = [spawn(() => outcome(queue.put(3, { timeout: 1 }))), spawn(() => queue.put(4))];
      yield* sleep(0);
      yield* given[1]!.kill();
      yield* given[0]!;
      expect(queue.unfinishedTasks).toBe(2);
    }));

  it('can be waited for with a time limit', () =>
    virtually(function* () {
      const queue = new Queue<number>(null, [1]);
      expect([yield* queue.join(0), yield* queue.join(5), hub.now()]).toEqual([false, false, 5]);
      expect(queue.statistics()).toMatchObject({ joiners: 0 });
      expect(() => queue.join(-1)).toThrow(RangeError);
    }));

  it('survive a joiner that is killed', () =>
    virtually(function* () {
      const queue = new Queue<number>(null, [1]);
      const joiners = [spawn(() => queue.join()), spawn(() => queue.join(100))];
      yield* sleep(0);
      for (const joiner of joiners) yield* joiner.kill();
      expect([queue.statistics().joiners, hub.stats().timers]).toEqual([0, 0]);
      queue.taskDone();
    }));

  it('are finished once only', () => {
    const queue = new Queue<number>();
    expect(() => queue.taskDone()).toThrow(InvalidStateError);
  });

  it('that an immediate shutdown drops count as done', () =>
    virtually(function* () {
      const queue = new Queue<number>(null, [1, 2, 3]);
      yield* queue.get();
      const joiner = spawn(() => queue.join());
      yield* sleep(0);
      queue.shutdown({ immediate: true });
      expect(queue.unfinishedTasks).toBe(1);
      queue.taskDone();
      expect(yield* joiner).toBe(true);
    }));
});

describe('LifoQueue', () => {
  it('gives the last item first', () =>
    virtually(function* () {
      const queue = new LifoQueue<number>(3, [1, 2]);
      const putters = [3, 4].map((n) => spawn(() => queue.put(n)));
      yield* sleep(0);
      expect([yield* queue.peek(), yield* queue.getMany(), queue.empty()]).toEqual([3, [3, 4, 2, 1], true]);
      yield* wait(putters);
      expect(queue).toBeInstanceOf(Queue);
      expect(queue.unfinishedTasks).toBe(4);
    }));
});

describe('PriorityQueue', () => {
  it('gives the least item first, equal ones in the order in which they came', () => {
    const items = Array.from({ length: 200 }, (_, order) => ({ priority: (order * 7) % 5, order }));
    const queue = new PriorityQueue<(typeof items)[0]>(null, (one, other) => one.priority - other.priority);
    for (const item of items) queue.putNowait(item);
    const sorted = items.toSorted((one, other) => one.priority - other.priority || one.order - other.order);
    expect(items.map(() => queue.getNowait())).toEqual(sorted);
  });

  it('sorts any sequence', () => {
    let seed = 1;
    const numbers = Array.from({ length: 1000 }, () => (seed = (seed * 48_271) % 2_147_483_647) % 300);
    const queue = new PriorityQueue<number>(null, undefined, numbers);
    expect(queue.unfinishedTasks).toBe(1000);
    expect(Array.from(numbers, () => queue.getNowait())).toEqual(numbers.toSorted((one, other) => one - other));
  });

  it.each([
    ['numbers', [10, 9, -1], [-1, 9, 10]],
    ['strings', ['b', 'B', 'a'], ['B', 'a', 'b']],
    ['dates', [new Date(5), new Date(3)], [new Date(3), new Date(5)]],
    ['arrays', [[10, 'x'], [9, 'z'], [9, 'y'], [9]], [[9], [9, 'y'], [9, 'z'], [10, 'x']]],
  ])('orders %s without a compare function', (_, items, sorted) => {
    const queue = new PriorityQueue<unknown>(null, undefined, items);
    expect(items.map(() => queue.getNowait())).toEqual(sorted);
  });

  it('refuses what has no order of its own, and keeps what it has', () => {
    for (const strange of [{}, Number.NaN, 'text', undefined, Symbol('s')]) {
      const queue = new PriorityQueue<unknown>(null, undefined, [3, 1, 2]);
      expect(() => queue.putNowait(strange)).toThrow(
        'have no order of their own: give PriorityQueue a compare function',
      );
      expect([queue.getNowait(), queue.getNowait(), queue.getNowait(), queue.unfinishedTasks]).toEqual([1, 2, 3, 3]);
    }
  });

  it('gives a getter that waited the least item there is when it has its turn', () =>
    virtually(function* () {
      const queue = new PriorityQueue<number>(3);
      const getters = [spawn(() => queue.get()), spawn(() => queue.getMany(2)), spawn(() => queue.get())];
      yield* sleep(0);
      for (const item of [3, 1]) queue.putNowait(item);
      expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([0, true, false]);
      expect(() => queue.getNowait()).toThrow(QueueEmpty);
      for (const item of [2, 5, 4, 0]) queue.putNowait(item);
      expect([queue.qsize(), queue.full(), queue.peekNowait()]).toEqual([3, true, 0]);
      yield* wait(getters);
      expect(getters.map(({ value }) => value)).toEqual([0, [1, 2], 3]);
      expect([queue.qsize(), queue.getNowait(), queue.getNowait()]).toEqual([2, 4, 5]);
    }));

  it('keeps what getters were promised when it is shut down at once', () =>
    virtually(function* () {
      const queue = new PriorityQueue<number>();
      const getter = spawn(() => queue.get());
      yield* sleep(0);
      for (const item of [2, 1]) queue.putNowait(item);
      queue.shutdown({ immediate: true });
      expect(queue.empty()).toBe(true);
      expect(typeof (yield* getter)).toBe('number');
      expect([queue.qsize(), queue.unfinishedTasks]).toEqual([0, 1]);
    }));

  it('admits blocked putters, and hands over directly', () =>
    virtually(function* () {
      const queue = new PriorityQueue<number>(1);
      const putters = [3, 1, 2].map((n) => spawn(() => queue.put(n)));
      yield* sleep(0);
      const got = [queue.peekNowait(), yield* queue.get(), yield* queue.get(), yield* queue.get()];
      expect(got).toEqual([3, 3, 1, 2]);
      const getter = spawn(() => queue.get());
      yield* sleep(0);
      queue.putNowait(9);
      expect(yield* getter).toBe(9);
      yield* wait(putters);
    }));

  it('wants a function to compare with', () => {
    expect(() => new PriorityQueue(null, 5 as never)).toThrow(TypeError);
  });
});
