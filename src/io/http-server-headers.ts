/** `HttpHeaders`: the header fields of an answer. */
import type { ServerResponse } from 'node:http';
import { maskSecrets } from './http-masking.ts';

const nodeInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * The header fields of an answer, until its head is sent. Names are case-insensitive, and sent as they were written.
 * Names and values are checked, so that no value can add fields or lines of its own. Follows the standard's `Headers`, but a
 * field with several values is sent as several lines, as `Set-Cookie` wants it.
 */
export class HttpHeaders implements Iterable<[name: string, value: string]> {
  readonly #outgoing: ServerResponse;

  /** @internal */
  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
  }

  /** The value, those of several lines joined by commas; `null` if there is none. */
  get(name: string): string | null {
    const value = this.#outgoing.getHeader(name);
    return value === undefined ? null : textOf(value);
  }

  /** Whether there is such a field. */
  has(name: string): boolean {
    return this.#outgoing.hasHeader(name);
  }

  /**
   * Sets a field, instead of what it was; an array makes a line of each value.
   *
   * @throws {TypeError} the name or value has characters that can't be sent
   * @throws Node's error `ERR_HTTP_HEADERS_SENT` if the head is out
   */
  set(name: string, value: string | number | readonly string[]): void {
    this.#outgoing.setHeader(name, value);
  }

  /** Adds a line to a field. Throws as `set`. */
  append(name: string, value: string | readonly string[]): void {
    this.#outgoing.appendHeader(name, value);
  }

  /** Takes a field out. Throws `ERR_HTTP_HEADERS_SENT` if the head is out. */
  delete(name: string): void {
    this.#outgoing.removeHeader(name);
  }

  /** The fields, with names in lower case. */
  [Symbol.iterator](): Iterator<[name: string, value: string]> {
    return Object.entries(this.#outgoing.getHeaders())
      .map(([name, value]): [string, string] => [name, textOf(value!)])
      [Symbol.iterator]();
  }

  /** As `console.log` shows it: secrets are masked. @internal */
  [nodeInspect](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    return `HttpHeaders ${inspect(maskSecrets(Object.fromEntries(this)), options)}`;
  }
}

function textOf(value: string | number | readonly string[]): string {
  return typeof value === 'object' ? value.join(', ') : String(value);
}
