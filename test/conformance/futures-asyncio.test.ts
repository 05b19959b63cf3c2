/**
 * asyncio's test_futures and test_futures2.
 *
 * What differs: a future that is not done has no result yet, which is a `Timeout` here and no invalid state; a second
 * `cancel()` gives `true`, as that of concurrent.futures does; an error that nobody asks for is not reported, as in gevent
 * and concurrent.futures; and a callback that is due can still be taken back.
 */
import { inspect } from 'node:util';
import {
  asCompleted,
  CancelledError,
  type Completable,
  type Coroutine,
  Future,
  InvalidStateError,
  type Operation,
  sleep,
  spawn,
  Timeout,
  waitFutures,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What `operation` gives, or the object that it throws. */
function* outcomeOf(operation: Operation<unknown>): Coroutine<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}

describe('something that only looks like a future', () => {
  class LookAlike implements Completable {
    readonly links = new Set<(source: LookAlike) => void>();
    isDone = false;

    ready(): boolean {
      return this.isDone;
    }

    successful(): boolean {
      return this.isDone;
    }

    rawlink(callback: (source: LookAlike) => void): void {
      this.links.add(callback);
    }

    unlink(callback: (source: LookAlike) => void): void {
      this.links.delete(callback);
    }

    finish(): void {
      this.isDone = true;
      for (const link of this.links) hub.callSoon(() => link(this));
    }
  }

  it('is waited for as it is', () =>
    virtually(function* () {
      const lookAlikes = [new LookAlike(), new LookAlike()];
      lookAlikes.forEach((one, index) => void hub.callLater(10 * (2 - index), () => one.finish()));
      const completed = asCompleted(lookAlikes);
      expect((yield* completed.next()).value === lookAlikes[1]).toBe(true);
      expect((yield* waitFutures(lookAlikes)).done.size).toBe(2);
      expect((yield* completed.next()).value === lookAlikes[0]).toBe(true);
      expect(hub.now()).toBe(20);
    }));
});

describe('a future', () => {
  it('is told from other things by instanceof', () => {
    class Download extends Future {}
    const things = [new Future(), new Download(), Future, 1, { done: () => true }, Promise.resolve()];
    expect(things.map((thing) => thing instanceof Future)).toEqual([true, true, false, false, false, false]);
  });

  it('is neither done nor cancelled at first', () => {
    const future = new Future();
    expect([future.cancelled(), future.done()]).toEqual([false, false]);
    future.cancel();
    expect([future.cancelled(), future.done()]).toEqual([true, true]);
  });

  it('is cancelled with a message, which its error has', () =>
    virtually(function* () {
      const future = new Future();
      expect(future.exception).toBeUndefined();
      future.cancel('my message');
      expect(yield* outcomeOf(future)).toMatchObject({ message: 'my message', name: 'CancelledError' });
    }));

  it('has neither a result nor an error when it is cancelled, and takes none any more', () =>
    virtually(function* () {
      const future = new Future();
      expect([future.cancel(), future.cancelled(), future.done()]).toEqual([true, true, true]);
      expect(yield* outcomeOf(future.result())).toBeInstanceOf(CancelledError);
      expect(future.exception).toBeInstanceOf(CancelledError);
      expect(() => future.setResult(undefined)).toThrow(InvalidStateError);
      expect(() => future.setException(undefined)).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(true);
    }));

  it('keeps a result, and takes no other and no cancellation', () =>
    virtually(function* () {
      const future = new Future<number | undefined>();
      expect(() => future.getNowait()).toThrow(expect.any(Timeout));
      future.setResult(42);
      expect([future.cancelled(), future.done()]).toEqual([false, true]);
      expect([yield* future.result(), future.getNowait(), future.exception]).toEqual([42, 42, undefined]);
      expect(() => future.setResult(undefined)).toThrow(InvalidStateError);
      expect(() => future.setException(undefined)).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(false);
    }));

  it('keeps an error, and takes no result and no cancellation', () =>
    virtually(function* () {
      const future = new Future();
      const error = new Error('kept');
      expect(future.exception).toBeUndefined();
      future.setException(error);
      expect([future.cancelled(), future.done()]).toEqual([false, true]);
      expect([(yield* outcomeOf(future.result())) === error, future.exception === error]).toEqual([true, true]);
      expect(() => future.setResult(undefined)).toThrow(InvalidStateError);
      expect(() => future.setException(undefined)).toThrow(InvalidStateError);
      expect(future.cancel()).toBe(false);
    }));

  it('makes no error of a class, but throws it as it is', () =>
    virtually(function* () {
      const future = new Future();
      future.setException(RangeError);
      expect([yield* outcomeOf(future), future.exception]).toEqual([RangeError, RangeError]);
    }));

  it('suspends who waits for it first, and nobody later', () =>
    virtually(function* () {
      const future = new Future<number>();
      const log: unknown[] = [];
      spawn(function* () {
        log.push('A');
        log.push(['B', yield* future]);
        log.push(['C', yield* future]);
      });
      yield* sleep(0);
      log.push('waits');
      future.setResult(42);
      yield* sleep(0);
      expect(log).toEqual(['A', 'waits', ['B', 42], ['C', 42]]);
    }));

  it('shows its class and state', () => {
    class Download extends Future {}
    for (const FutureClass of [Future, Download]) {
      const futures = Array.from({ length: 5 }, () => new FutureClass());
      futures[1]!.cancel();
      futures[2]!.setResult(4);
      futures[3]!.setException(new RangeError());
      futures[4]!.addDoneCallback(() => {});
      const states = ['pending', 'cancelled', 'succeeded', 'failed', 'pending'];
      expect(futures.map(String)).toEqual(states.map((state) => `<${FutureClass.name} ${state}>`));
    }
  });

  it('shows itself although its value refers back to it', () => {
    const future = new Future<unknown>();
    future.setResult({ tasks: [future, { future }] });
    expect([inspect(future), inspect(future.value)]).toEqual([
      '<Future succeeded>',
      '{ tasks: [ <Future succeeded>, { future: <Future succeeded> } ] }',
    ]);
  });

  it('hands its outcome on to another one by a callback', async () => {
    const error = new Error('handed on');
    const outcomes = [
      (future: Future<number>) => future.setResult(10),
      (future: Future<number>) => future.setException(error),
      (future: Future<number>) => future.cancel(),
    ].map((finish) => {
      const [source, target] = [new Future<number>(), new Future<number>()];
      source.addDoneCallback((done) => {
        if (done.cancelled()) target.cancel();
        else if (done.successful()) target.setResult(done.getNowait());
        else target.setException(done.exception);
      });
      finish(source);
      return target;
    });
    await nextTurn();
    expect(outcomes.map((future) => [future.done(), future.cancelled()])).toEqual([
      [true, false],
      [true, false],
      [true, true],
    ]);
    expect([outcomes[0]!.value, outcomes[1]!.exception === error]).toEqual([10, true]);
  });

  it('is not taken apart where yield* was forgotten', () =>
    virtually(function* () {
      const future = new Future<number>();
      const message = 'Future.get() was iterated by something other than yield*';
      expect(() => {
        const [one, two] = future as unknown as Iterable<number>;
        return [one, two];
      }).toThrow(message);
      future.setResult(1);
      expect(() => [...(future as unknown as Iterable<number>)]).toThrow(message);
      expect(yield* future).toBe(1);
    }));

  it('reports nothing, whatever becomes of it and whoever asks', async () => {
    new Future();

    const cancelledLate = new Future();
    cancelledLate.setException(new Error('boom'));
    cancelledLate.cancel();

    new Future<number>().setResult(42);

    const asked = new Future<number>();
    asked.setResult(42);
    asked.getNowait();

    new Future().setException(new Error('boom'));

    const looked = new Future();
    looked.setException(new Error('boom'));
    expect(looked.exception).toBeInstanceOf(Error);

    const thrown = new Future();
    thrown.setException(new Error('boom'));
    expect(() => thrown.getNowait()).toThrow('boom');

    expect(await takeReports()).toEqual([]);
  });

  it('leaves it at a cancellation where a result comes too late, if that is only tried', () => {
    const future = new Future<number>();
    future.cancel();
    expect([future.trySet(2), future.cancelled(), future.value]).toEqual([false, true, undefined]);
  });

  it('gives an array as one value', () =>
    virtually(function* () {
      const future = new Future<[number, number]>();
      future.setResult([1, 2]);
      expect(yield* future).toEqual([1, 2]);
    }));

  it('lets out whatever is thrown into a greenlet that waits for it', () =>
    virtually(function* () {
      const future = new Future();
      for (const error of [new Error('elephant'), RangeError, 32, null]) {
        const waiter = spawn(() => outcomeOf(future));
        yield* sleep(0);
        waiter.kill(error);
        expect(yield* waiter).toBe(error);
      }
      expect(future.statistics().waiting).toBe(0);
    }));

  it('throws one error as often as it is asked, whose stack does not grow', () =>
    virtually(function* () {
      const future = new Future();
      const error = new TypeError('42');
      future.setException(error);
      const stacks = new Set([error.stack]);
      for (let i = 0; i < 5; i++) {
        const thrown = yield* outcomeOf(future);
        expect(thrown).toBe(error);
        stacks.add((thrown as Error).stack);
      }
      expect(stacks.size).toBe(1);
    }));
});

describe('done callbacks', () => {
  /** A future, callbacks that record their number, and what they have recorded when all is over. */
  function prepare(...numbers: number[]) {
    const future = new Future<string>();
    const bag: number[] = [];
    const callbacks = numbers.map((number) => () => void bag.push(number));
    const finish = async (finisher = () => future.setResult('foo')) => {
      expect(bag).toEqual([]);
      finisher();
      expect(bag).toEqual([]);
      await nextTurn();
      return bag;
    };
    return { future, callbacks, finish };
  }

  it.each([
    ['the first', [0, 0], [17, 100]],
    ['the first and the second', [0, 1, 0], [100]],
    ['the third', [2, 2], [42, 17]],
  ])('that are left are called when %s was taken back', async (_, removed, left) => {
    const { future, callbacks, finish } = prepare(42, 17, 100);
    for (const callback of callbacks) future.addDoneCallback(callback);
    const counts = removed.map((index) => future.removeDoneCallback(callbacks[index]!));
    expect(counts).toEqual(removed.map((index, at) => (removed.indexOf(index) === at ? 1 : 0)));
    expect(await finish()).toEqual(left);
    expect(future.value).toBe('foo');
  });

  it('are called in order when there is a result', async () => {
    const { future, callbacks, finish } = prepare(42, 17);
    for (const callback of callbacks) future.addDoneCallback(callback);
    expect([await finish(), future.value]).toEqual([[42, 17], 'foo']);
  });

  it('are called when there is an error', async () => {
    const { future, callbacks, finish } = prepare(100);
    const error = new Error('no');
    future.addDoneCallback(callbacks[0]!);
    expect([await finish(() => future.setException(error)), future.exception === error]).toEqual([[100], true]);
  });

  it('are counted when they are taken back', async () => {
    const { future, callbacks, finish } = prepare(1, 2, 3);
    const [one, two, three] = callbacks as [() => void, () => void, () => void];
    future.addDoneCallback(one);
    future.addDoneCallback(two);
    expect([future.removeDoneCallback(two), future.removeDoneCallback(three)]).toEqual([1, 0]);
    future.addDoneCallback(two);
    for (let i = 0; i < 5; i++) future.addDoneCallback(one);
    expect(future.removeDoneCallback(one)).toBe(6);
    expect([await finish(), future.value]).toEqual([[2], 'foo']);
  });

  it('may take others back while they are called, which are not called then', async () => {
    const { future, callbacks, finish } = prepare(1, 2);
    const [one, two] = callbacks as [() => void, () => void];
    future.addDoneCallback((done) => {
      one();
      expect(done.removeDoneCallback(two)).toBe(2);
    });
    future.addDoneCallback(two);
    future.addDoneCallback(two);
    expect(await finish()).toEqual([1]);
  });
});
