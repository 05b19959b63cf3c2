import { expect, it } from 'vitest';
import { play } from './play.ts';

it('takes turns once a second, and stops in time', async () => {
  expect(await play(() => import('../../examples/call-later.ts'))).toEqual([
    [0, '1'],
    [1000, '2'],
    [2000, '3'],
    [3000, '1'],
    [4000, '2'],
    [5000, '3'],
    [6000, '1'],
    [7000, '2'],
    [8000, '3'],
    [8000, 'stopped'],
  ]);
});
