/**
 * The ends of channels, of which everything between processes is made.
 *
 * A channel has two ends. What is sent into one comes out of the other, at whatever is attached there: a connection, a
 * service, or a link, which carries it on to another process. So, an end moves to another process by being attached to a
 * link, and who has moved both ends away is a relay, without knowing it. What comes while nothing is attached is kept.
 */
import type { Frame } from './frame.ts';

/** What stands at the end of a channel. @internal */
export interface Sink {
  frame(frame: Frame): void;
  /** The other side has taken so many bytes of what was sent. */
  credit(bytes: number): void;
  /** The other end was closed. */
  end(reason: Error | undefined): void;
}

/** @internal */
export class ChannelEnd {
  #peer!: ChannelEnd;
  #sink: Sink | undefined;
  #unread: Frame[] = [];
  #credit = 0;
  /** Whether this end was closed, and whether the other one was. */
  #closed = false;
  #ended = false;
  #reason: Error | undefined;

  static pair(): [ChannelEnd, ChannelEnd] {
    const one = new ChannelEnd();
    const other = new ChannelEnd();
    one.#peer = other;
    other.#peer = one;
    return [one, other];
  }

  send(frame: Frame): void {
    this.#peer.#receive(frame);
  }

  /** Lets the other end send so many bytes more. */
  grant(bytes: number): void {
    const peer = this.#peer;
    if (peer.#sink === undefined) peer.#credit += bytes;
    else if (!peer.#closed) peer.#sink.credit(bytes);
  }

  close(reason?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const frame of this.#unread.splice(0)) dropFrame(frame);
    this.#peer.#end(reason);
  }

  /** From now on `sink` gets what comes out here, beginning with what was kept. */
  attach(sink: Sink): void {
    this.#sink = sink;
    for (const frame of this.#unread.splice(0)) sink.frame(frame);
    if (this.#credit > 0) sink.credit(this.#credit);
    this.#credit = 0;
    if (this.#ended) sink.end(this.#reason);
  }

  /** Nothing is attached any more; `unread` was delivered and not used. */
  detach(unread: Frame[]): void {
    this.#sink = undefined;
    this.#unread = unread;
  }

  #receive(frame: Frame): void {
    if (this.#closed) dropFrame(frame);
    else if (this.#sink === undefined) this.#unread.push(frame);
    else this.#sink.frame(frame);
  }

  #end(reason: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reason = reason;
    if (!this.#closed) this.#sink?.end(reason);
  }
}

/** Nobody will take it: who waits at the other side of what it carries shall know. @internal */
export function dropFrame(frame: Frame): void {
  for (const end of frame.ends) end.close();
}
