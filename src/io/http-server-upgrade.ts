/** Requests that leave HTTP: their connection is handed over as a `Socket`. */
import type { IncomingMessage } from 'node:http';
import type { Socket as Stream } from 'node:net';
import { Readable } from 'node:stream';
import { isExit } from '../core/errors.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import type { Group } from '../sync/group.ts';
import { Connection, refusal } from './http-server-connection.ts';
import { HttpError } from './http-server-error.ts';
import type { ExchangeHost } from './http-server-exchange.ts';
import type { UpgradeHandler } from './http-server-options.ts';
import { HttpRequest, type RequestOrigin } from './http-server-request.ts';
import { Socket } from './socket.ts';

/** A connection in the hands of an `UpgradeHandler`. @internal */
export class Upgrade extends Link implements RequestOrigin {
  readonly host: ExchangeHost;
  readonly connection: Connection;
  readonly greenlet: Greenlet<unknown>;
  readonly #handler: UpgradeHandler;
  readonly #request: HttpRequest;
  readonly #head: Buffer;
  readonly #socket: Socket;
  /** What was sent on the connection before. */
  readonly #sentBefore: number;

  constructor(
    host: ExchangeHost,
    handler: UpgradeHandler,
    connection: Connection,
    incoming: IncomingMessage,
    head: Buffer,
  ) {
    super();
    const stream = connection.socket;
    this.host = host;
    this.connection = connection;
    this.#handler = handler;
    this.#request = new HttpRequest(incoming, this);
    this.#head = head;
    this.#sentBefore = stream.bytesWritten;
    if (head.length > 0) stream.unshift(head);
    this.#socket = new Socket(stream, { path: connection.remote.path });
    this.greenlet = new Greenlet<unknown>(() => this.#run());
  }

  /** There is none: what comes behind the head belongs to the other protocol. */
  openBody(): Readable {
    return Readable.from([]);
  }

  *#run(): Coroutine<void> {
    try {
      yield* callAndWait(() => this.#handler(this.#request, this.#socket, this.#head));
    } catch (error) {
      if (isExit(error) || this.#socket.isBrokenBy(error)) throw error;
      const isAnswer = error instanceof HttpError && !this.#hasAnswered;
      if (!isAnswer || error.status >= 500) hub.handleError(error, this.greenlet, `${this.host}`);
      if (isAnswer) this.#refuse(error.status, error.message, error.headers);
      else this.#refuse(500);
    }
  }

  get #hasAnswered(): boolean {
    return this.connection.socket.bytesWritten > this.#sentBefore;
  }

  #refuse(status: number, message?: string, headers?: Readonly<Record<string, string>>): void {
    const { socket } = this.connection;
    if (!this.#hasAnswered && socket.writable) socket.write(refusal(status, message, headers));
  }

  notify(greenlet: Greenlet<unknown>): void {
    this.removeFrom(greenlet);
    this.#socket.close();
  }
}

/** Runs `handler` in a greenlet of its own, and closes the socket after it. @internal */
export function serveUpgrade(
  host: ExchangeHost,
  handler: UpgradeHandler | undefined,
  handlers: Group,
  incoming: IncomingMessage,
  stream: Stream,
  head: Buffer,
): void {
  const connection = Connection.of(stream)!;
  if (connection.current !== undefined)
    stream.destroy(); // nobody may ask for it before the answer to another request
  else if (handler === undefined || host.closed) {
    stream.on('error', () => {}); // Node has taken its own listener off
    stream.end(refusal(host.closed ? 503 : 501));
    stream.destroySoon();
  } else {
    const upgrade = new Upgrade(host, handler, connection, incoming, head);
    connection.upgrade = upgrade.greenlet;
    handlers.add(upgrade.greenlet);
    upgrade.greenlet.addLink(upgrade);
    upgrade.greenlet.start();
  }
}
