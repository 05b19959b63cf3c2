/** Servers for the tests of the HTTP client: Node's own, and plain TCP ones that do as they like. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { type Coroutine, fromEvent, run } from 'genlet';
import { http } from 'genlet/io';
import { eventually } from './support.ts';

/** A server, and what has been connected to it. */
export interface Site {
  readonly url: string;
  readonly port: number;
  /** Connections that are open. */
  readonly sockets: Set<Socket>;
  /** How many connections there were. */
  connections: number;
  /** Cuts all connections and closes. */
  end(): Coroutine<void>;
}

/** Starts a server of Node. */
export function* serve(listener: RequestListener, server: Server = createServer(listener)): Coroutine<Site> {
  return yield* open(server as unknown as TcpServer, 'http');
}

/** Starts a server of plain TCP. */
export function* serveRaw(onConnection: (socket: Socket) => void): Coroutine<Site> {
  return yield* open(createTcpServer(onConnection), 'http');
}

/** Starts a server of any kind. */
export function* open(server: TcpServer, protocol: string): Coroutine<Site> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    site.connections++;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  yield* fromEvent(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const site: Site = {
    url: `${protocol}://127.0.0.1:${port}`,
    port,
    sockets,
    connections: 0,
    *end() {
      let isClosed = false;
      server.close(() => {
        isClosed = true;
      });
      for (const socket of sockets) socket.destroy();
      yield* eventually(() => isClosed);
    },
  };
  return site;
}

/** Runs `main` with a client of its own for a site. */
export function withClient<T>(
  start: Coroutine<Site>,
  main: (client: http.HttpClient, site: Site) => Coroutine<T>,
  options: http.HttpClientOptions = {},
): Promise<T> {
  return run(function* () {
    const site = yield* start;
    const client = new http.HttpClient({ origin: site.url, timeout: 5000, ...options });
    try {
      return yield* main(client, site);
    } finally {
      client.destroy();
      yield* site.end();
    }
  });
}

/** Answers with what it was asked, as JSON. */
export const mirror: RequestListener = (request, response) => {
  readAll(request, (bytes) => {
    const { method, url, headers } = request;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method, url, headers, body: bytes.toString() }));
  });
};

export function readAll(request: IncomingMessage, done: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => done(Buffer.concat(chunks)));
}

/** Writes `answer` to each connection when it has got the head of a request. */
export function replying(...answer: (string | Buffer)[]): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', (bytes) => {
      if (!bytes.includes('\r\n\r\n')) return;
      for (const piece of answer) socket.write(piece as Buffer, 'latin1' as never);
    });
  };
}

/** The head of an answer with the status 200. */
export const head = (...fields: string[]): string => `HTTP/1.1 200 OK\r\n${fields.map((f) => `${f}\r\n`).join('')}\r\n`;

/** The connections that a client has at `site`. */
export function connectionsOf(client: http.HttpClient, site: Site) {
  return client.statistics().origins[site.url];
}
