import { EOFError, InvalidStateError, QueueEmpty, QueueFull, run, sleep, spawn, UncloneableError, until } from 'genlet';
import {
  activeChildren,
  BoundedSemaphore,
  type Connection,
  Event,
  JoinableQueue,
  Lock,
  Pipe,
  Process,
  Queue,
  Semaphore,
} from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { caught } from '../../support/caught.ts';
import { hub, virtually, watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/process-tasks.ts';

vi.setConfig({ testTimeout: 40_000 });
const { takeReports } = watchHub();

afterEach(() => {
  for (const child of activeChildren()) child.kill();
});

/** A process that does with the objects what it is told. */
function puppet(objects: Record<string, unknown>) {
  const [here, there] = Pipe();
  const child = new Process(tasks.puppet, [there, objects]);
  child.start();
  return {
    child,
    *call(...call: unknown[]) {
      yield* here.send(['call', ...call]);
      return yield* here.recv();
    },
    *tell(...order: unknown[]) {
      yield* here.send(order);
    },
    *get(name: string) {
      yield* here.send(['get', name]);
      return yield* here.recv();
    },
    /** All that it was told has been done. */
    *ping() {
      yield* here.send(['ping']);
      return yield* here.recv();
    },
    here: here as Connection,
  };
}

/** Sends what is to be sent, and then hears nothing for a while: so what is said meanwhile, and what is done then, cross. */
function* keepBusy() {
  yield* until(new Promise<void>((resolve) => process.nextTick(resolve)));
  for (const end = performance.now() + 500; performance.now() < end; );
}

describe('a Queue in one process', () => {
  it('gives clones of the items, in order', async () => {
    await run(function* () {
      const queue = new Queue();
      const item = { list: [1] };
      yield* queue.put(item);
      item.list.push(2);
      yield* queue.put('second');
      expect([yield* queue.qsize(), yield* queue.empty(), yield* queue.full()]).toEqual([2, false, false]);
      expect(yield* queue.get()).toEqual({ list: [1] });
      expect(yield* queue.get()).toBe('second');
      expect([yield* queue.qsize(), yield* queue.empty()]).toEqual([0, true]);
    });
  });

  it('blocks, and gives up when time is up', async () => {
    await virtually(function* () {
      const queue = new Queue<number>(1);
      expect(queue.maxsize).toBe(1);
      expect(yield* caught(queue.get({ timeout: 10 }))).toBeInstanceOf(QueueEmpty);
      expect(hub.now()).toBe(10);
      expect(yield* caught(queue.getNowait())).toBeInstanceOf(QueueEmpty);
      yield* queue.put(1);
      expect(yield* queue.full()).toBe(true);
      expect(yield* caught(queue.put(2, { timeout: 10 }))).toBeInstanceOf(QueueFull);
      expect(hub.now()).toBe(20);
      expect(yield* caught(queue.putNowait(2))).toBeInstanceOf(QueueFull);
      const putter = spawn(() => queue.put(3));
      const killed = spawn(() => queue.put(4));
      yield* sleep(0);
      yield* killed.kill();
      expect([yield* queue.get(), yield* queue.get()]).toEqual([1, 3]);
      expect(putter.dead).toBe(false);
      yield* putter.join();
      expect(yield* queue.qsize()).toBe(0);
    });
  });

  it('serves getters in order, and takes nothing for one that is killed', async () => {
    await run(function* () {
      const queue = new Queue<number>();
      const got: string[] = [];
      const getters = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          got.push(`${name}${yield* queue.get()}`);
        }),
      );
      yield* sleep(0);
      yield* getters[1]!.kill();
      for (const item of [1, 2]) yield* queue.put(item);
      yield* sleep(0);
      expect(got).toEqual(['a1', 'c2']);
    });
  });

  it('can not be used here any more when it was closed here', async () => {
    await run(function* () {
      const queue = new Queue();
      queue.close();
      queue.close();
      expect(() => queue.put(1)).toThrow(InvalidStateError);
      expect(() => queue.get()).toThrow('this Queue was closed in this process');
      const [here] = Pipe();
      expect(yield* caught(here.send(queue))).toBeInstanceOf(InvalidStateError);
    });
  });

  it('checks its arguments, and refuses what can not be sent', async () => {
    await run(function* () {
      const queue = new Queue();
      expect(() => new Queue(-1)).toThrow('maxsize is -1');
      expect(() => queue.get({ timeout: -1 })).toThrow('timeout is -1');
      expect(() => queue.put(1, 5 as never)).toThrow('options is 5');
      expect(yield* caught(queue.put(() => {}))).toBeInstanceOf(UncloneableError);
      expect(yield* queue.qsize()).toBe(0);
    });
  });
});

describe('a JoinableQueue in one process', () => {
  it('is joined when each item is done', async () => {
    await virtually(function* () {
      const queue = new JoinableQueue<number>();
      expect(yield* queue.join()).toBe(true);
      yield* queue.put(1);
      yield* queue.put(2);
      expect(yield* queue.join(5)).toBe(false);
      expect(yield* queue.join(0)).toBe(false);
      expect(yield* queue.unfinishedTasks()).toBe(2);
      const joiner = spawn(() => queue.join());
      queue.taskDone();
      yield* queue.taskDone();
      expect(yield* joiner).toBe(true);
      expect(() => queue.taskDone()).toThrow('called more often than items were put');
    });
  });
});

describe('a Queue between processes', () => {
  it('is used as at home: order, places, time limits, kills', async () => {
    await run(function* () {
      const queue = new Queue<unknown>();
      const small = new Queue<unknown>(1);
      const there = puppet({ queue, small });
      // Order, and sizes.
      for (const item of [{ a: new Set([1]) }, 2]) expect(yield* there.call('queue', 'put', item)).toEqual({});
      expect(yield* there.call('queue', 'qsize')).toEqual({ value: 2 });
      expect(yield* queue.get()).toEqual({ a: new Set([1]) });
      expect(yield* there.call('queue', 'get')).toEqual({ value: 2 });
      expect(yield* there.call('queue', 'empty')).toEqual({ value: true });
      // No item, no place.
      expect(yield* there.call('queue', 'get', { timeout: 10 })).toMatchObject({ error: 'QueueEmpty' });
      expect(yield* there.call('queue', 'get', { block: false })).toMatchObject({ error: 'QueueEmpty' });
      yield* small.put('first');
      expect(yield* there.call('small', 'full')).toEqual({ value: true });
      expect(yield* there.call('small', 'put', 'second', { timeout: 10 })).toMatchObject({ error: 'QueueFull' });
      expect(yield* there.call('small', 'putNowait', 'second')).toMatchObject({ error: 'QueueFull' });
      // Those who wait are served in order.
      yield* there.tell('spawn', 'putter', 'small', 'put', 'second');
      yield* there.ping();
      const putter = spawn(() => small.put('third'));
      yield* sleep(0);
      const three = [yield* small.get(), yield* small.get(), yield* small.get()];
      expect(three).toEqual(['first', 'second', 'third']);
      expect(yield* there.get('putter')).toEqual({});
      yield* putter.join();
      // Nothing is lost to one who was killed, before the item comes or while it is on its way.
      yield* there.tell('spawn', 'killed', 'queue', 'get');
      yield* there.tell('kill', 'killed');
      yield* there.ping();
      yield* queue.put('for us');
      expect(yield* queue.get({ block: false })).toBe('for us');
      yield* there.tell('spawn', 'late', 'queue', 'get');
      yield* there.ping();
      yield* there.tell('kill', 'late');
      yield* keepBusy();
      yield* queue.put('on its way'); // crosses the word that nobody wants it any more
      yield* there.ping();
      expect(yield* queue.get({ timeout: 5000 })).toBe('on its way');
      // A putter that was killed while it waited.
      yield* small.put('full');
      yield* there.tell('spawn', 'putter', 'small', 'put', 'killed');
      yield* there.tell('kill', 'putter');
      yield* there.ping();
      expect(yield* small.get()).toBe('full');
      expect(yield* small.qsize()).toBe(0);
      // Closed over there alone.
      yield* there.tell('act', 'queue', 'close');
      expect(yield* there.call('queue', 'qsize')).toMatchObject({ error: 'InvalidStateError' });
      expect(yield* queue.qsize()).toBe(0);
      yield* there.tell('end');
      yield* there.child.join();
      expect(there.child.exitcode).toBe(0);
    });
  });

  it('keeps the items of a process that has ended, in whatever way', async () => {
    await run(function* () {
      const queue = new Queue<string>();
      const child = new Process(tasks.exits, [3, queue]);
      child.start();
      expect(yield* queue.get()).toBe('put before the exit');
      yield* child.join();
      expect(child.exitcode).toBe(3);
    });
  });

  it('gives nothing to a process that has died while it waited, and takes back what was on its way', async () => {
    await run(function* () {
      const queue = new Queue<string>();
      const there = puppet({ queue });
      yield* there.tell('spawn', 'getter', 'queue', 'get');
      yield* there.ping();
      there.child.kill();
      yield* queue.put('kept'); // it may have been written to the dead
      yield* there.child.join();
      expect(yield* queue.get({ timeout: 5000 })).toBe('kept');
    });
  });

  it('is passed on: to processes of processes, through queues and connections, and back home', async () => {
    await run(function* () {
      const queue = new Queue<any>();
      const [here, there] = Pipe();
      const child = new Process(tasks.delegate, [there, { queue }]);
      child.start();
      yield* here.send(['call', 'queue', 'put', 'from the grandchild']);
      expect(yield* queue.get()).toBe('from the grandchild');
      expect(yield* here.recv()).toEqual({});
      // Home again, and from there once more to a sibling.
      yield* here.send(['call', 'queue', 'put', queue]);
      const back = yield* queue.get();
      yield* here.recv();
      yield* back.put('through the loop');
      expect(yield* queue.get()).toBe('through the loop');
      const sibling = puppet({ back });
      expect(yield* sibling.call('back', 'put', 'from the sibling')).toEqual({});
      expect(yield* queue.get()).toBe('from the sibling');
      yield* here.send(['end']);
      yield* child.join();
      yield* sibling.tell('end');
    });
  });

  it('lives in the process that made it, also if that is a child', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const child = new Process(tasks.makesQueue, [there]);
      child.start();
      const queue: Queue<string> = yield* here.recv();
      const waiting = spawn(() => caught(queue.get()));
      yield* sleep(0);
      yield* waiting.kill();
      yield* queue.put('us');
      expect(yield* queue.get()).toBe('to us');
      const blocked = spawn(() => caught(queue.get()));
      yield* sleep(0);
      yield* here.send('end');
      expect(yield* blocked).toBeInstanceOf(EOFError);
      expect(String(blocked.value)).toContain('Queue.get()');
      expect(yield* caught(queue.put('nobody'))).toBeInstanceOf(EOFError);
      yield* child.join();
    });
  });

  it('takes every item of several producers once, in the order of each', async () => {
    await run(function* () {
      const queue = new Queue<[number, number] | null>(50);
      const results = new Queue<[number, number][]>();
      const producers = [1, 2].map((who) => new Process(tasks.produce, [queue, who, 1000]));
      const consumers = [1, 2].map(() => new Process(tasks.consume, [queue, results]));
      for (const child of [...producers, ...consumers]) child.start();
      yield* tasks.produce(queue as never, 0, 1000);
      for (const child of producers) yield* child.join();
      for (const _ of consumers) yield* queue.put(null);
      const lists = [yield* results.get(), yield* results.get()];
      for (const list of lists) {
        for (const who of [0, 1, 2]) {
          const own = list.filter(([producer]) => producer === who).map(([, item]) => item);
          expect(own).toEqual([...own].sort((a, b) => a - b));
        }
      }
      const all = lists.flat().map(([who, item]) => 1000 * who + item);
      expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, i) => i));
      for (const child of consumers) yield* child.join();
    });
  });

  it('loses no item and gives none twice while getters in two processes are killed all the time', async () => {
    await run(function* () {
      const queue = new Queue<number>();
      const results = new Queue<number[]>();
      const children = [1, 2].map((seed) => new Process(tasks.consumeAndKill, [queue, results, seed]));
      for (const child of children) child.start();
      let put = 0;
      while (children.some((child) => child.isAlive())) {
        if ((yield* queue.qsize()) < 20) yield* queue.put(put++);
        else yield* sleep(1);
      }
      const got = [yield* results.get(), yield* results.get()];
      while (!(yield* queue.empty())) got.push([yield* queue.get()]);
      expect(children.map(({ exitcode }) => exitcode)).toEqual([0, 0]);
      expect(got.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: put }, (_, i) => i));
      expect(put).toBeGreaterThan(100);
    });
  });

  it('has back, in order, what a process has taken ahead and does not use', async () => {
    await run(function* () {
      const queue = new Queue<number>();
      for (let i = 0; i < 1000; i++) yield* queue.put(i);
      const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
      const [here, there] = Pipe();
      const child = new Process(tasks.consumeSome, [queue, there, 300, 'wait']);
      child.start();
      expect(yield* here.recv()).toEqual(numbers(0, 300));
      for (let left = 100; (yield* queue.qsize()) < 700 && left > 0; left--) yield* sleep(20);
      const got: number[] = [];
      for (let i = 300; i < 500; i++) got.push(yield* queue.get());
      expect(got).toEqual(numbers(300, 500));
      yield* here.send('on');
      expect(yield* here.recv()).toEqual([500, 500]);
      yield* child.join();
      const dying = new Process(tasks.consumeSome, [queue, Pipe()[0], 100, 'die']);
      dying.start();
      yield* dying.join();
      const rest: number[] = [];
      yield* sleep(50); // what it has sent is read
      while (!(yield* queue.empty())) rest.push(yield* queue.get());
      // Of those that it took last it may not have said so any more.
      expect(rest[0]).toBeGreaterThan(501);
      expect(rest[0]).toBeLessThanOrEqual(601);
      expect(rest).toEqual(numbers(rest[0]!, 1000));
    });
  });

  it('carries megabytes, and does not run ahead of who takes them', async () => {
    await run(function* () {
      const queue = new Queue<unknown>();
      const there = puppet({ queue });
      const big = Buffer.alloc(5_000_000, 'x');
      yield* queue.put({ big });
      const { value } = yield* there.call('queue', 'get');
      expect(value.big.equals(big)).toBe(true);
      expect(yield* there.call('queue', 'put', value)).toEqual({});
      const back = (yield* queue.get()) as { big: Buffer };
      expect(back.big.equals(big)).toBe(true);
    });
  });
});

describe('a JoinableQueue between processes', () => {
  it('is joined when the others are done', async () => {
    await run(function* () {
      const queue = new JoinableQueue<number>();
      const results = new Queue<number>();
      const workers = [1, 2].map(() => new Process(tasks.worker, [queue, results], { daemon: true }));
      for (const worker of workers) worker.start();
      for (let i = 0; i < 20; i++) yield* queue.put(i);
      expect(yield* queue.join()).toBe(true);
      const squares: number[] = [];
      while (!(yield* results.empty())) squares.push(yield* results.get());
      expect(squares.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i * i));
      for (const worker of workers) worker.terminate();
      for (const worker of workers) yield* worker.join();
    });
  });
});

describe('locks between processes', () => {
  it('let one at a time in', async () => {
    await run(function* () {
      const lock = new Lock();
      const count = new Queue<number>();
      yield* count.put(0);
      const children = [1, 2].map(() => new Process(tasks.increment, [lock, count, 30]));
      for (const child of children) child.start();
      yield* tasks.increment(lock, count, 30);
      for (const child of children) yield* child.join();
      expect(yield* count.get()).toBe(90);
      expect(yield* lock.locked()).toBe(false);
    });
  });

  it('are given back by a process that dies, to the first in line', async () => {
    await run(function* () {
      const lock = new Lock();
      const [here, there] = Pipe();
      const holder = new Process(tasks.holdLock, [lock, there]);
      holder.start();
      yield* here.recv();
      expect(yield* lock.acquire({ timeout: 10 })).toBe(false);
      expect(yield* lock.acquire({ block: false })).toBe(false);
      const waiter = spawn(() => lock.acquire());
      yield* sleep(0);
      holder.kill();
      expect(yield* waiter).toBe(true);
      lock.release();
      expect(() => lock.release()).toThrow('release() of a Lock that nobody holds');
      yield* holder.join();
    });
  });

  it('are not lost to a greenlet over there that was killed, nor to one that times out', async () => {
    await run(function* () {
      const lock = new Lock();
      const there = puppet({ lock });
      yield* lock.acquire();
      expect(yield* there.call('lock', 'acquire', { timeout: 10 })).toEqual({ value: false });
      yield* there.tell('spawn', 'waiter', 'lock', 'acquire');
      yield* there.ping();
      yield* there.tell('kill', 'waiter');
      yield* keepBusy();
      lock.release(); // crosses the word that nobody wants it any more
      yield* there.ping();
      expect(yield* lock.acquire({ timeout: 5000 })).toBe(true);
      lock.release();
      expect(yield* there.call('lock', 'acquire')).toEqual({ value: true });
      expect(yield* there.call('lock', 'release')).toEqual({});
      expect(yield* there.call('lock', 'release')).toMatchObject({ error: 'InvalidStateError' });
      yield* there.tell('end');
    });
  });

  it('count permits, and signal', async () => {
    await run(function* () {
      const event = new Event();
      const semaphore = new Semaphore(0);
      const bounded = new BoundedSemaphore(2);
      const child = new Process(tasks.signals, [event, semaphore]);
      child.start();
      expect(yield* semaphore.acquire({ timeout: 5 })).toBe(false);
      expect([yield* event.isSet(), yield* event.wait(0), yield* event.wait(5)]).toEqual([false, false, false]);
      event.set();
      expect([yield* event.isSet(), yield* event.wait()]).toEqual([true, true]);
      for (let i = 0; i < 3; i++) expect(yield* semaphore.acquire()).toBe(true);
      expect(yield* semaphore.counter()).toBe(0);
      yield* event.clear();
      expect(yield* event.isSet()).toBe(false);
      yield* bounded.acquire();
      yield* bounded.release();
      expect(() => bounded.release()).toThrow('would make more permits than the first 2');
      expect(() => semaphore.release(0)).toThrow('permits is 0');
      expect(() => new Semaphore(-1)).toThrow('value is -1');
      expect(yield* caught(new Semaphore(0).hold(5))).toMatchObject({ name: 'Timeout' });
      yield* child.join();
    });
  });

  it('report to the hub what nobody waited for', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const child = new Process(tasks.makesQueue, [there]);
      child.start();
      const queue: Queue = yield* here.recv();
      queue.close();
      expect(() => queue.get()).toThrow(InvalidStateError);
      child.kill();
      yield* child.join();
    });
    expect(await takeReports()).toEqual([]);
  });
});
