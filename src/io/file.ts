/** `File` and `open`: a file that is read and written by calls that suspend. */

import { constants, fstat, fsync, ftruncate, type Mode, type OpenMode, type PathLike, type Stats } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkInteger, show } from '../core/check.ts';
import { composite, DEV, notePerformed } from '../core/dev.ts';
import { FileClosedError } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { suspend } from '../core/suspend.ts';
import { Ask, LineForm, NextLine, ReadAll, ReadBytes, ReadInto, ReadLine, Seek, type Whence } from './file-calls.ts';
import { CHUNK, FileChannel } from './file-channel.ts';
import { functions } from './fs-functions.ts';

/** Options of `File.readline` and `File.lines`. */
export interface FileLineOptions {
  /** How the bytes are decoded: `'utf8'` by default. */
  readonly encoding?: BufferEncoding | undefined;
  /** How many bytes a line may have: no limit by default. */
  readonly limit?: number | undefined;
}

/**
 * An open file; made by `open`. Follows Python's `io.BufferedRandom` and gevent's `FileObject`.
 *
 * It has one position, for reading and writing, and reads ahead into a buffer; writes are not buffered. Pipes, terminals
 * and devices can be opened as well: their reads give what is there, and they have no positions. A read that waits for a
 * pipe holds one of Node's (four) threads until something comes, also after a kill or `close()`: sockets, `Reader` and
 * `Popen` are the better way to talk to others.
 *
 * It is closed by `close()`, at the end of `using`, and when its `owner` ends: the greenlet that opened it. A file that is
 * to live longer is given to another greenlet, or to none: `file.owner = undefined`. A file which its owner returns has
 * no owner from then on. `close()` makes whoever is blocked on the file throw `FileClosedError`.
 *
 * One greenlet may use it at a time: a second one's call, while the first is blocked, throws
 * `ConcurrentObjectUseError`. A kill or timeout ends any call at once, and the file can be used on: a killed read has
 * taken nothing, its bytes are read by the next one; a write that had begun is finished in the background, before anything
 * else happens to the file. Errors of the system are thrown with their `code` and the stack of the coroutine.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs, open } from 'genlet/io';
 *
 * await run(function* () {
 *   using file = yield* open('/tmp/example.txt', 'w+');
 *   yield* file.write('one\ntwo\nthree');
 *   yield* file.seek(4);
 *   console.log(yield* file.readline()); // => two
 *   console.log(file.tell()); // => 8
 *   console.log(yield* file.readAll('utf8')); // => three
 *   yield* fs.unlink(file.path);
 * });
 * ```
 */
export class File {
  /** The path that it was opened with, or `fd 5`. */
  readonly path: string;
  readonly #channel: FileChannel;
  readonly #link: OwnerLink;
  #owner: Greenlet | undefined = undefined;

  /** @internal */
  constructor(fd: number, path: string, appends: boolean, opener: RawGreenlet | undefined) {
    this.path = path;
    this.#channel = new FileChannel(fd, path, appends);
    this.#link = new OwnerLink(this);
    if (opener instanceof Greenlet) this.owner = opener;
  }

  /** The file descriptor, for the functions of `fs`; -1 once the file is closed. */
  get fd(): number {
    return this.closed ? -1 : this.#channel.fd;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#channel.failure !== undefined;
  }

  /** The greenlet with whose end the file is closed: at first the one that opened it. `undefined`: none. */
  get owner(): Greenlet | undefined {
    return this.#owner;
  }

  set owner(owner: Greenlet<any> | undefined) {
    if (owner !== undefined && !(owner instanceof Greenlet)) {
      throw new TypeError(`owner is ${show(owner)}: give a Greenlet, or undefined`);
    }
    if (this.#owner !== undefined) this.#link.removeFrom(this.#owner);
    this.#owner = this.closed ? undefined : owner;
    this.#owner?.addLink(this.#link);
  }

  // ---- reading

  /**
   * Gives the next `n` bytes: fewer only before the end of the file, and none at the end; from a pipe or a terminal those
   * that are there, at least one. Suspends unless they were read ahead. A kill takes nothing. Follows `io.BufferedReader.read`.
   */
  read(n: number = CHUNK): Operation<Buffer> {
    return new ReadBytes(this.#channel, checkInteger('n', n, 1));
  }

  /**
   * As `read`, into the caller's memory; gives the number of bytes, 0 at the end. The memory is left alone after a kill.
   * Follows `io.BufferedReader.readinto`.
   */
  readInto(target: Uint8Array): Operation<number> {
    if (!(target instanceof Uint8Array) || target.length === 0) {
      throw new TypeError(`target is ${show(target)}: give a Uint8Array or a Buffer that is not empty`);
    }
    return new ReadInto(this.#channel, target);
  }

  /** Gives all from the position to the end, as a string if an encoding is given. Suspends; a kill takes nothing. */
  readAll(): Operation<Buffer>;
  readAll(encoding: BufferEncoding): Operation<string>;
  readAll(encoding?: BufferEncoding): Operation<any> {
    if (encoding !== undefined) checkEncoding(encoding);
    return new ReadAll(this.#channel, encoding);
  }

  /**
   * Gives the next line, without the `\n` or `\r\n` at its end; what comes after the last one is a line too, if it is not
   * empty; `undefined` at the end of the file. Suspends unless the line was read ahead; a kill takes nothing. Follows
   * `io.TextIOWrapper.readline`, but for the line's end.
   *
   * @throws {LimitOverrunError} the line is longer than `limit` bytes; they stay readable
   */
  readline(options?: FileLineOptions): Operation<string | undefined> {
    return new ReadLine(this.#channel, 'readline', lineForm(options));
  }

  /**
   * Iterates over the lines that are left, each as from `readline`. Ending the iteration leaves the file open, at the
   * line after the last one that was given. Follows `for line in file`.
   *
   * @example
   * ```ts
   * import { run } from 'genlet';
   * import { fs, open } from 'genlet/io';
   *
   * await run(function* () {
   *   yield* fs.writeFile('/tmp/example-lines.txt', 'a\nb\r\nc');
   *   using file = yield* open('/tmp/example-lines.txt');
   *   using lines = file.lines();
   *   for (let line; !(line = yield* lines.next()).done; ) console.log(line.value);
   *   // => a
   *   // => b
   *   // => c
   *   yield* fs.unlink(file.path);
   * });
   * ```
   */
  lines(options?: FileLineOptions): Iteration<string> {
    const form = lineForm(options);
    return new Lines(() => new NextLine(this.#channel, 'lines', form));
  }

  // ---- writing

  /**
   * Writes all of `data`, a string as UTF-8, and gives the number of bytes. In a file that was opened to append they go to
   * its end, and the position stays; elsewhere the position is after them. Suspends until the system has them; use `sync()`
   * to have them on the disk. After a kill a write that had begun goes on: leave the bytes as they are until the next call
   * on the file is done. Follows `io.RawIOBase.write`.
   *
   * @throws the system's error; what was written before it stays, and the position is after that
   */
  write(data: string | Uint8Array): Operation<number> {
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new TypeError(`data is ${show(data)}: give a string, a Buffer or a Uint8Array`);
    }
    return new Ask(this.#channel, 'write', (channel, finish) => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      if (bytes.length === 0) finish(null, 0);
      else channel.write(bytes, finish);
    });
  }

  /** Cuts the file, or extends it by zeros, to `size` bytes: to the position by default, which stays. Suspends. */
  truncate(size?: number): Operation<void> {
    if (size !== undefined) checkInteger('size', size, 0);
    return new Ask(this.#channel, 'truncate', (channel, finish) => {
      channel.forget();
      channel.request((done) => ftruncate(channel.fd, size ?? channel.position, done), finish);
    });
  }

  /** Waits until all that was written is on the disk. Follows `os.fsync`. */
  sync(): Operation<void> {
    return new Ask(this.#channel, 'sync', (channel, finish) => {
      channel.request((done) => fsync(channel.fd, done), finish);
    });
  }

  // ---- the position

  /**
   * Moves the position to `offset`, counted from the start, from the current position or from the end of the file, and
   * gives the new one, which may lie after the end. Suspends at the first call, and always for `'end'`; a kill moves nothing. Follows `io.IOBase.seek`.
   *
   * @throws {RangeError} it would lie before the start
   * @throws an error with `code` `ESPIPE`, for a pipe or a terminal
   */
  seek(offset: number, whence: Whence = 'start'): Operation<number> {
    if (whence !== 'start' && whence !== 'current' && whence !== 'end') {
      throw new TypeError(`whence is ${show(whence)}: give 'start', 'current' or 'end'`);
    }
    checkInteger('offset', offset, whence === 'start' ? 0 : Number.MIN_SAFE_INTEGER);
    return new Seek(this.#channel, offset, whence);
  }

  /** The position: where the next read or write begins. Of a pipe, how many bytes have passed. */
  tell(): number {
    this.#channel.settle();
    return this.#channel.position;
  }

  // ---- the rest

  /** What the system knows of the file: its size, its times, … Suspends. Follows `fs.fstat`. */
  stat(): Operation<Stats> {
    return new Ask(this.#channel, 'stat', (channel, finish) => {
      channel.request((done) => fstat(channel.fd, done), finish);
    });
  }

  /**
   * Closes the file, at once: whoever is blocked on it gets `FileClosedError`. The system is told when it has done what
   * was asked of it before; the returned operation waits for that, and need not be performed. A kill ends the wait only.
   * A second call only waits. Follows `io.IOBase.close`.
   *
   * @throws the system's error; if nobody waits for it, it is reported by `hub.handleError`
   */
  close(): Operation<void> {
    this.closeBecause(`by ${hub.current ?? 'a callback'}`);
    const channel = this.#channel;
    const wait = suspend<void>(function fileClose(resume) {
      return channel.onClosed((error) => void (error ? resume.throw(error) : resume(undefined)));
    });
    if (DEV) notePerformed(wait);
    return wait;
  }

  /** Reads on while what was read last is used. @internal */
  readAhead(count: number): void {
    if (this.#channel.available < count) this.#channel.prefetch(count);
  }

  /** Takes back the memory of what was read. @internal */
  giveBack(bytes: Buffer): void {
    this.#channel.giveBack(bytes);
  }

  /** @internal */
  closeBecause(reason: string): void {
    if (this.closed) return;
    this.#channel.close(new FileClosedError(`${this} was closed ${reason}`));
    this.owner = undefined;
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `File /etc/passwd`. */
  toString(): string {
    return `File ${this.path}`;
  }
}

/** Hears of the end of a file's owner. */
class OwnerLink extends Link {
  readonly #file: File;

  constructor(file: File) {
    super();
    this.#file = file;
  }

  notify(owner: Greenlet<any>): void {
    const file = this.#file;
    if (owner.value === file) file.owner = undefined;
    else file.closeBecause(`since its owner ${owner} has ended: assign file.owner to have it live longer`);
  }
}

class Lines implements Iteration<string> {
  readonly #make: () => NextLine;
  #step: NextLine | undefined = undefined;

  constructor(make: () => NextLine) {
    this.#make = make;
  }

  next(): Operation<IteratorResult<string, undefined>> {
    this.#step ??= this.#make();
    return this.#step;
  }

  /** The file stays open. */
  [Symbol.dispose](): void {}
}

const USUAL_LINE = new LineForm('utf8', Number.POSITIVE_INFINITY);

function lineForm(options: FileLineOptions | undefined): LineForm {
  if (options === undefined) return USUAL_LINE;
  const { encoding = 'utf8', limit } = options;
  checkEncoding(encoding);
  return new LineForm(encoding, limit === undefined ? Number.POSITIVE_INFINITY : checkInteger('limit', limit, 0));
}

function checkEncoding(encoding: BufferEncoding): void {
  if (!Buffer.isEncoding(encoding)) throw new TypeError(`encoding is ${show(encoding)}: give 'utf8', 'latin1', …`);
}

/**
 * Opens a file; `flags` and `mode` as for `fs.open`: `'r'`, `'r+'`, `'w'`, `'wx'`, `'a'`, … Suspends; after a kill what
 * was opened all the same is closed again. The file belongs to the current greenlet, see `File`. Given a descriptor
 * instead of a path, takes it over, from the beginning of the file. Follows Python's `open` and `fs/promises.open`.
 *
 * @throws the system's error, with `code` `ENOENT`, `EACCES`, `EEXIST`, …
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { fs, open } from 'genlet/io';
 *
 * await run(function* () {
 *   using log = yield* open('/tmp/example.log', 'a');
 *   yield* log.write('started\n');
 *   console.log((yield* log.stat()).size); // => 8
 *   yield* fs.unlink(log.path);
 * });
 * ```
 */
export function open(path: PathLike | number, flags: OpenMode = 'r', mode?: Mode): Operation<File> {
  if (typeof path === 'number') checkInteger('path', path, 0);
  return composite('open()', openFile(path, flags, mode));
}

function* openFile(path: PathLike | number, flags: OpenMode, mode: Mode | undefined): Coroutine<File> {
  const appends = typeof flags === 'string' ? flags.includes('a') : (flags & constants.O_APPEND) !== 0;
  const fd = typeof path === 'number' ? path : yield* functions.open(path, flags, mode);
  const name = typeof path === 'number' ? `fd ${path}` : path instanceof URL ? fileURLToPath(path) : String(path);
  return new File(fd, name, appends, hub.current?.principal);
}
