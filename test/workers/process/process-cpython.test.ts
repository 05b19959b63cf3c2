/** Processes as CPython tests them: see test/conformance/rows-processes.md. */
import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { EOFError, run, spawn, wait } from 'genlet';
import { activeChildren, type Connection, currentProcess, Event, Pipe, Process, Queue } from 'genlet/workers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hub, virtually, watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/conformance-process-tasks.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
watchHub();

afterEach(() => {
  for (const child of activeChildren()) child.kill();
});

function started(target: (...args: any[]) => unknown, ...args: unknown[]): Process {
  const child = new Process(target, args);
  child.start();
  return child;
}

function* joinChildren(children: Process[]) {
  for (const child of children) yield* child.join();
  return children.map(({ exitcode }) => exitcode);
}

describe('a Process', () => {
  it('gets what any iterable gives as its arguments, has its name, and hands on that it is a daemon', async () => {
    await run(function* () {
      const queue = new Queue<any>(1);
      const options = { hello: 23, bye: 2.54 };
      const child = new Process(
        tasks.introduce,
        (function* () {
          yield* [queue, 1, 'text', [1], options];
        })(),
        { name: 'SomeProcess' },
      );
      expect(child.daemon).toBe(currentProcess().daemon);
      expect(new Process(tasks.introduce, [], { daemon: false }).daemon).toBe(false);
      child.daemon = true;
      expect([child.isAlive(), child.exitcode, activeChildren()]).toEqual([false, undefined, []]);
      child.start();
      expect([child.isAlive(), child.exitcode, activeChildren()]).toEqual([true, undefined, [child]]);
      expect(yield* queue.get()).toEqual({
        name: 'SomeProcess',
        pid: child.pid,
        daemon: true,
        args: [1, 'text', [1], options],
        parent: process.pid,
        heir: true,
      });
      yield* child.join();
      expect([child.isAlive(), child.exitcode, activeChildren()]).toEqual([false, 0, []]);
    });
  });

  it('is one of several, each of which its signal ends', async () => {
    await run(function* () {
      const [ready, end] = [new Event(), new Event()];
      const interrupted = started(tasks.stay, ready, end);
      const terminated = [1, 2].map(() => started(tasks.stay, new Event(), end));
      yield* terminated[0]!.join(0);
      expect(activeChildren()).toEqual([interrupted, ...terminated]);
      for (const child of terminated) child.terminate();
      yield* ready.wait();
      process.kill(interrupted.pid!, 'SIGINT');
      expect(yield* joinChildren([interrupted, ...terminated])).toEqual([-2, -15, -15]);
      expect(activeChildren()).toEqual([]);
    });
  });

  it('may start others, which start others', async () => {
    await run(function* () {
      const paths = new Queue<number[]>();
      yield* started(tasks.branch, paths, [0], 2).join();
      const seen: number[][] = [];
      while (!(yield* paths.empty())) seen.push(yield* paths.get());
      expect(seen).toEqual([[0], [0, 0], [0, 1]]);
    });
  });

  it.runIf(process.platform === 'linux')(
    'has no descriptor of ours, and not more than those that were started before it',
    async () => {
      const fds = [openSync('/dev/null', 'r')];
      while (fds.at(-1)! < 60) fds.push(openSync('/dev/null', 'r'));
      try {
        await run(function* () {
          const results = new Queue<[number, boolean]>();
          const stay = new Event();
          const children = [started(tasks.countDescriptors, results, fds.at(-1), stay)];
          const [count, isOpen] = yield* results.get();
          for (let i = 0; i < 2; i++) children.push(started(tasks.countDescriptors, results, fds.at(-1), stay));
          expect(isOpen).toBe(false);
          expect([yield* results.get(), yield* results.get()]).toEqual([
            [count, false],
            [count, false],
          ]);
          stay.set();
          expect(yield* joinChildren(children)).toEqual([0, 0, 0]);
        });
      } finally {
        for (const fd of fds) closeSync(fd);
      }
    },
  );

  it('ends after its greenlets, but for daemons, and does what it has to do at its exit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'genlet-test-'));
    try {
      await run(function* () {
        const event = new Event();
        const child = started(tasks.leaveBehind, event, join(folder, 'file'));
        yield* child.join(30_000);
        expect([child.exitcode, yield* event.isSet()]).toEqual([0, true]);
        expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('at exit');
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does without standard streams, here and there', async () => {
    const closed = new PassThrough();
    closed.destroy();
    const { stdout, stderr } = process;
    await run(function* () {
      const events = [new Event(), new Event()];
      const children: Process[] = [];
      for (const [here, there] of [
        [
          [closed, undefined],
          ['stdout', 'stderr'],
        ],
        [
          [undefined, closed],
          ['stderr', 'stdout'],
        ],
      ] as const) {
        Object.defineProperty(process, 'stdout', { value: here[0], configurable: true });
        Object.defineProperty(process, 'stderr', { value: here[1], configurable: true });
        try {
          children.push(started(tasks.breakStreams, events[children.length], ...there));
        } finally {
          Object.defineProperty(process, 'stdout', { get: () => stdout, configurable: true });
          Object.defineProperty(process, 'stderr', { get: () => stderr, configurable: true });
        }
      }
      expect(yield* joinChildren(children)).toEqual([0, 0]);
      expect([yield* events[0]!.isSet(), yield* events[1]!.isSet()]).toEqual([true, true]);
    });
  });

  it('may be a subclass that has its other end here', async () => {
    await run(function* () {
      const upperCaser = new tasks.UpperCaser();
      upperCaser.daemon = true;
      upperCaser.start();
      expect(yield* upperCaser.submit('hello')).toBe('HELLO');
      expect(yield* upperCaser.submit('world')).toBe('WORLD');
      yield* upperCaser.stop();
      yield* upperCaser.join();
      expect(upperCaser.exitcode).toBe(0);
    });
  });

  it('may use queues, processes and pools of its own', async () => {
    await run(function* () {
      const results = new Queue<unknown>();
      const child = started(tasks.nest, results);
      expect([yield* results.get(), yield* results.get()]).toEqual([true, [1, 4, 9, 16, 25, 36, 49]]);
      yield* child.join();
      expect(child.exitcode).toBe(0);
    });
  });

  it('and who waits for it go on when a signal comes', async () => {
    let heard = 0;
    const count = () => heard++;
    process.on('SIGUSR2', count);
    try {
      await run(function* () {
        const [here, there] = Pipe();
        const child = started(tasks.hearSignals, there);
        expect(yield* here.recv()).toBe('ready');
        process.kill(child.pid!, 'SIGUSR2'); // while it receives
        const receiver = spawn(() => here.recv());
        process.kill(process.pid, 'SIGUSR2'); // while we do
        yield* here.send(1234);
        expect(yield* receiver).toBe(1234);
        process.kill(child.pid!, 'SIGUSR2'); // while it sends more than fits
        for (let i = 0; i < 4; i++) expect((yield* here.recv()).equals(Buffer.alloc(1_000_000, i))).toBe(true);
        expect(yield* here.recv()).toBeGreaterThan(0);
        process.kill(process.pid, 'SIGUSR2'); // while we join
        yield* child.join();
        expect(child.exitcode).toBe(0);
      });
      expect(heard).toBeGreaterThan(0);
    } finally {
      process.off('SIGUSR2', count);
    }
  });
});

describe('wait()', () => {
  it('tells which connections have something, from fast and slow processes, until all are at their end', async () => {
    await run(function* () {
      const readers = new Set<Connection<[number, number]>>();
      const children = [0, 0, 7].map((pause) => {
        const [reader, writer] = Pipe<[number, number]>(false);
        readers.add(reader);
        return started(tasks.count, writer, pause);
      });
      const messages: [number, number][] = [];
      while (readers.size > 0) {
        for (const reader of yield* wait(readers, { count: 1 })) {
          try {
            messages.push(yield* reader.recv({ block: false }));
          } catch (error) {
            expect(error).toBeInstanceOf(EOFError);
            readers.delete(reader);
            reader.close();
          }
        }
      }
      for (const { pid } of children) {
        const own = messages.filter(([, sender]) => sender === pid).map(([number]) => number);
        expect(own).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }
      expect(messages).toHaveLength(30);
      expect(yield* joinChildren(children)).toEqual([0, 0, 0]);
    });
  });

  it('gives up when time is up, and does not take less than none', async () => {
    await virtually(function* () {
      const [one, other] = Pipe();
      expect(yield* wait([one, other], { timeout: 5000 })).toEqual([]);
      expect(hub.now()).toBe(5000);
      yield* other.send(null);
      expect(yield* wait([one, other], { timeout: 20_000, count: 1 })).toEqual([one]);
      expect(hub.now()).toBe(5000);
      expect(() => wait([one], { timeout: -1 })).toThrow('timeout is -1');
    });
  });

  it('takes the ends of processes beside connections', async () => {
    await run(function* () {
      const [one, other] = Pipe();
      const [ready, end] = [new Event(), new Event()];
      const { sentinel } = started(tasks.stay, ready, end);
      const all = [one, sentinel, other];
      expect(yield* ready.wait(30_000)).toBe(true);
      expect(yield* wait(all, { timeout: 0 })).toEqual([]);
      end.set();
      expect(yield* wait(all, { timeout: 30_000, count: 1 })).toEqual([sentinel]);
      yield* one.send(null);
      expect(new Set(yield* wait(all, { timeout: 0 }))).toEqual(new Set([sentinel, other]));
      yield* other.send(null);
      expect(new Set(yield* wait(all, { timeout: 0 }))).toEqual(new Set(all));
    });
  });
});

describe('the processes of a program', () => {
  const program = new URL('../fixtures/conformance-process-program.ts', import.meta.url);
  const results: Record<string, { stdout: string; stderr: string; code: number | string | null }> = {};

  beforeAll(async () => {
    const options = ['--stack-trace-limit=7', '--no-deprecation'];
    const runs = ['flags', 'exit codes'].map(
      (mode) =>
        new Promise<void>((resolve) => {
          const args = [...(mode === 'flags' ? options : []), fileURLToPath(program), mode];
          const child = execFile(process.execPath, args, (_, stdout, stderr) => {
            results[mode] = { stdout, stderr, code: child.exitCode ?? child.signalCode };
            resolve();
          });
        }),
    );
    await Promise.all(runs);
  });

  it('end with 1 after an error, and by the code that they give', () => {
    expect(results['exit codes']!.stdout).toBe('[1,1,1,8,0]\n');
    expect(results['exit codes']!.code).toBe(0);
  });

  it('print their errors with the whole stack before they end, whatever was thrown', () => {
    const { stderr } = results['exit codes']!;
    expect(stderr.match(/^Process .*$/gm)!.sort()).toEqual(['Process fail:', 'Process list:', 'Process text:']);
    expect(stderr).toMatch(/^RangeError: a marker\n {4}at .*fail .*conformance-process-program/m);
    expect(stderr).toContain("thrown: 'ignore this'\n");
    expect(stderr).toContain('thrown: [ 1, 2, 3 ]\n');
  });

  it("run with the program's options for Node, and their processes, too", () => {
    const options = ['--stack-trace-limit=7', '--no-deprecation'];
    expect(JSON.parse(results.flags!.stdout)).toEqual([
      [options, 7],
      [options, 7],
    ]);
  });

  it('make the things of its module anew, which leave nothing to complain about', () => {
    expect(results.flags).toMatchObject({ code: 0, stderr: '' });
  });
});
