import {
  InvalidStateError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  run,
  select,
  sleep,
  spawn,
  UncloneableError,
  wait,
} from 'genlet';
import { RemoteChannel, WorkerHub } from 'genlet/workers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hub, watchHub } from '../../support/hub.ts';

const url = new URL('../fixtures/remote-tasks.ts', import.meta.url);
const { takeReports } = watchHub();
let workers: WorkerHub;
let tasks: ReturnType<typeof open>;

function open() {
  workers = new WorkerHub({ size: 1 });
  return workers.module<typeof import('../fixtures/remote-tasks.ts')>(url);
}

beforeEach(() => {
  tasks = open();
});

afterEach(() => {
  workers.terminate();
  expect(hub.outside).toBe(0);
});

function* caught(perform: () => { [Symbol.iterator](): Iterator<any, unknown, any> }): Generator<any, any, any> {
  try {
    yield* perform();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('a RemoteChannel', { timeout: 60_000 }, () => {
  it('carries items both ways between threads', async () => {
    await run(function* () {
      const channel = new RemoteChannel<string>();
      const echo = workers.spawn(tasks.echo, channel);
      yield* channel.put('one');
      yield* channel.put('two');
      expect(yield* channel.get()).toBe('echo one');
      expect(yield* channel.get()).toBe('echo two');
      channel.shutdown();
      yield* echo.join();
      expect(echo.exception).toBeInstanceOf(QueueShutDown);
      expect(yield* caught(() => echo)).toBeInstanceOf(QueueShutDown);
    });
  });

  it('goes along inside other arguments', async () => {
    await run(function* () {
      const channel = new RemoteChannel<number>(4);
      const sum = workers.spawn(tasks.consume, { channel });
      for (let i = 1; i <= 100; i++) yield* channel.put(i);
      channel.shutdown();
      expect(yield* sum).toBe(5050);
    });
  });

  it('holds the putter up when nobody gets', async () => {
    await run(function* () {
      const channel = new RemoteChannel<number>(4);
      const producer = workers.spawn(tasks.produce, channel, 10);
      yield* sleep(0);
      yield* wait([channel]);
      yield* sleep(30);
      expect(yield* tasks.takeEvents()).toEqual(['put 0', 'put 1', 'put 2', 'put 3']);
      expect(channel.qsize()).toBe(4);
      expect([yield* channel.get(), yield* channel.get()]).toEqual([0, 1]);
      yield* sleep(30);
      expect(yield* tasks.takeEvents()).toEqual(['put 4', 'put 5']);
      const rest: number[] = [];
      while (rest.length < 8) rest.push(yield* channel.get());
      expect(rest).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
      yield* producer;
      expect(yield* caught(() => channel.get())).toBeInstanceOf(QueueShutDown);
      expect(yield* caught(() => channel.put(1))).toBeInstanceOf(QueueShutDown);
    });
  });

  it('takes time limits, kills and polls, and loses nothing', async () => {
    await run(function* () {
      const channel = new RemoteChannel<string>(1);
      expect(yield* caught(() => channel.get({ timeout: 1 }))).toBeInstanceOf(QueueEmpty);
      expect(yield* caught(() => channel.get({ block: false }))).toBeInstanceOf(QueueEmpty);
      yield* channel.put('one');
      expect(yield* caught(() => channel.put('two', { timeout: 1 }))).toBeInstanceOf(QueueFull);
      expect(yield* caught(() => channel.put('two', { block: false }))).toBeInstanceOf(QueueFull);
      const putter = spawn(() => channel.put('never'));
      const getter = spawn(() => channel.get());
      yield* sleep(0);
      yield* putter.kill();
      yield* getter.kill();
      expect(hub.outside).toBe(0);
      const echo = workers.spawn(tasks.echo, channel);
      const { value } = yield* select({ echo: channel.get(), late: sleep(10_000) });
      expect(value).toBe('echo one');
      yield* echo.kill();
      channel.shutdown();
    });
  });

  it('is shut down when the other thread ends', async () => {
    await run(function* () {
      const channel = new RemoteChannel<string>();
      const echo = workers.spawn(tasks.echo, channel);
      yield* channel.put('one');
      yield* channel.get();
      const getter = spawn(() => channel.get());
      const exiting = workers.spawn(tasks.exit, 1);
      yield* exiting.join();
      yield* getter.join();
      expect(getter.exception).toBeInstanceOf(QueueShutDown);
      expect(echo.successful()).toBe(false);
    });
    expect(await takeReports()).toHaveLength(3);
  });

  it('refuses what cannot be cloned, and goes on', async () => {
    await run(function* () {
      const channel = new RemoteChannel<any>(1);
      const error = yield* caught(() => channel.put({ deep: [() => 1] }));
      expect(error).toBeInstanceOf(UncloneableError);
      expect(error.path).toBe('item.deep[0]');
      yield* channel.put('fine', { block: false });
      channel.shutdown();
    });
  });

  it('has two ends, one of which is given away once', async () => {
    expect(() => new RemoteChannel(0)).toThrow(RangeError);
    await run(function* () {
      const channel = new RemoteChannel<string>();
      const first = workers.spawn(tasks.echo, channel);
      yield* sleep(0);
      yield* tasks.inc(1);
      const error = yield* caught(() => tasks.echo(channel));
      expect(error.cause).toBeInstanceOf(InvalidStateError);
      channel.shutdown();
      yield* caught(() => first);
    });
  });
});
