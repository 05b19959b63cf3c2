import {
  BlockingSwitchOutError,
  Greenlet,
  GreenletExit,
  Group,
  InvalidSwitchError,
  iwait,
  run,
  sleep,
  spawn,
  Timeout,
  Timer,
  wait,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const never = () => expect.fail('the function of a cancelled timer was called');

/** Greenlets that join `timer`, and note when they wake. */
function joiners(timer: Timer, log: unknown[]) {
  return ['one', 'two'].map((name) =>
    spawn(function* () {
      yield* timer.join();
      log.push(`${name} at ${hub.now()}`);
    }),
  );
}

describe('a timer', () => {
  it('calls its function once, with its arguments, so long after its start', () =>
    virtually(function* () {
      const calls: unknown[] = [];
      const timer = new Timer(30, (...args) => calls.push([hub.now(), ...args]), 'a', 2, null);
      yield* sleep(100);
      expect([calls, timer.started, timer.dead]).toEqual([[], false, false]);
      expect(timer.start()).toBe(timer);
      expect(timer.started).toBe(true);
      yield* sleep(29);
      timer.start();
      expect(calls).toEqual([]);
      yield* sleep(100);
      timer.start();
      yield* sleep(100);
      expect(calls).toEqual([[130, 'a', 2, null]]);
      expect([timer.dead, timer.ms]).toEqual([true, 30]);
    }));

  it('has the value of its function, which may be a coroutine, plain or async one', () =>
    virtually(function* () {
      const double = function* (n: number) {
        yield* sleep(5);
        return 2 * n;
      };
      const timers = [
        new Timer(1, double, 4),
        new Timer(1, () => sleep(3)),
        new Timer(1, (text: string) => text.length, 'three'),
        new Timer(0, async () => 'async'),
      ];
      for (const timer of timers) timer.start();
      const values: unknown[] = [];
      for (const timer of timers) values.push(yield* timer);
      expect(values).toEqual([8, undefined, 5, 'async']);
    }));

  it('is a greenlet: with a name, links, a place in groups and in wait()', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const timer = new Timer(5, () => 'value');
      timer.rawlink(({ value }) => void log.push(`raw ${value}`));
      timer.link(({ name }) => void log.push(`link ${name}`));
      const group = new Group([timer, Timer.spawn(3, () => 'spawned')]);
      expect(timer).toBeInstanceOf(Greenlet);
      expect(timer.name).toBe(`Timer-${timer.id}`);
      timer.start();
      using ready = iwait([...group]);
      expect([(yield* ready.next()).value?.value, (yield* ready.next()).value?.value]).toEqual(['spawned', 'value']);
      yield* sleep(0);
      expect([log, group.size]).toEqual([['raw value', `link Timer-${timer.id}`], 0]);
      yield* wait([timer]);
    }));

  it('can be made, started and cancelled in ordinary code and in callbacks', async () => {
    const log: unknown[] = [];
    const timers = Array.from({ length: 3 }, (_, i) => new Timer(1, () => log.push(i)));
    timers[0]!.start();
    timers[1]!.start().cancel();
    hub.callSoon(() => timers[2]!.start());
    await timers[2];
    hub.callSoon(() => timers[2]!.cancel());
    await nextTurn();
    expect(log).toEqual([0, 2]);
  });

  it('starts its time anew for each timer that is started in a callback of another', () =>
    virtually(function* () {
      const times: number[] = [];
      const tick = () => {
        times.push(hub.now());
        if (times.length < 3) new Timer(10, tick).start();
      };
      yield* new Timer(10, tick).start();
      yield* sleep(100);
      expect(times).toEqual([10, 20, 30]);
    }));

  it('reports an error of its function that nobody takes, and throws it at who asks', () =>
    virtually(function* () {
      const error = new Error('no');
      const fail = () => {
        throw error;
      };
      const [asked, lonely] = [new Timer(1, fail), new Timer(2, fail)];
      asked.start();
      lonely.start();
      let caught: unknown;
      try {
        yield* asked;
      } catch (thrown) {
        caught = thrown;
      }
      expect(caught).toBe(error);
      yield* lonely.join();
      const reports = yield* spawn(takeReports);
      expect(reports.map(({ error, greenlet }) => [error, greenlet === lonely])).toEqual([[error, true]]);
    }));

  it('does not keep others waiting as a daemon, and is not called then', async () => {
    const timer = new Timer(10, never);
    timer.daemon = true;
    await virtually(function* () {
      timer.start();
      yield* sleep(5);
    });
    await nextTurn();
    expect([timer.dead, timer.value]).toEqual([true, expect.any(GreenletExit)]);
  });
});

describe('cancel()', () => {
  it('prevents the call, and wakes joiners at once', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const timer = new Timer(1000, never);
      timer.link(({ value }) => void log.push(`link ${value}`));
      timer.start();
      const waiting = joiners(timer, log);
      yield* sleep(10);
      timer.cancel();
      expect([timer.dead, timer.successful(), timer.value, hub.stats().timers]).toEqual([
        true,
        true,
        expect.any(GreenletExit),
        0,
      ]);
      yield* wait(waiting);
      expect(log).toEqual([`link GreenletExit: ${timer.name} was cancelled`, 'one at 10', 'two at 10']);
      timer.cancel();
      timer.start();
      yield* sleep(5000);
      expect(yield* timer).toBe(timer.value);
    }));

  it('before the start prevents that, too', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const timer = new Timer(10, never);
      const waiting = joiners(timer, log);
      yield* sleep(1);
      timer.cancel();
      yield* wait(waiting);
      timer.start();
      yield* sleep(100);
      expect([log, timer.dead]).toEqual([['one at 1', 'two at 1'], true]);
    }));

  it('comes in time while the timer is due and has not begun', () =>
    virtually(function* () {
      const early = new Timer(10, never);
      hub.callLater(10, () => early.cancel());
      early.start();
      yield* sleep(20);
      expect([early.dead, hub.now()]).toEqual([true, 20]);
    }));

  it('comes too late when the function has begun: it goes on to its end', () =>
    virtually(function* () {
      const timer: Timer = new Timer(10, function* () {
        timer.cancel();
        yield* sleep(5);
        timer.cancel();
        return 'done';
      });
      const plain: Timer = new Timer(10, () => {
        timer.cancel();
        plain.cancel();
        return sleep(5);
      });
      timer.start();
      plain.start();
      yield* sleep(12);
      timer.cancel();
      plain.cancel();
      expect(yield* timer).toBe('done');
      expect([yield* plain, hub.now()]).toEqual([undefined, 15]);
      timer.cancel();
      expect(timer.value).toBe('done');
    }));

  it('of one timer leaves the others', () =>
    virtually(function* () {
      const calls: number[] = [];
      const timers = [1, 2, 3].map((ms) => new Timer(ms, () => calls.push(ms)));
      for (const timer of timers) timer.start();
      timers[1]!.cancel();
      yield* wait(timers);
      expect(calls).toEqual([1, 3]);
    }));
});

describe('kill() of a timer', () => {
  it('is as cancel() before the call', () =>
    virtually(function* () {
      for (const timer of [new Timer(5, never), new Timer(5, never).start()]) {
        yield* timer.kill();
        timer.start();
        expect(timer.dead).toBe(true);
      }
      yield* sleep(10);
    }));

  it('ends the function, too, by its finally blocks', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const timer = new Timer(5, function* () {
        try {
          yield* sleep(100);
        } finally {
          yield* sleep(1);
          log.push(`finally at ${hub.now()}`);
        }
      });
      timer.start();
      yield* sleep(10);
      yield* timer.kill();
      expect([log, timer.value]).toEqual([['finally at 11'], expect.any(GreenletExit)]);
    }));

  it('of a greenlet that joins it leaves it alone', () =>
    virtually(function* () {
      const timer = new Timer(10, () => hub.now()).start();
      const joiner = spawn(() => timer.join());
      yield* sleep(1);
      yield* joiner.kill();
      expect(yield* timer).toBe(10);
    }));
});

describe('misuse of a timer', () => {
  it('is told at once, with the value that is wrong', () => {
    expect(() => new Timer(-1, never)).toThrow(new RangeError('delay is -1: give milliseconds, 0 or more'));
    expect(() => new Timer(Number.NaN, never)).toThrow(RangeError);
    expect(() => new Timer('5' as never, never)).toThrow(new TypeError("delay is '5': give a number of milliseconds"));
    for (const wrong of [undefined, null, 5]) {
      expect(() => new Timer(5, wrong as never)).toThrow(
        new TypeError(`Timer() target is ${wrong}: give a coroutine function or a plain function`),
      );
    }
    expect(() => new Timer(5, sleep(5) as never)).toThrow(/pass the function and its arguments, not its call/);
  });

  it('by its own function is that of any greenlet', () =>
    virtually(function* () {
      const timer: Timer = new Timer(1, () => timer.join());
      let caught: unknown;
      try {
        yield* timer.start();
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(InvalidSwitchError);
    }));

  it('by waiting for it outside a greenlet throws', async () => {
    const timer = new Timer(1, () => 5).start();
    const errors: unknown[] = [];
    hub.callSoon(() => {
      try {
        timer.join()[Symbol.iterator]().next(undefined);
      } catch (error) {
        errors.push(error);
      }
    });
    expect(await timer).toBe(5);
    expect(errors).toEqual([expect.any(BlockingSwitchOutError)]);
  });

  it('has types', () => {
    expectTypeOf(new Timer(1, () => 'text').value).toEqualTypeOf<string | undefined>();
    expectTypeOf(new Timer(1, async () => 5).value).toEqualTypeOf<number | undefined>();
    expectTypeOf(new Timer(1, () => sleep(5)).value).toEqualTypeOf<void | undefined>();
    expectTypeOf(new Timer(1, () => 5)).toExtend<Timer>();
    // @ts-expect-error: an argument of another type
    new Timer(1, (n: number) => n, 'text');
    // @ts-expect-error: an argument is missing
    new Timer(1, (n: number) => n);
  });
});

it('a time limit around a timer ends the wait, not the timer', () =>
  virtually(function* () {
    const timer = new Timer(10, () => 'late').start();
    using limit = Timeout.startNew(5);
    let caught: unknown;
    try {
      yield* timer;
    } catch (error) {
      caught = error;
    }
    expect([caught === limit, timer.dead]).toEqual([true, false]);
    expect(yield* timer).toBe('late');
  }));

it('timers of real time are never early', async () => {
  const start = performance.now();
  expect(await run(() => new Timer(20, () => performance.now() - start >= 20).start())).toBe(true);
});
