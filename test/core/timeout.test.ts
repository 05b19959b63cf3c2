import { type Coroutine, type Greenlet, getcurrent, joinall, shield, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

/** What interrupts a body, or what it returned. */
function* outcomeOf(body: () => Coroutine<unknown>): Coroutine<unknown> {
  try {
    return yield* body();
  } catch (error) {
    return error;
  }
}

const nap = (ms = 1000) => sleep(ms) as Coroutine<void>;

describe('a Timeout', () => {
  it('throws itself at the suspension point of the greenlet that started it', async () => {
    await virtually(function* () {
      const limit = Timeout.startNew(50);
      expect(limit.pending).toBe(true);
      expect(yield* outcomeOf(nap)).toBe(limit);
      expect([limit.pending, hub.now(), `${limit}`]).toEqual([false, 50, 'Timeout: timed out after 50 ms']);
      expect(limit.stack).toContain('Timeout: timed out after 50 ms');
    });
  });

  it('is told from another one by identity, and is never lost by an inner wait', async () => {
    await virtually(function* () {
      using outer = Timeout.startNew(10);
      using inner = Timeout.startNew(30);
      expect(yield* outcomeOf(nap)).toBe(outer);
      expect(yield* outcomeOf(nap)).toBe(inner);
      expect(hub.now()).toBe(30);
      using late = Timeout.startNew(30);
      expect(yield* outcomeOf(() => withTimeout(10, nap, { value: 'inner' }) as Coroutine<unknown>)).toBe('inner');
      expect(yield* outcomeOf(() => spawn(sleep, 500).join(100) as Coroutine<unknown>)).toBe(late);
      yield* sleep(500);
    });
  });

  it('can be cancelled, and started again', async () => {
    await virtually(function* () {
      const limit = new Timeout(10);
      for (let i = 0; i < 2; i++) {
        limit.start();
        limit.cancel();
        expect([limit.pending, hub.stats().timers]).toEqual([false, 0]);
        yield* sleep(20);
      }
      limit.start();
      expect(yield* outcomeOf(nap)).toBe(limit);
      expect(hub.now()).toBe(50);
      limit.cancel();
      limit.start();
      expect(yield* outcomeOf(nap)).toBe(limit);
      expect(hub.now()).toBe(60);
    });
  });

  it('does not start twice, nor after close()', async () => {
    await virtually(function* () {
      const limit = Timeout.startNew(10);
      const invalid = expect.objectContaining({ code: 'GENLET_INVALID_STATE' });
      expect(() => limit.start()).toThrow(invalid);
      limit.close();
      expect(() => limit.start()).toThrow(invalid);
      expect(hub.stats().timers).toBe(0);
      yield* sleep(20);
    });
  });

  it('that fired and was cancelled before the greenlet noticed never arrives', async () => {
    await virtually(function* () {
      const limit = Timeout.startNew(5);
      yield* shield(function* () {
        yield* sleep(10);
        expect(limit.pending).toBe(false);
        limit.cancel();
      });
      yield* sleep(10);
    });
  });

  it('is closed by using', async () => {
    await virtually(function* () {
      {
        using _limit = Timeout.startNew(10);
        yield* sleep(1);
      }
      expect(hub.stats().timers).toBe(0);
    });
  });

  it.each([undefined, null])('of %s never fires', async (ms) => {
    await virtually(function* () {
      using limit = Timeout.startNew(ms);
      yield* sleep(1e9);
      expect([limit.pending, limit.ms]).toEqual([false, undefined]);
    });
  });

  it('of 0 fires after one poll: a sleep(0) in between survives', async () => {
    await virtually(function* () {
      using limit = Timeout.startNew(0);
      yield* sleep(0);
      expect(yield* outcomeOf(nap)).toBe(limit);
      expect(hub.now()).toBe(0);
    });
  });

  it('throws the error it was given: an object, a class, a message', async () => {
    class TooSlow extends Error {}
    const error = new Error('given');
    await virtually(function* () {
      Timeout.startNew(1, error);
      expect(yield* outcomeOf(nap)).toBe(error);
      Timeout.startNew(1, TooSlow);
      expect(yield* outcomeOf(nap)).toBeInstanceOf(TooSlow);
      const limit = Timeout.startNew(1, 'too slow');
      expect(yield* outcomeOf(nap)).toBe(limit);
      expect([limit.message, limit instanceof Error, limit.code]).toEqual(['too slow', true, 'GENLET_TIMEOUT']);
    });
  });

  it('throws what its error class throws instead, if making one fails', async () => {
    const error = new Error('constructor');
    class Broken extends Error {
      constructor() {
        super();
        throw error;
      }
    }
    await virtually(function* () {
      Timeout.startNew(1, Broken);
      expect(yield* outcomeOf(nap)).toBe(error);
    });
  });

  it('can be given to startNew instead of a duration', async () => {
    await virtually(function* () {
      const limit = new Timeout(10);
      expect(Timeout.startNew(limit)).toBe(limit);
      expect([limit.pending, Timeout.startNew(limit)]).toEqual([true, limit]);
      limit.close();
      yield* sleep(0);
    });
  });

  it('belongs to the greenlet that started it', async () => {
    await virtually(function* () {
      const other = spawn(nap, 20);
      const limit = Timeout.startNew(10);
      expect(yield* outcomeOf(() => other.join() as Coroutine<void>)).toBe(limit);
      yield* other;
      expect(hub.now()).toBe(20);
    });
  });

  it('that outlives its greenlet does nothing', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        Timeout.startNew(10);
        yield* sleep(1);
        return 'value';
      });
      yield* greenlet;
      yield* sleep(50);
      expect([greenlet.value, greenlet.exception]).toEqual(['value', undefined]);
    });
  });

  it('fires in the middle of a finally, too', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        const limit = Timeout.startNew(10);
        try {
          yield* sleep(1000);
        } finally {
          events.push((yield* outcomeOf(nap)) === limit);
        }
      });
      yield* sleep(5);
      yield* greenlet.kill();
    });
    expect(events).toEqual([true]);
  });

  it.each([-1, Number.NaN])('refuses %s ms', (ms) => {
    expect(() => new Timeout(ms)).toThrow(new RangeError(`timeout is ${ms}: give milliseconds, 0 or more`));
    expect(() => withTimeout(ms, nap)).toThrow(RangeError);
  });

  it('can be shown by a test runner, whose diffs are made of copies with the same prototype', () => {
    const copy = Object.create(Object.getPrototypeOf(new Timeout(5)));
    expect([copy.message, String(copy)]).toEqual(['', 'Timeout']);
  });

  it('refuses an error that is none', () => {
    expect(() => new Timeout(1, 5 as never)).toThrow(
      new TypeError('error is 5: give an Error, an Error class or a message'),
    );
    class NoError {}
    expect(() => new Timeout(1, NoError as never)).toThrow(TypeError);
    expect(() => new Timeout(1, (() => new Error('x')) as never)).toThrow(TypeError);
  });
});

describe('withTimeout', () => {
  it('gives the result in time, of any kind of function', async () => {
    await virtually(function* () {
      expect([
        yield* withTimeout(10, function* () {
          yield* sleep(5);
          return 1;
        }),
        yield* withTimeout(10, () => 2),
        yield* withTimeout(10, async () => 3),
        yield* withTimeout(10, () => spawn(() => 4)),
        yield* withTimeout(undefined, () => 5),
      ]).toEqual([1, 2, 3, 4, 5]);
      expect(hub.stats().timers).toBe(0);
    });
  });

  it('gives the value on its own expiry, undefined included, else throws', async () => {
    await virtually(function* () {
      expect(yield* withTimeout(10, nap, { value: 'late' })).toBe('late');
      expect(yield* withTimeout(10, nap, { value: undefined })).toBe(undefined);
      expect(yield* outcomeOf(() => withTimeout(10, nap) as Coroutine<void>)).toBeInstanceOf(Timeout);
      expect(hub.now()).toBe(30);
    });
  });

  it('lets anybody else’s timeout pass through', async () => {
    const stranger = new Timeout(1);
    await virtually(function* () {
      using outer = Timeout.startNew(5);
      expect(yield* outcomeOf(() => withTimeout(10, nap, { value: 'inner' }) as Coroutine<unknown>)).toBe(outer);
      const throwing = () => {
        throw stranger;
      };
      expect(yield* outcomeOf(() => withTimeout(10, throwing, { value: 'inner' }) as Coroutine<unknown>)).toBe(
        stranger,
      );
      expect(hub.stats().timers).toBe(0);
    });
  });

  it('nests, and each gives its own value', async () => {
    await virtually(function* () {
      const both = (outer: number, inner: number) =>
        withTimeout(outer, () => withTimeout(inner, nap, { value: 'inner' }), { value: 'outer' });
      expect([yield* both(5, 10), yield* both(10, 5), yield* both(7, 7)]).toEqual(['outer', 'inner', 'outer']);
      yield* sleep(50);
    });
  });

  it('waits for the finally blocks of the body', async () => {
    await virtually(function* () {
      const value = yield* withTimeout(
        10,
        function* () {
          try {
            yield* sleep(1000);
          } finally {
            yield* sleep(20);
          }
        },
        { value: 'late' },
      );
      expect([value, hub.now()]).toEqual(['late', 30]);
    });
  });

  it('lets a kill through, which frees the timer', async () => {
    await virtually(function* () {
      const greenlet = spawn(() => withTimeout(500, nap, { value: 'late' }));
      yield* sleep(1);
      yield* greenlet.kill();
      expect([greenlet.successful(), hub.stats().timers]).toEqual([true, 0]);
    });
  });

  it('starts 100,000 at once without a timer of Node for each', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    await virtually(function* () {
      const greenlets = Array.from({ length: 100_000 }, () => spawn(() => withTimeout(500, nap, { value: 'late' })));
      yield* sleep(0);
      expect(timers() - before).toBeLessThanOrEqual(1);
      yield* joinall(greenlets);
      expect(hub.now()).toBe(500);
    });
  });
});

it('is lost by no killed neighbor: a timeout and a kill in one millisecond both arrive', async () => {
  const events: unknown[] = [];
  await virtually(function* () {
    const greenlet: Greenlet<void> = spawn(function* () {
      using limit = Timeout.startNew(10);
      events.push((yield* outcomeOf(nap)) === limit);
      expect(getcurrent() === greenlet).toBe(true);
      yield* sleep(1000);
    });
    hub.callLater(10, () => void greenlet.kill());
    yield* greenlet.join();
    events.push(greenlet.successful(), hub.now());
  });
  expect(events).toEqual([true, true, 10]);
});
