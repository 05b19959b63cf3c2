/** CPython 3.13's test_ssl: what a client and a server do with each other. */
import { connect as connectPlain, createServer } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import {
  CertificateError,
  type Coroutine,
  fromEvent,
  run,
  SocketClosedError,
  spawn,
  Timeout,
  TlsError,
  until,
} from 'genlet';
import {
  createConnection,
  listen,
  type Socket,
  StreamServer,
  type TlsOptions,
  type TlsServerOptions,
  TlsSocket,
  upgradeTls,
} from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { eventually, pair, thrown, watchResources } from '../io/support.ts';
import { ca, cert, key, pathOf, server as tls, withTlsPair } from '../io/tls-support.ts';
import { watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();
watchResources();

const here = '127.0.0.1:0';

/** Answers with what it gets, in small letters, until `over`. */
function* echo(socket: Socket): Coroutine<void> {
  for (let line: string | undefined; (line = yield* socket.readline()) !== undefined && line !== 'over'; ) {
    yield* socket.sendall(`${line.toLowerCase()}\n`);
  }
}

function withServer(
  options: TlsServerOptions,
  main: (server: StreamServer) => Coroutine<void>,
  handler: (socket: any) => unknown = echo,
): Promise<void> {
  return run(function* () {
    const server = new StreamServer(here, handler, { tls: { ...tls, ...options } });
    yield* server.start();
    try {
      yield* main(server);
    } finally {
      yield* server.stop();
    }
  });
}

function* ask(socket: Socket, line: string): Coroutine<string | undefined> {
  yield* socket.sendall(`${line}\n`);
  return yield* socket.readline();
}

/** What client and server agree on, or why they don't. */
function meet(server: TlsServerOptions, client: TlsOptions = {}): Promise<any> {
  return run(function* () {
    using listener = yield* listen(here, { tls: { ...tls, ...server } });
    try {
      using near = yield* createConnection(['localhost', listener.address.port], { tls: { ca, ...client }, family: 4 });
      using far = yield* listener.accept({ timeout: 5000 });
      yield* far.sendall('x');
      yield* near.recv();
      return {
        version: near.protocol,
        cipher: near.cipher?.name,
        far: [far.protocol, far.cipher?.name],
        shown: near.peerCertificate()?.subject.CN,
        alpn: [near.alpnProtocol, far.alpnProtocol],
        session: near.session,
        reused: [near.sessionReused, far.sessionReused],
      };
    } catch (error) {
      return error;
    }
  });
}

describe('a connection', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('carries an echo: %s', (version) =>
    withServer({ minVersion: version, maxVersion: version }, function* (server) {
      using client = yield* createConnection(server.address, { tls: { ca } });
      expect(yield* ask(client, 'FOO')).toBe('foo');
      expect(client.protocol).toBe(version);
    }),
  );

  it('is made without looking at the certificate, or with the authority', () =>
    withServer({}, function* (server) {
      using blind = yield* createConnection(server.address, { tls: { rejectUnauthorized: false } });
      expect([blind.authorized, blind.peerCertificate()!.subject.CN]).toEqual([false, 'localhost']);
      using checked = yield* createConnection(server.address, { tls: { ca } });
      expect(checked.authorized).toBe(true);
    }));

  it('fails without the authority', () =>
    withServer({}, function* (server) {
      const error = yield* thrown(createConnection(server.address, { tls: true }));
      expect(error).toBeInstanceOf(CertificateError);
      expect([error.reason, error.cause.code]).toEqual(Array(2).fill('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    }));

  it('is made with a context that was made before', () =>
    withServer({}, function* (server) {
      const blind = { secureContext: createSecureContext(), rejectUnauthorized: false };
      const checked = { secureContext: createSecureContext({ ca }) };
      for (const options of [blind, { ...blind, servername: 'dummy' }, checked]) {
        using client = yield* createConnection(server.address, { tls: options });
        expect(yield* ask(client, 'A')).toBe('a');
      }
      const error = yield* thrown(createConnection(server.address, { tls: { secureContext: createSecureContext() } }));
      expect(error).toBeInstanceOf(CertificateError);
    }));

  it('takes an authority as text, and as several in one', () =>
    withServer({}, function* (server) {
      for (const authorities of [`${ca}`, [ca, cert.selfSigned], `${cert.selfSigned}${ca}`]) {
        using client = yield* createConnection(server.address, { tls: { ca: authorities } });
        expect(client.authorized).toBe(true);
      }
    }));

  it('is served to ten clients at once, whose handshakes interleave', () =>
    withServer({}, function* (server) {
      const clients = Array.from({ length: 10 }, (_, index) =>
        spawn(function* () {
          using client = yield* createConnection(server.address, { tls: { ca } });
          return yield* ask(client, `N${index}`);
        }),
      );
      for (const [index, client] of clients.entries()) expect(yield* client).toBe(`n${index}`);
    }));

  it('shows the certificate of the server, with names and dates', () =>
    withServer({}, function* (server) {
      using client = yield* createConnection(server.address, { tls: { ca } });
      const shown = client.peerCertificate()!;
      expect(shown.subjectaltname).toContain('DNS:localhost');
      expect(new Date(shown.valid_from) < new Date(shown.valid_to)).toBe(true);
      expect([shown.issuer.CN, shown.raw.length > 100]).toEqual(['genlet test authority', true]);
      expect(client.cipher!.name).toMatch(/^TLS_/);
    }));

  it('that is closed has no certificate to show, and refuses to read and to write', () =>
    withServer({}, function* (server) {
      const client = yield* createConnection(server.address, { tls: { ca } });
      client.close();
      expect(yield* thrown(client.recv(1024))).toBeInstanceOf(SocketClosedError);
      expect(yield* thrown(client.sendall('hello'))).toBeInstanceOf(SocketClosedError);
      yield* eventually(() => client.stream.destroyed);
      expect(client.peerCertificate()).toBeUndefined();
    }));

  it('is accepted as a TlsSocket, with the address of the client', () =>
    run(function* () {
      using listener = yield* listen(here, { tls });
      using client = yield* createConnection(listener.address, { tls: { ca } });
      yield* client.sendall('data');
      using accepted = yield* listener.accept();
      yield* accepted.sendall(yield* accepted.recv(4));
      expect(`${yield* client.recv()}`).toBe('data');
      expect(accepted).toBeInstanceOf(TlsSocket);
      expect(`${accepted.remote}`).toBe(`${client.address}`);
    }));

  it('is not made over a socket that is not connected', () => {
    const stream = new TLSSocket(null as never);
    expect(() => new TlsSocket(stream)).toThrow('give a connected socket of node:net');
    stream.destroy();
  });

  it('of a server whose key or certificate is broken is refused at the call', () => {
    for (const options of [{ cert: 'x' }, { key: 'x' }, { pfx: Buffer.from('x') }]) {
      expect(() => listen(here, { tls: { ...tls, ...options } })).toThrow(Error);
    }
    expect(() => createConnection(here, { tls: { ca, ciphers: "^$:,;?*'dorothyx" } })).toThrow(Error);
  });
});

describe('reading and writing', () => {
  it('works by each call that sends and each that receives', () =>
    withServer({}, function* (server) {
      using client = yield* createConnection(server.address, { tls: { ca } });
      expect(yield* client.send('PREFIX_SEND\n')).toBe(12);
      expect(`${yield* client.recv()}`).toBe('prefix_send\n');
      expect(yield* client.sendall(new Uint8Array(Buffer.from('PREFIX_ARRAY\n')))).toBeUndefined();
      const buffer = new Uint8Array(100);
      expect(yield* client.recvInto(buffer)).toBe(13);
      expect(`${Buffer.from(buffer.buffer, 0, 13)}`).toBe('prefix_array\n');
      yield* client.sendall('A\nB\n');
      expect(`${yield* client.recvExactly(4)}`).toBe('a\nb\n');
      yield* client.sendall('C\n');
      expect(`${yield* client.readUntil('\n')}`).toBe('c\n');
      yield* client.sendall('over\n');
      expect(yield* client.recv()).toHaveLength(0);
      expect(() => client.recv(-1)).toThrow(RangeError);
    }));

  it('of no bytes gives none, and takes none', () =>
    withServer({}, function* (server) {
      using client = yield* createConnection(server.address, { tls: { ca } });
      yield* client.sendall('data\n');
      expect(yield* client.recvExactly(0, { timeout: 0 })).toHaveLength(0);
      expect(yield* client.readline()).toBe('data');
      expect(yield* client.recvExactly(0, { timeout: 0 })).toHaveLength(0);
    }));

  it('into a buffer that is larger leaves the rest of it alone', () =>
    withServer({}, function* (server) {
      using client = yield* createConnection(server.address, { tls: { ca } });
      yield* client.sendall('data\n');
      const buffer = Buffer.alloc(8, '-');
      expect(yield* client.recvInto(buffer)).toBe(5);
      expect(`${buffer}`).toBe('data\n---');
    }));

  it('that must not wait throws once the buffers are full', () =>
    withTlsPair(function* (client) {
      const piece = Buffer.alloc(65_536);
      let error: unknown;
      for (let count = 0; error === undefined && count < 10_000; count++) {
        try {
          yield* client.send(piece, { timeout: 0 });
        } catch (thrown) {
          error = thrown;
        }
      }
      expect(error).toBeInstanceOf(Timeout);
    }));

  it('of a file arrives whole', () =>
    withServer(
      {},
      function* (server) {
        using client = yield* createConnection(server.address, { tls: { ca } });
        const bytes = yield* client.recvExactly(ca.length);
        expect(ca.equals(bytes)).toBe(true);
      },
      function* (socket: Socket) {
        expect(yield* socket.sendFile(pathOf('ca'))).toBe(ca.length);
      },
    ));
});

describe('a handshake', () => {
  it('ends in time, on a socket that is connected and on one that is not', () =>
    run(function* () {
      using listener = yield* listen(here);
      const plain = yield* createConnection(listener.address);
      expect(yield* thrown(upgradeTls(plain, { ca, timeout: 20 }))).toBeInstanceOf(Timeout);
      expect(yield* thrown(createConnection(listener.address, { tls: { ca }, timeout: 20 }))).toBeInstanceOf(Timeout);
    }));

  it('ends in time, also while the server looks for its certificate', () =>
    withServer(
      {
        *sniCallback() {
          yield* fromEvent(new EventTarget(), 'never');
        },
      },
      function* (server) {
        const address = ['localhost', server.port] as const;
        const error = yield* thrown(createConnection(address, { tls: { ca }, timeout: 50, family: 4 }));
        expect(error).toBeInstanceOf(Timeout);
        yield* eventually(() => server.failedHandshakes === 1);
      },
    ));

  it('with a server that has closed the connection fails', () =>
    run(function* () {
      const listener = yield* listen(here);
      const client = yield* createConnection(listener.address);
      (yield* listener.accept()).close();
      listener.close();
      expect((yield* thrown(upgradeTls(client, { ca }))).code).toBe('ECONNRESET');
    }));

  it('with a server that is none of TLS fails', () =>
    run(function* () {
      const server = createServer((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end('HTTP/1.0 400 Bad Request\r\n\r\n'),
      ).listen(0);
      yield* eventually(() => server.listening);
      const { port } = server.address() as { port: number };
      const error = yield* thrown(createConnection(port, { tls: { ca } }));
      expect([error instanceof TlsError, error.code]).toContainEqual(
        error instanceof TlsError ? 'GENLET_TLS' : 'ECONNRESET',
      );
      server.close();
    }));

  it('that the client begins in the open, and breaks off, gives the server nothing to read', () =>
    run(function* () {
      const [client, server] = yield* pair();
      yield* client.sendall('DELETE /data HTTP/1.0\r\n\r\n');
      yield* eventually(() => server.bytesRead > 0);
      client.abort();
      yield* eventually(() => server.stream.destroyed);
      const error = yield* thrown(upgradeTls(server, { ...tls, isServer: true }));
      expect(error.code).toMatch(/^(GENLET_TLS|ECONNRESET)$/);
      expect((yield* thrown(server.recvExactly(1000))).code).not.toBe('GENLET_TLS');
    }));

  it('that the client begins in the open is refused by the server, which reads nothing of it', () =>
    run(function* () {
      const [client, server] = yield* pair();
      yield* client.sendall('DELETE /data HTTP/1.0\r\n\r\n');
      yield* eventually(() => server.bytesRead > 0);
      const error = yield* thrown(upgradeTls(server, { ...tls, isServer: true }));
      expect(error).toMatchObject({ code: 'GENLET_TLS', reason: expect.stringMatching(/^ERR_SSL_/) });
      expect(yield* thrown(server.recv())).toBeInstanceOf(SocketClosedError);
      client.abort();
    }));

  it('that the server begins in the open is refused by the client, which reads nothing of it', () =>
    run(function* () {
      const [client, server] = yield* pair();
      yield* server.sendall('HTTP/1.0 307 Temporary Redirect\r\nLocation: https://example.com/\r\n\r\n');
      yield* eventually(() => client.bytesRead > 0);
      const error = yield* thrown(upgradeTls(client, { ca }));
      expect(error).toMatchObject({ code: 'GENLET_TLS', reason: 'ERR_SSL_WRONG_VERSION_NUMBER' });
      expect(yield* thrown(client.recv())).toBeInstanceOf(SocketClosedError);
      server.abort();
    }));
});

describe('STARTTLS', () => {
  it('turns a conversation secret, and back to the end', () =>
    run(function* () {
      const server = new StreamServer(here, function* (plain) {
        let socket = plain;
        for (let line: string | undefined; (line = yield* socket.readline()) !== undefined; ) {
          if (line === 'STARTTLS') {
            yield* socket.sendall('ok\n');
            socket = yield* upgradeTls(plain, { ...tls, isServer: true });
          } else yield* socket.sendall(`${line.toLowerCase()}${socket instanceof TlsSocket ? ' *' : ''}\n`);
        }
      });
      yield* server.start();
      const answers: unknown[] = [];
      const plain = yield* createConnection(server.address);
      let socket: Socket = plain;
      for (const line of ['MSG 1', 'MSG 2', 'STARTTLS', 'MSG 3', 'MSG 4']) {
        answers.push(yield* ask(socket, line));
        if (line === 'STARTTLS') socket = yield* upgradeTls(plain, { ca });
      }
      expect(answers).toEqual(['msg 1', 'msg 2', 'ok', 'msg 3 *', 'msg 4 *']);
      socket.close();
      yield* server.stop();
    }));
});

describe('versions and ciphers', () => {
  it.each([
    [{ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{}, {}, 'TLSv1.3'],
    [{ minVersion: 'TLSv1.3' }, {}, 'TLSv1.3'],
  ] as const)('%o and %o give %s', async (server, client, version) => {
    const met = await meet(server, client);
    expect([met.version, met.far[0]]).toEqual([version, version]);
  });

  it('of 1.3 have a cipher of 1.3', async () => {
    expect((await meet({}, {})).cipher).toMatch(/^TLS_(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$/);
  });

  it('that have no version in common fail', async () => {
    const error = await meet({ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' });
    expect(error).toMatchObject({ code: 'GENLET_TLS', reason: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  });

  it('that have no cipher in common fail', async () => {
    const client = { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const;
    const error = await meet({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }, client);
    expect(error).toMatchObject({ code: 'GENLET_TLS', reason: expect.stringMatching(/ALERT_HANDSHAKE_FAILURE$/) });
  });

  it('that have a cipher in common agree on that', async () => {
    const both = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384';
    const met = await meet({ ciphers: both }, { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' });
    expect([met.cipher, met.far[1]]).toEqual(Array(2).fill('ECDHE-ECDSA-AES256-GCM-SHA384'));
  });

  it('that have no curve in common fail', async () => {
    const error = await meet({ ecdhCurve: 'P-384' }, { ecdhCurve: 'P-256', maxVersion: 'TLSv1.2' });
    expect(error).toBeInstanceOf(TlsError);
    expect((await meet({ ecdhCurve: 'P-384' }, { ecdhCurve: 'P-256:P-384' })).version).toBe('TLSv1.3');
  });
});

describe('ALPN', () => {
  it('is nothing unless both want it', async () => {
    expect((await meet({}, {})).alpn).toEqual([undefined, undefined]);
    expect((await meet({ ALPNProtocols: ['foo', 'bar'] }, {})).alpn).toEqual([undefined, undefined]);
    expect((await meet({}, { ALPNProtocols: ['foo', 'bar'] })).alpn).toEqual([undefined, undefined]);
  });

  it.each([
    [['foo', 'bar'], 'foo'],
    [['bar', 'foo'], 'foo'],
    [['milkshake'], undefined],
    [['http/3.0', 'http/4.0'], undefined],
  ])('of a client with %s and a server with foo, bar, milkshakes gives %s', async (protocols, expected) => {
    const met = await meet({ ALPNProtocols: ['foo', 'bar', 'milkshakes'] }, { ALPNProtocols: protocols });
    if (expected === undefined) expect(met.reason).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    else expect(met.alpn).toEqual([expected, expected]);
  });
});

describe('the callback for names', () => {
  const other = createSecureContext({ key, cert: cert.a });
  const client = (servername: string): TlsOptions => ({ servername, checkServerIdentity: () => undefined });

  it('is told the name and changes the certificate; without a name it is not called', async () => {
    const calls: string[] = [];
    const sniCallback = (name: string) => {
      calls.push(name);
      return other;
    };
    expect((await meet({ sniCallback }, client('supermessage'))).shown).toBe('a.example');
    expect((await meet({ sniCallback }, client(''))).shown).toBe('localhost');
    expect((await meet({}, client('notfunny'))).shown).toBe('localhost');
    expect(calls).toEqual(['supermessage']);
  });

  it('that throws ends the handshake, and is reported', async () => {
    const sniCallback = () => {
      throw new RangeError('1/0');
    };
    const error = await meet({ sniCallback }, client('supermessage'));
    expect(error.code).toMatch(/^(GENLET_TLS|ECONNRESET)$/);
    expect((await takeReports()).map((report) => (report.error as Error).message)).toEqual(['1/0']);
  });

  it('that gives nonsense ends the handshake, and is reported', async () => {
    const error = await meet({ sniCallback: () => 'foo' }, client('supermessage'));
    expect(error.code).toMatch(/^(GENLET_TLS|ECONNRESET)$/);
    expect((await takeReports()).map((report) => (report.error as Error).constructor)).toEqual([TypeError]);
  });
});

describe('a session', () => {
  it('is used again while it is offered', async () => {
    const listening = { ticketKeys: Buffer.alloc(48, 7) };
    const reused: unknown[] = [];
    const first = await meet(listening, { maxVersion: 'TLSv1.2' });
    reused.push(first.reused);
    for (const session of [first.session, undefined, first.session]) {
      const met = await meet(listening, { maxVersion: 'TLSv1.2', session });
      reused.push(met.reused);
      if (session !== undefined) expect(met.session).toEqual(session);
      else expect(met.session).not.toEqual(first.session);
    }
    expect(reused).toEqual([
      [false, false],
      [true, true],
      [false, false],
      [true, true],
    ]);
  });

  it('must be one', () => {
    expect(() => createConnection(here, { tls: { session: 5 as never } })).toThrow('session is 5: give');
  });
});

it('a StreamServer serves what a client of another library asks for', () =>
  withServer(
    {},
    function* (server) {
      using client = yield* createConnection(['localhost', server.port], { tls: { ca }, family: 4 });
      yield* client.sendall('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
      expect(yield* client.readline()).toBe('HTTP/1.1 200 OK');
    },
    function* (socket: Socket) {
      yield* socket.readUntil('\r\n\r\n');
      yield* socket.sendall('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    },
  ));

it('a server survives clients that connect and leave without a word', () =>
  withServer({}, function* (server) {
    for (let count = 0; count < 5; count++) {
      const client = connectPlain(server.port, '127.0.0.1');
      yield* fromEvent(client, 'connect');
      client.destroy();
    }
    yield* eventually(() => server.failedHandshakes === 5);
    using client = yield* createConnection(server.address, { tls: { ca } });
    expect(yield* ask(client, 'STILL')).toBe('still');
    expect(yield* until(takeReports())).toEqual([]);
  }));
