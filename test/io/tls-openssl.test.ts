/** Against the programs of OpenSSL, `openssl s_client` and `openssl s_server`, and against curl. */
import { type ChildProcess, spawn as spawnProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Coroutine, fromEvent, run, sleep, until } from 'genlet';
import { createConnection, type Socket, StreamServer, type TlsServerOptions, upgradeTls } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, thrown, watchResources } from './support.ts';
import { ca, cert, key, pathOf, server as serverTls } from './tls-support.ts';

const { takeReports } = watchHub();
watchResources();

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args).error === undefined;
const hasOpenssl = has('openssl', 'version');
const hasCurl = has('curl', '--version');
if (!hasOpenssl) console.log('openssl is not installed: its tests are skipped');
if (!hasCurl) console.log('curl is not installed: its test is skipped');

/** Runs a program of OpenSSL to its end; gives what it wrote. */
function* openssl(args: string[], input?: string): Coroutine<string> {
  const { child, output } = start('openssl', args);
  if (input === undefined) child.stdin!.end();
  else child.stdin!.write(input);
  yield* fromEvent(child, 'close');
  return output();
}

function start(program: string, args: string[]): { child: ChildProcess; output(): string } {
  const child = spawnProcess(program, args);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  return { child, output: () => output };
}

/** A server that says something back to each line, and ends at `quit`. */
function* converse(socket: Socket): Coroutine<void> {
  for (let line: string | undefined; (line = yield* socket.readline()) !== undefined && line !== 'quit'; ) {
    yield* socket.sendall(`you said ${line}\n`);
  }
}

function withServer(
  tls: TlsServerOptions | undefined,
  handler: (socket: Socket) => unknown,
  main: (server: StreamServer) => Coroutine<void>,
): Promise<void> {
  return run(function* () {
    const server = new StreamServer('127.0.0.1:0', handler, tls && { tls: { ...serverTls, ...tls } });
    yield* server.start();
    try {
      yield* main(server);
    } finally {
      yield* server.stop();
    }
  });
}

/** The arguments of a client that trusts our authority, and fails if it must not. */
const client = (server: StreamServer, ...more: string[]) => [
  's_client',
  '-connect',
  `127.0.0.1:${server.port}`,
  '-CAfile',
  pathOf('ca'),
  '-verify_return_error',
  '-ign_eof',
  ...more,
];

describe.skipIf(!hasOpenssl)('openssl s_client', () => {
  it.each(['-tls1_2', '-tls1_3'])('talks to our server: %s', (version) =>
    withServer({}, converse, function* (server) {
      const output = yield* openssl(client(server, version, '-servername', 'localhost'), 'hello\nquit\n');
      expect(output).toContain('you said hello');
      expect(output).toContain(version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3');
      expect(output).toContain('Verify return code: 0 (ok)');
      expect(output).not.toContain('unexpected eof');
    }),
  );

  it('is shown the certificate for the name that it asks for', () =>
    withServer(
      { contexts: { 'a.example': { key, cert: cert.a } } },
      () => {},
      function* (server) {
        for (const name of ['a.example', 'localhost']) {
          const output = yield* openssl(client(server, '-servername', name, '-verify_hostname', name));
          expect(output).toContain(`subject=CN = ${name}`);
          expect(output).toContain('Verify return code: 0 (ok)');
        }
      },
    ));

  it('agrees on a protocol', () =>
    withServer(
      { ALPNProtocols: ['h2', 'http/1.1'] },
      () => {},
      function* (server) {
        expect(yield* openssl(client(server, '-alpn', 'http/1.1,x'))).toContain('ALPN protocol: http/1.1');
        expect(yield* openssl(client(server, '-alpn', 'x'))).toContain('no application protocol');
      },
    ));

  it('takes up its session again', () =>
    withServer(
      {},
      (socket) => socket.sendall('hello\n'),
      function* (server) {
        const file = `/tmp/genlet-session-${process.pid}`;
        expect(yield* openssl(client(server, '-sess_out', file))).toContain('New, TLSv1.3');
        expect(yield* openssl(client(server, '-sess_in', file))).toContain('Reused, TLSv1.3');
        spawnSync('rm', [file]);
      },
    ));

  it('is let in with a good certificate only', () =>
    withServer(
      { requestCert: true, ca },
      (socket) => socket.sendall('welcome\n'),
      function* (server) {
        const own = (name: string) => ['-cert', pathOf(name), '-key', pathOf('key')];
        expect(yield* openssl(client(server, ...own('client')))).toContain('welcome');
        expect(yield* openssl(client(server, ...own('other-client')))).not.toContain('welcome');
        expect(yield* openssl(client(server))).toContain('certificate required');
        expect(server.failedHandshakes).toBe(2);
      },
    ));

  it('sees that our stream has ended, and by what', () =>
    withServer(
      {},
      (socket) => socket.sendall('the end\n'),
      function* (server) {
        const output = yield* openssl(client(server, '-tls1_2', '-msg'));
        expect(output).toMatch(/the end[\s\S]*<<< TLS 1\.2, Alert \[length 0002\], warning close_notify/);
      },
    ));

  it('goes over to TLS by STARTTLS', () =>
    withServer(
      undefined,
      function* (plain) {
        yield* plain.sendall('220 ready\r\n');
        expect(yield* plain.readline()).toMatch(/^EHLO/);
        yield* plain.sendall('250-localhost\r\n250 STARTTLS\r\n');
        expect(yield* plain.readline()).toBe('STARTTLS');
        yield* plain.sendall('220 go ahead\r\n');
        yield* converse(yield* upgradeTls(plain, { ...serverTls, isServer: true }));
      },
      function* (server) {
        const output = yield* openssl(client(server, '-starttls', 'smtp', '-quiet'), 'hello\nquit\n');
        expect(output).toContain('you said hello');
      },
    ));

  it('that is killed in the middle is a reset or an end, and no report', () =>
    withServer({}, converse, function* (server) {
      const { child, output } = start('openssl', client(server));
      child.stdin!.write('hello\n');
      yield* eventually(() => output().includes('you said hello'));
      child.kill('SIGKILL');
      yield* fromEvent(child, 'close');
      yield* eventually(() => server.connections === 0);
      expect(yield* until(takeReports())).toEqual([]);
    }));
});

/** Runs `main` with the port of an `openssl s_server`. */
function withOpensslServer(args: string[], main: (port: number) => Coroutine<void>): Promise<void> {
  return run(function* () {
    const probe = createServer().listen(0, '127.0.0.1');
    yield* eventually(() => probe.listening);
    const { port } = probe.address() as { port: number };
    probe.close();
    const own = ['-cert', pathOf('localhost'), '-key', pathOf('key')];
    const { child, output } = start('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, ...own, ...args]);
    const closed = once(child, 'close');
    try {
      while (!output().includes('ACCEPT')) yield* sleep(5);
      yield* main(port);
    } finally {
      child.kill('SIGKILL');
      yield* until(closed);
    }
  });
}

describe.skipIf(!hasOpenssl)('openssl s_server', () => {
  it.each(['-tls1_2', '-tls1_3'])('is talked to by our client: %s', (version) =>
    withOpensslServer(['-rev', version], function* (port) {
      using socket = yield* createConnection(port, { tls: { ca } });
      yield* socket.sendall('hello\n');
      expect(yield* socket.readline()).toBe('olleh');
      expect([socket.protocol, socket.authorized]).toEqual([version === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3', true]);
    }),
  );

  it('gives a page, its certificate, and our session back', () =>
    withOpensslServer(['-www', '-alpn', 'http/1.1'], function* (port) {
      let session: Buffer | undefined;
      const pages: string[] = [];
      for (let round = 0; round < 2; round++) {
        using socket = yield* createConnection(port, { tls: { ca, session, ALPNProtocols: ['http/1.1'] } });
        yield* socket.sendall('GET / HTTP/1.0\r\n\r\n');
        let page = '';
        for (let bytes: Buffer; (bytes = yield* socket.recv()).length > 0; ) page += bytes;
        pages.push(/(New|Reused), TLS/.exec(page)![1]!);
        expect([socket.alpnProtocol, socket.sessionReused]).toEqual(['http/1.1', round === 1]);
        session = socket.session;
      }
      expect(pages).toEqual(['New', 'Reused']);
    }));

  it('is told our name, and shows another certificate', () =>
    withOpensslServer(
      ['-rev', '-servername', 'a.example', '-cert2', pathOf('a-example'), '-key2', pathOf('key')],
      function* (port) {
        using socket = yield* createConnection(['127.0.0.1', port], { tls: { ca, servername: 'a.example' } });
        expect(socket.peerCertificate()!.subject.CN).toBe('a.example');
        socket.close(); // the program serves one after the other
        const tls = { ca, servername: 'b.example' };
        const error = yield* thrown(createConnection(['127.0.0.1', port], { tls, timeout: 5000 }));
        expect(error.reason).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
      },
    ));

  it('is shown our certificate', () =>
    withOpensslServer(['-rev', '-Verify', '1', '-verify_return_error', '-CAfile', pathOf('ca')], function* (port) {
      using good = yield* createConnection(port, { tls: { ca, key, cert: cert.client } });
      yield* good.sendall('abc\n');
      expect(yield* good.readline()).toBe('cba');
      good.close();
      using bad = yield* createConnection(port, { tls: { ca, key, cert: cert.otherClient } });
      const error = yield* thrown(bad.recvExactly(1));
      expect(error).toMatchObject({ code: 'GENLET_TLS', reason: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' });
    }));
});

it.skipIf(!hasCurl)('curl fetches a page from our server', () =>
  withServer(
    {},
    function* (socket) {
      yield* socket.readUntil('\r\n\r\n');
      yield* socket.sendall('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      for (let piece = 0; piece < 20; piece++) yield* socket.sendall('x'.repeat(50_000));
    },
    function* (server) {
      const { child, output } = start('curl', ['-sS', '--cacert', pathOf('ca'), `https://localhost:${server.port}/`]);
      yield* fromEvent(child, 'close');
      expect(output()).toHaveLength(1_000_000);
    },
  ),
);
