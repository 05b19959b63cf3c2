/** What a listener that speaks TLS has beyond others: handshakes that are going on, and the count of those that failed. */
import type { Socket as Stream } from 'node:net';
import { TlsError } from '../core/errors.ts';
import { hub } from '../core/hub.ts';
import { type Endpoint, remoteEnd } from './address.ts';
import type { SocketOptions } from './socket.ts';
import type { TlsAcceptor } from './tls-acceptor.ts';
import { handshakeLimit, type TlsServerOptions } from './tls-options.ts';
import { TlsSocket } from './tls-socket.ts';

/** @internal */
export class TlsArrivals {
  readonly #acceptor: TlsAcceptor;
  readonly #tls: TlsServerOptions;
  readonly #options: SocketOptions;
  readonly #path: string | undefined;
  readonly #arrived: (socket: TlsSocket) => void;
  /** What breaks off those that are going on. */
  readonly #going: Set<() => void> = new Set();
  failed = 0;

  constructor(
    acceptor: TlsAcceptor,
    options: SocketOptions & { readonly tls?: TlsServerOptions | undefined },
    path: string | undefined,
    arrived: (socket: TlsSocket) => void,
  ) {
    this.#acceptor = acceptor;
    this.#tls = options.tls!;
    this.#options = { noDelay: options.noDelay, keepAlive: options.keepAlive };
    this.#path = path;
    this.#arrived = arrived;
  }

  /** How many handshakes are going on. */
  get pending(): number {
    return this.#going.size;
  }

  /** Begins a handshake, which goes on in the background. */
  begin(transport: Stream): void {
    const remote = remoteEnd(transport, this.#path);
    const call = `TLS handshake with ${remote}`;
    const end = (): void => {
      timer?.cancel();
      this.#going.delete(stop);
    };
    const breakOff = this.#acceptor.shake(transport, call, (error, stream) => {
      end();
      if (error !== undefined) this.#fail(error, remote);
      else this.#arrived(new TlsSocket(stream!, { ...this.#options, path: this.#path, transport }));
    });
    const stop = (): void => {
      end();
      breakOff();
    };
    this.#going.add(stop);
    const limit = handshakeLimit(this.#tls);
    const expire = (): void => {
      stop();
      this.#fail(new TlsError(`${call}: not done after ${limit} ms`, 'ERR_TLS_HANDSHAKE_TIMEOUT'), remote);
    };
    const timer = limit === undefined ? undefined : hub.callLater(limit, expire);
  }

  /** Counts it, and tells of it if somebody wants to know: a scanner of ports is nothing to make a fuss about. */
  #fail(error: Error, remote: Endpoint): void {
    this.failed++;
    try {
      this.#tls.onHandshakeError?.(error, remote);
    } catch (thrown) {
      hub.handleError(thrown, undefined, 'onHandshakeError');
    }
  }

  /** Breaks off all that are going on. */
  close(): void {
    for (const stop of this.#going) stop();
  }
}
