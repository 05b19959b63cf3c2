/** gevent's test__greenlet: state, start, names, waiting. Links and kill have files of their own. */
import {
  type Coroutine,
  Greenlet,
  getcurrent,
  InvalidSwitchError,
  joinall,
  RawGreenlet,
  setTrace,
  sleep,
  spawn,
  spawnLater,
  spawnNow,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { itReturnsWhenTimeIsUp, itThrowsWhenTimeIsUp, outcomeOf } from './gevent-waits.ts';

const { takeReports } = watchHub();

const nap = (ms: number) => sleep(ms);

/** Greenlets can't be compared by `toEqual`, which iterates them. */
const idsOf = (greenlets: Iterable<Greenlet<any>>) => Array.from(greenlets, ({ id }) => id);

const stateOf = (greenlet: Greenlet<any>) => ({
  started: greenlet.started,
  dead: greenlet.dead,
  ready: greenlet.ready(),
  successful: greenlet.successful(),
  value: greenlet.value,
  exception: greenlet.exception,
});
const unstarted = {
  started: false,
  dead: false,
  ready: false,
  successful: false,
  value: undefined,
  exception: undefined,
};
const started = { ...unstarted, started: true };
const ended = { ...unstarted, dead: true, ready: true };

describe('the state of a greenlet', () => {
  it('goes from unstarted over started to returned, and its link is called at the end', () =>
    virtually(function* () {
      const linked: unknown[] = [];
      const greenlet = new Greenlet(
        function* (ms: number, value = 4) {
          yield* sleep(ms);
          return value;
        },
        ...[10, 5],
      );
      greenlet.rawlink((source) => linked.push(source));
      expect(stateOf(greenlet)).toEqual(unstarted);
      greenlet.start();
      expect(stateOf(greenlet)).toEqual(started);
      yield* sleep(1);
      expect([stateOf(greenlet), linked]).toEqual([started, []]);
      yield* sleep(20);
      expect(stateOf(greenlet)).toEqual({ ...ended, successful: true, value: 5 });
      expect(linked.map((source) => source === greenlet)).toEqual([true]);
    }));

  it('goes from unstarted over started to failed, with the very error as exception', async () => {
    const error = Object.assign(new Error('expected'), { detail: 5 });
    await virtually(function* () {
      const linked: unknown[] = [];
      const greenlet = new Greenlet(function* (ms: number) {
        yield* sleep(ms);
        throw error;
      }, 1);
      greenlet.rawlink((source) => linked.push(source));
      greenlet.start();
      yield* sleep(200);
      expect(stateOf(greenlet)).toEqual({ ...ended, exception: error });
      expect([greenlet.exception === error, linked[0] === greenlet, linked.length]).toEqual([true, true, 1]);
    });
    expect(await takeReports()).toMatchObject([{ error, context: 'greenlet' }]);
  });

  it('has no exception before the start, nor after a success', () =>
    virtually(function* () {
      const greenlet = new Greenlet(nap, 1);
      expect(greenlet.exception).toBe(undefined);
      greenlet.start();
      yield* greenlet.join();
      expect([greenlet.exception, greenlet.successful()]).toEqual([undefined, true]);
    }));

  it('is never dead as a tracer sees it switched to', () =>
    virtually(function* () {
      const greenlet = spawn(() => 42);
      const seen: unknown[] = [];
      const before = setTrace((event, _, target) => {
        if (event === 'switch' && target !== undefined) seen.push([target === greenlet, target.dead]);
      });
      yield* greenlet.join();
      setTrace(before);
      expect(seen).toEqual([
        [true, false],
        [false, false],
      ]);
      expect(greenlet.value).toBe(42);
    }));

  it('does not make a link fire early that is added by the running greenlet itself', () =>
    virtually(function* () {
      const log: string[] = [];
      const greenlet: Greenlet<void> = spawn(function* (): Coroutine<void> {
        greenlet.rawlink(() => log.push('link'));
        yield* sleep(5);
        log.push('end');
      });
      yield* greenlet.join();
      yield* sleep(0);
      expect(log).toEqual(['end', 'link']);
    }));
});

describe('starting a greenlet', () => {
  it('is refused with a TypeError at once for what is no function', () => {
    expect(() => spawn(1 as never)).toThrow(
      new TypeError('spawn() target is 1: give a coroutine function or a plain function'),
    );
    expect(() => spawnNow(1 as never)).toThrow(TypeError);
    expect(() => (spawnLater as any)(1)).toThrow(TypeError);
    expect(() => spawnLater(1, 1 as never)).toThrow(TypeError);
    expect(() => new RawGreenlet(1 as never)).toThrow(TypeError);
  });

  it('has no effect a second time, nor after the end', () =>
    virtually(function* () {
      const log: string[] = [];
      const greenlet = spawn(function* () {
        log.push('runs');
        yield* sleep(10);
      });
      expect(stateOf(greenlet)).toEqual(started);
      greenlet.start();
      expect(stateOf(greenlet)).toEqual(started);
      yield* greenlet.join();
      expect(stateOf(greenlet)).toEqual({ ...ended, successful: true });
      greenlet.start();
      yield* sleep(0);
      expect([stateOf(greenlet), log]).toEqual([{ ...ended, successful: true }, ['runs']]);
    }));

  it('hands all arguments to the function, also by the first switch to a raw greenlet', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const raw = new RawGreenlet((...args: unknown[]) => void log.push(args));
      yield* raw.switch(1, { name: 'value' });
      yield* spawn((...args: unknown[]) => void log.push(args), 2, { name: 'other' });
      expect([raw.dead, log]).toEqual([
        true,
        [
          [1, { name: 'value' }],
          [2, { name: 'other' }],
        ],
      ]);
    }));

  it('is not needed: an unstarted greenlet that is dropped leaves nothing behind', () => {
    const before = hub.stats();
    new Greenlet(nap, 1);
    expect(hub.stats()).toMatchObject({ alive: before.alive, ready: before.ready, spawned: before.spawned });
  });

  it('is announced to spawn hooks, however it is done, until they are taken out', () =>
    virtually(function* () {
      const seen: Greenlet<any>[] = [];
      const takeOut = hub.onSpawn((greenlet) => seen.push(greenlet));
      const nothing = () => {};
      const greenlets = [spawn(nothing), spawnLater(1, nothing), new Greenlet(nothing).start()];
      expect(idsOf(seen)).toEqual(idsOf(greenlets));
      yield* joinall(greenlets);
      takeOut();
      yield* spawn(nothing);
      expect(idsOf(seen)).toEqual(idsOf(greenlets));
    }));
});

describe('the identity of a greenlet', () => {
  it('has a number of its own from the start on, never given again', () =>
    virtually(function* () {
      const first = spawn(() => 1);
      const main = getcurrent()!;
      expect(first.id).toBeGreaterThan(main.id);
      yield* first.join();
      const second = spawn(() => 2);
      yield* second.join();
      expect(second.id).toBeGreaterThan(first.id);
    }));

  it('has the hub as its parent, which can’t be changed', () =>
    virtually(function* () {
      const greenlet = spawn(() => 1);
      expect(greenlet.parent).toBe(undefined);
      expect(() => {
        greenlet.parent = getcurrent()!;
      }).toThrow(InvalidSwitchError);
      expect([greenlet.parent, greenlet.id > 0]).toEqual([undefined, true]);
      yield* greenlet.kill();
    }));

  it('is shown with its class and its function, before and after the end', () =>
    virtually(function* () {
      function doNothing() {}
      const greenlet = Greenlet.spawn(doNothing);
      const text = `<Greenlet-${greenlet.id} doNothing>`;
      expect([`${greenlet}`, greenlet.ready()]).toEqual([text, false]);
      yield* greenlet.join();
      expect([`${greenlet}`, greenlet.ready()]).toEqual([text, true]);
    }));

  it('is shown with the name that was assigned, and with its method', () =>
    virtually(function* () {
      const object = { method() {} };
      const greenlet = spawn(object.method);
      expect(`${greenlet}`).toBe(`<Greenlet-${greenlet.id} method>`);
      expect(greenlet.name).toBe(`Greenlet-${greenlet.id}`);
      greenlet.name = 'Foo';
      expect(`${greenlet}`).toBe('<Foo method>');
      yield* greenlet.join();
      expect(`${greenlet}`).toBe('<Foo method>');
    }));

  it('is shown with the class of a subclass', () => {
    class Subclass extends Greenlet {
      override run() {
        return 1;
      }
    }
    const greenlet = new Subclass();
    expect(`${greenlet}`).toMatch(new RegExp(`^<Subclass-${greenlet.id}\\b.*>$`));
  });
});

describe('tracking', () => {
  const tracked = (main: () => Coroutine<void>) =>
    virtually(function* () {
      hub.tracking = true;
      try {
        yield* main();
      } finally {
        hub.tracking = false;
      }
    });

  it('shares tree locals within a spawn tree only, and knows who spawned whom', () =>
    tracked(function* () {
      const log: unknown[] = [];
      const parent = function* () {
        const me = getcurrent() as Greenlet;
        const child = new Greenlet(() => {});
        log.push(child.treeLocals === me.treeLocals, child.spawner === me);
      };
      const main = getcurrent() as Greenlet;
      const [one, other] = [new Greenlet(parent), new Greenlet(parent)];
      expect(main.treeLocals).toBe(undefined); // it was spawned before tracking began
      expect([one.treeLocals, other.treeLocals]).toEqual([{}, {}]);
      log.push(one.treeLocals === other.treeLocals, one.spawner === main);
      one.start();
      other.start();
      yield* joinall([one, other]);
      expect(log).toEqual([false, true, true, true, true, true]);
    }));

  const stackOfSpawn = function* (limit: number | undefined): Coroutine<string | undefined> {
    const before = Error.stackTraceLimit;
    try {
      Error.stackTraceLimit = limit as number;
      return new Greenlet(() => {}).spawnStack;
    } finally {
      Error.stackTraceLimit = before;
    }
  };

  it('records no spawn stack where stacks have no frames', () =>
    tracked(function* () {
      expect(yield* stackOfSpawn(10)).toContain('stackOfSpawn');
      expect(yield* stackOfSpawn(0)).toBe('');
    }));

  it('lives with errors that have no stack at all', () =>
    tracked(function* () {
      expect((yield* stackOfSpawn(undefined)) ?? '').toBe('');
    }));
});

describe('a greenlet that exhausts the stack', () => {
  const recur = (): number => recur() + 1;
  function* recurInCoroutine(): Coroutine<number> {
    return (yield* recurInCoroutine()) + 1;
  }

  it.each([
    ['a plain function', recur],
    ['a coroutine', recurInCoroutine],
  ])('in %s fails as with any other error, which is reported once', async (_, fn) => {
    await virtually(function* () {
      const greenlet = spawn(fn as () => number);
      yield* spawn(() => joinall([greenlet])).join();
      expect(stateOf(greenlet)).toEqual({ ...ended, exception: expect.any(RangeError) });
      yield* sleep(1); // in the pass in which it died, the error could still be taken
      for (let i = 0; i < 2; i++) {
        const outcome = yield* outcomeOf(() => greenlet.get());
        expect((outcome as { error: unknown }).error).toBe(greenlet.exception);
      }
    });
    expect(await takeReports()).toMatchObject([{ error: expect.any(RangeError), context: 'greenlet' }]);
  });
});

/** A wait for a greenlet that sleeps for 10 seconds. */
const waitForSleeper = (wait: (sleeper: Greenlet<void>, timeout: number | null) => Iterable<any>) =>
  function* (timeout?: number): Coroutine<unknown> {
    const sleeper = spawn(nap, 10_000);
    try {
      return yield* wait(sleeper, timeout ?? null) as Coroutine<unknown>;
    } finally {
      yield* sleeper.kill();
    }
  };

describe('join', () => {
  itReturnsWhenTimeIsUp(
    waitForSleeper((sleeper, timeout) => sleeper.join(timeout)),
    undefined,
  );
});

describe('get', () => {
  itThrowsWhenTimeIsUp(waitForSleeper((sleeper, timeout) => sleeper.get({ timeout })));
});

describe('joinall of an unstarted greenlet', () => {
  itReturnsWhenTimeIsUp((timeout = 0) => joinall([new Greenlet(nap, 1)], { timeout }), []);
});

describe('joinall of a blocked greenlet', () => {
  itReturnsWhenTimeIsUp(
    waitForSleeper((sleeper, timeout) => joinall([sleeper], { timeout })),
    [],
  );
});

describe('joinall with errors', () => {
  const failing = (error: Error) => () => {
    throw error;
  };

  it('throws nothing, with raiseError, if all return', () =>
    virtually(function* () {
      const greenlets = [1, 2, 3].map((n) => spawn(() => n));
      expect(idsOf(yield* joinall(greenlets, { raiseError: true }))).toEqual(idsOf(greenlets));
      expect(greenlets.map(({ value }) => value)).toEqual([1, 2, 3]);
    }));

  it('throws the failure at once with raiseError, and again for one that has ended', () =>
    virtually(function* () {
      const error = new Error('expected');
      const slow = spawn(function* () {
        yield* sleep(10);
        return 1;
      });
      const failed = spawn(failing(error));
      expect(yield* outcomeOf(() => joinall([slow, failed], { raiseError: true }))).toEqual({ error });
      expect([hub.now(), slow.dead]).toEqual([0, false]);
      expect(yield* outcomeOf(() => joinall([failed], { raiseError: true }))).toEqual({ error });
      yield* slow.join();
      expect([hub.now(), slow.value]).toEqual([10, 1]);
    }));

  it('throws the earliest of several failures, not the first in the list', async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    await virtually(function* () {
      const late = spawn(function* () {
        yield* sleep(100);
        throw first;
      });
      const early = spawn(failing(second));
      const outcome = yield* outcomeOf(() => joinall([late, early], { raiseError: true }));
      expect((outcome as { error: unknown }).error).toBe(second);
      expect(idsOf(yield* joinall([late, early]))).toEqual(idsOf([early, late]));
      expect(hub.now()).toBe(100);
    });
    // Only the first error was taken: joinall without raiseError takes none.
    expect((await takeReports()).map(({ error }) => error)).toEqual([first]);
  });

  it('counts a failed greenlet as one that ended', async () => {
    const error = new Error('expected');
    await virtually(function* () {
      const sleeper = spawn(function* () {
        for (;;) yield* sleep(100);
      });
      const failed = spawn(failing(error));
      expect(idsOf(yield* joinall([sleeper, failed], { raiseError: false, count: 1 }))).toEqual([failed.id]);
      expect([failed.ready(), sleeper.ready()]).toEqual([true, false]);
      yield* sleeper.kill();
      expect(sleeper.ready()).toBe(true);
    });
    expect((await takeReports()).map(({ error }) => error)).toEqual([error]);
  });
});
