/**
 * Reading all sockets into one buffer, and copying out what came.
 *
 * By default Node gives each read a fresh slab of 64 KiB and passes it through the machinery of `Readable`. Most reads are
 * short, so a copy is cheaper: it takes 10 to 20 % off the whole CPU time of an echo server. Node offers this (`onread`)
 * only where a socket is constructed. So an accepted one is constructed again over the same handle; the two fields that
 * this needs are not documented, and where they are not what they have been since Node 12 the socket stays as it is.
 */
import { type OnReadOpts, type SocketConstructorOpts, Socket as Stream } from 'node:net';
import { markAsUntransferable } from 'node:worker_threads';

const slab = Buffer.allocUnsafeSlow(65_536);

/** Copies from this size on share larger pieces of memory: allocating each would cost as much as the copying. */
const LARGE = 4096;
const PIECE = 262_144;
let piece = newPiece();
let used = 0;

function newPiece(): Buffer {
  const memory = Buffer.allocUnsafeSlow(PIECE);
  markAsUntransferable(memory.buffer);
  return memory;
}

function copyOut(length: number): Buffer {
  if (length < LARGE) return Buffer.from(slab.subarray(0, length));
  if (used + length > PIECE) {
    piece = newPiece();
    used = 0;
  }
  const copy = piece.subarray(used, used + length);
  used += length;
  slab.copy(copy, 0, 0, length);
  return copy;
}

/** The `onread` option of a socket that is to emit copies as `'data'`, as it would emit the slabs. @internal */
export function intoSlab(stream: () => Stream): OnReadOpts {
  return { buffer: slab, callback: (length) => stream().emit('data', copyOut(length)) };
}

/** The handle of an accepted socket, as far as it has to be known. */
interface Handle {
  readonly readStart: unknown;
  readonly useUserBuffer: unknown;
}

/** Another socket for an accepted connection from which nothing was read yet; or the same one. @internal */
export function rewrap(accepted: Stream): Stream {
  const owner = accepted as Stream & { _handle?: Handle | null };
  const handle = owner._handle;
  if (typeof handle?.readStart !== 'function' || typeof handle.useUserBuffer !== 'function') return accepted;
  owner._handle = null;
  accepted.destroy(); // an empty shell now, for which the server is no longer to wait
  const stream: Stream = new Stream({
    handle,
    allowHalfOpen: true,
    onread: intoSlab(() => stream),
  } as SocketConstructorOpts);
  return stream;
}
