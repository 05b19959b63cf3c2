/** Each blocking call of the HTTP client and of WebSockets, struck at each of its suspension points; see `strikes.ts`. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type Coroutine, type Operation, spawn } from 'genlet';
import { http, Reader } from 'genlet/io';
import { expect } from 'vitest';
import { SocketClosedError, StreamClosedError } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import { serve, serveRaw } from './http-support.ts';
import { type Row, strikeEverywhere } from './strikes.ts';
import { eventually } from './support.ts';
import { polite, serveWebSockets, type WebSocketPeer } from './websocket-support.ts';

watchHub();

/** What is held back until `release`, and not any more afterwards. */
class Gate {
  readonly #held: (() => void)[] = [];
  #isOpen = false;

  pass(act: () => void): void {
    if (this.#isOpen) act();
    else this.#held.push(act);
  }

  release(): void {
    this.#isOpen = true;
    for (const act of this.#held.splice(0)) act();
  }
}

type Call = (client: http.HttpClient, timeout?: number) => Operation<unknown>;
type Listener = (request: IncomingMessage, response: ServerResponse, gate: Gate) => void;

const held: Listener = (request, response, gate) => {
  request.resume();
  gate.pass(() => response.end('fine'));
};

/** A call of a client that has one connection; afterwards another one must get through, by one connection. */
const asking = (call: Call, listener: Listener = held, options: http.HttpClientOptions = {}): Row =>
  function* () {
    const gate = new Gate();
    const site = yield* serve((request, response) => listener(request, response, gate));
    const client = new http.HttpClient({ origin: site.url, connections: 1, ...options });
    return {
      call: (timeout) => call(client, timeout),
      timed: true,
      release: () => gate.release(),
      *check(ending) {
        if (typeof ending === 'object' && 'value' in ending) ending.value?.close?.();
        gate.release();
        expect((yield* client.request('/', { timeout: 2000 })).text()).toBe('fine');
        expect(client.statistics().origins[site.url]).toEqual({ connections: 1, idle: 1, waiting: 0 });
        yield* eventually(() => site.sockets.size === 1);
      },
      *end() {
        client.destroy();
        yield* site.end();
      },
    };
  };

/** While another request has the only connection. */
const waiting = (call: Call): Row =>
  function* () {
    const gate = new Gate();
    const site = yield* serve((request, response) => held(request, response, gate));
    const client = new http.HttpClient({ origin: site.url, connections: 1 });
    const holder = spawn(() => client.request('/'));
    yield* eventually(() => site.connections === 1);
    return {
      call: (timeout) => call(client, timeout),
      timed: true,
      release: () => gate.release(),
      *check(ending) {
        if (typeof ending === 'object' && 'value' in ending) ending.value?.close?.();
        gate.release();
        expect((yield* holder).text()).toBe('fine');
        expect((yield* client.request('/', { timeout: 2000 })).text()).toBe('fine');
        expect(client.statistics().origins[site.url]).toEqual({ connections: 1, idle: 1, waiting: 0 });
      },
      *end() {
        client.destroy();
        yield* holder.kill();
        yield* site.end();
      },
    };
  };

/** While the connection is being made: TLS is spoken to something that never answers. */
const connecting: Row = function* () {
  const gate = new Gate();
  const site = yield* serveRaw((socket) => {
    socket.resume();
    gate.pass(() => socket.destroy());
  });
  const client = new http.HttpClient({ origin: site.url.replace('http', 'https'), connections: 1 });
  return {
    *call(timeout?: number) {
      try {
        yield* client.request('/', { timeout });
      } catch (error) {
        if ((error as { code: string }).code !== 'ECONNRESET') throw error;
      }
    },
    timed: true,
    release: () => gate.release(),
    *check() {
      yield* eventually(() => site.sockets.size === 0);
      expect(client.statistics().origins).toEqual({});
    },
    *end() {
      client.destroy();
      yield* site.end();
    },
  } as never;
};

/** Reading an answer that has come in half. */
const reading = (read: (response: http.StreamedResponse, timeout?: number) => Operation<unknown>): Row =>
  function* () {
    const gate = new Gate();
    const site = yield* serve((_, response) => {
      response.write('half, ');
      gate.pass(() => response.end('whole'));
    });
    const client = new http.HttpClient({ origin: site.url, connections: 1 });
    const response = yield* client.stream('/');
    expect(String(yield* response.body.readExactly(6))).toBe('half, ');
    return {
      call: () => read(response),
      release: () => gate.release(),
      *check(ending) {
        const rest = typeof ending === 'object' && 'value' in ending ? ending.value : yield* response.text();
        expect(String(rest)).toBe('whole');
        expect((yield* client.request('/', { timeout: 2000 })).text()).toBe('half, whole');
        expect(client.statistics().origins[site.url]).toEqual({ connections: 1, idle: 1, waiting: 0 });
      },
      close: () => response.close(),
      closedBy: StreamClosedError,
      *end() {
        client.destroy();
        yield* site.end();
      },
    };
  };

/** A call on an open WebSocket. */
const talking = (
  call: (socket: http.WebSocket, timeout?: number) => Operation<unknown>,
  release: (peer: WebSocketPeer) => void,
  prepare: (socket: http.WebSocket, peer: WebSocketPeer) => Coroutine<void> = function* () {},
): Row =>
  function* () {
    let peer!: WebSocketPeer;
    const site = yield* serveWebSockets((connected) => {
      peer = connected;
      polite(peer);
    });
    const socket = yield* http.connectWebSocket(site.url);
    yield* prepare(socket, peer);
    return {
      call: (timeout) => call(socket, timeout),
      timed: true,
      release: () => release(peer),
      *check(ending) {
        peer.socket.resume();
        if (ending === 'killed' && socket.queued === 0) peer.text('hello');
        if (ending === 'killed' || ending === undefined) expect(yield* socket.recv({ timeout: 2000 })).toBe('hello');
        yield* socket.send('still there', { timeout: 2000 });
        yield* eventually(() => peer.texts.at(-1) === 'still there');
      },
      close: () => socket.abort(),
      closedBy: SocketClosedError,
      *end() {
        socket.abort();
        yield* site.end();
      },
    };
  };

/** A stream that begins, and never ends. */
function endless(): Readable {
  const stream = new Readable({ read() {} });
  stream.push('it begins');
  return stream;
}

/** Sends until nothing more fits in. */
function* fill(socket: http.WebSocket, peer: WebSocketPeer): Coroutine<void> {
  peer.socket.pause();
  for (;;) {
    const sending = spawn(() => socket.send(Buffer.alloc(1_000_000)));
    yield* sending.join(100);
    if (sending.dead) continue;
    yield* sending.kill();
    return;
  }
}

/** The handshake, which is answered when the gate opens. */
const shaking: Row = function* () {
  const gate = new Gate();
  const open = yield* serveWebSockets(() => {}, { server: gated(createServer(), gate) });
  return {
    call: (timeout) => http.connectWebSocket(open.url, { timeout }),
    timed: true,
    release: () => gate.release(),
    *check(ending) {
      if (typeof ending === 'object' && 'value' in ending) ending.value.abort();
      gate.release();
      using socket = yield* http.connectWebSocket(open.url, { timeout: 2000 });
      expect(socket.open).toBe(true);
      yield* eventually(() => open.sockets.size === 1);
    },
    end: () => open.end(),
  };
};

/** Holds back the upgrades of a server. */
function gated(server: any, gate: Gate): any {
  const { on } = server;
  server.on = (name: string, listener: (...args: any[]) => void) =>
    on.call(server, name, name === 'upgrade' ? (...args: any[]) => gate.pass(() => listener(...args)) : listener);
  return server;
}

strikeEverywhere({
  'client.request': asking((client, timeout) => client.request('/', { timeout })),
  'client.request, the body in pieces': asking(
    (client, timeout) => client.request('/', { timeout }),
    (_, response, gate) => {
      response.write('fi');
      gate.pass(() => response.end('ne'));
    },
  ),
  'client.request with a body': asking((client, timeout) =>
    client.request('/', { timeout, body: 'x'.repeat(5_000_000) }),
  ),
  'client.request with a stream': asking((client, timeout) =>
    client.request('/', { timeout, body: Readable.from(['some', 'pieces']) }),
  ),
  'client.request with a stream that never ends': asking(
    (client, timeout) => client.request('/', { timeout, body: new Reader(endless()) }),
    (_, response, gate) => gate.pass(() => response.end('fine')),
  ),
  'client.request, redirected': asking(
    (client, timeout) => client.request('/moved', { timeout }),
    (request, response, gate) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/' }).end('over there');
      else gate.pass(() => response.end('fine'));
    },
  ),
  'client.request, decompressed': asking(
    (client, timeout) => client.request('/', { timeout }),
    (_, response, gate) => {
      const bytes = gzipSync('fine');
      response.writeHead(200, { 'content-encoding': 'gzip' }).write(bytes.subarray(0, 15));
      gate.pass(() => response.end(bytes.subarray(15)));
    },
    { decompress: true },
  ),
  'client.request, repeated': asking((client, timeout) => client.request('/', { timeout, retry: 3 })),
  'client.request, waiting for a connection': waiting((client, timeout) => client.request('/', { timeout })),
  'client.stream': asking((client, timeout) => client.stream('/', { timeout })),
  'client.stream, waiting for a connection': waiting(function* (client, timeout) {
    using response = yield* client.stream('/', { timeout });
    yield* response.text();
  }),
  'client.request, connecting': connecting,
  'response.text': reading((response) => response.text()),
  'response.bytes': reading((response) => response.bytes()),
  'response.body.readAll': reading((response) => response.body.readAll()),
  'http.connectWebSocket': shaking,
  'WebSocket.recv': talking(
    (socket, timeout) => socket.recv({ timeout }),
    (peer) => peer.text('hello'),
  ),
  'WebSocket.messages': talking(
    (socket, timeout) => socket.messages({ timeout }).next(),
    (peer) => peer.text('hello'),
  ),
  'WebSocket.send': talking(
    (socket, timeout) => socket.send('on its way', { timeout }),
    (peer) => peer.socket.resume(),
    fill,
  ),
  'WebSocket.ping': talking(
    (socket, timeout) => socket.ping({ timeout }),
    (peer) => {
      peer.onFrame = ({ opcode, payload }) => void (opcode === 9 && peer.send(0x8a, payload));
      for (const frame of peer.frames) peer.onFrame(frame);
    },
  ),
});
