import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startSource } = exampleRunner();

it('gives the same results in blocking style as by callbacks', async () => {
  const program = startSource('monkey');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  const lines = `${readFileSync('examples/monkey.ts', 'utf8').trimEnd().split('\n').length} lines`;
  expect(program.lines).toEqual([
    `readFile    ${lines}`,
    'lookup      127.0.0.1',
    'fetch       a page',
    `gunzip      ${lines}`,
    'exec        some words',
    'setTimeout  true',
    'ten sleeps took the time of one',
  ]);
});
