import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeApi } from '../scripts/api.ts';

it('is the API that docs/api.txt shows', { timeout: 60_000 }, () => {
  const committed = readFileSync('docs/api.txt', 'utf8');
  expect(describeApi(), 'if the change is meant: npm run api').toBe(committed);
});
