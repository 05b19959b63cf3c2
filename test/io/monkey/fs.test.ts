import * as names from 'node:fs';
import fs, { type PathLike, readFile } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancelledError, run, spawnNow, withTimeout } from 'genlet';
import { patchFs, type Started, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callbackFunctions } from '../../../src/io/fs-functions.ts';
import { nextTurn, watchHub } from '../../support/hub.ts';

watchHub();

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(() => patchFs());
afterAll(unpatchAll);

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'genlet-monkey-'));
  fs.writeFileSync(at('text'), 'some text');
  return () => fs.rmSync(folder, { recursive: true });
});

/** How each function is used in blocking style, and what shows that it worked. */
const uses: Record<string, () => Generator<any, unknown, any>> = {
  *access() {
    return yield* fs.access(at('text'));
  },
  *appendFile() {
    yield* fs.appendFile(at('text'), ', and more');
    return [fs.readFileSync(at('text'), 'utf8'), 'some text, and more'];
  },
  *chmod() {
    yield* fs.chmod(at('text'), 0o600);
    return [fs.statSync(at('text')).mode & 0o777, 0o600];
  },
  *chown() {
    return yield* fs.chown(at('text'), process.getuid!(), process.getgid!());
  },
  *close() {
    const fd = fs.openSync(at('text'), 'r');
    yield* fs.close(fd) as never as Started<void>;
    return [throws(() => fs.fstatSync(fd)), 'EBADF'];
  },
  *copyFile() {
    yield* fs.copyFile(at('text'), at('copy'));
    return [fs.readFileSync(at('copy'), 'utf8'), 'some text'];
  },
  *cp() {
    yield* fs.cp(at('text'), at('copy'));
    return [fs.readFileSync(at('copy'), 'utf8'), 'some text'];
  },
  *exists() {
    return [
      [yield* fs.exists(at('text')), yield* fs.exists(at('none'))],
      [true, false],
    ];
  },
  *fchmod() {
    return yield* withFile(function* (fd) {
      yield* fs.fchmod(fd, 0o640);
      return [fs.statSync(at('text')).mode & 0o777, 0o640];
    });
  },
  *fchown() {
    return yield* withFile((fd) => fs.fchown(fd, process.getuid!(), process.getgid!()));
  },
  *fdatasync() {
    return yield* withFile((fd) => fs.fdatasync(fd));
  },
  *fstat() {
    return yield* withFile(function* (fd) {
      return [
        [(yield* fs.fstat(fd)).size, (yield* fs.fstat(fd, { bigint: true })).size],
        [9, 9n],
      ];
    });
  },
  *fsync() {
    return yield* withFile((fd) => fs.fsync(fd));
  },
  *ftruncate() {
    return yield* withFile(function* (fd) {
      yield* fs.ftruncate(fd, 4);
      return [fs.readFileSync(at('text'), 'utf8'), 'some'];
    });
  },
  *futimes() {
    return yield* withFile(function* (fd) {
      yield* fs.futimes(fd, 1, 2);
      return [fs.statSync(at('text')).mtimeMs, 2000];
    });
  },
  *glob() {
    return [yield* (fs as any).glob('*', { cwd: folder }), ['text']];
  },
  *lchown() {
    return yield* fs.lchown(at('text'), process.getuid!(), process.getgid!());
  },
  *link() {
    yield* fs.link(at('text'), at('link'));
    return [fs.statSync(at('link')).nlink, 2];
  },
  *lstat() {
    fs.symlinkSync(at('text'), at('link'));
    return [(yield* fs.lstat(at('link'))).isSymbolicLink(), true];
  },
  *lutimes() {
    yield* fs.lutimes(at('text'), 1, 2);
    return [fs.statSync(at('text')).mtimeMs, 2000];
  },
  *mkdir() {
    return [
      [yield* fs.mkdir(at('a/b'), { recursive: true }), fs.existsSync(at('a/b'))],
      [at('a'), true],
    ];
  },
  *mkdtemp() {
    const made = yield* fs.mkdtemp(at('made-'));
    return [fs.statSync(made).isDirectory(), true];
  },
  *open() {
    const fd = yield* fs.open(at('text'));
    fs.closeSync(fd);
    return [typeof fd, 'number'];
  },
  *opendir() {
    const dir = yield* fs.opendir(folder);
    const { name } = dir.readSync()!;
    dir.closeSync();
    return [name, 'text'];
  },
  *read() {
    return yield* withFile(function* (fd) {
      const { bytesRead, buffer } = yield* fs.read(fd, Buffer.alloc(4), 0, 4, 0);
      return [
        [bytesRead, String(buffer)],
        [4, 'some'],
      ];
    });
  },
  *readdir() {
    return [yield* fs.readdir(folder), ['text']];
  },
  *readFile() {
    return [
      [String(yield* fs.readFile(at('text'))), yield* fs.readFile(at('text'), 'utf8')],
      ['some text', 'some text'],
    ];
  },
  *readlink() {
    fs.symlinkSync('text', at('link'));
    return [yield* fs.readlink(at('link')), 'text'];
  },
  *readv() {
    return yield* withFile(function* (fd) {
      const { bytesRead, buffers } = yield* fs.readv(fd, [Buffer.alloc(2), Buffer.alloc(2)], 0);
      return [
        [bytesRead, buffers.map(String)],
        [4, ['so', 'me']],
      ];
    });
  },
  *realpath() {
    fs.symlinkSync('text', at('link'));
    const real = fs.realpathSync(at('text'));
    return [
      [yield* fs.realpath(at('link')), yield* fs.realpath.native(at('link'))],
      [real, real],
    ];
  },
  *rename() {
    yield* fs.rename(at('text'), at('name'));
    return [fs.readdirSync(folder), ['name']];
  },
  *rm() {
    yield* fs.rm(at('text'));
    return [fs.readdirSync(folder), []];
  },
  *rmdir() {
    fs.mkdirSync(at('empty'));
    yield* fs.rmdir(at('empty'));
    return [fs.readdirSync(folder), ['text']];
  },
  *stat() {
    return [(yield* fs.stat(at('text'))).size, 9];
  },
  *statfs() {
    return [typeof (yield* fs.statfs(folder)).bsize, 'number'];
  },
  *symlink() {
    yield* fs.symlink('text', at('link'));
    return [fs.readlinkSync(at('link')), 'text'];
  },
  *truncate() {
    yield* fs.truncate(at('text'), 4);
    return [fs.readFileSync(at('text'), 'utf8'), 'some'];
  },
  *unlink() {
    yield* fs.unlink(at('text'));
    return [fs.readdirSync(folder), []];
  },
  *utimes() {
    yield* fs.utimes(at('text'), 1, 2);
    return [fs.statSync(at('text')).mtimeMs, 2000];
  },
  *write() {
    return yield* withFile(function* (fd) {
      const { bytesWritten, buffer } = yield* fs.write(fd, Buffer.from('more'));
      return [
        [bytesWritten, String(buffer), fs.readFileSync(at('text'), 'utf8')],
        [4, 'more', 'more text'],
      ];
    });
  },
  *writeFile() {
    yield* fs.writeFile(at('text'), 'other');
    return [fs.readFileSync(at('text'), 'utf8'), 'other'];
  },
  *writev() {
    return yield* withFile(function* (fd) {
      const { bytesWritten } = yield* fs.writev(fd, [Buffer.from('mo'), Buffer.from('re')]);
      return [
        [bytesWritten, fs.readFileSync(at('text'), 'utf8')],
        [4, 'more text'],
      ];
    });
  },
};

function* withFile<T>(use: (fd: number) => Iterable<any> | Generator<any, T, any>): Generator<any, T, any> {
  const fd = fs.openSync(at('text'), 'r+');
  try {
    return (yield* use(fd) as any) as T;
  } finally {
    fs.closeSync(fd);
  }
}

function throws(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}

const openFiles = () => fs.readdirSync('/proc/self/fd').length;

describe('in a greenlet', () => {
  it.each(callbackFunctions(fs))('fs.%s is called without its callback', async (name) => {
    const use = uses[name]!;
    await run(function* () {
      const [got, expected] = ((yield* use()) ?? []) as [unknown, unknown];
      expect(got).toEqual(expected);
    });
  });

  it('all ways of importing lead to the same', async () => {
    const required = createRequire(import.meta.url)('node:fs');
    const dynamic = await import('node:fs');
    await run(function* () {
      for (const read of [readFile, names.readFile, required.readFile, dynamic.readFile, dynamic.default.readFile]) {
        expect(yield* read(at('text'), 'utf8')).toBe('some text');
      }
    });
  });

  it('errors are those of Node', async () => {
    await run(function* () {
      try {
        yield* fs.stat(at('none'));
        expect.unreachable();
      } catch (error) {
        const { code, syscall, path, stack } = error as NodeJS.ErrnoException;
        expect({ code, syscall, path }).toEqual({ code: 'ENOENT', syscall: 'stat', path: at('none') });
        expect(stack).toMatch('fs.test.ts');
      }
      expect(throws(() => fs.readFile(at('text'), 'utf-9' as never))).toBe('ERR_INVALID_ARG_VALUE');
      expect(throws(() => fs.readFile(at('text'), { signal: 5 } as never))).toBe('ERR_INVALID_ARG_TYPE');
      expect(throws(() => fs.stat({} as never))).toBe('ERR_INVALID_ARG_TYPE');
      expect(() => (fs.stat as any)()).toThrow('The "path" argument must be');
    });
  });

  it('a call with a callback is what it was', async () => {
    const text = await run(
      () =>
        new Promise((resolve) => {
          expect(fs.readFile(at('text'), 'utf8', (_, text) => resolve(text))).toBe(undefined);
        }),
    );
    expect(text).toBe('some text');
  });
});

describe('outside a greenlet', () => {
  it('a missing callback is the error that it was', async () => {
    const stat = fs.stat as unknown as (path: PathLike) => void;
    expect(throws(() => stat(at('text')))).toBe('ERR_INVALID_ARG_TYPE');
    await nextTurn();
  });

  it('calls with callbacks are what they were', async () => {
    const results = await Promise.all([
      new Promise((resolve) => fs.readFile(at('text'), 'utf8', (...all) => resolve(all))),
      new Promise((resolve) => fs.exists(at('text'), (...all) => resolve(all))),
      new Promise((resolve) => fs.stat(at('none'), (error) => resolve(error?.code))),
      fs.promises.readFile(at('text'), 'utf8'),
    ]);
    expect(results).toEqual([[null, 'some text'], [true], 'ENOENT', 'some text']);
  });
});

describe('a kill in flight', () => {
  const deliveries: [string, () => unknown][] = [
    ['open', () => fs.open(at('text'))],
    ['opendir', () => fs.opendir(folder)],
    ['mkdtemp', () => fs.mkdtemp(at('made-'))],
  ];

  it.each(deliveries)('of %s closes or removes what comes', async (_, call) => {
    const before = openFiles();
    await run(function* () {
      const started = call() as Started<unknown>;
      const waiter = spawnNow(() => started);
      yield* waiter.kill();
      expect([waiter.successful(), started.exception instanceof CancelledError]).toEqual([true, true]);
    });
    await expect.poll(() => [openFiles() <= before, fs.readdirSync(folder)]).toEqual([true, ['text']]);
  });

  it('of readFile stops it before its next piece', async () => {
    fs.writeFileSync(at('large'), Buffer.alloc(32 * 1024 * 1024));
    const before = openFiles();
    await run(function* () {
      const reading = fs.readFile(at('large')) as unknown as Started<Buffer>;
      expect(yield* withTimeout(0, () => reading, { value: 'late' })).toBe('late');
      expect(reading.cancelled()).toBe(true);
    });
    await expect.poll(openFiles).toBeLessThanOrEqual(before);
  });

  /** From Node 26 on, all is written in one go. */
  it.skipIf(process.version >= 'v26')('of writeFile and appendFile stops them', async () => {
    const data = Buffer.alloc(32 * 1024 * 1024);
    const before = openFiles();
    await run(function* () {
      for (const call of [fs.writeFile, fs.appendFile]) {
        const waiter = spawnNow(() => call(at('large'), data));
        yield* waiter.kill();
      }
    });
    await expect.poll(() => process.getActiveResourcesInfo().includes('FSReqCallback')).toBe(false);
    expect(openFiles()).toBeLessThanOrEqual(before);
    expect(fs.existsSync(at('large')) ? fs.statSync(at('large')).size : 0).toBe(0);
  });

  it('takes a signal of the caller all the same', async () => {
    await run(function* () {
      const controller = new AbortController();
      fs.writeFileSync(at('large'), Buffer.alloc(8 * 1024 * 1024));
      const reading = fs.readFile(at('large'), { signal: controller.signal });
      controller.abort();
      try {
        yield* reading;
        expect.unreachable();
      } catch (error) {
        expect((error as Error).name).toBe('AbortError');
      }
    });
  });

  it('keeps a descriptor open until Node no longer uses it', async () => {
    const fd = fs.openSync(at('text'), 'r+');
    await run(function* () {
      const waiter = spawnNow(() => fs.write(fd, Buffer.alloc(4 * 1024 * 1024)));
      yield* waiter.kill();
      yield* fs.close(fd) as never as Started<void>;
    });
    await expect.poll(() => throws(() => fs.fstatSync(fd))).toBe('EBADF');
    expect(fs.statSync(at('text')).size).toBe(4 * 1024 * 1024);
  });
});
