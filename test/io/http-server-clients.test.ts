// The HTTP server and the programs that people have.
import { execFile, execFileSync } from 'node:child_process';
import { request as httpsRequest } from 'node:https';
import { type Coroutine, fromEvent, run, sleep, spawn, until } from 'genlet';
import { fs, type HttpHandler, HttpServer, type HttpServerOptions, http } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { RawClient, withHttp } from './http-server-support.ts';
import { eventually, watchResources } from './support.ts';
import * as pki from './tls-support.ts';

watchHub();
watchResources();

function has(program: string, option: string): boolean {
  try {
    execFileSync(program, [option], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return true;
    console.log(`${program} is not installed: its tests are skipped`);
    return false;
  }
}

/** Runs a program, and gives what it has written. */
function* output(program: string, ...args: string[]): Coroutine<string> {
  return yield* until(
    (signal) =>
      new Promise<string>((resolve, reject) => {
        execFile(program, args, { signal, maxBuffer: 1e8 }, (error, stdout, stderr) => {
          if (error) reject(new Error(`${program}: ${error.message}\n${stdout}${stderr}`));
          else resolve(`${stdout}${stderr}`);
        });
      }),
  );
}

const echo: HttpHandler = function* (request, response) {
  const { method, path, httpVersion, headers } = request;
  if (path === '/pieces') return new Set(['one ', 'two ', 'three']);
  if (path === '/echo') {
    for (let piece: Buffer; (piece = yield* request.body.read()).length > 0; ) yield* response.write(piece);
    return undefined;
  }
  const body = yield* request.text({ limit: 1e7 });
  return `${method} ${httpVersion} ${headers.expect ?? '-'} ${body.length}\n`;
};

describe.skipIf(!has('curl', '--version'))('curl', () => {
  const curl = (server: HttpServer, path: string, ...args: string[]) =>
    output('curl', '-s', '-S', '--max-time', '10', ...args, `http://127.0.0.1:${server.port}${path}`);

  it('speaks HTTP/1.0 and 1.1, HEAD, and sends bodies in all ways', () =>
    withHttp(echo, function* (server) {
      const file = `/tmp/genlet-curl-${process.pid}`;
      yield* fs.writeFile(file, 'x'.repeat(2_000_000));
      expect(yield* curl(server, '/', '--http1.0')).toBe('GET 1.0 - 0\n');
      expect(yield* curl(server, '/', '--http1.1')).toBe('GET 1.1 - 0\n');
      expect(yield* curl(server, '/pieces', '--http1.0')).toBe('one two three');
      expect(yield* curl(server, '/pieces')).toBe('one two three');
      expect(yield* curl(server, '/', '-I')).toMatch(/^HTTP\/1.1 200 OK\r\n.*Content-Length: 13\r\n/s);
      expect(yield* curl(server, '/', '-d', 'a=b')).toBe('POST 1.1 - 3\n');
      expect(yield* curl(server, '/', '-T', file)).toMatch(/^PUT 1.1 (-|100-continue) 2000000\n$/);
      expect(yield* curl(server, '/', '-T', file, '-H', 'Transfer-Encoding: chunked')).toMatch(/ 2000000\n$/);
      expect(yield* curl(server, '/', '-T', file, '-H', 'Expect: 100-continue')).toBe('PUT 1.1 100-continue 2000000\n');
      expect(yield* curl(server, '/', '-T', file, '--http1.0')).toBe('PUT 1.0 - 2000000\n');
      const echoed = yield* curl(server, '/echo', '-T', file, '-H', 'Transfer-Encoding: chunked');
      expect(echoed).toHaveLength(2_000_000);
      yield* fs.unlink(file);
    }));

  it('waits for 100 Continue, and does not send what is refused', () =>
    withHttp(
      function* (request) {
        return `${(yield* request.bytes()).length}`;
      },
      function* (server) {
        const file = `/tmp/genlet-curl-expect-${process.pid}`;
        yield* fs.writeFile(file, 'x'.repeat(200_000));
        const send = (...args: string[]) =>
          curl(server, '/', '-v', '-T', file, '-H', 'Expect: 100-continue', '--expect100-timeout', '5', ...args);
        const accepted = yield* send();
        expect(accepted).toMatch(/< HTTP\/1.1 100 Continue.*< HTTP\/1.1 200 OK/s);
        yield* fs.writeFile(file, 'x'.repeat(2_000_000));
        const refused = yield* send();
        expect(refused).toMatch(/< HTTP\/1.1 413 Payload Too Large/);
        expect(refused).not.toMatch(/100 Continue\r?\n/);
        const large = yield* curl(server, '/', '-T', file, '-H', 'Expect:', '-w', '%{http_code}');
        expect(large).toMatch(/413$/);
        yield* fs.unlink(file);
      },
    ));

  it('keeps its connection', () =>
    withHttp(
      ({ remote }) => `${remote.port} `,
      function* (server) {
        const url = `http://127.0.0.1:${server.port}/`;
        const ports = (yield* output('curl', '-s', url, url, url)).trim().split(' ');
        expect([ports.length, new Set(ports).size]).toEqual([3, 1]);
      },
    ));

  it('speaks TLS', () =>
    withHttp(
      ({ tls, path }) => `${path} ${tls?.encrypted}`,
      function* (server) {
        const args = ['-s', '-S', '--cacert', pki.pathOf('ca'), '--resolve', `localhost:${server.port}:127.0.0.1`];
        expect(yield* output('curl', ...args, `https://localhost:${server.port}/secure`)).toBe('/secure true');
      },
      { tls: { key: pki.key, cert: pki.cert.localhost } },
    ));
});

describe('TLS', () => {
  const tls: HttpServerOptions['tls'] = { key: pki.key, cert: pki.cert.localhost };

  it('knows the certificate of the client, and refuses who has none', () =>
    withHttp(
      (request) => request.tls!.getPeerCertificate().subject.CN,
      function* (server) {
        function* ask(options: object): Coroutine<string> {
          const request = httpsRequest({
            port: server.port,
            host: '127.0.0.1',
            servername: 'localhost',
            ca: pki.ca,
            ...options,
          });
          request.end();
          const [response] = yield* fromEvent<[NodeJS.ReadableStream]>(request, 'response');
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          yield* fromEvent(response as never, 'end');
          return text;
        }
        expect(yield* ask({ key: pki.key, cert: pki.cert.client, agent: false })).not.toBe('');
        let code: string | undefined;
        try {
          yield* ask({ agent: false });
        } catch (error) {
          code = (error as { code?: string }).code;
        }
        expect(code).toMatch(/ECONNRESET|ERR_SSL|EPIPE/);
      },
      { tls: { ...tls, ca: pki.ca, requestCert: true, rejectUnauthorized: true } },
    ));

  it('is not spoken by all clients: they are dropped, and so is who never shakes hands', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => 'x', { tls });
      yield* server.start();
      using plain = yield* RawClient.connect(server);
      yield* plain.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      expect(yield* plain.rest()).not.toContain('200 OK');
      using silent = yield* RawClient.connect(server);
      yield* sleep(10);
      expect(server.connections).toBe(0);
      yield* server.stop();
      expect(yield* silent.rest()).toBe('');
    }));

  it('needs a certificate that is one', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => 'x', { tls: { key: 'x', cert: 'y' } });
      let error: unknown;
      try {
        yield* server.start();
      } catch (thrown) {
        error = thrown;
      }
      expect((error as Error).message).toMatch(/PEM/i);
      expect(server.started).toBe(false);
    }));
});

it.skipIf(!has('ab', '-V'))('serves ab, with and without keep-alive', () =>
  withHttp(
    () => 'hello world',
    function* (server) {
      for (const keepAlive of [[], ['-k']]) {
        const report = yield* output(
          'ab',
          '-q',
          '-n',
          '500',
          '-c',
          '20',
          ...keepAlive,
          `http://127.0.0.1:${server.port}/`,
        );
        expect(report).toMatch(/Complete requests:\s+500\n/);
        expect(report).toMatch(/Failed requests:\s+0\n/);
        expect(report).not.toMatch(/Non-2xx/);
      }
    },
  ),
);

it.skipIf(!has('wrk', '-v'))('serves wrk, and whom wrk breaks off at its end', () =>
  withHttp(
    function* () {
      yield* sleep(0);
      return 'hello world';
    },
    function* (server) {
      const report = yield* output('wrk', '-t1', '-c50', '-d1s', `http://127.0.0.1:${server.port}/`);
      expect(report).toMatch(/\d+ requests in/);
      expect(report).not.toMatch(/Socket errors|Non-2xx/);
      yield* eventually(() => server.connections === 0 && server.handling === 0);
    },
  ),
);

it('serves fetch, whose abort kills the handler', () => {
  const log: string[] = [];
  return withHttp(
    function* ({ path }) {
      try {
        if (path === '/slow') yield* sleep(10_000);
        return 'hello';
      } finally {
        log.push(`${path} ended`);
      }
    },
    function* (server) {
      const url = `http://127.0.0.1:${server.port}`;
      const response = yield* http.fetch(`${url}/`);
      expect(yield* response.text()).toBe('hello');
      const slow = spawn(() => http.fetch(`${url}/slow`));
      yield* eventually(() => server.handling === 1);
      yield* slow.kill();
      yield* eventually(() => server.handling === 0);
      expect(log).toEqual(['/ ended', '/slow ended']);
    },
  );
});

it('reads a request that comes byte by byte', () =>
  withHttp(echo, function* (server) {
    using client = yield* RawClient.connect(server);
    const text =
      'POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n';
    for (let round = 0; round < 2; round++) {
      for (const byte of text) {
        yield* client.send(byte);
        yield* sleep(0);
      }
      expect((yield* client.read()).body).toBe('hello!');
    }
  }));

it('outlives hundreds of connections that come and go', () =>
  withHttp(
    () => 'hello',
    function* (server) {
      for (let wave = 0; wave < 5; wave++) {
        const clients = Array.from({ length: 100 }, (_, index) =>
          spawn(function* () {
            const client = yield* RawClient.connect(server);
            if (index % 4 > 0)
              yield* client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n'.slice(0, index % 4 === 1 ? 10 : undefined));
            if (index % 4 === 3) expect((yield* client.read()).body).toBe('hello');
            if (index % 2 === 0) client.socket.abort();
            else client.close();
          }),
        );
        for (const client of clients) yield* client;
      }
      yield* eventually(() => server.connections === 0 && server.handling === 0);
    },
  ));
