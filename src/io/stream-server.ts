/** `StreamServer`: a greenlet a connection. */
import type { Socket as Stream } from 'node:net';
import { checkFunction } from '../core/check.ts';
import { fromEvent } from '../core/from-event.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine } from '../core/operation.ts';
import { spawn, spawnNow } from '../core/spawn.ts';
import type { Pool } from '../sync/pool.ts';
import { type Address, type Endpoint, parseAddress } from './address.ts';
import { BaseServer } from './base-server.ts';
import { handlerPool } from './handler-pool.ts';
import { fedListener, type Listener, type ListenOptions, listen } from './listener.ts';
import type { Socket } from './socket.ts';
import { checkServerTls, type TlsServerOptions } from './tls-options.ts';
import type { TlsSocket } from './tls-socket.ts';

/** What is called for each connection: a coroutine function, a plain or an async one. */
export type ConnectionHandler<S extends Socket = Socket> = (socket: S, remote: Endpoint) => unknown;

/** Options of `StreamServer`. */
export interface StreamServerOptions extends ListenOptions {
  /**
   * Where the handlers run: a `Pool`, which others may use too, or the number of places of a pool of its own. While it is
   * full no connection is accepted. Without it there is no limit.
   */
  readonly spawn?: Pool | number | undefined;
}

/**
 * A server that runs `handler(socket, remote)` in a greenlet for each connection, and closes the socket when that has
 * returned or thrown. An error of a handler is given to `hub.handleError`, unless it is the peer that broke off the
 * connection (`ECONNRESET`, `EPIPE`); the server goes on. Follows `gevent.server.StreamServer`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { createConnection, StreamServer } from 'genlet/io';
 *
 * await run(function* () {
 *   const echo = new StreamServer(['127.0.0.1', 0], function* (socket) {
 *     for (let bytes; (bytes = yield* socket.recv()).length > 0; ) yield* socket.sendall(bytes);
 *   });
 *   yield* echo.start();
 *   using socket = yield* createConnection(echo.address);
 *   yield* socket.sendall('hello');
 *   console.log(String(yield* socket.recv())); // => hello
 *   yield* echo.stop();
 * });
 * ```
 */
export class StreamServer extends BaseServer {
  readonly #handler: ConnectionHandler;
  readonly #options: StreamServerOptions;
  readonly #pool: Pool | undefined;
  /** Sockets whose handler has ended, and which still have something to send. */
  readonly #closing = new Set<Stream>();
  #listener: Listener | undefined;

  constructor(
    address: Address,
    handler: ConnectionHandler<TlsSocket>,
    options: StreamServerOptions & { readonly tls: TlsServerOptions },
  );
  constructor(address: Address, handler: ConnectionHandler, options?: StreamServerOptions);
  constructor(address: Address, handler: ConnectionHandler<any>, options: StreamServerOptions = {}) {
    super(parseAddress(address));
    checkFunction('handler', handler);
    this.#handler = handler;
    this.#options = options;
    if (options.tls !== undefined) checkServerTls(options.tls);
    this.#pool = handlerPool(options.spawn);
  }

  /** How many handlers are running. */
  get connections(): number {
    return this.handlers.size;
  }

  /** Connections that were closed at once, see `Listener.dropped`. */
  get dropped(): number {
    return this.#listener?.dropped ?? 0;
  }

  /** Handshakes of TLS that failed, of which no handler has heard. */
  get failedHandshakes(): number {
    return this.#listener?.failedHandshakes ?? 0;
  }

  /** @internal */
  protected override get place(): Endpoint | undefined {
    return this.#listener?.address;
  }

  /** @internal */
  protected override *open(given: Endpoint): Coroutine<void> {
    const options = { ...this.#options, ...this.placement?.options };
    this.#listener = this.placement?.isFed ? fedListener(given, options) : yield* listen(given, options);
  }

  /** Takes a connection that was accepted elsewhere. @internal */
  adopt(stream: Stream): void {
    this.#listener!.adopt(stream);
  }

  /** @internal */
  protected override receive(): Greenlet<void> {
    return spawn(() => this.#accept(this.#listener!));
  }

  /** @internal */
  protected override refuse(): void {
    this.#listener!.close();
  }

  /** @internal */
  protected override *flush(): Coroutine<void> {
    for (const stream of this.#closing) yield* fromEvent(stream, 'close', { error: false });
  }

  /** @internal */
  protected override shut(): void {
    for (const stream of this.#closing) stream.destroy();
  }

  *#accept(listener: Listener): Coroutine<void> {
    const pool = this.#pool;
    while (!this.closed) {
      if (pool !== undefined) yield* pool.waitAvailable();
      if (this.closed) return; // it was stopped in the pass that made a place free
      const socket = yield* listener.accept();
      const handler =
        pool === undefined ? spawnNow(this.#handler, socket, socket.remote) : yield* this.#spawnIn(pool, socket);
      handler.rawlink(() => this.#handled(socket, handler)); // also if it is killed before it begins
      this.handlers.add(handler);
    }
  }

  /** Somebody else may have taken the pool's last place meanwhile, so this may wait, and be killed. */
  *#spawnIn(pool: Pool, socket: Socket): Coroutine<Greenlet<unknown>> {
    try {
      return yield* pool.spawn(this.#handler, socket, socket.remote);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  #handled(socket: Socket, handler: Greenlet<unknown>): void {
    const { exception } = handler;
    if (!handler.successful() && !socket.isBrokenBy(exception)) hub.handleError(exception, handler, `${this}`);
    const last = socket.successor ?? socket; // it may have been upgraded to TLS
    last.close();
    const { stream } = last;
    if (stream.destroyed) return;
    this.#closing.add(stream);
    stream.once('close', () => this.#closing.delete(stream));
  }
}
