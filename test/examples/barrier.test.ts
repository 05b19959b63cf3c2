import { expect, it } from 'vitest';
import { play } from './play.ts';

it('lets two go on at the same time, and the others at their own', async () => {
  const lines = await play(() => import('../../examples/barrier.ts'));
  expect(lines).toHaveLength(4);
  expect(lines).toEqual(
    expect.arrayContaining([
      [1000, 'early, without: after 1.0 s'],
      [2000, 'late, without: after 2.0 s'],
      [2000, 'early, with the barrier: after 2.0 s'],
      [2000, 'late, with the barrier: after 2.0 s'],
    ]),
  );
});
