import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type Coroutine, joinall, sleep, spawn, Timeout } from 'genlet';
import type { http } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { LimitOverrunError } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import { head, replying, type Site, serve, serveRaw, withClient } from './http-support.ts';
import { eventually, thrown, watchResources } from './support.ts';

watchHub();
watchResources();

/** A server that answers each request in the same way. */
const answering = <T>(
  onConnection: (socket: Socket) => void,
  main: (client: http.HttpClient, site: Site) => Coroutine<T>,
  options?: http.HttpClientOptions,
): Promise<T> => withClient(serveRaw(onConnection), main, options);

const ANSWER = `${head('content-type: text/plain', 'x-long: 0123456789', 'content-length: 10')}0123456789`;
const CHUNKED = `${head('transfer-encoding: chunked')}5\r\n01234\r\n5;ext=1\r\n56789\r\n0\r\nx-trailer: 1\r\n\r\n`;

describe('an HttpClient', () => {
  it.each([
    ['a length', ANSWER],
    ['chunks', CHUNKED],
  ])('throws when an answer with %s is cut at any byte, and goes on', (_, answer) => {
    let at = 0;
    let isReset = false;
    return answering(
      (socket) => {
        socket.on('data', () => {
          socket.write(answer.slice(0, at), () => {
            if (at === answer.length) return;
            if (isReset) socket.resetAndDestroy();
            else socket.end();
          });
        });
      },
      function* (client, site) {
        for (at = 0; at <= answer.length; at++) {
          isReset = at % 2 === 1;
          if (at === answer.length) {
            expect((yield* client.request('/')).text()).toBe('0123456789');
            continue;
          }
          const error = yield* thrown(client.request('/'));
          expect([
            'UND_ERR_SOCKET',
            'ECONNRESET',
            'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
            'HPE_INVALID_EOF_STATE',
          ]).toContain(error.code);
          using response = yield* tryStream(client);
          if (response !== undefined) expect(yield* thrown(response.bytes())).toBeInstanceOf(Error);
        }
        yield* eventually(() => site.sockets.size === 1);
      },
    );
  });

  function* tryStream(client: http.HttpClient): Coroutine<http.StreamedResponse | undefined> {
    try {
      return yield* client.stream('/');
    } catch {
      return undefined;
    }
  }

  it.each([1, 2, 7])('understands answers that come %i bytes at a time', (size) =>
    answering(
      (socket) => {
        socket.setNoDelay();
        socket.on('data', async () => {
          const answer = ANSWER;
          for (let at = 0; at < answer.length; at += size) {
            socket.write(answer.slice(at, at + size));
            await new Promise((resolve) => void setImmediate(resolve));
          }
        });
      },
      function* (client, site) {
        for (let time = 0; time < 3; time++) expect((yield* client.request('/')).text()).toBe('0123456789');
        using response = yield* client.stream('/');
        expect(yield* response.text()).toBe('0123456789');
        expect(site.connections).toBe(1);
      },
    ),
  );

  it('takes a body that ends with the connection', () =>
    answering(
      (socket) => void socket.on('data', () => socket.end(`${head('connection: close')}to the end`)),
      function* (client) {
        expect((yield* client.request('/')).text()).toBe('to the end');
      },
    ));

  it.each([
    ['a longer body than said', `${head('content-length: 2')}0123456789`, undefined],
    [
      'two lengths',
      `${head('content-length: 2', 'content-length: 3')}0123456789`,
      'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ],
    ['a length that is none', `${head('content-length: x')}0`, 'HTTPParserError'],
    [
      'a length and chunks',
      `${head('content-length: 2', 'transfer-encoding: chunked')}0\r\n\r\n`,
      'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ],
    ['chunks without a length', `${head('transfer-encoding: chunked')}xyz\r\n`, 'HTTPParserError'],
    ['something else', 'SSH-2.0-OpenSSH_9.2\r\n', 'HTTPParserError'],
    ['another protocol', 'HTTP/9.9 200 OK\r\n\r\n', 'HTTPParserError'],
    ['a status that is none', 'HTTP/1.1 2000 OK\r\n\r\n', 'HTTPParserError'],
    ['a field with a NUL', `${head('a: \0')}`, 'HTTPParserError'],
    ['a continuation that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n', 'UND_ERR_SOCKET'],
    [
      'an upgrade that nobody asked for',
      'HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
      'UND_ERR_SOCKET',
    ],
  ])('survives %s', (_, answer, code) =>
    answering(replying(answer), function* (client, site) {
      for (let time = 0; time < 3; time++) {
        if (code === undefined) expect((yield* client.request('/')).text()).toBe('01');
        else {
          const error = yield* thrown(client.request('/'));
          expect(error.code ?? error.name).toMatch(code);
          expect(error.stack).toContain('http-client-hostile.test.ts');
        }
        yield* eventually(() => site.sockets.size === 0);
      }
    }),
  );

  it.each([
    ['a field without end', 'x: '],
    ['fields without end', 'x: 0123456789\r\n'],
  ])('does not take %s', (_, field) => {
    let sent = 0;
    return answering(
      (socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nfirst: ');
          const chunk = (field === 'x: ' ? 'xxxxx' : field).repeat(1000);
          const fill = () => {
            while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
          };
          socket.on('drain', fill);
          fill();
        });
      },
      function* (client, site) {
        const error = yield* thrown(client.request('/'));
        expect(error.code).toBe('UND_ERR_HEADERS_OVERFLOW');
        yield* eventually(() => site.sockets.size === 0);
        expect(sent).toBeLessThan(50_000_000);
      },
    );
  });

  it('passes over any number of informational answers', () =>
    answering(replying('HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n'.repeat(1000), ANSWER), function* (client) {
      expect((yield* client.request('/')).text()).toBe('0123456789');
      using response = yield* client.stream('/');
      expect([response.status, yield* response.text()]).toEqual([200, '0123456789']);
    }));

  it('does not wait for ever behind informational answers', () =>
    answering(
      (socket) => {
        const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 5);
        socket.on('close', () => clearInterval(timer));
        socket.resume();
      },
      function* (client, site) {
        expect(yield* thrown(client.request('/', { timeout: 50 }))).toBeInstanceOf(Timeout);
        yield* eventually(() => site.sockets.size === 0);
      },
    ));

  /** Sends zeros until the connection is gone. */
  const flood = (answer: string, chunk: Buffer): ((socket: Socket) => void) => {
    return (socket) => {
      const fill = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.once('data', () => {
        socket.write(answer);
        socket.on('drain', fill);
        fill();
      });
    };
  };

  it('stops at a limit of bytes', () =>
    answering(flood(head('connection: close'), Buffer.alloc(65_536)), function* (client, site) {
      const error = yield* thrown(client.request('/path', { maxBody: 1_000_000 }));
      expect(error).toBeInstanceOf(LimitOverrunError);
      expect(error.message).toBe(
        `http.request(GET ${site.url}/path): the body is longer than 1000000 bytes; give a higher maxBody, or use http.stream()`,
      );
      expect(error.stack).toContain('http-client-hostile.test.ts');
      yield* eventually(() => site.sockets.size === 0);
      using response = yield* client.stream('/');
      expect(yield* thrown(response.bytes({ maxBody: 100_000 }))).toBeInstanceOf(LimitOverrunError);
    }));

  it('stops at once when the head promises too much', () =>
    answering(replying(head('content-length: 1000001')), function* (client, site) {
      expect(yield* thrown(client.request('/', { maxBody: 1_000_000 }))).toBeInstanceOf(LimitOverrunError);
      yield* eventually(() => site.sockets.size === 0);
      using response = yield* client.stream('/');
      expect(response.headers['content-length']).toBe('1000001');
    }));

  it('counts the body of a redirection too', () =>
    answering(flood('HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n', Buffer.alloc(65_536)), function* (client, site) {
      const error = yield* thrown(client.request('/', { maxBody: 1_000_000 }));
      expect(error).toBeInstanceOf(LimitOverrunError);
      yield* eventually(() => site.sockets.size === 0);
    }));

  it('counts what comes out of a compressed body', () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(60_000);
    return withClient(
      serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
      function* (client, site) {
        const error = yield* thrown(client.request('/'));
        expect(error).toBeInstanceOf(LimitOverrunError);
        yield* eventually(() => site.sockets.size === 0);
        using response = yield* client.stream('/');
        yield* response.body.readExactly(20_000_000);
        expect((yield* client.request('/', { maxBody: 50_000_000 })).bytes().length).toBe(50_000_000);
      },
      { decompress: true, maxBody: 1_000_000 },
    );
  });

  it.each([
    ['is cut', gzipSync('x'.repeat(1000)).subarray(0, 20)],
    ['is none', Buffer.from('this is not compressed')],
  ])('throws when a compressed body %s', (_, body) =>
    withClient(
      serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(body)),
      function* (client) {
        for (let time = 0; time < 3; time++) {
          expect((yield* thrown(client.request('/'))).code).toMatch(/^Z_/);
          using response = yield* client.stream('/');
          expect((yield* thrown(response.text())).code).toMatch(/^Z_/);
        }
      },
      { decompress: true },
    ),
  );

  it('keeps to the time that undici gives the head and the body', () =>
    answering(
      (socket) => {
        socket.on('data', (bytes) => {
          if (bytes.includes('/body')) socket.write(`${head('content-length: 10')}01`);
        });
      },
      function* (client, site) {
        const [first, second] = yield* joinall([
          spawn(() => thrown(client.request('/head', { headersTimeout: 1 }))),
          spawn(() => thrown(client.request('/body', { bodyTimeout: 1 }))),
        ]);
        expect([first!.value.code, second!.value.code]).toEqual(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
        yield* eventually(() => site.sockets.size === 0);
      },
    ));

  it('fails many at a time as it should, and gets the next ones through', () => {
    let count = 0;
    return answering(
      (socket) => {
        socket.on('data', () => {
          const what = ++count % 4;
          if (what === 0) socket.write(ANSWER);
          else if (what === 1) socket.destroy();
          else if (what === 2) socket.end(ANSWER.slice(0, 60));
          else socket.write('nonsense\r\n\r\n');
        });
      },
      function* (client) {
        const calls = Array.from({ length: 400 }, () =>
          spawn(function* () {
            try {
              return (yield* client.request('/')).text();
            } catch (error) {
              return (error as { code: string }).code;
            }
          }),
        );
        yield* joinall(calls);
        const fine = calls.filter(({ value }) => value === '0123456789').length;
        expect(fine).toBe(100);
        count = 3;
        expect((yield* client.request('/')).text()).toBe('0123456789');
      },
      { connections: 10 },
    );
  });

  it('takes a failing body of a request for what it is', () =>
    withClient(
      serve((request, response) => void request.on('end', () => response.end('fine')).resume()),
      function* (client, site) {
        async function* broken() {
          yield 'some';
          throw new Error('the disk is gone');
        }
        expect((yield* thrown(client.request('/', { body: broken() }))).message).toBe('the disk is gone');
        const source = {
          *read(): Coroutine<Buffer> {
            yield* sleep(1);
            throw new Error('the reader is gone');
          },
        };
        expect((yield* thrown(client.request('/', { body: source }))).message).toBe('the reader is gone');
        expect((yield* client.request('/', { body: 'x' })).text()).toBe('fine');
        yield* eventually(() => site.sockets.size === 1);
      },
    ));

  it('takes an answer that comes before the whole body was sent, and stops sending', () => {
    let closed = 0;
    return answering(replying(ANSWER), function* (client) {
      async function* endless() {
        try {
          for (;;) {
            yield Buffer.alloc(1000);
            await new Promise((resolve) => void setImmediate(resolve));
          }
        } finally {
          closed++;
        }
      }
      expect((yield* client.request('/', { body: endless() })).text()).toBe('0123456789');
      yield* eventually(() => closed === 1);
      expect((yield* client.request('/')).text()).toBe('0123456789');
    });
  });
});
