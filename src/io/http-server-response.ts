/** `HttpResponse`: what a handler of `HttpServer` is given to write. */

import type { PathLike } from 'node:fs';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Writable } from 'node:stream';
import { checkInteger, checkOptions, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError } from '../core/errors.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { open } from './file.ts';
import { maskSecrets } from './http-masking.ts';
import type { Exchange } from './http-server-exchange.ts';
import { HttpHeaders } from './http-server-headers.ts';
import { isIteration } from './http-server-pieces.ts';
import { Outbound } from './outbound.ts';
import { Reader } from './reader.ts';
import type { SendFileOptions } from './send-file.ts';
import type { TransferOptions } from './socket.ts';
import { bytesOf, LATER, Transfer } from './transfer.ts';

/** The fields that come behind a chunked body. */
export type HttpTrailers = Readonly<Record<string, string>>;

const TEXT = 'text/plain; charset=utf-8';
const JSON_TEXT = 'application/json';
const BYTES = 'application/octet-stream';

/** How much of a file is read at a time. */
const PIECE = 262_144;

const nodeInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * The answer to a request. The handler either returns the body, after setting `status` and `headers` here if need be; or it
 * writes it by `write` and `end`. A type of the content that is not set is chosen by the first piece: text or bytes. Without
 * a `Content-Length` the body is sent in chunks, and an HTTP/1.0 client is told its end by that of the connection.
 */
export class HttpResponse {
  readonly #outgoing: ServerResponse;
  readonly #exchange: Exchange;
  #headers: HttpHeaders | undefined;
  #outbound: Outbound | undefined;
  #trailers: HttpTrailers | undefined;
  #bytes = 0;

  /** @internal */
  constructor(outgoing: ServerResponse, exchange: Exchange) {
    this.#outgoing = outgoing;
    this.#exchange = exchange;
    this.#headers = undefined;
    this.#outbound = undefined;
    this.#trailers = undefined;
  }

  /** The status code: 200 unless it is set. A body that does not come makes it 204. */
  get status(): number {
    return this.#outgoing.statusCode;
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      throw new RangeError(`status is ${show(status)}: give a whole number from 200 to 999`);
    }
    this.#checkHead('status');
    this.#outgoing.statusCode = status;
  }

  /** The words after the status code; the usual ones unless it is set. */
  get statusText(): string {
    const { statusMessage, statusCode } = this.#outgoing;
    return statusMessage ?? STATUS_CODES[statusCode] ?? '';
  }

  set statusText(text: string) {
    if (typeof text !== 'string' || /[^\t\x20-\x7e\x80-\xff]/.test(text)) {
      throw new TypeError(`statusText is ${show(text)}: give a string of one line, in Latin-1`);
    }
    this.#checkHead('statusText');
    this.#outgoing.statusMessage = text;
  }

  /** The header fields, to be set until the head is sent. */
  get headers(): HttpHeaders {
    this.#headers ??= new HttpHeaders(this.#outgoing);
    return this.#headers;
  }

  /** Whether the head was sent: with the first piece of the body. */
  get headersSent(): boolean {
    return this.#outgoing.headersSent;
  }

  /** Whether the answer is complete. */
  get ended(): boolean {
    return this.#outgoing.writableEnded;
  }

  /**
   * The fields that are sent behind the body; they are announced if they are set before the head is sent, and left out for a
   * client of HTTP/1.0, or if the answer has a `Content-Length`.
   */
  get trailers(): HttpTrailers | undefined {
    return this.#trailers;
  }

  set trailers(trailers: HttpTrailers | undefined) {
    if (this.ended) throw this.#alreadyEnded('trailers were set');
    this.#trailers = trailers;
  }

  /**
   * Sends a piece of the body; a string as UTF-8. Suspends while the client does not keep up: before the bytes are accepted,
   * and after. A kill or timeout takes back only what was not accepted yet. Greenlets take turns: a second one gets
   * `ConcurrentObjectUseError`.
   *
   * @throws {Timeout} the client did not read in time
   * @throws {InvalidStateError} the answer was complete already
   * @throws `ECONNRESET`: the client is gone, and the handler was shielded from its kill
   */
  write(chunk: string | Uint8Array, options?: TransferOptions): Operation<void> {
    bytesOf('chunk', chunk);
    return new SendPiece(this, this.#open(), chunk, false, checkTimeout(options?.timeout));
  }

  /**
   * Completes the answer, with a last piece of the body if there is one. Suspends and throws as `write`, before the bytes
   * are accepted only.
   */
  end(chunk?: string | Uint8Array, options?: TransferOptions): Operation<void> {
    if (chunk !== undefined) bytesOf('chunk', chunk);
    return new SendPiece(this, this.#open(), chunk, true, checkTimeout(options?.timeout));
  }

  /**
   * Completes the answer with a file, or `count` bytes of it from `offset` on; gives the number of bytes. Suspends while the
   * file is read and while the client does not keep up; each wait for it has the time limit. A `Content-Length` is set, a
   * type is not guessed from the name.
   *
   * @throws what `open` throws, such as `ENOENT`; nothing was sent then
   */
  sendFile(path: PathLike, options: SendFileOptions = {}): Operation<number> {
    checkOptions(options, '{ offset, count, timeout }');
    const { offset = 0, count = Number.POSITIVE_INFINITY } = options;
    checkInteger('offset', offset, 0);
    if (options.count !== undefined) checkInteger('count', options.count, 0);
    checkTimeout(options.timeout);
    return composite('HttpResponse.sendFile()', this.#sendFile(path, offset, count, options));
  }

  *#sendFile(path: PathLike, offset: number, count: number, options: TransferOptions): Coroutine<number> {
    using file = yield* open(path);
    const stats = yield* file.stat();
    const length = stats.isFile() ? Math.min(count, Math.max(0, stats.size - offset)) : count;
    if (offset > 0) yield* file.seek(offset);
    if (!this.headersSent && Number.isFinite(length)) this.headers.set('Content-Length', length);
    let sent = 0;
    while (this.#hasBody && sent < length) {
      const piece = yield* file.read(Math.min(PIECE, length - sent));
      if (piece.length === 0) break;
      yield* this.write(piece, options);
      sent += piece.length;
    }
    if (!this.headersSent && !this.headers.has('Content-Type')) this.headers.set('Content-Type', BYTES);
    yield* this.end(undefined, options);
    return sent;
  }

  // ---- for the exchange

  /** Bytes of the body, as far as they were sent by this side. @internal */
  get bodyBytes(): number {
    return this.#hasBody ? this.#bytes : 0;
  }

  /** Takes what the handler has returned; tells whether that was all, or is to be sent piece by piece. @internal */
  answer(value: unknown): boolean {
    if (typeof value === 'string') this.#complete(value, TEXT, Buffer.byteLength(value));
    else if (value === undefined) this.#completeEmpty();
    else if (value instanceof Uint8Array) this.#complete(value, BYTES, value.byteLength);
    else if (typeof value !== 'object' || value === null) throw noAnswer(value);
    else if (isPieces(value)) {
      this.#checkUnanswered();
      return false;
    } else this.#completeJson(value);
    return true;
  }

  #completeJson(value: object): void {
    const text = JSON.stringify(value);
    if (text === undefined) throw noAnswer(value);
    this.#complete(text, JSON_TEXT, Buffer.byteLength(text));
  }

  /** The whole body at once. */
  #complete(body: string | Uint8Array, type: string, length: number): void {
    this.#checkUnanswered();
    const outgoing = this.#outgoing;
    if (this.#headers === undefined && this.#trailers === undefined && this.#hasBodyByStatus) {
      if (this.#exchange.closes) outgoing.shouldKeepAlive = false;
      outgoing.writeHead(outgoing.statusCode, ['Content-Type', type, 'Content-Length', String(length)]);
      this.#bytes = length;
      outgoing.end(body);
    } else {
      if (!outgoing.hasHeader('Content-Type') && this.#hasBodyByStatus) outgoing.setHeader('Content-Type', type);
      this.finish(body);
    }
  }

  #completeEmpty(): void {
    const outgoing = this.#outgoing;
    if (outgoing.writableEnded) return;
    if (!outgoing.headersSent && outgoing.statusCode === 200 && !outgoing.hasHeader('Content-Length')) {
      outgoing.statusCode = 204;
    }
    this.finish(undefined);
  }

  /** A small answer in place of the handler's. @internal */
  refuse(
    status: number,
    message = STATUS_CODES[status] ?? '',
    headers: Readonly<Record<string, string>> = {},
    end = true,
  ): void {
    const outgoing = this.#outgoing;
    for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
    outgoing.statusCode = status;
    outgoing.statusMessage = STATUS_CODES[status] ?? '';
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
    this.#trailers = undefined;
    this.#prepareHead(message, Buffer.byteLength(message));
    this.#count(message);
    outgoing.strictContentLength = false; // it would count what an attempt to answer has left
    if (end) outgoing.end(message);
    else outgoing.write(message);
  }

  /** @internal */
  send(piece: string | Uint8Array): void {
    this.#prepareHead(piece, undefined);
    this.#count(piece);
    this.#outgoing.write(piece);
  }

  /** @internal */
  finish(piece: string | Uint8Array | undefined): void {
    const outgoing = this.#outgoing;
    this.#prepareHead(piece, piece === undefined ? 0 : sizeOf(piece));
    if (piece !== undefined) this.#count(piece);
    if (this.#trailers !== undefined) outgoing.addTrailers(this.#trailers);
    outgoing.end(piece);
    this.#outbound?.advance();
  }

  /** @internal */
  gone(): void {
    this.#outbound?.fail(clientGone());
  }

  /** The error of a call that comes too late. @internal */
  tooLate(call: string): InvalidStateError {
    return this.#alreadyEnded(`${call} was called`);
  }

  #alreadyEnded(what: string): InvalidStateError {
    return new InvalidStateError(`${what} after the answer to ${this.#exchange.request} was complete`);
  }

  #checkHead(what: string): void {
    if (this.headersSent) {
      throw new InvalidStateError(
        `${what} was set after the head of the answer to ${this.#exchange.request} was sent: set it before the first write()`,
      );
    }
  }

  #checkUnanswered(): void {
    if (!this.headersSent) return;
    throw new InvalidStateError(
      `the handler has answered ${this.#exchange.request} by write() or end(), and returned a body: do one of them`,
    );
  }

  #count(piece: string | Uint8Array): void {
    this.#bytes += sizeOf(piece);
  }

  get #hasBodyByStatus(): boolean {
    const { statusCode } = this.#outgoing;
    return statusCode !== 204 && statusCode !== 304;
  }

  get #hasBody(): boolean {
    return this.#hasBodyByStatus && this.#exchange.incoming.method !== 'HEAD';
  }

  /** Completes the head, if it was not sent; `length` is that of the whole body, if it is known. */
  #prepareHead(piece: string | Uint8Array | undefined, length: number | undefined): void {
    const outgoing = this.#outgoing;
    if (outgoing.headersSent) return;
    const type = typeOf(piece);
    if (this.#exchange.closes) outgoing.shouldKeepAlive = false;
    outgoing.strictContentLength = true;
    if (!this.#hasBodyByStatus) {
      if (outgoing.statusCode === 204) outgoing.removeHeader('Content-Length');
      return;
    }
    if (type !== undefined && !outgoing.hasHeader('Content-Type')) outgoing.setHeader('Content-Type', type);
    const hasLength = outgoing.hasHeader('Content-Length') || outgoing.hasHeader('Transfer-Encoding');
    const trailers = Object.keys(this.#trailers ?? {});
    if (trailers.length > 0 && !hasLength && this.#exchange.incoming.httpVersion !== '1.0') {
      outgoing.setHeader('Trailer', trailers.join(', '));
    } else if (length !== undefined && !hasLength) outgoing.setHeader('Content-Length', length);
  }

  #open(): Outbound {
    if (this.#outbound !== undefined) return this.#outbound;
    const { connection } = this.#exchange;
    const outbound = new Outbound(this.#outgoing as unknown as Writable, 'HttpResponse', connection.remote);
    this.#outbound = outbound;
    if (connection.socket.destroyed) outbound.fail(clientGone());
    return outbound;
  }

  /** `200 OK to GET / from 127.0.0.1:1234`. */
  toString(): string {
    return `${this.status} ${this.statusText} to ${this.#exchange.request}`;
  }

  /** As `console.log` shows it: secrets are masked. @internal */
  [nodeInspect](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { status, statusText, headersSent, ended } = this;
    const headers = maskSecrets(this.#outgoing.getHeaders());
    return `HttpResponse ${inspect({ status, statusText, headers, headersSent, ended }, options)}`;
  }
}

/** A write, or the end. */
class SendPiece extends Transfer<void> {
  readonly #response: HttpResponse;
  readonly #outbound: Outbound;
  readonly #piece: string | Uint8Array | undefined;
  readonly #last: boolean;
  #sent = false;

  constructor(
    response: HttpResponse,
    outbound: Outbound,
    piece: string | Uint8Array | undefined,
    last: boolean,
    timeout: number | undefined,
  ) {
    super(outbound, timeout);
    this.#response = response;
    this.#outbound = outbound;
    this.#piece = piece;
    this.#last = last;
  }

  attempt(): void | typeof LATER {
    const response = this.#response;
    const outbound = this.#outbound;
    if (this.#sent) {
      if (response.ended) return;
    } else if (response.ended) throw response.tooLate(this.#call);
    if (outbound.failure !== undefined) {
      hub.current?.checkInterrupts(); // the kill that came with it tells more
      throw outbound.failure;
    }
    if (!this.#sent) {
      if (outbound.room <= 0) return LATER;
      this.#sent = true;
      if (this.#last) response.finish(this.#piece);
      else response.send(this.#piece!);
    }
    if (!this.#last && outbound.room <= 0) return LATER;
  }

  get #call(): string {
    return this.#last ? 'HttpResponse.end()' : 'HttpResponse.write()';
  }

  describe(): string {
    return `${this.#call} to ${this.#outbound.peer}`;
  }
}

function sizeOf(piece: string | Uint8Array): number {
  return typeof piece === 'string' ? Buffer.byteLength(piece) : piece.byteLength;
}

function typeOf(piece: string | Uint8Array | undefined): string | undefined {
  return piece === undefined ? undefined : typeof piece === 'string' ? TEXT : BYTES;
}

/** Whether it is iterated, or read, for the pieces of a body. */
function isPieces(value: object): boolean {
  if (Array.isArray(value)) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value || value instanceof Reader || isIteration(value);
}

function noAnswer(value: unknown): TypeError {
  return new TypeError(
    `the handler returned ${show(value)}: return a string, bytes, an object for JSON, something that gives such pieces, or nothing`,
  );
}

function clientGone(): Error {
  return Object.assign(new Error('write ECONNRESET: the client is gone'), { code: 'ECONNRESET', syscall: 'write' });
}
