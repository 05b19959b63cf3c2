/** `createConnection`: a socket to somewhere else. */
import { connect, type NetConnectOpts, type Socket as Stream } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { checkTimeout } from '../core/check.ts';
import { hub } from '../core/hub.ts';
import type { Operation, Resumption, Step, Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { TimedWait } from '../core/timed-wait.ts';
import { timedOut } from '../core/timeout.ts';
import { type Address, type Endpoint, parseAddress } from './address.ts';
import { readIntoSlab } from './slab.ts';
import { Socket, type SocketOptions } from './socket.ts';
import { shakeAsClient } from './tls-client.ts';
import { type ClientTls, checkClientTls, type TlsOptions } from './tls-options.ts';
import { TlsSocket } from './tls-socket.ts';

/** Options of `createConnection`. */
export interface ConnectOptions extends SocketOptions {
  /** How long connecting may take, the look-up of the name and the handshake of TLS included, in milliseconds. */
  readonly timeout?: number | null | undefined;
  /** The local address to connect from. */
  readonly localAddress?: string | undefined;
  /** The local port to connect from. */
  readonly localPort?: number | undefined;
  /** 4 or 6: only IPv4 or only IPv6. By default both are tried. */
  readonly family?: 4 | 6 | undefined;
  /** Speak TLS: gives a `TlsSocket`. `true`: the certificate must be good for the host of the address. */
  readonly tls?: boolean | TlsOptions | undefined;
}

class Connect extends TimedWait<Socket> {
  readonly #endpoint: Endpoint;
  readonly #options: ConnectOptions;
  readonly #tls: ClientTls | undefined;
  #stream: Stream | undefined;
  /** Set during the handshake of TLS. */
  #breakOff: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(endpoint: Endpoint, options: ConnectOptions) {
    super(checkTimeout(options.timeout));
    this.#endpoint = endpoint;
    this.#options = options;
    const { tls = false } = options;
    this.#tls = tls === false ? undefined : checkClientTls(tls, endpoint.host || 'localhost');
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.limit === 0) throw timedOut(this.describe(), 0);
    me.checkInterrupts();
    const stream = open(this.#endpoint, this.#options);
    this.#stream = stream;
    stream.once('connect', () => this.#connected(me));
    stream.once('error', (error) => this.#failed(me, error));
    hub.outside++;
    this.startDeadline(me);
    return hub.park(me, this);
  }

  #connected(me: RawGreenlet): void {
    const stream = this.#stream!;
    stream.removeAllListeners('error');
    hub.outside--;
    if (this.#tls !== undefined) {
      this.#breakOff = shakeAsClient(stream, this.#tls, this.describe(), (error, secure) =>
        this.#shaken(me, error, secure),
      );
      return;
    }
    const { noDelay, keepAlive } = this.#options;
    const socket = new Socket(stream, { noDelay, keepAlive, path: this.#endpoint.path });
    socket.host = this.#endpoint.host || 'localhost';
    me.wake(socket);
  }

  #shaken(me: RawGreenlet, error: Error | undefined, stream: TLSSocket | undefined): void {
    if (error !== undefined) {
      this.#fail(me, error);
      return;
    }
    const { noDelay, keepAlive } = this.#options;
    const parts = { path: this.#endpoint.path, transport: this.#stream, session: this.#tls!.connect.session };
    me.wake(new TlsSocket(stream!, { noDelay, keepAlive, ...parts }));
  }

  #failed(me: RawGreenlet, error: Error): void {
    if (error.message === '') error.message = `connect ${(error as NodeJS.ErrnoException).code} ${this.#endpoint}`;
    hub.outside--;
    this.#fail(me, error);
  }

  #fail(me: RawGreenlet, error: Error): void {
    this.#failure = error;
    me.fail(error);
  }

  cancel(): void {
    this.deadline?.cancel();
    if (this.#breakOff !== undefined) {
      this.#breakOff();
      return;
    }
    hub.outside--;
    this.#stream!.removeAllListeners('connect').removeAllListeners('error').on('error', ignore).destroy();
  }

  expire(me: RawGreenlet): void {
    this.cancel();
    me.fail(timedOut(this.describe(), this.limit!));
  }

  override throw(error: unknown): IteratorResult<Suspension, Socket> {
    if (error === this.#failure) Error.captureStackTrace(error as Error, this.throw);
    return super.throw(error);
  }

  override get repeatable(): boolean {
    return false;
  }

  override get selectable(): boolean {
    return true;
  }

  describe(): string {
    return `createConnection(${this.#endpoint})`;
  }
}

const ignore = (): void => {};

function open({ host, port, path }: Endpoint, options: ConnectOptions): Stream {
  const { localAddress, localPort, family } = options;
  const place = path === undefined ? { host: host || 'localhost', port, localAddress, localPort, family } : { path };
  return readIntoSlab((onread) => connect({ ...place, allowHalfOpen: true, onread } as NetConnectOpts));
}

/**
 * Connects to `address`. Suspends; a kill or timeout ends the attempt. A name with several addresses is tried at all of
 * them, as Node does. Follows `gevent.socket.create_connection` and `net.createConnection`.
 *
 * @throws {Timeout} no connection within `timeout` ms
 * @throws {CertificateError} the certificate of the server is not to be trusted, or not for this host
 * @throws {TlsError} the handshake failed otherwise
 * @throws the system's error, with `code` `ECONNREFUSED`, `ENOTFOUND`, …
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { createConnection, listen } from 'genlet/io';
 *
 * await run(function* () {
 *   const listener = yield* listen('127.0.0.1:0');
 *   using client = yield* createConnection(listener.address, { timeout: 1000 });
 *   using server = yield* listener.accept();
 *   yield* client.sendall('hello');
 *   console.log(String(yield* server.recv())); // => hello
 *   listener.close();
 * });
 * ```
 */
export function createConnection(
  address: Address,
  options: ConnectOptions & { readonly tls: true | TlsOptions },
): Operation<TlsSocket>;
export function createConnection(address: Address, options?: ConnectOptions): Operation<Socket>;
export function createConnection(address: Address, options: ConnectOptions = {}): Operation<Socket> {
  return new Connect(parseAddress(address), options);
}
