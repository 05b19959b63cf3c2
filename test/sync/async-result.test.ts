import { inspect } from 'node:util';
import {
  AsyncResult,
  all,
  BlockingSwitchOutError,
  type Coroutine,
  Greenlet,
  GreenletExit,
  InvalidStateError,
  LoopExit,
  NotInGreenletError,
  type Operation,
  run,
  select,
  sleep,
  spawn,
  spawnNow,
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

/** What a call throws. */
function thrownBy(call: () => unknown): any {
  try {
    call();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}

const stateOf = (result: AsyncResult) => [result.ready(), result.successful(), result.value, result.exception];

describe('an AsyncResult', () => {
  it('holds nothing at first, and then its value', () => {
    const result = new AsyncResult<string>();
    expect(stateOf(result)).toEqual([false, false, undefined, undefined]);
    result.set('value');
    expect(stateOf(result)).toEqual([true, true, 'value', undefined]);
  });

  it('holds an error instead of a value, whatever kind of thing that is', () => {
    for (const error of [new Error('no'), 'no', undefined, { code: 5 }, GreenletExit]) {
      const result = new AsyncResult();
      result.setException(error);
      expect(stateOf(result)).toEqual([true, false, undefined, error]);
      expect(result.exception).toBe(error);
    }
  });

  it('is ready with a value of undefined', () =>
    virtually(function* () {
      const result = new AsyncResult<void>();
      result.set();
      expect(stateOf(result)).toEqual([true, true, undefined, undefined]);
      expect([yield* result, result.getNowait()]).toEqual([undefined, undefined]);
    }));

  it('is set once: a second outcome is refused, and the first one stays', () => {
    const [good, bad] = [new AsyncResult<number>(), new AsyncResult<number>()];
    good.set(1);
    bad.setException('first');
    for (const again of [
      () => good.set(2),
      () => good.setException('second'),
      () => bad.set(2),
      () => bad.setException('second'),
    ])
      expect(again).toThrow(InvalidStateError);
    expect(() => good.set(2)).toThrow(
      "<AsyncResult succeeded> can't be set again: use trySet() or trySetException() if others may be first",
    );
    expect(() => bad.set(2)).toThrow('<AsyncResult failed>');
    expect([stateOf(good), stateOf(bad)]).toEqual([
      [true, true, 1, undefined],
      [true, false, undefined, 'first'],
    ]);
  });

  it('tells by trySet and trySetException who was first', () => {
    const [good, bad] = [new AsyncResult<number>(), new AsyncResult<number>()];
    expect([good.trySet(1), good.trySet(2), good.trySetException('late')]).toEqual([true, false, false]);
    expect([bad.trySetException('early'), bad.trySetException('late'), bad.trySet(1)]).toEqual([true, false, false]);
    expect([good.value, bad.exception]).toEqual([1, 'early']);
  });

  it('appears in messages with its class and state, without its value', () => {
    class Answer extends AsyncResult {}
    const [pending, recursive, failed] = [new Answer(), new Answer(), new Answer()];
    recursive.set([recursive]);
    failed.setException(new Error('no'));
    expect([pending, recursive, failed].map((result) => `${result} ${inspect(result)}`)).toEqual([
      '<Answer pending> <Answer pending>',
      '<Answer succeeded> <Answer succeeded>',
      '<Answer failed> <Answer failed>',
    ]);
  });

  it('does not report an error that nobody asks for', async () => {
    new AsyncResult().setException(new Error('of no interest'));
    expect(await takeReports()).toEqual([]);
  });
});

describe('get', () => {
  it('wakes with the value in the order of the calls, whichever they are, and not inside set()', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const log: string[] = [];
      const calls = {
        get: () => result.get(),
        wait: () => result.wait(),
        'get, limited': () => result.get({ timeout: 100 }),
        'yield*': () => result,
        'wait, limited': () => result.wait(100),
        'last get': () => result.get({ timeout: null }),
      };
      const waiters = Object.entries(calls).map(([name, call]) =>
        spawn(function* () {
          log.push(`${name}: ${yield* call()}`);
        }),
      );
      yield* sleep(0);
      expect(result.statistics()).toEqual({ waiting: 6 });
      result.set(5);
      log.push('set');
      expect(result.statistics()).toEqual({ waiting: 0 });
      yield* wait(waiters);
      expect(log).toEqual(['set', ...Object.keys(calls).map((name) => `${name}: 5`)]);
      expect(hub.stats().timers).toBe(0);
    }));

  it('throws the stored error, the same object to each and each time', () =>
    virtually(function* () {
      const result = new AsyncResult();
      const error = new Error('stored');
      const waiters = [
        () => result.get(),
        () => result.get({ timeout: 50 }),
        () => outcomeOf(() => result),
        () => result.wait(),
        () => result.wait(50),
      ].map((call) => spawn(() => outcomeOf(call)));
      yield* sleep(0);
      result.setException(error);
      const late = [
        yield* outcomeOf(() => result.get()),
        yield* outcomeOf(() => result.get({ block: false })),
        yield* outcomeOf(() => result),
        thrownBy(() => result.getNowait()),
      ];
      yield* wait(waiters);
      const given = waiters.map(({ value }) => value);
      expect([...given.slice(0, 3), ...late].every((thrown) => thrown === error)).toBe(true);
      expect(given.slice(3)).toEqual([undefined, undefined]);
      expect([yield* result.wait(), yield* result.wait(0), hub.stats().timers]).toEqual([undefined, undefined, 0]);
    }));

  it('does not suspend once there is an outcome', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      result.set(1);
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      log.push(yield* result, yield* result.get(), yield* result.get({ timeout: 0 }), yield* result.wait(5));
      yield* other.join();
      expect(log).toEqual([1, 1, 1, 1, 'other']);
    }));

  it('does not suspend when it is not to wait', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      for (const options of [{ timeout: 0 }, { block: false }])
        log.push(((yield* outcomeOf(() => result.get(options))) as Error).name);
      log.push(yield* result.wait(0));
      yield* other.join();
      expect(log).toEqual(['Timeout', 'Timeout', undefined, 'other']);
    }));

  it('gives way now and then in a loop that never needs to wait', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      result.set(1);
      for (const call of [() => result, () => result.wait()]) {
        let hadTurn = false;
        spawn(() => {
          hadTurn = true;
        });
        for (let i = 0; i < 10_000 && !hadTurn; i++) expect(yield* call()).toBe(1);
        expect(hadTurn).toBe(true);
      }
    }));

  it('throws a Timeout that names the call when time is up, or at once', () =>
    virtually(function* () {
      const result = new AsyncResult();
      const attempts: unknown[] = [];
      for (const options of [{ timeout: 0 }, { block: false }, { block: false, timeout: 10 }, { timeout: 25 }]) {
        const error = yield* outcomeOf(() => result.get(options));
        expect(error).toBeInstanceOf(Timeout);
        attempts.push([(error as Timeout).message, (error as Timeout).ms, hub.now()]);
      }
      expect(attempts).toEqual([
        ['AsyncResult.get() had no result yet', 0, 0],
        ['AsyncResult.get() had no result yet', 0, 0],
        ['AsyncResult.get() had no result yet', 0, 0],
        ['AsyncResult.get() timed out after 25 ms', 25, 25],
      ]);
      expect([result.statistics(), hub.stats().timers]).toEqual([{ waiting: 0 }, 0]);
    }));

  it('is told by getNowait at once, as a Timeout, that there is nothing yet', () => {
    const result = new AsyncResult<number>();
    expect(thrownBy(() => result.getNowait())).toBeInstanceOf(Timeout);
    expect(thrownBy(() => result.getNowait()).message).toBe('AsyncResult.getNowait() had no result yet');
    result.set(3);
    expect(result.getNowait()).toBe(3);
  });

  it('takes undefined and null for no limit, and rejects other limits at the call', () => {
    const result = new AsyncResult();
    expect(() => result.get({ timeout: -1 })).toThrow(new RangeError('timeout is -1: give milliseconds, 0 or more'));
    expect(() => result.get({ timeout: Number.NaN })).toThrow(RangeError);
    expect(() => result.get({ timeout: '5' as never })).toThrow(TypeError);
    expect(() => result.get(5 as never)).toThrow(
      new TypeError('options is 5: give { timeout: milliseconds } or { block: false }'),
    );
    expect(() => result.wait(-1)).toThrow(RangeError);
    expect(() => result.wait(Number.NaN)).toThrow(RangeError);
    result.get({ timeout: null });
    result.wait(null);
  });

  it('loses a waiter that is killed, and no other', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const calls = [
        () => result.get(),
        () => result.get({ timeout: 50 }),
        () => result.wait(),
        () => result.wait(50),
        () => result.get(),
      ];
      const waiters = calls.map((call) => spawn(call));
      yield* sleep(0);
      for (const waiter of waiters.slice(0, -1)) yield* waiter.kill();
      expect([result.statistics(), hub.stats().timers]).toEqual([{ waiting: 1 }, 0]);
      result.set(4);
      expect(yield* waiters.at(-1)!).toBe(4);
      expect(waiters.slice(0, -1).every(({ value }) => (value as unknown) instanceof GreenletExit)).toBe(true);
    }));

  it('has the value if the kill comes after set(), and dies at its next suspension', () =>
    virtually(function* () {
      for (const limit of [undefined, 50]) {
        const result = new AsyncResult<number>();
        const log: unknown[] = [];
        const waiter = spawn(function* () {
          log.push(yield* result.get({ timeout: limit! }));
          yield* sleep(0);
          log.push('not reached');
        });
        yield* sleep(0);
        result.set(4);
        yield* waiter.kill();
        expect([log, hub.stats().timers]).toEqual([[4], 0]);
      }
    }));

  it('dies if the kill comes before set(), in the same pass', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const waiter = spawn(() => result.get());
      yield* sleep(0);
      waiter.kill();
      result.set(4);
      expect(yield* waiter).toBeInstanceOf(GreenletExit);
    }));

  it('takes an outcome that comes in the pass in which its time is up', () =>
    virtually(function* () {
      const [good, bad, late] = [new AsyncResult<number>(), new AsyncResult(), new AsyncResult<number>()];
      const error = new Error('just in time');
      hub.callLater(10, () => {
        good.set(1);
        bad.setException(error);
      });
      const waiters = [
        () => good.get({ timeout: 10 }),
        () => good.wait(10),
        () => outcomeOf(() => bad.get({ timeout: 10 })),
        () => bad.wait(10),
        () => outcomeOf(() => late.get({ timeout: 10 })),
        () => late.wait(10),
      ].map((call) => spawn<[], Operation<unknown>>(call));
      yield* sleep(0);
      hub.callLater(10, () => late.set(2));
      yield* wait(waiters);
      expect(hub.now()).toBe(10);
      expect(waiters.map(({ value }) => value)).toEqual([1, 1, error, undefined, expect.any(Timeout), undefined]);
    }));

  it('lets an outer timeout through', () =>
    virtually(function* () {
      const result = new AsyncResult();
      for (const call of [() => result.get({ timeout: 100 }), () => result.wait(100), () => result]) {
        using limit = Timeout.startNew(5);
        expect(yield* outcomeOf(call)).toBe(limit);
        expect([result.statistics(), hub.stats().timers]).toEqual([{ waiting: 0 }, 0]);
      }
    }));

  it('blocks neither a hub callback nor ordinary code, not even when there is an outcome', async () => {
    const result = new AsyncResult<number>();
    result.set(1);
    const errors: unknown[] = [];
    hub.callSoon(() => {
      for (const call of [() => result.get(), () => result.wait(), () => result])
        errors.push(thrownBy(() => call()[Symbol.iterator]().next(undefined)).constructor);
      errors.push(result.getNowait());
    });
    await nextTurn();
    expect(errors).toEqual([BlockingSwitchOutError, BlockingSwitchOutError, BlockingSwitchOutError, 1]);
    expect(thrownBy(() => result[Symbol.iterator]().next(undefined))).toBeInstanceOf(NotInGreenletError);
  });

  it('is performed by yield* only', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      result.set(1);
      for (const misuse of [() => [...(result as never)], () => [...(result.wait() as never)]])
        expect(misuse).toThrow(TypeError);
      yield* result;
    }));

  it('is performed where a function returns the result', async () => {
    const result = new AsyncResult<number>();
    await virtually(function* () {
      const waiters = [spawn(() => result), spawnNow(() => result)];
      spawn(() => result.set(6));
      expect([yield* waiters[0]!, yield* waiters[1]!]).toEqual([6, 6]);
      expect(yield* all({ result, slept: sleep(5) })).toEqual({ result: 6, slept: undefined });
    });
    expect(await run(() => result)).toBe(6);
  });
});

describe('wait', () => {
  it('gives undefined when time is up, at once for a limit of 0', () =>
    virtually(function* () {
      const result = new AsyncResult();
      expect([yield* result.wait(0), hub.now()]).toEqual([undefined, 0]);
      expect([yield* result.wait(25), hub.now()]).toEqual([undefined, 25]);
      expect([result.statistics(), hub.stats().timers]).toEqual([{ waiting: 0 }, 0]);
    }));

  it('says what it waits for when nothing can end it', () =>
    virtually(function* () {
      const result = new AsyncResult();
      const calls = [() => result.wait(), () => result.get(), () => result];
      for (const [index, call] of calls.entries()) {
        const error = yield* outcomeOf(call);
        expect(error).toBeInstanceOf(LoopExit);
        expect((error as LoopExit).blocked.map(({ waitsFor }) => waitsFor)).toEqual([
          index === 0 ? 'AsyncResult.wait()' : 'AsyncResult.get()',
        ]);
      }
      expect(result.statistics()).toEqual({ waiting: 0 });
    }));
});

describe('a result in ordinary code', () => {
  it('is set from there, and from hub callbacks', async () => {
    const [one, two] = [new AsyncResult<number>(), new AsyncResult<number>()];
    const waiting = run(function* () {
      return [yield* one, yield* two];
    });
    await nextTurn();
    one.set(1);
    hub.callSoon(() => two.set(2));
    expect(await waiting).toEqual([1, 2]);
  });

  it('can be awaited, before and after it is set', async () => {
    const result = new AsyncResult<number>();
    setImmediate(() => result.set(8));
    expect(await result).toBe(8);
    expect(await result).toBe(8);
    expect(result.toPromise()).toBe(result.toPromise());
    expect(await result.then((value) => value + 1)).toBe(9);
  });

  it('rejects with the stored error', async () => {
    const error = new Error('stored');
    const [early, late] = [new AsyncResult(), new AsyncResult()];
    early.setException(error);
    setImmediate(() => late.setException(error));
    for (const result of [early, late]) expect(await result.toPromise().catch((thrown) => thrown)).toBe(error);
    expect(await early.then(undefined, (thrown) => [thrown])).toEqual([error]);
  });

  it('serves promises and greenlets alike', async () => {
    const result = new AsyncResult<number>();
    const promise = result.toPromise();
    const main = run(function* () {
      hub.callLater(1, () => result.set(2));
      return yield* result;
    });
    expect([await promise, await main]).toEqual([2, 2]);
  });
});

describe('a link to a result', () => {
  it('is called once with the result, in a pass of its own, in the order of registration', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const log: unknown[] = [];
      result.rawlink((source) => log.push(['first', source === result, source.value]));
      result.rawlink(() => log.push('second'));
      result.set(1);
      log.push('set');
      yield* sleep(0);
      result.trySet(2);
      yield* sleep(0);
      expect(log).toEqual(['set', ['first', true, 1], 'second']);
    }));

  it('is called in the next pass if there is an outcome already', () =>
    virtually(function* () {
      const result = new AsyncResult();
      const log: string[] = [];
      result.setException('no');
      result.rawlink(() => log.push('link'));
      log.push('linked');
      yield* sleep(0);
      expect(log).toEqual(['linked', 'link']);
    }));

  it('can be taken back, also when it is already due', () =>
    virtually(function* () {
      const result = new AsyncResult<void>();
      const log: string[] = [];
      const [one, two, three] = ['one', 'two', 'three'].map((name) => () => void log.push(name));
      for (const link of [one, two, three]) result.rawlink(link!);
      result.unlink(one!);
      result.unlink(() => {});
      result.set();
      result.unlink(two!);
      yield* sleep(0);
      expect(log).toEqual(['three']);
    }));

  it('that throws is reported, and keeps nobody from being served', async () => {
    const result = new AsyncResult<number>();
    const log: unknown[] = [];
    const error = new Error('in a link');
    await virtually(function* () {
      result.rawlink(() => {
        throw error;
      });
      result.rawlink(() => log.push('second'));
      const waiter = spawn(() => result);
      yield* sleep(0);
      result.set(1);
      log.push(yield* waiter);
    });
    expect(log).toEqual(['second', 1]);
    expect(await takeReports()).toMatchObject([{ error, greenlet: undefined }]);
  });

  it('must be a plain function', () => {
    expect(() => new AsyncResult().rawlink(5 as never)).toThrow(TypeError);
    expect(() => new AsyncResult().rawlink(function* () {} as never)).toThrow(TypeError);
  });

  it('makes results work with wait() and select()', () =>
    virtually(function* () {
      const [one, two, three] = [new AsyncResult<number>(), new AsyncResult<number>(), new AsyncResult<number>()];
      two.setException('taken by nobody');
      hub.callLater(10, () => one.set(1));
      const ready = yield* wait([one, two, three], { count: 2 });
      expect([ready.length, ready[0] === two, ready[1] === one]).toEqual([2, true, true]);
      expect(yield* wait([three], { timeout: 5 })).toEqual([]);
      expect(yield* select({ value: three.get(), limit: sleep(5) })).toEqual({ key: 'limit', value: undefined });
      hub.callLater(1, () => three.set(3));
      expect(yield* select({ value: three.get(), limit: sleep(5) })).toEqual({ key: 'value', value: 3 });
      expect([three.statistics(), hub.stats().timers]).toEqual([{ waiting: 0 }, 0]);
    }));
});

describe('a result as the link of a greenlet', () => {
  const failure = new Error('of the greenlet');
  const fail = (): number => {
    throw failure;
  };

  it('gets the value', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const greenlet = spawn(() => 42);
      greenlet.link(result);
      expect(yield* result).toBe(42);
    }));

  it('gets the error, which counts as taken', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      spawn(fail).link(result);
      expect(yield* outcomeOf(() => result)).toBe(failure);
    }));

  it('gets the exit of a killed greenlet as a value, begun or not', () =>
    virtually(function* () {
      const exits = [new GreenletExit('one'), new GreenletExit('two')];
      const results = exits.map(() => new AsyncResult<void>());
      const [begun, unbegun] = [spawn(sleep, 1000), new Greenlet(() => sleep(1000))];
      begun.link(results[0]!);
      unbegun.link(results[1]!);
      yield* sleep(0);
      begun.kill(exits[0]);
      unbegun.kill(exits[1]);
      expect([yield* results[0]!, yield* results[1]!]).toEqual(exits);
      expect(results.map((result) => result.successful())).toEqual([true, true]);
    }));

  it('is set in the pass after the end, also if the greenlet ended before', () =>
    virtually(function* () {
      const greenlet = spawn(() => 1);
      yield* greenlet;
      const result = new AsyncResult<number>();
      greenlet.link(result);
      expect(result.ready()).toBe(false);
      expect(yield* result).toBe(1);
    }));

  it('gets only values by linkValue, and only errors by linkException', async () => {
    await virtually(function* () {
      const results = Array.from({ length: 4 }, () => new AsyncResult<number>());
      const [good, bad] = [spawn(() => 1), spawn(fail)];
      good.linkValue(results[0]!);
      good.linkException(results[1]!);
      bad.linkValue(results[2]!);
      bad.linkException(results[3]!);
      yield* sleep(1);
      expect(results.map(({ value, exception }) => value ?? exception)).toEqual([1, undefined, undefined, failure]);
    });
  });

  it('can be taken back', () =>
    virtually(function* () {
      const result = new AsyncResult<number>();
      const greenlet = spawn(() => 1);
      greenlet.link(result);
      greenlet.unlink(result);
      yield* sleep(1);
      expect(result.ready()).toBe(false);
    }));

  it('has taken the error before it can be reported, also on a hub that always has something ready', async () => {
    let stop = false;
    await virtually(function* () {
      // More turns than a slice has lie between the end of a greenlet and its link.
      for (let i = 0; i < 300; i++) {
        spawn(function* () {
          while (!stop) yield* sleep(0);
        });
      }
      for (let i = 0; i < 16; i++) {
        const result = new AsyncResult<number>();
        spawn(fail).link(result);
        expect(yield* outcomeOf(() => result)).toBe(failure);
      }
      stop = true;
    });
    expect(await takeReports()).toEqual([]);
  });

  it('keeps the outcome of the first of several greenlets; an error that comes later is one that nobody took', async () => {
    const result = new AsyncResult<number>();
    await virtually(function* () {
      for (const body of [() => 1, () => 2, fail]) spawn(body).link(result);
      expect(yield* result).toBe(1);
      yield* sleep(1);
    });
    expect(await takeReports()).toMatchObject([{ error: failure, context: 'greenlet' }]);
  });
});

it('has the types of its value', () => {
  const check = (_: () => unknown) => {};
  check(function* () {
    const result = new AsyncResult<number>();
    expectTypeOf(yield* result).toEqualTypeOf<number>();
    expectTypeOf(yield* result.get()).toEqualTypeOf<number>();
    expectTypeOf(yield* result.wait()).toEqualTypeOf<number | undefined>();
    expectTypeOf(result.getNowait()).toEqualTypeOf<number>();
    expectTypeOf(result.value).toEqualTypeOf<number | undefined>();
    expectTypeOf(spawn(() => result)).toEqualTypeOf<Greenlet<number>>();
    expectTypeOf<Awaited<AsyncResult<number>>>().toEqualTypeOf<number>();
    expectTypeOf(run(() => result)).toEqualTypeOf<Promise<number>>();
    // @ts-expect-error a text is no number
    result.set('5');
    // @ts-expect-error the greenlet gives a text
    spawn(() => '5').link(result);
  });
});
