import { expect, it } from 'vitest';
import { play, textOf } from './play.ts';

it('has ten items consumed in order, each before the next is produced', async () => {
  const lines = await play(() => import('../../examples/primed-consumer.ts'));
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect(textOf(lines)).toEqual([
    ...numbers.flatMap((n) => [`produced ${n}`, `consumed ${n}`]),
    'the consumer is closed',
  ]);
});
