import { expect, it } from 'vitest';
import { play, textOf } from './play.ts';

it('has the right total, and no deadlock', async () => {
  const lines = textOf(await play(() => import('../../examples/rlock-box.ts')));
  const turns = ['added one: 1', 'removed one: 0'];
  expect(lines).toEqual([
    ...[...turns, ...turns, ...turns, ...turns], // the lock goes to the one who waits
    'added one: 1',
    'added one: 2',
    'in the box: 2',
  ]);
});
