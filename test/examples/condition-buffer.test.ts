import { expect, it } from 'vitest';
import { play, textOf } from './play.ts';

it('passes on all items in order, never below none or above ten of them in the buffer', async () => {
  const lines = textOf(await play(() => import('../../examples/condition-buffer.ts')));
  const steps = lines.map((line) => /^(put|took) (\d+): (\d+) in the buffer$/.exec(line)!.slice(1));
  const numbers = Array.from({ length: 20 }, (_, index) => String(index + 1));
  const itemsOf = (call: string) => steps.filter(([made]) => made === call).map(([, item]) => item);
  expect(itemsOf('put')).toEqual(numbers);
  expect(itemsOf('took')).toEqual(numbers);

  let level = 0;
  const levels = steps.map(([call]) => (level += call === 'put' ? 1 : -1));
  expect(steps.map(([, , told]) => Number(told))).toEqual(levels);
  expect([Math.min(...levels), Math.max(...levels)]).toEqual([0, 10]); // both have had to wait
});
