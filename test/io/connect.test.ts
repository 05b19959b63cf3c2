import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isExit, run, SocketClosedError, spawn, Timeout, until } from 'genlet';
import { createConnection, type Listener, listen } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { blockLookups, eventually, thrown, untilBlocked, watchResources } from './support.ts';

watchHub();
watchResources();

const here = '127.0.0.1:0';
let paths = 0;
const socketPath = () => join(tmpdir(), `genlet-${process.pid}-${++paths}`);

describe('createConnection', () => {
  it.each([
    ['host:port', ({ address }: Listener) => `127.0.0.1:${address.port}`],
    ['an object', ({ address }: Listener) => ({ host: '127.0.0.1', port: address.port })],
    ['a pair', ({ address }: Listener) => ['localhost', address.port] as const],
    ['an endpoint', ({ address }: Listener) => address],
  ])('connects to %s', (_, form) =>
    run(function* () {
      using listener = yield* listen(here);
      using client = yield* createConnection(form(listener));
      using server = yield* listener.accept();
      yield* client.sendall('hello');
      expect(`${yield* server.recv()}`).toBe('hello');
    }),
  );

  it('connects to a port alone, where a server listens on all interfaces', () =>
    run(function* () {
      using listener = yield* listen(0);
      using client = yield* createConnection(listener.address.port);
      using server = yield* listener.accept();
      yield* server.sendall('hello');
      expect(`${yield* client.recv()}`).toBe('hello');
    }));

  it('connects to a Unix socket, which behaves as any other', () =>
    run(function* () {
      const path = socketPath();
      using listener = yield* listen({ path });
      expect(`${listener}`).toBe(`Listener ${path}`);
      using client = yield* createConnection({ path }, { noDelay: true, keepAlive: false });
      using server = yield* listener.accept();
      expect([client.remote, client.address, server.remote].map(String)).toEqual([path, path, path]);
      yield* client.sendall('hello\n');
      expect(yield* server.readline()).toBe('hello');
      const reader = spawn(() => client.recv());
      yield* untilBlocked(reader);
      server.abort();
      yield* reader.join();
      expect(reader.value ?? (reader.exception as any).code).toEqual(Buffer.alloc(0));
    }));

  it('sets what it is told to', () =>
    run(function* () {
      using listener = yield* listen(here, { noDelay: false, keepAlive: 5000 });
      using client = yield* createConnection(listener.address, { noDelay: false, keepAlive: true, family: 4 });
      using server = yield* listener.accept();
      expect([client.noDelay, client.keepAlive, server.noDelay, server.keepAlive]).toEqual([false, true, false, 5000]);
    }));

  it("throws the system's error, which has a message also when a name has several addresses", () =>
    run(function* () {
      const listener = yield* listen(here);
      const { port } = listener.address;
      listener.close();
      for (const host of ['127.0.0.1', 'localhost']) {
        const error = yield* thrown(createConnection([host, port], { timeout: 5000 }));
        expect([error.code, error.message]).toEqual(['ECONNREFUSED', expect.stringContaining('connect ECONNREFUSED')]);
        expect(error.stack).toContain('connect.test.ts'); // where the coroutine waits
      }
      expect((yield* thrown(createConnection({ path: socketPath() }))).code).toBe('ENOENT');
    }));

  it('gives up in time', () =>
    run(function* () {
      using listener = yield* listen(here);
      const address = ['localhost', listener.address.port] as const;
      const busy = blockLookups();
      const error = yield* thrown(createConnection(address, { timeout: 5 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`createConnection(localhost:${listener.address.port}) timed out after 5 ms`);
      expect(yield* thrown(createConnection(address, { timeout: 0 }))).toBeInstanceOf(Timeout);
      yield* until(busy);
    }));

  it('is taken back by a kill', () =>
    run(function* () {
      using listener = yield* listen(here);
      let accepted = 0;
      const acceptor = spawn(function* () {
        for (;;) {
          using socket = yield* listener.accept();
          accepted++;
          yield* socket.recv();
        }
      });
      const busy = blockLookups();
      const connector = spawn(() => createConnection(['localhost', listener.address.port]));
      yield* untilBlocked(connector);
      yield* connector.kill();
      expect(isExit(connector.value)).toBe(true);
      yield* until(busy);
      using client = yield* createConnection(listener.address);
      yield* eventually(() => accepted > 0);
      expect(client.closed).toBe(false);
      yield* acceptor.kill();
    }));
});

describe('listen', () => {
  it("throws the system's error", () =>
    run(function* () {
      using listener = yield* listen(here);
      expect((yield* thrown(listen(listener.address))).code).toBe('EADDRINUSE');
    }));

  it('is taken back by a kill', () =>
    run(function* () {
      const busy = blockLookups();
      const listening = spawn(() => listen(['localhost', 0]));
      yield* untilBlocked(listening);
      yield* listening.kill();
      expect(isExit(listening.value)).toBe(true);
      yield* until(busy);
    }));

  it('checks its options first', () => {
    expect(() => listen(0, { backlog: 0 })).toThrow('backlog is 0: give a whole number, 1 or more');
    expect(() => listen(0, { maxConnections: 0.5 })).toThrow('maxConnections is 0.5');
  });
});

describe('Listener', () => {
  it('hands out connections to the greenlets in the order of their calls', () =>
    run(function* () {
      using listener = yield* listen(here);
      const got: string[] = [];
      const acceptors = ['a', 'b', 'c'].map((name) =>
        spawn(function* () {
          using socket = yield* listener.accept();
          got.push(`${name} ${yield* socket.readline()}`);
        }),
      );
      yield* untilBlocked(acceptors[2]!);
      for (const text of ['1', '2', '3']) {
        using client = yield* createConnection(listener.address);
        yield* client.sendall(text);
        client.shutdown('write');
        yield* client.recv();
      }
      for (const acceptor of acceptors) yield* acceptor;
      expect(got).toEqual(['a 1', 'b 2', 'c 3']);
    }));

  it('loses no connection to an accept that is killed or times out', () =>
    run(function* () {
      using listener = yield* listen(here);
      listener.timeout = 5;
      const error = yield* thrown(listener.accept());
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`${listener}.accept() timed out after 5 ms`);
      expect(yield* thrown(listener.accept({ timeout: 0 }))).toBeInstanceOf(Timeout);
      const acceptor = spawn(() => listener.accept({ timeout: null }));
      yield* untilBlocked(acceptor);
      yield* acceptor.kill();
      using client = yield* createConnection(listener.address);
      using server = yield* listener.accept({ timeout: 5000 });
      yield* client.sendall('x');
      expect(`${yield* server.recv()}`).toBe('x');
    }));

  it('wakes everybody with SocketClosedError when it is closed', () =>
    run(function* () {
      const listener = yield* listen(here);
      const acceptors = [1, 2].map(() => spawn(() => thrown(listener.accept())));
      yield* untilBlocked(acceptors[1]!);
      listener.close();
      listener.close();
      for (const acceptor of acceptors) expect(yield* acceptor).toBeInstanceOf(SocketClosedError);
      const error = yield* thrown(listener.accept());
      expect(error.message).toBe(`${listener} was closed by <main>`);
      expect(listener.closed).toBe(true);
    }));

  it('closes connections that nobody has accepted, and no others', () =>
    run(function* () {
      const listener = yield* listen(here);
      using first = yield* createConnection(listener.address);
      using accepted = yield* listener.accept();
      using second = yield* createConnection(listener.address);
      yield* eventually(() => listener.waiting === 1);
      listener.close();
      const end = spawn(() => second.recv());
      yield* end.join();
      expect(end.value?.length ?? (end.exception as any).code).toSatisfy((is) => is === 0 || is === 'ECONNRESET');
      yield* accepted.sendall('on');
      expect(`${yield* first.recv()}`).toBe('on');
    }));

  it('holds at most `backlog` connections that nobody has accepted, without reading them', () =>
    run(function* () {
      using listener = yield* listen(here, { backlog: 2 });
      const clients = [];
      for (let index = 0; index < 4; index++) clients.push(yield* createConnection(listener.address));
      yield* eventually(() => listener.waiting + listener.dropped === 4);
      expect([listener.waiting, listener.dropped]).toEqual([2, 2]);
      yield* clients[0]!.sendall('first');
      using server = yield* listener.accept();
      expect(`${yield* server.recv()}`).toBe('first');
      expect(listener.waiting).toBe(1);
      for (const client of clients) client.close();
    }));

  it('closes connections beyond `maxConnections`', () =>
    run(function* () {
      using listener = yield* listen(here, { maxConnections: 1 });
      using first = yield* createConnection(listener.address);
      const server = yield* listener.accept();
      using second = yield* createConnection(listener.address);
      yield* eventually(() => listener.dropped === 1);
      first.close();
      server.close();
      second.close();
      yield* eventually(() => server.stream.destroyed);
      using third = yield* createConnection(listener.address);
      using next = yield* listener.accept();
      yield* next.sendall('served');
      expect(`${yield* third.recv()}`).toBe('served');
    }));
});

it('serves a plain node:net client and server too', () =>
  run(function* () {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1');
    yield* eventually(() => server.listening);
    using socket = yield* createConnection((server.address() as { port: number }).port);
    expect(`${yield* socket.recv()}`).toBe('hello');
    expect(yield* socket.recv()).toHaveLength(0);
    server.close();
  }));
