import {
  AsyncResult,
  asCompleted,
  ConcurrentObjectUseError,
  type Coroutine,
  Future,
  GreenletExit,
  type Iteration,
  NotInGreenletError,
  sleep,
  spawn,
  Timeout,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** A future that is set to `ms` at that time. */
function futureIn(ms: number): Future<number> {
  const future = new Future<number>();
  hub.callLater(ms, () => future.trySet(ms));
  return future;
}

/** A future that counts its links. */
class Watched extends Future<void> {
  links = 0;

  override rawlink(callback: (future: this) => void): void {
    this.links++;
    super.rawlink((future) => {
      this.links--;
      callback(future);
    });
    this.#unlinks.push([callback, () => this.links--]);
  }

  readonly #unlinks: [unknown, () => void][] = [];

  override unlink(callback: (future: this) => void): void {
    const at = this.#unlinks.findIndex(([one]) => one === callback);
    if (at >= 0) this.#unlinks.splice(at, 1)[0]![1]();
  }
}

/** The rest of an iteration, each with the time at which it came; and the error that ended it, if any. */
function* drain<F>(iteration: Iteration<F>): Coroutine<{ items: F[]; times: number[]; error?: unknown }> {
  const items: F[] = [];
  const times: number[] = [];
  try {
    for (let step: IteratorResult<F, undefined>; !(step = yield* iteration.next()).done; ) {
      items.push(step.value);
      times.push(hub.now());
    }
  } catch (error) {
    return { items, times, error };
  }
  return { items, times };
}

/** Where `items` stand in `list`: futures can't be compared as a whole, since that would iterate them. */
const places = <F>(items: Iterable<F>, list: F[]) => [...items].map((item) => list.indexOf(item));

describe('asCompleted', () => {
  it('gives the futures themselves in the order in which they are done', () =>
    virtually(function* () {
      const futures = [30, 10, 20].map(futureIn);
      const { items, times } = yield* drain(asCompleted(futures));
      expect([places(items, futures), times]).toEqual([
        [1, 2, 0],
        [10, 20, 30],
      ]);
    }));

  it('gives those that are done already first, in input order, whatever became of them', () =>
    virtually(function* () {
      const futures = Array.from({ length: 5 }, () => new Future<number>());
      futures[3]!.setResult(3);
      futures[1]!.setException(new Error('no'));
      futures[4]!.cancel();
      hub.callLater(5, () => futures[2]!.cancel());
      hub.callLater(6, () => futures[0]!.setException(new Error('late')));
      const { items, times } = yield* drain(asCompleted(futures));
      expect([places(items, futures), times]).toEqual([
        [1, 3, 4, 2, 0],
        [0, 0, 0, 5, 6],
      ]);
    }));

  it('gives a future that came twice once, and ends at once without any', () =>
    virtually(function* () {
      const future = futureIn(5);
      const { items } = yield* drain(asCompleted([future, future, future].values()));
      expect(places(items, [future])).toEqual([0]);
      expect(yield* drain(asCompleted([]))).toEqual({ items: [], times: [] });
      expect(yield* drain(asCompleted([], 0))).toEqual({ items: [], times: [] });
    }));

  it('takes greenlets and AsyncResults too, and not their errors', async () => {
    const error = new Error('of the greenlet');
    await virtually(function* () {
      const result = new AsyncResult<number>();
      hub.callLater(20, () => result.set(1));
      const greenlet = spawn(function* () {
        yield* sleep(10);
        throw error;
      });
      const killed = spawn(sleep, 1000);
      hub.callLater(15, () => void killed.kill());
      const list = [result, greenlet, killed, futureIn(5)];
      const { items } = yield* drain(asCompleted(list));
      expect(places(items, list)).toEqual([3, 1, 2, 0]);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('lets the greenlet suspend in between', () =>
    virtually(function* () {
      const futures = [30, 10, 20].map(futureIn);
      const times: number[] = [];
      using completed = asCompleted(futures);
      for (let step: IteratorResult<Future<number>, undefined>; !(step = yield* completed.next()).done; ) {
        times.push(step.value.value!, hub.now());
        yield* sleep(15);
      }
      expect(times).toEqual([10, 10, 20, 25, 30, 40]);
    }));

  it('throws a Timeout once, when the time of the whole iteration is up, and is at its end then', () =>
    virtually(function* () {
      const futures = [10, 40, 20, 50].map(futureIn);
      const completed = asCompleted(futures, 30);
      const { items, times, error } = yield* drain(completed);
      expect([places(items, futures), times, hub.now()]).toEqual([[0, 2], [10, 20], 30]);
      expect(error).toBeInstanceOf(Timeout);
      expect(error).toMatchObject({ message: 'asCompleted(): 2 of 4 not done after 30 ms', ms: 30 });
      expect((error as Error).stack).toContain('as-completed.test.ts');
      yield* sleep(100);
      expect(yield* drain(completed)).toEqual({ items: [], times: [] });
      expect(hub.stats().timers).toBe(0);
    }));

  it('starts its time with the first next(), and needs no more of it than all futures do', () =>
    virtually(function* () {
      const futures = [10, 20].map(futureIn);
      const completed = asCompleted(futures, 15);
      yield* sleep(8);
      const { items, error } = yield* drain(completed);
      expect([places(items, futures), error, hub.now(), hub.stats().timers]).toEqual([[0, 1], undefined, 20, 0]);
    }));

  it('with a time limit of 0 gives those that are done, and throws', () =>
    virtually(function* () {
      const futures = Array.from({ length: 4 }, () => new Future<number>());
      futures[3]!.setResult(3);
      futures[1]!.cancel();
      const { items, times, error } = yield* drain(asCompleted(futures, 0));
      expect([places(items, futures), times]).toEqual([
        [1, 3],
        [0, 0],
      ]);
      expect(error).toMatchObject({ message: 'asCompleted(): 2 of 4 not done after 0 ms' });
    }));

  it('loses nothing to a kill or an outer timeout in next()', () =>
    virtually(function* () {
      const futures = [10, 20].map(futureIn);
      const completed = asCompleted(futures, 100);
      const killed = spawn(() => completed.next());
      yield* sleep(5);
      yield* killed.kill();
      expect(killed.value).toBeInstanceOf(GreenletExit);
      const limit = Timeout.startNew(2);
      expect(yield* drain(completed)).toMatchObject({ items: [], error: limit });
      yield* sleep(50);
      const { items } = yield* drain(completed);
      expect([places(items, futures), hub.stats().timers]).toEqual([[0, 1], 0]);
    }));

  it('frees its links when it ends, when time is up, and when it is left early', () =>
    virtually(function* () {
      const make = () => [new Watched(), new Watched(), new Watched()];
      const linksOf = (futures: Watched[]) => futures.map(({ links }) => links);
      const [one, two, three] = [make(), make(), make()];

      one.forEach((future, index) => void hub.callLater(index, () => future.setResult()));
      yield* drain(asCompleted(one));
      yield* drain(asCompleted(two, 5));
      {
        using completed = asCompleted(three);
        three[1]!.setResult();
        yield* completed.next();
        expect(linksOf(three)).toEqual([1, 0, 1]);
      }
      expect([one, two, three].map(linksOf)).toEqual([
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ]);
      expect(hub.stats().timers).toBe(0);
    }));

  it('is at its end after it was left', () =>
    virtually(function* () {
      const completed = asCompleted([futureIn(5), futureIn(10)], 1000);
      yield* completed.next();
      completed[Symbol.dispose]();
      expect(yield* completed.next()).toEqual({ done: true, value: undefined });
      yield* sleep(10);
    }));

  it('serves one greenlet at a time', () =>
    virtually(function* () {
      const future = futureIn(5);
      const completed = asCompleted([future]);
      const first = spawn(() => completed.next());
      yield* sleep(0);
      expect((yield* drain(completed)).error).toBeInstanceOf(ConcurrentObjectUseError);
      expect((yield* first).value === future).toBe(true);
    }));

  it('needs a greenlet to wait in, and links nothing before the first next()', () => {
    const future = new Watched();
    const completed = asCompleted([future]);
    expect(future.links).toBe(0);
    expect(() => completed.next()[Symbol.iterator]().next(undefined)).toThrow(NotInGreenletError);
    completed[Symbol.dispose]();
    expect(future.links).toBe(0);
  });

  it('refuses what it can’t wait for, at the call', () => {
    expect(() => asCompleted(5 as never)).toThrow(
      new TypeError('asCompleted() got 5: give an iterable of futures or greenlets'),
    );
    expect(() => asCompleted(new Future() as never)).toThrow(
      new TypeError('asCompleted() got <Future pending>: give an iterable of futures or greenlets'),
    );
    expect(() => asCompleted([new Future(), undefined] as never)).toThrow(
      new TypeError('asCompleted() got undefined: give futures or greenlets'),
    );
    expect(() => asCompleted([{ rawlink() {}, unlink() {} }] as never)).toThrow(TypeError);
    expect(() => asCompleted([], -1)).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => asCompleted([], Number.NaN)).toThrow(RangeError);
    asCompleted([], null);
  });

  it('has the type of what it was given', () => {
    expectTypeOf(asCompleted([new Future<number>()])).toEqualTypeOf<Iteration<Future<number>>>();
  });
});
