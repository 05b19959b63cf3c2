/**
 * HTTP as a client: requests, streamed answers, `fetch`, and WebSockets.
 *
 * All of it is made of undici's parts, which are loaded at the first call. `request` and `stream` use its `dispatch`
 * directly; the functions here share one client.
 */
import type { Operation } from '../core/operation.ts';
import { HttpClient } from './http-client.ts';
import type { RequestOptions, StreamOptions } from './http-options.ts';
import type { ClientResponse } from './http-response.ts';
import type { StreamedResponse } from './http-stream.ts';

export type { RequestBody } from './http-body.ts';
export { HttpClient, type HttpClientOptions, type HttpClientStatistics, type ProxyOptions } from './http-client.ts';
export { type Cookie, type CookieInit, CookieJar } from './http-cookies.ts';
export {
  HttpStatusError,
  type HttpStatusErrorDetails,
  TooManyRedirectsError,
  WebSocketClosedError,
} from './http-errors.ts';
export { type FetchOptions, fetch, Response } from './http-fetch.ts';
export type { HeaderRecord, HeadersInput } from './http-headers.ts';
export type { HttpRetryPolicy, RequestOptions, StreamOptions } from './http-options.ts';
export type { ClientResponse, ResponseHead } from './http-response.ts';
export type { BodyOptions, StreamedResponse } from './http-stream.ts';
export type { OriginStatistics } from './http-transport.ts';
export {
  connectWebSocket,
  type WebSocket,
  type WebSocketCloseOptions,
  type WebSocketEnd,
  type WebSocketOptions,
} from './websocket.ts';
export type { Message } from './websocket-messages.ts';

let shared: HttpClient | undefined;

function client(): HttpClient {
  shared ??= new HttpClient();
  return shared;
}

/**
 * Makes a request, and gives the answer when all of it is there, whatever its status: at most `maxBody` bytes, 64 MiB by
 * default. For what is longer, or if the head is enough, there is `http.stream`. Redirections are followed, up to 10. What
 * is compressed stays so, and is not asked for; cookies are not kept: make an `HttpClient` for that. There are at most 100
 * connections to an origin; further requests wait for a free one. A name and password in the URL become an `authorization`
 * header.
 *
 * Suspends; a kill or timeout ends the request and its connection, or takes it back if it still waits for one. Follows
 * `requests.request`.
 *
 * @throws {Timeout} it was not over within `timeout` ms
 * @throws {LimitOverrunError} the answer has more than `maxBody` bytes
 * @throws {TooManyRedirectsError} there are more than `maxRedirects` redirections
 * @throws the error of undici or of the system, with its `code`: there was no answer, or it broke off
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { fromEvent, run } from 'genlet';
 * import { http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = createServer((request, response) => {
 *     if (request.url === '/missing') response.writeHead(404).end('no such page');
 *     else request.pipe(response);
 *   });
 *   yield* fromEvent(server.listen(0, '127.0.0.1'), 'listening');
 *   const { port } = server.address() as { port: number };
 *   const url = `http://127.0.0.1:${port}`;
 *   const response = yield* http.request(url, { json: { answer: 42 }, timeout: 5000 });
 *   console.log(response.status, response.json()); // => 200 { answer: 42 }
 *   const missing = yield* http.request(`${url}/missing`);
 *   console.log(missing.ok, missing.text()); // => false no such page
 *   server.close();
 *   server.closeIdleConnections();
 * });
 * ```
 */
export function request(url: string | URL, options?: RequestOptions): Operation<ClientResponse> {
  return client().request(url, options);
}

/**
 * Makes a request, and gives the answer as soon as its head is there; the body is a `Reader`, which holds up the server
 * while nobody reads. What is not read keeps the connection: close the answer, best by `using`. Otherwise as
 * `http.request`. Suspends; a kill or timeout ends the request. Follows `requests.get(…, stream=True)`.
 *
 * @throws {Timeout} the head was not there within `timeout` ms; later, by reading: nor was the body
 * @throws {TooManyRedirectsError} there are more than `maxRedirects` redirections
 * @throws the error of undici or of the system, with its `code`: there was no answer
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { fromEvent, run } from 'genlet';
 * import { http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = createServer((_, response) => response.write('line 1\nline 2\nwithout end'));
 *   yield* fromEvent(server.listen(0, '127.0.0.1'), 'listening');
 *   const { port } = server.address() as { port: number };
 *   {
 *     using response = yield* http.stream(`http://127.0.0.1:${port}/`);
 *     console.log(response.status); // => 200
 *     console.log(yield* response.body.readline()); // => line 1
 *     console.log(yield* response.body.readline()); // => line 2
 *   }
 *   server.close();
 * });
 * ```
 */
export function stream(url: string | URL, options?: StreamOptions): Operation<StreamedResponse> {
  return client().stream(url, options);
}
