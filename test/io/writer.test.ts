/** Writing to any stream. */
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { WritableStream } from 'node:stream/web';
import { ConcurrentObjectUseError, run, spawn, Timeout, until } from 'genlet';
import { describe, expect, it } from 'vitest';
import { StreamClosedError } from '../../src/core/errors.ts';
import { Writer } from '../../src/io/writer.ts';
import { virtually, watchHub } from '../support/hub.ts';
import { errorsOf, eventually, thrown, untilBlocked } from './support.ts';

watchHub();

/** A stream with room for 4 bytes, which takes a piece only when it is told to. */
class Slow extends Writable {
  readonly taken: string[] = [];
  #done: ((error?: Error) => void) | undefined;

  constructor() {
    super({ highWaterMark: 4 });
  }

  override _write(chunk: Buffer, _: string, done: (error?: Error) => void): void {
    this.taken.push(String(chunk));
    this.#done = done;
  }

  take(error?: Error): void {
    const done = this.#done!;
    this.#done = undefined;
    done(error);
  }
}

describe('write', () => {
  it('goes on at once while the stream has room, and suspends while it is over its mark', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream);
      yield* writer.write('abc');
      const second = spawn(() => writer.write('defg'));
      yield* untilBlocked(second);
      expect([second.dead, stream.writableLength]).toEqual([false, 7]);
      stream.take();
      yield* eventually(() => stream.writableLength === 4);
      expect(second.dead).toBe(false); // the 4 bytes that are left are the mark
      stream.take();
      yield* second;
      expect(stream.taken).toEqual(['abc', 'defg']);
      writer.abort();
    }));

  it('does not hand over anything when it is killed before there was room', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream);
      const first = spawn(() => writer.write('abcd'));
      yield* untilBlocked(first);
      yield* first.kill();
      const second = spawn(() => writer.write('never'));
      yield* untilBlocked(second);
      yield* second.kill();
      const error = yield* thrown(writer.write('nor this', { timeout: 2 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe('Writer.write() to a Slow timed out after 2 ms');
      stream.take();
      yield* writer.write('x');
      stream.take();
      yield* writer.flush();
      expect(stream.taken).toEqual(['abcd', 'x']);
      writer.abort();
    }));

  it('encodes strings, and takes bytes as they are', () =>
    run(function* () {
      const stream = new PassThrough();
      const writer = new Writer(stream, { encoding: 'latin1' });
      yield* writer.write('é');
      yield* writer.write(Uint8Array.of(1, 2));
      yield* writer.write('');
      yield* writer.end();
      expect(Buffer.concat(yield* until(stream.toArray()))).toEqual(Buffer.from([0xe9, 1, 2]));
    }));

  it('writes to a stream of the web', () =>
    run(function* () {
      const got: string[] = [];
      const writer = new Writer(new WritableStream({ write: (chunk) => void got.push(String(chunk)) }));
      yield* writer.write('one');
      yield* writer.write('two');
      yield* writer.end();
      expect(got).toEqual(['one', 'two']);
    }));

  it('refuses a second writer by naming both', () =>
    run(function* () {
      const writer = new Writer(new Slow(), { name: 'the pipe' });
      const first = spawn(() => writer.write('abcd'));
      first.name = 'first';
      yield* untilBlocked(first);
      for (const operation of [writer.write('x'), writer.flush(), writer.end()]) {
        expect(yield* thrown(operation)).toBeInstanceOf(ConcurrentObjectUseError);
      }
      expect((yield* thrown(writer.write('x'))).message).toBe(
        "<main> can't perform Writer.write() to the pipe: <first> is blocked there already, in Writer.write() to the pipe",
      );
      yield* first.kill();
      writer.abort();
    }));

  it("throws the stream's error where it is blocked, later, and never as an uncaught one", () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream);
      const blocked = spawn(() => thrown(writer.write('abcd')));
      yield* untilBlocked(blocked);
      const failure = new Error('disk full');
      stream.take(failure);
      expect(yield* blocked).toBe(failure);
      expect(yield* thrown(writer.write('x'))).toBe(failure);
      expect(yield* thrown(writer.flush())).toBe(failure);
      expect(yield* thrown(writer.end())).toBe(failure);
    }));

  it('throws EPIPE when the stream is destroyed below, or was before', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream, { name: 'pipe' });
      yield* writer.write('a');
      const blocked = spawn(() => thrown(writer.write('abcd')));
      yield* untilBlocked(blocked);
      stream.destroy();
      const error = yield* blocked;
      expect(error.code).toBe('EPIPE');
      expect(error.message).toBe('write EPIPE: Writer of pipe was closed by the reading side, or below by its stream');
      expect((yield* thrown(new Writer(stream).write('x'))).code).toBe('EPIPE');
      const failed = new Slow().on('error', () => {});
      failed.destroy(new Error('early'));
      expect((yield* thrown(new Writer(failed).write('x'))).message).toBe('early');
    }));

  it('throws the error of a full disk', () =>
    run(function* () {
      const writer = new Writer(createWriteStream('/dev/full'));
      const error = yield* thrown(
        (function* () {
          yield* writer.write('x');
          yield* writer.flush();
        })(),
      );
      expect(error.code).toBe('ENOSPC');
    }));
});

describe('flush', () => {
  it('waits until all is taken, however little it is', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream);
      yield* writer.flush();
      yield* writer.write('a');
      const flushing = spawn(() => writer.flush());
      yield* untilBlocked(flushing);
      expect(flushing.dead).toBe(false);
      stream.take();
      yield* flushing;
      writer.abort();
    }));

  it('times out and can be called again', () =>
    virtually(function* () {
      const stream = new Slow();
      const writer = new Writer(stream);
      yield* writer.write('a');
      const error = yield* thrown(writer.flush({ timeout: 100 }));
      expect(error.message).toBe('Writer.flush() to a Slow timed out after 100 ms');
      setImmediate(() => stream.take());
      yield* writer.flush();
      writer.abort();
    }));
});

describe('end', () => {
  it('waits until all is taken, and lets nothing follow', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream);
      yield* writer.write('a');
      const ending = spawn(() => writer.end());
      yield* untilBlocked(ending);
      expect([ending.dead, stream.writableEnded]).toEqual([false, true]);
      stream.take();
      yield* ending;
      yield* writer.end();
      yield* writer.flush();
      const error = yield* thrown(writer.write('x'));
      expect(error.code).toBe('EPIPE');
    }));

  it('ends the stream in the background after a kill or timeout', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream, { name: 'pipe' });
      yield* writer.write('a');
      const ending = spawn(() => writer.end());
      yield* untilBlocked(ending);
      yield* ending.kill();
      const error = yield* thrown(writer.end({ timeout: 2 }));
      expect(error.message).toBe('Writer.end() of pipe timed out after 2 ms');
      stream.take();
      yield* writer.end();
      expect(stream.writableFinished).toBe(true);
    }));

  it('has the file complete when it returns', () =>
    run(function* () {
      const folder = mkdtempSync(join(tmpdir(), 'genlet-'));
      const path = join(folder, 'file');
      const writer = new Writer(createWriteStream(path));
      for (let i = 0; i < 100; i++) yield* writer.write('x'.repeat(10_000));
      yield* writer.end();
      expect(readFileSync(path)).toHaveLength(1_000_000);
      rmSync(folder, { recursive: true });
    }));
});

describe('close', () => {
  it('writes what was accepted, and wakes who is blocked', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream, { name: 'pipe' });
      const blocked = spawn(() => thrown(writer.write('abcd')));
      yield* untilBlocked(blocked);
      expect(writer.closed).toBe(false);
      writer.close();
      writer.close();
      const error = yield* blocked;
      expect(error).toBeInstanceOf(StreamClosedError);
      expect(error.message).toBe('Writer of pipe was closed by <main>');
      expect([writer.closed, stream.writableEnded, stream.destroyed]).toEqual([true, true, false]);
      expect(yield* thrown(writer.write('x'))).toBe(error);
      expect(yield* thrown(writer.end())).toBe(error);
      stream.take();
      yield* eventually(() => stream.writableFinished);
      yield* writer.end();
      expect([stream.taken, stream.writableFinished]).toEqual([['abcd'], true]);
    }));

  it('happens at the end of a using scope', () =>
    run(function* () {
      const stream = new PassThrough();
      {
        using writer = new Writer(stream);
        yield* writer.write('x');
      }
      expect(stream.writableEnded).toBe(true);
    }));

  it('as abort drops what was accepted', () =>
    run(function* () {
      const stream = new Slow();
      const writer = new Writer(stream, { name: 'pipe' });
      yield* writer.write('a');
      yield* writer.write('b');
      writer.abort();
      expect(stream.destroyed).toBe(true);
      expect((yield* thrown(writer.write('x'))).message).toBe('Writer of pipe was aborted by <main>');
      const closed = new Slow();
      const other = new Writer(closed);
      yield* other.write('a');
      other.close();
      other.abort();
      expect(closed.destroyed).toBe(true);
    }));
});

describe('arguments', () => {
  it('are checked at the call', () => {
    const writer = new Writer(new PassThrough());
    const errors = errorsOf([
      () => new Writer('x' as never),
      () => new Writer(new PassThrough(), { encoding: 'utf9' as never }),
      () => writer.write(42 as never),
      () => writer.write('x', { timeout: -1 }),
      () => writer.flush({ timeout: Number.NaN }),
      () => writer.end({ timeout: -1 }),
      () => new Writer(() => 42 as never).flush(),
    ]);
    writer.close();
    expect(errors).toEqual([
      "TypeError: stream is 'x': give a Writable of node:stream, or a WritableStream",
      "TypeError: encoding is 'utf9': give 'utf8', 'latin1', …",
      'TypeError: data is 42: give a string, a Buffer or a Uint8Array',
      'RangeError: timeout is -1: give milliseconds, 0 or more',
      'RangeError: timeout is NaN: give milliseconds, 0 or more',
      'RangeError: timeout is -1: give milliseconds, 0 or more',
      'TypeError: stream is 42: give a Writable of node:stream, or a WritableStream',
    ]);
  });
});
