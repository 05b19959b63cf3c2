/**
 * Bodies of requests: what a call is given, and what undici is handed.
 *
 * What can be sent again stays as it is: text, bytes, a form, a `Blob`. Everything else becomes a stream of Node, which is
 * read as fast as the server takes it, and destroyed when the request ends before it does.
 */
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import type * as Undici from 'undici';
import { show } from '../core/check.ts';
import type { Greenlet } from '../core/greenlet.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { spawn } from '../core/spawn.ts';
import type { ByteSource } from './pipe.ts';

/** What a request can send: text, bytes, a form, a stream of Node or the web, a `Reader` or `File`, or an iterable of pieces. */
export type RequestBody =
  | string
  | Uint8Array
  | ArrayBuffer
  | URLSearchParams
  | FormData
  | Blob
  | Readable
  | ReadableStream
  | ByteSource
  | Iterable<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>;

/** A body that was checked. @internal */
export interface Payload {
  /** What the body is by its nature, unless the headers say something else. */
  readonly type: string | undefined;
  /** Whether it can be sent a second time. */
  readonly repeatable: boolean;
  /** What undici is given; made anew for each request. */
  readonly open: (undici: typeof Undici) => Undici.Dispatcher.DispatchOptions['body'];
}

/** @internal */
export function readJson(value: unknown): Payload {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`json is ${show(value)}: give a value that JSON can express`);
  return { type: 'application/json', repeatable: true, open: () => text };
}

/** @internal */
export function readBody(body: RequestBody): Payload {
  if (typeof body === 'string') return { type: 'text/plain;charset=UTF-8', repeatable: true, open: () => body };
  if (typeof body !== 'object' || body === null) throw notABody(body);
  if (body instanceof Uint8Array) return { type: undefined, repeatable: true, open: () => body };
  if (body instanceof ArrayBuffer) return { type: undefined, repeatable: true, open: () => new Uint8Array(body) };
  if (body instanceof URLSearchParams) {
    const type = 'application/x-www-form-urlencoded;charset=UTF-8';
    return { type, repeatable: true, open: () => body.toString() };
  }
  if (body instanceof Blob) return { type: undefined, repeatable: true, open: () => body as never };
  if (isForm(body)) return { type: undefined, repeatable: true, open: (undici) => copyForm(body, undici) };
  return { type: undefined, repeatable: false, open: () => quiet(openStream(body)) };
}

function openStream(
  body: Readable | ReadableStream | ByteSource | Iterable<unknown> | AsyncIterable<unknown>,
): Readable {
  if (body instanceof Readable) return body;
  if (body instanceof ReadableStream) return Readable.fromWeb(body);
  const read = 'read' in body ? body.read : 'recv' in body ? body.recv : undefined;
  if (typeof read === 'function') return new SourceStream((n) => read.call(body as never, n));
  if (Symbol.iterator in body || Symbol.asyncIterator in body) {
    return Readable.from(body as AsyncIterable<unknown>, { objectMode: false });
  }
  throw notABody(body);
}

/** It may be destroyed at any time; what it has to say then nobody wants to hear. */
function quiet(stream: Readable): Readable {
  return stream.on('error', () => {});
}

/** By its shape: Node's own class is not the one of undici. */
function isForm(body: object): body is FormData {
  return (body as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'FormData';
}

function copyForm(form: FormData, undici: typeof Undici): Undici.FormData {
  const copy = new undici.FormData();
  for (const [name, value] of form) copy.append(name, value as never);
  return copy;
}

function notABody(body: unknown): TypeError {
  return new TypeError(
    `body is ${show(body)}: give text, bytes, a form, a stream, a Reader or an iterable of pieces; an object as json`,
  );
}

/** Something that is read by calls that suspend, as a stream: a greenlet makes each call. */
class SourceStream extends Readable {
  readonly #source: (n: number) => Operation<Uint8Array>;
  #reading: Greenlet<void> | undefined;

  constructor(source: (n: number) => Operation<Uint8Array>) {
    super({ highWaterMark: 65_536 });
    this.#source = source;
  }

  override _read(n: number): void {
    this.#reading = spawn(() => this.#pull(n));
    this.#reading.name = 'reading a request body';
  }

  *#pull(n: number): Coroutine<void> {
    try {
      const bytes = yield* this.#source(n);
      this.#reading = undefined;
      this.push(bytes.length === 0 ? null : bytes);
    } catch (error) {
      this.#reading = undefined;
      this.destroy(error as Error);
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#reading?.kill();
    done(error);
  }
}
