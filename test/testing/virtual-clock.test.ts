import { type Greenlet, getcurrent, LoopExit, run, sleep, spawn, until } from 'genlet';
import { VirtualClock } from 'genlet/testing';
import { describe, expect, it } from 'vitest';
import { hub, watchHub } from '../support/hub.ts';

watchHub();

describe('VirtualClock', () => {
  it('starts at 0, and jumps exactly to what is due', async () => {
    const clock = new VirtualClock();
    expect(clock.now()).toBe(0);
    const times: number[] = [];
    await run(
      function* () {
        for (const ms of [1, 63, 64, 1000, 86_400_000, 31 * 86_400_000]) {
          yield* sleep(ms);
          times.push(clock.now(), hub.now());
        }
      },
      { clock },
    );
    const expected = [1, 64, 128, 1128, 86_401_128, 32 * 86_400_000 + 1128];
    expect(times).toEqual(expected.flatMap((time) => [time, time]));
  });

  it('does not run ahead of a promise: it is patient for some real time', async () => {
    const clock = new VirtualClock({ patience: 500 });
    await run(
      function* () {
        const sleeper = spawn(sleep, 1000);
        yield* until(new Promise((resolve) => void setTimeout(resolve, 5)));
        expect([clock.now(), sleeper.dead]).toEqual([0, false]);
        yield* sleeper;
        expect(clock.now()).toBe(1000);
      },
      { clock },
    );
  });

  it('jumps all the same when the promise takes longer than that', async () => {
    const clock = new VirtualClock({ patience: 1 });
    await run(
      function* () {
        const waiter = spawn(() => until(new Promise(() => {})));
        yield* sleep(1000);
        expect(clock.now()).toBe(1000);
        yield* waiter.kill();
      },
      { clock },
    );
  });

  it('finds a deadlock at once', async () => {
    const stuck = run(
      function* () {
        const main = getcurrent() as Greenlet;
        const other = spawn(function* () {
          yield* sleep(5);
          yield* main.join();
        });
        yield* other.join();
      },
      { clock: new VirtualClock() },
    );
    await expect(stuck).rejects.toBeInstanceOf(LoopExit);
  });

  it('serves several runs one after the other, and goes on counting', async () => {
    const clock = new VirtualClock();
    await run(() => sleep(10), { clock });
    await run(() => sleep(10), { clock });
    expect(clock.now()).toBe(20);
  });

  it.each([-1, Number.NaN])('refuses a patience of %s', (patience) => {
    expect(() => new VirtualClock({ patience })).toThrow(RangeError);
  });
});
