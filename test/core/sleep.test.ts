import { getHub, InvalidStateError, idle, run, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

describe('sleep', () => {
  it('wakes sleepers in the order of their times', async () => {
    const woken: unknown[] = [];
    await virtually(function* () {
      function* sleeper(ms: number) {
        yield* sleep(ms);
        woken.push([ms, hub.now()]);
      }
      for (const ms of [500, 3, 70, 1, 86_400_000, 64, 63]) spawn(sleeper, ms);
      yield* sleep(100_000_000);
    });
    expect(woken).toEqual([1, 3, 63, 64, 70, 500, 86_400_000].map((ms) => [ms, ms]));
  });

  it('is performed by one greenlet at a time', () =>
    virtually(function* () {
      const nap = sleep(10);
      const first = spawn(() => nap);
      const second = spawn(() => nap);
      second.linkException(() => {});
      yield* first;
      expect([hub.now(), second.exception]).toEqual([10, expect.any(InvalidStateError)]);
      yield* nap;
      expect(hub.now()).toBe(20);
    }));

  it('wakes those of one millisecond in the order of their calls', async () => {
    const woken: number[] = [];
    await virtually(function* () {
      function* sleeper(id: number, first: number, second: number) {
        yield* sleep(first);
        yield* sleep(second);
        woken.push(id);
      }
      for (const [id, first] of [40, 10, 90, 0, 70].entries()) spawn(sleeper, id, first, 100 - first);
      yield* sleep(200);
    });
    expect(woken).toEqual([3, 1, 0, 4, 2]);
  });

  it('goes to the back of the ready queue with 0, the default', async () => {
    const events: string[] = [];
    await virtually(function* () {
      function* worker(name: string) {
        for (const round of [1, 2]) {
          events.push(name + round);
          yield* round === 1 ? sleep() : sleep(0);
        }
      }
      spawn(worker, 'a');
      spawn(worker, 'b');
      yield* sleep(1);
    });
    expect(events).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('accepts fractions, and for ever', async () => {
    await virtually(function* () {
      const forever = spawn(sleep, Number.POSITIVE_INFINITY);
      yield* sleep(0.25);
      expect(hub.now()).toBe(1);
      yield* sleep(0);
      forever.kill();
    });
  });

  it('is lazy: making one does nothing', () => {
    sleep(10);
    expect(hub.stats().timers).toBe(0);
  });

  it.each([-1, -0.1, Number.NaN])('refuses %s with a RangeError', (ms) => {
    expect(() => sleep(ms)).toThrow(new RangeError(`sleep() time is ${ms}: give milliseconds, 0 or more`));
  });

  it('refuses what is not a number', () => {
    expect(() => sleep('5' as never)).toThrow(new TypeError("sleep() time is '5': give a number of milliseconds"));
  });

  it('is never too short in real time', async () => {
    await run(function* () {
      for (const ms of [0.5, 1, 2.5, 7]) {
        const started = performance.now();
        yield* sleep(ms);
        expect(performance.now() - started).toBeGreaterThanOrEqual(ms);
      }
    });
  });

  it('does not keep the process alive with ref: false', async () => {
    const { lines, exit } = await runProgram(`
      import { sleep, spawn } from 'genlet';
      spawn(function* () { yield* sleep(60_000, { ref: false }); });
      process.on('exit', () => console.log(performance.now() < 30_000));
    `);
    expect({ lines, exit }).toEqual({ lines: ['true'], exit: 0 });
  });
});

describe('idle', () => {
  it('waits until nothing else is ready, and wakes in the order of the calls', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      for (const name of ['first', 'second']) {
        spawn(function* () {
          yield* idle();
          events.push(name);
        });
      }
      for (let i = 0; i < 200; i++) yield* sleep(0);
      events.push('busy no more');
      yield* sleep(1);
    });
    expect(events).toEqual(['busy no more', 'first', 'second']);
  });

  it('does not wait for timers', async () => {
    await virtually(function* () {
      const sleeper = spawn(sleep, 1000);
      yield* sleep(0);
      yield* idle();
      expect(getHub().now()).toBe(0);
      yield* sleeper.kill();
    });
  });
});
