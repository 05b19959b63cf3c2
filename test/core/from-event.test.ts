import { EventEmitter } from 'node:events';
import { fromAsyncIterable, fromEvent, sleep, spawn, withTimeout } from 'genlet';
import { describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../support/hub.ts';

watchHub();

const listenersOf = (emitter: EventEmitter) => emitter.eventNames().length;

describe('fromEvent', () => {
  it('gives the arguments of the next event, and takes its listeners off', async () => {
    const emitter = new EventEmitter();
    await virtually(function* () {
      hub.callSoon(() => {
        emitter.emit('data', 1, 2);
        emitter.emit('data', 3);
      });
      expect(yield* fromEvent(emitter, 'data')).toEqual([1, 2]);
      expect(listenersOf(emitter)).toBe(0);
    });
  });

  it('waits for an EventTarget', async () => {
    const target = new EventTarget();
    await virtually(function* () {
      const event = new Event('load');
      hub.callSoon(() => void target.dispatchEvent(event));
      expect(yield* fromEvent<[Event]>(target, 'load')).toEqual([event]);
    });
  });

  it('throws what the error event carries; the name of that event can be chosen', async () => {
    const error = new Error('emitted');
    const emitter = new EventEmitter();
    await virtually(function* () {
      for (const [emitted, options] of [
        ['error', {}],
        ['abort', { error: 'abort' }],
      ] as const) {
        hub.callSoon(() => void emitter.emit(emitted, error));
        try {
          yield* fromEvent(emitter, 'data', options);
          expect.fail('no error');
        } catch (caught) {
          expect(caught).toBe(error);
        }
        expect(listenersOf(emitter)).toBe(0);
      }
    });
  });

  it('listens to no error with error: false, or when that is what is waited for', async () => {
    const emitter = new EventEmitter();
    await virtually(function* () {
      const waiter = spawn(() => fromEvent(emitter, 'data', { error: false }));
      yield* sleep(0);
      expect(emitter.eventNames()).toEqual(['data']);
      yield* waiter.kill();
      hub.callSoon(() => void emitter.emit('error', 5));
      expect(yield* fromEvent(emitter, 'error')).toEqual([5]);
    });
  });

  it('throws the reason of its signal', async () => {
    const emitter = new EventEmitter();
    const reason = new Error('aborted');
    await virtually(function* () {
      const controller = new AbortController();
      hub.callSoon(() => controller.abort(reason));
      for (let i = 0; i < 2; i++) {
        try {
          yield* fromEvent(emitter, 'data', { signal: controller.signal });
          expect.fail('no error');
        } catch (error) {
          expect(error).toBe(reason);
        }
      }
      expect(listenersOf(emitter)).toBe(0);
    });
  });

  it('takes its listeners off when it is killed or timed out', async () => {
    const emitter = new EventEmitter();
    await virtually(function* () {
      const waiter = spawn(() => fromEvent(emitter, 'data'));
      yield* sleep(0);
      expect(listenersOf(emitter)).toBe(2);
      yield* waiter.kill();
      expect(listenersOf(emitter)).toBe(0);
      yield* withTimeout(5, () => fromEvent(emitter, 'data'), { value: undefined });
      expect(listenersOf(emitter)).toBe(0);
    });
  });

  it('refuses what emits nothing', () => {
    expect(() => fromEvent(5 as never, 'data')).toThrow(
      new TypeError('emitter is 5: give an EventEmitter or an EventTarget'),
    );
  });
});

describe('fromAsyncIterable', () => {
  async function* numbers(events: string[] = []) {
    try {
      yield 1;
      yield 2;
    } finally {
      events.push('closed');
    }
  }

  it('gives item after item, then the end, as often as it is asked', async () => {
    const events: string[] = [];
    await virtually(function* () {
      using items = fromAsyncIterable(numbers(events));
      const steps = [yield* items.next(), yield* items.next(), yield* items.next(), yield* items.next()];
      expect(steps).toEqual([
        { done: false, value: 1 },
        { done: false, value: 2 },
        { done: true, value: undefined },
        { done: true, value: undefined },
      ]);
    });
    expect(events).toEqual(['closed']);
  });

  it('ends the iterable when the loop is left early', async () => {
    const events: string[] = [];
    await virtually(function* () {
      {
        using items = fromAsyncIterable(numbers(events));
        yield* items.next();
      }
      yield* sleep(1);
    });
    expect(events).toEqual(['closed']);
  });

  it('ends the iterable when its next() is killed', async () => {
    const events: string[] = [];
    const hanging: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        async return() {
          events.push('closed');
          return { done: true, value: undefined };
        },
      }),
    };
    await virtually(function* () {
      const reader = spawn(() => fromAsyncIterable(hanging).next());
      yield* sleep(0);
      yield* reader.kill();
    });
    expect(events).toEqual(['closed']);
  });

  it('throws what the iterable throws, and then is at its end', async () => {
    const error = new Error('iterable');
    async function* failing() {
      yield 1;
      throw error;
    }
    await virtually(function* () {
      using items = fromAsyncIterable(failing());
      yield* items.next();
      try {
        yield* items.next();
        expect.fail('no error');
      } catch (caught) {
        expect(caught).toBe(error);
      }
      expect((yield* items.next()).done).toBe(true);
    });
  });

  it('refuses what is no async iterable', () => {
    expect(() => fromAsyncIterable([1] as never)).toThrow(new TypeError('iterable is [ 1 ]: give an async iterable'));
  });
});
