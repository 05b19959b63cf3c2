import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();
const started = /^uname is process \d+, sleep is process (\d+)$/;

/** Whether there is a process with this number. */
function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('has one process ended and one running when its patience ends', async () => {
  const program = startExample('processes', '--timeout', '700');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines).toEqual([
    expect.stringMatching(started),
    '1 of 2 ended within 700 ms',
    'uname ended with 0',
    'sleep is still running',
    'uname wrote Linux',
    'sleep ended with -15',
  ]);
});

it('leaves no process behind at Ctrl-C', async () => {
  const program = startExample('processes', '--timeout', '60000');
  const [, pid] = await program.line(started);
  expect(runs(Number(pid))).toBe(true);
  program.signal('SIGINT');
  expect(await program.ended()).toBe(130);
  expect(runs(Number(pid))).toBe(false);
  expect(program.stderr).toBe('');
});
