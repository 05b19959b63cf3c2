import nodeFs, { type BigIntStats, type Dirent, readdirSync, readFileSync, type Stats, writeFileSync } from 'node:fs';
import { all, type Coroutine, type Operation, run, select, sleep, spawn, Timeout } from 'genlet';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { fs } from '../../src/io/fs.ts';
import { nextTurn, watchHub } from '../support/hub.ts';
import { at, killBlocked, openFiles, untilClosed, useFolder, withBusyThreads } from './fs-support.ts';
import { eventually, thrown, untilBlocked } from './support.ts';

const { takeReports } = watchHub();
useFolder();

/** What `node:fs` has without a callback, and why it is no operation. */
const NOT_OPERATIONS: Record<string, string> = {
  createReadStream: 'gives a stream',
  createWriteStream: 'gives a stream',
  openAsBlob: 'gives a promise: until(openAsBlob(path))',
  watch: 'calls its listener many times: fs.watch is an iteration',
  watchFile: 'calls its listener many times',
  unwatchFile: 'ends watchFile at once',
  _toUnixTimestamp: 'internal',
};

describe('fs', () => {
  it('has every callback function of node:fs', () => {
    const functions = Object.entries(nodeFs).filter(
      ([name, value]) => typeof value === 'function' && /^[a-z_]/.test(name),
    );
    const expected = functions
      .map(([name]) => name)
      .filter((name) => !name.endsWith('Sync') && !(name in NOT_OPERATIONS));
    const own = ['glob', 'walk', 'watch', 'writeFileAtomic'];
    expect(Object.keys(fs).sort()).toEqual([...new Set([...expected, ...own])].sort());
    expect(fs.readFile.name).toBe('readFile');
  });

  it('gives what the callback is given', async () => {
    await run(function* () {
      yield* fs.writeFile(at('a'), 'hello');
      yield* fs.appendFile(at('a'), ' world');
      yield* fs.copyFile(at('a'), at('b'));
      yield* fs.rename(at('b'), at('c'));
      yield* fs.symlink('a', at('link'));
      yield* fs.mkdir(at('x/y'), { recursive: true });
      yield* fs.cp(at('x'), at('z'), { recursive: true });
      expect(yield* fs.readFile(at('c'))).toEqual(Buffer.from('hello world'));
      expect(yield* fs.readFile(at('c'), 'latin1')).toBe('hello world');
      expect(yield* fs.readFile(at('c'), { encoding: 'hex' })).toBe(Buffer.from('hello world').toString('hex'));
      expect(yield* fs.readlink(at('link'))).toBe('a');
      expect(yield* fs.realpath(at('link'))).toBe(yield* fs.realpath.native(at('a')));
      expect((yield* fs.stat(at('link'))).size).toBe(11);
      expect((yield* fs.lstat(at('link'))).isSymbolicLink()).toBe(true);
      expect((yield* fs.stat(at('a'), { bigint: true })).size).toBe(11n);
      expect((yield* fs.readdir(at(''))).sort()).toEqual(['a', 'c', 'link', 'x', 'z']);
      expect((yield* fs.readdir(at('z'), { withFileTypes: true }))[0]!.isDirectory()).toBe(true);
      expect(yield* fs.access(at('a'))).toBe(undefined);
      expect(yield* fs.exists(at('a'))).toBe(true);
      expect(yield* fs.exists(at('nothing'))).toBe(false);
      expect(yield* fs.exists('\0')).toBe(false);
      yield* fs.truncate(at('a'), 2);
      yield* fs.chmod(at('a'), 0o600);
      yield* fs.utimes(at('a'), 1, 2);
      const { mode, mtimeMs } = yield* fs.stat(at('a'));
      expect([mode & 0o777, mtimeMs]).toEqual([0o600, 2000]);
      yield* fs.rm(at('x'), { recursive: true });
      yield* fs.rmdir(at('z/y'));
      yield* fs.unlink(at('c'));
      const dir = yield* fs.opendir(at('z'));
      expect(dir.readSync()).toBe(null);
      dir.closeSync();
    });
  });

  it('names the two values that some callbacks are given', async () => {
    await run(function* () {
      const fd = yield* fs.open(at('a'), 'w+');
      const bytes = Buffer.from('hello');
      expect(yield* fs.write(fd, bytes)).toEqual({ bytesWritten: 5, buffer: bytes });
      expect(yield* fs.write(fd, ' you', 5)).toEqual({ bytesWritten: 4, buffer: ' you' });
      expect(yield* fs.writev(fd, [bytes, bytes], 9)).toEqual({ bytesWritten: 10, buffers: [bytes, bytes] });
      const target = Buffer.alloc(4);
      expect(yield* fs.read(fd, target, 0, 4, 5)).toEqual({ bytesRead: 4, buffer: Buffer.from(' you') });
      expect((yield* fs.read(fd, { buffer: target, position: 0 })).buffer).toBe(target);
      expect(yield* fs.readv(fd, [target], 0)).toEqual({ bytesRead: 4, buffers: [target] });
      yield* fs.fsync(fd);
      yield* fs.fdatasync(fd);
      yield* fs.ftruncate(fd, 3);
      expect((yield* fs.fstat(fd)).size).toBe(3);
      yield* fs.close(fd);
    });
  });

  it('has the types of node:fs', () => {
    function* program(): Coroutine<void> {
      expectTypeOf(yield* fs.readFile('x', 'utf8')).toEqualTypeOf<string>();
      expectTypeOf((yield* fs.readFile('x')).readInt8()).toEqualTypeOf<number>();
      expectTypeOf(yield* fs.readFile('x', { encoding: 'utf8', flag: 'r' })).toEqualTypeOf<string>();
      expectTypeOf(yield* fs.stat('x')).toEqualTypeOf<Stats>();
      expectTypeOf(yield* fs.stat('x', { bigint: true })).toEqualTypeOf<BigIntStats>();
      expectTypeOf(yield* fs.readdir('x')).toEqualTypeOf<string[]>();
      expectTypeOf(yield* fs.readdir('x', { withFileTypes: true })).toEqualTypeOf<Dirent[]>();
      expectTypeOf(yield* fs.readdir('x', { encoding: 'utf8', recursive: true })).toEqualTypeOf<string[]>();
      expectTypeOf(yield* fs.mkdir('x')).toEqualTypeOf<void>();
      expectTypeOf(yield* fs.mkdir('x', { recursive: true })).toEqualTypeOf<string | undefined>();
      expectTypeOf(yield* fs.exists('x')).toEqualTypeOf<boolean>();
      expectTypeOf(yield* fs.open('x')).toEqualTypeOf<number>();
      expectTypeOf(yield* fs.mkdtemp('x')).toEqualTypeOf<string>();
      expectTypeOf(yield* fs.realpath.native('x')).toEqualTypeOf<string>();
      expectTypeOf((yield* fs.read(1, new Uint16Array(1))).buffer).toEqualTypeOf<Uint16Array<ArrayBuffer>>();
      expectTypeOf(yield* fs.write(1, 'x')).toEqualTypeOf<{ bytesWritten: number; buffer: string }>();
      expectTypeOf(fs.unlink('x')).toExtend<Operation<void>>();
      // @ts-expect-error two paths are needed
      yield* fs.rename('x');
      // @ts-expect-error no such encoding
      yield* fs.readFile('x', 'utf9');
    }
    expect(program).toBeTypeOf('function');
  });

  it('does nothing before yield*', async () => {
    fs.writeFile(at('a'), 'x');
    await nextTurn();
    expect(readdirSync(at(''))).toEqual([]);
  });

  it('throws the error of the system, with the stack of the coroutine', async () => {
    const error = await run(function* whoReads() {
      return yield* thrown(fs.readFile(at('nothing'), 'utf8'));
    });
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open', path: at('nothing') });
    expect(error.stack).toMatch(/^Error: ENOENT: no such file.*[\s\S]*thrown.*[\s\S]*whoReads/);
  });

  it('throws what Node says of wrong arguments', async () => {
    await run(function* () {
      expect(yield* thrown(fs.readFile({} as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
      expect(yield* thrown(fs.readFile(at('a'), { encoding: 'no' } as never))).toMatchObject({
        code: 'ERR_INVALID_ARG_VALUE',
      });
      expect(yield* thrown(fs.readFile(at('a'), 5 as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    });
  });

  it('says what it is when it is misused', async () => {
    expect(() => [...(fs.stat('/x') as never as Iterable<unknown>)]).toThrow(/fs\.stat\('\/x'\)/);
  });

  it('calls what has been put in the place of a function', async () => {
    const replaced = vi
      .spyOn(nodeFs, 'readlink')
      .mockImplementation(((_: string, done: (e: null, v: string) => void) => done(null, 'mocked')) as never);
    expect(await run(() => fs.readlink('x'))).toBe('mocked');
    replaced.mockRestore();
  });

  it('runs calls of several greenlets at once', async () => {
    await run(function* () {
      yield* all(['a', 'b', 'c'].map((name) => fs.writeFile(at(name), name)));
      expect(yield* all(['a', 'b', 'c'].map((name) => fs.readFile(at(name), 'utf8')))).toEqual(['a', 'b', 'c']);
    });
  });
});

describe('an fs call that is killed', () => {
  it('closes, or removes, what comes too late', async () => {
    writeFileSync(at('a'), '');
    await withBusyThreads(function* () {
      yield* killBlocked(() => fs.open(at('a'), 'r'));
      yield* killBlocked(() => fs.opendir(at('')));
      yield* killBlocked(() => fs.mkdtemp(at('made-')));
    });
    await run(() => eventually(() => openFiles().length === 0 && readdirSync(at('')).length === 1));
  });

  it('keeps what it was granted in the same pass', async () => {
    writeFileSync(at('a'), 'text');
    await run(function* () {
      const seen: unknown[] = [];
      const reader = spawn(function* () {
        seen.push(yield* fs.readFile(at('a'), 'utf8'));
        yield* sleep(1000);
      });
      yield* untilBlocked(reader);
      while (reader.isBlocked()) yield* sleep(0);
      yield* reader.kill();
      expect(seen).toEqual(['text']);
    });
  });

  it('stops a readFile before its next piece', async () => {
    const size = 64 * 2 ** 20;
    writeFileSync(at('big'), Buffer.alloc(size));
    const before = bytesRead();
    await withBusyThreads(() => killBlocked(() => fs.readFile(at('big'))));
    await untilClosed();
    expect(bytesRead() - before).toBeLessThan(size / 2);
  });

  it('stops a writeFile that has not begun to write', async () => {
    writeFileSync(at('a'), 'old');
    await withBusyThreads(() => killBlocked(() => fs.writeFile(at('a'), 'new', { flag: 'r+' })));
    await untilClosed();
    // From Node 26 on, opening, writing and closing are one job of a thread.
    const isOneJob = Number.parseInt(process.versions.node, 10) >= 26;
    expect(readFileSync(at('a'), 'utf8')).toBe(isOneJob ? 'new' : 'old');
  });

  it('is ended by a timeout too, and by a signal of the caller', async () => {
    writeFileSync(at('a'), 'x');
    await withBusyThreads(function* () {
      const limit = Timeout.startNew(1);
      expect(yield* thrown(fs.stat(at('a')))).toBe(limit);
      limit.close();
    });
    await run(function* () {
      const controller = new AbortController();
      controller.abort(new Error('enough'));
      const error = yield* thrown(fs.readFile(at('a'), { signal: controller.signal }));
      expect(error).toMatchObject({ name: 'AbortError', cause: { message: 'enough' } });
      expect(yield* fs.readFile(at('a'), { encoding: 'utf8', signal: new AbortController().signal })).toBe('x');
    });
  });

  it('keeps its descriptor from being closed while Node still works on it', async () => {
    const fd = nodeFs.openSync(at('a'), 'w+');
    await withBusyThreads(function* () {
      const blocked = ['one', 'two'].map((text) => spawn(() => fs.write(fd, text)));
      for (const greenlet of blocked) yield* untilBlocked(greenlet);
      for (const greenlet of blocked) yield* greenlet.kill();
      yield* fs.close(fd); // at once, though all threads are busy
      expect(openFiles()).toEqual([at('a')]);
    });
    await untilClosed();
    expect(['onetwo', 'twoone']).toContain(readFileSync(at('a'), 'utf8'));
  });

  it('reports an error of a close that was put off', async () => {
    const fd = nodeFs.openSync(at('a'), 'w+');
    await withBusyThreads(function* () {
      yield* killBlocked(() => fs.fsync(fd));
      yield* fs.close(fd);
      nodeFs.closeSync(fd);
    });
    await nextTurn();
    expect(await takeReports()).toMatchObject([{ error: { code: 'EBADF' }, context: `fs.close(${fd})` }]);
  });

  it('may be a case of select only if it changes nothing', async () => {
    writeFileSync(at('a'), 'x');
    await run(function* () {
      const { key } = yield* select({ read: fs.readFile(at('a')), late: sleep(5000) });
      expect(key).toBe('read');
      expect(() => select({ gone: fs.unlink(at('a')), late: sleep(5000) })).toThrow(/case gone is fs\.unlink/);
    });
    expect(readdirSync(at(''))).toEqual(['a']);
  });
});

/** Bytes that this process has read in its life. */
const bytesRead = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))![1]);
