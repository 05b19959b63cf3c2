/** The cases of `shutdown` in CPython's test_queue, as of Python 3.13. */
import {
  type Coroutine,
  Event,
  type Greenlet,
  InvalidStateError,
  joinall,
  type Operation,
  type Queue,
  QueueEmpty,
  QueueShutDown,
  sleep,
  spawn,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { joinableQueues, outcome, outcomeNow } from './queue-support.ts';

watchHub();

/** What each of them gave, or the class of what it threw. */
function* outcomes(calls: Greenlet<unknown>[]): Coroutine<unknown[]> {
  yield* joinall(calls);
  return calls.map(({ value }) => value);
}

/** A call that is made once `go` is set. */
const onGo = (go: Event, call: () => Operation<unknown>) =>
  spawn(function* () {
    yield* go.wait();
    return yield* outcome(call());
  });

const blocked = (call: () => Operation<unknown>) => spawn(() => outcome(call()));

describe.each(joinableQueues)('%s', (name, QueueClass) => {
  function filled(maxsize?: number): Queue<string> {
    const queue = new QueueClass<string>(maxsize);
    queue.putNowait('Y');
    queue.putNowait('D');
    return queue;
  }
  /** What `filled()` gives. */
  const [first, second] = name === 'Queue' ? ['Y', 'D'] : ['D', 'Y'];

  it('shut down while empty, refuses puts and gets', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      queue.shutdown();
      expect(yield* outcome(queue.put('data'))).toBe(QueueShutDown);
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
      expect(queue.qsize()).toBe(0);
    }));

  it('shut down with an item in it, gives that before it refuses', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      queue.putNowait('data');
      queue.shutdown();
      expect(yield* queue.get()).toBe('data');
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
    }));

  it('shut down immediately, does not give what was in it', () =>
    virtually(function* () {
      const queue = new QueueClass<string>();
      queue.putNowait('data');
      queue.shutdown({ immediate: true });
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
    }));

  it('goes from shut down to immediately shut down, and never back', () => {
    const queue = filled();
    queue.shutdown();
    expect(outcomeNow(() => queue.putNowait('data'))).toBe(QueueShutDown);
    expect(queue.qsize()).toBe(2);
    queue.shutdown({ immediate: true });
    expect([queue.qsize(), queue.unfinishedTasks]).toEqual([0, 0]);
    expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
    queue.shutdown({ immediate: false });
    expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
    expect(outcomeNow(() => queue.putNowait('data'))).toBe(QueueShutDown);
  });

  it('shut down, lets one greenlet finish what is left', () =>
    virtually(function* () {
      const queue = filled();
      queue.shutdown();
      expect(yield* outcome(queue.put('E'))).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.putNowait('W'))).toBe(QueueShutDown);
      expect(yield* queue.get()).toBe(first);
      queue.taskDone();
      expect(yield* queue.join(0)).toBe(false);
      expect(yield* queue.get()).toBe(second);
      queue.taskDone();
      expect(yield* queue.join()).toBe(true);
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
      expect(yield* outcome(queue.get({ timeout: 1000 }))).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
      expect(hub.now()).toBe(0);
    }));

  it('shut down immediately, leaves one greenlet no item and no task', () =>
    virtually(function* () {
      const queue = filled();
      queue.shutdown({ immediate: true });
      expect(yield* outcome(queue.put('E'))).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.putNowait('W'))).toBe(QueueShutDown);
      expect(yield* outcome(queue.get())).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
      expect(yield* outcome(queue.get({ timeout: 1000 }))).toBe(QueueShutDown);
      expect(outcomeNow(() => queue.taskDone())).toBe(InvalidStateError);
      expect([yield* queue.join(), hub.now()]).toEqual([true, 0]);
    }));

  /** Producers, consumers and joiners on one queue, which a producer has shut down when it is half done. */
  function* produceAndConsume(immediate: boolean) {
    const queue = new QueueClass<[number, string]>();
    const [producers, consumers, count] = [4, 6, 400];
    const started = new Event();
    const shutDown = new Event();
    let waiting = 0;
    const tally = { put: 0, refused: 0, got: 0, ended: 0, joined: 0 };

    function* start() {
      if (++waiting === producers + consumers) started.set();
      yield* started.wait();
    }
    function* produce(producer: number) {
      for (let n = 0; n < count; n++) {
        if (n === count / 4) yield* start();
        try {
          yield* queue.put([n, `of ${producer}`]);
        } catch (error) {
          expect(error).toBeInstanceOf(QueueShutDown);
          tally.refused++;
          return;
        }
        tally.put++;
        if (n === count / 2) shutDown.set();
        if (n % 3 === producer % 3) yield* sleep(0);
      }
    }
    function* consume() {
      yield* queue.get();
      tally.got++;
      queue.taskDone();
      yield* start();
      for (;;) {
        const got = yield* outcome(queue.get({ block: false }));
        if (got === QueueShutDown) break;
        if (got !== QueueEmpty) {
          tally.got++;
          queue.taskDone();
        }
        yield* sleep(0);
      }
      tally.ended++;
    }
    function* shutItDown() {
      yield* shutDown.wait();
      queue.shutdown({ immediate });
      return queue.qsize();
    }
    function* joinIt() {
      yield* started.wait();
      yield* queue.join();
      tally.joined++;
    }
    const times = <T>(n: number, make: (n: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
    const shutter = spawn(shutItDown);
    const all = [
      ...times(producers, (n) => spawn(produce, n)),
      ...times(consumers, () => spawn(consume)),
      ...times(2, () => spawn(joinIt)),
      shutter,
    ];
    yield* joinall(all as Greenlet<unknown>[], { raiseError: true });
    expect([queue.qsize(), queue.unfinishedTasks]).toEqual([0, 0]);
    return { ...tally, left: shutter.value! };
  }

  it('shut down among many greenlets, refuses each producer, and gives consumers all that had been put', () =>
    virtually(function* () {
      const { put, refused, got, ended, joined, left } = yield* produceAndConsume(false);
      expect({ refused, ended, joined, got }).toEqual({ refused: 4, ended: 6, joined: 2, got: put });
      expect(left).toBeGreaterThan(0);
    }));

  it('shut down immediately among many greenlets, gives none of them anything more', () =>
    virtually(function* () {
      const { put, refused, got, ended, joined, left } = yield* produceAndConsume(true);
      expect({ refused, ended, joined, left }).toEqual({ refused: 4, ended: 6, joined: 2, left: 0 });
      expect(got).toBeLessThan(put);
    }));

  it('shut down, gives what is left to the first who ask, and the error to the rest', () =>
    virtually(function* () {
      const queue = filled(2);
      const go = new Event();
      const getters = [1, 2, 3].map(() => onGo(go, () => queue.get()));
      queue.shutdown();
      go.set();
      expect(yield* outcomes(getters)).toEqual([first, second, QueueShutDown]);
    }));

  it('shut down immediately, gives everybody who asks the error', () =>
    virtually(function* () {
      const queue = filled(2);
      const go = new Event();
      const getters = [1, 2].map(() => onGo(go, () => queue.get()));
      queue.shutdown({ immediate: true });
      go.set();
      expect(yield* outcomes(getters)).toEqual([QueueShutDown, QueueShutDown]);
    }));

  it.each([false, true])(
    'wakes blocked getters with the error, in the order of their calls (immediate: %s)',
    (immediate) =>
      virtually(function* () {
        const queue = new QueueClass<string>(2);
        const log: unknown[] = [];
        const getters = [undefined, { timeout: 1000 }, undefined].map((options, n) =>
          spawn(function* () {
            log.push([n, yield* outcome(queue.get(options))]);
          }),
        );
        yield* sleep(1);
        queue.shutdown({ immediate });
        expect([log, queue.statistics().getters]).toEqual([[], 0]);
        yield* joinall(getters);
        expect(log).toEqual([0, 1, 2].map((n) => [n, QueueShutDown]));
        expect([hub.now(), hub.stats().timers]).toEqual([1, 0]);
      }),
  );

  it.each([false, true])('refuses those who put when it is shut down (immediate: %s)', (immediate) =>
    virtually(function* () {
      const queue = filled(2);
      const go = new Event();
      const putters = ['E', 'W'].map((item) => onGo(go, () => queue.put(item)));
      queue.shutdown({ immediate });
      go.set();
      expect(yield* outcomes(putters)).toEqual([QueueShutDown, QueueShutDown]);
      expect([queue.qsize(), queue.unfinishedTasks]).toEqual(immediate ? [0, 0] : [2, 2]);
    }),
  );

  it.each([false, true])('wakes blocked putters with the error and admits none of them (immediate: %s)', (immediate) =>
    virtually(function* () {
      const queue = filled(2);
      const log: unknown[] = [];
      const putters = [undefined, { timeout: 1000 }, undefined].map((options, n) =>
        spawn(function* () {
          log.push([n, yield* outcome(queue.put('E', options))]);
        }),
      );
      yield* sleep(1);
      queue.shutdown({ immediate });
      expect([log, queue.statistics().putters]).toEqual([[], 0]);
      yield* joinall(putters);
      expect(log).toEqual([0, 1, 2].map((n) => [n, QueueShutDown]));
      expect([hub.now(), hub.stats().timers]).toEqual([1, 0]);
      const left = [yield* outcome(queue.get()), yield* outcome(queue.get()), yield* outcome(queue.get())];
      expect(left).toEqual(immediate ? Array(3).fill(QueueShutDown) : [first, second, QueueShutDown]);
    }),
  );

  it('shut down, keeps joiners blocked until the last task is done', () =>
    virtually(function* () {
      const queue = filled();
      const joiners = [blocked(() => queue.join()), blocked(() => queue.join(1000))];
      yield* sleep(1);
      queue.shutdown();
      yield* sleep(1);
      yield* queue.get();
      queue.taskDone();
      yield* queue.get();
      yield* sleep(1);
      expect(queue.statistics().joiners).toBe(2);
      queue.taskDone();
      expect(yield* outcomes(joiners)).toEqual([true, true]);
      expect([hub.now(), hub.stats().timers]).toEqual([3, 0]);
    }));

  it('shut down immediately, wakes joiners at once', () =>
    virtually(function* () {
      const queue = filled();
      const joiners = [blocked(() => queue.join()), blocked(() => queue.join(1000))];
      yield* sleep(1);
      queue.shutdown({ immediate: true });
      expect(yield* outcomes(joiners)).toEqual([true, true]);
      expect([hub.now(), hub.stats().timers]).toEqual([1, 0]);
    }));

  it('shut down, refuses a put, and the joiner waits for the task from before', () =>
    virtually(function* () {
      const queue = new QueueClass<string>(2);
      queue.putNowait('Y');
      const go = new Event();
      const putter = onGo(go, () => queue.put('E'));
      const joiner = blocked(() => queue.join());
      yield* sleep(0);
      expect(queue.unfinishedTasks).toBe(1);
      queue.shutdown();
      go.set();
      expect(yield* outcomes([putter])).toEqual([QueueShutDown]);
      expect(yield* queue.get()).toBe('Y');
      expect(joiner.dead).toBe(false);
      queue.taskDone();
      expect(yield* outcomes([joiner])).toEqual([true]);
    }));

  it('shut down immediately, refuses a put, and the joiner has nothing to wait for', () =>
    virtually(function* () {
      const queue = new QueueClass<string>(2);
      queue.putNowait('Y');
      const go = new Event();
      const putter = onGo(go, () => queue.put('E'));
      const joiner = blocked(() => queue.join());
      yield* sleep(0);
      expect(queue.unfinishedTasks).toBe(1);
      queue.shutdown({ immediate: true });
      go.set();
      expect(outcomeNow(() => queue.getNowait())).toBe(QueueShutDown);
      expect(yield* outcomes([putter, joiner])).toEqual([QueueShutDown, true]);
    }));

  it('shut down, counts the tasks that getters report, and lets joiners return', () =>
    virtually(function* () {
      const queue = filled(2);
      expect(queue.unfinishedTasks).toBe(queue.qsize());
      const go = new Event();
      const workers = [1, 2].map(() =>
        onGo(go, function* () {
          const item = yield* queue.get();
          queue.taskDone();
          return item;
        }),
      );
      const joiners = [1, 2].map(() => blocked(() => queue.join()));
      yield* sleep(0);
      go.set();
      queue.shutdown();
      expect(yield* outcomes([...workers, ...joiners])).toEqual([first, second, true, true]);
      expect(queue.unfinishedTasks).toBe(0);
    }));
});
