/** The blocking calls of a `File`: what each wants to find in the channel, and what it asks the system for. */
import { fstat, type Stats } from 'node:fs';
import { isatty } from 'node:tty';
import { DEV, notePerformed } from '../core/dev.ts';
import { LimitOverrunError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step, type Suspension } from '../core/operation.ts';
import { type FileChannel, RETURN } from './file-channel.ts';
import { LATER, Transfer } from './transfer.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

abstract class FileCall<T> extends Transfer<T> {
  protected readonly channel: FileChannel;
  readonly #call: string;

  constructor(channel: FileChannel, call: string) {
    super(channel, undefined);
    this.channel = channel;
    this.#call = call;
  }

  attempt(): T | typeof LATER {
    const { channel } = this;
    if (channel.failure !== undefined) throw channel.failure;
    return this.go(channel);
  }

  /** As `attempt`, on an open file. */
  abstract go(channel: FileChannel): T | typeof LATER;

  describe(): string {
    return `File.${this.#call}() of ${this.channel.peer}`;
  }
}

// ---- reading

/** Reads ahead until it finds enough, or the end of the file. */
abstract class Read<T> extends FileCall<T> {
  go(channel: FileChannel): T | typeof LATER {
    const result = this.take(channel);
    if (result !== LATER) return result;
    if (channel.ended) return this.atEnd(channel);
    if (channel.error !== undefined) throw channel.error;
    if (!channel.inFlight) channel.fill(this.wanted(channel));
    return LATER;
  }

  /** Takes what it wants, or answers `LATER` and leaves everything as it is. */
  abstract take(channel: FileChannel): T | typeof LATER;

  /** What it gives when there was not enough. */
  abstract atEnd(channel: FileChannel): T;

  /** How many bytes should be there. */
  abstract wanted(channel: FileChannel): number;

  override get repeatable(): boolean {
    return true;
  }
}

/** @internal */
export class ReadBytes extends Read<Buffer> {
  readonly #count: number;

  constructor(channel: FileChannel, count: number) {
    super(channel, 'read');
    this.#count = count;
  }

  take(channel: FileChannel): Buffer | typeof LATER {
    const { available } = channel;
    return available >= this.#count || (available > 0 && !channel.positioned) ? this.atEnd(channel) : LATER;
  }

  atEnd(channel: FileChannel): Buffer {
    return channel.take(Math.min(this.#count, channel.available));
  }

  wanted(): number {
    return this.#count;
  }
}

/** @internal */
export class ReadInto extends Read<number> {
  readonly #target: Uint8Array;

  constructor(channel: FileChannel, target: Uint8Array) {
    super(channel, 'readInto');
    this.#target = target;
  }

  take(channel: FileChannel): number | typeof LATER {
    const { available } = channel;
    return available >= this.#target.length || (available > 0 && !channel.positioned) ? this.atEnd(channel) : LATER;
  }

  atEnd(channel: FileChannel): number {
    return channel.copyTo(this.#target);
  }

  wanted(): number {
    return this.#target.length;
  }
}

/** @internal */
export class ReadAll extends Read<Buffer | string> {
  readonly #encoding: BufferEncoding | undefined;
  /** How many bytes are to be expected; unknown at first. */
  #rest = -1;

  constructor(channel: FileChannel, encoding: BufferEncoding | undefined) {
    super(channel, 'readAll');
    this.#encoding = encoding;
  }

  override go(channel: FileChannel): Buffer | string | typeof LATER {
    if (this.#rest >= 0 || channel.inFlight) return super.go(channel);
    const ask = (done: (error: Error | null, stats?: Stats) => void) => fstat(channel.fd, done);
    channel.request(ask, (_error, stats?: Stats) => {
      this.#rest = stats?.isFile() ? Math.max(0, stats.size - channel.position) : 0;
    });
    return LATER;
  }

  take(): typeof LATER {
    return LATER;
  }

  atEnd(channel: FileChannel): Buffer | string {
    const { available } = channel;
    if (this.#encoding === undefined) return channel.take(available);
    const text = channel.peek(this.#encoding, available);
    channel.skip(available);
    return text;
  }

  /** One more than there should be, so that the read which finds the end has room. */
  wanted(channel: FileChannel): number {
    const { available } = channel;
    return available <= this.#rest ? this.#rest + 1 : 2 * available;
  }
}

/** What a line is. @internal */
export class LineForm {
  readonly encoding: BufferEncoding;
  readonly limit: number;
  /** The encoding, if lines may be taken that were split together; a limit is checked line by line. */
  readonly split: BufferEncoding | undefined;

  constructor(encoding: BufferEncoding, limit: number) {
    this.encoding = encoding;
    this.limit = limit;
    this.split = limit === Number.POSITIVE_INFINITY && SPLITTABLE.includes(encoding) ? encoding : undefined;
  }
}

/** The encodings in which the byte 10 is a newline and nothing else, so that many lines can be decoded together. */
const SPLITTABLE: readonly string[] = ['utf8', 'utf-8', 'latin1', 'binary', 'ascii'];

/** A line that has to be waited for, or looked for byte by byte. */
class FindLine extends Read<string | undefined> {
  readonly #form: LineForm;
  /** In so many bytes there is no newline. */
  #searched = 0;

  constructor(channel: FileChannel, call: string, form: LineForm) {
    super(channel, call);
    this.#form = form;
  }

  take(channel: FileChannel): string | typeof LATER {
    const { available } = channel;
    const { encoding, limit, split } = this.#form;
    const at = available > this.#searched ? channel.findNewline(this.#searched) : -1;
    this.#searched = at >= 0 ? at : available;
    if (this.#searched > limit) {
      throw new LimitOverrunError(`${this.describe()}: no newline within ${limit} bytes; they stay readable`);
    }
    if (at < 0) return LATER;
    if (split !== undefined) {
      channel.split(split);
      return channel.takeLine();
    }
    const line = channel.peek(encoding, at > 0 && channel.at(at - 1) === RETURN ? at - 1 : at);
    channel.skip(at + 1);
    return line;
  }

  atEnd(channel: FileChannel): string | undefined {
    const { available } = channel;
    if (available === 0) return undefined;
    const line = channel.peek(this.#form.encoding, available);
    channel.skip(available);
    return line;
  }

  wanted(channel: FileChannel): number {
    return 2 * channel.available;
  }
}

/** Takes a line that was split already, which costs little, or else goes the long way. */
abstract class Line<T> extends BaseOperation<T> {
  protected readonly channel: FileChannel;
  protected readonly form: LineForm;
  readonly #call: string;
  #long: FindLine | undefined = undefined;

  constructor(channel: FileChannel, call: string, form: LineForm) {
    super();
    this.channel = channel;
    this.form = form;
    this.#call = call;
  }

  /** Looks for the line, and suspends if need be. */
  protected find(): IteratorResult<Suspension, string | undefined> {
    const long = new FindLine(this.channel, this.#call, this.form);
    if (DEV) notePerformed(long);
    this.#long = long;
    return long.next(undefined);
  }

  override throw(error: unknown): never {
    this.#long?.throw(error);
    throw error;
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `File.${this.#call}() of ${this.channel.peer}`;
  }
}

/** @internal */
export class ReadLine extends Line<string | undefined> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    hub.self(this, arguments.length);
    const line = this.channel.nextLine(this.form.split);
    return line === undefined ? this.find() : hub.ready(line);
  }
}

/** One of these serves all steps of an iteration, also if several greenlets share it. @internal */
export class NextLine extends Line<IteratorResult<string, undefined>> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return asResult(resumed);
    hub.self(this, arguments.length);
    const line = this.channel.nextLine(this.form.split);
    return line === undefined ? asResult(this.find()) : hub.ready({ done: false, value: line });
  }
}

/** Makes an iterator result of a line that was found; one that was split is one already. */
function asResult(step: Step): Step {
  const { done, value } = step;
  if (!done || typeof value === 'object') return step;
  step.value = value === undefined ? { done: true, value } : { done: false, value };
  return step;
}

// ---- everything else

/** What the system is asked for once, and what it answers. @internal */
export class Ask<T> extends FileCall<T> {
  readonly #start: (channel: FileChannel, finish: (error: Error | null, value?: any) => void) => void;
  #started = false;
  #answer: { error: Error | null; value: any } | undefined = undefined;

  constructor(
    channel: FileChannel,
    call: string,
    start: (channel: FileChannel, finish: (error: Error | null, value?: any) => void) => void,
  ) {
    super(channel, call);
    this.#start = start;
  }

  go(channel: FileChannel): T | typeof LATER {
    if (!this.#started && !channel.inFlight) {
      this.#start(channel, (error, value) => {
        this.#answer = { error, value };
      });
      this.#started = true;
    }
    const answer = this.#answer;
    if (answer === undefined) return LATER;
    if (answer.error) throw answer.error;
    return answer.value;
  }
}

/** Where a `seek` counts from. */
export type Whence = 'start' | 'current' | 'end';

/** Nothing moves before all is known, so that a killed seek has no effect. @internal */
export class Seek extends FileCall<number> {
  readonly #offset: number;
  readonly #whence: Whence;
  #stats: Stats | undefined = undefined;
  #error: Error | null = null;

  constructor(channel: FileChannel, offset: number, whence: Whence) {
    super(channel, 'seek');
    this.#offset = offset;
    this.#whence = whence;
  }

  go(channel: FileChannel): number | typeof LATER {
    if (channel.inFlight) return LATER;
    if (this.#error !== null) throw this.#error;
    if (this.#stats === undefined && (this.#whence === 'end' || !channel.seekable)) {
      const ask = (done: (error: Error | null, stats?: Stats) => void) => fstat(channel.fd, done);
      channel.request(ask, (error, stats?: Stats) => this.#learn(channel, error, stats));
      return LATER;
    }
    const base = this.#whence === 'end' ? this.#stats!.size : this.#whence === 'start' ? 0 : channel.position;
    const target = base + this.#offset;
    if (target < 0) throw new RangeError(`offset is ${this.#offset}: that is ${-target} bytes before the file`);
    channel.moveTo(target);
    return target;
  }

  #learn(channel: FileChannel, error: Error | null, stats: Stats | undefined): void {
    this.#stats = stats;
    this.#error = error;
    if (stats === undefined) return;
    channel.seekable = !(stats.isFIFO() || stats.isSocket() || isatty(channel.fd));
    if (!channel.seekable) this.#error = illegalSeek(channel);
  }
}

function illegalSeek(channel: FileChannel): Error {
  const error = new Error(`ESPIPE: illegal seek, ${channel.peer} has no positions`);
  return Object.assign(error, { code: 'ESPIPE', syscall: 'seek' });
}
