import http, { type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Coroutine, run, sleep, spawn, spawnNow } from 'genlet';
import { patchAll, patchHttp, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { eventually, thrown, watchResources } from '../support.ts';
import { ca, cert, key } from '../tls-support.ts';

watchHub();
watchResources();

beforeAll(() => void patchAll());
afterAll(unpatchAll);

const agent = false;

function withServer<T>(
  handler: (request: IncomingMessage, response: http.ServerResponse) => void,
  main: (url: string, server: Server) => Coroutine<T>,
): Promise<T> {
  return run(function* () {
    const server = yield* http.createServer(handler).listen(0, '127.0.0.1');
    try {
      return yield* main(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    } finally {
      server.closeAllConnections();
      yield* server.close();
    }
  });
}

function* bodyOf(response: IncomingMessage): Coroutine<string> {
  let body = '';
  response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
  yield* response;
  return body;
}

const waitFor = (request: ClientRequest) =>
  function* () {
    return yield* request;
  };

it('a request gives its response, to all who ask', () =>
  withServer(
    (request, response) => void response.end(`you sent ${request.method}`),
    function* (url) {
      const response = yield* http.get(url, { agent });
      expect([response.statusCode, yield* bodyOf(response)]).toEqual([200, 'you sent GET']);
      const request = http.request(url, { agent, method: 'POST' });
      const other = spawn(waitFor(request));
      request.end();
      const first = yield* request;
      expect((yield* other) === first && (yield* request) === first).toBe(true);
      expect(yield* bodyOf(first)).toBe('you sent POST');
      expect([request.listenerCount('response'), request.listenerCount('close')]).toEqual([0, 0]);
    },
  ));

it('a response with a callback is that of yield* too', () =>
  withServer(
    (_, response) => void response.end('text'),
    function* (url) {
      const seen: IncomingMessage[] = [];
      const request = http.get(url, { agent }, (response) => void seen.push(response));
      yield* eventually(() => seen.length === 1);
      const response = yield* request;
      expect(response === seen[0]).toBe(true);
      response.resume();
      yield* response;
    },
  ));

it('throws what goes wrong, also when it already has', () =>
  withServer(
    (request) => void request.socket.destroy(),
    function* (url) {
      const request = http.get(url, { agent });
      expect((yield* thrown(request as never)).code).toBe('ECONNRESET');
      expect((yield* thrown(request as never)).code).toBe('ECONNRESET');
      expect((yield* thrown(http.get('http://127.0.0.1:1', { agent }) as never)).code).toBe('ECONNREFUSED');
      const destroyed = http.get(url, { agent }).on('error', () => {});
      destroyed.destroy();
      yield* sleep(1);
      expect((yield* thrown(destroyed as never)).code).toBe('ECONNRESET');
    },
  ));

it.each(['destroy', 'resetAndDestroy'] as const)(
  'a response that breaks off (%s) does not end the process by its request',
  async (way) => {
    await withServer(
      (_, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('some');
        setTimeout(() => response.socket![way](), 5);
      },
      function* (url) {
        const response = yield* http.get(url, { agent });
        expect((yield* thrown(bodyOf(response))).code).toBe('ECONNRESET');
      },
    );
  },
);

it('a kill destroys the request', () => {
  let arrived = 0;
  let gone = 0;
  return withServer(
    (request) => {
      arrived++;
      request.on('close', () => gone++);
    },
    function* (url) {
      const request = http.get(url, { agent });
      const waiter = spawnNow(waitFor(request));
      yield* eventually(() => arrived === 1);
      yield* waiter.kill();
      expect(request.destroyed).toBe(true);
      yield* eventually(() => gone === 1);
    },
  );
});

it('https is the same', async () => {
  await run(function* () {
    const options = { key, cert: cert.localhost };
    const server = yield* https.createServer(options, (_, response) => void response.end('secret')).listen(0);
    const { port } = server.address() as AddressInfo;
    const response = yield* https.get({ port, agent, ca, servername: 'localhost' });
    expect(yield* bodyOf(response)).toBe('secret');
    yield* server.close();
  });
});

it('a handler can wait for its own response', async () => {
  const events: string[] = [];
  await withServer(
    (_, response) => {
      spawn(function* () {
        response.end('text');
        yield* response;
        events.push('sent');
      });
    },
    function* (url) {
      expect(yield* bodyOf(yield* http.get(url, { agent }))).toBe('text');
      yield* eventually(() => events.length === 1);
    },
  );
  expect(events).toEqual(['sent']);
});

it('patchHttp alone leaves other streams as they were', async () => {
  unpatchAll();
  patchHttp();
  await run(function* () {
    expect((process.stdin as any)[Symbol.iterator]).toBe(undefined);
    const request = http.get('http://127.0.0.1:1', { agent });
    expect((yield* thrown(request as never)).code).toBe('ECONNREFUSED');
  });
  unpatchAll();
  patchAll();
});
