import { expect, it } from 'vitest';
import { play } from './play.ts';

it('ends the daemon when the worker is done, and runs its finally', async () => {
  expect(await play(() => import('../../examples/daemon.ts'))).toEqual([
    [0, 'daemon: beat 1'],
    [0, 'worker: begins'],
    [1000, 'daemon: beat 2'],
    [2000, 'daemon: beat 3'],
    [3000, 'daemon: beat 4'],
    [3500, 'worker: is done'],
    [3500, 'daemon: tidied up'],
  ]);
});
