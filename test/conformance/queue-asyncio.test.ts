/** asyncio's test_queues, with the cases of `shutdown` as of Python 3.13. */
import {
  Event,
  GreenletExit,
  InvalidStateError,
  joinall,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  spawn,
  Timeout,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { joinableQueues, outcome, outcomeNow } from './queue-support.ts';

watchHub();

describe('a queue', () => {
  it('tells in statistics() who waits, and what is in it', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      const nobody = { size: 0, maxsize: 1, getters: 0, peekers: 0, putters: 0, unfinishedTasks: 0, joiners: 0 };
      expect(queue.statistics()).toEqual(nobody);

      const getter = spawn(() => queue.get());
      yield* sleep(0);
      expect(queue.statistics()).toEqual({ ...nobody, getters: 1 });
      queue.putNowait(0);
      expect(yield* getter).toBe(0);
      queue.taskDone();
      expect(queue.statistics()).toEqual(nobody);

      queue.putNowait(1);
      const putter = spawn(() => queue.put(2));
      yield* sleep(0);
      expect(queue.statistics()).toEqual({ ...nobody, size: 1, putters: 1, unfinishedTasks: 1 });
      queue.getNowait();
      yield* putter;
      expect(queue.statistics()).toEqual({ ...nobody, size: 1, unfinishedTasks: 2 });
    }));

  it('is empty before the first put and after the last get', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      expect(queue.empty()).toBe(true);
      yield* queue.put(1);
      expect(queue.empty()).toBe(false);
      expect(yield* queue.get()).toBe(1);
      expect(queue.empty()).toBe(true);
    }));

  it('is full when maxsize items are in it, and never without a maxsize', () =>
    virtually(function* () {
      const unlimited = new Queue<number>();
      yield* unlimited.put(1);
      expect(unlimited.full()).toBe(false);
      const limited = new Queue<number>(1);
      expect(limited.full()).toBe(false);
      yield* limited.put(1);
      expect(limited.full()).toBe(true);
    }));

  it.each([
    ['Queue', [1, 3, 2]],
    ['LifoQueue', [2, 3, 1]],
    ['PriorityQueue', [1, 2, 3]],
  ])('has the order of its class: %s', (name, order) =>
    virtually(function* () {
      const queue = new (new Map(joinableQueues).get(name)!)<number>();
      for (const n of [1, 3, 2]) yield* queue.put(n);
      expect([yield* queue.get(), yield* queue.get(), yield* queue.get()]).toEqual(order);
    }),
  );

  it('lets a putter in as far as maxsize, and further with each get', () =>
    virtually(function* () {
      const queue = new Queue<number>(2);
      expect(queue.maxsize).toBe(2);
      const put: number[] = [];
      const putter = spawn(function* () {
        for (const n of [0, 1, 2]) {
          yield* queue.put(n);
          put.push(n);
        }
        return true;
      });
      yield* sleep(0);
      yield* sleep(0);
      expect(put).toEqual([0, 1]);
      expect(yield* queue.get()).toBe(0);
      yield* sleep(0);
      expect(put).toEqual([0, 1, 2]);
      expect([yield* queue.get(), yield* queue.get()]).toEqual([1, 2]);
      expect([putter.dead, putter.value]).toEqual([true, true]);
    }));
});

describe('get', () => {
  it('gives an item that is there', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      queue.putNowait(1);
      expect(yield* queue.get()).toBe(1);
    }));

  it('wakes the first putter who waits for the place', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      yield* queue.put(1);
      const putters = [2, 3].map((n) => spawn(() => queue.put(n)));
      yield* sleep(0);
      expect(putters.map(({ dead }) => dead)).toEqual([false, false]);
      expect(yield* queue.get()).toBe(1);
      yield* sleep(0);
      expect(putters.map(({ dead }) => dead)).toEqual([true, false]);
      expect([queue.qsize(), yield* queue.get(), yield* queue.get()]).toEqual([1, 2, 3]);
      yield* joinall(putters);
    }));

  it('waits for an item that a callback puts later', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const started = new Event();
      let finished = false;
      const getter = spawn(function* () {
        started.set();
        const item = yield* queue.get();
        finished = true;
        return item;
      });
      yield* started.wait();
      expect(finished).toBe(false);
      hub.callLater(10, () => queue.putNowait(1));
      expect([yield* getter, finished, hub.now()]).toEqual([1, true, 10]);
    }));

  it('has a form for ordinary code, which never waits', () => {
    const queue = new Queue<number>();
    queue.putNowait(1);
    expect(queue.getNowait()).toBe(1);
  });

  it('throws in that form when nothing is there', () => {
    expect(() => new Queue().getNowait()).toThrow(new QueueEmpty('Queue.getNowait(): the queue is empty'));
  });

  it('killed while it waits, leaves the item to the getter behind', () =>
    virtually(function* () {
      const queue = new Queue<string>();
      const [one, two] = [spawn(() => queue.get()), spawn(() => queue.get())];
      yield* sleep(0);
      one.kill();
      yield* sleep(0);
      expect(one.value).toBeInstanceOf(GreenletExit);
      yield* queue.put('a');
      yield* sleep(0);
      expect([two.dead, two.value]).toEqual([true, 'a']);
    }));

  it('takes the items of putters who were spawned before, in their order', () =>
    virtually(function* () {
      const queue = new Queue<string>(1);
      const putters = [spawn(() => queue.put('a')), spawn(() => queue.put('b'))];
      expect([yield* queue.get(), yield* queue.get()]).toEqual(['a', 'b']);
      yield* joinall(putters);
    }));

  it('passes every item from a producer to a consumer over one place', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      const got: number[] = [];
      const producer = spawn(function* () {
        for (let n = 0; n < 5; n++) yield* queue.put(n);
      });
      const consumer = spawn(function* () {
        for (let n = 0; n < 5; n++) got.push(yield* queue.get());
      });
      yield* joinall([producer, consumer], { raiseError: true });
      expect(got).toEqual([0, 1, 2, 3, 4]);
    }));

  it('interrupted by a time limit around it, does not stay in the queue', () =>
    virtually(function* () {
      const queue = new Queue<number>(5);
      expect(yield* outcome(withTimeout(100, () => queue.get()))).toBe(Timeout);
      expect([queue.statistics().getters, hub.now()]).toEqual([0, 100]);
    }));

  it('killed after its item came, has that item: nothing is dropped', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const reader = spawn(() => queue.get());
      yield* sleep(0);
      queue.putNowait(1);
      queue.putNowait(2);
      reader.kill();
      expect([yield* reader, queue.getNowait(), queue.empty()]).toEqual([1, 2, true]);
    }));

  it('killed after its item came, does not take that of another reader', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const readers = [1, 2, 3].map(() => spawn(() => queue.get()));
      yield* sleep(0);
      queue.putNowait(1);
      queue.putNowait(2);
      readers[0]!.kill();
      yield* sleep(0);
      expect(readers.map(({ value }) => value)).toEqual([1, 2, undefined]);
      queue.putNowait(3);
      expect([yield* readers[2]!, queue.empty()]).toEqual([3, true]);
    }));

  it('killed before the items come, leaves them to the other readers', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const readers = [1, 2, 3].map(() => spawn(() => queue.get()));
      yield* sleep(0);
      readers[0]!.kill();
      queue.putNowait(1);
      queue.putNowait(2);
      yield* joinall(readers);
      expect(readers.map(({ value }) => value)).toEqual([expect.any(GreenletExit), 1, 2]);
    }));
});

describe('put', () => {
  it('does not wait without a maxsize', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      yield* queue.put(1);
      expect(yield* queue.get()).toBe(1);
    }));

  it('waits for a place that a callback makes later', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      const started = new Event();
      let finished = false;
      hub.callLater(10, () => queue.getNowait());
      const putter = spawn(function* () {
        started.set();
        yield* queue.put(1);
        yield* queue.put(2);
        finished = true;
      });
      yield* started.wait();
      expect(finished).toBe(false);
      yield* putter;
      expect([finished, hub.now(), queue.getNowait()]).toEqual([true, 10, 2]);
    }));

  it('has a form for ordinary code, which puts at once', () => {
    const queue = new Queue<number>();
    expect(queue.putNowait(1)).toBe(undefined);
    expect([queue.qsize(), queue.getNowait()]).toEqual([1, 1]);
  });

  it('throws in that form when there is no place', () => {
    const queue = new Queue<number>(1);
    queue.putNowait(1);
    expect(() => queue.putNowait(2)).toThrow(new QueueFull('Queue.putNowait(): the queue is full'));
  });

  it('killed after it was admitted, has put its item: it is neither dropped nor doubled', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      queue.putNowait(1);
      const writer = spawn(() => queue.put(2));
      yield* sleep(0);
      expect(queue.getNowait()).toBe(1);
      writer.kill();
      yield* writer;
      expect([writer.successful(), queue.getNowait(), queue.qsize()]).toEqual([true, 2, 0]);
    }));

  it('wants a maxsize that is a whole number', () => {
    expect(() => new Queue(1.3)).toThrow(new RangeError('maxsize is 1.3: give a whole number, 0 or more'));
  });

  it('to a getter who waits, is over when the getter goes on', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const putter = spawn(function* () {
        yield* queue.put(1);
        return true;
      });
      expect(yield* queue.get()).toBe(1);
      expect([putter.dead, putter.value]).toEqual([true, true]);
    }));

  it('killed while it waits or before it began, leaves no trace, and others keep their places', () =>
    virtually(function* () {
      const queue = new Queue<string>(1);
      const [a, b, c, d] = ['a', 'b', 'killed', 'never begun'].map((item) => spawn(() => queue.put(item)));
      d!.kill();
      yield* sleep(0);
      expect([a!.dead, b!.dead, c!.dead]).toEqual([true, false, false]);
      c!.kill();
      yield* sleep(0);
      expect([c!.dead, d!.dead]).toEqual([true, true]);
      expect(queue.getNowait()).toBe('a');
      yield* sleep(0);
      expect(queue.getNowait()).toBe('b');
      yield* b!;
      expect(queue.empty()).toBe(true);
    }));

  it('hands its item to a getter who waits', () =>
    virtually(function* () {
      const queue = new Queue<string>();
      const getter = spawn(() => queue.get());
      yield* sleep(0);
      yield* queue.put('a');
      expect(yield* getter).toBe('a');
    }));

  it('is admitted when several items leave in one go', () =>
    virtually(function* () {
      const queue = new Queue<number>(2);
      const got: number[] = [];
      const getter = spawn(function* () {
        yield* sleep(0);
        for (let n = queue.qsize(); n > 0; n--) got.push(queue.getNowait());
      });
      const putters = [0, 1, 2, 3].map((n) => spawn(() => queue.put(n)));
      yield* joinall([getter, ...putters]);
      expect([got, yield* queue.getMany()]).toEqual([
        [0, 1],
        [2, 3],
      ]);
    }));

  it('killed while it waits, does not stay in the queue', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      queue.putNowait(1);
      const putter = spawn(() => queue.put(2));
      yield* sleep(0);
      expect(queue.statistics().putters).toBe(1);
      expect(yield* outcome(putter.kill())).toBe(undefined);
      expect(putter.value).toBeInstanceOf(GreenletExit);
      expect([queue.statistics().putters, queue.unfinishedTasks]).toEqual([0, 1]);
    }));

  it('killed after it was admitted, ends at the next suspension', () =>
    virtually(function* () {
      const queue = new Queue<number>(1);
      queue.putNowait(1);
      const log: string[] = [];
      const putter = spawn(function* () {
        yield* queue.put(2);
        log.push('put');
        yield* sleep(0);
        log.push('never');
      });
      yield* sleep(0);
      queue.getNowait();
      yield* putter.kill();
      expect([log, queue.getNowait()]).toEqual([['put'], 2]);
      expect(putter.value).toBeInstanceOf(GreenletExit);
    }));
});

describe.each(joinableQueues)('tasks of %s', (_, QueueClass) => {
  it('are not done more often than they were put', () => {
    expect(() => new QueueClass().taskDone()).toThrow(InvalidStateError);
  });

  it('are done by two workers before join() returns', () =>
    virtually(function* () {
      const queue = new QueueClass<number>();
      for (let n = 0; n < 100; n++) queue.putNowait(n);
      let sum = 0;
      let running = true;
      const workers = [1, 2].map(() =>
        spawn(function* () {
          while (running) {
            sum += yield* queue.get();
            queue.taskDone();
          }
        }),
      );
      expect([yield* queue.join(), sum]).toEqual([true, 4950]);
      running = false;
      for (const _ of workers) queue.putNowait(0);
      yield* joinall(workers, { raiseError: true });
    }));

  it('need no waiting for when there are none', () =>
    virtually(function* () {
      const queue = new QueueClass();
      expect([yield* queue.join(), yield* queue.join(), hub.now()]).toEqual([true, true, 0]);
    }));

  it('are counted in statistics()', () => {
    const queue = new QueueClass<number>();
    expect(queue.statistics()).toMatchObject({ maxsize: Infinity, unfinishedTasks: 0 });
    queue.putNowait(1);
    queue.putNowait(2);
    queue.getNowait();
    expect(queue.statistics()).toMatchObject({ maxsize: Infinity, size: 1, unfinishedTasks: 2 });
  });
});

describe.each(joinableQueues)('shutdown of %s', (_, QueueClass) => {
  /** What puts and gets give, in all their forms. */
  function* outcomes(queue: Queue<string>) {
    return [
      yield* outcome(queue.put('data')),
      outcomeNow(() => queue.putNowait('data')),
      yield* outcome(queue.get()),
      outcomeNow(() => queue.getNowait()),
    ];
  }
  const refused = Array(4).fill(QueueShutDown);

  it('wakes a getter of an empty queue with the error, and join() returns', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      const getter = spawn(() => outcome(queue.get()));
      yield* sleep(0);
      queue.shutdown({ immediate: false });
      expect(queue.qsize()).toBe(0);
      expect(yield* queue.join()).toBe(true);
      yield* sleep(0);
      expect([getter.dead, getter.value]).toEqual([true, QueueShutDown]);
      expect(yield* outcomes(queue)).toEqual(refused);
    }));

  it('of a full one wakes the putter with the error, gives the item, and join() waits for its task', () =>
    virtually(function* () {
      const queue = new QueueClass<string>(1);
      queue.putNowait('data');
      const joiner = spawn(() => queue.join());
      const putter = spawn(() => outcome(queue.put('data2')));
      yield* sleep(0);
      expect(putter.dead).toBe(false);

      queue.shutdown({ immediate: false });
      expect(queue.qsize()).toBe(1);
      yield* sleep(0);
      expect([putter.dead, putter.value]).toEqual([true, QueueShutDown]);
      expect(yield* queue.get()).toBe('data');
      yield* sleep(0);
      expect(joiner.dead).toBe(false);
      expect(yield* outcomes(queue)).toEqual(refused);

      queue.taskDone();
      yield* sleep(0);
      expect([joiner.dead, joiner.value]).toEqual([true, true]);
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
    }));

  it('that is immediate drops the items with their tasks, so that join() returns', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      queue.putNowait('data');
      const joiner = spawn(() => queue.join());
      yield* sleep(0);
      queue.shutdown({ immediate: true });
      expect(queue.qsize()).toBe(0);
      yield* sleep(0);
      expect([joiner.dead, joiner.value]).toEqual([true, true]);
      expect(yield* outcomes(queue)).toEqual(refused);
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
    }));

  it('that is immediate leaves the tasks of items that were taken before, and join() waits for them', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      queue.putNowait('data');
      queue.putNowait('data');
      const joiner = spawn(() => queue.join());
      yield* sleep(0);
      expect(yield* queue.get()).toBe('data');
      queue.shutdown({ immediate: true });
      expect([queue.qsize(), queue.unfinishedTasks]).toEqual([0, 1]);
      yield* sleep(0);
      expect(joiner.dead).toBe(false);
      expect(yield* outcomes(queue)).toEqual(refused);

      queue.taskDone();
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
      yield* sleep(0);
      expect([joiner.dead, joiner.value]).toEqual([true, true]);
    }));
});
