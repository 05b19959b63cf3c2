/** WebSockets as a client: undici's, with blocking calls, and with back-pressure both ways. */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { ConnectionOptions } from 'node:tls';
import type * as Undici from 'undici';
import { checkInteger, checkOptions, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { SocketClosedError } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { fromEvent } from '../core/from-event.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { type Resumer, suspend } from '../core/suspend.ts';
import { Timeout, timedOut, withTimeout } from '../core/timeout.ts';
import { until } from '../core/until.ts';
import { WebSocketClosedError } from './http-errors.ts';
import { type HeadersInput, readHeaders } from './http-headers.ts';
import { loadedUndici, loadUndici } from './http-undici.ts';
import { SendAll } from './outbound.ts';
import type { TransferOptions } from './socket.ts';
import { Dial, type DialPlan } from './websocket-dial.ts';
import { Incoming, type Message, Outgoing, Receive } from './websocket-messages.ts';

/** Options of `http.connectWebSocket`. */
export interface WebSocketOptions {
  /** The subprotocols to offer, the preferred one first. */
  readonly protocols?: string | readonly string[] | undefined;
  /** Header fields of the handshake. */
  readonly headers?: HeadersInput | undefined;
  /** How long connecting and the handshake may take, in milliseconds; without it only connecting has a limit, of 10 s. */
  readonly timeout?: number | null | undefined;
  /** The longest message that is taken, in bytes: 16,777,216 (16 MiB) by default. A longer one ends the connection. */
  readonly maxMessage?: number | undefined;
  /** How many bytes of messages may wait to be received before the peer is held up: 1,048,576 (1 MiB) by default. */
  readonly maxQueue?: number | undefined;
  /** Settings of TLS. */
  readonly tls?: ConnectionOptions | undefined;
}

/** Options of `WebSocket.close`. */
export interface WebSocketCloseOptions {
  /** The code that the peer is told: 1000, the default, or one of 3000 to 4999. */
  readonly code?: number | undefined;
  /** The reason that the peer is told: at most 123 bytes. */
  readonly reason?: string | undefined;
  /** How long to wait for the peer to agree, in milliseconds: 1,000 by default, `null` for ever. */
  readonly timeout?: number | null | undefined;
}

/** How a WebSocket ended. */
export interface WebSocketEnd {
  /** The code of the peer; 1005 if it gave none, 1006 if the connection was lost. */
  readonly code: number;
  /** The reason that the peer gave. */
  readonly reason: string;
}

const PATIENCE = 1000;
const CONNECT_TIMEOUT = 10_000;

/** Numbers the pings of all WebSockets. */
let pings = 0;
/** Whom a pong is for. */
const pongs = new WeakMap<object, (payload: Buffer) => void>();
let hearsPongs = false;

/**
 * A connection on which messages are sent and received. Made by `http.connectWebSocket`. Follows `websockets` of Python.
 *
 * One greenlet may receive at a time, and one send; a second gets `ConcurrentObjectUseError`. Messages that come wait for
 * `recv`; when they are more than `maxQueue` bytes, the socket is not read any more until some are taken. A peer that sends
 * so much in compressed form that it is too much all the same is cut off with the code 4009.
 */
export class WebSocket {
  readonly #url: string;
  readonly #socket: Undici.WebSocket;
  readonly #stream: Socket;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #pings = new Map<string, Resumer<void>>();
  #closing = false;
  #end: WebSocketEnd | undefined;

  /** @internal */
  constructor(dial: Dial, url: string, maxMessage: number, maxQueue: number) {
    const { socket, stream } = dial;
    this.#url = url;
    this.#socket = socket;
    this.#stream = stream;
    this.#incoming = new Incoming(stream, url, maxQueue, maxQueue + maxMessage);
    this.#outgoing = new Outgoing(socket, stream, url);
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('error', () => {}); // a closing follows
    socket.addEventListener('close', ({ code, reason, wasClean }) => this.#ended({ code, reason }, wasClean));
    dial.finish();
  }

  /** Where it leads. */
  get url(): string {
    return this.#url;
  }

  /** The subprotocol that the server chose; empty for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Whether it is open, so that messages can be sent. */
  get open(): boolean {
    return this.#end === undefined && !this.#closing && this.#socket.readyState === OPEN;
  }

  /** How it ended; `undefined` before. */
  get end(): WebSocketEnd | undefined {
    return this.#end;
  }

  /** Bytes that were sent and that the system has not taken yet. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Bytes of messages that came and wait for `recv`. */
  get queued(): number {
    return this.#incoming.bytes;
  }

  /**
   * Sends a message: text, or bytes. Suspends while the system has not taken what was sent before, and until the message
   * itself is all but taken; a kill or timeout takes back only what was not accepted yet: a message is never sent in part.
   *
   * @throws {Timeout} the peer did not keep up in time
   * @throws {WebSocketClosedError} the peer closed it, or the connection was lost
   * @throws {SocketClosedError} it was closed on this side
   */
  send(message: string | Uint8Array, options?: TransferOptions): Operation<void> {
    if (typeof message !== 'string' && !(message instanceof Uint8Array)) {
      throw new TypeError(`message is ${show(message)}: give a string, a Buffer or a Uint8Array`);
    }
    return new SendAll(this.#outgoing, 'send()', message, checkTimeout(options?.timeout));
  }

  /**
   * Gives the next message: a string, or a buffer; `undefined` when the peer has closed it, or `close` has. Suspends until
   * there is one; a kill or timeout loses none.
   *
   * @throws {Timeout} nothing came in time
   * @throws {WebSocketClosedError} the connection was lost, or broke the rules, a message longer than `maxMessage` included
   * @throws {SocketClosedError} it was aborted on this side
   */
  recv(options?: TransferOptions): Operation<Message | undefined> {
    return new Receive(this.#incoming, 'recv()', checkTimeout(options?.timeout), (message) => message);
  }

  /**
   * Iterates the messages, as `recv` gives them, until the end. Its `next()` suspends; a time limit is that of each `next()`.
   * Ending the iteration leaves the connection open.
   *
   * @throws by `next()`: as `recv`
   */
  messages(options?: TransferOptions): Iteration<Message> {
    const timeout = checkTimeout(options?.timeout);
    let isOver = false;
    const step = (message: Message | undefined): IteratorResult<Message, undefined> =>
      message === undefined ? { done: true, value: undefined } : { done: false, value: message };
    return {
      next: () => (isOver ? over() : new Receive(this.#incoming, 'messages()', timeout, step)),
      [Symbol.dispose]: () => {
        isOver = true;
      },
    };
  }

  /**
   * Asks the peer for a sign of life, and gives the time that it took, in milliseconds. Suspends; a kill just ends the wait.
   * While messages wait to be received and hold up the peer, no answer comes.
   *
   * @throws {Timeout} there was no answer in time
   * @throws {WebSocketClosedError} it was closed, or the connection lost
   * @throws {SocketClosedError} it was closed on this side
   */
  ping(options?: TransferOptions): Operation<number> {
    return composite('WebSocket.ping()', this.#ping(checkTimeout(options?.timeout)));
  }

  *#ping(timeout: number | undefined): Coroutine<number> {
    const begin = performance.now();
    const limit = Timeout.startNew(timeout);
    try {
      yield* suspend<void>((resume) => {
        if (this.#outgoing.failure !== undefined) {
          resume.throw(this.#outgoing.failure);
          return;
        }
        const payload = String(++pings);
        hearPongs();
        pongs.set(this.#socket, (bytes) => this.#pong(bytes));
        this.#pings.set(payload, resume);
        loadedUndici()!.ping(this.#socket, Buffer.from(payload));
        return () => this.#pings.delete(payload);
      });
      return performance.now() - begin;
    } catch (error) {
      throw error === limit ? timedOut(`WebSocket.ping() of ${this.#url}`, timeout!) : error;
    } finally {
      limit.close();
    }
  }

  /**
   * Closes it, and waits until the peer has agreed and the connection is gone; after `timeout` milliseconds, or when it is
   * killed, it goes without that. Messages that still come are dropped; those that came before can still be received.
   * Whoever is blocked in sending gets `SocketClosedError`. A second call waits too.
   *
   * @throws {RangeError} the code or the reason is none that may be sent
   */
  close(options: WebSocketCloseOptions = {}): Operation<void> {
    checkOptions(options, '{ code: 1000, timeout: milliseconds }');
    const { code = 1000, reason = '', timeout = PATIENCE } = options;
    if (code !== 1000 && !(Number.isInteger(code) && code >= 3000 && code < 5000)) {
      throw new RangeError(`code is ${show(code)}: give 1000, or a whole number from 3000 to 4999`);
    }
    if (typeof reason !== 'string' || Buffer.byteLength(reason) > 123) {
      throw new RangeError(`reason is ${show(reason)}: give a string of at most 123 bytes`);
    }
    return composite('WebSocket.close()', this.#close(code, reason, checkTimeout(timeout)));
  }

  *#close(code: number, reason: string, timeout: number | undefined): Coroutine<void> {
    if (this.#end !== undefined) return;
    this.#shut('closed');
    this.#socket.close(code, reason);
    this.#incoming.flow(); // the peer's agreement comes behind what it has sent
    try {
      yield* withTimeout(timeout, () => fromEvent(this.#stream, 'close', { error: false }), { value: undefined });
    } finally {
      this.#stream.destroy();
    }
  }

  /**
   * Cuts the connection, without a word to the peer and without suspending. Whoever is blocked gets `SocketClosedError`;
   * messages that wait are dropped.
   */
  abort(): void {
    this.#shut('aborted');
    this.#incoming.close(this.#outgoing.failure!);
    this.#stream.destroy();
  }

  /** Makes `using` abort it; `close` it before, to tell the peer. */
  [Symbol.dispose](): void {
    if (this.#end === undefined) this.abort();
  }

  /** `WebSocket to ws://host/path`. */
  toString(): string {
    return `WebSocket to ${this.#url}`;
  }

  /** Nothing can be sent any more. */
  #shut(what: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#fail(new SocketClosedError(`${this} was ${what} by ${hub.current ?? 'a callback'}`));
  }

  #fail(error: Error): void {
    this.#outgoing.fail(error);
    for (const resume of this.#pings.values()) resume.throw(error);
    this.#pings.clear();
  }

  #receive(data: unknown): void {
    if (this.#closing) return;
    const message = typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer);
    if (this.#incoming.push(message)) return;
    const error = new WebSocketClosedError(`${this}: more was received than is taken`, 4009, 'too much at a time');
    this.#closing = true;
    this.#fail(error);
    this.#incoming.fail(error);
    this.#socket.close(error.closeCode, error.reason);
    this.#stream.destroySoon();
  }

  #ended(end: WebSocketEnd, wasClean: boolean): void {
    this.#end = end;
    const { code, reason } = end;
    if (!wasClean && !this.#closing) {
      const hint = 'the connection was lost, or broke the rules';
      this.#incoming.fail(new WebSocketClosedError(`${this}: ${hint}`, code, reason));
    } else this.#incoming.end();
    const words = reason === '' ? code : `${code} ${reason}`;
    this.#fail(
      this.#incoming.failure ?? new WebSocketClosedError(`${this}: the peer closed it (${words})`, code, reason),
    );
  }

  #pong(bytes: Buffer): void {
    const payload = bytes.toString();
    this.#pings.get(payload)?.();
    this.#pings.delete(payload);
  }
}

const OPEN = 1;

function* over(): Coroutine<IteratorResult<Message, undefined>> {
  return { done: true, value: undefined };
}

/** undici tells of pongs by a channel only, for all WebSockets together. */
function hearPongs(): void {
  if (hearsPongs) return;
  hearsPongs = true;
  subscribe('undici:websocket:pong', (message) => {
    const { websocket, payload } = message as { websocket: object; payload: Buffer };
    pongs.get(websocket)?.(payload);
  });
}

/**
 * Opens a WebSocket: `ws:` or `wss:`. Suspends until the server has agreed; a kill or timeout gives it up, and leaves no
 * connection. A name and password in the URL become an `authorization` header. Follows `websockets.connect` of Python.
 *
 * @throws {Timeout} it was not open within `timeout` ms
 * @throws {HttpStatusError} the server gave an answer, but no WebSocket
 * @throws {WebSocketClosedError} the handshake broke off, or broke the rules
 * @throws the error of undici or of the system, with its `code`: there was no connection
 * @example
 * ```ts
 * import { createHash } from 'node:crypto';
 * import { createServer } from 'node:http';
 * import { fromEvent, run } from 'genlet';
 * import { http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = createServer().on('upgrade', (request, socket) => {
 *     const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
 *     const accept = createHash('sha1').update(key).digest('base64');
 *     const head = `HTTP/1.1 101 Yes\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
 *     socket.write(`${head}\x81\x05hello`, 'latin1'); // a text frame of 5 bytes
 *     socket.end('\x88\x02\x03\xe8', 'latin1'); // and the closing frame, with the code 1000
 *   });
 *   yield* fromEvent(server.listen(0, '127.0.0.1'), 'listening');
 *   const { port } = server.address() as { port: number };
 *   using socket = yield* http.connectWebSocket(`ws://127.0.0.1:${port}/`, { timeout: 5000 });
 *   console.log(yield* socket.recv()); // => hello
 *   console.log(yield* socket.recv()); // => undefined
 *   yield* socket.close();
 *   console.log(socket.end!.code); // => 1000
 *   server.close();
 * });
 * ```
 */
export function connectWebSocket(url: string | URL, options: WebSocketOptions = {}): Operation<WebSocket> {
  checkOptions(options, "an object such as { protocols: ['chat'], timeout: 5000 }");
  const target = readWebSocketUrl(url);
  const { protocols = [], tls } = options;
  const usual = target.username === '' ? undefined : { authorization: basic(target) };
  target.username = target.password = target.hash = '';
  const plan: DialPlan = {
    url: target.href,
    protocols: typeof protocols === 'string' ? [protocols] : protocols,
    headers: readHeaders(options.headers ?? {}, usual),
    maxMessage: checkInteger('maxMessage', options.maxMessage ?? 16_777_216, 1),
    connectTimeout: CONNECT_TIMEOUT,
    tls,
  };
  const maxQueue = checkInteger('maxQueue', options.maxQueue ?? 1_048_576, 1);
  return composite('http.connectWebSocket()', connect(plan, maxQueue, checkTimeout(options.timeout)));
}

function readWebSocketUrl(url: string | URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError("url is none: give one such as 'ws://host/path'");
  }
  if (parsed.protocol === 'ws:' || parsed.protocol === 'wss:') return parsed;
  throw new TypeError(`url has the protocol ${parsed.protocol}: give a ws: or wss: URL`);
}

function basic({ username, password }: URL): string {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function* connect(plan: DialPlan, maxQueue: number, timeout: number | undefined): Coroutine<WebSocket> {
  if (timeout === 0) throw timedOut(`http.connectWebSocket(${plan.url})`, 0);
  const limit = Timeout.startNew(timeout);
  let dial: Dial | undefined;
  try {
    const undici = loadedUndici() ?? (yield* until(loadUndici()));
    const dialed = new Dial(undici, plan);
    dial = dialed;
    return yield* dialed.opened(() => new WebSocket(dialed, plan.url, plan.maxMessage, maxQueue));
  } catch (error) {
    dial?.abort();
    throw error === limit ? timedOut(`http.connectWebSocket(${plan.url})`, timeout!) : error;
  } finally {
    limit.close();
  }
}
