/** undici's ways to ask a server of `node:http`: request, fetch, stream, pipeline, pools, interceptors, WebSocket, EventSource. */
import { once } from 'node:events';
import http from 'node:http';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline as pipe } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import {
  Agent,
  Client,
  EventSource,
  FormData,
  fetch,
  getGlobalDispatcher,
  interceptors,
  MockAgent,
  Pool,
  ProxyAgent,
  pipeline,
  RetryAgent,
  request,
  setGlobalDispatcher,
  stream,
  WebSocket,
} from 'undici';
import { WebSocketServer } from 'ws';

export default function* (tools) {
  const { say, wait } = tools;
  const server = http.createServer(answer);
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (peer) => peer.on('message', (data, binary) => peer.send(data, { binary })));
  const tunnels = [];
  server.on('connect', (_request, socket) => {
    tunnels.push(socket);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.emit('connection', socket);
  });
  server.listen(0, '127.0.0.1');
  yield* wait(once(server, 'listening'));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const usual = getGlobalDispatcher();
  const agent = new Agent();
  setGlobalDispatcher(agent);
  try {
    for (const part of [requests, fetches, streams, pools, intercepted, mocked, events, webSockets, proxied]) {
      yield* part(origin, tools);
    }
  } finally {
    setGlobalDispatcher(usual);
    yield* wait(agent.destroy());
    for (const socket of tunnels) socket.destroy();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    yield* wait(closed);
  }
  say('done');
}

let failures = 0;

const routes = {
  '/': (_request, response) => response.end('hello'),
  '/json': (_request, response) => response.setHeader('content-type', 'application/json').end('{"a":[1]}'),
  '/echo': (request, response) => {
    response.setHeader('x-type', request.headers['content-type'] ?? 'none');
    request.pipe(response);
  },
  '/gzip': (_request, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('x'.repeat(10_000))),
  '/br': (_request, response) => response.setHeader('content-encoding', 'br').end(brotliCompressSync('brotli')),
  '/large': (_request, response) => pipe(Readable.from(Array(100).fill('y'.repeat(10_000))), response),
  '/slow': (request, response) => {
    const timer = setTimeout(() => response.end('slow'), 5000);
    request.on('close', () => clearTimeout(timer));
  },
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => response.destroy());
  },
  '/redirect': (_request, response) => response.writeHead(302, { location: '/json' }).end(),
  '/unsteady': (_request, response) => {
    failures++;
    response.writeHead(failures % 3 === 0 ? 200 : 503).end(`attempt ${failures}`);
  },
  '/cached': (_request, response) => response.setHeader('cache-control', 'max-age=100').end(String(++failures)),
  '/events': (request, response) => {
    response.setHeader('content-type', 'text/event-stream');
    const from = Number(request.headers['last-event-id'] ?? 0);
    response.write('retry: 1\n\n');
    for (const n of [1, 2]) response.write(`id: ${from + n}\nevent: count\ndata: ${from + n}\n\n`);
    response.end();
  },
};

function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const route = routes[pathname];
  if (route) route(request, response);
  else response.writeHead(404).end(`no ${pathname}`);
}

const failure = ({ name, code, cause }) => [name, code ?? cause?.code];

function* requests(origin, { say, wait }) {
  for (const path of ['/', '/json', '/nothing', '/large']) {
    const { statusCode, body } = yield* wait(request(origin + path));
    say('request', path, statusCode, (yield* wait(body.text())).length);
  }
  const { body } = yield* wait(request(`${origin}/json`));
  say('json', yield* wait(body.json()));
  const bodies = { text: 'text', bytes: Buffer.from('bytes'), stream: Readable.from(['a', 'b']), iterable: pieces() };
  for (const [name, one] of Object.entries(bodies)) {
    const { body, headers } = yield* wait(request(`${origin}/echo`, { method: 'POST', body: one }));
    say('body', name, headers['x-type'], yield* wait(body.text()));
  }
  const dumped = yield* wait(request(`${origin}/large`));
  yield* wait(dumped.body.dump());
  const destroyed = yield* wait(request(`${origin}/large`));
  destroyed.body.on('error', () => {}).destroy();
  let length = 0;
  const whole = yield* wait(request(`${origin}/large`));
  yield* wait(
    (async () => {
      for await (const piece of whole.body) length += piece.length;
    })(),
  );
  say('for await', length);
  const controller = new AbortController();
  const aborted = request(`${origin}/slow`, { signal: controller.signal }).catch(failure);
  yield* wait(delay(5));
  controller.abort();
  say('aborted', yield* wait(aborted));
  say('late', yield* wait(request(`${origin}/slow`, { headersTimeout: 30 }).catch(failure)));
  const cut = yield* wait(request(`${origin}/cut`));
  say('cut', yield* wait(cut.body.text().catch(failure)));
  say('refused', yield* wait(request('http://127.0.0.1:1/').catch(failure)));
}

function* pieces() {
  yield 'one ';
  yield 'two';
}

function* fetches(origin, { say, wait }) {
  for (const path of ['/', '/gzip', '/br', '/redirect', '/nothing']) {
    const response = yield* wait(fetch(origin + path));
    say('fetch', path, response.status, response.redirected, (yield* wait(response.text())).length);
  }
  const form = new FormData();
  form.append('field', 'value');
  form.append('file', new Blob(['content']), 'name.txt');
  const posted = yield* wait(fetch(`${origin}/echo`, { method: 'POST', body: form }));
  const back = yield* wait(
    new Response(posted.body, { headers: { 'content-type': posted.headers.get('x-type') } }).formData(),
  );
  say('form', back.get('field'), back.get('file').name, yield* wait(back.get('file').text()));
  const upload = new ReadableStream({
    async pull(controller) {
      this.count = (this.count ?? 0) + 1;
      await delay(1);
      if (this.count > 3) controller.close();
      else controller.enqueue(new TextEncoder().encode(`part ${this.count} `));
    },
  });
  const sent = yield* wait(fetch(`${origin}/echo`, { method: 'POST', body: upload, duplex: 'half' }));
  say('upload', yield* wait(sent.text()));
  const twice = yield* wait(fetch(`${origin}/json`));
  const clone = twice.clone();
  say('clone', yield* wait(Promise.all([twice.json(), clone.text()])));
  say('late', yield* wait(fetch(`${origin}/slow`, { signal: AbortSignal.timeout(20) }).catch(({ name }) => name)));
  say(
    'cut',
    yield* wait(
      fetch(`${origin}/cut`)
        .then((response) => response.text())
        .catch(failure),
    ),
  );
  const built = yield* wait(globalThis.fetch(`${origin}/json`));
  say('built in', yield* wait(built.json()));
}

function* streams(origin, { say, wait }) {
  const kept = [];
  const keep = new Writable({
    write(piece, _encoding, done) {
      kept.push(piece.length);
      setImmediate(done);
    },
  });
  yield* wait(stream(`${origin}/large`, { opaque: keep }, ({ opaque }) => opaque));
  say(
    'stream',
    kept.reduce((a, b) => a + b),
  );
  const duplex = pipeline(`${origin}/echo`, { method: 'POST' }, ({ body }) => body);
  Readable.from(['through ', 'the ', 'pipeline']).pipe(duplex);
  say('pipeline', yield* wait(text(duplex)));
}

function* pools(origin, { say, start, wait }) {
  const pool = new Pool(origin, { connections: 3, pipelining: 1 });
  const lengths = yield* wait(
    Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        start(function* () {
          const { body } = yield* wait(pool.request({ path: i % 3 === 0 ? '/large' : '/', method: 'GET' }));
          return (yield* wait(body.text())).length;
        }),
      ),
    ),
  );
  say(
    'pool',
    lengths.reduce((a, b) => a + b),
    pool.stats.connected <= 3,
  );
  yield* wait(pool.close());
  say('closed', yield* wait(pool.request({ path: '/', method: 'GET' }).catch(failure)));

  const client = new Client(origin, { pipelining: 5 });
  const answers = Array.from({ length: 5 }, () => client.request({ path: '/json', method: 'GET' }));
  say(
    'pipelining',
    (yield* wait(Promise.all(answers))).map(({ statusCode }) => statusCode),
  );
  const byCallback = new Promise((resolve) => {
    client.request({ path: '/', method: 'GET' }, (_error, { body }) => resolve(body.text()));
  });
  for (const { body } of yield* wait(Promise.all(answers))) yield* wait(body.dump());
  say('callback', yield* wait(byCallback));
  yield* wait(client.destroy());
}

function* intercepted(origin, { say, wait }) {
  const agent = new Agent().compose(
    interceptors.redirect({ maxRedirections: 2 }),
    interceptors.retry({ maxRetries: 3, minTimeout: 1, maxTimeout: 2, statusCodes: [503] }),
    interceptors.cache(),
  );
  for (const path of ['/redirect', '/unsteady', '/cached', '/cached']) {
    const { statusCode, body } = yield* wait(request(origin + path, { dispatcher: agent }));
    say('intercepted', path, statusCode, yield* wait(body.text()));
  }
  yield* wait(agent.close());
  const retrying = new RetryAgent(new Agent(), { minTimeout: 1, maxTimeout: 2, maxRetries: 1 });
  say('given up', yield* wait(request('http://127.0.0.1:1', { dispatcher: retrying }).catch(failure)));
  yield* wait(retrying.close());
}

function* mocked(_origin, { say, wait }) {
  const mock = new MockAgent();
  mock.disableNetConnect();
  const site = mock.get('http://example.com');
  site.intercept({ path: '/a' }).reply(200, { mocked: true });
  site.intercept({ path: '/b', method: 'POST', body: 'x' }).replyWithError(new Error('no'));
  const { body } = yield* wait(request('http://example.com/a', { dispatcher: mock }));
  say('mocked', yield* wait(body.json()));
  const failed = request('http://example.com/b', { dispatcher: mock, method: 'POST', body: 'x' });
  say('mocked', yield* wait(failed.catch(({ message }) => message)));
  say('unknown', yield* wait(request('http://example.com/c', { dispatcher: mock }).catch(failure)));
  yield* wait(mock.close());
}

function* events(origin, { say, wait }) {
  const source = new EventSource(`${origin}/events`);
  const seen = [];
  yield* wait(
    new Promise((resolve) => {
      source.addEventListener('count', ({ data }) => seen.push(data) === 4 && resolve());
    }),
  );
  source.close();
  say('events', seen);
}

function* webSockets(origin, { say, wait }) {
  const socket = new WebSocket(origin.replace('http', 'ws'));
  socket.binaryType = 'arraybuffer';
  yield* wait(once(socket, 'open'));
  for (const message of ['text', new Uint8Array([1, 2]), 'z'.repeat(100_000)]) {
    const answer = once(socket, 'message');
    socket.send(message);
    const { data } = (yield* wait(answer))[0];
    say('socket', typeof data, data.length ?? data.byteLength);
  }
  const closed = once(socket, 'close');
  socket.close(4000, 'enough');
  const [{ code, reason, wasClean }] = yield* wait(closed);
  say('socket closed', code, reason, wasClean);
  const lost = new WebSocket('ws://127.0.0.1:1');
  say('socket lost', (yield* wait(once(lost, 'error')))[0].type);
}

function* proxied(origin, { say, wait }) {
  const proxy = new ProxyAgent({ uri: origin, proxyTunnel: true });
  const { statusCode, body } = yield* wait(request('http://elsewhere.test/json', { dispatcher: proxy }));
  say('proxied', statusCode, yield* wait(body.json()));
  yield* wait(proxy.close());
}
