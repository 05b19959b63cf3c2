/**
 * The sending half of a stream, and the two ways to write to it.
 *
 * The stream takes whatever it is given; it is for the writer to stop when the stream holds more than its high-water
 * mark. Node's own sign of that, the result of `write`, is also given when the system took all the bytes at once, so
 * what counts here is how much the stream still holds.
 */
import type { Writable } from 'node:stream';
import { type Call, Direction, LATER, Transfer } from './transfer.ts';

/** @internal */
export class Outbound extends Direction {
  /** The class whose calls these are, such as `Socket`. */
  readonly owner: string;
  readonly #stream: Writable;
  /** Called after each write, where somebody may wait for the last. */
  readonly #written: ((error?: Error | null) => void) | undefined;
  #ended = false;

  constructor(stream: Writable, owner: string, peer: { toString(): string }, flushable = false) {
    super(peer);
    this.owner = owner;
    this.#stream = stream;
    this.#written = flushable ? (error) => this.#settle(error) : undefined;
    stream.on('drain', () => this.advance());
  }

  /** Bytes that the stream can take before it holds too much. */
  get room(): number {
    return this.broken ? 0 : this.#stream.writableHighWaterMark - this.#stream.writableLength;
  }

  /** Whether the system has taken all the bytes. */
  get empty(): boolean {
    return this.#stream.writableLength === 0 && !this.broken;
  }

  /**
   * Whether the stream has failed or was destroyed: it has dropped what it was given, so nobody may be told that it was
   * taken. In a moment the stream tells why, unless it was made to be silent.
   */
  get broken(): boolean {
    const stream = this.#stream;
    if (!stream.destroyed && !stream.errored) return false;
    const error = Object.assign(new Error(`write EPIPE: ${this.peer} was destroyed`), { code: 'EPIPE' });
    setImmediate(() => this.fail(error));
    return true;
  }

  /** Whether the system has taken all the bytes and the end. */
  get finished(): boolean {
    return this.#stream.writableFinished;
  }

  /** Whether nothing more can be written. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Hands bytes to the stream; after an error of the system it is `broken`. */
  write(data: string | Uint8Array): void {
    this.#stream.write(data, this.#written);
  }

  /** An error is told here before the stream emits it; that the stream was destroyed is told better by its closing. */
  #settle(error: (Error & { code?: string }) | null | undefined): void {
    if (!error) this.advance();
    else if (error.code !== 'ERR_STREAM_DESTROYED') this.fail(error);
  }

  /** Throws what makes sending impossible. */
  check(call: Call): void {
    if (this.failure !== undefined) throw this.failure;
    if (!this.#ended) return;
    throw Object.assign(new Error(`${call.describe()}: this side was shut down for writing`), { code: 'EPIPE' });
  }

  /** Lets the peer read the end of the stream, after all that was sent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#written === undefined) this.#stream.end();
    else this.#stream.end(this.#written);
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
    return outbound.broken ? LATER : accepted.length;
  }

  describe(): string {
    return `${this.#outbound.owner}.send() to ${this.#outbound.peer}`;
  }
}

/** @internal */
export class SendAll extends Transfer<void> {
  readonly #outbound: Outbound;
  readonly #call: string;
  readonly #data: string | Uint8Array;
  #written = false;

  constructor(outbound: Outbound, call: string, data: string | Uint8Array, timeout: number | undefined) {
    super(outbound, timeout);
    this.#outbound = outbound;
    this.#call = call;
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
    return `${this.#outbound.owner}.${this.#call} to ${this.#outbound.peer}`;
  }
}

/** Waits for the system; that the stream has finished is always enough. */
abstract class Completion extends Transfer<void> {
  protected readonly outbound: Outbound;

  constructor(outbound: Outbound, timeout: number | undefined) {
    super(outbound, timeout);
    this.outbound = outbound;
  }

  attempt(): void | typeof LATER {
    const { outbound } = this;
    if (outbound.finished) return;
    if (outbound.failure !== undefined) throw outbound.failure;
    if (!this.isOver()) return LATER;
  }

  /** Does what there is to do, and tells whether that was all. */
  protected abstract isOver(): boolean;
}

/** Waits until the system has taken all that was written. @internal */
export class Flush extends Completion {
  protected isOver(): boolean {
    return this.outbound.empty;
  }

  describe(): string {
    return `${this.outbound.owner}.flush() to ${this.outbound.peer}`;
  }
}

/** Ends the stream, and waits until the system has taken that too. @internal */
export class End extends Completion {
  protected isOver(): boolean {
    this.outbound.end();
    return this.outbound.finished;
  }

  describe(): string {
    return `${this.outbound.owner}.end() of ${this.outbound.peer}`;
  }
}
