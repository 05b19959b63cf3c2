/** `ClientResponse`: an answer that is there as a whole. */
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { HttpStatusError, MOST_OF_BODY, maskUrl } from './http-errors.ts';
import { type HeaderRecord, single } from './http-headers.ts';
import { maskSecrets } from './http-masking.ts';
import { Reader } from './reader.ts';

const nodeInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
const NOTHING: HeaderRecord = Object.freeze({});

/** The head of an answer. */
export class ResponseHead {
  /** The status code, such as 404. */
  readonly status: number;
  /** The words after the status code. */
  readonly statusText: string;
  /** The header fields, by their names in lower case. */
  readonly headers: HeaderRecord;
  readonly #method: string;
  readonly #origin: string;
  readonly #path: string;
  readonly #redirects: number;

  /** @internal */
  constructor(request: Asked, status: number, statusText: string, headers: HeaderRecord) {
    this.status = status;
    this.statusText = statusText;
    this.headers = headers;
    this.#method = request.method;
    this.#origin = request.origin;
    this.#path = request.path;
    this.#redirects = request.redirects;
  }

  /** The method of the request, after redirections. */
  get method(): string {
    return this.#method;
  }

  /** Where the answer came from, after redirections. */
  get url(): string {
    return this.#origin + this.#path;
  }

  /** How many redirections there were. */
  get redirects(): number {
    return this.#redirects;
  }

  /** Whether the status is one of 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The error of an answer with a status of 400 or more. @internal */
  error(body: Buffer): HttpStatusError {
    const { status, statusText, headers } = this;
    const url = maskUrl(this.url);
    const text = decode(body.subarray(0, MOST_OF_BODY), headers);
    return new HttpStatusError(`${this.#method} ${url}: ${`${status} ${statusText}`.trim()}`, {
      status,
      url,
      headers,
      body: text,
    });
  }

  /** As `console.log` shows it: without secrets. @internal */
  [nodeInspect](): string {
    const { status, statusText, headers } = this;
    const shown = { status, statusText, url: maskUrl(this.url), headers: maskSecrets(headers) };
    return `${this.constructor.name} ${inspect(shown)}`;
  }
}

/** What was asked, in the end. @internal */
export interface Asked {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
  readonly redirects: number;
}

/**
 * An answer that has come in full: nothing here suspends. Follows `requests.Response`.
 */
export class ClientResponse extends ResponseHead {
  readonly #first: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #whole: Buffer | undefined;
  #trailers: HeaderRecord | undefined;

  /** @internal */
  constructor(
    request: Asked,
    status: number,
    statusText: string,
    headers: HeaderRecord,
    first: Buffer | undefined,
    rest: Buffer[] | undefined,
    trailers: HeaderRecord | undefined,
  ) {
    super(request, status, statusText, headers);
    this.#first = first;
    this.#rest = rest;
    this.#whole = undefined;
    this.#trailers = trailers;
  }

  /** The fields that came after the body. */
  get trailers(): HeaderRecord {
    return this.#trailers ?? NOTHING;
  }

  /** The body's bytes; the same buffer each time. */
  bytes(): Buffer {
    if (this.#whole === undefined) {
      const first = this.#first ?? Buffer.alloc(0);
      this.#whole = this.#rest === undefined ? first : Buffer.concat([first, ...this.#rest]);
      this.#rest = undefined;
    }
    return this.#whole;
  }

  /** The body as text, by the `charset` of its content type, and by UTF-8 if there is none that is known. */
  text(): string {
    return decode(this.bytes(), this.headers);
  }

  /**
   * The body, parsed as JSON.
   *
   * @throws {SyntaxError} it is none
   */
  json<T = any>(): T {
    return JSON.parse(decodeUtf8(this.bytes())) as T;
  }

  /** The body as something to read from; a new one each time. */
  get body(): Reader {
    return new Reader(() => Readable.from([this.bytes()], { objectMode: false }), {
      name: `the body of ${maskUrl(this.url)}`,
    });
  }

  /**
   * Gives the answer itself, unless its status is 400 or more. Follows `requests.Response.raise_for_status`.
   *
   * @throws {HttpStatusError} it is
   */
  raiseForStatus(): this {
    if (this.status >= 400) throw this.error(this.bytes());
    return this;
  }
}

/** The text of a body. @internal */
export function decode(bytes: Buffer, headers: HeaderRecord): string {
  const charset = /;\s*charset=\s*"?([\w-]+)/i.exec(single(headers, 'content-type') ?? '')?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return decodeUtf8(bytes);
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return decodeUtf8(bytes); // an unknown charset
  }
}

/** @internal */
export function decodeUtf8(bytes: Buffer): string {
  const isMarked = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString('utf8', isMarked ? 3 : 0);
}
