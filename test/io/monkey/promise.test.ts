import { deepStrictEqual } from 'node:assert';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import stream, { Duplex, PassThrough, pipeline, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect, promisify } from 'node:util';
import { run, sleep, spawn, spawnNow, withTimeout } from 'genlet';
import { patchPromise, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';

watchHub();

beforeAll(() => patchPromise());
afterAll(unpatchAll);

const anyPromise = (): any => Promise.resolve(1);

describe('in a greenlet', () => {
  it('yield* waits for a promise, whoever has made it', async () => {
    await run(function* () {
      expect(yield* Promise.resolve('value')).toBe('value');
      expect(JSON.parse(yield* fs.readFile('package.json', 'utf8')).name).toBe('genlet');
      expect(yield* Promise.all([1, Promise.resolve(2)])).toEqual([1, 2]);
      expect((yield* promisify(execFile)('echo', ['x'])).stdout).toBe('x\n');
      const emitter = new PassThrough();
      setImmediate(() => emitter.emit('x', 5));
      expect(yield* once(emitter, 'x')).toEqual([5]);
      class Own<T> extends Promise<T> {}
      expect(yield* new Own<number>((resolve) => resolve(3))).toBe(3);
    });
  });

  it('yield* throws what it is rejected with', async () => {
    const error = new Error('no');
    await expect(
      run(function* () {
        yield* Promise.reject(error);
      }),
    ).rejects.toBe(error);
  });

  it('a kill or a timeout ends the wait, and a late rejection is nobody’s', async () => {
    await run(function* () {
      let reject!: (error: Error) => void;
      const promise = new Promise<never>((_, fail) => (reject = fail));
      const waiter = spawnNow(function* () {
        yield* promise;
      });
      yield* waiter.kill();
      expect(yield* withTimeout(1, () => promise, { value: 'late' })).toBe('late');
      reject(new Error('too late'));
      yield* sleep(5);
    });
  });

  it.each<[string, (promise: any) => unknown]>([
    ['a spread', (promise) => [...promise]],
    ['Array.from', (promise) => Array.from(promise)],
    ['destructuring', ([first]) => first],
    ['new Set', (promise) => new Set(promise)],
    ['Object.fromEntries', (promise) => Object.fromEntries(promise)],
    [
      'for...of',
      (promise) => {
        for (const _ of promise) return;
      },
    ],
  ])('%s says what to write instead', async (_, misuse) => {
    await run(() => {
      expect(() => misuse(anyPromise())).toThrow(
        'until(promise) was iterated by something other than yield* (a spread, for...of, destructuring, Array.from): write yield* until(promise)',
      );
    });
  });

  it('Duplex.from and compose take async functions as ever', async () => {
    await run(function* () {
      const written: string[] = [];
      const sink = Duplex.from(async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) written.push(String(chunk));
      });
      sink.end('text');
      yield* stream.promises.finished(sink);
      expect(written).toEqual(['text']);

      const one = Duplex.from(Promise.resolve('resolved'));
      expect(yield* text(one)).toBe('resolved');

      const failing = Duplex.from(async () => {
        throw new Error('rejected');
      });
      const error = once(failing, 'error');
      failing.end('x');
      expect((yield* error)[0]).toMatchObject({ message: 'rejected' });

      const upper = async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) yield String(chunk).toUpperCase();
      };
      const composed = (stream as any).compose(Readable.from(['a', 'b']), upper as never);
      expect(yield* text(composed)).toBe('AB');
      const method = Readable.from(['c']).compose(upper as never);
      expect(yield* text(method as never)).toBe('C');
    });
  });

  it('pipeline takes async functions as ever', async () => {
    await run(function* () {
      const seen: string[] = [];
      yield* stream.promises.pipeline(Readable.from(['a']), async (source: AsyncIterable<string>) => {
        for await (const chunk of source) seen.push(chunk);
      });
      yield* new Promise<void>((resolve, reject) =>
        pipeline(
          Readable.from(['b']),
          async (source: AsyncIterable<string>) => {
            for await (const chunk of source) seen.push(chunk);
          },
          (error) => (error ? reject(error) : resolve()),
        ),
      );
      expect(seen).toEqual(['a', 'b']);
    });
  });

  it('a promise looks as it did', async () => {
    await run(() => {
      expect(inspect(Promise.resolve({ a: 1 }))).toBe('Promise { { a: 1 } }');
      const promise = anyPromise();
      deepStrictEqual({ promise }, { promise });
    });
  });
});

describe('outside', () => {
  it('a promise is as it was', async () => {
    const promise = anyPromise();
    expect(promise[Symbol.iterator]).toBe(undefined);
    expect(() => [...promise]).toThrow(/is not iterable|is not a function/);
    expect(() => {
      const [first] = promise;
      return first;
    }).toThrow('not iterable');
    expect(Array.from(promise)).toEqual([]);
    expect(() => new Set(promise)).toThrow('not iterable');
    await expect(Promise.all(promise)).rejects.toThrow('not iterable');
    expect([...Reflect.ownKeys(promise), ...Object.keys(Promise.prototype)]).toEqual([]);
    expect([inspect(promise), inspect(new Promise(() => {}))]).toEqual(['Promise { 1 }', 'Promise { <pending> }']);
    deepStrictEqual({ promise }, { promise });
    expect(() => structuredClone(promise)).toThrow('could not be cloned');
    for (const one in promise) expect.unreachable(one);
    for await (const value of [promise]) expect(value).toBe(1);
  });

  it('is also where async functions go on that began in a greenlet', async () => {
    const events: unknown[] = [];
    const asynchronous = async () => {
      await null;
      events.push(anyPromise()[Symbol.iterator]);
    };
    await run(function* () {
      yield* asynchronous();
      const other = spawn(asynchronous);
      yield* other;
    });
    expect(events).toEqual([undefined, undefined]);
  });
});
