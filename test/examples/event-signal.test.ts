import { expect, it } from 'vitest';
import { play } from './play.ts';

it('consumes every item, also those that come while the consumer is busy', async () => {
  expect(await play(() => import('../../examples/event-signal.ts'))).toEqual([
    [2000, 'produced soup'],
    [2000, 'consumes soup'],
    [2300, 'produced bread'],
    [2600, 'produced salad'],
    [3000, 'consumes bread and salad'],
    [4600, 'produced fish'],
    [4600, 'consumes fish'],
    [4900, 'produced rice'],
    [5200, 'produced cake'],
    [5600, 'consumes rice and cake'],
  ]);
});
