import { createServer as createHttpsServer } from 'node:https';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { type Coroutine, joinall, run, select, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { http, open as openFile, Reader } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { InvalidStateError, LimitOverrunError } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import {
  connectionsOf,
  head,
  mirror,
  open,
  readAll,
  replying,
  type Site,
  serve,
  serveRaw,
  withClient,
} from './http-support.ts';
import { eventually, thrown, watchResources } from './support.ts';
import { ca, cert, key } from './tls-support.ts';

watchHub();
watchResources();

const withMirror = <T>(
  main: (client: http.HttpClient, site: Site) => Coroutine<T>,
  options?: http.HttpClientOptions,
): Promise<T> => withClient(serve(mirror), main, options);

describe('HttpClient.request', () => {
  it('gives the whole answer', () =>
    withClient(
      serve((request, response) => {
        response.writeHead(201, 'Made', { 'x-one': '1', 'x-two': ['2', '3'], 'set-cookie': ['a=1', 'b=2'] });
        response.end(`${request.method} ${request.url}`);
      }),
      function* (client, site) {
        const response = yield* client.request('/path?query=1');
        expect([response.status, response.statusText, response.ok]).toEqual([201, 'Made', true]);
        expect([response.method, response.url, response.redirects]).toEqual(['GET', `${site.url}/path?query=1`, 0]);
        expect(response.headers['x-one']).toBe('1');
        expect(response.headers['x-two']).toEqual(['2', '3']);
        expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2']);
        expect(response.text()).toBe('GET /path?query=1');
        expect(response.bytes()).toBe(response.bytes());
        expect(response.trailers).toEqual({});
        expect(yield* response.body.readAll()).toEqual(response.bytes());
        expect(String(yield* response.body.read(3))).toBe('GET');
      },
    ));

  it('asks with any method, and takes any status for an answer', () =>
    withClient(
      serve((request, response) => {
        const status = Number(request.url!.slice(1));
        response.writeHead(status, { 'x-method': request.method! }).end(status === 404 ? 'no such page' : undefined);
      }),
      function* (client) {
        for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND']) {
          const response = yield* client.request('/200', { method: method === 'PUT' ? 'put' : method });
          expect([response.status, response.headers['x-method']]).toEqual([200, method]);
        }
        for (const status of [204, 304, 400, 404, 500]) {
          const response = yield* client.request(`/${status}`);
          expect([response.status, response.ok]).toEqual([status, status === 204]);
          expect(response.text()).toBe(status === 404 ? 'no such page' : '');
        }
      },
    ));

  it('gives no body for HEAD, however long it says that would be', () =>
    withClient(
      serve((_, response) => response.writeHead(200, { 'content-length': 10 ** 12 }).end()),
      function* (client) {
        const response = yield* client.request('/', { method: 'HEAD' });
        expect([response.headers['content-length'], response.bytes().length]).toEqual(['1000000000000', 0]);
      },
    ));

  it('sends bodies of all kinds', () =>
    withMirror(function* (client) {
      function* sent(body: http.RequestBody, options: http.RequestOptions = {}): Coroutine<any[]> {
        const { headers, body: text, method } = (yield* client.request('/', { body, ...options })).json();
        return [method, headers['content-type'], headers['content-length'], text];
      }
      const plain = 'text/plain;charset=UTF-8';
      expect(yield* sent('täxt')).toEqual(['POST', plain, '5', 'täxt']);
      expect(yield* sent('')).toEqual(['POST', plain, '0', '']);
      expect(yield* sent('<a/>', { method: 'PUT', headers: { 'Content-Type': 'text/xml' } })).toEqual([
        'PUT',
        'text/xml',
        '4',
        '<a/>',
      ]);
      expect(yield* sent(Buffer.from('bytes'))).toEqual(['POST', undefined, '5', 'bytes']);
      expect(yield* sent(new Uint8Array([97, 98]).subarray(1))).toEqual(['POST', undefined, '1', 'b']);
      expect(yield* sent(new Uint8Array([97, 98]).buffer)).toEqual(['POST', undefined, '2', 'ab']);
      const form = 'application/x-www-form-urlencoded;charset=UTF-8';
      expect(yield* sent(new URLSearchParams({ a: '1 2', b: '&' }))).toEqual(['POST', form, '11', 'a=1+2&b=%26']);
      expect(yield* sent(new Blob(['blob'], { type: 'a/b' }))).toEqual(['POST', 'a/b', '4', 'blob']);
      expect(yield* sent(Readable.from(['of ', 'pieces']))).toEqual(['POST', undefined, undefined, 'of pieces']);
      expect(yield* sent(new Blob(['web']).stream() as never)).toEqual(['POST', undefined, undefined, 'web']);
      expect(yield* sent(['list ', Buffer.from('of pieces')])).toEqual([
        'POST',
        undefined,
        undefined,
        'list of pieces',
      ]);
      async function* pieces() {
        yield 'async ';
        await null;
        yield 'pieces';
      }
      expect(yield* sent(pieces())).toEqual(['POST', undefined, undefined, 'async pieces']);
      const reader = new Reader(Readable.from(['from ', 'a reader']));
      expect(yield* sent(reader)).toEqual(['POST', undefined, undefined, 'from a reader']);
      using file = yield* openFile(new URL(import.meta.url).pathname);
      expect((yield* sent(file, { headers: { 'content-length': '6' } })).slice(1)).not.toBeUndefined();
    }).catch((error) => {
      expect(error.code).toBe('UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'); // of the last one, whose length is a lie
    }));

  it('sends JSON, and forms with files', () =>
    withMirror(function* (client) {
      const json = (yield* client.request('/', { json: { answer: 42 } })).json();
      expect([json.method, json.headers['content-type'], json.body]).toEqual([
        'POST',
        'application/json',
        '{"answer":42}',
      ]);
      const form = new FormData();
      form.append('name', 'wert');
      form.append('file', new Blob(['content']), 'file.txt');
      for (let time = 0; time < 2; time++) {
        const { headers, body } = (yield* client.request('/', { body: form })).json();
        expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
        expect(body).toContain('name="name"\r\n\r\nwert');
        expect(body).toContain('filename="file.txt"\r\nContent-Type: application/octet-stream\r\n\r\ncontent');
      }
    }));

  it('sends a body as fast as the server takes it, and no faster', () =>
    withClient(
      serve((request, response) => {
        setTimeout(() => readAll(request, (bytes) => response.end(String(bytes.length))), 50);
      }),
      function* (client) {
        let made = 0;
        let mostAhead = 0;
        let read = 0;
        const total = 100;
        function* pieces() {
          for (; made < total; made++) {
            mostAhead = Math.max(mostAhead, made - read);
            yield Buffer.alloc(1_000_000);
          }
        }
        const timer = spawn(function* () {
          yield* sleep(25);
          read = made; // by then the buffers are full
        });
        const response = yield* client.request('/', { body: pieces() });
        yield* timer;
        expect(response.text()).toBe('100000000');
        expect(read).toBeLessThan(20);
      },
    ));

  it('merges header fields and queries', () =>
    withMirror(
      function* (client) {
        const first = (yield* client.request('/a?x=1', {
          headers: { 'X-Own': '1', 'x-usual': '2' },
          query: { b: 'ä', c: undefined, d: 4 },
        })).json();
        expect(first.url).toBe('/a?x=1&b=%C3%A4&d=4');
        expect(first.headers).toMatchObject({ 'x-own': '1', 'x-usual': '2', 'x-more': 'kept' });
        const pairs: [string, string][] = [
          ['X-Usual', '3'],
          ['x-usual', '4'],
          ['cookie', 'a=1'],
          ['cookie', 'b=2'],
        ];
        const second = (yield* client.request('/', { headers: pairs, query: new URLSearchParams('q=1') })).json();
        expect(second.url).toBe('/?q=1');
        expect(second.headers).toMatchObject({ 'x-usual': '3, 4', 'x-more': 'kept', cookie: 'a=1; b=2' });
        const third = (yield* client.request('/', { headers: new Headers({ 'X-Usual': '5' }) })).json();
        expect(third.headers['x-usual']).toBe('5');
        const fourth = (yield* client.request('/', { headers: { 'x-usual': undefined, 'x-list': ['1', '2'] } })).json();
        expect('x-usual' in fourth.headers).toBe(false);
        expect(fourth.headers['x-list']).toBe('1, 2');
      },
      { headers: { 'X-Usual': '1', 'X-More': 'kept' } },
    ));

  it('takes paths, URLs of its origin, and no others', () =>
    withMirror(function* (client, { url }) {
      const paths = [
        '/',
        '/a/../b',
        '/./c',
        '/ä',
        '/a b',
        '/%2e/d',
        "/it's?q='",
        '/e#hash',
        '/f?x=|',
        'g',
        '?h',
        '/i/.hidden',
        '//host/j',
      ];
      const expected: string[] = [];
      const asked: string[] = [];
      for (const path of paths) {
        const parsed = new URL(path, url);
        if (parsed.origin !== url) continue;
        expected.push(parsed.pathname + parsed.search);
        asked.push((yield* client.request(path)).json().url);
      }
      expect(asked).toEqual(expected);
      expect((yield* client.request(`${url}/k`)).json().url).toBe('/k');
      expect((yield* client.request(new URL('/l', url))).json().url).toBe('/l');
      expect(() => client.request('//host/j')).toThrow(`url leads to http://host: this client is for ${url} only`);
      expect(() => client.request('http://other/')).toThrow(RangeError);
    }));

  it('makes an authorization of the name and password in a URL', () =>
    withMirror(
      function* (client, { port }) {
        const url = `http://n%40me:p%3Ass@127.0.0.1:${port}/`;
        const { headers } = (yield* client.request(url)).json();
        expect(headers.authorization).toBe(`Basic ${btoa('n@me:p:ss')}`);
        const own = (yield* client.request(url, { headers: { Authorization: 'Bearer x' } })).json();
        expect(own.headers.authorization).toBe('Bearer x');
        expect((yield* client.request(url)).url).toBe(`http://127.0.0.1:${port}/`);
      },
      { origin: undefined },
    ));

  it('decodes text by its charset, and UTF-8 without its mark', () =>
    withClient(
      serve((request, response) => {
        const [type, hex] = JSON.parse(decodeURIComponent(request.url!.slice(1)));
        if (type) response.setHeader('content-type', type);
        response.end(Buffer.from(hex, 'hex'));
      }),
      function* (client) {
        const text = function* (type: string, hex: string) {
          return (yield* client.request(`/${encodeURIComponent(JSON.stringify([type, hex]))}`)).text();
        };
        expect(yield* text('', 'c3a4')).toBe('ä');
        expect(yield* text('text/plain; charset=iso-8859-1', 'e4')).toBe('ä');
        expect(yield* text('text/plain; charset="UTF-16LE"', 'e400')).toBe('ä');
        expect(yield* text('text/plain; charset=utf8', 'efbbbf61')).toBe('a');
        expect(yield* text('text/plain; charset=none', '61')).toBe('a');
      },
    ));

  it('throws what JSON does not parse', () =>
    withClient(
      serve((_, response) => response.end('{')),
      function* (client) {
        const response = yield* client.request('/');
        expect(() => response.json()).toThrow(SyntaxError);
      },
    ));

  it('gives trailers', () =>
    withClient(
      serve((_, response) => {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('body');
        response.addTrailers({ 'x-sum': '42' });
        setTimeout(() => response.end(), 10);
      }),
      function* (client) {
        const response = yield* client.request('/');
        expect([response.text(), response.trailers]).toEqual(['body', { 'x-sum': '42' }]);
        using streamed = yield* client.stream('/');
        expect(streamed.trailers).toEqual({});
        expect(yield* streamed.text()).toBe('body');
        expect(streamed.trailers).toEqual({ 'x-sum': '42' });
      },
    ));

  it('makes an error of a bad status on demand', () =>
    withClient(
      serve((request, response) => {
        const status = Number(request.url!.slice(1));
        response.writeHead(status, { 'set-cookie': 'secret=1' }).end('x'.repeat(100_000));
      }),
      function* (client, { url }) {
        const good = yield* client.request('/200');
        expect(good.raiseForStatus()).toBe(good);
        expect((yield* client.request('/302')).raiseForStatus().status).toBe(302);
        const bad = yield* client.request('/404');
        let error: any;
        try {
          bad.raiseForStatus();
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toBeInstanceOf(http.HttpStatusError);
        expect([error.code, error.status, error.url]).toEqual(['GENLET_HTTP_STATUS', 404, `${url}/404`]);
        expect(error.message).toBe(`GET ${url}/404: 404 Not Found`);
        expect([error.body.length, error.headers['set-cookie']]).toEqual([65_536, 'secret=1']);
        expect(inspect(error)).not.toContain('secret');
        using streamed = yield* client.stream('/500');
        const other = yield* thrown(streamed.raiseForStatus());
        expect([other.status, other.body.length]).toEqual([500, 65_536]);
        using fine = yield* client.stream('/200');
        yield* fine.raiseForStatus();
        expect((yield* fine.bytes()).length).toBe(100_000);
      },
    ));

  it('shows no secrets', () =>
    withClient(
      serve((_, response) => response.setHeader('set-cookie', 'secret=1').end()),
      function* (client, { port }) {
        const response = yield* client.request('/');
        expect(inspect(response)).toMatch(/^ClientResponse \{ ?\n? *status: 200/);
        const headers = { authorization: 'secret', cookie: 'secret', 'proxy-authorization': 'secret' };
        const call = client.request('/', { headers, timeout: 0 });
        const late = yield* thrown(call);
        expect(late.message).toBe(`http.request(GET http://127.0.0.1:${port}/) had no result yet`);
        using owner = new http.HttpClient({ headers, proxy: 'http://name:secret@127.0.0.1:1' });
        const failure = yield* thrown(owner.request(`http://name:secret@127.0.0.1:${port}/`));
        for (const thing of [response, call, owner, client, late, failure]) {
          expect(inspect(thing, { depth: 10 })).not.toContain('secret');
        }
        for (const url of ['http://name:secret@host:port/', 'htp://name:secret@host/']) {
          expect(() => http.request(url)).toThrow(/^((?!secret).)*$/s);
        }
        expect(() => http.fetch('http://name:secret@host/')).toThrow(/^((?!secret).)*$/s);
        expect(() => http.connectWebSocket('wxs://name:secret@host/')).toThrow(/^((?!secret).)*$/s);
      },
    ));

  it('may be a case of select, if it changes nothing', () =>
    withClient(
      serve((request, response) => void (request.url === '/slow' || response.end('fast'))),
      function* (client, site) {
        const { key, value } = yield* select({ slow: client.request('/slow'), fast: client.request('/') });
        expect([key, value.text()]).toEqual(['fast', 'fast']);
        yield* eventually(() => site.sockets.size === 1);
        expect(() => select({ post: client.request('/', { method: 'POST' }) })).toThrow(
          'case post is http.request(POST',
        );
        const wrong = select({ bad: client.request('/', { headers: { 'a b': '1' } }), slow: client.request('/slow') });
        expect((yield* thrown(wrong)).code).toBe('UND_ERR_INVALID_ARG');
      },
    ));

  it('checks what it is given at the call', () => {
    const client = new http.HttpClient();
    const url = 'http://localhost/';
    expect(() => client.request('')).toThrow("url is '': give a URL such as 'http://host/path'");
    expect(() => client.request('/path')).toThrow("url is '/path': give a URL");
    expect(() => client.request(5 as never)).toThrow('url is 5: give a string or a URL');
    expect(() => client.request('ftp://host/')).toThrow('url has the protocol ftp:: give an http: or https: URL');
    expect(() => client.request(url, null as never)).toThrow('options is null');
    expect(() => client.request(url, { timeout: -1 })).toThrow('timeout is -1: give milliseconds, 0 or more');
    expect(() => client.request(url, { maxBody: -1 })).toThrow('maxBody is -1');
    expect(() => client.request(url, { maxRedirects: 0.5 })).toThrow('maxRedirects is 0.5');
    expect(() => client.request(url, { headersTimeout: -1 })).toThrow('headersTimeout is -1');
    expect(() => client.request(url, { bodyTimeout: 1.5 })).toThrow('bodyTimeout is 1.5');
    expect(() => client.request(url, { retry: 0 })).toThrow('retry is 0');
    expect(() => client.request(url, { retry: 'often' as never })).toThrow("retry is 'often'");
    expect(() => client.request(url, { method: '' })).toThrow("method is ''");
    expect(() => client.request(url, { method: 'connect' })).toThrow('method is CONNECT');
    expect(() => client.request(url, { headers: 'a: b' as never })).toThrow("headers is 'a: b'");
    expect(() => client.request(url, { query: 'a=b' as never })).toThrow("query is 'a=b'");
    expect(() => client.request(url, { body: 5 as never })).toThrow('body is 5');
    expect(() => client.request(url, { json: () => {} })).toThrow('json is json');
    expect(() => client.request(url, { body: '', json: '' })).toThrow('both body and json are given');
    expect(() => client.request(url, { origin: 'x' } as never)).toThrow('origin is an option of HttpClient');
    expect(() => new http.HttpClient({ origin: 'http://host/path' })).toThrow(
      'origin is more than that: give http://host',
    );
    expect(() => new http.HttpClient({ connections: 0 })).toThrow('connections is 0');
    expect(() => new http.HttpClient({ connectTimeout: -1 })).toThrow('connectTimeout is -1');
    expect(() => new http.HttpClient({ keepAliveTimeout: 0 })).toThrow('keepAliveTimeout is 0');
    expect(() => new http.HttpClient({ cookies: 'yes' as never })).toThrow(
      "cookies is 'yes': give true or a CookieJar",
    );
    expect(() => new http.HttpClient({ proxy: '://host' })).toThrow('proxy is no URL');
    expect(() => new http.HttpClient({ proxy: 'ftp://host' })).toThrow('proxy has the protocol ftp:');
    expect(() => new http.HttpClient('http://x' as never)).toThrow('options is');
  });

  it('throws at yield* what undici finds wrong with header fields', () =>
    withMirror(function* (client) {
      for (const headers of [{ 'a b': '1' }, { a: '1\r\nb: 2' }, { 'transfer-encoding': 'chunked' }]) {
        const error = yield* thrown(client.request('/', { headers }));
        expect(error.code).toBe('UND_ERR_INVALID_ARG');
        expect(error.stack).toContain('http-client.test.ts');
      }
      expect((yield* client.request('/')).ok).toBe(true);
    }));
});

describe('HttpClient.stream', () => {
  it('gives the head first, and the body as it comes', () =>
    withClient(
      serve((_, response) => {
        response.write('first\nsec');
        response.on('close', () => {});
        setTimeout(() => response.end('ond\nrest'), 20);
      }),
      function* (client, { url }) {
        using response = yield* client.stream('/x');
        expect([response.status, response.url, response.ok]).toEqual([200, `${url}/x`, true]);
        expect(yield* response.body.readline()).toBe('first');
        expect(yield* response.body.readline()).toBe('second');
        expect(yield* response.text()).toBe('rest');
        expect(inspect(response)).toContain('StreamedResponse');
      },
    ));

  it('gives the body in any form, up to a limit', () =>
    withMirror(function* (client) {
      using first = yield* client.stream('/', { json: [1] });
      expect((yield* first.json()).body).toBe('[1]');
      using second = yield* client.stream('/');
      expect(Buffer.isBuffer(yield* second.bytes())).toBe(true);
      using third = yield* client.stream('/');
      const error = yield* thrown(third.text({ maxBody: 10 }));
      expect(error).toBeInstanceOf(LimitOverrunError);
      expect(String(yield* third.body.readExactly(10))).toBe('{"method":');
    }));

  it('holds up the server while nobody reads', () => {
    let sent = 0;
    return withClient(
      serve((_, response) => {
        const fill = () => {
          while (response.write(Buffer.alloc(65_536))) sent += 65_536;
          sent += 65_536;
        };
        response.on('drain', fill);
        fill();
      }),
      function* (client, site) {
        using response = yield* client.stream('/');
        let before = -1;
        while (before !== sent) {
          before = sent;
          yield* sleep(50);
        }
        expect(sent).toBeLessThan(20_000_000);
        yield* response.body.readExactly(30_000_000);
        expect(sent).toBeGreaterThan(29_000_000);
        response.close();
        yield* eventually(() => site.sockets.size === 0);
      },
    );
  });

  it('ends the request when it is closed, or left', () =>
    withClient(
      serve((_, response) => void response.write('half')),
      function* (client, site) {
        {
          using response = yield* client.stream('/');
          expect(String(yield* response.body.read())).toBe('half');
        }
        yield* eventually(() => site.sockets.size === 0);
        const reader = spawn(function* () {
          using response = yield* client.stream('/');
          yield* response.bytes();
        });
        yield* eventually(() => site.sockets.size === 1);
        yield* reader.kill();
        yield* eventually(() => site.sockets.size === 0);
      },
    ));

  it('keeps the connection when all was read', () =>
    withMirror(function* (client, site) {
      for (let time = 0; time < 3; time++) {
        using response = yield* client.stream('/');
        yield* response.text();
      }
      expect(site.connections).toBe(1);
    }));

  it('limits the time of the whole, the body included', () =>
    withClient(
      serve((_, response) => void response.write('half')),
      function* (client, site) {
        using response = yield* client.stream('/', { timeout: 60 });
        expect(String(yield* response.body.read())).toBe('half');
        const error = yield* thrown(response.body.read());
        expect(error).toBeInstanceOf(Timeout);
        expect(error.message).toBe(`http.stream(GET ${site.url}/) timed out after 60 ms`);
        expect(error.stack).toContain('http-client.test.ts');
        yield* eventually(() => site.sockets.size === 0);
        using unread = yield* client.stream('/', { timeout: 20 });
        yield* eventually(() => site.sockets.size === 0);
        expect(yield* thrown(unread.text())).toBeInstanceOf(Timeout);
        using other = yield* client.stream('/', { timeout: 60 });
        const limited = yield* withTimeout(5, () => other.text(), { value: 'nothing yet' });
        expect(limited).toBe('nothing yet');
        expect(String(yield* other.body.read())).toBe('half');
      },
    ));
});

describe('redirections', () => {
  const moving = (): Coroutine<Site> =>
    serve((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://x');
      const status = Number(pathname.slice(1));
      if (status > 0) response.writeHead(status, { location: searchParams.get('to')! }).end('gone');
      else mirror(request, response);
    });

  it('are followed, with the method and body that the standard wants', () =>
    withClient(moving(), function* (client, { url }) {
      const options = { body: 'data', headers: { 'x-own': '1' } };
      for (const [status, method, asked, body] of [
        [301, 'GET', 'GET', ''],
        [301, 'POST', 'GET', ''],
        [301, 'PUT', 'PUT', 'data'],
        [302, 'POST', 'GET', ''],
        [303, 'PUT', 'GET', ''],
        [307, 'POST', 'POST', 'data'],
        [308, 'PATCH', 'PATCH', 'data'],
      ] as const) {
        const response = yield* client.request(`/${status}?to=/there`, {
          method,
          ...(method === 'GET' ? {} : options),
        });
        const got = response.json();
        expect([got.method, got.url, got.body, response.url, response.redirects]).toEqual([
          asked,
          '/there',
          body,
          `${url}/there`,
          1,
        ]);
        expect(got.headers['content-type']).toBe(body === '' ? undefined : 'text/plain;charset=UTF-8');
        if (method !== 'GET') expect(got.headers['x-own']).toBe('1');
      }
      const head = yield* client.request('/303?to=/there', { method: 'HEAD' });
      expect([head.method, head.url]).toEqual(['HEAD', `${url}/there`]);
      const twice = yield* client.request(`/302?to=${encodeURIComponent('/307?to=/there')}`);
      expect([twice.redirects, twice.json().url]).toEqual([2, '/there']);
      using streamed = yield* client.stream('/302?to=there');
      expect((yield* streamed.json()).url).toBe('/there');
    }));

  it('are answers as any other, if they are not to be followed or lead nowhere', () =>
    withClient(moving(), function* (client) {
      const plain = yield* client.request('/302?to=/there', { maxRedirects: 0 });
      expect([plain.status, plain.headers.location, plain.text()]).toEqual([302, '/there', 'gone']);
      expect((yield* client.request('/304?to=/there')).status).toBe(304);
      expect((yield* client.request('/305?to=/there')).status).toBe(305);
      const stream = yield* client.request('/307?to=/there', { body: Readable.from(['once']) });
      expect([stream.status, stream.text()]).toEqual([307, 'gone']);
      expect((yield* thrown(client.request('/302?to=ftp://host/'))).message).toContain(
        'location has the protocol ftp:',
      );
      expect((yield* thrown(client.request('/302?to=http://'))).message).toContain("location is 'http://'");
      expect((yield* client.request('/ok')).ok).toBe(true);
    }));

  it('end at a limit', () =>
    withClient(
      serve((request, response) => response.writeHead(302, { location: `${request.url}x` }).end()),
      function* (client, { url }) {
        const error = yield* thrown(client.request('/'));
        expect(error).toBeInstanceOf(http.TooManyRedirectsError);
        expect(error.message).toBe(`http.request(GET ${url}/): there are more than 10 redirections`);
        expect((yield* thrown(client.request('/', { maxRedirects: 3 }))).message).toContain('more than 3');
        expect((yield* thrown(client.stream('/', { maxRedirects: 1 }))).code).toBe('GENLET_TOO_MANY_REDIRECTS');
      },
    ));

  it('take no secrets to another origin', () =>
    run(function* () {
      const target = yield* serve(mirror);
      const site = yield* serve((_, response) => response.writeHead(302, { location: target.url }).end());
      using client = new http.HttpClient();
      const headers = { authorization: 'secret', cookie: 'a=1', 'x-other': '1', host: 'name' };
      const got = (yield* client.request(site.url, { headers })).json();
      expect(Object.keys(got.headers).sort()).toEqual(['connection', 'host', 'x-other']);
      expect(got.headers.host).toBe(`127.0.0.1:${target.port}`);
      expect(Object.keys(client.statistics().origins)).toEqual([site.url, target.url]);
      client.destroy();
      yield* site.end();
      yield* target.end();
    }));
});

describe('cookies', () => {
  it('are kept, also on the way of a redirection to the same URL', () =>
    withClient(
      serve((request, response) => {
        const { cookie } = request.headers;
        if (cookie?.includes('session')) response.end(cookie);
        else
          response.writeHead(302, { location: '/', 'set-cookie': ['session=1; Path=/', 'other=2; Max-Age=0'] }).end();
      }),
      function* (client, { url }) {
        expect((yield* client.request('/')).text()).toBe('session=1');
        expect((yield* client.request('/', { headers: { cookie: 'own=3' } })).text()).toBe('own=3; session=1');
        const cookies = [...client.cookies!];
        expect(cookies).toEqual([
          {
            name: 'session',
            value: '1',
            domain: '127.0.0.1',
            path: '/',
            expires: undefined,
            secure: false,
            hostOnly: true,
          },
        ]);
        client.cookies!.clear();
        expect(client.cookies!.set(url, { name: 'session', value: '2' })).toBe(true);
        expect((yield* client.request('/')).text()).toBe('session=2');
      },
      { cookies: true },
    ));

  it('are told to whom they were set for', () => {
    const jar = new http.CookieJar();
    const names = (url: string) => jar.get(url).map(({ name }) => name);
    expect(jar.set('https://www.example.com/a/b', { name: 'host', value: '' })).toBe(true);
    expect(jar.set('https://www.example.com/', { name: 'domain', value: '', domain: '.Example.com' })).toBe(true);
    expect(jar.set('https://www.example.com/', { name: 'secure', value: '', secure: true })).toBe(true);
    expect(jar.set('https://www.example.com/', { name: 'deep', value: '', path: '/a/b/c' })).toBe(true);
    expect(jar.set('https://www.example.com/', { name: 'old', value: '', expires: Date.now() - 1 })).toBe(true);
    expect(jar.set('https://www.example.com/', { name: 'x', value: '', domain: 'com' })).toBe(false);
    expect(jar.set('https://www.example.com/', { name: 'x', value: '', domain: 'other.com' })).toBe(false);
    expect(jar.set('https://www.example.com/', { name: 'x', value: '', domain: 'w.www.example.com' })).toBe(false);
    expect(jar.set('http://www.example.com/', { name: 'x', value: '', secure: true })).toBe(false);
    expect(jar.set('http://1.2.3.4/', { name: 'x', value: '', domain: '3.4' })).toBe(false);
    expect(jar.set('http://1.2.3.4/', { name: 'ip', value: '', domain: '1.2.3.4' })).toBe(true);
    expect(jar.set('http://localhost/', { name: 'local', value: '', domain: 'localhost', secure: true })).toBe(true);
    expect(names('https://www.example.com/a/b/c')).toEqual(['deep', 'host', 'secure', 'domain']);
    expect(names('https://www.example.com/ab')).toEqual(['secure', 'domain']);
    expect(names('http://www.example.com/a')).toEqual(['host', 'domain']);
    expect(names('http://example.com/a')).toEqual(['domain']);
    expect(names('http://badexample.com/a')).toEqual([]);
    expect([names('http://1.2.3.4/'), names('http://localhost/')]).toEqual([['ip'], ['local']]);
    expect(jar.size).toBe(6);
    jar.clear('localhost');
    expect(jar.size).toBe(5);
    expect(() => jar.set('nowhere', { name: 'a', value: '' })).toThrow("url is 'nowhere'");
    expect(() => jar.set('http://a/', { name: 'a' } as never)).toThrow('cookie is');
  });

  it('are limited in number', () => {
    const jar = new http.CookieJar();
    for (let index = 0; index < 1000; index++) jar.set('http://a.b/', { name: `n${index}`, value: '' });
    expect([jar.size, [...jar][0]!.name]).toEqual([150, 'n850']);
  });
});

describe('decompression', () => {
  const encoders: Record<string, (bytes: Buffer) => Buffer> = {
    gzip: gzipSync,
    br: brotliCompressSync,
    deflate: deflateSync,
    'gzip, br': (bytes) => brotliCompressSync(gzipSync(bytes)),
  };
  const packed = (): Coroutine<Site> =>
    serve((request, response) => {
      const [, encoding = '', status = '200'] = decodeURIComponent(request.url!).split('/');
      const body = Buffer.from(`accepts ${request.headers['accept-encoding']}`.repeat(1000));
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeHead(Number(status), { 'content-encoding': encoding });
      response.end(encoders[encoding]!(body));
    });

  it('is asked for and done, on demand', () =>
    withClient(
      packed(),
      function* (client) {
        for (const encoding of Object.keys(encoders)) {
          const response = yield* client.request(`/${encodeURIComponent(encoding)}`);
          expect(response.text()).toBe('accepts gzip, deflate, br'.repeat(1000));
          expect(response.headers['content-encoding']).toBeUndefined();
          using streamed = yield* client.stream(`/${encodeURIComponent(encoding)}`);
          expect((yield* streamed.text()).length).toBe(25_000);
        }
        expect((yield* client.request('/gzip/404')).text()).toMatch(/^accepts/);
      },
      { decompress: true },
    ));

  it('is left out by default', () =>
    withClient(packed(), function* (client) {
      const response = yield* client.request('/gzip');
      expect(response.headers['content-encoding']).toBe('gzip');
      expect(response.bytes()[0]).toBe(0x1f);
    }));
});

describe('retries', () => {
  /** Answers with the statuses in `plan`, one after the other; 0 breaks off. */
  const flaky = (plan: number[], log: string[]): Coroutine<Site> =>
    serve((request, response) => {
      readAll(request, (bytes) => {
        log.push(`${request.method} ${bytes}`);
        const status = plan.shift() ?? 200;
        if (status === 0) request.socket.destroy();
        else if (status !== 1) response.writeHead(status).end(String(status));
      });
    });

  it('repeat what may be repeated, and give the last answer', () => {
    const log: string[] = [];
    const plan = [0, 503, 200, 503, 502, 429, 200, 404, 0, 0, 0];
    return withClient(
      flaky(plan, log),
      function* (client) {
        expect((yield* client.request('/')).status).toBe(200);
        expect((yield* client.request('/', { method: 'PUT', body: 'x' })).status).toBe(429);
        expect((yield* client.request('/')).status).toBe(200);
        expect((yield* client.request('/')).status).toBe(404);
        expect((yield* thrown(client.request('/'))).code).toBe('UND_ERR_SOCKET');
        expect(log).toEqual([
          'GET ',
          'GET ',
          'GET ',
          'PUT x',
          'PUT x',
          'PUT x',
          'GET ',
          'GET ',
          'GET ',
          'GET ',
          'GET ',
        ]);
      },
      { retry: 3 },
    );
  });

  it('leave alone what may not be repeated', () => {
    const log: string[] = [];
    return withClient(
      flaky([503, 503, 503, 503], log),
      function* (client) {
        expect((yield* client.request('/', { body: 'x' })).status).toBe(503);
        expect((yield* client.request('/', { method: 'PUT', body: Readable.from(['x']) })).status).toBe(503);
        expect((yield* client.request('/', { retry: { statuses: [] } })).status).toBe(503);
        const own = { methods: ['POST'], retryIf: () => true };
        expect((yield* client.request('/', { body: 'x', retry: own })).status).toBe(200);
        expect(log).toEqual(['POST x', 'PUT x', 'GET ', 'POST x', 'POST x']);
      },
      { retry: 5 },
    );
  });

  it('ask who knows better, and tell of it', () => {
    const events: unknown[] = [];
    return withClient(flaky([503, 503, 503], []), function* (client) {
      const retry: http.HttpRetryPolicy = {
        attempts: 5,
        backoff: 1,
        retryIf: (error, attempt) => {
          events.push([(error as http.HttpStatusError).status, attempt]);
          return attempt < 2;
        },
        onRetry: (_error, attempt, delay) => events.push([attempt, delay]),
      };
      using response = yield* client.stream('/', { retry });
      expect(yield* response.text()).toBe('503');
      expect(events).toEqual([
        [503, 1],
        [1, 1],
        [503, 2],
      ]);
    });
  });

  it('have a time limit for all together, and one for each', () => {
    const log: string[] = [];
    return withClient(flaky([1, 1, 200, 503, 503, 503], log), function* (client, { url }) {
      const response = yield* client.request('/', { timeout: 4000, retry: { timeout: 200 } });
      expect([response.status, log.length]).toEqual([200, 3]);
      const error = yield* thrown(client.request('/', { timeout: 50, retry: { backoff: 1000 } }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`http.request(GET ${url}/) timed out after 50 ms`);
      const killed = spawn(() => client.stream('/', { retry: { backoff: 1000 } }));
      yield* sleep(20);
      yield* killed.kill();
      expect(killed.successful()).toBe(true);
    });
  });
});

describe('connections', () => {
  it('are as many as allowed, and used again', () =>
    withClient(
      serve((_, response) => void setTimeout(() => response.end('x'), 5)),
      function* (client, site) {
        yield* joinall(
          Array.from({ length: 30 }, () => spawn(() => client.request('/'))),
          { raiseError: true },
        );
        expect(site.connections).toBe(3);
        const { requests, origins } = client.statistics();
        expect(requests).toBe(30);
        expect(origins).toEqual({ [site.url]: { connections: 3, idle: 3, waiting: 0 } });
      },
      { connections: 3 },
    ));

  it('are forgotten with their origin, when none is left', () =>
    withClient(
      serveRaw(replying(head('content-length: 0'))),
      function* (client, site) {
        yield* client.request('/', { headers: { connection: 'close' } });
        yield* eventually(() => site.sockets.size === 0);
        expect(client.statistics().origins).toEqual({});
        expect((yield* client.request('/')).ok).toBe(true);
        expect(connectionsOf(client, site)).toEqual({ connections: 1, idle: 1, waiting: 0 });
        yield* eventually(() => connectionsOf(client, site) === undefined);
      },
      { keepAliveTimeout: 20 },
    ));

  it('are closed after the last request', () =>
    withClient(
      serve((_, response) => void setTimeout(() => response.end('done'), 20)),
      function* (client, site) {
        const calls = Array.from({ length: 4 }, () => spawn(() => client.request('/')));
        yield* eventually(() => site.connections === 2);
        yield* client.close();
        expect(client.closed).toBe(true);
        expect(calls.map((call) => call.value?.text())).toEqual(['done', 'done', 'done', 'done']);
        yield* eventually(() => site.sockets.size === 0);
        const error = yield* thrown(client.request('/'));
        expect(error).toBeInstanceOf(InvalidStateError);
        expect(error.message).toBe('the HttpClient was closed: make a new one');
        yield* client.close();
      },
      { connections: 2 },
    ));

  it('are cut when closing takes too long, or at once', () =>
    withClient(
      serve(() => {}),
      function* (client, site) {
        const calls = Array.from({ length: 3 }, () => spawn(() => thrown(client.request('/'))));
        yield* eventually(() => site.connections === 2);
        yield* client.close(20);
        for (const call of calls) expect((yield* call).code).toBe('UND_ERR_DESTROYED');
        yield* eventually(() => site.sockets.size === 0);
        const other = new http.HttpClient({ origin: site.url });
        const call = spawn(() => thrown(other.request('/')));
        yield* eventually(() => site.sockets.size === 1);
        other.destroy();
        expect((yield* call).code).toBe('UND_ERR_DESTROYED');
      },
      { connections: 2 },
    ));

  it('go on being closed after a kill', () =>
    withClient(
      serve((_, response) => void setTimeout(() => response.end(), 50)),
      function* (client, site) {
        const call = spawn(() => client.request('/'));
        yield* eventually(() => site.connections === 1);
        const closing = spawn(() => client.close());
        yield* sleep(0);
        yield* closing.kill();
        expect((yield* call).ok).toBe(true);
        yield* eventually(() => site.sockets.size === 0);
      },
    ));

  it('may be by TLS', () =>
    withClient(
      open(createHttpsServer({ key, cert: cert.localhost }, mirror) as never, 'https'),
      function* (client, { port, url }) {
        const named = `https://localhost:${port}`;
        const response = yield* client.request(`${named}/tls`, { body: 'x' });
        expect([response.url, response.json().body]).toEqual([`${named}/tls`, 'x']);
        using strict = new http.HttpClient();
        expect((yield* thrown(strict.request(named))).code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
        using other = new http.HttpClient({ tls: { ca, servername: 'elsewhere' } });
        expect((yield* thrown(other.request(url))).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
        using lax = new http.HttpClient({ tls: { rejectUnauthorized: false } });
        expect((yield* lax.request(url)).ok).toBe(true);
      },
      { origin: undefined, tls: { ca } },
    ));
});
