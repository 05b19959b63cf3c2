import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

it('hands control to and fro', async () => {
  const program = startExample('switch');
  expect(await program.ended()).toBe(0);
  expect(program.lines).toEqual(['Egon: eat 1', 'Egon: play 1', 'Egon: eat 2', 'Egon: play 2']);
  expect(program.stderr).toBe('');
});
