import { getHub, run, until } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
});

it('is done with both after the time of the longer one', async () => {
  const lines: unknown[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push([getHub().now(), line]));
  // The hub keeps this clock while its main waits for the example.
  await run(() => until(import('../../examples/joinall.ts')), { clock: new VirtualClock() });
  expect(lines).toEqual([
    [0, 'Egon eats'],
    [0, 'Alex plays'],
    [2000, 'Egon has eaten'],
    [3000, 'Alex has played'],
    [3000, 'eat and play: 3 s in all'],
  ]);
});
