/** The reads of a stream: each says what is enough, and what it gives at the end of the stream. */
import { checkInteger, show } from '../core/check.ts';
import { IncompleteReadError, LimitOverrunError } from '../core/errors.ts';
import type { ByteQueue } from './byte-queue.ts';
import type { Inbound } from './inbound.ts';
import type { ReadLineOptions, ReadUntilOptions } from './socket.ts';
import { bytesOf, checkEncoding, LATER, Transfer } from './transfer.ts';

/** @internal */
export abstract class Read<T> extends Transfer<T> {
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

  /** Copies some of the first `length` bytes of `memory` to where it wants them, if it does; tells how many. */
  fill(_memory: Buffer, _length: number): number {
    return 0;
  }

  /** What the read gives, or throws, when there was not enough and nothing more will come. */
  abstract atEnd(bytes: ByteQueue): T;

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#inbound.owner}.${this.#call} from ${this.#inbound.peer}`;
  }
}

/** @internal */
export class Recv extends Read<Buffer> {
  readonly #most: number;

  constructor(inbound: Inbound, call: string, most: number, timeout: number | undefined) {
    super(inbound, call, timeout);
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
  #filled = 0;

  constructor(inbound: Inbound, target: Uint8Array, timeout: number | undefined) {
    super(inbound, 'recvInto()', timeout);
    this.#target = target;
  }

  override fill(memory: Buffer, length: number): number {
    this.#filled = memory.copy(this.#target, 0, 0, length);
    return this.#filled;
  }

  take(bytes: ByteQueue): number | typeof LATER {
    if (this.#filled > 0) return this.#filled;
    return bytes.length > 0 ? bytes.copyTo(this.#target) : LATER;
  }

  atEnd(): number {
    return 0;
  }
}

/** @internal */
export class RecvExactly extends Read<Buffer> {
  readonly #count: number;

  constructor(inbound: Inbound, call: string, count: number, timeout: number | undefined) {
    super(inbound, call, timeout);
    this.#count = count;
  }

  take(bytes: ByteQueue): Buffer | typeof LATER {
    return bytes.length >= this.#count ? bytes.take(this.#count) : LATER;
  }

  atEnd(bytes: ByteQueue): never {
    throw incomplete(this.describe(), bytes);
  }
}

/** Reads to the end. @internal */
export abstract class ReadToEnd<T> extends Read<T> {
  readonly #limit: number;

  constructor(inbound: Inbound, limit: number, timeout: number | undefined) {
    super(inbound, 'readAll()', timeout);
    this.#limit = limit;
  }

  take(bytes: ByteQueue): typeof LATER {
    if (bytes.length <= this.#limit) return LATER;
    throw new LimitOverrunError(`${this.describe()}: more than ${this.#limit} bytes; they stay readable`);
  }
}

/** @internal */
export class ReadAll extends ReadToEnd<Buffer> {
  atEnd(bytes: ByteQueue): Buffer {
    return bytes.take(bytes.length);
  }
}

/** A read up to a separator, which is looked for in the new bytes only. */
abstract class Search<T> extends Read<T> {
  readonly separator: Uint8Array;
  readonly #limit: number;
  /** In so many bytes the separator does not begin. */
  #searched = 0;

  constructor(inbound: Inbound, call: string, separator: Uint8Array, limit: number, timeout: number | undefined) {
    super(inbound, call, timeout);
    this.separator = separator;
    this.#limit = limit;
  }

  take(bytes: ByteQueue): T | typeof LATER {
    const { separator } = this;
    const at = bytes.indexOf(separator, this.#searched);
    this.#searched = at >= 0 ? at : Math.max(0, bytes.length - separator.length + 1);
    if (this.#searched > this.#limit) {
      throw new LimitOverrunError(`${this.describe()}: no separator within ${this.#limit} bytes; they stay readable`);
    }
    return at >= 0 ? this.found(bytes, at) : LATER;
  }

  /** There are `count` bytes before the separator. */
  abstract found(bytes: ByteQueue, count: number): T;
}

/** @internal */
export class ReadUntil extends Search<Buffer> {
  constructor(inbound: Inbound, separator: Uint8Array, limit: number, timeout: number | undefined) {
    super(inbound, 'readUntil()', separator, limit, timeout);
  }

  found(bytes: ByteQueue, count: number): Buffer {
    return bytes.take(count + this.separator.length);
  }

  atEnd(bytes: ByteQueue): never {
    throw incomplete(this.describe(), bytes);
  }
}

const NEWLINE = Uint8Array.of(10);

/** A read of a line, whose end is not part of it. */
abstract class LineSearch<T> extends Search<T> {
  readonly #encoding: BufferEncoding;

  constructor(inbound: Inbound, call: string, options: LineSearchOptions, timeout: number | undefined) {
    super(inbound, call, NEWLINE, options.limit, timeout);
    this.#encoding = options.encoding;
  }

  found(bytes: ByteQueue, count: number): T {
    return this.line(bytes.takeLine(count, this.#encoding));
  }

  atEnd(bytes: ByteQueue): T {
    return this.line(bytes.length === 0 ? undefined : bytes.take(bytes.length).toString(this.#encoding));
  }

  /** The answer for a line, or for there being none. */
  abstract line(text: string | undefined): T;
}

/** @internal */
export class ReadLine extends LineSearch<string | undefined> {
  line(text: string | undefined): string | undefined {
    return text;
  }
}

/** A step of an iteration of lines. @internal */
export class NextLine extends LineSearch<IteratorResult<string, undefined>> {
  line(text: string | undefined): IteratorResult<string, undefined> {
    return text === undefined ? { done: true, value: undefined } : { done: false, value: text };
  }
}

const LIMIT = 65_536;

/** @internal */
export function readUntil(
  inbound: Inbound,
  separator: string | Uint8Array,
  options: ReadUntilOptions,
  timeout: number | undefined,
): ReadUntil {
  const bytes = bytesOf('separator', separator);
  if (bytes.length === 0) throw new RangeError('separator is empty: give at least one byte');
  return new ReadUntil(inbound, bytes, checkInteger('limit', options.limit ?? LIMIT, 0), timeout);
}

/** What a line is, checked. @internal */
export interface LineSearchOptions {
  readonly encoding: BufferEncoding;
  readonly limit: number;
}

/** @internal */
export function checkLineOptions(options: ReadLineOptions, usual: BufferEncoding = 'utf8'): LineSearchOptions {
  const encoding = checkEncoding(options.encoding ?? usual);
  if (WIDE.test(encoding)) {
    throw new TypeError(`encoding is ${show(encoding)}: its lines can't be told by the byte 10; use readUntil()`);
  }
  return { encoding, limit: checkInteger('limit', options.limit ?? LIMIT, 0) };
}

const WIDE = /^(ucs-?2|utf-?16le)$/i;

/** The error of a read that the stream was too short for; it takes the bytes that were there. */
function incomplete(call: string, bytes: ByteQueue): IncompleteReadError {
  return new IncompleteReadError(`${call}: the stream ended after ${bytes.length} bytes`, bytes.take(bytes.length));
}
