/** What an `HttpServer` tells of the requests it has answered, and the line that is usually made of it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Endpoint } from './address.ts';
import { maskSecrets } from './http-masking.ts';
import type { Exchange } from './http-server-exchange.ts';

/** A request that was answered, or could not be. */
export interface AccessLogEntry {
  /** The client. */
  readonly remote: Endpoint;
  /** When the request had come, apart from its body. */
  readonly time: Date;
  /** The method; empty for what was no request. */
  readonly method: string;
  /** The target as it was sent; empty for what was no request. */
  readonly url: string;
  /** `'1.1'` or `'1.0'`. */
  readonly httpVersion: string;
  /** The header fields of the request, with names in lower case. Those that carry secrets are masked. */
  readonly headers: IncomingHttpHeaders;
  /** The status code of the answer. */
  readonly status: number;
  /** Bytes of the body of the answer. */
  readonly bytes: number;
  /** How long it took, to the last byte, in milliseconds. */
  readonly ms: number;
  /** Whether the connection was lost before the last byte. */
  readonly aborted: boolean;
}

/** Calls `log` when the answer is out, or its connection gone. @internal */
export function logExchange(exchange: Exchange, log: (entry: AccessLogEntry) => void): void {
  const { incoming, outgoing, response, connection } = exchange;
  const time = new Date();
  const begin = performance.now();
  outgoing.once('close', () => {
    log({
      remote: connection.remote,
      time,
      method: incoming.method!,
      url: incoming.url!,
      httpVersion: incoming.httpVersion,
      headers: maskSecrets(incoming.headers) as IncomingHttpHeaders,
      status: outgoing.statusCode,
      bytes: response.bodyBytes,
      ms: performance.now() - begin,
      aborted: !outgoing.writableFinished,
    });
  });
}

/** The entry of what could not be understood. @internal */
export function badRequestEntry(remote: Endpoint, status: number): AccessLogEntry {
  const time = new Date();
  const [method, url, httpVersion, bytes, ms] = ['', '', '', 0, 0] as const;
  return { remote, time, method, url, httpVersion, headers: {}, status, bytes, ms, aborted: false };
}

/**
 * The line that Apache and nginx write: in the common format, or the combined one with `Referer` and `User-Agent`, which is
 * the default. What a client might use to forge lines is escaped.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { formatAccessLog, HttpServer, http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = new HttpServer('127.0.0.1:0', () => 'hello', {
 *     accessLog: (entry) => console.log(formatAccessLog(entry, 'common').replace(/\[.*\]/, '[…]')),
 *   });
 *   yield* server.start();
 *   const response = yield* http.fetch(`http://127.0.0.1:${server.port}/page`);
 *   yield* response.text();
 *   yield* server.stop();
 *   // => 127.0.0.1 - - […] "GET /page HTTP/1.1" 200 5
 * });
 * ```
 */
export function formatAccessLog(entry: AccessLogEntry, format: 'common' | 'combined' = 'combined'): string {
  const { remote, method, url, httpVersion, status, bytes, headers } = entry;
  const request = method === '' ? '-' : `${method} ${url} HTTP/${httpVersion}`;
  const client = remote.path === undefined ? remote.host : '-';
  const line = `${client || '-'} - - [${timestamp(entry.time)}] "${escaped(request)}" ${status} ${bytes || '-'}`;
  if (format === 'common') return line;
  return `${line} "${escaped(headers.referer ?? '-')}" "${escaped(headers['user-agent'] ?? '-')}"`;
}

/** `10/Oct/2000:13:55:36 +0000`. */
function timestamp(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(' ');
  return `${day}/${month}/${year}:${clock} +0000`;
}

/** Header fields are decoded as Latin-1, a character a byte. */
function escaped(text: string): string {
  return text.replace(/["\\]|[^ -~]/g, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
