/** `DatagramServer`: a greenlet a datagram. */
import { isIPv6 } from 'node:net';
import { checkFunction } from '../core/check.ts';
import { InvalidStateError, isExit, SocketClosedError } from '../core/errors.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { spawn, spawnNow } from '../core/spawn.ts';
import type { Pool } from '../sync/pool.ts';
import type { Address, Endpoint } from './address.ts';
import { BaseServer } from './base-server.ts';
import { handlerPool } from './handler-pool.ts';
import type { TransferOptions } from './socket.ts';
import { placeOf, UdpSocket, type UdpSocketOptions } from './udp-socket.ts';

/** What is called for each datagram: a coroutine function, a plain or an async one. */
export type DatagramHandler = (data: Buffer, address: Endpoint) => unknown;

/** Options of `DatagramServer`. */
export interface DatagramServerOptions extends UdpSocketOptions {
  /**
   * Where the handlers run: a `Pool`, which others may use too, or the number of places of a pool of its own. While it is
   * full, datagrams wait, up to `maxDatagrams`. Without it there is no limit.
   */
  readonly spawn?: Pool | number | undefined;
}

/**
 * A server that runs `handler(data, address)` in a greenlet for each datagram. An error of a handler is given to
 * `hub.handleError`; the server goes on. An address with an IPv6 host makes it one of IPv6, unless `family` says
 * otherwise. Follows `gevent.server.DatagramServer`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { DatagramServer, UdpSocket } from 'genlet/io';
 *
 * await run(function* () {
 *   const echo: DatagramServer = new DatagramServer('127.0.0.1:0', (data, address) =>
 *     echo.sendto(`received ${data}`, address),
 *   );
 *   yield* echo.start();
 *   using client = new UdpSocket();
 *   yield* client.connect(echo.address);
 *   yield* client.send('hello');
 *   console.log(String(yield* client.recv())); // => received hello
 *   yield* echo.stop();
 * });
 * ```
 */
export class DatagramServer extends BaseServer {
  readonly #handler: DatagramHandler;
  readonly #pool: Pool | undefined;
  readonly #options: UdpSocketOptions;
  #socket: UdpSocket | undefined;

  constructor(address: Address, handler: DatagramHandler, options: DatagramServerOptions = {}) {
    const given = placeOf(address);
    super(given);
    checkFunction('handler', handler);
    this.#handler = handler;
    const { spawn: places, ...others } = options;
    this.#pool = handlerPool(places);
    this.#options = { family: isIPv6(given.host) ? 6 : 4, ...others };
  }

  /** Datagrams that had to make room for others, since no handler could be started. */
  get dropped(): number {
    return this.#socket?.statistics().dropped ?? 0;
  }

  /** The socket, for its options and counters; `undefined` before `start`. */
  get socket(): UdpSocket | undefined {
    return this.#socket;
  }

  /** @internal */
  protected override get place(): Endpoint | undefined {
    return this.#socket?.address;
  }

  /** @internal */
  protected override *open(given: Endpoint): Coroutine<void> {
    const socket = new UdpSocket(this.#options);
    try {
      yield* socket.bind(given);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#socket = socket;
  }

  /** @internal */
  protected override receive(): Greenlet<void> {
    return spawn(() => this.#receive(this.#socket!));
  }

  /** Its handlers may still send: the socket stays open. @internal */
  protected override refuse(): void {}

  /** @internal */
  protected override *flush(): Coroutine<void> {}

  /** @internal */
  protected override shut(): void {
    this.#socket?.close();
  }

  /**
   * Sends a datagram from the server's address, also while it stops. Suspends and fails as `UdpSocket.sendto`.
   *
   * @throws {InvalidStateError} the server was not started
   */
  sendto(data: string | Uint8Array, address: Address, options?: TransferOptions): Operation<number> {
    if (this.#socket === undefined) throw new InvalidStateError(`${this} is not started: start() it before it sends`);
    return this.#socket.sendto(data, address, options);
  }

  *#receive(socket: UdpSocket): Coroutine<void> {
    const pool = this.#pool;
    while (!this.closed) {
      if (pool !== undefined) yield* pool.waitAvailable();
      if (this.closed) return; // it was stopped in the pass that made a place free
      const datagram = yield* this.#next(socket);
      if (datagram === undefined) continue;
      const { data, address } = datagram;
      const handler =
        pool === undefined ? spawnNow(this.#handler, data, address) : yield* pool.spawn(this.#handler, data, address); // somebody else may have taken the last place meanwhile
      handler.rawlink(() => this.#handled(handler));
      this.handlers.add(handler);
    }
  }

  /** What the system reports of an earlier datagram is no reason to stop. */
  *#next(socket: UdpSocket): Coroutine<{ data: Buffer; address: Endpoint } | undefined> {
    try {
      return yield* socket.recvfrom();
    } catch (error) {
      if (isExit(error) || error instanceof SocketClosedError) throw error;
      hub.handleError(error, hub.current, `${this}`);
      return undefined;
    }
  }

  #handled(handler: Greenlet<unknown>): void {
    if (!handler.successful()) hub.handleError(handler.exception, handler, `${this}`);
  }
}
