/**
 * The sending half of a stream, and the two ways to write to it.
 *
 * The stream takes whatever it is given; it is for the writer to stop when the stream holds more than its high-water
 * mark. Node's own sign of that, the result of `write`, is also given when the system took all the bytes at once, so
 * what counts here is how much the stream still holds.
 */
import type { Writable } from 'node:stream';
import { Direction, LATER, Transfer } from './transfer.ts';

/** @internal */
export class Outbound extends Direction {
  readonly #stream: Writable;
  #ended = false;

  constructor(stream: Writable, peer: { toString(): string }) {
    super(peer);
    this.#stream = stream;
    stream.on('drain', () => this.advance());
  }

  /** Bytes that the stream can take before it holds too much. */
  get room(): number {
    return this.#stream.writableHighWaterMark - this.#stream.writableLength;
  }

  /** Hands bytes to the stream; an error of the system shows at the next attempt. */
  write(data: string | Uint8Array): void {
    this.#stream.write(data);
  }

  /** Throws what makes sending impossible. */
  check(call: Transfer<unknown>): void {
    if (this.failure !== undefined) throw this.failure;
    if (!this.#ended) return;
    throw Object.assign(new Error(`${call.describe()}: this side was shut down for writing`), { code: 'EPIPE' });
  }

  /** Lets the peer read the end of the stream, after all that was sent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.end();
    this.advance();
  }
}

/** @internal */
export class Send extends Transfer<number> {
  readonly #outbound: Outbound;
  readonly #data: Uint8Array;

  constructor(outbound: Outbound, data: Uint8Array, timeout: number | undefined) {
    super(outbound, timeout);
    this.#outbound = outbound;
    this.#data = data;
  }

  attempt(): number | typeof LATER {
    const outbound = this.#outbound;
    outbound.check(this);
    const { room } = outbound;
    if (room <= 0) return LATER;
    const accepted = this.#data.length <= room ? this.#data : this.#data.subarray(0, room);
    outbound.write(accepted);
    return accepted.length;
  }

  describe(): string {
    return `Socket.send() to ${this.#outbound.peer}`;
  }
}

/** @internal */
export class SendAll extends Transfer<void> {
  readonly #outbound: Outbound;
  readonly #data: string | Uint8Array;
  #written = false;

  constructor(outbound: Outbound, data: string | Uint8Array, timeout: number | undefined) {
    super(outbound, timeout);
    this.#outbound = outbound;
    this.#data = data;
  }

  attempt(): void | typeof LATER {
    const outbound = this.#outbound;
    outbound.check(this);
    if (!this.#written && outbound.room > 0) {
      this.#written = true;
      outbound.write(this.#data);
    }
    if (!this.#written || outbound.room <= 0) return LATER;
  }

  describe(): string {
    return `Socket.sendall() to ${this.#outbound.peer}`;
  }
}
