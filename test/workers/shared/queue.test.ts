import { iwait, joinall, QueueEmpty, QueueFull, QueueShutDown, select, sleep, spawn } from 'genlet';
import { shared } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { attempt } from '../../support/caught.ts';
import { hub, virtually, watchHub } from '../../support/hub.ts';

watchHub();

describe('Queue', () => {
  it('gives items in the order in which they were put, as copies', () =>
    virtually(function* () {
      const queue = new shared.Queue<{ at: Date; list: number[] }>();
      const item = { at: new Date(5), list: [1, 2] };
      yield* queue.put(item);
      item.list.push(3);
      queue.putNowait(item);
      expect([queue.qsize(), queue.empty(), queue.full(), queue.maxsize]).toEqual([2, false, false, Infinity]);
      expect(yield* queue.get()).toEqual({ at: new Date(5), list: [1, 2] });
      expect(queue.getNowait().list).toEqual([1, 2, 3]);
      expect(queue.empty()).toBe(true);
    }));

  it('makes putters wait for a place, and getters for an item, each in their order', () =>
    virtually(function* () {
      const queue = new shared.Queue<string>(1);
      const events: string[] = [];
      const putters = ['a', 'b', 'c'].map((item) =>
        spawn(function* () {
          yield* queue.put(item);
          events.push(`${item} is in`);
        }),
      );
      yield* sleep(1);
      expect([queue.full(), queue.statistics().putters]).toEqual([true, 2]);
      for (let i = 0; i < 3; i++) {
        events.push(`got ${yield* queue.get()}`);
        yield* sleep(0);
      }
      yield* joinall(putters);
      expect(events).toEqual(['a is in', 'got a', 'b is in', 'got b', 'c is in', 'got c']);
      const getters = [1, 2].map(() => spawn(() => queue.get()));
      yield* sleep(1);
      expect(queue.statistics().getters).toBe(2);
      yield* queue.put('x');
      yield* queue.put('y');
      yield* joinall(getters);
      expect(getters.map((getter) => getter.value)).toEqual(['x', 'y']);
    }));

  it('throws when time is up, or at once where it must not wait', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>(1);
      const start = hub.now();
      expect(yield* attempt(() => queue.get({ timeout: 20 }))).toBeInstanceOf(QueueEmpty);
      expect(yield* attempt(() => queue.get({ block: false }))).toBeInstanceOf(QueueEmpty);
      expect(() => queue.getNowait()).toThrow(QueueEmpty);
      yield* queue.put(1);
      expect(yield* attempt(() => queue.put(2, { timeout: 20 }))).toBeInstanceOf(QueueFull);
      expect(yield* attempt(() => queue.put(2, { block: false }))).toBeInstanceOf(QueueFull);
      expect(() => queue.putNowait(2)).toThrow(QueueFull);
      expect(hub.now() - start).toBe(40);
      expect(yield* queue.get({ block: false })).toBe(1);
      yield* queue.put(3, { block: false });
      expect(queue.qsize()).toBe(1);
      expect(() => queue.get({ timeout: -1 })).toThrow(RangeError);
    }));

  it('has room for so many bytes, and says so of what can never fit', () =>
    virtually(function* () {
      const queue = new shared.Queue<string>(null, { bytes: 100 });
      yield* queue.put('x'.repeat(60));
      const putter = spawn(() => queue.put('y'.repeat(100)));
      yield* sleep(1);
      expect([putter.ready(), queue.full()]).toEqual([false, false]);
      expect(yield* queue.get()).toHaveLength(60);
      yield* putter;
      expect(yield* queue.get()).toBe('y'.repeat(100));
      expect(() => queue.putNowait('z'.repeat(200))).toThrow('the whole queue 124');
      expect(yield* attempt(() => queue.put('z'.repeat(200)))).toBeInstanceOf(RangeError);
      expect(() => new shared.Queue(0, { bytes: 2 ** 31 })).toThrow('give at most 1073741824');
      expect(() => new shared.Queue(-1)).toThrow(RangeError);
    }));

  it('goes round its bytes many times', () =>
    virtually(function* () {
      const queue = new shared.Queue<string>(null, { bytes: 64 });
      for (let i = 0; i < 500; i++) {
        const item = String.fromCharCode(97 + (i % 26)).repeat(i % 50);
        yield* queue.put(item);
        expect(yield* queue.get()).toBe(item);
      }
    }));

  it('refuses what can not be copied', () =>
    virtually(function* () {
      const queue = new shared.Queue<unknown>();
      expect(() => queue.putNowait(() => {})).toThrow("can't be cloned");
      expect(String(yield* attempt(() => queue.put({ lock: new SharedArrayBuffer(8) })))).toContain('clone');
      expect(queue.empty()).toBe(true);
    }));

  it('loses no item to a kill, and takes back that of a killed putter', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>(1);
      const [killed, next] = [spawn(() => queue.get()), spawn(() => queue.get())];
      yield* sleep(1);
      yield* killed.kill();
      yield* queue.put(1);
      expect(yield* next).toBe(1);
      yield* queue.put(2);
      const [first, second] = [spawn(() => queue.put(3)), spawn(() => queue.put(4))];
      yield* sleep(1);
      yield* first.kill();
      expect([yield* queue.get(), yield* queue.get()]).toEqual([2, 4]);
      yield* second;
    }));

  it('gives batches', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>();
      for (const item of [1, 2, 3]) yield* queue.put(item);
      expect(yield* queue.getMany(2)).toEqual([1, 2]);
      expect(yield* queue.getMany()).toEqual([3]);
      const batch = spawn(() => queue.getMany());
      yield* sleep(1);
      for (const item of [4, 5]) queue.putNowait(item);
      expect(yield* batch).toEqual([4, 5]);
      expect(yield* attempt(() => queue.getMany(1, { timeout: 5 }))).toBeInstanceOf(QueueEmpty);
      expect(() => queue.getMany(0)).toThrow('max is 0');
    }));

  it('knows when all tasks are done', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>();
      expect(yield* queue.join()).toBe(true);
      yield* queue.put(1);
      yield* queue.put(2);
      expect([queue.unfinishedTasks, yield* queue.join(5)]).toEqual([2, false]);
      const joiner = spawn(() => queue.join());
      for (let i = 0; i < 2; i++) {
        yield* queue.get();
        yield* sleep(1);
        expect(joiner.ready()).toBe(false);
        queue.taskDone();
      }
      expect(yield* joiner).toBe(true);
      expect(() => queue.taskDone()).toThrow('taskDone() was called more often than items were put');
    }));

  it('shuts down: what is in it can be got, nothing be put', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>(1);
      yield* queue.put(1);
      const putter = attempt(() => queue.put(2));
      yield* sleep(1);
      queue.shutdown();
      expect(yield* putter).toBeInstanceOf(QueueShutDown);
      expect(yield* attempt(() => queue.put(3))).toBeInstanceOf(QueueShutDown);
      expect(() => queue.putNowait(3)).toThrow(QueueShutDown);
      expect(yield* queue.get()).toBe(1);
      expect(yield* attempt(() => queue.get())).toBeInstanceOf(QueueShutDown);
      expect(() => queue.getNowait()).toThrow(QueueShutDown);
      const other = new shared.Queue<number>();
      const getter = attempt(() => other.get());
      yield* sleep(1);
      other.shutdown();
      expect(yield* getter).toBeInstanceOf(QueueShutDown);
    }));

  it('drops what is left when it is shut down immediately', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>();
      yield* queue.put(1);
      const joiner = spawn(() => queue.join());
      yield* sleep(1);
      queue.shutdown({ immediate: true });
      expect(yield* joiner).toBe(true);
      expect([queue.qsize(), queue.unfinishedTasks]).toEqual([0, 0]);
      expect(yield* attempt(() => queue.get())).toBeInstanceOf(QueueShutDown);
    }));

  it('can be waited for without losing an item, and selected', () =>
    virtually(function* () {
      const queue = new shared.Queue<number>();
      using ready = iwait([queue]);
      const next = spawn(() => ready.next());
      yield* sleep(1);
      queue.putNowait(7);
      expect((yield* next).value).toBe(queue);
      expect(yield* select({ item: queue.get(), late: sleep(10) })).toEqual({ key: 'item', value: 7 });
      expect((yield* select({ item: queue.get(), late: sleep(10) })).key).toBe('late');
      expect(queue.statistics()).toEqual({
        size: 0,
        maxsize: Infinity,
        getters: 0,
        putters: 0,
        unfinishedTasks: 1,
        joiners: 0,
      });
    }));
});
