/** What is agreed upon in a handshake: the name asked for, the protocol above, versions, sessions that are used again. */
import { createSecureContext } from 'node:tls';
import { type Coroutine, Event, run, sleep, spawn, until } from 'genlet';
import {
  createConnection,
  listen,
  StreamServer,
  type TlsOptions,
  type TlsServerOptions,
  type TlsSocket,
} from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, thrown, untilBlocked, watchResources } from './support.ts';
import { ca, cert, key, server as serverTls, withTlsPair } from './tls-support.ts';

const { takeReports } = watchHub();
watchResources();

const here = '127.0.0.1:0';

/** The name in the certificate that a server shows to a client that asks for each of these names, or the error. */
function namesShown(server: TlsServerOptions, names: string[]): Promise<(string | undefined)[]> {
  return run(function* () {
    using listener = yield* listen(here, { tls: { ...serverTls, ...server } });
    const shown: (string | undefined)[] = [];
    for (const servername of names) {
      const tls = { ca, servername, checkServerIdentity: () => undefined };
      try {
        using client = yield* createConnection(listener.address, { tls, timeout: 5000 });
        using accepted = yield* listener.accept({ timeout: 5000 });
        expect(accepted.servername).toBe(servername || undefined);
        shown.push(client.peerCertificate()!.subject.CN as string);
      } catch (error) {
        shown.push((error as NodeJS.ErrnoException).code);
      }
    }
    return shown;
  });
}

describe('the name of the server', () => {
  const contexts = { 'a.example': { key, cert: cert.a }, '*.b.example': createSecureContext({ key, cert: cert.b }) };
  const asked = ['a.example', 'A.EXAMPLE', 'x.b.example', 'x.y.b.example', 'b.example', 'localhost', ''];
  const expected = ['a.example', 'a.example', '*.b.example', 'localhost', 'localhost', 'localhost', 'localhost'];

  it('chooses among certificates', async () => {
    expect(await namesShown({ contexts }, asked)).toEqual(expected);
  });

  it('as it stands comes before a pattern', async () => {
    const both = { '*.example': { key, cert: cert.localhost }, ...contexts };
    expect(await namesShown({ contexts: both }, ['a.example', 'c.example'])).toEqual(['a.example', 'localhost']);
  });

  it.each([
    ['a plain function', (name: string) => (name === 'a.example' ? { key, cert: cert.a } : undefined)],
    [
      'a coroutine function',
      function* (name: string): Coroutine<unknown> {
        yield* sleep(2);
        return name === 'a.example' ? createSecureContext({ key, cert: cert.a }) : undefined;
      },
    ],
    ['an async function', async (name: string) => (name === 'a.example' ? { key, cert: cert.a } : undefined)],
  ])('is given to %s, before those that are known', async (_, sniCallback) => {
    const known = { '*.b.example': contexts['*.b.example'] };
    const names = ['a.example', 'x.b.example', 'localhost', ''];
    expect(await namesShown({ sniCallback, contexts: known }, names)).toEqual([
      'a.example',
      '*.b.example',
      'localhost',
      'localhost',
    ]);
  });

  it('that makes sniCallback throw, or give nonsense, ends the handshake, and is reported', async () => {
    const nonsense = 5;
    const sniCallback = (name: string) => {
      if (name === 'a.example') throw new Error('no such name');
      return nonsense;
    };
    expect(await namesShown({ sniCallback }, ['a.example', 'b.example', ''])).toEqual([
      'ECONNRESET',
      'ECONNRESET',
      'localhost',
    ]);
    const reports = await takeReports();
    expect(reports.map(({ error }) => (error as Error).message)).toEqual([
      'no such name',
      'the result of sniCallback is 5: give { cert, key }, or what createSecureContext() made',
    ]);
  });

  it('that takes long to find holds up nobody, and its search is killed with the handshake', () =>
    run(function* () {
      const log: string[] = [];
      const found = new Event();
      const server = new StreamServer(here, (socket) => socket.sendall(`${socket.servername}`), {
        tls: {
          ...serverTls,
          handshakeTimeout: 600,
          *sniCallback(name) {
            if (name === 'localhost') return undefined;
            try {
              yield* found.wait();
              log.push('found');
            } finally {
              log.push('left');
            }
          },
        },
      });
      yield* server.start();
      const lost = spawn(() => thrown(createConnection(server.address, { tls: { ca, servername: 'b.example' } })));
      yield* untilBlocked(lost);
      using client = yield* createConnection(['localhost', server.port], { tls: { ca }, family: 4 });
      expect(`${yield* client.recv()}`).toBe('localhost');
      expect(log).toEqual([]);
      expect((yield* lost).code).toBe('ECONNRESET');
      yield* eventually(() => log.length > 0);
      expect([log, server.failedHandshakes]).toEqual([['left'], 1]);
      const other = spawn(() => thrown(createConnection(server.address, { tls: { ca, servername: 'b.example' } })));
      yield* eventually(() => other.dead && log.length === 2);
      expect(log).toEqual(['left', 'left']);
      yield* server.stop();
    }));

  it('has the options of the server count for its certificates, too', async () => {
    const tls = { contexts, requestCert: true, ca };
    await run(function* () {
      using listener = yield* listen(here, { tls: { ...serverTls, ...tls } });
      const options = { ca, key, cert: cert.client, servername: 'a.example' };
      using _client = yield* createConnection(listener.address, { tls: options });
      using server = yield* listener.accept();
      expect([server.authorized, server.servername]).toEqual([true, 'a.example']);
    });
  });

  it('is that of the host, and is not told where it is an address or empty', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: serverTls });
      const told: unknown[] = [];
      for (const [host, servername] of [['localhost'], ['127.0.0.1'], ['127.0.0.1', 'localhost'], ['localhost', '']]) {
        const tls = { ca, servername };
        using client = yield* createConnection([host!, listener.address.port], { tls, family: 4 });
        using server = yield* listener.accept();
        told.push([client.servername, server.servername, client.authorized]);
      }
      expect(told).toEqual([
        ['localhost', 'localhost', true],
        [undefined, undefined, true],
        ['localhost', 'localhost', true],
        [undefined, undefined, true],
      ]);
    }));
});

describe('ALPN', () => {
  /** What both sides agree on, or the reason why they don't. */
  function agreed(server: TlsServerOptions, client: TlsOptions): Promise<unknown> {
    return run(function* () {
      using listener = yield* listen(here, { tls: { ...serverTls, ...server } });
      try {
        using near = yield* createConnection(listener.address, { tls: { ca, ...client } });
        using far = yield* listener.accept();
        return [near.alpnProtocol, far.alpnProtocol];
      } catch (error) {
        return (error as { reason?: string }).reason;
      }
    });
  }

  it.each([
    [['h2', 'http/1.1'], ['http/1.1'], ['http/1.1', 'http/1.1']],
    [
      ['h2', 'http/1.1'],
      ['http/1.1', 'h2'],
      ['h2', 'h2'],
    ],
    [['h2'], undefined, [undefined, undefined]],
    [undefined, ['h2'], [undefined, undefined]],
    [['h2'], ['http/1.1'], 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
  ])('of %s and %s agrees on %s', async (server, client, expected) => {
    expect(await agreed({ ALPNProtocols: server }, { ALPNProtocols: client })).toEqual(expected);
  });

  it('can be decided by a function', async () => {
    const seen: unknown[] = [];
    const ALPNCallback: TlsServerOptions['ALPNCallback'] = (hello) => {
      seen.push(hello);
      return hello.protocols[1];
    };
    const client = { ALPNProtocols: ['a', 'b'], servername: 'localhost' };
    expect(await agreed({ ALPNCallback }, client)).toEqual(['b', 'b']);
    expect(seen).toEqual([{ servername: 'localhost', protocols: ['a', 'b'] }]);
  });

  it('whose function throws ends the handshake, and is reported', async () => {
    const mistake = new Error('mistake');
    const ALPNCallback = () => {
      throw mistake;
    };
    expect(await agreed({ ALPNCallback }, { ALPNProtocols: ['a'] })).not.toEqual(['a', 'a']);
    expect(await takeReports()).toMatchObject([{ error: mistake, context: 'ALPNCallback' }]);
  });
});

describe('a session', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s is used again', (maxVersion) =>
    run(function* () {
      const server = new StreamServer(here, (socket) => socket.sendall(`${socket.sessionReused}\n`), {
        tls: { ...serverTls, maxVersion },
      });
      yield* server.start();
      let session: Buffer | undefined;
      const reused: unknown[] = [];
      for (let round = 0; round < 3; round++) {
        using client = yield* createConnection(server.address, { tls: { ca, session }, timeout: 5000 });
        const line = yield* client.readline();
        reused.push([client.protocol, client.sessionReused, line]);
        session = client.session;
        expect(session).toBeInstanceOf(Buffer);
      }
      expect(reused).toEqual([
        [maxVersion, false, 'false'],
        [maxVersion, true, 'true'],
        [maxVersion, true, 'true'],
      ]);
      yield* server.stop();
    }),
  );

  it('keeps the certificate of the client', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: { ...serverTls, requestCert: true, ca } });
      let session: Buffer | undefined;
      const seen: unknown[] = [];
      for (let round = 0; round < 2; round++) {
        using client = yield* createConnection(listener.address, { tls: { ca, key, cert: cert.client, session } });
        using server = yield* listener.accept();
        yield* server.sendall('x');
        yield* client.recv();
        seen.push([server.sessionReused, server.authorized, server.peerCertificate()?.subject.CN]);
        session = client.session;
      }
      expect(seen).toEqual([
        [false, true, 'client'],
        [true, true, 'client'],
      ]);
    }));

  it('that a server does not know is none', () =>
    run(function* () {
      let session: Buffer | undefined;
      const reused: boolean[] = [];
      for (const ticketKeys of [Buffer.alloc(48, 1), Buffer.alloc(48, 1), Buffer.alloc(48, 2)]) {
        using listener = yield* listen(here, { tls: { ...serverTls, ticketKeys } });
        using client = yield* createConnection(listener.address, { tls: { ca, session } });
        using server = yield* listener.accept();
        yield* server.sendall('x');
        yield* client.recv();
        reused.push(client.sessionReused);
        session = client.session;
      }
      expect(reused).toEqual([false, true, false]);
    }));

  it('is none at a server', () =>
    withTlsPair(function* (client, server) {
      yield* client.sendall('x');
      yield* server.recv();
      expect(server.session).toBeUndefined();
    }));
});

describe('what both sides speak', () => {
  it.each([
    [{ maxVersion: 'TLSv1.2' }, {}, 'TLSv1.2'],
    [{}, { maxVersion: 'TLSv1.2' }, 'TLSv1.2'],
    [{ minVersion: 'TLSv1.3' }, {}, 'TLSv1.3'],
  ] as const)('is the best that both can: %o, %o', (server, client, protocol) =>
    withTlsPair(
      function* (near: TlsSocket, far: TlsSocket) {
        yield* near.sendall('x');
        yield* far.recv();
        expect([near.protocol, far.protocol]).toEqual([protocol, protocol]);
      },
      { server, client },
    ),
  );

  it('has the cipher that was asked for', () =>
    withTlsPair(
      function* (near: TlsSocket, far: TlsSocket) {
        yield* until(Promise.resolve());
        const name = 'ECDHE-ECDSA-AES256-GCM-SHA384';
        expect([near.cipher?.name, far.cipher?.name]).toEqual([name, name]);
      },
      { client: { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' } },
    ));

  it('can be set once for many connections', () =>
    run(function* () {
      using listener = yield* listen(here, { tls: serverTls });
      const secureContext = createSecureContext({ ca, maxVersion: 'TLSv1.2' });
      for (let round = 0; round < 2; round++) {
        using client = yield* createConnection(listener.address, { tls: { secureContext } });
        using _server = yield* listener.accept();
        expect([client.protocol, client.authorized]).toEqual(['TLSv1.2', true]);
      }
    }));
});
