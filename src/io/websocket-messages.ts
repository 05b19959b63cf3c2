/** The messages of a WebSocket that have come and were not taken, and the calls that take them. */
import type { Socket } from 'node:net';
import type * as Undici from 'undici';
import { Outbound } from './outbound.ts';
import { Direction, LATER, Transfer } from './transfer.ts';

/** What a WebSocket carries: text, or bytes. */
export type Message = string | Buffer;

/**
 * The receiving half. The socket is paused while too much lies here, so that TCP holds up the peer; what was read of it by
 * then still comes, and may be more than it looks if it is compressed.
 * @internal
 */
export class Incoming extends Direction {
  /** No more messages will come. */
  ended = false;
  readonly #stream: Socket;
  readonly #most: number;
  readonly #limit: number;
  #messages: Message[] = [];
  #taken = 0;
  #bytes = 0;
  #held = false;

  /** Holds up the peer from `most` bytes on; `limit` bytes are too many. */
  constructor(stream: Socket, peer: string, most: number, limit: number) {
    super(peer);
    this.#stream = stream;
    this.#most = most;
    this.#limit = limit;
    stream.on('resume', () => this.#hold()); // undici resumes it when it has parsed what came
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes up a message; tells whether there is room for it. */
  push(message: Message): boolean {
    if (this.ended || this.failure !== undefined) return true;
    this.#messages.push(message);
    this.#bytes += sizeOf(message);
    if (this.busy) this.advance();
    if (this.#bytes > this.#limit) return false;
    if (this.#bytes >= this.#most) {
      this.#held = true;
      this.#hold();
    }
    return true;
  }

  /** The oldest message, if there is one. */
  shift(): Message | undefined {
    const message = this.#messages[this.#taken];
    if (message === undefined) return undefined;
    this.#messages[this.#taken++] = '';
    if (this.#taken > 1000 && this.#taken * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#taken);
      this.#taken = 0;
    }
    this.#bytes -= sizeOf(message);
    if (this.#held && this.#bytes < this.#most / 2) this.flow();
    return message;
  }

  /** Lets the peer go on. */
  flow(): void {
    this.#held = false;
    if (!this.#stream.destroyed) this.#stream.resume();
  }

  end(): void {
    this.ended = true;
    this.advance();
  }

  override close(failure: Error): void {
    this.#messages = [];
    this.#taken = this.#bytes = 0;
    super.close(failure);
  }

  #hold(): void {
    if (this.#held) this.#stream.pause();
  }
}

/** An empty message takes room too. */
function sizeOf(message: Message): number {
  return message.length + 16;
}

/** @internal */
export class Receive<T> extends Transfer<T> {
  readonly #incoming: Incoming;
  readonly #call: string;
  readonly #give: (message: Message | undefined) => T;

  /** `give` makes the call's result out of a message, or of none at the end. */
  constructor(
    incoming: Incoming,
    call: string,
    timeout: number | undefined,
    give: (message: Message | undefined) => T,
  ) {
    super(incoming, timeout);
    this.#incoming = incoming;
    this.#call = call;
    this.#give = give;
  }

  attempt(): T | typeof LATER {
    const incoming = this.#incoming;
    const message = incoming.shift();
    if (message !== undefined) return this.#give(message);
    if (incoming.failure !== undefined) throw incoming.failure;
    return incoming.ended ? this.#give(undefined) : LATER;
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `WebSocket.${this.#call} from ${this.#incoming.peer}`;
  }
}

/** The sending half: what is written to the stream are frames, which undici makes. @internal */
export class Outgoing extends Outbound {
  readonly #socket: Undici.WebSocket;

  constructor(socket: Undici.WebSocket, stream: Socket, peer: string) {
    super(stream, 'WebSocket', { toString: () => peer });
    this.#socket = socket;
  }

  override write(data: string | Uint8Array): void {
    this.#socket.send(data);
  }
}
