/** Reading and writing through TLS, and the behavior at the edges: close, half-close, reset, kill, back-pressure. */
import { connect as connectPlain, createServer as createPlainServer, type Server as PlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import {
  ConcurrentObjectUseError,
  type Coroutine,
  fromEvent,
  IncompleteReadError,
  isExit,
  run,
  SocketClosedError,
  spawn,
  Timeout,
} from 'genlet';
import { createConnection, listen, StreamServer, TlsSocket } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, thrown, untilBlocked, watchResources } from './support.ts';
import { ca, cert, key, server as serverTls, tlsPair, withTlsPair } from './tls-support.ts';

watchHub();
watchResources();

const ALERT = 21;

const DATA = 23;

/** Passes on connections to `port`, and shows what comes back. */
function createProxy(port: number, show: (bytes: Buffer) => void): PlainServer {
  return createPlainServer((near) => {
    const far = connectPlain(port, '127.0.0.1');
    far.on('data', show).on('error', () => near.destroy());
    far.on('close', () => near.destroySoon());
    near.on('error', () => far.destroy());
    near.pipe(far).pipe(near);
  });
}

/** The types of the records of TLS in `bytes`. */
function recordTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) types.push(bytes[at]!);
  return types;
}

describe('a pair', () => {
  it('exchanges bytes and lines, and tells what was agreed upon', () =>
    withTlsPair(function* (client, server) {
      yield* client.sendall('hello\n');
      expect(yield* server.readline()).toBe('hello');
      yield* server.sendall(Buffer.from('you too'));
      expect(`${yield* client.recvExactly(7)}`).toBe('you too');
      const told = ({
        protocol,
        authorized,
        authorizationError,
        alpnProtocol,
        servername,
        sessionReused,
      }: TlsSocket) => [protocol, authorized, authorizationError, alpnProtocol, servername, sessionReused];
      expect(told(client)).toEqual(['TLSv1.3', true, undefined, undefined, undefined, false]);
      expect(told(server)).toEqual(['TLSv1.3', false, undefined, undefined, undefined, false]);
      expect(client.cipher).toMatchObject({ name: expect.stringMatching(/^TLS_/), version: 'TLSv1.3' });
      expect(client.peerCertificate()!.subject.CN).toBe('localhost');
      expect(client.peerCertificate(true)!.issuerCertificate.subject.CN).toBe('genlet test authority');
      expect(server.peerCertificate()).toBeUndefined();
      expect([`${client}`, `${client.address}`, client.noDelay]).toEqual([
        `TlsSocket ${server.address}`,
        `${server.remote}`,
        true,
      ]);
      client.close();
      yield* eventually(() => client.stream.destroyed);
      expect([client.cipher, client.peerCertificate(), client.protocol]).toEqual([undefined, undefined, 'TLSv1.3']);
    }));

  it('moves 1 MiB both ways at once', () =>
    withTlsPair(function* (client, server) {
      const data = Buffer.alloc(1_048_576, 'genlet');
      const tasks = [client, server].flatMap((socket) => [
        spawn(() => socket.sendall(data)),
        spawn(() => socket.recvExactly(data.length)),
      ]);
      for (const task of tasks) yield* task;
      expect([tasks[1]!.value, tasks[3]!.value].map((received) => data.equals(received as Buffer))).toEqual([
        true,
        true,
      ]);
    }));

  it('holds the writer up while the peer does not read', () =>
    withTlsPair(function* (client, server) {
      const piece = Buffer.alloc(50_000);
      let sent = 0;
      const writer = spawn(function* () {
        for (; sent < 1000; sent++) yield* client.sendall(piece);
      });
      for (let before = -1; before !== sent; ) {
        before = sent;
        yield* thrown(client.recv(1, { timeout: 30 }));
      }
      expect(sent).toBeLessThan(1000);
      expect(client.stream.writableLength).toBeLessThan(200_000);
      const most = sent;
      yield* server.recvExactly(50_000 * (most + 1));
      yield* eventually(() => sent > most);
      yield* writer.kill();
    }));

  it('works with a Unix socket', () =>
    run(function* () {
      const path = join(tmpdir(), `genlet-tls-${process.pid}`);
      using listener = yield* listen({ path }, { tls: serverTls });
      using client = yield* createConnection({ path }, { tls: { ca } });
      using server = yield* listener.accept();
      yield* client.sendall('hello\n');
      expect([yield* server.readline(), `${client.remote}`, client.servername]).toEqual(['hello', path, 'localhost']);
      client.abort();
      expect(yield* server.recv()).toHaveLength(0);
    }));
});

describe('the end', () => {
  it('comes after all that was sent, when one side closes', () =>
    withTlsPair(function* (client, server) {
      yield* client.sendall('abc');
      client.close();
      expect(`${yield* server.recvExactly(3)}`).toBe('abc');
      expect(yield* server.recv()).toHaveLength(0);
      expect((yield* thrown(client.recv())).message).toContain('was closed by <main>');
      expect((yield* thrown(client.send('x'))).code).toBe('GENLET_SOCKET_CLOSED');
    }));

  it('of one direction leaves the other open, at the client and at the server', () =>
    withTlsPair(function* (client, server) {
      client.shutdown('write');
      expect(yield* server.recv()).toHaveLength(0);
      yield* server.sendall('still here');
      expect(`${yield* client.recvExactly(10)}`).toBe('still here');
      expect((yield* thrown(client.send('x'))).code).toBe('EPIPE');
      server.shutdown('write');
      expect(yield* client.recv()).toHaveLength(0);
    }));

  it('of the direction to the client leaves that to the server open', () =>
    withTlsPair(function* (client, server) {
      const data = Buffer.alloc(300_000, 'x');
      yield* server.sendall('last words');
      server.shutdown('write');
      expect(`${yield* client.recvExactly(10)}${yield* client.recv()}`).toBe('last words');
      const reader = spawn(() => server.recvExactly(data.length));
      yield* client.sendall(data);
      expect(data.equals(yield* reader)).toBe(true);
      client.shutdown('both');
      expect(yield* server.recv()).toHaveLength(0);
    }));

  it('is told within TLS: an alert goes out before the connection ends', () =>
    run(function* () {
      // TLS 1.2, where the type of a record is to be seen from outside
      using listener = yield* listen('127.0.0.1:0', { tls: { ...serverTls, maxVersion: 'TLSv1.2' } });
      const records: Buffer[] = [];
      const proxy = createProxy(listener.address.port, (bytes) => records.push(bytes)).listen(0);
      yield* eventually(() => proxy.listening);
      const { port } = proxy.address() as { port: number };
      const last: (number | undefined)[] = [];
      for (const end of ['close', 'shutdown', 'abort'] as const) {
        const client = yield* createConnection(port, { tls: { ca } });
        const server = yield* listener.accept();
        records.length = 0;
        yield* server.sendall('abc');
        yield* client.recvExactly(3);
        server[end]('write');
        yield* eventually(() => client.stream.readableEnded || client.stream.destroyed);
        last.push(recordTypes(Buffer.concat(records)).at(-1));
        client.close();
        server.close();
      }
      expect(last).toEqual([ALERT, ALERT, DATA]);
      proxy.close();
    }));

  it('of a connection that breaks off without telling is an end, too, as in node:tls', () =>
    withTlsPair(function* (client, server) {
      yield* client.sendall('abc');
      yield* eventually(() => server.bytesRead >= 3);
      client.transport!.end(); // below TLS
      expect([`${yield* server.recv()}`, `${yield* server.recv()}`]).toEqual(['abc', '']);
      const error = yield* thrown(server.recvExactly(1));
      expect(error).toBeInstanceOf(IncompleteReadError);
    }));

  it('by a reset is ECONNRESET where it is read and written, after what came before', () =>
    withTlsPair(function* (client, server) {
      yield* client.sendall('abc');
      yield* eventually(() => server.bytesRead >= 3);
      const reader = spawn(() => thrown(server.recvExactly(100)));
      yield* untilBlocked(reader);
      client.abort();
      expect((yield* reader).code).toBe('ECONNRESET');
      expect(`${yield* server.recv()}`).toBe('abc');
      expect((yield* thrown(server.recv())).code).toBe('ECONNRESET');
      expect((yield* thrown(server.send('x'))).code).toBe('ECONNRESET');
      expect((yield* thrown(client.recv())).message).toContain('was aborted');
      server.abort();
      server.close();
    }));

  it('by bytes below that are none of TLS is TlsError on both sides, and close() closes', () =>
    withTlsPair(function* (client, server) {
      yield* server.sendall('abc');
      client.transport!.write(Buffer.alloc(100, 0x99));
      expect(yield* thrown(server.recv())).toMatchObject({
        code: 'GENLET_TLS',
        reason: expect.stringMatching(/^ERR_SSL_/),
      });
      expect((yield* thrown(server.send('x'))).code).toBe('GENLET_TLS');
      expect(`${yield* client.recv()}`).toBe('abc');
      server.close();
      expect((yield* thrown(client.recvExactly(1))).code).toMatch(/^(GENLET_TLS|GENLET_INCOMPLETE_READ|ECONNRESET)$/);
      client.close();
      yield* eventually(() => server.stream.destroyed && client.stream.destroyed);
    }));

  it('by a reset while a writer is blocked wakes it', () =>
    withTlsPair(function* (client, server) {
      const writer = spawn(() => thrown(server.sendall(Buffer.alloc(20_000_000))));
      yield* untilBlocked(writer);
      client.abort();
      expect((yield* writer).code).toMatch(/^(ECONNRESET|EPIPE)$/);
    }));

  it('by close() wakes whoever is blocked', () =>
    withTlsPair(function* (client) {
      const reader = spawn(() => thrown(client.recv()));
      const writer = spawn(() => thrown(client.sendall(Buffer.alloc(20_000_000))));
      yield* untilBlocked(writer);
      client.close();
      expect(yield* reader).toBeInstanceOf(SocketClosedError);
      expect(yield* writer).toBeInstanceOf(SocketClosedError);
      client.abort();
    }));

  it('drops what a peer does not read, by abort(), also after close() and shutdown()', () =>
    run(function* () {
      for (const first of [
        () => {},
        (socket: TlsSocket) => socket.close(),
        (socket: TlsSocket) => socket.shutdown('write'),
      ]) {
        const [client, server] = yield* tlsPair();
        yield* thrown(client.sendall(Buffer.alloc(20_000_000), { timeout: 10 }));
        first(client);
        client.abort();
        yield* eventually(() => client.stream.destroyed && client.transport!.destroyed);
        server.abort();
      }
    }));
});

describe('a call', () => {
  it('that is killed or out of time loses no byte, and leaves the socket usable', () =>
    withTlsPair(function* (client, server) {
      const reader = spawn(() => client.recvExactly(6));
      yield* untilBlocked(reader);
      yield* server.sendall('abc');
      yield* eventually(() => client.bytesRead >= 3);
      yield* reader.kill();
      expect(isExit(reader.value)).toBe(true);
      const error = yield* thrown(client.recvExactly(6, { timeout: 5 }));
      expect(error).toBeInstanceOf(Timeout);
      yield* server.sendall('def');
      expect(`${yield* client.recvExactly(6)}`).toBe('abcdef');
      client.timeout = 5;
      expect(yield* thrown(client.readline())).toBeInstanceOf(Timeout);
    }));

  it('in a direction where another greenlet is blocked is refused', () =>
    withTlsPair(function* (client) {
      const reader = spawn(() => client.recv());
      yield* untilBlocked(reader);
      expect(yield* thrown(client.recv())).toBeInstanceOf(ConcurrentObjectUseError);
      yield* reader.kill();
    }));
});

describe('node:tls', () => {
  it('is served as a client', () =>
    run(function* () {
      const server = new StreamServer('127.0.0.1:0', (socket) => socket.sendall('hello'), { tls: serverTls });
      yield* server.start();
      const client = connect({ port: server.port, host: '127.0.0.1', ca });
      const [data] = yield* fromEvent<[Buffer]>(client, 'data');
      expect(`${data}`).toBe('hello');
      yield* fromEvent(client, 'close');
      yield* server.stop();
    }));

  it('is talked to as a server', () =>
    run(function* () {
      const server: Server = createServer({ key, cert: cert.localhost }, (socket) => socket.pipe(socket)).listen(0);
      yield* eventually(() => server.listening);
      const { port } = server.address() as { port: number };
      const client = yield* createConnection(port, { tls: { ca } });
      yield* client.sendall('echo\n');
      expect(yield* client.readline()).toBe('echo');
      client.close();
      server.close();
    }));

  it('lends a socket that is connected, which belongs to a TlsSocket from then on', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0', { tls: serverTls });
      const stream = connect({ port: listener.address.port, host: '127.0.0.1', ca });
      yield* fromEvent(stream, 'secureConnect');
      using server = yield* listener.accept();
      const client = new TlsSocket(stream);
      yield* client.sendall('x\n');
      expect(yield* server.readline()).toBe('x');
      client.abort();
      yield* thrown(server.recvExactly(1));
      expect(() => new TlsSocket(server.transport as TLSSocket)).toThrow('give a connected TLSSocket of node:tls');
    }));
});

it('serves 100 connections at once', () =>
  run(function* () {
    const server = new StreamServer(
      '127.0.0.1:0',
      function* (socket) {
        for (let line: string | undefined; (line = yield* socket.readline()) !== undefined; ) {
          yield* socket.sendall(`${line}\n`);
        }
      },
      { tls: serverTls },
    );
    yield* server.start();
    const clients = Array.from({ length: 100 }, (_, index) =>
      spawn(function* (): Coroutine<string | undefined> {
        using client = yield* createConnection(server.address, { tls: { ca } });
        yield* client.sendall(`${index}\n`);
        const first = yield* client.readline();
        yield* client.sendall('again\n');
        return `${first} ${yield* client.readline()}`;
      }),
    );
    const answers: unknown[] = [];
    for (const client of clients) answers.push(yield* client);
    expect(answers).toEqual(Array.from({ length: 100 }, (_, index) => `${index} again`));
    yield* eventually(() => server.connections === 0);
    expect([server.failedHandshakes, server.dropped]).toEqual([0, 0]);
    yield* server.stop();
  }));
