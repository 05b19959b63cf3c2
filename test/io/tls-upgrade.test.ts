/** STARTTLS: a plain conversation that goes on within TLS. */
import { connect as connectPlain, createServer } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import {
  ConcurrentObjectUseError,
  type Coroutine,
  fromEvent,
  isExit,
  type Operation,
  run,
  SocketClosedError,
  spawn,
  Timeout,
  until,
} from 'genlet';
import {
  createConnection,
  type Socket,
  StreamServer,
  type TlsSocket,
  type UpgradeTlsServerOptions,
  upgradeTls,
} from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, pair, thrown, untilBlocked, watchResources } from './support.ts';
import { ca, cert, key, server as serverTls } from './tls-support.ts';

const { takeReports } = watchHub();
watchResources();

const here = '127.0.0.1:0';
const serverSide: UpgradeTlsServerOptions = { ...serverTls, isServer: true };
const clientSide = { ca, servername: 'localhost' };

/** A pair of plain sockets, which is closed after `main`. */
function withPair<T>(main: (client: Socket, server: Socket) => Coroutine<T>): Promise<T> {
  return run(function* () {
    const [client, server] = yield* pair();
    try {
      return yield* main(client, server);
    } finally {
      for (const socket of [client, server]) (socket.successor ?? socket).abort();
    }
  });
}

/** Upgrades both at once. */
function* upgradeBoth(client: Socket, server: Socket): Coroutine<[TlsSocket, TlsSocket]> {
  const accepting = spawn(() => upgradeTls(server, serverSide));
  return [yield* upgradeTls(client, clientSide), yield* accepting];
}

/** A server of a protocol with lines, in which STARTTLS begins TLS. */
function* mailHandler(plain: Socket): Coroutine<void> {
  let socket = plain;
  yield* socket.sendall('220 ready\r\n');
  for (let line: string | undefined; (line = yield* socket.readline()) !== undefined; ) {
    if (line === 'STARTTLS') {
      yield* socket.sendall('220 go ahead\r\n');
      socket = yield* upgradeTls(plain, serverSide);
    } else if (line === 'QUIT') {
      yield* socket.sendall('221 bye\r\n');
      return;
    } else yield* socket.sendall(`250 ${line} ${socket === plain ? 'in the open' : 'in secret'}\r\n`);
  }
}

function* ask(socket: Socket, line: string): Coroutine<string | undefined> {
  yield* socket.sendall(`${line}\r\n`);
  return yield* socket.readline();
}

describe('upgradeTls', () => {
  it('continues a conversation in secret, of a client and a StreamServer of ours', () =>
    run(function* () {
      const server = new StreamServer(here, mailHandler);
      yield* server.start();
      const plain = yield* createConnection(['localhost', server.port], { family: 4, keepAlive: 5000 });
      plain.timeout = 5000;
      expect(yield* plain.readline()).toBe('220 ready');
      expect(yield* ask(plain, 'HELO')).toBe('250 HELO in the open');
      expect(yield* ask(plain, 'STARTTLS')).toBe('220 go ahead');
      using socket = yield* upgradeTls(plain, { ca });
      expect(yield* ask(socket, 'HELO')).toBe('250 HELO in secret');
      expect(yield* ask(socket, 'QUIT')).toBe('221 bye');
      expect(yield* socket.readline()).toBeUndefined(); // the server has closed it
      expect([socket.servername, socket.authorized, socket.timeout, socket.keepAlive]).toEqual([
        'localhost',
        true,
        5000,
        5000,
      ]);
      yield* eventually(() => server.connections === 0);
      yield* server.stop();
    }));

  it('serves a client of node:tls', () =>
    run(function* () {
      const server = new StreamServer(here, mailHandler);
      yield* server.start();
      const plain = connectPlain(server.port, '127.0.0.1');
      expect(`${yield* fromEvent(plain, 'data')}`).toBe('220 ready\r\n');
      plain.write('STARTTLS\r\n');
      yield* fromEvent(plain, 'data');
      const secure = connect({ socket: plain, ...clientSide });
      yield* fromEvent(secure, 'secureConnect');
      secure.write('QUIT\r\n');
      expect(`${yield* fromEvent(secure, 'data')}`).toBe('221 bye\r\n');
      yield* fromEvent(secure, 'close');
      yield* server.stop();
    }));

  it('talks to a server of node:tls', () =>
    run(function* () {
      const server = createServer((plain) => {
        plain.once('data', () => {
          plain.write('go ahead\n');
          const secure = new TLSSocket(plain, { isServer: true, key, cert: cert.localhost });
          secure.on('data', (bytes) => void secure.end(`secret ${bytes}`)).on('error', () => {});
        });
      }).listen(0);
      yield* eventually(() => server.listening);
      const plain = yield* createConnection((server.address() as { port: number }).port);
      expect(yield* ask(plain, 'STARTTLS')).toBe('go ahead');
      const socket = yield* upgradeTls(plain, { ca });
      expect(yield* ask(socket, 'hello')).toBe('secret hello');
      socket.close();
      server.close();
    }));

  it('takes what had come and was not read for the beginning of the handshake', () =>
    withPair(function* (client, server) {
      const begun = spawn(() => upgradeTls(client, clientSide));
      yield* eventually(() => server.bytesRead > 200); // the hello lies in the plain socket
      const secure = yield* upgradeTls(server, serverSide);
      yield* secure.sendall('hello\n');
      expect(yield* (yield* begun).readline()).toBe('hello');
    }));

  it('takes what had come and was not read, where the client is to begin', () =>
    withPair(function* (client, server) {
      yield* server.sendall('not TLS at all\n');
      yield* eventually(() => client.bytesRead > 0);
      const error = yield* thrown(upgradeTls(client, clientSide));
      expect(error).toMatchObject({ code: 'GENLET_TLS', reason: 'ERR_SSL_WRONG_VERSION_NUMBER' });
    }));

  it('lets what was still to be sent go first', () =>
    withPair(function* (client, server) {
      const data = Buffer.alloc(20_000_000, 'x');
      expect(yield* thrown(server.sendall(data, { timeout: 1 }))).toBeInstanceOf(Timeout);
      const accepting = spawn(() => upgradeTls(server, serverSide));
      expect(data.equals(yield* client.recvExactly(data.length))).toBe(true);
      const near = yield* upgradeTls(client, clientSide);
      const far = yield* accepting;
      yield* near.sendall('hello\n');
      expect(yield* far.readline()).toBe('hello');
    }));

  it('uses up the plain socket: its calls throw, and its close() does nothing', () =>
    withPair(function* (client, server) {
      const [near, far] = yield* upgradeBoth(client, server);
      for (const call of [() => client.recv(), () => client.sendall('x'), () => upgradeTls(client, clientSide)]) {
        const error = yield* thrown(call() as Operation<unknown>);
        expect(error).toBeInstanceOf(SocketClosedError);
        expect(error.message).toBe(`Socket ${near.remote} was upgraded to TLS by <main>: use the TlsSocket`);
      }
      expect(() => client.shutdown('write')).toThrow('use the TlsSocket');
      expect(client.closed).toBe(true);
      client.close();
      client.abort();
      yield* near.sendall('still here\n');
      expect(yield* far.readline()).toBe('still here');
    }));

  it('is refused while another greenlet is blocked on the socket, which stays usable', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => client.readline());
      yield* untilBlocked(reader);
      const error = yield* thrown(upgradeTls(client, clientSide));
      expect(error).toBeInstanceOf(ConcurrentObjectUseError);
      expect(error.message).toMatch(/can't perform upgradeTls\(127\.0\.0\.1:\d+\): .* in Socket\.readline\(\)/);
      yield* server.sendall('x\n');
      expect(yield* reader).toBe('x');
      const [near] = yield* upgradeBoth(client, server);
      expect(near.authorized).toBe(true);
    }));

  it('is refused where the peer has ended the stream, or this side has', () =>
    withPair(function* (client, server) {
      server.shutdown('write');
      expect(yield* client.recv()).toHaveLength(0);
      expect((yield* thrown(upgradeTls(client, clientSide))).code).toBe('ECONNRESET');
      expect((yield* thrown(upgradeTls(server, serverSide))).code).toBe('EPIPE');
      yield* client.sendall('still in the open\n');
      expect(yield* server.readline()).toBe('still in the open');
      client.close();
      expect(yield* thrown(upgradeTls(client, clientSide))).toBeInstanceOf(SocketClosedError);
    }));

  it('needs a name for a socket that was not made by createConnection', () =>
    withPair(function* (client, server) {
      expect(() => upgradeTls(server, { ca })).toThrow(
        /^servername is undefined, and Socket .* was not made by createConnection: give the name/,
      );
      const accepting = spawn(() => upgradeTls(client, serverSide));
      const near = yield* upgradeTls(server, { ca, rejectUnauthorized: false });
      expect([near.authorized, near.servername]).toEqual([true, undefined]);
      yield* accepting;
    }));

  it('knows sessions again where a server gives the same options', () =>
    run(function* () {
      const reused: unknown[] = [];
      let session: Buffer | undefined;
      for (const options of [serverSide, serverSide, { ...serverSide }]) {
        const [client, server] = yield* pair();
        const accepting = spawn(() => upgradeTls(server, options));
        using near = yield* upgradeTls(client, { ...clientSide, session });
        using far = yield* accepting;
        yield* far.sendall('x');
        yield* near.recv();
        reused.push([near.sessionReused, far.sessionReused]);
        session = near.session;
      }
      expect(reused).toEqual([
        [false, false],
        [true, true],
        [false, false],
      ]);
    }));

  it('checks its arguments first', () =>
    withPair(function* (client, server) {
      expect(() => upgradeTls(5 as never)).toThrow('socket is 5: give a Socket');
      expect(() => upgradeTls(client, 5 as never)).toThrow('options is 5: give { servername, ca, … }');
      expect(() => upgradeTls(client, { timeout: -1 })).toThrow('timeout is -1');
      expect(() => upgradeTls(client, { isServer: true, timeout: -1 })).toThrow('timeout is -1');
      const [near] = yield* upgradeBoth(client, server);
      expect(() => upgradeTls(near)).toThrow(`socket is ${near}: it speaks TLS already`);
    }));
});

describe('a handshake that fails', () => {
  it('throws CertificateError at the client, and TlsError at the server', () =>
    withPair(function* (client, server) {
      const accepting = spawn(() => thrown(upgradeTls(server, { ...serverSide, cert: cert.selfSigned })));
      const error = yield* thrown(upgradeTls(client, clientSide));
      expect(error).toMatchObject({ code: 'GENLET_CERTIFICATE', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      expect(error.message).toMatch(/^upgradeTls\(127\.0\.0\.1:\d+\): self-signed certificate/);
      expect(['GENLET_TLS', 'ECONNRESET']).toContain((yield* accepting).code);
      expect(yield* thrown(client.recv())).toBeInstanceOf(SocketClosedError);
    }));

  it('throws CertificateError at a server that asks for a certificate', () =>
    withPair(function* (client, server) {
      const accepting = spawn(() => thrown(upgradeTls(server, { ...serverSide, requestCert: true, ca })));
      const near = yield* upgradeTls(client, { ...clientSide, key, cert: cert.otherClient });
      expect(yield* accepting).toMatchObject({ code: 'GENLET_CERTIFICATE' });
      yield* thrown(near.recvExactly(1));
    }));

  it('in a handler of a StreamServer is not reported', () =>
    run(function* () {
      const server = new StreamServer(here, (socket) => upgradeTls(socket, { ...serverSide, timeout: 20 }));
      yield* server.start();
      const clients = ['GET / HTTP/1.1\r\n\r\n', '\x16\x03'].map((bytes) => {
        const client = connectPlain(server.port, '127.0.0.1', () => client.write(bytes)).on('error', () => {});
        return client.resume();
      });
      const leaver = yield* createConnection(server.address);
      leaver.close();
      yield* eventually(() => clients.every((client) => client.closed));
      const late = new StreamServer(here, function* (socket) {
        yield* socket.recv(); // the end
        yield* upgradeTls(socket, serverSide);
      });
      yield* late.start();
      (yield* createConnection(late.address)).close();
      yield* eventually(() => late.connections === 1);
      yield* eventually(() => late.connections === 0);
      yield* late.stop();
      yield* eventually(() => server.connections === 0);
      expect(yield* until(takeReports())).toEqual([]);
      yield* server.stop();
    }));

  it.each([
    ['the client', clientSide],
    ['the server', serverSide],
  ])('for want of an answer ends in time, at %s, and closes the connection', (_, options) =>
    withPair(function* (client, server) {
      const error = yield* thrown(upgradeTls(client, { ...options, timeout: 10 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toMatch(/^upgradeTls\(127\.0\.0\.1:\d+\) timed out after 10 ms$/);
      yield* thrown(server.recvExactly(100_000));
      expect(client.stream.destroyed).toBe(true);
      const [other, peer] = yield* pair();
      expect(yield* thrown(upgradeTls(other, { ...options, timeout: 0 }))).toBeInstanceOf(Timeout);
      yield* other.sendall('nothing has happened\n');
      expect(yield* peer.readline()).toBe('nothing has happened');
      other.close();
      peer.close();
    }),
  );

  it("has the server's usual time limit, if there is no other", () =>
    withPair(function* (client) {
      const error = yield* thrown(upgradeTls(client, { ...serverSide, handshakeTimeout: 5 }));
      expect(error.message).toContain('timed out after 5 ms');
    }));

  it.each([
    ['the client', clientSide],
    ['the server', serverSide],
  ])('by a kill closes the connection, at %s', (_, options) =>
    withPair(function* (client, server) {
      const upgrading = spawn(() => upgradeTls(client, options));
      yield* untilBlocked(upgrading);
      yield* upgrading.kill();
      expect(isExit(upgrading.value)).toBe(true);
      yield* thrown(server.recvExactly(100_000));
      expect(yield* thrown(client.recv())).toBeInstanceOf(SocketClosedError);
    }),
  );

  it('since the peer leaves is ECONNRESET', () =>
    withPair(function* (client, server) {
      const upgrading = spawn(() => thrown(upgradeTls(client, clientSide)));
      yield* server.recv();
      server.close();
      expect((yield* upgrading).code).toBe('ECONNRESET');
    }));

  it.each([
    ['the client', clientSide],
    ['the server', serverSide],
  ])('since the connection is destroyed below is an error of the system, at %s', (_, options) =>
    withPair(function* (client) {
      const upgrading = spawn(() => thrown(upgradeTls(client, options)));
      yield* untilBlocked(upgrading);
      client.stream.destroy();
      expect((yield* upgrading).code).toMatch(/^(ECONNRESET|EINVAL|EPIPE)$/);
    }),
  );

  it('of a search for the certificate that is killed with it leaves nothing', () =>
    withPair(function* (client, server) {
      const log: string[] = [];
      const options: UpgradeTlsServerOptions = {
        ...serverSide,
        *sniCallback() {
          try {
            log.push('searching');
            yield* fromEvent(new EventTarget(), 'never');
          } finally {
            log.push('left');
          }
        },
      };
      const accepting = spawn(() => upgradeTls(server, options));
      const asking = spawn(() => thrown(upgradeTls(client, clientSide)));
      yield* eventually(() => log.length === 1);
      yield* accepting.kill();
      yield* eventually(() => log.length === 2);
      expect((yield* asking).code).toBe('ECONNRESET');
    }));
});
