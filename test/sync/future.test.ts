import { inspect } from 'node:util';
import {
  AsyncResult,
  CancelledError,
  type Coroutine,
  Future,
  type Greenlet,
  InvalidStateError,
  LoopExit,
  type Operation,
  run,
  sleep,
  spawn,
  Timeout,
  wait,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What a call gives, or the object that it throws. */
function* outcomeOf(call: () => Operation<unknown>): Coroutine<unknown> {
  try {
    return yield* call();
  } catch (error) {
    return error;
  }
}

const stateOf = (future: Future) => [future.done(), future.running(), future.cancelled(), future.successful()];

/** One future in each of the states that there are. */
function oneOfEach(): Record<'pending' | 'running' | 'cancelled' | 'succeeded' | 'failed', Future<number>> {
  const all = {
    pending: new Future<number>(),
    running: new Future<number>(),
    cancelled: new Future<number>(),
    succeeded: new Future<number>(),
    failed: new Future<number>(),
  };
  all.running.setRunningOrNotifyCancel();
  all.cancelled.cancel();
  all.succeeded.setResult(42);
  all.failed.setException(new RangeError('no'));
  return all;
}

describe('a Future', () => {
  it('is pending at first, then running, then done', () => {
    const future = new Future<number>();
    const states = [stateOf(future)];
    expect(future.setRunningOrNotifyCancel()).toBe(true);
    states.push(stateOf(future));
    future.setResult(1);
    states.push(stateOf(future));
    expect(states).toEqual([
      [false, false, false, false],
      [false, true, false, false],
      [true, false, false, true],
    ]);
    expect([future.value, future.ready(), future.exception]).toEqual([1, true, undefined]);
  });

  it('may be done without having run', () => {
    const { succeeded, failed, cancelled } = oneOfEach();
    expect([succeeded, failed, cancelled].map(stateOf)).toEqual([
      [true, false, false, true],
      [true, false, false, false],
      [true, false, true, false],
    ]);
  });

  it('is an AsyncResult: set, trySet, get, wait, await and links work', async () => {
    const [one, two] = [new Future<number>(), new Future<number>()];
    expect(one).toBeInstanceOf(AsyncResult);
    const log: unknown[] = [];
    await virtually(function* () {
      one.rawlink((future) => log.push(future === one));
      one.set(1);
      log.push(yield* one, yield* one.get(), yield* one.wait(), one.getNowait());
      hub.callLater(5, () => two.trySetException('no'));
      log.push((yield* wait([two])).indexOf(two), yield* outcomeOf(() => two));
    });
    log.push(await one);
    expect(log).toEqual([1, 1, 1, 1, true, 0, 'no', 1]);
  });

  it('refuses a second outcome, also after it was cancelled', () => {
    const { succeeded, failed, cancelled } = oneOfEach();
    for (const future of [succeeded, failed, cancelled]) {
      expect(() => future.setResult(1)).toThrow(InvalidStateError);
      expect(() => future.setException(new Error('late'))).toThrow(InvalidStateError);
      expect([future.trySet(1), future.trySetException('late')]).toEqual([false, false]);
    }
    expect(() => cancelled.setResult(1)).toThrow(
      "<Future cancelled> can't be set again: use trySet() or trySetException() if others may be first",
    );
    expect([succeeded.value, failed.exception]).toEqual([42, new RangeError('no')]);
  });

  it('begins once', () => {
    const { running, succeeded, failed, cancelled } = oneOfEach();
    for (const future of [running, succeeded, failed])
      expect(() => future.setRunningOrNotifyCancel()).toThrow(InvalidStateError);
    expect(() => running.setRunningOrNotifyCancel()).toThrow("<Future running> can't begin again: make a new future");
    expect([cancelled.setRunningOrNotifyCancel(), cancelled.setRunningOrNotifyCancel()]).toEqual([false, false]);
    expect(stateOf(cancelled)).toEqual([true, false, true, false]);
  });

  it('appears in messages with its class and state', () => {
    class Download extends Future {}
    const download = new Download();
    expect([...Object.values(oneOfEach()), download].map((future) => `${future} ${inspect(future)}`)).toEqual([
      '<Future pending> <Future pending>',
      '<Future running> <Future running>',
      '<Future cancelled> <Future cancelled>',
      '<Future succeeded> <Future succeeded>',
      '<Future failed> <Future failed>',
      '<Download pending> <Download pending>',
    ]);
  });
});

describe('result', () => {
  it('waits for the result, and gives or throws it', () =>
    virtually(function* () {
      const [good, bad] = [new Future<number>(), new Future<number>()];
      const error = new Error('of the work');
      hub.callLater(10, () => good.setResult(1));
      hub.callLater(20, () => bad.setException(error));
      expect([yield* good.result(), hub.now()]).toEqual([1, 10]);
      expect([(yield* outcomeOf(() => bad.result(1000))) === error, hub.now()]).toEqual([true, 20]);
      expect([yield* good.result(0), (yield* outcomeOf(() => bad.result())) === error]).toEqual([1, true]);
      expect(hub.stats().timers).toBe(0);
    }));

  it('throws a Timeout when time is up, whether the work has begun or not', () =>
    virtually(function* () {
      const { pending, running } = oneOfEach();
      for (const [future, limit] of [
        [pending, 0],
        [running, 25],
      ] as const) {
        const error = yield* outcomeOf(() => future.result(limit));
        expect(error).toBeInstanceOf(Timeout);
        expect((error as Timeout).ms).toBe(limit);
      }
      expect(yield* outcomeOf(() => pending.result(5))).toMatchObject({
        message: 'Future.result() timed out after 5 ms',
      });
      expect([hub.now(), pending.statistics(), hub.stats().timers]).toEqual([30, { waiting: 0, callbacks: 0 }, 0]);
    }));

  it('rejects a negative limit and NaN at the call', () => {
    const future = new Future();
    expect(() => future.result(-1)).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => future.result(Number.NaN)).toThrow(RangeError);
    future.result(null);
  });

  it('loses a waiter that is killed, and no other', () =>
    virtually(function* () {
      const future = new Future<number>();
      const waiters = [undefined, 50, undefined].map((limit) => spawn(() => future.result(limit)));
      yield* sleep(0);
      expect(future.statistics()).toEqual({ waiting: 3, callbacks: 0 });
      yield* waiters[0]!.kill();
      yield* waiters[1]!.kill();
      expect([future.statistics().waiting, hub.stats().timers]).toEqual([1, 0]);
      future.setResult(7);
      expect(yield* waiters[2]!).toBe(7);
    }));

  it('names itself when nothing can end it', () =>
    virtually(function* () {
      const error = yield* outcomeOf(() => new Future().result());
      expect((error as LoopExit).blocked[0]!.waitsFor).toBe('Future.result()');
      expect(error).toBeInstanceOf(LoopExit);
    }));
});

describe('cancel', () => {
  it('works until the work has begun, and says so', () => {
    const { pending, running, cancelled, succeeded, failed } = oneOfEach();
    const futures = [pending, cancelled, running, succeeded, failed];
    expect(futures.map((future) => future.cancel())).toEqual([true, true, false, false, false]);
    expect(futures.map((future) => future.cancelled())).toEqual([true, true, false, false, false]);
    expect([running.running(), succeeded.value, failed.exception]).toEqual([true, 42, new RangeError('no')]);
  });

  it('wakes all who wait with one CancelledError, in the order of their calls', () =>
    virtually(function* () {
      const future = new Future<number>();
      const log: unknown[] = [];
      const calls = [() => future.result(), () => future.get(), () => future.wait(), () => future.result(100)];
      const waiters = calls.map((call, index) =>
        spawn(function* () {
          log.push([index, yield* outcomeOf(call)]);
        }),
      );
      yield* sleep(0);
      expect(future.cancel()).toBe(true);
      log.push('cancelled');
      yield* wait(waiters);
      const error = future.exception;
      expect(error).toBeInstanceOf(CancelledError);
      expect(log).toEqual(['cancelled', [0, error], [1, error], [2, undefined], [3, error]]);
      expect(log.flat().filter((thrown) => thrown === error)).toHaveLength(3);
      expect((yield* outcomeOf(() => future)) === error).toBe(true);
      expect(hub.stats().timers).toBe(0);
    }));

  it('takes the message of the error', () => {
    const [one, two] = [new Future(), new Future()];
    one.cancel();
    two.cancel('the user has gone');
    two.cancel('too late');
    expect([one.exception, two.exception]).toMatchObject([
      { message: 'the future was cancelled', code: 'GENLET_CANCELLED' },
      { message: 'the user has gone', code: 'GENLET_CANCELLED' },
    ]);
  });

  it('is not reported when nobody waits', async () => {
    new Future().cancel();
    expect(await takeReports()).toEqual([]);
  });

  it('rejects the promise of ordinary code', async () => {
    const future = new Future();
    const promise = future.toPromise();
    hub.callSoon(() => future.cancel());
    const error = await promise.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CancelledError);
    expect(error).toBe(future.exception);
  });
});

describe('a done callback', () => {
  it('is called in the hub with the future, once, in the order of registration', () =>
    virtually(function* () {
      for (const finish of [
        (future: Future<number>) => future.setResult(1),
        (future: Future<number>) => future.setException('no'),
        (future: Future<number>) => future.cancel(),
      ]) {
        const future = new Future<number>();
        const log: unknown[] = [];
        future.addDoneCallback((done) => log.push(['one', done === future, done.done()]));
        future.addDoneCallback(() => log.push('two'));
        expect(future.statistics()).toEqual({ waiting: 0, callbacks: 2 });
        finish(future);
        log.push('finished');
        yield* sleep(0);
        yield* sleep(0);
        expect(log).toEqual(['finished', ['one', true, true], 'two']);
        expect(future.statistics()).toEqual({ waiting: 0, callbacks: 0 });
      }
    }));

  it('is called in the next pass if the future is done already', () =>
    virtually(function* () {
      for (const future of [oneOfEach().succeeded, oneOfEach().failed, oneOfEach().cancelled]) {
        const log: string[] = [];
        future.addDoneCallback(() => log.push('callback'));
        log.push('added');
        yield* sleep(0);
        expect(log).toEqual(['added', 'callback']);
      }
    }));

  it('is not called when the work begins', () =>
    virtually(function* () {
      const future = new Future();
      const log: string[] = [];
      future.addDoneCallback(() => log.push('callback'));
      future.setRunningOrNotifyCancel();
      yield* sleep(1);
      expect(log).toEqual([]);
      future.setResult(undefined);
      yield* sleep(1);
      expect(log).toEqual(['callback']);
    }));

  it('has its turn among those who wait, and may add others', () =>
    virtually(function* () {
      const future = new Future<number>();
      const log: string[] = [];
      future.addDoneCallback(() => {
        log.push('callback');
        future.addDoneCallback(() => log.push('added by it'));
      });
      spawn(function* () {
        log.push(`result ${yield* future.result()}`);
      });
      yield* sleep(0);
      future.addDoneCallback(() => log.push('second callback'));
      future.setResult(1);
      yield* sleep(1);
      expect(log).toEqual(['callback', 'result 1', 'second callback', 'added by it']);
    }));

  it('is called as often as it was added, and taken back all at once', () =>
    virtually(function* () {
      const future = new Future<void>();
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) => () => void log.push(name));
      for (const callback of [one, two, one, three, two]) future.addDoneCallback(callback!);
      expect([future.removeDoneCallback(two!), future.removeDoneCallback(two!)]).toEqual([2, 0]);
      future.setResult();
      yield* sleep(0);
      expect(log).toEqual(['one', 'one', 'three']);
      expect(future.removeDoneCallback(one!)).toBe(0);
    }));

  it('can be taken back when it is already due, also by another one', () =>
    virtually(function* () {
      const future = new Future<void>();
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) => () => void log.push(name));
      future.addDoneCallback(() => log.push(`removed ${future.removeDoneCallback(two!)}`));
      for (const callback of [one, two, three, two]) future.addDoneCallback(callback!);
      future.setResult();
      expect(future.removeDoneCallback(one!)).toBe(1);
      yield* sleep(0);
      expect(log).toEqual(['removed 2', 'three']);
    }));

  it('that throws is reported, and the others are called all the same', async () => {
    const error = new Error('in a callback');
    const log: string[] = [];
    await virtually(function* () {
      const future = new Future<void>();
      future.addDoneCallback(() => {
        throw error;
      });
      future.addDoneCallback(() => log.push('second'));
      future.setResult();
      yield* sleep(0);
    });
    expect(log).toEqual(['second']);
    expect(await takeReports()).toMatchObject([{ error, greenlet: undefined }]);
  });

  it('must be a plain function', () => {
    const future = new Future();
    expect(() => future.addDoneCallback(5 as never)).toThrow(new TypeError('callback is 5: give a plain function'));
    expect(() => future.addDoneCallback(function* () {} as never)).toThrow(TypeError);
    expect(future.statistics().callbacks).toBe(0);
  });

  it('works without any greenlet', async () => {
    const future = new Future<number>();
    const log: unknown[] = [];
    future.addDoneCallback(({ value }) => log.push(value));
    setImmediate(() => future.setResult(3));
    await nextTurn();
    await nextTurn();
    expect(log).toEqual([3]);
  });
});

describe('a future as the link of a greenlet', () => {
  it('gets its value; one that was cancelled meanwhile gets nothing', () =>
    virtually(function* () {
      const [kept, cancelled] = [new Future<number>(), new Future<number>()];
      const greenlet = spawn(() => 1);
      greenlet.link(kept);
      greenlet.link(cancelled);
      cancelled.cancel();
      expect([yield* kept.result(), cancelled.cancelled(), cancelled.value]).toEqual([1, true, undefined]);
    }));

  it('leaves an error that nobody wants any more to the hub', async () => {
    const error = new Error('of the greenlet');
    await virtually(function* () {
      const future = new Future<never>();
      const greenlet = spawn((): never => {
        throw error;
      });
      greenlet.link(future);
      future.cancel();
      yield* sleep(1);
    });
    expect(await takeReports()).toMatchObject([{ error, context: 'greenlet' }]);
  });
});

it('has the types of its value', () => {
  const check = (_: () => unknown) => {};
  check(function* () {
    const future = new Future<number>();
    expectTypeOf(yield* future.result()).toEqualTypeOf<number>();
    expectTypeOf(yield* future).toEqualTypeOf<number>();
    expectTypeOf<Future<5>>().toExtend<Future<number>>();
    expectTypeOf<Future<number>>().toExtend<AsyncResult<number>>();
    expectTypeOf(spawn(() => future)).toEqualTypeOf<Greenlet<number>>();
    expectTypeOf(run(() => future)).toEqualTypeOf<Promise<number>>();
    future.addDoneCallback((done) => expectTypeOf(done.value).toEqualTypeOf<number | undefined>());
    // @ts-expect-error a text is no number
    future.setResult('5');
  });
});
