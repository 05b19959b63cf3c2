import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

it('squares in two processes, in order, with callbacks and without', { timeout: 60_000 }, async () => {
  const program = startExample('pool-map');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines).toEqual([
    'apply: 49',
    'callback: 64',
    'applyAsync: 64',
    'map: 0, 1, 4, 9, 16, …, 9801',
    'mapAsync: ready at once? false',
    'mapAsync: 100, 121, 144',
    'imap: 100 squares in order',
    'closed and joined',
  ]);
});
