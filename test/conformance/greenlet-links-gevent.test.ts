/** gevent's test__greenlet, the classes about links. */
import { AsyncResult, Channel, type Greenlet, GreenletExit, Queue, sleep, spawn, Timeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { virtually, watchHub } from '../support/hub.ts';
import { outcomeOf } from './gevent-waits.ts';

const { takeReports } = watchHub();

const error = new Error('expected');
const fail = () => {
  throw error;
};
/** A greenlet that fails; its error counts as taken. */
const spawnFailing = (): Greenlet<never> => {
  const greenlet = spawn(fail);
  greenlet.linkException(() => {});
  return greenlet;
};

describe('a link', () => {
  it('stores the value in an AsyncResult, also when the greenlet has ended', () =>
    virtually(function* () {
      const greenlet = spawn(() => 100);
      for (let i = 0; i < 4; i++) {
        const result = new AsyncResult<number>();
        greenlet.link(result);
        expect(result.ready()).toBe(false);
        expect(yield* result.get()).toBe(100);
      }
    }));

  it('stores the very error in an AsyncResult, also when the greenlet has ended', () =>
    virtually(function* () {
      const greenlet = spawn(fail);
      for (let i = 0; i < 4; i++) {
        const result = new AsyncResult<never>();
        greenlet.link(result);
        const outcome = yield* outcomeOf(() => result.get());
        expect((outcome as { error: unknown }).error).toBe(error);
      }
    }));

  it('puts the greenlet into a queue, also when it has ended', () =>
    virtually(function* () {
      const greenlet = spawn(() => 100);
      const queue = new Queue<{ greenlet: Greenlet<number> }>();
      for (let i = 0; i < 4; i++) {
        greenlet.link((ended) => queue.put({ greenlet: ended }));
        const got = yield* queue.get();
        expect([got.greenlet === greenlet, yield* got.greenlet.get(), queue.empty()]).toEqual([true, 100, true]);
      }
    }));

  it('puts greenlets into a channel, and waits there until somebody takes them', () =>
    virtually(function* () {
      const greenlets = [101, 102, 103].map((n) => spawn(() => n));
      const channel = new Channel<{ greenlet: Greenlet<number> }>();
      for (const each of greenlets) each.link((ended) => channel.put({ greenlet: ended }));
      const values: number[] = [];
      for (let i = 0; i < 3; i++) values.push(yield* (yield* channel.get()).greenlet.get());
      expect(values).toEqual([101, 102, 103]);
    }));
});

describe.each(['link', 'linkValue', 'linkException', 'rawlink'] as const)('unlink of what %s added', (method) => {
  it.each([
    ['returns', () => 1],
    ['fails', fail],
  ])('leaves nothing to be called when the greenlet %s', async (how, fn) => {
    const log: string[] = [];
    const first = () => void log.push('first');
    const second = () => void log.push('second');
    await virtually(function* () {
      const greenlet = spawn(fn);
      greenlet[method](first);
      greenlet.unlink(first);
      greenlet[method](second);
      greenlet.unlink(second);
      greenlet.unlink(second); // not there any more: nothing happens
      yield* greenlet.join();
      yield* sleep(10);
      expect([greenlet.dead, log]).toEqual([true, []]);
    });
    expect((await takeReports()).length).toBe(how === 'fails' ? 1 : 0); // nor has it taken the error
  });

  it('takes back one of several, and no other', () =>
    virtually(function* () {
      const log: string[] = [];
      const [first, second] = ['first', 'second'].map((name) => () => void log.push(name)) as [() => void, () => void];
      const greenlet = method === 'linkException' ? spawnFailing() : spawn(() => 1);
      greenlet[method](first);
      greenlet[method](second);
      greenlet.unlink(first);
      yield* outcomeOf(() => greenlet.get());
      yield* sleep(0);
      expect(log).toEqual(['second']);
    }));
});

/** What the links of one greenlet did: a callback and a queue, ten more of each, and what must not happen. */
function watch<T>(greenlet: Greenlet<T>, method: 'link' | 'linkValue' | 'linkException') {
  const seen: boolean[] = [];
  const queue = new Queue<{ greenlet: Greenlet<T> }>(1);
  greenlet[method]((ended) => queue.put({ greenlet: ended }));
  greenlet[method]((ended) => seen.push(ended === greenlet));
  for (let i = 0; i < 10; i++) {
    const others = new Queue<{ greenlet: Greenlet<T> }>(1);
    greenlet[method]((ended) => others.put({ greenlet: ended }));
  }
  return { seen, queue };
}

/** As `watch`, with an `AsyncResult` as the target. */
function settle<T>(greenlet: Greenlet<T>, method: 'link' | 'linkValue' | 'linkException'): AsyncResult<T> {
  const result = new AsyncResult<T>();
  greenlet[method](result);
  for (let i = 0; i < 10; i++) greenlet[method](new AsyncResult<T>());
  return result;
}

const tooLate = { error: expect.any(Timeout) };

describe.each(['link', 'linkValue'] as const)('%s of a greenlet that succeeds', (method) => {
  it('is called once each time, before and after it returns; linkException is not', () =>
    virtually(function* () {
      const greenlet = spawn(() => 25);
      for (let i = 0; i < 3; i++) {
        const { seen, queue } = watch(greenlet, method);
        const never = watch(greenlet, 'linkException');
        yield* sleep(20);
        expect([greenlet.dead, seen]).toEqual([true, [true]]);
        expect(yield* (yield* queue.get()).greenlet.get()).toBe(25);
        yield* sleep(10);
        expect([seen, queue.empty(), never.seen, never.queue.qsize()]).toEqual([[true], true, [], 0]);
      }
    }));

  it('is called once each time, before and after it is killed; linkException is not', () =>
    virtually(function* () {
      const greenlet = spawn(() => sleep(10));
      yield* sleep(0);
      for (let i = 0; i < 3; i++) {
        const { seen, queue } = watch(greenlet, method);
        const never = watch(greenlet, 'linkException');
        yield* greenlet.kill();
        yield* sleep(10);
        expect([greenlet.dead, seen]).toEqual([true, [true]]);
        expect(yield* (yield* queue.get()).greenlet.get()).toBeInstanceOf(GreenletExit);
        yield* sleep(10);
        expect([seen, queue.empty(), never.seen, never.queue.qsize()]).toEqual([[true], true, [], 0]);
      }
    }));

  it('stores the value in an AsyncResult; linkException stores nothing', () =>
    virtually(function* () {
      const greenlet = spawn(() => 25);
      for (let i = 0; i < 3; i++) {
        const result = settle(greenlet, method);
        const never = settle(greenlet, 'linkException');
        expect(yield* result.get()).toBe(25);
        expect([yield* outcomeOf(() => never.get({ timeout: 10 })), never.ready()]).toEqual([tooLate, false]);
      }
    }));

  it('stores the exit in an AsyncResult if it is killed; linkException stores nothing', () =>
    virtually(function* () {
      const greenlet = spawn(() => sleep(10));
      yield* sleep(0);
      for (let i = 0; i < 3; i++) {
        const result = settle(greenlet, method);
        const never = settle(greenlet, 'linkException');
        yield* greenlet.kill();
        expect(yield* result.get()).toBe(greenlet.value);
        expect(result.value).toBeInstanceOf(GreenletExit);
        expect([yield* outcomeOf(() => never.get({ timeout: 10 })), never.ready()]).toEqual([tooLate, false]);
      }
    }));
});

describe.each(['link', 'linkException'] as const)('%s of a greenlet that fails', (method) => {
  it('is called once each time, before and after its end; linkValue is not', () =>
    virtually(function* () {
      const greenlet = spawn(fail);
      for (let i = 0; i < 3; i++) {
        const { seen, queue } = watch(greenlet, method);
        const never = watch(greenlet, 'linkValue');
        yield* sleep(10);
        expect([greenlet.dead, seen]).toEqual([true, [true]]);
        const got = yield* queue.get();
        expect([got.greenlet === greenlet, yield* outcomeOf(() => got.greenlet.get())]).toEqual([true, { error }]);
        yield* sleep(10);
        expect([seen, queue.empty(), never.seen, never.queue.qsize()]).toEqual([[true], true, [], 0]);
      }
    }));

  it('stores the error in an AsyncResult; linkValue stores nothing', () =>
    virtually(function* () {
      const greenlet = spawn(fail);
      for (let i = 0; i < 3; i++) {
        const result = settle(greenlet, method);
        const never = settle(greenlet, 'linkValue');
        const outcome = yield* outcomeOf(() => result.get());
        expect((outcome as { error: unknown }).error).toBe(error);
        expect([yield* outcomeOf(() => never.get({ timeout: 10 })), never.ready()]).toEqual([tooLate, false]);
      }
    }));
});

describe('an AsyncResult as a link', () => {
  it('can be taken back, and another one be linked', () =>
    virtually(function* () {
      const greenlet = spawn(() => 1);
      const [first, second, third] = [new AsyncResult(), new AsyncResult(), new AsyncResult()];
      greenlet.link(first);
      expect(yield* first.get()).toBe(1);
      greenlet.unlink(first); // served and gone: nothing happens
      greenlet.link(second);
      greenlet.unlink(second);
      greenlet.link(third);
      expect(yield* third.get()).toBe(1);
      expect(second.ready()).toBe(false);
    }));

  it('keeps what it has; the error that it does not store is reported', async () => {
    const result = new AsyncResult<number>();
    await virtually(function* () {
      const [first, second] = [spawn(() => 1), spawn(() => 2)];
      const failed = spawn(fail);
      for (const greenlet of [first, second, failed]) greenlet.link(result);
      expect(yield* result.get()).toBe(1);
      yield* sleep(1);
      expect([result.value, second.dead, failed.dead]).toEqual([1, true, true]);
    });
    expect((await takeReports()).map((report) => report.error === error)).toEqual([true]);
  });
});

describe('listeners that throw', () => {
  it.each([
    ['returns', () => 5],
    ['fails', fail],
  ])('are all called, in order, when the greenlet %s, and their errors are reported', async (_, fn) => {
    const log: number[] = [];
    const errors = [1, 2, 3].map((n) => new Error(`listener ${n}`));
    await virtually(function* () {
      const greenlet = spawn(fn);
      for (const [index, each] of errors.entries()) {
        greenlet.link(() => {
          log.push(index);
          throw each;
        });
      }
      yield* sleep(100);
      expect(log).toEqual([0, 1, 2]);
    });
    expect((await takeReports()).map(({ error }) => error)).toEqual(errors);
  });

  it.each([
    [
      'link of a greenlet',
      'greenlet',
      () => {
        const greenlet = spawn(() => 5);
        return { link: greenlet.link.bind(greenlet), unlink: greenlet.unlink.bind(greenlet) };
      },
    ],
    [
      'rawlink of a greenlet',
      'hub callback',
      () => {
        const greenlet = spawn(() => 5);
        return { link: greenlet.rawlink.bind(greenlet), unlink: greenlet.unlink.bind(greenlet) };
      },
    ],
    [
      'rawlink of an AsyncResult',
      'hub callback',
      () => {
        const result = new AsyncResult<number>();
        spawn(() => result.set(6));
        return { link: result.rawlink.bind(result), unlink: result.unlink.bind(result) };
      },
    ],
  ])('may take each other back while they are being called: %s', async (_, context, make) => {
    const log: number[] = [];
    await virtually(function* () {
      const { link, unlink } = make();
      const one = () => {
        unlink(other);
        log.push(1);
        throw new Error('one');
      };
      const other = () => {
        unlink(one);
        log.push(2);
        throw new Error('other');
      };
      link(one);
      link(other);
      link(() => {
        throw new Error('third');
      });
      yield* sleep(100);
      expect(log).toEqual([1]);
    });
    expect((await takeReports()).map(({ error, context }) => [String(error), context])).toEqual([
      ['Error: one', context],
      ['Error: third', context],
    ]);
  });
});
