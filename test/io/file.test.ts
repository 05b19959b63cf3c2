import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  all,
  ConcurrentObjectUseError,
  type Coroutine,
  type Greenlet,
  getcurrent,
  LimitOverrunError,
  Lock,
  type Operation,
  run,
  sleep,
  spawn,
  Timeout,
} from 'genlet';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { FileClosedError } from '../../src/core/errors.ts';
import { Link } from '../../src/core/links.ts';
import { type File, open } from '../../src/io/file.ts';
import { fs } from '../../src/io/fs.ts';
import { watchHub } from '../support/hub.ts';
import { at, killBlocked, makeFifo, openFiles, untilClosed, useFolder, withBusyThreads } from './fs-support.ts';
import { thrown, untilBlocked } from './support.ts';

const { takeReports } = watchHub();
useFolder();

/** Runs `main` with a file of the given contents, open for reading and writing. */
function withFile<T>(contents: string | Uint8Array, main: (file: File) => Coroutine<T>): Promise<T> {
  writeFileSync(at('file'), contents);
  return run(function* () {
    using file = yield* open(at('file'), 'r+');
    return yield* main(file);
  });
}

/** Everything that `lines()` gives. */
function* linesOf(file: File, options = {}): Coroutine<string[]> {
  const result: string[] = [];
  using lines = file.lines(options);
  for (let line: IteratorResult<string, undefined>; !(line = yield* lines.next()).done; ) result.push(line.value);
  return result;
}

/** Bytes that all differ from their neighbors, also at a distance of a buffer. */
const sample = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 9)) & 255));

describe('reading a File', () => {
  it('gives the next n bytes, fewer only before the end, and none at the end', () =>
    withFile('hello world', function* (file) {
      const pieces = [];
      for (const n of [2, 1, 100, 100]) pieces.push(String(yield* file.read(n)));
      expect(pieces).toEqual(['he', 'l', 'lo world', '']);
      expectTypeOf(yield* file.read()).toEqualTypeOf<Buffer>();
    }));

  it.each([1, 3, 4096, 131_071, 131_072, 131_073, 300_000, 1_000_000])('gives the same bytes in pieces of %i', (n) => {
    const contents = sample(n < 100 ? 1000 : 700_001);
    return withFile(contents, function* (file) {
      const pieces = [];
      for (let piece: Buffer; (piece = yield* file.read(n)).length > 0; ) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(contents)).toBe(true);
      expect(pieces.slice(0, -1).every(({ length }) => length === n)).toBe(true);
      expect(file.tell()).toBe(contents.length);
    });
  });

  it('fills the caller’s memory', () =>
    withFile('hello world', function* (file) {
      const target = Buffer.alloc(32);
      const got: [number, string][] = [];
      for (const length of [2, 1, 32, 32]) {
        const count = yield* file.readInto(target.subarray(0, length));
        got.push([count, target.toString('utf8', 0, count)]);
      }
      expect(got).toEqual([
        [2, 'he'],
        [1, 'l'],
        [8, 'lo world'],
        [0, ''],
      ]);
    }));

  it('gives all that is left, as bytes or as text', () =>
    withFile('ab\u2603', function* (file) {
      expect(yield* file.read(1)).toEqual(Buffer.from('a'));
      expect(yield* file.readAll('utf8')).toBe('b\u2603');
      expect(yield* file.readAll()).toEqual(Buffer.alloc(0));
      yield* file.seek(2);
      expect(yield* file.readAll()).toEqual(Buffer.from('\u2603'));
    }));

  it('gives all of a file whose size the system does not know', () =>
    run(function* () {
      using file = yield* open('/proc/self/status');
      expect(yield* file.readAll('utf8')).toMatch(/^Name:.*\n[\s\S]*\n$/);
    }));

  it('gives all of a big file', async () => {
    const contents = sample(3_000_000);
    await withFile(contents, function* (file) {
      expect((yield* file.readAll()).equals(contents)).toBe(true);
    });
  });

  it('gives lines without their ends', () =>
    withFile('one\ntwo\r\n\nfour\rno end', function* (file) {
      const lines = [];
      for (let line: string | undefined; (line = yield* file.readline()) !== undefined; ) lines.push(line);
      expect(lines).toEqual(['one', 'two', '', 'four\rno end']);
      expect(yield* file.readline()).toBe(undefined);
    }));

  it('gives no empty line after the last newline', () =>
    withFile('line1\nline2\r\nline3\n\n', function* (file) {
      expect(yield* linesOf(file)).toEqual(['line1', 'line2', 'line3', '']);
    }));

  it('gives lines that are longer than its buffer, or that lie across its end', async () => {
    const expected = Array.from({ length: 40 }, (_, i) =>
      String.fromCharCode(97 + (i % 26)).repeat((i * 7919) % 60_000),
    );
    expected.push('x'.repeat(900_000), 'the end');
    await withFile(expected.join('\n'), function* (file) {
      expect(yield* linesOf(file)).toEqual(expected);
    });
  });

  it('decodes lines as it is told', () =>
    withFile(Buffer.from([0xe4, 10, 0xe2, 0x98, 0x83, 10]), function* (file) {
      expect(yield* file.readline({ encoding: 'latin1' })).toBe('\u00e4');
      expect(yield* file.readline()).toBe('\u2603');
    }));

  it('refuses lines that are too long, and leaves them to be read', () =>
    withFile(`${'x'.repeat(50)}\nshort\n`, function* (file) {
      const error = yield* thrown(file.readline({ limit: 49 }));
      expect(error).toBeInstanceOf(LimitOverrunError);
      expect(error.message).toBe(`File.readline() of ${at('file')}: no newline within 49 bytes; they stay readable`);
      expect(file.tell()).toBe(0);
      expect(yield* file.readline({ limit: 50 })).toBe('x'.repeat(50));
    }));

  it('iterates over lines from where it is, and stops where the iteration is left', () =>
    withFile('a\nb\nc\nd\n', function* (file) {
      yield* file.readline();
      {
        using lines = file.lines();
        expect(yield* lines.next()).toEqual({ done: false, value: 'b' });
      }
      expect(file.tell()).toBe(4);
      expect(yield* linesOf(file)).toEqual(['c', 'd']);
    }));

  it('knows its position between lines, and can be read on by any other call', () =>
    withFile('a\r\n\u2603\nc\nd\ne\nf\ng', function* (file) {
      const positions = [];
      using lines = file.lines();
      for (let i = 0; i < 2; i++) positions.push((yield* lines.next()).value, file.tell());
      positions.push(yield* file.readline({ limit: 5 }), file.tell(), yield* file.readline({ encoding: 'latin1' }));
      positions.push(String(yield* file.read(2)), yield* file.readline(), file.tell(), yield* file.readAll('utf8'));
      expect(positions).toEqual(['a', 3, '\u2603', 7, 'c', 9, 'd', 'e\n', 'f', 15, 'g']);
      yield* file.seek(3);
      yield* file.readline();
      yield* file.write('C');
      yield* file.seek(-1, 'current');
      expect([yield* file.readline({ encoding: 'utf16le' }), yield* linesOf(file)]).toEqual(['', ['d', 'e', 'f', 'g']]);
    }));

  it('checks the limit of lines that were split before', () =>
    withFile('a\nlong line\n', function* (file) {
      expect(yield* file.readline()).toBe('a');
      expect(yield* thrown(file.readline({ limit: 3 }))).toBeInstanceOf(LimitOverrunError);
      expect(yield* file.readline()).toBe('long line');
    }));

  it('shares its lines among greenlets that take turns', async () => {
    const expected = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
    await withFile(expected.join('\n'), function* (file) {
      const seen: (string | undefined)[] = [];
      const turn = new Lock();
      using lines = file.lines();
      const readers = [1, 2, 3].map(() =>
        spawn(function* () {
          for (let done: boolean | undefined = false; !done; ) {
            using _turn = yield* turn.hold();
            const line = yield* lines.next();
            done = line.done;
            if (!done) seen.push(line.value);
          }
        }),
      );
      for (const reader of readers) yield* reader;
      expect(seen).toEqual(expected);
    });
  });

  it('gives the lines of a big file in order, whatever else is asked of it between them', async () => {
    const lines = Array.from(
      { length: 30_000 },
      (_, i) => `${i}:${'äx'.repeat(i % 30)}${i % 1000 === 7 ? '-'.repeat(90_000) : ''}`,
    );
    const text = lines.join('\n');
    await withFile(text, function* (file) {
      expect(yield* linesOf(file)).toEqual(lines);
      yield* file.seek(0);
      let position = 0;
      for (const [index, line] of lines.entries()) {
        const length = Buffer.byteLength(line);
        if (index % 5 > 0) expect(yield* file.readline()).toBe(line);
        else expect(String(yield* file.read(length + 1)).trimEnd()).toBe(line);
        position += length + 1;
        if (index % 11 === 0) expect(file.tell()).toBe(Math.min(position, Buffer.byteLength(text)));
        if (index % 2000 === 0) yield* file.seek(0, 'current');
      }
      expect(yield* file.readline()).toBeUndefined();
    });
  });

  it('sees what was written while it read ahead', () =>
    withFile('a\n'.repeat(131_072), function* (file) {
      expect(yield* file.readline()).toBe('a');
      yield* file.write('b\n'.repeat(131_071));
      yield* file.seek(-4, 'end');
      expect(yield* linesOf(file)).toEqual(['b', 'b']);
      yield* file.seek(0);
      expect((yield* linesOf(file)).slice(0, 2)).toEqual(['a', 'b']);
    }));

  it('sees what was added after the end', () =>
    withFile('a\n', function* (file) {
      expect(yield* linesOf(file)).toEqual(['a']);
      yield* fs.appendFile(at('file'), 'b\n');
      expect(yield* linesOf(file)).toEqual(['b']);
    }));

  it('throws the error of the system, with the stack of the coroutine', async () => {
    mkdirSync(at('folder'));
    await run(function* () {
      using folder = yield* open(at('folder'));
      function* whoReads(): Coroutine<any> {
        return yield* thrown(folder.read(5));
      }
      const error = yield* whoReads();
      expect(error).toMatchObject({ code: 'EISDIR' });
      expect(error.stack).toMatch(/whoReads/);
      expect(yield* thrown(folder.readline())).toMatchObject({ code: 'EISDIR' });
      expect(yield* thrown(folder.readAll())).toMatchObject({ code: 'EISDIR' });
      using writer = yield* open(at('new'), 'w');
      expect(yield* thrown(writer.read(5))).toMatchObject({ code: 'EBADF' });
    });
  });

  it('throws what opening it came to', async () => {
    await run(function* () {
      expect(yield* thrown(open(at('nothing')))).toMatchObject({ code: 'ENOENT', path: at('nothing') });
      expect(yield* thrown(open(at('nothing'), 'oops'))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
      using file = yield* open(pathToFileURL(at('new file')), 'wx', 0o640);
      expect([file.path, (yield* file.stat()).mode & 0o777]).toEqual([at('new file'), 0o640]);
      expect(yield* thrown(open(at('new file'), 'wx'))).toMatchObject({ code: 'EEXIST' });
    });
  });

  it('checks its arguments at the call', () =>
    withFile('', function* (file) {
      expect(() => file.read(0)).toThrow('n is 0: give a whole number, 1 or more');
      expect(() => file.readInto(new Uint8Array())).toThrow(
        'target is Uint8Array(0) []: give a Uint8Array or a Buffer',
      );
      expect(() => file.readline({ encoding: 'utf9' as never })).toThrow("encoding is 'utf9': give 'utf8'");
      expect(() => file.lines({ limit: -1 })).toThrow('limit is -1: give a whole number, 0 or more');
      expect(() => file.readAll('no' as never)).toThrow("encoding is 'no'");
      expect(() => file.write(5 as never)).toThrow('data is 5: give a string, a Buffer or a Uint8Array');
      expect(() => file.seek(-1)).toThrow('offset is -1: give a whole number, 0 or more');
      expect(() => file.seek(0, 'middle' as never)).toThrow("whence is 'middle': give 'start', 'current' or 'end'");
      expect(() => file.truncate(1.5)).toThrow('size is 1.5');
      expect(() => open(-1)).toThrow('path is -1');
      expect(() => {
        file.owner = 5 as never;
      }).toThrow('owner is 5: give a Greenlet, or undefined');
    }));
});

describe('writing and moving in a File', () => {
  it('has one position for reading and writing', () =>
    withFile('0123456789', function* (file) {
      expect(yield* file.read(2)).toEqual(Buffer.from('01'));
      expect(yield* file.write('ab')).toBe(2);
      expect(file.tell()).toBe(4);
      expect(yield* file.read(2)).toEqual(Buffer.from('45'));
      expect(yield* file.seek(-2, 'current')).toBe(4);
      expect(yield* file.write(Buffer.from('\u2603'))).toBe(3);
      expect(yield* file.seek(-1, 'end')).toBe(9);
      expect(yield* file.write('')).toBe(0);
      expect(yield* file.readAll('utf8')).toBe('9');
      expect(yield* file.seek(1)).toBe(1);
      expect(yield* file.readAll('utf8')).toBe('1ab\u2603789');
      expect(readFileSync(at('file'), 'utf8')).toBe('01ab\u2603789');
    }));

  it('extends the file when it writes after the end', () =>
    withFile('ab', function* (file) {
      yield* file.seek(2, 'end');
      yield* file.write('cd');
      expect(readFileSync(at('file'), 'latin1')).toBe('ab\0\0cd');
    }));

  it('does not go before the start', () =>
    withFile('abc', function* (file) {
      yield* file.read(1);
      const error = yield* thrown(file.seek(-2, 'current'));
      expect([error.name, error.message]).toEqual(['RangeError', 'offset is -2: that is 1 bytes before the file']);
      expect(yield* thrown(file.seek(-4, 'end'))).toBeInstanceOf(RangeError);
      expect(file.tell()).toBe(1);
    }));

  it('appends to the end, and reads from its position', async () => {
    writeFileSync(at('log'), 'one\n');
    await run(function* () {
      using log = yield* open(at('log'), 'a+');
      expect(yield* log.readline()).toBe('one');
      yield* log.seek(0);
      yield* log.write('two\n');
      expect(log.tell()).toBe(0);
      yield* fs.appendFile(at('log'), 'three\n');
      yield* log.write('four\n');
      expect(yield* linesOf(log)).toEqual(['one', 'two', 'three', 'four']);
    });
  });

  it('cuts and extends the file', () =>
    withFile('0123456789', function* (file) {
      yield* file.read(3);
      yield* file.truncate();
      expect(yield* file.readAll('utf8')).toBe('');
      yield* file.truncate(5);
      expect([file.tell(), yield* file.readAll('latin1')]).toEqual([3, '\0\0']);
      yield* file.sync();
      expect((yield* file.stat()).size).toBe(5);
    }));

  it('throws when the disk is full, and has its position after what was written', () =>
    run(function* () {
      using full = yield* open('/dev/full', 'w');
      expect(yield* thrown(full.write('x'))).toMatchObject({ code: 'ENOSPC' });
      expect(full.tell()).toBe(0);
    }));

  it('takes over a descriptor', async () => {
    const fd = openSync(at('file'), 'w+');
    writeSync(fd, 'text');
    await run(function* () {
      using file = yield* open(fd);
      expect([file.fd, file.path, String(file)]).toEqual([fd, `fd ${fd}`, `File fd ${fd}`]);
      expect(yield* file.readAll('utf8')).toBe('text');
    });
  });
});

describe('a pipe that is opened as a File', () => {
  it('gives what is there, and has no positions', async () => {
    const path = makeFifo('fifo');
    await run(function* () {
      using reader = yield* open(path, 'r+');
      using writer = yield* open(path, 'w');
      yield* writer.write('hello\nwor');
      expect(yield* reader.read(3)).toEqual(Buffer.from('hel'));
      expect(yield* reader.readline()).toBe('lo');
      expect(yield* reader.read(100)).toEqual(Buffer.from('wor'));
      yield* writer.write('x');
      const target = Buffer.alloc(9);
      expect([yield* reader.readInto(target), target[0]]).toEqual([1, 120]);
      expect([reader.tell(), writer.tell()]).toEqual([10, 10]);
      expect(yield* thrown(reader.seek(0))).toMatchObject({
        code: 'ESPIPE',
        message: `ESPIPE: illegal seek, ${path} has no positions`,
      });
    });
  });

  it('lets others run while a reader is blocked, and loses nothing when that is killed', async () => {
    const path = makeFifo('fifo');
    await run(function* () {
      using reader = yield* open(path, 'r+');
      using writer = yield* open(path, 'w');
      for (const call of [() => reader.read(4), () => reader.readline(), () => reader.readAll()]) {
        yield* killBlocked(call);
      }
      yield* writer.write('hel');
      const limit = Timeout.startNew(20);
      expect(yield* thrown(reader.readline())).toBe(limit);
      expect(yield* reader.read(1)).toEqual(Buffer.from('h')); // while the next fill is on its way
      yield* writer.write('lo\nyou\n');
      expect([yield* reader.readline(), yield* reader.readline()]).toEqual(['ello', 'you']);
    });
  });

  it('keeps apart what a killed read still brings from what was given out meanwhile', async () => {
    const path = makeFifo('fifo');
    const contents = sample(131_072);
    await run(function* () {
      using reader = yield* open(path, 'r+');
      using writer = yield* open(path, 'w');
      const killed = spawn(() => reader.readAll());
      for (const half of [0, 65_536]) yield* writer.write(contents.subarray(half, half + 65_536));
      yield* killed.kill();
      const pieces: Buffer[] = [];
      for (let left = contents.length; left > 0; left -= pieces.at(-1)!.length) pieces.push(yield* reader.read(left));
      yield* writer.write('the end');
      expect(String(yield* reader.read(100))).toBe('the end');
      expect(Buffer.concat(pieces).equals(contents)).toBe(true);
    });
  });

  it('ends when the last writer has closed it', async () => {
    const path = makeFifo('fifo');
    await run(function* () {
      const writer = spawn(function* () {
        using file = yield* open(path, 'w');
        yield* file.write('all of it');
      });
      using reader = yield* open(path, 'r');
      expect(yield* reader.readAll('utf8')).toBe('all of it');
      yield* writer.join();
    });
  });

  it('wakes a blocked reader with an error when it is closed, and closes the descriptor when the system lets go', async () => {
    const path = makeFifo('fifo');
    const other = openSync(path, 'r+');
    await run(function* () {
      const file = yield* open(path, 'r+');
      const { fd } = file;
      const reader = spawn(() => file.read(5));
      yield* untilBlocked(reader);
      const closing = file.close();
      expect([file.closed, file.fd]).toEqual([true, -1]);
      const error = yield* thrown(reader);
      expect(error).toBeInstanceOf(FileClosedError);
      expect(error).toMatchObject({ code: 'GENLET_FILE_CLOSED', name: 'FileClosedError' });
      expect(error.message).toBe(`File ${path} was closed by ${getcurrent()}`);
      expect(openFiles()).toEqual([path, path]); // else another file might get its number
      const limit = Timeout.startNew(5);
      expect(yield* thrown(closing)).toBe(limit);
      writeSync(other, 'x');
      yield* file.close();
      expect([openFiles(), fd]).toEqual([[path], fd]);
    });
    closeSync(other);
  });
});

describe('several greenlets and one File', () => {
  it('serves one at a time, and says who is there', async () => {
    const path = makeFifo('fifo');
    await run(function* () {
      using file = yield* open(path, 'r+');
      const first = spawn(() => file.read(5));
      first.name = 'first';
      yield* untilBlocked(first);
      const error = yield* thrown(file.readline());
      expect(error).toBeInstanceOf(ConcurrentObjectUseError);
      expect(error.message).toBe(
        `${getcurrent()} can't perform File.readline() of ${path}: ${first} is blocked there already, in File.read() of ${path}`,
      );
      for (const call of [file.write('x'), file.seek(0), file.stat()]) {
        expect(yield* thrown(call)).toBeInstanceOf(ConcurrentObjectUseError);
      }
      yield* first.kill();
      yield* fs.writeFile(path, 'x');
      expect(yield* file.read(5)).toEqual(Buffer.from('x'));
    });
  });
});

describe('a kill in a call on a File', () => {
  it.each([0, 1, 2, 3, 4, 5])('takes nothing: the next read goes on at the same place (%i)', async (first) => {
    const contents = sample(500_000).map((byte) => (byte === 10 ? 11 : byte));
    writeFileSync(at('file'), contents);
    const target = Buffer.alloc(200_000);
    const file = await run(function* () {
      const file = yield* open(at('file'));
      file.owner = undefined;
      expect(yield* file.read(777)).toEqual(contents.subarray(0, 777));
      return file;
    });
    const calls: (() => Operation<unknown>)[] = [
      () => file.readAll(),
      () => file.read(300_000),
      () => file.readInto(target),
      () => file.seek(0, 'end'),
      () => file.stat(),
      () => file.readline(),
    ];
    await withBusyThreads(function* () {
      for (const call of [...calls.slice(first), ...calls.slice(0, first)]) yield* killBlocked(call);
    });
    const before = file.tell();
    const rest = await run(() => file.readAll());
    file.close();
    expect(rest.equals(contents.subarray(before))).toBe(true);
    expect(before).toBe(777);
    expect(target.equals(Buffer.alloc(200_000))).toBe(true);
  });

  it('keeps what a killed read still brings from the place that is sought next', async () => {
    const contents = sample(500_000);
    writeFileSync(at('file'), contents);
    const file = await run(function* () {
      const file = yield* open(at('file'));
      file.owner = undefined;
      yield* file.seek(1000);
      yield* file.read(777);
      return file;
    });
    const seeking = await withBusyThreads(function* () {
      yield* killBlocked(() => file.read(300_000));
      const greenlet = spawn(() => file.seek(200_000));
      yield* sleep(0);
      return [greenlet];
    });
    await run(function* () {
      expect(yield* seeking[0]!).toBe(200_000);
      expect(yield* file.read(1000)).toEqual(contents.subarray(200_000, 201_000));
    });
    file.close();
  });

  it('loses no byte and doubles none, whenever it comes', async () => {
    const contents = sample(2_000_000);
    await withFile(contents, function* (file) {
      const pieces: Buffer[] = [];
      let killed = 0;
      for (let i = 0; ; i++) {
        const reader = spawn(() => file.read(1 + ((i * 30_011) % 100_000)));
        for (let turns = i % 4; turns >= 0 && !reader.dead; turns--) yield* sleep(0);
        yield* reader.kill();
        if (!(reader.value instanceof Buffer)) killed++;
        else if (reader.value.length === 0) break;
        else pieces.push(reader.value);
      }
      expect(Buffer.concat(pieces).equals(contents)).toBe(true);
      expect(killed).toBeGreaterThan(3);
    });
  });

  it('lets a write that had begun go on, before anything else', async () => {
    writeFileSync(at('file'), '');
    const file = await run(function* () {
      const file = yield* open(at('file'), 'r+');
      file.owner = undefined;
      return file;
    });
    await withBusyThreads(function* () {
      yield* killBlocked(() => file.write('killed '));
      yield* killBlocked(() => file.write('never begun'));
    });
    await run(function* () {
      yield* file.write('next');
      expect(file.tell()).toBe(11);
      yield* file.close();
    });
    expect(readFileSync(at('file'), 'utf8')).toBe('killed next');
  });

  it('does not begin what comes after a kill of oneself', () =>
    withFile('old', function* (file) {
      const greenlet = spawn(function* () {
        (getcurrent() as Greenlet).kill();
        yield* file.write('new');
      });
      yield* greenlet.join();
      yield* file.sync();
      expect(readFileSync(at('file'), 'utf8')).toBe('old');
    }));

  it('closes what is opened too late', async () => {
    writeFileSync(at('file'), '');
    await withBusyThreads(() => killBlocked(() => open(at('file'))));
    await untilClosed();
  });
});

describe('the end of a File', () => {
  it('closes it at the end of using, and then every call throws', async () => {
    writeFileSync(at('file'), 'text');
    await run(function* () {
      let kept: File;
      {
        using file = yield* open(at('file'), 'r+');
        kept = file;
      }
      const calls = [kept.read(1), kept.readline(), kept.write('x'), kept.seek(0), kept.stat(), kept.readAll()];
      for (const call of [...calls, kept.lines().next()]) expect(yield* thrown(call)).toBeInstanceOf(FileClosedError);
      yield* kept.close();
      yield* kept.close();
      expect([kept.closed, kept.fd, kept.path, kept.owner, openFiles()]).toEqual([true, -1, at('file'), undefined, []]);
    });
  });

  it('throws an error of the system to whoever waits for it, and else reports it', async () => {
    await run(function* () {
      for (const waits of [true, false]) {
        const file = yield* open(at('file'), 'w');
        closeSync(file.fd);
        const closing = file.close();
        if (waits) expect(yield* thrown(closing)).toMatchObject({ code: 'EBADF' });
      }
    });
    let reports: unknown[] = [];
    for (const end = performance.now() + 5000; reports.length === 0 && performance.now() < end; ) {
      reports = await takeReports();
    }
    expect(reports).toMatchObject([{ error: { code: 'EBADF' }, context: `closing ${at('file')}` }]);
  });

  it('comes with the end of the greenlet that opened it', async () => {
    await run(function* () {
      const files: File[] = [];
      function* opener(fate: 'returns' | 'fails' | 'waits'): Coroutine<void> {
        files.push(yield* open(at('file'), 'a'));
        expect(files.at(-1)!.owner).toBe(getcurrent());
        if (fate === 'fails') throw new Error('failed');
        if (fate === 'waits') yield* sleep(10_000);
      }
      yield* spawn(opener, 'returns').join();
      yield* thrown(spawn(opener, 'fails'));
      const waiter = spawn(opener, 'waits');
      while (files.length < 3) yield* sleep(0);
      expect(files.map((file) => file.closed)).toEqual([true, true, false]);
      yield* waiter.kill();
      expect(files.map((file) => [file.closed, file.owner])).toEqual([1, 2, 3].map(() => [true, undefined]));
      expect((yield* thrown(files[2]!.write('x'))).message).toBe(
        `File ${at('file')} was closed since its owner ${waiter} has ended: assign file.owner to have it live longer`,
      );
    });
  });

  it('does not come with that of a greenlet which returns it', async () => {
    writeFileSync(at('file'), 'text');
    const file = await run(function* () {
      const file = yield* spawn(() => open(at('file')));
      expect(file.closed).toBe(false);
      expect(file.owner).toBe(undefined);
      return file;
    });
    expect(await run(() => file.readAll('utf8'))).toBe('text');
    file.close();
  });

  it('comes with that of another greenlet, if it is given away', async () => {
    await run(function* () {
      const keeper = spawn(() => sleep(10_000));
      const files: File[] = [];
      const opener = spawn(function* () {
        for (const owner of [keeper, undefined]) {
          const file = yield* open(at('file'), 'a');
          file.owner = owner;
          files.push(file);
        }
      });
      yield* opener.join();
      expect(files.map((file) => file.closed)).toEqual([false, false]);
      expect(files[0]!.owner).toBe(keeper);
      expect(files[1]!.owner).toBe(undefined);
      yield* keeper.kill();
      expect(files.map((file) => file.closed)).toEqual([true, false]);
      files[1]!.owner = keeper; // which has ended
      expect(files[1]!.closed).toBe(true);
    });
  });

  it('does not come with that of the helpers which open several at once', async () => {
    await run(function* () {
      const files = yield* all([open(at('a'), 'w'), open(at('b'), 'w')]);
      yield* sleep(0);
      expect(files.map((file) => file.closed)).toEqual([false, false]);
      for (const file of files) file.close();
    });
  });

  it('leaves no link at the owner', () =>
    run(function* () {
      const before = Link.all(getcurrent() as Greenlet).length;
      for (let i = 0; i < 3; i++) {
        using _file = yield* open(at('file'), 'w');
        expect(Link.all(getcurrent() as Greenlet).length).toBe(before + 1);
      }
      expect(Link.all(getcurrent() as Greenlet).length).toBe(before);
    }));
});
