import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as clocks from '../../src/core/clock.ts';

let RealClock: typeof clocks.RealClock;

// It takes Node's timers when it is loaded, so it is loaded anew while they are replaced.
beforeEach(async () => {
  vi.useFakeTimers({ now: 0 });
  vi.resetModules();
  ({ RealClock } = await import('../../src/core/clock.ts'));
});
afterEach(() => void vi.useRealTimers());

/** A clock, and the times at which it woke. */
function setup() {
  const clock = new RealClock();
  const woken: number[] = [];
  const rest = (due: number, ref = true) => clock.rest(due, ref, () => void woken.push(clock.now()));
  return { clock, woken, rest };
}

describe('RealClock', () => {
  it('wakes once at the time, with one timer of Node however often it is set', () => {
    const { woken, rest } = setup();
    for (const due of [500, 400, 30, 100]) rest(due);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(29);
    expect(woken).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(woken).toEqual([30]);
  });

  it('waits for nothing when nothing is due', () => {
    const { rest } = setup();
    rest(Number.POSITIVE_INFINITY);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('wakes early rather than set the alarm anew, and never sets one that Node cannot count', () => {
    const { woken, rest } = setup();
    rest(1e15);
    vi.advanceTimersByTime(2 ** 31);
    expect(woken).toEqual([2 ** 31 - 1]);
  });
});
