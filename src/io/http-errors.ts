/** What a request can end with, besides the errors of undici and of the system; and what messages don't tell. */
import { brand } from '../core/errors.ts';
import type { HeaderRecord } from './http-headers.ts';

/** What an `HttpStatusError` tells of the answer. */
export interface HttpStatusErrorDetails {
  /** The status code. */
  readonly status: number;
  /** Where the answer came from. */
  readonly url: string;
  /** The header fields of the answer. */
  readonly headers: HeaderRecord;
  /** What the answer says, as text: at most its first 65,536 bytes. */
  readonly body: string;
}

/** An answer with an unwanted status. Follows `requests.HTTPError`. */
export class HttpStatusError extends Error implements HttpStatusErrorDetails {
  declare readonly code: 'GENLET_HTTP_STATUS';
  readonly status: number;
  readonly url: string;
  declare readonly headers: HeaderRecord;
  declare readonly body: string;
  constructor(message: string, details: HttpStatusErrorDetails) {
    super(message);
    this.status = details.status;
    this.url = details.url;
    // Not enumerable: they may hold secrets, and a report of the error would show them.
    Object.defineProperty(this, 'headers', { value: details.headers });
    Object.defineProperty(this, 'body', { value: details.body });
  }
}
brand(HttpStatusError, 'GENLET_HTTP_STATUS');

/** More redirections than `maxRedirects`. Follows `requests.TooManyRedirects`. */
export class TooManyRedirectsError extends Error {
  declare readonly code: 'GENLET_TOO_MANY_REDIRECTS';
}
brand(TooManyRedirectsError, 'GENLET_TOO_MANY_REDIRECTS');

/** The connection was ended by the peer, or lost, before what was asked for; `closeCode` is that of RFC 6455. */
export class WebSocketClosedError extends Error {
  declare readonly code: 'GENLET_WEBSOCKET_CLOSED';
  /** The peer's or our own code, such as 1000; 1006 if the connection was lost. */
  readonly closeCode: number;
  /** The reason that was given with it. */
  readonly reason: string;
  constructor(message: string, closeCode: number, reason: string) {
    super(message);
    this.closeCode = closeCode;
    this.reason = reason;
  }
}
brand(WebSocketClosedError, 'GENLET_WEBSOCKET_CLOSED');

/** How many bytes of an answer are kept in an `HttpStatusError`. @internal */
export const MOST_OF_BODY = 65_536;

/** A URL without the name and password that may stand in it. @internal */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1***@');
}
