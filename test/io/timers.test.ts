import { joinall, sleep, spawn } from 'genlet';
import { timers } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

describe('timers.interval', () => {
  it('beats in step with its making, however long the steps take', () =>
    virtually(function* () {
      using beats = timers.interval(10);
      const times = [];
      for (const pause of [0, 3, 9, 0]) {
        const { value } = yield* beats.next();
        times.push([value, hub.now()]);
        yield* sleep(pause);
      }
      expect(times).toEqual([
        [1, 10],
        [2, 20],
        [3, 30],
        [4, 40],
      ]);
    }));

  it('passes over the beats that nobody waited for, but for the last', () =>
    virtually(function* () {
      using beats = timers.interval(10);
      yield* sleep(35);
      expect([yield* beats.next(), hub.now()]).toEqual([{ done: false, value: 3 }, 35]);
      expect([yield* beats.next(), hub.now()]).toEqual([{ done: false, value: 4 }, 40]);
    }));

  it('ends when it is closed, also for those who wait', () =>
    virtually(function* () {
      const beats = timers.interval(10);
      const waiters = [1, 2].map(() => spawn(() => beats.next()));
      yield* sleep(3);
      beats.close();
      beats.close();
      yield* joinall(waiters);
      const end = { done: true, value: undefined };
      expect([waiters.map(({ value }) => value), yield* beats.next(), hub.now()]).toEqual([[end, end], end, 3]);
      expect([beats.closed, String(beats)]).toEqual([true, '<Interval of 10 ms>']);
    }));

  it('gives one beat to all who wait, and none to one that is killed', () =>
    virtually(function* () {
      using beats = timers.interval(10);
      const [killed, ...others] = [1, 2, 3].map(() => spawn(() => beats.next()));
      yield* sleep(5);
      yield* killed!.kill();
      yield* joinall(others);
      expect(others.map(({ value }) => value)).toEqual([
        { done: false, value: 1 },
        { done: false, value: 1 },
      ]);
      expect([(yield* beats.next()).value, hub.now()]).toEqual([2, 20]);
    }));

  it('refuses an interval that is none', () => {
    expect(() => timers.interval(0)).toThrow('interval is 0: give milliseconds, more than 0');
    expect(() => timers.interval(-1)).toThrow(RangeError);
    expect(() => timers.interval('5' as never)).toThrow(TypeError);
  });
});

describe('timers.setTimeout', () => {
  it('calls the function with its arguments, in a greenlet, unless it is cancelled', () =>
    virtually(function* () {
      const log: unknown[] = [];
      function* note(text: string) {
        yield* sleep(1);
        log.push([text, hub.now()]);
      }
      const late = timers.setTimeout(note, 20, 'late');
      timers.setTimeout(note, 10, 'cancelled').cancel();
      timers.setTimeout(note, undefined, 'soon');
      yield* late;
      expect(log).toEqual([
        ['soon', 1],
        ['late', 21],
      ]);
    }));
});

describe('timers.setInterval', () => {
  it('calls the function again and again, one call after the other, until it is killed', () =>
    virtually(function* () {
      const times: number[] = [];
      const ticker = timers.setInterval(
        function* (pause: number) {
          times.push(hub.now());
          if (times.length === 2) yield* sleep(pause);
        },
        10,
        25,
      );
      yield* sleep(65);
      yield* ticker.kill();
      yield* sleep(100);
      expect(times).toEqual([10, 20, 45, 50, 60]);
    }));

  it('ends with an error of the function', async () => {
    await virtually(function* () {
      const ticker = timers.setInterval(() => {
        throw new Error('enough');
      }, 10);
      yield* ticker.join();
      expect([hub.now(), ticker.exception]).toEqual([10, new Error('enough')]);
    });
    expect(await takeReports()).toHaveLength(1);
  });

  it('refuses what it can’t call, and how often', () => {
    expect(() => timers.setInterval(5 as never, 10)).toThrow(TypeError);
    expect(() => timers.setInterval(() => {}, 0)).toThrow(RangeError);
    expect(() => timers.setTimeout(() => {}, Number.NaN)).toThrow(RangeError);
  });
});
