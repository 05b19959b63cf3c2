/** The reads of a socket: each says what is enough, and what it gives at the end of the stream. */
import { IncompleteReadError, LimitOverrunError } from '../core/errors.ts';
import type { ByteQueue } from './byte-queue.ts';
import type { Inbound } from './inbound.ts';
import { LATER, Transfer } from './transfer.ts';

abstract class Read<T> extends Transfer<T> {
  readonly #inbound: Inbound;
  readonly #call: string;

  constructor(inbound: Inbound, call: string, timeout: number | undefined) {
    super(inbound, timeout);
    this.#inbound = inbound;
    this.#call = call;
  }

  attempt(): T | typeof LATER {
    const inbound = this.#inbound;
    const { bytes } = inbound;
    const result = this.take(bytes);
    if (result !== LATER) inbound.taken();
    else if (inbound.ended) return this.atEnd(bytes);
    else if (inbound.failure !== undefined) throw inbound.failure;
    return result;
  }

  /** Takes what it wants out of the queue, or answers `LATER` and leaves it as it is. */
  abstract take(bytes: ByteQueue): T | typeof LATER;

  /** What the read gives, or throws, when there was not enough and nothing more will come. */
  abstract atEnd(bytes: ByteQueue): T;

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `Socket.${this.#call} from ${this.#inbound.peer}`;
  }
}

/** @internal */
export class Recv extends Read<Buffer> {
  readonly #most: number;

  constructor(inbound: Inbound, most: number, timeout: number | undefined) {
    super(inbound, 'recv()', timeout);
    this.#most = most;
  }

  take(bytes: ByteQueue): Buffer | typeof LATER {
    return bytes.length > 0 ? bytes.takeSome(this.#most) : LATER;
  }

  atEnd(): Buffer {
    return Buffer.alloc(0);
  }
}

/** @internal */
export class RecvInto extends Read<number> {
  readonly #target: Uint8Array;

  constructor(inbound: Inbound, target: Uint8Array, timeout: number | undefined) {
    super(inbound, 'recvInto()', timeout);
    this.#target = target;
  }

  take(bytes: ByteQueue): number | typeof LATER {
    return bytes.length > 0 ? bytes.copyTo(this.#target) : LATER;
  }

  atEnd(): number {
    return 0;
  }
}

/** @internal */
export class RecvExactly extends Read<Buffer> {
  readonly #count: number;

  constructor(inbound: Inbound, count: number, timeout: number | undefined) {
    super(inbound, 'recvExactly()', timeout);
    this.#count = count;
  }

  take(bytes: ByteQueue): Buffer | typeof LATER {
    return bytes.length >= this.#count ? bytes.take(this.#count) : LATER;
  }

  atEnd(bytes: ByteQueue): never {
    throw incomplete(this.describe(), bytes);
  }
}

/** A read up to a separator, which is looked for in the new bytes only. */
abstract class Search<T> extends Read<T> {
  readonly #separator: Uint8Array;
  readonly #limit: number;
  /** In so many bytes the separator does not begin. */
  #searched = 0;

  constructor(inbound: Inbound, call: string, separator: Uint8Array, limit: number, timeout: number | undefined) {
    super(inbound, call, timeout);
    this.#separator = separator;
    this.#limit = limit;
  }

  take(bytes: ByteQueue): T | typeof LATER {
    const { length } = this.#separator;
    const at = bytes.indexOf(this.#separator, this.#searched);
    this.#searched = at >= 0 ? at : Math.max(0, bytes.length - length + 1);
    if (this.#searched > this.#limit) {
      throw new LimitOverrunError(`${this.describe()}: no separator within ${this.#limit} bytes; they stay readable`);
    }
    return at >= 0 ? this.found(bytes.take(at + length)) : LATER;
  }

  /** `bytes` ends with the separator. */
  abstract found(bytes: Buffer): T;
}

/** @internal */
export class ReadUntil extends Search<Buffer> {
  constructor(inbound: Inbound, separator: Uint8Array, limit: number, timeout: number | undefined) {
    super(inbound, 'readUntil()', separator, limit, timeout);
  }

  found(bytes: Buffer): Buffer {
    return bytes;
  }

  atEnd(bytes: ByteQueue): never {
    throw incomplete(this.describe(), bytes);
  }
}

const NEWLINE = Uint8Array.of(10);
const RETURN = 13;

/** @internal */
export class ReadLine extends Search<string | undefined> {
  readonly #encoding: BufferEncoding;

  constructor(inbound: Inbound, encoding: BufferEncoding, limit: number, timeout: number | undefined) {
    super(inbound, 'readline()', NEWLINE, limit, timeout);
    this.#encoding = encoding;
  }

  found(bytes: Buffer): string {
    const end = bytes.length - 1;
    return bytes.toString(this.#encoding, 0, bytes[end - 1] === RETURN ? end - 1 : end);
  }

  atEnd(bytes: ByteQueue): string | undefined {
    return bytes.length === 0 ? undefined : bytes.take(bytes.length).toString(this.#encoding);
  }
}

/** The error of a read that the stream was too short for; it takes the bytes that were there. */
function incomplete(call: string, bytes: ByteQueue): IncompleteReadError {
  return new IncompleteReadError(`${call}: the stream ended after ${bytes.length} bytes`, bytes.take(bytes.length));
}
