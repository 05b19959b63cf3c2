import { type Coroutine, coroutine, type Greenlet, joinall, sleep, spawn, spawnNow } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

describe('coroutine', () => {
  it('gives the same function, whose generators are still generators', () => {
    function* fn(n: number): Coroutine<number> {
      return n;
    }
    expect(coroutine(fn)).toBe(fn);
    expect(coroutine(fn)).toBe(fn);
    expect(fn(5).next()).toEqual({ done: true, value: 5 });
  });

  it('recurses a million deep, to a suspension and without one', async () => {
    const depth: (levels: number, pause: boolean) => Coroutine<number> = coroutine(function* (levels, pause) {
      if (levels > 0) return 1 + (yield* depth(levels - 1, pause));
      if (pause) yield* sleep(5);
      return 0;
    });
    await virtually(function* () {
      expect(yield* depth(1_000_000, true)).toBe(1_000_000);
      expect(yield* depth(1_000_000, false)).toBe(1_000_000);
    });
  });

  it('lets errors through all its frames, caught or not, before and after a suspension', async () => {
    const error = new Error('deep');
    const events: string[] = [];
    const fail: (levels: number, pause: boolean) => Coroutine<void> = coroutine(function* (levels, pause) {
      try {
        if (levels > 0) yield* fail(levels - 1, pause);
        if (pause) yield* sleep(1);
        throw error;
      } catch (caught) {
        if (levels !== 500) throw caught;
        events.push('seen at 500');
        throw caught;
      } finally {
        if (levels === 999) yield* sleep(1);
      }
    });
    await virtually(function* () {
      for (const pause of [true, false]) {
        try {
          yield* fail(1000, pause);
          expect.fail('no error');
        } catch (caught) {
          expect(caught).toBe(error);
        }
        yield* sleep(1);
      }
    });
    expect(events).toEqual(['seen at 500', 'seen at 500']);
  });

  it('mixes with native yield* in any nesting', async () => {
    function* native(levels: number): Coroutine<number> {
      if (levels === 0) {
        yield* sleep(1);
        return 0;
      }
      const below: number = yield* levels % 2 === 0 ? native(levels - 1) : driven(levels - 1);
      yield* sleep(0);
      return below + 1;
    }
    const driven: (levels: number) => Coroutine<number> = coroutine(function* (levels) {
      if (levels === 0) return 0;
      const before = yield* native(0);
      const below: number = yield* levels % 3 === 0 ? native(levels - 1) : driven(levels - 1);
      return before + below + 1;
    });
    await virtually(function* () {
      expect([yield* native(60), yield* driven(61)]).toEqual([60, 61]);
    });
  });

  it('keeps the frames of different greenlets apart', async () => {
    const events: string[] = [];
    const walk: (name: string, levels: number) => Coroutine<void> = coroutine(function* (name, levels) {
      yield* sleep(0);
      if (levels > 0) yield* walk(name, levels - 1);
      events.push(name + levels);
    });
    await virtually(function* () {
      const greenlets: Greenlet<void>[] = [spawn(walk, 'a', 2), spawnNow(walk, 'b', 2)];
      yield* walk('c', 1);
      yield* joinall(greenlets);
    });
    expect(events).toEqual(['c0', 'c1', 'b0', 'b1', 'b2', 'a0', 'a1', 'a2']);
  });

  it('runs every finally of a killed one, suspending or not, from the inside out', async () => {
    const events: number[] = [];
    const hold: (levels: number) => Coroutine<void> = coroutine(function* (levels) {
      try {
        yield* levels === 0 ? sleep(1000) : hold(levels - 1);
      } finally {
        if (levels % 100 === 0) yield* sleep(1);
        events.push(levels);
      }
    });
    await virtually(function* () {
      const greenlet = spawn(hold, 1000);
      yield* sleep(0);
      yield* greenlet.kill();
      expect(hub.now()).toBe(11);
    });
    expect(events).toEqual(Array.from({ length: 1001 }, (_, level) => level));
  });

  it('works through deeply nested spawnNow, where the native stack is full', async () => {
    const leaf = coroutine(function* (n: number): Coroutine<number> {
      yield* sleep(0);
      return n;
    });
    await virtually(function* () {
      function* nest(level: number): Coroutine<number> {
        const child: Greenlet<number> | undefined = level > 0 ? spawnNow(nest, level - 1) : undefined;
        const own = yield* leaf(1);
        return own + (child === undefined ? 0 : yield* child);
      }
      expect(yield* nest(500)).toBe(501);
    });
  });

  it('refuses what is no generator function', () => {
    expect(() => coroutine((() => {}) as never)).toThrow(TypeError);
    expect(() => coroutine(async function named() {} as never)).toThrow(
      'named is not a generator function: mark function* only',
    );
    expect(() => coroutine(async function* () {} as never)).toThrow(TypeError);
    expect(() => coroutine(5 as never)).toThrow(TypeError);
  });
});
