import { all, any, type Coroutine, GreenletExit, race, sleep, spawn, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** Gives its name after some time, and records how it ends. */
function* task(events: string[], name: string, ms: number, outcome?: Error): Coroutine<string> {
  try {
    yield* sleep(ms);
    if (outcome !== undefined) throw outcome;
    events.push(`${name} done`);
    return name;
  } catch (error) {
    events.push(`${name} ${error instanceof GreenletExit ? 'killed' : 'failed'}`);
    throw error;
  } finally {
    yield* sleep(5);
    events.push(`${name} cleaned up`);
  }
}

const error = new Error('first');
const other = new Error('second');

describe('all', () => {
  it('gives the results in the shape of its input, array or record', async () => {
    await virtually(function* () {
      expect(yield* all([sleep(5), spawn(() => 1), task([], 'a', 20)])).toEqual([undefined, 1, 'a']);
      expect(yield* all({ one: spawn(() => 1), a: task([], 'a', 20) })).toEqual({ one: 1, a: 'a' });
      expect([yield* all([]), yield* all({})]).toEqual([[], {}]);
      expect(hub.now()).toBe(50);
    });
  });

  it('performs its operations in input order, and at once', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const say = function* (word: string): Coroutine<void> {
        events.push(word);
      };
      yield* all([say('a'), say('b'), say('c')]);
    });
    expect(events).toEqual(['a', 'b', 'c']);
  });

  it('kills the others on the first failure, awaits their finally, and throws it', async () => {
    const events: string[] = [];
    await virtually(function* () {
      try {
        yield* all([task(events, 'a', 100), task(events, 'b', 10, error)]);
        expect.fail('no error');
      } catch (caught) {
        expect([caught, hub.now()]).toEqual([error, 20]);
      }
    });
    expect(events).toEqual(['b failed', 'b cleaned up', 'a killed', 'a cleaned up']);
  });

  it('ends all of them when it is killed or timed out', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(() => all([task(events, 'a', 100), task(events, 'b', 100)]));
      yield* sleep(1);
      yield* greenlet.kill();
      expect([greenlet.successful(), hub.now()]).toEqual([true, 6]);
      yield* withTimeout(10, () => all({ c: task(events, 'c', 100) }), { value: undefined });
      expect(hub.now()).toBe(21);
    });
    expect(events).toEqual(['a killed', 'b killed', 'a cleaned up', 'b cleaned up', 'c killed', 'c cleaned up']);
  });

  it('does not outlive a second kill: its operations are over when it is', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* all([task(events, 'a', 100)]);
        } finally {
          events.push('after all()');
        }
      });
      yield* sleep(1);
      greenlet.kill();
      yield* sleep(1);
      greenlet.kill();
      yield* greenlet.join();
    });
    expect(events).toEqual(['a killed', 'a cleaned up', 'after all()']);
  });

  it('waits for a greenlet without killing it', async () => {
    await virtually(function* () {
      const greenlet = spawn(sleep, 100);
      yield* withTimeout(10, () => all([greenlet]), { value: undefined });
      expect(greenlet.dead).toBe(false);
      yield* greenlet.join();
      expect(hub.now()).toBe(100);
    });
  });
});

describe('race', () => {
  it('gives the first to end; the others are killed and awaited', async () => {
    const events: string[] = [];
    await virtually(function* () {
      expect(yield* race([task(events, 'a', 100), task(events, 'b', 10)])).toBe('b');
      expect(yield* race({ c: task(events, 'c', 10), d: sleep(100) })).toBe('c');
      expect(hub.now()).toBe(35);
    });
    expect(events).toEqual(['b done', 'b cleaned up', 'a killed', 'a cleaned up', 'c done', 'c cleaned up']);
  });

  it('throws if the first to end has failed', async () => {
    await virtually(function* () {
      try {
        yield* race([sleep(100), task([], 'a', 10, error)]);
        expect.fail('no error');
      } catch (caught) {
        expect([caught, hub.now()]).toEqual([error, 15]);
      }
    });
  });

  it('knows the first of those that end in one pass', async () => {
    function* rounds(count: number, result: () => string): Coroutine<string> {
      for (let i = 0; i < count; i++) yield* sleep(0);
      return result();
    }
    const fail = () => {
      throw error;
    };
    await virtually(function* () {
      for (const count of [0, 1, 2]) {
        const later = Math.min(count + 1, 2);
        expect(yield* race([rounds(later, () => 'slow'), rounds(count, () => 'quick')])).toBe(
          later === count ? 'slow' : 'quick',
        );
      }
      expect(yield* race([rounds(0, () => 'first'), rounds(0, fail)])).toBe('first');
      expect(yield* race([rounds(2, fail), rounds(1, () => 'first')])).toBe('first');
    });
    await takeReports();
  });

  it('of nothing is a RangeError', () => {
    expect(() => race([])).toThrow(new RangeError('race() got no operations: it would block for ever'));
    expect(() => race({})).toThrow(RangeError);
  });
});

describe('any', () => {
  it('gives the first that succeeds; the others are killed and awaited', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const value = yield* any([task(events, 'a', 10, error), task(events, 'b', 20), task(events, 'c', 100)]);
      expect([value, hub.now()]).toEqual(['b', 30]);
    });
    expect(events).toEqual(['a failed', 'a cleaned up', 'b done', 'b cleaned up', 'c killed', 'c cleaned up']);
  });

  it('throws all errors, in input order, if none does', async () => {
    await virtually(function* () {
      try {
        yield* any([task([], 'a', 20, error), task([], 'b', 10, other)]);
        expect.fail('no error');
      } catch (caught) {
        expect(caught).toBeInstanceOf(AggregateError);
        expect((caught as AggregateError).errors).toEqual([error, other]);
        expect((caught as AggregateError).errors[0]).toBe(error);
      }
      try {
        yield* any([]);
        expect.fail('no error');
      } catch (caught) {
        expect((caught as AggregateError).errors).toEqual([]);
      }
    });
  });
});

it.each([
  ['all', all],
  ['race', race],
  ['any', any],
])('%s refuses what are no operations', (name, combine: (operations: any) => unknown) => {
  expect(() => combine(5)).toThrow(new TypeError(`${name}() got 5: give an array or a record of operations`));
  expect(() => combine([5])).toThrow(new TypeError(`${name}() got 5: give operations, such as sleep(10)`));
  expect(() => combine({ a: Promise.resolve() })).toThrow(TypeError);
  expect(() => combine(['text'])).toThrow(TypeError);
  expect(() => combine([[]])).toThrow(TypeError);
  expect(() => combine(sleep(1))).toThrow(/give an array or a record of operations/);
});
