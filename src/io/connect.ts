/** `createConnection`: a socket to somewhere else. */
import { connect, type NetConnectOpts, type Socket as Stream } from 'node:net';
import { checkTimeout } from '../core/check.ts';
import type { Deadline } from '../core/deadline.ts';
import { hub } from '../core/hub.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { timedOut } from '../core/timeout.ts';
import { type Address, type Endpoint, parseAddress } from './address.ts';
import { intoSlab } from './slab.ts';
import { Socket, type SocketOptions } from './socket.ts';

/** Options of `createConnection`. */
export interface ConnectOptions extends SocketOptions {
  /** How long connecting may take, the look-up of the name included, in milliseconds. */
  readonly timeout?: number | null | undefined;
  /** The local address to connect from. */
  readonly localAddress?: string | undefined;
  /** The local port to connect from. */
  readonly localPort?: number | undefined;
  /** 4 or 6: only IPv4 or only IPv6. By default both are tried. */
  readonly family?: 4 | 6 | undefined;
}

class Connect extends BaseOperation<Socket> {
  readonly #endpoint: Endpoint;
  readonly #options: ConnectOptions;
  readonly #timeout: number | undefined;
  #stream: Stream | undefined;
  #deadline: Deadline | undefined;

  constructor(endpoint: Endpoint, options: ConnectOptions) {
    super();
    this.#endpoint = endpoint;
    this.#options = options;
    this.#timeout = checkTimeout(options.timeout);
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#timeout === 0) throw timedOut(this.describe(), 0);
    me.checkInterrupts();
    const stream = open(this.#endpoint, this.#options);
    this.#stream = stream;
    stream.once('connect', () => this.#connected(me));
    stream.once('error', (error) => this.#failed(me, error));
    hub.outside++;
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout);
    return hub.park(me, this);
  }

  #connected(me: RawGreenlet): void {
    const stream = this.#stream!;
    stream.removeAllListeners('error');
    const { noDelay, keepAlive } = this.#options;
    const socket = new Socket(stream, { noDelay, keepAlive, path: this.#endpoint.path });
    hub.outside--;
    me.wake(socket);
  }

  #failed(me: RawGreenlet, error: Error): void {
    if (error.message === '') error.message = `connect ${(error as NodeJS.ErrnoException).code} ${this.#endpoint}`;
    hub.outside--;
    me.fail(error);
  }

  cancel(): void {
    this.#deadline?.cancel();
    hub.outside--;
    this.#stream!.removeAllListeners('connect').removeAllListeners('error').on('error', ignore).destroy();
  }

  expire(me: RawGreenlet): void {
    this.cancel();
    me.fail(timedOut(this.describe(), this.#timeout!));
  }

  override throw(error: unknown): never {
    this.#deadline?.cancel();
    throw error;
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
  const stream: Stream = connect({ ...place, allowHalfOpen: true, onread: intoSlab(() => stream) } as NetConnectOpts);
  return stream;
}

/**
 * Connects to `address`. Suspends; a kill or timeout ends the attempt. A name with several addresses is tried at all of
 * them, as Node does. Follows `gevent.socket.create_connection` and `net.createConnection`.
 *
 * @throws {Timeout} no connection within `timeout` ms
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
export function createConnection(address: Address, options: ConnectOptions = {}): Operation<Socket> {
  return new Connect(parseAddress(address), options);
}
