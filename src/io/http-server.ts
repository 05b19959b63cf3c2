/** `HttpServer`: a greenlet a request, on `node:http` or `node:https`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as NetServer, type Socket as Stream } from 'node:net';
import { checkFunction, isGenerator } from '../core/check.ts';
import { isExit } from '../core/errors.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { perform } from '../core/perform.ts';
import { suspend } from '../core/suspend.ts';
import type { Pool } from '../sync/pool.ts';
import { type Address, type Endpoint, parseAddress, serverEnd } from './address.ts';
import { BaseServer } from './base-server.ts';
import { handlerPool } from './handler-pool.ts';
import { Connection } from './http-server-connection.ts';
import { Exchange, type ExchangeHost, GONE } from './http-server-exchange.ts';
import { type AccessLogEntry, badRequestEntry, logExchange } from './http-server-log.ts';
import { checkHttpServerOptions, type HttpServerOptions, nodeOptions } from './http-server-options.ts';
import { type HttpPieces, sendPieces } from './http-server-pieces.ts';
import type { HttpRequest } from './http-server-request.ts';
import type { HttpResponse } from './http-server-response.ts';
import { serveUpgrade } from './http-server-upgrade.ts';
import { startListening } from './start-listening.ts';

/**
 * What is called for each request: a coroutine function, a plain or an async one. What it returns is the answer, unless it
 * has answered by `response`: text, bytes, an object that is sent as JSON, or pieces of text or bytes (an iterable, an async
 * one such as a stream, an `Iteration`, a `Reader`); nothing at all makes it 204.
 */
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => unknown;

const MAX_BODY = 1_048_576;

/** The status that answers what the parser says. */
const REFUSALS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * An HTTP/1.1 server that runs `handler(request, response)` in a greenlet for each request. Requests of one connection are
 * handled one after the other, also if they were sent at once.
 *
 * A client that is gone before its answer is complete has its handler killed, so that its `finally` blocks run. An error of
 * a handler is given to `hub.handleError`, and answered 500 without its message; where the answer has begun already, the
 * connection is cut off. `HttpError` is an answer of the handler's own. What is no HTTP is answered 400, and is no error.
 * Follows `gevent.pywsgi.WSGIServer`.
 *
 * @example
 * ```ts
 * import { run, sleep } from 'genlet';
 * import { HttpServer, http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = new HttpServer('127.0.0.1:0', function* (request) {
 *     yield* sleep(1);
 *     if (request.method === 'POST') return { sum: (yield* request.json()).reduce((a: number, b: number) => a + b) };
 *     return `hello ${request.query.get('name')}`;
 *   });
 *   yield* server.start();
 *   const url = `http://127.0.0.1:${server.port}/`;
 *   const hello = yield* http.fetch(`${url}?name=Ada`);
 *   console.log(yield* hello.text()); // => hello Ada
 *   const sum = yield* http.fetch(url, { method: 'POST', body: '[1, 2, 3]' });
 *   console.log(yield* sum.json()); // => { sum: 6 }
 *   yield* server.stop();
 * });
 * ```
 */
export class HttpServer extends BaseServer {
  readonly #handler: HttpHandler;
  readonly #options: HttpServerOptions;
  readonly #pool: Pool | undefined;
  readonly #maxWaiting: number;
  readonly #maxRequests: number;
  readonly #host: ExchangeHost;
  readonly #run: (exchange: Exchange) => Coroutine<void>;
  readonly #log: ((entry: AccessLogEntry) => void) | undefined;
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;
  #endpoint: Endpoint | undefined;
  /** Requests that wait for a place in the pool. */
  #waiting = 0;
  #dropped = 0;
  /** With TLS, the sockets below; some have not shaken hands yet. */
  readonly #unsecured = new Set<Stream>();

  constructor(address: Address, handler: HttpHandler, options: HttpServerOptions = {}) {
    super(parseAddress(address));
    checkFunction('handler', handler);
    checkHttpServerOptions(options);
    nodeOptions(options);
    this.#handler = handler;
    this.#options = options;
    this.#pool = handlerPool(options.spawn);
    this.#maxWaiting = options.maxWaiting ?? Number.POSITIVE_INFINITY;
    this.#maxRequests = options.maxRequestsPerConnection ?? Number.POSITIVE_INFINITY;
    this.#host = new Host(this, options.maxBody ?? MAX_BODY, (exchange) => this.#settled(exchange));
    this.#run = this.#pool === undefined ? (exchange) => this.#serve(exchange) : (exchange) => this.#await(exchange);
    const { accessLog } = options;
    if (accessLog !== undefined) this.#log = (entry) => this.#tell(accessLog, entry);
  }

  /** How many connections are open, idle ones included. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Connections that were closed since there were `maxConnections` already. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @internal */
  protected override get place(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** @internal */
  protected override *open(given: Endpoint): Coroutine<void> {
    if (this.placement?.isFed) {
      this.#server = this.#create();
      this.#server.emit('listening'); // from here on Node checks the time limits
      this.#endpoint = given;
    } else {
      this.#server = yield* this.#listen(given);
      this.#endpoint = serverEnd(this.#server);
    }
    hub.outside++; // requests may come at any time
  }

  /** Takes a connection that was accepted elsewhere. @internal */
  adopt(stream: Stream): void {
    this.#server!.emit('connection', stream);
  }

  /** They come in callbacks. @internal */
  protected override receive(): undefined {}

  #listen(given: Endpoint): Operation<Server> {
    const options = { ...this.#options, ...this.placement?.options };
    return suspend<Server>((resume) => {
      const server = this.#create();
      return startListening(server, given, options, resume, () => {
        server.on('error', (error) => hub.handleError(error, undefined, `${this}`));
        return server;
      });
    });
  }

  #create(): Server {
    const { tls, maxConnections } = this.#options;
    const options = nodeOptions(this.#options);
    const server = tls === undefined ? createServer(options) : createTlsServer({ ...tls, ...options });
    if (maxConnections !== undefined) server.maxConnections = maxConnections;
    const arrive = (stream: Stream) => this.#connect(stream);
    if (tls !== undefined) server.on('connection', (stream) => this.#watchHandshake(stream));
    server.on(tls === undefined ? 'connection' : 'secureConnection', arrive);
    server.on('drop', () => this.#dropped++);
    server.on('request', (incoming, outgoing) => this.#receive(incoming, outgoing, false));
    server.on('checkContinue', (incoming, outgoing) => this.#receive(incoming, outgoing, true));
    server.on('clientError', (error, stream) => this.#clientError(error, stream as Stream));
    const switchProtocol = (incoming: IncomingMessage, stream: Stream, head: Buffer) =>
      serveUpgrade(this.#host, this.#options.upgrade, this.handlers, incoming, stream, head);
    if (this.#options.upgrade !== undefined) server.on('upgrade', switchProtocol as never);
    server.on('connect', switchProtocol as never);
    return server as Server;
  }

  /** Idle connections are closed; the answers of the others tell the clients that the connection ends. @internal */
  protected override refuse(): void {
    hub.outside--;
    // Not the method of `http.Server`, which cuts off answers that are on their way.
    NetServer.prototype.close.call(this.#server!);
    for (const connection of this.#connections) if (connection.idle) this.#drop(connection);
  }

  /** @internal */
  protected override *flush(): Coroutine<void> {
    for (const connection of this.#connections) if (!this.#isSpared(connection)) yield* connection.drain();
  }

  /** @internal */
  protected override shut(): void {
    for (const connection of this.#connections) if (!this.#isSpared(connection)) this.#drop(connection);
    if (this.#connections.size === 0) for (const stream of this.#unsecured) stream.destroy();
    this.#server?.close(); // frees what Node checks the time limits with
  }

  #drop(connection: Connection): void {
    this.#connections.delete(connection);
    connection.socket.destroy();
  }

  /** Whether its handler is one that stops the server, and may answer after that. */
  #isSpared(connection: Connection): boolean {
    const { greenlet } = connection;
    return greenlet !== undefined && !greenlet.dead && !this.handlers.has(greenlet);
  }

  // ---- connections and requests

  #connect(stream: Stream): void {
    const connection = new Connection(stream, this.address.path);
    this.#connections.add(connection);
    stream.once('close', () => {
      this.#connections.delete(connection);
      connection.current?.gone();
    });
  }

  #watchHandshake(stream: Stream): void {
    this.#unsecured.add(stream);
    stream.once('close', () => this.#unsecured.delete(stream));
  }

  #receive(incoming: IncomingMessage, outgoing: ServerResponse, awaitsContinue: boolean): void {
    const connection = Connection.of(incoming.socket)!;
    // Not `maxRequestsPerSocket` of Node, which announces the end of the connection, and then does not close it.
    if (++connection.requests > this.#maxRequests) return;
    const exchange = new Exchange(this.#host, connection, incoming, outgoing, awaitsContinue);
    exchange.isLast = connection.requests === this.#maxRequests;
    exchange.isLate = this.closed;
    if (this.#log !== undefined) logExchange(exchange, this.#log);
    if (connection.current !== undefined) connection.enqueue(exchange);
    else {
      connection.current = exchange;
      this.#begin(exchange);
    }
  }

  #begin(exchange: Exchange): void {
    const greenlet = new Greenlet<unknown>(this.#run as never, exchange);
    exchange.greenlet = greenlet;
    this.handlers.add(greenlet);
    greenlet.addLink(exchange);
    greenlet.start();
  }

  /** Waits for a place in the pool first. */
  *#await(exchange: Exchange): Coroutine<void> {
    const pool = this.#pool!;
    if (!pool.tryPlace()) {
      if (this.#waiting >= this.#maxWaiting) return exchange.refuse(503);
      this.#waiting++;
      try {
        yield* pool.awaitPlace();
      } finally {
        this.#waiting--;
      }
    }
    pool.enroll(exchange.greenlet!, 'with the greenlet');
    yield* this.#serve(exchange);
  }

  *#serve(exchange: Exchange): Coroutine<void> {
    const { response } = exchange;
    try {
      if (exchange.isLate) return exchange.refuse(503);
      const made = this.#handler(exchange.request, response);
      const frame = isGenerator(made) ? (made as Coroutine<unknown>) : perform(made);
      const value = frame === undefined ? made : yield* frame;
      if (!response.answer(value)) yield* sendPieces(response, value as HttpPieces);
    } catch (error) {
      if (isExit(error)) throw error;
      yield* exchange.fail(error);
    }
  }

  #settled(exchange: Exchange): void {
    const next = exchange.connection.next();
    if (next !== undefined && !exchange.connection.socket.destroyed) this.#begin(next);
  }

  #clientError(error: NodeJS.ErrnoException, stream: Stream): void {
    const connection = Connection.of(stream);
    const { code = '' } = error;
    const status = REFUSALS[code] ?? (code.startsWith('HPE_') ? 400 : undefined);
    if (connection === undefined || status === undefined) stream.destroy();
    else if (!connection.failed) {
      const exchange = connection.fail(status);
      if (exchange !== undefined) exchange.abort(status, code === 'HPE_INVALID_EOF_STATE' ? GONE : error.message);
      else this.#log?.(badRequestEntry(connection.remote, status));
    }
  }

  #tell(accessLog: (entry: AccessLogEntry) => void, entry: AccessLogEntry): void {
    try {
      accessLog(entry);
    } catch (error) {
      hub.handleError(error, undefined, `accessLog of ${this}`);
    }
  }
}

class Host implements ExchangeHost {
  readonly maxBody: number;
  readonly settled: (exchange: Exchange) => void;
  readonly #server: HttpServer;

  constructor(server: HttpServer, maxBody: number, settled: (exchange: Exchange) => void) {
    this.#server = server;
    this.maxBody = maxBody;
    this.settled = settled;
  }

  get closed(): boolean {
    return this.#server.closed;
  }

  toString(): string {
    return `${this.#server}`;
  }
}
