import { InvalidStateError, run, sleep, spawn, UncloneableError, wait } from 'genlet';
import { activeChildren, cpuCount, currentProcess, Pipe, Process, Queue } from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/process-tasks.ts';

vi.setConfig({ testTimeout: 40_000 });
watchHub();

afterEach(() => {
  for (const child of activeChildren()) child.kill();
});

/** Runs the function in a process of its own, with our end of a pipe and what else it is given. */
function started(target: (...args: any[]) => unknown, ...rest: unknown[]) {
  const [here, there] = Pipe();
  const child = new Process(target, [there, ...rest]);
  child.start();
  return { child, here };
}

/** Runs it to its end, with what it printed to stderr. */
function* exitOf(target: (...args: any[]) => unknown, ...args: unknown[]) {
  const child = new Process(target, args);
  child.start();
  yield* child.join();
  return child.exitcode;
}

describe('a Process', () => {
  it('lives from its start to its end', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const child = new Process(tasks.whoami, [there, 1, ['two'], new Map([[3, { four: new Date(4) }]])], {
        name: 'Otto',
      });
      expect([child.pid, child.exitcode, child.isAlive(), child.ready()]).toEqual([undefined, undefined, false, false]);
      child.start();
      const { pid } = child;
      expect([child.name, child.exitcode, child.isAlive(), child.daemon]).toEqual(['Otto', undefined, true, false]);
      expect(activeChildren()).toEqual([child]);
      expect(yield* here.recv()).toEqual({
        name: 'Otto',
        same: true,
        pid,
        daemon: false,
        alive: true,
        rest: [1, ['two'], new Map([[3, { four: new Date(4) }]])],
      });
      yield* child.join();
      expect([child.pid, child.exitcode, child.isAlive(), child.ready()]).toEqual([pid, 0, false, true]);
      expect(activeChildren()).toEqual([]);
      yield* child.join();
      yield* child.join(0);
      child.terminate();
      child.kill();
    });
  });

  it('runs plain and async functions, too', async () => {
    await run(function* () {
      expect(yield* exitOf(tasks.plain, 3)).toBe(3);
      const queue = new Queue<string>();
      expect(yield* exitOf(tasks.later, queue)).toBe(0);
      expect(yield* queue.get()).toBe('async');
    });
  });

  it('may be a subclass with a run() of its own, whose public fields go along', async () => {
    await run(function* () {
      const [here, there] = Pipe();
      const greeter = new tasks.Greeter('Bob', there);
      greeter.greeting = 'good evening';
      greeter.start();
      expect(yield* here.recv()).toEqual(['good evening', 'Bob', 'greeter of Bob', true, true]);
      yield* greeter.join();
      expect(greeter.exitcode).toBe(0);
    });
  });

  it('ends with the exit code that says why', async () => {
    await run(function* () {
      const ends = [
        spawn(exitOf, tasks.fails),
        spawn(exitOf, tasks.throwsText),
        spawn(exitOf, tasks.exits, 7),
        spawn(exitOf, tasks.aborts),
      ];
      yield* wait(ends);
      expect(ends.map(({ value }) => value)).toEqual([1, 1, 7, -6]);
    });
  });

  it('is found to be impossible before anything is started', async () => {
    const queue = new Queue();
    expect(() => new Process(tasks.unmarked).start()).toThrow("unmarked can't be found by another thread or process");
    expect(() => new Process(tasks.echo, [{ inner: [() => {}] }]).start()).toThrow(UncloneableError);
    expect(() => new Process(tasks.echo, [{ inner: [() => {}] }]).start()).toThrow('args[0].inner[0]');
    expect(() => new (class extends Process {})().start()).toThrow("can't be found");
    expect(() => new Process(5 as never)).toThrow('target is 5');
    expect(() => new Process(tasks.echo, 5 as never)).toThrow('args is 5');
    expect(() => new Process(tasks.echo, [], { name: 5 as never })).toThrow('name is 5');
    expect(() => new Process(tasks.echo, [], { daemon: 1 as never })).toThrow('daemon is 1');
    expect(() => new Process(tasks.echo, [], 5 as never)).toThrow('options is 5');
    const unstarted = new Process(tasks.echo);
    for (const call of ['join', 'terminate', 'kill', 'rawlink'] as const) {
      expect(() => unstarted[call](undefined as never)).toThrow('was not started: call start()');
    }
    expect(() => unstarted.sentinel).toThrow(InvalidStateError);
    expect(() => unstarted.join(-1)).toThrow('timeout is -1');
    expect(() => currentProcess().join()).toThrow('would wait for its own end');
    expect(activeChildren()).toEqual([]);
    queue.close();
  });

  it('says what it can not do over there: find the function, or import its module', async () => {
    await run(function* () {
      expect(yield* exitOf(tasks.misnamed)).toBe(1);
    });
  });

  it('counts its names, and knows its properties before the start only', async () => {
    await run(function* () {
      const first = Number(/^Process-(\d+)$/.exec(new Process(tasks.echo).name)![1]);
      const child = new Process(tasks.fails);
      expect(child.name).toBe(`Process-${first + 1}`);
      child.name = 'renamed';
      child.daemon = true;
      expect(String(child)).toBe('Process renamed');
      child.start();
      expect(() => child.start()).toThrow('Process renamed was started already: it can be started once');
      expect(() => {
        child.name = 'late';
      }).toThrow('before the start only');
      expect(() => {
        child.daemon = false;
      }).toThrow('before the start only');
      child.kill();
      yield* child.join();
    });
  });

  it('is waited for with a time limit, by many, and by wait()', async () => {
    await run(function* () {
      const { child, here } = started(tasks.sleeps);
      const other = started(tasks.echo);
      yield* here.recv();
      const before = performance.now();
      yield* child.join(30);
      expect(performance.now() - before).toBeGreaterThan(25);
      expect(child.isAlive()).toBe(true);
      const killed = spawn(() => child.join());
      const joiners = [spawn(() => child.join()), spawn(() => wait([child.sentinel])), spawn(() => child.join(60_000))];
      yield* sleep(0);
      yield* killed.kill();
      expect(yield* wait([child, other.child], { timeout: 5 })).toEqual([]);
      child.terminate();
      expect(yield* wait([child, other.child], { count: 1 })).toEqual([child]);
      yield* wait(joiners);
      expect(child.sentinel).toBe(child.sentinel);
      expect(yield* wait([child.sentinel, child])).toEqual([child.sentinel, child]);
      other.here.close();
      yield* other.child.join();
      expect(other.child.exitcode).toBe(0);
    });
  });

  it('calls links in the hub, once, and takes them back', async () => {
    await run(function* () {
      const { child, here } = started(tasks.echo);
      const calls: unknown[] = [];
      const link = () => calls.push('never');
      child.rawlink((process) => calls.push(process === child));
      child.rawlink(link);
      child.unlink(link);
      here.close();
      yield* child.join();
      child.rawlink((process) => calls.push(process.exitcode));
      yield* sleep(0);
      expect(calls).toEqual([true, 0]);
    });
  });
});

describe('terminate()', () => {
  it('kills the main greenlet, whose finally blocks run, and the exit code tells of SIGTERM', async () => {
    await run(function* () {
      const { child, here } = started(tasks.sleeps);
      expect(yield* here.recv()).toBe('ready');
      child.terminate();
      child.terminate();
      expect(yield* here.recv()).toBe('finally');
      yield* child.join();
      expect(child.exitcode).toBe(-15);
    });
  });

  it('leaves finally blocks the time that they need', async () => {
    await run(function* () {
      const { child, here } = started(tasks.slowEnd);
      yield* here.recv();
      child.terminate();
      yield* child.join();
      expect(child.exitcode).toBe(-15);
    });
  });

  it('ends a process that never comes by its event loop, after a second', async () => {
    await run(function* () {
      const { child, here } = started(tasks.busy);
      yield* here.recv();
      yield* sleep(100);
      child.terminate();
      yield* child.join(500);
      expect(child.isAlive()).toBe(true);
      yield* child.join();
      expect(child.exitcode).toBe(-9);
    });
  });

  it('leaves SIGTERM to a program that listens for it', async () => {
    await run(function* () {
      const { child, here } = started(tasks.deaf);
      yield* here.recv();
      child.terminate();
      expect(yield* here.recv()).toBe('heard');
      yield* child.join(1500);
      expect(child.isAlive()).toBe(true);
      child.kill();
      yield* child.join();
      expect(child.exitcode).toBe(-9);
    });
  });

  it('may come before the process knows what to do', async () => {
    await run(function* () {
      const { child } = started(tasks.sleeps);
      child.terminate();
      yield* child.join();
      expect(child.exitcode).toBe(-15);
    });
  });
});

describe('processes of a process', () => {
  it('are named after it, and end when it is killed', async () => {
    await run(function* () {
      const { child, here } = started(tasks.grandparent);
      const [name, pid] = yield* here.recv();
      expect(name).toBe(`${child.name}:1`);
      expect(alive(pid)).toBe(true);
      child.kill();
      yield* child.join();
      expect(child.exitcode).toBe(-9);
      yield* sleep(0);
      for (let left = 100; alive(pid) && left > 0; left--) yield* sleep(50);
      expect(alive(pid)).toBe(false);
    });
  });
});

describe('the main process', () => {
  it('is known as such', () => {
    const me = currentProcess();
    expect(currentProcess()).toBe(me);
    expect([me.name, me.pid, me.isAlive(), me.daemon, me.exitcode]).toEqual([
      'MainProcess',
      process.pid,
      true,
      false,
      undefined,
    ]);
    expect(activeChildren()).toEqual([]);
    expect(cpuCount()).toBeGreaterThanOrEqual(1);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
