import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConcurrentObjectUseError, type Coroutine, run, spawn } from 'genlet';
import { beforeEach, describe, expect, it } from 'vitest';
import { fs } from '../../src/io/fs.ts';
import { search } from '../../src/io/glob.ts';
import type { WalkOptions } from '../../src/io/walk.ts';
import { watchHub } from '../support/hub.ts';
import { at, killBlocked, useFolder, withBusyThreads } from './fs-support.ts';
import { thrown, untilBlocked } from './support.ts';

watchHub();
useFolder();

beforeEach(() => {
  for (const folder of ['b/deep', 'empty', 'z']) mkdirSync(at(folder), { recursive: true });
  for (const file of ['a.ts', 'b/c.ts', 'b/d.md', 'b/deep/e.ts', 'z/f.ts', 'z/.hidden.ts']) writeFileSync(at(file), '');
});

/** What a walk finds, and the codes of the errors on its way. */
function* found(options: WalkOptions = {}, root = at('.')): Coroutine<string[]> {
  const result: string[] = [];
  using entries = fs.walk(root, options);
  for (;;) {
    try {
      const { done, value } = yield* entries.next();
      if (done) return result;
      expect(value.dirent.name).toBe(value.path.split('/').at(-1));
      result.push(`${value.depth} ${relative(at('.'), value.path)}`);
    } catch (error) {
      result.push((error as NodeJS.ErrnoException).code!);
    }
  }
}

const EVERYTHING = ['1 a.ts', '1 b', '2 b/c.ts', '2 b/d.md', '2 b/deep', '3 b/deep/e.ts', '1 empty', '1 z'].concat([
  '2 z/.hidden.ts',
  '2 z/f.ts',
]);

describe('walk', () => {
  it('gives everything in the order of the names, a folder before its contents', async () => {
    expect(await run(() => found())).toEqual(EVERYTHING);
    expect(await run(() => found({}, pathToFileURL(at('.')) as never))).toEqual(EVERYTHING);
  });

  it('goes as deep as it is told, and skips what it is told', async () => {
    expect(await run(() => found({ maxDepth: 1 }))).toEqual(['1 a.ts', '1 b', '1 empty', '1 z']);
    const skip: WalkOptions['skip'] = ({ dirent }) => dirent.name === 'b' || dirent.name.startsWith('.');
    expect(await run(() => found({ skip }))).toEqual(['1 a.ts', '1 empty', '1 z', '2 z/f.ts']);
  });

  it('gives links as links, and follows them if it is told, but not in circles', async () => {
    symlinkSync('..', at('z/up'));
    symlinkSync('../b/deep', at('z/deep'));
    symlinkSync('nowhere', at('z/broken'));
    const links = ['2 z/.hidden.ts', '2 z/broken', '2 z/deep'];
    expect((await run(() => found())).slice(8)).toEqual([...links, '2 z/f.ts', '2 z/up']);
    expect((await run(() => found({ followSymlinks: true }))).slice(8)).toEqual([
      ...links,
      '3 z/deep/e.ts',
      '2 z/f.ts',
      '2 z/up',
    ]);
  });

  it('throws the error of a folder that can’t be read, and goes on after it', async () => {
    const missing = await run(() => found({}, at('missing')));
    expect(missing).toEqual(['ENOENT']);
    const removed = await run(function* () {
      const seen: string[] = [];
      const entries = fs.walk(at('.'));
      for (;;) {
        try {
          const { done, value } = yield* entries.next();
          if (done) return seen;
          seen.push(relative(at('.'), value.path));
          if (value.path === at('b')) yield* fs.rm(at('b'), { recursive: true });
        } catch (error) {
          seen.push((error as NodeJS.ErrnoException).code!);
        }
      }
    });
    expect(removed).toEqual(['a.ts', 'b', 'ENOENT', 'empty', 'z', 'z/.hidden.ts', 'z/f.ts']);
  });

  it('loses nothing by a kill in next()', async () => {
    const entries = fs.walk(at('.'), { followSymlinks: true });
    await withBusyThreads(() => killBlocked(() => entries.next()));
    const names: string[] = [];
    await run(function* () {
      for (let entry; !(entry = yield* entries.next()).done; ) {
        names.push(relative(at('.'), entry.value.path));
        yield* killBlocked(function* () {
          yield* fs.walk(at('.')).next();
        });
      }
    });
    expect(names).toEqual(EVERYTHING.map((line) => line.slice(2)));
  });

  it('serves one greenlet at a time, and ends when it is disposed of', async () => {
    const entries = fs.walk(at('.'));
    await withBusyThreads(function* () {
      const first = spawn(() => entries.next());
      yield* untilBlocked(first);
      expect(yield* thrown(entries.next())).toBeInstanceOf(ConcurrentObjectUseError);
      yield* first.kill();
    });
    await run(function* () {
      expect((yield* entries.next()).done).toBe(false);
      entries[Symbol.dispose]();
      expect(yield* entries.next()).toEqual({ done: true, value: undefined });
    });
  });

  it('checks its arguments at the call', () => {
    expect(() => fs.walk(5 as never)).toThrow('dir is 5: give a path or a file URL');
    expect(() => fs.walk('.', { maxDepth: 0 })).toThrow('maxDepth is 0');
    expect(() => fs.walk('.', { skip: 5 as never })).toThrow('skip is 5');
  });
});

describe('glob', () => {
  const cases: [pattern: string, paths: string[]][] = [
    ['*.ts', ['a.ts']],
    ['*', ['a.ts', 'b', 'empty', 'z']],
    ['b/*', ['b/c.ts', 'b/d.md', 'b/deep']],
    ['b/*.{ts,md}', ['b/c.ts', 'b/d.md']],
    ['**/[ce].ts', ['b/c.ts', 'b/deep/e.ts']],
    ['{b,z}/?.ts', ['b/c.ts', 'z/f.ts']],
    ['b/c.ts', ['b/c.ts']],
    ['b/**/*.ts', ['b/c.ts', 'b/deep/e.ts']],
    ['nothing/*', []],
    ['./b/*.md', ['b/d.md']],
  ];

  it.each(cases)('finds what matches %s', async (pattern, paths) => {
    const sorted = (list: unknown[]) => list.map(String).sort();
    expect(sorted(await run(() => fs.glob(pattern, { cwd: at('.') })))).toEqual(paths);
    expect(sorted(await run(() => search([pattern], at('.'), {})))).toEqual(paths);
  });

  it('takes several patterns, excludes what it is told, and gives Dirent objects', async () => {
    const cwd = pathToFileURL(at('.'));
    expect((await run(() => fs.glob(['*.ts', 'a.*', 'b/*.md'], { cwd }))).sort()).toEqual(['a.ts', 'b/d.md']);
    const entries = await run(() => fs.glob('b/*', { cwd, withFileTypes: true }));
    expect(entries.map(({ name }) => name).sort()).toEqual(['c.ts', 'd.md', 'deep']);
    const exclude = (path: string) => path.includes('deep');
    expect(await run(() => search(['b/**/*.ts'], at('.'), { exclude }))).toEqual(['b/c.ts']);
  });

  it('checks its arguments at the call', () => {
    expect(() => fs.glob(5 as never)).toThrow('pattern is 5: give a string, or an array of strings');
    expect(() => fs.glob('*', { exclude: 5 as never })).toThrow('exclude is 5');
  });
});
