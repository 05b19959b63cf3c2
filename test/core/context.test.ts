import { AsyncLocalStorage } from 'node:async_hooks';
import { all, RawGreenlet, runWith, sleep, spawn, spawnLater, spawnNow, until, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';

watchHub();

const storage = new AsyncLocalStorage<string>();
const store = () => storage.getStore();

describe('the context of a greenlet', () => {
  it('is that of its spawn, across every kind of suspension', async () => {
    const seen: unknown[] = [];
    function* look() {
      const target = spawn(sleep, 5);
      seen.push(store());
      yield* sleep(0);
      seen.push(store());
      yield* sleep(1);
      seen.push(store());
      yield* until(Promise.resolve());
      seen.push(store());
      yield* target;
      seen.push(store());
    }
    await storage.run('main', () =>
      virtually(function* () {
        const greenlets = ['a', 'b'].map((name) => storage.run(name, () => spawn(look)));
        for (const greenlet of greenlets) yield* greenlet;
        expect(store()).toBe('main');
      }),
    );
    expect(seen.sort()).toEqual(['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'b']);
    expect(store()).toBe(undefined);
  });

  it('is inherited by children of all kinds, and by hub callbacks', async () => {
    const seen: unknown[] = [];
    const note = () => void seen.push(store());
    await storage.run('parent', () =>
      virtually(function* () {
        spawn(note);
        spawnNow(note);
        spawnLater(1, note);
        hub.callSoon(note);
        hub.callLater(1, note);
        spawn(() => {}).rawlink(note);
        yield* new RawGreenlet(note).switch();
        yield* all([spawn(note)]);
        yield* sleep(5);
      }),
    );
    expect(seen).toEqual(Array.from({ length: 8 }, () => 'parent'));
  });

  it('is not that of whoever wakes it', async () => {
    const seen: unknown[] = [];
    let resolve!: () => void;
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const waiter = spawn(function* () {
      yield* until(promise);
      seen.push(store());
    });
    await nextTurn();
    storage.run('resolver', () => resolve());
    await waiter;
    expect(seen).toEqual([undefined]);
  });
});

describe('enterWith', () => {
  it('inside a greenlet becomes part of its context, and leaks nowhere', async () => {
    const seen: unknown[] = [];
    await virtually(function* () {
      const enter = (name: string) =>
        spawn(function* () {
          storage.enterWith(name);
          yield* sleep(0);
          seen.push(store());
          yield* spawn(() => void seen.push(`child of ${store()}`));
        });
      const greenlets = [enter('a'), enter('b')];
      spawnNow(() => storage.enterWith('now'));
      expect(store()).toBe(undefined);
      for (const greenlet of greenlets) yield* greenlet;
      expect(store()).toBe(undefined);
      yield* sleep(1);
      expect(store()).toBe(undefined);
    });
    expect(seen).toEqual(['a', 'b', 'child of a', 'child of b']);
    expect(store()).toBe(undefined);
  });

  it('as the first use of any storage in the process leaks nowhere either', async () => {
    const { lines } = await runProgram(`
      import { AsyncLocalStorage } from 'node:async_hooks';
      import { getHub, run, sleep, spawn, spawnNow } from 'genlet';
      const storage = new AsyncLocalStorage();
      const seen = [];
      const note = (name) => seen.push(name + ' ' + storage.getStore());
      await run(function* () {
        spawn(function* () { storage.enterWith('mine'); note('own'); yield* sleep(0); note('own'); });
        spawn(() => note('greenlet'));
        getHub().callSoon(note, 'callback');
        spawn(function* () { yield* sleep(0); note('sleeper'); });
        yield* sleep(0);
        note('main');
        getHub().callSoon(note, 'later callback');
        yield* sleep(1);
        note('main');
      });
      setImmediate(() => { note('immediate'); console.log(seen.join()); });
    `);
    expect(lines).toEqual([
      'own mine,greenlet undefined,callback undefined,main undefined,own mine,sleeper undefined,later callback undefined,main undefined,immediate undefined',
    ]);
  });
});

it('is kept where a storage was in use before genlet was loaded', async () => {
  const { lines } = await runProgram(`
    import { AsyncLocalStorage } from 'node:async_hooks';
    const storage = new AsyncLocalStorage();
    await storage.run('early', async () => {
      const { run, sleep } = await import('genlet');
      await run(function* () {
        yield* sleep(1);
        console.log(storage.getStore());
      });
    });
  `);
  expect(lines).toEqual(['early']);
});

describe('runWith', () => {
  it('sets a store for a body that suspends, and takes it back', async () => {
    await virtually(function* () {
      const result = yield* runWith(storage, 'outer', function* () {
        yield* sleep(1);
        const inner = yield* runWith(storage, 'inner', function* () {
          yield* sleep(1);
          return store();
        });
        expect(yield* spawn(store)).toBe('outer');
        return [store(), inner];
      });
      expect(result).toEqual(['outer', 'inner']);
      expect(store()).toBe(undefined);
      yield* sleep(1);
      expect(store()).toBe(undefined);
    });
  });

  it('takes it back after an error, a timeout or a kill', async () => {
    const error = new Error('body');
    const seen: unknown[] = [];
    await virtually(function* () {
      try {
        yield* runWith(storage, 'x', () => {
          throw error;
        });
        expect.fail('no error');
      } catch (caught) {
        expect([caught, store()]).toEqual([error, undefined]);
      }
      yield* withTimeout(5, () => runWith(storage, 'x', () => sleep(10)), { value: 1 });
      expect(store()).toBe(undefined);
      const killed = spawn(function* () {
        try {
          yield* runWith(storage, 'x', () => sleep(10));
        } finally {
          yield* sleep(1);
          seen.push(store());
        }
      });
      yield* sleep(1);
      yield* killed.kill();
    });
    expect(seen).toEqual([undefined]);
  });

  it('gives what any kind of function gives', async () => {
    await virtually(function* () {
      expect([
        yield* runWith(storage, 'x', store),
        yield* runWith(storage, 'x', async () => store()),
        yield* runWith(storage, 'x', () => spawn(store)),
      ]).toEqual(['x', 'x', 'x']);
    });
  });
});
