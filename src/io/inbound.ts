/**
 * The receiving half of a stream: bytes come by `'data'` events into a queue, from which reads take them.
 *
 * Flowing mode with a queue of our own is what costs least in Node: `'readable'` and `read()`, or the stream's async
 * iterator, take 10 to 30 % more CPU a message. The stream is paused while nobody reads and enough lies in the queue,
 * so that a peer that sends too much is held up by TCP.
 */
import type { Readable } from 'node:stream';
import { ByteQueue } from './byte-queue.ts';
import type { Read } from './reads.ts';
import { copyOut, receiveFromSlab } from './slab.ts';
import { bytesOf, Direction } from './transfer.ts';

/** Bytes that are read ahead, unless something else is said. @internal */
export const READ_AHEAD = 65_536;

/** @internal */
export class Inbound extends Direction {
  /** The class whose calls these are, such as `Socket`. */
  readonly owner: string;
  readonly bytes: ByteQueue = new ByteQueue();
  /** The peer has ended its stream; what came before may still lie in the queue. */
  ended = false;
  readonly #stream: Readable;
  /** Bytes in the queue from which on the stream is paused; it goes on when less than half of them are left. */
  readonly #mark: number;
  #paused = false;
  #pausing = false;
  /** What is blocked here. */
  #read: Read<unknown> | undefined = undefined;
  /** The system is not asked for more before the greenlet that got the last bytes has had its turn. */
  #held = false;

  /** With a `mark` of 0, the stream is read only while somebody waits. */
  constructor(stream: Readable, owner: string, peer: { toString(): string }, mark: number = READ_AHEAD) {
    super(peer);
    this.owner = owner;
    this.#stream = stream;
    this.#mark = mark;
    this.#paused = mark === 0;
    if (this.#paused) stream.pause(); // first, for a listener to 'data' makes it flow otherwise
    if (!receiveFromSlab(stream, this)) stream.on('data', (chunk: Buffer) => this.#push(chunk));
    stream.on('end', () => this.end());
    if (!this.#paused) stream.resume();
  }

  /** Nothing more comes; what is in the queue can still be read. */
  end(): void {
    this.ended = true;
    this.advance();
  }

  override close(failure: Error): void {
    this.bytes.clear();
    this.ended = false;
    super.close(failure);
  }

  /** Bytes have come into the slab: what a blocked `recvInto` takes is copied into its memory only, all else to be kept. */
  receive(slab: Buffer, length: number): boolean {
    if (this.ended || this.failure !== undefined) return true;
    const taken = this.#read === undefined ? 0 : this.#read.fill(slab, length);
    if (taken > 0) this.advance();
    if (taken < length) this.#push(copyOut(taken, length));
    else if (length === slab.length) return this.#hold();
    return true;
  }

  /** More has come already, most likely, and is better left to the system than copied twice. */
  #hold(): boolean {
    this.#held = true;
    setImmediate(() => this.#goOn()); // this comes after the greenlet's turn
    return false;
  }

  #goOn(): void {
    if (!this.#held || this.failure !== undefined) return;
    this.#held = false;
    if (!this.#paused) this.#stream.resume();
  }

  #push(chunk: Buffer): void {
    if (this.ended || this.failure !== undefined) return;
    const bytes = Buffer.isBuffer(chunk) ? chunk : this.#convert(chunk);
    if (bytes === undefined || bytes.length === 0) return;
    this.bytes.push(bytes);
    if (this.busy) this.advance();
    if (this.#paused) this.#stream.pause(); // Node resumes the pipes of a process that has ended
    this.#regulate();
  }

  /** The stream decodes its bytes, or is one of objects. */
  #convert(chunk: string | Uint8Array): Buffer | undefined {
    try {
      const bytes = bytesOf('a chunk of the stream', chunk, this.#stream.readableEncoding ?? 'utf8');
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } catch (error) {
      this.#stream.destroy(error as Error);
      return undefined;
    }
  }

  override block(read: Read<unknown>): void {
    super.block(read);
    this.#read = read;
    this.#goOn();
    this.#regulate();
  }

  override release(): void {
    super.release();
    this.#read = undefined;
    this.#regulate();
  }

  /** Bytes were taken, so that there may be room for more. */
  taken(): void {
    if (this.#paused) this.#regulate();
  }

  /** Pauses or resumes the stream; whoever is blocked wants more than there is. */
  #regulate(): void {
    const { length } = this.bytes;
    if (this.#paused) {
      if (!this.busy && length >= this.#mark / 2) return;
      this.#paused = false;
      this.#stream.resume();
    } else if (length >= this.#mark && !this.busy) {
      if (this.#mark === 0) this.#pauseSoon();
      else this.#pause();
    }
  }

  #pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  /** A pipe at stdin that is paused while it emits goes on reading, and keeps the process alive; so it is done after. */
  #pauseSoon(): void {
    if (this.#pausing) return;
    this.#pausing = true;
    setImmediate(() => {
      this.#pausing = false;
      if (!this.busy) this.#pause();
    });
  }
}
