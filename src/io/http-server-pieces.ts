/** A body that a handler has returned, in pieces. */
import { show } from '../core/check.ts';
import { fromAsyncIterable, type Iteration } from '../core/from-async-iterable.ts';
import type { Coroutine } from '../core/operation.ts';
import type { HttpResponse } from './http-server-response.ts';
import { Reader } from './reader.ts';

/** What a handler may return for a body in pieces, each a string or bytes. */
export type HttpPieces =
  | Iterable<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | Iteration<string | Uint8Array>
  | Reader<any>;

/** Sends them one after the other; whatever interrupts that closes what they come from. @internal */
export function* sendPieces(response: HttpResponse, pieces: HttpPieces): Coroutine<void> {
  if (pieces instanceof Reader) yield* sendAllOf(response, pieces);
  else if (Symbol.asyncIterator in pieces) yield* sendEach(response, fromAsyncIterable(pieces));
  else if (Symbol.iterator in pieces) {
    for (const piece of pieces) yield* response.write(checkPiece(piece));
  } else yield* sendEach(response, pieces);
  yield* response.end();
}

function* sendAllOf(response: HttpResponse, reader: Reader<any>): Coroutine<void> {
  using source = reader;
  for (;;) {
    const piece: string | Buffer = yield* source.read();
    if (piece.length === 0) return;
    yield* response.write(piece);
  }
}

function* sendEach(response: HttpResponse, iteration: Iteration<string | Uint8Array>): Coroutine<void> {
  using source = iteration;
  for (;;) {
    const { done, value } = yield* source.next();
    if (done) return;
    yield* response.write(checkPiece(value));
  }
}

/** An empty piece sends nothing. */
function checkPiece(piece: unknown): string | Uint8Array {
  if (typeof piece === 'string' || piece instanceof Uint8Array) return piece;
  throw new TypeError(`a piece of the body is ${show(piece)}: give strings, Buffers or Uint8Arrays`);
}

/** Whether `value` is one of genlet's iterations, whose `next` suspends. @internal */
export function isIteration(value: object): value is Iteration<unknown> {
  return Symbol.dispose in value && typeof (value as { next?: unknown }).next === 'function';
}
