import {
  all,
  BlockingSwitchOutError,
  type Coroutine,
  coroutine,
  Greenlet,
  getcurrent,
  idle,
  joinall,
  NotInGreenletError,
  type Operation,
  RawGreenlet,
  shield,
  sleep,
  spawn,
  suspend,
  Timeout,
  until,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, untilIdle, virtually, watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();

/** One of each kind that blocks, and its name in messages. */
const blocking: [string, () => Operation<unknown>][] = [
  ['sleep(5)', () => sleep(5)],
  ['sleep(0)', () => sleep()],
  ['idle()', () => idle()],
  ['worker.join()', () => worker().join()],
  ['worker.get()', () => worker().get()],
  ['worker.get()', () => worker()],
  ['joinall(1 greenlets)', () => joinall([worker()])],
  ['until(promise)', () => until(new Promise(() => {}))],
  ['suspend(register)', () => suspend(function register() {})],
  ['hub.join()', () => hub.join()],
];

function worker(): Greenlet<void> {
  const greenlet = spawn(sleep, 1);
  greenlet.name = 'worker';
  return greenlet;
}

const misuses: [string, (operation: any) => unknown][] = [
  ['spread', (operation) => [...operation]],
  [
    'for...of',
    (operation) => {
      for (const _ of operation);
    },
  ],
  [
    'for...of with break',
    (operation) => {
      for (const _ of operation) break;
    },
  ],
  [
    'destructuring',
    (operation) => {
      const [_] = operation;
    },
  ],
  ['Array.from', (operation) => Array.from(operation)],
];

describe.each(misuses)('%s over an operation', (_, misuse) => {
  it.each(blocking)('throws a TypeError that names it: %s', async (name, make) => {
    await virtually(function* () {
      let caught: unknown;
      try {
        misuse(make());
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(TypeError);
      expect(String(caught)).toContain(`write yield* ${name}`);
      // the greenlet is usable afterwards, and the wait is undone
      yield* sleep(3);
      expect(hub.stats()).toMatchObject({ alive: 1, timers: 0, ready: 0 });
    });
  });

  it('is caught where the coroutine ends with it', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* () {
        misuse(sleep(5));
      });
      yield* greenlet.join();
      expect(String(greenlet.exception)).toContain('write yield* sleep(5)');
      expect(hub.stats().timers).toBe(0);
    });
    await takeReports();
  });

  it('is caught inside a spawnNow child and a coroutine() frame, too', async () => {
    await virtually(function* () {
      const inFrame = coroutine(function* () {
        misuse(sleep(5));
      });
      let caught: unknown;
      try {
        yield* inFrame();
      } catch (error) {
        caught = error;
      }
      expect(String(caught)).toContain('write yield* sleep(5)');
      yield* sleep(0);
    });
  });

  it.each<[string, () => Operation<unknown>]>([
    ['joinall()', () => joinall([])],
    ['greenlet.get()', () => new Greenlet(() => {})],
  ])('throws also where the result is there already: %s', async (_, make) => {
    await virtually(function* () {
      const operation = make();
      if (operation instanceof Greenlet) yield* operation.start().join();
      expect(() => misuse(operation)).toThrow(TypeError);
      yield* sleep(0);
    });
  });
});

it('throws over a composed operation or a coroutine() call, and ends what that began', async () => {
  const marked = coroutine(function* () {
    yield* sleep(5);
  });
  await virtually(function* () {
    for (const make of [
      () => all([sleep(5)]),
      () => withTimeout(9, () => sleep(5)),
      () => shield(() => sleep(5)),
      marked,
    ]) {
      expect(() => [...make()]).toThrow(TypeError);
      yield* sleep(1);
      expect(hub.stats()).toMatchObject({ alive: 1, timers: 0 });
    }
  });
});

describe('a coroutine that yields', () => {
  it.each<[string, () => unknown, string]>([
    ['a number', () => 5, 'yielded 5: a coroutine suspends by yield*'],
    ['nothing', () => undefined, 'yielded undefined: a coroutine suspends by yield*'],
    ['a promise', () => Promise.resolve(), 'write yield* until(promise)'],
    ['an operation without a star', () => sleep(10), 'write yield* sleep(10), with a star'],
    ['a generator', () => (function* () {})(), 'write yield* before the call, with a star'],
    ['a greenlet', () => spawn(() => {}), 'write yield* greenlet, with a star'],
  ])('%s gets a TypeError that says what to write, and its finally runs', async (_, make, message) => {
    const events: unknown[] = [];
    await virtually(function* () {
      const greenlet = spawn(function* (): Generator<any, void, any> {
        try {
          yield make();
        } catch (error) {
          events.push(error instanceof TypeError && error.message);
          throw error;
        } finally {
          yield* sleep(1);
          events.push('finally');
        }
      });
      yield* greenlet.join();
      expect(greenlet.exception).toBeInstanceOf(TypeError);
    });
    expect(events).toEqual([expect.stringContaining(message), 'finally']);
    await takeReports();
  });

  it('may catch it and go on', async () => {
    await virtually(function* () {
      const greenlet = spawn(function* (): Generator<any, string, any> {
        try {
          yield 5;
        } catch {}
        yield* sleep(1);
        return 'went on';
      });
      expect(yield* greenlet).toBe('went on');
    });
  });
});

describe('an operation outside a greenlet', () => {
  it.each([...blocking, ['a coroutine', () => all([])], ['RawGreenlet-', () => new RawGreenlet(() => {}).switch()]] as [
    string,
    () => Operation<unknown>,
  ][])('throws NotInGreenletError: %s', async (_, make) => {
    expect(() => make()[Symbol.iterator]().next()).toThrow(NotInGreenletError);
    await untilIdle();
  });

  it('says where to put it', () => {
    expect(() => [...(sleep(5) as any)]).toThrow(
      'sleep(5) was performed outside a greenlet: put it into a coroutine given to run() or spawn()',
    );
    expect(() => new Timeout(5).start()).toThrow(NotInGreenletError);
    expect(() =>
      (function* () {
        yield* sleep(1);
      })().next(),
    ).toThrow(NotInGreenletError);
  });
});

it('throws BlockingSwitchOutError in a hub callback, whatever would block there', async () => {
  await virtually(function* () {
    for (const [, make] of blocking) {
      const operation = make();
      hub.callSoon(() => void operation[Symbol.iterator]().next());
    }
    const ended = spawn(() => {});
    ended.rawlink(() => void sleep(5)[Symbol.iterator]().next());
    yield* sleep(5);
  });
  const errors = (await takeReports()).map(({ error }) => error);
  expect(errors).toHaveLength(blocking.length + 1);
  for (const error of errors) expect(error).toBeInstanceOf(BlockingSwitchOutError);
  expect(String(errors[0])).toContain('sleep(5) would block a hub callback: spawn a greenlet there');
});

describe('a loop of operations that are ready', () => {
  it('lets others run every so often', async () => {
    await virtually(function* () {
      const done = spawn(() => 1);
      yield* done;
      let others = 0;
      const other = spawn(function* () {
        for (;;) {
          others++;
          yield* sleep(0);
        }
      });
      for (let i = 0; i < 10_000; i++) expect(yield* done).toBe(1);
      expect(others).toBeGreaterThan(10);
      yield* other.kill();
    });
  });

  it('can be killed there', async () => {
    await virtually(function* () {
      const done = spawn(() => 1);
      yield* done;
      const busy = spawn(function* (): Coroutine<void> {
        for (;;) yield* done;
      });
      yield* sleep(0);
      yield* busy.kill();
      const suicidal = spawn(function* (): Coroutine<void> {
        (getcurrent() as Greenlet).kill();
        for (;;) yield* done;
      });
      yield* suicidal.join();
    });
  });

  it('visits no scheduler for a few', async () => {
    await virtually(function* () {
      const done = spawn(() => 1);
      yield* done;
      yield* sleep(0);
      const { switches } = hub.stats();
      for (let i = 0; i < 20; i++) yield* done;
      expect(hub.stats().switches).toBe(switches);
    });
  });
});
