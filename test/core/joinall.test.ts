import { type Greenlet, getcurrent, InvalidSwitchError, joinall, killall, sleep, spawn, Timeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const valuesOf = (greenlets: Greenlet<any>[]) => greenlets.map(({ value }) => value);

function* worker(ms: number) {
  yield* sleep(ms);
  return ms;
}

function* failing(ms: number, error: unknown) {
  yield* sleep(ms);
  throw error;
}

describe('joinall', () => {
  it('gives the greenlets in the order of their completion', async () => {
    await virtually(function* () {
      const greenlets = [30, 10, 20].map((ms) => spawn(worker, ms));
      expect(valuesOf(yield* joinall(greenlets))).toEqual([10, 20, 30]);
      expect(valuesOf(yield* joinall(greenlets))).toEqual([10, 20, 30]);
    });
  });

  it('tells the order of those that end in one pass', async () => {
    await virtually(function* () {
      function* rounds(count: number) {
        for (let i = 0; i < count; i++) yield* sleep(0);
        return count;
      }
      const greenlets = [3, 0, 2, 1].map((count) => spawn(rounds, count));
      expect(valuesOf(yield* joinall(greenlets))).toEqual([0, 1, 2, 3]);
      expect(valuesOf(yield* joinall(greenlets, { count: 4 }))).toEqual([0, 1, 2, 3]);
    });
  });

  it('takes any iterable, none at all, and the same one twice', async () => {
    await virtually(function* () {
      const greenlet = spawn(worker, 1);
      expect(yield* joinall([])).toEqual([]);
      expect(yield* joinall(new Set([greenlet]))).toHaveLength(1);
      expect(yield* joinall([greenlet, greenlet])).toHaveLength(1);
      const two = [spawn(worker, 1), spawn(worker, 2)];
      expect(valuesOf(yield* joinall([...two, ...two]))).toEqual([1, 2]);
    });
  });

  it('gives those that have ended in time', async () => {
    await virtually(function* () {
      const greenlets = [30, 10, 20].map((ms) => spawn(worker, ms));
      expect(valuesOf(yield* joinall(greenlets, { timeout: 25 }))).toEqual([10, 20]);
      expect(hub.now()).toBe(25);
      expect(valuesOf(yield* joinall(greenlets, { timeout: 0 }))).toEqual([10, 20]);
      expect(hub.now()).toBe(25);
      yield* joinall(greenlets);
    });
  });

  it('gives as many as count says', async () => {
    await virtually(function* () {
      const greenlets = [30, 10, 20].map((ms) => spawn(worker, ms));
      expect(valuesOf(yield* joinall(greenlets, { count: 2 }))).toEqual([10, 20]);
      expect(yield* joinall(greenlets, { count: 0 })).toEqual([]);
      expect(hub.now()).toBe(20);
      expect(valuesOf(yield* joinall(greenlets, { count: 99 }))).toEqual([10, 20, 30]);
    });
  });

  it('counts a failed one as ended, and does not take its error', async () => {
    const error = new Error('reported');
    await virtually(function* () {
      const greenlets = [spawn(worker, 10), spawn(failing, 5, error)];
      expect((yield* joinall(greenlets)).map(({ exception }) => exception)).toEqual([error, undefined]);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('throws the first failure with raiseError, at once, and the others run on', async () => {
    const first = new Error('first');
    const second = new Error('second');
    await virtually(function* () {
      const greenlets = [spawn(failing, 20, second), spawn(worker, 30), spawn(failing, 10, first)];
      try {
        yield* joinall<Greenlet<any>>(greenlets, { raiseError: true });
        expect.fail('no error');
      } catch (error) {
        expect([error, hub.now()]).toEqual([first, 10]);
      }
      expect(greenlets.map(({ dead }) => dead)).toEqual([false, false, true]);
      yield* sleep(50);
      expect(greenlets[1]!.value).toBe(30);
    });
    expect(await takeReports()).toMatchObject([{ error: second }]);
  });

  it('throws with raiseError what had failed before', async () => {
    const error = new Error('before');
    await virtually(function* () {
      const failed = spawn(failing, 0, error);
      yield* failed.join();
      try {
        yield* joinall<Greenlet<any>>([spawn(worker, 5), failed], { raiseError: true });
        expect.fail('no error');
      } catch (caught) {
        expect([caught, hub.now()]).toEqual([error, 0]);
      }
      yield* sleep(5);
    });
    await takeReports();
  });

  it('joins 100,000', async () => {
    await virtually(function* () {
      const greenlets = Array.from({ length: 100_000 }, (_, i) => spawn(worker, i % 7));
      const ended = yield* joinall(greenlets);
      const values = valuesOf(ended);
      expect(ended).toHaveLength(100_000);
      expect(values).toEqual([...values].sort((one, other) => one - other));
    });
  });

  it('leaves nothing behind when it is killed', async () => {
    await virtually(function* () {
      const greenlets = [spawn(worker, 10), spawn(worker, 20)];
      const joiners = [
        spawn(() => joinall(greenlets)),
        spawn(() => joinall(greenlets, { timeout: 50 })),
        spawn(() => joinall(greenlets, { raiseError: true, timeout: 50 })),
      ];
      yield* sleep(1);
      yield* killall(joiners);
      expect(hub.stats()).toMatchObject({ alive: 3, timers: 2 });
      yield* joinall(greenlets);
    });
  });

  it('refuses to wait for the current greenlet, and what is no greenlet', async () => {
    await virtually(function* () {
      for (const options of [{}, { timeout: 5 }]) {
        try {
          yield* joinall([getcurrent() as Greenlet], options);
          expect.fail('no error');
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidSwitchError);
        }
      }
    });
    expect(() => joinall(5 as never)).toThrow(new TypeError('joinall() got 5: give greenlets'));
    expect(() => joinall([5 as never])).toThrow(TypeError);
    expect(() => joinall([], { timeout: -1 })).toThrow(RangeError);
    expect(() => joinall([], { timeout: Number.NaN, count: 1 })).toThrow(RangeError);
    expect(() => joinall([], { count: 0.5 })).toThrow(RangeError);
    expect(() => joinall([], { count: -1 })).toThrow(RangeError);
  });
});

describe('killall', () => {
  it('ends all, whether they have begun or not, and waits for them', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      function* busy(ms: number) {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(ms);
          events.push(ms);
        }
      }
      const greenlets: Greenlet<any>[] = [spawn(busy, 20), spawn(busy, 10)];
      yield* sleep(0);
      greenlets.push(spawn(() => expect.fail('ran')));
      yield* killall(greenlets);
      expect(greenlets.every(({ dead }) => dead)).toBe(true);
      expect([events, hub.now()]).toEqual([[10, 20], 20]);
    });
  });

  it('with block: false does not wait; unstarted ones are dead at once', async () => {
    await virtually(function* () {
      const begun = spawn(sleep, 1000);
      yield* sleep(0);
      const unbegun = spawn(() => expect.fail('ran'));
      const wait = killall([begun, unbegun], undefined, { block: false });
      expect([begun.dead, unbegun.dead]).toEqual([false, true]);
      yield* wait;
      yield* begun.join();
    });
  });

  it('throws Timeout if they do not end in time', async () => {
    await virtually(function* () {
      const stubborn = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(50);
        }
      });
      yield* sleep(0);
      try {
        yield* killall([stubborn], undefined, { timeout: 10 });
        expect.fail('no timeout');
      } catch (error) {
        expect([error instanceof Timeout, hub.now()]).toEqual([true, 10]);
      }
      yield* stubborn.join();
    });
  });

  it('joins those that caught it and went on', async () => {
    await virtually(function* () {
      const survivor = spawn(function* () {
        try {
          yield* sleep(1000);
        } catch {}
        yield* sleep(30);
        return 'survived';
      });
      yield* sleep(0);
      yield* killall([survivor]);
      expect([survivor.value, hub.now()]).toEqual(['survived', 30]);
    });
  });

  it('throws another error into all of them', async () => {
    const error = new Error('all of you');
    await virtually(function* () {
      const greenlets = [spawn(sleep, 10), spawn(sleep, 20)];
      yield* sleep(0);
      yield* killall(greenlets, error);
      expect(greenlets.map(({ exception }) => exception)).toEqual([error, error]);
    });
    expect(await takeReports()).toHaveLength(2);
  });

  it('that includes oneself throws at its own wait', async () => {
    const events: string[] = [];
    await virtually(function* () {
      yield* spawn(function* () {
        try {
          yield* killall([getcurrent() as Greenlet]);
        } finally {
          events.push('finally');
        }
      });
    });
    expect(events).toEqual(['finally']);
  });
});
