/** `DatagramServer`: a greenlet a datagram. */
import { isIPv6 } from 'node:net';
import { checkFunction, checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError, isExit, SocketClosedError } from '../core/errors.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { spawn, spawnNow } from '../core/spawn.ts';
import { withTimeout } from '../core/timeout.ts';
import { Event } from '../sync/event.ts';
import { Group } from '../sync/group.ts';
import type { Pool } from '../sync/pool.ts';
import type { Address, Endpoint } from './address.ts';
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

/** How long `stop` waits for the handlers, unless it is told otherwise. */
const PATIENCE = 1000;

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
export class DatagramServer {
  readonly #given: Endpoint;
  readonly #handler: DatagramHandler;
  readonly #pool: Pool | undefined;
  readonly #handlers: Group = new Group();
  readonly #stopped: Event = new Event();
  readonly #options: UdpSocketOptions;
  #socket: UdpSocket | undefined;
  #receiver: Greenlet<void> | undefined;
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new';

  constructor(address: Address, handler: DatagramHandler, options: DatagramServerOptions = {}) {
    this.#given = placeOf(address);
    checkFunction('handler', handler);
    this.#handler = handler;
    const { spawn: places, ...others } = options;
    this.#pool = handlerPool(places);
    this.#options = { family: isIPv6(this.#given.host) ? 6 : 4, ...others };
  }

  /** Where it receives; before `start`, the address that was given. */
  get address(): Endpoint {
    return this.#socket === undefined ? this.#given : this.#socket.address;
  }

  /** The port of `address`. */
  get port(): number {
    return this.address.port;
  }

  /** Whether it receives datagrams. */
  get started(): boolean {
    return this.#state === 'started';
  }

  /** Whether `stop` was called. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** How many handlers are running. */
  get handling(): number {
    return this.#handlers.size;
  }

  /** Datagrams that had to make room for others, since no handler could be started. */
  get dropped(): number {
    return this.#socket?.statistics().dropped ?? 0;
  }

  /** The socket, for its options and counters; `undefined` before `start`. */
  get socket(): UdpSocket | undefined {
    return this.#socket;
  }

  /**
   * Begins to receive. Suspends until the system has agreed; a kill takes it back.
   *
   * @throws {InvalidStateError} it was started before
   * @throws the system's error, with `code` `EADDRINUSE`, `EACCES`, …
   */
  start(): Operation<void> {
    return composite('DatagramServer.start()', this.#start());
  }

  *#start(): Coroutine<void> {
    if (this.#state !== 'new') throw new InvalidStateError(`${this} is ${this.#state}: make a new one to start`);
    this.#state = 'starting';
    const socket = new UdpSocket(this.#options);
    try {
      yield* socket.bind(this.#given);
    } catch (error) {
      socket.close();
      if (!this.closed) this.#state = 'new';
      throw error;
    }
    this.#socket = socket;
    if (this.closed) socket.close();
    else {
      this.#state = 'started';
      this.#receiver = spawn(() => this.#receive(socket));
    }
  }

  /**
   * Starts the server if need be, and waits until somebody stops it. A kill stops it, with the usual patience for its
   * handlers.
   */
  serveForever(): Operation<void> {
    return composite('DatagramServer.serveForever()', this.#serveForever());
  }

  *#serveForever(): Coroutine<void> {
    try {
      if (this.#state === 'new') yield* this.start();
      yield* this.#stopped.wait();
    } finally {
      yield* this.stop();
    }
  }

  /**
   * Stops receiving, waits at most `timeout` milliseconds (1,000 by default, `null` for ever) for the handlers, which may
   * still send, then kills them and closes the socket. Suspends; a kill ends the patience. A handler that calls it does
   * not wait for itself.
   */
  stop(timeout: number | null = PATIENCE): Operation<void> {
    return composite('DatagramServer.stop()', this.#stop(checkTimeout(timeout)));
  }

  *#stop(timeout: number | undefined): Coroutine<void> {
    this.#state = 'closed';
    this.#receiver?.kill();
    try {
      yield* withTimeout(timeout, () => this.#finish(), { value: undefined });
    } finally {
      try {
        yield* this.#receiverEnds();
        yield* this.#handlers.kill();
      } finally {
        this.#socket?.close();
        this.#stopped.set();
      }
    }
  }

  *#finish(): Coroutine<void> {
    yield* this.#receiverEnds();
    yield* this.#handlers.join();
  }

  /** It was killed; if it had just been given a datagram, it starts one more handler, which may be who stops the server. */
  *#receiverEnds(): Coroutine<void> {
    if (this.#receiver !== undefined) yield* this.#receiver.join();
    this.#handlers.discard(hub.current as Greenlet<any>);
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

  /** `DatagramServer 127.0.0.1:53`. */
  toString(): string {
    return `DatagramServer ${this.address}`;
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
      this.#handlers.add(handler);
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
