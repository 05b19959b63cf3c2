/** `HttpError`: an answer that is thrown. */
import { STATUS_CODES } from 'node:http';
import { checkOptions, show } from '../core/check.ts';
import { brand } from '../core/errors.ts';

/** Options of `HttpError`. */
export interface HttpErrorOptions extends ErrorOptions {
  /** Header fields of the answer. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Thrown by a handler of `HttpServer`, it is the answer: its status, and its message as text. Unlike other errors it is not
 * reported, unless the status is 500 or more. Header fields that were set before are dropped. `HttpRequest` throws it for
 * bodies that are too large (413) or no JSON (400). Follows `werkzeug.exceptions.HTTPException`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { HttpError, HttpServer, http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = new HttpServer('127.0.0.1:0', function* (request) {
 *     throw new HttpError(404, `there is no ${request.path}`);
 *   });
 *   yield* server.start();
 *   const response = yield* http.fetch(`http://127.0.0.1:${server.port}/page`);
 *   console.log(response.status, yield* response.text()); // => 404 there is no /page
 *   yield* server.stop();
 * });
 * ```
 */
export class HttpError extends Error {
  declare readonly code: 'GENLET_HTTP';
  /** The status code of the answer. */
  readonly status: number;
  /** Header fields of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param message what the client reads; the status in words by default
   * @throws {RangeError} `status` is not one of 400 to 599
   */
  constructor(status: number, message?: string, options: HttpErrorOptions = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`status is ${show(status)}: give a whole number from 400 to 599`);
    }
    checkOptions(options, '{ headers: { name: value } } or { cause: error }');
    super(message ?? STATUS_CODES[status] ?? `Status ${status}`, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}
brand(HttpError, 'GENLET_HTTP');
