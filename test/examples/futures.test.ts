import { expect, it } from 'vitest';
import { play } from './play.ts';

it('calls each callback once, after a result, an error and a cancellation', async () => {
  expect(await play(() => import('../../examples/futures.ts'))).toEqual([
    [0, 'the third is done: CancelledError: the future was cancelled'],
    [3000, 'the sum is done: 5050'],
    [3000, 'main has the sum: 5050'],
    [4000, 'the factorial is done: RangeError: 100! is too large'],
    [4000, 'main has no factorial: 100! is too large'],
  ]);
});
