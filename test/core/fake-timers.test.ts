import { run, sleep } from 'genlet';
import { expect, it, vi } from 'vitest';

it('greenlets run while a test has replaced the timers', { timeout: 5000 }, async () => {
  vi.useFakeTimers();
  const seen: string[] = [];
  const main = run(function* () {
    seen.push('begun');
    yield* sleep(1);
    seen.push('slept');
  });
  await main;
  vi.useRealTimers();
  expect(seen).toEqual(['begun', 'slept']);
});

it('and afterwards', { timeout: 5000 }, async () => {
  vi.useFakeTimers();
  const main = run(function* () {
    yield* sleep(10);
    return 'slept';
  });
  vi.useRealTimers();
  expect(await main).toBe('slept');
});
