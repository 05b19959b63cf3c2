/**
 * `fetch`, as an operation: undici's, which follows the standard and costs several times what `request` does.
 */
import { Readable } from 'node:stream';
import type { Headers, RequestInfo, RequestInit, Response as UndiciResponse } from 'undici';
import { checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { Timeout, timedOut } from '../core/timeout.ts';
import { until } from '../core/until.ts';
import { maskUrl } from './http-errors.ts';
import { loadedUndici, loadUndici } from './http-undici.ts';
import { Reader } from './reader.ts';

/** Options of `http.fetch`: those of the standard, and a time limit. */
export interface FetchOptions extends RequestInit {
  /** How long the whole request may take, the reading of the body included, in milliseconds. */
  timeout?: number | null | undefined;
}

/**
 * The answer to a request, with its head there and its body on the way. Reading the body is an operation; a kill or
 * timeout during it aborts the request. A body that is not read holds the connection: dispose of the response then.
 * Follows the standard's `Response`.
 */
export class Response {
  readonly #response: UndiciResponse;
  readonly #exchange: Exchange;
  #reader: Reader | null | undefined;

  /** @internal */
  constructor(response: UndiciResponse, exchange: Exchange) {
    this.#response = response;
    this.#exchange = exchange;
  }

  /** The status code, such as 404. */
  get status(): number {
    return this.#response.status;
  }

  /** The words after the status code. */
  get statusText(): string {
    return this.#response.statusText;
  }

  /** Whether the status is one of 200 to 299. */
  get ok(): boolean {
    return this.#response.ok;
  }

  /** The header fields. */
  get headers(): Headers {
    return this.#response.headers;
  }

  /** Where the answer came from, after redirections. */
  get url(): string {
    return this.#response.url;
  }

  /** Whether there were redirections. */
  get redirected(): boolean {
    return this.#response.redirected;
  }

  /** Whether reading the body has begun; it can be read once. */
  get bodyUsed(): boolean {
    return this.#response.bodyUsed;
  }

  /** The body as text. Suspends until all of it is there. */
  text(): Operation<string> {
    return this.#exchange.wait(() => this.#response.text());
  }

  /** The body, parsed as JSON. Suspends until all of it is there. */
  json<T = any>(): Operation<T> {
    return this.#exchange.wait(() => this.#response.json() as Promise<T>);
  }

  /** The body's bytes. Suspends until all of them are there. */
  bytes(): Operation<Uint8Array> {
    return this.#exchange.wait(() => this.#response.bytes());
  }

  /** The body's bytes. Suspends until all of them are there. */
  arrayBuffer(): Operation<ArrayBuffer> {
    return this.#exchange.wait(() => this.#response.arrayBuffer());
  }

  /**
   * The body as something to read from, or `null` if there is none; from then on the other calls that read it can't. When
   * the time of the request is up, reading throws `Timeout`. A second look gives the same reader.
   */
  get body(): Reader | null {
    this.#reader ??= this.#exchange.read(this.#response);
    return this.#reader;
  }

  /** Gives up what was not read of the body, and with it the connection. */
  close(): void {
    this.#exchange.abort();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A request from its beginning to the last byte of its answer. */
class Exchange {
  readonly #url: string;
  readonly #timeout: number | undefined;
  readonly #begin = performance.now();
  readonly #controller = new AbortController();

  constructor(url: string, timeout: number | undefined) {
    this.#url = url;
    this.#timeout = timeout;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  /** Waits for a step of the exchange; whatever interrupts the wait ends the exchange. */
  *wait<T>(step: () => Promise<T>): Coroutine<T> {
    const limit = Timeout.startNew(this.#timeLeft());
    try {
      return yield* until(step);
    } catch (error) {
      this.abort();
      throw error === limit ? this.#timedOut() : error;
    } finally {
      limit.close();
    }
  }

  /** The body, for as long as the exchange may take. */
  read(response: UndiciResponse): Reader | null {
    const { body } = response;
    if (body === null) return null;
    const stream = Readable.fromWeb(body as never);
    stream.on('error', () => {});
    const left = this.#timeLeft();
    if (left !== undefined) {
      const timer = hub.callLater(left, () => stream.destroy(this.#timedOut() as Error));
      stream.on('close', () => timer.cancel());
    }
    return new Reader(stream, { name: `the body of ${this.#url}` });
  }

  #timedOut(): Timeout {
    return timedOut(`fetch(${this.#url})`, this.#timeout!);
  }

  #timeLeft(): number | undefined {
    return this.#timeout === undefined ? undefined : Math.max(0, this.#timeout - (performance.now() - this.#begin));
  }
}

/**
 * Makes a request, and gives the answer as soon as its head is there. Suspends; a kill or timeout aborts the request,
 * later also while the body is read. Takes what the standard's `fetch` takes; `init.dispatcher` is undici's.
 *
 * @throws {Timeout} the request was not over within `timeout` ms
 * @throws {TypeError} there was no answer; `cause` says why
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { fromEvent, run } from 'genlet';
 * import { http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = createServer((_, response) => response.end('{"answer":42}')).listen(0, '127.0.0.1');
 *   yield* fromEvent(server, 'listening');
 *   const { port } = server.address() as { port: number };
 *   const response = yield* http.fetch(`http://127.0.0.1:${port}/`, { timeout: 5000 });
 *   console.log(response.status, yield* response.json()); // => 200 { answer: 42 }
 *   server.close();
 *   server.closeIdleConnections();
 * });
 * ```
 */
export function fetch(url: RequestInfo, init: FetchOptions = {}): Operation<Response> {
  if (typeof init !== 'object' || init === null)
    throw new TypeError(`init is ${show(init)}: give an object of options`);
  const { timeout, ...standard } = init;
  const text = textOf(url);
  if (maskUrl(text) !== text) {
    throw new TypeError(`url is ${maskUrl(text)}: give the name and password in an authorization header`);
  }
  const exchange = new Exchange(text, checkTimeout(timeout));
  return composite('http.fetch()', request(url, standard, exchange));
}

function textOf(url: RequestInfo): string {
  if (typeof url === 'string') return url;
  const text = (url as URL | undefined)?.href ?? (url as { url?: string } | undefined)?.url;
  if (typeof text !== 'string') throw new TypeError(`url is ${show(url)}: give a string, a URL or a Request`);
  return text;
}

function* request(url: RequestInfo, init: RequestInit, exchange: Exchange): Coroutine<Response> {
  const signal = init.signal ? AbortSignal.any([init.signal, exchange.signal]) : exchange.signal;
  const response = yield* exchange.wait(async () => {
    const undici = loadedUndici() ?? (await loadUndici());
    return undici.fetch(url, { ...init, signal });
  });
  return new Response(response, exchange);
}
