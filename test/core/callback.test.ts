import { getcurrent, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

describe('hub callbacks', () => {
  it('share one queue with the greenlets, first in, first out', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      spawn(() => events.push('greenlet 1'));
      hub.callSoon(() => events.push('callback 1'));
      spawn(() => events.push('greenlet 2'));
      hub.callSoon((...args) => events.push(args), 'callback', 2);
      hub.callSoonThreadsafe(() => events.push('callback 3'));
      yield* sleep(0);
      events.push('main');
    });
    expect(events).toEqual(['greenlet 1', 'callback 1', 'greenlet 2', ['callback', 2], 'callback 3', 'main']);
  });

  it('are called outside any greenlet, later than the call', async () => {
    const events: unknown[] = [];
    hub.callSoon(() => events.push(getcurrent()));
    events.push('made');
    await nextTurn();
    expect(events).toEqual(['made', undefined]);
  });

  it('are called after a delay, or at a time of the hub’s clock', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      yield* sleep(100);
      const note = (name: string) => events.push([name, hub.now()]);
      hub.callAt(150, note, 'at');
      hub.callLater(20, note, 'later');
      hub.callAt(50, note, 'past');
      hub.callLater(50, note, 'same time');
      yield* sleep(1000);
    });
    expect(events).toEqual([
      ['past', 100],
      ['later', 120],
      ['at', 150],
      ['same time', 150],
    ]);
  });

  it('can be cancelled until they are called', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const soon = hub.callSoon(() => events.push('soon'));
      const later = hub.callLater(10, () => events.push('later'));
      const due = hub.callLater(20, () => events.push('due'));
      const called = hub.callSoon(() => events.push('called'));
      hub.callLater(20, () => due.cancel());
      soon.cancel();
      later.cancel();
      yield* sleep(20);
      called.cancel();
      expect([soon.cancelled, later.cancelled, called.cancelled]).toEqual([true, true, false]);
    });
    expect(events).toEqual(['called', 'due']);
  });

  it('can cancel one another in the same millisecond', async () => {
    const events: string[] = [];
    await virtually(function* () {
      hub.callLater(20, () => second.cancel());
      const second = hub.callLater(20, () => events.push('second'));
      yield* sleep(50);
      expect(second.cancelled).toBe(true);
    });
    expect(events).toEqual([]);
  });

  it('report their errors, and do not stop the others', async () => {
    const error = new Error('callback');
    const events: string[] = [];
    await virtually(function* () {
      hub.callSoon(() => {
        throw error;
      });
      hub.callSoon(() => events.push('other'));
      yield* sleep(0);
    });
    expect(events).toEqual(['other']);
    expect(await takeReports()).toEqual([{ error, greenlet: undefined, context: 'hub callback' }]);
  });

  it('refuse what can’t be called, and times that are none', () => {
    expect(() => hub.callSoon(undefined as never)).toThrow('callback is undefined');
    expect(() => hub.callLater(-1, () => {})).toThrow(RangeError);
    expect(() => hub.callLater(Number.NaN, () => {})).toThrow(RangeError);
    expect(() => hub.callAt(Number.NaN, () => {})).toThrow(RangeError);
  });
});

describe('hub.runForever', () => {
  it('runs callbacks that schedule each other until stop()', async () => {
    const events: number[] = [];
    const tick = (n: number) => {
      events.push(n);
      if (n === 7) hub.stop();
      else hub.callLater(1, tick, (n % 3) + 1 + (events.length > 5 ? 6 : 0));
    };
    hub.callSoon(tick, 1);
    await hub.runForever();
    expect(events).toEqual([1, 2, 3, 1, 2, 3, 7]);
  });

  it('runs once at a time, and again after stop(); stop() alone does nothing', async () => {
    hub.stop();
    const first = hub.runForever();
    expect(() => hub.runForever()).toThrow(expect.objectContaining({ code: 'GENLET_INVALID_STATE' }));
    hub.stop();
    await first;
    const second = hub.runForever();
    hub.stop();
    await second;
  });
});

it.each(['callSoon', 'callSoonThreadsafe'] as const)(
  '%s refuses a coroutine function, which could not suspend',
  (call) => {
    expect(() => hub[call](function* () {} as never)).toThrow(
      new TypeError("callback is a coroutine function, which can't suspend there: spawn it"),
    );
  },
);
