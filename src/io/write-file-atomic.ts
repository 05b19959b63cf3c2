/** `writeFileAtomic`: a file that is replaced as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import type { Mode, PathLike } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { shield } from '../core/shield.ts';
import { type File, open } from './file.ts';
import { functions as fs } from './fs-functions.ts';

/** Options of `writeFileAtomic`. */
export interface WriteFileAtomicOptions {
  /** How a string is encoded: `'utf8'` by default. */
  readonly encoding?: BufferEncoding | undefined;
  /** The permissions of the file: by default those of the one that is replaced, or those of any new file. */
  readonly mode?: Mode | undefined;
}

/** Bytes that are written before a kill is heard. */
const PIECE = 2 ** 20;

/**
 * Writes `data` to a file in the same folder, brings it to the disk and renames it to `path`: at any time, and after a
 * crash, there is either the whole of the old file or the whole of the new one. A symbolic link stays one, and the file
 * that it leads to is replaced. Suspends; after a kill, a timeout or an error the old file is there and the new one is
 * not, unless the renaming had begun: then it is finished first. Follows the npm package `write-file-atomic`.
 *
 * @throws the system's error, with `code` `EACCES`, `ENOSPC`, …
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs } from 'genlet/io';
 *
 * await run(function* () {
 *   const folder = yield* fs.mkdtemp('/tmp/example-');
 *   yield* fs.writeFileAtomic(`${folder}/state.json`, JSON.stringify({ count: 1 }));
 *   console.log(yield* fs.readFile(`${folder}/state.json`, 'utf8')); // => {"count":1}
 *   console.log(yield* fs.readdir(folder)); // => [ 'state.json' ]
 *   yield* fs.rm(folder, { recursive: true });
 * });
 * ```
 */
export function writeFileAtomic(
  path: PathLike,
  data: string | Uint8Array,
  options: WriteFileAtomicOptions = {},
): Operation<void> {
  const { encoding = 'utf8', mode } = options;
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw new TypeError(`data is ${show(data)}: give a string, a Buffer or a Uint8Array`);
  }
  if (!Buffer.isEncoding(encoding)) throw new TypeError(`encoding is ${show(encoding)}: give 'utf8', 'latin1', …`);
  const target = path instanceof URL ? fileURLToPath(path) : String(path);
  const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : data;
  return composite('fs.writeFileAtomic()', replace(target, bytes, mode));
}

function* replace(path: string, bytes: Uint8Array, mode: Mode | undefined): Coroutine<void> {
  const target = yield* ifPresent(fs.realpath(path), path);
  const present = mode === undefined ? yield* ifPresent(fs.stat(target), undefined) : undefined;
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  let file: File | undefined;
  let renamed = false;
  try {
    // A kill may not come between the making of the file and the knowledge of it.
    yield* shield(function* () {
      file = yield* open(temporary, 'wx', mode ?? 0o666);
      const wanted = mode ?? present?.mode;
      if (wanted !== undefined) yield* fs.fchmod(file.fd, wanted);
    });
    for (let from = 0; from < bytes.length; from += PIECE) yield* file!.write(bytes.subarray(from, from + PIECE));
    yield* file!.sync();
    yield* file!.close();
    yield* shield(function* () {
      yield* fs.rename(temporary, target);
      renamed = true;
      yield* syncFolder(dirname(target));
    });
  } finally {
    if (file !== undefined && !renamed) {
      const left = file;
      yield* shield(function* () {
        yield* left.close();
        yield* fs.unlink(temporary);
      });
    }
  }
}

/** Brings the new name to the disk, where a system lets folders be opened. */
function* syncFolder(path: string): Coroutine<void> {
  if (process.platform === 'win32') return;
  const folder = yield* open(path);
  try {
    yield* folder.sync();
  } finally {
    yield* folder.close();
  }
}

function* ifPresent<T, U>(operation: Operation<T>, otherwise: U): Coroutine<T | U> {
  try {
    return yield* operation;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return otherwise;
    throw error;
  }
}
