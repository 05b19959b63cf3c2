/** gevent's test__event: events and results. */
import { AsyncResult, Event, idle, sleep, spawn, spawnLater, Timeout, type Waitable, wait, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';
import { itReturnsWhenTimeIsUp, itThrowsWhenTimeIsUp, outcomeOf } from './gevent-waits.ts';

watchHub();

const tooLate = { error: expect.any(Timeout) };

describe('Event.wait', () => {
  itReturnsWhenTimeIsUp((timeout) => new Event().wait(timeout), false);
});

describe('wait for an Event', () => {
  itReturnsWhenTimeIsUp((timeout = 0) => wait([new Event()], { timeout }), []);

  it('takes an event that was cleared again for not ready, also in a waiter that its set() woke', () =>
    virtually(function* () {
      yield* spawn(function* () {
        const event = new Event();
        const setter = spawn(() => event.set());
        expect([yield* event.wait(), event.ready()]).toEqual([true, true]);
        yield* setter.join();
        event.clear();
        expect(event.ready()).toBe(false);
        const ready = yield* wait([event], { timeout: 10 });
        expect([ready.includes(event), event.ready(), hub.now()]).toEqual([false, false, 10]);
      });
    }));

  it('gives an event that is set, time and again', () =>
    virtually(function* () {
      const event = new Event();
      event.set();
      for (let i = 0; i < 2; i++) expect((yield* wait([event]))[0] === event).toBe(true);
      expect(hub.now()).toBe(0);
    }));
});

describe('an Event', () => {
  it.each([1, 100, 1000])('that is set and cleared at once wakes all of %i waiters', (count) =>
    virtually(function* () {
      const event = new Event();
      const waiters = Array.from({ length: count }, () => spawn(() => event.wait()));
      yield* sleep(1);
      event.set();
      event.clear();
      for (const waiter of waiters) expect(yield* waiter.get()).toBe(true);
      expect([event.isSet(), hub.now()]).toEqual([false, 1]);
    }),
  );

  it('lets nobody pass those whom it has woken, except who never has to wait', () =>
    virtually(function* () {
      const event = new Event();
      const log: string[] = [];
      const waitAndNote = function* (name: string) {
        yield* event.wait();
        log.push(name);
      };
      const waiters = [spawn(waitAndNote, 'first'), spawn(waitAndNote, 'second')];
      yield* idle();
      expect(event.statistics()).toEqual({ waiting: 2 });
      hub.callLater(0, () => log.push('timer'));
      event.set();
      const late = spawn(waitAndNote, 'late');
      yield* waitAndNote('setter'); // it is set: no switch
      yield* wait([...waiters, late]);
      expect(log).toEqual(['setter', 'first', 'second', 'late']); // all in one pass, before any timer
      yield* sleep(1);
    }));
});

describe('AsyncResult.wait', () => {
  itReturnsWhenTimeIsUp((timeout) => new AsyncResult().wait(timeout), undefined);
});

describe('wait for an AsyncResult', () => {
  itReturnsWhenTimeIsUp((timeout = 0) => wait([new AsyncResult()], { timeout }), []);
});

describe('AsyncResult.get', () => {
  itThrowsWhenTimeIsUp((timeout) => new AsyncResult().get({ timeout: timeout ?? null }));
});

describe('an AsyncResult', () => {
  it('is linked to functions only, and takes back what was never there', () => {
    const result = new AsyncResult();
    expect(() => result.rawlink(null as never)).toThrow(TypeError);
    result.unlink(null as never);
    result.unlink(() => {});
    expect(String(result)).toContain('AsyncResult');
  });

  it('has no error at first, and throws the very one that was set', () =>
    virtually(function* () {
      const result = new AsyncResult();
      const error = new Error('mine');
      expect([result.exception, result.ready(), result.successful()]).toEqual([undefined, false, false]);
      const log: unknown[] = [];
      const waiter = spawn(function* () {
        const outcome = yield* outcomeOf(() => result.get());
        log.push((outcome as { error: unknown }).error);
      });
      yield* sleep(0);
      result.setException(error);
      expect(log).toEqual([]);
      yield* waiter.join();
      expect([log[0] === error, result.exception === error]).toEqual([true, true]);
      expect([result.ready(), result.successful()]).toEqual([true, false]);
    }));

  it('lets the error of an earlier timeout through', () =>
    virtually(function* () {
      const result = new AsyncResult<string>();
      const error = new Error('interrupted');
      const setter = spawnLater(120, () => result.set('hello'));
      using _limit = Timeout.startNew(0, error);
      const outcome = yield* outcomeOf(() => result.get());
      expect([(outcome as { error: unknown }).error === error, hub.now(), result.ready()]).toEqual([true, 0, false]);
      expect([yield* result.get(), hub.now()]).toEqual(['hello', 120]);
      yield* setter;
    }));

  it('gives nothing within the time limit if nobody sets it', () =>
    virtually(function* () {
      const result = new AsyncResult();
      const value = Symbol('nothing');
      expect(yield* withTimeout(120, () => result.get(), { value })).toBe(value);
      expect([hub.now(), result.statistics()]).toEqual([120, { waiting: 0 }]);
    }));

  it('throws a Timeout at once where it is not to wait', () =>
    virtually(function* () {
      const result = new AsyncResult();
      expect(yield* outcomeOf(() => result.get({ block: false }))).toEqual(tooLate);
      expect(() => result.getNowait()).toThrow(expect.any(Timeout));
      expect(hub.now()).toBe(0);
    }));

  it('is settled by link and linkValue of a greenlet that returns, not by linkException', () =>
    virtually(function* () {
      const greenlet = spawn(() => 1);
      const [always, value, exception] = [new AsyncResult(), new AsyncResult(), new AsyncResult()];
      greenlet.link(always);
      greenlet.linkValue(value);
      greenlet.linkException(exception);
      expect([yield* always.get(), yield* value.get()]).toEqual([1, 1]);
      expect(yield* outcomeOf(() => exception.get({ timeout: 120 }))).toEqual(tooLate);
    }));

  it('is settled by link and linkException of a greenlet that fails, not by linkValue', () =>
    virtually(function* () {
      const error = new Error('expected');
      const greenlet = spawn(() => {
        throw error;
      });
      const [always, value, exception] = [new AsyncResult(), new AsyncResult(), new AsyncResult()];
      greenlet.link(always);
      greenlet.linkValue(value);
      greenlet.linkException(exception);
      expect(yield* outcomeOf(() => always.get())).toEqual({ error });
      expect(yield* outcomeOf(() => value.get({ timeout: 120 }))).toEqual(tooLate);
      const outcome = yield* outcomeOf(() => exception.get());
      expect((outcome as { error: unknown }).error).toBe(error);
    }));
});

describe('wait for events and results', () => {
  it.each([
    { options: { timeout: 1000 }, found: 10, at: 100 },
    { options: {}, found: 10, at: 100 },
    { options: { timeout: 55 }, found: 5, at: 55 },
    { options: { timeout: 1000, count: 1 }, found: 1, at: 10 },
    { options: { timeout: 1000, count: 2 }, found: 2, at: 20 },
  ])('with $options gives $found of 10, which get ready one by one', ({ options, found, at }) =>
    virtually(function* () {
      const events = Array.from({ length: 5 }, () => new Event());
      const results = Array.from({ length: 5 }, () => new AsyncResult<number>());
      // In turns, the last of each kind first.
      const order: Waitable[] = [];
      for (let i = 4; i >= 0; i--) order.push(events[i]!, results[i]!);
      const sender = spawn(function* () {
        for (const each of order) {
          yield* sleep(10);
          if (each instanceof Event) each.set();
          else (each as AsyncResult<number>).set(hub.now());
        }
      });
      const ready = yield* wait<Waitable>([...events, ...results], options);
      expect([hub.now(), ready.length]).toEqual([at, found]);
      expect(ready.map((each) => order.indexOf(each))).toEqual(Array.from({ length: found }, (_, i) => i));
      expect(sender.ready()).toBe(found === 10);
      yield* sender.kill();
      expect(hub.stats().timers).toBe(0);
    }),
  );
});
