/**
 * `glob`: the files whose paths match a pattern.
 *
 * Node has it from 22 on. Before, only the matcher is there (`path.matchesGlob`), and the folders are walked here, from the
 * part of the pattern on that has no wildcard.
 */
import native, { type Dirent } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkCallback, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { asOperation } from './fs-call.ts';
import { walk } from './walk.ts';

/** Options of `glob`, as those of `fs.glob`. */
export interface GlobOptions {
  /** Where the pattern begins: the current folder by default. */
  readonly cwd?: string | URL | undefined;
  /** What is neither given nor entered: gets its path, or its `Dirent` with `withFileTypes`. */
  readonly exclude?: ((entry: any) => boolean) | undefined;
  /** Whether to give `Dirent` objects instead of paths. */
  readonly withFileTypes?: boolean | undefined;
}

const nativeGlob: unknown = (native as { glob?: unknown }).glob;
const callNative = asOperation({
  name: 'glob',
  call: (...args) => (nativeGlob as (...args: unknown[]) => void)(...args),
  harmless: true,
});

/**
 * Gives the paths of the files and folders that match a pattern, or one of several, relative to `cwd`: `*`, `?`, `[…]`,
 * `{a,b}`, and `**` for any number of folders. Suspends; a kill drops the result. Files whose name begins with a dot match
 * only what begins with one on Node 20; later versions differ. Follows `fs.glob`, which is used where Node has it.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs } from 'genlet/io';
 *
 * await run(function* () {
 *   const folder = yield* fs.mkdtemp('/tmp/example-');
 *   yield* fs.writeFile(`${folder}/a.txt`, '');
 *   yield* fs.writeFile(`${folder}/b.md`, '');
 *   console.log(yield* fs.glob('*.txt', { cwd: folder })); // => [ 'a.txt' ]
 *   yield* fs.rm(folder, { recursive: true });
 * });
 * ```
 */
export function glob(
  pattern: string | readonly string[],
  options: GlobOptions & { readonly withFileTypes: true },
): Operation<Dirent[]>;
export function glob(pattern: string | readonly string[], options?: GlobOptions): Operation<string[]>;
export function glob(pattern: string | readonly string[], options: GlobOptions = {}): Operation<any> {
  const patterns = typeof pattern === 'string' ? [pattern] : pattern;
  if (!Array.isArray(patterns) || !patterns.every((pattern) => typeof pattern === 'string')) {
    throw new TypeError(`pattern is ${show(pattern)}: give a string, or an array of strings`);
  }
  if (options.exclude !== undefined) checkCallback('exclude', options.exclude);
  const { cwd = '.' } = options;
  const folder = typeof cwd === 'string' ? cwd : fileURLToPath(cwd);
  if (typeof nativeGlob === 'function') return callNative(patterns, { ...options, cwd: folder });
  return composite('fs.glob()', search(patterns, folder, options));
}

/** As Node does it from 22 on. @internal */
export function* search(
  patterns: readonly string[],
  cwd: string,
  { exclude, withFileTypes = false }: GlobOptions,
): Coroutine<(string | Dirent)[]> {
  const found = new Map<string, string | Dirent>();
  for (const pattern of patterns) {
    const normal = path.normalize(pattern);
    const parts = normal.split(path.sep);
    const wild = parts.findIndex((part) => WILDCARD.test(part));
    // The last part is looked for in its folder even if it has no wildcard.
    const fixed = parts.slice(0, wild < 0 ? parts.length - 1 : wild);
    const start = fixed.join(path.sep) || (path.isAbsolute(normal) ? path.sep : '.');
    const maxDepth = /\*\*|\{/.test(normal) ? undefined : parts.length - fixed.length;
    const relative = (entry: string) => path.join(start, path.relative(path.resolve(cwd, start), entry));
    const entries = walk(path.resolve(cwd, start), {
      maxDepth,
      skip: ({ path: at, dirent }) => exclude?.(withFileTypes ? dirent : relative(at)) === true,
    });
    for (let entry: IteratorResult<{ path: string; dirent: Dirent }, undefined>; ; ) {
      try {
        entry = yield* entries.next();
      } catch (error) {
        if ((error as NodeJS.ErrnoException | undefined)?.syscall === undefined) throw error;
        continue; // a folder that can't be read has nothing that matches
      }
      if (entry.done) break;
      const at = relative(entry.value.path);
      if (path.matchesGlob(at, normal)) found.set(at, withFileTypes ? entry.value.dirent : at);
    }
  }
  return [...found.values()];
}

const WILDCARD = /[*?[\]{}()]/;
