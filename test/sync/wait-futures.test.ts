import {
  ALL_COMPLETED,
  AsyncResult,
  type Coroutine,
  type DoneAndNotDone,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  GreenletExit,
  NotInGreenletError,
  type Operation,
  type ReturnWhen,
  sleep,
  spawn,
  Timeout,
  waitFutures,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const make = (count: number) => Array.from({ length: count }, () => new Future<number>());

/** Where the done ones stand in `list`, where the others do, and what time it is. */
function* placesOf<F extends object>(list: F[], wait: Operation<DoneAndNotDone<F>>): Coroutine<unknown> {
  const { done, notDone } = yield* wait;
  return [[...done].map((item) => list.indexOf(item)), [...notDone].map((item) => list.indexOf(item)), hub.now()];
}

describe('waitFutures', () => {
  it('waits for all, unless it is told otherwise', () =>
    virtually(function* () {
      const futures = make(3);
      hub.callLater(10, () => futures[2]!.setResult(1));
      hub.callLater(20, () => futures[0]!.setException(new Error('no')));
      hub.callLater(30, () => futures[1]!.cancel());
      const other = spawn(() => placesOf(futures, waitFutures(futures, { returnWhen: ALL_COMPLETED })));
      expect(yield* placesOf(futures, waitFutures(futures))).toEqual([[0, 1, 2], [], 30]);
      expect(yield* other).toEqual([[0, 1, 2], [], 30]);
    }));

  it.each([
    ['a result', (future: Future<number>) => future.setResult(1)],
    ['an error', (future: Future<number>) => future.setException('no')],
    ['a cancellation', (future: Future<number>) => future.cancel()],
  ])('is over with the first that is done, if so wished: %s', (_, finish) =>
    virtually(function* () {
      const futures = make(3);
      hub.callLater(10, () => finish(futures[1]!));
      const first = waitFutures(futures, { returnWhen: FIRST_COMPLETED });
      expect(yield* placesOf(futures, first)).toEqual([[1], [0, 2], 10]);
    }),
  );

  it('is over with the first failure, if so wished, which a cancellation is not', () =>
    virtually(function* () {
      const futures = make(5);
      hub.callLater(10, () => futures[0]!.setResult(1));
      hub.callLater(20, () => futures[1]!.cancel());
      hub.callLater(30, () => futures[2]!.setException('no'));
      const first = waitFutures(futures, { returnWhen: FIRST_EXCEPTION });
      expect(yield* placesOf(futures, first)).toEqual([[0, 1, 2], [3, 4], 30]);
    }));

  it('waits for all where no failure comes', () =>
    virtually(function* () {
      const futures = make(2);
      hub.callLater(10, () => futures[0]!.setResult(1));
      hub.callLater(20, () => futures[1]!.cancel());
      const first = waitFutures(futures, { returnWhen: FIRST_EXCEPTION });
      expect(yield* placesOf(futures, first)).toEqual([[0, 1], [], 20]);
    }));

  it('does not suspend if it is over from the beginning', () =>
    virtually(function* () {
      const futures = make(3);
      futures[0]!.setResult(1);
      futures[1]!.setException('no');
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      for (const call of [
        waitFutures(futures, { returnWhen: FIRST_COMPLETED }),
        waitFutures(futures, { returnWhen: FIRST_EXCEPTION }),
        waitFutures(futures, { timeout: 0 }),
      ])
        log.push(yield* placesOf(futures, call));
      log.push(yield* placesOf(futures, waitFutures(futures.slice(0, 2))));
      yield* other;
      expect(log).toEqual([[[0, 1], [2], 0], [[0, 1], [2], 0], [[0, 1], [2], 0], [[0, 1], [], 0], 'other']);
    }));

  it('gives way now and then in a loop that never needs to wait', () =>
    virtually(function* () {
      const future = new Future<number>();
      spawn(() => future.setResult(1));
      let done = new Set<Future<number>>();
      for (let i = 0; i < 10_000 && done.size === 0; i++) ({ done } = yield* waitFutures([future], { timeout: 0 }));
      expect(done.size).toBe(1);
    }));

  it('gives what is done when time is up, without an error', () =>
    virtually(function* () {
      const futures = make(3);
      hub.callLater(10, () => futures[1]!.setResult(1));
      hub.callLater(30, () => futures[0]!.setResult(1));
      const calls = ([ALL_COMPLETED, FIRST_EXCEPTION] as const).map((returnWhen) =>
        spawn(() => placesOf(futures, waitFutures(futures, { returnWhen, timeout: 20 }))),
      );
      expect([yield* calls[0]!, yield* calls[1]!]).toEqual([
        [[1], [0, 2], 20],
        [[1], [0, 2], 20],
      ]);
      const rest = [futures[0]!, futures[2]!];
      const first = waitFutures(rest, { returnWhen: FIRST_COMPLETED, timeout: 5 });
      expect(yield* placesOf(futures, first)).toEqual([[], [0, 2], 25]);
      yield* sleep(10);
      expect(hub.stats().timers).toBe(0);
    }));

  it('counts those that are done in the same pass', () =>
    virtually(function* () {
      const futures = make(3);
      hub.callLater(10, () => {
        futures[2]!.setResult(1);
        futures[0]!.setException('no');
      });
      const first = waitFutures(futures, { returnWhen: FIRST_COMPLETED });
      expect(yield* placesOf(futures, first)).toEqual([[0, 2], [1], 10]);
    }));

  it('takes duplicates as one, any iterable, and none at all', () =>
    virtually(function* () {
      const future = new Future<number>();
      hub.callLater(5, () => future.setResult(1));
      expect(yield* placesOf([future], waitFutures([future, future].values()))).toEqual([[0], [], 5]);
      for (const returnWhen of [FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED] as const)
        expect(yield* waitFutures([], { returnWhen })).toEqual({ done: new Set(), notDone: new Set() });
    }));

  it('takes greenlets and AsyncResults too, and not their errors; a killed greenlet has not failed', async () => {
    const error = new Error('of the greenlet');
    await virtually(function* () {
      const killed = spawn(sleep, 1000);
      const failing = spawn(function* () {
        yield* sleep(20);
        throw error;
      });
      const list = [new AsyncResult<number>(), killed, failing, new Future<number>()];
      hub.callLater(10, () => void killed.kill());
      const first = waitFutures(list, { returnWhen: FIRST_EXCEPTION });
      expect(yield* placesOf(list, first)).toEqual([[1, 2], [0, 3], 20]);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('takes nothing from a future, nor from who else waits for it', () =>
    virtually(function* () {
      const future = new Future<number>();
      const waiter = spawn(() => future.result());
      hub.callLater(5, () => future.setResult(1));
      yield* waitFutures([future]);
      expect([yield* waiter, yield* future.result(), future.statistics().waiting]).toEqual([1, 1, 0]);
    }));

  it('is ended by a kill or an outer timeout, and leaves no link and no timer behind', () =>
    virtually(function* () {
      const links: string[] = [];
      class Watched extends Future<number> {
        override rawlink(callback: (future: this) => void): void {
          links.push('link');
          super.rawlink(callback);
        }
        override unlink(callback: (future: this) => void): void {
          links.push('unlink');
          super.unlink(callback);
        }
      }
      const future = new Watched();
      const waiter = spawn(() => waitFutures([future], { timeout: 100 }));
      yield* sleep(0);
      yield* waiter.kill();
      expect(waiter.value).toBeInstanceOf(GreenletExit);
      using limit = Timeout.startNew(5);
      let caught: unknown;
      try {
        yield* waitFutures([future], { timeout: 100 });
      } catch (error) {
        caught = error;
      }
      expect([caught === limit, links, hub.stats().timers]).toEqual([true, ['link', 'unlink', 'link', 'unlink'], 0]);
    }));

  it('needs a greenlet, even if it is over from the beginning', () => {
    expect(() => waitFutures([])[Symbol.iterator]().next(undefined)).toThrow(NotInGreenletError);
    expect(() => waitFutures([new Future()])[Symbol.iterator]().next(undefined)).toThrow(NotInGreenletError);
  });

  it('refuses wrong arguments at the call', () => {
    expect(() => waitFutures(5 as never)).toThrow(
      new TypeError('waitFutures() got 5: give an iterable of futures or greenlets'),
    );
    expect(() => waitFutures(['text'] as never)).toThrow(
      new TypeError("waitFutures() got 'text': give futures or greenlets"),
    );
    expect(() => waitFutures(new Future() as never)).toThrow(TypeError);
    expect(() => waitFutures([], { returnWhen: 'SOON' as ReturnWhen })).toThrow(
      new RangeError("returnWhen is 'SOON': give one of FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED"),
    );
    expect(() => waitFutures([], { timeout: -1 })).toThrow(RangeError);
    expect(() => waitFutures([], { timeout: Number.NaN })).toThrow(RangeError);
  });

  it('has the type of what it was given, and names that are their own values', () => {
    expect([FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED]).toEqual([
      'FIRST_COMPLETED',
      'FIRST_EXCEPTION',
      'ALL_COMPLETED',
    ]);
    expectTypeOf(waitFutures([new Future<number>()], { returnWhen: 'ALL_COMPLETED' })).toEqualTypeOf<
      Operation<DoneAndNotDone<Future<number>>>
    >();
  });
});
