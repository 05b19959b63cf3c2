/** Handshakes that fail: certificates that are not to be trusted, clients that don't speak TLS, or are slow, or leave. */
import { connect as connectPlain, type Socket as PlainSocket } from 'node:net';
import { connect } from 'node:tls';
import {
  CertificateError,
  type Coroutine,
  fromEvent,
  type Operation,
  run,
  sleep,
  spawn,
  Timeout,
  TlsError,
  until,
} from 'genlet';
import { createConnection, listen, StreamServer, type TlsOptions, type TlsServerOptions } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, thrown, watchResources } from './support.ts';
import { ca, cert, key, server as serverTls } from './tls-support.ts';

const { takeReports } = watchHub();
watchResources();

const here = '127.0.0.1:0';

/** What a client gets that connects to a server with these options. */
function* clientsError(server: TlsServerOptions, client: TlsOptions | true, host = 'localhost'): Coroutine<any> {
  using listener = yield* listen(here, { tls: { ...serverTls, ...server } });
  return yield* thrown(createConnection([host, listener.address.port], { tls: client, timeout: 5000, family: 4 }));
}

describe("a server's certificate", () => {
  it.each([
    ['that signed itself', { cert: cert.selfSigned }, { ca }, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'],
    ['that has expired', { cert: cert.expired }, { ca }, 'CERT_HAS_EXPIRED', 'certificate has expired'],
    [
      'for another name',
      { cert: cert.a },
      { ca },
      'ERR_TLS_CERT_ALTNAME_INVALID',
      "Host: localhost. is not in the cert's",
    ],
    [
      'for another name than was given',
      {},
      { ca, servername: 'a.example' },
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'a.example',
    ],
    ['of an authority that is not known', {}, true, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify'],
  ] as const)('%s is a CertificateError', (_, server, client, reason, text) =>
    run(function* () {
      const error = yield* clientsError(server, client as TlsOptions | true);
      expect(error).toBeInstanceOf(CertificateError);
      expect(error).toBeInstanceOf(TlsError);
      expect([error.code, error.name, error.reason]).toEqual(['GENLET_CERTIFICATE', 'CertificateError', reason]);
      expect(error.message).toMatch(/^createConnection\(localhost:\d+\): /);
      expect(error.message).toContain(text);
      expect(error.cause.code).toBe(reason);
      expect(error.stack).toContain('clientsError');
    }),
  );

  it('is checked for the IP address where the host is one', () =>
    run(function* () {
      const error = yield* clientsError({ cert: cert.a }, { ca }, '127.0.0.1');
      expect(error.reason).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
      using listener = yield* listen(here, { tls: serverTls });
      using client = yield* createConnection(listener.address, { tls: { ca } });
      expect(client.authorized).toBe(true);
    }));

  it('that is not to be trusted is taken all the same with `rejectUnauthorized: false`, and said so', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: { key, cert: cert.selfSigned } });
      using client = yield* createConnection(listener.address, { tls: { rejectUnauthorized: false } });
      expect([client.authorized, client.authorizationError]).toEqual([false, 'DEPTH_ZERO_SELF_SIGNED_CERT']);
      expect(client.peerCertificate()!.fingerprint256).toMatch(/^(..:){31}..$/);
    }));

  it('can be judged by a function', () =>
    run(function* () {
      const asked: string[] = [];
      const judge = (verdict: Error | undefined) => ({
        ca,
        servername: 'b.example',
        checkServerIdentity(hostname: string) {
          asked.push(hostname);
          return verdict;
        },
      });
      using listener = yield* listen(here, { tls: serverTls });
      using client = yield* createConnection(listener.address, { tls: judge(undefined) });
      expect(client.authorized).toBe(true);
      const verdict = new Error('not the one');
      const error = yield* thrown(createConnection(listener.address, { tls: judge(verdict) }));
      expect([error.constructor, error.cause]).toEqual([CertificateError, verdict]);
      expect(asked).toEqual(['b.example', 'b.example']);
    }));
});

describe('a client', () => {
  it('and a server without a version in common fail with TlsError, both', () =>
    run(function* () {
      const failures: any[] = [];
      const tls = {
        ...serverTls,
        minVersion: 'TLSv1.3',
        onHandshakeError: (error: Error) => failures.push(error),
      } as const;
      using listener = yield* listen(here, { tls });
      const error = yield* thrown(createConnection(listener.address, { tls: { ca, maxVersion: 'TLSv1.2' } }));
      expect(error).toBeInstanceOf(TlsError);
      expect(error).not.toBeInstanceOf(CertificateError);
      expect([error.code, error.reason]).toEqual(['GENLET_TLS', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION']);
      yield* eventually(() => failures.length > 0);
      expect(failures[0]).toBeInstanceOf(TlsError);
      expect(failures[0].reason).toBe('ERR_SSL_UNSUPPORTED_PROTOCOL');
    }));

  it('that talks to a server without TLS gets TlsError', () =>
    run(function* () {
      using listener = yield* listen(here);
      const connecting = spawn(() => thrown(createConnection(listener.address, { tls: true })));
      using server = yield* listener.accept();
      yield* server.sendall('220 mail.example ESMTP\r\n');
      expect(yield* connecting).toMatchObject({ code: 'GENLET_TLS', reason: 'ERR_SSL_WRONG_VERSION_NUMBER' });
    }));

  it.each(['close', 'abort'] as const)('whose server leaves in the handshake (%s) gets ECONNRESET', (how) =>
    run(function* () {
      using listener = yield* listen(here);
      const connecting = spawn(() => thrown(createConnection(listener.address, { tls: true })));
      using server = yield* listener.accept();
      yield* server.recv();
      server[how]();
      expect((yield* connecting).code).toBe('ECONNRESET');
    }),
  );

  it('waits for a silent server as long as it is told', () =>
    run(function* () {
      using listener = yield* listen(here);
      const error = yield* thrown(createConnection(listener.address, { tls: true, timeout: 30 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`createConnection(${listener.address}) timed out after 30 ms`);
      using server = yield* listener.accept();
      yield* server.recv(); // the first message of the handshake
      expect(yield* thrown(server.recvExactly(1))).toBeTruthy();
    }));

  it('gets what the system reports as it is', () =>
    run(function* () {
      const listener = yield* listen(here);
      listener.close();
      expect(yield* thrown(createConnection(listener.address, { tls: true }))).toMatchObject({ code: 'ECONNREFUSED' });
    }));
});

/** Runs `main` with a server that answers each line, and collects the handshakes that failed. */
function withServer(
  tls: TlsServerOptions,
  main: (server: StreamServer, failures: any[]) => Coroutine<void>,
): Promise<void> {
  return run(function* () {
    const failures: any[] = [];
    const onHandshakeError = (error: Error) => void failures.push(error);
    const server = new StreamServer(
      here,
      function* (socket) {
        for (let line: string | undefined; (line = yield* socket.readline()) !== undefined; ) {
          yield* socket.sendall(`${line}\n`);
        }
      },
      { tls: { ...serverTls, onHandshakeError, ...tls } },
    );
    yield* server.start();
    try {
      yield* main(server, failures);
    } finally {
      yield* server.stop();
    }
  });
}

/** That the server serves who behaves. */
function* serves(server: StreamServer, tls: TlsOptions = {}): Coroutine<void> {
  using client = yield* createConnection(server.address, { tls: { ca, ...tls }, timeout: 5000 });
  yield* client.sendall('hello\n');
  expect(yield* client.readline()).toBe('hello');
}

/** A plain client that sends `bytes`, if any; ended when the server has closed the connection. */
function* plainClient(server: StreamServer, bytes: string | Buffer = ''): Coroutine<PlainSocket> {
  const socket = connectPlain(server.port, '127.0.0.1').on('error', () => {});
  yield* fromEvent(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes);
  socket.resume();
  return socket;
}

describe('a server', () => {
  it.each([
    ['a request of HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'ERR_SSL_HTTP_REQUEST'],
    ['garbage', Buffer.alloc(100, 0x99), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['a broken hello', Buffer.from('1603010005010000012a', 'hex'), /^ERR_SSL_/],
  ])('that gets %s counts a failed handshake and goes on', (_, bytes, reason) =>
    withServer({}, function* (server, failures) {
      const socket = yield* plainClient(server, bytes);
      yield* fromEvent(socket, 'close');
      expect(server.failedHandshakes).toBe(1);
      expect(failures[0]).toBeInstanceOf(TlsError);
      expect(failures[0].reason).toMatch(reason);
      expect(failures[0].message).toMatch(/^TLS handshake with 127\.0\.0\.1:\d+: /);
      yield* serves(server);
      expect([server.failedHandshakes, server.connections]).toEqual([1, 1]);
    }),
  );

  it.each(['end', 'resetAndDestroy'] as const)('whose client leaves in the handshake (%s) counts it', (leave) =>
    withServer({}, function* (server, failures) {
      for (const bytes of ['', '\x16\x03\x01']) {
        const socket = yield* plainClient(server, bytes);
        yield* sleep(5);
        socket[leave]();
        yield* fromEvent(socket, 'close');
      }
      yield* eventually(() => server.failedHandshakes === 2);
      expect(failures.map(({ code }) => code)).toEqual(['ECONNRESET', 'ECONNRESET']);
      yield* serves(server);
    }),
  );

  it('gives up slow handshakes, which hold up nobody meanwhile', () =>
    withServer({ handshakeTimeout: 600 }, function* (server, failures) {
      const silent = yield* plainClient(server);
      const slow = yield* plainClient(server, '\x16');
      const drip = setInterval(() => slow.write('\x03'), 20);
      const begin = performance.now();
      yield* serves(server);
      expect(server.failedHandshakes).toBe(0);
      yield* fromEvent(silent, 'close');
      clearInterval(drip);
      yield* eventually(() => server.failedHandshakes === 2);
      expect(performance.now() - begin).toBeGreaterThan(400);
      expect(failures.map(({ reason }) => reason)).toContain('ERR_TLS_HANDSHAKE_TIMEOUT');
      slow.destroy();
    }));

  it('breaks off handshakes when it is stopped, without counting them', () =>
    withServer({}, function* (server, failures) {
      const socket = yield* plainClient(server);
      yield* sleep(5);
      const closed = spawn(() => fromEvent(socket, 'close'));
      yield* server.stop();
      yield* closed;
      expect([server.failedHandshakes, failures]).toEqual([0, []]);
    }));

  it('counts handshakes among its connections, but not against its pool', () =>
    run(function* () {
      const server = new StreamServer(here, (socket) => socket.sendall('x'), {
        tls: serverTls,
        maxConnections: 2,
        spawn: 1,
      });
      yield* server.start();
      const silent = yield* plainClient(server);
      yield* sleep(5);
      using client = yield* createConnection(server.address, { tls: { ca }, timeout: 5000 });
      expect(`${yield* client.recv()}`).toBe('x');
      const another = yield* plainClient(server);
      const third = yield* plainClient(server);
      yield* eventually(() => server.dropped > 0);
      for (const socket of [silent, another, third]) socket.destroy();
      yield* server.stop();
    }));

  it('keeps at most `backlog` connections that nobody has accepted', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: serverTls, backlog: 1 });
      const clients = Array.from({ length: 3 }, () =>
        spawn(function* () {
          using client = yield* createConnection(listener.address, { tls: { ca } });
          yield* thrown(client.recvExactly(1));
        }),
      );
      yield* eventually(() => listener.waiting + listener.dropped === 3);
      expect([listener.waiting, listener.dropped]).toEqual([1, 2]);
      (yield* listener.accept()).close();
      for (const client of clients) yield* client;
    }));

  it('does not count a connection that broke off before it was accepted', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: serverTls, maxConnections: 1 });
      const client = yield* createConnection(listener.address, { tls: { ca } });
      yield* eventually(() => listener.waiting === 1);
      client.abort();
      yield* sleep(10);
      const broken = yield* listener.accept();
      expect((yield* thrown(broken.recv())).code).toBe('ECONNRESET');
      expect(broken.stream.destroyed).toBe(true);
      using another = yield* createConnection(listener.address, { tls: { ca } });
      using server = yield* listener.accept({ timeout: 5000 });
      yield* server.sendall('x');
      expect(`${yield* another.recv()}`).toBe('x');
    }));

  it('reports what onHandshakeError throws', () =>
    withServer(
      {
        onHandshakeError() {
          throw new Error('mistake');
        },
      },
      function* (server) {
        const socket = yield* plainClient(server, 'GET / HTTP/1.1\r\n\r\n');
        yield* fromEvent(socket, 'close');
        yield* serves(server);
        expect(yield* until(takeReports())).toMatchObject([
          { error: { message: 'mistake' }, context: 'onHandshakeError' },
        ]);
      },
    ));

  it('survives 200 clients that leave at all moments of the handshake', () =>
    withServer({ handshakeTimeout: 2000 }, function* (server) {
      const clients = Array.from({ length: 200 }, (_, index) =>
        spawn(function* () {
          const below = connectPlain(server.port, '127.0.0.1').on('error', () => {});
          const client = connect({ socket: below, ca, servername: 'localhost' }).on('error', () => {});
          for (let turn = 0; turn < index % 12; turn++)
            yield* until(new Promise<void>((done) => void setImmediate(done)));
          if (index % 2 === 0) below.resetAndDestroy();
          else client.destroy();
          if (!below.destroyed) yield* fromEvent(below, 'close', { error: false });
        }),
      );
      for (const client of clients) yield* client;
      yield* eventually(() => server.connections === 0);
      yield* serves(server);
    }));
});

describe("a client's certificate", () => {
  const asks: TlsServerOptions = { requestCert: true, ca };

  it('that is good is let in, and shown', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: { ...serverTls, ...asks } });
      using client = yield* createConnection(listener.address, { tls: { ca, key, cert: cert.client } });
      using server = yield* listener.accept();
      expect([server.authorized, server.peerCertificate()!.subject.CN]).toEqual([true, 'client']);
      yield* client.sendall('x');
      expect(`${yield* server.recv()}`).toBe('x');
    }));

  it.each([
    ['is missing', {}, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
    [
      'is of another authority',
      { key, cert: cert.otherClient },
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY|UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['has expired', { key, cert: cert.expired }, 'CERT_HAS_EXPIRED'],
    ['signed itself', { key, cert: cert.selfSigned }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('that %s is refused, no handler hears of it, the client does', (_, client, reason) =>
    withServer(asks, function* (server, failures) {
      for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
        const attempt = function* () {
          using socket = yield* createConnection(server.address, { tls: { ca, ...client, maxVersion } });
          yield* socket.sendall('hello\n'); // with TLS 1.3 the client hears of it after its handshake
          if ((yield* socket.readline()) === undefined) throw Object.assign(new Error('ended'), { code: 'ENDED' });
        };
        const error = yield* thrown(attempt() as Operation<unknown>);
        expect(error.code).toMatch(/^(GENLET_TLS|ENDED|ECONNRESET)$/);
      }
      yield* eventually(() => failures.length === 2);
      for (const failure of failures) {
        expect(failure).toBeInstanceOf(CertificateError);
        expect(failure.reason).toMatch(new RegExp(`^(${reason})$`));
      }
      expect([server.failedHandshakes, server.connections]).toEqual([2, 0]);
      yield* serves(server, { key, cert: cert.client });
    }),
  );

  it('that is missing is an alert to the client, which it reads as TlsError', () =>
    withServer(asks, function* (server) {
      const early = yield* thrown(createConnection(server.address, { tls: { ca, maxVersion: 'TLSv1.2' } }));
      expect(early).toMatchObject({ code: 'GENLET_TLS', reason: expect.stringMatching(/ALERT_HANDSHAKE_FAILURE$/) });
      using late = yield* createConnection(server.address, { tls: { ca } });
      const error = yield* thrown(late.recv());
      expect(error).toMatchObject({ code: 'GENLET_TLS', reason: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
      expect(error.message).toMatch(/^TlsSocket 127\.0\.0\.1:\d+: /);
    }));

  it('is only asked for with `rejectUnauthorized: false`', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: { ...serverTls, ...asks, rejectUnauthorized: false } });
      const seen: unknown[] = [];
      for (const tls of [{}, { key, cert: cert.otherClient }, { key, cert: cert.client }]) {
        using _client = yield* createConnection(listener.address, { tls: { ca, ...tls } });
        using server = yield* listener.accept();
        seen.push([server.authorized, typeof server.authorizationError, server.peerCertificate()?.subject.CN]);
      }
      expect(seen).toEqual([
        [false, 'string', undefined],
        [false, 'string', 'client'],
        [true, 'undefined', 'client'],
      ]);
    }));
});

describe('options', () => {
  it.each([
    [() => createConnection(1, { tls: 5 as never }), 'tls is 5: give true or'],
    [() => createConnection(1, { tls: { servername: 5 as never } }), 'servername is 5: give a name'],
    [
      () => createConnection(1, { tls: { servername: '127.0.0.1' } }),
      "servername is '127.0.0.1': give a name, not an IP",
    ],
    [() => createConnection(1, { tls: { checkServerIdentity: 5 as never } }), 'checkServerIdentity is 5'],
    [() => createConnection(1, { tls: { ALPNProtocols: 'h2' as never } }), "ALPNProtocols is 'h2': give"],
    [() => createConnection(1, { tls: { ca: 'x', cert: 'no certificate' } }), 'PEM'],
    [() => listen(1, { tls: true as never }), 'tls is true: give { cert, key, … }'],
    [() => listen(1, { tls: { SNICallback() {} } as never }), 'SNICallback is not an option here: give sniCallback'],
    [() => listen(1, { tls: { sniCallback: 5 as never } }), 'sniCallback is 5'],
    [() => listen(1, { tls: { onHandshakeError: 5 as never } }), 'onHandshakeError is 5'],
    [() => listen(1, { tls: { handshakeTimeout: -1 } }), 'handshakeTimeout is -1'],
    [() => listen(1, { tls: { contexts: 5 as never } }), 'contexts is 5'],
    [() => listen(1, { tls: { contexts: { a: 5 as never } } }), "contexts['a'] is 5: give { cert, key }"],
    [() => listen(1, { tls: { key: 'no key' } }), /PEM|DECODER/],
    [() => new StreamServer(1, () => {}, { tls: true as never }), 'tls is true'],
  ] as [() => unknown, string | RegExp][])('are checked first: %s', (call, message) => {
    expect(call).toThrow(message);
  });

  it('of a key with a passphrase are those of Node', () => {
    expect(() => listen(1, { tls: { ...serverTls, passphrase: 'not needed' } })).not.toThrow();
  });
});
