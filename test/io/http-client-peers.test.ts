/** The HTTP client with proxies, Unix sockets and servers that others have written. */
import { spawn as spawnProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as plainRequest } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Coroutine, fromEvent, joinall, run, spawn, Timeout } from 'genlet';
import { http } from 'genlet/io';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from '../support/child.ts';
import { watchHub } from '../support/hub.ts';
import { mirror, open, type Site, serve } from './http-support.ts';
import { eventually, thrown, watchResources } from './support.ts';
import { ca, cert, key } from './tls-support.ts';

watchHub();
watchResources();

interface Proxy extends Site {
  /** What it was asked for, with the `proxy-authorization`. */
  readonly asked: string[];
}

/** A proxy as small as can be: `CONNECT`, and requests with a whole URL. */
function* serveProxy(isMute = false): Coroutine<Proxy> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = plainRequest(request.url!, { method: request.method!, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  const site = yield* open(server as never, 'http');
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`);
    socket.on('error', () => {}).on('end', () => socket.end());
    if (isMute) {
      socket.resume();
      return;
    }
    if (request.url!.startsWith('forbidden')) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const [host, port] = request.url!.split(':');
    const onward = connect(Number(port), host!, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.pipe(socket).pipe(onward);
    const end = () => {
      onward.destroy();
      socket.destroy();
    };
    onward.on('error', end).on('close', end);
    socket.on('error', end).on('close', end);
  });
  return Object.assign(site, { asked });
}

describe('a proxy', () => {
  it('is asked for whole URLs, and for tunnels with TLS', () =>
    run(function* () {
      const proxy = yield* serveProxy();
      const site = yield* serve(mirror);
      const secure = yield* open(createHttpsServer({ key, cert: cert.localhost }, mirror) as never, 'https');
      using client = new http.HttpClient({
        proxy: proxy.url.replace('//', '//n%40me:secret@'),
        tls: { ca },
        headers: { 'x-usual': '1' },
      });
      const auth = `Basic ${btoa('n@me:secret')}`;
      for (let time = 0; time < 2; time++) {
        const plain = (yield* client.request(`${site.url}/plain`, { body: 'x' })).json();
        expect([plain.url, plain.body, plain.headers['x-usual'], plain.headers.host]).toEqual([
          '/plain',
          'x',
          '1',
          `127.0.0.1:${site.port}`,
        ]);
        const tunneled = (yield* client.request(`https://localhost:${secure.port}/tls`)).json();
        expect([tunneled.url, tunneled.headers['proxy-authorization'], tunneled.headers['x-usual']]).toEqual([
          '/tls',
          undefined,
          '1',
        ]);
      }
      expect(proxy.asked).toEqual([
        `POST ${site.url}/plain ${auth}`,
        `CONNECT localhost:${secure.port} ${auth}`,
        `POST ${site.url}/plain ${auth}`,
      ]);
      expect(client.statistics().origins).toEqual({
        [site.url]: { connections: 1, idle: 1, waiting: 0 },
        [`https://localhost:${secure.port}`]: { connections: 1, idle: 1, waiting: 0 },
      });
      client.destroy();
      for (const place of [proxy, site, secure]) yield* place.end();
    }));

  it('may be given header fields, and be asked for tunnels always', () =>
    run(function* () {
      const proxy = yield* serveProxy();
      const site = yield* serve(mirror);
      const options = { url: proxy.url, headers: { 'Proxy-Authorization': 'Bearer x' }, tunnel: true };
      using client = new http.HttpClient({ proxy: options, origin: site.url });
      expect((yield* client.request('/')).json().url).toBe('/');
      using response = yield* client.stream('/stream');
      expect((yield* response.json()).url).toBe('/stream');
      expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${site.port} Bearer x`]);
      client.destroy();
      yield* site.end();
      yield* proxy.end();
    }));

  it('that refuses, or is not there, is an error', () =>
    run(function* () {
      const proxy = yield* serveProxy();
      using client = new http.HttpClient({ proxy: proxy.url });
      const refused = yield* thrown(client.request('https://forbidden/'));
      expect([refused.code, refused.message]).toEqual([
        'UND_ERR_ABORTED',
        'Proxy response (403) !== 200 when HTTP Tunneling',
      ]);
      using lost = new http.HttpClient({ proxy: 'http://127.0.0.1:1' });
      expect((yield* thrown(lost.request('https://somewhere/'))).code).toBe('ECONNREFUSED');
      expect((yield* thrown(lost.request('http://somewhere/'))).code).toBe('ECONNREFUSED');
      client.destroy();
      yield* proxy.end();
    }));

  it('that does not answer is left by a kill and a timeout, with its connection', () =>
    run(function* () {
      const proxy = yield* serveProxy(true);
      using client = new http.HttpClient({ proxy: proxy.url });
      const call = spawn(() => client.request('https://somewhere/'));
      yield* eventually(() => proxy.asked.length === 1);
      yield* call.kill();
      yield* eventually(() => proxy.sockets.size === 0);
      expect(yield* thrown(client.request('https://somewhere/', { timeout: 50 }))).toBeInstanceOf(Timeout);
      yield* eventually(() => proxy.sockets.size === 0);
      expect(client.statistics().origins).toEqual({});
      yield* proxy.end();
    }));

  const { env } = process;
  afterEach(() => {
    process.env = env;
  });

  it('may be named by the environment', () =>
    run(function* () {
      const proxy = yield* serveProxy();
      const site = yield* serve(mirror);
      process.env = { ...env, http_proxy: proxy.url, no_proxy: 'localhost' };
      using client = new http.HttpClient({ proxy: 'environment' });
      expect((yield* client.request(site.url)).ok).toBe(true);
      expect((yield* client.request(`http://localhost:${site.port}/`)).ok).toBe(true);
      expect(proxy.asked.length).toBe(1);
      client.destroy();
      yield* site.end();
      yield* proxy.end();
    }));
});

describe('a Unix socket', () => {
  it('takes requests to any host', () =>
    run(function* () {
      const folder = mkdtempSync(join(tmpdir(), 'genlet-'));
      const socketPath = join(folder, 'socket');
      const server = createServer(mirror).listen(socketPath);
      yield* fromEvent(server, 'listening');
      using client = new http.HttpClient({ socketPath, origin: 'http://any.host' });
      const { url, headers } = (yield* client.request('/path')).json();
      expect([url, headers.host]).toEqual(['/path', 'any.host']);
      client.destroy();
      server.close();
      yield* fromEvent(server, 'close');
      rmSync(folder, { recursive: true });
      expect((yield* thrown(new http.HttpClient({ socketPath }).request('http://any.host/'))).code).toBe('ENOENT');
    }));
});

const pathOf = (program: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(existsSync);

const python = pathOf('python3');
const nginx = pathOf('nginx') ?? ['/usr/sbin/nginx'].find(existsSync);

describe('servers of others', () => {
  it.skipIf(python === undefined)("Python's http.server", () =>
    run(function* () {
      const folder = mkdtempSync(join(tmpdir(), 'genlet-'));
      writeFileSync(join(folder, 'file.txt'), 'content');
      writeFileSync(join(folder, 'big.bin'), Buffer.alloc(5_000_000, 'x'));
      const code = `
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print(server.server_port, flush=True)
server.serve_forever()`;
      const child = spawnProcess(python!, ['-c', code, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        const [line] = yield* fromEvent<[string]>(createInterface({ input: child.stdout }), 'line');
        using client = new http.HttpClient({ origin: `http://127.0.0.1:${line}`, timeout: 5000, connections: 4 });
        expect((yield* client.request('/file.txt')).text()).toBe('content');
        expect((yield* client.request('/none')).status).toBe(404);
        expect((yield* client.request('/', { method: 'POST', body: 'x' })).status).toBe(501);
        expect((yield* client.request('/file.txt', { method: 'HEAD' })).headers['content-length']).toBe('7');
        const calls = Array.from({ length: 20 }, () => spawn(() => client.request('/big.bin')));
        for (const { value } of yield* joinall(calls)) expect(value!.bytes().length).toBe(5_000_000);
        using response = yield* client.stream('/big.bin');
        expect((yield* response.body.readExactly(10)).toString()).toBe('xxxxxxxxxx');
      } finally {
        child.kill();
        yield* fromEvent(child, 'close');
        rmSync(folder, { recursive: true });
      }
    }),
  );

  it.skipIf(nginx === undefined)('nginx, with keep-alive, gzip and chunks', () =>
    run(function* () {
      const folder = mkdtempSync(join(tmpdir(), 'genlet-'));
      const text = 'some text that is long enough to be compressed\n'.repeat(1000);
      writeFileSync(join(folder, 'text.txt'), text);
      const socketPath = join(folder, 'socket');
      writeFileSync(
        join(folder, 'nginx.conf'),
        `${process.getuid!() === 0 ? 'user root; ' : ''}daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http { access_log off; gzip on; gzip_types text/plain; gzip_min_length 1; default_type text/plain;
client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u;
scgi_temp_path ${folder}/s; server { listen unix:${socketPath}; root ${folder}; location /moved { return 301 /text.txt; } } }`,
      );
      const child = spawnProcess(nginx!, [
        '-p',
        folder,
        '-c',
        join(folder, 'nginx.conf'),
        '-e',
        join(folder, 'error.log'),
      ]);
      try {
        yield* eventually(() => existsSync(socketPath));
        using client = new http.HttpClient({ origin: 'http://host', socketPath, decompress: true, timeout: 5000 });
        for (let time = 0; time < 10; time++) expect((yield* client.request('/moved')).text()).toBe(text);
        expect(client.statistics().origins).toEqual({ 'http://host': { connections: 1, idle: 1, waiting: 0 } });
      } finally {
        child.kill();
        yield* fromEvent(child, 'close');
        rmSync(folder, { recursive: true });
      }
    }),
  );
});

describe('a program', () => {
  it('ends although connections are idle, and without a warning', { timeout: 30_000 }, async () => {
    const ended = await runProgram(`
      import { createServer } from 'node:http';
      import { run } from 'genlet';
      import { http } from 'genlet/io';
      const server = createServer((_, response) => response.end('fine')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.on('listening', resolve));
      await run(function* () {
        const client = new http.HttpClient({ decompress: true });
        const url = 'http://127.0.0.1:' + server.address().port;
        console.log((yield* client.request(url)).text(), (yield* http.request(url)).text());
      });
      server.unref();
      console.log('over');
      process.on('exit', () => console.log(Math.round(process.uptime() / 60)));
    `);
    expect(ended).toEqual({ lines: ['fine fine', 'over', '0'], stderr: '', exit: 0 });
  });
});
