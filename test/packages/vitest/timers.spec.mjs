import timers from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, vi } from 'vitest';
import { it } from './it.mjs';

vi.setConfig({ testTimeout: 1500 });

describe('fake timers', () => {
  const real = { setTimeout, setInterval, setImmediate, clearTimeout, Date };
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
  afterEach(() => void vi.useRealTimers());

  it('stand still until they are told', () => {
    const seen = [];
    setTimeout((what) => seen.push(what, Date.now()), 1000, 'timeout');
    const interval = setInterval(() => seen.push('interval'), 400);
    setImmediate(() => seen.push('immediate'));
    expect(seen).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(seen).toEqual(['immediate', 'interval', 'interval', 'timeout', 1_001_000]);
    clearInterval(interval);
    expect(vi.getTimerCount()).toBe(0);
  });
  it('advance with promises', async () => {
    const seen = [];
    const done = (async () => {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10_000));
        seen.push(i);
      }
    })();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(seen).toEqual([0, 1]);
    await vi.runAllTimersAsync();
    await done;
    expect(seen).toEqual([0, 1, 2]);
  });
  it('can be cleared, asked, refreshed', () => {
    const fn = vi.fn();
    const timer = setTimeout(fn, 10);
    expect(timer.hasRef()).toBe(true);
    timer.unref().refresh();
    clearTimeout(timer);
    vi.runAllTimers();
    expect(fn).not.toHaveBeenCalled();
  });
  it('give way to the real ones', async () => {
    vi.useRealTimers();
    for (const [name, fn] of Object.entries(real)) expect(globalThis[name]).toBe(fn);
    expect(setTimeout).toBe(timers.setTimeout);
    await delay(1);
    await promisify(setTimeout)(1);
  });
});

it('real timers run', async () => {
  const began = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(Date.now() - began).toBeGreaterThanOrEqual(4);
  expect(await promisify(setTimeout)(1, 'value')).toBe('value');
  expect(await promisify(setImmediate)('now')).toBe('now');
});
