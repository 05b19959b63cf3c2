/** Each blocking call of files, streams and folders, struck at each of its suspension points; see `strikes.ts`. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import type { Coroutine, Operation } from 'genlet';
import { type File, fs, open, pipe, Reader, Writer } from 'genlet/io';
import { expect } from 'vitest';
import { FileClosedError, StreamClosedError } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import { turn } from './census.ts';
import { at, makeFifo, useFolder } from './fs-support.ts';
import { type Ending, type Row, type Subject, strikeEverywhere } from './strikes.ts';
import { pair } from './support.ts';

watchHub();
useFolder();

const LINES = 'one\ntwo\nthree\n';

const resultOf = (ending: Ending): unknown =>
  typeof ending === 'object' && 'value' in ending ? ending.value : undefined;

/** A call of `fs` that ends by itself; `undo` is given what it came to. */
const plain = (call: () => Operation<unknown>, check: (value: any) => unknown = () => {}): Row =>
  function* () {
    writeFileSync(at('a.txt'), LINES);
    return { call, check: (ending) => check(resultOf(ending)), end() {} };
  };

/** A call on a file of three lines. */
const onFile = (
  call: (file: File) => Operation<unknown>,
  check: (file: File, value: any) => unknown,
  flags = 'r+',
): Row =>
  function* () {
    writeFileSync(at('a.txt'), LINES);
    const file = yield* open(at('a.txt'), flags);
    return {
      call: () => call(file),
      check: (ending) => check(file, resultOf(ending)),
      close: () => void file.close(),
      closedBy: FileClosedError,
      end: () => file.close(),
    };
  };

/** A read that has to find the first bytes, killed before or not. */
const readingFile = (call: (file: File) => Operation<unknown>, expected: string): Row =>
  onFile(call, function* (file, value) {
    expect(String(value ?? (yield* call(file)))).toBe(expected);
    yield* file.seek(0);
    expect(yield* file.readline()).toBe('one');
  });

/** A read of a FIFO, into which something is written at last. */
const readingFifo = (call: (file: File) => Operation<unknown>): Row =>
  function* () {
    const path = existsSync(at('fifo')) ? at('fifo') : makeFifo('fifo');
    const file = yield* open(path, 'r+');
    return {
      call: () => call(file),
      release: () => fs.writeFile(path, 'line\n'),
      *check(ending) {
        expect(String(resultOf(ending) ?? (yield* call(file)))).toBe('line');
        yield* fs.writeFile(path, 'more');
        expect(String(yield* file.read())).toBe('more');
      },
      close: () => void file.close(),
      closedBy: FileClosedError,
      end: () => file.close(),
    };
  };

const text = (value: unknown): string => String((value as IteratorResult<string> | string | Buffer | number) ?? '');

/** A read of a stream into which `bytes` are written at last. */
const readingStream = (
  bytes: string,
  expected: string,
  call: (reader: Reader, timeout?: number) => Operation<unknown>,
): Row =>
  function* () {
    const stream = new PassThrough();
    const reader = new Reader(stream);
    return {
      call: (timeout) => call(reader, timeout),
      timed: true,
      release: () => void stream.write(bytes),
      *check(ending) {
        expect(text(resultOf(ending) ?? (yield* call(reader)))).toBe(expected);
        stream.end('rest');
        expect(text(yield* reader.readAll())).toBe('rest');
      },
      close: () => reader.close(),
      closedBy: StreamClosedError,
      emitters: [stream],
      end: () => reader.close(),
    };
  };

/** A write to a stream that is full and is read at last; what is read in the end is `expected`. */
const writingStream = (call: (writer: Writer, timeout?: number) => Operation<unknown>, expected: RegExp): Row =>
  function* () {
    const stream = new PassThrough({ highWaterMark: 4 });
    let read = '';
    stream.on('data', (chunk) => (read += chunk)).pause();
    const writer = new Writer(stream);
    stream.write('123456789');
    return {
      call: (timeout) => call(writer, timeout),
      timed: true,
      release: () => void stream.resume(),
      *check() {
        if (!writer.ended) yield* writer.write('more');
        yield* writer.end();
        yield* turn();
        expect(read).toMatch(expected);
      },
      close: () => writer.abort(),
      closedBy: StreamClosedError,
      emitters: [stream],
      end: () => writer.abort(),
    };
  };

function* nothingOpen(fd: number | undefined): Coroutine<void> {
  if (fd !== undefined) yield* fs.close(fd);
}

strikeEverywhere({
  'fs.readFile()': plain(
    () => fs.readFile(at('a.txt'), 'utf8'),
    (value) => expect(value ?? LINES).toBe(LINES),
  ),
  'fs.writeFile()': plain(() => fs.writeFile(at('b.txt'), LINES)),
  'fs.stat()': plain(() => fs.stat(at('a.txt'))),
  'fs.open()': plain(() => fs.open(at('a.txt')), nothingOpen),
  'fs.readdir()': plain(() => fs.readdir(at(''))),
  'fs.copyFile()': plain(() => fs.copyFile(at('a.txt'), at('b.txt'))),
  'fs.opendir()': plain(
    () => fs.opendir(at('')),
    (dir) => dir?.closeSync(),
  ),
  *'fs.read()'() {
    writeFileSync(at('a.txt'), LINES);
    const fd = yield* fs.open(at('a.txt'));
    return {
      call: () => fs.read(fd, Buffer.alloc(3), 0, 3, 0),
      *check() {
        const { buffer } = yield* fs.read(fd, Buffer.alloc(3), 0, 3, 0);
        expect(String(buffer)).toBe('one');
      },
      end: () => fs.close(fd),
    };
  },

  'open()': plain(
    () => open(at('a.txt')),
    (file) => file?.close(),
  ),
  'fs.writeFileAtomic()': plain(
    () => fs.writeFileAtomic(at('a.txt'), 'new'),
    (value) => {
      expect([LINES, 'new']).toContain(readFileSync(at('a.txt'), 'utf8'));
      expect(readdirSync(at('')).filter((name) => !/^[ab]\.txt$/.test(name))).toEqual([]);
      expect(value).toBe(undefined);
    },
  ),

  'File.read()': readingFile((file) => file.read(5), 'one\nt'),
  'File.readInto()': readingFile((file) => file.readInto(Buffer.alloc(6)), '6'),
  'File.readAll()': readingFile((file) => file.readAll(), LINES),
  'File.readline()': readingFile((file) => file.readline(), 'one'),
  'File.lines()': readingFile(function* (file) {
    using lines = file.lines();
    return (yield* lines.next()).value;
  }, 'one'),
  'File.write()': onFile(
    (file) => file.write('ONE'),
    function* (file) {
      yield* file.seek(3);
      yield* file.write('!');
      expect(readFileSync(file.path, 'utf8')).toMatch(/^(one|ONE)!two\nthree\n$/);
    },
  ),
  'File.seek()': onFile(
    (file) => file.seek(-6, 'end'),
    function* (file, value) {
      expect(file.tell()).toBe(value ?? file.tell());
      expect([0, 8]).toContain(file.tell());
      yield* file.seek(4);
      expect(yield* file.readline()).toBe('two');
    },
  ),
  'File.truncate()': onFile(
    (file) => file.truncate(3),
    function* (file) {
      expect([LINES, 'one']).toContain(readFileSync(file.path, 'utf8'));
      expect(String(yield* file.read(3))).toBe('one');
    },
  ),
  'File.sync()': onFile(
    (file) => file.sync(),
    function* (file) {
      expect(yield* file.readline()).toBe('one');
    },
  ),
  'File.stat()': onFile(
    (file) => file.stat(),
    function* (file) {
      expect((yield* file.stat()).size).toBe(LINES.length);
    },
  ),
  *'File.close()'() {
    writeFileSync(at('a.txt'), LINES);
    const file = yield* open(at('a.txt'));
    return { call: () => file.close(), check: () => file.close(), end() {} };
  },
  'File.read() of a pipe': readingFifo(function* (file) {
    return String(yield* file.read()).trim();
  }),
  'File.readline() of a pipe': readingFifo((file) => file.readline()),

  'Reader.read()': readingStream('abc', 'abc', (reader, timeout) => reader.read(10, { timeout })),
  'Reader.readExactly()': readingStream('abc', 'abc', (reader, timeout) => reader.readExactly(3, { timeout })),
  'Reader.readUntil()': readingStream('abc;', 'abc;', (reader, timeout) => reader.readUntil(';', { timeout })),
  'Reader.readline()': readingStream('abc\n', 'abc', (reader, timeout) => reader.readline({ timeout })),
  'Reader.lines()': readingStream('abc\n', 'abc', function* (reader, timeout) {
    using lines = reader.lines({ timeout });
    return (yield* lines.next()).value;
  }),
  *'Reader.readAll()'() {
    const stream = new PassThrough();
    stream.write('first ');
    const reader = new Reader(stream);
    return {
      call: (timeout) => reader.readAll({ timeout }),
      timed: true,
      release: () => void stream.end('last'),
      *check(ending) {
        expect(text(resultOf(ending) ?? (yield* reader.readAll()))).toBe('first last');
      },
      close: () => reader.close(),
      closedBy: StreamClosedError,
      emitters: [],
      end: () => reader.close(),
    };
  },

  'Writer.write()': writingStream((writer, timeout) => writer.write('END', { timeout }), /^123456789(END)?more$/),
  'Writer.flush()': writingStream((writer, timeout) => writer.flush({ timeout }), /^123456789more$/),
  'Writer.end()': writingStream((writer, timeout) => writer.end({ timeout }), /^123456789(more)?$/),

  *'pipe() of files'() {
    writeFileSync(at('a.txt'), LINES);
    const source = yield* open(at('a.txt'));
    const copy = yield* open(at('b.txt'), 'w');
    return {
      call: () => pipe(source, copy, { chunkSize: 4 }),
      *check() {
        yield* source.seek(0);
        yield* copy.truncate(0);
        yield* copy.seek(0);
        expect(yield* pipe(source, copy)).toBe(LINES.length);
        expect(readFileSync(at('b.txt'), 'utf8')).toBe(LINES);
      },
      *end() {
        yield* source.close();
        yield* copy.close();
      },
    };
  },

  *'pipe() of sockets'() {
    const [client, source] = yield* pair();
    const [target, server] = yield* pair();
    return {
      call: () => pipe(source, target),
      *release() {
        yield* client.sendall('bytes');
        client.shutdown('write');
      },
      *check(ending) {
        if (resultOf(ending) === undefined) yield* pipe(source, target);
        target.shutdown('write');
        // a kill between the reading and the writing of a piece loses it
        const received = new Reader(server.stream);
        expect(['', 'bytes']).toContain(String(yield* received.readAll()));
      },
      end() {
        for (const socket of [client, source, target, server]) socket.abort();
      },
    };
  },

  *'fs.watch()'() {
    const folder = yield* fs.mkdtemp(at('watched-'));
    const changes = fs.watch(folder);
    return {
      call: () => changes.next(),
      release: () => fs.writeFile(`${folder}/b.txt`, ''),
      *check(ending) {
        const change = (resultOf(ending) ?? (yield* changes.next())) as IteratorResult<{ filename: string }>;
        expect(change.value?.filename).toBe('b.txt');
      },
      close: () => changes[Symbol.dispose](),
      *end() {
        changes[Symbol.dispose]();
        yield* fs.rm(folder, { recursive: true, force: true });
      },
    } as Subject;
  },

  *'fs.walk()'() {
    writeFileSync(at('a.txt'), LINES);
    const entries = fs.walk(at(''));
    return {
      call: () => entries.next(),
      *check(ending) {
        const step = (resultOf(ending) ?? (yield* entries.next())) as IteratorResult<{ path: string }>;
        expect(step.value?.path).toMatch(/[ab]\.txt$/);
      },
      end: () => entries[Symbol.dispose](),
    } as Subject;
  },

  'fs.glob()': plain(
    () => fs.glob('*.txt', { cwd: at('') }),
    (paths) => expect(paths ?? ['a.txt']).toContain('a.txt'),
  ),
});
