import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { Event, fromAsyncIterable, isExit, Pool, run, shield, sleep, spawn, until } from 'genlet';
import { type AccessLogEntry, formatAccessLog, fs, HttpError, HttpServer, http, Reader } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { get, post, postChunks, RawClient, withHttp } from './http-server-support.ts';
import { blockLookups, eventually, thrown, untilBlocked, watchResources } from './support.ts';

const { takeReports } = watchHub();
watchResources();

describe('what a handler returns', () => {
  it.each<[string, () => unknown, object]>([
    ['text', () => 'héllo', { 'content-type': 'text/plain; charset=utf-8', 'content-length': '6' }],
    ['bytes', () => new Uint8Array([104, 195, 169, 108, 108, 111]), { 'content-type': 'application/octet-stream' }],
    ['a promise', async () => 'héllo', { 'content-length': '6' }],
    [
      'a coroutine',
      function* () {
        yield* sleep(0);
        return 'héllo';
      },
      { 'content-length': '6' },
    ],
    ['an iterable', () => new Set(['h', 'éllo']), { 'transfer-encoding': 'chunked' }],
    ['a stream', () => Readable.from(['hé', 'llo']), { 'transfer-encoding': 'chunked' }],
    ['a Reader', () => new Reader(Readable.from(['hé', 'llo'])), { 'transfer-encoding': 'chunked' }],
    ['an iteration', () => fromAsyncIterable(Readable.from(['hé', 'llo'])), { 'transfer-encoding': 'chunked' }],
  ])('is the answer: %s', (_, handler, headers) =>
    withHttp(handler, function* (server) {
      using client = yield* RawClient.connect(server);
      for (let round = 0; round < 2; round++) {
        expect(yield* client.ask(get())).toMatchObject({ status: 200, body: 'héllo', headers });
      }
    }),
  );

  it('is sent as JSON if it is an object', () =>
    withHttp(
      ({ path }) => (path === '/array' ? [1, '2'] : { héllo: null }),
      function* (server) {
        using client = yield* RawClient.connect(server);
        const headers = { 'content-type': 'application/json' };
        expect(yield* client.ask(get())).toMatchObject({ status: 200, body: '{"héllo":null}', headers });
        expect(yield* client.ask(get('/array'))).toMatchObject({ status: 200, body: '[1,"2"]', headers });
      },
    ));

  it('makes it 204 if it is nothing, unless there is another status', () =>
    withHttp(
      ({ path }, response) => {
        if (path === '/404') response.status = 404;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const empty = yield* client.ask(get());
        expect([empty.status, empty.statusText, empty.headers['content-length']]).toEqual([
          204,
          'No Content',
          undefined,
        ]);
        expect(yield* client.ask(get('/404'))).toMatchObject({ status: 404, headers: { 'content-length': '0' } });
      },
    ));

  it.each([
    ['5', () => 5],
    ['null', () => null],
    ['a piece that is none', () => new Set([5])],
    ['what JSON leaves out', () => ({ toJSON: () => undefined })],
  ])('is refused if it is %s', (_, handler) =>
    withHttp(handler, function* (server) {
      using client = yield* RawClient.connect(server);
      expect(yield* client.ask(get())).toMatchObject({ status: 500, body: 'Internal Server Error' });
      const [report] = yield* until(takeReports());
      expect((report!.error as Error).message).toMatch(/the handler returned|a piece of the body is 5/);
    }),
  );

  it('must not come after an answer by the response', () =>
    withHttp(
      function* ({ path }, response) {
        if (path === '/write') {
          yield* response.write('begun');
          yield* sleep(5);
        } else yield* response.end('done');
        return 'more';
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect(yield* client.ask(get())).toMatchObject({ status: 200, body: 'done' });
        const [report] = yield* until(takeReports());
        expect(String(report!.error)).toMatch(
          /has answered GET \/ from 127\.0\.0\.1:\d+ by write\(\) or end\(\), and returned/,
        );
        yield* client.send(get('/write'));
        expect(yield* client.rest()).toMatch(/\r\n\r\n5\r\nbegun\r\n$/); // it is cut off without a last chunk
        expect(yield* until(takeReports())).toHaveLength(1);
      },
    ));

  it('closes what the pieces come from when the client is gone', () => {
    const log: string[] = [];
    function* forever() {
      try {
        for (;;) yield 'x'.repeat(65_536);
      } finally {
        log.push('closed');
      }
    }
    return withHttp(
      () => ({ [Symbol.iterator]: forever }),
      function* (server) {
        const client = yield* RawClient.connect(server);
        yield* client.send(get());
        yield* client.socket.recvExactly(1_000_000);
        client.socket.abort();
        yield* eventually(() => log.length > 0);
        expect(log).toEqual(['closed']);
      },
    );
  });
});

describe('a request', () => {
  it('shows its parts', () =>
    withHttp(
      (request) => {
        const { method, url, path, headers, httpVersion, rawHeaders } = request;
        return {
          method,
          url,
          path,
          query: [...request.query],
          header: headers['x-y'],
          httpVersion,
          raw: rawHeaders.slice(2),
        };
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answers: unknown[] = [];
        for (const target of ['/a%20b/?x=1&x=2', 'http://example.com/p?y', 'http://example.com?z', '//p', '*']) {
          const method = target === '*' ? 'OPTIONS' : 'GET';
          const { body } = yield* client.ask(`${method} ${target} HTTP/1.1\r\nHost: h\r\nX-Y: z\r\n\r\n`);
          const { url, path, query, header, httpVersion, raw } = JSON.parse(body);
          expect([url, header, httpVersion, raw]).toEqual([target, 'z', '1.1', ['X-Y', 'z']]);
          answers.push([path, query]);
        }
        expect(answers).toEqual([
          [
            '/a%20b/',
            [
              ['x', '1'],
              ['x', '2'],
            ],
          ],
          ['/p', [['y', '']]],
          ['/', [['z', '']]],
          ['//p', []],
          ['*', []],
        ]);
      },
    ));

  it('knows its client', () =>
    withHttp(
      ({ remote }) => String(remote),
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).body).toBe(String(client.socket.address));
      },
    ));

  it('gives its body as bytes, text or JSON, once', () =>
    withHttp(
      function* (request) {
        const { path } = request;
        if (path === '/bytes') return yield* request.bytes();
        if (path === '/json') return { got: yield* request.json() };
        const text = yield* request.text();
        return `${text} ${request.bodyUsed} ${(yield* thrown(request.text())).message}`;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(post('büt', '/bytes'))).body).toBe('büt');
        expect((yield* client.ask(postChunks(['[1,', '2]'], '/json'))).body).toBe('{"got":[1,2]}');
        expect((yield* client.ask(post('text'))).body).toBe(
          'text true HttpRequest.text(): the body was read already; keep what it gave',
        );
        expect((yield* client.ask(get('/bytes'))).body).toBe('');
        expect(yield* client.ask(post('{', '/json'))).toMatchObject({
          status: 400,
          body: 'The body is not valid JSON',
        });
        expect((yield* client.ask(post('"next"', '/json'))).body).toBe('{"got":"next"}');
      },
    ));

  it('gives its body as a stream, with back-pressure', () =>
    withHttp(
      function* ({ body }) {
        const first = yield* body.readline();
        yield* sleep(50);
        let length = 0;
        for (let piece: Buffer; (piece = yield* body.read()).length > 0; ) length += piece.length;
        return `${first} ${length}`;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const size = 50_000_000;
        yield* client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size + 6}\r\n\r\nfirst\n`);
        const sending = spawn(() => client.send(Buffer.alloc(size)));
        yield* sleep(25);
        expect(sending.dead).toBe(false);
        expect((yield* client.read()).body).toBe(`first ${size}`);
        expect(process.memoryUsage().arrayBuffers).toBeLessThan(3 * size);
      },
    ));

  it('takes a whole body up to its limit, and answers a longer one 413, which can be read', () =>
    withHttp(
      function* (request) {
        return `${(yield* request.bytes(request.path === '/own' ? { limit: 20 } : {})).length}`;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(post('x'.repeat(10)))).body).toBe('10');
        expect((yield* client.ask(postChunks(['x'.repeat(20)], '/own'))).body).toBe('20');
        for (const request of [post('x'.repeat(11)), postChunks(['x'.repeat(11)]), post('x'.repeat(21), '/own')]) {
          using other = yield* RawClient.connect(server);
          const answer = yield* other.ask(request);
          expect(answer).toMatchObject({ status: 413, headers: { connection: 'close' } });
          expect(answer.body).toMatch(/The body is longer than [12]0 bytes/);
          expect(yield* other.rest()).toBe('');
        }
        using large = yield* RawClient.connect(server);
        yield* large.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n');
        const sending = spawn(() => large.send(Buffer.alloc(20_000_000)));
        expect((yield* large.read()).status).toBe(413);
        yield* sending.kill();
      },
      { maxBody: 10 },
    ));

  it('has trailers behind a chunked body', () =>
    withHttp(
      function* (request) {
        yield* request.bytes();
        return request.trailers;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const { body } = yield* client.ask(postChunks(['abc'], '/', '0\r\nX-Sum: 7\r\n\r\n'));
        expect(JSON.parse(body)).toEqual({ 'x-sum': '7' });
      },
    ));

  it('whose body was not read, or not to its end, leaves the connection in order', () =>
    withHttp(
      function* ({ path, body }) {
        return path === '/some' ? String(yield* body.readExactly(3)) : path;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const large = 'x'.repeat(1_000_000);
        for (let round = 0; round < 3; round++) {
          expect((yield* client.ask(post(large, '/none'))).body).toBe('/none');
          expect((yield* client.ask(post(large, '/some'))).body).toBe('xxx');
          expect((yield* client.ask(postChunks([large], '/some'))).body).toBe('xxx');
        }
      },
    ));

  it('tells by its signal that the client is gone, and what the handler has come to', () => {
    const signals: AbortSignal[] = [];
    return withHttp(
      function* ({ signal, path }) {
        signals.push(signal);
        if (path === '/slow') yield* sleep(10_000);
        return String(signal.aborted);
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).body).toBe('false');
        yield* client.send(get('/slow'));
        yield* eventually(() => signals.length === 2);
        expect(signals[1]!.aborted).toBe(false);
        client.close();
        yield* eventually(() => signals[1]!.aborted);
        expect(signals.map(({ reason }) => isExit(reason))).toEqual([true, true]);
      },
    );
  });

  it('keeps its secrets in inspect(), as the answer does', () =>
    withHttp(
      (request, response) => {
        response.headers.set('Set-Cookie', 'sid=hidden');
        response.headers.set('X-Plain', 'shown');
        return `${inspect(request)}\n${inspect(response)}\n${inspect(response.headers)}`;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const secrets = ['Authorization', 'Cookie', 'Proxy-Authorization', 'X-Api-Key', 'X-Auth-Token', 'X-CSRF-Token'];
        const { body } = yield* client.ask(get('/page', 'X-Plain: shown', ...secrets.map((name) => `${name}: hidden`)));
        expect(body).not.toContain('hidden');
        expect(body.match(/shown/g)).toHaveLength(3);
        expect(body.match(/'\*\*\*'/g)).toHaveLength(secrets.length + 2);
        expect(body).toMatch(/^HttpRequest \{\n {2}method: 'GET',\n {2}url: '\/page'/);
      },
    ));
});

describe('an answer', () => {
  it('has the status, words and fields that were set', () =>
    withHttp(
      (_, response) => {
        const { headers } = response;
        response.status = 418;
        response.statusText = 'Teapot';
        headers.set('X-One', 1);
        headers.set('X-Two', ['a', 'b']);
        headers.append('X-Two', 'c');
        headers.set('X-Gone', 'x');
        headers.delete('x-gone');
        headers.set('content-type', 'text/html');
        return `${headers.get('x-two')} ${headers.get('x-gone')} ${headers.has('X-ONE')} ${[...headers].length} ${response}`;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask(get());
        expect(answer).toMatchObject({
          status: 418,
          statusText: 'Teapot',
          headers: { 'x-one': '1', 'x-two': 'a|b|c' },
        });
        expect(answer.headers).toMatchObject({ 'content-type': 'text/html' });
        expect(answer.headers).not.toHaveProperty('x-gone');
        expect(answer.body).toMatch(/^a, b, c null true 3 418 Teapot to GET \/ from 127/);
      },
    ));

  it('is written in pieces, under back-pressure', () => {
    const written: number[] = [];
    return withHttp(
      function* (_, response) {
        for (let index = 0; index < 300; index++) {
          yield* response.write(Buffer.alloc(65_536));
          written.push(index);
        }
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(get());
        yield* eventually(() => written.length > 0);
        yield* sleep(50);
        expect(written.length).toBeLessThan(290); // what the system's buffers hold, and no more
        expect((yield* client.read()).body).toHaveLength(300 * 65_536);
        expect(written).toHaveLength(300);
      },
    );
  });

  it('that ends while another greenlet writes lets that one go', () => {
    const log: string[] = [];
    return withHttp(
      function* (_, response) {
        const writer = spawn(function* () {
          yield* response.write(Buffer.alloc(20_000_000));
          log.push('written');
        });
        yield* untilBlocked(writer);
        expect((yield* thrown(response.end())).code).toBe('GENLET_CONCURRENT_OBJECT_USE');
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(get());
        yield* eventually(() => log.length > 0);
        expect((yield* client.read()).body).toHaveLength(20_000_000);
      },
    );
  });

  it('goes out with the first piece', () =>
    withHttp(
      function* (_, response) {
        expect(response.headersSent).toBe(false);
        yield* response.write('one');
        expect([response.headersSent, response.ended]).toEqual([true, false]);
        expect(() => (response.status = 404)).toThrow(/^status was set after the head of the answer to GET \/ from/);
        expect(() => (response.statusText = 'x')).toThrow('statusText was set after the head');
        expect(() => response.headers.set('x', 'y')).toThrow(
          expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }),
        );
        yield* response.end('two');
        expect(response.ended).toBe(true);
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect(yield* client.ask(get())).toMatchObject({ body: 'onetwo', chunks: expect.any(Array), status: 200 });
      },
    ));

  it('that has ended takes nothing more', () =>
    withHttp(
      function* (_, response) {
        yield* response.end('done');
        const errors = [yield* thrown(response.write('x')), yield* thrown(response.end())];
        expect(errors.map(({ code }) => code)).toEqual(['GENLET_INVALID_STATE', 'GENLET_INVALID_STATE']);
        expect(errors.map(({ message }) => message.replace(/:\d+/, ''))).toEqual([
          'HttpResponse.write() was called after the answer to GET / from 127.0.0.1 was complete',
          'HttpResponse.end() was called after the answer to GET / from 127.0.0.1 was complete',
        ]);
        expect(() => (response.trailers = {})).toThrow('trailers were set after the answer');
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).body).toBe('done');
      },
    ));

  it('has trailers', () =>
    withHttp(
      function* ({ path }, response) {
        if (path === '/late') yield* response.write('abc');
        response.trailers = { 'X-Sum': '7' };
        return path === '/late' ? undefined : 'abc';
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask(get());
        expect([answer.chunks, answer.trailers, answer.headers.trailer]).toEqual([['abc'], { 'x-sum': '7' }, 'X-Sum']);
        expect((yield* client.ask(get('/late'))).trailers).toEqual({ 'x-sum': '7' });
        yield* client.send('GET / HTTP/1.0\r\n\r\n');
        expect(yield* client.rest()).toMatch(/\r\n\r\nabc$/);
      },
    ));

  it('is a file', async () => {
    const path = `/tmp/genlet-http-${process.pid}.txt`;
    await run(() => fs.writeFile(path, 'x'.repeat(600_000)));
    await withHttp(
      function* ({ query, path: target }, response) {
        if (target === '/none') return yield* response.sendFile(`${path}.none`);
        const part = query.has('offset') ? { offset: Number(query.get('offset')), count: 5 } : {};
        yield* response.sendFile(path, part);
        return undefined;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask(get());
        expect(answer.headers).toMatchObject({
          'content-length': '600000',
          'content-type': 'application/octet-stream',
        });
        expect(answer.body).toHaveLength(600_000);
        expect((yield* client.ask(get('/?offset=599998'))).body).toBe('xx');
        expect((yield* client.ask(get('/?offset=1'))).body).toBe('xxxxx');
        expect((yield* client.ask(get('/?offset=700000'))).body).toBe('');
        const head = yield* client.ask('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n');
        expect([head.headers['content-length'], head.body]).toEqual(['600000', '']);
        expect((yield* client.ask(get('/none'))).status).toBe(500);
        expect(yield* until(takeReports())).toMatchObject([{ error: { code: 'ENOENT' } }]);
      },
    );
    await run(() => fs.unlink(path));
  });

  it('can be a HttpError', () =>
    withHttp(
      ({ path }, response) => {
        response.headers.set('Set-Cookie', 'a=b');
        response.trailers = { x: 'y' };
        if (path === '/503') throw new HttpError(503, undefined, { cause: new Error('why') });
        throw new HttpError(401, 'who are you?', { headers: { 'WWW-Authenticate': 'Basic' } });
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask(get());
        expect(answer).toMatchObject({ status: 401, body: 'who are you?', headers: { 'www-authenticate': 'Basic' } });
        expect(answer.headers).not.toHaveProperty('set-cookie');
        expect(yield* until(takeReports())).toEqual([]);
        expect(yield* client.ask(get('/503'))).toMatchObject({ status: 503, body: 'Service Unavailable' });
        expect(yield* until(takeReports())).toMatchObject([{ error: { code: 'GENLET_HTTP', status: 503 } }]);
        expect(() => new HttpError(200)).toThrow('status is 200: give a whole number from 400 to 599');
      },
    ));

  it('of a handler that throws is 500, without the message, and the error is reported once', () =>
    withHttp(
      function* ({ path }, response) {
        if (path === '/begun') {
          yield* response.write('begun');
          yield* sleep(5);
        }
        throw new Error('secret');
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect(yield* client.ask(get())).toMatchObject({ status: 500, body: 'Internal Server Error' });
        expect(yield* until(takeReports())).toMatchObject([{ error: { message: 'secret' }, context: String(server) }]);
        yield* client.send(get('/begun'));
        expect(yield* client.rest()).toMatch(/begun\r\n$/);
        expect(yield* until(takeReports())).toHaveLength(1);
      },
    ));

  it('checks its arguments', () =>
    withHttp(
      (_, response) => {
        expect(() => response.write(5 as never)).toThrow('chunk is 5');
        expect(() => response.write('x', { timeout: -1 })).toThrow('timeout is -1');
        expect(() => (response.status = 100)).toThrow('status is 100: give a whole number from 200 to 999');
        expect(() => (response.statusText = 'a\r\nb')).toThrow('statusText is');
        expect(() => response.headers.set('x', 'a\r\nb: c')).toThrow(TypeError);
        expect(() => response.sendFile('x', { offset: -1 })).toThrow('offset is -1');
        return 'fine';
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).body).toBe('fine');
      },
    ));
});

describe('a client that goes', () => {
  it.each(['close', 'abort'] as const)('by %s() has its handler killed, wherever that is suspended', (how) => {
    const log: string[] = [];
    return withHttp(
      function* (request, response) {
        const { path } = request;
        try {
          if (path === '/sleep') yield* sleep(10_000);
          else if (path === '/text') yield* request.text();
          else if (path === '/read') yield* request.body.readExactly(10);
          else if (path === '/async') yield* until(new Promise(() => {}));
          else for (;;) yield* response.write('x'.repeat(100_000));
        } catch (error) {
          log.push(`${path} ${isExit(error) && error.message}`);
          throw error;
        } finally {
          yield* sleep(1);
          log.push(`${path} finally`);
        }
      },
      function* (server) {
        for (const path of ['/sleep', '/text', '/read', '/async', '/write']) {
          const client = yield* RawClient.connect(server);
          const request = path === '/text' || path === '/read' ? post('1234567890', path).slice(0, -5) : get(path);
          yield* client.send(request);
          yield* eventually(() => server.handling === 1);
          yield* sleep(10);
          expect(log).toEqual([]);
          client.socket[how]();
          yield* eventually(() => server.handling === 0 && server.connections === 0);
          expect(log.splice(0)).toEqual([`${path} the client is gone`, `${path} finally`]);
        }
      },
    );
  });

  it('gets no answer from a shielded handler, which sees the error', () => {
    const log: unknown[] = [];
    return withHttp(
      (_, response) =>
        shield(function* () {
          yield* sleep(30);
          log.push((yield* thrown(response.write('x'))).code, (yield* thrown(response.end())).code);
        }),
      function* (server) {
        const client = yield* RawClient.connect(server);
        yield* client.send(get());
        yield* eventually(() => server.handling === 1);
        client.close();
        yield* eventually(() => server.handling === 0);
        expect(log).toEqual(['ECONNRESET', 'ECONNRESET']);
      },
    );
  });

  it('after its answer does not disturb what the handler does then', () => {
    const log: string[] = [];
    return withHttp(
      function* (_, response) {
        yield* response.end('done');
        yield* sleep(20);
        log.push('afterwards');
      },
      function* (server) {
        const client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).body).toBe('done');
        client.close();
        yield* eventually(() => server.connections === 0);
        expect(log).toEqual([]);
        yield* eventually(() => server.handling === 0);
        expect(log).toEqual(['afterwards']);
      },
    );
  });

  it('at any byte of its request or answer leaves nothing behind', () =>
    withHttp(
      function* (request, response) {
        yield* response.write(yield* request.text());
        yield* sleep(1);
        yield* response.end('end');
      },
      function* (server) {
        const request = postChunks(['hello', 'world']);
        for (let length = 0; length <= request.length; length += 3) {
          const client = yield* RawClient.connect(server);
          yield* client.send(request.slice(0, length));
          yield* sleep(length % 2);
          if (length % 4 < 2) client.socket.abort();
          else client.close();
        }
        yield* eventually(() => server.connections === 0 && server.handling === 0);
      },
    ));
});

describe('a server', () => {
  it('can be started once', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => 'x');
      expect([server.started, server.closed, server.port, String(server)]).toEqual([
        false,
        false,
        0,
        'HttpServer 127.0.0.1:0',
      ]);
      const starting = spawn(() => server.start());
      yield* sleep(0);
      expect((yield* thrown(server.start())).message).toContain('is starting');
      yield* starting;
      expect([server.started, server.closed, server.port > 0]).toEqual([true, false, true]);
      const other = new HttpServer(server.address, () => 'x');
      expect((yield* thrown(other.start())).code).toBe('EADDRINUSE');
      yield* server.stop();
      yield* server.stop();
      expect([server.started, server.closed]).toEqual([false, true]);
      expect((yield* thrown(server.start())).code).toBe('GENLET_INVALID_STATE');
      yield* other.start();
      yield* other.stop();
    }));

  it('that is stopped, or whose start is killed, while it starts does not listen', () =>
    run(function* () {
      const [server, other] = [new HttpServer('localhost:0', () => 'x'), new HttpServer('localhost:0', () => 'x')];
      const busy = blockLookups();
      const starting = spawn(() => server.start());
      const killed = spawn(() => other.start());
      yield* untilBlocked(starting);
      yield* untilBlocked(killed);
      yield* killed.kill();
      yield* server.stop();
      yield* starting;
      yield* until(busy);
      expect([server.started, other.started]).toEqual([false, false]);
      yield* other.start();
      yield* other.stop();
    }));

  it('serves for ever until it is stopped or killed', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => 'x');
      const serving = spawn(() => server.serveForever());
      yield* eventually(() => server.started);
      using client = yield* RawClient.connect(server);
      expect((yield* client.ask(get())).body).toBe('x');
      yield* server.stop();
      yield* serving;
      expect(yield* client.rest()).toBe('');
      const other = new HttpServer('127.0.0.1:0', () => 'x');
      const killed = spawn(() => other.serveForever());
      yield* eventually(() => other.started);
      yield* killed.kill();
      expect(other.closed).toBe(true);
    }));

  it('lets handlers finish when it is stopped, tells clients to go, and closes idle connections', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', function* () {
        yield* sleep(30);
        return 'done';
      });
      yield* server.start();
      using idle = yield* RawClient.connect(server);
      using kept = yield* RawClient.connect(server);
      using busy = yield* RawClient.connect(server);
      expect((yield* kept.ask(get())).headers.connection).toBe('keep-alive');
      yield* busy.send(get());
      yield* eventually(() => server.handling === 1);
      const stopping = spawn(() => server.stop());
      expect([yield* idle.rest(), yield* kept.rest()]).toEqual(['', '']);
      expect((yield* thrown(RawClient.connect(server))).code).toBe('ECONNREFUSED');
      expect(server.handling).toBe(1);
      expect(yield* busy.read()).toMatchObject({ body: 'done', headers: { connection: 'close' } });
      yield* stopping;
      expect(server.connections).toBe(0);
    }));

  it('answers pipelined requests that it has when it is stopped', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', function* ({ path }) {
        yield* sleep(10);
        return path;
      });
      yield* server.start();
      using client = yield* RawClient.connect(server);
      yield* client.send(get('/1') + get('/2') + get('/3'));
      yield* eventually(() => server.handling === 1);
      yield* sleep(5);
      const stopping = spawn(() => server.stop());
      const answers = [yield* client.read(), yield* client.read(), yield* client.read()];
      expect(answers.map(({ status, headers }) => [status, headers.connection])).toEqual([
        [200, 'keep-alive'],
        [200, 'keep-alive'],
        [200, 'close'],
      ]);
      yield* stopping;
    }));

  it('answers 503 to a request that comes while it is being stopped', () =>
    run(function* () {
      const gate = new Event();
      const server = new HttpServer('127.0.0.1:0', function* () {
        yield* gate.wait();
        return 'done';
      });
      yield* server.start();
      using client = yield* RawClient.connect(server);
      yield* client.send(get());
      yield* eventually(() => server.handling === 1);
      const stopping = spawn(() => server.stop(5000));
      yield* untilBlocked(stopping);
      yield* client.send(get());
      yield* sleep(50);
      gate.set();
      expect((yield* client.read()).body).toBe('done');
      expect(yield* client.read()).toMatchObject({ status: 503, headers: { connection: 'close' } });
      yield* stopping;
    }));

  it('sends what it has answered when it is stopped, also to a slow client', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => Buffer.alloc(20_000_000));
      yield* server.start();
      using client = yield* RawClient.connect(server);
      yield* client.send(get());
      yield* client.socket.recvExactly(1000);
      yield* eventually(() => server.handling === 0);
      const stopping = spawn(() => server.stop());
      yield* sleep(20);
      expect((yield* client.rest()).length).toBeGreaterThan(20_000_000 - 1000);
      yield* stopping;
    }));

  it('drops what a client does not want to read when its patience ends', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => Buffer.alloc(50_000_000));
      yield* server.start();
      const client = yield* RawClient.connect(server);
      yield* client.send(get());
      yield* eventually(() => client.socket.bytesRead > 0);
      yield* server.stop(20);
      expect(server.connections).toBe(0);
      client.socket.abort();
    }));

  it('kills its handlers when its patience ends, and answers for them with 503', () => {
    const log: string[] = [];
    return run(function* () {
      const server = new HttpServer('127.0.0.1:0', function* ({ path }, response) {
        try {
          if (path === '/begun') yield* response.write('begun');
          yield* sleep(10_000);
        } finally {
          yield* sleep(5);
          log.push(`finally ${path}`);
        }
      });
      yield* server.start();
      using client = yield* RawClient.connect(server);
      using other = yield* RawClient.connect(server);
      yield* client.send(get('/'));
      yield* other.send(get('/begun'));
      yield* eventually(() => server.handling === 2);
      yield* server.stop(20);
      expect(log.sort()).toEqual(['finally /', 'finally /begun']);
      expect(yield* client.read()).toMatchObject({ status: 503, headers: { connection: 'close' } });
      expect(yield* other.rest()).toMatch(/begun\r\n$/);
    });
  });

  it('can be stopped by a handler, which answers after that', () =>
    run(function* () {
      const log: string[] = [];
      const server: HttpServer = new HttpServer('127.0.0.1:0', function* ({ path }) {
        if (path === '/stop') {
          yield* server.stop(50);
          log.push('stopped');
        } else yield* sleep(20);
        return `answer to ${path}`;
      });
      yield* server.start();
      using first = yield* RawClient.connect(server);
      using second = yield* RawClient.connect(server);
      yield* first.send(get('/other'));
      yield* eventually(() => server.handling === 1);
      expect(yield* second.ask(get('/stop'))).toMatchObject({
        body: 'answer to /stop',
        headers: { connection: 'close' },
      });
      expect((yield* first.read()).body).toBe('answer to /other');
      expect(log).toEqual(['stopped']);
      yield* eventually(() => server.connections === 0);
    }));

  it('ends its patience when its stop() is killed', () =>
    run(function* () {
      const server = new HttpServer('127.0.0.1:0', () => sleep(10_000));
      yield* server.start();
      using client = yield* RawClient.connect(server);
      yield* client.send(get());
      yield* eventually(() => server.handling === 1);
      const stopping = spawn(() => server.stop(null));
      yield* sleep(5);
      yield* stopping.kill();
      expect([server.handling, server.connections]).toEqual([0, 0]);
      expect((yield* client.read()).status).toBe(503);
    }));

  it('handles requests of a connection one after the other, and answers in order', () => {
    const log: string[] = [];
    return withHttp(
      function* ({ path }) {
        log.push(`begin ${path}`);
        yield* sleep(path === '/0' ? 10 : 0);
        log.push(`end ${path}`);
        return path;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(['/0', '/1', '/2'].map((path) => get(path)).join(''));
        const bodies: string[] = [];
        for (let index = 0; index < 3; index++) bodies.push((yield* client.read()).body);
        expect(bodies).toEqual(['/0', '/1', '/2']);
        expect(log).toEqual(['begin /0', 'end /0', 'begin /1', 'end /1', 'begin /2', 'end /2']);
      },
    );
  });

  it('survives a flood of pipelined requests, with bodies and without', () =>
    withHttp(
      function* (request) {
        yield* sleep(0);
        return request.method === 'POST' ? yield* request.text() : request.path;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const count = 3000;
        const sending = spawn(function* () {
          for (let index = 0; index < count; index++) {
            yield* client.send(
              index % 3 === 0 ? post(`${index}`) : index % 3 === 1 ? get(`/${index}`) : postChunks([`${index}`]),
            );
          }
        });
        for (let index = 0; index < count; index++)
          expect((yield* client.read()).body).toBe(`${index % 3 === 1 ? '/' : ''}${index}`);
        yield* sending;
      },
    ));

  it('reads no more from a client that has many requests waiting', () => {
    const gate = new Event();
    return withHttp(
      function* () {
        yield* gate.wait();
        return 'x';
      },
      function* (server) {
        let requests = 0;
        const count = () => void requests++;
        subscribe('http.server.request.start', count);
        const client = yield* RawClient.connect(server);
        const sending = spawn(() => client.send(get().repeat(100_000)));
        sending.link(() => {}); // it fails in the end
        yield* eventually(() => requests >= 64);
        yield* sleep(300);
        unsubscribe('http.server.request.start', count);
        expect(requests).toBeLessThan(10_000); // what was read at once, and no more
        gate.set();
        expect((yield* client.read()).body).toBe('x');
        client.socket.abort();
        yield* eventually(() => server.handling === 0);
      },
    );
  });

  it('answers all requests to a slow client, and what is none behind them', () =>
    withHttp(
      ({ path }) => (path === '/large' ? 'x'.repeat(20_000_000) : path),
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(`${get('/large')}${get('/small')}rubbish\r\n\r\n`);
        yield* sleep(50);
        expect((yield* client.read()).body).toHaveLength(20_000_000);
        expect((yield* client.read()).body).toBe('/small');
        expect((yield* client.read()).status).toBe(400);
        expect(yield* client.rest()).toBe('');
      },
    ));

  it('lets requests wait for a place in its pool', () => {
    const log: string[] = [];
    const pool = new Pool(1);
    return withHttp(
      function* ({ path }) {
        log.push(`begin ${path}`);
        yield* sleep(5);
        log.push(`end ${path}`);
        return path;
      },
      function* (server) {
        const clients: RawClient[] = [];
        for (let index = 0; index < 4; index++) {
          const client = yield* RawClient.connect(server);
          clients.push(client);
          yield* client.send(get(`/${index}`));
          yield* eventually(() => server.handling === index + 1 || log.length > 0);
        }
        clients[2]!.close(); // who goes while it waits never has a place
        for (const index of [0, 1, 3]) expect((yield* clients[index]!.read()).body).toBe(`/${index}`);
        expect(log).toEqual(['begin /0', 'end /0', 'begin /1', 'end /1', 'begin /3', 'end /3']);
        expect([pool.freeCount(), pool.size]).toEqual([1, 0]);
        for (const client of clients) client.close();
      },
      { spawn: pool },
    );
  });

  it('answers 503 beyond the requests that may wait for a place', () =>
    withHttp(
      function* () {
        yield* sleep(20);
        return 'done';
      },
      function* (server) {
        const clients: RawClient[] = [];
        for (let index = 0; index < 4; index++) clients.push(yield* RawClient.connect(server));
        for (let round = 0; round < 2; round++) {
          for (const client of clients) yield* client.send(get());
          const statuses: number[] = [];
          for (const client of clients) statuses.push((yield* client.read()).status);
          expect(statuses.sort()).toEqual([200, 200, 503, 503]);
        }
        for (const client of clients) client.close();
      },
      { spawn: 1, maxWaiting: 1 },
    ));

  it('answers 503 for a handler that its pool kills, also before it began', () => {
    const pool = new Pool(1);
    return withHttp(
      () => sleep(10_000),
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(get());
        yield* eventually(() => pool.size === 1);
        yield* pool.kill();
        expect((yield* client.read()).status).toBe(503);
        yield* client.send(get());
        yield* eventually(() => pool.size === 1);
        yield* pool.kill(new Error('why'));
        expect((yield* client.read()).status).toBe(500);
        expect(yield* until(takeReports())).toMatchObject([{ error: { message: 'why' } }]);
      },
      { spawn: pool },
    );
  });

  it('closes connections beyond maxConnections, and after maxRequestsPerConnection', () =>
    withHttp(
      () => 'x',
      function* (server) {
        using first = yield* RawClient.connect(server);
        expect((yield* first.ask(get())).headers.connection).toBe('keep-alive');
        const second = yield* RawClient.connect(server);
        expect(yield* second.rest()).toBe('');
        second.close();
        expect(server.dropped).toBe(1);
        expect((yield* first.ask(get())).headers.connection).toBe('close');
        expect(yield* first.rest()).toBe('');
      },
      { maxConnections: 1, maxRequestsPerConnection: 2 },
    ));

  it('listens at a Unix socket', () =>
    run(function* () {
      const path = `/tmp/genlet-http-${process.pid}.sock`;
      const server = new HttpServer({ path }, ({ remote }) => String(remote));
      yield* server.start();
      expect([String(server), server.port]).toEqual([`HttpServer ${path}`, 0]);
      using client = yield* RawClient.connect(server);
      expect((yield* client.ask(get())).body).toBe(path);
      yield* server.stop();
    }));

  it('answers what is slow with 408: a head, a body; and closes what is idle', () =>
    withHttp(
      (request) => request.text(),
      function* (server) {
        using silent = yield* RawClient.connect(server);
        using slow = yield* RawClient.connect(server);
        using body = yield* RawClient.connect(server);
        using idle = yield* RawClient.connect(server);
        expect((yield* idle.ask(post('x'))).body).toBe('x');
        const end = idle.rest();
        const begin = performance.now();
        yield* body.send(post('12345').slice(0, -1));
        const text = 'GET / HTTP/1.1\r\nHost: localhost\r\nX: slow';
        const feeding = spawn(function* () {
          for (const byte of text) {
            yield* slow.send(byte);
            yield* sleep(20);
          }
        });
        feeding.link(() => {}); // it fails when the connection is closed
        for (const client of [silent, slow, body]) {
          expect(yield* client.read()).toMatchObject({ status: 408, body: 'Request Timeout' });
          expect(yield* client.rest()).toBe('');
        }
        expect(yield* end).toBe('');
        expect(performance.now() - begin).toBeLessThan(3000);
        yield* feeding.kill();
        yield* eventually(() => server.handling === 0);
      },
      { headersTimeout: 100, requestTimeout: 200, keepAliveTimeout: 100 },
    ));

  it('writes an access log', () => {
    const entries: AccessLogEntry[] = [];
    return withHttp(
      function* ({ path }, response) {
        if (path === '/pieces') {
          yield* response.write('hél');
          yield* response.end('lo');
        } else if (path === '/gone') yield* sleep(10_000);
        else if (path === '/refused') throw new HttpError(404, 'no such page');
        return path === '/' ? 'hello' : undefined;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.ask(get('/', 'Cookie: secret', 'User-Agent: a "b"\\'));
        yield* client.ask(Buffer.from(get('/pieces?q=1', 'Referer: r\t\xe9'), 'latin1'));
        yield* client.ask('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n');
        yield* client.ask(get('/none'));
        yield* client.ask(get('/refused'));
        using bad = yield* RawClient.connect(server);
        expect((yield* bad.ask('rubbish\r\n\r\n')).status).toBe(400);
        const gone = yield* RawClient.connect(server);
        yield* gone.send(get('/gone'));
        yield* eventually(() => server.handling === 1);
        gone.close();
        yield* eventually(() => entries.length === 7);
        expect(entries.map(({ method, url, status, bytes, aborted }) => [method, url, status, bytes, aborted])).toEqual(
          [
            ['GET', '/', 200, 5, false],
            ['GET', '/pieces?q=1', 200, 6, false],
            ['HEAD', '/', 200, 0, false],
            ['GET', '/none', 204, 0, false],
            ['GET', '/refused', 404, 12, false],
            ['', '', 400, 0, false],
            ['GET', '/gone', 200, 0, true],
          ],
        );
        expect(entries[0]!.headers.cookie).toBe('***');
        expect(String(entries[0]!.remote)).toBe(String(client.socket.address));
        expect(entries.every(({ ms, time }) => ms >= 0 && ms < 5000 && time instanceof Date)).toBe(true);
        const time = new Date(Date.UTC(2000, 9, 10, 13, 55, 36));
        const lines = entries.map((entry) => formatAccessLog({ ...entry, time }));
        expect(lines.slice(0, 2)).toEqual([
          '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "a \\"b\\"\\\\"',
          '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET /pieces?q=1 HTTP/1.1" 200 6 "r\\x09\\xe9" "-"',
        ]);
        expect(formatAccessLog({ ...entries[5]!, time }, 'common')).toBe(
          '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "-" 400 -',
        );
      },
      { accessLog: (entry) => void entries.push(entry) },
    );
  });

  it('goes on when its access log throws', () =>
    withHttp(
      () => 'x',
      function* (server) {
        using client = yield* RawClient.connect(server);
        for (let round = 0; round < 2; round++) expect((yield* client.ask(get())).body).toBe('x');
        yield* sleep(5);
        const reports = yield* until(takeReports());
        expect(reports.map(({ context }) => context)).toEqual(Array(2).fill(`accessLog of ${server}`));
      },
      {
        accessLog() {
          throw new Error('disk full');
        },
      },
    ));

  it('serves fetch', () =>
    withHttp(
      (request) => request.json(),
      function* (server) {
        for (let round = 0; round < 3; round++) {
          const response = yield* http.fetch(`http://127.0.0.1:${server.port}`, { method: 'POST', body: '{"a":1}' });
          expect(yield* response.json()).toEqual({ a: 1 });
        }
      },
    ));

  it('checks its arguments first', () => {
    const make = (options: object) => () => new HttpServer(0, () => 'x', options);
    expect(() => new HttpServer('x', () => 'x')).toThrow('address is');
    expect(() => new HttpServer(0, 5 as never)).toThrow('handler is 5');
    expect(make({ spawn: 'x' })).toThrow("spawn is 'x': give a Pool");
    expect(make({ maxWaiting: -1 })).toThrow('maxWaiting is -1');
    expect(make({ maxConnections: 0 })).toThrow('maxConnections is 0');
    expect(make({ maxRequestsPerConnection: 0 })).toThrow('maxRequestsPerConnection is 0');
    expect(make({ maxBody: -1 })).toThrow('maxBody is -1');
    expect(make({ maxHeaderSize: 0 })).toThrow('maxHeaderSize is 0');
    expect(make({ headersTimeout: 0 })).toThrow('headersTimeout is 0');
    expect(make({ requestTimeout: 0.5 })).toThrow('requestTimeout is 0.5');
    expect(make({ keepAliveTimeout: -1 })).toThrow('keepAliveTimeout is -1');
    expect(make({ backlog: 0 })).toThrow('backlog is 0');
    expect(make({ tls: true })).toThrow('tls is true');
    expect(make({ upgrade: 1 })).toThrow('upgrade is 1');
    expect(make({ accessLog: async () => {} })).toThrow('accessLog is an async function');
    expect(() => new HttpServer(0, () => 'x').stop(-1)).toThrow('timeout is -1');
  });
});
