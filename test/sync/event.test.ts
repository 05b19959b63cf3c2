import { Event, getHub, iwait, run, sleep, spawn, Timeout, wait } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

watchHub();

describe('Event', () => {
  it('is down at first, and goes up and down', () => {
    const event = new Event();
    const states = [event.isSet()];
    event.set();
    event.set();
    states.push(event.isSet(), event.ready());
    event.clear();
    states.push(event.isSet(), event.ready());
    expect(states).toEqual([false, true, true, false, false]);
  });

  it('wakes all who wait with true, in the order of their calls, and not inside set()', () =>
    virtually(function* () {
      const event = new Event();
      const log: string[] = [];
      const waiters = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          log.push(`${name} ${yield* event.wait()}`);
        }),
      );
      yield* sleep(0);
      expect(event.statistics()).toEqual({ waiting: 3 });
      event.set();
      log.push('set');
      expect(event.statistics()).toEqual({ waiting: 0 });
      yield* wait(waiters);
      expect(log).toEqual(['set', 'a true', 'b true', 'c true']);
    }));

  it('wakes everyone with true even if it is cleared before they have their turn', () =>
    virtually(function* () {
      const event = new Event();
      const waiters = [spawn(() => event.wait()), spawn(() => event.wait(10))];
      yield* sleep(0);
      event.set();
      event.clear();
      const late = spawn(() => event.wait(5));
      yield* wait([...waiters, late]);
      expect([...waiters, late].map(({ value }) => value)).toEqual([true, true, false]);
    }));

  it('does not suspend a wait while it is up', () =>
    virtually(function* () {
      const event = new Event();
      event.set();
      const log: string[] = [];
      const other = spawn(() => log.push('other'));
      log.push(`${yield* event.wait()} ${yield* event.wait(0)} ${yield* event.wait(5)}`);
      yield* other.join();
      expect(log).toEqual(['true true true', 'other']);
    }));

  it('gives false when time is up, at once for a timeout of 0, and leaves no timer behind', () =>
    virtually(function* () {
      const event = new Event();
      expect(yield* event.wait(0)).toBe(false);
      expect(hub.now()).toBe(0);
      expect(yield* event.wait(25)).toBe(false);
      expect(hub.now()).toBe(25);
      const waiter = spawn(() => event.wait(1000));
      yield* sleep(1);
      event.set();
      yield* waiter;
      expect(hub.stats().timers).toBe(0);
      expect(event.statistics()).toEqual({ waiting: 0 });
    }));

  it('takes undefined and null for no limit, and rejects negative ones and NaN', () => {
    const event = new Event();
    expect(() => event.wait(-1)).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => event.wait(Number.NaN)).toThrow(RangeError);
    event.wait(null);
    event.wait(undefined);
  });

  it('loses a waiter that is killed, and no other', () =>
    virtually(function* () {
      const event = new Event();
      const waiters = [undefined, 50, undefined].map((timeout) => spawn(() => event.wait(timeout)));
      yield* sleep(0);
      yield* waiters[0]!.kill();
      yield* waiters[1]!.kill();
      expect(event.statistics()).toEqual({ waiting: 1 });
      expect(hub.stats().timers).toBe(0);
      event.set();
      expect(yield* waiters[2]!).toBe(true);
    }));

  it('lets an outer timeout through', () =>
    virtually(function* () {
      const event = new Event();
      using limit = Timeout.startNew(5);
      let caught: unknown;
      try {
        yield* event.wait(100);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBe(limit);
      expect(event.statistics()).toEqual({ waiting: 0 });
    }));

  it('is set from a hub callback and from ordinary code', async () => {
    const event = new Event();
    getHub().callSoon(() => event.set());
    expect(await run(() => event.wait())).toBe(true);
    event.clear();
    const waiting = run(() => event.wait());
    await nextTurn();
    event.set();
    expect(await waiting).toBe(true);
  });
});

describe('a link to an event', () => {
  it('fires once, in a pass of its own', () =>
    virtually(function* () {
      const event = new Event();
      const log: unknown[] = [];
      event.rawlink((source) => log.push(source === event));
      event.set();
      log.push('set');
      yield* sleep(0);
      event.clear();
      event.set();
      yield* sleep(0);
      expect(log).toEqual(['set', true]);
    }));

  it('fires in the next pass if the event is set already', () =>
    virtually(function* () {
      const event = new Event();
      const log: string[] = [];
      event.set();
      event.rawlink(() => log.push('link'));
      log.push('linked');
      yield* sleep(0);
      expect(log).toEqual(['linked', 'link']);
    }));

  it('fires although the event is cleared at once', () =>
    virtually(function* () {
      const event = new Event();
      const log: string[] = [];
      event.rawlink(() => log.push('link'));
      event.set();
      event.clear();
      event.rawlink(() => log.push('late link'));
      yield* sleep(0);
      expect(log).toEqual(['link']);
    }));

  it('can be taken back, also when it is already due', () =>
    virtually(function* () {
      const event = new Event();
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) => () => void log.push(name));
      for (const link of [one, two, three]) event.rawlink(link!);
      event.unlink(one!);
      event.unlink(() => {});
      event.set();
      event.unlink(two!);
      yield* sleep(0);
      expect(log).toEqual(['three']);
    }));

  it('must be a function', () => {
    expect(() => new Event().rawlink(5 as never)).toThrow(TypeError);
  });

  it('makes events work with wait() and iwait()', () =>
    virtually(function* () {
      const [one, two, three] = [new Event(), new Event(), new Event()];
      two.set();
      hub.callLater(10, () => one.set());
      expect(yield* wait([one, two, three], { count: 2 })).toEqual([two, one]);
      expect(yield* wait([three], { timeout: 5 })).toEqual([]);
      using ready = iwait([three, one]);
      expect((yield* ready.next()).value).toBe(one);
    }));
});
