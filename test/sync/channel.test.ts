import {
  BlockingSwitchOutError,
  Channel,
  type Coroutine,
  getcurrent,
  iwait,
  joinall,
  LoopExit,
  NotInGreenletError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  run,
  shield,
  sleep,
  spawn,
  spawnNow,
  Timeout,
  wait,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, nextTurn, virtually, watchHub } from '../support/hub.ts';
import { random } from '../support/random.ts';

const { takeReports } = watchHub();

const nobody = { getters: 0, putters: 0 };

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

/** Spawns a greenlet for each item, which puts it and notes that it was taken. */
function putters(channel: Channel<string>, items: string[], log: unknown[]) {
  return items.map((item) =>
    spawn(function* () {
      yield* channel.put(item);
      log.push(`${item} is taken`);
    }),
  );
}

/** Spawns a greenlet for each name, which gets an item and notes it. */
function getters(channel: Channel<string>, names: string[], log: unknown[]) {
  return names.map((name) =>
    spawn(function* () {
      log.push(`${name} got ${yield* channel.get()}`);
    }),
  );
}

describe('Channel', () => {
  it('has no room, and says so', () => {
    const channel = new Channel();
    expect([channel.qsize(), channel.empty(), channel.full(), channel.ready(), channel.balance]).toEqual([
      0,
      true,
      true,
      false,
      0,
    ]);
    expect(channel.statistics()).toEqual(nobody);
  });

  it('has a put return only when its item is taken', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const [putter] = putters(channel, ['item'], log);
      yield* sleep(10);
      expect([log, putter!.dead]).toEqual([[], false]);
      log.push(yield* channel.get());
      yield* putter!.join();
      expect([log, hub.now()]).toEqual([['item', 'item is taken'], 10]);
    }));

  it('has a put return at once, after the getter, if somebody waits', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const [getter] = getters(channel, ['Ann'], log);
      yield* sleep(10);
      yield* channel.put('item');
      log.push('put');
      expect([log, getter!.dead, hub.now()]).toEqual([['Ann got item', 'put'], true, 10]);
    }));

  it.each([0, 1])('has a putter and a getter take turns, whoever begins: %i', (first) =>
    virtually(function* () {
      const channel = new Channel<number>();
      const log: string[] = [];
      const ends = [
        function* () {
          for (let item = 1; item <= 3; item++) {
            yield* channel.put(item);
            log.push(`put ${item}`);
          }
        },
        function* () {
          for (let item = 1; item <= 3; item++) log.push(`got ${yield* channel.get()}`);
        },
      ];
      yield* joinall([spawn(ends[first]!), spawn(ends[1 - first]!)]);
      // neither is ever more than one item ahead of the other
      for (let end = 1; end <= log.length; end++) {
        const lines = log.slice(0, end);
        const ahead = lines.filter((line) => line.startsWith('put')).length * 2 - lines.length;
        expect(Math.abs(ahead)).toBeLessThanOrEqual(1);
      }
      expect([...log].sort()).toEqual(['got 1', 'got 2', 'got 3', 'put 1', 'put 2', 'put 3']);
    }),
  );

  it('gives way to the getter in each put of a loop: nobody is handed two items before his turn', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const got: unknown[] = [];
      const consumer = (name: string) =>
        spawn(function* () {
          for (;;) got.push(name, yield* channel.get());
        });
      const consumers = [consumer('a'), consumer('b')];
      yield* sleep(0);
      for (let item = 1; item <= 4; item++) {
        yield* channel.put(item);
        expect(got.at(-1)).toBe(item);
      }
      for (const one of consumers) yield* one.kill();
      expect(got).toEqual(['a', 1, 'b', 2, 'a', 3, 'b', 4]);
    }));

  it('serves putters in the order of their calls', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const waiting = putters(channel, ['a', 'b', 'c'], log);
      yield* sleep(0);
      expect([channel.statistics(), channel.balance, channel.ready()]).toEqual([{ getters: 0, putters: 3 }, 3, true]);
      log.push(yield* channel.get(), yield* channel.get(), channel.getNowait());
      yield* joinall(waiting);
      expect(log).toEqual(['a', 'b', 'c', 'a is taken', 'b is taken', 'c is taken']);
    }));

  it('serves getters in the order of their calls', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const waiting = getters(channel, ['Ann', 'Bob', 'Cat'], log);
      yield* sleep(0);
      expect([channel.statistics(), channel.balance, channel.ready()]).toEqual([{ getters: 3, putters: 0 }, -3, false]);
      channel.putNowait('1');
      channel.putNowait('2');
      yield* channel.put('3');
      log.push('put');
      yield* joinall(waiting);
      expect(log).toEqual(['Ann got 1', 'Bob got 2', 'Cat got 3', 'put']);
    }));

  it('keeps the order if putters and getters come mixed', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const all = [
        ...getters(channel, ['Ann'], log),
        ...putters(channel, ['1', '2', '3'], log),
        ...getters(channel, ['Bob', 'Cat'], log),
      ];
      yield* joinall(all);
      expect(log.filter((line) => String(line).includes('got')).sort()).toEqual([
        'Ann got 1',
        'Bob got 2',
        'Cat got 3',
      ]);
      expect(channel.statistics()).toEqual(nobody);
    }));

  it('hands over any value, undefined and thenables among them, as it is', () =>
    virtually(function* () {
      const channel = new Channel<unknown>();
      const items = [undefined, null, Number.NaN, Promise.resolve(1), new Error('an item'), sleep(5)];
      const putting = spawn(function* () {
        for (const item of items) yield* channel.put(item);
      });
      const got: unknown[] = [];
      for (const _ of items) got.push(yield* channel.get());
      yield* putting;
      expect([hub.now(), got.map((item, index) => Object.is(item, items[index]))]).toEqual([0, items.map(() => true)]);
    }));

  it('lets a chain of channels pass items on without growing the stack', () =>
    virtually(function* () {
      const first = new Channel<number>();
      let last = first;
      const links = Array.from({ length: 5000 }, () => {
        const [source, target] = [last, new Channel<number>()];
        last = target;
        return spawn(function* () {
          yield* target.put((yield* source.get()) + 1);
        });
      });
      spawn(() => first.put(0));
      expect(yield* last.get()).toBe(5000);
      yield* joinall(links);
    }));

  it('works in a child that runs on top of its parent', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const waiting = getters(channel, ['Ann'], log);
      yield* sleep(0);
      const child = spawnNow(function* () {
        yield* channel.put('item');
        log.push('put');
      });
      log.push('parent');
      yield* joinall([...waiting, child]);
      expect(log).toEqual(['parent', 'Ann got item', 'put']);
    }));

  it('does not starve others by a loop of calls that never block', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      let turns = 0;
      const other = spawn(function* () {
        for (;;) {
          turns++;
          yield* sleep(0);
        }
      });
      const feeders = Array.from({ length: 3000 }, (_, item) => spawn(() => channel.put(item)));
      yield* sleep(0);
      for (let item = 0; item < 3000; item++) expect(yield* channel.get()).toBe(item);
      expect(turns).toBeGreaterThan(5);
      other.kill();
      yield* joinall(feeders);
    }));

  it('is named in the report of a program that can never go on', async () => {
    const failing = (main: (channel: Channel<number>) => Iterable<any>) =>
      virtually(() => main(new Channel<number>()) as Coroutine<unknown>).then(
        () => 'no error',
        (error) => (error instanceof LoopExit ? error.blocked.map(({ waitsFor }) => waitsFor) : error),
      );
    class Pipe extends Channel<number> {}
    expect([
      await failing((channel) => channel.get()),
      await failing((channel) => channel.put(1)),
      await failing(() => new Pipe().get()),
    ]).toEqual([['Channel.get()'], ['Channel.put()'], ['Pipe.get()']]);
  });
});

describe('a time limit of a channel', () => {
  it('throws QueueEmpty or QueueFull when time is up, and leaves nobody behind', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      expect(thrownBy(() => channel.getNowait())).toBeInstanceOf(QueueEmpty);
      expect(yield* outcome(() => channel.get({ timeout: 20 }))).toBe(
        'QueueEmpty: Channel.get(): no item within 20 ms',
      );
      expect(hub.now()).toBe(20);
      expect(yield* outcome(() => channel.put(1, { timeout: 30 }))).toBe(
        'QueueFull: Channel.put(): nobody took the item within 30 ms',
      );
      expect([hub.now(), channel.statistics(), hub.stats().timers]).toEqual([50, nobody, 0]);
    }));

  it('of 0, and block: false, do not wait', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const log: unknown[] = [];
      spawn(() => log.push('other'));
      for (const options of [{ timeout: 0 }, { block: false }, { block: false, timeout: 50 }]) {
        log.push(yield* outcome(() => channel.get(options)), yield* outcome(() => channel.put(1, options)));
      }
      const pair = [
        'QueueEmpty: Channel.get(): nobody waits to put an item',
        'QueueFull: Channel.put(): nobody waits for an item',
      ];
      expect(log).toEqual([...pair, ...pair, ...pair]);
      yield* sleep(0);
    }));

  it('of 0 is no obstacle where the other side waits', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const putter = spawn(() => channel.put(1));
      yield* sleep(0);
      expect(yield* channel.get({ timeout: 0 })).toBe(1);
      const getter = spawn(() => channel.get());
      yield* sleep(0);
      yield* channel.put(2, { block: false });
      expect([putter.dead, yield* getter]).toEqual([true, 2]);
    }));

  it.each([undefined, null])('may be %s: none', (timeout) =>
    virtually(function* () {
      const channel = new Channel<number>();
      hub.callLater(100, () => channel.putNowait(5));
      expect(yield* channel.get({ timeout } as never)).toBe(5);
      const putter = spawn(() => channel.put(6, { timeout } as never));
      yield* sleep(100);
      expect(channel.getNowait()).toBe(6);
      yield* putter;
    }),
  );

  it('is checked at the call', () => {
    const channel = new Channel<number>();
    const wrong = 'timeout is -1: give milliseconds, 0 or more';
    expect(() => channel.get({ timeout: -1 })).toThrow(new RangeError(wrong));
    expect(() => channel.put(1, { timeout: -1 })).toThrow(new RangeError(wrong));
    expect(() => channel.get({ timeout: Number.NaN })).toThrow(RangeError);
    expect(() => channel.put(1, { timeout: Number.NaN, block: false })).toThrow(RangeError);
    expect(() => channel.get(5 as never)).toThrow(TypeError);
    expect(() => channel.put(1, null as never)).toThrow(TypeError);
  });

  it('is lazy: a call that is not performed does nothing', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      channel.get();
      channel.put(1);
      yield* sleep(1);
      expect(channel.statistics()).toEqual(nobody);
    }));

  it('that is up between the hand-over and the turn of the greenlet changes nothing', async () => {
    // in real time: the greenlets get their turns only when their limits are long over
    await run(function* () {
      const channel = new Channel<string>();
      const burn = () => {
        for (const end = performance.now() + 30; performance.now() < end; );
      };
      const getter = spawn(() => channel.get({ timeout: 10 }));
      yield* sleep(0);
      spawn(burn);
      channel.putNowait('first');
      expect(yield* getter).toBe('first');
      const putter = spawn(() => channel.put('second', { timeout: 10 }));
      yield* sleep(0);
      spawn(burn);
      expect(channel.getNowait()).toBe('second');
      yield* putter;
      expect([channel.statistics(), hub.stats().timers]).toEqual([nobody, 0]);
    });
  });

  it('that ends in the millisecond of the hand-over, before it, leaves the item with the other', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const getter = spawn(() => outcome(() => channel.get({ timeout: 10 })));
      const putting: unknown[] = [];
      yield* sleep(0);
      hub.callLater(10, () => putting.push(thrownBy(() => channel.putNowait(2))));
      expect(yield* getter).toBe('QueueEmpty: Channel.get(): no item within 10 ms');
      yield* sleep(0);
      expect([putting, hub.now()]).toEqual([[expect.any(QueueFull)], 10]);
    }));

  it('leaves no timer when the item comes in time', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const getter = spawn(() => channel.get({ timeout: 1000 }));
      const putter = spawn(() => channel.put(1, { timeout: 1000 }));
      yield* joinall([getter, putter]);
      expect([getter.value, hub.now(), hub.stats().timers]).toEqual([1, 0, 0]);
    }));
});

describe('a kill in a channel', () => {
  it.each([0, 1, 2])('takes the putter at place %i out of the line, and no other', (place) =>
    virtually(function* () {
      const channel = new Channel<string>();
      const items = ['a', 'b', 'c'];
      const waiting = putters(channel, items, []);
      yield* sleep(0);
      yield* waiting[place]!.kill();
      expect(channel.statistics()).toEqual({ getters: 0, putters: 2 });
      const got = [yield* channel.get(), yield* channel.get()];
      expect(got).toEqual(items.filter((_, index) => index !== place));
      expect([channel.statistics(), yield* outcome(() => channel.get({ block: false }))]).toEqual([
        nobody,
        'QueueEmpty: Channel.get(): nobody waits to put an item',
      ]);
    }),
  );

  it.each([0, 1, 2])('takes the getter at place %i out of the line, and no other', (place) =>
    virtually(function* () {
      const channel = new Channel<string>();
      const names = ['Ann', 'Bob', 'Cat'];
      const log: unknown[] = [];
      const waiting = getters(channel, names, log);
      yield* sleep(0);
      yield* waiting[place]!.kill();
      expect(channel.statistics()).toEqual({ getters: 2, putters: 0 });
      yield* channel.put('1');
      yield* channel.put('2');
      const left = names.filter((_, index) => index !== place);
      expect(log).toEqual([`${left[0]} got 1`, `${left[1]} got 2`]);
    }),
  );

  it('cancels a time limit with the wait', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const waiting = [spawn(() => channel.get({ timeout: 50 })), spawn(() => channel.get())];
      yield* sleep(1);
      expect(hub.stats().timers).toBe(1);
      yield* waiting[0]!.kill();
      expect([hub.stats().timers, channel.statistics()]).toEqual([0, { getters: 1, putters: 0 }]);
      channel.putNowait(1);
      expect(yield* waiting[1]!).toBe(1);
      const putter = spawn(() => channel.put(1, { timeout: 50 }));
      yield* sleep(1);
      yield* putter.kill();
      expect([hub.stats().timers, channel.statistics()]).toEqual([0, nobody]);
    }));

  it('that comes after the hand-over finds the getter with its item', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const getter = spawn(function* () {
        const item = yield* channel.get();
        log.push(`got ${item}`);
        yield* sleep(0);
        log.push('never');
      });
      yield* sleep(0);
      channel.putNowait('item');
      yield* getter.kill();
      expect([log, channel.statistics()]).toEqual([['got item'], nobody]);
    }));

  it('that comes after the hand-over finds the putter told of it', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const putter = spawn(function* () {
        yield* channel.put('item');
        log.push('is taken');
        yield* sleep(0);
        log.push('never');
      });
      yield* sleep(0);
      log.push(channel.getNowait());
      yield* putter.kill();
      expect(log).toEqual(['item', 'is taken']);
    }));

  it('that comes before the hand-over of the same pass leaves the item with the putter', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const [first, second] = [spawn(() => channel.get()), spawn(() => channel.get())];
      yield* sleep(0);
      first.kill();
      yield* channel.put('item');
      expect([first.successful(), first.value === 'item', yield* second]).toEqual([true, false, 'item']);
      const putter = spawn(() => channel.put('lost'));
      yield* sleep(0);
      putter.kill();
      expect(thrownBy(() => channel.getNowait())).toBeInstanceOf(QueueEmpty);
      yield* putter.join();
    }));

  it('reaches a putter that has handed its item over and gives way, at its next suspension', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const getter = spawn(function* () {
        log.push(yield* channel.get());
        putter.kill();
      });
      const putter = spawn(function* () {
        yield* channel.put('item');
        log.push('put');
        yield* sleep(0);
        log.push('never');
      });
      yield* joinall([getter, putter]);
      expect(log).toEqual(['item', 'put']);
    }));

  it('lets the finally block of a putter use the channel again', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const putter = spawn(function* () {
        try {
          yield* channel.put('first');
        } finally {
          yield* channel.put('last words');
        }
      });
      yield* sleep(0);
      putter.kill();
      yield* sleep(0);
      expect([yield* channel.get(), channel.statistics()]).toEqual(['last words', nobody]);
      yield* putter.join();
    }));

  it('waits while the call is shielded', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const getter = spawn(function* () {
        yield* shield(function* () {
          log.push(yield* channel.get());
        });
        log.push('never');
      });
      yield* sleep(0);
      getter.kill();
      yield* sleep(10);
      yield* channel.put('item');
      yield* getter.join();
      expect(log).toEqual(['item']);
    }));

  it('by a Timeout passes through by identity', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      for (const call of [() => channel.get({ timeout: 50 }), () => channel.put(1), () => channel.get()]) {
        using limit = Timeout.startNew(5);
        let caught: unknown;
        try {
          yield* call() as Coroutine<unknown>;
        } catch (error) {
          caught = error;
        }
        expect(caught).toBe(limit);
      }
      expect([channel.statistics(), hub.stats().timers, hub.now()]).toEqual([nobody, 0, 15]);
      expect(yield* withTimeout(5, () => channel.put(1), { value: 'late' })).toBe('late');
    }));

  it('of thousands in any order takes time in proportion to their number', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      const next = random(1);
      const waiting = Array.from({ length: 20_000 }, () => spawn(() => channel.get()));
      yield* sleep(0);
      for (let left = waiting.length; left > 0; left--) {
        const at = next(left);
        const victim = waiting[at]!;
        waiting[at] = waiting[left - 1]!;
        waiting[left - 1] = victim;
        victim.kill();
      }
      expect(channel.statistics()).toEqual(nobody);
      yield* joinall(waiting);
    }));
});

describe('putNowait and getNowait', () => {
  it('serve those who wait, from callbacks and from ordinary code', async () => {
    const channel = new Channel<string>();
    hub.callLater(1, () => channel.putNowait('callback'));
    expect(await run(() => channel.get())).toBe('callback');
    const getting = run(() => channel.get());
    await nextTurn();
    channel.putNowait('ordinary');
    expect(await getting).toBe('ordinary');
    const putting = run(() => channel.put('item'));
    await nextTurn();
    expect([channel.getNowait(), await putting]).toEqual(['item', undefined]);
    let got: unknown;
    hub.callLater(1, () => {
      got = channel.getNowait();
    });
    await run(() => channel.put('last'));
    expect(got).toBe('last');
  });

  it('throw where nobody waits, and say so', () => {
    const channel = new Channel<string>();
    expect(() => channel.putNowait('item')).toThrow(new QueueFull('Channel.putNowait(): nobody waits for an item'));
    expect(() => channel.getNowait()).toThrow(new QueueEmpty('Channel.getNowait(): nobody waits to put an item'));
  });

  it('hand over one item for each who waits, and run nobody', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const waiting = getters(channel, ['Ann', 'Bob'], log);
      yield* sleep(0);
      channel.putNowait('1');
      channel.putNowait('2');
      expect([thrownBy(() => channel.putNowait('3')), log]).toEqual([expect.any(QueueFull), []]);
      yield* joinall(waiting);
      expect(log).toEqual(['Ann got 1', 'Bob got 2']);
    }));
});

describe('the blocking calls of a channel', () => {
  it('say what is wrong in a callback and in ordinary code', async () => {
    const channel = new Channel<number>();
    const perform = (operation: Iterable<unknown>) =>
      thrownBy(() => (operation[Symbol.iterator]() as Iterator<unknown, unknown, undefined>).next(undefined));
    const errors: unknown[] = [];
    hub.callSoon(() => errors.push(perform(channel.get() as never), perform(channel.put(1) as never)));
    await nextTurn();
    errors.push(perform(channel.get() as never), perform(channel.put(1) as never));
    expect(errors).toEqual([
      expect.any(BlockingSwitchOutError),
      expect.any(BlockingSwitchOutError),
      expect.any(NotInGreenletError),
      expect.any(NotInGreenletError),
    ]);
    expect(errors.map((error) => (error as Error).message.split(' ', 1)[0])).toEqual([
      'Channel.get()',
      'Channel.put()',
      'Channel.get()',
      'Channel.put()',
    ]);
    expect(channel.statistics()).toEqual(nobody);
  });

  it('refuse to be iterated, and leave nobody in the line', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      for (const operation of [channel.get(), channel.put(1), channel.get({ timeout: 5 })] as Iterable<any>[]) {
        const error = thrownBy(() => [...operation]) as Error;
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toMatch(/write yield\* Channel\.(get|put)\(\)$/);
      }
      expect([channel.statistics(), hub.stats().timers]).toEqual([nobody, 0]);
      yield* sleep(0);
    }));
});

describe('shutdown of a channel', () => {
  it('throws QueueShutDown into all who wait, getters and putters', () =>
    virtually(function* () {
      for (const call of ['get', 'put'] as const) {
        const channel = new Channel<number>();
        const waiting = [undefined, 50, undefined].map((timeout) =>
          spawn(() =>
            outcome(() => (call === 'get' ? channel.get({ timeout } as never) : channel.put(1, { timeout } as never))),
          ),
        );
        yield* sleep(1);
        channel.shutdown();
        expect([channel.statistics(), waiting.some((one) => one.dead)]).toEqual([nobody, false]);
        yield* joinall(waiting);
        const text = `QueueShutDown: Channel.${call}(): the channel was shut down`;
        expect(waiting.map(({ value }) => value)).toEqual([text, text, text]);
        expect(hub.stats().timers).toBe(0);
      }
    }));

  it('throws into whoever comes later, at once, and may be called again', () =>
    virtually(function* () {
      const channel = new Channel<number>();
      channel.shutdown();
      channel.shutdown();
      const text = (call: string) => `QueueShutDown: Channel.${call}(): the channel was shut down`;
      expect([
        yield* outcome(() => channel.get()),
        yield* outcome(() => channel.get({ timeout: 0 })),
        yield* outcome(() => channel.put(1)),
        yield* outcome(() => channel.put(1, { timeout: 5 })),
      ]).toEqual([text('get'), text('get'), text('put'), text('put')]);
      expect([thrownBy(() => channel.getNowait()), thrownBy(() => channel.putNowait(1))]).toEqual([
        expect.any(QueueShutDown),
        expect.any(QueueShutDown),
      ]);
      expect([hub.now(), channel.ready(), channel.statistics()]).toEqual([0, true, nobody]);
    }));

  it('leaves items alone that were handed over before', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const getter = spawn(() => channel.get());
      yield* sleep(0);
      channel.putNowait('item');
      channel.shutdown();
      expect(yield* getter).toBe('item');
    }));

  it('finds a putter whose item was taken before done', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const putter = spawn(() => outcome(() => channel.put('item')));
      yield* sleep(0);
      expect(channel.getNowait()).toBe('item');
      channel.shutdown();
      expect(yield* putter).toBe(undefined);
    }));

  it('and a kill in one pass: the first of them arrives', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const getter = spawn(function* () {
        try {
          yield* channel.get();
        } catch (error) {
          log.push((error as Error).name);
          throw error;
        }
      });
      yield* sleep(0);
      getter.kill();
      channel.shutdown();
      yield* getter.join();
      expect([log, getter.successful()]).toEqual([['GreenletExit'], true]);
    }));

  it('gives each its own error, with a stack that shows where it waited', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const errors: unknown[] = [];
      const waiter = function* (): Coroutine<void> {
        try {
          yield* channel.get();
        } catch (error) {
          errors.push(error);
        }
      };
      const waiting = [spawn(waiter), spawn(waiter)];
      yield* sleep(0);
      channel.shutdown();
      yield* joinall(waiting);
      expect(errors).toHaveLength(2);
      expect(errors[0]).not.toBe(errors[1]);
    }));
});

describe('a link to a channel', () => {
  it('fires once, in a pass of its own, when somebody waits to put, and takes nothing', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      channel.rawlink((source) => log.push(source === channel));
      const waiting = putters(channel, ['a', 'b'], log);
      yield* sleep(0);
      expect(channel.balance).toBe(2);
      yield* sleep(0);
      log.push(channel.getNowait(), channel.getNowait());
      yield* joinall(waiting);
      expect(log).toEqual([true, 'a', 'b', 'a is taken', 'b is taken']);
    }));

  it('fires in the next pass if somebody waits already, and for a shutdown', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const [putter] = putters(channel, ['a'], []);
      yield* sleep(0);
      channel.rawlink(() => log.push('link'));
      log.push('linked');
      yield* sleep(0);
      channel.getNowait();
      yield* putter!.join();
      channel.rawlink(() => log.push('closed'));
      yield* sleep(5);
      log.push('shut down');
      channel.shutdown();
      channel.rawlink(() => log.push('closed already'));
      yield* sleep(0);
      expect(log).toEqual(['linked', 'link', 'shut down', 'closed', 'closed already']);
    }));

  it('stays for the next time if the putter is gone when its turn comes', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const getter = spawn(function* () {
        yield* sleep(0);
        log.push(channel.getNowait());
      });
      channel.rawlink(() => log.push('link'));
      const [putter] = putters(channel, ['a'], []);
      yield* joinall([getter, putter!]);
      yield* sleep(5);
      expect(log).toEqual(['a']);
      const [next] = putters(channel, ['b'], []);
      yield* sleep(5);
      log.push(channel.getNowait());
      expect(log).toEqual(['a', 'link', 'b']);
      yield* next!.join();
    }));

  it('fires for a shutdown', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      channel.rawlink(() => log.push('link'));
      yield* sleep(5);
      channel.shutdown();
      log.push('shut down');
      yield* sleep(0);
      expect(log).toEqual(['shut down', 'link']);
    }));

  it('does not fire for a put that finds a getter', () =>
    virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const link = () => void log.push('link');
      channel.rawlink(link);
      const [getter] = getters(channel, ['Ann'], log);
      yield* sleep(0);
      yield* channel.put('item');
      yield* sleep(1);
      expect([log, getter!.dead]).toEqual([['Ann got item'], true]);
      channel.unlink(link);
      const [putter] = putters(channel, ['a'], []);
      yield* sleep(1);
      expect(log).toEqual(['Ann got item']);
      yield* putter!.kill();
    }));

  it('must be a function', () => {
    expect(() => new Channel().rawlink(5 as never)).toThrow(TypeError);
  });

  it('makes channels work with wait() and iwait()', () =>
    virtually(function* () {
      const channels = [new Channel<number>(), new Channel<number>(), new Channel<number>()];
      const [one, two, three] = channels as [Channel<number>, Channel<number>, Channel<number>];
      const putter = spawn(() => two.put(2));
      yield* sleep(0);
      const late = spawn(function* () {
        yield* sleep(10);
        yield* one.put(1);
      });
      expect(yield* wait(channels, { count: 2 })).toEqual([two, one]);
      expect(yield* wait([three], { timeout: 5 })).toEqual([]);
      using ready = iwait([three, two]);
      expect((yield* ready.next()).value).toBe(two);
      expect([two.getNowait(), one.getNowait()]).toEqual([2, 1]);
      yield* joinall([putter, late]);
    }));

  it('that fails is reported, and stops nobody', async () => {
    await virtually(function* () {
      const channel = new Channel<string>();
      const log: unknown[] = [];
      const failure = new Error('link');
      channel.rawlink(() => {
        throw failure;
      });
      channel.rawlink(() => log.push('other link'));
      const [putter] = putters(channel, ['a'], log);
      yield* sleep(1);
      expect(log).toEqual(['other link']);
      log.push(channel.getNowait());
      yield* putter!.join();
    });
    expect((await takeReports()).map(({ error }) => String(error))).toEqual(['Error: link']);
  });
});

describe('a channel among many', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'loses and doubles nothing, whoever is killed or runs out of time: seed %i',
    (seed) =>
      virtually(function* () {
        const next = random(seed);
        const channel = new Channel<number>();
        const given = new Set<number>();
        const taken: number[] = [];
        let items = 0;
        const act = function* (): Coroutine<void> {
          for (let left = 10; left > 0; left--) {
            const options = [{}, { timeout: next(4) }][next(2)]!;
            try {
              if (next(2) === 0) {
                const item = ++items;
                yield* channel.put(item, options);
                given.add(item);
              } else taken.push(yield* channel.get(options));
              if (next(3) === 0) yield* sleep(next(3));
            } catch (error) {
              if (!(error instanceof QueueEmpty || error instanceof QueueFull)) throw error;
            }
          }
        };
        const actors = Array.from({ length: 20 }, () => spawn(act));
        const killer = spawn(function* () {
          for (let left = 10; left > 0; left--) {
            yield* sleep(next(3));
            actors[next(actors.length)]!.kill();
          }
        });
        yield* sleep(100);
        yield* killer.join();
        const { getters: gets, putters: puts } = channel.statistics();
        expect(Math.min(gets, puts)).toBe(0);
        for (const actor of actors) yield* actor.kill();
        expect(channel.statistics()).toEqual(nobody);
        expect([...taken].sort((one, other) => one - other)).toEqual([...given].sort((one, other) => one - other));
        expect(getcurrent()?.dead).toBe(false);
      }),
  );
});
