/** gevent's test__server, for servers of streams and of datagrams, and the tests of its server examples. */
import { Pool, run, sleep, spawn, Timeout, wait } from 'genlet';
import {
  type ConnectionHandler,
  createConnection,
  DatagramServer,
  type Socket,
  StreamServer,
  type StreamServerOptions,
  UdpSocket,
} from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { eventually, thrown, untilBlocked, watchResources } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();
watchResources();

/** Answers `ping`; keeps a connection that asks for `long` until its peer closes. */
const service = function* (socket: Socket) {
  const [, path] = ((yield* socket.readline()) ?? '').split(' ');
  if (path === '/ping') yield* socket.sendall('HTTP/1.0 200 OK\r\n\r\nPONG');
  else if (path === '/long' || path === '/short') {
    yield* socket.sendall('hello');
    while ((yield* socket.recv(1)).length > 0);
  } else if (path !== undefined) yield* socket.sendall('HTTP/1.0 404 WTF?\r\n\r\n');
};

const serverOf = (handler: ConnectionHandler = service, options: StreamServerOptions = {}) =>
  new StreamServer('127.0.0.1:0', handler, options);

function* ask(server: StreamServer, path: string, timeout = 2000) {
  const socket = yield* createConnection(server.address);
  socket.timeout = timeout;
  yield* socket.sendall(`GET ${path} HTTP/1.0\r\n\r\n`);
  return socket;
}

/** What a whole request is answered. */
function* request(server: StreamServer, path = '/ping', timeout = 2000) {
  using socket = yield* ask(server, path, timeout);
  let text = '';
  for (let part: Buffer; (part = yield* socket.recv()).length > 0; ) text += part;
  return text;
}

const PONG = 'HTTP/1.0 200 OK\r\n\r\nPONG';

/** Nobody listens where the server was. */
function* isRefused(server: StreamServer) {
  return (yield* thrown(createConnection(server.address))).code === 'ECONNREFUSED';
}

describe.each<[string, StreamServerOptions]>([
  ['a greenlet a connection', {}],
  ['a pool of 2', { spawn: 2 }],
])('a server with %s', (_, options) => {
  it('serves once it is started, and refuses connections when it was stopped', () =>
    run(function* () {
      const server = serverOf(service, options);
      yield* server.start();
      expect([yield* request(server), yield* request(server)]).toEqual([PONG, PONG]);
      yield* server.stop();
      expect(yield* isRefused(server)).toBe(true);
    }));

  it('takes a backlog', () =>
    run(function* () {
      const server = serverOf(service, { ...options, backlog: 25 });
      yield* server.start();
      expect(yield* request(server)).toBe(PONG);
      yield* server.stop();
    }));

  it('that is only made does not listen', () =>
    run(function* () {
      const server = serverOf(service, options);
      expect([server.started, server.closed, server.port]).toEqual([false, false, 0]);
      yield* server.stop();
      expect([server.started, server.closed]).toEqual([false, true]);
    }));

  it('starts by serveForever(), and ends it when it is stopped', () =>
    run(function* () {
      const server = serverOf(service, options);
      const serving = spawn(() => server.serveForever());
      yield* untilBlocked(serving);
      yield* eventually(() => server.started);
      expect(yield* request(server)).toBe(PONG);
      yield* server.stop();
      expect(server.started).toBe(false);
      yield* serving;
      expect(yield* isRefused(server)).toBe(true);
    }));

  it('serves by serveForever() after start(), and is stopped by a kill', () =>
    run(function* () {
      const server = serverOf(service, options);
      yield* server.start();
      expect(server.started).toBe(true);
      const serving = spawn(() => server.serveForever());
      yield* untilBlocked(serving);
      expect(yield* request(server)).toBe(PONG);
      yield* serving.kill();
      yield* serving; // an exit is no failure
      expect([server.started, yield* isRefused(server)]).toEqual([false, true]);
    }));

  it('closes the sockets of clients whose handler has returned', () =>
    run(function* () {
      const server = serverOf(() => [], options);
      yield* server.start();
      const socket = yield* ask(server, '/');
      // the request was not read, so the close may come as a reset
      const end = yield* ended(socket);
      expect(['end', 'ECONNRESET']).toContain(end);
      socket.abort();
      yield* server.stop();
    }));

  it('reports the error of a handler, closes its socket and serves the next', () =>
    run(function* () {
      const server = serverOf(function* (socket) {
        if ((yield* socket.readline())?.includes('/bad')) throw new TypeError('a failure of the handler');
        yield* socket.sendall(PONG);
      }, options);
      yield* server.start();
      const socket = yield* ask(server, '/bad');
      expect(['end', 'ECONNRESET']).toContain(yield* ended(socket));
      socket.abort();
      expect(yield* request(server)).toBe(PONG);
      yield* server.stop();
    }).then(async () => {
      const reports = await takeReports();
      expect(reports.map(({ error }) => String(error))).toEqual(['TypeError: a failure of the handler']);
    }));

  it('reports a handler that fails before its first suspension', () =>
    run(function* () {
      const server = serverOf(() => {
        throw new RangeError('at once');
      }, options);
      yield* server.start();
      const socket = yield* createConnection(server.address);
      expect(['end', 'ECONNRESET']).toContain(yield* ended(socket));
      socket.abort();
      yield* server.stop();
    }).then(async () => {
      const reports = await takeReports();
      expect(reports.map(({ error }) => String(error))).toEqual(['RangeError: at once']);
    }));

  it('does not mind a client that leaves in the middle, whether it ends or resets', () =>
    run(function* () {
      const server = serverOf(service, options);
      yield* server.start();
      const one = yield* ask(server, '/long');
      expect(String(yield* one.recvExactly(5))).toBe('hello');
      one.abort();
      const other = yield* ask(server, '/long');
      expect(String(yield* other.recvExactly(5))).toBe('hello');
      other.close();
      yield* eventually(() => server.connections === 0);
      expect(yield* request(server)).toBe(PONG);
      yield* server.stop();
    }));

  it('shows in text where it listens', () =>
    run(function* () {
      const server = serverOf(service, options);
      expect(`${server}`).toBe('StreamServer 127.0.0.1:0');
      yield* server.start();
      expect(`${server}`).toBe(`StreamServer 127.0.0.1:${server.port}`);
      yield* server.stop();
      expect(`${server}`).toMatch(/^StreamServer 127\.0\.0\.1:\d+$/);
    }));
});

/** How a connection ends that gives no bytes any more. */
function* ended(socket: Socket) {
  try {
    return (yield* socket.recv()).length === 0 ? 'end' : 'bytes';
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

describe('a server whose pool is full', () => {
  it('accepts nobody until there is a place', () =>
    run(function* () {
      const server = serverOf(service, { spawn: 2 });
      yield* server.start();
      const short = yield* ask(server, '/short');
      const long = yield* ask(server, '/long');
      for (const socket of [short, long]) expect(String(yield* socket.recvExactly(5))).toBe('hello');
      for (let i = 0; i < 3; i++) expect(yield* thrown(request(server, '/ping', 10))).toBeInstanceOf(Timeout);
      short.close();
      expect(yield* request(server)).toBe(PONG);
      long.close();
      yield* server.stop();
    }));

  it('shares the pool that it was given', () =>
    run(function* () {
      const pool = new Pool(1);
      const server = serverOf(service, { spawn: pool });
      yield* server.start();
      const guest = yield* pool.spawn(() => sleep(30));
      expect(yield* thrown(request(server, '/ping', 5))).toBeInstanceOf(Timeout);
      yield* guest;
      expect(yield* request(server)).toBe(PONG);
      yield* server.stop();
    }));
});

describe('the making of a server', () => {
  it.each([undefined, null, 5, 'handler', {}])('refuses %s as a handler', (handler) => {
    expect(() => new StreamServer('127.0.0.1:0', handler as never)).toThrow(TypeError);
    expect(() => new DatagramServer('127.0.0.1:0', handler as never)).toThrow(TypeError);
  });

  it.each([-1, 1.5, 'many', {}])('refuses %s as places for its handlers', (places) => {
    expect(() => serverOf(service, { spawn: places as never })).toThrow(/spawn is|size is/);
  });

  it('refuses a socket in place of an address', () => {
    expect(() => new StreamServer(new UdpSocket() as never, service)).toThrow(/address is/);
  });
});

describe('a StreamServer as in the echo server example', () => {
  it('welcomes two clients, echoes their lines, and then stays silent', () =>
    run(function* () {
      const server = serverOf(function* (socket) {
        yield* socket.sendall('Welcome to the echo server! Type quit to exit.\r\n');
        for (let line; (line = yield* socket.readline()) !== undefined && line !== 'quit'; ) {
          yield* socket.sendall(`${line}\r\n`);
        }
      });
      yield* server.start();
      const client = function* (message: string) {
        using socket = yield* createConnection(server.address);
        expect(yield* socket.readline()).toContain('Welcome');
        yield* socket.sendall(message);
        expect(String(yield* socket.recvExactly(message.length))).toBe(message);
        expect(yield* thrown(socket.recv(1, { timeout: 10 }))).toBeInstanceOf(Timeout);
        yield* socket.sendall('quit\r\n');
        expect(yield* socket.readline()).toBe(undefined);
      };
      const clients = [spawn(client, 'hello\r\n'), spawn(client, 'world\r\n')];
      expect((yield* wait(clients)).length).toBe(2);
      for (const greenlet of clients) yield* greenlet;
      yield* server.stop();
    }));
});

describe('a DatagramServer', () => {
  it('answers as in the UDP server example', () =>
    run(function* () {
      const server: DatagramServer = new DatagramServer('127.0.0.1:0', (data, address) =>
        server.sendto(`Received ${data.length} bytes`, address),
      );
      yield* server.start();
      using socket = new UdpSocket();
      yield* socket.connect(server.address);
      yield* socket.send('Test udp_server');
      expect(String((yield* socket.recvfrom({ timeout: 2000 })).data)).toBe('Received 15 bytes');
      yield* server.stop();
    }));

  it('answers a client as in the UDP client example, which gets it from where it had sent', () =>
    run(function* () {
      const log: string[] = [];
      const server: DatagramServer = new DatagramServer('127.0.0.1:0', function* (message, address) {
        log.push(String(message));
        yield* server.sendto('reply-from-server', address);
      });
      yield* server.start();
      using socket = new UdpSocket();
      yield* socket.connect(server.address);
      yield* socket.send('Test_udp_client');
      const { data, address } = yield* socket.recvfrom({ timeout: 2000 });
      expect([String(data), address.port, log]).toEqual(['reply-from-server', server.port, ['Test_udp_client']]);
      yield* server.stop();
    }));

  it('reports the error of a handler and handles the next datagram', () =>
    run(function* () {
      const server: DatagramServer = new DatagramServer('127.0.0.1:0', function* (data, address) {
        if (String(data) === 'bad') throw new TypeError('a failure of the handler');
        yield* server.sendto('good', address);
      });
      yield* server.start();
      using socket = new UdpSocket();
      yield* socket.sendto('bad', server.address);
      yield* socket.sendto('fine', server.address);
      expect(String(yield* socket.recv({ timeout: 2000 }))).toBe('good');
      yield* server.stop();
      expect(yield* thrown(server.start())).toMatchObject({ name: 'InvalidStateError' });
    }).then(async () => {
      expect((await takeReports()).map(({ error }) => String(error))).toEqual(['TypeError: a failure of the handler']);
    }));

  it('serves by serveForever() until it is stopped or killed', () =>
    run(function* () {
      for (const end of ['stop', 'kill']) {
        const server = new DatagramServer('127.0.0.1:0', () => {});
        const serving = spawn(() => server.serveForever());
        yield* eventually(() => server.started);
        if (end === 'stop') yield* server.stop();
        else yield* serving.kill();
        yield* serving;
        expect([server.started, server.closed]).toEqual([false, true]);
      }
    }));
});
