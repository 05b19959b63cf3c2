/** `HttpRequest`: what a handler of `HttpServer` is given to read. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { checkInteger, checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError, LimitOverrunError } from '../core/errors.ts';
import type { Greenlet } from '../core/greenlet.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import type { Endpoint } from './address.ts';
import { maskSecrets } from './http-masking.ts';
import type { Connection } from './http-server-connection.ts';
import { HttpError } from './http-server-error.ts';
import { Reader } from './reader.ts';
import type { TransferOptions } from './socket.ts';

/** Options of the calls that read a whole body. */
export interface BodyOptions extends TransferOptions {
  /** How many bytes the body may have: the server's `maxBody` by default. */
  readonly limit?: number | undefined;
}

/** Where a request comes from. @internal */
export interface RequestOrigin {
  readonly connection: Connection;
  readonly host: { readonly maxBody: number };
  /** Who handles it. */
  readonly greenlet: Greenlet<unknown> | undefined;
  /** The handler begins to read the body. */
  openBody(): Readable;
}

const utf8 = new TextDecoder();

const nodeInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * A request. The body is read by the operations, as a whole, or piece by piece through `body`; what the handler leaves of it
 * is read and dropped. A client that waits for `100 Continue` gets it when the handler begins to read. The names are those
 * of the standard's `Request` where it has them.
 */
export class HttpRequest {
  readonly #incoming: IncomingMessage;
  readonly #origin: RequestOrigin;
  #body: Reader | undefined;
  #query: URLSearchParams | undefined;
  #used = false;

  /** @internal */
  constructor(incoming: IncomingMessage, origin: RequestOrigin) {
    this.#incoming = incoming;
    this.#origin = origin;
    this.#body = undefined;
    this.#query = undefined;
  }

  /** The method, such as `GET`. */
  get method(): string {
    return this.#incoming.method!;
  }

  /** The target as it was sent: `/path?query`, seldom `http://host/path`, or `*`; `host:port` of a `CONNECT`. */
  get url(): string {
    return this.#incoming.url!;
  }

  /** The path of the URL, with its percent signs, without the query. */
  get path(): string {
    const { url } = this;
    const begin = pathIndex(url);
    const end = url.indexOf('?', begin);
    return url.slice(begin, end < 0 ? url.length : end) || '/';
  }

  /** The query of the URL. */
  get query(): URLSearchParams {
    if (this.#query === undefined) {
      const at = this.url.indexOf('?');
      this.#query = new URLSearchParams(at < 0 ? '' : this.url.slice(at + 1));
    }
    return this.#query;
  }

  /** The header fields, with names in lower case; several lines of a field are joined as Node joins them. */
  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  /** The header fields as they came: name, value, name, value, … */
  get rawHeaders(): readonly string[] {
    return this.#incoming.rawHeaders;
  }

  /** The fields that came behind a chunked body, once that has been read; with names in lower case. */
  get trailers(): NodeJS.Dict<string> {
    return this.#incoming.trailers;
  }

  /** `'1.1'` or `'1.0'`. */
  get httpVersion(): string {
    return this.#incoming.httpVersion;
  }

  /** The other end of the connection. */
  get remote(): Endpoint {
    return this.#origin.connection.remote;
  }

  /** Node's socket of a TLS connection, for the certificate of the client and the like; `undefined` without TLS. */
  get tls(): TLSSocket | undefined {
    const { socket } = this.#origin.connection;
    return socket instanceof TLSSocket ? socket : undefined;
  }

  /** Aborted when the client is gone, when the handler is killed, and when it has ended. Made on demand. */
  get signal(): AbortSignal {
    return this.#origin.greenlet!.signal;
  }

  // ---- the body

  /**
   * The body as a stream: `read`, `readline`, `lines`, … A client that sends faster than it is read is held up. It need not be
   * read to the end; to close it before breaks the connection off.
   */
  get body(): Reader {
    this.#body ??= new Reader(() => this.#origin.openBody(), { name: `the body of ${this}` });
    return this.#body;
  }

  /** Whether the whole body was read, by `bytes`, `text` or `json`. */
  get bodyUsed(): boolean {
    return this.#used;
  }

  /**
   * The body's bytes. Suspends until all are there; after a kill or timeout they stay readable.
   *
   * @throws {HttpError} with status 413: the body is longer than `limit`, or the server's `maxBody`
   * @throws {InvalidStateError} it was read as a whole before
   */
  bytes(options: BodyOptions = {}): Operation<Buffer> {
    return composite('HttpRequest.bytes()', this.#read('bytes()', ...this.#limits(options)));
  }

  /** The body as UTF-8 text. Suspends and throws as `bytes`. */
  text(options: BodyOptions = {}): Operation<string> {
    return composite('HttpRequest.text()', this.#text('text()', ...this.#limits(options)));
  }

  /**
   * The body, parsed as JSON. Suspends and throws as `bytes`.
   *
   * @throws {HttpError} with status 400: it is no JSON
   */
  json<T = any>(options: BodyOptions = {}): Operation<T> {
    return composite('HttpRequest.json()', this.#json(...this.#limits(options)));
  }

  #limits(options: BodyOptions): [limit: number, timeout: number | undefined] {
    const { limit = this.#origin.host.maxBody, timeout } = options;
    return [limit === Number.POSITIVE_INFINITY ? limit : checkInteger('limit', limit, 0), checkTimeout(timeout)];
  }

  *#read(call: string, limit: number, timeout: number | undefined): Coroutine<Buffer> {
    if (this.#used) throw new InvalidStateError(`HttpRequest.${call}: the body was read already; keep what it gave`);
    const declared = Number(this.headers['content-length'] ?? 0);
    if (declared > limit) throw tooLarge(limit);
    let bytes: Buffer;
    try {
      bytes = yield* this.body.readAll({ limit, timeout });
    } catch (error) {
      throw error instanceof LimitOverrunError ? tooLarge(limit) : error;
    }
    this.#used = true;
    return bytes;
  }

  *#text(call: string, limit: number, timeout: number | undefined): Coroutine<string> {
    const bytes = yield* this.#read(call, limit, timeout);
    return utf8.decode(bytes);
  }

  *#json(limit: number, timeout: number | undefined): Coroutine<any> {
    const text = yield* this.#text('json()', limit, timeout);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new HttpError(400, 'The body is not valid JSON', { cause: error });
    }
  }

  /** `GET /path from 127.0.0.1:1234`. */
  toString(): string {
    return `${this.method} ${this.path} from ${this.remote}`;
  }

  /** As `console.log` shows it: secrets are masked. @internal */
  [nodeInspect](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const { method, url, httpVersion } = this;
    const shown = { method, url, httpVersion, remote: String(this.remote), headers: maskSecrets(this.headers) };
    return `HttpRequest ${inspect(shown, options)}`;
  }
}

/** Where the path begins in the target of a request, which may be a whole URL. */
function pathIndex(url: string): number {
  if (url.startsWith('/')) return 0;
  const authority = /^[a-z][a-z\d+.-]*:\/\/[^/?]*/i.exec(url);
  return authority === null ? 0 : authority[0].length;
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, `The body is longer than ${limit} bytes`);
}
