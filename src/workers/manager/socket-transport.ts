/** What carries a `Connection` over an authenticated socket. */
import type { Connection, FrameTransport } from '../connection.ts';
import { Decoder } from './decoder.ts';
import { Encoder } from './encoder.ts';
import { type FrameReceiver, type FrameSocket, HEADER } from './frame-socket.ts';
import { proxySpecials } from './proxies.ts';

/** Bytes that may lie in the inbox before the peer is held up. */
const READ_AHEAD = 1_048_576;

/** @internal */
export class SocketTransport implements FrameTransport<Buffer>, FrameReceiver {
  readonly #link: FrameSocket;
  readonly #encoder = new Encoder(proxySpecials);
  readonly #decoder = new Decoder(proxySpecials);
  #connection!: Connection;
  #waiting = 0;

  constructor(link: FrameSocket) {
    this.#link = link;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    this.#link.start(this);
  }

  encode(value: unknown): Buffer {
    const encoder = this.#encoder;
    encoder.begin(HEADER);
    encoder.value(value, 'value');
    const frame = encoder.take();
    this.#link.checkLength(frame);
    return frame;
  }

  decode(frame: Buffer): unknown {
    const decoder = this.#decoder;
    decoder.begin(frame);
    try {
      const value = decoder.value();
      decoder.checkEnd();
      return value;
    } finally {
      decoder.end();
    }
  }

  get writable(): boolean {
    return this.#link.writable;
  }

  send(frame: Buffer): void {
    this.#link.send(frame);
  }

  taken(frame: Buffer): void {
    this.#waiting -= frame.length;
    if (this.#waiting <= READ_AHEAD / 2) this.#link.resume();
  }

  hold(by: 1 | -1): void {
    this.#link.hold(by);
  }

  close(): void {
    this.#link.close();
  }

  // ---- for the link

  receive(frame: Buffer): void {
    this.#waiting += frame.length;
    if (this.#waiting > READ_AHEAD) this.#link.pause();
    this.#connection.arrive(frame);
  }

  drained(): void {
    this.#connection.drained();
  }

  ended(reason: Error | undefined): void {
    this.#connection.end(reason);
  }
}
