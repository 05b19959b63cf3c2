/** When a program that shares ends, and how many threads it can have. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { shared } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { makeWords, Space } from '../../../src/workers/shared/space.ts';

const tsx = createRequire(import.meta.url).resolve('tsx/cli');
const program = fileURLToPath(new URL('../fixtures/shared-program.ts', import.meta.url));

describe.concurrent('a program', () => {
  it.each([
    ['stays while it waits for another thread', 'waits', 'waited true\n'],
    ['gets a LoopExit when no other thread is left', 'alone', 'error true\n'],
    ['ends when it waits for nothing', 'idle', 'took true\n'],
  ])('%s', { timeout: 30_000 }, async (_, mode, printed) => {
    const { stdout } = await promisify(execFile)(process.execPath, [tsx, program, mode], { timeout: 25_000 });
    expect(stdout).toBe(printed);
  });
});

it('says so when there are more threads than can share', () => {
  const full = makeWords(2048).fill(7);
  expect(() => Space.of(full.buffer)).toThrow(`${shared.MAX_THREADS} threads use shared objects already`);
});
