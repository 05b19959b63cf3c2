/** gevent's test__fileobject, and of test__os what reads and writes pipes. */
import {
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import {
  ConcurrentObjectUseError,
  type Coroutine,
  FileClosedError,
  Greenlet,
  joinall,
  run,
  sleep,
  spawn,
  wait,
} from 'genlet';
import { type File, fs, open, Reader, Writer } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { at, makeFifo, openFiles, untilClosed, useFolder } from '../io/fs-support.ts';
import { thrown, untilBlocked } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
useFolder();

/** Both ends of a pipe as files; neither blocks when it is opened. */
function* filePipe(): Coroutine<[reader: File, writer: File]> {
  const path = makeFifo('pipe');
  const hold = openSync(path, constants.O_RDWR);
  const reader = yield* open(path, 'r');
  const writer = yield* open(path, 'w');
  closeSync(hold);
  return [reader, writer];
}

/** Writes the pieces one by one, and closes. */
function* writePieces(file: File, pieces: readonly string[]): Coroutine<void> {
  for (const piece of pieces) {
    yield* file.write(piece);
    yield* sleep(1);
  }
  yield* file.close();
}

describe('a File', () => {
  it('closes its descriptor when its greenlet ends, and what was written is there', () =>
    run(function* () {
      const writing = spawn(function* () {
        const file = yield* open(at('a.txt'), 'w');
        yield* file.write('x');
        expect(openFiles()).toEqual([at('a.txt')]);
      });
      yield* writing;
      yield* sleep(5);
      expect(readFileSync(at('a.txt'), 'utf8')).toBe('x');
    }).then(untilClosed));

  it('without an owner stays open until it is closed', () =>
    run(function* () {
      let kept: File | undefined;
      yield* spawn(function* () {
        kept = yield* open(at('a.txt'), 'w');
        kept.owner = undefined;
      });
      yield* sleep(5);
      expect(openFiles()).toEqual([at('a.txt')]);
      yield* kept!.write('y');
      yield* kept!.close();
      expect(readFileSync(at('a.txt'), 'utf8')).toBe('y');
    }));

  it('seeks and tells where it is', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'B'.repeat(15) + 'a'.repeat(1024));
      using file = yield* open(at('a.txt'));
      expect(yield* file.seek(15)).toBe(15);
      expect(file.tell()).toBe(15);
      expect(String(yield* file.read(1024))).toBe('a'.repeat(1024));
      expect(file.tell()).toBe(15 + 1024);
    }));

  it('gives bytes, and text if it is told an encoding', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'abcdefg\u2603');
      using file = yield* open(at('a.txt'), 'r+');
      expect(Buffer.isBuffer(yield* file.read(7))).toBe(true);
      expect(yield* file.readAll('utf8')).toBe('\u2603');
    }));

  it.each(['path', 'descriptor'])('gives lines as text, opened by %s', (by) =>
    run(function* () {
      writeFileSync(at('a.txt'), 'line1\nline2\r\nline3\rlastline\n\n');
      using file = yield* open(by === 'path' ? at('a.txt') : openSync(at('a.txt'), 'r'));
      const lines = [];
      for (let line: string | undefined; (line = yield* file.readline()) !== undefined; ) lines.push(line);
      expect(lines).toEqual(['line1', 'line2', 'line3\rlastline', '']);
    }),
  );

  it('knows its name after its close as before', () =>
    run(function* () {
      writeFileSync(at('a.txt'), '');
      const byPath = yield* open(at('a.txt'));
      const fd = openSync(at('a.txt'), 'r');
      const byDescriptor = yield* open(fd);
      for (const file of [byPath, byDescriptor]) yield* file.close();
      expect([byPath.path, byDescriptor.path, byPath.fd]).toEqual([at('a.txt'), `fd ${fd}`, -1]);
      expect(`${byPath}`).toBe(`File ${at('a.txt')}`);
    }));

  it('fills memory piece by piece', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'hello world');
      using file = yield* open(at('a.txt'));
      const memory = Buffer.alloc(32);
      const taken = [];
      for (const size of [2, 1, 32, 32]) {
        const count = yield* file.readInto(memory.subarray(0, size));
        taken.push(memory.toString('latin1', 0, count));
      }
      expect(taken).toEqual(['he', 'l', 'lo world', '']);
    }));

  it('writes a newline as it is', () =>
    run(function* () {
      using file = yield* open(at('a.txt'), 'w');
      yield* file.write('\n');
      expect(readFileSync(at('a.txt'))).toEqual(Buffer.from('\n'));
    }));

  it('that can not be opened leaves nothing open', () =>
    run(function* () {
      expect(yield* thrown(open(at('missing/a.txt'), 'w'))).toMatchObject({ code: 'ENOENT' });
      expect(yield* thrown(open(at(''), 'w'))).toMatchObject({ code: 'EISDIR' });
      expect(openFiles()).toEqual([]);
    }));

  it('throws at every call after its close, and can be closed again', () =>
    run(function* () {
      const file = yield* open(at('a.txt'), 'w+');
      yield* file.close();
      yield* file.close();
      for (const call of [() => file.read(), () => file.write('x'), () => file.seek(0), () => file.readline()]) {
        expect(yield* thrown(call())).toBeInstanceOf(FileClosedError);
      }
    }));
});

describe('a pipe', () => {
  it('can be opened as two Files and closed unused', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      yield* reader.close();
      yield* writer.close();
    }));

  it('carries bytes without delay', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      yield* writer.write('a');
      expect(String(yield* reader.read(1))).toBe('a');
      yield* writer.write('2');
      expect(String(yield* reader.read(1))).toBe('2');
      yield* writer.close();
      yield* reader.close();
    }));

  it('gives its lines, however they come', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      const writing = spawn(writePieces, writer, ['line1\n', 'line2\r\n', 'li', 'ne3\nline4', '\nline5']);
      const lines = [];
      for (let line: string | undefined; (line = yield* reader.readline()) !== undefined; ) lines.push(line);
      expect(lines).toEqual(['line1', 'line2', 'line3', 'line4', 'line5']);
      yield* writing;
      yield* reader.close();
    }));

  it('lets others run while somebody reads it into memory', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      const writing = spawn(writePieces, writer, ['hello']);
      const memory = Buffer.alloc(32);
      const count = yield* reader.readInto(memory);
      expect([count, memory.toString('latin1', 0, count)]).toEqual([5, 'hello']);
      expect(yield* reader.readInto(memory)).toBe(0);
      yield* writing;
      yield* reader.close();
    }));

  it('has no positions to seek', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      expect(yield* thrown(reader.seek(0))).toMatchObject({ code: 'ESPIPE' });
      yield* writer.close();
      yield* reader.close();
    }));

  it('holds a writer up that is ahead, and nobody else', () =>
    run(function* () {
      const total = 1_000_000;
      const [reader, writer] = yield* filePipe();
      const block = Buffer.alloc(4096, 'x');
      let [read, written] = [0, 0];
      const producer = new Greenlet(function* () {
        while (written < total) written += yield* writer.write(block.subarray(0, Math.min(total - written, 4096)));
        yield* writer.close();
      });
      const consumer = new Greenlet(function* () {
        for (let part: Buffer; (part = yield* reader.read(4096)).length > 0; ) read += part.length;
        yield* reader.close();
      });
      producer.start();
      consumer.startLater(20);
      yield* sleep(10);
      expect(written).toBeLessThan(200_000); // the pipe is full, and this greenlet runs
      yield* joinall([producer, consumer], { raiseError: true });
      expect([read, written]).toEqual([total, total]);
    }));

  it('can be read and written as streams', () =>
    run(function* () {
      const path = makeFifo('pipe');
      const hold = openSync(path, constants.O_RDWR);
      using reader = new Reader(createReadStream(path), { encoding: 'utf8' });
      const writer = new Writer(createWriteStream(path));
      const writing = spawn(function* () {
        for (const piece of ['one\n', 'tw', 'o\n']) yield* writer.write(piece);
        yield* writer.end();
        closeSync(hold);
      });
      expect([yield* reader.readline(), yield* reader.readline(), yield* reader.readline()]).toEqual([
        'one',
        'two',
        undefined,
      ]);
      yield* writing;
    }));
});

describe('one File for two greenlets', () => {
  it('refuses the second while the first is blocked in it', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      const first = spawn(() => reader.read());
      yield* untilBlocked(first);
      expect(yield* thrown(reader.read())).toBeInstanceOf(ConcurrentObjectUseError);
      yield* writer.write('x');
      expect(String(yield* first)).toBe('x');
      yield* writer.close();
      yield* reader.close();
    }));

  it('closes it under a blocked reader, who is told so', () =>
    run(function* () {
      const [reader, writer] = yield* filePipe();
      const first = spawn(() => reader.read());
      yield* untilBlocked(first);
      const closing = spawn(() => reader.close());
      expect(yield* thrown(first)).toBeInstanceOf(FileClosedError);
      yield* writer.close(); // the thread that reads comes back
      yield* wait([closing]);
    }));
});

describe('open', () => {
  it.each([
    ['flags', 42.5],
    ['flags', 'aoeug'],
    ['flags', 'wU'],
    ['flags', 'rw'],
    ['flags', '+'],
    ['flags', 'rtb'],
  ])('refuses %s %j', (_, flags) =>
    run(function* () {
      writeFileSync(at('a.txt'), '');
      const error = yield* thrown(open(at('a.txt'), flags as never));
      expect(error.code).toMatch(/^ERR_(INVALID_ARG_VALUE|OUT_OF_RANGE|INVALID_ARG_TYPE)$/);
    }),
  );

  it.each([-1, 1.5, Number.NaN])('refuses %s as a descriptor', (fd) => {
    expect(() => open(fd)).toThrow(/path is/);
  });

  it('refuses encodings that there are not, in the calls that take one', () =>
    run(function* () {
      using file = yield* open(at('a.txt'), 'w+');
      expect(() => file.readAll('klingon' as never)).toThrow(/encoding is/);
      expect(() => file.readline({ encoding: 42 as never })).toThrow(/encoding is/);
      expect(() => file.readline({ limit: -1 })).toThrow(/limit is/);
    }));

  it('of a descriptor that is not open fails at the first use, and at the close', () =>
    run(function* () {
      const fd = openSync(at('a.txt'), 'w+');
      closeSync(fd);
      expect(readdirSync('/proc/self/fd').flatMap((name) => linkOf(name))).not.toContain(at('a.txt'));
      const file = yield* open(9999);
      expect(yield* thrown(file.read())).toMatchObject({ code: 'EBADF' });
      expect(yield* thrown(file.close())).toMatchObject({ code: 'EBADF' });
      yield* fs.access(at('a.txt'));
    }));
});

function linkOf(name: string): string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${name}`)];
  } catch {
    return [];
  }
}
