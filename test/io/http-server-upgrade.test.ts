import { run, sleep, spawn, until } from 'genlet';
import { HttpError, HttpServer, type Socket, type UpgradeHandler } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { get, RawClient, withHttp } from './http-server-support.ts';
import { eventually, watchResources } from './support.ts';

const { takeReports } = watchHub();
watchResources();

const upgrading = get('/up', 'Connection: Upgrade', 'Upgrade: echo');

function* echo(socket: Socket) {
  for (let bytes: Buffer; (bytes = yield* socket.recv()).length > 0; ) yield* socket.sendall(bytes);
}

const upgrade: UpgradeHandler = function* (_, socket) {
  yield* socket.sendall('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  yield* echo(socket);
};

describe('the upgrade hook', () => {
  it('gets the connection, with what the client has sent behind its request', () => {
    const seen: unknown[] = [];
    return withHttp(
      () => 'http',
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect((yield* client.ask(get())).body).toBe('http');
        expect(yield* client.ask(`${upgrading}early`)).toMatchObject({ status: 101, headers: { upgrade: 'echo' } });
        expect(String(yield* client.socket.recvExactly(5))).toBe('early');
        yield* client.send('late');
        expect(String(yield* client.socket.recvExactly(4))).toBe('late');
        expect([server.handling, server.connections]).toEqual([1, 1]);
        client.socket.shutdown('write');
        expect(yield* client.rest()).toBe('');
        yield* eventually(() => server.connections === 0);
        expect(seen).toEqual(['GET /up', 'echo', 'early', '']);
      },
      {
        *upgrade(request, socket, head) {
          seen.push(`${request.method} ${request.path}`, request.headers.upgrade, String(head));
          yield* (upgrade as (...args: unknown[]) => Generator<never>)(request, socket, head);
          seen.push(yield* request.text());
        },
      },
    );
  });

  it('is asked for CONNECT too', () =>
    withHttp(
      () => 'http',
      function* (server) {
        using client = yield* RawClient.connect(server);
        yield* client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
        expect(yield* client.rest()).toBe('CONNECT example.com:443');
      },
      { upgrade: (request, socket) => socket.sendall(`${request.method} ${request.url}`) },
    ));

  it('is not needed: an upgrade is ignored, CONNECT is 501', () =>
    withHttp(
      () => 'http',
      function* (server) {
        using client = yield* RawClient.connect(server);
        expect(yield* client.ask(upgrading)).toMatchObject({ status: 200, body: 'http' });
        expect((yield* client.ask('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')).status).toBe(501);
        expect(yield* client.rest()).toBe('');
      },
    ));

  it('answers 500 for an error before it has answered, an HttpError as it says, and nothing after', () =>
    withHttp(
      () => 'http',
      function* (server) {
        const answers: string[] = [];
        for (const path of ['/error', '/http', '/late']) {
          using client = yield* RawClient.connect(server);
          yield* client.send(upgrading.replace('/up', path));
          const text = yield* client.rest();
          answers.push(`${text.slice(9, 12)} ${text.split('\r\n\r\n')[1]} ${/X: y/.test(text)}`);
        }
        expect(answers).toEqual(['500 Internal Server Error false', '403 no true', '101  false']);
        const reports = yield* until(takeReports());
        expect(reports.map(({ error, context }) => [(error as Error).message, context])).toEqual([
          ['secret', String(server)],
          ['late', String(server)],
        ]);
      },
      {
        *upgrade(request, socket) {
          if (request.path === '/http') throw new HttpError(403, 'no', { headers: { X: 'y' } });
          if (request.path === '/error') throw new Error('secret');
          yield* socket.sendall('HTTP/1.1 101 Switching Protocols\r\n\r\n');
          throw new Error('late');
        },
      },
    ));

  it('is not reported when the client breaks off', () =>
    withHttp(
      () => 'http',
      function* (server) {
        for (let round = 0; round < 5; round++) {
          const client = yield* RawClient.connect(server);
          expect((yield* client.ask(upgrading)).status).toBe(101);
          client.socket.abort();
          yield* eventually(() => server.connections === 0 && server.handling === 0);
        }
        expect(yield* until(takeReports())).toEqual([]);
      },
      { upgrade },
    ));

  it('is waited for when the server stops, then killed', () =>
    run(function* () {
      const log: string[] = [];
      const server = new HttpServer('127.0.0.1:0', () => 'http', {
        *upgrade(request, socket, head) {
          try {
            yield* (upgrade as (...args: unknown[]) => Generator<never>)(request, socket, head);
          } finally {
            yield* sleep(1);
            log.push('finally');
          }
        },
      });
      yield* server.start();
      using client = yield* RawClient.connect(server);
      yield* client.ask(upgrading);
      const stopping = spawn(() => server.stop(300));
      yield* sleep(10);
      yield* client.send('still');
      expect(String(yield* client.socket.recvExactly(5))).toBe('still');
      expect(log).toEqual([]);
      expect(yield* client.rest()).toBe('');
      yield* stopping;
      expect([log, server.connections]).toEqual([['finally'], 0]);
    }));
});
