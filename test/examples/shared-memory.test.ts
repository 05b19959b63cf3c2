import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

it('loses no count in memory that threads share', { timeout: 60_000 }, async () => {
  const program = startExample('shared-memory');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines).toEqual(['the total is 1000', 'each counted 250, 250, 250, 250']);
});
