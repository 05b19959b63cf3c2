import { expect, it } from 'vitest';
import { play } from './play.ts';

it('passes an item in each of five rounds', async () => {
  const rounds = [1, 2, 3, 4, 5];
  expect(await play(() => import('../../examples/semaphore-handoff.ts'))).toEqual(
    rounds.flatMap((n) => [
      [1000 * (n - 1), 'waiting'],
      [1000 * n, `produced ${n * n}`],
      [1000 * n, `consumed ${n * n}`],
    ]),
  );
});
