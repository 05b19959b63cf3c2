/** The receiving half of a `UdpSocket`: a bounded queue of datagrams, from which one greenlet at a time takes them. */
import type { Endpoint } from './address.ts';
import { Direction, LATER, Transfer } from './transfer.ts';

/** What `recvfrom` gives. */
export interface Datagram {
  /** The bytes; they are the caller's alone. */
  readonly data: Buffer;
  /** Who has sent them. */
  readonly address: Endpoint;
}

/** @internal */
export class Inbox extends Direction {
  /** Datagrams that came, and those of them that had to make room. */
  received = 0;
  dropped = 0;
  readonly #most: number;
  /** Those before `#first` were taken. */
  #datagrams: Datagram[] = [];
  #first = 0;
  /** Reported by the system, such as a refusal by the peer; whoever calls next gets it. */
  #error: Error | undefined = undefined;

  constructor(owner: { toString(): string }, most: number) {
    super(owner);
    this.#most = most;
  }

  get size(): number {
    return this.#datagrams.length - this.#first;
  }

  push(datagram: Datagram): void {
    this.received++;
    if (this.size === this.#most) {
      this.dropped++;
      this.shift(); // what is new is worth more
    }
    this.#datagrams.push(datagram);
    this.advance();
  }

  shift(): Datagram | undefined {
    if (this.size === 0) return undefined;
    const datagram = this.#datagrams[this.#first]!;
    this.#datagrams[this.#first++] = undefined as never;
    if (this.#first * 2 >= this.#datagrams.length) {
      this.#datagrams = this.#datagrams.slice(this.#first);
      this.#first = 0;
    }
    return datagram;
  }

  /** The system reports an error: as in the system, the next call gets it, and it is over then. */
  report(error: Error): void {
    this.#error ??= error;
    this.advance();
  }

  /** Throws what makes a call impossible now. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
    const error = this.#error;
    if (error === undefined) return;
    this.#error = undefined;
    throw error;
  }

  override close(failure: Error): void {
    this.#datagrams = [];
    this.#first = 0;
    super.close(failure);
  }
}

abstract class Receive<T> extends Transfer<T> {
  readonly #inbox: Inbox;
  readonly #call: string;

  constructor(inbox: Inbox, call: string, timeout: number | undefined) {
    super(inbox, timeout);
    this.#inbox = inbox;
    this.#call = call;
  }

  attempt(): T | typeof LATER {
    this.#inbox.check();
    const datagram = this.#inbox.shift();
    return datagram === undefined ? LATER : this.result(datagram);
  }

  abstract result(datagram: Datagram): T;

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#inbox.peer}.${this.#call}`;
  }
}

/** @internal */
export class RecvFrom extends Receive<Datagram> {
  result(datagram: Datagram): Datagram {
    return datagram;
  }
}

/** @internal */
export class RecvDatagram extends Receive<Buffer> {
  result({ data }: Datagram): Buffer {
    return data;
  }
}
