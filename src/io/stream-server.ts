/** `StreamServer`: a greenlet a connection. */
import type { Socket as Stream } from 'node:net';
import { checkFunction, checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError } from '../core/errors.ts';
import { fromEvent } from '../core/from-event.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { spawn, spawnNow } from '../core/spawn.ts';
import { withTimeout } from '../core/timeout.ts';
import { Event } from '../sync/event.ts';
import { Group } from '../sync/group.ts';
import type { Pool } from '../sync/pool.ts';
import { type Address, type Endpoint, parseAddress } from './address.ts';
import { handlerPool } from './handler-pool.ts';
import { type Listener, type ListenOptions, listen } from './listener.ts';
import type { Socket } from './socket.ts';

/** What is called for each connection: a coroutine function, a plain or an async one. */
export type ConnectionHandler = (socket: Socket, remote: Endpoint) => unknown;

/** Options of `StreamServer`. */
export interface StreamServerOptions extends ListenOptions {
  /**
   * Where the handlers run: a `Pool`, which others may use too, or the number of places of a pool of its own. While it is
   * full no connection is accepted. Without it there is no limit.
   */
  readonly spawn?: Pool | number | undefined;
}

/** How long `stop` waits for the handlers, unless it is told otherwise. */
const PATIENCE = 1000;

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
export class StreamServer {
  readonly #given: Endpoint;
  readonly #handler: ConnectionHandler;
  readonly #options: StreamServerOptions;
  readonly #pool: Pool | undefined;
  readonly #handlers = new Group();
  readonly #stopped = new Event();
  /** Sockets whose handler has ended, and which still have something to send. */
  readonly #closing = new Set<Stream>();
  #listener: Listener | undefined;
  #acceptor: Greenlet<void> | undefined;
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new';

  constructor(address: Address, handler: ConnectionHandler, options: StreamServerOptions = {}) {
    this.#given = parseAddress(address);
    checkFunction('handler', handler);
    this.#handler = handler;
    this.#options = options;
    this.#pool = handlerPool(options.spawn);
  }

  /** Where it listens; before `start`, the address that was given. */
  get address(): Endpoint {
    return this.#listener?.address ?? this.#given;
  }

  /** The port of `address`. */
  get port(): number {
    return this.address.port;
  }

  /** Whether it accepts connections. */
  get started(): boolean {
    return this.#state === 'started';
  }

  /** Whether `stop` was called. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** How many handlers are running. */
  get connections(): number {
    return this.#handlers.size;
  }

  /** Connections that were closed since there were `maxConnections` or `backlog` of them already. */
  get dropped(): number {
    return this.#listener?.dropped ?? 0;
  }

  /**
   * Begins to listen and to accept. Suspends until the system has agreed; a kill takes it back.
   *
   * @throws {InvalidStateError} it was started before
   * @throws the system's error, with `code` `EADDRINUSE`, `EACCES`, …
   */
  start(): Operation<void> {
    return composite('StreamServer.start()', this.#start());
  }

  *#start(): Coroutine<void> {
    if (this.#state !== 'new') throw new InvalidStateError(`${this} is ${this.#state}: make a new one to start`);
    this.#state = 'starting';
    try {
      this.#listener = yield* listen(this.#given, this.#options);
    } finally {
      if (this.#listener === undefined && this.#state === 'starting') this.#state = 'new';
    }
    if (this.closed) this.#listener.close();
    else {
      this.#state = 'started';
      this.#acceptor = spawn(() => this.#accept(this.#listener!));
    }
  }

  /**
   * Starts the server if need be, and waits until somebody stops it. A kill stops it, with the usual patience for its
   * handlers.
   */
  serveForever(): Operation<void> {
    return composite('StreamServer.serveForever()', this.#serveForever());
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
   * Stops listening, waits at most `timeout` milliseconds (1,000 by default, `null` for ever) for the handlers and for what
   * their sockets still have to send, then kills the handlers and drops the rest. Suspends; a kill ends the patience. A
   * handler that calls it does not wait for itself.
   */
  stop(timeout: number | null = PATIENCE): Operation<void> {
    return composite('StreamServer.stop()', this.#stop(checkTimeout(timeout)));
  }

  *#stop(timeout: number | undefined): Coroutine<void> {
    this.#state = 'closed';
    this.#acceptor?.kill();
    this.#listener?.close();
    try {
      yield* withTimeout(timeout, () => this.#finish(), { value: undefined });
    } finally {
      try {
        yield* this.#killHandlers();
      } finally {
        for (const stream of this.#closing) stream.destroy();
        this.#stopped.set();
      }
    }
  }

  /** Waits for the handlers, and then for the sockets that they left. */
  *#finish(): Coroutine<void> {
    yield* this.#acceptorEnds();
    yield* this.#handlers.join();
    for (const stream of this.#closing) yield* fromEvent(stream, 'close', { error: false });
  }

  *#killHandlers(): Coroutine<void> {
    yield* this.#acceptorEnds();
    yield* this.#handlers.kill();
  }

  /**
   * It was killed; if it had just been given a connection, it starts one more handler. Only then is it known who handles:
   * a handler that stops the server does not wait for itself.
   */
  *#acceptorEnds(): Coroutine<void> {
    if (this.#acceptor !== undefined) yield* this.#acceptor.join();
    this.#handlers.discard(hub.current as Greenlet<any>);
  }

  /** `StreamServer 127.0.0.1:80`. */
  toString(): string {
    return `StreamServer ${this.address}`;
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
      this.#handlers.add(handler);
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
    socket.close();
    const { stream } = socket;
    if (stream.destroyed) return;
    this.#closing.add(stream);
    stream.once('close', () => this.#closing.delete(stream));
  }
}
