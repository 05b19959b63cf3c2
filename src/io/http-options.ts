/** Options of requests: their types, their checks, and what they come to. */
import { checkInteger, checkOptions, checkTimeout, show } from '../core/check.ts';
import type { RetryPolicy } from '../sync/retry.ts';
import { type Payload, type RequestBody, readBody, readJson } from './http-body.ts';
import { type HeadersInput, type OutgoingHeaders, readHeaders } from './http-headers.ts';

/** Options of `http.stream`, and of `stream` of a client. */
export interface StreamOptions {
  /** `'GET'` by default, `'POST'` if there is a body. */
  readonly method?: string | undefined;
  /** Header fields, on top of those of the client. */
  readonly headers?: HeadersInput | undefined;
  /** What is appended to the URL as its query. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | URLSearchParams | undefined;
  /** What is sent. */
  readonly body?: RequestBody | undefined;
  /** What is sent as JSON. */
  readonly json?: unknown;
  /**
   * How long the whole may take, from waiting for a free connection to the last byte of the body, retries and redirections
   * included, in milliseconds.
   */
  readonly timeout?: number | null | undefined;
  /** How long to wait for the head of the answer, in whole milliseconds; 0 for ever. Coarse: some half a second. */
  readonly headersTimeout?: number | undefined;
  /** How long to wait for the next bytes of the body, in whole milliseconds; 0 for ever. Coarse, as `headersTimeout`. */
  readonly bodyTimeout?: number | undefined;
  /** How many redirections are followed: 10 by default; with 0 they are answers as any other. */
  readonly maxRedirects?: number | undefined;
  /** Whether and how a request that failed is made again. A number is that of the attempts. Not by default. */
  readonly retry?: number | HttpRetryPolicy | undefined;
}

/** Options of `http.request`, and of `request` of a client. */
export interface RequestOptions extends StreamOptions {
  /** How many bytes the body of the answer may have, decoded: 67,108,864 (64 MiB) by default. */
  readonly maxBody?: number | undefined;
}

/**
 * When a request is made again, by `retry`. By default that is when there was no answer, or one with the status 429, 502,
 * 503 or 504; and only if the method is one that may be repeated (GET, HEAD, OPTIONS, PUT, DELETE, TRACE), and the body one
 * that can be sent again: no stream.
 */
export interface HttpRetryPolicy extends RetryPolicy {
  /** The status codes of answers that count as failures. After the last attempt such an answer is given all the same. */
  readonly statuses?: readonly number[] | undefined;
  /** The methods of requests that may be repeated. */
  readonly methods?: readonly string[] | undefined;
}

/** What holds for all requests of a client. @internal */
export interface Defaults {
  readonly origin: string | undefined;
  readonly headers: OutgoingHeaders | undefined;
  readonly timeout: number | undefined;
  readonly maxBody: number;
  readonly maxRedirects: number;
  readonly retry: HttpRetryPolicy | undefined;
}

/** A request that was checked. @internal */
export interface Plan {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: OutgoingHeaders | undefined;
  readonly payload: Payload | undefined;
  readonly timeout: number | undefined;
  readonly headersTimeout: number | undefined;
  readonly bodyTimeout: number | undefined;
  readonly maxBody: number;
  readonly maxRedirects: number;
  readonly retry: HttpRetryPolicy | undefined;
}

const NO_OPTIONS: RequestOptions = Object.freeze({});

/** @internal */
export const MAX_BODY = 67_108_864;
/** @internal */
export const MAX_REDIRECTS = 10;

/** Paths that `URL` would leave as they are; to parse them costs more than all other checks together. */
const PLAIN_PATH = /^\/(?![/.])[\w\-.~!$&()*+,;=:@/?]*$/;

/** Checks what a call was given. @internal */
export function readRequest(url: string | URL, given: RequestOptions | undefined, defaults: Defaults): Plan {
  checkOptions(given, "an object such as { method: 'PUT', timeout: 5000 }");
  const options = given ?? NO_OPTIONS;
  const { origin, maxBody, maxRedirects, retry } = options as typeof options & { origin?: string };
  if (origin !== undefined) throw new TypeError('origin is an option of HttpClient: give the whole URL');
  const payload = readPayload(options);
  let headers = options.headers === undefined ? defaults.headers : readHeaders(options.headers, defaults.headers);
  if (payload?.type !== undefined && headers?.['content-type'] === undefined) {
    headers = readHeaders({ 'content-type': payload.type }, headers);
  }
  let target = defaults.origin;
  let path: string;
  if (target !== undefined && typeof url === 'string' && isPlainPath(url) && options.query === undefined) path = url;
  else {
    const parsed = parse(url, target);
    if (options.query !== undefined) appendQuery(parsed, options.query);
    target = parsed.origin;
    path = parsed.pathname + parsed.search;
    if (parsed.username !== '' && headers?.authorization === undefined) {
      headers = readHeaders({ authorization: basic(parsed) }, headers);
    }
  }
  return {
    origin: target,
    path,
    method: options.method === undefined ? (payload === undefined ? 'GET' : 'POST') : readMethod(options.method),
    headers,
    payload,
    timeout: options.timeout === undefined ? defaults.timeout : checkTimeout(options.timeout),
    headersTimeout: readPause('headersTimeout', options.headersTimeout),
    bodyTimeout: readPause('bodyTimeout', options.bodyTimeout),
    maxBody: maxBody === undefined ? defaults.maxBody : checkInteger('maxBody', maxBody, 0),
    maxRedirects: maxRedirects === undefined ? defaults.maxRedirects : checkInteger('maxRedirects', maxRedirects, 0),
    retry: retry === undefined ? defaults.retry : readRetry(retry),
  };
}

function isPlainPath(url: string): boolean {
  return PLAIN_PATH.test(url) && !url.includes('/.');
}

function readPayload({ body, json }: RequestOptions): Payload | undefined {
  if (json === undefined) return body === undefined || body === null ? undefined : readBody(body);
  if (body !== undefined) throw new TypeError('both body and json are given: give one of them');
  return readJson(json);
}

function readMethod(method: string): string {
  if (typeof method !== 'string' || method === '')
    throw new TypeError(`method is ${show(method)}: give 'GET', 'PUT', …`);
  const upper = method.toUpperCase();
  if (upper === 'CONNECT') throw new TypeError('method is CONNECT, which makes no request: use the option proxy');
  return KNOWN_METHODS.has(upper) ? upper : method;
}

const KNOWN_METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

function readPause(name: string, ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : checkInteger(name, ms, 0);
}

/** @internal */
export function readRetry(retry: number | HttpRetryPolicy | undefined): HttpRetryPolicy | undefined {
  if (retry === undefined) return undefined;
  if (typeof retry === 'number') return { attempts: checkInteger('retry', retry, 1) };
  if (typeof retry === 'object' && retry !== null) return retry;
  throw new TypeError(`retry is ${show(retry)}: give a number of attempts, or an object such as { attempts: 3 }`);
}

function parse(url: string | URL, origin: string | undefined): URL {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new TypeError(`url is ${show(url)}: give a string or a URL`);
  }
  const parsed = readUrl('url', url, origin);
  if (origin !== undefined && parsed.origin !== origin) {
    throw new RangeError(`url leads to ${parsed.origin}: this client is for ${origin} only`);
  }
  return parsed;
}

/** A URL of HTTP. @internal */
export function readUrl(name: string, url: string | URL, base?: string): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch {
    throw new TypeError(
      `${name} is ${show(String(url).replace(/\/\/[^/@]*@/, '//***@'))}: give a URL such as 'http://host/path'`,
    );
  }
  const { protocol } = parsed;
  if (protocol === 'http:' || protocol === 'https:') return parsed;
  throw new TypeError(`${name} has the protocol ${protocol}: give an http: or https: URL`);
}

function appendQuery(url: URL, query: NonNullable<RequestOptions['query']>): void {
  if (typeof query !== 'object') throw new TypeError(`query is ${show(query)}: give an object or URLSearchParams`);
  const pairs = query instanceof URLSearchParams ? query : Object.entries(query);
  for (const [name, value] of pairs) if (value !== undefined) url.searchParams.append(name, String(value));
}

function basic({ username, password }: URL): string {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}
