import { expect, it } from 'vitest';
import { play, textOf } from './play.ts';

it('counts wrong without a lock, and right with one', async () => {
  const lines = await play(() => import('../../examples/lost-update.ts'));
  expect(textOf(lines)).toEqual(['without a lock: 1', 'with a lock: 100']);
});
