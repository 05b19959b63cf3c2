import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startSource } = exampleRunner();
const SLOW = { timeout: 60_000 };

/** Runs an example to its end, which must be a good one, and gives its lines. */
async function linesOf(name: string, ...options: string[]): Promise<string[]> {
  const program = startSource(name, ...options);
  expect([await program.ended(), program.stderr]).toEqual([0, '']);
  return program.lines;
}

it('sells one ticket many times without a lock, and once with one', SLOW, async () => {
  const lines = await linesOf('ticket-office', '--processes', '2');
  expect(lines).toEqual([
    '100 clients in 2 processes, 1 ticket',
    expect.stringMatching(/^without a lock: \d+ sold$/),
    'with a lock: 1 sold',
  ]);
  expect(Number(/\d+/.exec(lines[1]!)![0])).toBeGreaterThan(1);
});

it('has three processes print at once without a lock, and in turn with one', SLOW, async () => {
  const lines = await linesOf('print-lock');
  const names = ['one', 'three', 'two'];
  const [first, second] = [lines.slice(1, 7), lines.slice(8)];
  expect([lines[0], lines[7], lines.length]).toEqual(['without a lock:', 'with a lock:', 14]);
  expect(first.slice(0, 3).sort()).toEqual(names.map((name) => `${name} is running`));
  expect(first.slice(3).sort()).toEqual(names.map((name) => `${name} is done`));
  const order = [0, 2, 4].map((at) => second[at]!.split(' ')[0]!);
  expect([...order].sort()).toEqual(names);
  expect(second).toEqual(order.flatMap((name) => [`${name} is running`, `${name} is done`]));
});

it('shows the lives of processes', SLOW, async () => {
  const lines = await linesOf('process-lifecycle');
  const pids = [...new Set(lines.map((line) => /pid (\d+)/.exec(line)?.[1]).filter((pid) => pid !== undefined))];
  expect(lines.map((line) => line.replace(/pid \d+/, 'pid N'))).toEqual([
    'quick: pid undefined, not alive, exit code undefined',
    'quick: pid N, alive, exit code undefined',
    'countdown: 3',
    'countdown: 2',
    'countdown: 1',
    'countdown: pid N, not alive, exit code 0',
    'quick: pid N, not alive, exit code 0',
    'failing: pid N, not alive, exit code 1',
    'slow: pid N, alive, exit code undefined',
    'slow: pid N, not alive, exit code -15',
    'left: watcher',
    'watcher: ended with the program',
  ]);
  expect(pids).toHaveLength(4);
});

it('sends objects through a pipe, there and back, until it is closed', SLOW, async () => {
  expect(await linesOf('pipe')).toEqual([
    "parent: the other end is the child's now: true",
    'parent: an answer at once: false',
    'parent: an answer in time: true',
    "parent: { echo: 'are you there?' }",
    'parent: { echo: [ 1, 2, 3 ] }',
    "parent: { echo: Map(1) { 'key' => { of: 'a map' } } }",
    'parent: { echo: 1970-01-01T00:00:00.000Z }',
    'parent: { echo: undefined }',
    'child: the parent has closed its end',
    'parent: the child ended with 0',
  ]);
});

it('has processes fill one dict', SLOW, async () => {
  expect(await linesOf('manager-dict', '--processes', '3')).toEqual(['0: 0, 1: 2, 2: 4']);
});

it('serves objects over TCP to who has the key, and nothing to others', SLOW, async () => {
  expect(await linesOf('remote-manager')).toEqual([
    'the stranger was refused: refused this authkey',
    'the stranger was refused: refused this authkey',
    'refused: 1 by the manager, 1 by the listener',
    'the colleague has worked off 3 tasks',
    'asked: what is the answer?',
    'the colleague heard that the answer is 42',
    '1 squared is 1',
    '2 squared is 4',
    '3 squared is 9',
  ]);
});
