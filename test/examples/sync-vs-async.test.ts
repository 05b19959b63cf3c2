import { expect, it } from 'vitest';
import { play } from './play.ts';

const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

it('takes as long as ten tasks, then as long as one', async () => {
  expect(await play(() => import('../../examples/sync-vs-async.ts'))).toEqual([
    ...numbers.map((n) => [500 * n, `task ${n} is done`]),
    [5000, 'one by one: 5.0 s'],
    ...numbers.map((n) => [5500, `task ${n} is done`]),
    [5500, 'together: 0.5 s'],
  ]);
});
