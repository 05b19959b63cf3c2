/** The options of `HttpServer`, and what they are to Node. */
import type { ServerOptions } from 'node:http';
import type { TlsOptions } from 'node:tls';
import { checkCallback, checkFunction, checkInteger, checkOptions, show } from '../core/check.ts';
import type { Pool } from '../sync/pool.ts';
import type { AccessLogEntry } from './http-server-log.ts';
import type { HttpRequest } from './http-server-request.ts';
import type { Socket } from './socket.ts';
import type { ListeningOptions } from './start-listening.ts';

/**
 * What is called for a request that wants to leave HTTP (`Upgrade`, or the method `CONNECT`): a coroutine function, a plain
 * or an async one. `socket` gives what the client sends behind its request, beginning with `head`, the bytes that are there
 * already; the answer, such as `101 Switching Protocols`, is yet to be sent on it.
 */
export type UpgradeHandler = (request: HttpRequest, socket: Socket, head: Buffer) => unknown;

/** Options of `HttpServer`. A time limit of `null` is none. */
export interface HttpServerOptions extends ListeningOptions {
  /**
   * Where the handlers run: a `Pool`, which others may use too, or the number of places of a pool of its own. While it is
   * full, requests wait. Without it there is no limit.
   */
  readonly spawn?: Pool | number | undefined;
  /** How many requests may wait for a place in the pool; those beyond are answered 503. Any number by default. */
  readonly maxWaiting?: number | undefined;
  /** Serves HTTPS: `cert`, `key`, `ca`, `requestCert`, `SNICallback`, …, as `tls.createServer` takes them. */
  readonly tls?: TlsOptions | undefined;
  /** How many connections may be open at a time; those beyond are closed. No limit by default. */
  readonly maxConnections?: number | undefined;
  /** How many requests a connection is good for; the last is answered with `Connection: close`. No limit by default. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** How long the head of a request may take, in milliseconds: 60,000 by default. A slower one is answered 408. */
  readonly headersTimeout?: number | null | undefined;
  /** How long a request may take to arrive, with its body, in milliseconds: 300,000 by default. A slower one gets 408. */
  readonly requestTimeout?: number | null | undefined;
  /** How long a connection may be idle between two requests, in milliseconds: 5,000 by default. */
  readonly keepAliveTimeout?: number | null | undefined;
  /** How many bytes the head of a request may have: 16,384 by default. A longer one is answered 431. */
  readonly maxHeaderSize?: number | undefined;
  /**
   * How many bytes `bytes()`, `text()` and `json()` of a request take, unless they are told otherwise: 1,048,576 by default,
   * `Infinity` for any number. A longer body is answered 413. What is read through `body` is not limited.
   */
  readonly maxBody?: number | undefined;
  /** Called when a request was answered, or can't be. `formatAccessLog` makes a line of the entry. */
  readonly accessLog?: ((entry: AccessLogEntry) => void) | undefined;
  /** Runs what comes after HTTP. Without it, an `Upgrade` is ignored, as the standard has it, and `CONNECT` answered 501. */
  readonly upgrade?: UpgradeHandler | undefined;
}

/** How much later than due a slow request may be found out. */
const LATEST_CHECK = 30_000;
const EARLIEST_CHECK = 50;

/** Checks all options that are not checked where they are used. @internal */
export function checkHttpServerOptions(options: HttpServerOptions): void {
  checkOptions(options, '{ spawn, tls, maxBody, accessLog, … }');
  const { maxWaiting, maxConnections, maxRequestsPerConnection, accessLog, upgrade, maxBody } = options;
  if (maxWaiting !== undefined && maxWaiting !== Number.POSITIVE_INFINITY) checkInteger('maxWaiting', maxWaiting, 0);
  if (maxConnections !== undefined) checkInteger('maxConnections', maxConnections, 1);
  if (maxRequestsPerConnection !== undefined) checkInteger('maxRequestsPerConnection', maxRequestsPerConnection, 1);
  if (maxBody !== undefined && maxBody !== Number.POSITIVE_INFINITY) checkInteger('maxBody', maxBody, 0);
  if (accessLog !== undefined) checkCallback('accessLog', accessLog);
  if (upgrade !== undefined) checkFunction('upgrade', upgrade);
  checkInteger('backlog', options.backlog ?? 511, 1);
  if (options.tls !== undefined && (typeof options.tls !== 'object' || options.tls === null)) {
    throw new TypeError(`tls is ${show(options.tls)}: give { cert, key, … }, as for tls.createServer`);
  }
}

/** The part that `createServer` takes. @internal */
export function nodeOptions(options: HttpServerOptions): ServerOptions {
  const requestTimeout = limitOf('requestTimeout', options.requestTimeout, 300_000);
  const headersTimeout = limitOf('headersTimeout', options.headersTimeout, 60_000);
  // Node wants the one to be shorter than the other, which is over then anyway.
  const shorter = requestTimeout > 0 ? Math.min(headersTimeout || requestTimeout, requestTimeout) : headersTimeout;
  const check = (shorter || requestTimeout) / 4;
  return {
    requestTimeout,
    headersTimeout: shorter,
    keepAliveTimeout: limitOf('keepAliveTimeout', options.keepAliveTimeout, 5000),
    connectionsCheckingInterval: Math.ceil(Math.min(LATEST_CHECK, Math.max(EARLIEST_CHECK, check))),
    maxHeaderSize: checkInteger('maxHeaderSize', options.maxHeaderSize ?? 16_384, 1),
  };
}

/** In Node's terms, where 0 is no limit. */
function limitOf(name: string, ms: number | null | undefined, usual: number): number {
  return ms === null ? 0 : checkInteger(name, ms ?? usual, 1);
}
