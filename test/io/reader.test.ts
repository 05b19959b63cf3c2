/** Reading any stream. What the reads have in common with a socket's is tested with the socket. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { createGunzip, createGzip } from 'node:zlib';
import {
  ConcurrentObjectUseError,
  IncompleteReadError,
  LimitOverrunError,
  run,
  sleep,
  spawn,
  Timeout,
  withTimeout,
} from 'genlet';
import { describe, expect, it } from 'vitest';
import { StreamClosedError } from '../../src/core/errors.ts';
import { Reader, type ReadSource } from '../../src/io/reader.ts';
import { runProgram } from '../support/child.ts';
import { virtually, watchHub } from '../support/hub.ts';
import { errorsOf, thrown, untilBlocked } from './support.ts';

watchHub();

/** A stream that emits these chunks, one in each turn of the event loop, and ends. */
function chunks(...parts: (string | Uint8Array)[]): Readable {
  const left = [...parts];
  return new Readable({
    read() {
      const part = left.shift();
      setImmediate(() => this.push(part ?? null));
    },
  });
}

/** All that `read` gives, with the empty answer at the end. */
function* reads<T extends string | Buffer>(read: () => import('genlet').Operation<T>) {
  const all: string[] = [];
  for (let part: T; (part = yield* read()).length > 0; ) all.push(String(part));
  return all;
}

describe('read', () => {
  it('gives what is there, at most n bytes, and an empty buffer at the end, again and again', () =>
    run(function* () {
      const reader = new Reader(chunks('hello', 'you'));
      expect(yield* reads(() => reader.read(3))).toEqual(['hel', 'lo', 'you']);
      expect(yield* reader.read()).toEqual(Buffer.alloc(0));
    }));

  it('loses nothing by a kill, and wakes in the order of the stream', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream);
      const killed = spawn(() => reader.read());
      yield* untilBlocked(killed);
      yield* killed.kill();
      stream.end('data');
      expect(String(yield* reader.read())).toBe('data');
    }));

  it('throws Timeout in time, and can be used on', () =>
    virtually(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream, { name: 'the stream' });
      const error = yield* thrown(reader.read(10, { timeout: 50 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe('Reader.read() from the stream timed out after 50 ms');
      expect(yield* withTimeout(10, () => reader.read(), { value: 'late' })).toBe('late');
      stream.write('x');
      expect(String(yield* reader.read(1, { timeout: 1000 }))).toBe('x');
      expect(yield* thrown(reader.read(1, { timeout: 0 }))).toBeInstanceOf(Timeout);
      reader.close();
    }));

  it('refuses a second reader by naming both', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream);
      const first = spawn(() => reader.read());
      first.name = 'first';
      yield* untilBlocked(first);
      const error = yield* thrown(reader.readline());
      expect(error).toBeInstanceOf(ConcurrentObjectUseError);
      expect(error.message).toBe(
        "<main> can't perform Reader.readline() from a PassThrough: <first> is blocked there already, in Reader.read() from a PassThrough",
      );
      stream.end('x');
      yield* first;
    }));

  it.each<[string, () => ReadSource]>([
    ['of strings', () => Readable.from(['héllo', ' you'])],
    ['of byte arrays', () => Readable.from([new TextEncoder().encode('héllo'), Buffer.from(' you')])],
    ['that decodes', () => chunks('h', Buffer.of(0xc3), Buffer.of(0xa9), 'llo you').setEncoding('utf8')],
    ['that encodes as hex', () => chunks('héllo you').setEncoding('hex')],
    ['of the web', () => ReadableStream.from([Buffer.from('héllo'), new TextEncoder().encode(' you')])],
    ['that is made at the first use', () => () => chunks('héllo you')],
    ['that unpacks', () => chunks('héllo you').pipe(createGzip()).pipe(createGunzip())],
    ['with empty chunks', () => Readable.from(['', 'héllo', '', ' you', ''])],
  ])('reads a stream %s', (_, source) =>
    run(function* () {
      expect(String(yield* new Reader(source()).readAll())).toBe('héllo you');
    }),
  );

  it('refuses a stream of other objects when one comes', () =>
    run(function* () {
      const stream = Readable.from(['text', 42]);
      const reader = new Reader(stream);
      expect(String(yield* reader.read())).toBe('text');
      const error = yield* thrown(reader.read());
      expect(error.message).toBe('a chunk of the stream is 42: give a string, a Buffer or a Uint8Array');
      expect(stream.destroyed).toBe(true);
    }));
});

describe('text', () => {
  it('never cuts a character, and gives at least one', () =>
    run(function* () {
      const bytes = Buffer.from('añ€😀z');
      const single = chunks(...Array.from(bytes, (byte) => Buffer.of(byte)));
      const reader = new Reader(single, { encoding: 'utf8' });
      expect(yield* reads(() => reader.read())).toEqual(['a', 'ñ', '€', '😀', 'z']);
      const whole = new Reader(chunks(bytes), { encoding: 'utf8' });
      expect(yield* reads(() => whole.read(1))).toEqual(['a', 'ñ', '€', '😀', 'z']);
      const pairs = new Reader(chunks(bytes), { encoding: 'utf-8' });
      expect(yield* reads(() => pairs.read(4))).toEqual(['añ', '€', '😀', 'z']);
    }));

  it.each<[BufferEncoding, number]>([
    ['utf8', 3],
    ['utf16le', 3],
    ['ucs2', 1],
    ['base64', 4],
    ['base64url', 2],
    ['hex', 1],
    ['latin1', 2],
  ])('decodes %s in pieces as in one', (encoding, size) =>
    run(function* () {
      const bytes = Buffer.from('añ€😀z and more of it 😀😀', encoding === 'utf16le' ? 'utf16le' : 'utf8');
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const reader = new Reader(chunks(...parts), { encoding });
      expect((yield* reads(() => reader.read())).join('')).toBe(bytes.toString(encoding));
    }),
  );

  it('gives replacement characters where there is no character, and so for half of one at the end', () =>
    run(function* () {
      const reader = new Reader(chunks(Buffer.from([0xff, 0x41, 0xe2, 0x82, 0x42, 0xe2, 0x82])), { encoding: 'utf8' });
      expect((yield* reads(() => reader.read())).join('')).toBe('\ufffdA\ufffdB\ufffd');
    }));

  it('keeps the half of a character for whoever reads next', () =>
    run(function* () {
      const reader = new Reader(chunks(Buffer.from('ab€').subarray(0, 3), Buffer.from('€\nrest').subarray(1)), {
        encoding: 'utf8',
      });
      expect(yield* reader.read()).toBe('ab');
      expect(yield* reader.readline()).toBe('€');
      expect(yield* reader.readAll()).toBe('rest');
    }));

  it('is what a line is in any encoding that has the byte 10 for its end', () =>
    run(function* () {
      const reader = new Reader(chunks(Buffer.from('é\nñ\n', 'latin1')), { encoding: 'latin1' });
      expect(yield* reader.readline()).toBe('é');
      expect(yield* reader.readline({ encoding: 'hex' })).toBe('f1');
      expect(() => reader.readline({ encoding: 'utf16le' })).toThrow(
        "encoding is 'utf16le': its lines can't be told by the byte 10; use readUntil()",
      );
    }));
});

describe('readExactly and readUntil', () => {
  it('give bytes, also of a reader of text, and throw what there was at the end', () =>
    run(function* () {
      const reader = new Reader(chunks('12', '34;5', '6'), { encoding: 'utf8' });
      expect(yield* reader.readExactly(3)).toEqual(Buffer.from('123'));
      expect(yield* reader.readUntil(';')).toEqual(Buffer.from('4;'));
      const error = yield* thrown(reader.readExactly(3));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(error.message).toBe('Reader.readExactly() from a Readable: the stream ended after 2 bytes');
      expect(String(error.partial)).toBe('56');
    }));
});

describe('lines', () => {
  it('are what readline gives: without their ends, the last one even without one', () =>
    run(function* () {
      const reader = new Reader(chunks('one\ntw', 'o\r\n\nth\rree\r\r\nlast'));
      using lines = reader.lines();
      const all: string[] = [];
      for (let line; !(line = yield* lines.next()).done; ) all.push(line.value);
      expect(all).toEqual(['one', 'two', '', 'th\rree\r', 'last']);
      expect(yield* lines.next()).toEqual({ done: true, value: undefined });
      expect(yield* reader.readline()).toBeUndefined();
    }));

  it('leave the rest when they are left early', () =>
    run(function* () {
      const reader = new Reader(chunks('one\ntwo\nthree\n'));
      {
        using lines = reader.lines();
        expect((yield* lines.next()).value).toBe('one');
        lines[Symbol.dispose]();
        expect((yield* lines.next()).done).toBe(true);
      }
      expect(String(yield* reader.readAll())).toBe('two\nthree\n');
    }));

  it('have a limit of length and of time', () =>
    virtually(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream);
      using lines = reader.lines({ limit: 4, timeout: 20 });
      stream.write('four\nfive5\n');
      expect((yield* lines.next()).value).toBe('four');
      expect(yield* thrown(lines.next())).toBeInstanceOf(LimitOverrunError);
      expect(yield* reader.readline()).toBe('five5');
      const error = yield* thrown(lines.next());
      expect(error.message).toBe('Reader.lines() from a PassThrough timed out after 20 ms');
      reader.close();
    }));

  it('of a file are all there', () =>
    run(function* () {
      using reader = new Reader(createReadStream('package.json', { highWaterMark: 7 }));
      using lines = reader.lines();
      const all: string[] = [];
      for (let line; !(line = yield* lines.next()).done; ) all.push(line.value);
      expect(JSON.parse(all.join('\n')).name).toBe('genlet');
    }));
});

describe('readAll', () => {
  it('reads to the end, however much comes', () =>
    run(function* () {
      const part = Buffer.alloc(100_000, 'x');
      const all = yield* new Reader(chunks(...Array(50).fill(part))).readAll();
      expect(all).toHaveLength(5_000_000);
    }));

  it('gives nothing of an empty stream, in the right form', () =>
    run(function* () {
      expect(yield* new Reader(chunks()).readAll()).toEqual(Buffer.alloc(0));
      expect(yield* new Reader(chunks(), { encoding: 'utf8' }).readAll()).toBe('');
    }));

  it('leaves everything readable after a kill, a timeout or too much', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream, { encoding: 'utf8' });
      const killed = spawn(() => reader.readAll());
      yield* untilBlocked(killed);
      stream.write('12345');
      yield* sleep(0);
      yield* killed.kill();
      expect(yield* thrown(reader.readAll({ timeout: 5 }))).toBeInstanceOf(Timeout);
      const error = yield* thrown(reader.readAll({ limit: 4 }));
      expect(error).toBeInstanceOf(LimitOverrunError);
      expect(error.message).toBe('Reader.readAll() from a PassThrough: more than 4 bytes; they stay readable');
      stream.end('6');
      expect(yield* reader.readAll({ limit: 6 })).toBe('123456');
    }));

  it('overruns its limit as soon as the bytes come', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream);
      const reading = spawn(() => thrown(reader.readAll({ limit: 4 })));
      yield* untilBlocked(reading);
      stream.write('12345');
      expect(yield* reading).toBeInstanceOf(LimitOverrunError);
      reader.close();
    }));
});

describe('the stream', () => {
  it('is read ahead up to the mark, and held up there until there is room', () =>
    run(function* () {
      let made = 0;
      const stream = new Readable({
        highWaterMark: 1000,
        read() {
          made += 1000;
          this.push(Buffer.alloc(1000));
        },
      });
      const reader = new Reader(stream, { highWaterMark: 10_000 });
      yield* sleep(5);
      expect(made).toBeGreaterThanOrEqual(10_000);
      expect(made).toBeLessThan(15_000);
      const before = made;
      yield* reader.readExactly(4000);
      yield* sleep(5);
      expect(made).toBe(before); // more than half is left
      yield* reader.readExactly(4000);
      yield* sleep(5);
      expect(made).toBeGreaterThan(before);
      reader.close();
    }));

  it('is read only while somebody waits, if the mark is 0', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream, { highWaterMark: 0 });
      expect(stream.isPaused()).toBe(true);
      stream.write('one\ntwo\n');
      yield* sleep(2);
      expect(stream.readableLength).toBe(8);
      expect(yield* reader.readline()).toBe('one');
      yield* sleep(0);
      expect(stream.isPaused()).toBe(true);
      const waiting = spawn(() => reader.readExactly(8));
      yield* untilBlocked(waiting);
      expect(stream.isPaused()).toBe(false);
      yield* waiting.kill();
      yield* sleep(1);
      expect(stream.isPaused()).toBe(true);
      stream.end('three\n');
      expect(String(yield* reader.readAll())).toBe('two\nthree\n');
    }));

  it('stays held up when somebody else resumes it', () =>
    run(function* () {
      const stream = new PassThrough({ highWaterMark: 100 });
      const reader = new Reader(stream, { highWaterMark: 100 });
      stream.write(Buffer.alloc(100));
      yield* sleep(2);
      expect(stream.isPaused()).toBe(true);
      stream.resume();
      for (let i = 0; i < 10; i++) stream.write(Buffer.alloc(100));
      yield* sleep(2);
      expect(stream.isPaused()).toBe(true);
      stream.end();
      expect(yield* reader.readAll()).toHaveLength(1100);
    }));

  it("throws its error behind the bytes that came before, with the coroutine's stack, and never as an uncaught one", () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream);
      stream.write('before');
      expect(String(yield* reader.read())).toBe('before');
      const reading = spawn(() => thrown(reader.read()));
      yield* untilBlocked(reading);
      const failure = new Error('broken');
      stream.destroy(failure);
      expect(yield* reading).toBe(failure);
      expect(failure.stack).toContain('thrown');
      expect(yield* thrown(reader.readAll())).toBe(failure);
    }));

  it('may have ended, failed or been destroyed before', () =>
    run(function* () {
      const ended = chunks();
      ended.resume();
      yield* sleep(5);
      expect(ended.readableEnded).toBe(true);
      expect(yield* new Reader(ended).read()).toHaveLength(0);
      const failed = new PassThrough().on('error', () => {});
      failed.destroy(new Error('early'));
      expect((yield* thrown(new Reader(failed).read())).message).toBe('early');
      const destroyed = new PassThrough();
      destroyed.destroy();
      expect(yield* thrown(new Reader(destroyed).read())).toBeInstanceOf(StreamClosedError);
    }));

  it('throws when it is destroyed below, before its end', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream, { name: 'pipe' });
      const reading = spawn(() => thrown(reader.read()));
      yield* untilBlocked(reading);
      stream.destroy();
      const error = yield* reading;
      expect(error).toBeInstanceOf(StreamClosedError);
      expect(error.message).toBe('Reader of pipe was closed below, by its stream, before the end');
    }));

  it('has no more listeners after kills and timeouts', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream);
      const count = () => stream.eventNames().reduce((sum, name) => sum + stream.listenerCount(name), 0);
      const before = count();
      for (let i = 0; i < 20; i++) {
        yield* thrown(reader.read(1, { timeout: 0 }));
        const killed = spawn(() => reader.readline());
        yield* untilBlocked(killed);
        yield* killed.kill();
      }
      expect(count()).toBe(before);
      reader.close();
    }));
});

describe('close', () => {
  it('destroys the stream and wakes who is blocked, and all later ones', () =>
    run(function* () {
      const stream = new PassThrough();
      const reader = new Reader(stream, { name: 'pipe' });
      const reading = spawn(() => thrown(reader.read()));
      yield* untilBlocked(reading);
      expect(reader.closed).toBe(false);
      reader.close();
      reader.close();
      expect([reader.closed, stream.destroyed]).toEqual([true, true]);
      const error = yield* reading;
      expect(error).toBeInstanceOf(StreamClosedError);
      expect(error.code).toBe('GENLET_STREAM_CLOSED');
      expect(error.message).toBe('Reader of pipe was closed by <main>');
      expect(yield* thrown(reader.readAll())).toBe(error);
    }));

  it('drops what was not read', () =>
    run(function* () {
      const stream = new PassThrough();
      stream.write('data');
      const closed = once(stream, 'close');
      {
        using reader = new Reader(stream);
        yield* reader.readExactly(1);
      }
      yield* sleep(0);
      expect(stream.destroyed).toBe(true);
      void closed;
    }));
});

describe('arguments', () => {
  it('are checked at the call', () => {
    const reader = new Reader(new PassThrough());
    const errors = errorsOf([
      () => new Reader('x' as never),
      () => new Reader({} as never),
      () => new Reader(new PassThrough(), { encoding: 'utf9' as never }),
      () => new Reader(new PassThrough(), { highWaterMark: -1 }),
      () => reader.read(0),
      () => reader.read(1, { timeout: -1 }),
      () => reader.readExactly(1.5),
      () => reader.readUntil(''),
      () => reader.readline({ limit: -1 }),
      () => reader.lines({ encoding: 'utf9' as never }),
      () => reader.readAll({ limit: Number.NaN }),
      () => new Reader(() => 42 as never).read(),
    ]);
    reader.close();
    expect(errors).toEqual([
      "TypeError: stream is 'x': give a Readable of node:stream, or a ReadableStream",
      'TypeError: stream is {}: give a Readable of node:stream, or a ReadableStream',
      "TypeError: encoding is 'utf9': give 'utf8', 'latin1', …",
      'RangeError: highWaterMark is -1: give a whole number, 0 or more',
      'RangeError: n is 0: give a whole number, 1 or more',
      'RangeError: timeout is -1: give milliseconds, 0 or more',
      'RangeError: n is 1.5: give a whole number, 0 or more',
      'RangeError: separator is empty: give at least one byte',
      'RangeError: limit is -1: give a whole number, 0 or more',
      "TypeError: encoding is 'utf9': give 'utf8', 'latin1', …",
      'RangeError: limit is NaN: give a whole number, 0 or more',
      'TypeError: stream is 42: give a Readable of node:stream, or a ReadableStream',
    ]);
  });
});

describe('readAll() of text', () => {
  it('is not reported as never performed in development mode', async () => {
    const { stderr, lines } = await runProgram(
      `import { Readable } from 'node:stream';
      import { run } from 'genlet';
      import { Reader } from 'genlet/io';
      await run(function* () {
        const reader = new Reader(Readable.from(['all of it']), { encoding: 'utf8' });
        console.log(yield* reader.readAll());
      });`,
      { env: { GENLET_DEV: '1' } },
    );
    expect([lines, stderr]).toEqual([['all of it'], '']);
  });
});
