/** An Express app with all that such apps have, asked by fetch, by `http` and by curl. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompressSync, createGzip, gzipSync } from 'node:zlib';
import express from 'express';

export default function* ({ say, start, wait }) {
  const folder = yield* wait(mkdtemp(join(tmpdir(), 'genlet-express-')));
  yield* wait(writeFile(join(folder, 'page.html'), '<p>page</p>\n'));
  yield* wait(writeFile(join(folder, 'large.bin'), Buffer.alloc(1_000_000, 'x')));

  const server = makeApp({ folder, start, wait }).listen(0, '127.0.0.1');
  yield* wait(once(server, 'listening'));
  const origin = `http://127.0.0.1:${server.address().port}`;
  try {
    yield* byFetch(origin, { say, wait, start });
    yield* byHttp(origin, { say, wait });
    yield* byCurl(origin, { say, wait, folder });
  } finally {
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    yield* wait(closed);
    yield* wait(rm(folder, { recursive: true }));
  }
  say('closed');
}

function makeApp({ folder, start, wait }) {
  const app = express();
  /** A handler that waits, as an async function would. */
  const waiting = (body) => (request, response, next) => start(body, request, response, next);

  app.set('etag', 'strong').disable('x-powered-by');
  app.use((_request, response, next) => {
    response.on('finish', () => {
      app.locals.finished = (app.locals.finished ?? 0) + 1;
    });
    next();
  });
  app.use('/files', express.static(folder, { maxAge: '1h', index: false, lastModified: false }));
  app.use(express.json({ limit: '10kb' }), express.urlencoded({ extended: true }), express.text(), express.raw());

  app.get('/', (_request, response) => response.send('hello'));
  app.get('/users/:name', (request, response) => response.json({ ...request.params, ...request.query }));
  app.param('id', (_request, response, next, id) => {
    response.locals.id = Number(id);
    next(Number.isNaN(response.locals.id) ? Object.assign(new Error('no number'), { status: 400 }) : undefined);
  });
  app.get('/items/:id', (_request, response) => response.send({ id: response.locals.id }));
  app.post('/echo', (request, response) => {
    response.status(201).type(request.get('content-type')).send(request.body);
  });
  app.post(
    '/count',
    waiting(function* (request, response) {
      let bytes = 0;
      request.on('data', (piece) => {
        bytes += piece.length;
      });
      yield* wait(once(request, 'end'));
      response.json({ bytes });
    }),
  );
  app.get(
    '/slow',
    waiting(function* (_request, response) {
      yield* wait(delay(5));
      response.set('x-slow', 'yes').send('slow');
    }),
  );
  app.get(
    '/pieces',
    waiting(function* (_request, response) {
      for (const piece of ['one ', 'two ', 'three']) {
        if (!response.write(piece)) yield* wait(once(response, 'drain'));
        yield* wait(delay(1));
      }
      response.end();
    }),
  );
  app.get(
    '/packed',
    waiting(function* (_request, response) {
      response.set('content-encoding', 'gzip').type('text');
      yield* wait(pipeline(createReadStream(join(folder, 'large.bin')), createGzip(), response));
    }),
  );
  app.get('/events', (request, response) => {
    response.type('text/event-stream').flushHeaders();
    let count = 0;
    const timer = setInterval(() => response.write(`data: ${++count}\n\n`), 2);
    request.on('close', () => clearInterval(timer));
  });
  app.get('/file', (_request, response, next) =>
    response.sendFile('page.html', { root: folder, etag: false }, (error) => error && next(error)),
  );
  app.get('/download', (_request, response) => response.download(join(folder, 'page.html'), 'other.html'));
  app.get('/cookie', (_request, response) => response.cookie('a', 'b', { httpOnly: true }).redirect(302, '/'));
  app.get('/format', (_request, response) =>
    response.format({ text: () => response.send('text'), json: () => response.send({ json: true }) }),
  );
  app.get('/throws', () => {
    throw new Error('thrown at once');
  });
  app.get(
    '/rejects',
    waiting(function* () {
      yield* wait(delay(1));
      throw Object.assign(new Error('thrown later'), { status: 418 });
    }),
  );
  app.get('/late', (_request, _response, next) => setImmediate(next, new Error('given to next')));

  const admin = express.Router({ mergeParams: true });
  admin.use((request, response, next) => (request.get('authorization') ? next() : response.sendStatus(401)));
  admin.get('/', (_request, response) => response.send('admin'));
  app.use('/admin', admin);

  app.get('/finished', (_request, response) => response.json(app.locals.finished));
  app.use((request, response) => response.status(404).send(`no ${request.path}`));
  app.use((error, _request, response, next) => {
    if (response.headersSent) return next(error);
    response.status(error.status ?? 500).json({ error: error.message, type: error.type });
  });
  return app;
}

function* byFetch(origin, { say, start, wait }) {
  function* ask(path, options) {
    const response = yield* wait(fetch(origin + path, options));
    const body = yield* wait(response.text());
    const shown = body.length > 200 ? `${body.length} characters` : body;
    const { status, headers } = response;
    say('fetch', options?.method ?? 'GET', path, status, headers.get('content-type') ?? '-', shown);
    return response;
  }
  const post = (body, type) => ({ method: 'POST', body, headers: { 'content-type': type } });

  yield* ask('/');
  yield* ask('/', { method: 'HEAD' });
  yield* ask('/', { method: 'OPTIONS' });
  for (const path of ['/users/ann%20b?x=1&x=2', '/items/7', '/items/seven', '/slow', '/pieces', '/packed', '/file']) {
    yield* ask(path);
  }
  for (const path of ['/throws', '/rejects', '/late', '/nothing', '/admin', '/cookie', '/users/%zz']) yield* ask(path);
  yield* ask('/admin', { headers: { authorization: 'yes' } });
  const download = yield* ask('/download');
  say('download', download.headers.get('content-disposition'));
  yield* ask('/format', { headers: { accept: 'application/json' } });
  yield* ask('/format', { headers: { accept: 'image/png' } });

  yield* ask('/echo', post('{"a":[1,2,{"b":null}]}', 'application/json'));
  yield* ask('/echo', post('{"a":', 'application/json'));
  yield* ask('/echo', post(JSON.stringify({ long: 'x'.repeat(20_000) }), 'application/json'));
  yield* ask('/echo', post('plain', 'text/plain'));
  yield* ask('/echo', post('a[b]=1&a[c]=2', 'application/x-www-form-urlencoded'));
  yield* ask('/echo', post(new Uint8Array([65, 66]), 'application/octet-stream'));
  for (const [encoding, body] of [
    ['gzip', gzipSync('{"packed":1}')],
    ['br', brotliCompressSync('{"packed":2}')],
    ['gzip', Buffer.from('no gzip')],
    ['odd', Buffer.from('{}')],
  ]) {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
    yield* ask('/echo', { method: 'POST', body, headers });
  }
  const pieces = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(10_000)));
  yield* ask('/count', { method: 'POST', body: pieces, duplex: 'half', headers: { 'content-type': 'video/mpeg' } });

  yield* ask('/files/page.html');
  yield* ask('/files/large.bin');
  yield* ask('/files/large.bin', { headers: { range: 'bytes=10-19' } });
  yield* ask('/files/large.bin', { headers: { range: 'bytes=2000000-' } });
  yield* ask('/files/../express.mjs');
  yield* ask('/files/missing');

  const controller = new AbortController();
  const events = yield* wait(fetch(`${origin}/events`, { signal: controller.signal }));
  const reader = events.body.pipeThrough(new TextDecoderStream()).getReader();
  let seen = '';
  while (!seen.includes('data: 3\n\n')) seen += (yield* wait(reader.read())).value;
  say('events', seen.slice(0, 27));
  controller.abort();
  say('aborted', yield* wait(reader.read().catch((error) => error.name)));

  const many = Array.from({ length: 20 }, (_, i) =>
    start(function* () {
      const response = yield* wait(fetch(`${origin}/users/${i}`));
      return (yield* wait(response.json())).name;
    }),
  );
  say('together', yield* wait(Promise.all(many)));
}

function* byHttp(origin, { say, wait }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (const path of ['/', '/pieces', '/nothing', '/events']) {
    const request = http.get(origin + path, { agent });
    const [response] = yield* wait(once(request, 'response'));
    if (path === '/events') {
      yield* wait(once(response, 'data'));
      response.destroy();
      yield* wait(once(response, 'close'));
      say('http', path, 'destroyed');
      continue;
    }
    say('http', path, response.statusCode, request.reusedSocket, yield* wait(text(response)));
  }
  const headers = { expect: '100-continue', 'content-type': 'text/plain' };
  const polite = http.request(`${origin}/echo`, { method: 'POST', headers, agent });
  yield* wait(once(polite, 'continue'));
  polite.end('continued');
  const [response] = yield* wait(once(polite, 'response'));
  say('http', '100-continue', response.statusCode, yield* wait(text(response)));
  agent.destroy();
}

function* byCurl(origin, { say, wait, folder }) {
  if (spawnSync('curl', ['--version']).error) return;
  const curl = promisify(execFile).bind(undefined, 'curl');
  const etag = (yield* wait(fetch(origin))).headers.get('etag');
  const args = [
    ['--silent', `${origin}/users/curl?a=b`],
    ['--silent', '--head', '--write-out', '%{http_code} %{content_type}', '--output', '/dev/null', `${origin}/`],
    ['--silent', '--compressed', '--output', '/dev/null', '--write-out', '%{size_download}', `${origin}/file`],
    ['--silent', '--data', 'a=1', '--data', 'b=2', `${origin}/echo`],
    ['--silent', '--header', 'content-type: application/json', '--data', '{"x":1}', `${origin}/echo`],
    ['--silent', '--http1.0', `${origin}/pieces`],
    ['--silent', '--location', `${origin}/cookie`],
    ['--silent', '--header', `if-none-match: ${etag}`, '--write-out', '%{http_code}', `${origin}/`],
    ['--silent', '--form', `file=@${join(folder, 'page.html')}`, '--write-out', ' %{http_code}', `${origin}/count`],
  ];
  for (const list of args) {
    const { stdout } = yield* wait(curl(list));
    say('curl', list.includes('--form') ? stdout.replace(/\d+(?=})/, 'some') : stdout);
  }
  const failed = yield* wait(curl(['--silent', '--fail', `${origin}/nothing`]).catch(({ code }) => code));
  say('curl', 'fails with', failed);
}
