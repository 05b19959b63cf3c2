/** `Writer`: any writable stream, written by calls that suspend. */
import { Writable } from 'node:stream';
import { WritableStream } from 'node:stream/web';
import { checkTimeout, show } from '../core/check.ts';
import { StreamClosedError } from '../core/errors.ts';
import { hub } from '../core/hub.ts';
import type { Operation } from '../core/operation.ts';
import { End, Flush, Outbound, SendAll } from './outbound.ts';
import type { TransferOptions } from './socket.ts';
import { bytesOf, checkEncoding } from './transfer.ts';

/** What a `Writer` can write to: a stream of Node or of the web, or a function that gives one of Node at the first use. */
export type WriteTarget = Writable | WritableStream | (() => Writable);

/** Options of `Writer`. */
export interface WriterOptions {
  /** How strings are encoded: `'utf8'` by default. */
  readonly encoding?: BufferEncoding | undefined;
  /** What it is called in messages. */
  readonly name?: string | undefined;
}

/**
 * Writes to a stream: of Node (pipes, files, sockets, `zlib`, …) or of the web. Follows `asyncio.StreamWriter`; its `write`
 * is that one's `write` and `drain` in one.
 *
 * One greenlet may write at a time; a second gets `ConcurrentObjectUseError`. A call that runs out of time throws
 * `Timeout`. An error of the stream is thrown by the call that is blocked, or by the next one, and by every later one;
 * `EPIPE` also if the stream was destroyed below. It is never an uncaught error.
 *
 * @example
 * ```ts
 * import { PassThrough } from 'node:stream';
 * import { run, spawn } from 'genlet';
 * import { Reader, Writer } from 'genlet/io';
 *
 * await run(function* () {
 *   const stream = new PassThrough();
 *   const writer = new Writer(stream);
 *   spawn(function* () {
 *     for (let n = 1; n <= 3; n++) yield* writer.write(`${n}\n`);
 *     yield* writer.end();
 *   });
 *   using reader = new Reader(stream, { encoding: 'utf8' });
 *   console.log((yield* reader.readAll()).split('\n')); // => [ '1', '2', '3', '' ]
 * });
 * ```
 */
export class Writer {
  readonly #target: WriteTarget;
  readonly #encoding: BufferEncoding;
  readonly #name: string | undefined;
  #stream: Writable | undefined;
  #outbound: Outbound | undefined;
  #closed = false;

  constructor(stream: WriteTarget, options: WriterOptions = {}) {
    if (typeof stream !== 'function' && !(stream instanceof WritableStream)) checkWritable(stream);
    this.#target = stream;
    this.#encoding = checkEncoding(options.encoding) ?? 'utf8';
    this.#name = options.name;
    if (typeof stream !== 'function') this.#open();
  }

  /** Whether `close()` or `abort()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Writes all of `data`. Suspends while the stream holds more than its high-water mark, before the bytes are accepted
   * and after; a kill or timeout takes back only what was not accepted yet. The bytes are not copied: leave them as they
   * are.
   *
   * @throws {Timeout} the reading side did not keep up in time
   * @throws {StreamClosedError} it was closed on this side
   * @throws the stream's error; `EPIPE` if the reading side is gone, or after `end`
   */
  write(data: string | Uint8Array, options?: TransferOptions): Operation<void> {
    const bytes = bytesOf('data', data, this.#encoding);
    return new SendAll(this.#open(), 'write()', bytes, checkTimeout(options?.timeout));
  }

  /**
   * Waits until the system has taken all that was written. Suspends; a kill or timeout just ends the wait.
   *
   * @throws {Timeout} it was not taken in time
   * @throws {StreamClosedError} it was closed on this side
   * @throws the stream's error
   */
  flush(options?: TransferOptions): Operation<void> {
    return new Flush(this.#open(), checkTimeout(options?.timeout));
  }

  /**
   * Ends the stream behind all that was written, and waits until the system has taken that. Suspends; after a kill or
   * timeout the stream is ended all the same, in the background. A second call waits too.
   *
   * @throws {Timeout} it was not taken in time
   * @throws {StreamClosedError} it was closed on this side, with something still to be taken
   * @throws the stream's error
   */
  end(options?: TransferOptions): Operation<void> {
    return new End(this.#open(), checkTimeout(options?.timeout));
  }

  /**
   * Ends the stream, without suspending: what was accepted is still written, in the background; whoever is blocked gets
   * `StreamClosedError`. A second call does nothing.
   */
  close(): void {
    if (this.#leave('closed')) this.#outbound!.end();
  }

  /** As `close`, but drops what waits to be written. A stream that is also read is closed for that too. */
  abort(): void {
    this.#leave('aborted');
    this.#stream!.destroy();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `Writer of stdin of cat`, with the name that it was given or its stream's class. */
  toString(): string {
    return `Writer of ${this.#label()}`;
  }

  /** Whether it takes nothing more, by its own doing. @internal */
  get ended(): boolean {
    return this.#closed || this.#open().ended;
  }

  /** Writes `data` and closes, without suspending; the stream holds what it can't write yet. @internal */
  closeWith(data: Uint8Array | undefined): void {
    const outbound = this.#open();
    if (data !== undefined && outbound.failure === undefined) outbound.write(data);
    this.close();
  }

  #leave(what: string): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#open().close(new StreamClosedError(`${this} was ${what} by ${hub.current ?? 'a callback'}`));
    return true;
  }

  #label(): string {
    return this.#name ?? `a ${this.#stream?.constructor.name ?? 'stream'}`;
  }

  #open(): Outbound {
    if (this.#outbound !== undefined) return this.#outbound;
    const stream = this.#connect();
    this.#stream = stream;
    const outbound = new Outbound(stream, 'Writer', this.#label(), true);
    this.#outbound = outbound;
    const gone = () => {
      const error = new Error(`write EPIPE: ${this} was closed by the reading side, or below by its stream`);
      outbound.fail(Object.assign(error, { code: 'EPIPE', syscall: 'write' }));
    };
    stream.on('error', (error) => outbound.fail(error));
    stream.on('close', gone);
    if (stream.errored) outbound.fail(stream.errored);
    else if (stream.destroyed) gone();
    return outbound;
  }

  #connect(): Writable {
    const target = this.#target;
    if (target instanceof WritableStream) return Writable.fromWeb(target);
    return typeof target === 'function' ? checkWritable(target()) : target;
  }
}

function checkWritable(stream: Writable): Writable {
  if (typeof stream?.on === 'function' && typeof stream.write === 'function') return stream;
  throw new TypeError(`stream is ${show(stream)}: give a Writable of node:stream, or a WritableStream`);
}
