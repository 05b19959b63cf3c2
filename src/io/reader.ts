/** `Reader`: any readable stream, read by calls that suspend. */
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { checkInteger, checkTimeout, show } from '../core/check.ts';
import { StreamClosedError } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { Inbound, READ_AHEAD } from './inbound.ts';
import { ReadAllText, ReadText } from './reader-text.ts';
import { checkLineOptions, NextLine, ReadAll, ReadLine, Recv, RecvExactly, readUntil } from './reads.ts';
import type { ReadLineOptions, ReadUntilOptions, TransferOptions } from './socket.ts';
import { checkEncoding } from './transfer.ts';

/** What is read: strings if there is an encoding, else buffers. */
export type Data<E extends BufferEncoding | undefined> = [E] extends [undefined] ? Buffer : string;

/** What a `Reader` can read: a stream of Node or of the web, or a function that gives one of Node at the first use. */
export type ReadSource = Readable | ReadableStream | (() => Readable);

/** Options of `Reader`. */
export interface ReaderOptions<E extends BufferEncoding | undefined = undefined> {
  /** With it, `read` and `readAll` give text. */
  readonly encoding?: E | undefined;
  /**
   * How many bytes are read before anybody asks for them: 65,536 by default. With 0 the stream is read only while a
   * greenlet waits for it, so that in between it does not keep the process alive.
   */
  readonly highWaterMark?: number | undefined;
  /** What it is called in messages. */
  readonly name?: string | undefined;
}

/** Options of `readAll`. */
export interface ReadAllOptions extends TransferOptions {
  /** How many bytes there may be; any number by default. */
  readonly limit?: number | undefined;
}

/**
 * Reads a stream: of Node (pipes, files, sockets, `zlib`, …) or of the web. The stream belongs to it from then on. Follows
 * `asyncio.StreamReader`.
 *
 * One greenlet may read at a time; a second gets `ConcurrentObjectUseError`. A kill or timeout takes the blocked call
 * back: what had arrived stays readable. A call that runs out of time throws `Timeout`. An error of the stream is thrown
 * by the read that comes to it, and again by every later one. With an `encoding`, `read` and `readAll` give text;
 * `readExactly` and `readUntil` always give bytes, `readline` and `lines` always text.
 *
 * @example
 * ```ts
 * import { Readable } from 'node:stream';
 * import { run } from 'genlet';
 * import { Reader } from 'genlet/io';
 *
 * await run(function* () {
 *   using reader = new Reader(Readable.from(['first line\nsec', 'ond line\n', 'the rest']), { encoding: 'utf8' });
 *   console.log(yield* reader.readline()); // => first line
 *   console.log(yield* reader.readline()); // => second line
 *   console.log(yield* reader.readAll()); // => the rest
 * });
 * ```
 */
export class Reader<E extends BufferEncoding | undefined = undefined> {
  readonly #source: ReadSource;
  readonly #encoding: BufferEncoding | undefined;
  readonly #mark: number;
  readonly #name: string | undefined;
  #stream: Readable | undefined;
  #inbound: Inbound | undefined;
  #closed = false;

  constructor(stream: ReadSource, options: ReaderOptions<E> = {}) {
    if (typeof stream !== 'function' && !(stream instanceof ReadableStream)) checkReadable(stream);
    this.#source = stream;
    this.#encoding = checkEncoding(options.encoding);
    this.#mark = checkInteger('highWaterMark', options.highWaterMark ?? READ_AHEAD, 0);
    this.#name = options.name;
    if (typeof stream !== 'function') this.#open();
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Gives the bytes that are there, at least one and at most `n`; an empty buffer at the end of the stream. As text: at
   * least one whole character, and `''` at the end. Suspends while there are none. Follows `asyncio.StreamReader.read`.
   *
   * @throws {Timeout} nothing came in time
   * @throws {StreamClosedError} it was closed on this side, or the stream was, below it
   * @throws the stream's error, once the bytes that came before it were read
   */
  read(n = 65_536, options?: TransferOptions): Operation<Data<E>> {
    const most = checkInteger('n', n, 1);
    const timeout = checkTimeout(options?.timeout);
    const encoding = this.#encoding;
    const read =
      encoding === undefined
        ? new Recv(this.#open(), 'read()', most, timeout)
        : new ReadText(this.#open(), most, encoding, timeout);
    return read as Operation<Data<E>>;
  }

  /**
   * Gives exactly `n` bytes. Suspends until they are there; after a kill or timeout those that are there stay readable.
   * Follows `asyncio.StreamReader.readexactly`.
   *
   * @throws {IncompleteReadError} the stream ended before; `partial` holds what was left
   */
  readExactly(n: number, options?: TransferOptions): Operation<Buffer> {
    const count = checkInteger('n', n, 0);
    return new RecvExactly(this.#open(), 'readExactly()', count, checkTimeout(options?.timeout));
  }

  /**
   * Gives the bytes up to and with `separator`. Suspends until it is there; after a kill or timeout all stay readable.
   * Follows `asyncio.StreamReader.readuntil`.
   *
   * @throws {IncompleteReadError} the stream ended before; `partial` holds what was left
   * @throws {LimitOverrunError} there are more than `limit` bytes before it; they stay readable
   */
  readUntil(separator: string | Uint8Array, options: ReadUntilOptions = {}): Operation<Buffer> {
    return readUntil(this.#open(), separator, options, checkTimeout(options.timeout));
  }

  /**
   * Gives the next line, without the `\n` or `\r\n` at its end; what comes after the last one is a line too, if it is not
   * empty; `undefined` at the end of the stream. Suspends until the line is complete; after a kill or timeout all stays
   * readable. It is decoded by the reader's encoding or UTF-8, unless it is given another. Follows
   * `asyncio.StreamReader.readline`, and Node's `readline` in what a line is.
   *
   * @throws {LimitOverrunError} the line is longer than `limit` bytes; they stay readable
   */
  readline(options: ReadLineOptions = {}): Operation<string | undefined> {
    const line = checkLineOptions(options, this.#encoding);
    return new ReadLine(this.#open(), 'readline()', line, checkTimeout(options.timeout));
  }

  /**
   * Iterates the lines, as `readline` gives them. Its `next()` suspends; a time limit is that of each `next()`. Ending the
   * iteration early leaves the rest readable.
   *
   * @throws {LimitOverrunError} by `next()`: the line is longer than `limit` bytes; they stay readable
   * @example
   * ```ts
   * import { Readable } from 'node:stream';
   * import { run } from 'genlet';
   * import { Reader } from 'genlet/io';
   *
   * await run(function* () {
   *   using reader = new Reader(Readable.from(['one\r\ntw', 'o']));
   *   using lines = reader.lines();
   *   for (let line; !(line = yield* lines.next()).done; ) console.log(line.value);
   *   // => one
   *   // => two
   * });
   * ```
   */
  lines(options: ReadLineOptions = {}): Iteration<string> {
    const line = checkLineOptions(options, this.#encoding);
    const timeout = checkTimeout(options.timeout);
    return new Lines(() => new NextLine(this.#open(), 'lines()', line, timeout));
  }

  /**
   * Gives all that comes until the end of the stream. Suspends until then; after a kill or timeout all stays readable.
   *
   * @throws {LimitOverrunError} there are more than `limit` bytes; they stay readable
   */
  readAll(options: ReadAllOptions = {}): Operation<Data<E>> {
    const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : checkInteger('limit', options.limit, 0);
    const timeout = checkTimeout(options.timeout);
    const encoding = this.#encoding;
    const read =
      encoding === undefined
        ? new ReadAll(this.#open(), limit, timeout)
        : new ReadAllText(this.#open(), limit, encoding, timeout);
    return read as Operation<Data<E>>;
  }

  /**
   * Closes the stream, without suspending: what was not read is dropped, whoever is blocked gets `StreamClosedError`. A
   * stream that is also written is closed for that too. A second call does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#open().close(new StreamClosedError(`${this} was closed by ${hub.current ?? 'a callback'}`));
    this.#stream!.destroy();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `Reader of stdout of cat`, with the name that it was given or its stream's class. */
  toString(): string {
    return `Reader of ${this.#label()}`;
  }

  /** What has come and was not read; it stays. @internal */
  unread(): Data<E> {
    const bytes = this.#open().bytes.copy();
    return (this.#encoding === undefined ? bytes : bytes.toString(this.#encoding)) as Data<E>;
  }

  #label(): string {
    return this.#name ?? `a ${this.#stream?.constructor.name ?? 'stream'}`;
  }

  #open(): Inbound {
    if (this.#inbound !== undefined) return this.#inbound;
    const stream = this.#connect();
    this.#stream = stream;
    const inbound = new Inbound(stream, 'Reader', this.#label(), this.#mark);
    this.#inbound = inbound;
    const gone = () => inbound.fail(new StreamClosedError(`${this} was closed below, by its stream, before the end`));
    stream.on('error', (error) => inbound.fail(error));
    stream.on('close', gone);
    if (stream.readableEnded) inbound.end();
    else if (stream.errored) inbound.fail(stream.errored);
    else if (stream.destroyed) gone();
    return inbound;
  }

  #connect(): Readable {
    const source = this.#source;
    if (source instanceof ReadableStream) return Readable.fromWeb(source);
    return typeof source === 'function' ? checkReadable(source()) : source;
  }
}

function checkReadable(stream: Readable): Readable {
  if (typeof stream?.on === 'function' && typeof stream.resume === 'function') return stream;
  throw new TypeError(`stream is ${show(stream)}: give a Readable of node:stream, or a ReadableStream`);
}

class Lines implements Iteration<string> {
  readonly #step: () => Operation<IteratorResult<string, undefined>>;
  #ended = false;

  constructor(step: () => Operation<IteratorResult<string, undefined>>) {
    this.#step = step;
  }

  next(): Operation<IteratorResult<string, undefined>> {
    return this.#ended ? end() : this.#step();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
  }
}

function* end(): Coroutine<IteratorResult<string, undefined>> {
  return { done: true, value: undefined };
}
