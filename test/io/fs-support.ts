/** What the tests of files share: a folder that goes away, and a look at the descriptors that are left open. */
import { execFileSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coroutine, type Greenlet, type Operation, run, spawn } from 'genlet';
import { afterEach, beforeEach, expect } from 'vitest';
import { hub, nextTurn } from '../support/hub.ts';
import { untilBlocked } from './support.ts';

let folder = '';

/** A path in the folder of the test. */
export const at = (name: string): string => join(folder, name);

/** Gives each test of the file a folder; afterwards no descriptor in it is open, and nobody waits for anything outside. */
export function useFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'genlet-test-'));
  });
  afterEach(async () => {
    await untilClosed();
    expect(hub.outside).toBe(0);
    rmSync(folder, { recursive: true });
  });
}

/** The files of the folder that this process has open. */
export function openFiles(): string[] {
  return descriptors().filter((path) => path.startsWith(folder));
}

/** Closing goes on in the background. */
export async function untilClosed(): Promise<void> {
  const end = performance.now() + 5000;
  while (performance.now() < end && openFiles().length > 0) await nextTurn();
  expect(openFiles()).toEqual([]);
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

export function makeFifo(name: string): string {
  execFileSync('mkfifo', [at(name)]);
  return at(name);
}

/** Runs `main` while all of Node's threads are busy: what it asks of the system begins when `main` has ended. */
export async function withBusyThreads<T>(main: () => Coroutine<T>): Promise<T> {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  let left = threads;
  const free = new Promise<void>((resolve) => {
    const done = () => void (--left === 0 && resolve());
    for (let i = 0; i < threads; i++) pbkdf2('a', 'b', 60_000, 32, 'sha512', done);
  });
  await nextTurn(); // the threads have begun
  const result = await run(main);
  expect(left, 'threads that were busy to the end').toBe(threads);
  await free;
  await nextTurn();
  return result;
}

/** Runs `fn` in a greenlet, and kills it when it is blocked. */
export function* killBlocked(fn: () => Operation<unknown>): Coroutine<Greenlet<unknown>> {
  const greenlet = spawn(fn);
  yield* untilBlocked(greenlet);
  yield* greenlet.kill();
  return greenlet;
}
