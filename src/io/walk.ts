/** `walk`: everything in a folder and in the folders in it. */
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkCallback, checkInteger, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { ConcurrentObjectUseError } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { functions as fs } from './fs-functions.ts';

/** What `walk` finds. */
export interface WalkEntry {
  /** Where it is: the folder that `walk` was given, and the way from there. */
  readonly path: string;
  /** How deep: 1 for what lies in the folder itself. */
  readonly depth: number;
  /** Its name and kind, as from `fs.readdir`. */
  readonly dirent: Dirent;
}

/** Options of `walk`. */
export interface WalkOptions {
  /** How deep to go: 1 is the folder itself. Everywhere by default. */
  readonly maxDepth?: number | undefined;
  /** Whether to enter the folders that symbolic links lead to, unless they are above it. `false` by default. */
  readonly followSymlinks?: boolean | undefined;
  /** What is neither given nor entered. */
  readonly skip?: ((entry: WalkEntry) => boolean) | undefined;
}

/** A folder on the way down. */
interface Level {
  readonly path: string;
  readonly depth: number;
  readonly above: Level | undefined;
  /** Device and number, if links are followed. */
  identity: string | undefined;
  /** What is left in it, last first; `undefined` before it was read. */
  left: Dirent[] | undefined;
}

class Walk implements Iteration<WalkEntry> {
  readonly #maxDepth: number;
  readonly #followSymlinks: boolean;
  readonly #skip: ((entry: WalkEntry) => boolean) | undefined;
  #level: Level | undefined;
  #reader: RawGreenlet | undefined = undefined;

  constructor(root: string, options: WalkOptions) {
    const { maxDepth = Number.POSITIVE_INFINITY, followSymlinks = false, skip } = options;
    this.#maxDepth = maxDepth;
    this.#followSymlinks = followSymlinks;
    this.#skip = skip;
    this.#level = { path: root, depth: 1, above: undefined, identity: undefined, left: undefined };
  }

  next(): Operation<IteratorResult<WalkEntry, undefined>> {
    return composite('walk.next()', this.#next());
  }

  *#next(): Coroutine<IteratorResult<WalkEntry, undefined>> {
    const me = hub.owner({ describe: () => 'walk.next()' });
    if (this.#reader !== undefined) {
      throw new ConcurrentObjectUseError(`${me} can't perform walk.next(): ${this.#reader} is blocked there already`);
    }
    this.#reader = me;
    try {
      for (let level = this.#level; level !== undefined; level = this.#level) {
        if (level.left === undefined) yield* this.#read(level);
        const dirent = level.left?.at(-1);
        if (dirent === undefined) {
          this.#level = level.above;
          continue;
        }
        const entry: WalkEntry = { path: join(level.path, dirent.name), depth: level.depth, dirent };
        const skipped = this.#skip?.(entry) === true;
        const inner = skipped ? undefined : yield* this.#enter(entry, level);
        level.left?.pop();
        if (skipped) continue;
        if (inner !== undefined && this.#level !== undefined) this.#level = inner;
        return { done: false, value: entry };
      }
      return { done: true, value: undefined };
    } finally {
      this.#reader = undefined;
    }
  }

  /** A folder that can't be read is passed by, once its error was thrown; one whose reader was killed is read again. */
  *#read(level: Level): Coroutine<void> {
    try {
      if (this.#followSymlinks) level.identity ??= yield* identify(level.path);
      const dirents = yield* fs.readdir(level.path, { withFileTypes: true });
      level.left = dirents.sort((one, other) => (one.name < other.name ? 1 : -1));
    } catch (error) {
      if (isSystemError(error)) level.left = [];
      throw error;
    }
  }

  /** The level to go on with, if `entry` is a folder to enter. */
  *#enter(entry: WalkEntry, above: Level): Coroutine<Level | undefined> {
    const { path, depth, dirent } = entry;
    if (depth >= this.#maxDepth) return;
    let identity: string | undefined;
    if (dirent.isSymbolicLink() && this.#followSymlinks) {
      identity = yield* identify(path);
      for (let level: Level | undefined = above; level !== undefined; level = level.above) {
        if (level.identity === identity) return;
      }
    } else if (!dirent.isDirectory()) return;
    return identity === '' ? undefined : { path, depth: depth + 1, above, identity, left: undefined };
  }

  [Symbol.dispose](): void {
    this.#level = undefined;
  }
}

/** What tells a folder from all others; nothing for what is no folder, and for a link that leads nowhere. */
function* identify(path: string): Coroutine<string> {
  try {
    const stats = yield* fs.stat(path, { bigint: true });
    return stats.isDirectory() ? `${stats.dev}:${stats.ino}` : '';
  } catch (error) {
    if (isSystemError(error)) return '';
    throw error;
  }
}

const isSystemError = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.syscall !== undefined;

/**
 * Iterates over what lies in a folder and in the folders in it: a folder before its contents, in the order of the names.
 * `next()` suspends when it reads a folder; a kill or timeout in it loses nothing. A folder that can't be read makes
 * `next()` throw the system's error, and the next call goes on after it. Follows `os.walk` and `fs.readdir` with `recursive`.
 *
 * @throws {ConcurrentObjectUseError} in `next()`: another greenlet is blocked in it
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs } from 'genlet/io';
 *
 * await run(function* () {
 *   const folder = yield* fs.mkdtemp('/tmp/example-');
 *   yield* fs.mkdir(`${folder}/sub`);
 *   yield* fs.writeFile(`${folder}/sub/a.txt`, '');
 *   using entries = fs.walk(folder);
 *   for (let entry; !(entry = yield* entries.next()).done; ) console.log(entry.value.dirent.name);
 *   // => sub
 *   // => a.txt
 *   yield* fs.rm(folder, { recursive: true });
 * });
 * ```
 */
export function walk(dir: string | URL, options: WalkOptions = {}): Iteration<WalkEntry> {
  if (typeof dir !== 'string' && !(dir instanceof URL)) {
    throw new TypeError(`dir is ${show(dir)}: give a path or a file URL`);
  }
  const { maxDepth, skip } = options;
  if (maxDepth !== undefined) checkInteger('maxDepth', maxDepth, 1);
  if (skip !== undefined) checkCallback('skip', skip);
  return new Walk(typeof dir === 'string' ? dir : fileURLToPath(dir), options);
}
