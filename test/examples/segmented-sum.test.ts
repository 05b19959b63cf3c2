import { expect, it } from 'vitest';
import { play, textOf } from './play.ts';

it('adds up both halves', async () => {
  const lines = await play(() => import('../../examples/segmented-sum.ts'));
  expect(textOf(lines)).toEqual([
    'from 0 to 499999: 124999750000',
    'from 500000 to 999999: 374999750000',
    'in all: 499999500000',
  ]);
});
