/**
 * `Connection`: a client's connection to an `HttpServer`, and what is going on in it.
 *
 * Node takes pipelined requests as they come; here each waits for the one before to be answered, so that a handler sees what
 * the one before has done, and a client has one handler a connection. That the client is gone is noticed by one listener
 * for all the requests of the connection.
 */
import { type ServerResponse, STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket as Stream } from 'node:net';
import { fromEvent } from '../core/from-event.ts';
import type { Greenlet } from '../core/greenlet.ts';
import type { Coroutine } from '../core/operation.ts';
import { type Endpoint, remoteEnd } from './address.ts';
import type { Exchange } from './http-server-exchange.ts';

/** Requests that may wait for the one before them; while there are more, nothing more is read. */
const MOST_WAITING = 64;

const key: unique symbol = Symbol('genlet connection');

type Connected = Stream & { [key]?: Connection };

/** @internal */
export class Connection {
  readonly socket: Stream;
  readonly remote: Endpoint;
  /** Requests so far. */
  requests = 0;
  /** The request whose handler is running, or waits for its turn. */
  current: Exchange | undefined = undefined;
  /** What was answered last; its bytes may still be on their way. */
  last: ServerResponse | undefined = undefined;
  /** Who has taken the connection over, for another protocol. */
  upgrade: Greenlet<unknown> | undefined = undefined;
  /** Whether what was received can't be understood: nothing more is. */
  failed = false;
  /** The answer to that, which comes behind all the others. */
  #refusal: number | undefined = undefined;
  readonly #waiting: Exchange[] = [];
  #paused = false;

  constructor(socket: Stream, path: string | undefined) {
    this.socket = socket;
    this.remote = remoteEnd(socket, path);
    (socket as Connected)[key] = this;
  }

  /** That of a socket; `undefined` if its TLS handshake was not complete. */
  static of(socket: Stream): Connection | undefined {
    return (socket as Connected)[key];
  }

  /** Whether nobody is being answered. */
  get idle(): boolean {
    const isFree = this.current === undefined && this.upgrade === undefined;
    return isFree && (this.last === undefined || this.last.writableFinished);
  }

  /** Who is at work for it. */
  get greenlet(): Greenlet<unknown> | undefined {
    return this.upgrade ?? this.current?.greenlet;
  }

  /** Whether requests wait behind the current one. */
  get crowded(): boolean {
    return this.#waiting.length > 0;
  }

  /** Lets a request wait for its turn. */
  enqueue(exchange: Exchange): void {
    this.#waiting.push(exchange);
    if (this.#waiting.length < MOST_WAITING || this.#paused) return;
    this.#paused = true;
    // Later, for Node resumes the socket at the end of each request that it finds in what was read.
    setImmediate(() => {
      if (this.#paused) this.socket.pause();
    });
  }

  /** The current request is over; gives the one whose turn it is. */
  next(): Exchange | undefined {
    const { current } = this;
    this.last = current!.outgoing;
    this.current = this.#waiting.shift();
    if (this.#paused && this.#waiting.length < MOST_WAITING) {
      this.#paused = false;
      this.socket.resume();
    }
    if (this.current === undefined && this.#refusal !== undefined) this.#refuse(this.#refusal);
    return this.current;
  }

  /**
   * The parser has given up, or the client was too slow. Gives the request that it was about, if it is being handled: that
   * one is answered by its own means.
   */
  fail(status: number): Exchange | undefined {
    const { current } = this;
    if (this.failed || this.socket.destroyed) return undefined;
    this.failed = true;
    const isUnanswered = current !== undefined && !current.outgoing.writableEnded;
    if (isUnanswered && !current.incoming.complete) return current;
    if (current === undefined) this.#refuse(status);
    else this.#refusal = status;
    return undefined;
  }

  #refuse(status: number): void {
    const { last, socket } = this;
    if (last !== undefined && !last.shouldKeepAlive) return; // that was the last answer, whatever comes behind it
    if (last !== undefined && !last.writableFinished) last.once('close', () => this.#refuse(status));
    else if (socket.writable) {
      socket.end(refusal(status));
      socket.destroySoon();
    } else socket.destroy();
  }

  /** Waits until all that was sent is with the system, then closes. */
  *drain(): Coroutine<void> {
    const { last, socket, upgrade } = this;
    if (socket.destroyed) return;
    if (upgrade !== undefined) yield* fromEvent(socket, 'close', { error: false });
    else if (last !== undefined && !last.writableFinished) yield* fromEvent(last, 'close', { error: false });
    if (this.idle) socket.destroy();
  }
}

/** A whole answer, for a client that is not to send anything more. @internal */
export function refusal(
  status: number,
  message = `${STATUS_CODES[status]}`,
  headers: Readonly<Record<string, string>> = {},
): string {
  const fields = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(message),
    Connection: 'close',
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => {
    validateHeaderName(name);
    validateHeaderValue(name, `${value}`);
    return `${name}: ${value}\r\n`;
  });
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${message}`;
}
