import { Greenlet, getcurrent, getHub, run, sleep, spawn, spawnLater, spawnNow } from 'genlet';
import { describe, expect, it } from 'vitest';
import { nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

describe('spawn', () => {
  it('never runs the function synchronously, and starts greenlets in the order of spawning', async () => {
    const events: string[] = [];
    await virtually(function* () {
      for (const name of ['a', 'b', 'c']) spawn(() => events.push(name));
      events.push('spawned');
      yield* sleep(0);
      events.push('main');
    });
    expect(events).toEqual(['spawned', 'a', 'b', 'c', 'main']);
  });

  it('starts a child after what is queued already, and after an earlier sleep(0)', async () => {
    const events: string[] = [];
    await virtually(function* () {
      spawn(function* () {
        events.push('first');
        spawn(() => events.push('child of first'));
        yield* sleep(0);
        events.push('first again');
      });
      spawn(() => events.push('second'));
      yield* sleep(1);
    });
    expect(events).toEqual(['first', 'second', 'child of first', 'first again']);
  });

  it('may be called outside any greenlet', async () => {
    const events: unknown[] = [];
    const greenlet = spawn(function* () {
      events.push('began');
      yield* sleep(0);
      return 'value';
    });
    events.push('spawned');
    events.push(await greenlet);
    expect(events).toEqual(['spawned', 'began', 'value']);
  });

  it('passes arguments on, none, one or many', async () => {
    const show = (...args: unknown[]) => args;
    const greenlets = [spawn(show), spawn(show, 1), spawn(show, [1]), spawn(show, undefined), spawn(show, 1, 2, 3)];
    expect(await Promise.all(greenlets)).toEqual([[], [1], [[1]], [undefined], [1, 2, 3]]);
  });

  it('runs coroutine functions, plain functions, async functions, and functions that return an operation', async () => {
    await virtually(function* () {
      const started = getHub().now();
      const greenlets = [
        spawn(function* (n: number) {
          yield* sleep(1);
          return n;
        }, 1),
        spawn((n: number) => n, 2),
        spawn(async (n: number) => n, 3),
        spawn(sleep, 5000),
        spawn(() => spawn(() => 4)),
        spawn(Promise.resolve.bind(Promise), 5),
      ];
      const values: unknown[] = [];
      for (const greenlet of greenlets) values.push(yield* greenlet.get());
      expect(values).toEqual([1, 2, 3, undefined, 4, 5]);
      expect(getHub().now() - started).toBe(5000);
    });
  });

  it('gives a plain iterable that a function returns as it is', async () => {
    const map = new Map([[1, 2]]);
    expect(await spawn(() => 'text')).toBe('text');
    expect(await spawn(() => map)).toBe(map);
  });

  it('takes the error of a plain or async function as the greenlet’s', async () => {
    const error = new Error('no');
    const sync = spawn(() => {
      throw error;
    });
    const results = await Promise.allSettled([sync, spawn(() => Promise.reject(error))]);
    expect(results).toEqual([1, 2].map(() => ({ status: 'rejected', reason: error })));
  });

  it('calls methods that are bound', async () => {
    class Counter {
      count = 1;
      *next() {
        yield* sleep(0);
        return ++this.count;
      }
    }
    const counter = new Counter();
    expect(await spawn(counter.next.bind(counter))).toBe(2);
  });

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, '5'],
    ['name', "'name'"],
    [{}, '{}'],
    [(function* () {})(), 'Object [Generator] {}; pass the function and its arguments, not its call'],
    [sleep(5), 'Sleep'],
  ])('refuses %s at once, and names it', (target: any, text) => {
    const shown = text.split('; ');
    for (const call of [
      () => spawn(target),
      () => spawnNow(target),
      () => spawnLater(1, target),
      () => Greenlet.spawn(target),
      () => run(target),
    ]) {
      expect(call).toThrow(TypeError);
      for (const part of shown) expect(call).toThrow(part);
    }
  });
});

describe('spawnNow', () => {
  it('runs the child until it first blocks, then goes on', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const child = spawnNow(function* () {
        events.push('child');
        yield* sleep(0);
        events.push('child again');
      });
      events.push('parent');
      yield* child;
    });
    expect(events).toEqual(['child', 'parent', 'child again']);
  });

  it('knows who is current, inside and afterwards', async () => {
    await virtually(function* () {
      const me = getcurrent();
      const seen: unknown[] = [];
      const child = spawnNow(() => void seen.push(getcurrent()));
      seen.push(getcurrent());
      expect(seen[0]).toBe(child);
      expect(seen[1]).toBe(me);
    });
  });

  it('schedules where there is no greenlet', async () => {
    const events: string[] = [];
    const greenlet = spawnNow(() => events.push('child'));
    events.push('outside');
    await greenlet;
    getHub().callSoon(() => {
      spawnNow(() => events.push('child of a callback'));
      events.push('callback');
    });
    await nextTurn();
    expect(events).toEqual(['outside', 'child', 'callback', 'child of a callback']);
  });

  it('does not throw the child’s error into the parent', async () => {
    const error = new Error('child');
    await virtually(function* () {
      const child = spawnNow(() => {
        throw error;
      });
      expect(child.exception).toBe(error);
      yield* sleep(0);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('nests as deeply as memory allows', async () => {
    let deepest = 0;
    function* descend(level: number): Generator<any, void, any> {
      deepest = level;
      if (level < 20_000) spawnNow(descend, level + 1);
      yield* sleep(1);
    }
    await virtually(function* () {
      yield* spawnNow(descend, 1);
      yield* sleep(20_000);
    });
    expect(deepest).toBe(20_000);
  });
});

describe('spawnLater', () => {
  it('starts after the delay, in the order of the delays', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const note = (name: string) => events.push([name, getHub().now()]);
      spawnLater(30, note, 'c');
      spawnLater(10, note, 'a');
      spawnLater(20, note, 'b');
      spawn(note, 'now');
      yield* sleep(100);
    });
    expect(events).toEqual([
      ['now', 0],
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ]);
  });

  it('can be killed before it starts, which frees its timer', async () => {
    await virtually(function* () {
      const greenlet = spawnLater(1000, () => expect.fail('ran'));
      expect([greenlet.started, greenlet.dead, getHub().stats().timers]).toEqual([true, false, 1]);
      greenlet.kill();
      expect([greenlet.started, greenlet.dead, getHub().stats().timers]).toEqual([false, true, 0]);
    });
  });

  it.each([-1, Number.NaN])('refuses a delay of %s', (ms) => {
    expect(() => spawnLater(ms, () => {})).toThrow(new RangeError(`delay is ${ms}: give milliseconds, 0 or more`));
  });
});
