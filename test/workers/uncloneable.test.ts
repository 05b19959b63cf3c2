import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import {
  Channel,
  Event,
  Greenlet,
  GreenletLocal,
  Group,
  Lock,
  Queue,
  run,
  Semaphore,
  UncloneableError,
  until,
} from 'genlet';
import { HttpServer, Reader, socketpair } from 'genlet/io';
import * as workers from 'genlet/workers';
import { move, Pipe, Pool, Process, RemoteChannel, shared, WorkerHub } from 'genlet/workers';
import { afterAll, describe, expect, it } from 'vitest';
import { caught } from '../support/caught.ts';
import { watchHub } from '../support/hub.ts';
import * as executorTasks from './fixtures/executor-tasks.ts';
import * as processTasks from './fixtures/process-tasks.ts';

watchHub();

const hub = new WorkerHub({ size: 1 });
const pool = new Pool(1);
const url = new URL('./fixtures/remote-tasks.ts', import.meta.url);
const tasks = hub.module<typeof import('./fixtures/remote-tasks.ts')>(url);
afterAll(() => {
  hub.terminate();
  pool.terminate();
});

const { echo } = executorTasks;
const SLOW = { timeout: 60_000 };

class Account {
  #balance = 5;
  get balance(): number {
    return this.#balance;
  }
}

class Span {
  from = 1;
  [Symbol.dispose](): void {}
}

class Point {
  x: number;
  y: unknown;
  constructor(x: number, y: unknown) {
    this.x = x;
    this.y = y;
  }
  norm(): number {
    return this.x;
  }
}

class Marker {}

class Names extends Map<string, number> {
  longest(): number {
    return 5;
  }
}

const forProcesses: [string, () => object][] = [
  ['Lock', () => new workers.Lock()],
  ['Semaphore', () => new workers.Semaphore(1)],
  ['Event', () => new workers.Event()],
  ['Queue', () => new workers.Queue()],
  ['JoinableQueue', () => new workers.JoinableQueue()],
  ['Connection', () => Pipe()[0]],
];
const forThreads: [string, () => object][] = [
  ['RemoteChannel', () => new RemoteChannel(1)],
  ['shared.Lock', () => new shared.Lock()],
  ['shared.Queue', () => new shared.Queue(1)],
  ['shared.Array', () => new shared.Array('u8', 1)],
];
const forNobody: [string, () => object][] = [
  ['Lock', () => new Lock()],
  ['Semaphore', () => new Semaphore(1)],
  ['Event', () => new Event()],
  ['Queue', () => new Queue()],
  ['Channel', () => new Channel()],
  ['Group', () => new Group()],
  ['GreenletLocal', () => new GreenletLocal()],
  ['Greenlet', () => new Greenlet(() => 1)],
  ['HttpServer', () => new HttpServer(['127.0.0.1', 0], () => '')],
  ['Reader', () => new Reader(process.stdin)],
  ['WorkerHub', () => new WorkerHub()],
  ['Process', () => new Process(processTasks.plain, [0])],
  ['object of a class that keeps all to itself', () => new Account()],
  ['object that has to be disposed of', () => new Span()],
  ['URL', () => new URL('http://localhost/')],
];

const THREADS = 'threads use shared.Lock, shared.Queue, … or a RemoteChannel';
const PROCESSES = 'processes use Lock, Queue, Pipe, … of genlet/workers or a Manager';

describe('to a thread', SLOW, () => {
  it.each([...forProcesses, ...forNobody])('goes no %s, as an argument or an item', (_name, make) =>
    run(function* () {
      const channel = new RemoteChannel(1);
      const queue = new shared.Queue(1);
      const value = make();
      const attempts: [string, Iterable<any>][] = [
        ['arguments[0]', tasks.nothing(value)],
        ['arguments[1].deep[0]', tasks.nothing(1, { deep: [value] })],
        ["arguments[0].get('k').x", tasks.nothing(new Map([['k', new Point(value as never, 2)]]))],
        ['item[0]', channel.put([value] as never)],
        ['item.x', queue.put(new Point(value as never, 1))],
      ];
      for (const [path, attempt] of attempts) {
        const error = yield* caught(attempt);
        expect(error).toBeInstanceOf(UncloneableError);
        expect(error.path.startsWith(path), error.path).toBe(true);
        expect(error.message.startsWith(`${error.path}: `), error.message).toBe(true);
      }
      channel.shutdown();
    }),
  );

  it('says what to use instead', () =>
    run(function* () {
      const messages: string[] = [];
      for (const value of [new workers.Lock(), new Event(), new Account()]) {
        messages.push((yield* caught(tasks.nothing(value))).message);
      }
      messages.push((yield* caught(new shared.Queue(1).put(new shared.Lock()))).message);
      expect(messages).toEqual([
        `arguments[0]: Lock can't be cloned; it goes to processes only: ${THREADS}`,
        `arguments[0]: Event can't be cloned; it stays where it was made: ${THREADS}`,
        "arguments[0]: Account can't be cloned; nothing of it would arrive, for it has no public properties: send plain data",
        "item: Lock can't be cloned; a shared.Queue carries data only: give it as an argument, or by a RemoteChannel",
      ]);
    }));

  it('goes no socket', () =>
    run(function* () {
      const [one, other] = yield* socketpair();
      const error = yield* caught(tasks.nothing([one]));
      expect([error.name, error.path]).toEqual(['UncloneableError', 'arguments[0][0]']);
      one.close();
      other.close();
    }));

  it('comes nothing of the kind from there', () =>
    run(function* () {
      const error = yield* caught(tasks.giveLock());
      expect([error.name, error.path]).toEqual(['UncloneableError', 'result.lock']);
      const item = yield* caught(hub.stream(tasks.yieldLock).next());
      expect([item.name, item.path]).toEqual(['UncloneableError', 'item[0]']);
    }));

  it('goes what is shared, wherever it stands', () =>
    run(function* () {
      const lock = new shared.Lock();
      const value = { map: new Map([[lock, new Set([lock])]]), point: new Point(1, lock) };
      const [arrived] = (yield* tasks.nothing(value)) as [typeof value];
      expect(arrived).toEqual({ map: new Map([[lock, new Set([lock])]]), point: { x: 1, y: lock } });
      expect([...arrived.map.keys()][0]).toBe(lock);
      expect(arrived.point.y).toBe(lock);
      expect(value.point).toBeInstanceOf(Point);
    }));

  it('goes what is moved, and what Node has made for it, beside what is shared', () =>
    run(function* () {
      const { port1, port2 } = new MessageChannel();
      const heard = once(port1, 'message');
      const key = createSecretKey('key', 'utf8');
      const gave = yield* tasks.postBeside({ lock: new shared.Lock(), port: move(port2), key });
      expect(gave).toBe('key');
      expect(yield* until(heard)).toEqual(['hello']);
      port1.close();
    }));
});

describe('to a process', SLOW, () => {
  it.each([...forThreads, ...forNobody])('goes no %s, as an argument or an item', (_name, make) =>
    run(function* () {
      const [here, there] = Pipe();
      const queue = new workers.Queue();
      const value = make();
      const attempts: [string, Iterable<any>][] = [
        ['value.deep[0]', here.send({ deep: [value] })],
        ["value.get('k').x", here.send(new Map([['k', new Point(value as never, 2)]]))],
        ['value[0]', queue.put([value])],
        ['arguments[0]', pool.apply(echo, [value])],
        ['arguments[0].deep[0]', pool.apply(echo, [{ deep: [make()] }])],
      ];
      for (const [path, attempt] of attempts) {
        const error = yield* caught(attempt);
        expect(error).toBeInstanceOf(UncloneableError);
        expect(error.path.startsWith(path), error.path).toBe(true);
        expect(error.message.startsWith(error.path), error.message).toBe(true);
      }
      const process = new Process(processTasks.whoami, [here, value]);
      expect(() => process.start()).toThrow(UncloneableError);
      here.close();
      there.close();
    }),
  );

  it('says what to use instead', () =>
    run(function* () {
      const [here, there] = Pipe();
      const messages: string[] = [];
      for (const value of [new shared.Lock(), new Event(), new Account()]) {
        messages.push((yield* caught(here.send([value]))).message);
        messages.push((yield* caught(pool.apply(echo, [value]))).message);
      }
      const sent = "it can't be sent to another process";
      expect(messages).toEqual([
        `value[0] is of class Lock: ${sent}; it goes to threads only: ${PROCESSES}`,
        `arguments[0]: Lock can't be cloned; it goes to threads only: ${PROCESSES}`,
        `value[0] is of class Event: ${sent}; it stays where it was made: ${PROCESSES}`,
        `arguments[0]: Event can't be cloned; it stays where it was made: ${PROCESSES}`,
        `value[0] is of class Account: ${sent}; nothing of it would arrive, for it has no public properties: send plain data`,
        "arguments[0]: Account can't be cloned; nothing of it would arrive, for it has no public properties: send plain data",
      ]);
      here.close();
      there.close();
    }));

  it('goes what is for processes, also to those of a pool', () =>
    run(function* () {
      const lock = new workers.Lock();
      const value = { point: new Point(1, lock), map: new Map([['lock', lock]]) };
      const arrived = (yield* pool.apply(echo, [value])) as typeof value;
      expect(arrived.point.y).toBeInstanceOf(workers.Lock);
      expect(arrived.map.get('lock')).toBe(arrived.point.y);
      yield* lock.acquire();
      expect(yield* (arrived.point.y as workers.Lock).locked()).toBe(true);
    }));
});

describe('to threads and processes', SLOW, () => {
  it.each([
    ['an object of a class', () => new Point(1, [2])],
    ['an object of a class that has nothing', () => new Marker()],
    ['an object of another realm', () => runInNewContext('({})')],
    ['a map of an own class', () => new Names([['a', 1]])],
    ['a date', () => new Date(5)],
    ['a regular expression', () => /x/g],
    ['an error', () => new RangeError('r')],
    ['a boxed number', () => Object(5)],
    ['bytes', () => new Uint8Array([1, 2])],
    ['an object without a prototype', () => Object.assign(Object.create(null), { a: 1 })],
  ])('goes %s', (_name, make) =>
    run(function* () {
      const value = make();
      const expected = structuredClone(value);
      const [here, there] = Pipe();
      yield* here.send([value]);
      const queue = new shared.Queue<unknown>(1);
      yield* queue.put([value]);
      const results = [yield* there.recv(), yield* pool.apply(echo, [[value]]), yield* queue.get()];
      results.push((yield* tasks.nothing([value]))[0]);
      expect(results).toEqual(results.map(() => [expected]));
      here.close();
      there.close();
    }),
  );

  it('goes a blob, to threads', () =>
    run(function* () {
      const [blob] = (yield* tasks.nothing(new Blob(['text']))) as [Blob];
      expect(blob).toBeInstanceOf(Blob);
      expect(blob.size).toBe(4);
    }));
});
