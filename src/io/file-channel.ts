/**
 * A file descriptor with its read buffer and its position: what a `File` is made of.
 *
 * Node's threads can't be interrupted, so one rule keeps everything right under kills and closes: there is one request to
 * the system at a time, it is the channel's and not its caller's, and what it brings goes into the channel. A killed
 * reader leaves its bytes in the buffer; a killed writer leaves a write that goes on; and the descriptor is closed when no
 * request uses it any more, lest the system gives its number to another file meanwhile.
 *
 * Reads and writes say where in the file they are meant, so that the position is ours alone. What has no positions, such
 * as a pipe, refuses that (`ESPIPE`): then they go on without.
 */
import { close, read, write } from 'node:fs';
import { hub } from '../core/hub.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { Direction, type Transfer } from './transfer.ts';

/** Bytes that are read at once, unless more are asked for. @internal */
export const CHUNK = 131_072;
/** Bytes that are decoded at once to be split into lines: V8 is slower with strings of more than 128 KiB. */
const SPLIT = 65_536;
/** The most that the system takes in one request. */
const MOST = 2 ** 30;

/** @internal */
export const RETURN = 13;

/** The callback of a request. */
type Done = (error: Error | null, value?: any) => void;

const EMPTY = Buffer.alloc(0);
const NONE: string[] = [];

/** @internal */
export class FileChannel extends Direction {
  readonly fd: number;
  /** Where in the file the buffer's first byte lies; for a pipe, how many bytes have passed. */
  position = 0;
  /** Whether it has positions, as far as is known. */
  positioned = true;
  /** Whether that is known for sure. */
  seekable = false;
  /** Whether writes go to the end of the file, wherever the position is. */
  readonly appends: boolean;
  /** Whether the system works for it. */
  inFlight = false;
  /** The last fill found the end of the file. */
  ended = false;
  /** Why the last fill failed. */
  error: Error | undefined = undefined;
  /** The last fill got as much as there was room for, so that more is to be expected. */
  #full = false;
  /** The buffer; bytes from `#start` to `#end` were read and not taken. They lie in the file from `position` on. */
  #bytes: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  /** A buffer that is not in use. */
  #spare: Buffer = EMPTY;
  /** Complete lines at the start of the buffer, split all at once; the first `#given` of them were taken, not yet skipped. */
  #lines: string[] = NONE;
  #given = 0;
  #linesEncoding = '';
  /** How many bytes all of them are. */
  #linesLength = 0;
  /** Whether the system was asked to close it, and whether it has. */
  #closing = false;
  #gone = false;
  #closeError: Error | undefined = undefined;
  readonly #closers: Set<(error: Error | undefined) => void> = new Set();

  constructor(fd: number, path: string, appends: boolean) {
    super(path);
    this.fd = fd;
    this.appends = appends;
  }

  /** Bytes that are there to be taken. */
  get available(): number {
    return this.#end - this.#start;
  }

  /** An answer about the end of the file holds for the call that asked: the file may grow. */
  override admit(me: RawGreenlet, call: Transfer<unknown>): void {
    super.admit(me, call);
    this.settle();
    this.ended = false;
    this.error = undefined;
  }

  // ---- what the system does

  /** Asks the system for something, while nothing else is asked of it. `finish` hears of the end even if nobody waits. */
  request(start: (done: Done) => void, finish: Done): void {
    hub.current?.checkInterrupts();
    this.#ask(start, finish);
  }

  #ask(start: (done: Done) => void, finish: Done): void {
    start((error, value) => {
      this.inFlight = false;
      finish(error, value);
      if (this.inFlight) return; // there is more to do
      if (this.failure !== undefined) this.#release();
      this.advance();
    });
    this.inFlight = true;
  }

  /** Reads on, so that `count` bytes may be there at the end, and as many more as the buffer holds. */
  fill(count: number): void {
    hub.current?.checkInterrupts();
    this.#makeRoom(Math.max(count, CHUNK));
    this.#read(true);
  }

  /** Reads `count` bytes on while those that are there are used, if so many are to be expected. Never waits for a pipe. */
  prefetch(count: number): void {
    if (!this.#full || this.inFlight || !this.positioned || this.failure !== undefined) return;
    this.#makeRoom(this.available + count);
    this.#read(false);
  }

  /** An error, or the end of the file, is told only to those who `asked`: later it may be otherwise. */
  #read(asked: boolean): void {
    const bytes = this.#bytes;
    const end = this.#end;
    const length = Math.min(bytes.length - end, MOST);
    const position = this.positioned ? this.position + this.available : null;
    this.#ask(
      (done) => read(this.fd, bytes, end, length, position, done),
      (error, count: number) => {
        this.#full = count === length;
        if (this.#hasNoPositions(error)) this.#read(asked);
        else if (count > 0) this.#end += count;
        else if (asked && error) this.error = error;
        else if (asked) this.ended = true;
      },
    );
  }

  /** Writes all of `data`, and then calls `finish` with the number of bytes. */
  write(data: Uint8Array, finish: Done): void {
    hub.current?.checkInterrupts();
    if (!this.appends) this.forget();
    this.#write(data, 0, finish);
  }

  #write(data: Uint8Array, from: number, finish: Done): void {
    const length = Math.min(data.length - from, MOST);
    const position = this.positioned && !this.appends ? this.position : null;
    this.#ask(
      (done) => write(this.fd, data, from, length, position, done),
      (error, count: number) => {
        if (this.#hasNoPositions(error)) this.#write(data, from, finish);
        else if (error) finish(error);
        else {
          if (!this.appends) this.position += count;
          if (from + count < data.length) this.#write(data, from + count, finish);
          else finish(null, data.length);
        }
      },
    );
  }

  /** Whether the system has just said so for the first time. */
  #hasNoPositions(error: Error | null): boolean {
    if (!this.positioned || !isSeekError(error)) return false;
    this.positioned = false;
    return true;
  }

  // ---- the buffer

  /** The first `count` bytes of the buffer, for the caller alone. */
  take(count: number): Buffer {
    const from = this.#start;
    const part = this.#bytes.subarray(from, from + count);
    // A big piece is handed over together with the buffer; a small one is copied, and the buffer used again.
    const wholeBuffer = !this.inFlight && count === this.available && 2 * count >= this.#bytes.length;
    this.skip(count);
    if (!wholeBuffer) return Buffer.from(part);
    this.#bytes = EMPTY;
    return part;
  }

  /** Uses memory again that it has handed over; a piece that is less than half of its memory shares it with others. */
  giveBack(part: Buffer): void {
    const { byteLength } = part.buffer;
    if (2 * part.length >= byteLength && byteLength > this.#spare.length) this.#spare = Buffer.from(part.buffer);
  }

  /** Fills `target` as far as there are bytes; tells how many. */
  copyTo(target: Uint8Array): number {
    const count = Math.min(target.length, this.available);
    target.set(this.#bytes.subarray(this.#start, this.#start + count));
    this.skip(count);
    return count;
  }

  /** The first `count` bytes as a string; they stay. */
  peek(encoding: BufferEncoding, count: number): string {
    return this.#bytes.toString(encoding, this.#start, this.#start + count);
  }

  /** How many bytes come before the next newline, counting from `from`; -1 if there is none. */
  findNewline(from: number): number {
    const at = this.#bytes.indexOf(10, this.#start + from);
    return at < 0 || at >= this.#end ? -1 : at - this.#start;
  }

  /**
   * Splits complete lines that are there, of which there must be one: ten times as fast as one after the other. They stay
   * in the buffer until they are taken. Meanwhile the next ones are read.
   */
  split(encoding: BufferEncoding): void {
    const bytes = this.#bytes;
    const start = this.#start;
    let end = bytes.lastIndexOf(10, Math.min(this.#end, start + SPLIT) - 1);
    if (end < start) end = bytes.indexOf(10, start + SPLIT);
    this.#lines = bytes.toString(encoding, start, end).split('\n');
    this.#linesEncoding = encoding;
    this.#linesLength = end + 1 - start;
    this.#given = 0;
    if (this.available - this.#linesLength < SPLIT) this.prefetch(CHUNK);
  }

  /** Takes the next of the lines that were split, if nobody is blocked on the channel. */
  nextLine(encoding: BufferEncoding | undefined): string | undefined {
    if (this.#given === this.#lines.length || encoding !== this.#linesEncoding || this.busy) return undefined;
    return this.takeLine();
  }

  /** Takes the next of the lines that were split; there must be one. */
  takeLine(): string {
    const line = this.#lines[this.#given++]!;
    if (this.#given === this.#lines.length) this.settle();
    return line.charCodeAt(line.length - 1) === RETURN ? line.slice(0, -1) : line;
  }

  /** Skips the lines that were taken, and forgets that the others were split: now the buffer and the position are right. */
  settle(): void {
    const given = this.#given;
    const isAll = given === this.#lines.length;
    this.#lines = NONE;
    this.#given = 0;
    if (given === 0) return;
    if (isAll) {
      this.skip(this.#linesLength);
      return;
    }
    let at = this.#start;
    for (let i = 0; i < given; i++) at = this.#bytes.indexOf(10, at) + 1;
    this.skip(at - this.#start);
  }

  /** The byte at `index` of those that are there. */
  at(index: number): number {
    return this.#bytes[this.#start + index]!;
  }

  skip(count: number): void {
    this.#start += count;
    this.position += count;
    if (this.#start === this.#end && !this.inFlight) this.#start = this.#end = 0;
  }

  /** Goes to another place in the file; what was read ahead stays if it lies there. */
  moveTo(position: number): void {
    const distance = position - this.position;
    if (distance >= 0 && distance <= this.available) this.skip(distance);
    else {
      this.forget();
      this.position = position;
    }
  }

  /** Drops what was read ahead, for the file changes. A pipe would not give it again. */
  forget(): void {
    if (this.positioned) this.#start = this.#end = 0;
  }

  /** Makes the buffer hold `count` bytes from `#start` on. */
  #makeRoom(count: number): void {
    const { available } = this;
    if (this.#bytes.length - this.#start >= Math.max(count, available + 1)) return;
    const size = Math.max(count, available + 1);
    const target = this.#bufferOf(size);
    this.#bytes.copy(target, 0, this.#start, this.#end);
    this.#bytes = target;
    this.#start = 0;
    this.#end = available;
  }

  #bufferOf(size: number): Buffer {
    if (size <= this.#bytes.length) return this.#bytes;
    const spare = this.#spare;
    this.#spare = EMPTY;
    return size <= spare.length ? spare : Buffer.allocUnsafeSlow(size);
  }

  // ---- the end

  /** Whoever is blocked gets `failure`; the descriptor is closed as soon as the system is done with it. */
  override close(failure: Error): void {
    const { inFlight } = this;
    this.settle();
    super.close(failure);
    if (!inFlight) this.#release();
  }

  #release(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#bytes = this.#spare = EMPTY;
    this.#start = this.#end = 0;
    close(this.fd, (error) => {
      this.#gone = true;
      this.#closeError = error ?? undefined;
      if (error && this.#closers.size === 0) hub.handleError(error, undefined, `closing ${this.peer}`);
      for (const closer of this.#closers) closer(this.#closeError);
    });
  }

  /** Calls `closer` once the descriptor is closed; gives a function that takes that back. */
  onClosed(closer: (error: Error | undefined) => void): () => void {
    if (this.#gone) closer(this.#closeError);
    else this.#closers.add(closer);
    return () => this.#closers.delete(closer);
  }
}

/** Linux and macOS refuse positions for pipes, sockets and terminals in one of these ways. */
function isSeekError(error: Error | null): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ESPIPE' || code === 'ENXIO';
}
