/** What the ports of gevent's tests share: looking at errors, and the rules of every wait that takes a time limit. */
import { type Coroutine, type Operation, Timeout } from 'genlet';
import { expect, it } from 'vitest';
import { hub, virtually } from '../support/hub.ts';

/** The error that `body` ends with, or what it gives, so that the two can be told apart in one comparison. */
export function* outcomeOf(body: () => Operation<unknown>): Coroutine<{ value: unknown } | { error: unknown }> {
  try {
    return { value: yield* body() };
  } catch (error) {
    return { error };
  }
}

/** A wait that nobody ends, limited to `timeout` milliseconds; it clears up behind itself. */
type Wait = (timeout?: number) => Operation<unknown>;

/** Declares the tests for a wait that returns `whenOver` when its time is up. */
export function itReturnsWhenTimeIsUp(wait: Wait, whenOver: unknown): void {
  itLetsAnOuterTimeoutThrough(wait);

  it('returns when its own time is up', () =>
    virtually(function* () {
      expect(yield* wait(200)).toEqual(whenOver);
      expect([hub.now(), hub.stats().timers]).toEqual([200, 0]);
    }));
}

/** Declares the tests for a wait that throws a `Timeout` when its time is up. */
export function itThrowsWhenTimeIsUp(wait: Wait): void {
  itLetsAnOuterTimeoutThrough(wait);

  it('throws a Timeout when its own time is up', () =>
    virtually(function* () {
      expect(yield* outcomeOf(() => wait(10))).toEqual({ error: expect.any(Timeout) });
      expect([hub.now(), hub.stats().timers]).toEqual([10, 0]);
    }));

  it('takes a number for its limit, and throws the Timeout that was started around it', () =>
    virtually(function* () {
      const limit = new Timeout(10);
      const refused = (yield* outcomeOf(() => wait(limit as never))) as { error: TypeError };
      expect(refused.error).toBeInstanceOf(TypeError);
      expect(refused.error.message).toMatch(/^timeout is .*: give a number of milliseconds$/);
      limit.start();
      const outcome = yield* outcomeOf(() => wait());
      expect([(outcome as { error: unknown }).error === limit, hub.now()]).toEqual([true, 10]);
    }));

  it('throws the error of the Timeout around it', () =>
    virtually(function* () {
      const error = new RangeError('expected');
      Timeout.startNew(10, error);
      const outcome = yield* outcomeOf(() => wait());
      expect([(outcome as { error: unknown }).error === error, hub.now()]).toEqual([true, 10]);
    }));
}

function itLetsAnOuterTimeoutThrough(wait: Wait): void {
  it('lets an outer timeout through', () =>
    virtually(function* () {
      using outer = Timeout.startNew(1);
      const outcome = yield* outcomeOf(() => wait(1000));
      expect([(outcome as { error: unknown }).error === outer, hub.now()]).toEqual([true, 1]);
      expect(hub.stats().timers).toBe(0);
    }));
}
