/** `HttpClient`: requests over connections of its own. */
import type { ConnectionOptions } from 'node:tls';
import { checkInteger, checkOptions, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { CookieJar } from './http-cookies.ts';
import type { Shared } from './http-exchange.ts';
import { type HeadersInput, type OutgoingHeaders, readHeaders } from './http-headers.ts';
import {
  type Defaults,
  type HttpRetryPolicy,
  MAX_BODY,
  MAX_REDIRECTS,
  type Plan,
  type RequestOptions,
  readRequest,
  readRetry,
  readUrl,
  type StreamOptions,
} from './http-options.ts';
import { RequestCall } from './http-request.ts';
import type { ClientResponse } from './http-response.ts';
import { type Repeatable, repeated } from './http-retry.ts';
import { StreamCall, type StreamedResponse } from './http-stream.ts';
import { type OriginStatistics, type ProxyPlan, Transport } from './http-transport.ts';

/** A proxy of an `HttpClient`. */
export interface ProxyOptions {
  /** `http://name:password@host:port`; also `https:` and `socks5:`. */
  readonly url: string | URL;
  /** Header fields for the proxy, such as `proxy-authorization`. */
  readonly headers?: HeadersInput | undefined;
  /** Settings of TLS for a proxy that is spoken to by it. */
  readonly tls?: ConnectionOptions | undefined;
  /** Whether `http:` URLs are reached by `CONNECT` too, as `https:` ones are always. Not by default. */
  readonly tunnel?: boolean | undefined;
}

/** Options of `HttpClient`. */
export interface HttpClientOptions {
  /** The origin of all requests, such as `'https://example.com'`: calls then take paths, and no URL of another origin. */
  readonly origin?: string | URL | undefined;
  /** How many connections to an origin there may be: 100 by default; further requests wait for a free one. */
  readonly connections?: number | undefined;
  /** The time limit of requests that have none of their own, in milliseconds; none by default. */
  readonly timeout?: number | null | undefined;
  /** How long making a connection may take, in whole milliseconds: 10,000 by default. */
  readonly connectTimeout?: number | undefined;
  /** How long to wait for the head of an answer, in whole milliseconds: 300,000 by default, 0 for ever. */
  readonly headersTimeout?: number | undefined;
  /** How long to wait for the next bytes of a body, in whole milliseconds: 300,000 by default, 0 for ever. */
  readonly bodyTimeout?: number | undefined;
  /** How long an idle connection is kept, in whole milliseconds: 4,000 by default. The server may say something else. */
  readonly keepAliveTimeout?: number | undefined;
  /** Header fields of all requests. */
  readonly headers?: HeadersInput | undefined;
  /** How many bytes the body of an answer may have, decoded: 67,108,864 (64 MiB) by default. */
  readonly maxBody?: number | undefined;
  /** How many redirections are followed: 10 by default. */
  readonly maxRedirects?: number | undefined;
  /** Whether and how requests that failed are made again; not by default. */
  readonly retry?: number | HttpRetryPolicy | undefined;
  /** Whether to ask for compressed answers, and to decode them. Not by default: it costs more than it saves in a local net. */
  readonly decompress?: boolean | undefined;
  /** Whether to keep cookies, in a jar of its own or in the one that is given. Not by default. */
  readonly cookies?: boolean | CookieJar | undefined;
  /** The proxy: its URL, or `'environment'` for those that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name. */
  readonly proxy?: string | URL | ProxyOptions | undefined;
  /** Settings of TLS: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized`, … */
  readonly tls?: ConnectionOptions | undefined;
  /** The Unix socket to connect to, whatever the host in the URL. */
  readonly socketPath?: string | undefined;
  /** The local address to connect from. */
  readonly localAddress?: string | undefined;
}

/** What `client.statistics()` gives. */
export interface HttpClientStatistics {
  /** Requests that were begun so far; one that is retried or redirected counts once. */
  readonly requests: number;
  /** The connections by origin; by a proxy, those behind it. */
  readonly origins: Readonly<Record<string, OriginStatistics>>;
}

const CONNECTIONS = 100;
const CONNECT_TIMEOUT = 10_000;

/**
 * Makes requests, and keeps connections for the next ones: some for each origin. HTTP/1.1, by TCP, TLS or a Unix
 * socket. Any number of greenlets may use it at a time. Idle connections don't keep the process alive. Follows
 * `requests.Session` and `urllib3.PoolManager`.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { fromEvent, joinall, run, spawn } from 'genlet';
 * import { http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = createServer((request, response) => response.end(`${request.headers.from} asks for ${request.url}`));
 *   yield* fromEvent(server.listen(0, '127.0.0.1'), 'listening');
 *   const { port } = server.address() as { port: number };
 *   using client = new http.HttpClient({ origin: `http://127.0.0.1:${port}`, connections: 2, headers: { from: 'me' } });
 *   const paths = ['/a', '/b', '/c'];
 *   const calls = yield* joinall(paths.map((path) => spawn(() => client.request(path, { timeout: 5000 }))));
 *   for (const { value } of calls) console.log(value!.text());
 *   // => me asks for /a
 *   // => me asks for /b
 *   // => me asks for /c
 *   server.close();
 * });
 * ```
 */
export class HttpClient {
  readonly #shared: Shared;
  readonly #defaults: Defaults;
  #requests = 0;

  /**
   * @throws {TypeError} an option is of the wrong kind
   * @throws {RangeError} a number makes no sense
   */
  constructor(options: HttpClientOptions = {}) {
    checkOptions(options, "an object such as { origin: 'http://host', connections: 10 }");
    const { connections, decompress = false, origin, maxBody, maxRedirects, tls, socketPath, localAddress } = options;
    this.#shared = {
      cookies: readCookies(options.cookies),
      transport: new Transport({
        connections: checkInteger('connections', connections ?? CONNECTIONS, 1),
        connectTimeout: checkInteger('connectTimeout', options.connectTimeout ?? CONNECT_TIMEOUT, 0),
        keepAliveTimeout: checkPause('keepAliveTimeout', options.keepAliveTimeout, 1),
        headersTimeout: checkPause('headersTimeout', options.headersTimeout, 0),
        bodyTimeout: checkPause('bodyTimeout', options.bodyTimeout, 0),
        localAddress,
        socketPath,
        tls,
        proxy: readProxy(options.proxy),
        decompress,
      }),
    };
    const usual: OutgoingHeaders | undefined = decompress ? { 'accept-encoding': 'gzip, deflate, br' } : undefined;
    this.#defaults = {
      origin: origin === undefined ? undefined : readOrigin(origin),
      headers: readHeaders(options.headers ?? {}, usual),
      timeout: checkTimeout(options.timeout),
      maxBody: checkInteger('maxBody', maxBody ?? MAX_BODY, 0),
      maxRedirects: checkInteger('maxRedirects', maxRedirects ?? MAX_REDIRECTS, 0),
      retry: readRetry(options.retry),
    };
  }

  /** The jar in which it keeps cookies, if it does. */
  get cookies(): CookieJar | undefined {
    return this.#shared.cookies;
  }

  /** Whether it was closed or destroyed. */
  get closed(): boolean {
    return this.#shared.transport.closed;
  }

  /**
   * Makes a request, and gives the answer when all of it is there, whatever its status. Suspends; a kill or timeout ends the
   * request and its connection, or takes it back if it still waits for one. Follows `requests.request`.
   *
   * @throws {Timeout} it was not over within `timeout` ms
   * @throws {LimitOverrunError} the answer has more than `maxBody` bytes
   * @throws {TooManyRedirectsError} there are more than `maxRedirects` redirections
   * @throws {InvalidStateError} the client was closed
   * @throws the error of undici or of the system, with its `code`: there was no answer, or it broke off
   */
  request(url: string | URL, options?: RequestOptions): Operation<ClientResponse> {
    const plan = readRequest(url, options, this.#defaults);
    this.#requests++;
    return plan.retry === undefined ? new RequestCall(this.#shared, plan) : this.#repeatRequest(plan);
  }

  /**
   * Makes a request, and gives the answer as soon as its head is there: for bodies that are long, or never end. Suspends; a
   * kill or timeout ends the request. Close what it gives.
   *
   * @throws {Timeout} the head was not there within `timeout` ms; later, by reading: nor was the body
   * @throws {TooManyRedirectsError} there are more than `maxRedirects` redirections
   * @throws {InvalidStateError} the client was closed
   * @throws the error of undici or of the system, with its `code`: there was no answer
   */
  stream(url: string | URL, options?: StreamOptions): Operation<StreamedResponse> {
    const plan = { ...readRequest(url, options, this.#defaults), maxBody: Number.POSITIVE_INFINITY };
    this.#requests++;
    return plan.retry === undefined ? new StreamCall(this.#shared, plan) : this.#repeatStream(plan);
  }

  #repeatRequest(plan: Plan): Operation<ClientResponse> {
    const calls: Repeatable<ClientResponse> = {
      call: 'request',
      attempt: (plan) => new RequestCall(this.#shared, { ...plan, timeout: undefined }),
      error: (response) => response.error(response.bytes()),
      discard: () => {},
    };
    return composite('HttpClient.request()', repeated(calls, plan));
  }

  #repeatStream(plan: Plan): Operation<StreamedResponse> {
    const calls: Repeatable<StreamedResponse> = {
      call: 'stream',
      attempt: (plan, begin) => new StreamCall(this.#shared, plan, begin),
      error: (response) => response.error(Buffer.alloc(0)),
      discard: (response) => response.close(),
    };
    return composite('HttpClient.stream()', repeated(calls, plan));
  }

  /** Requests so far, and connections now. */
  statistics(): HttpClientStatistics {
    return { requests: this.#requests, origins: this.#shared.transport.statistics() };
  }

  /**
   * Takes no new requests, and waits at most `timeout` milliseconds (for ever by default) for those that are under way, then
   * ends them. Suspends; after a kill it goes on closing, without a limit.
   */
  close(timeout?: number | null): Operation<void> {
    return composite('HttpClient.close()', this.#close(checkTimeout(timeout)));
  }

  *#close(timeout: number | undefined): Coroutine<void> {
    const { transport } = this.#shared;
    const isIdle = yield* transport.close().wait(timeout);
    if (!isIdle) transport.destroy();
  }

  /** Ends all requests with undici's `ClientDestroyedError`, and all connections. Does not suspend. */
  destroy(): void {
    this.#shared.transport.destroy();
  }

  /** Makes `using` destroy it. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

function checkPause(name: string, ms: number | undefined, least: number): number | undefined {
  return ms === undefined ? undefined : checkInteger(name, ms, least);
}

function readOrigin(origin: string | URL): string {
  const url = readUrl('origin', origin);
  if (url.pathname === '/' && url.search === '' && url.username === '') return url.origin;
  throw new TypeError(`origin is more than that: give ${url.origin}`);
}

function readCookies(cookies: boolean | CookieJar | undefined): CookieJar | undefined {
  if (cookies instanceof CookieJar) return cookies;
  if (cookies === undefined || typeof cookies === 'boolean') return cookies ? new CookieJar() : undefined;
  throw new TypeError(`cookies is ${show(cookies)}: give true or a CookieJar`);
}

function readProxy(proxy: HttpClientOptions['proxy']): ProxyPlan | undefined {
  if (proxy === undefined) return undefined;
  if (proxy === 'environment') return { url: undefined, headers: undefined, tls: undefined, tunnel: false };
  const options = typeof proxy === 'string' || proxy instanceof URL ? { url: proxy } : proxy;
  const { url, headers, tls, tunnel = false }: ProxyOptions = options;
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError("proxy is no URL: give one such as 'http://name:password@host:port', or 'environment'");
  }
  if (!PROXIES.has(parsed.protocol)) {
    throw new TypeError(`proxy has the protocol ${parsed.protocol}: give an http:, https: or socks5: URL`);
  }
  return { url: parsed.href, headers: headers && readHeaders(headers), tls, tunnel };
}

const PROXIES = new Set(['http:', 'https:', 'socks5:', 'socks:']);
