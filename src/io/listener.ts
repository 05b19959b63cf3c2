/** `listen` and `Listener`: a place where connections arrive. */
import { createServer, type Server, type Socket as Stream } from 'node:net';
import { checkInteger, checkTimeout } from '../core/check.ts';
import { SocketClosedError } from '../core/errors.ts';
import { hub } from '../core/hub.ts';
import type { Operation, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { suspend } from '../core/suspend.ts';
import { TimedWait } from '../core/timed-wait.ts';
import { timedOut } from '../core/timeout.ts';
import { type Address, type Endpoint, parseAddress, serverEnd } from './address.ts';
import { isLastDescriptor, outOfDescriptors } from './descriptors.ts';
import { rewrap } from './slab.ts';
import { Socket, type SocketOptions, type TransferOptions } from './socket.ts';
import { type ListeningOptions, startListening } from './start-listening.ts';
import { TlsAcceptor } from './tls-acceptor.ts';
import { TlsArrivals } from './tls-arrivals.ts';
import type { TlsServerOptions } from './tls-options.ts';
import type { TlsSocket } from './tls-socket.ts';

/** Options of `listen`. */
export interface ListenOptions extends SocketOptions, ListeningOptions {
  /**
   * How many connections may wait to be accepted: so many in the system, and as many in this process, since Node takes
   * them over at once. Those beyond are closed. 511 by default.
   */
  readonly backlog?: number | undefined;
  /** How many connections may be open at a time, waiting ones included; those beyond are closed. No limit by default. */
  readonly maxConnections?: number | undefined;
  /** Speak TLS: `accept` gives a `TlsSocket` whose handshake is done, so that no client holds up the others. */
  readonly tls?: TlsServerOptions | undefined;
}

/**
 * A listening socket; made by `listen`. Connections that arrive wait for `accept`, at most `backlog` of them. It keeps the
 * process alive until it is closed. Follows Python's listening `socket`.
 */
export class Listener<S extends Socket = Socket> {
  /** Where it listens, with the port that was chosen for 0. */
  readonly address: Endpoint;
  /** How long `accept` may block, in milliseconds; `undefined`, the default, for ever. */
  timeout: number | undefined = undefined;
  /** Its connections come from `adopt`, and are being read already: they can't wait as they are. @internal */
  isFed = false;
  readonly #server: Server;
  readonly #backlog: number;
  readonly #options: ListenOptions;
  /** They are paused, so that their bytes stay in the system; but for those that speak TLS. */
  readonly #unaccepted: (Stream | Socket)[] = [];
  readonly #acceptors: Set<Accept<S>> = new Set();
  readonly #tls: TlsArrivals | undefined;
  readonly #most: number;
  /** Connections that were accepted and not closed. */
  #open = 0;
  #dropped = 0;
  /** Those of them that were closed since there were hardly any descriptors left. */
  #refused = 0;
  #closed: SocketClosedError | undefined = undefined;

  /** @internal */
  constructor(server: Server, address: Endpoint, backlog: number, options: ListenOptions, tls?: TlsAcceptor) {
    this.address = address;
    this.#tls = tls && new TlsArrivals(tls, options, this.address.path, (socket) => this.#shaken(socket));
    this.#server = server;
    this.#backlog = backlog;
    this.#options = options;
    this.#most = options.maxConnections ?? Number.POSITIVE_INFINITY;
    server.on('connection', (stream) => this.#arrive(stream));
    server.on('error', (error) => hub.handleError(error, undefined, `${this}`));
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** Connections that nobody has accepted yet; of those that speak TLS, the ones whose handshake is done. */
  get waiting(): number {
    return this.#unaccepted.length;
  }

  /**
   * Connections that were closed at once: there were `maxConnections` or `backlog` of them already, or the process has
   * hardly any descriptors left. The latter is also reported to `hub.handleError`, for the first, tenth, hundredth, … one.
   */
  get dropped(): number {
    return this.#dropped;
  }

  /** Handshakes of TLS that failed: of clients that don't speak it, whose certificate is no good, that took too long. */
  get failedHandshakes(): number {
    return this.#tls?.failed ?? 0;
  }

  /**
   * Takes the next connection. Suspends while there is none. Connections are handed out in the order of arrival, and
   * greenlets get them in the order of their calls; one that was killed or timed out has taken none. Follows
   * `socket.accept`; the peer's address is `socket.remote`.
   *
   * @throws {Timeout} no connection in time
   * @throws {SocketClosedError} the listener was closed
   */
  accept(options?: TransferOptions): Operation<S> {
    return new Accept<S>(this, checkTimeout(options?.timeout === undefined ? this.timeout : options.timeout));
  }

  /**
   * Stops listening, without suspending: blocked `accept`s get `SocketClosedError`, connections that nobody has accepted
   * are closed, accepted ones go on. A second call does nothing.
   */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new SocketClosedError(`${this} was closed by ${hub.current ?? 'a callback'}`);
    this.#server.close();
    this.#tls?.close();
    for (const stream of this.#unaccepted.splice(0)) close(stream);
    for (const acceptor of this.#acceptors) acceptor.fail(this.#closed);
  }

  /** Takes a connection that was accepted elsewhere, and from which nothing was read. @internal */
  adopt(stream: Stream): void {
    this.#server.emit('connection', stream);
  }

  /** It no longer keeps the process alive. @internal */
  unref(): void {
    this.#server.unref();
  }

  /** It keeps the process alive again. @internal */
  ref(): void {
    this.#server.ref();
  }

  /** Makes `using` close it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** `Listener 127.0.0.1:80`. */
  toString(): string {
    return `Listener ${this.address}`;
  }

  #arrive(stream: Stream): void {
    const [acceptor] = this.#acceptors;
    const isFull =
      this.#open + this.waiting + (this.#tls?.pending ?? 0) >= this.#most ||
      (acceptor === undefined && this.waiting === this.#backlog);
    if (isFull) this.#drop(stream);
    else if (isLastDescriptor(stream)) {
      this.#drop(stream);
      this.#refused++;
      if (/^10*$/.test(`${this.#refused}`)) hub.handleError(outOfDescriptors(this.#refused), undefined, `${this}`);
    } else if (this.#tls !== undefined) this.#tls.begin(stream);
    else if (acceptor !== undefined) acceptor.grant(this.#accept(stream));
    else this.#unaccepted.push(this.isFed ? this.#wrap(stream) : stream);
  }

  /** A handshake of TLS is done. */
  #shaken(socket: TlsSocket): void {
    const [acceptor] = this.#acceptors;
    if (acceptor !== undefined) acceptor.grant(this.#accept(socket));
    else if (this.waiting === this.#backlog) this.#drop(socket);
    else this.#unaccepted.push(socket);
  }

  #drop(stream: Stream | Socket): void {
    this.#dropped++;
    close(stream);
  }

  #accept(accepted: Stream | Socket): S {
    const socket = accepted instanceof Socket ? accepted : this.#wrap(accepted);
    if (!socket.stream.closed) {
      this.#open++;
      socket.stream.once('close', this.#closeOne);
    }
    return socket as S;
  }

  #wrap(accepted: Stream): Socket {
    const { noDelay, keepAlive } = this.#options;
    return new Socket(rewrap(accepted), { noDelay, keepAlive, path: this.address.path });
  }

  #closeOne = (): void => {
    this.#open--;
  };

  /** The connection that has waited longest. @internal */
  take(): S | undefined {
    if (this.#closed !== undefined) throw this.#closed;
    const stream = this.#unaccepted.shift();
    return stream === undefined ? undefined : this.#accept(stream);
  }

  /** @internal */
  enter(acceptor: Accept<S>): void {
    this.#acceptors.add(acceptor);
    hub.outside++;
  }

  /** @internal */
  leave(acceptor: Accept<S>): void {
    this.#acceptors.delete(acceptor);
    hub.outside--;
  }
}

function close(stream: Stream | Socket): void {
  if (stream instanceof Socket) stream.abort();
  else stream.destroy();
}

class Accept<S extends Socket> extends TimedWait<S> {
  readonly #listener: Listener<S>;
  #greenlet: RawGreenlet | undefined = undefined;

  constructor(listener: Listener<S>, limit: number | undefined) {
    super(limit);
    this.#listener = listener;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const socket = this.#listener.take();
    if (socket !== undefined) return hub.ready(socket);
    if (this.limit === 0) throw timedOut(this.describe(), 0);
    const step = hub.park(me, this);
    this.#greenlet = me;
    this.#listener.enter(this);
    this.startDeadline(me);
    return step;
  }

  grant(socket: S): void {
    this.#listener.leave(this);
    this.#greenlet!.wake(socket);
  }

  fail(error: Error): void {
    this.#listener.leave(this);
    this.#greenlet!.fail(error);
  }

  cancel(): void {
    this.deadline?.cancel();
    this.#listener.leave(this);
  }

  expire(): void {
    this.fail(timedOut(this.describe(), this.limit!));
  }

  describe(): string {
    return `${this.#listener}.accept()`;
  }
}

/**
 * Listens at `address`; port 0 means any free one. Suspends until the system has agreed; a kill takes it back. Follows
 * `gevent.socket.create_server` and `net.Server.listen`.
 *
 * @throws the system's error, with `code` `EADDRINUSE`, `EACCES`, …
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { listen } from 'genlet/io';
 *
 * await run(function* () {
 *   using listener = yield* listen('127.0.0.1:0');
 *   console.log(listener.address.port > 0); // => true
 * });
 * ```
 */
export function listen(
  address: Address,
  options: ListenOptions & { readonly tls: TlsServerOptions },
): Operation<Listener<TlsSocket>>;
export function listen(address: Address, options?: ListenOptions): Operation<Listener>;
export function listen(address: Address, options: ListenOptions = {}): Operation<Listener> {
  const endpoint = parseAddress(address);
  const { backlog, acceptor } = checkListenOptions(options);
  return suspend<Listener>(function listen(resume) {
    const server = createServer(accepting);
    const made = () => new Listener(server, serverEnd(server), backlog, options, acceptor);
    return startListening(server, endpoint, options, resume, made);
  });
}

/** A listener that does not listen, but is given its connections by `adopt`. @internal */
export function fedListener(address: Endpoint, options: ListenOptions): Listener {
  const { backlog, acceptor } = checkListenOptions(options);
  const listener = new Listener(createServer(accepting), address, backlog, options, acceptor);
  listener.isFed = true;
  return listener;
}

const accepting = { allowHalfOpen: true, pauseOnConnect: true };

function checkListenOptions(options: ListenOptions): { backlog: number; acceptor: TlsAcceptor | undefined } {
  const backlog = checkInteger('backlog', options.backlog ?? 511, 1);
  if (options.maxConnections !== undefined) checkInteger('maxConnections', options.maxConnections, 1);
  return { backlog, acceptor: options.tls && new TlsAcceptor(options.tls) };
}
