/**
 * CPython's test_concurrent_futures: `Future`, `wait` and `as_completed`. Greenlets take the place of the executors.
 *
 * Two things differ. A cancelled future is done at once: there is no second state for "and everybody knows", and
 * `setRunningOrNotifyCancel` has nobody to notify. And a callback is never called inside the call that adds it or that
 * finishes the future, but in the hub's next pass.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  ALL_COMPLETED,
  asCompleted,
  CancelledError,
  type Completable,
  type Coroutine,
  Event,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  InvalidStateError,
  type Iteration,
  type Operation,
  type Outcome,
  sleep,
  spawn,
  Timeout,
  until,
  type WaitFuturesOptions,
  waitFutures,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const failure = new Error('of the work');
const fail = (): never => {
  throw failure;
};

/** Futures in all the states that there are. */
function everyState() {
  const futures = {
    pending: new Future<number>(),
    running: new Future<number>(),
    cancelled: new Future<number>(),
    failed: new Future<number>(),
    successful: new Future<number>(),
  };
  futures.running.setRunningOrNotifyCancel();
  futures.cancelled.cancel();
  futures.failed.setException(failure);
  futures.successful.setResult(42);
  return futures;
}

/** A future for what `fn` gives, which runs in a greenlet. */
function submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Outcome<R>> {
  const future = new Future<Outcome<R>>();
  future.setRunningOrNotifyCancel();
  spawn(fn, ...args).link((greenlet) => {
    if (greenlet.successful()) future.setResult(greenlet.value!);
    else future.setException(greenlet.exception);
  });
  return future;
}

/** What `operation` gives, or the object that it throws. */
function* outcomeOf(operation: Operation<unknown>): Coroutine<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}

describe('a future', () => {
  /** What each of the states gives for `look`, in the order of `everyState`. */
  const each = <R>(look: (future: Future<number>) => R): R[] => Object.values(everyState()).map(look);

  it('has one and the same answer for each state: cancelled, done, running', () => {
    expect(each((future) => future.cancelled())).toEqual([false, false, true, false, false]);
    expect(each((future) => future.done())).toEqual([false, false, true, true, true]);
    expect(each((future) => future.running())).toEqual([false, true, false, false, false]);
  });

  it('shows its state', () => {
    expect(each(String)).toEqual([
      '<Future pending>',
      '<Future running>',
      '<Future cancelled>',
      '<Future failed>',
      '<Future succeeded>',
    ]);
  });

  it('is cancelled while it is pending, or once more, and stays as it is otherwise', () => {
    const futures = Object.values(everyState());
    expect(futures.map((future) => future.cancel())).toEqual([true, false, true, false, false]);
    expect(futures.map(String)).toEqual([
      '<Future cancelled>',
      '<Future running>',
      '<Future cancelled>',
      '<Future failed>',
      '<Future succeeded>',
    ]);
  });

  it('gives its result at once, or says why it has none', () =>
    virtually(function* () {
      const { pending, running, cancelled, failed, successful } = everyState();
      for (const future of [pending, running]) expect(yield* outcomeOf(future.result(0))).toBeInstanceOf(Timeout);
      expect(yield* outcomeOf(cancelled.result(0))).toBeInstanceOf(CancelledError);
      expect(yield* outcomeOf(failed.result(0))).toBe(failure);
      expect(yield* successful.result(0)).toBe(42);
    }));

  it('gives a result that comes while it is waited for', () =>
    virtually(function* () {
      const future = new Future<number>();
      hub.callLater(1000, () => future.setResult(42));
      expect([yield* future.result(5000), hub.now()]).toEqual([42, 1000]);
    }));

  it('throws a CancelledError into those who wait when it is cancelled', () =>
    virtually(function* () {
      const future = new Future<number>();
      hub.callLater(1000, () => future.cancel());
      expect(yield* outcomeOf(future.result(30_000))).toBeInstanceOf(CancelledError);
      expect(hub.now()).toBe(1000);
    }));

  it('has its error as a property, without throwing it', () =>
    virtually(function* () {
      const { pending, running, cancelled, failed, successful } = everyState();
      for (const future of [pending, running, cancelled, failed]) expect(yield* future.wait(0)).toBeUndefined();
      expect([pending.exception, running.exception, successful.exception]).toEqual([undefined, undefined, undefined]);
      expect(cancelled.exception).toBeInstanceOf(CancelledError);
      expect(failed.exception).toBe(failure);
    }));

  it('has an error that came while it was waited for', () =>
    virtually(function* () {
      const future = new Future<number>();
      hub.callLater(1000, () => future.setException(failure));
      yield* future.wait(30_000);
      expect([future.exception === failure, hub.now()]).toEqual([true, 1000]);
    }));

  it('keeps its first result', () =>
    virtually(function* () {
      const future = new Future<number>();
      future.setResult(1);
      expect(() => future.setResult(2)).toThrow(InvalidStateError);
      expect(() => future.setResult(2)).toThrow('<Future succeeded>');
      expect([future.done(), yield* future.result()]).toEqual([true, 1]);
    }));

  it('keeps its first error', () => {
    const future = new Future<number>();
    future.setException(failure);
    expect(() => future.setException(new Error('another'))).toThrow(InvalidStateError);
    expect(() => future.setException(new Error('another'))).toThrow('<Future failed>');
    expect(future.exception).toBe(failure);
  });
});

describe('a done callback', () => {
  /** What callbacks see of a future that is finished by `finish`: one that is there before, and one that comes late. */
  async function seenOf<R>(finish: (future: Future<number>) => void, look: (future: Future<number>) => R) {
    const future = new Future<number>();
    const seen: { early?: R; late?: R } = {};
    future.addDoneCallback((done) => {
      seen.early = look(done);
    });
    finish(future);
    await nextTurn();
    future.addDoneCallback((done) => {
      seen.late = look(done);
    });
    await nextTurn();
    return seen;
  }

  it('has the result, whether it was added before or after', async () => {
    const seen = await seenOf(
      (future) => future.setResult(5),
      (future) => future.getNowait(),
    );
    expect(seen).toEqual({ early: 5, late: 5 });
  });

  it('has the error, whether it was added before or after', async () => {
    const seen = await seenOf(
      (future) => future.setException(failure),
      (future) => future.exception === failure,
    );
    expect(seen).toEqual({ early: true, late: true });
  });

  it('sees that the future was cancelled, whether it was added before or after', async () => {
    const seen = await seenOf(
      (future) => expect(future.cancel()).toBe(true),
      (future) => future.cancelled(),
    );
    expect(seen).toEqual({ early: true, late: true });
  });

  it('that throws is reported, and the next one is called', async () => {
    const future = new Future<number>();
    const called: string[] = [];
    future.addDoneCallback(() => {
      called.push('the one that throws');
      fail();
    });
    future.addDoneCallback(() => called.push('the next'));
    future.setResult(5);
    await nextTurn();
    expect(called).toEqual(['the one that throws', 'the next']);
    expect(await takeReports()).toMatchObject([{ error: failure }]);
  });

  it('that throws is reported if it was added after the end, too, and not thrown at who adds it', async () => {
    const future = new Future<number>();
    future.setResult(5);
    future.addDoneCallback(fail);
    expect(await takeReports()).toMatchObject([{ error: failure }]);
  });
});

describe('waitFutures', () => {
  /** The names of those that are done and of the others, in the order of `futures`; and the time. */
  function* namesOf(futures: Record<string, Completable>, options: WaitFuturesOptions): Coroutine<unknown[]> {
    const { done, notDone } = yield* waitFutures(Object.values(futures), options);
    const names = (set: Set<Completable>) => Object.keys(futures).filter((name) => set.has(futures[name]!));
    expect(done.size + notDone.size).toBe(Object.keys(futures).length);
    return [names(done).join(' '), names(notDone).join(' '), hub.now()];
  }

  it('takes a future that was given twice for one', () =>
    virtually(function* () {
      const future = submit(sleep, 1500);
      const { done, notDone } = yield* waitFutures([future, future], { returnWhen: ALL_COMPLETED });
      expect([done.size, done.has(future), notDone.size]).toEqual([1, true, 0]);
    }));

  it('is over with the first', () =>
    virtually(function* () {
      const futures = { quick: submit(() => 42), slow: submit(sleep, 1500) };
      expect(yield* namesOf(futures, { returnWhen: FIRST_COMPLETED })).toEqual(['quick', 'slow', 0]);
      yield* futures.slow;
    }));

  it('takes a cancelled future for the first', () =>
    virtually(function* () {
      const { cancelled } = everyState();
      const futures = { cancelled, quick: submit(() => 42), slow: submit(sleep, 1500) };
      expect(yield* namesOf(futures, { returnWhen: FIRST_COMPLETED })).toEqual(['cancelled', 'quick slow', 0]);
      yield* futures.slow;
    }));

  it('is over at once, and gives all that are done', () =>
    virtually(function* () {
      const { cancelled, successful } = everyState();
      const futures = { cancelled, successful, slow: submit(sleep, 1500) };
      const options = { returnWhen: FIRST_COMPLETED } as const;
      expect(yield* namesOf(futures, options)).toEqual(['cancelled successful', 'slow', 0]);
      yield* futures.slow;
    }));

  it('is over with the first error', () =>
    virtually(function* () {
      const failing = submit(function* () {
        yield* sleep(1500);
        fail();
      });
      const futures = { quick: submit(() => 42), failing, slow: submit(sleep, 3000) };
      expect(yield* namesOf(futures, { returnWhen: FIRST_EXCEPTION })).toEqual(['quick failing', 'slow', 1500]);
      yield* futures.slow;
    }));

  it('is over with the first error when others are done or cancelled already, which are no errors', () =>
    virtually(function* () {
      const { cancelled, successful } = everyState();
      const futures = { successful, cancelled, failing: submit(fail), slow: submit(sleep, 1500) };
      const options = { returnWhen: FIRST_EXCEPTION } as const;
      expect(yield* namesOf(futures, options)).toEqual(['successful cancelled failing', 'slow', 0]);
      yield* futures.slow;
    }));

  it('is over at once if one has failed already', () =>
    virtually(function* () {
      const { failed } = everyState();
      const futures = { failed, slow: submit(sleep, 2000) };
      expect(yield* namesOf(futures, { returnWhen: FIRST_EXCEPTION })).toEqual(['failed', 'slow', 0]);
      yield* futures.slow;
    }));

  it('waits for all, whatever becomes of them', () =>
    virtually(function* () {
      const { pending: _, running: __, ...done } = everyState();
      const futures = { ...done, failing: submit(fail), quick: submit(() => 42) };
      const names = 'cancelled failed successful failing quick';
      expect(yield* namesOf(futures, { returnWhen: ALL_COMPLETED })).toEqual([names, '', 0]);
    }));

  it('gives what is done when time is up', () =>
    virtually(function* () {
      const { pending: _, running: __, ...done } = everyState();
      const futures = { ...done, quick: submit(() => 42), slow: submit(sleep, 6000) };
      const options = { returnWhen: ALL_COMPLETED, timeout: 5000 } as const;
      expect(yield* namesOf(futures, options)).toEqual(['cancelled failed successful quick', 'slow', 5000]);
      yield* futures.slow;
    }));

  it('sees the end of a hundred futures that end at once', () =>
    virtually(function* () {
      const event = new Event();
      const futures = Array.from({ length: 100 }, () => submit(() => event.wait()));
      const waiting = spawn(() => waitFutures(futures));
      yield* sleep(0);
      event.set();
      expect((yield* waiting).done.size).toBe(100);
    }));
});

describe('asCompleted', () => {
  /** Calls `use` with each future that comes, and gives the error that ended the iteration, if any. */
  function* forEach<F>(iteration: Iteration<F>, use: (future: F) => void): Coroutine<unknown> {
    try {
      for (let step: IteratorResult<F, undefined>; !(step = yield* iteration.next()).done; ) use(step.value);
    } catch (error) {
      return error;
    }
    return undefined;
  }

  it('gives all, those that are done and those that will be', () =>
    virtually(function* () {
      const { cancelled, failed, successful } = everyState();
      const futures = [cancelled, failed, successful, submit(() => 42), submit(() => 42)];
      const given = new Set<Future<number>>();
      yield* forEach(asCompleted(futures), (future) => given.add(future));
      expect(futures.map((future) => given.has(future))).toEqual([true, true, true, true, true]);
    }));

  it('with a time limit of 0 gives those that are done, and throws', () =>
    virtually(function* () {
      const { cancelled, failed, successful } = everyState();
      const slow = submit(sleep, 2000);
      const given = new Set<Completable>();
      const futures: Completable[] = [cancelled, failed, successful, slow];
      const error = yield* forEach(asCompleted(futures, 0), (future) => given.add(future));
      expect(error).toBeInstanceOf(Timeout);
      expect([given.size, given.has(slow), hub.now()]).toEqual([3, false, 0]);
      yield* slow;
    }));

  it('gives a future once, however often it comes from the iterable', () =>
    virtually(function* () {
      const future = submit(sleep, 2000);
      function* thrice() {
        for (let i = 0; i < 3; i++) yield future;
      }
      let count = 0;
      yield* forEach(asCompleted(thrice()), () => count++);
      expect([count, hub.now()]).toEqual([1, 2000]);
    }));

  it('says how many of how many are not done', () =>
    virtually(function* () {
      const { cancelled, pending, running, successful } = everyState();
      const error = yield* forEach(asCompleted([cancelled, pending, running, successful], 0), () => {});
      expect(String(error)).toBe('Timeout: asCompleted(): 2 of 4 not done after 0 ms');
    }));

  it('does not hold a future any longer that it has given', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const rest = Array.from({ length: 10 }, () => new Future<number>());
    rest[8]!.cancel();
    rest[9]!.setResult(42);
    const given: WeakRef<object>[] = [];
    const held: number[] = [];

    function* give(iteration: Iteration<Future<number>>): Coroutine<void> {
      rest[0]!.trySet(1);
      const future = (yield* iteration.next()).value!;
      rest.splice(rest.indexOf(future), 1);
      given.push(new WeakRef(future));
    }

    await virtually(function* () {
      const iteration = asCompleted(rest.slice());
      while (rest.length > 0) {
        yield* give(iteration);
        yield* until(nextTurn()); // a WeakRef holds its object until the end of the job
        collectGarbage();
        held.push(given.filter((ref) => ref.deref() !== undefined).length);
      }
      expect((yield* iteration.next()).done).toBe(true);
    });
    expect(held).toEqual(new Array(10).fill(0));
  });
});
