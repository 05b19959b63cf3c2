import {
  type Coroutine,
  coroutine,
  Greenlet,
  GreenletExit,
  getcurrent,
  isExit,
  RawGreenlet,
  type Resumer,
  shield,
  sleep,
  spawn,
  spawnLater,
  spawnNow,
  suspend,
  Timeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** Records how a body that is killed goes: where it is interrupted, and that its `finally` completes. */
function* recorded(events: unknown[], body: () => Coroutine<unknown>): Coroutine<void> {
  try {
    yield* body();
    events.push('end');
  } catch (error) {
    events.push(isExit(error) ? 'exit' : error);
    throw error;
  } finally {
    yield* sleep(1);
    events.push('cleaned up');
  }
}

describe('a kill', () => {
  it('of an unstarted greenlet: it never runs, its links fire', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      for (const greenlet of [
        new Greenlet(() => events.push('ran')),
        spawn(() => events.push('ran')),
        spawnLater(5, () => events.push('ran')),
      ]) {
        greenlet.rawlink(({ value, dead }) => events.push([isExit(value), dead]));
        greenlet.kill();
        expect([greenlet.dead, greenlet.successful()]).toEqual([true, true]);
      }
      expect(events).toEqual([]);
      yield* sleep(10);
    });
    expect(events).toEqual([
      [true, true],
      [true, true],
      [true, true],
    ]);
  });

  it('of an ended one does nothing', async () => {
    await virtually(function* () {
      const greenlet = spawn(() => 5);
      yield* greenlet;
      yield* greenlet.kill();
      expect(greenlet.value).toBe(5);
    });
  });

  it('is thrown where a blocked one stands, on the next pass, and waited for with its finally', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(recorded, events, () => sleep(1000) as Coroutine<void>);
      yield* sleep(5);
      const killed = greenlet.kill();
      events.push('kill() returned');
      yield* killed;
      events.push(['waited', hub.now(), hub.stats().timers]);
    });
    expect(events).toEqual(['kill() returned', 'exit', 'cleaned up', ['waited', 6, 0]]);
  });

  it('need not be waited for', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(recorded, events, () => sleep(1000) as Coroutine<void>);
      yield* sleep(5);
      greenlet.kill();
      yield* sleep(0);
      expect(events).toEqual(['exit']);
      yield* greenlet.join();
    });
    expect(events).toEqual(['exit', 'cleaned up']);
  });

  it('of one that is ready after sleep(0) arrives at once', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(recorded, events, () => sleep(0) as Coroutine<void>);
      yield* sleep(0);
      yield* greenlet.kill();
    });
    expect(events).toEqual(['exit', 'cleaned up']);
  });

  it('of one that was granted what it waited for arrives at its next suspension', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      let grant!: Resumer<string>;
      const greenlet = spawn(recorded, events, function* () {
        events.push(
          yield* suspend<string>((resume) => {
            grant = resume;
          }),
        );
        yield* sleep(1000);
      });
      yield* sleep(1);
      expect(grant('permit')).toBe(true);
      yield* greenlet.kill();
      expect(hub.now()).toBe(2);
    });
    expect(events).toEqual(['permit', 'exit', 'cleaned up']);
  });

  it('of one that was granted its last wait comes to nothing: it ends by itself', async () => {
    await virtually(function* () {
      let grant!: Resumer<string>;
      const greenlet = spawn(function* () {
        return yield* suspend<string>((resume) => {
          grant = resume;
        });
      });
      yield* sleep(1);
      grant('permit');
      yield* greenlet.kill();
      expect(greenlet.value).toBe('permit');
    });
  });

  it('in a finally that suspends is thrown into it', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(1000);
          events.push('never');
        }
      });
      yield* sleep(0);
      greenlet.kill();
      yield* sleep(5);
      const second = new GreenletExit('second');
      yield* greenlet.kill(second);
      expect([events, greenlet.value, hub.now()]).toEqual([[], second, 5]);
    });
  });

  describe('twice before it arrives counts once', () => {
    const twice = (greenlet: Greenlet<any>) => {
      greenlet.kill();
      greenlet.kill();
    };
    const expected = ['exit', 'cleaned up'];

    it('where it is blocked', async () => {
      const events: unknown[] = [];
      await virtually(function* () {
        const greenlet = spawn(recorded, events, () => sleep(10) as Coroutine<void>);
        yield* sleep(1);
        twice(greenlet);
        yield* greenlet.join();
      });
      expect(events).toEqual(expected);
    });

    it('where it was granted', async () => {
      const events: unknown[] = [];
      await virtually(function* () {
        let grant!: Resumer<void>;
        const greenlet = spawn(recorded, events, function* () {
          yield* suspend<void>((resume) => {
            grant = resume;
          });
          yield* sleep(10);
        });
        yield* sleep(1);
        grant();
        twice(greenlet);
        yield* greenlet.join();
      });
      expect(events).toEqual(expected);
    });

    it('where it is shielded', async () => {
      const events: unknown[] = [];
      await virtually(function* () {
        const greenlet = spawn(recorded, events, () => shield(() => sleep(10)) as Coroutine<void>);
        yield* sleep(1);
        twice(greenlet);
        yield* greenlet.join();
      });
      expect(events).toEqual(expected);
    });

    it('where it runs itself', async () => {
      const events: unknown[] = [];
      await virtually(function* () {
        yield* spawn(recorded, events, function* () {
          twice(getcurrent() as Greenlet);
          yield* sleep(10);
        });
      });
      expect(events).toEqual(expected);
    });
  });

  it('of oneself is thrown at the next suspension, at the latest where it is waited for', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      for (const body of [
        function* () {
          (getcurrent() as Greenlet).kill();
          events.push('goes on');
          yield* sleep(0);
        },
        function* () {
          yield* (getcurrent() as Greenlet).kill();
        },
      ]) {
        yield* spawn(recorded, events, body);
      }
    });
    expect(events).toEqual(['goes on', 'exit', 'cleaned up', 'exit', 'cleaned up']);
  });

  it('of a parent by its spawnNow child, below it on the native stack, arrives at the parent’s next suspension', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      yield* spawn(recorded, events, function* () {
        const parent = getcurrent() as Greenlet;
        spawnNow(() => parent.kill());
        events.push('child done');
        yield* sleep(10);
      });
    });
    expect(events).toEqual(['child done', 'exit', 'cleaned up']);
  });

  it('may be caught, and the greenlet goes on', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* sleep(1000);
        } catch {}
        yield* sleep(5);
        return 'survived';
      });
      yield* sleep(0);
      yield* greenlet.kill();
      expect([greenlet.value, hub.now()]).toEqual(['survived', 5]);
    });
  });

  it.each([
    [{ block: false }, 0],
    [{ timeout: 0 }, 0],
    [{ timeout: 30 }, 30],
    [{ timeout: null }, 100],
    [{}, 100],
  ])('with %o stops waiting when time is up, without an error', async (options, ms) => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(100);
        }
      });
      yield* sleep(0);
      yield* greenlet.kill(undefined, options);
      expect([hub.now(), greenlet.dead]).toEqual([ms, ms === 100]);
      yield* greenlet.join();
      expect(hub.now()).toBe(100);
    });
  });

  it('with another error makes it fail with that', async () => {
    const error = new Error('reason');
    await virtually(function* () {
      const greenlet = spawn(sleep, 1000);
      yield* sleep(0);
      yield* greenlet.kill(error);
      expect(greenlet.exception).toBe(error);
    });
    expect(await takeReports()).toMatchObject([{ error }]);
  });

  it('unwinds frames of both kinds, innermost first', async () => {
    const events: unknown[] = [];
    const level = (name: string, inner: () => Coroutine<void>) =>
      function* (): Coroutine<void> {
        try {
          yield* inner();
          events.push('not unwound');
        } finally {
          yield* sleep(1);
          events.push(name);
        }
      };
    const driven = (name: string, inner: () => Coroutine<void>) => coroutine(level(name, inner));
    await virtually(function* () {
      const stack = level(
        'a',
        driven(
          'b',
          driven(
            'c',
            level(
              'd',
              driven('e', () => sleep(1000) as Coroutine<void>),
            ),
          ),
        ),
      );
      const greenlet = spawn(stack);
      yield* sleep(0);
      yield* greenlet.kill();
    });
    expect(events).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  it('reaches one that is suspended in a raw switch', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(recorded, events, function* () {
        yield* new RawGreenlet(() => sleep(1000)).switch();
      });
      yield* sleep(1);
      yield* greenlet.kill();
    });
    expect(events.slice(0, 2)).toEqual(['exit', 'cleaned up']);
  });

  it('does not make a timeout of the greenlet outlive its limit', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        using _limit = Timeout.startNew(500);
        yield* sleep(1000);
      });
      yield* sleep(0);
      yield* greenlet.kill();
      expect(hub.stats().timers).toBe(0);
    });
  });

  it('before the start, from a hook that sees it start, keeps it from running', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const forget = hub.onSpawn((greenlet) => greenlet.kill());
      const greenlets = [spawn, spawnNow].map((start) => start(() => events.push('ran')));
      greenlets.push(spawnLater(1, () => events.push('ran')));
      forget();
      yield* sleep(5);
      expect(greenlets.map((greenlet) => greenlet.dead)).toEqual([true, true, true]);
    });
    expect(events).toEqual([]);
  });
});
