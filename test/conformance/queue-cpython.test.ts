/** CPython's test_queue, without the cases of `shutdown`, which have a file of their own. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Coroutine,
  InvalidStateError,
  type ItemStore,
  joinall,
  type Operation,
  Queue,
  QueueEmpty,
  QueueFull,
  SimpleQueue,
  sleep,
  spawn,
  until,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { type Random, random } from '../support/random.ts';
import { joinableQueues, outcome, outcomeNow, unclogged } from './queue-support.ts';

watchHub();

const SIZE = 5;

/** In which order 111, 333 and 222 come out. */
const orders: Record<string, number[]> = {
  Queue: [111, 333, 222],
  LifoQueue: [222, 333, 111],
  PriorityQueue: [111, 222, 333],
};

/** Fails without giving way to anybody. */
function* polls(operation: Operation<unknown>, errorClass: unknown): Coroutine<void> {
  const { switches } = hub.stats();
  expect(yield* outcome(operation)).toBe(errorClass);
  expect(hub.stats().switches).toBe(switches);
}

/** Fails in 10 ms. */
function* expires(operation: Operation<unknown>, errorClass: unknown): Coroutine<void> {
  const due = hub.now() + 10;
  expect(yield* outcome(operation)).toBe(errorClass);
  expect(hub.now()).toBe(due);
}

describe.each(joinableQueues)('%s', (name, QueueClass) => {
  it('orders, counts, blocks and times out, and does so again once it is empty', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(SIZE);
      yield* useUp(queue);
      yield* useUp(queue);
      expect(queue.statistics()).toMatchObject({ size: 0, getters: 0, putters: 0 });
    }));

  function* useUp(queue: Queue<number>): Coroutine<void> {
    expect([queue.empty(), queue.full()]).toEqual([true, false]);
    for (const n of [111, 333, 222]) yield* queue.put(n);
    expect([yield* queue.get(), yield* queue.get(), yield* queue.get()]).toEqual(orders[name]);

    for (let n = 1; n < SIZE; n++) {
      yield* queue.put(n);
      expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([n, false, false]);
    }
    yield* queue.put(10);
    expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([SIZE, false, true]);

    yield* polls(queue.put(30, { block: false }), QueueFull);
    yield* expires(queue.put(30, { timeout: 10 }), QueueFull);
    yield* unclogged(queue.put(30), () => queue.get());
    yield* unclogged(queue.put(30, { timeout: 10_000 }), () => queue.get());

    expect(queue.qsize()).toBe(SIZE);
    for (let n = 0; n < SIZE; n++) yield* queue.get();
    expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([0, true, false]);

    yield* polls(queue.get({ block: false }), QueueEmpty);
    yield* expires(queue.get({ timeout: 10 }), QueueEmpty);
    expect(yield* unclogged(queue.get(), () => queue.put(40))).toBe(40);
    expect(yield* unclogged(queue.get({ timeout: 10_000 }), () => queue.put(50))).toBe(50);
  }

  it('rejects a taskDone() without a task', () => {
    expect(() => new QueueClass().taskDone()).toThrow(InvalidStateError);
  });

  it('lets join() return when all tasks are done, not before, as often as it is called', () =>
    virtually(function* () {
      const queue = new QueueClass<number>();
      yield* processAll(queue);
      yield* processAll(queue);
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
    }));

  function* processAll(queue: Queue<number>): Coroutine<void> {
    let sum = 0;
    function* work() {
      for (;;) {
        const n = yield* queue.get();
        yield* sleep(1);
        if (n >= 0) sum += n;
        queue.taskDone();
        if (n < 0) return;
      }
    }
    const workers = [spawn(work), spawn(work)];
    for (let n = 0; n < 100; n++) yield* queue.put(n);
    expect(yield* queue.join()).toBe(true);
    expect([sum, queue.unfinishedTasks]).toEqual([4950, 0]);
    for (const _ of workers) yield* queue.put(-1);
    expect(yield* queue.join()).toBe(true);
    yield* joinall(workers, { raiseError: true });
  }

  it('rejects a negative time limit', () => {
    const queue = new QueueClass<number>(SIZE);
    expect(() => queue.put(1, { timeout: -1 })).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => queue.get({ timeout: -1 })).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(queue.qsize()).toBe(0);
  });

  it('fails in putNowait() when it is full and in getNowait() when it is empty', () => {
    const queue = new QueueClass<number>(SIZE);
    for (let n = 0; n < SIZE; n++) queue.putNowait(1);
    expect(() => queue.putNowait(1)).toThrow(QueueFull);
    for (let n = 0; n < SIZE; n++) expect(queue.getNowait()).toBe(1);
    expect(() => queue.getNowait()).toThrow(QueueEmpty);
  });

  it('stays full when maxsize shrinks below what is in it', () => {
    const queue = new QueueClass<number>(3);
    for (const n of [1, 2, 3]) queue.putNowait(n);
    expect(() => queue.putNowait(4)).toThrow(QueueFull);
    queue.maxsize = 2;
    expect(() => queue.putNowait(4)).toThrow(QueueFull);
    expect([queue.qsize(), queue.full()]).toEqual([3, true]);
    queue.getNowait();
    expect(() => queue.putNowait(4)).toThrow(QueueFull);
    queue.getNowait();
    queue.putNowait(4);
    expect([queue.qsize(), queue.full()]).toEqual([2, true]);
  });
});

/** First in, first out; fails when it is told to. */
class FailingStore implements ItemStore<string> {
  failNextAdd = false;
  failNextTake = false;
  readonly #items: string[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: string): void {
    const fail = this.failNextAdd;
    this.failNextAdd = false;
    if (fail) throw new StoreError('add');
    this.#items.push(item);
  }

  copy(): FailingStore {
    const copy = new FailingStore();
    copy.#items.push(...this.#items);
    return copy;
  }

  take(): string {
    const fail = this.failNextTake;
    this.failNextTake = false;
    if (fail) throw new StoreError('take');
    return this.#items.shift()!;
  }

  first(): string {
    return this.#items[0]!;
  }
}

class StoreError extends Error {}

describe('a queue whose store fails', () => {
  const make = (items: string[]) => {
    const store = new FailingStore();
    return { store, queue: new Queue<string>(SIZE, items, store) };
  };

  it('throws its error in a put that need not wait, and holds what it held', () =>
    virtually(function* () {
      const { store, queue } = make(['a', 'b', 'c', 'd']);
      for (const options of [{ block: false }, { timeout: 100 }, undefined]) {
        store.failNextAdd = true;
        expect(yield* outcome(queue.put('lost', options))).toBe(StoreError);
      }
      store.failNextAdd = true;
      expect(outcomeNow(() => queue.putNowait('lost'))).toBe(StoreError);
      expect([queue.qsize(), queue.unfinishedTasks]).toEqual([4, 4]);
      yield* queue.put('e');
      expect([queue.full(), yield* queue.getMany()]).toEqual([true, ['a', 'b', 'c', 'd', 'e']]);
    }));

  it('throws its error in the put that waited, not in the get that made room', () =>
    virtually(function* () {
      const { store, queue } = make(['a', 'b', 'c', 'd', 'e']);
      for (const [options, next] of [[undefined, 'a'] as const, [{ timeout: 10_000 }, 'b'] as const]) {
        store.failNextAdd = true;
        const putting = outcome(queue.put('lost', options));
        const got: unknown[] = [];
        const get = function* () {
          got.push(yield* outcome(queue.get()));
        };
        expect(yield* unclogged(putting, get)).toBe(StoreError);
        expect([got, queue.qsize()]).toEqual([[next], SIZE - 1]);
        yield* queue.put('more');
        expect(queue.full()).toBe(true);
      }
      expect([yield* queue.getMany(), queue.unfinishedTasks]).toEqual([['c', 'd', 'e', 'more', 'more'], 7]);
    }));

  it('throws its error in a get that need not wait, and keeps the item', () =>
    virtually(function* () {
      const { store, queue } = make(['first']);
      for (const options of [{ block: false }, { timeout: 100 }, undefined]) {
        store.failNextTake = true;
        expect(yield* outcome(queue.get(options))).toBe(StoreError);
      }
      store.failNextTake = true;
      expect(outcomeNow(() => queue.getNowait())).toBe(StoreError);
      expect([queue.qsize(), yield* queue.get(), queue.empty()]).toEqual([1, 'first', true]);
    }));

  it('throws its error in a put for which a getter waits, and that one waits on', () =>
    virtually(function* () {
      const { store, queue } = make([]);
      store.failNextAdd = true;
      const put = function* () {
        expect(yield* outcome(queue.put('lost'))).toBe(StoreError);
        expect(queue.statistics()).toMatchObject({ size: 0, getters: 1, unfinishedTasks: 0 });
        yield* queue.put('direct');
      };
      expect(yield* unclogged(queue.get(), put)).toBe('direct');
      expect(queue.empty()).toBe(true);
    }));
});

describe('SimpleQueue', () => {
  it('gives one item for each get, in whatever form it is called', () =>
    virtually(function* () {
      const queue = new SimpleQueue<number>();
      const sizes: number[] = [];
      const note = <T>(result: T): T => {
        sizes.push(queue.qsize());
        expect(queue.empty()).toBe(queue.qsize() === 0);
        return result;
      };
      note(undefined);
      note(yield* queue.put(1));
      note(yield* queue.put(2));
      note(queue.putNowait(3));
      note(yield* queue.put(4));
      const got = [
        note(yield* queue.get()),
        note(queue.getNowait()),
        note(yield* queue.get({ block: false })),
        note(yield* queue.get({ timeout: 100 })),
      ];
      expect(got).toEqual([1, 2, 3, 4]);
      expect(yield* outcome(queue.get({ block: false }))).toBe(QueueEmpty);
      expect([yield* outcome(queue.get({ timeout: 1 })), hub.now()]).toEqual([QueueEmpty, 1]);
      expect(note(outcomeNow(() => queue.getNowait()))).toBe(QueueEmpty);
      expect(sizes).toEqual([0, 1, 2, 3, 4, 3, 2, 1, 0, 0]);
    }));

  it('rejects a negative time limit of get(), with an item in it too', () => {
    const queue = new SimpleQueue<number>(null, [1]);
    expect(() => queue.get({ timeout: -1 })).toThrow(RangeError);
    expect(queue.qsize()).toBe(1);
  });

  const range = (length: number) => Array.from({ length }, (_, n) => n);
  const byNumber = (one: number, other: number) => one - other;

  type Item = number | undefined;

  function* feed(queue: SimpleQueue<Item>, inputs: Iterator<number>, below: Random): Coroutine<void> {
    for (let step = inputs.next(); !step.done; step = inputs.next()) {
      yield* queue.put(step.value);
      if (below(2) === 1) yield* sleep(below(100) / 100);
    }
    yield* queue.put(undefined);
  }

  function* consume(results: number[], get: () => Operation<Item>): Coroutine<void> {
    for (let item = yield* get(); item !== undefined; item = yield* get()) results.push(item);
  }

  /** What `pairs` consumers get, each by `get`, from as many producers. */
  function* pass(pairs: number, inputs: number[], get: (queue: SimpleQueue<Item>) => Operation<Item>) {
    const queue = new SimpleQueue<Item>();
    const source = inputs.values();
    const below = random(42);
    const results: number[] = [];
    const greenlets = [
      ...range(pairs).map(() => spawn(feed, queue, source, below)),
      ...range(pairs).map(() => spawn(consume, results, () => get(queue))),
    ];
    yield* joinall(greenlets, { raiseError: true });
    expect(queue.statistics()).toMatchObject({ size: 0, getters: 0 });
    return results;
  }

  it('keeps the order from one producer to one consumer', () =>
    virtually(function* () {
      expect(yield* pass(1, range(100), (queue) => queue.get())).toEqual(range(100));
    }));

  it('loses and doubles nothing between 50 producers and 50 consumers', () =>
    virtually(function* () {
      const results = yield* pass(50, range(10_000), (queue) => queue.get());
      expect(results.sort(byNumber)).toEqual(range(10_000));
    }));

  it('loses and doubles nothing between 50 producers and 50 consumers that poll', () =>
    virtually(function* () {
      let failures = 0;
      const results = yield* pass(50, range(10_000), function* (queue) {
        for (;;) {
          try {
            return yield* queue.get({ block: false });
          } catch (error) {
            if (!(error instanceof QueueEmpty)) throw error;
            failures++;
            yield* sleep(0.01);
          }
        }
      });
      expect(results.sort(byNumber)).toEqual(range(10_000));
      expect(failures).toBeGreaterThan(0);
    }));

  it('loses and doubles nothing between 50 producers and 50 consumers that time out', () =>
    virtually(function* () {
      let failures = 0;
      const results = yield* pass(50, range(1000), function* (queue) {
        for (;;) {
          try {
            return yield* queue.get({ timeout: 0.01 });
          } catch (error) {
            if (!(error instanceof QueueEmpty)) throw error;
            failures++;
          }
        }
      });
      expect(results.sort(byNumber)).toEqual(range(1000));
      expect(failures).toBeGreaterThan(0);
    }));
});

describe.each(Object.entries({ SimpleQueue, ...Object.fromEntries(joinableQueues) }))('%s', (_, QueueClass) => {
  it('holds no item any longer when it has left', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const queue = new QueueClass<object>();
    const items = Array.from({ length: 21 }, (_, n) => new WeakRef(new Date(n)));
    for (const item of items) queue.putNowait(item.deref()!);
    await virtually(function* () {
      for (let n = 0; n < 10; n++) {
        yield* queue.get();
        queue.getNowait();
      }
      yield* until(nextTurn());
    });
    collectGarbage();
    expect([queue.qsize(), items.filter((item) => item.deref() !== undefined).length]).toEqual([1, 1]);
  });
});
