/** `Exchange`: a request and its answer, and the greenlet between them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GreenletExit } from '../core/errors.ts';
import { fromEvent } from '../core/from-event.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine } from '../core/operation.ts';
import { withTimeout } from '../core/timeout.ts';
import type { Connection } from './http-server-connection.ts';
import { HttpError } from './http-server-error.ts';
import { HttpRequest, type RequestOrigin } from './http-server-request.ts';
import { HttpResponse } from './http-server-response.ts';

/** What an exchange has to know of its server. @internal */
export interface ExchangeHost {
  /** No more requests are taken. */
  readonly closed: boolean;
  readonly maxBody: number;
  /** The greenlet of an exchange has ended. */
  settled(exchange: Exchange): void;
  toString(): string;
}

/** How long a client may go on to send a body that was refused: cut off at once, it would not read why. */
const LINGER = 1000;

/** Why a handler is killed. @internal */
export const GONE = 'the client is gone';

/** As a link, it is told of the end of its greenlet, also if that never began. @internal */
export class Exchange extends Link implements RequestOrigin {
  readonly host: ExchangeHost;
  readonly connection: Connection;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  /** Who answers; `undefined` while the request waits for the one before it. */
  greenlet: Greenlet<unknown> | undefined = undefined;
  /** It came while the server was being stopped. */
  isLate = false;
  /** The connection ends with it. */
  isLast = false;
  /** The client sends no body before it is told to. */
  #awaitsContinue: boolean;
  #bodyOpened = false;

  constructor(
    host: ExchangeHost,
    connection: Connection,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    awaitsContinue: boolean,
  ) {
    super();
    this.host = host;
    this.connection = connection;
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.#awaitsContinue = awaitsContinue;
    this.request = new HttpRequest(incoming, this);
    this.response = new HttpResponse(outgoing, this);
  }

  /** The handler begins to read the body. */
  openBody(): IncomingMessage {
    this.#bodyOpened = true;
    if (this.#awaitsContinue && !this.outgoing.headersSent) {
      this.#awaitsContinue = false;
      this.outgoing.writeContinue();
    }
    return this.incoming;
  }

  /**
   * The head is about to go out: tells whether the connection is of no use after this answer. Node knows another reason: a
   * client that was not told to send its body may send it all the same, and what follows can't be told from it.
   */
  get closes(): boolean {
    return this.isLast || (this.host.closed && !this.connection.crowded);
  }

  /** Answers an error of the handler. */
  *fail(error: unknown): Coroutine<void> {
    const { greenlet, outgoing } = this;
    const isAnswer = error instanceof HttpError && !outgoing.headersSent;
    if (!(isAnswer && error.status < 500) && !this.#isBrokenBy(error)) hub.handleError(error, greenlet, `${this.host}`);
    if (!isAnswer) this.refuse(500);
    else if (error.status === 413 && !this.#awaitsContinue) yield* this.#refuseBody(error);
    else this.refuse(error.status, error.message, error.headers);
  }

  /** Whether it is the client that has broken the connection off. */
  #isBrokenBy(error: unknown): boolean {
    if (!this.connection.socket.destroyed) return false;
    const code = (error as { code?: unknown } | undefined)?.code;
    return code === 'ECONNRESET' || code === 'EPIPE';
  }

  /** Answers in the place of a handler; if that has begun to answer, the connection is cut off. */
  refuse(status: number, message?: string, headers?: Readonly<Record<string, string>>): void {
    const { outgoing, response } = this;
    try {
      if (!outgoing.headersSent) response.refuse(status, message, headers);
      else if (!outgoing.writableEnded) outgoing.destroy();
    } catch (error) {
      hub.handleError(error, this.greenlet, `${this.host}`); // such as header fields of an HttpError that can't be sent
      outgoing.destroy();
    }
  }

  *#refuseBody(error: HttpError): Coroutine<void> {
    const { incoming, response, outgoing } = this;
    response.refuse(error.status, error.message, { ...error.headers, Connection: 'close' }, false);
    this.#dropBody();
    if (!incoming.readableEnded) {
      yield* withTimeout(LINGER, () => fromEvent(incoming, 'end', { error: false }), { value: undefined });
    }
    outgoing.end();
  }

  /** What the handler has left of the body is read and dropped, for the next request comes behind it. */
  #dropBody(): void {
    const { incoming } = this;
    if (incoming.readableEnded || incoming.destroyed) return;
    incoming.removeAllListeners('data');
    incoming.resume();
  }

  /** The client is gone. */
  gone(): void {
    const { greenlet, outgoing } = this;
    if (greenlet !== undefined && !outgoing.writableEnded) greenlet.sendKill(new GreenletExit(GONE));
    this.response.gone();
  }

  /** The parser failed in the body, or the client was too slow with it. */
  abort(status: number, why: string): void {
    this.outgoing.shouldKeepAlive = false;
    this.refuse(status);
    this.greenlet?.sendKill(new GreenletExit(why));
  }

  notify(greenlet: Greenlet<unknown>): void {
    this.removeFrom(greenlet);
    if (!greenlet.successful()) hub.handleError(greenlet.exception, greenlet, `${this.host}`);
    if (!this.outgoing.writableEnded && !this.connection.socket.destroyed) this.refuse(503);
    if (this.#bodyOpened) this.#dropBody();
    this.host.settled(this);
  }
}
