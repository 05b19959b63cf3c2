import { isExit, joinall, Lock, run, sleep, spawn, Timeout, until, withTimeout } from 'genlet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

watchHub();

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await nextTurn();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('until', () => {
  it('waits for a promise, settled or not, or any thenable', async () => {
    await virtually(function* () {
      let resolve!: (value: string) => void;
      const pending = new Promise<string>((done) => {
        resolve = done;
      });
      hub.callSoon(() => resolve('later'));
      const thenable = { then: (done: (value: number) => void) => done(3) } as PromiseLike<number>;
      expect([
        yield* until(Promise.resolve('now')),
        yield* until(pending),
        yield* until(thenable),
        yield* until(async () => 4),
      ]).toEqual(['now', 'later', 3, 4]);
    });
  });

  it('throws what the promise is rejected with', async () => {
    const error = new Error('rejected');
    await virtually(function* () {
      for (const source of [Promise.reject(error), () => Promise.reject(error)]) {
        try {
          yield* until(source);
          expect.fail('no error');
        } catch (caught) {
          expect(caught).toBe(error);
        }
      }
    });
  });

  it('throws what a function, or a broken thenable, throws, and the greenlet goes on', async () => {
    const error = new Error('broken');
    const broken = () => {
      throw error;
    };
    await virtually(function* () {
      for (const source of [broken, { then: broken }]) {
        let caught: unknown;
        try {
          yield* until(source);
        } catch (one) {
          caught = one;
        }
        expect(caught).toBe(error);
        yield* sleep(0);
      }
    });
  });

  it('drops a late result, and a late rejection never becomes unhandled', async () => {
    await virtually(function* () {
      let resolve!: () => void;
      let reject!: (reason: unknown) => void;
      const resolved = new Promise<void>((done) => {
        resolve = done;
      });
      const rejected = new Promise<void>((_, fail) => {
        reject = fail;
      });
      const waiters = [spawn(() => until(resolved)), spawn(() => until(rejected))];
      yield* sleep(0);
      for (const waiter of waiters) waiter.kill();
      yield* joinall(waiters);
      resolve();
      reject(new Error('late'));
      yield* until(new Promise((done) => void setImmediate(done)));
      expect(hub.outside).toBe(0);
    });
  });

  it('does not leave a rejection unhandled if it is killed before it begins to wait', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        greenlet.kill();
        yield* until(Promise.reject(new Error('nobody waits')));
      });
      yield* greenlet.join();
    });
  });

  it('gives the function a signal, which is aborted when the wait is interrupted', async () => {
    const signals: AbortSignal[] = [];
    const hanging = (signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<void>(() => {});
    };
    await virtually(function* () {
      const killed = spawn(() => until(hanging));
      yield* sleep(0);
      yield* killed.kill();
      yield* withTimeout(5, () => until(hanging), { value: undefined });
      yield* until(async (signal) => void signals.push(signal));
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  });

  it('lets an outer timeout through', async () => {
    await virtually(function* () {
      using limit = Timeout.startNew(5);
      try {
        yield* until(new Promise(() => {}));
        expect.fail('no timeout');
      } catch (error) {
        expect(error).toBe(limit);
      }
    });
  });

  it('does not starve the event loop, even when promises are always settled', async () => {
    let turns = 0;
    const count = () => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await run(function* () {
      for (let i = 0; i < 20_000; i++) yield* until(Promise.resolve(i));
    });
    clearImmediate(immediate);
    expect(turns).toBeGreaterThan(5);
  });

  it('refuses what is neither a promise nor a function, or a function that gives none', async () => {
    expect(() => until(5 as never)).toThrow(
      new TypeError('promise is 5: give a promise, or a function that returns one'),
    );
    await virtually(function* () {
      try {
        yield* until((() => 5) as never);
        expect.fail('no error');
      } catch (error) {
        expect(error).toEqual(new TypeError('until() got a function that returned 5: it must return a promise'));
      }
    });
  });

  it('keeps a late rejection quiet when a kill arrives before the wait has begun, at the end of a slice', async () => {
    const { switchInterval } = hub;
    await run(function* () {
      const lock = new Lock();
      yield* lock.acquire();
      const { promise, reject } = withReject();
      const waiter = spawn(function* () {
        yield* lock.acquire();
        Object.assign(hub, { switchInterval: 0, budget: 1 });
        yield* until(promise);
      });
      yield* sleep(0);
      lock.release();
      yield* waiter.kill();
      hub.switchInterval = switchInterval;
      reject(new Error('late'));
      expect(isExit(waiter.value)).toBe(true);
    });
  });
});

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject!: (error: Error) => void;
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  return { promise, reject };
}
