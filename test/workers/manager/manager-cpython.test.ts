/** The cases of multiprocessing's tests of managers with types of one's own, in a process of their own. */
import { randomBytes } from 'node:crypto';
import { run, UncloneableError } from 'genlet';
import { activeChildren, BaseManager, Manager, Pool, Process, type QueueProxy } from 'genlet/workers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import * as tasks from '../fixtures/conformance-shared-tasks.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
watchHub();

class MyManager extends BaseManager {}
MyManager.register('Foo', tasks.FooBar, { methods: ['f', 'g'] });
MyManager.register('Bar', tasks.FooBar, { methods: ['f', '_h'] });
MyManager.register('squares', tasks.squares, { methods: ['next'] });
MyManager.register('getQueue', tasks.getQueue);

/** Knows nothing of the types of the manager that it connects to. */
class OtherManager extends BaseManager {}

const authkey = randomBytes(32);
let worker: Pool;
beforeAll(() => {
  worker = new Pool(1);
});
afterAll(() => worker.terminate());

function* failureOf(call: () => any): Generator<any, any, any> {
  try {
    yield* call();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

function* useTypes(manager: MyManager): Generator<any, void, any> {
  const foo = yield* manager.create<any>('Foo');
  const bar = yield* manager.create<any>('Bar');
  const squares = yield* manager.create<any>('squares');
  const names = ['f', 'g', '_h'];
  expect(names.filter((name) => name in foo)).toEqual(['f', 'g']);
  expect(names.filter((name) => name in bar)).toEqual(['f', '_h']);

  expect([yield* foo.f(), yield* foo.callMethod('f')]).toEqual(['f()', 'f()']);
  expect(yield* failureOf(() => foo.g())).toBeInstanceOf(RangeError);
  expect((yield* failureOf(() => foo.callMethod('_h'))).message).toMatch(/^Foo has no method _h\(\)/);
  expect([yield* bar.f(), yield* bar._h()]).toEqual(['f()', '_h()']);
  expect([yield* bar.callMethod('f'), yield* bar.callMethod('_h')]).toEqual(['f()', '_h()']);

  const items: number[] = [];
  for (let step: any; !(step = yield* squares.next()).done; ) items.push(step.value);
  expect(items).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
}

describe('a manager with types of its own', () => {
  it('has their objects in this process, until the end of a block', () =>
    run(function* () {
      const children = activeChildren().length;
      const manager = new MyManager();
      {
        using open = manager;
        yield* useTypes(open);
      }
      expect([manager.closed, activeChildren().length]).toEqual([true, children]);
    }));

  it('has them in a process, which ends well with it: by shutdown, by a block, and again at the same address', () =>
    run(function* () {
      let address = '127.0.0.1:0';
      for (const end of ['shutdown', 'block'] as const) {
        const manager = new MyManager(address, { authkey });
        yield* manager.start();
        address = String(manager.address);
        const child = activeChildren().find(({ name }) => name === 'MyManager')!;
        expect(child.isAlive()).toBe(true);
        yield* useTypes(manager);
        yield* worker.apply(tasks.putInto, [address, authkey, 'hello world']);
        const queue = yield* manager.create<QueueProxy>('getQueue');
        expect(yield* queue.get()).toBe('hello world');
        if (end === 'shutdown') yield* manager.shutdown();
        else {
          using _ = manager;
        }
        yield* child.join();
        expect(child.exitcode).toBe(0);
      }
    }));

  it('gives what a process has put to another, which knows its address and key only', () =>
    run(function* () {
      const text = ['hello world', 'hallå världen', 'привіт світ'];
      const values = [...text, null, true, 2.25, new Uint8Array([104, 229])];
      using manager = new MyManager('127.0.0.1:0', { authkey });
      yield* manager.getServer().start();
      yield* worker.apply(tasks.putInto, [String(manager.address), authkey, values]);
      using other = yield* OtherManager.connect(manager.address!, { authkey });
      const queue = yield* other.create<QueueProxy>('getQueue');
      expect(yield* queue.get()).toEqual(values);
      expect(yield* failureOf(() => queue.put(setTimeout))).toBeInstanceOf(UncloneableError);
    }));
});

describe('an initializer', () => {
  it('of a manager may use what another manager has', () =>
    run(function* () {
      using manager = new Manager();
      const names = yield* manager.Namespace({ test: 0 });
      const other = new Manager();
      const wrong: [unknown, string][] = [
        [1, 'options is 1: give { initializer, args }'],
        [{ initializer: 1 }, 'initializer is 1: give a coroutine function or a plain function'],
        [{ initializer: tasks.countUp, args: names }, 'args is '],
      ];
      for (const [options, message] of wrong) expect(() => other.start(options as never)).toThrow(message);
      yield* other.start({ initializer: tasks.countUp, args: [names] });
      expect(yield* names.get('test')).toBe(1);
      yield* other.shutdown();
    }));

  it('of a pool may use what a manager has', () =>
    run(function* () {
      using manager = new Manager();
      const names = yield* manager.Namespace({ test: 0 });
      expect(() => new Pool(1, { initializer: 1 as never })).toThrow(TypeError);
      using pool = new Pool(1, { initializer: tasks.countUp, initargs: [names] });
      yield* pool.apply(tasks.square, [1]);
      pool.close();
      yield* pool.join();
      expect(yield* names.get('test')).toBe(1);
    }));
});

it('a process may have a pool of its own', () =>
  run(function* () {
    using manager = new Manager();
    const results = yield* manager.list<number>();
    const child = new Process(tasks.mapInPool, [results]);
    child.start();
    yield* child.join();
    expect([child.exitcode, yield* results.copy()]).toEqual([0, [1, 4, 9, 16, 25, 36, 49]]);
  }));
