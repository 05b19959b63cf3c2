/** `fs`: files, by calls that suspend. */
import { functions } from './fs-functions.ts';
import type { OtherFunctions, PlainFunctions } from './fs-types.ts';
import { glob } from './glob.ts';
import { walk } from './walk.ts';
import { watch } from './watch.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

/**
 * What `fs` has.
 *
 * @hidden its members are those of `node:fs`, under their names
 */
export interface Fs extends PlainFunctions, OtherFunctions {
  /** See `glob`. */
  readonly glob: typeof glob;
  /** See `walk`. */
  readonly walk: typeof walk;
  /** See `watch`. */
  readonly watch: typeof watch;
  /** See `writeFileAtomic`. */
  readonly writeFileAtomic: typeof writeFileAtomic;
}

/**
 * The callback functions of `node:fs` under their names: the same arguments without the callback, and the result by
 * `yield*`; where Node's callback gets two values, an object such as `{ bytesRead, buffer }`, as from `util.promisify`.
 * What this version of Node lacks is absent. `fs.glob`, `fs.walk`, `fs.watch` and `fs.writeFileAtomic` are genlet's own.
 * Follows `node:fs`.
 *
 * Nothing happens before `yield*`; then each call suspends. A kill or timeout ends the wait at once. `readFile` and
 * `writeFile` then stop at their next step; any other call goes on in Node's threads unheard, and what it opens or makes
 * (`open`, `opendir`, `mkdtemp`) is closed or removed at once. A descriptor that a killed call still uses can be closed:
 * the system hears of it afterwards, lest a late write goes to another file that has got its number. Calls
 * that change nothing, such as `readFile` and `stat`, may be cases of a `select`.
 *
 * @throws the system's error, with `code` `ENOENT`, `EACCES`, …, and the stack of the coroutine
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs } from 'genlet/io';
 *
 * await run(function* () {
 *   const folder = yield* fs.mkdtemp('/tmp/example-');
 *   yield* fs.writeFile(`${folder}/a.txt`, 'hello');
 *   console.log(yield* fs.readFile(`${folder}/a.txt`, 'utf8')); // => hello
 *   console.log((yield* fs.stat(`${folder}/a.txt`)).size); // => 5
 *   yield* fs.rm(folder, { recursive: true });
 *   console.log(yield* fs.exists(folder)); // => false
 * });
 * ```
 */
export const fs: Fs = { ...functions, glob, walk, watch, writeFileAtomic };
