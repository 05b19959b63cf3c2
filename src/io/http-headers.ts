/** Header fields: those of requests in their various forms. */
import { show } from '../core/check.ts';

/** Header fields as they came, with names in lower case; a field that came several times is an array. */
export type HeaderRecord = Readonly<Record<string, string | string[] | undefined>>;

/** Header fields to send: an object, the standard's `Headers`, or pairs. A field that is `undefined` is not sent. */
export type HeadersInput =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

/** Header fields to send, with names in lower case. @internal */
export type OutgoingHeaders = Record<string, string | string[]>;

const NONE: OutgoingHeaders = Object.freeze(Object.create(null) as OutgoingHeaders);

/** Brings header fields into one form, on top of those that are sent anyway. @internal */
export function readHeaders(input: HeadersInput | undefined, usual: OutgoingHeaders = NONE): OutgoingHeaders {
  if (input === undefined) return usual;
  if (typeof input !== 'object' || input === null) {
    throw new TypeError(`headers is ${show(input)}: give an object, Headers or pairs`);
  }
  const headers: OutgoingHeaders = Object.create(null);
  for (const name in usual) headers[name] = usual[name]!;
  if (Symbol.iterator in input) {
    const own: OutgoingHeaders = Object.create(null);
    for (const [name, value] of input as Iterable<readonly [string, string]>) append(own, name.toLowerCase(), value);
    return Object.assign(headers, own);
  }
  for (const [name, value] of Object.entries(input)) {
    const key = name.toLowerCase();
    if (value === undefined) delete headers[key];
    else headers[key] = Array.isArray(value) ? value.map(String) : String(value);
  }
  return headers;
}

function append(headers: OutgoingHeaders, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else headers[name] = name === 'cookie' ? `${before}; ${value}` : [before, value].flat();
}

/** A field that is meant to come once. @internal */
export function single(headers: HeaderRecord, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
