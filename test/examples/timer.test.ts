import { expect, it } from 'vitest';
import { play } from './play.ts';

it('fires the timer that was not cancelled, and no other', async () => {
  expect(await play(() => import('../../examples/timer.ts'))).toEqual([
    [1000, 'no coffee, please'],
    [3000, 'the tea is ready'],
  ]);
});
