import { AsyncLocalStorage } from 'node:async_hooks';
import {
  AsyncResult,
  BlockingSwitchOutError,
  Channel,
  Condition,
  type Coroutine,
  coroutine,
  Event,
  Future,
  Greenlet,
  getcurrent,
  InvalidSwitchError,
  idle,
  isExit,
  joinall,
  Lock,
  LoopExit,
  NotInGreenletError,
  type Operation,
  Pool,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RateLimiter,
  RawGreenlet,
  RLock,
  retry,
  run,
  runWith,
  type Selected,
  Semaphore,
  SimpleQueue,
  select,
  shield,
  sleep,
  spawn,
  spawnNow,
  suspend,
  Timeout,
  taskGroup,
  until,
  wait,
  withTimeout,
} from 'genlet';
import { createConnection, listen } from 'genlet/io';
import { afterEach, describe, expect, it } from 'vitest';
import { blockLookups, untilBlocked, watchResources, withPair } from '../io/support.ts';
import { runProgram } from '../support/child.ts';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { random } from '../support/random.ts';
import { type Selectable, selectables, suspension } from './select-cases.ts';

const { takeReports } = watchHub();
const { random: usual } = hub;

afterEach(() => {
  hub.random = usual;
  expect(hub.outside).toBe(0);
});

/** Makes the choices repeatable. */
function seed(number: number): void {
  const next = random(number);
  hub.random = () => next(2 ** 30) / 2 ** 30;
}

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

/** What `main` gives or, as text, what it throws. */
function* outcome(main: () => Iterable<any>): Coroutine<unknown> {
  try {
    return yield* main() as Coroutine<unknown>;
  } catch (error) {
    return String(error);
  }
}

/** Never happens. */
const never = (): Operation<boolean> => new Event().wait();

/** That they have left nobody in a line, and no timer. */
function expectNoTrace(...used: Selectable[]): void {
  expect({ waiting: used.map((one) => one.waiting()), timers: hub.stats().timers, outside: hub.outside }).toEqual({
    waiting: used.map(() => 0),
    timers: 0,
    outside: 0,
  });
}

describe('select', () => {
  it('gives the name and the value of the case that happened', () =>
    virtually(function* () {
      const [numbers, words] = [new Channel<number>(), new Channel<string>()];
      spawn(() => words.put('hello'));
      expect(yield* select({ number: numbers.get(), word: words.get() })).toEqual({ key: 'word', value: 'hello' });
      const late = spawn(function* () {
        yield* sleep(5);
        yield* numbers.put(5);
      });
      expect(yield* select({ number: numbers.get(), word: words.get() })).toEqual({ key: 'number', value: 5 });
      expect([hub.now(), numbers.statistics(), words.statistics()]).toEqual([
        5,
        { getters: 0, putters: 0 },
        { getters: 0, putters: 0 },
      ]);
      yield* late;
    }));

  it('does not suspend if a case can happen at once', () =>
    virtually(function* () {
      const queue = new Queue(null, ['item']);
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      log.push((yield* select({ none: never(), item: queue.get(), limit: sleep(5) })).key);
      yield* other;
      expect([log, hub.now(), hub.stats().timers]).toEqual([['item', 'other'], 0, 0]);
    }));

  it('is lazy: nothing is tried, taken or chosen before yield*', () =>
    virtually(function* () {
      const queue = new Queue(null, ['item']);
      let chosen = 0;
      hub.random = () => {
        chosen++;
        return 0;
      };
      const operation = select({ item: queue.get() });
      yield* sleep(5);
      expect([queue.qsize(), chosen]).toEqual([1, 0]);
      yield* operation;
      expect(queue.qsize()).toBe(0);
    }));

  it('takes a single case for what it is', () =>
    virtually(function* () {
      expect(yield* select({ nap: sleep(5) })).toEqual({ key: 'nap', value: undefined });
      expect(hub.now()).toBe(5);
    }));

  it('may be made in one greenlet and performed in another, while others use the same objects', () =>
    virtually(function* () {
      const [queue, semaphore] = [new Queue<string>(), new Semaphore(1e6)];
      let over = false;
      const busy = spawn(function* () {
        for (let round = 0; round < 2000; round++) {
          yield* queue.put('busy');
          yield* semaphore.acquire();
        }
        over = true;
      });
      let puts = 0;
      while (!over) {
        const operation = select({ put: queue.put('put'), none: never() });
        yield* sleep(0);
        expect((yield* spawn(() => operation)).key).toBe('put');
        const two = [queue.put('one'), queue.put('two')].map((put) => spawn(select, { put }));
        yield* joinall(two, { raiseError: true });
        puts++;
      }
      yield* busy;
      const counts: Record<string, number> = {};
      for (const item of yield* queue.getMany()) counts[item] = (counts[item] ?? 0) + 1;
      expect(counts).toEqual({ busy: 2000, put: puts, one: puts, two: puts });
    }));

  it('keeps odd names: of numbers, empty, and those of Object.prototype', () =>
    virtually(function* () {
      const queue = new Queue(null, [1, 2, 3, 4]);
      const item = () => queue.get();
      expect([
        (yield* select({ 7: item() })).key,
        (yield* select({ '': item() })).key,
        (yield* select({ toString: item() })).key,
        (yield* select(JSON.parse('{"__proto__":0}', (_, value) => (value === 0 ? item() : value)))).key,
      ]).toEqual(['7', '', 'toString', '__proto__']);
      const bare = Object.assign(Object.create(null), { nap: sleep(1) });
      expect((yield* select(bare)).key).toBe('nap');
    }));

  it('takes the operations that its cases have when it is called', () =>
    virtually(function* () {
      const cases: Record<string, Operation<unknown>> = { first: sleep(5) };
      const operation = select(cases);
      cases.first = sleep(1);
      cases.second = sleep(1);
      expect([(yield* operation).key, hub.now()]).toEqual(['first', 5]);
    }));

  it('may have hundreds of cases', () =>
    virtually(function* () {
      const queues = Array.from({ length: 500 }, () => new Queue<number>());
      const cases = Object.fromEntries(queues.map((queue, index) => [`q${index}`, queue.get()]));
      hub.callLater(5, () => queues[321]!.putNowait(1));
      expect(yield* select(cases)).toEqual({ key: 'q321', value: 1 });
      expect(queues.every((queue) => queue.statistics().getters === 0)).toBe(true);
    }));

  it('works in a coroutine(), in a child on top of its parent, in a raw greenlet and in a shield', () =>
    virtually(function* () {
      const queue = new Queue<string>();
      const choose = coroutine(function* () {
        return (yield* select({ item: queue.get(), limit: sleep(50) })).value;
      });
      const child = spawnNow(choose);
      const shielded = spawn(() => shield(choose));
      const raw = new RawGreenlet(function* () {
        return yield* choose();
      });
      for (const item of ['a', 'b', 'c']) hub.callLater(1, () => queue.putNowait(item));
      const third = yield* raw.switch();
      expect([yield* child, yield* shielded, third].sort()).toEqual(['a', 'b', 'c']);
    }));

  it('keeps the storage context of the greenlet', () =>
    virtually(function* () {
      const storage = new AsyncLocalStorage<string>();
      const queue = new Queue<number>();
      hub.callLater(1, () => queue.putNowait(1));
      const seen = yield* runWith(storage, 'mine', function* () {
        yield* select({ item: queue.get(), limit: sleep(50) });
        return storage.getStore();
      });
      expect(seen).toBe('mine');
    }));

  it('works while the hub is tracking', () =>
    virtually(function* () {
      hub.tracking = true;
      try {
        const queue = new Queue<number>();
        const chooser = spawn(() => select({ item: queue.get(), limit: sleep(50) }));
        yield* sleep(1);
        queue.putNowait(1);
        expect(yield* chooser).toEqual({ key: 'item', value: 1 });
      } finally {
        hub.tracking = false;
      }
    }));

  it('is a wait like any other: it can be spawned, limited and waited for by all()', () =>
    virtually(function* () {
      expect(yield* spawn(select, { nap: sleep(5) })).toEqual({ key: 'nap', value: undefined });
      expect(yield* withTimeout(5, () => select({ none: never() }), { value: 'late' })).toBe('late');
      const queue = new Queue(null, [1]);
      const [one] = yield* joinall([spawn(select, { item: queue.get() })]);
      expect(one!.value).toEqual({ key: 'item', value: 1 });
    }));
});

describe('a case of each kind', () => {
  it.each(selectables)('%s is waited for, and gives what it gives by itself', (_, make) =>
    virtually(function* () {
      const one = make();
      const chooser = spawn(select, { none: never(), one: one.operation, late: sleep(1000) });
      yield* sleep(10);
      expect([chooser.dead, hub.stats().timers > 0]).toEqual([false, true]);
      one.happen();
      yield* chooser.join();
      expect(hub.now()).toBe(10);
      const { key, value } = chooser.value!;
      expect([key, one.gave(value)]).toEqual(['one', true]);
      expectNoTrace(one);
      one.dispose();
    }),
  );

  it.each(selectables)('%s is taken at once if it is ready', (_, make) =>
    virtually(function* () {
      const one = make();
      yield* one.prepare();
      const { key, value } = yield* select({ none: never(), one: one.operation, late: sleep(1000) });
      expect([key, one.gave(value), hub.now()]).toEqual(['one', true, 0]);
      expectNoTrace(one);
      one.dispose();
      yield* sleep(0);
    }),
  );

  it.each(selectables)('%s leaves no trace when another one happens', (_, make) =>
    virtually(function* () {
      const [one, event] = [make(), new Event()];
      const chooser = spawn(select, { one: one.operation, event: event.wait() });
      yield* sleep(10);
      event.set();
      one.happen();
      expect(yield* chooser).toEqual({ key: 'event', value: true });
      expect(one.spared()).toBe(true);
      expectNoTrace(one);
      one.dispose();
    }),
  );

  it.each(selectables)('%s is not touched if another one can happen at once', (_, make) =>
    virtually(function* () {
      for (let round = 0; round < 4; round++) {
        const [one, queue] = [make(), new Queue(null, ['item'])];
        expect(yield* select({ one: one.operation, item: queue.get() })).toEqual({ key: 'item', value: 'item' });
        one.happen();
        expect(one.spared()).toBe(true);
        expectNoTrace(one);
        one.dispose();
      }
    }),
  );

  it.each(selectables)('%s leaves no trace when the greenlet is killed', (_, make) =>
    virtually(function* () {
      const one = make();
      const chooser = spawn(select, { none: never(), one: one.operation, late: sleep(1000) });
      yield* sleep(10);
      yield* chooser.kill();
      expect(isExit(chooser.value)).toBe(true);
      one.happen();
      expect(one.spared()).toBe(true);
      expectNoTrace(one);
      one.dispose();
    }),
  );

  it.each(selectables)('%s leaves no trace when a Timeout comes', (_, make) =>
    virtually(function* () {
      const one = make();
      using limit = Timeout.startNew(10);
      const caught = yield* (function* () {
        try {
          return yield* select({ one: one.operation, late: sleep(1000) });
        } catch (error) {
          return error;
        }
      })();
      expect([caught === limit, hub.now()]).toEqual([true, 10]);
      one.happen();
      expect(one.spared()).toBe(true);
      expectNoTrace(one);
      one.dispose();
    }),
  );

  it.each(selectables)('%s is had if the kill comes in the same pass, after it happened', (_, make) =>
    virtually(function* () {
      const one = make();
      const log: unknown[] = [];
      const chooser = spawn(function* () {
        const { key, value } = yield* select({ late: sleep(1000), one: one.operation });
        log.push(key, one.gave(value));
        yield* sleep(0);
        log.push('never');
      });
      yield* sleep(10);
      one.happen();
      yield* chooser.kill();
      expect([log, isExit(chooser.value)]).toEqual([['one', true], true]);
      expectNoTrace(one);
      one.dispose();
    }),
  );

  it.each(selectables)('%s is not taken if the kill comes in the same pass, before it happens', (_, make) =>
    virtually(function* () {
      const one = make();
      const chooser = spawn(select, { late: sleep(1000), one: one.operation });
      yield* sleep(10);
      chooser.kill();
      one.happen();
      yield* chooser.join();
      expect([isExit(chooser.value), one.spared()]).toEqual([true, true]);
      expectNoTrace(one);
      one.dispose();
    }),
  );

  it.each(selectables)('%s is not taken by a greenlet that has killed itself before', (_, make) =>
    virtually(function* () {
      const one = make();
      yield* one.prepare();
      const chooser = spawn(function* () {
        (getcurrent() as Greenlet<any>).kill();
        yield* select({ one: one.operation, late: sleep(1000) });
      });
      yield* chooser.join();
      expect([isExit(chooser.value), one.spared()]).toEqual([true, true]);
      one.dispose();
      yield* sleep(0);
      expectNoTrace(one);
    }),
  );
});

describe('two cases', () => {
  it('happen in one pass: the first of them, whichever kinds they are', () =>
    virtually(function* () {
      for (const [first, makeFirst] of selectables) {
        for (const [second, makeSecond] of selectables) {
          const [one, two] = [makeFirst(), makeSecond()];
          const chooser = spawn(select, { two: two.operation, one: one.operation });
          yield* sleep(1);
          one.happen();
          two.happen();
          const { key, value } = yield* chooser;
          const pair = `${first} before ${second}`;
          expect([pair, key, one.gave(value), two.spared()]).toEqual([pair, 'one', true, true]);
          expectNoTrace(one, two);
          for (const used of [one, two]) used.dispose();
        }
      }
    }));

  it('are ready: one of them is taken and the other is not, whichever kinds they are', { timeout: 60_000 }, () =>
    virtually(function* () {
      let [firsts, seconds] = [0, 0];
      for (const [first, makeFirst] of selectables) {
        for (const [second, makeSecond] of selectables) {
          const [one, two] = [makeFirst(), makeSecond()];
          yield* one.prepare();
          yield* two.prepare();
          const { key, value } = yield* select({ one: one.operation, two: two.operation });
          if (key === 'one') firsts++;
          else seconds++;
          const [chosen, other] = key === 'one' ? [one, two] : [two, one];
          const pair = `${first} and ${second}`;
          expect([pair, chosen.gave(value), other.spared()]).toEqual([pair, true, true]);
          for (const used of [one, two]) used.dispose();
          yield* sleep(0);
          expectNoTrace(one, two);
        }
      }
      expect(Math.abs(firsts - seconds)).toBeLessThan(0.15 * (firsts + seconds));
    }),
  );
});

describe('cases of one object', () => {
  it('a channel in both directions: it does not serve itself', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const both = () => select({ put: channel.put('mine'), get: channel.get(), limit: sleep(10) });
      expect(yield* both()).toEqual({ key: 'limit', value: undefined });
      expect(channel.statistics()).toEqual({ getters: 0, putters: 0 });
      const chooser = spawn(both);
      yield* sleep(0);
      expect(channel.statistics()).toEqual({ getters: 1, putters: 1 });
      yield* channel.put('theirs');
      expect([chooser.value, channel.statistics()]).toEqual([
        { key: 'get', value: 'theirs' },
        { getters: 0, putters: 0 },
      ]);
      const other = spawn(both);
      yield* sleep(0);
      expect([yield* channel.get(), yield* other]).toEqual(['mine', { key: 'put', value: undefined }]);
    }));

  it('a channel in both directions, several times each: it finds others behind itself', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const both = (name: string) =>
        select({
          put1: channel.put(`${name}1`),
          get1: channel.get(),
          put2: channel.put(`${name}2`),
          get2: channel.get(),
        });
      const choosers = ['a', 'b', 'c', 'd'].map((name) => spawn(both, name));
      yield* joinall(choosers);
      const puts = choosers.filter(({ value }) => value!.key.startsWith('put'));
      expect([puts.length, channel.statistics()]).toEqual([2, { getters: 0, putters: 0 }]);
      for (const { value } of choosers) {
        if (value!.key.startsWith('get')) expect(value!.value).toMatch(/^[abcd][12]$/);
      }
    }));

  it('two selects that face each other pair up, in either direction', () =>
    virtually(function* () {
      const ways = { put: 0, get: 0 };
      for (let round = 0; round < 200; round++) {
        const channel = new Channel<string>();
        const face = (name: string) => select({ put: channel.put(name), get: channel.get() });
        const [one, two] = [spawn(face, 'one'), spawn(face, 'two')];
        yield* joinall([one, two]);
        ways[one.value!.key]++;
        const [putter, getter] = one.value!.key === 'put' ? [one, two] : [two, one];
        const name = putter === one ? 'one' : 'two';
        expect([putter.value, getter.value]).toEqual([
          { key: 'put', value: undefined },
          { key: 'get', value: name },
        ]);
        expect(channel.statistics()).toEqual({ getters: 0, putters: 0 });
      }
      expect(Math.min(ways.put, ways.get)).toBeGreaterThan(50);
    }));

  it('three selects in a circle of channels: one pair is made, and the third waits', () =>
    virtually(function* () {
      const channels = [0, 1, 2].map(() => new Channel<number>());
      const choosers = channels.map((channel, index) =>
        spawn(select, { put: channel.put(index), get: channels[(index + 1) % 3]!.get() }),
      );
      yield* sleep(5);
      expect(choosers.filter(({ dead }) => dead)).toHaveLength(2);
      expect(channels.map(({ balance }) => balance).sort()).toEqual([-1, 0, 1]);
      for (const chooser of choosers) yield* chooser.kill();
      expect(channels.map(({ balance }) => balance)).toEqual([0, 0, 0]);
    }));

  it('put and get on a queue: put while it is empty, get while it is full, either in between', () =>
    virtually(function* () {
      const queue = new Queue<string>(2);
      const both = () => select({ put: queue.put('new'), get: queue.get() });
      expect((yield* both()).key).toBe('put');
      const keys = new Set<string>();
      for (let round = 0; round < 50; round++) {
        const { key, value } = yield* both();
        keys.add(key);
        expect(value).toBe(key === 'put' ? undefined : 'new');
        if (queue.full()) expect((yield* both()).key).toBe('get');
        else if (queue.empty()) expect((yield* both()).key).toBe('put');
      }
      expect([...keys].sort()).toEqual(['get', 'put']);
      expect(queue.statistics()).toMatchObject({ getters: 0, putters: 0 });
    }));

  it('get, peek and getMany on a queue: one of them sees the item', () =>
    virtually(function* () {
      const keys = new Set<string>();
      for (let round = 0; round < 60; round++) {
        const queue = new SimpleQueue<number>();
        const cases = () => ({ get: queue.get(), peek: queue.peek(), many: queue.getMany(5) });
        const chooser = spawn(() => select(cases()));
        if (round % 2 === 0) yield* sleep(0);
        for (const item of [1, 2]) queue.putNowait(item);
        const { key, value } = yield* chooser;
        keys.add(`${round % 2} ${key}`);
        expect([key, value, queue.qsize()]).toEqual(
          key === 'get' ? ['get', 1, 1] : key === 'peek' ? ['peek', 1, 2] : ['many', [1, 2], 0],
        );
        expect(queue.statistics()).toMatchObject({ getters: 0, peekers: 0 });
      }
      // ready: each of them; blocked: those who peek are shown the item before anybody gets it, or the order of the line
      for (const key of ['get', 'peek', 'many']) expect(keys).toContain(`1 ${key}`);
    }));

  it('a lock twice: it is acquired once', () =>
    virtually(function* () {
      const [lock, rlock] = [new Lock(), new RLock()];
      expect((yield* select({ one: lock.acquire(), two: lock.acquire() })).value).toBe(true);
      expect((yield* select({ one: rlock.acquire(), two: rlock.acquire() })).value).toBe(true);
      expect([lock.statistics().waiting, rlock.statistics().depth]).toEqual([0, 1]);
      const chooser = spawn(select, { one: lock.acquire(), two: lock.hold() });
      yield* sleep(0);
      expect(lock.statistics().waiting).toBe(2);
      lock.release();
      yield* chooser;
      expect([lock.locked(), lock.statistics().waiting]).toEqual([true, 0]);
    }));

  it('a greenlet twice', () =>
    virtually(function* () {
      const greenlet = spawn(sleep, 5);
      expect((yield* select({ one: greenlet, two: greenlet })).value).toBe(undefined);
      expect((yield* select({ one: greenlet, two: greenlet.join() })).value).toBe(undefined);
      expect(hub.now()).toBe(5);
    }));

  it('one operation under two names is refused where it could not serve both', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      for (const operation of [sleep(5), queue.get({ timeout: 5 }), queue.get()]) {
        const late = hub.callLater(3, () => queue.putNowait(1));
        try {
          yield* select({ one: operation, two: operation });
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
        late.cancel();
        while (!queue.empty()) queue.getNowait();
        yield* sleep(10);
        expect([hub.stats().timers, queue.statistics().getters]).toEqual([0, 0]);
      }
    }));
});

describe('the line behind a select', () => {
  it('keeps its order: who comes after the case comes after it', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const log: string[] = [];
      const take = (name: string, operation: () => Iterable<any>) =>
        spawn(function* () {
          const given: any = yield* operation() as Coroutine<unknown>;
          log.push(`${name} ${typeof given === 'object' ? given.value : given}`);
        });
      const takers = [
        take('first', () => queue.get()),
        take('select', () => select({ item: queue.get(), none: never() })),
        take('last', () => queue.get()),
      ];
      yield* sleep(0);
      for (const item of [1, 2, 3]) queue.putNowait(item);
      yield* joinall(takers);
      expect(log).toEqual(['first 1', 'select 2', 'last 3']);
    }));

  it('moves on when the case is taken back', () =>
    virtually(function* () {
      const [queue, event] = [new Queue<number>(), new Event()];
      const chooser = spawn(select, { item: queue.get(), event: event.wait() });
      const getter = spawn(() => queue.get());
      yield* sleep(0);
      event.set();
      queue.putNowait(1);
      expect([(yield* chooser).key, yield* getter]).toEqual(['event', 1]);
    }));

  it('is not jumped by a trial: a select that finds nothing ready stands at the end', () =>
    virtually(function* () {
      const semaphore = new Semaphore(0);
      const log: string[] = [];
      const waiter = (name: string, operation: () => Iterable<any>) =>
        spawn(function* () {
          yield* operation() as Coroutine<unknown>;
          log.push(name);
        });
      const waiters = [
        waiter('first', () => semaphore.acquire()),
        waiter('select', () => select({ permit: semaphore.acquire(), none: never() })),
        waiter('last', () => semaphore.acquire()),
      ];
      yield* sleep(0);
      semaphore.release(3);
      yield* joinall(waiters);
      expect(log).toEqual(['first', 'select', 'last']);
    }));
});

describe('the choice among ready cases', () => {
  const queues = (count: number) => Array.from({ length: count }, () => new Queue(null, Array(3000).fill('item')));
  const keys = ['a', 'b', 'c', 'd'] as const;

  it('is fair, wherever they stand among cases that are not ready', () =>
    virtually(function* () {
      for (const ready of [
        ['a', 'b'],
        ['b', 'd'],
        ['a', 'b', 'c'],
        ['a', 'b', 'c', 'd'],
      ]) {
        seed(ready.length);
        const [full] = queues(1);
        const counts: Record<string, number> = {};
        for (let round = 0; round < 3000; round++) {
          const cases = Object.fromEntries(keys.map((key) => [key, ready.includes(key) ? full!.get() : never()]));
          const { key } = yield* select(cases);
          counts[key] = (counts[key] ?? 0) + 1;
        }
        expect(Object.keys(counts).sort()).toEqual(ready);
        const expected = 3000 / ready.length;
        // five standard deviations
        const deviation = 5 * Math.sqrt(3000 * (1 / ready.length) * (1 - 1 / ready.length));
        for (const count of Object.values(counts)) expect(Math.abs(count - expected)).toBeLessThan(deviation);
      }
    }));

  it('is fair from the first choice on: it does not depend on the choices before', () =>
    virtually(function* () {
      seed(5);
      const [full] = queues(1);
      const pairs: Record<string, number> = {};
      let last = '';
      for (let round = 0; round < 3000; round++) {
        const { key } = yield* select({ a: full!.get(), b: full!.peek() });
        pairs[last + key] = (pairs[last + key] ?? 0) + 1;
        last = key;
      }
      for (const pair of ['aa', 'ab', 'ba', 'bb']) expect(Math.abs(pairs[pair]! - 750)).toBeLessThan(120);
    }));

  it('is the same for the same hub.random, and another one for another', () =>
    virtually(function* () {
      const choices = function* (number: number): Coroutine<string> {
        seed(number);
        const [full] = queues(1);
        let made = '';
        for (let round = 0; round < 100; round++) {
          made += (yield* select({ a: full!.get(), b: full!.get(), c: never(), d: full!.get() })).key;
        }
        return made;
      };
      const [one, again, other] = [yield* choices(1), yield* choices(1), yield* choices(2)];
      expect([one === again, one === other]).toEqual([true, false]);
    }));

  it('repeats in a program that sets no hub.random', async () => {
    const source = `
      import { Queue, run, select } from 'genlet';
      await run(function* () {
        const queue = new Queue(null, Array(50).fill(1));
        let made = '';
        for (let i = 0; i < 50; i++) made += (yield* select({ a: queue.get(), b: queue.get() })).key;
        console.log(made);
      });`;
    const [one, other] = await Promise.all([runProgram(source), runProgram(source)]);
    expect(one.lines).toEqual(other.lines);
    expect(one.lines[0]).toMatch(/^(?=.*a)(?=.*b)[ab]{50}$/);
  });

  it('takes whatever hub.random gives from 0 up to 1', () =>
    virtually(function* () {
      for (const value of [0, 1 - Number.EPSILON / 2, 0.5]) {
        hub.random = () => value;
        const queue = new Queue(null, [1, 2]);
        const seen = new Set<string>();
        for (let round = 0; round < 2; round++) {
          seen.add((yield* select({ a: queue.get(), b: never(), c: queue.get() })).key);
        }
        expect(queue.qsize()).toBe(0);
        expect(seen.has('b')).toBe(false);
      }
    }));
});

describe('sleep in a select', () => {
  it('is a time limit for the others', () =>
    virtually(function* () {
      expect(yield* select({ none: never(), limit: sleep(25) })).toEqual({ key: 'limit', value: undefined });
      expect([hub.now(), hub.stats().timers]).toEqual([25, 0]);
      expect((yield* select({ long: sleep(100), short: sleep(5), middle: sleep(50) })).key).toBe('short');
      expect([hub.now(), hub.stats().timers]).toEqual([30, 0]);
    }));

  it('of 0 lets the others go first, as the default of Go, and gives way', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      const poll = () => select({ item: queue.get(), otherwise: sleep(0) });
      log.push((yield* poll()).key);
      queue.putNowait(1);
      log.push((yield* poll()).key);
      const putter = spawn(() => queue.putNowait(2));
      log.push(yield* poll());
      yield* joinall([other, putter]);
      expect([log, queue.statistics()]).toMatchObject([
        ['other', 'otherwise', 'item', { key: 'item', value: 2 }],
        { getters: 0 },
      ]);
      expect(hub.stats().ready).toBe(0);
    }));

  it('of 0 several times, and alone', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const other = spawn(() => log.push('other'));
      const { value } = yield* select({ one: sleep(0), two: sleep(0) });
      log.push(value);
      yield* other;
      expect([log, (yield* select({ one: sleep() })).key, hub.now()]).toEqual([['other', undefined], 'one', 0]);
    }));

  it('of 0 is taken back by a kill in the same pass', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const chooser = spawn(function* () {
        log.push('begun');
        yield* select({ turn: sleep(0), none: never() });
        log.push('never');
      });
      const killer = spawn(() => chooser.kill());
      yield* joinall([chooser, killer]);
      expect([log, hub.stats().ready]).toEqual([['begun'], 0]);
    }));

  it('does not keep the process alive with ref: false, nor do the timers of losers', async () => {
    const { lines, exit } = await runProgram(`
      import { Queue, run, select, sleep, spawn } from 'genlet';
      const queue = new Queue();
      spawn(function* () {
        yield* select({ item: queue.get(), limit: sleep(60_000, { ref: false }) });
      }).daemon = true;
      await run(function* () {
        queue.putNowait(1);
        yield* sleep(1);
        spawn(() => select({ item: queue.get({ timeout: 60_000 }), nap: sleep(1) }));
      });
      console.log('done');`);
    expect([lines, exit]).toEqual([['done'], 0]);
  });

  it('of a daemon does not keep the process alive', async () => {
    const { lines, exit } = await runProgram(`
      import { Queue, run, select, sleep, spawn } from 'genlet';
      await run(function* () {
        spawn(function* () {
          try {
            yield* select({ item: new Queue().get({ timeout: 60_000 }), limit: sleep(60_000) });
          } finally {
            console.log('daemon is killed');
          }
        }).daemon = true;
        yield* sleep(1);
      });`);
    expect([lines, exit]).toEqual([['daemon is killed'], 0]);
  });

  it('of a daemon does not keep hub.join() waiting', () =>
    virtually(function* () {
      const daemon = spawn(() => select({ item: new Queue().get({ timeout: 1000 }), limit: sleep(1000) }));
      daemon.daemon = true;
      yield* sleep(1);
      expect([yield* hub.join(), hub.now()]).toEqual([true, 1]);
      yield* daemon.kill();
    }));

  it('is named in the error of a switch to a greenlet that selects', () =>
    virtually(function* () {
      const chooser = spawn(() => select({ turn: sleep(0), nap: sleep(5) }));
      const error = spawn(() => outcome(() => chooser.switch()));
      yield* joinall([chooser, error]);
      expect(error.value).toMatch(
        /^InvalidSwitchError: can't switch to Greenlet-\d+: it waits for select\(\{ (turn: sleep\(0\), nap: sleep\(5\)|nap: sleep\(5\), turn: sleep\(0\)) \}\)$/,
      );
    }));

  it('together with idle() and hub.join() waits for nothing else to do', () =>
    virtually(function* () {
      const log: unknown[] = [];
      const busy = spawn(function* () {
        for (let turn = 0; turn < 3; turn++) {
          yield* sleep(0);
          log.push(turn);
        }
      });
      log.push((yield* select({ quiet: idle(), limit: sleep(5) })).key);
      yield* busy;
      expect(log).toEqual([0, 1, 2, 'quiet']);
      expect((yield* select({ quiet: idle(), item: new Queue(null, [1]).get() })).key).toBe('item');
      const other = spawn(sleep, 10);
      expect(yield* select({ all: hub.join(), none: never() })).toEqual({ key: 'all', value: true });
      expect([hub.now(), other.dead]).toEqual([10, true]);
      expect(yield* select({ all: hub.join({ timeout: 0 }) })).toEqual({ key: 'all', value: true });
    }));
});

describe('the time limit of a case', () => {
  it('makes it throw when it is up, or give what it gives then', () =>
    virtually(function* () {
      const [queue, channel, lock] = [new Queue<number>(1, [1]), new Channel<number>(), new Lock()];
      lock.acquireNowait();
      const limit = { timeout: 5 };
      expect([
        yield* outcome(() => select({ none: never(), get: new Queue().get(limit) })),
        yield* outcome(() => select({ none: never(), put: queue.put(2, limit) })),
        yield* outcome(() => select({ none: never(), get: channel.get(limit) })),
        yield* outcome(() => select({ none: never(), hold: lock.hold(5) })),
        yield* outcome(() => select({ none: never(), get: new AsyncResult().get(limit) })),
        yield* outcome(() => select({ none: never(), get: (getcurrent() as Greenlet).get({ timeout: 0 }) })),
      ]).toEqual([
        'QueueEmpty: Queue.get(): no item within 5 ms',
        'QueueFull: Queue.put(): no free place within 5 ms',
        'QueueEmpty: Channel.get(): no item within 5 ms',
        'Timeout: Lock.hold() timed out after 5 ms',
        'Timeout: AsyncResult.get() timed out after 5 ms',
        expect.stringMatching(/^(Timeout|InvalidSwitchError): /),
      ]);
      expect(yield* select({ none: never(), got: lock.acquire(limit) })).toEqual({ key: 'got', value: false });
      expect(yield* select({ none: never(), up: new Event().wait(5) })).toEqual({ key: 'up', value: false });
      expect(yield* select({ none: never(), free: new Semaphore(0).wait(5) })).toEqual({ key: 'free', value: 0 });
      expect([hub.now(), hub.stats().timers, lock.statistics().waiting, queue.statistics().putters]).toEqual([
        40, 0, 0, 0,
      ]);
    }));

  it('of 0 counts as ready: it throws, or gives false, if it is chosen', () =>
    virtually(function* () {
      seed(1);
      const [empty, full] = [new Queue<number>(), new Queue(null, Array(100).fill(1))];
      const outcomes = new Set<unknown>();
      for (let round = 0; round < 30; round++) {
        outcomes.add(
          yield* outcome(function* () {
            return (yield* select({ poll: empty.get({ block: false }), item: full.get() })).key;
          }),
        );
      }
      expect([...outcomes].sort()).toEqual(['QueueEmpty: Queue.get(): the queue is empty', 'item']);
      expect((yield* select({ up: new Event().wait(0), none: never() })).value).toBe(false);
    }));

  it('ends in the millisecond of another: the first in time wins, one only', () =>
    virtually(function* () {
      const queue = new Queue<number>();
      const { key, value } = yield* select({ a: new Event().wait(5), b: new Event().wait(5), c: sleep(5) });
      expect([key === 'c' ? undefined : false, hub.now()]).toEqual([value, 5]);
      yield* sleep(5);
      expect([hub.stats().timers, queue.statistics().getters]).toEqual([0, 0]);
    }));

  it('that is up between the wake-up and the turn of the greenlet changes nothing', async () => {
    // in real time: the greenlet is granted its item, and gets its turn only when the limit is long over
    await run(function* () {
      const queue = new Queue<string>();
      const chooser = spawn(() => select({ item: queue.get({ timeout: 10 }), limit: sleep(10), none: never() }));
      yield* sleep(0);
      spawn(() => {
        for (const end = performance.now() + 30; performance.now() < end; );
      });
      queue.putNowait('item');
      expect(yield* chooser).toEqual({ key: 'item', value: 'item' });
      expect([hub.stats().timers, queue.statistics().getters]).toEqual([0, 0]);
    });
  });

  it('around the whole select is no obstacle to what was granted before', async () => {
    await run(function* () {
      const queue = new Queue<string>();
      const log: unknown[] = [];
      const chooser = spawn(function* () {
        using limit = Timeout.startNew(10);
        try {
          log.push((yield* select({ item: queue.get(), none: never() })).value);
          yield* sleep(100);
        } catch (error) {
          log.push(error === limit);
        }
      });
      yield* sleep(0);
      spawn(() => {
        for (const end = performance.now() + 30; performance.now() < end; );
      });
      queue.putNowait('item');
      yield* chooser;
      expect(log).toEqual(['item', true]);
    });
  });
});

describe('a case that fails', () => {
  const failure = new Error('failure');
  const failures: Record<string, () => { operation: Operation<any>; fail: () => void; error: unknown }> = {
    'a queue that is shut down (get)': () => {
      const queue = new Queue<number>();
      return { operation: queue.get(), fail: () => queue.shutdown(), error: expect.any(QueueShutDown) };
    },
    'a queue that is shut down (put)': () => {
      const queue = new Queue<number>(1, [1]);
      return { operation: queue.put(2), fail: () => queue.shutdown(), error: expect.any(QueueShutDown) };
    },
    'a queue that is shut down (getMany)': () => {
      const queue = new Queue<number>();
      return { operation: queue.getMany(), fail: () => queue.shutdown(), error: expect.any(QueueShutDown) };
    },
    'a channel that is shut down': () => {
      const channel = new Channel<number>();
      return { operation: channel.put(1), fail: () => channel.shutdown(), error: expect.any(QueueShutDown) };
    },
    'a result that gets an error': () => {
      const result = new AsyncResult<number>();
      return { operation: result.get(), fail: () => result.setException(failure), error: failure };
    },
    'a future that is cancelled': () => {
      const future = new Future<number>();
      return { operation: future.result(), fail: () => future.cancel(), error: expect.any(Error) };
    },
    'a greenlet that fails': () => {
      const greenlet = new Greenlet<number>(() => 1);
      return { operation: greenlet, fail: () => greenlet.kill(failure), error: failure };
    },
    'a suspension that is told to throw': () => {
      let fail = () => {};
      const operation = suspend<void>((resume) => {
        fail = () => void resume.throw(failure);
      });
      return { operation, fail: () => fail(), error: failure };
    },
  };

  it.each(Object.entries(failures))('while it is waited for makes the select throw: %s', (_, make) =>
    virtually(function* () {
      const { operation, fail, error } = make();
      const [queue, event] = [new Queue<number>(), new Event()];
      const chooser = spawn(select, { item: queue.get({ timeout: 50 }), bad: operation, event: event.wait() });
      yield* sleep(5);
      fail();
      yield* chooser.join();
      expect(chooser.exception).toEqual(error);
      yield* outcome(() => chooser);
      expect([queue.statistics().getters, event.statistics().waiting, hub.stats().timers]).toEqual([0, 0, 0]);
    }),
  );

  it.each(Object.entries(failures))('and a kill in the same pass: first the error: %s', (_, make) =>
    virtually(function* () {
      const { operation, fail, error } = make();
      const log: unknown[] = [];
      const chooser = spawn(function* () {
        try {
          yield* select({ none: never(), bad: operation });
        } catch (caught) {
          log.push(caught);
        }
        yield* sleep(0);
        log.push('never');
      });
      yield* sleep(5);
      fail();
      yield* chooser.kill();
      expect(log).toEqual([error]);
    }),
  );

  it('throws the very error, and before it is performed it counts as ready', () =>
    virtually(function* () {
      const greenlet = spawn(() => {
        throw failure;
      });
      const caught: unknown[] = [];
      const attempt = function* () {
        try {
          return (yield* select({ none: never(), bad: greenlet })).key;
        } catch (error) {
          caught.push(error);
        }
        return undefined;
      };
      yield* attempt();
      yield* attempt();
      expect([caught[0] === failure, caught[1] === failure, caught.length]).toEqual([true, true, 2]);
      seed(3);
      const queue = new Queue(null, Array(40).fill(1));
      let failed = 0;
      for (let round = 0; round < 40; round++) {
        try {
          yield* select({ item: queue.get(), bad: greenlet });
        } catch {
          failed++;
        }
      }
      expect([failed + 40 - queue.qsize(), failed > 8, failed < 32]).toEqual([40, true, true]);
    }));

  it('takes the error of the greenlet that is chosen; that of a loser is reported, once', async () => {
    await virtually(function* () {
      const event = new Event();
      const failing = (text: string) =>
        spawn(function* () {
          yield* event.wait();
          throw new Error(text);
        });
      const chooser = spawn(() => outcome(() => select({ one: failing('one'), two: failing('two') })));
      yield* sleep(1);
      event.set();
      expect(yield* chooser).toBe('Error: one');
    });
    expect((await takeReports()).map(({ error }) => String(error))).toEqual(['Error: two']);
  });

  it('does not take the error of a greenlet that ends later', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        yield* sleep(5);
        throw new Error('later');
      });
      expect((yield* select({ greenlet, limit: sleep(1) })).key).toBe('limit');
      yield* greenlet.join();
    });
    expect((await takeReports()).map(({ error }) => String(error))).toEqual(['Error: later']);
  });

  it('whose register throws takes the others back', () =>
    virtually(function* () {
      const [queue, event] = [new Queue<number>(), new Event()];
      const bad = () =>
        suspend<void>(() => {
          throw failure;
        });
      for (let round = 0; round < 6; round++) {
        const error = yield* outcome(() =>
          select({ item: queue.get({ timeout: 50 }), bad: bad(), event: event.wait(), nap: sleep(50) }),
        );
        expect([error, queue.statistics().getters, event.statistics().waiting, hub.stats().timers]).toEqual([
          'Error: failure',
          0,
          0,
          0,
        ]);
      }
    }));
});

describe('a greenlet in a select', () => {
  it('gives what it returned, or the exit it was killed with', () =>
    virtually(function* () {
      const greenlet = spawn(function* () {
        yield* sleep(5);
        return 'done';
      });
      expect(yield* select({ greenlet, limit: sleep(10) })).toEqual({ key: 'greenlet', value: 'done' });
      expect(yield* select({ greenlet, none: never() })).toEqual({ key: 'greenlet', value: 'done' });
      const victim = spawn(never);
      hub.callLater(1, () => void victim.kill());
      expect(isExit((yield* select({ victim, limit: sleep(10) })).value)).toBe(true);
      expect(hub.now()).toBe(6);
    }));

  it('lives on if it loses', () =>
    virtually(function* () {
      const greenlet = spawn(sleep, 20);
      expect((yield* select({ greenlet, limit: sleep(5) })).key).toBe('limit');
      expect(greenlet.dead).toBe(false);
      yield* greenlet;
      expect(hub.now()).toBe(20);
    }));

  it('of several is the first that ended', () =>
    virtually(function* () {
      const [slow, fast] = [spawn(sleep, 10), spawn(sleep, 5)];
      expect((yield* select({ slow, fast })).key).toBe('fast');
      yield* slow;
    }));

  it('cannot be the one that selects', () =>
    virtually(function* () {
      const chooser: Greenlet<unknown> = spawn(function* () {
        try {
          yield* select({ me: chooser, none: never() });
        } catch (error) {
          return error;
        }
        return undefined;
      });
      yield* sleep(1);
      chooser.kill();
      yield* chooser.join();
      expect(chooser.value).toBeInstanceOf(InvalidSwitchError);
      expect((chooser.value as Error).message).toBe(`${chooser.name} would wait for its own result for ever`);
    }));

  it('is the owner of a lock acquired there, and can release it', () =>
    virtually(function* () {
      const [lock, rlock] = [new Lock(), new RLock()];
      const me = getcurrent()!;
      yield* select({ lock: rlock.acquire(), none: never() });
      yield* select({ lock: lock.acquire(), none: never() });
      expect([rlock.statistics().holder, lock.statistics().holder]).toEqual([me.name, me.name]);
      yield* select({ lock: rlock.acquire(), none: never() });
      yield* rlock.acquire();
      expect(rlock.statistics().depth).toBe(3);
      for (let depth = 0; depth < 3; depth++) rlock.release();
      expect(rlock.locked()).toBe(false);
      lock.release();
    }));

  it('is the owner of a lock that was handed to it while it waited', () =>
    virtually(function* () {
      const rlock = new RLock();
      yield* rlock.acquire();
      const log: unknown[] = [];
      const chooser = spawn(function* owner() {
        const { key, value } = yield* select({ none: never(), lock: rlock.acquire(), limit: sleep(50) });
        log.push(key, value, rlock.statistics().holder === getcurrent()!.name);
        yield* select({ again: rlock.acquire(), limit: sleep(50) });
        log.push(rlock.statistics().depth);
        rlock.release();
        rlock.release();
      });
      yield* sleep(1);
      rlock.release();
      expect(thrownBy(() => rlock.release())).toBeInstanceOf(Error);
      yield* chooser;
      expect([log, rlock.locked()]).toEqual([['lock', true, true, 2], false]);
    }));

  it('acts for the caller of retry() where that waits', () =>
    virtually(function* () {
      const lock = new RLock();
      yield* lock.acquire();
      const { value } = yield* retry(() => select({ lock: lock.acquire(), limit: sleep(5) }));
      expect([value, lock.statistics().depth, lock.statistics().holder]).toEqual([true, 2, getcurrent()!.name]);
      lock.release();
      lock.release();
    }));

  it('holds what it got by hold() until it is disposed of, once', () =>
    virtually(function* () {
      const [lock, semaphore] = [new RLock(), new Semaphore(0)];
      hub.callLater(5, () => void semaphore.release());
      {
        const { key, value } = yield* select({ permit: semaphore.hold(), limit: sleep(50) });
        expect([key, semaphore.counter]).toEqual(['permit', 0]);
        using _ = value as Disposable;
      }
      expect(semaphore.counter).toBe(1);
      const { value } = yield* select({ lock: lock.hold() });
      expect(lock.statistics().depth).toBe(1);
      value[Symbol.dispose]();
      value[Symbol.dispose]();
      expect(lock.locked()).toBe(false);
    }));

  it('can wait for a condition that it holds the lock of by spawning the wait', () =>
    virtually(function* () {
      const condition = new Condition();
      const waiting = spawn(function* () {
        using _ = yield* condition.hold();
        return yield* condition.wait();
      });
      yield* sleep(0);
      hub.callLater(
        5,
        () =>
          void spawn(function* () {
            using _ = yield* condition.hold();
            condition.notify();
          }),
      );
      expect(yield* select({ waiting, limit: sleep(50) })).toEqual({ key: 'waiting', value: true });
    }));
});

describe('a suspension in a select', () => {
  it('happens when it is resumed, later or on the spot', () =>
    virtually(function* () {
      const one = suspension();
      const chooser = spawn(select, { none: never(), one: one.operation, late: sleep(1000) });
      yield* sleep(10);
      one.happen();
      expect(yield* chooser).toEqual({ key: 'one', value: 'value' });
      expect(one.state()).toBe('resumed');
      expectNoTrace(one);
      const spot = suspend<string>((resume) => void resume('spot'));
      expect(yield* select({ none: never(), spot, late: sleep(1000) })).toEqual({ key: 'spot', value: 'spot' });
      expectNoTrace();
    }));

  it('is cancelled once if another case happens, the greenlet is killed or time is up, and can then no longer resume', () =>
    virtually(function* () {
      const event = new Event();
      const resumed: boolean[] = [];
      let cancelled = 0;
      const operation = () =>
        suspend<string>((resume) => () => {
          cancelled++;
          resumed.push(resume('late'));
        });
      const cases = () => ({ event: event.wait(), one: operation(), two: operation() });
      const ends: ((chooser: Greenlet<unknown>) => void)[] = [
        () => event.set(),
        (chooser) => void chooser.kill(),
        () => {},
      ];
      for (const end of ends) {
        event.clear();
        const chooser = spawn(() => withTimeout(20, () => select(cases()), { value: 'late' }));
        yield* sleep(10);
        end(chooser);
        yield* chooser;
        expect([cancelled, resumed, hub.outside, event.statistics().waiting]).toEqual([2, [false, false], 0, 0]);
        cancelled = resumed.length = 0;
      }
    }));

  it('is not begun if another case is ready', () =>
    virtually(function* () {
      const queue = new Queue(null, Array(10).fill(1));
      const one = suspension();
      for (let round = 0; round < 10; round++) {
        expect((yield* select({ item: queue.get(), one: one.operation })).key).toBe('item');
      }
      expect(one.state()).toBe('unused');
    }));

  it('sees its greenlet as the current one', () =>
    virtually(function* () {
      const me = getcurrent();
      const seen: unknown[] = [];
      yield* select({
        none: never(),
        one: suspend<void>((resume) => {
          seen.push(getcurrent());
          hub.callSoon(() => void resume());
        }),
      });
      yield* select({
        one: until(async () => void seen.push(getcurrent())),
      });
      expect(seen.map((one) => one === me)).toEqual([true, true]);
    }));

  it('may kill the greenlet that is about to wait', () =>
    virtually(function* () {
      const [queue, cancelled] = [new Queue<number>(), [] as string[]];
      const chooser: Greenlet<unknown> = spawn(() =>
        select({
          item: queue.get({ timeout: 50 }),
          one: suspend<void>(() => {
            chooser.kill();
            return () => void cancelled.push('one');
          }),
          two: suspend<void>(() => () => void cancelled.push('two')),
        }),
      );
      yield* chooser.join();
      expect(isExit(chooser.value)).toBe(true);
      expect(cancelled).toContain('one');
      expect([queue.statistics().getters, hub.outside, hub.stats().timers]).toEqual([0, 0, 0]);
    }));

  // What is performed may let another case happen, which was parked before it or is after it.
  const rounds = Array.from({ length: 12 }, (_, number) => number);

  it.each(rounds)('that puts an item when it is begun: one of both happens, and the item is not lost: %i', (round) =>
    virtually(function* () {
      seed(round);
      const queue = new Queue<string>();
      const log: string[] = [];
      const { key, value } = yield* select({
        item: queue.get(),
        one: suspend<string>((resume) => {
          queue.putNowait('item');
          if (round % 2 === 0) log.push(`resumed ${resume('one')}`);
          return () => void log.push('cancelled');
        }),
      });
      if (key === 'item') expect([value, queue.qsize()]).toEqual(['item', 0]);
      else expect([value, queue.qsize()]).toEqual(['one', 1]);
      if (round % 2 === 1) expect([key, log]).toEqual(['item', ['cancelled']]);
      else if (key === 'item') expect(log[0]).toBe('resumed false');
      expectNoTrace();
      expect(queue.statistics().getters).toBe(0);
    }),
  );

  it.each(rounds)('that shuts a queue down, or frees a lock: what the case gives is what it would give: %i', (round) =>
    virtually(function* () {
      seed(round);
      const [queue, lock, many] = [new Queue<string>(), new Lock(), new Queue<string>()];
      lock.acquireNowait();
      const trigger = (action: () => void) => suspend<void>(() => action());
      expect(yield* outcome(() => select({ item: queue.get(), one: trigger(() => queue.shutdown()) }))).toBe(
        'QueueShutDown: Queue.get(): the queue was shut down',
      );
      const { value } = yield* select({ lock: lock.hold(), one: trigger(() => lock.release()) });
      expect(lock.locked()).toBe(true);
      (value as Disposable)[Symbol.dispose]();
      expect(lock.locked()).toBe(false);
      const items = yield* select({ items: many.getMany(), one: trigger(() => many.putNowait('item')) });
      expect(items).toEqual({ key: 'items', value: ['item'] });
      expectNoTrace();
    }),
  );

  it.each(rounds)('that resumes another one when it is begun is taken back: %i', (round) =>
    virtually(function* () {
      seed(round);
      const log: string[] = [];
      const resumers: Record<string, (value: string) => boolean> = {};
      const one = (name: string, other: string) =>
        suspend<string>((resume) => {
          resumers[name] = resume;
          if (resumers[other]?.('value')) log.push(`${name} resumes ${other}`);
          return () => void log.push(`${name} is cancelled`);
        });
      const { key, value } = yield* select({ a: one('a', 'b'), b: one('b', 'a'), none: never() });
      const loser = key === 'a' ? 'b' : 'a';
      expect([value, log]).toEqual(['value', [`${loser} resumes ${key}`, `${loser} is cancelled`]]);
      expect([resumers.a!('late'), resumers.b!('late')]).toEqual([false, false]);
      expectNoTrace();
    }),
  );

  it.each(rounds)('that puts an item and throws: the item is not lost: %i', (round) =>
    virtually(function* () {
      seed(round);
      const queue = new Queue<string>();
      const given = yield* outcome(() =>
        select({
          item: queue.get(),
          one: suspend<void>(() => {
            queue.putNowait('item');
            throw new Error('register');
          }),
        }),
      );
      if (given === 'Error: register') expect(queue.qsize()).toBe(1);
      else expect([given, queue.qsize()]).toEqual([{ key: 'item', value: 'item' }, 0]);
      expectNoTrace();
      hub.callSoon(() => {});
    }),
  );

  it.each(rounds)('whose cancel hook lets another case happen wakes nobody twice: %i', (round) =>
    virtually(function* () {
      seed(round);
      const [first, second, queue] = [new Event(), new Event(), new Queue<string>()];
      const hook = () =>
        suspend<void>(() => () => {
          second.set();
          queue.putNowait('item');
        });
      const cases = () => ({
        first: first.wait(),
        one: hook(),
        second: second.wait(),
        item: queue.get(),
        two: hook(),
        aborted: until<void>((signal) => {
          signal.addEventListener('abort', () => second.set());
          return new Promise(() => {});
        }),
      });
      const chooser = spawn(function* () {
        const given = yield* select(cases());
        yield* sleep(5);
        return given;
      });
      yield* sleep(1);
      first.set();
      expect(yield* chooser).toEqual({ key: 'first', value: true });
      expect([queue.qsize(), queue.statistics().getters, second.statistics().waiting]).toEqual([2, 0, 0]);
      for (const event of [first, second]) event.clear();
      while (!queue.empty()) queue.getNowait();
      const victim = spawn(function* () {
        yield* select(cases());
      });
      yield* sleep(1);
      yield* victim.kill();
      yield* sleep(5);
      expect([isExit(victim.value), queue.qsize(), second.statistics().waiting]).toEqual([true, 2, 0]);
      expectNoTrace();
    }),
  );

  it.each(rounds)('whose cancel hook resumes another wakes nobody twice: %i', (round) =>
    virtually(function* () {
      seed(round);
      const event = new Event();
      const resumers: ((value: string) => boolean)[] = [];
      const one = () =>
        suspend<string>((resume) => {
          resumers.push(resume);
          return () => {
            for (const other of resumers) other('value');
          };
        });
      const cases = () => ({ a: one(), b: one(), event: event.wait(), c: one() });
      const chooser = spawn(function* () {
        const given = yield* select(cases());
        yield* sleep(5);
        return given;
      });
      yield* sleep(1);
      event.set();
      expect(yield* chooser).toEqual({ key: 'event', value: true });
      event.clear();
      const victim = spawn(function* () {
        try {
          yield* select(cases());
        } finally {
          yield* sleep(5);
        }
      });
      yield* sleep(1);
      yield* victim.kill();
      expect([isExit(victim.value), hub.now()]).toEqual([true, 12]);
      expectNoTrace();
    }),
  );

  it('whose cancel hook throws is reported, and stops nobody', async () => {
    await virtually(function* () {
      const event = new Event();
      hub.callLater(5, () => event.set());
      const bad = () =>
        suspend<void>(() => () => {
          throw new Error('hook');
        });
      expect((yield* select({ one: bad(), event: event.wait(), two: bad() })).key).toBe('event');
      yield* sleep(5);
      expect(hub.outside).toBe(0);
    });
    expect((await takeReports()).map(({ error }) => String(error))).toEqual(['Error: hook', 'Error: hook']);
  });
});

describe('a promise in a select', () => {
  it('happens when it is settled', async () => {
    await run(function* () {
      const later = <T>(ms: number, value: T) => new Promise<T>((resolve) => void setTimeout(resolve, ms, value));
      expect(yield* select({ none: never(), reply: until(later(2, 'reply')) })).toEqual({
        key: 'reply',
        value: 'reply',
      });
      expect(yield* select({ reply: until(Promise.resolve('now')), limit: sleep(1000) })).toEqual({
        key: 'reply',
        value: 'now',
      });
      expect(yield* outcome(() => select({ none: never(), reply: until(Promise.reject(new Error('no'))) }))).toBe(
        'Error: no',
      );
      expect([hub.stats().timers, hub.outside]).toEqual([0, 0]);
    });
  });

  it('that loses has its signal aborted, its late result dropped and its late rejection handled', async () => {
    await run(function* () {
      const signals: AbortSignal[] = [];
      const reply = (settle: (resolve: (value: string) => void, reject: (error: Error) => void) => void) =>
        until((signal) => {
          signals.push(signal);
          return new Promise<string>(settle);
        });
      const { key } = yield* select({
        late: reply((resolve) => void setTimeout(resolve, 5, 'late')),
        bad: reply((_, reject) => void setTimeout(reject, 5, new Error('late'))),
        nap: sleep(1),
      });
      expect([key, signals.map(({ aborted }) => aborted), hub.outside]).toEqual(['nap', [true, true], 0]);
      yield* sleep(10);
      const winner = yield* select({ won: reply((resolve) => void setTimeout(resolve, 1, 'won')), limit: sleep(1000) });
      expect([winner.value, signals[2]!.aborted]).toEqual(['won', false]);
    });
  });

  it('several: the first that is settled', async () => {
    await run(function* () {
      const settled: ((value: string) => void)[] = [];
      const promises = [0, 1, 2].map(() => new Promise<string>((resolve) => void settled.push(resolve)));
      const chooser = spawn(() => select({ a: until(promises[0]!), b: until(promises[1]!), c: until(promises[2]!) }));
      yield* sleep(1);
      settled[2]!('c');
      settled[0]!('a');
      settled[1]!('b');
      expect(yield* chooser).toEqual({ key: 'c', value: 'c' });
      expect(hub.outside).toBe(0);
    });
  });

  it('and an event in one turn of the loop: the one that came first', async () => {
    await run(function* () {
      const event = new Event();
      let settle = (_: string) => {};
      const promise = new Promise<string>((resolve) => {
        settle = resolve;
      });
      const chooser = spawn(() => select({ reply: until(promise), event: event.wait() }));
      yield* sleep(1);
      settle('reply');
      event.set(); // the promise calls back in a microtask, later
      expect(yield* chooser).toEqual({ key: 'event', value: true });
    });
  });

  it('that is rejected although another case was ready at once does not end the process', async () => {
    const { lines, stderr, exit } = await runProgram(`
      import { Queue, run, select, sleep, until } from 'genlet';
      await run(function* () {
        const queue = new Queue(null, [1]);
        const reply = new Promise((_, reject) => setTimeout(reject, 5, new Error('late')));
        console.log((yield* select({ item: queue.get(), reply: until(reply) })).key);
        yield* sleep(20);
        console.log('alive');
      });`);
    expect([lines, stderr, exit]).toEqual([['item', 'alive'], '', 0]);
  });

  it('that is rejected does not end the process either if the select throws before it is its turn', async () => {
    const { lines, stderr, exit } = await runProgram(`
      import { Event, getcurrent, Queue, run, select, sleep, spawn, suspend, until } from 'genlet';
      const reply = () => until(Promise.reject(new Error('late')));
      const failing = {
        poll: () => select({ item: new Queue().get({ timeout: 0 }), reply: reply() }),
        greenlet: () => select({ bad: spawn(() => { throw new Error('task'); }), none: new Event().wait(), reply: reply() }),
        register: () => select({ bad: suspend(() => { throw new Error('register'); }), reply: reply() }),
        kill: () => {
          getcurrent().kill();
          return select({ none: new Event().wait(), reply: reply() });
        },
      };
      await run(function* () {
        for (const [name, operation] of Object.entries(failing)) {
          for (let round = 0; round < 5; round++) yield* spawn(operation).join();
          console.log(name);
        }
        yield* sleep(5);
      });`);
    expect([lines, exit]).toEqual([['poll', 'greenlet', 'register', 'kill'], 0]);
    expect(stderr).not.toContain('late');
  });

  it('is killed and wakes up in one turn of the loop', async () => {
    await run(function* () {
      for (const killFirst of [true, false]) {
        let settle = (_: string) => {};
        const promise = new Promise<string>((resolve) => {
          settle = resolve;
        });
        const chooser = spawn(() => select({ reply: until(promise), none: never() }));
        yield* sleep(1);
        if (killFirst) chooser.kill();
        settle('reply');
        if (!killFirst) chooser.kill();
        yield* chooser.join();
        expect([isExit(chooser.value), hub.outside]).toEqual([true, 0]);
      }
    });
  });
});

describe('a tokens limiter in a select', () => {
  it('gives its tokens to the case, or to those behind it when it is taken back', () =>
    virtually(function* () {
      const limiter = new RateLimiter(1, 10);
      limiter.acquireNowait();
      expect(yield* select({ token: limiter.acquire(), limit: sleep(5) })).toEqual({ key: 'limit', value: undefined });
      expect([limiter.statistics(), hub.stats().timers]).toEqual([{ available: 0, waiting: 0 }, 0]);
      expect(yield* select({ token: limiter.acquire(), none: never() })).toEqual({ key: 'token', value: true });
      expect(hub.now()).toBe(10);
      const event = new Event();
      const chooser = spawn(select, { token: limiter.acquire(), event: event.wait() });
      const other = spawn(() => limiter.acquire());
      yield* sleep(5);
      event.set();
      expect([(yield* chooser).key, yield* other, hub.now()]).toEqual(['event', true, 20]);
      expect(hub.stats().timers).toBe(0);
    }));
});

describe('what is no case', () => {
  const text =
    'give an operation that waits once, such as queue.get(), sleep(100) or until(promise), or a greenlet or future';

  it('is refused at the call, by its name', async () => {
    const coroutineCall = (function* named(): Coroutine<void> {})();
    const pool = new Pool(1);
    const refused: Record<string, unknown> = {
      undefined: undefined,
      null: null,
      5: 5,
      "'text'": 'text',
      'a function': () => sleep(1),
      'a coroutine call': coroutineCall,
      withTimeout: withTimeout(5, () => sleep(1)),
      taskGroup: taskGroup(() => {}),
      shield: shield(() => {}),
      wait: wait([]),
      joinall: joinall([]),
      'pool.spawn': pool.spawn(() => {}),
      'condition.wait': new Condition().wait(),
      'another select': select({ nap: sleep(1) }),
      switch: new RawGreenlet(() => {}).switch(),
      'a raw greenlet': new RawGreenlet(() => {}),
      'a promise': Promise.resolve(),
      'a queue': new Queue(),
      'a lock': new Lock(),
      'an iterable': [1],
    };
    for (const [name, operation] of Object.entries(refused)) {
      const error = thrownBy(() => select({ nap: sleep(1), [name]: operation } as never)) as Error;
      expect([name, error]).toEqual([name, expect.any(TypeError)]);
      expect(error.message.startsWith(`case ${name} is `)).toBe(true);
      expect(error.message.endsWith(`: ${text}`)).toBe(true);
    }
  });

  it('is refused as a whole: no cases, or no object', () => {
    for (const nothing of [undefined, null, 5, 'text', () => {}, [sleep(1)], []]) {
      const error = thrownBy(() => select(nothing as never)) as Error;
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^cases is .*: give an object of operations, such as \{ item: queue\.get\(\) \}$/);
    }
    expect(thrownBy(() => select({}))).toEqual(new RangeError('select() got no cases: it would block for ever'));
    expect(thrownBy(() => select(new Map([['nap', sleep(1)]]) as never))).toBeInstanceOf(Error);
  });

  it('is named as what it is, if it is an operation', () => {
    const inner = select({ item: new Queue().get(), nap: sleep(5) });
    expect(() => select({ inner })).toThrow(
      `case inner is select({ item: Queue.get(), nap: sleep(5) }): give an operation that waits once`,
    );
  });

  it('is a write to a socket, for it may be done in parts', async () => {
    await withPair(function* (client) {
      const error = thrownBy(() => select({ sent: client.sendall('text') as never })) as Error;
      expect(error.message).toMatch(/^case sent is Socket\.sendall\(\) to .*: give an operation that waits once/);
      yield* sleep(0);
    });
  });
});

describe('the misuse of select', () => {
  it('is reported, and leaves no trace', () =>
    virtually(function* () {
      const [event, full] = [new Event(), new Queue(null, [1, 2])];
      const uses: Record<string, (operation: Iterable<any>) => unknown> = {
        spread: (operation) => [...operation],
        destructuring: (operation) => {
          const [one] = operation;
          return one;
        },
        'for...of': (operation) => {
          for (const step of operation) return step;
          return undefined;
        },
        'Array.from': (operation) => Array.from(operation),
      };
      for (const [name, use] of Object.entries(uses)) {
        for (const cases of [
          { event: event.wait(), nap: sleep(5) },
          { item: full.get(), event: event.wait() },
        ]) {
          const error = thrownBy(() => use(select(cases) as never)) as Error;
          expect([name, error]).toEqual([name, expect.any(TypeError)]);
          expect(error.message).toMatch(/^select\(\{ .* \}\) was iterated by something other than yield\*/);
        }
      }
      expect([event.statistics().waiting, full.qsize(), hub.stats().timers]).toEqual([0, 2, 0]);
      yield* sleep(1);
    }));

  it('says which cases it has, though they do not wait', async () => {
    const operation = select({ item: new Queue().get(), nap: sleep(5) }) as unknown as Iterable<unknown>;
    const perform = () =>
      thrownBy(() => (operation[Symbol.iterator]() as Iterator<unknown, unknown, undefined>).next(undefined));
    const errors: unknown[] = [perform()];
    hub.callSoon(() => errors.push(perform()));
    await nextTurn();
    expect(errors).toEqual([expect.any(NotInGreenletError), expect.any(BlockingSwitchOutError)]);
    for (const error of errors) {
      expect((error as Error).message).toMatch(/^select\(\{ item: Queue\.get\(\), nap: sleep\(5\) \}\) /);
    }
  });

  it('a second time is refused, and spoils nothing', () =>
    virtually(function* () {
      const [event, queue] = [new Event(), new Queue<number>()];
      const operation = select({ event: event.wait(), item: queue.get(), nap: sleep(1) });
      expect((yield* operation).key).toBe('nap');
      const second = spawn(() => outcome(() => operation));
      yield* sleep(10);
      expect(second.value).toMatch(
        /^InvalidStateError: select\(\{ .*nap: sleep\(1\).* \}\) was performed already: call select\(\) again$/,
      );
      yield* sleep(10);
      expect([event.statistics().waiting, queue.statistics().getters, hub.stats().timers]).toEqual([0, 0, 0]);
      queue.putNowait(1);
      const ready = select({ item: queue.get() });
      expect((yield* ready).value).toBe(1);
      const again = spawn(() => outcome(() => ready));
      yield* sleep(1);
      queue.putNowait(2);
      yield* again.join();
    }));

  it('is none in development mode: cases that were not tried count as performed', async () => {
    const { stderr, exit } = await runProgram(
      `import { Event, Queue, run, select, sleep, suspend, until } from 'genlet';
      await run(function* () {
        const [one, two] = [new Queue(null, [1, 2, 3, 4]), new Queue(null, [1, 2, 3, 4])];
        for (let i = 0; i < 4; i++) {
          yield* select({ one: one.get(), two: two.get(), nap: sleep(5), up: new Event().wait(), turn: sleep(0) });
          yield* select({ up: new Event().wait(), nap: sleep(1) });
          yield* select({ spot: suspend((resume) => void resume()), nap: sleep(1) });
          yield* select({ nap: sleep(1), reply: until(Promise.resolve()) });
        }
      });`,
      { env: { GENLET_DEV: '1' } },
    );
    expect([stderr, exit]).toEqual(['', 0]);
  });

  it('is one in development mode: a select that is not performed', async () => {
    const { stderr } = await runProgram(
      `import { Event, run, select } from 'genlet';
      await run(function* main() {
        select({ up: new Event().wait() });
      });`,
      { env: { GENLET_DEV: '1' } },
    );
    expect(stderr).toMatch(/Select was made and never performed: write yield\* before the call/i);
    expect(stderr.match(/never performed/g)).toHaveLength(1); // its cases are not the programmer's mistake
  });
});

describe('a select that can never go on', () => {
  it('is reported with all that it waits for', async () => {
    const lock = new Lock();
    let blocked: Greenlet<boolean> | undefined;
    const main = function* (): Coroutine<void> {
      yield* lock.acquire();
      yield* select({
        item: new Queue().get(),
        lock: lock.acquire(),
        peek: new SimpleQueue().peek(),
        put: new Channel().put(1),
        event: new Event().wait(),
        other: (blocked = spawn(never)),
      });
    };
    const error = (await virtually(main).catch((caught) => caught)) as LoopExit;
    blocked!.kill();
    expect(error).toBeInstanceOf(LoopExit);
    const [waitsFor, other] = error.blocked.map((one) => one.waitsFor);
    expect(other).toBe('Event.wait()');
    // in the order in which they were tried
    const cases = waitsFor!.match(/^select\(\{ (.*) \}\)$/)![1]!.split(/, (?=\w+: )/);
    expect([...cases].sort()).toEqual([
      'event: Event.wait()',
      'item: Queue.get()',
      'lock: Lock.acquire(), held by <main main>',
      expect.stringMatching(/^other: Greenlet-\d+\.get\(\)$/),
      'peek: SimpleQueue.peek()',
      'put: Channel.put()',
    ]);
  });

  it('throws LoopExit out of the select, and takes the cases back', async () => {
    const [queue, event] = [new Queue<number>(), new Event()];
    let caught: unknown;
    await virtually(function* () {
      try {
        yield* select({ item: queue.get(), event: event.wait() });
      } catch (error) {
        caught = error;
      }
    });
    expect([caught, queue.statistics().getters, event.statistics().waiting]).toEqual([expect.any(LoopExit), 0, 0]);
  });
});

describe('a loop of ready selects', () => {
  it.each([
    ['one case', (queue: Queue<number>) => ({ item: queue.peek() })],
    ['several', (queue: Queue<number>) => ({ item: queue.peek(), put: queue.put(1), none: never(), nap: sleep(5) })],
    ['a poll', (queue: Queue<number>) => ({ up: new Event().wait(0), item: queue.peek() })],
  ] as const)('lets others have their turns: %s', (_, cases) =>
    virtually(function* () {
      const queue = new Queue(null, [1]);
      let [turns, over] = [0, false];
      const other = spawn(function* () {
        while (!over) {
          turns++;
          yield* sleep(0);
        }
      });
      for (let round = 0; round < 5000; round++) yield* select(cases(queue));
      over = true;
      expect(turns).toBeGreaterThan(10);
      yield* other;
    }),
  );

  it.each([
    ['a poll', () => new Queue<number>().get({ block: false })],
    ['a greenlet that has failed', (failed: Greenlet<never>) => failed],
    ['a channel that is shut down', (_: Greenlet<never>, closed: Channel<number>) => closed.put(1)],
  ] as const)('lets others have their turns if it fails each time: %s', (_, operation) =>
    virtually(function* () {
      const failed = spawn(() => {
        throw new Error('failed');
      });
      yield* outcome(() => failed);
      const closed = new Channel<number>();
      closed.shutdown();
      let [turns, over] = [0, false];
      const other = spawn(function* () {
        while (!over) {
          turns++;
          yield* sleep(0);
        }
      });
      let errors = 0;
      for (let round = 0; round < 5000; round++) {
        try {
          yield* select({ none: never(), bad: operation(failed, closed) });
        } catch {
          errors++;
        }
      }
      over = true;
      expect([errors, turns > 10]).toEqual([5000, true]);
      yield* other;
    }),
  );

  it('lets I/O and timers have their turns in real time', async () => {
    await run(function* () {
      const queue = new Queue(null, [1]);
      let late = false;
      hub.callLater(1, () => {
        late = true;
      });
      const end = performance.now() + 5000;
      while (!late && performance.now() < end) yield* select({ item: queue.peek(), none: never() });
      expect(late).toBe(true);
    });
  });

  it('loses no item at the end of a slice, even if the kill comes there', () =>
    virtually(function* () {
      const queue = new Queue(
        null,
        Array.from({ length: 3000 }, (_, item) => item),
      );
      const taken: number[] = [];
      const chooser = spawn(function* () {
        for (;;) {
          const { key, value } = yield* select({ item: queue.get(), other: queue.get() });
          taken.push(value);
          if (key === undefined) return;
        }
      });
      const killer = spawn(function* () {
        for (let turn = 0; turn < 5; turn++) yield* sleep(0);
        chooser.kill();
      });
      yield* joinall([chooser, killer]);
      expect([taken.length + queue.qsize(), taken.length > 0]).toEqual([3000, true]);
      expect(taken).toEqual(taken.map((_, index) => index));
    }));

  it('gives each case its value, whichever operation the slice ends at', () =>
    virtually(function* () {
      const [up, queue] = [new Event(), new Queue<number>()];
      up.set();
      for (let before = 0; before < 300; before++) {
        queue.putNowait(before);
        for (let i = 0; i < before; i++) yield* up.wait();
        const [one, other] = [new Queue<number>(), new Queue<number>()];
        const waiting = spawn(select, { one: one.get(), other: other.get({ timeout: 50 }) });
        expect(yield* select({ item: queue.get(), none: never() })).toEqual({ key: 'item', value: before });
        yield* sleep(0);
        other.putNowait(before);
        expect(yield* waiting).toEqual({ key: 'other', value: before });
      }
    }));
});

describe('the program of a select', () => {
  it.each(Array.from({ length: 25 }, (_, number) => number))(
    'keeps the books: what is put is taken once, whoever is killed or late: seed %i',
    (number) =>
      virtually(function* () {
        const next = random(number);
        hub.random = () => next(2 ** 30) / 2 ** 30;
        const channels = [new Channel<number>(), new Channel<number>()];
        const queues = [new Queue<number>(1), new SimpleQueue<number>(2)];
        const stores = [...channels, ...queues];
        const lock = new RLock();
        const [given, taken] = [new Set<number>(), new Set<number>()];
        let [items, inside] = [0, 0];
        const act = function* (): Coroutine<void> {
          for (let left = 12; left > 0; left--) {
            const cases: Record<string, Operation<any>> = { limit: sleep(next(4)) };
            const item = ++items;
            for (let index = next(4); index >= 0; index--) {
              const store = stores[next(stores.length)]!;
              const options = next(4) === 0 ? { timeout: next(3) } : {};
              cases[`get${index}`] = store.get(options);
              if (next(2) === 0) cases[`put${index}`] = store.put(item, options);
            }
            if (next(4) === 0) cases.hold = lock.hold();
            try {
              const { key, value } = yield* select(cases);
              if (key.startsWith('put')) given.add(item);
              else if (key.startsWith('get')) {
                expect(taken.has(value)).toBe(false);
                taken.add(value);
              } else if (key === 'hold') {
                using _ = value;
                expect(++inside).toBe(1);
                try {
                  yield* sleep(next(2));
                } finally {
                  inside--;
                }
              }
            } catch (error) {
              if (!(error instanceof QueueEmpty || error instanceof QueueFull || error instanceof Timeout)) throw error;
            }
          }
        };
        const actors = Array.from({ length: 24 }, () => spawn(() => withTimeout(30, act, { value: undefined })));
        const killer = spawn(function* () {
          for (let left = 8; left > 0; left--) {
            yield* sleep(next(4));
            actors[next(actors.length)]!.kill();
          }
        });
        yield* joinall([...actors, killer], { raiseError: true });
        for (const queue of queues) while (!queue.empty()) taken.add(queue.getNowait());
        expect([...taken].sort()).toEqual([...given].sort());
        for (const channel of channels) expect(channel.statistics()).toEqual({ getters: 0, putters: 0 });
        for (const queue of queues) expect(queue.statistics()).toMatchObject({ getters: 0, putters: 0 });
        expect([lock.locked(), hub.stats().timers]).toEqual([false, 0]);
      }),
  );
});

describe('sockets in a select', () => {
  watchResources();

  it('recv happens when data comes, and loses none when something else happens', () =>
    withPair(function* (client, server) {
      const first = spawn(() => select({ data: server.recv(), limit: sleep(5000) }));
      yield* untilBlocked(first);
      yield* client.sendall('one');
      expect(String((yield* first).value)).toBe('one');
      expect(hub.stats().timers).toBe(0);
      expect((yield* select({ data: server.recv(), nap: sleep(1) })).key).toBe('nap');
      yield* client.sendall('two\nrest');
      const { key, value } = yield* select({ line: server.readline(), limit: sleep(5000) });
      expect([key, value]).toEqual(['line', 'two']);
      expect(String((yield* select({ data: server.recvExactly(4) })).value)).toBe('rest');
    }));

  it('the first of two sockets with data is chosen, and the other keeps its own', () =>
    withPair(function* (client, server) {
      const both = spawn(() => select({ client: client.recv(), server: server.recv() }));
      yield* untilBlocked(both);
      yield* client.sendall('to the server');
      const { key, value } = yield* both;
      expect([key, String(value)]).toEqual(['server', 'to the server']);
      yield* server.sendall('to the client');
      expect(String(yield* client.recv())).toBe('to the client');
    }));

  it('a read that is killed in a select leaves the socket to others', () =>
    withPair(function* (client, server) {
      const victim = spawn(() => select({ line: server.readline(), none: never() }));
      yield* untilBlocked(victim);
      yield* client.sendall('half a ');
      yield* sleep(5);
      yield* victim.kill();
      expect(hub.outside).toBe(0);
      yield* client.sendall('line\n');
      expect(yield* server.readline()).toBe('half a line');
    }));

  it('the same socket twice is refused when it is performed, and the other cases are taken back', () =>
    withPair(function* (_, server) {
      const queue = new Queue<number>();
      const error = yield* outcome(() => select({ one: server.recv(), item: queue.get(), two: server.recv() }));
      expect(error).toMatch(
        /^ConcurrentObjectUseError: <main> can't perform Socket\.recv\(\) from .*: <main> is blocked there already, in /,
      );
      expect([queue.statistics().getters, hub.outside]).toEqual([0, 0]);
    }));

  it('a time limit of a read throws out of the select', () =>
    withPair(function* (_, server) {
      const error = yield* outcome(() => select({ data: server.recv(1024, { timeout: 5 }), none: never() }));
      expect(error).toMatch(/^Timeout: Socket\.recv\(\) from .* timed out after 5 ms$/);
      expect(hub.outside).toBe(0);
    }));

  it('the end of the stream and a reset are what the read makes of them', () =>
    withPair(function* (client, server) {
      client.close();
      expect((yield* select({ data: server.recv(), limit: sleep(5000) })).value).toHaveLength(0);
      expect(yield* outcome(() => select({ data: server.recvExactly(5), limit: sleep(5000) }))).toMatch(
        /^IncompleteReadError: /,
      );
    }));

  it('accept and connect meet; an accept that loses takes no connection', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      expect((yield* select({ peer: listener.accept(), nap: sleep(1) })).key).toBe('nap');
      const connecting = spawn(() => select({ client: createConnection(listener.address), limit: sleep(5000) }));
      const accepted = yield* select({ peer: listener.accept(), limit: sleep(5000) });
      const connected = yield* connecting;
      expect([accepted.key, connected.key]).toEqual(['peer', 'client']);
      if (accepted.key === 'peer') accepted.value.abort();
      if (connected.key === 'client') connected.value.abort();
    }));

  it('a connect that loses is given up', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const busy = blockLookups(); // so that the connect takes long
      const connect = createConnection(['localhost', listener.address.port]);
      expect((yield* select({ client: connect, nap: sleep(1) })).key).toBe('nap');
      expect(hub.outside).toBe(0);
      yield* until(busy);
      expect((yield* select({ peer: listener.accept(), nap: sleep(20) })).key).toBe('nap');
    }));

  it('an error of the system is thrown out of the select', () =>
    run(function* () {
      const listener = yield* listen('127.0.0.1:0');
      const { address } = listener;
      listener.close();
      expect(
        yield* outcome(function* () {
          return (yield* select({ client: createConnection(address), none: never() })).key;
        }),
      ).toMatch(/ECONNREFUSED/);
      expect(hub.outside).toBe(0);
    }));
});

it('Selected names what a select gives', () => {
  const given: Selected<{ item: Operation<number>; nap: Operation<void> }> = { key: 'item', value: 5 };
  expect(given.key).toBe('item');
});
