/** Files and folders that misbehave: a full disk, a full pipe, what is no file, what changes or goes away meanwhile. */
import {
  appendFileSync,
  closeSync,
  constants,
  createReadStream,
  createWriteStream,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { LimitOverrunError, run, sleep, spawn } from 'genlet';
import { fs, open, pipe, Reader, runProcess, Writer } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { watchEverything } from './census.ts';
import { at, makeFifo, useFolder } from './fs-support.ts';
import { thrown, untilBlocked } from './support.ts';

watchHub();
watchEverything();
useFolder();

describe('a full disk', () => {
  it('fails each way of writing with ENOSPC, and the file can be closed', () =>
    run(function* () {
      const file = yield* open('/dev/full', 'w');
      expect(yield* thrown(file.write('x'))).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
      expect(yield* thrown(file.write(Buffer.alloc(1_000_000)))).toMatchObject({ code: 'ENOSPC' });
      expect(file.tell()).toBe(0);
      yield* file.close();
      expect(yield* thrown(fs.writeFile('/dev/full', 'x'))).toMatchObject({ code: 'ENOSPC' });
      expect(yield* thrown(fs.appendFile('/dev/full', 'x'))).toMatchObject({ code: 'ENOSPC' });
      const writer = new Writer(createWriteStream('/dev/full'));
      yield* writer.write('x');
      expect(yield* thrown(writer.end())).toMatchObject({ code: 'ENOSPC' });
      expect(yield* thrown(writer.write('y'))).toMatchObject({ code: 'ENOSPC' });
    }));

  it('ends a copy, and leaves both files usable', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'x'.repeat(500_000));
      using source = yield* open(at('a.txt'));
      using target = yield* open('/dev/full', 'w');
      expect(yield* thrown(pipe(source, target))).toMatchObject({ code: 'ENOSPC' });
      yield* source.seek(0);
      expect(String(yield* source.read(3))).toBe('xxx');
    }));

  it('for the output of a process is that process’s failure', () =>
    run(function* () {
      const fd = openSync('/dev/full', 'w');
      const { returncode, stderr } = yield* runProcess(['cat'], {
        input: 'x',
        stdout: fd,
        stderr: 'pipe',
        encoding: 'utf8',
      });
      closeSync(fd);
      expect([returncode, stderr]).toEqual([1, expect.stringContaining('No space left')]);
    }));
});

describe('a full pipe', () => {
  it('blocks its writer alone; a kill ends that, and what had begun goes on when there is room', () =>
    run(function* () {
      const path = makeFifo('pipe');
      const hold = openSync(path, constants.O_RDWR);
      const file = yield* open(path, 'w');
      const writing = spawn(() => file.write(Buffer.alloc(200_000, 'x')));
      yield* untilBlocked(writing);
      yield* sleep(10);
      expect(writing.dead).toBe(false);
      expect((yield* fs.stat(at(''))).isDirectory()).toBe(true); // other calls have threads left
      yield* writing.kill();
      const reader = yield* open(path, 'r');
      closeSync(hold);
      const after = spawn(function* () {
        yield* file.write('end');
        yield* file.close();
      });
      let [count, tail] = [0, ''];
      for (let part: Buffer; (part = yield* reader.read()).length > 0; count += part.length) {
        tail = (tail + part.toString('latin1')).slice(-4);
      }
      expect([count, tail]).toEqual([200_003, 'xend']);
      yield* after;
      yield* reader.close();
    }));

  it('whose reader goes away fails the writer with EPIPE', () =>
    run(function* () {
      const path = makeFifo('pipe');
      const hold = openSync(path, constants.O_RDWR);
      const file = yield* open(path, 'w');
      const writing = spawn(() => file.write(Buffer.alloc(200_000, 'x')));
      yield* untilBlocked(writing);
      closeSync(hold);
      expect(yield* thrown(writing)).toMatchObject({ code: 'EPIPE' });
      yield* file.close();
    }));
});

describe('what is no file', () => {
  it('a folder: each read throws EISDIR, and the File can be closed', () =>
    run(function* () {
      using file = yield* open(at(''));
      for (const read of [
        () => file.read(),
        () => file.readInto(Buffer.alloc(10)),
        () => file.readline(),
        () => file.readAll(),
        () => file.readAll('utf8'),
        () => file.lines().next(),
        () => pipe(file, { write: () => fs.stat(at('')) }),
      ]) {
        expect(yield* thrown(read())).toMatchObject({ code: 'EISDIR' });
      }
      expect((yield* file.stat()).isDirectory()).toBe(true);
      expect(yield* thrown(fs.readFile(at('')))).toMatchObject({ code: 'EISDIR' });
      expect(yield* thrown(open(at(''), 'r+'))).toMatchObject({ code: 'EISDIR' });
      using reader = new Reader(createReadStream(at('')));
      expect(yield* thrown(reader.readline())).toMatchObject({ code: 'EISDIR' });
      expect(yield* thrown(fs.writeFileAtomic(at(''), 'x'))).toMatchObject({ code: /EISDIR|EBUSY|EEXIST|ENOTEMPTY/ });
    }));

  it('a loop of links, a name that is too long, a path through a file', () =>
    run(function* () {
      symlinkSync(at('loop'), at('loop'));
      writeFileSync(at('a.txt'), '');
      expect(yield* thrown(open(at('loop')))).toMatchObject({ code: 'ELOOP' });
      expect(yield* thrown(open(at('x'.repeat(300))))).toMatchObject({ code: 'ENAMETOOLONG' });
      expect(yield* thrown(open(at('a.txt/b.txt')))).toMatchObject({ code: 'ENOTDIR' });
      expect(yield* thrown(open(at('a\0b')))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    }));

  it('a line without an end: the limit refuses it in bounded memory', () =>
    run(function* () {
      using file = yield* open('/dev/zero');
      const before = process.memoryUsage().arrayBuffers;
      expect(yield* thrown(file.readline({ limit: 1_000_000 }))).toBeInstanceOf(LimitOverrunError);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
      expect((yield* file.read(10)).length).toBe(10);
      using reader = new Reader(createReadStream('/dev/zero'));
      expect(yield* thrown(reader.readline())).toBeInstanceOf(LimitOverrunError);
      expect(yield* thrown(reader.readAll({ limit: 1_000_000 }))).toBeInstanceOf(LimitOverrunError);
    }));

  it('a file that says it is empty and is not, or longer than it is', () =>
    run(function* () {
      using status = yield* open('/proc/self/status');
      expect(yield* status.readAll('utf8')).toContain('Name:');
      using sparse = yield* open(at('sparse'), 'w+');
      yield* sparse.truncate(50_000_000);
      yield* sparse.seek(-3, 'end');
      expect([...(yield* sparse.readAll())]).toEqual([0, 0, 0]);
    }));
});

describe('a file that changes while it is read', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('');

  it('and is unlinked is read to its end', () =>
    run(function* () {
      writeFileSync(at('a.txt'), lines(50_000));
      using file = yield* open(at('a.txt'));
      let count = 0;
      for (let line: string | undefined; (line = yield* file.readline()) !== undefined; count++) {
        if (count === 10) unlinkSync(at('a.txt'));
        expect(line).toBe(`line ${count}`);
      }
      expect(count).toBe(50_000);
      expect(yield* thrown(open(at('a.txt')))).toMatchObject({ code: 'ENOENT' });
    }));

  it('and is cut ends where it is cut, or at what was read ahead', () =>
    run(function* () {
      writeFileSync(at('a.txt'), lines(100_000));
      using file = yield* open(at('a.txt'));
      let count = 0;
      for (; (yield* file.readline()) !== undefined; count++) if (count === 10) truncateSync(at('a.txt'), 0);
      expect(count).toBeGreaterThan(10);
      expect(count).toBeLessThan(50_000);
      expect((yield* file.read()).length).toBe(0);
      appendFileSync(at('a.txt'), 'new');
      yield* file.seek(0);
      expect(yield* file.readAll('utf8')).toBe('new');
    }));

  it('and is cut during readAll gives what there is', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'x'.repeat(10_000_000));
      using file = yield* open(at('a.txt'));
      const reading = spawn(() => file.readAll());
      yield* untilBlocked(reading);
      truncateSync(at('a.txt'), 5);
      expect((yield* reading).length).toBeLessThanOrEqual(10_000_000);
      yield* file.seek(0);
      expect(yield* file.readAll('utf8')).toBe('xxxxx');
    }));

  it('and grows gives what was added, and ends', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'one\n');
      using file = yield* open(at('a.txt'));
      const read = [];
      for (let line: string | undefined; (line = yield* file.readline()) !== undefined; ) {
        read.push(line);
        if (read.length < 5) appendFileSync(at('a.txt'), `more ${read.length}\n`);
      }
      expect(read).toEqual(['one', 'more 1', 'more 2', 'more 3', 'more 4']);
    }));

  it('and is replaced by another is still the old one', () =>
    run(function* () {
      writeFileSync(at('a.txt'), 'old one\nold two\n');
      using file = yield* open(at('a.txt'));
      expect(yield* file.readline()).toBe('old one');
      yield* fs.writeFileAtomic(at('a.txt'), 'new');
      expect(yield* file.readline()).toBe('old two');
      expect(readFileSync(at('a.txt'), 'utf8')).toBe('new');
    }));

  it('and vanishes with its folder: a walk and a write say so', () =>
    run(function* () {
      for (let i = 0; i < 5; i++) {
        mkdirSync(at(`sub${i}`));
        writeFileSync(at(`sub${i}/a.txt`), '');
      }
      using entries = fs.walk(at(''));
      const seen: string[] = [];
      let errors = 0;
      for (let done = false; !done; ) {
        try {
          const step = yield* entries.next();
          done = step.done === true;
          if (!step.done) seen.push(step.value.dirent.name);
          if (seen.length === 1) for (let i = 1; i < 5; i++) rmSync(at(`sub${i}`), { recursive: true, force: true });
        } catch (error) {
          errors++;
          expect(error).toMatchObject({ code: 'ENOENT' });
        }
      }
      expect([seen, errors]).toEqual([['sub0', 'a.txt', 'sub1', 'sub2', 'sub3', 'sub4'], 4]);
      expect(yield* thrown(fs.writeFileAtomic(at('sub1/b.txt'), 'x'))).toMatchObject({ code: 'ENOENT' });
    }));

  it('and has links in circles: a walk that follows them ends', () =>
    run(function* () {
      mkdirSync(at('a'));
      mkdirSync(at('a/b'));
      symlinkSync(at('a'), at('a/b/up'));
      symlinkSync(at('nowhere'), at('a/dangling'));
      using entries = fs.walk(at(''), { followSymlinks: true });
      let count = 0;
      for (; !(yield* entries.next()).done; count++) expect(count).toBeLessThan(20);
      expect(count).toBeGreaterThanOrEqual(4);
    }));
});
