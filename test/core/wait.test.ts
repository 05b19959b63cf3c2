import { ConcurrentObjectUseError, Greenlet, iwait, joinall, sleep, spawn, type Waitable, wait } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** Something to wait for that counts its links. */
class Signal implements Waitable {
  readonly links = new Set<(source: Signal) => void>();
  #ready = false;

  rawlink(callback: (source: Signal) => void): void {
    this.links.add(callback);
    if (this.#ready) hub.callSoon(() => this.#serve());
  }

  unlink(callback: (source: Signal) => void): void {
    this.links.delete(callback);
  }

  set(): void {
    this.#ready = true;
    hub.callSoon(() => this.#serve());
  }

  #serve(): void {
    for (const link of [...this.links]) {
      this.links.delete(link);
      link(this);
    }
  }
}

function signals(count: number): Signal[] {
  return Array.from({ length: count }, () => new Signal());
}

const linksOf = (objects: Signal[]) => objects.map(({ links }) => links.size);

describe('wait', () => {
  it('gives objects of any kind in the order in which they got ready', async () => {
    await virtually(function* () {
      const signal = new Signal();
      const slow = spawn(sleep, 30);
      const quick = spawn(sleep, 10);
      hub.callLater(20, () => signal.set());
      const ready = yield* wait<Waitable>([slow, signal, quick]);
      expect(ready.map((object) => [quick, signal, slow].indexOf(object as never))).toEqual([0, 1, 2]);
    });
  });

  it('puts those that were ready already first, in input order', async () => {
    await virtually(function* () {
      const greenlets = [1, 2, 3, 4].map((ms) => spawn(() => sleep(5 - ms)));
      const late = spawn(sleep, 10);
      yield* joinall(greenlets);
      const ready = yield* wait([greenlets[2]!, late, greenlets[0]!, greenlets[3]!]);
      expect(ready.map((greenlet) => [...greenlets, late].indexOf(greenlet))).toEqual([2, 0, 3, 4]);
    });
  });

  it('gives what is ready when time is up, and polls with 0', async () => {
    await virtually(function* () {
      const all = signals(3);
      hub.callLater(10, () => all[1]!.set());
      expect(yield* wait(all, { timeout: 0 })).toEqual([]);
      expect((yield* wait(all, { timeout: 20 }))[0]).toBe(all[1]);
      expect(hub.now()).toBe(20);
      expect(yield* wait(all, { timeout: 0 })).toHaveLength(1);
      expect(hub.now()).toBe(20);
      expect(linksOf(all)).toEqual([0, 0, 0]);
    });
  });

  it('is over as soon as count objects are ready', async () => {
    await virtually(function* () {
      const all = signals(3);
      all.forEach((signal, index) => void hub.callLater(10 * (3 - index), () => signal.set()));
      const ready = yield* wait(all, { count: 2 });
      expect(ready.map((signal) => all.indexOf(signal))).toEqual([2, 1]);
      expect(linksOf(all)).toEqual([0, 0, 0]);
      expect(yield* wait(all, { count: 0 })).toEqual([]);
      yield* sleep(100);
    });
  });

  it('takes nothing to wait for, and duplicates as one', async () => {
    await virtually(function* () {
      expect(yield* wait([])).toEqual([]);
      const greenlet = spawn(sleep, 1);
      expect(yield* wait([greenlet, greenlet])).toHaveLength(1);
    });
  });

  it('frees links and timer when it is killed, or when an object throws at linking', async () => {
    await virtually(function* () {
      const all = signals(2);
      const waiter = spawn(() => wait(all, { timeout: 1000 }));
      yield* sleep(1);
      expect([linksOf(all), hub.stats().timers]).toEqual([[1, 1], 1]);
      yield* waiter.kill();
      expect([linksOf(all), hub.stats().timers]).toEqual([[0, 0], 0]);
      const broken = { rawlink: () => expect.fail('broken'), unlink() {} };
      try {
        yield* wait<Waitable>([...all, broken]);
      } catch {}
      expect(linksOf(all)).toEqual([0, 0]);
    });
  });

  it('does not take the errors of greenlets', async () => {
    const error = new Error('not taken');
    await virtually(function* () {
      yield* wait([
        spawn(() => {
          throw error;
        }),
      ]);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('refuses what can’t be waited for', () => {
    expect(() => wait(5 as never)).toThrow(new TypeError('objects is 5: give an iterable'));
    expect(() => wait([{}] as never)).toThrow(
      new TypeError("{} can't be waited for: give objects with rawlink() and unlink(), such as greenlets"),
    );
    expect(() => wait([], { timeout: -1 })).toThrow(RangeError);
    expect(() => wait(undefined, { timeout: Number.NaN })).toThrow(RangeError);
    expect(() => wait([], { count: Number.NaN })).toThrow(RangeError);
  });
});

describe('iwait', () => {
  it('gives one by one; the greenlet may suspend in between', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlets = [30, 10, 20].map((ms) =>
        spawn(function* () {
          yield* sleep(ms);
          return ms;
        }),
      );
      using ready = iwait(greenlets);
      for (let step; !(step = yield* ready.next()).done; ) {
        events.push([step.value.value, hub.now()]);
        yield* sleep(15);
      }
      expect((yield* ready.next()).done).toBe(true);
    });
    expect(events).toEqual([
      [10, 10],
      [20, 25],
      [30, 40],
    ]);
  });

  it('frees its links when the loop is left early', async () => {
    await virtually(function* () {
      const all = signals(3);
      all[1]!.set();
      {
        using ready = iwait(all);
        yield* ready.next();
        expect(linksOf(all)).toEqual([1, 0, 1]);
      }
      expect(linksOf(all)).toEqual([0, 0, 0]);
    });
  });

  it('has one time limit for the whole loop', async () => {
    await virtually(function* () {
      const all = signals(3);
      hub.callLater(10, () => all[0]!.set());
      using ready = iwait(all, { timeout: 30 });
      expect((yield* ready.next()).done).toBe(false);
      yield* sleep(15);
      expect([(yield* ready.next()).done, hub.now()]).toEqual([true, 30]);
    });
  });

  it('serves one greenlet at a time: a second one gets an error that names both', async () => {
    await virtually(function* () {
      const target = spawn(sleep, 5);
      using ready = iwait([target]);
      const first = spawn(() => ready.next());
      yield* sleep(0);
      try {
        yield* ready.next();
        expect.fail('no error');
      } catch (error) {
        expect(error).toBeInstanceOf(ConcurrentObjectUseError);
        expect(String(error)).toContain(first.name);
        expect(String(error)).toContain('main');
      }
      expect((yield* first).done).toBe(false);
    });
  });

  it('loses nothing to a kill of the waiter', async () => {
    await virtually(function* () {
      const all = signals(2);
      using ready = iwait(all);
      const waiter = new Greenlet(() => ready.next()).start();
      yield* sleep(1);
      all[0]!.set();
      yield* waiter.kill();
      const step = yield* ready.next();
      expect(step.value).toBe(all[0]);
    });
  });
});
