// gevent's test__pywsgi.py: framing, keep-alive, bodies, and what is no request.
import { type Coroutine, until } from 'genlet';
import type { HttpHandler, HttpRequest, HttpResponse } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { get, post, postChunks, RawClient, withHttp } from '../io/http-server-support.ts';
import { eventually, thrown, watchResources } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

const { takeReports } = watchHub();
watchResources();

const CLOSED = Symbol('closed');

/** The next answer, or that there is none any more. */
function* next(client: RawClient) {
  try {
    return yield* client.read();
  } catch (error) {
    if (/the connection was closed|ECONNRESET|no answer/.test(String(error))) return CLOSED;
    throw error;
  }
}

const request = (path: string, version: string, ...fields: string[]) =>
  get(path, ...fields).replace('HTTP/1.1', `HTTP/${version}`);

type Answer = (body: string, response: HttpResponse) => unknown;

const answers: Record<
  string,
  { answer: Answer; version?: string; fields?: string[]; closes?: boolean; chunked?: boolean }
> = {
  text: { answer: (body) => body },
  'an answer to an upgrade that nobody wants': { answer: (body) => body, fields: ['Upgrade: websocket'] },
  'text to HTTP/1.0': { answer: (body) => body, version: '1.0', closes: true },
  'text to HTTP/1.0 with keep-alive': { answer: (body) => body, version: '1.0', fields: ['Connection: keep-alive'] },
  'text with a Content-Length': {
    answer(body, response) {
      response.headers.set('Content-Length', body.length);
      return body;
    },
  },
  pieces: { answer: (body) => new Set([body.slice(0, 4), body.slice(4)]), chunked: true },
  bytes: { answer: (body) => Buffer.from(body) },
};

describe.each(Object.entries(answers))(
  '%s',
  (_, { answer, version = '1.1', fields = [], closes = false, chunked = false }) => {
    const handler: HttpHandler = ({ path }, response) => {
      if (path === '/') return answer('hello world', response);
      response.status = 404;
      return answer('not found', response);
    };
    const ask = (path: string, ...more: string[]) => request(path, version, ...fields, ...more);

    it('is answered, again and again on a connection that is kept', () =>
      withHttp(handler, function* (server) {
        using client = yield* RawClient.connect(server);
        const first = yield* client.ask(ask('/'));
        expect(first).toMatchObject({ version: '1.1', status: 200, statusText: 'OK', body: 'hello world' });
        expect(first.headers.connection).toBe(closes ? 'close' : 'keep-alive');
        expect([first.headers['content-length'], first.chunks]).toEqual(
          chunked ? [undefined, expect.any(Array)] : ['11', undefined],
        );
        if (closes) expect(yield* client.rest()).toBe('');
        else {
          expect(yield* client.ask(ask('/none'))).toMatchObject({
            status: 404,
            statusText: 'Not Found',
            body: 'not found',
          });
          expect(yield* client.ask(ask('/'))).toMatchObject({ status: 200, body: 'hello world' });
        }
      }));

    it('is answered as a missing page', () =>
      withHttp(handler, function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask(ask('/none'));
        expect(answer).toMatchObject({ status: 404, body: 'not found' });
        expect(answer.headers['content-length']).toBe(chunked ? undefined : '9');
      }));

    it('is answered in a pipeline', () =>
      withHttp(handler, function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(ask('/') + ask('/none'));
        expect(yield* client.read()).toMatchObject({ status: 200, body: 'hello world' });
        const second = yield* next(client);
        if (closes) expect(second).toBe(CLOSED);
        else expect(second).toMatchObject({ status: 404, body: 'not found' });
      }));

    it('is the last answer if the client wants it so', () =>
      withHttp(handler, function* (server) {
        using client = yield* RawClient.connect(server);
        if (!closes) yield* client.ask(ask('/'));
        const last = request(
          '/',
          version,
          'Connection: close',
          ...fields.filter((field) => !field.startsWith('Connection')),
        );
        expect((yield* client.ask(last)).headers.connection).toBe('close');
        expect(yield* next(client)).toBe(CLOSED);
      }));
  },
);

/** The handler of the tests of chunked bodies: `/a` reads six bytes, `/b` all, by sixes, `/c` all, by ones. */
function chunkedApp(calls: string[] = []): HttpHandler {
  return function* ({ path, body, headers }: HttpRequest) {
    calls.push(`${path} ${headers['transfer-encoding']}`);
    if (path === '/a') return yield* body.readExactly(6);
    const size = path === '/b' ? 6 : 1;
    const pieces: Buffer[] = [];
    for (let piece: Buffer; (piece = yield* body.read(size)).length > 0; ) pieces.push(piece);
    return Buffer.concat(pieces);
  };
}

const chunkedHead = (path: string, ...fields: string[]) => postChunks([], path, '', ...fields);

describe('a chunked body', () => {
  it.each(['/a', '/b', '/c'])('is read in pieces of any size: %s', (path) =>
    withHttp(chunkedApp(), function* (server) {
      using client = yield* RawClient.connect(server);
      const answer = yield* client.ask(postChunks(['oh', ' hai'], path, '0\r\n\r\n', 'Connection: close'));
      expect(answer.body).toBe('oh hai');
    }),
  );

  it.each([
    ['without a newline', '{"hi": "ho"}'],
    ['that is no number', '{"hi": "ho"}\r\n'],
    ['with an extension that never ends', `2;token=${'_oh_hi'.repeat(4000)}\r\noh\r\n4\r\n hai\r\n0\r\n\r\n`],
  ])('is refused if it has a size %s', (_, body) =>
    withHttp(chunkedApp(), function* (server) {
      using client = yield* RawClient.connect(server);
      const { status } = yield* client.ask(chunkedHead('/b', 'Connection: close') + body);
      expect(status).toBe(body.length > 20_000 ? 413 : 400);
      expect(yield* client.rest()).toBe('');
    }),
  );

  it('is refused if it has a Content-Length too, which another server might go by', () =>
    withHttp(chunkedApp(), function* (server) {
      for (const length of [1000, 0, 12]) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(postChunks(['oh'], '/b', '0\r\n\r\n', `Content-Length: ${length}`))).status).toBe(
          400,
        );
      }
    }));

  it.each(['2;token="oh hi"', '2;token=oh_hi'])('may have extensions: %s', (size) =>
    withHttp(chunkedApp(), function* (server) {
      using client = yield* RawClient.connect(server);
      const answer = yield* client.ask(`${chunkedHead('/a')}${size}\r\noh\r\n4\r\n hai\r\n0\r\n\r\n`);
      expect(answer.body).toBe('oh hai');
    }),
  );

  it('that goes wrong after the answer ends the connection behind that', () =>
    withHttp(
      function* (_, response) {
        yield* response.end('early');
        yield* until(new Promise((resolve) => setTimeout(resolve, 20)));
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(`${chunkedHead('/')}1\r\nx\r\n`)).body).toBe('early');
        yield* client.send('rubbish\r\n');
        expect((yield* client.read()).status).toBe(400);
        expect(yield* next(client)).toBe(CLOSED);
      },
    ));

  it('may have trailers, and then the next request comes', () => {
    const calls: string[] = [];
    return withHttp(chunkedApp(calls), function* (server) {
      using client = yield* RawClient.connect(server);
      const trailers = '0\r\ntrailer1: value1\r\ntrailer2: value2\r\n\r\n';
      expect((yield* client.ask(postChunks(['oh', ' hai'], '/a', trailers))).body).toBe('oh hai');
      expect((yield* client.ask(postChunks(['oh', ' bye'], '/a', '0\r\n\r\n', 'Connection: close'))).body).toBe(
        'oh bye',
      );
      expect(calls).toEqual(['/a chunked', '/a chunked']);
    });
  });

  const smuggled = 'GET /smuggled?a=:123 HTTP/1.1\r\nHost: a.com\r\nConnection: close\r\n\r\n';

  it.each([
    ['in the place of trailers', `0\r\n${smuggled}`],
    ['behind half a last chunk', `0${smuggled}`],
    ['behind a trailer', `0\r\nHeader: value\r\n${smuggled}`],
    ['behind rubbish', `0\r\n\r\nHeader: value${smuggled}`],
  ])('hides no request %s', (_, end) => {
    const calls: string[] = [];
    return withHttp(chunkedApp(calls), function* (server) {
      using client = yield* RawClient.connect(server);
      yield* client.send(postChunks(['oh', ' hai'], '/a', end));
      const statuses: unknown[] = [];
      for (let answer; (answer = yield* next(client)) !== CLOSED; )
        statuses.push((answer as { status: number }).status);
      expect(statuses.filter((status) => status !== 400)).toEqual(statuses[0] === 200 ? [200] : []);
      expect(statuses).toContain(400);
      expect(calls.filter((call) => call !== '/a chunked')).toEqual([]);
    });
  });

  it('whose trailers are too long ends the connection', () =>
    withHttp(chunkedApp(), function* (server) {
      using client = yield* RawClient.connect(server);
      yield* client.send(postChunks(['oh', ' hai'], '/b', `0\r\ntrailer: ${'t'.repeat(20_000)}`));
      expect(yield* next(client)).toMatchObject({ status: 431 });
      expect(yield* next(client)).toBe(CLOSED);
    }));
});

describe('reading a body', () => {
  const chunks = ['this', ' is ', 'chunked', '\nline', ' 2', '\n', 'line3'];
  const app: HttpHandler = function* ({ path, body }) {
    if (path === '/short-read') return yield* body.readExactly(10);
    if (path === '/ping') return `pong${(yield* body.read(1)).length}`;
    const lines: string[] = [];
    using iteration = body.lines();
    for (let line; !(line = yield* iteration.next()).done; ) lines.push(line.value);
    return lines.join('|');
  };

  it('in part leaves the connection to the next request', () =>
    withHttp(app, function* (server) {
      using client = yield* RawClient.connect(server);
      expect((yield* client.ask(postChunks(chunks, '/short-read'))).body).toBe('this is ch');
      expect((yield* client.ask(get('/ping'))).body).toBe('pong0');
      expect((yield* client.ask(post(chunks.join(''), '/short-read'))).body).toBe('this is ch');
      expect((yield* client.ask(get('/ping'))).body).toBe('pong0');
    }));

  it('ends at control characters in a chunk extension', () =>
    withHttp(app, function* (server) {
      using client = yield* RawClient.connect(server);
      expect((yield* client.ask(`${chunkedHead('/lines')}4; here is dirt\0bla\r\nthis\r\n0\r\n\r\n`)).status).toBe(400);
    }));

  it('by lines crosses the borders of chunks', () =>
    withHttp(app, function* (server) {
      using client = yield* RawClient.connect(server);
      expect((yield* client.ask(postChunks(chunks, '/lines'))).body).toBe('this is chunked|line 2|line3');
      expect((yield* client.ask(post(chunks.join(''), '/lines'))).body).toBe('this is chunked|line 2|line3');
    }));

  it('whose client goes in the middle of it ends with the handler, and is no error', () => {
    const ended: string[] = [];
    return withHttp(
      function* ({ body }) {
        try {
          return yield* body.readExactly(10);
        } finally {
          ended.push('finally');
        }
      },
      function* (server) {
        const client = yield* RawClient.connect(server);
        yield* client.send(`${chunkedHead('/')}4\r\nthi`);
        yield* eventually(() => server.handling === 1);
        client.close();
        yield* eventually(() => server.connections === 0 && server.handling === 0);
        expect(ended).toEqual(['finally']);
        expect(yield* until(takeReports())).toEqual([]);
      },
    );
  });

  type Read = (request: HttpRequest) => Coroutine<unknown>;
  const reads: Record<string, Read> = {
    *all(request) {
      return String(yield* request.bytes());
    },
    *'with a length'({ body }) {
      return String(yield* body.read(10));
    },
    *'a line'({ body }) {
      return yield* body.readline();
    },
  };

  it.each(Object.keys(reads))('gives what there is: %s', (name) =>
    withHttp(reads[name]!, function* (server) {
      using client = yield* RawClient.connect(server);
      expect((yield* client.ask(post('12'))).body).toBe('12');
      if (name !== 'with a length') expect((yield* client.ask(postChunks(['1', '2']))).body).toBe('12');
      expect((yield* client.ask(postChunks(['12']))).body).toBe('12');
    }),
  );

  const shortened: Record<string, string> = {
    'a body': post('12').slice(0, -1),
    'a chunk': `${chunkedHead('/')}2\r\n1`,
    'the last chunk': postChunks(['1', '2'], '/', ''),
  };

  it.each(Object.keys(shortened).flatMap((what) => Object.keys(reads).map((name) => [what, name] as const)))(
    'that lacks the end of %s fails: %s',
    (what, name) => {
      const outcomes: unknown[] = [];
      return withHttp(
        function* (request) {
          try {
            for (let round = 0; round < 3; round++) outcomes.push(yield* reads[name]!(request));
          } catch (error) {
            outcomes.push((error as { code?: string }).code);
            throw error;
          }
        },
        function* (server) {
          const client = yield* RawClient.connect(server);
          yield* client.send(shortened[what]!);
          yield* eventually(() => server.handling === 1);
          client.close();
          yield* eventually(() => server.handling === 0);
          expect(outcomes.at(-1)).toBe('GENLET_EXIT');
        },
      );
    },
  );
});

describe('pieces', () => {
  it.each([
    ['only empty ones', ['', ''], []],
    ['an empty one first', ['', 'hello'], ['hello']],
    ['large ones', ['x'.repeat(100_000), 'y'.repeat(100_000)], ['x'.repeat(100_000), 'y'.repeat(100_000)]],
  ])('are sent as chunks, without empty ones: %s', (_, texts, chunks) =>
    withHttp(
      () => ({ [Symbol.iterator]: () => texts[Symbol.iterator]() }),
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask(get('/', 'Connection: close'));
        expect((answer.chunks ?? []).join('')).toEqual(chunks.join(''));
        expect(answer.chunks ?? []).not.toContain('');
        expect(yield* client.rest()).toBe('');
      },
    ),
  );

  it('are not chunked for HTTP/1.0, whose end is that of the connection', () =>
    withHttp(
      () => new Set(['this ', 'is ', 'chunked']),
      function* (server) {
        using client = yield* RawClient.connect(server);
        const answer = yield* client.ask('GET / HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        expect(answer.headers).not.toHaveProperty('transfer-encoding');
        expect(answer.body).toBe('this is chunked');
      },
    ));

  it('that end with an error end the connection, without a last chunk', () =>
    withHttp(
      function* (_, response) {
        yield* response.write('hello');
        yield* until(new Promise((resolve) => setTimeout(resolve, 5)));
        throw new Error('expected');
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(get());
        expect(yield* client.rest()).toMatch(/\r\n\r\n5\r\nhello\r\n$/);
        expect(yield* until(takeReports())).toMatchObject([{ error: { message: 'expected' } }]);
      },
    ));

  it('are closed when they are sent', () => {
    const log: string[] = [];
    function* counted() {
      try {
        yield 'a';
        yield 'b';
      } finally {
        log.push('closed');
      }
    }
    return withHttp(
      () => ({ [Symbol.iterator]: counted }),
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect(yield* client.ask(get())).toMatchObject({ body: 'ab', chunks: expect.any(Array) });
        expect(log).toEqual(['closed']);
      },
    );
  });

  it.each([
    ['with a Content-Length', true],
    ['without', false],
  ])('are written one by one: %s', (_, hasLength) =>
    withHttp(
      function* (_, response) {
        if (hasLength) response.headers.set('Content-Length', 8);
        yield* response.write('abcde');
        if (!hasLength) yield* response.write('');
        yield* response.end('end');
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        for (let round = 0; round < 2; round++) {
          const answer = yield* client.ask(get());
          expect([answer.body, answer.chunks === undefined]).toEqual(['abcdeend', hasLength]);
        }
      },
    ),
  );

  it.each([
    ['more', 'abcdef'],
    ['less', 'abc'],
  ])('that are %s than the Content-Length are an error, and end the connection', (_, text) =>
    withHttp(
      function* (_, response) {
        response.headers.set('Content-Length', 5);
        yield* response.write(text);
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(get() + get());
        expect(((yield* client.rest()).match(/HTTP\/1.1 200/g) ?? []).length).toBeLessThan(2);
        const reports = yield* until(takeReports());
        expect(reports[0]).toMatchObject({ error: { code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH' } });
      },
    ),
  );
});

describe('an answer without a body', () => {
  const answering =
    (status: number, body?: unknown): HttpHandler =>
    (_, response) => {
      response.status = status;
      return body;
    };

  it.each<[string, HttpHandler]>([
    ['of 304', answering(304)],
    ['of 304, whose body is dropped', answering(304, 'body')],
    ['of 304, whose pieces are dropped', answering(304, new Set(['', 'body']))],
    ['of 204, whose body is dropped', answering(204, 'body')],
    [
      'of 204, whose writes are dropped',
      function* (_, response) {
        response.status = 204;
        response.headers.set('Content-Length', 4);
        yield* response.write('body');
      },
    ],
  ])('has none: %s', (title, handler) =>
    withHttp(handler, function* (server) {
      using client = yield* RawClient.connect(server);
      yield* client.send(get() + get('/', 'Connection: close'));
      const both = [yield* client.read(), yield* client.read()];
      for (const answer of both) {
        expect(answer).toMatchObject({ status: title.includes('304') ? 304 : 204, body: '' });
        expect(answer.headers).not.toHaveProperty('transfer-encoding');
        expect(answer.headers).not.toHaveProperty('content-length');
      }
      expect(yield* client.rest()).toBe('');
    }),
  );

  it('of 304 may tell the length that there would be', () =>
    withHttp(
      (_, response) => {
        response.status = 304;
        response.headers.set('Content-Length', 100);
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).headers['content-length']).toBe('100');
        expect((yield* client.ask(get())).status).toBe(304);
      },
    ));

  it('to HEAD has the head that GET would have', () =>
    withHttp(
      function* ({ path }, response) {
        if (path === '/text') return 'hello';
        if (path === '/pieces') return new Set(['hel', 'lo']);
        yield* response.write('hel');
        yield* response.end('lo');
        return undefined;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const text = yield* client.ask('HEAD /text HTTP/1.1\r\nHost: h\r\n\r\n');
        expect(text).toMatchObject({ status: 200, headers: { 'content-length': '5', connection: 'keep-alive' } });
        for (const path of ['/pieces', '/write']) {
          expect((yield* client.ask(`HEAD ${path} HTTP/1.1\r\nHost: h\r\n\r\n`)).status).toBe(200);
        }
        expect((yield* client.ask(get('/text', 'Connection: close'))).body).toBe('hello');
        expect(yield* client.rest()).toBe('');
      },
    ));
});

describe('what is no request', () => {
  it.each([
    ['a negative length', 'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -100\r\n\r\n', 400],
    ['a length that is no number', 'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: abc\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', 400],
    ['a version with a percent sign', 'GET / HTTP %\r\n\r\n', 400],
    ['a field on two lines', 'GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a method of its own', 'BREW / HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['a space in a name', 'GET / HTTP/1.1\r\nHost: h\r\nX Y: z\r\n\r\n', 400],
    ['a space behind a name', 'GET / HTTP/1.1\r\nHost: h\r\nX-Y : z\r\n\r\n', 400],
    ['no colon', 'GET / HTTP/1.1\r\nHost: h\r\nrubbish\r\n\r\n', 400],
    ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n', 400],
    ['a bare newline in a value', 'GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n', 400],
    ['an encoding that is unknown', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: what\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['an expectation that is unknown', 'GET / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n', 417],
    ['a long path', `GET /${'x'.repeat(20_000)} HTTP/1.0\r\n\r\n`, 431],
    ['a long field', `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['many fields', `GET / HTTP/1.1\r\nHost: h\r\n${'X: yyy\r\n'.repeat(8000)}\r\n`, 431],
  ])('is answered, without a traceback: %s', (_, text, status) => {
    let calls = 0;
    return withHttp(
      () => `call ${++calls}`,
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(text)).status).toBe(status);
        if (status !== 417) expect(yield* next(client)).toBe(CLOSED);
        expect(calls).toBe(0);
        using other = yield* RawClient.connect(server);
        expect((yield* other.ask(get())).body).toBe('call 1');
        expect(yield* until(takeReports())).toEqual([]);
      },
    );
  });

  it('is answered behind the requests before it', () =>
    withHttp(
      function* ({ path }) {
        yield* until(new Promise((resolve) => setTimeout(resolve, 20)));
        return path;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(`${get('/1')}${get('/2')}rubbish\r\n\r\n`);
        const all = [yield* client.read(), yield* client.read(), yield* client.read()];
        expect(all.map(({ status, body }) => `${status} ${body}`)).toEqual(['200 /1', '200 /2', '400 Bad Request']);
        expect(yield* next(client)).toBe(CLOSED);
      },
    ));
});

describe('the head', () => {
  const echo: HttpHandler = ({ headers }) => JSON.stringify(headers);

  it('has fields of several lines joined, cookies by semicolons', () =>
    withHttp(echo, function* (server) {
      using client = yield* RawClient.connect(server);
      const fields = ['Cookie: a="1"', 'X: b', 'X: c', 'Cookie: d="2"'];
      expect(JSON.parse((yield* client.ask(get('/', ...fields))).body)).toMatchObject({
        cookie: 'a="1"; d="2"',
        x: 'b, c',
      });
    }));

  it('shows nothing that was not sent, and keeps hyphens and underscores apart', () =>
    withHttp(echo, function* (server) {
      for (const version of ['1.0', '1.1']) {
        using client = yield* RawClient.connect(server);
        expect(JSON.parse((yield* client.ask(request('/', version))).body)).toEqual({ host: 'localhost' });
      }
      using client = yield* RawClient.connect(server);
      const { body } = yield* client.ask(get('/', 'x-auth_user: bob'));
      expect(JSON.parse(body)).toEqual({ host: 'localhost', 'x-auth_user': 'bob' });
    }));

  it('has the path and query as they were encoded, and words of its own', () =>
    withHttp(
      ({ path, query }, response) => {
        response.statusText = 'PASSED';
        return { path, query: [...query] };
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        const path = '/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82';
        const answer = yield* client.ask(get(`${path}?%D0%B2%D0%BE=%D0%BE%D1%82`));
        expect(answer.statusText).toBe('PASSED');
        expect(JSON.parse(answer.body)).toEqual({ path, query: [['во', 'от']] });
      },
    ));

  it.each<[string, (response: HttpResponse) => void]>([
    ['the words', (response) => (response.statusText = 'OK\r\nConnection: close\r\n\r\n')],
    ['a value', ({ headers }) => headers.set('Test', 'Hi\r\nConnection: close')],
    ['a value of several', ({ headers }) => headers.append('Test', ['a', 'b\nc'])],
    ['a name', ({ headers }) => headers.set('Test\r\n', 'Hi')],
    ['a value that is not Latin-1', ({ headers }) => headers.set('Test', 'ὃ3💣')],
    ['a trailer', (response) => (response.trailers = { Test: 'Hi\r\nX: y' })],
  ])('can not be split by %s', (title, split) =>
    withHttp(
      function* (_, response) {
        const error = yield* thrown(
          (function* (): Coroutine<void> {
            split(response);
            yield* response.write('x');
            yield* response.end('y');
          })(),
        );
        if (title !== 'a trailer') return `${error instanceof TypeError}`;
        throw error;
      },
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send(get('/', 'Connection: close'));
        const text = yield* client.rest();
        expect(text).not.toMatch(/^(X: y|c)/m);
        if (title === 'a trailer')
          expect(yield* until(takeReports())).toMatchObject([{ error: { code: 'ERR_INVALID_CHAR' } }]);
        else expect(text).toMatch(/\r\n\r\ntrue$/);
      },
    ),
  );
});

describe('100-continue', () => {
  const app: HttpHandler = function* (request, response) {
    if (Number(request.headers['content-length']) > 1024) {
      response.status = 417;
      return 'failure';
    }
    const first = yield* request.body.readExactly(1);
    return `${first}${yield* request.body.readAll()}`;
  };
  const put = (length: number, body: string) =>
    `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n${body}`;

  it('is sent when the handler begins to read, once', () =>
    withHttp(app, function* (server) {
      using client = yield* RawClient.connect(server);
      for (let round = 0; round < 2; round++) {
        yield* client.send(put(7, ''));
        expect((yield* client.read()).status).toBe(100);
        yield* client.send('testing');
        expect(yield* client.read()).toMatchObject({ status: 200, body: 'testing' });
      }
      yield* client.send(put(7, 'testing'));
      expect((yield* client.read()).status).toBe(100);
      expect((yield* client.read()).body).toBe('testing');
    }));

  it('is not sent for a body that nobody wants, after which the connection ends', () =>
    withHttp(app, function* (server) {
      using client = yield* RawClient.connect(server);
      const answer = yield* client.ask(put(1025, 'a'.repeat(1025) + put(7, 'testing')));
      expect(answer).toMatchObject({ status: 417, body: 'failure', headers: { connection: 'close' } });
      expect(yield* next(client)).toBe(CLOSED);
    }));
});

it('a handler that throws is 500, and the connection is kept', () =>
  withHttp(
    ({ path }, response) => {
      response.headers.set('X', 'y');
      if (path === '/') throw new Error('expected');
      return 'fine';
    },
    function* (server) {
      using client = yield* RawClient.connect(server);
      expect(yield* client.ask(get())).toMatchObject({ status: 500, statusText: 'Internal Server Error' });
      expect((yield* client.ask(get('/fine'))).body).toBe('fine');
      expect(yield* until(takeReports())).toMatchObject([{ error: { message: 'expected' } }]);
    },
  ));
