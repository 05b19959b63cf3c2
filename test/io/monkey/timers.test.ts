import timers, { setTimeout as named } from 'node:timers';
import { run, sleep, spawn, spawnNow } from 'genlet';
import { type Interval, patchTimers, type Started, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../../support/hub.ts';

watchHub();

/** The types know no values and no intervals. */
const [timeout, immediate, interval] = [
  (...args: unknown[]) => (setTimeout as any)(...args) as Started<any>,
  (...args: unknown[]) => (setImmediate as any)(...args) as Started<any>,
  (...args: unknown[]) => (setInterval as any)(...args) as Interval,
];

beforeAll(() => patchTimers());
afterAll(unpatchAll);

it('setTimeout waits on the clock of the hub, by any name', async () => {
  await virtually(function* () {
    yield* setTimeout(1000);
    expect(hub.now()).toBe(1000);
    yield* named(1000);
    yield* timers.setTimeout(1000);
    expect(hub.now()).toBe(3000);
    expect(yield* timeout(5, 'value')).toBe('value');
  });
});

it('setTimeout has begun with the call', async () => {
  await virtually(function* () {
    const timer = setTimeout(1000);
    yield* sleep(600);
    yield* timer;
    expect(hub.now()).toBe(1000);
  });
});

it('setTimeout takes what Node takes for a millisecond as one', async () => {
  await virtually(function* () {
    for (const ms of [undefined, 0, -5, Number.NaN, 0.5]) yield* timeout(ms);
    expect(hub.now()).toBe(5);
    expect(`${timeout(7)}`).toBe('<Started setTimeout(7) pending>');
  });
});

it('a kill clears the timer', async () => {
  await virtually(function* () {
    const waiter = spawnNow(() => timeout(1000));
    expect(hub.stats().timers).toBe(1);
    yield* waiter.kill();
    expect(hub.stats().timers).toBe(0);
  });
});

it('setImmediate waits for a turn of the event loop, and takes a value', async () => {
  const events: string[] = [];
  await run(function* () {
    queueMicrotask(() => events.push('microtask'));
    setImmediate(() => events.push('immediate'));
    const other = spawn(() => events.push('greenlet'));
    events.push(yield* immediate('value'));
    yield* setImmediate();
    yield* other;
  });
  expect(events.sort()).toEqual(['greenlet', 'immediate', 'microtask', 'value']);
  await virtually(function* () {
    yield* setImmediate();
    expect(hub.now()).toBe(0);
  });
});

it('setInterval gives the beats', async () => {
  await virtually(function* () {
    const beats: unknown[] = [];
    using ticks = interval(100);
    for (let beat; !(beat = yield* ticks.next()).done && beats.length < 3; ) beats.push([beat.value, hub.now()]);
    expect(beats).toEqual([
      [1, 100],
      [2, 200],
      [3, 300],
    ]);
  });
});

it('with a callback, they are those of Node', async () => {
  const events: unknown[] = [];
  await run(function* () {
    const handle = setTimeout((value: string) => events.push(value), 1, 'timeout');
    expect(handle).toHaveProperty('unref');
    clearTimeout(setTimeout(() => events.push('never'), 1));
    setImmediate((value: string) => events.push(value), 'immediate');
    let beats = 0;
    const ticker = setInterval(() => {
      events.push('beat');
      if (++beats === 3) clearInterval(ticker);
    }, 1);
    while (events.length < 5) yield* sleep(1);
    yield* sleep(5);
  });
  expect(events.sort()).toEqual(['beat', 'beat', 'beat', 'immediate', 'timeout']);
});

it('what Node refuses is refused', async () => {
  const refused: unknown[] = ['code', {}, null, true];
  const codes = (fn: (...args: unknown[]) => unknown) =>
    refused.map((value) => {
      try {
        fn(value, 1);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
      return 'none';
    });
  const expected = new Array(4).fill('ERR_INVALID_ARG_TYPE');
  await run(() => expect([codes(timeout), codes(interval)]).toEqual([expected, expected]));
  for (const fn of [timeout, interval, immediate]) {
    expect(() => fn(5)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  }
});
