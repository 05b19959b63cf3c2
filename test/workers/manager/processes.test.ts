/** Managers and their proxies in several processes. */
import { type ChildProcess, spawn as startProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EOFError, InvalidStateError, run, sleep, spawn } from 'genlet';
import { activeChildren, BaseManager, Manager, Pipe, Process } from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/manager-tasks.ts';

vi.setConfig({ testTimeout: 60_000 });
watchHub();

let programs: ChildProcess[] = [];

afterEach(() => {
  for (const child of activeChildren()) child.kill();
  for (const child of programs) child.kill('SIGKILL');
  programs = [];
});

class Tallies extends Manager {}
Tallies.register('Tally', tasks.Tally, { methods: ['add', 'pid', 'exit'] });
Tallies.register('initializedValue', tasks.initializedValue);

function* failureOf(fn: () => any): Generator<any, any, any> {
  try {
    yield* fn();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let waited = 0; waited < 5000 && isAlive(pid); waited += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return !isAlive(pid);
}

function program(mode: string) {
  const file = fileURLToPath(new URL('../fixtures/manager-program.ts', import.meta.url));
  const child = startProcess(process.execPath, [file, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  programs.push(child);
  let text = '';
  const firstLine = new Promise<string>((resolve) => {
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.split('\n')[0]!);
    });
  });
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal!)),
  );
  return { child, firstLine, ended, output: () => text.trimEnd().split('\n') };
}

describe('the proxies of a manager', () => {
  it('are arguments of processes, which write into one dict', async () => {
    await run(function* () {
      using manager = new Manager();
      const results = yield* manager.dict<number, number>();
      const children = Array.from({ length: 4 }, (_, n) => new Process(tasks.double, [results, n]));
      for (const child of children) child.start();
      for (const child of children) yield* child.join();
      expect(children.map(({ exitcode }) => exitcode)).toEqual([0, 0, 0, 0]);
      expect((yield* results.entries()).sort()).toEqual([
        [0, 0],
        [1, 2],
        [2, 4],
        [3, 6],
      ]);
    });
  });

  it('keep processes out of each other, with a key of its own and encryption too', async () => {
    await run(function* () {
      using manager = new Manager('127.0.0.1:0', { authkey: 'a key of its own', encrypt: true });
      const [counter, lock] = [yield* manager.Value(0), yield* manager.Lock()];
      const children = [1, 2].map(() => new Process(tasks.increment, [counter, lock, 50]));
      for (const child of children) child.start();
      yield* tasks.increment(counter, lock, 50);
      for (const child of children) yield* child.join();
      expect(yield* counter.get()).toBe(150);
      expect(manager.getServer().statistics().refused).toBe(0);
    });
  });

  it('go through pipes', async () => {
    await run(function* () {
      using manager = new Manager();
      const list = yield* manager.list<string>();
      const [here, there] = Pipe();
      const child = new Process(tasks.say, [there]);
      child.start();
      yield* here.send(list);
      yield* child.join();
      expect(yield* list.copy()).toEqual(['from the pipe']);
    });
  });

  it('hand on the lock of a process that was killed, and the item that it waited for', async () => {
    await run(function* () {
      using manager = new Manager();
      const [lock, events, queue] = [
        yield* manager.Lock(),
        yield* manager.list<string>(),
        yield* manager.Queue<string>(),
      ];
      const child = new Process(tasks.holdForEver, [lock, events, queue]);
      child.start();
      while ((yield* events.length()) === 0) yield* sleep(5);
      const waiting = spawn(() => lock.acquire());
      yield* sleep(20);
      expect([waiting.dead, manager.getServer().statistics().connections]).toEqual([false, 2]);
      const started = performance.now();
      child.kill();
      expect(yield* waiting).toBe(true);
      expect(performance.now() - started).toBeLessThan(1000);
      expect(lock.abandoned).toBe(true);
      yield* child.join();
      yield* queue.put('item');
      expect(yield* queue.get({ timeout: 100 })).toBe('item');
      expect(manager.getServer().statistics()).toMatchObject({ connections: 1, calls: 0 });
    });
  });
});

describe('a manager in a process of its own', () => {
  it('has the objects there, of registered classes too, and ends when it is told', async () => {
    await run(function* () {
      const manager = new Tallies();
      yield* manager.start({ initializer: tasks.initialize, args: ['a value'] });
      const tally: any = yield* manager.create('Tally', 40);
      expect(yield* tally.add(2)).toBe(42);
      const pid: number = yield* tally.pid();
      expect(pid).not.toBe(process.pid);
      expect(yield* (yield* manager.create<any>('initializedValue')).copy()).toEqual(['a value']);
      const results = yield* manager.dict<number, number>();
      const child = new Process(tasks.double, [results, 21]);
      child.start();
      yield* child.join();
      expect(yield* results.get(21)).toBe(42);
      const queue = yield* manager.Queue();
      const waiting = spawn(() => failureOf(() => queue.get()));
      yield* sleep(10);
      const { path } = manager.address!;
      expect(existsSync(path!)).toBe(true);
      expect(yield* failureOf(() => manager.start())).toBeInstanceOf(InvalidStateError);
      const started = performance.now();
      yield* manager.shutdown();
      expect(performance.now() - started).toBeLessThan(1500);
      expect(yield* waiting).toBeInstanceOf(EOFError);
      expect([isAlive(pid), existsSync(path!)]).toEqual([false, false]);
    });
  });

  it('tells why it could not start', async () => {
    await run(function* () {
      const failing = new Manager();
      const error = yield* failureOf(() => failing.start({ initializer: tasks.failToInitialize }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe('not today');
      class Local extends BaseManager {}
      Local.register('nowhere', () => new Map());
      const unknown = yield* failureOf(() => new Local().start());
      expect(unknown).toBeInstanceOf(TypeError);
      expect(unknown.message).toMatch(/can't be found by another thread or process/);
      const beyond = yield* failureOf(() => new Manager('0.0.0.0:0').start());
      expect(beyond.message).toMatch(/reaches beyond this machine/);
      while (activeChildren().length > 0) yield* sleep(10);
    });
  });

  it('fails the calls of its proxies at once when it dies', async () => {
    await run(function* () {
      const manager = new Tallies();
      yield* manager.start();
      const [queue, tally] = [yield* manager.Queue(), yield* manager.create<any>('Tally')];
      const waiting = spawn(() => failureOf(() => queue.get()));
      yield* sleep(5);
      const started = performance.now();
      const exiting = yield* failureOf(() => tally.exit());
      expect(performance.now() - started).toBeLessThan(1000);
      expect([exiting, yield* waiting]).toEqual([expect.any(EOFError), expect.any(EOFError)]);
      expect(yield* failureOf(() => queue.qsize())).toBeInstanceOf(EOFError);
      yield* manager.shutdown();
    });
  });

  it('ends with the process that started it, even if that is killed', async () => {
    const { child, firstLine } = program('orphan');
    const pid = Number(await firstLine);
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });
});

describe('a program with a manager that nobody has ended', () => {
  it('ends by itself, and leaves no socket', async () => {
    const { ended, output } = program('plain');
    expect(await ended).toBe(0);
    const [result, place] = output();
    expect(result).toBe('[[1,2],[2,4]] 0,0');
    const [path, existed] = place!.split(' ');
    expect([existed, existsSync(path!)]).toEqual(['true', false]);
  });
});
