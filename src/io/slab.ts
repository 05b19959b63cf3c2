/**
 * Reading all sockets into one buffer, and copying out of it what came.
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

/** A copy of what lies in the slab. @internal */
export function copyOut(from: number, to: number): Buffer {
  const length = to - from;
  if (length < LARGE) return Buffer.from(slab.subarray(from, to));
  if (used + length > PIECE) {
    piece = newPiece();
    used = 0;
  }
  const copy = piece.subarray(used, used + length);
  used += length;
  slab.copy(copy, 0, from, to);
  return copy;
}

/** Who takes what comes. @internal */
export interface Receiver {
  /** The first `length` bytes of the slab have come; answers whether more may come at once. */
  receive(slab: Buffer, length: number): boolean;
}

/** The key under which a stream that reads into the slab has its receiver. */
const receiver = Symbol('receiver');
type SlabStream = Stream & { [receiver]: Receiver | undefined };

/** One for all sockets: Node calls it as a method of the stream. */
const onread: OnReadOpts = {
  buffer: slab,
  callback(this: SlabStream, length: number): boolean {
    return this[receiver]!.receive(slab, length);
  },
};

/** Makes a stream, given its `onread` option, that needs a receiver before anything can come. @internal */
export function readIntoSlab(make: (onread: OnReadOpts) => Stream): Stream {
  return Object.assign(make(onread), { [receiver]: undefined });
}

/** Sets who takes what comes; false if the stream does not read into the slab, but emits `'data'`. @internal */
export function receiveFromSlab(stream: object, taker: Receiver): boolean {
  if (!(receiver in stream)) return false;
  stream[receiver] = taker;
  return true;
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
  return readIntoSlab((onread) => new Stream({ handle, allowHalfOpen: true, onread } as SocketConstructorOpts));
}
