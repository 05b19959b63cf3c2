/** `Socket`: a connected stream socket, read and written by calls that suspend. */
import type { PathLike } from 'node:fs';
import { Socket as Stream } from 'node:net';
import { checkInteger, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { SocketClosedError } from '../core/errors.ts';
import { hub } from '../core/hub.ts';
import type { Operation } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { type Endpoint, localEnd, remoteEnd } from './address.ts';
import type { File } from './file.ts';
import { Inbound } from './inbound.ts';
import { Outbound, Send, SendAll } from './outbound.ts';
import { checkLineOptions, ReadLine, Recv, RecvExactly, RecvInto, readUntil } from './reads.ts';
import { type SendFileOptions, sendFile } from './send-file.ts';
import { bytesOf, type Call } from './transfer.ts';

/** Options of the calls that read or write. */
export interface TransferOptions {
  /** How long the call may block, in milliseconds: instead of the socket's own `timeout`; `null` for ever, 0 not at all. */
  readonly timeout?: number | null | undefined;
}

/** Options of `readUntil`. */
export interface ReadUntilOptions extends TransferOptions {
  /** How many bytes may come before the separator: 65,536 by default. */
  readonly limit?: number | undefined;
}

/** Options of `readline`. */
export interface ReadLineOptions extends ReadUntilOptions {
  /** How the bytes are decoded: `'utf8'` by default. */
  readonly encoding?: BufferEncoding | undefined;
}

/** What can be set on a socket when it is made. */
export interface SocketOptions {
  /** See `Socket.noDelay`: on by default. */
  readonly noDelay?: boolean | undefined;
  /** See `Socket.keepAlive`: off by default. */
  readonly keepAlive?: boolean | number | undefined;
}

/**
 * A connected stream socket: TCP or Unix. Made by `createConnection` and `Listener.accept`, or over a connected socket
 * of `node:net`, which belongs to it from then on. Follows Python's and gevent's `socket`.
 *
 * One greenlet may read and one may write at a time; a second in the same direction gets `ConcurrentObjectUseError`. A
 * kill or timeout takes the blocked call back: what had arrived stays readable, and the socket can be used on. A call
 * that runs out of time throws `Timeout`. An error of the system, such as `ECONNRESET`, is thrown where the socket is read
 * or written, and again at every later call. Bytes that come while nobody reads are kept, up to some 64 KiB; then the
 * peer is held up.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { createConnection, StreamServer } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = new StreamServer('127.0.0.1:0', function* (socket) {
 *     for (let line; (line = yield* socket.readline()) !== undefined; ) yield* socket.sendall(`you said ${line}\n`);
 *   });
 *   yield* server.start();
 *   using socket = yield* createConnection(server.address);
 *   yield* socket.sendall('hello\n');
 *   console.log(yield* socket.readline()); // => you said hello
 *   yield* server.stop();
 * });
 * ```
 */
export class Socket {
  /** The other side. */
  readonly remote: Endpoint;
  readonly #stream: Stream;
  readonly #path: string | undefined;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  #address: Endpoint | undefined;
  #timeout: number | undefined = undefined;
  #noDelay = false;
  #keepAlive: boolean | number = false;
  #closed = false;
  #handedOver: Error | undefined = undefined;
  /** To whom it was connected, as that was written. @internal */
  host: string | undefined = undefined;
  /** The socket that took over the connection. @internal */
  successor: Socket | undefined = undefined;
  /** Why nobody could take it over. @internal */
  breakage: unknown = undefined;

  /** Takes over a connected `node:net` socket; `path` is the address of a Unix socket, for messages. */
  constructor(stream: Stream, options: SocketOptions & { readonly path?: string | undefined } = {}) {
    if (!(stream instanceof Stream) || stream.connecting || stream.destroyed) {
      throw new TypeError(`stream is ${show(stream)}: give a connected socket of node:net`);
    }
    const { noDelay = true, keepAlive = false, path } = options;
    this.remote = remoteEnd(stream, path);
    this.#stream = stream;
    this.#path = path;
    if (noDelay && path === undefined) this.noDelay = true;
    if (keepAlive !== false) this.keepAlive = keepAlive;
    stream.allowHalfOpen = true;
    const inbound = new Inbound(stream, 'Socket', this.remote);
    const outbound = new Outbound(stream, 'Socket', this.remote);
    const fail = (error: Error) => {
      inbound.fail(error);
      outbound.fail(error);
    };
    stream.on('error', (error) => fail(this.failureOf(error)));
    stream.on('close', () =>
      fail(new SocketClosedError(`${this} was closed: by both sides, or below by its node:net socket`)),
    );
    this.#inbound = inbound;
    this.#outbound = outbound;
  }

  /** This side. */
  get address(): Endpoint {
    this.#address ??= localEnd(this.#stream, this.#path);
    return this.#address;
  }

  /** How long each call may block, in milliseconds; `undefined`, the default, for ever. Follows `socket.settimeout`. */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  set timeout(timeout: number | null | undefined) {
    this.#timeout = checkTimeout(timeout);
  }

  /** Whether small pieces are sent at once (no Nagle algorithm). On by default, as in asyncio and Go. */
  get noDelay(): boolean {
    return this.#noDelay;
  }

  set noDelay(noDelay: boolean) {
    this.#noDelay = noDelay;
    this.#stream.setNoDelay(noDelay);
  }

  /** Whether the system probes an idle connection; a number is the idle time before the first probe in milliseconds. */
  get keepAlive(): boolean | number {
    return this.#keepAlive;
  }

  set keepAlive(keepAlive: boolean | number) {
    this.#keepAlive = keepAlive;
    this.#stream.setKeepAlive(keepAlive !== false, typeof keepAlive === 'number' ? keepAlive : 0);
  }

  /** Whether `close()` or `abort()` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes received, also those that were not read yet. */
  get bytesRead(): number {
    return this.#stream.bytesRead;
  }

  /** Bytes sent, also those that still wait to be taken by the system. */
  get bytesWritten(): number {
    return this.#stream.bytesWritten;
  }

  // ---- reading

  /**
   * Gives the bytes that are there, at least one and at most `n`; an empty buffer at the end of the stream. Suspends
   * while there are none. The bytes are the caller's alone, but in memory that they share with others: copy what is to be
   * kept for long. Follows `socket.recv`.
   *
   * @throws {Timeout} nothing came in time
   * @throws {SocketClosedError} the socket was closed on this side
   * @throws the system's error, such as `ECONNRESET`, once the bytes that came before it were read
   */
  recv(n = 65_536, options?: TransferOptions): Operation<Buffer> {
    return new Recv(this.#inbound, 'recv()', checkInteger('n', n, 1), this.#limit(options));
  }

  /** As `recv`, into the caller's memory; gives the number of bytes, 0 at the end. Follows `socket.recv_into`. */
  recvInto(target: Uint8Array, options?: TransferOptions): Operation<number> {
    if (!(target instanceof Uint8Array) || target.length === 0) {
      throw new TypeError(`target is ${show(target)}: give a Uint8Array or a Buffer that is not empty`);
    }
    return new RecvInto(this.#inbound, target, this.#limit(options));
  }

  /**
   * Gives exactly `n` bytes. Suspends until they are there; after a kill or timeout those that are there stay readable.
   * Follows `asyncio.StreamReader.readexactly`.
   *
   * @throws {IncompleteReadError} the stream ended before; `partial` holds what was left
   */
  recvExactly(n: number, options?: TransferOptions): Operation<Buffer> {
    return new RecvExactly(this.#inbound, 'recvExactly()', checkInteger('n', n, 0), this.#limit(options));
  }

  /**
   * Gives the bytes up to and with `separator`. Suspends until it is there; after a kill or timeout all stay readable.
   * Follows `asyncio.StreamReader.readuntil`.
   *
   * @throws {IncompleteReadError} the stream ended before; `partial` holds what was left
   * @throws {LimitOverrunError} there are more than `limit` bytes before it; they stay readable
   */
  readUntil(separator: string | Uint8Array, options: ReadUntilOptions = {}): Operation<Buffer> {
    return readUntil(this.#inbound, separator, options, this.#limit(options));
  }

  /**
   * Gives the next line, without the `\n` or `\r\n` at its end; what comes after the last one is a line too, if it is not
   * empty; `undefined` at the end of the stream. Suspends until the line is complete; after a kill or timeout all stays
   * readable. Follows `asyncio.StreamReader.readline`, and Node's `readline` in what a line is.
   *
   * @throws {LimitOverrunError} the line is longer than `limit` bytes; they stay readable
   */
  readline(options: ReadLineOptions = {}): Operation<string | undefined> {
    return new ReadLine(this.#inbound, 'readline()', checkLineOptions(options), this.#limit(options));
  }

  // ---- writing

  /**
   * Sends some of `data`, and gives the number of bytes that were accepted: at least one, less than all if the peer does
   * not keep up. Suspends while nothing can be accepted; after a kill or timeout nothing was. The bytes are not copied:
   * leave them as they are. Follows `socket.send`.
   *
   * @throws {Timeout} the peer did not read in time
   * @throws {SocketClosedError} the socket was closed on this side
   * @throws the system's error; `EPIPE` also after `shutdown('write')`
   */
  send(data: string | Uint8Array, options?: TransferOptions): Operation<number> {
    return new Send(this.#outbound, bytesOf('data', data), this.#limit(options));
  }

  /**
   * Sends all of `data`; a string as UTF-8. Suspends while more waits to be sent than the socket's buffer holds (16 KiB,
   * from Node 22 on 64 KiB), before the bytes are accepted and after; a kill or timeout takes back only what was not
   * accepted yet. The bytes are not copied: leave them as they are. Follows `socket.sendall`.
   *
   * @throws {Timeout} the peer did not read in time
   * @throws {SocketClosedError} the socket was closed on this side
   * @throws the system's error; `EPIPE` also after `shutdown('write')`
   */
  sendall(data: string | Uint8Array, options?: TransferOptions): Operation<void> {
    if (typeof data !== 'string') bytesOf('data', data);
    return new SendAll(this.#outbound, 'sendall()', data, this.#limit(options));
  }

  /**
   * Sends a file, from its position or `offset` on, to its end or `count` bytes; gives how many were sent. The file is given
   * open, and stays so, its position behind the last piece that was read; or as a path. Suspends while it is read and while
   * the peer does not keep up; each wait for the peer has the socket's time limit. Follows `socket.sendfile`.
   *
   * @throws what `open`, `File.read` and `sendall` throw
   * @example
   * ```ts
   * import { run } from 'genlet';
   * import { fs, socketpair } from 'genlet/io';
   *
   * await run(function* () {
   *   yield* fs.writeFile('/tmp/example-send-file.txt', 'some bytes');
   *   const [left, right] = yield* socketpair();
   *   console.log(yield* left.sendFile('/tmp/example-send-file.txt', { offset: 5 })); // => 5
   *   console.log(String(yield* right.recv())); // => bytes
   *   left.close();
   *   right.close();
   *   yield* fs.unlink('/tmp/example-send-file.txt');
   * });
   * ```
   */
  sendFile(file: File | PathLike, options: SendFileOptions = {}): Operation<number> {
    return composite('Socket.sendFile()', sendFile(this, file, options));
  }

  // ---- the end

  /**
   * Ends one direction, without suspending. `'write'`: the peer reads the end after all that was sent, and may go on to
   * send. `'read'`: what comes from now on is dropped, reads give the end. Follows `socket.shutdown`.
   */
  shutdown(how: 'read' | 'write' | 'both'): void {
    if (how !== 'read' && how !== 'write' && how !== 'both') {
      throw new TypeError(`how is ${show(how)}: give 'read', 'write' or 'both'`);
    }
    if (this.#handedOver !== undefined) throw this.#handedOver;
    if (how !== 'write') this.#inbound.end();
    if (how !== 'read') this.#outbound.end();
  }

  /**
   * Closes the socket, without suspending: whoever is blocked on it gets `SocketClosedError`. What was accepted for
   * sending is still sent, in the background; a peer that does not read keeps it, and the process, waiting for ever: then
   * `abort()` is the way out. A second call does nothing. Follows `socket.close`.
   */
  close(): void {
    if (this.#leave('closed')) this.#stream.destroySoon();
  }

  /** As `close`, but drops what waits to be sent; a TCP peer sees a reset, unless this side was shut down for
   * writing before. Follows `asyncio.Transport.abort`. */
  abort(): void {
    if (this.#handedOver !== undefined) return;
    this.#leave('aborted');
    const stream = this.#stream;
    const transport: (Stream & { resetAndClosing?: boolean }) | undefined = this.transport;
    // Not resetAndDestroy(): it first sends what waits, and leaks the handle of a socket that is being shut down.
    if (transport !== undefined && this.remote.host !== '' && !stream.writableEnded) transport.resetAndClosing = true;
    stream.destroy();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `Socket 127.0.0.1:80`, with the address of the other side. */
  toString(): string {
    return `Socket ${this.remote}`;
  }

  /** The socket of Node under it. @internal */
  get stream(): Stream {
    return this.#stream;
  }

  /** The socket that holds the connection to the system: the same one, unless something lies between. @internal */
  get transport(): Stream | undefined {
    return this.#stream;
  }

  /** What is thrown for an error that the stream emits. @internal */
  failureOf(error: Error): Error {
    return error;
  }

  /** Whether `error` is what the system reported of this connection. @internal */
  isBrokenBy(error: unknown): boolean {
    if (error === undefined) return false;
    const own = error === this.#inbound.failure || error === this.#outbound.failure || error === this.breakage;
    return own || this.successor?.isBrokenBy(error) === true;
  }

  /** The address of a Unix socket. @internal */
  get path(): string | undefined {
    return this.#path;
  }

  /**
   * Hands over the stream, with the bytes in it that nobody has read, for something else to be spoken on it; this socket is
   * used up then, and its `close()` does nothing. @internal
   */
  handOver(me: RawGreenlet, call: Call): Stream {
    const [inbound, outbound, stream] = [this.#inbound, this.#outbound, this.#stream];
    inbound.admit(me, call);
    outbound.admit(me, call);
    outbound.check(call);
    if (inbound.failure !== undefined) throw inbound.failure;
    if (inbound.ended) {
      this.breakage = Object.assign(new Error(`${call.describe()}: its stream has ended`), { code: 'ECONNRESET' });
      throw this.breakage;
    }
    stream.pause();
    if (inbound.bytes.length > 0) stream.unshift(inbound.bytes.take(inbound.bytes.length));
    this.#leave('upgraded to TLS', ': use the TlsSocket');
    this.#handedOver = outbound.failure;
    return stream;
  }

  #limit(options: TransferOptions | undefined): number | undefined {
    return options?.timeout === undefined ? this.#timeout : checkTimeout(options.timeout);
  }

  #leave(what: string, hint = ''): boolean {
    if (this.#closed) return false;
    this.#address ??= localEnd(this.#stream, this.#path); // it can't be asked for afterwards
    this.#closed = true;
    const error = new SocketClosedError(`${this} was ${what} by ${hub.current ?? 'a callback'}${hint}`);
    this.#inbound.close(error);
    this.#outbound.close(error);
    return true;
  }
}
