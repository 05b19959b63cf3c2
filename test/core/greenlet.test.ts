import {
  type Coroutine,
  Greenlet,
  GreenletExit,
  getcurrent,
  InvalidSwitchError,
  run,
  sleep,
  spawn,
  spawnLater,
  Timeout,
  until,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, untilIdle, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

const stateOf = (greenlet: Greenlet<any>) => ({
  started: greenlet.started,
  dead: greenlet.dead,
  ready: greenlet.ready(),
  successful: greenlet.successful(),
  value: greenlet.value,
  exception: greenlet.exception,
});
const fresh = {
  started: false,
  dead: false,
  ready: false,
  successful: false,
  value: undefined,
  exception: undefined,
};

describe('the state of a greenlet', () => {
  it('is unstarted, started, then returned', async () => {
    await virtually(function* () {
      const greenlet = new Greenlet(function* () {
        expect(stateOf(greenlet)).toEqual({ ...fresh, started: true });
        yield* sleep(1);
        return 7;
      });
      expect(stateOf(greenlet)).toEqual(fresh);
      greenlet.start();
      expect(stateOf(greenlet)).toEqual({ ...fresh, started: true });
      yield* sleep(0);
      expect(stateOf(greenlet)).toEqual({ ...fresh, started: true });
      yield* greenlet.join();
      expect(stateOf(greenlet)).toEqual({ ...fresh, dead: true, ready: true, successful: true, value: 7 });
    });
  });

  it('is failed, with the error kept for ever', async () => {
    const error = new Error('kept');
    await virtually(function* () {
      const greenlet = spawn(function* () {
        throw error;
      });
      yield* greenlet.join();
      expect(stateOf(greenlet)).toEqual({ ...fresh, dead: true, ready: true, exception: error });
      for (let i = 0; i < 3; i++) {
        try {
          yield* greenlet.get();
          expect.fail('no error');
        } catch (caught) {
          expect(caught).toBe(error);
        }
      }
    });
  });

  it('is successful after a kill, with the exit as value', async () => {
    const exit = new GreenletExit('enough');
    await virtually(function* () {
      const greenlet = spawn(sleep, 1000);
      yield* sleep(0);
      yield* greenlet.kill(exit);
      expect(stateOf(greenlet)).toEqual({ ...fresh, dead: true, ready: true, successful: true, value: exit });
    });
  });

  it('is failed even if undefined was thrown', async () => {
    await virtually(function* () {
      const greenlet = spawn(() => {
        throw undefined;
      });
      let caught: unknown = 'nothing';
      try {
        yield* greenlet;
      } catch (error) {
        caught = error;
      }
      expect([greenlet.successful(), caught]).toEqual([false, undefined]);
    });
  });
});

describe('starting', () => {
  it('has no effect twice, after the end, or after a kill', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const twice = new Greenlet(() => events.push('twice')).start().start().startLater(1);
      const killed = new Greenlet(() => events.push('killed'));
      killed.kill();
      killed.start();
      killed.startLater(1);
      yield* sleep(5);
      twice.start();
      yield* sleep(5);
      expect([twice.dead, killed.dead]).toEqual([true, true]);
    });
    expect(events).toEqual(['twice']);
  });

  it('takes place later with startLater', async () => {
    await virtually(function* () {
      const greenlet = new Greenlet(() => hub.now()).startLater(25);
      expect([greenlet.started, yield* greenlet]).toEqual([true, 25]);
    });
  });

  it('can be left out altogether, without a trace', () => {
    new Greenlet(() => {});
    expect(hub.stats().alive).toBe(0);
  });
});

describe('a subclass', () => {
  class Adder extends Greenlet<number> {
    readonly one: number;
    readonly other: number;
    constructor(one: number, other: number) {
      super();
      this.one = one;
      this.other = other;
    }
    override *run(): Coroutine<number> {
      yield* sleep(1);
      return this.one + this.other;
    }
  }

  it('may override *run()', async () => {
    const adder = new Adder(2, 3).start();
    expect(await adder).toBe(5);
    expect(adder.name).toMatch(/^Adder-\d+$/);
  });

  it('may override run() by a plain method', async () => {
    class Plain extends Greenlet<string> {
      override run(): string {
        return 'plain';
      }
    }
    expect(await new Plain().start()).toBe('plain');
  });

  it('is what its spawn() makes', async () => {
    class Own extends Greenlet<any> {}
    const own = Own.spawn((n: number) => n, 5);
    expect(own).toBeInstanceOf(Own);
    expect(await own).toBe(5);
  });

  it.each([undefined, 5])('needs something to run: new Greenlet(%s) is a TypeError', (fn) => {
    expect(() => new Greenlet(fn as never)).toThrow(TypeError);
    expect(() => new Greenlet(fn as never)).toThrow(String(fn));
  });
});

describe('join', () => {
  it('gives nothing and never throws the greenlet’s error, and does not take it', async () => {
    const error = new Error('not taken');
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* sleep(1);
        throw error;
      });
      expect(yield* greenlet.join()).toBe(undefined);
      expect(yield* greenlet.join()).toBe(undefined);
    });
    expect(await takeReports()).toMatchObject([{ error, context: 'greenlet' }]);
  });

  it('returns when time is up; polls with 0', async () => {
    await virtually(function* () {
      const greenlet = spawn(sleep, 100);
      yield* greenlet.join(30);
      expect([hub.now(), greenlet.dead]).toEqual([30, false]);
      yield* greenlet.join(0);
      expect([hub.now(), greenlet.dead]).toEqual([30, false]);
      yield* greenlet.join(null);
      expect([hub.now(), greenlet.dead]).toEqual([100, true]);
    });
  });

  it('lets somebody else’s timeout pass', async () => {
    await virtually(function* () {
      const greenlet = spawn(sleep, 100);
      using limit = Timeout.startNew(10);
      try {
        yield* greenlet.join(50);
        expect.fail('no timeout');
      } catch (error) {
        expect(error).toBe(limit);
      }
      greenlet.kill();
    });
  });

  it('wakes joiners in the order of their calls', async () => {
    const events: number[] = [];
    await virtually(function* () {
      const target = spawn(sleep, 10);
      for (const id of [1, 2, 3]) {
        spawn(function* () {
          yield* id === 2 ? target.get() : target.join();
          events.push(id);
        });
      }
      yield* sleep(20);
    });
    expect(events).toEqual([1, 2, 3]);
  });

  it('of oneself throws InvalidSwitchError, as get does', async () => {
    await virtually(function* () {
      const me = getcurrent() as Greenlet;
      for (const wait of [() => me.join(), () => me.get(), () => me]) {
        let caught: unknown;
        try {
          yield* wait();
        } catch (error) {
          caught = error;
        }
        expect(caught).toBeInstanceOf(InvalidSwitchError);
      }
    });
  });

  it('frees its timer and its link when it is killed or ends', async () => {
    await virtually(function* () {
      const target = spawn(sleep, 100);
      const joiner = spawn(function* () {
        yield* target.join(50);
      });
      const getter = spawn(function* () {
        yield* target.get({ timeout: 50 });
      });
      yield* sleep(1);
      expect(hub.stats().timers).toBe(3);
      yield* joiner.kill();
      yield* getter.kill();
      expect(hub.stats().timers).toBe(1);
      yield* spawn(function* () {
        yield* target.join(1000);
      });
      expect([hub.now(), hub.stats().timers]).toEqual([100, 0]);
    });
  });

  it('refuses a negative timeout or NaN', () => {
    const greenlet = new Greenlet(() => {});
    for (const timeout of [-1, Number.NaN]) {
      for (const call of [
        () => greenlet.join(timeout),
        () => greenlet.get({ timeout }),
        () => greenlet.kill(undefined, { timeout }),
      ]) {
        expect(call).toThrow(new RangeError(`timeout is ${timeout}: give milliseconds, 0 or more`));
      }
    }
    expect(greenlet.dead).toBe(false);
  });
});

describe('get', () => {
  it('gives the value, as yield* greenlet does, before and after the end', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* sleep(5);
        return 'value';
      });
      expect(yield* greenlet).toBe('value');
      expect(yield* greenlet).toBe('value');
      expect(yield* greenlet.get()).toBe('value');
      expect(yield* greenlet.get({ block: false })).toBe('value');
    });
  });

  it('throws a Timeout when there is no result in time, or at once with block: false', async () => {
    await virtually(function* () {
      const greenlet = spawn(sleep, 100);
      for (const options of [{ block: false }, { timeout: 0 }, { timeout: 20 }]) {
        try {
          yield* greenlet.get(options);
          expect.fail('no timeout');
        } catch (error) {
          expect(error).toBeInstanceOf(Timeout);
        }
      }
      expect(hub.now()).toBe(20);
      yield* greenlet.kill();
    });
  });

  it('passes a result along 20,000 greenlets that wait for each other', async () => {
    await virtually(function* () {
      let last: Greenlet<string> = spawn(() => 'value');
      for (let i = 0; i < 20_000; i++) {
        const before = last;
        last = spawn(() => before);
      }
      expect(yield* last).toBe('value');
    });
  });

  it('throws the very error to each waiter', async () => {
    const error = new Error('shared');
    const caught: unknown[] = [];
    await virtually(function* () {
      const target = spawn(function* () {
        yield* sleep(1);
        throw error;
      });
      for (let i = 0; i < 2; i++) {
        spawn(function* () {
          try {
            yield* target;
          } catch (one) {
            caught.push(one);
          }
        });
      }
      yield* sleep(2);
    });
    expect(caught).toEqual([error, error]);
    expect(caught[0]).toBe(error);
  });
});

describe('a promise of a greenlet', () => {
  it('is what await uses, and is the same each time', async () => {
    const greenlet = spawn(() => 5);
    expect(greenlet.toPromise()).toBe(greenlet.toPromise());
    expect([await greenlet, await greenlet.toPromise()]).toEqual([5, 5]);
  });

  it('rejects with the error, which counts as taken', async () => {
    const error = new Error('taken');
    const failing = () => {
      throw error;
    };
    await expect(spawn(failing).toPromise()).rejects.toBe(error);
    expect(await spawn(failing).then(undefined, (reason) => [reason])).toEqual([error]);
  });

  it('gives the exit of a killed one', async () => {
    const greenlet = spawn(sleep, 1000);
    greenlet.kill();
    expect(await greenlet).toBeInstanceOf(GreenletExit);
  });

  it('can be waited for inside another hub’s world: until(greenlet)', async () => {
    await virtually(function* () {
      expect(yield* until(spawn(() => 9))).toBe(9);
    });
  });
});

describe('an error that nobody takes', () => {
  const error = new Error('lonely');
  const failing = () => {
    throw error;
  };

  it('is reported once, with its greenlet, and the process goes on', async () => {
    const greenlet = spawn(failing);
    const reports = await takeReports();
    expect(reports).toMatchObject([{ error, context: 'greenlet' }]);
    expect(reports[0]!.greenlet).toBe(greenlet);
  });

  it('is reported once on a hub that is never idle, too', async () => {
    await virtually(function* () {
      spawn(failing);
      const { switches } = hub.stats();
      while (hub.stats().switches < switches + 20_000) yield* sleep(0);
      expect(yield* until(takeReports())).toMatchObject([{ error }]);
    });
  });

  it.each<[string, (greenlet: Greenlet<any>) => unknown]>([
    ['get', (greenlet) => greenlet.get()],
    ['yield*', (greenlet) => greenlet],
    ['toPromise', (greenlet) => until(greenlet.toPromise())],
  ])('is not reported if it was taken by %s', async (_, take) => {
    await virtually(function* () {
      const greenlet = spawn(failing);
      try {
        yield* take(greenlet) as Coroutine<unknown>;
      } catch (caught) {
        expect(caught).toBe(error);
      }
    });
  });

  it('is no error if it is an exit', async () => {
    await virtually(function* () {
      spawn(() => {
        throw new GreenletExit();
      });
      yield* sleep(1);
    });
  });

  it('is reported if an unstarted greenlet was killed with it', async () => {
    await virtually(function* () {
      spawn(() => {}).kill(error);
      yield* sleep(1);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });
});

describe('what a greenlet is called', () => {
  it('is its class and id, until a name is assigned', () => {
    const greenlet = new Greenlet(function* work() {});
    expect([greenlet.name, `${greenlet}`]).toEqual([`Greenlet-${greenlet.id}`, `<Greenlet-${greenlet.id} work>`]);
    greenlet.name = 'worker';
    expect([greenlet.name, `${greenlet}`]).toEqual(['worker', '<worker work>']);
  });

  it('has an id that is never used again', async () => {
    const ids = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const greenlet = spawn(() => {});
      ids.add(greenlet.id);
      await greenlet;
    }
    expect(ids.size).toBe(100);
  });
});

describe('the signal of a greenlet', () => {
  it('is aborted by a kill at once, with the exit as reason', async () => {
    const exit = new GreenletExit();
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(10);
        }
      });
      const { signal } = greenlet;
      yield* sleep(1);
      expect(signal.aborted).toBe(false);
      const killed = greenlet.kill(exit);
      expect([signal.aborted, signal.reason, greenlet.dead]).toEqual([true, exit, false]);
      yield* killed;
    });
  });

  it('is aborted by the end, whatever it is, and is the same object each time', async () => {
    const error = new Error('reason');
    await virtually(function* () {
      const returned = spawn(() => {});
      const failed = spawn(() => {
        throw error;
      });
      const { signal } = returned;
      const failedSignal = failed.signal;
      yield* sleep(1);
      expect(returned.signal).toBe(signal);
      expect([signal.aborted, failedSignal.aborted, failedSignal.reason]).toEqual([true, true, error]);
    });
    await takeReports();
  });

  it('is aborted from the start if it was asked for too late: after the kill, or after the end', async () => {
    await virtually(function* () {
      const killed: Greenlet<void> = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          expect(killed.signal.aborted).toBe(true);
        }
      });
      yield* sleep(0);
      yield* killed.kill();
      expect(killed.exception).toBe(undefined);
    });
    const greenlet = spawn(() => {});
    await greenlet;
    expect(greenlet.signal.aborted).toBe(true);
  });
});

describe('hub.tracking', () => {
  it('records who spawned a greenlet, where, and the locals of its tree', async () => {
    hub.tracking = true;
    try {
      await run(function* family() {
        const me = getcurrent() as Greenlet;
        const child = spawn(sleep, 0);
        const later = spawnLater(1, () => {});
        later.kill();
        expect(child.spawner).toBe(me);
        expect(child.spawnStack).toMatch(/greenlet\.test\.ts:\d+/);
        expect(child.spawnStack).not.toMatch(/src\/core/);
        expect(later.spawnStack).toMatch(/greenlet\.test\.ts:\d+/);
        me.treeLocals!.request = 5;
        expect(child.treeLocals).toBe(me.treeLocals);
      });
      expect(new Greenlet(() => {}).treeLocals).toEqual({});
    } finally {
      hub.tracking = false;
    }
  });

  it('is off by default', () => {
    const { spawner, spawnStack, treeLocals } = new Greenlet(() => {});
    expect([hub.tracking, spawner, spawnStack, treeLocals]).toEqual([false, undefined, undefined, undefined]);
  });
});

describe('a daemon', () => {
  it('is killed when the last other greenlet ends, and its finally runs', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const daemon = spawn(function* () {
        try {
          for (;;) yield* sleep(40);
        } finally {
          events.push('finally');
          yield* sleep(5);
          events.push('done');
        }
      });
      daemon.daemon = true;
      spawn(function* () {
        yield* sleep(100);
        events.push('last other');
      });
      events.push('main ends');
    });
    await untilIdle();
    expect(events).toEqual(['main ends', 'last other', 'finally', 'done']);
  });

  it('never runs if it has not begun by then', async () => {
    const events: string[] = [];
    await virtually(() => {
      spawn(() => events.push('ran')).daemon = true;
      spawnLater(10, () => events.push('ran later')).daemon = true;
    });
    await untilIdle();
    expect(events).toEqual([]);
  });

  it('may be made one while it runs, or no longer be one', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const made = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          events.push(`killed at ${hub.now()}`);
        }
      });
      const unmade = spawn(function* () {
        yield* sleep(50);
        events.push('ran to its end');
      });
      unmade.daemon = true;
      yield* sleep(10);
      made.daemon = true;
      unmade.daemon = false;
      expect([made.daemon, unmade.daemon]).toEqual([true, false]);
    });
    await untilIdle();
    expect(events).toEqual(['ran to its end', 'killed at 50']);
  });

  it('goes when it becomes one as the last', async () => {
    const events: string[] = [];
    await virtually(() => {
      spawn(function* () {
        try {
          yield* sleep(5);
          (getcurrent() as Greenlet).daemon = true;
          yield* sleep(1000);
        } finally {
          events.push(`killed at ${hub.now()}`);
        }
      });
    });
    await untilIdle();
    expect(events).toEqual(['killed at 5']);
  });
});

it('has no parent but the hub', () => {
  const greenlet = new Greenlet(() => {});
  expect(greenlet.parent).toBe(undefined);
  expect(() => {
    greenlet.parent = new Greenlet(() => {});
  }).toThrow(InvalidSwitchError);
});
