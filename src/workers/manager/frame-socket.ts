/**
 * Frames over a socket: four bytes of length, and what they say follows.
 *
 * They are read by a greenlet in the background and handed to a function; they are written to the stream at once, which
 * keeps them until the system takes them. Whoever sends looks at `writable`, and whoever receives says `pause()` if it is
 * too much. The socket keeps the process alive only while somebody asks for it.
 */
import { IncompleteReadError, SocketClosedError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import type { Socket } from '../../io/socket.ts';
import { Event } from '../../sync/event.ts';
import { BusyPoll } from '../busy-poll.ts';
import { background } from './background.ts';
import type { Agreement } from './handshake.ts';
import { Sealer } from './seal.ts';

/** Bytes in front of a frame that `send` fills in. @internal */
export const HEADER = 4;

/** Bytes that may wait to be taken by the system before whoever sends should wait. */
const HIGH_WATER = 1_048_576;

/** Where frames go that have come. @internal */
export interface FrameReceiver {
  /** A frame has come; it is the receiver's own. An error that it throws ends the connection. */
  receive(frame: Buffer): void;
  /** The stream is `writable` again. */
  drained(): void;
  /** Nothing comes any more: the peer has closed the connection, or for the reason that is given. Called once. */
  ended(reason: Error | undefined): void;
}

/** @internal */
export class FrameSocket {
  readonly socket: Socket;
  readonly #agreement: Agreement;
  /** Bytes that a frame may have. */
  readonly longest: number;
  readonly #open = new Event();
  #receiver!: FrameReceiver;
  #holders = 0;
  readonly #busyPoll = new BusyPoll();
  #full = false;
  #closed = false;
  #ended = false;

  constructor(socket: Socket, agreement: Agreement, longest: number) {
    this.socket = socket;
    this.#agreement = agreement;
    this.longest = longest;
    this.#open.set();
    socket.stream.unref();
    socket.stream.on('drain', this.#drained);
  }

  /** Begins to read. */
  start(receiver: FrameReceiver): void {
    this.#receiver = receiver;
    background(() => this.#read());
  }

  /** Whether there is room for more. */
  get writable(): boolean {
    return !this.#full;
  }

  /** @throws {RangeError} the frame, with its `HEADER` bytes in front, is too long to be sent */
  checkLength(frame: Buffer): void {
    const length = frame.length - HEADER;
    if (length <= this.longest) return;
    throw new RangeError(`what is to be sent takes ${length} bytes: maxFrame allows ${this.longest}`);
  }

  /** Sends a frame that has `HEADER` bytes of room in front. It is not copied. */
  send(frame: Buffer): void {
    if (this.#closed) return;
    const length = frame.length - HEADER;
    const { stream } = this.socket;
    const { sealer } = this.#agreement;
    if (sealer === undefined) {
      frame.writeUInt32LE(length);
      stream.write(frame);
    } else {
      const header = Buffer.allocUnsafe(HEADER);
      header.writeUInt32LE(length + Sealer.EXTRA);
      stream.write(Buffer.concat([header, ...sealer.seal(frame.subarray(HEADER))]));
    }
    this.#full = stream.writableLength > HIGH_WATER;
  }

  #drained = (): void => {
    if (!this.#full) return;
    this.#full = false;
    hub.callSoon(() => this.#receiver.drained());
  };

  /** Nothing more is to be received until `resume()`, but for one frame. */
  pause(): void {
    this.#open.clear();
  }

  resume(): void {
    this.#open.set();
  }

  /** Somebody waits for something from here (1), or no longer (-1): in between the process is kept alive. */
  hold(by: 1 | -1): void {
    const before = this.#holders;
    this.#holders += by;
    if (before === 0) this.socket.stream.ref();
    else if (this.#holders === 0) this.socket.stream.unref();
    if (by > 0) this.#busyPoll.begin();
    else this.#busyPoll.end();
  }

  /** Sends what was given, and ends the connection. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#open.set();
    this.socket.stream.off('drain', this.#drained);
    this.socket.close();
  }

  /** Ends the connection at once. */
  abort(): void {
    this.#closed = true;
    this.#open.set();
    this.socket.abort();
  }

  *#read(): Coroutine<void> {
    try {
      for (;;) {
        const length = (yield* this.socket.recvExactly(HEADER)).readUInt32LE();
        const { opener } = this.#agreement;
        if (length > this.longest + (opener === undefined ? 0 : Sealer.EXTRA)) {
          throw new RangeError(
            `${this.socket.remote} sends a frame of ${length} bytes: at most ${this.longest} are taken`,
          );
        }
        const frame = yield* this.socket.recvExactly(length);
        this.#receiver.receive(opener === undefined ? frame : opener.open(frame));
        if (!this.#open.isSet()) yield* this.#open.wait();
        if (this.#closed) return;
      }
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    const isEnd = error instanceof IncompleteReadError && error.partial.length === 0;
    const isOurs = error instanceof SocketClosedError && this.#closed;
    const socketEnded = isEnd || this.socket.isBrokenBy(error);
    if (socketEnded) this.close();
    else this.abort();
    this.#receiver.ended(isEnd || isOurs ? undefined : error);
  }
}
