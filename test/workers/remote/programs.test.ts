import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { joinall, run } from 'genlet';
import { shared, WorkerHub } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';

const program = fileURLToPath(new URL('../fixtures/remote-program.ts', import.meta.url));
const execute = promisify(execFile);
watchHub();

async function start(...args: string[]): Promise<string[]> {
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', program, ...args], { timeout: 50_000 });
  return stdout.trim().split('\n');
}

describe('a program with a WorkerHub', { timeout: 60_000 }, () => {
  it('ends by itself when nothing is outstanding, whatever its workers have open', async () => {
    expect(await start()).toEqual(['hello from the worker', '42', 'ended']);
  });

  it('ends when the hub was closed', async () => {
    expect(await start('close')).toEqual(['hello from the worker', '42', 'ended']);
  });
});

it('gives shared objects to its jobs as they are', { timeout: 60_000 }, async () => {
  using hub = new WorkerHub({ size: 2 });
  const url = new URL('../fixtures/remote-program-tasks.ts', import.meta.url);
  const tasks = hub.module<typeof import('../fixtures/remote-program-tasks.ts')>(url);
  await run(function* () {
    const lock = new shared.Lock();
    const value = new shared.Value('i32', 0);
    const jobs = [1, 2, 3, 4].map(() => hub.spawn(tasks.addUnderLock, lock, value, 25));
    yield* joinall(jobs, { raiseError: true });
    expect(value.value).toBe(100);
  });
});
