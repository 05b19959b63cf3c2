import fs from 'node:fs';
import { inspect } from 'node:util';
import {
  AsyncResult,
  CancelledError,
  Event,
  type Greenlet,
  Lock,
  run,
  select,
  sleep,
  spawn,
  spawnNow,
  Timeout,
  wait,
  withTimeout,
} from 'genlet';
import { patchFs, Started, unpatchAll } from 'genlet/monkey';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Link } from '../../../src/core/links.ts';
import { hub, nextTurn, virtually, watchHub } from '../../support/hub.ts';

const { takeReports } = watchHub();

type Callback = (error: unknown, value?: unknown) => void;

/** A function of Node that ends when the test says so. */
let calls: { args: unknown[]; done: Callback }[] = [];
const original = fs.opendir;

const startCall = (path: unknown): Started<unknown> => (fs.opendir as any)(path);
const outside = (): number => (hub as unknown as { outside: number }).outside;

beforeEach(() => {
  calls = [];
  fs.opendir = ((...args: unknown[]) => {
    if (args[0] === 'refused') throw new TypeError('path is refused');
    calls.push({ args: args.slice(0, -1), done: args.at(-1) as Callback });
  }) as never;
  patchFs();
});

afterEach(() => {
  unpatchAll();
  fs.opendir = original;
  expect(outside()).toBe(0);
});

describe('a patched call', () => {
  it('begins its work at once and only waits by yield*', async () => {
    await run(function* () {
      const started = startCall('x');
      expect(started).toBeInstanceOf(Started);
      expect(started).toBeInstanceOf(AsyncResult);
      expect(calls.map(({ args }) => args)).toEqual([['x']]);
      expect([started.ready(), outside()]).toEqual([false, 1]);
      spawn(() => calls[0]!.done(null, 'result'));
      expect(yield* started).toBe('result');
      expect([yield* started, yield* started.get(), started.value]).toEqual(['result', 'result', 'result']);
      expect(outside()).toBe(0);
    });
  });

  it('can be waited for by several, in the order of their calls', async () => {
    const events: unknown[] = [];
    await run(function* () {
      const started = startCall('x');
      const waiters = ['a', 'b'].map((name) =>
        spawn(function* () {
          events.push([name, yield* started]);
        }),
      );
      yield* sleep(0);
      started.rawlink(() => events.push('link'));
      calls[0]!.done(null, 1);
      yield* wait([started, ...waiters]);
    });
    expect(events).toEqual([['a', 1], ['b', 1], 'link']);
  });

  it('throws at the call what Node refuses', async () => {
    await run(function* () {
      expect(() => startCall('refused')).toThrow('path is refused');
      expect(outside()).toBe(0);
    });
  });

  it('takes a callback that comes at once', async () => {
    unpatchAll();
    fs.opendir = ((_path: string, done: Callback) => done(null, 'at once')) as never;
    patchFs();
    await run(function* () {
      expect(yield* startCall('x')).toBe('at once');
    });
  });

  it('holds back the virtual clock while it is in flight', async () => {
    await virtually(function* () {
      const started = startCall('x');
      const sleeper = spawn(sleep, 1000);
      const real = setTimeout(() => calls[0]!.done(null, 'first'), 5);
      expect(yield* started).toBe('first');
      expect([sleeper.dead, hub.now()]).toEqual([false, 0]);
      yield* sleeper;
      clearTimeout(real);
    });
  });

  it('can be awaited by ordinary code', async () => {
    const started = await run(() => ({ started: startCall('x') }));
    calls[0]!.done(null, 'value');
    expect(await started.started).toBe('value');
  });

  it('names itself', async () => {
    await run(function* () {
      const started = startCall('x');
      expect(`${started} ${inspect(started)}`).toBe(
        "<Started fs.opendir('x') pending> <Started fs.opendir('x') pending>",
      );
      const waiter = spawn(() => started);
      yield* sleep(0);
      calls[0]!.done(new Error('no'));
      yield* waiter.join();
      expect(`${started}`).toBe("<Started fs.opendir('x') failed>");
      expect(() => waiter.exception).not.toThrow();
      const other = startCall('y');
      expect(other.cancel()).toBe(true);
      expect(`${other}`).toBe("<Started fs.opendir('y') cancelled>");
      yield* waiter.get();
    }).catch((error) => expect(error.message).toBe('no'));
  });

  it.each<[string, (started: any) => unknown]>([
    ['a spread', (started) => [...started]],
    ['for...of', (started) => { for (const _ of started) break; }], // biome-ignore format: one line
    ['destructuring', ([first]) => first],
    ['Array.from', (started) => Array.from(started)],
  ])('refuses %s', async (_, misuse) => {
    await run(function* () {
      const started = startCall('x');
      expect(() => misuse(started)).toThrow(
        "fs.opendir('x') was iterated by something other than yield* (a spread, for...of, destructuring, Array.from): write yield* fs.opendir('x')",
      );
      started.cancel();
    });
  });
});

describe('an error', () => {
  it('is thrown into each who waits, with the stack of the first', async () => {
    const error = Object.assign(new Error('ENOENT: x'), { code: 'ENOENT' });
    error.stack = 'Error: ENOENT: x';
    await run(function* waitingHere() {
      const started = startCall('x');
      const second = spawn(function* () {
        try {
          yield* started;
        } catch (caught) {
          return caught;
        }
      });
      spawn(() => calls[0]!.done(error));
      try {
        yield* started;
        expect.unreachable();
      } catch (caught) {
        expect(caught).toBe(error);
      }
      expect(error.stack).toMatch(/^Error: ENOENT: x\n.*started\.test\.ts/s);
      expect(yield* second).toBe(error);
    });
  });

  it('keeps a stack that leads into the program', async () => {
    const error = new Error('from a stream of the user');
    const { stack } = error;
    await run(function* () {
      const started = startCall('x');
      calls[0]!.done(error);
      try {
        yield* started;
      } catch {}
      expect(error.stack).toBe(stack);
    });
  });

  it('that nobody waited for is reported once, when the greenlet that made the call has ended', async () => {
    const events: unknown[] = [];
    const error = new Error('lost');
    await run(function* () {
      const starter = spawn(function* () {
        startCall('x');
        yield* sleep(0);
        calls[0]!.done(error);
        yield* sleep(0);
        yield* sleep(0);
        events.push((yield* collect()).length);
      });
      yield* starter;
      events.push(...(yield* collect()));
      events.push((yield* collect()).length);
    });
    expect(events).toEqual([0, { error, greenlet: undefined, context: "fs.opendir('x')" }, 0]);
  });

  it('is reported at once if that greenlet has ended', async () => {
    const error = new Error('lost');
    await run(() => void startCall('x'));
    calls[0]!.done(error);
    expect(await takeReports()).toEqual([{ error, greenlet: undefined, context: "fs.opendir('x')" }]);
  });

  it('is not reported if somebody waits for it in time, or has', async () => {
    const error = new Error('taken');
    await run(function* () {
      const links = Link.all(hub.current as Greenlet).length;
      const late = startCall('late');
      const early = startCall('early');
      const linked = startCall('linked');
      const asked = startCall('asked');
      linked.rawlink(() => {});
      const waiter = spawn(() => early.wait());
      yield* sleep(0);
      for (const { done } of calls) done(error);
      yield* waiter;
      yield* sleep(0);
      expect(() => asked.getNowait()).toThrow(error);
      try {
        yield* late;
      } catch (caught) {
        expect(caught).toBe(error);
      }
      expect(Link.all(hub.current as Greenlet).length).toBe(links);
    });
    expect(await takeReports()).toEqual([]);
  });

  it('is not reported if somebody waits in the pass in which the greenlet ends', async () => {
    const error = new Error('taken');
    await run(function* () {
      const starter = spawn(function* () {
        const started = startCall('x');
        yield* sleep(0);
        calls[0]!.done(error);
        return spawn(() => started.wait());
      });
      yield* yield* starter;
    });
    expect(await takeReports()).toEqual([]);
  });
});

function* collect() {
  const reports = takeReports().then((list) => ({ list }));
  const result = new AsyncResult<{ list: unknown[] }>();
  reports.then((value) => result.set(value));
  return (yield* result).list;
}

describe('a call whose last waiter is interrupted', () => {
  it('is cancelled, and what comes late is given back', async () => {
    const closed: string[] = [];
    await run(function* () {
      const started = startCall('x');
      const waiters = [spawn(() => started), spawn(() => started)];
      yield* sleep(0);
      yield* waiters[0]!.kill();
      expect([started.ready(), outside()]).toEqual([false, 1]);
      yield* waiters[1]!.kill();
      expect([started.cancelled(), outside()]).toEqual([true, 0]);
      calls[0]!.done(null, { close: () => closed.push('x') });
      expect(closed).toEqual(['x']);
      try {
        yield* started;
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(CancelledError);
        expect(String(error)).toMatch(
          "fs.opendir('x') was cancelled, or whoever waited for it was killed or timed out",
        );
      }
    });
  });

  it('is cancelled by a timeout too, and by one of its own', async () => {
    await run(function* () {
      const started = ['a', 'b', 'c', 'd'].map(startCall) as [Started, Started, Started, Started];
      expect(yield* withTimeout(1, () => started[0], { value: 'late' })).toBe('late');
      try {
        yield* started[1].get({ timeout: 1 });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(Timeout);
        expect(String(error)).toMatch("fs.opendir('b')");
      }
      expect(yield* started[2].wait(1)).toBe(undefined);
      expect(() => started[3].getNowait()).toThrow(Timeout);
      expect(started.map((one) => one.cancelled())).toEqual([true, true, false, false]);
      started[2].cancel();
      started[3].cancel();
      for (const { done } of calls) done(new Error('late'));
    });
    await nextTurn();
  });

  it('is cancelled when another case of a select happens, not when it is looked at', async () => {
    await run(function* () {
      const [loser, winner] = [startCall('loser'), startCall('winner')];
      spawn(() => calls[1]!.done(null, 'won'));
      expect(yield* select({ loser, winner, limit: sleep(10_000) })).toEqual({ key: 'winner', value: 'won' });
      expect([loser.cancelled(), winner.cancelled()]).toEqual([true, false]);
      expect(yield* select({ winner, limit: sleep(10_000) })).toEqual({ key: 'winner', value: 'won' });
    });
  });

  it('is cancelled when a select that it is a case of ends before it was looked at', async () => {
    await run(function* () {
      const loser = startCall('loser');
      const [isOver, shared] = [new Event(), startCall('shared')];
      isOver.set();
      const waiter = spawnNow(() => shared);
      expect((yield* select({ loser, shared, isOver: isOver.wait() })).key).toBe('isOver');
      expect([loser.cancelled(), shared.cancelled()]).toEqual([true, false]);
      yield* waiter.kill();
    });
  });

  it.each<[string, (started: Started) => any]>([
    ['yield*', (started) => started],
    ['wait()', (started) => started.wait()],
    ['select', (started) => select({ started })],
    [
      'select at the end of a slice',
      (started) => {
        Object.assign(hub, { switchInterval: 0, budget: 1 });
        return select({ started });
      },
    ],
  ])('is cancelled by a kill that came before %s', async (_, operation) => {
    await run(function* () {
      const isFree = new Lock();
      yield* isFree.acquire();
      let started!: Started;
      const victim = spawnNow(function* () {
        yield* isFree.acquire();
        started = startCall('x');
        yield* operation(started);
        expect.unreachable();
      });
      isFree.release(); // granted: the kill comes at the next suspension
      const { switchInterval } = hub;
      yield* victim.kill();
      hub.switchInterval = switchInterval;
      expect([victim.successful(), started.cancelled()]).toEqual([true, true]);
    });
  });

  it('keeps a result that was granted before the kill', async () => {
    await run(function* () {
      const started = startCall('x');
      const events: unknown[] = [];
      const waiter = spawn(function* () {
        events.push(yield* started);
        yield* sleep(0);
        events.push('not reached');
      });
      yield* sleep(0);
      calls[0]!.done(null, 'result');
      yield* waiter.kill();
      expect([events, started.cancelled()]).toEqual([['result'], false]);
    });
  });

  it('can be cancelled by hand, once', async () => {
    await run(function* () {
      const started = startCall('x');
      expect([started.cancel(), started.cancel()]).toEqual([true, false]);
      expect(started.exception).toBeInstanceOf(CancelledError);
      const ended = startCall('y');
      calls[1]!.done(null, 1);
      expect([ended.cancel(), yield* ended]).toEqual([false, 1]);
      calls[0]!.done(new Error('late'));
    });
  });
});
