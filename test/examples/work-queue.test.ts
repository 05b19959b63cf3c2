import { expect, it } from 'vitest';
import { play } from './play.ts';

it('shares the work out among three workers, and gives results in both orders', async () => {
  const work = (begin: number) => [
    [begin + 300, 'worker-1 measured owl'],
    [begin + 400, 'worker-3 measured wren'],
    [begin + 800, 'worker-1 measured robin'],
    [begin + 900, 'worker-2 measured goldfinch'],
    [begin + 1100, 'worker-1 measured jay'],
    [begin + 1400, 'worker-3 measured kingfisher'],
  ];
  expect(await play(() => import('../../examples/work-queue.ts'))).toEqual([
    ...work(0),
    [1400, 'in order: owl 3, goldfinch 9, wren 4, robin 5, kingfisher 10, jay 3'],
    ...work(1400),
    [2800, 'as they came: owl 3, wren 4, robin 5, goldfinch 9, jay 3, kingfisher 10'],
  ]);
});
