/** gevent's test__timeout. */
import { type Coroutine, Event, sleep, Timeout, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { outcomeOf } from './gevent-waits.ts';

watchHub();

const forEver = () => new Event().wait();

/** What ends a wait of its own accord, and when. */
function* interrupted(): Coroutine<{ error: unknown; at: number }> {
  const outcome = yield* outcomeOf(forEver);
  return { error: (outcome as { error: unknown }).error, at: hub.now() };
}

describe('a Timeout that is thrown by hand', () => {
  it('is not pending: no limit, never started', () => {
    let caught: unknown;
    try {
      throw new Timeout();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(Timeout);
    expect((caught as Timeout).pending).toBe(false);
  });

  it('is the object that was made', () => {
    const limit = new Timeout(10);
    let caught: unknown;
    try {
      throw limit;
    } catch (error) {
      caught = error;
    }
    expect([caught === limit, limit.pending]).toEqual([true, false]);
  });
});

describe('a Timeout that expires', () => {
  it('throws itself, and again after another start', () =>
    virtually(function* () {
      const limit = new Timeout(10);
      for (const at of [10, 20]) {
        limit.start();
        const { error, at: when } = yield* interrupted();
        expect([error === limit, when, limit.pending]).toEqual([true, at, false]);
      }
      limit.close();
    }));

  it('has no silent form: false for an error is refused', () => {
    expect(() => new Timeout(10, false as never)).toThrow(
      new TypeError('error is false: give an Error, an Error class or a message'),
    );
  });

  it('has the message that was given', () =>
    virtually(function* () {
      const limit = new Timeout(10, 'XXX');
      for (const at of [10, 20]) {
        limit.start();
        const { error, at: when } = yield* interrupted();
        expect([error === limit, String(error), when]).toEqual([true, 'Timeout: XXX', at]);
      }
      limit.close();
    }));

  it('must have an error to throw: another object is refused at once', () => {
    class NoError {}
    for (const wrong of [{}, new NoError(), 5, null]) {
      expect(() => new Timeout(10, wrong as never)).toThrow(TypeError);
      expect(() => Timeout.startNew(10, wrong as never)).toThrow(
        /^error is .*: give an Error, an Error class or a message$/,
      );
    }
  });

  it('must have an error to throw: a class of other objects is refused at once', () => {
    class NoError {}
    for (const wrong of [NoError, () => new Error('arrow')]) {
      expect(() => new Timeout(10, wrong as never)).toThrow(
        /^error is .*: give an Error, an Error class or a message$/,
      );
    }
  });
});

describe('a Timeout that is used', () => {
  it('is thrown out of the block', () =>
    virtually(function* () {
      let limit: Timeout | undefined;
      const outcome = yield* outcomeOf(function* () {
        using own = Timeout.startNew(10);
        limit = own;
        yield* forEver();
      });
      expect([(outcome as { error: unknown }).error === limit, hub.now(), limit!.pending]).toEqual([true, 10, false]);
    }));

  it('is swallowed by withTimeout, which gives its value instead', () =>
    virtually(function* () {
      expect(yield* withTimeout(10, forEver, { value: undefined })).toBe(undefined);
      expect(hub.now()).toBe(10);
    }));

  it('is thrown out of the block with its message', () =>
    virtually(function* () {
      const outcome = yield* outcomeOf(function* () {
        using _limit = Timeout.startNew(10, 'XXX');
        yield* forEver();
      });
      expect(String((outcome as { error: unknown }).error)).toBe('Timeout: XXX');
    }));

  it('is never thrown once it was cancelled', () =>
    virtually(function* () {
      const limit = new Timeout(10);
      limit.start();
      expect(limit.pending).toBe(true);
      limit.cancel();
      yield* sleep(20);
      expect([limit.pending, hub.stats().timers]).toEqual([false, 0]);
      limit.close();
    }));
});

describe('withTimeout', () => {
  it('throws a Timeout when time is up and no value was given', () =>
    virtually(function* () {
      const outcome = yield* outcomeOf(() => withTimeout(10, () => sleep(20)));
      expect(outcome).toEqual({ error: expect.any(Timeout) });
      expect([hub.now(), hub.stats().timers]).toEqual([10, 0]);
    }));

  it('gives the value when time is up, and else what the function gives', () =>
    virtually(function* () {
      const value = Symbol('too late');
      expect(yield* withTimeout(10, () => sleep(20), { value })).toBe(value);
      expect(hub.now()).toBe(10);
      expect(yield* withTimeout(20, () => sleep(10), { value })).toBe(undefined);
      expect([hub.now(), hub.stats().timers]).toEqual([20, 0]);
    }));

  it('leaves the Timeout of somebody else to him', () =>
    virtually(function* () {
      using outer = Timeout.startNew(10);
      const outcome = yield* outcomeOf(() => withTimeout(20, () => sleep(30), { value: 'inner' }));
      expect([(outcome as { error: unknown }).error === outer, hub.now(), hub.stats().timers]).toEqual([true, 10, 0]);
    }));
});
