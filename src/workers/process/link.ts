/**
 * `Link`: the two pipes between a process and its child, and the channels on them.
 *
 * One pipe for each direction: a write to a process that has just ended fails, and Node then destroys the socket, with all
 * that has come through it and was not read yet.
 *
 * All that is sent in one turn of the event loop goes out in one write. A frame on the wire is a header (the length of the
 * rest, a mark, its type, the channel, the number of ends it carries), the channels of these ends, and its bytes. A link
 * on which anything else arrives is closed.
 */
import type { Socket } from 'node:net';
import { EOFError } from '../../core/errors.ts';
import { ChannelEnd, dropFrame, type Sink } from './channel-end.ts';
import type { Frame } from './frame.ts';
import { addLink, removeLink } from './links.ts';

const HEADER = 12;
const MARK = 0xc5;
const Type = { CONTROL: 0, DATA: 1, CREDIT: 2, END: 3 } as const;
/** More than a Buffer can have is no length. */
const MOST_BYTES = 2 ** 32 - 1 - HEADER;
const SLAB = 64 * 1024;
/** What is longer is written without being copied. */
const SMALL = 4096;

/** What a link tells its owner. @internal */
export interface LinkOwner {
  /** A frame that is for no channel. */
  onControl(frame: Frame): void;
  /** The other process closed it, or has ended; or sent garbage. */
  onClose(reason: Error): void;
  /** The other process, for messages. */
  toString(): string;
}

/** @internal */
export class Link {
  readonly #input: Socket;
  readonly #output: Socket;
  readonly #owner: LinkOwner;
  readonly #channels = new Map<number, LinkSink>();
  /** One side counts by even numbers, the other by odd ones. */
  #nextId: number;
  #closed = false;

  #out: Buffer[] = [];
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB);
  /** The part of the slab that is not written yet. */
  #from = 0;
  #to = 0;
  #flushDue = false;

  #parts: Buffer[] = [];
  #partsLength = 0;
  #needed = HEADER;

  constructor(input: Socket, output: Socket, owner: LinkOwner, side: 0 | 1) {
    this.#input = input;
    this.#output = output;
    this.#owner = owner;
    this.#nextId = side;
    output.unref();
    output.on('error', () => {}); // the input ends, too
    input.on('data', (chunk: Buffer) => this.#read(chunk));
    input.on('error', () => {}); // 'close' follows
    input.on('close', () => this.close(new EOFError(`${owner} has ended`)));
    addLink(this);
  }

  ref(): void {
    this.#input.ref();
  }

  unref(): void {
    this.#input.unref();
  }

  close(reason: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    removeLink(this);
    this.#input.destroy();
    this.#output.destroy();
    const sinks = [...this.#channels.values()];
    this.#channels.clear();
    for (const sink of sinks) sink.lost(reason);
    this.#owner.onClose(reason);
  }

  // ---- out

  control(frame: Frame): void {
    this.#write(Type.CONTROL, 0, frame);
  }

  data(channel: number, frame: Frame): void {
    this.#write(Type.DATA, channel, frame);
  }

  credit(channel: number, bytes: number): void {
    const body = Buffer.allocUnsafe(4);
    body.writeUInt32LE(bytes, 0);
    this.#write(Type.CREDIT, channel, { head: undefined, bytes: body, ends: [] });
  }

  end(channel: number): void {
    this.#write(Type.END, channel, { head: undefined, bytes: Buffer.alloc(0), ends: [] });
  }

  forget(channel: number): void {
    this.#channels.delete(channel);
  }

  #write(type: number, channel: number, frame: Frame): void {
    if (this.#closed) {
      dropFrame(frame);
      return;
    }
    const { head, bytes, ends } = frame;
    const ids = ends.map(() => {
      const id = this.#nextId;
      this.#nextId += 2;
      return id;
    });
    const headLength = head === undefined ? 0 : head.length;
    const length = HEADER + 4 * ids.length + headLength;
    const total = length + bytes.length;
    const fits = total <= SMALL;
    let at = this.#reserve(fits ? total : length);
    const slab = this.#slab;
    at = slab.writeUInt32LE(total - 4, at);
    at = slab.writeUInt8(MARK, at);
    at = slab.writeUInt8(type, at);
    at = slab.writeUInt16LE(ids.length, at);
    at = slab.writeUInt32LE(channel, at);
    for (const id of ids) at = slab.writeUInt32LE(id, at);
    if (head !== undefined) at += head.copy(slab, at);
    if (fits) bytes.copy(slab, at);
    else {
      this.#cut();
      this.#out.push(bytes);
    }
    // Only now, for what they have kept must come after the frame that tells of them.
    for (let i = 0; i < ids.length; i++) this.#bind(ids[i]!, ends[i]!);
    if (this.#flushDue) return;
    this.#flushDue = true;
    process.nextTick(() => this.flush());
  }

  /** A place of the slab for so many bytes. */
  #reserve(length: number): number {
    if (this.#to + length > this.#slab.length) {
      this.#cut();
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB, length));
      this.#from = this.#to = 0;
    }
    const at = this.#to;
    this.#to += length;
    return at;
  }

  #cut(): void {
    if (this.#to > this.#from) this.#out.push(this.#slab.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  /** Writes what is due. */
  flush(): void {
    this.#flushDue = false;
    this.#cut();
    const out = this.#out;
    if (out.length === 0 || this.#closed) return;
    this.#out = [];
    if (out.length === 1) {
      this.#output.write(out[0]!);
      return;
    }
    this.#output.cork();
    for (const bytes of out) this.#output.write(bytes);
    this.#output.uncork();
  }

  // ---- in

  #read(chunk: Buffer): void {
    if (this.#partsLength > 0) {
      this.#parts.push(chunk);
      this.#partsLength += chunk.length;
      if (this.#partsLength < this.#needed) return;
      chunk = Buffer.concat(this.#parts, this.#partsLength);
      this.#parts = [];
      this.#partsLength = 0;
    }
    let at = 0;
    while (!this.#closed) {
      const left = chunk.length - at;
      this.#needed = HEADER;
      if (left < HEADER) break;
      const length = chunk.readUInt32LE(at) + 4;
      const count = chunk.readUInt16LE(at + 6);
      if (chunk[at + 4] !== MARK || length < HEADER + 4 * count || length > MOST_BYTES || chunk[at + 5]! > Type.END) {
        this.close(new EOFError(`${this.#owner} sent what is no frame of genlet, so the link to it was closed`));
        return;
      }
      this.#needed = length;
      if (left < length) break;
      this.#dispatch(chunk.subarray(at, at + length), count);
      at += length;
    }
    if (at < chunk.length) {
      this.#parts.push(at === 0 ? chunk : chunk.subarray(at));
      this.#partsLength = chunk.length - at;
    }
  }

  #dispatch(message: Buffer, count: number): void {
    const channel = message.readUInt32LE(8);
    const ends: ChannelEnd[] = [];
    for (let i = 0; i < count; i++) {
      const [near, far] = ChannelEnd.pair();
      this.#bind(message.readUInt32LE(HEADER + 4 * i), near);
      ends.push(far);
    }
    const bytes = message.subarray(HEADER + 4 * count);
    const frame: Frame = { head: undefined, bytes, ends };
    const type = message[5];
    if (type === Type.CONTROL) {
      this.#owner.onControl(frame);
      return;
    }
    const sink = this.#channels.get(channel);
    if (sink === undefined) dropFrame(frame);
    else if (type === Type.DATA) sink.arrived(frame);
    else if (type === Type.CREDIT) sink.credited(bytes.length === 4 ? bytes.readUInt32LE(0) : 0);
    else sink.closed();
  }

  /** From now on `end` is at the other side of the link, under that number. */
  #bind(id: number, end: ChannelEnd): void {
    const sink = new LinkSink(this, id, end);
    this.#channels.set(id, sink);
    end.attach(sink);
  }
}

/** At the end of a channel that is in the other process. */
class LinkSink implements Sink {
  readonly #link: Link;
  readonly #id: number;
  readonly #end: ChannelEnd;
  /** Whether our side said that it was closed, and whether the other side did. */
  #said = false;
  #heard = false;

  constructor(link: Link, id: number, end: ChannelEnd) {
    this.#link = link;
    this.#id = id;
    this.#end = end;
  }

  frame(frame: Frame): void {
    if (this.#heard) dropFrame(frame);
    else this.#link.data(this.#id, frame);
  }

  credit(bytes: number): void {
    if (!this.#heard) this.#link.credit(this.#id, bytes);
  }

  end(): void {
    if (this.#said) return;
    this.#said = true;
    this.#link.end(this.#id);
    if (this.#heard) this.#link.forget(this.#id);
  }

  arrived(frame: Frame): void {
    this.#end.send(frame);
  }

  credited(bytes: number): void {
    this.#end.grant(bytes);
  }

  closed(): void {
    this.#heard = true;
    this.end();
    this.#link.forget(this.#id);
    this.#end.close();
  }

  lost(reason: Error): void {
    this.#heard = this.#said = true;
    this.#end.close(reason);
  }
}
