import {
  type Coroutine,
  coroutine,
  Greenlet,
  GreenletExit,
  getcurrent,
  InvalidSwitchError,
  RawGreenlet,
  sleep,
  spawn,
  spawnNow,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** What a body throws, or `undefined`. */
function* errorOf(body: () => Coroutine<unknown>): Coroutine<unknown> {
  try {
    yield* body();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** A raw greenlet that records what it is handed, and hands back counted replies to its parent. */
function echo(events: unknown[]) {
  return new RawGreenlet(function* (...first: unknown[]) {
    events.push(first);
    for (let i = 1; ; i++) events.push(yield* getcurrent()!.parent!.switch(`reply ${i}`));
  });
}

describe('switch', () => {
  it('hands control back and forth (rules 1 and 2)', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const main = getcurrent()!;
      const eat: RawGreenlet = new RawGreenlet(function* () {
        events.push('eat 1');
        yield* play.switch();
        events.push('eat 2');
        yield* play.switch();
      });
      const play: RawGreenlet = new RawGreenlet(function* () {
        events.push('play 1');
        yield* eat.switch();
        events.push('play 2');
        yield* main.switch();
      });
      yield* eat.switch();
      events.push('main');
    });
    expect(events).toEqual(['eat 1', 'play 1', 'eat 2', 'play 2', 'main']);
  });

  it('gives the function its arguments first, then the value of the pending switch', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = echo(events);
      const replies = [
        yield* greenlet.switch('a', 'b'),
        yield* greenlet.switch(),
        yield* greenlet.switch(undefined),
        yield* greenlet.switch('one'),
        yield* greenlet.switch(['list']),
        yield* greenlet.switch(1, 2, 3),
      ];
      expect(replies).toEqual([1, 2, 3, 4, 5, 6].map((i) => `reply ${i}`));
    });
    expect(events).toEqual([['a', 'b'], undefined, undefined, 'one', ['list'], [1, 2, 3]]);
  });

  it('to the current greenlet returns at once (rule 3)', async () => {
    await virtually(function* () {
      const me = getcurrent()!;
      expect([yield* me.switch(), yield* me.switch(1), yield* me.switch(1, 2)]).toEqual([undefined, 1, [1, 2]]);
    });
  });

  it('to a dead one goes to its nearest living ancestor (rule 3)', async () => {
    await virtually(function* () {
      const child = new RawGreenlet(function* (): Coroutine<unknown> {
        return new RawGreenlet(() => 'grandchild ends');
      });
      const grandchild = yield* child.switch();
      expect(grandchild.parent).toBe(child);
      expect([child.dead, grandchild.dead]).toEqual([true, false]);
      expect(yield* child.switch('back to main')).toBe('back to main');
      expect(yield* grandchild.switch()).toBe('grandchild ends');
      expect(yield* grandchild.switch(1, 2)).toEqual([1, 2]);
    });
  });

  it('refuses one that is blocked, ready, or running below', async () => {
    await virtually(function* () {
      const main = getcurrent()!;
      const blocked = spawn(sleep, 10);
      const ready = spawn(function* () {
        for (let i = 0; i < 3; i++) yield* sleep(0);
      });
      yield* sleep(0);
      for (const greenlet of [blocked, ready]) {
        expect(yield* errorOf(() => greenlet.switch() as Coroutine<void>)).toBeInstanceOf(InvalidSwitchError);
      }
      const other = new RawGreenlet(function* () {
        yield* sleep(1);
      });
      spawn(function* () {
        // meanwhile `main` waits for `other`, which is blocked in the hub
        expect(yield* errorOf(() => other.switch() as Coroutine<void>)).toBeInstanceOf(InvalidSwitchError);
      });
      yield* other.switch();
      expect(getcurrent()).toBe(main);
      yield* blocked.join();
    });
  });

  it('takes chains of any length without growing the stack', async () => {
    await virtually(function* () {
      let link: RawGreenlet = getcurrent()!;
      for (let i = 0; i < 50_000; i++) {
        const next: RawGreenlet = link;
        link = new RawGreenlet(function* (n: number) {
          return yield* next.switch(n + 1);
        }, getcurrent());
      }
      expect(yield* link.switch(0)).toBe(50_000);
    });
  });
});

describe('the end of a raw greenlet (rule 4)', () => {
  it('by return resumes its parent with the value', async () => {
    await virtually(function* () {
      const greenlet = new RawGreenlet(function* () {
        yield* getcurrent()!.parent!.switch('first');
        return 'value';
      });
      expect([yield* greenlet.switch(), greenlet.started, greenlet.dead]).toEqual(['first', true, false]);
      expect([yield* greenlet.switch(), greenlet.started, greenlet.dead]).toEqual(['value', false, true]);
    });
  });

  it('by an error throws it in the parent', async () => {
    const error = new Error('child');
    await virtually(function* () {
      const greenlet = new RawGreenlet(() => {
        throw error;
      });
      expect(yield* errorOf(() => greenlet.switch() as Coroutine<void>)).toBe(error);
      expect([greenlet.dead, greenlet.exception]).toEqual([true, error]);
    });
  });

  it('by an exit, or a subclass of it, gives the parent the exit as a value', async () => {
    class Leave extends GreenletExit {}
    await virtually(function* () {
      for (const exit of [new GreenletExit(), new Leave()]) {
        const greenlet = new RawGreenlet(() => {
          throw exit;
        });
        expect(yield* greenlet.switch()).toBe(exit);
        expect(greenlet.exception).toBe(undefined);
      }
    });
  });

  it('starts an unstarted parent with the value (rule 5)', async () => {
    const events: unknown[] = [];
    await virtually(function* () {
      const parent = new RawGreenlet((...args) => {
        events.push(args);
        return 'from parent';
      });
      const child = new RawGreenlet(() => 'from child', parent);
      expect(yield* child.switch()).toBe('from parent');
    });
    expect(events).toEqual([['from child']]);
  });

  it('by an error kills an unstarted parent and surfaces above it (rules 5 and 6)', async () => {
    const error = new Error('child');
    await virtually(function* () {
      const parent = new RawGreenlet(() => expect.fail('ran'));
      const child = new RawGreenlet(() => {
        throw error;
      }, parent);
      expect(yield* errorOf(() => child.switch() as Coroutine<void>)).toBe(error);
      expect([parent.dead, child.dead]).toEqual([true, true]);
    });
  });

  it('with the hub as parent gives control to the hub, and reports its error', async () => {
    const error = new Error('orphan');
    await virtually(function* () {
      const orphan = new RawGreenlet(() => {
        throw error;
      }, null);
      const switcher = spawn(() => orphan.switch());
      yield* sleep(1);
      expect([orphan.dead, switcher.dead]).toEqual([true, false]);
      yield* switcher.kill();
    });
    expect(await takeReports()).toMatchObject([{ error, greenlet: { exception: error } }]);
  });
});

describe('throw (rule 6)', () => {
  it('throws where the greenlet is suspended; what it does then goes to its parent', async () => {
    const error = new Error('thrown');
    await virtually(function* () {
      const greenlet = new RawGreenlet(function* () {
        try {
          yield* getcurrent()!.parent!.switch('ready');
        } catch (caught) {
          return ['caught', caught];
        }
      });
      expect(yield* greenlet.switch()).toBe('ready');
      expect(yield* greenlet.throw(error)).toEqual(['caught', error]);
    });
  });

  it('is an exit by default, which comes back as a value', async () => {
    await virtually(function* () {
      const greenlet = echo([]);
      yield* greenlet.switch();
      expect(yield* greenlet.throw()).toBeInstanceOf(GreenletExit);
      expect(greenlet.dead).toBe(true);
    });
  });

  it('kills an unstarted one, and the error surfaces in its parent chain, not in the caller', async () => {
    const error = new Error('thrown');
    const events: unknown[] = [];
    await virtually(function* () {
      const main = getcurrent()!;
      const parent = new RawGreenlet(function* () {
        try {
          yield* main.switch();
        } catch (caught) {
          events.push(['parent caught', caught]);
        }
        return 'parent ends';
      });
      yield* parent.switch();
      const unstarted = new RawGreenlet(() => expect.fail('ran'), parent);
      expect(yield* unstarted.throw(error)).toBe('parent ends');
      expect(unstarted.dead).toBe(true);
    });
    expect(events).toEqual([['parent caught', error]]);
  });

  it('of an exit into an unstarted or a dead one is returned', async () => {
    const exit = new GreenletExit();
    await virtually(function* () {
      const greenlet = new RawGreenlet(() => expect.fail('ran'));
      expect(yield* greenlet.throw(exit)).toBe(exit);
      expect(greenlet.dead).toBe(true);
      expect(yield* greenlet.throw(exit)).toBe(exit);
    });
  });

  it('into a dead one surfaces in its living ancestor', async () => {
    const error = new Error('thrown');
    await virtually(function* () {
      const greenlet = new RawGreenlet(() => {});
      yield* greenlet.switch();
      expect(yield* errorOf(() => greenlet.throw(error) as Coroutine<void>)).toBe(error);
    });
  });

  it('into the current one throws at once', async () => {
    const error = new Error('thrown');
    await virtually(function* () {
      expect(yield* errorOf(() => getcurrent()!.throw(error) as Coroutine<void>)).toBe(error);
    });
  });

  it('runs finally blocks that suspend', async () => {
    const events: string[] = [];
    await virtually(function* () {
      const greenlet = new RawGreenlet(function* () {
        try {
          yield* getcurrent()!.parent!.switch();
        } finally {
          yield* sleep(5);
          events.push('cleaned up');
        }
      });
      yield* greenlet.switch();
      yield* greenlet.throw();
      events.push('main');
    });
    expect(events).toEqual(['cleaned up', 'main']);
  });
});

describe('the parent (rules 1 and 7)', () => {
  it('is the greenlet that made it, or the hub', async () => {
    expect(new RawGreenlet(() => {}).parent).toBe(undefined);
    await virtually(() => {
      expect(new RawGreenlet(() => {}).parent === getcurrent()).toBe(true);
      expect(new RawGreenlet(() => {}, null).parent).toBe(undefined);
    });
  });

  it('can be changed, also after death, which redirects later switches', async () => {
    await virtually(function* () {
      const main = getcurrent()!;
      const other = new RawGreenlet(function* () {
        const got = yield* main.switch();
        return ['other got', got];
      });
      yield* other.switch();
      const dead = new RawGreenlet(() => {});
      yield* dead.switch();
      dead.parent = other;
      expect(yield* dead.switch('value')).toEqual(['other got', 'value']);
    });
  });

  it('must be a greenlet, without cycles', () => {
    const greenlet = new RawGreenlet(() => {});
    const child = new RawGreenlet(() => {}, greenlet);
    const set = (parent: unknown) => () => {
      greenlet.parent = parent as never;
    };
    expect(set(undefined)).toThrow(new TypeError('parent is undefined: give a greenlet'));
    expect(set(5)).toThrow(TypeError);
    expect(set(greenlet)).toThrow(InvalidSwitchError);
    expect(set(child)).toThrow(InvalidSwitchError);
    expect(greenlet.parent).toBe(undefined);
  });
});

it('is true of started only between begin and end (rule 8)', async () => {
  await virtually(function* () {
    const greenlet = echo([]);
    expect([greenlet.started, greenlet.dead]).toEqual([false, false]);
    yield* greenlet.switch();
    expect([greenlet.started, greenlet.dead]).toEqual([true, false]);
    yield* greenlet.throw();
    expect([greenlet.started, greenlet.dead]).toEqual([false, true]);
  });
});

it('may block in the hub like any greenlet, while the one that switched to it waits', async () => {
  await virtually(function* () {
    const greenlet = new RawGreenlet(function* () {
      yield* sleep(10);
      return yield* spawn(() => 'value');
    });
    expect(yield* greenlet.switch()).toBe('value');
  });
});

it('may switch from deep inside coroutine() frames, and from a spawnNow child', async () => {
  await virtually(function* () {
    const main = getcurrent()!;
    const deep: (levels: number) => Coroutine<number> = coroutine(function* (levels) {
      return levels === 0 ? yield* main.switch('out') : 1 + (yield* deep(levels - 1));
    });
    const greenlet = new RawGreenlet(deep);
    expect([yield* greenlet.switch(300), yield* greenlet.switch(10)]).toEqual(['out', 310]);
    const child = spawnNow(function* () {
      expect(yield* errorOf(() => main.switch() as Coroutine<void>)).toBeInstanceOf(InvalidSwitchError);
      return yield* new RawGreenlet(function* () {
        yield* sleep(1);
        return 'value';
      }).switch();
    });
    expect(yield* child).toBe('value');
  });
});

it('is what a Greenlet is, too: main and spawned ones have switch, throw, parent, dead, started', async () => {
  await virtually(function* () {
    const main = getcurrent()!;
    expect(main).toBeInstanceOf(Greenlet);
    expect(main).toBeInstanceOf(RawGreenlet);
    expect([main.started, main.dead, main.parent]).toEqual([true, false, undefined]);
    const greenlet = new Greenlet(function* (word: string) {
      yield* main.switch(`${word} from greenlet`);
    });
    expect(yield* greenlet.switch('hello')).toBe('hello from greenlet');
    yield* greenlet.kill();
    expect(greenlet.dead).toBe(true);
  });
});

it('refuses a function that is none', () => {
  expect(() => new RawGreenlet(5 as never)).toThrow(
    new TypeError('function is 5: give a coroutine function or a plain function'),
  );
});
