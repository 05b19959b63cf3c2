/** What the tests of executors and pools share. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coroutine, type Iteration, run, sleep } from 'genlet';
import { Pool, ProcessPoolExecutor, ThreadPool, ThreadPoolExecutor } from 'genlet/workers';
import { afterEach, vi } from 'vitest';

// Workers take long to start on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

export const executors = [
  ['ThreadPoolExecutor', ThreadPoolExecutor],
  ['ProcessPoolExecutor', ProcessPoolExecutor],
] as const;

export const pools = [
  ['Pool', Pool],
  ['ThreadPool', ThreadPool],
] as const;

export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** What a call throws. */
export function thrown(call: () => unknown): any {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

/** All that is left of an iteration; errors as they are. */
export function* drain(iteration: Iteration<any>): Coroutine<any[]> {
  const items: any[] = [];
  for (;;) {
    try {
      const step = yield* iteration.next();
      if (step.done) return items;
      items.push(step.value);
    } catch (error) {
      items.push(error);
    }
  }
}

/** Waits until no call is left: those that were killed take a moment to end. */
export function* untilQuiet(pool: { stats(): { queued: number; running: number } }): Coroutine<void> {
  for (;;) {
    const { queued, running } = pool.stats();
    if (queued + running === 0) return;
    yield* sleep(1);
  }
}

/** The value of the next step. */
export function* next<T>(iteration: Iteration<T>): Coroutine<T> {
  const step = yield* iteration.next();
  if (step.done) throw new Error('it is at its end');
  return step.value;
}

/** Ends, after each test, what it has made. */
export function making(): <T extends { shutdown?(): unknown; terminate?(): void }>(made: T) => T {
  const all: { shutdown?(options?: object): unknown; terminate?(): void }[] = [];
  afterEach(async () => {
    for (const each of all.splice(0)) {
      each.terminate?.();
      const ended = each.shutdown?.({ cancelFutures: true });
      await run(() => ended as never);
    }
  });
  return (made) => {
    all.push(made);
    return made;
  };
}

/** A file into which workers write lines. */
export class LineFile {
  readonly #folder = mkdtempSync(join(tmpdir(), 'genlet-executors-'));
  readonly path = join(this.#folder, 'lines');

  constructor() {
    writeFileSync(this.path, '');
  }

  lines(): string[] {
    return readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
