import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinall, type Operation, run, spawn as spawnHere, UncloneableError, WorkerDied } from 'genlet';
import { Queue } from 'genlet/workers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProcessLink } from '../../../src/workers/process/process-link.ts';
import { type Referable, referenceTo } from '../../../src/workers/reference.ts';
import { RemoteGreenlet } from '../../../src/workers/remote/remote-greenlet.ts';
import { WorkerPool } from '../../../src/workers/remote/worker-pool.ts';
import { caught } from '../../support/caught.ts';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/process-pool-tasks.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 20_000 });
watchHub();

const pids = new Set<number>();
let pool: WorkerPool;
const targets = new Map<Referable, any>();

beforeEach(() => {
  targets.clear();
  pool = new WorkerPool({
    name: 'pool',
    size: 2,
    idleTimeout: undefined,
    recycleJobs: Infinity,
    recycleAge: Infinity,
    grace: 200,
    concurrency: Infinity,
    open: (name, events) =>
      new ProcessLink(
        { name, concurrency: Infinity, init: undefined, teardown: undefined, program: undefined },
        events,
      ),
  });
});

afterEach(async () => {
  await run(() => pool.terminate());
});

function spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): RemoteGreenlet<any> {
  let target = targets.get(fn);
  if (target === undefined) {
    target = { index: targets.size, reference: referenceTo(fn), fn, average: -1 };
    targets.set(fn, target);
  }
  const job = new RemoteGreenlet<any>(pool, target, args);
  pool.submit(job);
  return job;
}

function* failureOf(call: Operation<any>): Generator<any, any, any> {
  try {
    yield* call;
  } catch (error) {
    return error;
  }
}

it('runs jobs in processes of their own, by name', async () => {
  await run(function* () {
    const jobs = Array.from({ length: 100 }, (_, i) => spawn(tasks.square, i));
    const whos = [spawn(tasks.who), spawn(tasks.who)];
    yield* joinall(jobs);
    expect(jobs.map(({ value }) => value)).toEqual(Array.from({ length: 100 }, (_, i) => i * i));
    for (const who of whos) {
      const [name, pid] = yield* who;
      expect(name).toMatch(/^pool/);
      expect(pid).not.toBe(process.pid);
      pids.add(pid);
    }
    const queue = new Queue<unknown>();
    yield* spawn(tasks.put, queue, { through: 'a queue' });
    expect(yield* queue.get()).toEqual({ through: 'a queue' });
  });
});

it('passes errors on, and refuses what can not be sent', async () => {
  await run(function* () {
    const error = yield* caught(spawn(tasks.fails));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'boom', code: 'BOOM' });
    expect(yield* caught(spawn(tasks.slowly, 1, () => {}))).toBeInstanceOf(UncloneableError);
    expect(yield* spawn(tasks.slowly, 1, 'works on')).toBe('works on');
  });
});

it.each([
  ['exits', tasks.exits],
  ['is killed', tasks.dies],
])('fails the job in which its process %s, begins none of the others twice, and goes on', async (_how, end) => {
  const folder = mkdtempSync(join(tmpdir(), 'genlet-test-'));
  const file = join(folder, 'notes');
  try {
    await run(function* () {
      yield* spawn(tasks.square, 1);
      const notes = Array.from({ length: 200 }, (_, i) => spawn(tasks.note, file, i));
      const exits = spawn(end);
      const more = Array.from({ length: 200 }, (_, i) => spawn(tasks.note, file, 200 + i));
      const failures = [...notes, ...more].map((job) => spawnHere(() => failureOf(job)));
      expect(yield* caught(exits)).toBeInstanceOf(WorkerDied);
      const done: number[] = [];
      for (const [i, failure] of failures.entries()) {
        const error = yield* failure;
        if (error === undefined) done.push(i);
        else expect(error).toBeInstanceOf(WorkerDied);
      }
      const begun = readFileSync(file, 'utf8').trim().split('\n').map(Number);
      expect(new Set(begun).size).toBe(begun.length);
      expect(done.every((i) => begun.includes(i))).toBe(true);
      expect(begun).toHaveLength(400);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('kills a job that waits, and the process of one that hangs', async () => {
  await run(function* () {
    const waiting = spawn(tasks.slowly, 60_000, 1);
    yield* spawn(tasks.square, 1);
    yield* waiting.kill();
    expect(waiting.successful()).toBe(true);
    const hanging = spawn(tasks.hangs);
    yield* spawn(tasks.square, 2);
    const before = performance.now();
    yield* hanging.kill();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(yield* spawn(tasks.square, 3)).toBe(9);
  });
});

it('leaves no process', async () => {
  const alive = () =>
    [...pids].filter((pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
  await expect.poll(alive, { timeout: 5000 }).toEqual([]);
});
