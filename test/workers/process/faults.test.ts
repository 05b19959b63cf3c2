/** What goes wrong with processes: each case settles in the time it says, and leaves no process. */
import { type ChildProcess, spawn as startProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EOFError, run, sleep, spawn } from 'genlet';
import { activeChildren, Lock, Pipe, Process, Queue } from 'genlet/workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/process-tasks.ts';

vi.setConfig({ testTimeout: 60_000 });
watchHub();

let programs: ChildProcess[] = [];

afterEach(() => {
  for (const child of activeChildren()) child.kill();
  for (const child of programs) child.kill('SIGKILL');
  programs = [];
});

/** A main program of the fixtures: what it prints, and the numbers of its processes by name. */
function start(mode: string, onLine: (line: string) => void = () => {}) {
  const file = fileURLToPath(new URL('../fixtures/process-program.ts', import.meta.url));
  const child = startProcess(process.execPath, [file, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  programs.push(child);
  const lines: string[] = [];
  const pids = new Map<string, number>();
  let rest = '';
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    for (const line of parts) {
      const [, name, pid] = /^(.*) (\d+)$/.exec(line) ?? [];
      if (pid !== undefined) pids.set(name!, Number(pid));
      else lines.push(line);
      onLine(line);
    }
  });
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal!)),
  );
  return { child, lines, pids, ended };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a child', () => {
  it.each(['exits', 'aborts', 'kill'] as const)(
    'that ends by %s wakes all who wait for it or through it',
    async (how) => {
      await run(function* () {
        const [here, there] = Pipe();
        const target = { exits: tasks.exits, aborts: tasks.aborts, kill: tasks.sleeps }[how];
        const child = new Process(target, how === 'exits' ? [5] : [there]);
        const [near, far] = Pipe();
        const other = new Process(tasks.echo, [how === 'exits' ? there : far]); // has nothing to do with it
        child.start();
        if (how === 'kill') {
          yield* here.recv();
          child.kill();
        }
        yield* child.join();
        expect(child.exitcode).toBe({ exits: 5, aborts: -6, kill: -9 }[how]);
        if (how !== 'exits') {
          expect(yield* caught(here.recv({ timeout: 1000 }))).toBeInstanceOf(EOFError);
          expect(String(yield* caught(here.recv()))).toContain(`${child} has ended`);
        }
        near.close();
        here.close();
        expect(other.isAlive()).toBe(false);
      });
    },
  );

  it('that is killed in the middle of traffic leaves queue and lock in order', async () => {
    await run(function* () {
      const queue = new Queue<number>(5);
      const lock = new Lock();
      const child = new Process(tasks.increment, [lock, queue, 1_000_000]);
      yield* queue.put(0);
      child.start();
      yield* sleep(0);
      while ((yield* lock.locked()) === false) yield* sleep(1);
      child.kill();
      yield* child.join();
      const mine = spawn(() => lock.acquire({ timeout: 5000 }));
      expect(yield* mine).toBe(true);
      lock.release();
      yield* queue.put(-1);
      while (!(yield* queue.empty())) yield* queue.get();
      expect(yield* queue.qsize()).toBe(0);
    });
  });
});

describe('a main program', () => {
  it('that gets Ctrl-C ends with all its processes, whose finally blocks run', async () => {
    const { child, lines, pids } = start('orphans');
    await expect
      .poll(() => [...pids.keys()].sort(), { timeout: 30_000 })
      .toEqual(['child', 'parent', "parent's child"]);
    for (const pid of [child.pid!, ...pids.values()]) process.kill(pid, 'SIGINT');
    await expect.poll(() => [...pids.values()].filter(alive), { timeout: 5000 }).toEqual([]);
    expect(lines).toContain('child is done');
    expect(lines).toContain('parent is done');
  });

  it('waits for its processes, and ends its daemons', async () => {
    const { lines, pids, ended } = start('daemon');
    expect(await ended).toBe(0);
    expect(lines).toContain('main is done: 2 children');
    expect(lines.indexOf('main is done: 2 children')).toBeLessThan(lines.indexOf('brief is done'));
    expect(lines.slice(-2)).toEqual(['daemon is killed by SIGTERM', 'daemon is done']);
    expect(lines.indexOf('brief is done')).toBeLessThan(lines.indexOf('daemon is done'));
    expect([...pids.values()].filter(alive)).toEqual([]);
  });
});

it('keeps no descriptor of a process that has ended', async () => {
  const pipes = () => process.getActiveResourcesInfo().filter((name) => /Pipe|Process/.test(name)).length;
  const before = pipes();
  await run(function* () {
    const child = new Process(tasks.plain, [0]);
    child.start();
    yield* child.join();
    yield* sleep(50);
  });
  expect(pipes()).toBe(before);
});
