import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Coroutine, run, spawn, Timeout, until, withTimeout } from 'genlet';
import { http } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, thrown, untilBlocked, watchResources } from './support.ts';

watchHub();
watchResources();

interface Site {
  url: string;
  /** Paths of the requests that have begun. */
  begun: string[];
  /** Paths of the requests whose client has gone before the end of the answer. */
  gone: string[];
}

/** Answers `/slow` never, `/half` by a half of what it promises, `/moved` by a redirection, all else by what was asked. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/slow') return;
  if (request.url === '/half') {
    response.writeHead(200, { 'content-length': 10 }).write('half.');
    return;
  }
  if (request.url === '/moved') {
    response.writeHead(302, { location: '/there' }).end();
    return;
  }
  const status = request.url === '/missing' ? 404 : 200;
  response.writeHead(status, { 'content-type': 'application/json' });
  let body = '';
  request.setEncoding('utf8').on('data', (text) => {
    body += text;
  });
  request.on('end', () => response.end(JSON.stringify({ method: request.method, url: request.url, body })));
}

function withSite<T>(main: (site: Site) => Coroutine<T>): Promise<T> {
  return run(function* () {
    const site: Site = { url: '', begun: [], gone: [] };
    const server = createServer((request, response) => {
      site.begun.push(request.url!);
      response.on('close', () => {
        if (!response.writableFinished) site.gone.push(request.url!);
      });
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    yield* until(once(server, 'listening'));
    site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return yield* main(site);
    } finally {
      let closed = false;
      server.close(() => {
        closed = true;
      });
      yield* eventually(() => {
        server.closeIdleConnections(); // those in use stay open
        return closed;
      });
    }
  });
}

describe('http.fetch', () => {
  it('gives the head of the answer, and its body in any form', () =>
    withSite(function* ({ url }) {
      const response = yield* http.fetch(`${url}/a`);
      expect([response.status, response.statusText, response.ok]).toEqual([200, 'OK', true]);
      expect([response.url, response.redirected, response.bodyUsed]).toEqual([`${url}/a`, false, false]);
      expect(response.headers.get('content-type')).toBe('application/json');
      const expected = { method: 'GET', url: '/a', body: '' };
      expect(yield* response.json()).toEqual(expected);
      expect(response.bodyUsed).toBe(true);
      const text = JSON.stringify(expected);
      expect(yield* (yield* http.fetch(`${url}/a`)).text()).toBe(text);
      expect(Buffer.from(yield* (yield* http.fetch(new URL(`${url}/a`))).bytes()).toString()).toBe(text);
      expect(Buffer.from(yield* (yield* http.fetch(`${url}/a`)).arrayBuffer()).toString()).toBe(text);
    }));

  it('sends what the standard has', () =>
    withSite(function* ({ url }) {
      const response = yield* http.fetch(`${url}/b`, { method: 'POST', body: 'data', headers: { 'x-test': '1' } });
      expect(yield* response.json()).toEqual({ method: 'POST', url: '/b', body: 'data' });
    }));

  it('follows redirections, and takes a bad status for an answer', () =>
    withSite(function* ({ url }) {
      const moved = yield* http.fetch(`${url}/moved`);
      expect([moved.redirected, moved.url, (yield* moved.json()).url]).toEqual([true, `${url}/there`, '/there']);
      const missing = yield* http.fetch(`${url}/missing`);
      expect([missing.ok, missing.status]).toEqual([false, 404]);
      yield* missing.text();
    }));

  it("throws the standard's error when there is no answer", () =>
    withSite(function* ({ url }) {
      const error = yield* thrown(http.fetch('http://127.0.0.1:1'));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.cause).toBeInstanceOf(Error);
      expect((yield* thrown(http.fetch('nonsense'))).message).toContain('nonsense');
      const gone = yield* thrown(http.fetch(`${url}/slow`, { signal: AbortSignal.timeout(10) }));
      expect(gone.name).toBe('TimeoutError');
      const body = yield* http.fetch(`${url}/a`);
      yield* body.text();
      expect(yield* thrown(body.text())).toBeInstanceOf(TypeError);
    }));

  it.each(['/slow', '/half'])('aborts %s when it is killed', (path) =>
    withSite(function* (site) {
      const client = spawn(function* () {
        const response = yield* http.fetch(site.url + path);
        yield* response.text();
      });
      yield* eventually(() => site.begun.length > 0);
      for (let turn = 0; turn < 20; turn++) yield* untilBlocked(client);
      yield* client.kill();
      expect(client.successful()).toBe(true);
      yield* eventually(() => site.gone.length > 0);
      expect(site.gone).toEqual([path]);
    }),
  );

  it.each(['/slow', '/half'])('aborts %s when its time is up', (path) =>
    withSite(function* (site) {
      const request = function* () {
        const response = yield* http.fetch(site.url + path, { timeout: 100 });
        yield* response.text();
      };
      const error = yield* thrown(request());
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`fetch(${site.url}${path}) timed out after 100 ms`);
      expect(error.stack).toContain('http.test.ts');
      yield* eventually(() => site.gone.length > 0);
      expect(site.gone).toEqual([path]);
    }),
  );

  it('aborts the request when a Timeout around it fires', () =>
    withSite(function* (site) {
      const outcome = yield* withTimeout(100, () => http.fetch(`${site.url}/slow`), { value: 'late' });
      expect(outcome).toBe('late');
      yield* eventually(() => site.gone.length > 0);
    }));

  it('aborts the request when the response is disposed of', () =>
    withSite(function* (site) {
      {
        using response = yield* http.fetch(`${site.url}/half`);
        expect(response.ok).toBe(true);
      }
      yield* eventually(() => site.gone.length > 0);
    }));

  it('gives the body as a Reader, within the time of the whole', () =>
    withSite(function* (site) {
      const response = yield* http.fetch(`${site.url}/a`, { timeout: 5000 });
      const reader = response.body!;
      expect(response.body).toBe(reader);
      expect(String(yield* reader.readAll())).toContain('"url":"/a"');
      expect(response.bodyUsed).toBe(true);
      expect((yield* http.fetch(`${site.url}/a`, { method: 'HEAD' })).body).toBe(null);
      const half = yield* http.fetch(`${site.url}/half`, { timeout: 100 });
      expect(String(yield* half.body!.readExactly(5))).toBe('half.');
      const error = yield* thrown(half.body!.read());
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`fetch(${site.url}/half) timed out after 100 ms`);
      yield* eventually(() => site.gone.length > 0);
    }));

  it('serves many at once, killed at any moment', () =>
    withSite(function* (site) {
      const clients = Array.from({ length: 100 }, (_, index) =>
        spawn(function* () {
          const response = yield* http.fetch(`${site.url}/${index}`);
          return (yield* response.json()).url;
        }),
      );
      for (const [index, client] of clients.entries()) {
        if (index % 3 === 0) yield* client.kill();
        else if (index % 3 === 1) expect(yield* client).toBe(`/${index}`);
      }
      for (const client of clients) yield* client.join();
    }));

  it('checks its options first', () => {
    expect(() => http.fetch('http://x', { timeout: -1 })).toThrow('timeout is -1');
    expect(() => http.fetch('http://x', null as never)).toThrow('init is null: give an object of options');
    expect(() => http.fetch(5 as never)).toThrow('url is 5: give a string, a URL or a Request');
    expect(() => http.fetch('http://name:secret@x/')).toThrow('url is http://***@x/: give the name and password in');
  });
});
