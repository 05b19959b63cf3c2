import {
  type Coroutine,
  coroutine,
  Greenlet,
  GreenletLocal,
  joinall,
  Pool,
  RawGreenlet,
  run,
  sleep,
  spawn,
  spawnLater,
  spawnNow,
  wait,
} from 'genlet';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { Link } from '../../src/core/links.ts';
import { runProgram } from '../support/child.ts';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** A local that counts the calls of its `init`. */
function counted<T>(value: (call: number) => T) {
  const calls = { count: 0 };
  const local = new GreenletLocal<T>(() => value(++calls.count));
  return { local, calls };
}

describe('the value of a greenlet', () => {
  it('is its own', () =>
    virtually(function* () {
      const local = new GreenletLocal<string | undefined>();
      const log: unknown[] = [];
      const work = function* (name: string) {
        log.push(local.get());
        local.set(name);
        yield* sleep(1);
        log.push(local.get());
      };
      local.set('main');
      yield* joinall([spawn(work, 'one'), spawnNow(work, 'two'), spawnLater(0, work, 'three')]);
      log.push(local.get());
      expect(log).toEqual([undefined, undefined, undefined, 'two', 'one', 'three', 'main']);
    }));

  it('is made by init once, at the first get', () =>
    virtually(function* () {
      const { local, calls } = counted((made) => ({ made }));
      expect([local.has(), calls.count]).toEqual([false, 0]);
      const first = local.get();
      yield* sleep(1);
      expect(local.get()).toBe(first);
      expect([local.has(), calls.count, first.made]).toEqual([true, 1, 1]);
      const other = yield* spawn(() => [local.get(), local.get()] as const);
      expect(other[0]).toBe(other[1]);
      expect([other[0], calls.count]).toEqual([{ made: 2 }, 2]);
    }));

  it('needs no init if it is set first', () =>
    virtually(() => {
      const { local, calls } = counted(() => 'made');
      local.set('set');
      expect([local.get(), local.has(), calls.count]).toEqual(['set', true, 0]);
    }));

  it('is undefined without init, and that is no value', () =>
    virtually(() => {
      const local = new GreenletLocal<string | undefined>();
      expect([local.get(), local.has()]).toEqual([undefined, false]);
    }));

  it('may be undefined, which init then need not make again', () =>
    virtually(() => {
      const { local, calls } = counted(() => undefined);
      expect([local.get(), local.get(), local.has(), calls.count]).toEqual([undefined, undefined, true, 1]);
      local.delete();
      local.set(undefined);
      expect([local.get(), local.has(), calls.count]).toEqual([undefined, true, 1]);
    }));

  it('can be deleted, so that init makes another one', () =>
    virtually(function* () {
      const { local } = counted((call) => call);
      const other = spawn(function* () {
        local.set(100);
        yield* sleep(1);
        return local.get();
      });
      yield* sleep(0);
      expect([local.delete(), local.get(), local.delete(), local.has()]).toEqual([false, 1, true, false]);
      expect([local.delete(), local.get(), local.has()]).toEqual([false, 2, true]);
      expect(yield* other).toBe(100);
    }));

  it('is not kept when init throws', () =>
    virtually(() => {
      let fails = true;
      const local = new GreenletLocal(() => {
        if (fails) throw new Error('no connection');
        return 'connection';
      });
      expect(() => local.get()).toThrow('no connection');
      expect(local.has()).toBe(false);
      fails = false;
      expect(local.get()).toBe('connection');
    }));

  it('belongs to the greenlet, whichever of its coroutines asks', () =>
    virtually(function* () {
      const local = new GreenletLocal<number>(() => 0);
      const descend: (levels: number) => Coroutine<number> = coroutine(function* (levels) {
        local.set(local.get() + 1);
        if (levels > 0) return yield* descend(levels - 1);
        yield* sleep(1);
        return local.get();
      });
      const plain = function* () {
        return (yield* descend(3)) + local.get();
      };
      expect(yield* joinall([spawn(plain), spawn(() => descend(300))])).toMatchObject([{ value: 8 }, { value: 301 }]);
      expect(local.get()).toBe(0);
    }));

  it('is there in a raw greenlet, too', () =>
    virtually(function* () {
      const local = new GreenletLocal(() => 'none');
      local.set('main');
      const raw = new RawGreenlet(function* () {
        const before = local.get();
        local.set('raw');
        yield* raw.parent!.switch();
        return [before, local.get()];
      });
      yield* raw.switch();
      expect(local.get()).toBe('main');
      expect(yield* raw.switch()).toEqual(['none', 'raw']);
    }));

  it('is there in finally blocks, also of one that is killed', () =>
    virtually(function* () {
      const local = new GreenletLocal<string | undefined>();
      const log: unknown[] = [];
      const greenlet = spawn(function* () {
        local.set('value');
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(1);
          log.push(local.get());
        }
      });
      yield* sleep(1);
      yield* greenlet.kill();
      expect(log).toEqual(['value']);
    }));

  it('leaves no link on the greenlet, however often it comes and goes', () =>
    virtually(function* () {
      const local = new GreenletLocal(() => 0);
      const greenlet = spawn(function* () {
        for (let i = 0; i < 10; i++) {
          local.set(i);
          local.delete();
          local.get();
        }
        yield* sleep(1);
      });
      yield* sleep(0);
      expect(Link.all(greenlet)).toEqual([]);
    }));
});

describe('the value of the hub', () => {
  it('is that of ordinary code and of hub callbacks', async () => {
    const { local, calls } = counted(() => 'made');
    const log: unknown[] = [];
    expect([local.has(), local.get(), local.has()]).toEqual([false, 'made', true]);
    local.set('ordinary');
    hub.callSoon(() => {
      log.push(local.get());
      local.set('callback');
    });
    await nextTurn();
    expect(local.get()).toBe('callback');
    await run(function* () {
      log.push(local.get());
      const child = spawn(sleep, 1);
      child.rawlink(() => void log.push(local.get()));
      yield* child;
      yield* sleep(0);
    });
    expect([local.delete(), local.has()]).toEqual([true, false]);
    expect([log, calls.count]).toEqual([['ordinary', 'made', 'callback'], 2]);
  });
});

describe('an inheriting local', () => {
  const inheriting = () => new GreenletLocal<string | undefined>(undefined, { inherit: true });

  it('gives a new greenlet the value of its spawner, by whatever means it is started', () =>
    virtually(function* () {
      const local = inheriting();
      const get = () => local.get();
      local.set('spawner');
      const unstarted = new Greenlet<string | undefined>(get);
      const pool = new Pool(1);
      const greenlets = [
        spawn(get),
        spawnNow(get),
        spawnLater(5, get),
        unstarted.start(),
        new Greenlet<string | undefined>(get).startLater(1),
        Greenlet.spawn(get),
        yield* pool.spawn(get),
        spawnNow(() => spawnNow(() => spawn(get))),
      ];
      yield* wait(greenlets);
      expect(greenlets.map(({ value }) => value)).toEqual(Array(greenlets.length).fill('spawner'));
    }));

  it('copies the value as it is at the start', () =>
    virtually(function* () {
      const local = inheriting();
      const log: unknown[] = [];
      local.set('first');
      const unstarted = new Greenlet(() => log.push(['unstarted', local.get()]));
      const child = spawn(function* () {
        log.push(['child', local.get()]);
        local.set('of the child');
        yield* sleep(1);
        log.push(['child', local.get()]);
      });
      const late = spawnLater(5, () => log.push(['late', local.get()]));
      local.set('second');
      unstarted.start();
      yield* wait([unstarted, child, late]);
      log.push(['spawner', local.get()]);
      expect(log).toEqual([
        ['child', 'first'],
        ['unstarted', 'second'],
        ['child', 'of the child'],
        ['late', 'first'],
        ['spawner', 'second'],
      ]);
    }));

  it('gives the very same object, not a copy of it', () =>
    virtually(function* () {
      const local = new GreenletLocal(() => ({ user: 'Ada' }), { inherit: true });
      const mine = local.get();
      expect(yield* spawn(() => local.get())).toBe(mine);
    }));

  it('leaves a greenlet whose spawner has no value without one', () =>
    virtually(function* () {
      let made = 0;
      const local = new GreenletLocal(() => ++made, { inherit: true });
      const first = spawn(() => [local.has(), local.get()]);
      yield* first;
      local.set(100);
      local.delete();
      const second = spawn(() => [local.has(), local.get()]);
      yield* second;
      expect([first.value, second.value, made]).toEqual([[false, 1], [false, 2], 2]);
    }));

  it('hands on undefined as a value', () =>
    virtually(function* () {
      const local = new GreenletLocal<string | undefined>(() => 'made', { inherit: true });
      local.set(undefined);
      expect(yield* spawn(() => [local.has(), local.get()])).toEqual([true, undefined]);
    }));

  it('hands on the value of the hub to what callbacks and ordinary code spawn', async () => {
    const local = inheriting();
    local.set('hub');
    expect(await spawn(() => local.get())).toBe('hub');
    const seen = new Promise((resolve) => hub.callSoon(() => spawn(() => resolve(local.get()))));
    expect(await seen).toBe('hub');
    const linked = new Promise((resolve) => spawn(() => local.set('child')).link(() => resolve(local.get())));
    expect(await linked).toBe('hub');
  });

  it('hands on nothing where inherit was not asked for', () =>
    virtually(function* () {
      for (const options of [undefined, {}, { inherit: false }]) {
        const local = new GreenletLocal<string | undefined>(undefined, options);
        local.set('spawner');
        expect(yield* spawn(() => local.has())).toBe(false);
      }
    }));

  it('gives a raw greenlet nothing', () =>
    virtually(function* () {
      const local = inheriting();
      local.set('main');
      expect(yield* new RawGreenlet(() => local.has()).switch()).toBe(false);
    }));

  it('keeps nothing of a greenlet that another spawn hook kills, before or after', () =>
    virtually(() => {
      const kill = () => hub.onSpawn((greenlet) => greenlet.kill());
      let forget = kill();
      const local = inheriting();
      local.set('main');
      const killedBefore = spawn(() => {});
      forget();
      forget = kill();
      const killedAfter = spawn(() => {});
      forget();
      const kept = [killedBefore, killedAfter].map(({ dead, extras }) => [dead, extras?.lifetime]);
      expect(kept).toEqual([
        [true, undefined],
        [true, undefined],
      ]);
    }));

  it('costs a spawn hook, and a local that does not inherit costs none', async () => {
    const onSpawn = vi.spyOn(hub, 'onSpawn');
    new GreenletLocal(() => 5);
    new GreenletLocal(() => 5, { inherit: false });
    expect(onSpawn).toHaveBeenCalledTimes(0);
    new GreenletLocal(() => 5, { inherit: true });
    expect(onSpawn).toHaveBeenCalledTimes(1);
    onSpawn.mockRestore();
    expect(await takeReports()).toEqual([]);
  });
});

describe('the arguments of a local', () => {
  it('are an init that does not suspend, or none', () => {
    expect(() => new GreenletLocal(5 as never)).toThrow(new TypeError('init is 5: give a plain function'));
    expect(() => new GreenletLocal(null as never)).toThrow(new TypeError('init is null: give a plain function'));
    expect(() => new GreenletLocal(function* () {})).toThrow(
      new TypeError("init is a coroutine function, which can't suspend there: spawn it"),
    );
  });

  it('have types: init may only be left out where undefined is a value', () => {
    expectTypeOf(new GreenletLocal(() => 5)).toEqualTypeOf<GreenletLocal<number>>();
    expectTypeOf(new GreenletLocal<string | undefined>().get()).toEqualTypeOf<string | undefined>();
    expectTypeOf(new GreenletLocal<string>(() => 'a', { inherit: true }).get()).toEqualTypeOf<string>();
    // @ts-expect-error: get() would give undefined
    new GreenletLocal<string>();
  });
});

// The collector can be called only where it is exposed, and must see no frame of a test runner.
describe('what is not needed any more', () => {
  const prelude = `
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { getHub, GreenletLocal, RawGreenlet, run, sleep, spawn } from 'genlet';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const collect = async () => {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
    };
    const alive = (refs) => refs.filter((ref) => ref.deref() !== undefined).length;
    const refs = [];
    const made = (more = {}) => {
      const value = { bytes: new Uint8Array(1000), ...more };
      refs.push(new WeakRef(value));
      return value;
    };`;

  it('is freed when its greenlet ends, even if that is kept', { timeout: 20_000 }, async () => {
    const { lines, stderr } = await runProgram(`${prelude}
      const local = new GreenletLocal(() => made());
      const inherited = new GreenletLocal(() => made(), { inherit: true });
      const kept = [];
      await run(function* () {
        for (let i = 0; i < 100; i++) {
          const greenlet = spawn(function* () { local.get(); inherited.get(); yield* sleep(1); local.set(made()); });
          kept.push(greenlet, spawn(function* () { local.set(made({ local })); throw 'fails'; }));
          kept.at(-1).linkException(() => {});
        }
        const killed = spawn(function* () { local.set(made({ local })); yield* sleep(1000); });
        yield* sleep(0);
        killed.kill();
        kept.push(killed);
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      const before = refs.length;
      await collect();
      console.log(before, alive(refs), kept.every(({ dead }) => dead));
    `);
    expect([stderr, lines]).toEqual(['', ['401 0 true']]);
  });

  it('is freed with a greenlet that is collected before it ends', { timeout: 20_000 }, async () => {
    const { lines, stderr } = await runProgram(`${prelude}
      const local = new GreenletLocal(() => made());
      await run(function* () {
        yield* new RawGreenlet(function* () { local.get(); }).switch();
        const suspended = () => {
          const raw = new RawGreenlet(function* () {
            local.set(made({ local, raw }));
            yield* raw.parent.switch();
            console.log('never reached');
          });
          return raw.switch();
        };
        yield* suspended();
      });
      await collect();
      console.log(refs.length, alive(refs));
    `);
    expect([stderr, lines]).toEqual(['', ['2 0']]);
  });

  it('is freed with the local while the greenlet lives, also in a circle', { timeout: 20_000 }, async () => {
    const { lines, stderr } = await runProgram(`${prelude}
      const locals = [];
      await run(function* () {
        const use = () => {
          for (const inherit of [false, true]) {
            const local = new GreenletLocal(() => made(), { inherit });
            locals.push(new WeakRef(local));
            local.set(made({ local }));
          }
        };
        use();
        const greenlet = spawn(function* () { use(); yield* sleep(60_000); });
        yield* sleep(5);
        const before = [alive(refs), alive(locals)];
        for (let i = 0; i < 5; i++) { yield* sleep(5); gc(); }
        console.log(...before, alive(refs), alive(locals), greenlet.dead);
        greenlet.kill();
      });
    `);
    expect([stderr, lines]).toEqual(['', ['4 4 0 0 false']]);
  });

  it('takes its spawn hook out', { timeout: 20_000 }, async () => {
    const { lines, stderr } = await runProgram(`${prelude}
      const hub = getHub();
      const { onSpawn } = hub;
      let hooks = 0;
      hub.onSpawn = (hook) => {
        const remove = onSpawn.call(hub, hook);
        hooks++;
        return () => { hooks--; remove(); };
      };
      const use = () => new GreenletLocal(() => 5, { inherit: true }).get();
      use();
      const kept = new GreenletLocal(() => 5, { inherit: true });
      const before = hooks;
      await collect();
      console.log(before, hooks, kept.get());
    `);
    expect([stderr, lines]).toEqual(['', ['2 1 5']]);
  });
});
