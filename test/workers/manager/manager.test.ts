import { existsSync } from 'node:fs';
import {
  BrokenBarrierError,
  EOFError,
  InvalidStateError,
  joinall,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  run,
  sleep,
  spawn,
  Timeout,
  UncloneableError,
  withTimeout,
} from 'genlet';
import {
  BaseManager,
  type BaseProxy,
  LockProxy,
  Manager,
  Lock as ProcessLock,
  type QueueProxy,
  type Remote,
} from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { nextTurn, watchHub } from '../../support/hub.ts';

watchHub();

function* failureOf(fn: () => any): Generator<any, any, any> {
  try {
    yield* fn();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

class Account {
  balance = 0;
  readonly children: Account[] = [];
  deposit(amount: number): number {
    this.balance += amount;
    return this.balance;
  }
  *depositSlowly(amount: number) {
    yield* sleep(2);
    return this.deposit(amount);
  }
  async depositLater(amount: number) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return this.deposit(amount);
  }
  open(): Account {
    const child = new Account();
    this.children.push(child);
    return child;
  }
  fail(): never {
    throw Object.assign(new RangeError('no money'), { code: 'E_MONEY' });
  }
  secret(): string {
    return 'secret';
  }
  callback() {
    return () => {};
  }
}

const shared = new Queue<string>(null, ['first']);

class Accounts extends Manager {}
Accounts.register('Account', Account, {
  methods: ['deposit', 'depositSlowly', 'depositLater', 'open', 'fail', 'callback'],
  results: { open: 'Account' },
});
Accounts.register('getQueue', () => shared);

type AccountProxy = Remote<Pick<Account, 'deposit' | 'depositSlowly' | 'depositLater' | 'fail' | 'callback'>> & {
  open(): any;
};

/** Runs `body` with a manager of this process, and with one that is reached by its socket. */
function inBothWays(title: string, body: (manager: Accounts, own: Accounts) => Generator<any, void, any>) {
  it(title, () =>
    run(function* () {
      using manager = new Accounts();
      yield* body(manager, manager);
    }),
  );
  it(`${title}, over a socket`, () =>
    run(function* () {
      using own = new Accounts();
      yield* own.getServer().start();
      using manager = yield* Accounts.connect(own.address!);
      yield* body(manager, own);
    }));
}

describe('the objects of a manager', () => {
  inBothWays('are dicts', function* (manager) {
    const dict = yield* manager.dict<any, any>([['a', 1]]);
    yield* dict.set('b', { deep: [2] });
    yield* dict.update(new Map([['c', 3]]));
    yield* dict.update({ d: 4 });
    yield* dict.set(5, 'five');
    expect(yield* dict.get('a')).toBe(1);
    expect(yield* dict.get('b')).toEqual({ deep: [2] });
    expect([yield* dict.get('x'), yield* dict.get('x', 'other')]).toEqual([undefined, 'other']);
    expect([yield* dict.has('c'), yield* dict.has('x'), yield* dict.size()]).toEqual([true, false, 5]);
    expect([yield* dict.delete('c'), yield* dict.delete('c'), yield* dict.pop('d'), yield* dict.pop('d', 0)]).toEqual([
      true,
      false,
      4,
      0,
    ]);
    expect([yield* dict.setdefault('e', 5), yield* dict.setdefault('e', 6)]).toEqual([5, 5]);
    expect(yield* dict.keys()).toEqual(['a', 'b', 5, 'e']);
    expect(yield* dict.values()).toEqual([1, { deep: [2] }, 'five', 5]);
    expect(yield* dict.entries()).toHaveLength(4);
    expect(yield* dict.copy()).toEqual(
      new Map<any, any>([
        ['a', 1],
        ['b', { deep: [2] }],
        [5, 'five'],
        ['e', 5],
      ]),
    );
    yield* dict.clear();
    expect(yield* dict.size()).toBe(0);
    expect((yield* failureOf(() => dict.set({} as never, 1))).message).toMatch(/key is {}: give a string/);
    expect(yield* failureOf(() => manager.dict(5 as never))).toBeInstanceOf(TypeError);
  });

  inBothWays('are copies on the way in and out', function* (manager) {
    const value = { list: [1] };
    const dict = yield* manager.dict<string, any>();
    yield* dict.set('key', value);
    value.list.push(2);
    const one = yield* dict.get('key');
    one.list.push(3);
    expect(yield* dict.get('key')).toEqual({ list: [1] });
  });

  inBothWays('are lists', function* (manager) {
    const list = yield* manager.list<any>([3, 1]);
    expect(yield* list.push(2, 10)).toBe(4);
    yield* list.sort();
    expect(yield* list.copy()).toEqual([1, 2, 3, 10]);
    expect([yield* list.get(0), yield* list.get(-1), yield* list.length()]).toEqual([1, 10, 4]);
    yield* list.set(-1, 'ten');
    yield* list.insert(1, 'new');
    yield* list.extend([7, 8]);
    expect(yield* list.slice(1, 4)).toEqual(['new', 2, 3]);
    expect(yield* list.splice(0, 2, 'x')).toEqual([1, 'new']);
    expect([yield* list.includes(3), yield* list.indexOf(3), yield* list.indexOf(99)]).toEqual([true, 2, -1]);
    expect([yield* list.remove(3), yield* list.remove(3)]).toEqual([true, false]);
    yield* list.reverse();
    expect(yield* list.copy()).toEqual([8, 7, 'ten', 2, 'x']);
    expect([yield* list.pop(), yield* list.shift(), yield* list.unshift('front')]).toEqual(['x', 8, 4]);
    yield* list.splice(1);
    expect(yield* list.copy()).toEqual(['front']);
    yield* list.clear();
    expect(yield* list.pop()).toBe(undefined);
    expect((yield* failureOf(() => list.get(0))).message).toBe('index is 0: the list has 0 items');
    expect(yield* failureOf(() => list.set(1.5, 1))).toBeInstanceOf(RangeError);
  });

  inBothWays('are namespaces, values and arrays', function* (manager) {
    const names = yield* manager.Namespace({ color: 'red', size: 1 });
    yield* names.update({ size: 2 });
    yield* names.set('color', 'blue');
    expect([yield* names.get('size'), yield* names.has('color'), yield* names.copy()]).toEqual([
      2,
      true,
      { color: 'blue', size: 2 },
    ]);
    expect(yield* names.delete('color')).toBe(true);
    const value = yield* manager.Value(40);
    expect(yield* value.add(2)).toBe(42);
    yield* value.set(5);
    expect(yield* value.get()).toBe(5);
    expect(yield* failureOf(() => value.add('x' as never))).toBeInstanceOf(TypeError);
    const array = yield* manager.Array([1, 2, 3]);
    yield* array.set(0, 10);
    expect([yield* array.add(-1, 5), yield* array.get(1), yield* array.length()]).toEqual([8, 2, 3]);
    expect([yield* array.copy(), yield* array.slice(1)]).toEqual([
      [10, 2, 8],
      [2, 8],
    ]);
    expect(yield* (yield* manager.Array(2)).copy()).toEqual([0, 0]);
    expect(yield* failureOf(() => array.set(3, 1))).toBeInstanceOf(RangeError);
  });

  inBothWays('are locks, held by the greenlet at the other end', function* (manager) {
    const lock = yield* manager.Lock();
    const events: string[] = [];
    const worker = function* (name: string) {
      using _ = yield* lock.hold();
      events.push(`${name} in`);
      yield* sleep(1);
      events.push(`${name} out`);
    };
    yield* joinall(['a', 'b', 'c'].map((name) => spawn(worker, name)));
    expect(events).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
    expect(yield* lock.locked()).toBe(false);
    expect(yield* lock.acquire()).toBe(true);
    expect([yield* lock.acquire({ block: false }), yield* lock.acquire({ timeout: 2 })]).toEqual([false, false]);
    expect(yield* failureOf(() => lock.hold(1))).toBeInstanceOf(Timeout);
    yield* lock.release();
    expect(yield* failureOf(() => lock.release())).toBeInstanceOf(InvalidStateError);
    expect(lock.abandoned).toBe(false);
  });

  inBothWays('are locks that can be acquired again', function* (manager) {
    const lock = yield* manager.RLock();
    yield* lock.acquire();
    yield* lock.acquire();
    const other = yield* spawn(function* () {
      return [yield* lock.acquire({ timeout: 2 }), yield* failureOf(() => lock.release())];
    });
    expect(other).toEqual([false, expect.any(InvalidStateError)]);
    yield* lock.release();
    const third = spawn(() => lock.acquire());
    yield* sleep(2);
    expect(third.dead).toBe(false);
    yield* lock.release();
    expect(yield* third).toBe(true);
  });

  inBothWays('are semaphores', function* (manager) {
    const desks = yield* manager.Semaphore(1);
    {
      using _ = yield* desks.hold();
      expect([yield* desks.counter(), yield* desks.locked(), yield* desks.acquire({ block: false })]).toEqual([
        0,
        true,
        false,
      ]);
    }
    expect([yield* desks.counter(), yield* desks.release(2)]).toEqual([1, 3]);
    const bounded = yield* manager.BoundedSemaphore(1);
    expect(yield* failureOf(() => bounded.release())).toBeInstanceOf(InvalidStateError);
    expect(yield* failureOf(() => manager.Semaphore(-1))).toBeInstanceOf(RangeError);
  });

  inBothWays('are events', function* (manager) {
    const event = yield* manager.Event();
    const waiting = [1, 2].map(() => spawn(() => event.wait()));
    expect([yield* event.wait(1), yield* event.isSet()]).toEqual([false, false]);
    yield* event.set();
    expect((yield* joinall(waiting)).map(({ value }) => value)).toEqual([true, true]);
    yield* event.clear();
    expect(yield* event.isSet()).toBe(false);
  });

  inBothWays('are conditions', function* (manager) {
    const condition = yield* manager.Condition();
    const items = yield* manager.list<number>();
    const consumers = [1, 2].map(() =>
      spawn(function* () {
        using _ = yield* condition.hold();
        yield* condition.waitFor(() => items.length());
        return yield* items.shift();
      }),
    );
    yield* sleep(5);
    {
      using _ = yield* condition.hold();
      yield* items.extend([1, 2]);
      yield* condition.notifyAll();
      expect(yield* condition.wait(1)).toBe(false);
    }
    expect((yield* joinall(consumers)).map(({ value }) => value)).toEqual([1, 2]);
    expect(yield* failureOf(() => condition.notify())).toBeInstanceOf(InvalidStateError);
    expect(yield* failureOf(() => condition.wait())).toBeInstanceOf(InvalidStateError);
    using _ = yield* condition.hold();
    expect(yield* condition.waitFor(() => false, 3)).toBe(false);
  });

  inBothWays('are conditions over a lock of theirs', function* (manager) {
    const lock = yield* manager.Lock();
    const condition = yield* manager.Condition(lock);
    yield* lock.acquire();
    expect(yield* condition.locked()).toBe(true);
    yield* condition.notify();
    yield* condition.release();
    expect(yield* lock.locked()).toBe(false);
    const list = yield* manager.list();
    expect((yield* failureOf(() => manager.Condition(list as never))).message).toMatch(/lock is \[\]: give a Lock/);
  });

  inBothWays('are barriers', function* (manager) {
    const barrier = yield* manager.Barrier(3);
    const parties = [1, 2, 3].map(() => spawn(() => barrier.wait()));
    expect((yield* joinall(parties)).map(({ value }) => value).sort()).toEqual([0, 1, 2]);
    const lonely = spawn(() => failureOf(() => barrier.wait()));
    const killed = spawn(() => barrier.wait());
    yield* sleep(5);
    expect([yield* barrier.waiting(), yield* barrier.parties()]).toEqual([2, 3]);
    yield* killed.kill();
    expect(yield* lonely).toBeInstanceOf(BrokenBarrierError);
    expect(yield* barrier.broken()).toBe(true);
    yield* barrier.reset();
    expect(yield* failureOf(() => barrier.wait(1))).toBeInstanceOf(BrokenBarrierError);
    yield* barrier.abort();
    const limited = yield* manager.Barrier(2, 1);
    expect(yield* failureOf(() => limited.wait())).toBeInstanceOf(BrokenBarrierError);
  });

  inBothWays('are queues', function* (manager) {
    const queue = yield* manager.Queue<number>(2);
    const consumer = spawn(function* () {
      const got = [];
      for (let i = 0; i < 6; i++) {
        got.push(yield* queue.get());
        yield* queue.taskDone();
      }
      return got;
    });
    for (let i = 0; i < 6; i++) yield* queue.put(i);
    expect(yield* queue.join(1000)).toBe(true);
    expect(yield* consumer).toEqual([0, 1, 2, 3, 4, 5]);
    yield* queue.put(1);
    yield* queue.put(2);
    expect([yield* queue.full(), yield* queue.qsize(), yield* queue.empty()]).toEqual([true, 2, false]);
    expect(yield* failureOf(() => queue.put(3, { timeout: 1 }))).toBeInstanceOf(QueueFull);
    expect(yield* queue.getMany()).toEqual([1, 2]);
    expect(yield* failureOf(() => queue.get({ block: false }))).toBeInstanceOf(QueueEmpty);
    const blocked = spawn(() => failureOf(() => queue.get()));
    yield* sleep(2);
    yield* queue.shutdown();
    expect(yield* blocked).toBeInstanceOf(QueueShutDown);
  });
});

describe('a call of a manager', () => {
  inBothWays('is pipelined with others', function* (manager) {
    const dict = yield* manager.dict<number, number>();
    yield* joinall(Array.from({ length: 3000 }, (_, i) => spawn(() => dict.set(i, 2 * i))));
    const got = yield* joinall(Array.from({ length: 3000 }, (_, i) => spawn(() => dict.get(i))));
    expect(new Set(got.map(({ value }) => value)).size).toBe(3000);
    expect(yield* dict.get(2999)).toBe(5998);
  });

  inBothWays('carries much in both directions', function* (manager) {
    const list = yield* manager.list<string>();
    const text = 'x'.repeat(100_000);
    yield* joinall(Array.from({ length: 60 }, (_, i) => spawn(() => list.push(text + i))));
    const items = yield* joinall(Array.from({ length: 60 }, (_, i) => spawn(() => list.get(i))));
    expect(items.every(({ value }) => value!.length > 100_000)).toBe(true);
    expect((yield* list.copy()).length).toBe(60);
  });

  inBothWays('that is killed while it waits takes nothing', function* (manager, own) {
    const queue = yield* manager.Queue<string>();
    const lock = yield* manager.Lock();
    yield* lock.acquire();
    const waiting = [spawn(() => queue.get()), spawn(() => lock.acquire()), spawn(() => queue.join())];
    yield* sleep(5);
    expect(own.getServer().statistics().calls).toBe(2);
    for (const each of waiting) yield* each.kill();
    yield* sleep(5);
    expect(own.getServer().statistics().calls).toBe(0);
    yield* queue.put('item');
    expect(yield* queue.get({ timeout: 100 })).toBe('item');
    yield* lock.release();
    expect(yield* lock.acquire({ timeout: 100 })).toBe(true);
  });

  inBothWays('that is killed when the item is on its way puts it back in front', function* (manager) {
    const queue = yield* manager.Queue<number>();
    for (let i = 1; i <= 4; i++) yield* queue.put(i);
    for (let passes = 0; passes < 8; passes++) {
      const getter = spawn(() => queue.get());
      for (let i = 0; i < passes; i++) yield* sleep(0);
      yield* getter.kill();
      if (typeof getter.value === 'number') {
        expect([getter.value, yield* queue.getMany()]).toEqual([1, [2, 3, 4]]);
        for (let i = 1; i <= 4; i++) yield* queue.put(i);
        for (let i = 0; i < 4; i++) yield* queue.taskDone();
        break; // it had its item before it was killed
      }
      yield* sleep(2);
      expect(yield* queue.qsize()).toBe(4);
    }
    const killed = spawn(() => queue.getMany(2));
    yield* sleep(0);
    yield* killed.kill();
    const empty = yield* manager.Queue<string>();
    expect(yield* withTimeout(3, () => empty.get(), { value: 'time is up' })).toBe('time is up');
    yield* empty.put('item');
    expect(yield* empty.get({ timeout: 100 })).toBe('item');
    expect([yield* queue.get(), yield* queue.get(), yield* queue.get(), yield* queue.get()]).toEqual([1, 2, 3, 4]);
    for (let i = 0; i < 4; i++) yield* queue.taskDone();
    expect(yield* queue.join(100)).toBe(true);
  });

  inBothWays('loses no item, whoever is killed', function* (manager) {
    const queue = yield* manager.Queue<number>();
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const got: number[] = [];
    const getter = function* () {
      const item = yield* queue.get();
      got.push(item);
    };
    let next = 0;
    let getters = Array.from({ length: 10 }, () => spawn(getter));
    for (let round = 0; round < 150; round++) {
      if (random(2) === 0) spawn((item) => queue.put(item), next++);
      const victim = getters[random(getters.length)]!;
      if (random(2) === 0) victim.kill();
      if (random(3) === 0) yield* sleep(0);
      getters = getters.map((each) => (each.dead ? spawn(getter) : each));
    }
    while (got.length < next) {
      getters = getters.map((each) => (each.dead ? spawn(getter) : each));
      yield* sleep(1);
    }
    for (const each of getters) yield* each.kill();
    expect(got.sort((one, other) => one - other)).toEqual(Array.from({ length: next }, (_, i) => i));
    expect(yield* queue.qsize()).toBe(0);
  });

  inBothWays('that is killed gives the lock to the next, and keeps nobody out', function* (manager) {
    const lock = yield* manager.RLock();
    for (let passes = 0; passes < 8; passes++) {
      const holder = spawn(() => lock.acquire());
      for (let i = 0; i < passes; i++) yield* sleep(0);
      yield* holder.kill();
      if (holder.value === true) break; // it had the lock before it was killed
      expect(yield* lock.acquire({ timeout: 100 })).toBe(true);
      yield* lock.release();
    }
  });

  inBothWays('of Condition.wait that is killed goes on with the lock', function* (manager) {
    const condition = yield* manager.Condition();
    const events: unknown[] = [];
    const waiter = spawn(function* () {
      yield* condition.acquire();
      try {
        yield* condition.wait();
      } finally {
        events.push('killed');
        yield* condition.notify(); // fails without the lock
        yield* condition.release();
        events.push('released');
      }
    });
    yield* sleep(5);
    yield* condition.acquire();
    waiter.kill();
    yield* sleep(5);
    events.push('still held here');
    yield* condition.release();
    yield* waiter.join();
    expect(events).toEqual(['still held here', 'killed', 'released']);
    expect(yield* condition.acquire({ timeout: 100 })).toBe(true);
  });

  inBothWays('gives its error, with both stacks', function* (manager) {
    const account = yield* manager.create<AccountProxy>('Account');
    const error = yield* failureOf(function* callerOfFail() {
      yield* account.fail();
    });
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'no money', code: 'E_MONEY' });
    expect(error.stack).toMatch(/at Account\.fail[\s\S]*--- awaited at ---[\s\S]*callerOfFail/);
  });

  inBothWays('refuses what can not be sent, and says where it is', function* (manager) {
    const dict = yield* manager.dict<string, any>();
    const error = yield* failureOf(() => dict.set('key', { callback: () => {} }));
    expect(error).toBeInstanceOf(UncloneableError);
    expect(error.path).toBe('set[1].callback');
    const account = yield* manager.create<AccountProxy>('Account');
    expect(yield* failureOf(() => account.callback())).toBeInstanceOf(UncloneableError);
    expect(yield* failureOf(() => dict.set('lock', new ProcessLock()))).toMatchObject({
      name: 'UncloneableError',
      path: 'set[1]',
    });
    yield* dict.set('fine', 1);
    expect(yield* dict.keys()).toContain('fine');
  });
});

describe('registered types', () => {
  inBothWays('can be called by the methods that were named', function* (manager) {
    const account = yield* manager.create<AccountProxy>('Account');
    expect(yield* account.deposit(1)).toBe(1);
    expect(yield* account.depositSlowly(2)).toBe(3);
    expect(yield* account.depositLater(3)).toBe(6);
    const child: AccountProxy = yield* account.open();
    expect(yield* child.deposit(100)).toBe(100);
    expect(String(child)).toBe('Account of a manager');
  });

  inBothWays('and by no others', function* (manager) {
    const account = yield* manager.create<AccountProxy>('Account');
    for (const name of ['secret', 'constructor', '__proto__', 'hasOwnProperty', 'toString', 'balance', 'then', '']) {
      expect(name in account && Object.hasOwn(account, name)).toBe(false);
      expect((yield* failureOf(() => account.callMethod(name))).message).toMatch(
        /Account has no method .*it has deposit, /,
      );
    }
    const dict = yield* manager.dict();
    for (const name of ['constructor', '__proto__', 'forEach', 'valueOf']) {
      expect(yield* failureOf(() => dict.callMethod(name))).toBeInstanceOf(TypeError);
    }
    for (const type of ['__proto__', 'constructor', 'hasOwnProperty', 'Nothing']) {
      expect((yield* failureOf(() => manager.create(type))).message).toMatch(/the manager has no type .*it has dict, /);
    }
  });

  inBothWays('may be functions that give what is there already', function* (manager) {
    const queue = yield* manager.create<QueueProxy<string>>('getQueue');
    const again = yield* manager.create<QueueProxy<string>>('getQueue');
    expect(yield* queue.get()).toBe('first');
    shared.putNowait('local');
    expect(yield* again.get()).toBe('local');
    yield* again.put('first');
    expect(yield* manager.numberOfObjects()).toBe(1);
  });

  it('need methods, or to be of a built-in type', async () => {
    class Bare extends BaseManager {}
    Bare.register('nothing', () => new Account());
    Bare.register('number', () => 5);
    await run(function* () {
      using manager = new Bare();
      expect((yield* failureOf(() => manager.create('nothing'))).message).toMatch(/no methods of that were registered/);
      expect((yield* failureOf(() => manager.create('number'))).message).toMatch(/only objects can stay/);
      expect((yield* failureOf(() => manager.create('dict'))).message).toMatch(/it has nothing, number/);
    });
    expect(() => Bare.register('', Account)).toThrow(/typeId is ''/);
    expect(() => Bare.register('x', 5 as never)).toThrow(TypeError);
    expect(() => Bare.register('x', Account, { methods: [5 as never] })).toThrow(/methods has 5/);
    expect(() => Bare.register('x', Account, { methods: 'open' as never })).toThrow(/give an array of names/);
  });
});

describe('proxies', () => {
  inBothWays('can lie in other objects of the same manager', function* (manager) {
    const inner = yield* manager.list([1]);
    const dict = yield* manager.dict<string, any>({ inner, nested: { inner } });
    yield* inner.push(2);
    const got = yield* dict.get('inner');
    expect(yield* got.copy()).toEqual([1, 2]);
    const { nested } = Object.fromEntries(yield* dict.entries());
    yield* nested.inner.push(3);
    expect(yield* inner.copy()).toEqual([1, 2, 3]);
    inner[Symbol.dispose]();
    expect(yield* got.length()).toBe(3);
  });

  it('of another manager can not', () =>
    run(function* () {
      using one = new Manager();
      using other = new Manager();
      const [list, dict] = [yield* one.list(), yield* other.dict<string, any>()];
      const error = yield* failureOf(() => dict.set('list', list));
      expect(error.message).toMatch(/belongs to another manager/);
      expect(yield* dict.size()).toBe(0);
    }));

  inBothWays('keep their object alive until they are released', function* (manager) {
    const before = yield* manager.numberOfObjects();
    const [one, other] = [yield* manager.list(), yield* manager.dict()];
    expect(yield* manager.numberOfObjects()).toBe(before + 2);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(yield* manager.numberOfObjects()).toBe(before + 1);
    const error = yield* failureOf(() => one.length());
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toMatch(/list of a manager was released/);
    yield* other.set('still', 1);
  });

  it('of a connection that drops let go of their objects and locks', () =>
    run(function* () {
      using own = new Manager();
      const lock = yield* own.Lock();
      const rlock = yield* own.RLock();
      const condition = yield* own.Condition();
      const names = yield* own.dict<string, any>({ lock, rlock, condition });
      const before = yield* own.numberOfObjects();
      const far = yield* Manager.connect(own.address!);
      // The only way to the lock for the other side is an object that both know: here, by the ids of the proxies.
      const theirs = yield* farProxies(far, names);
      yield* theirs.lock.acquire();
      yield* theirs.rlock.acquire();
      yield* theirs.rlock.acquire();
      yield* theirs.condition.acquire();
      yield* far.list([1]);
      const waiting = [lock, rlock, condition].map((each) => spawn(() => each.acquire()));
      yield* sleep(5);
      expect(waiting.map(({ dead }) => dead)).toEqual([false, false, false]);
      yield* far.shutdown();
      expect((yield* joinall(waiting)).map(({ value }) => value)).toEqual([true, true, true]);
      expect([lock.abandoned, rlock.abandoned, condition.abandoned]).toEqual([true, true, true]);
      yield* lock.release();
      yield* lock.acquire();
      expect(lock.abandoned).toBe(false);
      expect(yield* own.numberOfObjects()).toBe(before);
      expect(yield* failureOf(() => theirs.lock.acquire())).toBeInstanceOf(EOFError);
    }));

  /** The far side's proxies of what lies in `names`. */
  function* farProxies(far: Manager, names: BaseProxy): Generator<any, Record<string, any>, any> {
    const holder = yield* far.list<any>([names]);
    const dict = yield* holder.get(0);
    return Object.fromEntries(yield* dict.entries());
  }

  it('of a connection that drops give back what they were about to get', () =>
    run(function* () {
      using own = new Manager();
      const queue = yield* own.Queue<string>();
      const far = yield* Manager.connect(own.address!);
      const theirs = (yield* farProxies(far, yield* own.dict<string, any>({ queue }))) as { queue: QueueProxy<string> };
      const getting = spawn(() => failureOf(() => theirs.queue.get()));
      yield* sleep(5);
      yield* far.shutdown();
      expect(yield* getting).toBeInstanceOf(EOFError);
      yield* sleep(5);
      yield* queue.put('item');
      expect(yield* queue.get({ timeout: 50 })).toBe('item');
    }));
});

describe('a manager', () => {
  it('is in use once, and then no more', async () => {
    await run(function* () {
      const manager = new Manager();
      expect(manager.address).toBe(undefined);
      const lock = yield* manager.Lock();
      expect(lock).toBeInstanceOf(LockProxy);
      const { path } = manager.address!;
      expect(existsSync(path!)).toBe(true);
      expect(yield* failureOf(() => manager.start())).toBeInstanceOf(InvalidStateError);
      yield* lock.acquire();
      const waiting = spawn(() => failureOf(() => lock.acquire()));
      yield* sleep(2);
      yield* manager.shutdown();
      yield* manager.shutdown();
      expect(yield* waiting).toBeInstanceOf(EOFError);
      expect(yield* failureOf(() => lock.release())).toBeInstanceOf(EOFError);
      expect(yield* failureOf(() => manager.Lock())).toBeInstanceOf(InvalidStateError);
      expect(existsSync(path!)).toBe(false);
      expect(manager.closed).toBe(true);
    });
  });

  it('serves until it is stopped from elsewhere', async () => {
    await run(function* () {
      const server = new Accounts('127.0.0.1:0', { authkey: 'a long secret', encrypt: true }).getServer();
      yield* server.start();
      const serving = spawn(() => server.serveForever());
      using client = yield* Accounts.connect(server.address, { authkey: 'a long secret', encrypt: true });
      const account = yield* client.create<AccountProxy>('Account');
      expect(yield* account.deposit(5)).toBe(5);
      expect(server.statistics()).toEqual({ objects: 1, connections: 1, calls: 0, refused: 0 });
      server.stop();
      yield* serving;
      expect(yield* failureOf(() => account.deposit(5))).toBeInstanceOf(EOFError);
      expect(server.closed).toBe(true);
      expect(yield* failureOf(() => server.start())).toBeInstanceOf(InvalidStateError);
    });
  });

  it('stops to serve when it is killed', async () => {
    await run(function* () {
      const server = new Manager().getServer();
      const serving = spawn(() => server.serveForever());
      yield* sleep(10);
      const { path } = server.address;
      expect(existsSync(path!)).toBe(true);
      yield* serving.kill();
      expect(existsSync(path!)).toBe(false);
    });
  });

  it('refuses clients with another key, and addresses beyond this machine', async () => {
    await run(function* () {
      using server = new Manager('127.0.0.1:0', { authkey: 'right' }).getServer();
      yield* server.start();
      expect((yield* failureOf(() => Manager.connect(server.address, { authkey: 'wrong' }))).code).toBe(
        'GENLET_AUTHENTICATION',
      );
      expect(server.statistics()).toMatchObject({ connections: 0, refused: 1 });
    });
    expect(() => new Manager('0.0.0.0:0').getServer()).toThrow(/reaches beyond this machine/);
    expect(() => Manager.connect('example.org:80')).toThrow(/reaches beyond this machine/);
    expect(() => new Manager('127.0.0.1:0', 5 as never)).toThrow(/options is 5/);
  });

  it('leaves nothing open', async () => {
    const kinds = () => process.getActiveResourcesInfo().filter((kind) => /Pipe|TCP|Timeout/.test(kind)).length;
    const before = kinds();
    await run(function* () {
      using own = new Manager();
      const dict = yield* own.dict();
      using far = yield* Manager.connect(own.address!);
      yield* (yield* far.list()).push(1);
      yield* dict.set('a', 1);
    });
    await nextTurn();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(kinds()).toBeLessThanOrEqual(before);
  });
});
