/**
 * Opening a WebSocket: undici's, over a connection that is seen here too.
 *
 * undici's class tells neither why a connection failed nor when the system takes more bytes, and reads as fast as it can. All
 * three are known to whoever makes the connection: its dispatcher hears of the failure, and its socket can be paused.
 */
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type * as Undici from 'undici';
import type { Operation } from '../core/operation.ts';
import { suspend } from '../core/suspend.ts';
import { HttpStatusError, WebSocketClosedError } from './http-errors.ts';
import type { HeaderRecord, OutgoingHeaders } from './http-headers.ts';

/** What a connection is made by, checked. @internal */
export interface DialPlan {
  /** Without a name and password. */
  readonly url: string;
  readonly protocols: readonly string[];
  readonly headers: OutgoingHeaders;
  readonly maxMessage: number;
  readonly connectTimeout: number;
  readonly tls: ConnectionOptions | undefined;
}

/** The handler that undici's `fetch` gives its dispatcher. */
interface FetchHandler {
  onError(error: Error): void;
  onHeaders(status: number, fields: Buffer[], resume: () => void, text: string): boolean;
}

/** @internal */
export class Dial {
  readonly socket: Undici.WebSocket;
  readonly #url: string;
  readonly #client: Undici.Client;
  /** The connection under it, from when it is being made. */
  #stream: Socket | undefined;
  #failure: Error | undefined;

  constructor(undici: typeof Undici, plan: DialPlan) {
    const { url, protocols, headers, maxMessage, connectTimeout, tls } = plan;
    this.#url = url;
    const connector = undici.buildConnector({ ...tls, timeout: connectTimeout } as Undici.buildConnector.BuildOptions);
    const origin = new URL(url.replace(/^ws/, 'http')).origin;
    const client = new undici.Client(origin, {
      connect: (options, callback) => {
        this.#stream = connector(options, callback) as unknown as Socket;
      },
      headersTimeout: 0, // the whole has a time limit
      webSocket: { maxPayloadSize: maxMessage },
    });
    const dispatch = client.dispatch.bind(client);
    client.dispatch = (options, handler) => dispatch(options, this.#listen(handler as unknown as FetchHandler, undici));
    this.#client = client;
    this.socket = new undici.WebSocket(url, {
      protocols: [...protocols],
      headers: headers as never,
      dispatcher: client,
    });
    this.socket.binaryType = 'arraybuffer';
  }

  /** The connection of an open WebSocket. */
  get stream(): Socket {
    return this.#stream!;
  }

  /** Waits until it is open, and gives what `make` makes at that very moment: messages may follow at once. */
  opened<T>(make: () => T): Operation<T> {
    return suspend<T>((resume) => {
      const opened = () => {
        leave();
        resume(make());
      };
      const closed = () => {
        leave();
        resume.throw(this.#failure ?? new WebSocketClosedError(`${this.#url} broke off the handshake`, 1006, ''));
      };
      const leave = () => {
        this.socket.removeEventListener('open', opened);
        this.socket.removeEventListener('close', closed);
      };
      this.socket.addEventListener('open', opened);
      this.socket.addEventListener('close', closed);
      return leave;
    });
  }

  /** The client is of no use after the handshake. */
  finish(): void {
    this.#client.close(() => {});
  }

  /** Gives up, in whatever state it is. */
  abort(): void {
    this.socket.addEventListener('error', () => {});
    this.#client.destroy(null, () => {});
    this.#stream?.destroy(this.#stream.connecting ? new Error('nobody waits for the connection any more') : undefined);
  }

  #listen(handler: FetchHandler, undici: typeof Undici): never {
    const { onError, onHeaders } = handler;
    handler.onError = (error) => {
      this.#failure ??= error;
      onError.call(handler, error);
    };
    handler.onHeaders = (status, fields, resume, text) => {
      if (status >= 200)
        this.#failure ??= this.#refusal(status, text, undici.util.parseHeaders(fields) as HeaderRecord);
      return onHeaders.call(handler, status, fields, resume, text);
    };
    return handler as never;
  }

  #refusal(status: number, text: string, headers: HeaderRecord): HttpStatusError {
    const message = `${this.#url} refused the WebSocket: ${`${status} ${text}`.trim()}`;
    return new HttpStatusError(message, { status, url: this.#url, headers, body: '' });
  }
}
