/** What the tests of the HTTP server share: a server for a test, and a client that shows every byte. */
import { type Coroutine, run } from 'genlet';
import { createConnection, type HttpHandler, HttpServer, type HttpServerOptions, type Socket } from 'genlet/io';

/** Runs `main` with a server that is stopped afterwards. */
export function withHttp<T>(
  handler: HttpHandler,
  main: (server: HttpServer) => Coroutine<T>,
  options?: HttpServerOptions,
): Promise<T> {
  return run(function* () {
    const server = new HttpServer('127.0.0.1:0', handler, options);
    yield* server.start();
    try {
      return yield* main(server);
    } finally {
      yield* server.stop(0);
    }
  });
}

/** An answer as it came. */
export interface RawResponse {
  readonly version: string;
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; several lines of a name are joined by `|`. */
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly chunks: string[] | undefined;
  readonly trailers: Record<string, string>;
}

/** A client that writes bytes and reads answers. */
export class RawClient {
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.timeout = 5000;
  }

  static *connect(server: HttpServer): Coroutine<RawClient> {
    return new RawClient(yield* createConnection(server.address));
  }

  *send(text: string | Uint8Array): Coroutine<void> {
    yield* this.socket.sendall(text);
  }

  /** Reads one answer; `head` if it answers a HEAD request. */
  *read(options: { head?: boolean } = {}): Coroutine<RawResponse> {
    const line = yield* this.#line();
    const [, version, status, statusText] = /^HTTP\/(\d\.\d) (\d{3}) ?(.*)$/.exec(line) ?? [];
    if (version === undefined) throw new Error(`no answer, but ${JSON.stringify(line)}`);
    const headers = yield* this.#fields();
    const code = Number(status);
    let body = '';
    let chunks: string[] | undefined;
    let trailers = {};
    if (options.head || code === 204 || code === 304 || code < 200) body = '';
    else if (headers['transfer-encoding'] === 'chunked') {
      chunks = [];
      for (;;) {
        const size = Number.parseInt(yield* this.#line(), 16);
        if (size === 0) break;
        chunks.push((yield* this.socket.recvExactly(size)).toString());
        yield* this.#line();
      }
      trailers = yield* this.#fields();
      body = chunks.join('');
    } else if (headers['content-length'] !== undefined) {
      body = (yield* this.socket.recvExactly(Number(headers['content-length']))).toString();
    } else body = yield* this.rest();
    return { version: version!, status: code, statusText: statusText!, headers, body, chunks, trailers };
  }

  /** Sends a request and reads its answer. */
  *ask(text: string | Uint8Array): Coroutine<RawResponse> {
    yield* this.send(text);
    return yield* this.read({ head: String(text).startsWith('HEAD ') });
  }

  /** All that comes until the end; a reset counts as the end. */
  *rest(): Coroutine<string> {
    const parts: Buffer[] = [];
    try {
      for (let part: Buffer; (part = yield* this.socket.recv()).length > 0; ) parts.push(part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    }
    return Buffer.concat(parts).toString();
  }

  close(): void {
    this.socket.close();
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }

  *#line(): Coroutine<string> {
    const line = yield* this.socket.readline({ encoding: 'latin1' });
    if (line === undefined) throw new Error('the connection was closed');
    return line;
  }

  *#fields(): Coroutine<Record<string, string>> {
    const fields: Record<string, string> = {};
    for (let line: string; (line = yield* this.#line()) !== ''; ) {
      const at = line.indexOf(':');
      const name = line.slice(0, at).toLowerCase();
      const value = line.slice(at + 1).trim();
      fields[name] = name in fields ? `${fields[name]}|${value}` : value;
    }
    return fields;
  }
}

/** A request with a `Host`. */
export function get(path = '/', ...fields: string[]): string {
  return `${['GET', path, 'HTTP/1.1'].join(' ')}\r\nHost: localhost\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
}

/** A request with a body and its length. */
export function post(body: string, path = '/', ...fields: string[]): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${[length, ...fields].join('\r\n')}\r\n\r\n${body}`;
}

/** A request with a body in chunks. */
export function postChunks(chunks: readonly string[], path = '/', end = '0\r\n\r\n', ...fields: string[]): string {
  const head = ['Host: localhost', 'Transfer-Encoding: chunked', ...fields].join('\r\n');
  const body = chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}\r\n${chunk}\r\n`).join('');
  return `POST ${path} HTTP/1.1\r\n${head}\r\n\r\n${body}${end}`;
}
