/** gevent's test__local: a `GreenletLocal` is one variable, not an object with attributes. */
import { GreenletLocal, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { virtually, watchHub } from '../support/hub.ts';

watchHub();

class Subclass<T> extends GreenletLocal<T> {
  get itself(): this {
    return this;
  }
}

describe('a GreenletLocal', () => {
  it('is made with nothing but an init function', () => {
    for (const wrong of ['foo', { kw: 'foo' }, null]) {
      expect(() => new GreenletLocal(wrong as never)).toThrow(TypeError);
    }
  });

  it('keeps what it is set to', () => {
    const local = new GreenletLocal<number | undefined>();
    local.set(1);
    expect(local.get()).toBe(1);
    local.delete();
  });

  it('has nothing to delete before it is set, in whichever greenlet', () =>
    virtually(function* () {
      const local = new GreenletLocal<number | undefined>();
      expect(local.delete()).toBe(false);
      expect(yield* spawn(() => local.delete())).toBe(false);
    }));

  it('is not set here by another greenlet that sets it', () =>
    virtually(function* () {
      const local = new GreenletLocal<number | undefined>();
      const states = [local.has()];
      yield* spawn(() => local.set(1));
      expect([...states, local.has(), local.get()]).toEqual([false, false, undefined]);
    }));

  it('begins with what init gives, until it is set', () => {
    const local = new GreenletLocal<number | string>(() => 42);
    const values = [local.get()];
    local.set('baz');
    expect([...values, local.get()]).toEqual([42, 'baz']);
  });

  it.each([
    ['GreenletLocal', GreenletLocal],
    ['a subclass', Subclass],
  ])('is set, deleted, and begins with init again: %s', (_, SomeLocal) => {
    const local = new SomeLocal(() => 42);
    const values = [local.get()];
    local.set(1);
    values.push(local.get());
    const deleted = [local.delete(), local.delete()];
    expect([...values, ...deleted, local.get()]).toEqual([42, 1, true, false, 42]);
    if (local instanceof Subclass) expect(local.itself).toBe(local);
  });

  it('is a variable of its own: another one has another value', () => {
    const [one, other] = [new GreenletLocal(() => '123'), new GreenletLocal(() => '123')];
    expect(one.get()).toBe(other.get());
    other.set('321');
    expect([one.get(), other.get()]).toEqual(['123', '321']);
  });

  it('that is inherited has the very value of the spawner, and is set apart from it', () =>
    virtually(function* () {
      const path = new GreenletLocal(() => '', { inherit: true });
      const shared = new GreenletLocal(() => ({ echo: '' }), { inherit: true });
      path.set('123');
      shared.get().echo = 'test';
      const child = spawn(function* () {
        const inherited = [path.get(), shared.get()];
        path.set('321');
        yield* sleep(1);
        return [...inherited, path.get()];
      });
      yield* sleep(0);
      shared.get().echo = 'works';
      const [first, object, last] = yield* child;
      expect([first, object === shared.get(), last, path.get()]).toEqual(['123', true, '321', '123']);
      expect(object).toEqual({ echo: 'works' });
    }));
});

// The collector can be called only where it is exposed, and must see no frame of a test runner.
describe('what a GreenletLocal holds', () => {
  const prelude = `
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { GreenletLocal, joinall, run, sleep, spawn } from 'genlet';
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const refs = [];
    const sentinel = () => {
      const made = { text: 'sentinel' };
      refs.push(new WeakRef(made));
      return made;
    };
    const alive = () => refs.filter((ref) => ref.deref() !== undefined).length;`;

  it('is collected when its greenlet has ended, though both are referenced', { timeout: 20_000 }, async () => {
    const { lines, stderr } = await runProgram(`${prelude}
      const local = new GreenletLocal(sentinel);
      const greenlets = [];
      await run(function* () {
        for (let i = 0; i < 5; i++) greenlets.push(spawn(() => void local.get()));
        yield* joinall(greenlets);
      });
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
      console.log(refs.length, alive(), greenlets.every(({ dead }) => dead), local.has());
    `);
    expect([stderr, lines]).toEqual(['', ['5 0 true false']]);
  });

  it('is collected with it in a greenlet that runs on, which keeps nothing of it', { timeout: 20_000 }, async () => {
    const { lines, stderr } = await runProgram(`${prelude}
      function* collect() {
        for (let i = 0; i < 5; i++) {
          yield* sleep(5);
          gc();
        }
      }
      await run(function* () {
        const use = (count) => {
          for (let i = 0; i < count; i++) new GreenletLocal(sentinel).get();
        };
        yield* spawn(function* () {
          use(1000);
          yield* collect();
          console.log(refs.length, alive());
          refs.length = 0;
          const before = process.memoryUsage().heapUsed;
          for (let i = 0; i < 100; i++) {
            use(1000);
            refs.length = 0;
            yield* sleep(0);
          }
          yield* collect();
          console.log(process.memoryUsage().heapUsed - before < 4e6);
        });
      });
    `);
    expect([stderr, lines]).toEqual(['', ['1000 0', 'true']]);
  });
});
