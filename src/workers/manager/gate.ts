/**
 * Where connections arrive and prove themselves, many at a time: a peer that says nothing holds up nobody, and has to
 * leave after the time limit, or earlier if too many others come.
 */
import { checkDuration, checkInteger, show } from '../../core/check.ts';
import type { Coroutine } from '../../core/operation.ts';
import type { Address, Endpoint } from '../../io/address.ts';
import { listen, type Listener as SocketListener } from '../../io/listener.ts';
import type { Socket } from '../../io/socket.ts';
import { checkServerTls, type TlsServerOptions } from '../../io/tls-options.ts';
import { Lock } from '../../sync/lock.ts';
import { checkAuthkey } from './authkey.ts';
import { background } from './background.ts';
import { FrameSocket } from './frame-socket.ts';
import { type HandshakeTerms, handshake } from './handshake.ts';
import { checkSecrecy, Place } from './place.ts';

/** What both sides of an authenticated connection can be given. */
export interface SecrecyOptions {
  /** The key that both sides must have; by default that of the program, which its child processes and threads inherit. */
  readonly authkey?: string | Uint8Array | undefined;
  /** Encrypts what is sent, with AES-256-GCM and keys made from the authkey; the other side must do it too. */
  readonly encrypt?: boolean | undefined;
  /** How many bytes one value may have, packed: 64 MiB by default. A peer that announces more is cut off. */
  readonly maxFrame?: number | undefined;
}

/** Options of `Listener`. */
export interface ListenerOptions extends SecrecyOptions {
  /** Speaks TLS, with this certificate. */
  readonly tls?: TlsServerOptions | undefined;
  /** How many connections may wait to be accepted: 511 by default; those beyond are closed. */
  readonly backlog?: number | undefined;
  /** How many peers may be about to prove themselves: 64 by default; when more come, the one that has had longest must go. */
  readonly maxUnauthenticated?: number | undefined;
  /** How long a peer may take to prove itself, in milliseconds: 5,000 by default. */
  readonly handshakeTimeout?: number | undefined;
}

const MEBIBYTE = 1_048_576;
const LONGEST_FRAME = 64 * MEBIBYTE;
/** What can be said by four bytes, and held by a Buffer on every machine. */
const LARGEST_FRAME = 1024 * MEBIBYTE;
const HANDSHAKE_LIMIT = 5000;

/** @internal */
export function checkMaxFrame(maxFrame: number = LONGEST_FRAME): number {
  checkInteger('maxFrame', maxFrame, 1);
  if (maxFrame <= LARGEST_FRAME) return maxFrame;
  throw new RangeError(`maxFrame is ${maxFrame}: give at most ${LARGEST_FRAME}`);
}

/** @internal */
export function checkTerms(options: SecrecyOptions, limit: number = HANDSHAKE_LIMIT): HandshakeTerms {
  const { encrypt = false } = options;
  if (typeof encrypt !== 'boolean') throw new TypeError(`encrypt is ${show(encrypt)}: give true or false`);
  return { authkey: checkAuthkey(options.authkey), encrypt, limit };
}

/** @internal */
export class Gate {
  readonly #place: Place;
  readonly #options: ListenerOptions;
  readonly #terms: HandshakeTerms;
  readonly #maxFrame: number;
  readonly #most: number;
  readonly #admit: (link: FrameSocket) => void;
  /** The sockets of those who have not proven themselves, the oldest first. */
  readonly #strangers = new Set<Socket>();
  #listener: SocketListener<Socket> | undefined;
  readonly #opening = new Lock();
  closed = false;
  /** Connections whose peers did not prove themselves. */
  refused = 0;

  /** `admit` takes each connection that has proven itself. */
  constructor(address: Address | undefined, options: ListenerOptions, admit: (link: FrameSocket) => void) {
    const { tls, backlog, maxUnauthenticated = 64, handshakeTimeout } = options;
    if (tls !== undefined) checkServerTls(tls);
    if (backlog !== undefined) checkInteger('backlog', backlog, 1);
    this.#most = checkInteger('maxUnauthenticated', maxUnauthenticated, 1);
    if (handshakeTimeout !== undefined) checkDuration('handshakeTimeout', handshakeTimeout);
    this.#terms = checkTerms(options, handshakeTimeout);
    this.#maxFrame = checkMaxFrame(options.maxFrame);
    this.#options = options;
    this.#admit = admit;
    this.#place = new Place(address);
    try {
      checkSecrecy(this.#place.endpoint, tls !== undefined || this.#terms.encrypt);
    } catch (error) {
      this.#place.remove();
      throw error;
    }
  }

  /** Where it listens; before that, the address that was given. */
  get address(): Endpoint {
    return this.#listener?.address ?? this.#place.endpoint;
  }

  get authkey(): Buffer {
    return this.#terms.authkey;
  }

  get encrypt(): boolean {
    return this.#terms.encrypt;
  }

  /** Begins to listen, unless it does; a kill takes it back. */
  *open(): Coroutine<void> {
    using _ = yield* this.#opening.hold();
    if (this.#listener !== undefined || this.closed) return;
    const { tls, backlog } = this.#options;
    const more = backlog === undefined ? {} : { backlog };
    const listener = yield* tls === undefined ? listen(this.address, more) : listen(this.address, { ...more, tls });
    if (this.closed) {
      listener.close();
      return;
    }
    try {
      this.#place.protect();
    } catch (error) {
      listener.close();
      throw error;
    }
    this.#listener = listener;
    background(() => this.#accept(listener));
  }

  /** Whether it keeps the process alive: it does at first. */
  keepAlive(alive: boolean): void {
    if (alive) this.#listener?.ref();
    else this.#listener?.unref();
  }

  /** Stops to listen; those who have proven themselves stay. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#listener?.close();
    for (const socket of this.#strangers) socket.abort();
    this.#place.remove();
  }

  *#accept(listener: SocketListener<Socket>): Coroutine<void> {
    try {
      for (;;) {
        const socket = yield* listener.accept();
        if (this.#strangers.size >= this.#most) this.#dismissOldest();
        this.#strangers.add(socket);
        background(() => this.#examine(socket));
      }
    } catch (error) {
      if (!this.closed) throw error;
    }
  }

  #dismissOldest(): void {
    const [oldest] = this.#strangers;
    this.#strangers.delete(oldest!);
    oldest!.abort();
  }

  *#examine(socket: Socket): Coroutine<void> {
    try {
      const agreement = yield* handshake(socket, 'server', this.#terms);
      if (this.closed) socket.abort();
      else this.#admit(new FrameSocket(socket, agreement, this.#maxFrame));
    } catch {
      // A stranger can be anybody, and does anything: that is counted, and no more.
      this.refused++;
      socket.close();
      // It may not read what is still to be sent, and must not be waited for.
      socket.stream.unref();
      socket.stream.setTimeout(this.#terms.limit, () => socket.abort());
    } finally {
      this.#strangers.delete(socket);
    }
  }
}
