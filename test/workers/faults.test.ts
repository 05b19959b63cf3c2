/**
 * What can go wrong, in one table. Each row settles with the right error within the time that it names, all goes on that is
 * to go on, and no process, thread, socket or file is left.
 */
import { spawn as startProgram } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AuthenticationError,
  all,
  type Coroutine,
  EOFError,
  run,
  sleep,
  spawn,
  UncloneableError,
  until,
  WorkerDied,
  withTimeout,
} from 'genlet';
import { createConnection, type Socket } from 'genlet/io';
import { Client, Listener, Lock, Manager, Pipe, Pool, Process, shared, ThreadPool, WorkerHub } from 'genlet/workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caught } from '../support/caught.ts';
import { watchHub } from '../support/hub.ts';
import * as tasks from './fixtures/fault-tasks.ts';
import { garbage, hugeFrame } from './fixtures/process-tasks.ts';

const { takeReports } = watchHub();

const SECOND = 1000;
/** How much later a row may settle where all cores are busy. */
const ALLOWANCE = 4 * SECOND;
const GRACE = 100;

// All files that genlet makes, here and in the programs, are in a folder of this test.
const { TMPDIR } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'faults-'));
beforeAll(() => {
  process.env.TMPDIR = folder;
});
afterAll(() => {
  process.env.TMPDIR = TMPDIR;
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  rmSync(folder, { recursive: true });
});

const hasProc = existsSync('/proc/self/task');

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  } catch {
    return undefined; // it has ended
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What may be left behind, as far as the system tells. */
function census() {
  const processes = hasProc ? readdirSync('/proc').map(Number) : [];
  return {
    children: processes.filter((pid) => pid > 0 && parentOf(pid) === process.pid),
    threads: hasProc ? readdirSync('/proc/self/task').length : 0,
    files: readdirSync(folder),
    handles: process
      .getActiveResourcesInfo()
      .filter((kind) => !/Timeout|Immediate|Tick/.test(kind))
      .sort(),
  };
}

/** When it happened, and when all that it concerns had settled. */
class Fault {
  #happened = Number.NaN;
  took = Number.NaN;

  happens(): void {
    this.#happened = performance.now();
  }

  isSettled(): void {
    this.took = performance.now() - this.#happened;
  }
}

function row(what: string, within: number, body: (fault: Fault) => Coroutine<void>): void {
  it(`${what}: settled within ${within} ms`, { timeout: 60_000 }, async () => {
    const before = census();
    const fault = new Fault();
    await run(() => body(fault));
    expect(fault.took).toBeLessThan(within + ALLOWANCE);
    await expect.poll(census, { timeout: 10_000 }).toEqual(before);
  });
}

const pools = {
  thread: () => {
    const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
    return new ThreadPool(1, { grace: GRACE, resourceLimits });
  },
  process: () => new Pool(1, { grace: GRACE }),
};

describe.each(['thread', 'process'] as const)('in a job in a %s', (kind) => {
  row('process.exit()', SECOND, function* (fault) {
    using pool = pools[kind]();
    yield* pool.apply(tasks.inc, [1]);
    fault.happens();
    const exiting = pool.applyAsync(tasks.exit, [7]);
    const others = [1, 2, 3].map((n) => pool.applyAsync(tasks.inc, [n]));
    const error = yield* caught(exiting);
    fault.isSettled();
    expect(error).toBeInstanceOf(WorkerDied);
    expect([error.code, error.exitCode]).toEqual(['GENLET_WORKER_DIED', 7]);
    expect(error.message).toMatch(/-1 ended with exit code 7 while it ran exit/);
    expect(yield* all(others)).toEqual([2, 3, 4]);
    expect(pool.stats().deaths).toBe(1);
  });

  row('an endless loop', GRACE + SECOND, function* (fault) {
    using pool = pools[kind]();
    yield* pool.apply(tasks.inc, [1]);
    fault.happens();
    expect(yield* withTimeout(20, () => pool.apply(tasks.hang), { value: 'time is up' })).toBe('time is up');
    while (pool.stats().running > 0) yield* sleep(5);
    fault.isSettled();
    expect(yield* pool.apply(tasks.inc, [1])).toBe(2);
  });

  row('a result that cannot be cloned', SECOND, function* (fault) {
    using pool = pools[kind]();
    yield* pool.apply(tasks.inc, [1]);
    fault.happens();
    const returning = pool.applyAsync(tasks.uncloneable);
    const other = pool.applyAsync(tasks.inc, [1]);
    const error = yield* caught(returning);
    fault.isSettled();
    expect(error).toBeInstanceOf(UncloneableError);
    expect(error.path).toBe('result.items[3].callback');
    expect(error.message).toBe("result.items[3].callback: callback can't be cloned");
    expect([yield* other, pool.stats().deaths]).toEqual([2, 0]);
  });

  row('a rejection after the return', SECOND, function* (fault) {
    using pool = pools[kind]();
    expect(yield* pool.apply(tasks.rejectLater)).toBe('returned');
    fault.happens();
    while (pool.stats().deaths === 0) yield* sleep(5);
    fault.isSettled();
    expect(yield* pool.apply(tasks.inc, [1])).toBe(2);
    const reports = yield* until(takeReports());
    // A process has said it on its standard error.
    expect(reports.map(({ error }) => String(error))).toEqual(kind === 'thread' ? ['Error: nobody cares'] : []);
  });

  row('the heap limit', 10 * SECOND, function* (fault) {
    const { NODE_OPTIONS } = process.env;
    process.env.NODE_OPTIONS = `${NODE_OPTIONS ?? ''} --max-old-space-size=40`;
    using pool = pools[kind]();
    yield* pool.apply(tasks.inc, [1]);
    process.env.NODE_OPTIONS = NODE_OPTIONS;
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
    fault.happens(); // it has to fill the heap first
    const error = yield* caught(pool.apply(tasks.hoard));
    fault.isSettled();
    expect(error).toBeInstanceOf(WorkerDied);
    if (kind === 'thread') expect(error.cause.code).toBe('ERR_WORKER_OUT_OF_MEMORY');
    else expect(error.exitCode).toBe(-constants.signals.SIGABRT);
    expect(yield* pool.apply(tasks.inc, [1])).toBe(2);
  });
});

describe('in a job in a thread', () => {
  row('process.abort()', SECOND, function* (fault) {
    using pool = pools.thread();
    yield* pool.apply(tasks.inc, [1]);
    fault.happens();
    const error = yield* caught(pool.apply(tasks.abort));
    fault.isSettled();
    expect(error.code).toBe('ERR_WORKER_UNSUPPORTED_OPERATION'); // Node sees to it
    expect(yield* pool.apply(tasks.inc, [1])).toBe(2);
  });
});

describe('in a job in a process', () => {
  for (const [what, signal] of [
    ['process.abort()', 'SIGABRT'],
    ['SIGKILL', 'SIGKILL'],
  ] as const) {
    row(what, SECOND, function* (fault) {
      using pool = pools.process();
      yield* pool.apply(tasks.inc, [1]);
      fault.happens();
      const dying = signal === 'SIGABRT' ? pool.applyAsync(tasks.abort) : pool.applyAsync(tasks.die, [signal]);
      const other = pool.applyAsync(tasks.inc, [1]);
      const error = yield* caught(dying);
      fault.isSettled();
      expect(error).toBeInstanceOf(WorkerDied);
      expect(error.exitCode).toBe(-constants.signals[signal]);
      expect(yield* other).toBe(2);
    });
  }
});

describe('a lock whose owner is lost', () => {
  row('a thread that was terminated', GRACE + SECOND, function* (fault) {
    const lock = new shared.Lock();
    const held = new shared.Event();
    using workers = new WorkerHub({ size: 1, grace: GRACE });
    const owner = workers.spawn(tasks.hangWithLock, lock, held);
    yield* held.wait();
    const waiting = spawn(() => lock.acquire());
    yield* sleep(0);
    fault.happens();
    yield* owner.kill();
    expect(yield* waiting).toBe(true);
    fault.isSettled();
    expect(lock.abandoned).toBe(true);
    lock.release();
    expect(yield* lock.acquire({ block: false })).toBe(true);
    expect(lock.abandoned).toBe(false);
    lock.release();
  });

  row('a process that was killed by SIGKILL', SECOND, function* (fault) {
    const lock = new Lock();
    const [here, there] = Pipe();
    const owner = new Process(tasks.waitWithLock, [lock, there]);
    owner.start();
    yield* here.recv();
    const waiting = spawn(() => lock.acquire());
    yield* sleep(0);
    fault.happens();
    owner.kill();
    expect(yield* waiting).toBe(true);
    const error = yield* caught(here.recv());
    fault.isSettled();
    expect(error).toBeInstanceOf(EOFError);
    yield* owner.join();
    expect(owner.exitcode).toBe(-constants.signals.SIGKILL);
    lock.release();
    here.close();
  });
});

describe('a program with threads, processes and a manager', () => {
  for (const signal of ['SIGKILL', 'SIGABRT'] as const) {
    const how = signal === 'SIGKILL' ? 'that is killed by SIGKILL' : 'of which a thread aborts';
    row(how, 2 * SECOND, function* (fault) {
      const file = fileURLToPath(new URL('./fixtures/fault-program.ts', import.meta.url));
      const stdio = ['ignore', 'pipe', 'ignore'] as const;
      const program = startProgram(process.execPath, [file], { stdio: [...stdio] });
      try {
        const ended = once(program, 'exit');
        const [line] = yield* until(once(program.stdout!, 'data'));
        const pids: number[] = JSON.parse(line);
        expect([pids.length, pids.filter(isAlive).length]).toEqual([4, 4]);
        fault.happens();
        program.kill(signal === 'SIGKILL' ? 'SIGKILL' : 'SIGUSR2');
        expect((yield* until(ended))[1]).toBe(signal);
        while (pids.some(isAlive) || readdirSync(folder).length > 0) yield* sleep(10);
        fault.isSettled();
      } finally {
        program.kill('SIGKILL');
      }
    });
  }
});

describe('at a Listener', () => {
  const authkey = 'a long secret';
  const frame = (bytes: Uint8Array) => {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(bytes.length);
    return Buffer.concat([header, bytes]);
  };
  const gibibyte = Buffer.from([0, 0, 0, 64, 1, 2, 3]);

  /** What happens at a listener that goes on working, as a client sees that does right. */
  function* beside(body: (listener: Listener) => Coroutine<void>) {
    using listener = new Listener(undefined, { authkey });
    yield* listener.start();
    yield* body(listener);
    using client = yield* Client(listener.address, { authkey });
    using server = yield* listener.accept();
    yield* client.send('goes on');
    expect(yield* server.recv()).toBe('goes on');
  }

  /** Reads until the other side ends the connection. */
  function* untilCutOff(socket: Socket) {
    try {
      while ((yield* socket.recv()).length > 0);
    } catch (error) {
      if ((error as { code: string }).code !== 'ECONNRESET') throw error;
    }
  }

  row('a wrong authkey', SECOND, function* (fault) {
    yield* beside(function* (listener) {
      fault.happens();
      const error = yield* caught(Client(listener.address, { authkey: 'another secret' }));
      fault.isSettled();
      expect(error).toBeInstanceOf(AuthenticationError);
      expect([error.message, listener.refused]).toEqual([`${listener.address} refused this authkey`, 1]);
    });
  });

  row('a wrong authkey, for a manager', SECOND, function* (fault) {
    using manager = new Manager(undefined, { authkey });
    const list = yield* manager.list([1]);
    fault.happens();
    const error = yield* caught(Manager.connect(manager.address!, { authkey: 'another secret' }));
    fault.isSettled();
    expect(error).toBeInstanceOf(AuthenticationError);
    using other = yield* Manager.connect(manager.address!, { authkey });
    expect([yield* (yield* other.list([2])).length(), yield* list.length()]).toEqual([1, 1]);
  });

  for (const [what, attack] of [
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['1 GiB that is announced', gibibyte],
  ] as const) {
    row(`${what} of a stranger`, SECOND, function* (fault) {
      yield* beside(function* (listener) {
        using socket = yield* createConnection(listener.address);
        fault.happens();
        yield* socket.sendall(attack);
        yield* untilCutOff(socket);
        fault.isSettled();
        expect(listener.refused).toBe(1);
      });
    });
  }

  for (const [what, attack, message] of [
    ['garbage', frame(Buffer.from([40])), 'unknown kind 40'],
    ['1 GiB that is announced', gibibyte, '1073741824 bytes'],
  ] as const) {
    row(`${what} of a peer that has the key`, SECOND, function* (fault) {
      yield* beside(function* (listener) {
        using socket = yield* createConnection(listener.address);
        const theirs = (yield* socket.recvExactly(45)).subarray(4);
        const mine = Buffer.concat([Buffer.from('genlet1\n'), Buffer.of(0), randomBytes(32)]);
        const proof = createHmac('sha256', authkey).update('genlet client\n').update(mine).update(theirs).digest();
        yield* socket.sendall(Buffer.concat([frame(mine), frame(proof)]));
        yield* socket.recvExactly(36);
        const connection = yield* listener.accept();
        const before = process.memoryUsage.rss();
        fault.happens();
        yield* socket.sendall(attack);
        const error = yield* caught(connection.recv());
        connection.close();
        yield* untilCutOff(socket);
        fault.isSettled();
        expect(error.message).toContain(message);
        expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000);
      });
    });
  }
});

describe('at the link to a process', () => {
  row('garbage', SECOND, function* (fault) {
    const [here, there] = Pipe();
    const child = new Process(garbage, [there]);
    child.start();
    yield* here.recv();
    fault.happens();
    const error = yield* caught(here.recv());
    fault.isSettled();
    expect(error).toBeInstanceOf(EOFError);
    expect(error.message).toContain('sent what is no frame of genlet');
    yield* child.join();
    expect(child.exitcode).toBe(1);
    here.close();
  });

  row('1 GiB that is announced', SECOND, function* (fault) {
    const [here, there] = Pipe();
    const child = new Process(hugeFrame, [there]);
    child.start();
    yield* here.recv();
    const before = process.memoryUsage.rss();
    fault.happens();
    const error = yield* caught(here.recv());
    fault.isSettled();
    expect(error).toBeInstanceOf(EOFError);
    yield* child.join();
    expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000);
    here.close();
  });
});
