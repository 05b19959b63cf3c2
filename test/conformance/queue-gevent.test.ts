/** gevent's test__queue; the cases of `Channel`, but for its time limits, have a file of their own. */
import {
  type BlockOptions,
  Channel,
  type Coroutine,
  type Greenlet,
  InvalidStateError,
  type ItemStore,
  LoopExit,
  type Operation,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  SimpleQueue,
  sleep,
  spawn,
  Timeout,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { joinableQueues, outcome, outcomeNow } from './queue-support.ts';

watchHub();

/** First in, first out; its items can be seen, and its calls are counted. */
class OpenStore<T> implements ItemStore<T> {
  readonly items: T[] = [];
  added = 0;
  taken = 0;

  get size(): number {
    return this.items.length;
  }

  add(item: T): void {
    this.added++;
    this.items.push(item);
  }

  take(): T {
    this.taken++;
    return this.items.shift()!;
  }

  first(): T {
    return this.items[0]!;
  }

  copy(): OpenStore<T> {
    const copy = new OpenStore<T>();
    copy.items.push(...this.items);
    return copy;
  }
}

class Expired extends Error {}

/** Whether nobody else runs while `body` does. */
function* withoutSwitch(body: () => Coroutine<void>): Coroutine<void> {
  const others: string[] = [];
  const other = spawn(() => others.push('ran'));
  yield* body();
  expect(others).toEqual([]);
  yield* other;
}

describe.each(Object.entries({ SimpleQueue, Queue }))('%s', (_, QueueClass) => {
  it('takes as many items from hub callbacks as there are places', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      const results: unknown[] = [];
      hub.callSoon(() => results.push(outcomeNow(() => queue.putNowait(2))));
      hub.callSoon(() => results.push(outcomeNow(() => queue.putNowait(3))));
      yield* sleep(0);
      expect([results, queue.qsize()]).toEqual([[undefined, QueueFull], 1]);
    }));

  it('hands an item from a hub callback to a blocked getter', () =>
    virtually(function* () {
      const queue = new QueueClass<number>();
      const getter = spawn(() => queue.get());
      expect([queue.empty(), queue.full()]).toEqual([true, false]);
      yield* sleep(1);
      expect([queue.empty(), queue.full()]).toEqual([true, false]);
      const results: unknown[] = [];
      hub.callSoon(() => results.push(outcomeNow(() => queue.putNowait(10))));
      expect(getter.ready()).toBe(false);
      yield* sleep(1);
      expect([results, getter.ready(), getter.value]).toEqual([[undefined], true, 10]);
      expect([queue.empty(), queue.full()]).toEqual([true, false]);
    }));

  it('gives a getter that waits under a time limit the item that comes in time', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      const getter = spawn(() => withTimeout(100, () => queue.get()));
      yield* sleep(10);
      yield* queue.put('hi2');
      yield* sleep(10);
      expect([getter.value, hub.stats().timers]).toEqual(['hi2', 0]);
    }));

  it('puts each item into its store once and takes it out once', () =>
    virtually(function* () {
      const store = new OpenStore<string>();
      const queue = new QueueClass<string>(null, [], store);
      yield* queue.put('hi');
      expect([store.added, store.taken]).toEqual([1, 0]);
      expect(yield* queue.get()).toBe('hi');
      expect([store.added, store.taken]).toEqual([1, 1]);
    }));

  it('keeps its items in the store that it was given', () => {
    const store = new OpenStore<string>();
    const queue = new QueueClass<string>(null, ['a'], store);
    queue.putNowait('b');
    expect([store.items, queue.qsize()]).toEqual([['a', 'b'], 2]);
    store.items.push('c');
    expect([queue.qsize(), queue.getNowait(), queue.getNowait(), queue.getNowait()]).toEqual([3, 'a', 'b', 'c']);
  });

  it('gives hub callbacks the items that are there', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      yield* queue.put(4);
      const results: unknown[] = [];
      hub.callSoon(() => results.push(outcomeNow(() => queue.getNowait())));
      hub.callSoon(() => results.push(outcomeNow(() => queue.getNowait())));
      yield* sleep(0);
      expect(results).toEqual([4, QueueEmpty]);
    }));

  it('gives a hub callback the item of a greenlet that put it, and admits one that is blocked', () =>
    virtually(function* () {
      const queue = new QueueClass<number>(1);
      const putters = [5, 6].map((n) => spawn(() => queue.put(n)));
      expect(queue.empty()).toBe(true);
      yield* sleep(0);
      expect([queue.full(), putters.map(({ dead }) => dead)]).toEqual([true, [true, false]]);
      const results: unknown[] = [];
      hub.callSoon(() => results.push(queue.getNowait()));
      hub.callSoon(() => results.push(queue.getNowait()));
      yield* sleep(0);
      expect([results, queue.empty()]).toEqual([[5, 6], true]);
      yield* sleep(0);
      expect(putters.map(({ dead }) => dead)).toEqual([true, true]);
    }));

  it('gives what was put before without a switch', () =>
    virtually(() =>
      withoutSwitch(function* () {
        const queue = new QueueClass<string>();
        yield* queue.put('hi');
        expect([yield* queue.peek(), yield* queue.get()]).toEqual(['hi', 'hi']);
      }),
    ));

  it('ends a peek that nobody can ever answer in a LoopExit, and one with a time limit in QueueEmpty', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      expect(yield* outcome(queue.peek())).toBe(LoopExit);
      const peeker = spawn(() => outcome(queue.peek({ timeout: 10 })));
      yield* sleep(100);
      expect([peeker.value, queue.statistics().peekers]).toEqual([QueueEmpty, 0]);
    }));

  it('shows an item to a blocked peek and keeps it', () =>
    virtually(function* () {
      const queue = new QueueClass<number>();
      const peeker = spawn(() => queue.peek());
      peeker.start();
      yield* sleep(0);
      yield* queue.put(1);
      expect(yield* peeker).toBe(1);
      expect([yield* queue.peek(), queue.qsize()]).toEqual([1, 1]);
    }));

  it('blocks a putter beyond maxsize until somebody gets', () =>
    virtually(function* () {
      const queue = new QueueClass<string>(2);
      const results: string[] = [];
      const putter = spawn(function* () {
        for (const item of ['a', 'b', 'c']) {
          yield* queue.put(item);
          results.push(item);
        }
        return 'OK';
      });
      yield* sleep(0);
      expect(results).toEqual(['a', 'b']);
      expect(yield* queue.get()).toBe('a');
      yield* sleep(0);
      expect(results).toEqual(['a', 'b', 'c']);
      expect([yield* queue.get(), yield* queue.get()]).toEqual(['b', 'c']);
      expect(yield* putter.get({ timeout: 0 })).toBe('OK');
    }));

  it('serves several getters one item each', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      const items = ['1', '2', '3', '4'];
      const getters = items.map(() => spawn(() => queue.get()));
      yield* sleep(10);
      const served: unknown[] = [];
      for (const batch of [['1'], ['2'], ['3', '4']]) {
        for (const item of batch) yield* queue.put(item);
        for (const getter of getters) yield* outcome(getter.get({ timeout: 1 }));
        served.push(getters.map(({ value }) => value));
      }
      expect(served).toEqual([
        ['1', undefined, undefined, undefined],
        ['1', '2', undefined, undefined],
        ['1', '2', '3', '4'],
      ]);
    }));

  /** A getter that gives up at the first chance. */
  const impatient = (queue: SimpleQueue<string>): Greenlet<unknown> =>
    spawn(function* () {
      using _ = Timeout.startNew(0, Expired);
      return yield* outcome(queue.get());
    });

  it('forgets a getter that gave up', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      expect(yield* impatient(queue)).toBe(Expired);
      yield* queue.put('hi');
      expect(yield* queue.get()).toBe('hi');
    }));

  it('gives the item of a greenlet that has ended since', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      const putter = spawn(() => queue.put('sent'));
      expect([yield* queue.get(), putter.dead]).toEqual(['sent', true]);
    }));

  it('gives the item to the second getter when the first gave up', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      const dying = impatient(queue);
      const waiting = spawn(() => queue.get());
      yield* sleep(100);
      yield* queue.put('hi');
      expect([yield* dying, yield* waiting, queue.empty()]).toEqual([Expired, 'hi', true]);
    }));

  it('keeps the item when all getters gave up', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      const getters = [impatient(queue), impatient(queue)];
      yield* sleep(100);
      yield* queue.put('sent');
      expect(getters.map(({ value }) => value)).toEqual([Expired, Expired]);
      expect(yield* queue.get()).toBe('sent');
    }));
});

describe('Queue', () => {
  it('counts an item as a task from its put to taskDone()', () =>
    virtually(function* () {
      const queue = new Queue<object>();
      const item = {};
      spawn(() => queue.put(item));
      expect(yield* queue.get()).toBe(item);
      expect(queue.unfinishedTasks).toBe(1);
      queue.taskDone();
      expect(queue.unfinishedTasks).toBe(0);
    }));

  it('shut down, gives one greenlet what is left, and then the error', () =>
    virtually(function* () {
      const queue = new Queue<string>();
      yield* queue.put('L');
      queue.putNowait('O');
      queue.shutdown();
      expect(yield* outcome(queue.put('E'))).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.putNowait('W'))).toBe(QueueShutDown);
      for (const item of ['L', 'O']) {
        expect(yield* queue.get()).toBe(item);
        queue.taskDone();
      }
      expect(yield* queue.join()).toBe(true);
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
      expect([yield* outcome(queue.get({ timeout: 1000 })), hub.now()]).toEqual([QueueShutDown, 0]);
    }));

  it('shut down immediately, gives one greenlet nothing but the error', () =>
    virtually(function* () {
      const queue = new Queue<string>();
      yield* queue.put('L');
      queue.putNowait('O');
      queue.shutdown({ immediate: true });
      expect(yield* outcome(queue.put('E'))).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.putNowait('W'))).toBe(QueueShutDown);
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
      expect(yield* queue.join()).toBe(true);
    }));

  it('is joined without a switch when it never had an item', () =>
    virtually(() =>
      withoutSwitch(function* () {
        expect(yield* new Queue().join()).toBe(true);
      }),
    ));
});

type Wait = (options?: BlockOptions) => Operation<unknown>;

const waits: [string, Wait, unknown][] = [
  ['get() of a Channel', (options) => new Channel<number>().get(options), QueueEmpty],
  ['put() to a Channel', (options) => new Channel<number>().put(2, options), QueueFull],
];
for (const [name, QueueClass] of [['SimpleQueue', SimpleQueue] as const, ...joinableQueues]) {
  const full = (options?: BlockOptions) => {
    const queue = new QueueClass<number>(1);
    queue.putNowait(1);
    return queue.put(2, options);
  };
  waits.push([`get() of an empty ${name}`, (options) => new QueueClass<number>().get(options), QueueEmpty]);
  waits.push([`put() to a full ${name}`, full, QueueFull]);
}

describe.each(waits)('%s', (_, wait, errorClass) => {
  it('throws when its time is up', () =>
    virtually(function* () {
      expect(yield* outcome(wait({ timeout: 10 }))).toBe(errorClass);
      expect([hub.now(), hub.stats().timers]).toEqual([10, 0]);
    }));

  it('takes no Timeout for its limit, and throws the one that was started around it', () =>
    virtually(function* () {
      const limit = new Timeout(10);
      expect(() => wait({ timeout: limit as never })).toThrow(TypeError);
      limit.start();
      try {
        yield* wait();
        expect.unreachable();
      } catch (error) {
        expect([error === limit, hub.now()]).toEqual([true, 10]);
      }
    }));

  it('throws the error of the Timeout around it', () =>
    virtually(function* () {
      using _ = Timeout.startNew(10, Expired);
      expect([yield* outcome(wait()), hub.now()]).toEqual([Expired, 10]);
    }));

  it('lets an outer Timeout through that is up before its own', () =>
    virtually(function* () {
      using outer = Timeout.startNew(1);
      try {
        yield* wait({ timeout: 1000 });
        expect.unreachable();
      } catch (error) {
        expect([error === outer, hub.now(), hub.stats().timers]).toEqual([true, 1, 0]);
      }
    }));
});
