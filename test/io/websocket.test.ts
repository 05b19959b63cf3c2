import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { inspect } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import { type Coroutine, joinall, run, sleep, spawn, Timeout, withTimeout } from 'genlet';
import { http } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { ConcurrentObjectUseError, SocketClosedError } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import { mirror, open, type Site, serve, serveRaw } from './http-support.ts';
import { eventually, thrown, watchResources } from './support.ts';
import { ca, cert, key } from './tls-support.ts';
import { accept, frame, polite, serveWebSockets, type WebSocketPeer } from './websocket-support.ts';

watchHub();
watchResources();

/** Runs `main` with a WebSocket and the server's side of it. */
function withSocket<T>(
  main: (socket: http.WebSocket, peer: WebSocketPeer, site: Site) => Coroutine<T>,
  options: http.WebSocketOptions = {},
  { onConnection = polite, fields = [] as string[] } = {},
): Promise<T> {
  return run(function* () {
    let peer!: WebSocketPeer;
    const site = yield* serveWebSockets(
      (connected) => {
        peer = connected;
        onConnection(peer);
      },
      { fields },
    );
    try {
      using socket = yield* http.connectWebSocket(`${site.url}/path`, { timeout: 5000, ...options });
      const result = yield* main(socket, peer, site);
      if (socket.end === undefined) socket.abort();
      yield* eventually(() => site.sockets.size === 0);
      return result;
    } finally {
      yield* site.end();
    }
  });
}

describe('a WebSocket', () => {
  it('carries text and bytes, both ways', () =>
    withSocket(function* (socket, peer, site) {
      expect([socket.url, socket.open, socket.protocol]).toEqual([`ws://127.0.0.1:${site.port}/path`, true, '']);
      yield* socket.send('täxt');
      yield* socket.send(Buffer.from([1, 2, 3]));
      yield* socket.send('');
      yield* socket.send('x'.repeat(100_000));
      yield* eventually(() => peer.frames.length === 4);
      expect(peer.frames.map(({ opcode, payload }) => [opcode, payload.length])).toEqual([
        [1, 5],
        [2, 3],
        [1, 0],
        [1, 100_000],
      ]);
      peer.text('grüße');
      peer.send(0x82, Buffer.from([4, 5]));
      peer.send(0x01, 'in ');
      peer.send(0x00, 'two ');
      peer.send(0x89, 'ping');
      peer.send(0x80, 'parts');
      peer.text('');
      peer.text('y'.repeat(100_000));
      expect(yield* socket.recv()).toBe('grüße');
      expect(yield* socket.recv()).toEqual(Buffer.from([4, 5]));
      expect(yield* socket.recv()).toBe('in two parts');
      expect(yield* socket.recv()).toBe('');
      expect(((yield* socket.recv()) as string).length).toBe(100_000);
      yield* eventually(() => peer.frames.at(-1)!.opcode === 10);
      expect(socket.queued).toBe(0);
    }));

  it('offers protocols and header fields', () =>
    withSocket(
      function* (socket, { request }) {
        expect(socket.protocol).toBe('b');
        const { headers } = request;
        expect([headers['sec-websocket-protocol'], headers['x-own'], headers.authorization]).toEqual([
          'a, b',
          '1',
          'Basic abc',
        ]);
        yield* socket.close();
      },
      { protocols: ['a', 'b'], headers: { 'X-Own': '1', authorization: 'Basic abc' } },
      { fields: ['sec-websocket-protocol: b'] },
    ));

  it('iterates its messages until the end', () =>
    withSocket(function* (socket, peer) {
      for (const text of ['one', 'two']) peer.text(text);
      peer.close(1000, 'enough');
      peer.socket.end();
      const got: unknown[] = [];
      using messages = socket.messages();
      for (let message; !(message = yield* messages.next()).done; ) got.push(message.value);
      expect(got).toEqual(['one', 'two']);
      expect(yield* messages.next()).toEqual({ done: true, value: undefined });
      expect(yield* socket.recv()).toBeUndefined();
      expect([socket.end, socket.open]).toEqual([{ code: 1000, reason: 'enough' }, false]);
      const error = yield* thrown(socket.send('too late'));
      expect(error).toBeInstanceOf(http.WebSocketClosedError);
      expect([error.closeCode, error.reason]).toEqual([1000, 'enough']);
      expect(error.message).toContain('the peer closed it (1000 enough)');
      yield* socket.close();
      messages[Symbol.dispose]();
    }));

  it('is closed with the consent of the peer', () =>
    withSocket(function* (socket, peer, site) {
      const reader = spawn(() => socket.recv());
      yield* sleep(0);
      peer.text('before');
      yield* eventually(() => reader.dead);
      peer.text('waits');
      yield* eventually(() => socket.queued > 0);
      const closing = spawn(() => socket.close({ code: 3001, reason: 'done' }));
      yield* sleep(0);
      yield* socket.close();
      yield* closing;
      expect(socket.end).toEqual({ code: 3001, reason: 'done' });
      expect(peer.frames.at(-1)).toEqual({ opcode: 8, payload: Buffer.from('\x0b\xb9done', 'latin1') });
      expect(yield* socket.recv()).toBe('waits');
      expect(yield* socket.recv()).toBeUndefined();
      expect(yield* thrown(socket.send('x'))).toBeInstanceOf(SocketClosedError);
      yield* eventually(() => site.sockets.size === 0);
    }));

  it('does not wait for ever for a peer that does not agree', () =>
    withSocket(
      function* (socket, _peer, site) {
        const begin = performance.now();
        yield* socket.close({ timeout: 30 });
        expect(performance.now() - begin).toBeLessThan(1000);
        yield* eventually(() => socket.end !== undefined && site.sockets.size === 0);
        expect(socket.end!.code).toBe(1006);
        expect(yield* socket.recv()).toBeUndefined();
      },
      {},
      { onConnection: () => {} },
    ));

  it('goes at once when its closing is killed', () =>
    withSocket(
      function* (socket, _peer, site) {
        const closing = spawn(() => socket.close({ timeout: null }));
        yield* sleep(0);
        yield* closing.kill();
        yield* eventually(() => site.sockets.size === 0);
      },
      {},
      { onConnection: () => {} },
    ));

  it('tells whoever is blocked that it was aborted, or lost', () =>
    withSocket(function* (socket, peer) {
      const blocked = [spawn(() => thrown(socket.recv())), spawn(() => thrown(socket.ping()))];
      yield* sleep(0);
      expect(yield* thrown(socket.recv())).toBeInstanceOf(ConcurrentObjectUseError);
      peer.onFrame = () => {};
      peer.socket.resetAndDestroy();
      for (const greenlet of blocked) {
        const error = yield* greenlet;
        expect(error).toBeInstanceOf(http.WebSocketClosedError);
        expect([error.closeCode, error.message]).toEqual([1006, expect.stringContaining('the connection was lost')]);
      }
      expect(yield* thrown(socket.recv())).toBeInstanceOf(http.WebSocketClosedError);
      expect(yield* thrown(socket.ping())).toBeInstanceOf(http.WebSocketClosedError);
    }).then(() =>
      withSocket(function* (socket) {
        const blocked = spawn(() => thrown(socket.recv()));
        yield* sleep(0);
        socket.abort();
        const error = yield* blocked;
        expect(error).toBeInstanceOf(SocketClosedError);
        expect(error.message).toContain('was aborted by <main');
        expect(yield* thrown(socket.send('x'))).toBe(error);
        expect(yield* thrown(socket.recv())).toBe(error);
      }),
    ));

  it('measures the time of a ping', () =>
    withSocket(function* (socket, peer) {
      peer.onFrame = ({ opcode, payload }) => void (opcode === 9 && setTimeout(() => peer.send(0x8a, payload), 10));
      const times = yield* joinall([spawn(() => socket.ping()), spawn(() => socket.ping({ timeout: 5000 }))]);
      for (const { value } of times) expect(value).toBeGreaterThan(5);
      peer.onFrame = () => {};
      peer.send(0x8a, 'of nobody');
      const error = yield* thrown(socket.ping({ timeout: 10 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toContain('WebSocket.ping() of ws://');
    }));

  it('holds up a peer whose messages nobody takes, and loses none', () =>
    withSocket(
      function* (socket, peer) {
        const total = 2000;
        const message = 'm'.repeat(10_000);
        let sent = 0;
        const fill = () => {
          while (sent < total) if (!peer.text(`${sent++} ${message}`)) return;
        };
        peer.socket.on('drain', fill);
        fill();
        let before = -1;
        while (before !== sent) {
          before = sent;
          yield* sleep(50);
        }
        expect(sent).toBeLessThan(total);
        expect(socket.queued).toBeGreaterThanOrEqual(100_000);
        expect(socket.queued).toBeLessThan(250_000);
        for (let index = 0; index < total; index++)
          expect(((yield* socket.recv()) as string).split(' ')[0]).toBe(String(index));
        expect([sent, socket.queued]).toEqual([total, 0]);
      },
      { maxQueue: 100_000 },
    ));

  it('holds up whoever sends more than the peer takes', () =>
    withSocket(function* (socket, peer) {
      peer.socket.pause();
      let sent = 0;
      const sender = spawn(function* () {
        for (; sent < 200; sent++) yield* socket.send(Buffer.alloc(100_000));
      });
      let before = -1;
      while (before !== sent) {
        before = sent;
        yield* sleep(50);
      }
      expect(sent).toBeLessThan(200);
      expect(socket.bufferedAmount).toBeLessThan(400_000);
      const other = yield* thrown(socket.send('in between'));
      expect(other).toBeInstanceOf(ConcurrentObjectUseError);
      peer.socket.resume();
      yield* sender;
      yield* eventually(() => peer.frames.length === 200);
    }));

  it('does not send a message in part when it is killed', () =>
    withSocket(function* (socket, peer) {
      peer.socket.pause();
      for (let isFull = false; !isFull; ) {
        const outcome = yield* withTimeout(50, () => socket.send(Buffer.alloc(1_000_000)), { value: 'full' as const });
        isFull = outcome === 'full';
      }
      expect(yield* withTimeout(10, () => socket.send('never'), { value: 'late' })).toBe('late');
      peer.socket.resume();
      yield* socket.send('later');
      yield* eventually(() => peer.texts.length === 1);
      expect(peer.texts).toEqual(['later']);
      expect(peer.frames.every(({ opcode, payload }) => opcode === 1 || payload.length === 1_000_000)).toBe(true);
    }));

  it('does not take a message that is too long', () =>
    withSocket(
      function* (socket, peer) {
        peer.text('x'.repeat(1000));
        peer.text('x'.repeat(1001));
        expect(((yield* socket.recv()) as string).length).toBe(1000);
        const error = yield* thrown(socket.recv());
        expect(error).toBeInstanceOf(http.WebSocketClosedError);
        yield* eventually(() =>
          peer.frames.some(({ opcode, payload }) => opcode === 8 && payload.readUInt16BE() === 1009),
        );
      },
      { maxMessage: 1000 },
    ));

  it('cuts off a peer that sends too much in compressed form', () =>
    withSocket(
      function* (socket, peer) {
        const packed = deflateRawSync('x'.repeat(90_000), { finishFlush: 2 }).subarray(0, -4);
        const flood = Buffer.concat(Array.from({ length: 200 }, () => frame(0xc1, packed)));
        expect(flood.length).toBeLessThan(65_536);
        peer.socket.write(flood);
        yield* eventually(() => !socket.open); // nobody takes what comes until then
        const error = yield* thrown(receiveAll(socket));
        expect(error).toBeInstanceOf(http.WebSocketClosedError);
        expect(error.closeCode).toBe(4009);
        yield* eventually(() =>
          peer.frames.some(({ opcode, payload }) => opcode === 8 && payload.readUInt16BE() === 4009),
        );
      },
      { maxQueue: 100_000, maxMessage: 100_000 },
      { fields: ['sec-websocket-extensions: permessage-deflate'] },
    ));

  function* receiveAll(socket: http.WebSocket): Coroutine<number> {
    for (let count = 0; ; count++) if ((yield* socket.recv()) === undefined) return count;
  }

  it.each([
    ['a frame with a mask', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 65])],
    ['an unknown opcode', frame(0x83)],
    ['a part without a beginning', frame(0x80, 'x')],
    ['a long ping', frame(0x89, 'x'.repeat(126))],
    ['text that is none', frame(0x81, Buffer.from([0xff]))],
    ['a compressed frame that was not agreed on', frame(0xc1, 'x')],
    ['a closing with a code that may not be sent', frame(0x88, Buffer.from([0x03, 0xed]))],
  ])('survives %s', (_, bytes) =>
    withSocket(function* (socket, peer, site) {
      peer.text('before');
      peer.socket.write(bytes);
      expect(yield* socket.recv({ timeout: 2000 })).toBe('before');
      expect(yield* thrown(socket.recv({ timeout: 2000 }))).toBeInstanceOf(http.WebSocketClosedError);
      yield* eventually(() => site.sockets.size === 0);
    }),
  );

  it('loses nothing by timeouts', () =>
    withSocket(function* (socket, peer) {
      const error = yield* thrown(socket.recv({ timeout: 10 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`WebSocket.recv() from ${socket.url} timed out after 10 ms`);
      expect(yield* thrown(socket.recv({ timeout: 0 }))).toBeInstanceOf(Timeout);
      using messages = socket.messages({ timeout: 10 });
      expect(yield* thrown(messages.next())).toBeInstanceOf(Timeout);
      peer.text('kept');
      expect((yield* messages.next()).value).toBe('kept');
    }));

  it('checks what it is given', () =>
    withSocket(function* (socket) {
      expect(() => socket.send(5 as never)).toThrow('message is 5: give a string, a Buffer or a Uint8Array');
      expect(() => socket.send('', { timeout: -1 })).toThrow('timeout is -1');
      expect(() => socket.recv({ timeout: Number.NaN })).toThrow('timeout is NaN');
      expect(() => socket.close({ code: 1001 })).toThrow(
        'code is 1001: give 1000, or a whole number from 3000 to 4999',
      );
      expect(() => socket.close({ reason: 'x'.repeat(124) })).toThrow('reason is');
      expect(() => socket.close(1000 as never)).toThrow('options is 1000');
      expect(String(socket)).toBe(`WebSocket to ${socket.url}`);
      expect(() => http.connectWebSocket('http://host/')).toThrow('url has the protocol http:: give a ws: or wss: URL');
      expect(() => http.connectWebSocket('nothing')).toThrow("url is none: give one such as 'ws://host/path'");
      expect(() => http.connectWebSocket('ws://host', { maxMessage: 0 })).toThrow('maxMessage is 0');
      expect(() => http.connectWebSocket('ws://host', { maxQueue: 0.5 })).toThrow('maxQueue is 0.5');
      expect((yield* thrown(http.connectWebSocket(socket.url, { protocols: ['a', 'A'] }))).name).toBe('SyntaxError');
      expect((yield* thrown(http.connectWebSocket(socket.url, { headers: { 'a b': '1' } }))).name).toBe('TypeError');
      yield* socket.close();
    }));
});

describe('connectWebSocket', () => {
  it('works by TLS, and with a name and password', () =>
    run(function* () {
      let authorization: string | undefined;
      const server = createHttpsServer({ key, cert: cert.localhost });
      const site = yield* serveWebSockets(
        (peer) => {
          authorization = peer.request.headers.authorization;
          peer.text('by TLS');
          polite(peer);
        },
        { server, protocol: 'wss' },
      );
      const url = `wss://name:secret@localhost:${site.port}/`;
      expect((yield* thrown(http.connectWebSocket(url))).code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
      using socket = yield* http.connectWebSocket(url, { tls: { ca } });
      expect(yield* socket.recv()).toBe('by TLS');
      expect([authorization, socket.url]).toEqual([`Basic ${btoa('name:secret')}`, `wss://localhost:${site.port}/`]);
      expect(inspect(socket, { depth: 5 })).not.toContain('secret');
      yield* socket.close();
      yield* site.end();
    }));

  it('throws what went wrong', () =>
    run(function* () {
      const gone = yield* serve(mirror);
      yield* gone.end();
      expect((yield* thrown(http.connectWebSocket(gone.url.replace('http', 'ws')))).code).toBe('ECONNREFUSED');
      expect(yield* thrown(http.connectWebSocket('ws://127.0.0.1:1/'))).toBeInstanceOf(http.WebSocketClosedError);
      const site = yield* serve(mirror);
      const refused = yield* thrown(http.connectWebSocket(`${site.url.replace('http', 'ws')}/x`));
      expect(refused).toBeInstanceOf(http.HttpStatusError);
      expect([refused.status, refused.message]).toEqual([
        200,
        `ws://127.0.0.1:${site.port}/x refused the WebSocket: 200 OK`,
      ]);
      yield* eventually(() => site.sockets.size === 0);
      yield* site.end();
      const wrong = yield* open(
        createHttpServer().on('upgrade', (request, socket) => {
          socket.on('error', () => {}).on('end', () => socket.end());
          socket.write(accept(request).replace(/accept: ./, 'accept: _'));
        }) as never,
        'ws',
      );
      const error = yield* thrown(http.connectWebSocket(wrong.url));
      expect(error).toBeInstanceOf(http.WebSocketClosedError);
      yield* eventually(() => wrong.sockets.size === 0);
      yield* wrong.end();
      const cut = yield* serveRaw((socket) => void socket.on('data', () => socket.end('HTTP/1.1 101 Yes\r\n')));
      expect((yield* thrown(http.connectWebSocket(cut.url.replace('http', 'ws')))).code).toBe('UND_ERR_SOCKET');
      yield* cut.end();
    }));

  it('has a time limit, and leaves no connection', () =>
    run(function* () {
      const mute = yield* serveRaw((socket) => void socket.resume());
      for (const protocol of ['ws', 'wss']) {
        const url = mute.url.replace('http', protocol);
        const error = yield* thrown(http.connectWebSocket(url, { timeout: 30 }));
        expect(error).toBeInstanceOf(Timeout);
        expect(error.message).toBe(`http.connectWebSocket(${url}/) timed out after 30 ms`);
        yield* eventually(() => mute.sockets.size === 0);
        const call = spawn(() => http.connectWebSocket(url));
        yield* eventually(() => mute.sockets.size === 1);
        yield* call.kill();
        yield* eventually(() => mute.sockets.size === 0);
      }
      expect(yield* thrown(http.connectWebSocket(mute.url.replace('http', 'ws'), { timeout: 0 }))).toBeInstanceOf(
        Timeout,
      );
      yield* mute.end();
    }));

  it('takes messages that come with the handshake, and an end', () =>
    run(function* () {
      const site = yield* open(
        createHttpServer().on('upgrade', (request, socket) => {
          socket.on('error', () => {});
          socket.end(
            Buffer.concat([Buffer.from(accept(request)), frame(0x81, 'at once'), frame(0x88, Buffer.from([3, 232]))]),
          );
        }) as never,
        'ws',
      );
      for (let time = 0; time < 20; time++) {
        using socket = yield* http.connectWebSocket(site.url);
        expect(yield* socket.recv()).toBe('at once');
        expect(yield* socket.recv()).toBeUndefined();
      }
      yield* site.end();
    }));

  it('opens many at a time', () =>
    run(function* () {
      const site = yield* serveWebSockets((peer) => {
        polite(peer);
        const { onFrame } = peer;
        peer.onFrame = (got) => {
          if (got.opcode === 1) peer.text(got.payload.toString());
          else onFrame(got);
        };
      });
      const calls = Array.from({ length: 100 }, (_, index) =>
        spawn(function* () {
          using socket = yield* http.connectWebSocket(site.url);
          for (let time = 0; time < 10; time++) {
            yield* socket.send(`${index} ${time}`);
            expect(yield* socket.recv()).toBe(`${index} ${time}`);
          }
          yield* socket.close();
        }),
      );
      yield* joinall(calls, { raiseError: true });
      yield* eventually(() => site.sockets.size === 0);
      yield* site.end();
    }));
});
