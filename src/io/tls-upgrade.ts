/** `upgradeTls`: TLS on a connection that is there already (STARTTLS). */
import type { TLSSocket } from 'node:tls';
import { checkTimeout, show } from '../core/check.ts';
import { hub } from '../core/hub.ts';
import type { Operation, Resumption, Step, Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { TimedWait } from '../core/timed-wait.ts';
import { timedOut } from '../core/timeout.ts';
import { Socket } from './socket.ts';
import { TlsAcceptor } from './tls-acceptor.ts';
import { type Shaken, shakeAsClient } from './tls-client.ts';
import { checkClientTls, handshakeLimit, type TlsOptions, type TlsServerOptions } from './tls-options.ts';
import { TlsSocket } from './tls-socket.ts';

/** Options of `upgradeTls` for a client. */
export interface UpgradeTlsOptions extends TlsOptions {
  readonly isServer?: false | undefined;
  /** How long the handshake may take, in milliseconds; for ever by default. */
  readonly timeout?: number | null | undefined;
}

/** Options of `upgradeTls` for a server. */
export interface UpgradeTlsServerOptions extends Omit<TlsServerOptions, 'onHandshakeError'> {
  /** The peer is the client: this side shows its certificate. */
  readonly isServer: true;
  /** How long the handshake may take, in milliseconds: as long as `handshakeTimeout` says, by default. */
  readonly timeout?: number | null | undefined;
}

/** Begins a handshake on the stream that the socket gives away. */
type Start = (transport: Socket['stream'], call: string, shaken: Shaken) => () => void;

class UpgradeTls extends TimedWait<TlsSocket> {
  readonly #socket: Socket;
  readonly #start: Start;
  readonly #session: Buffer | undefined;
  #breakOff: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket, start: Start, timeout: number | undefined, session?: Buffer) {
    super(timeout);
    this.#session = session;
    this.#socket = socket;
    this.#start = start;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.limit === 0) throw timedOut(this.describe(), 0);
    me.checkInterrupts();
    const transport = this.#socket.handOver(me, this);
    const step = hub.park(me, this);
    this.startDeadline(me);
    this.#breakOff = this.#start(transport, this.describe(), (error, stream) => {
      if (error === undefined) me.wake(this.#succeed(stream!, transport));
      else me.fail(this.#fail(error));
    });
    return step;
  }

  #succeed(stream: TLSSocket, transport: Socket['stream']): TlsSocket {
    const plain = this.#socket;
    const { noDelay, keepAlive, path } = plain;
    const secure = new TlsSocket(stream, { noDelay, keepAlive, path, transport, session: this.#session });
    secure.timeout = plain.timeout;
    plain.successor = secure;
    return secure;
  }

  #fail(error: Error): Error {
    this.#failure = error;
    this.#socket.breakage = error;
    return error;
  }

  cancel(): void {
    this.deadline?.cancel();
    this.#breakOff!();
  }

  expire(me: RawGreenlet): void {
    this.cancel();
    me.fail(this.#fail(timedOut(this.describe(), this.limit!) as Error));
  }

  override throw(error: unknown): IteratorResult<Suspension, TlsSocket> {
    if (error === this.#failure) Error.captureStackTrace(error as Error, this.throw);
    return super.throw(error);
  }

  override get repeatable(): boolean {
    return false;
  }

  describe(): string {
    return `upgradeTls(${this.#socket.remote})`;
  }
}

/** Of options that serve many connections, a server's half is made once. */
const acceptors = new WeakMap<UpgradeTlsServerOptions, TlsAcceptor>();

function acceptorOf(options: UpgradeTlsServerOptions): TlsAcceptor {
  let acceptor = acceptors.get(options);
  if (acceptor === undefined) {
    const { isServer, timeout, ...server } = options;
    acceptor = new TlsAcceptor(server);
    acceptors.set(options, acceptor);
  }
  return acceptor;
}

/**
 * Goes over to TLS on a connected socket, after both sides have agreed to, in the way of their protocol (STARTTLS). Gives
 * the socket that goes on; the plain one is used up: its calls throw `SocketClosedError`, and its `close()` does nothing.
 * Bytes that had come and were not read are taken for the beginning of the handshake.
 *
 * With `isServer` the peer is the client. Give the same options object for all connections: it is read once, and clients
 * can use their sessions again. Without it this side is the client; the `servername` is that to which the socket was
 * connected, and has to be given for a socket that was not made by `createConnection`.
 *
 * Suspends until the handshake is done. A kill, a timeout or an error of it closes the connection. Follows
 * `ssl.SSLContext.wrap_socket`.
 *
 * @throws {Timeout} the handshake was not done within `timeout` ms
 * @throws {CertificateError} the certificate of the peer is missing or not to be trusted, or not for the name
 * @throws {TlsError} the handshake failed otherwise
 * @throws {ConcurrentObjectUseError} another greenlet is blocked on the socket
 * @throws {SocketClosedError} the socket was closed on this side
 * @throws the system's error, such as `ECONNRESET`
 * @example
 * ```ts no-run
 * import { type Coroutine } from 'genlet';
 * import { createConnection, type Socket, upgradeTls } from 'genlet/io';
 *
 * function* connectToSmtp(host: string): Coroutine<Socket> {
 *   const socket = yield* createConnection([host, 587], { timeout: 5000 });
 *   yield* socket.readline();
 *   yield* socket.sendall('STARTTLS\r\n');
 *   if (!(yield* socket.readline())?.startsWith('220')) throw new Error('no TLS there');
 *   return yield* upgradeTls(socket);
 * }
 * ```
 */
export function upgradeTls(
  socket: Socket,
  options: UpgradeTlsOptions | UpgradeTlsServerOptions = {},
): Operation<TlsSocket> {
  if (!(socket instanceof Socket)) throw new TypeError(`socket is ${show(socket)}: give a Socket`);
  if (socket instanceof TlsSocket) throw new TypeError(`socket is ${socket}: it speaks TLS already`);
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options is ${show(options)}: give { servername, ca, … } or { isServer: true, cert, key, … }`);
  }
  if (options.isServer) {
    const acceptor = acceptorOf(options);
    const timeout = options.timeout === undefined ? handshakeLimit(options) : checkTimeout(options.timeout);
    return new UpgradeTls(socket, (transport, call, shaken) => acceptor.shake(transport, call, shaken), timeout);
  }
  const { isServer, timeout, ...client } = options;
  const tls = checkClientTls(client, hostOf(socket, client));
  return new UpgradeTls(
    socket,
    (transport, call, shaken) => shakeAsClient(transport, tls, call, shaken),
    checkTimeout(timeout),
    client.session,
  );
}

/** The host to which the socket was connected; whoever does not check it needs none. */
function hostOf(socket: Socket, options: TlsOptions): string {
  const { servername, rejectUnauthorized, checkServerIdentity } = options;
  if (socket.host !== undefined) return socket.host;
  if (servername || rejectUnauthorized === false || checkServerIdentity !== undefined) return socket.remote.host;
  throw new TypeError(
    `servername is ${show(servername)}, and ${socket} was not made by createConnection: give the name of the server`,
  );
}
