import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

it('gets the output, talks to a process, and ends one that takes too long', async () => {
  const program = startExample('subprocess');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines).toEqual([
    'hello',
    'sorted: jay, owl, wren',
    '6 x 7 is 42',
    '12 x 12 is 144',
    'sh ended with 0',
    expect.stringMatching(/^ls \/no\/such\/folder ended with exit code \d+: ls: .*No such file or directory$/),
    'echo so far; exec sleep 60 did not end within 200 ms; it wrote: so far',
  ]);
});
