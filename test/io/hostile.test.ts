/** Peers that misbehave: they send byte by byte, too much, not at all, reset at any moment, and come by the thousand. */
import { connect, createServer, type Socket as NativeSocket } from 'node:net';
import {
  type Coroutine,
  fromEvent,
  IncompleteReadError,
  isExit,
  joinall,
  LimitOverrunError,
  run,
  sleep,
  spawn,
  Timeout,
} from 'genlet';
import { createConnection, listen, type Socket, StreamServer } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { turn, watchEverything } from './census.ts';
import { eventually, thrown } from './support.ts';

const { takeReports } = watchHub();
watchEverything();

/** A server that echoes lines, and counts how its handlers end. */
function lineServer(limit = 65_536) {
  const endings: Record<string, number> = {};
  const count = (name: string) => {
    endings[name] = (endings[name] ?? 0) + 1;
  };
  const server = new StreamServer('127.0.0.1:0', function* (socket) {
    try {
      for (let line; (line = yield* socket.readline({ limit })) !== undefined; ) yield* socket.sendall(`${line}\n`);
      count('end');
    } catch (error) {
      if (isExit(error)) throw error;
      count((error as { code?: string }).code ?? String(error));
    }
  });
  return { server, endings };
}

/** A socket of Node, connected, that is quiet about its errors. */
function* nativeClient(port: number): Coroutine<NativeSocket> {
  const stream = connect(port, '127.0.0.1');
  stream.on('error', () => {});
  stream.setNoDelay(true);
  yield* fromEvent(stream, 'connect');
  return stream;
}

/** The server still does what it is for. */
function* works(server: StreamServer): Coroutine<void> {
  using socket = yield* createConnection(server.address, { timeout: 2000 });
  yield* socket.sendall('still there?\n');
  expect(yield* socket.readline({ timeout: 2000 })).toBe('still there?');
}

describe('a peer that writes byte by byte', () => {
  it('is understood, characters and line ends and all', () =>
    run(function* () {
      const { server, endings } = lineServer();
      yield* server.start();
      const stream = yield* nativeClient(server.port);
      let echoed = '';
      stream.setEncoding('utf8').on('data', (text) => {
        echoed += text;
      });
      const lines = Array.from({ length: 200 }, (_, i) => `line ${i}: \u00e9\u2603\u{1f600}\r\n`);
      for (const byte of Buffer.from(lines.join(''))) {
        stream.write(Uint8Array.of(byte));
        if (byte % 3 === 0) yield* turn();
      }
      stream.end();
      yield* eventually(() => endings.end === 1);
      yield* eventually(() => echoed.length === lines.join('').length - lines.length);
      expect(echoed).toBe(lines.join('').replaceAll('\r', ''));
      yield* server.stop();
    }));

  it('costs time in proportion, also for reads of many bytes and for separators that nearly match', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = yield* nativeClient(listener.address.port);
      const socket = yield* listener.accept();
      const begin = performance.now();
      const exact = spawn(() => socket.recvExactly(30_000));
      const send = function* (bytes: Buffer) {
        for (let i = 0; i < bytes.length; i++) {
          stream.write(bytes.subarray(i, i + 1));
          if (i % 100 === 0) yield* turn();
        }
      };
      yield* send(Buffer.alloc(30_000, 'a'));
      expect((yield* exact).length).toBe(30_000);
      const until = spawn(() => socket.readUntil(`${'-'.repeat(50)}!`));
      yield* send(Buffer.from(`${'-'.repeat(30_000)}!`));
      expect((yield* until).length).toBe(30_001);
      expect(performance.now() - begin).toBeLessThan(8000);
      stream.destroy();
      socket.close();
    }));
});

describe('a line without an end', () => {
  it('is refused at the limit, and the peer is held up, however much it sends', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const client = yield* createConnection(listener.address);
      const server = yield* listener.accept();
      const flood = spawn(() => client.sendall(Buffer.alloc(50_000_000, 'x')));
      expect(yield* thrown(server.readline({ limit: 1000 }))).toBeInstanceOf(LimitOverrunError);
      yield* sleep(20);
      expect(server.bytesRead).toBeLessThan(400_000); // read ahead, and what Node had on the way
      expect(yield* thrown(server.readline())).toBeInstanceOf(LimitOverrunError);
      expect(yield* thrown(server.readUntil('\r\n\r\n', { limit: 8192 }))).toBeInstanceOf(LimitOverrunError);
      expect(flood.dead).toBe(false);
      yield* flood.kill();
      client.abort();
      server.abort();
    }));

  it('ends its connection, and the server serves others', () =>
    run(function* () {
      const { server, endings } = lineServer(100);
      yield* server.start();
      for (const size of [100, 101, 102, 5000, 1_000_000]) {
        const socket = yield* createConnection(server.address);
        const sending = spawn(function* () {
          try {
            yield* socket.sendall(`${'x'.repeat(size)}\n`);
          } catch {} // it is cut off
        });
        let answer: string | undefined;
        try {
          answer = yield* socket.readline({ limit: 10_000 });
        } catch {} // reset, since not all was read
        expect(answer?.length ?? 'refused').toBe(size > 100 ? 'refused' : size);
        socket.abort();
        yield* sending;
      }
      expect(Object.keys(endings).some((name) => /LimitOverrun|GENLET/.test(name))).toBe(true);
      yield* works(server);
      yield* server.stop();
    }));
});

describe('a reset', () => {
  const conversation = 'HELO there\r\n0123456789';

  it('by the client, at any byte, is an error or an end for the handler, and nothing else', () =>
    run(function* () {
      const endings: string[] = [];
      const server = new StreamServer('127.0.0.1:0', function* (socket) {
        try {
          const line = yield* socket.readline();
          yield* socket.sendall(`hello ${line}\r\n`);
          yield* socket.recvExactly(10);
          yield* socket.sendall('thanks'.repeat(1000));
          endings.push((yield* socket.recv()).length === 0 ? 'end' : 'more');
        } catch (error) {
          endings.push((error as { code?: string }).code ?? (error as Error).name);
          throw error;
        }
      });
      yield* server.start();
      for (const end of ['resetAndDestroy', 'destroy', 'end'] as const) {
        for (let count = 0; count <= conversation.length; count++) {
          const stream = yield* nativeClient(server.port);
          stream.resume();
          if (count > 0) stream.write(conversation.slice(0, count));
          if (count % 2 === 0) yield* turn();
          stream[end]();
        }
      }
      yield* eventually(() => server.connections === 0 && endings.length === 3 * (conversation.length + 1));
      const known = /^(end|ECONNRESET|EPIPE|GENLET_INCOMPLETE_READ|IncompleteReadError)$/;
      expect(endings.filter((ending) => !known.test(ending))).toEqual([]);
      yield* server.stop();
    }).then(takeIncomplete));

  it('by the server, at any byte, is an error of the read that meets it, with what came before', () =>
    run(function* () {
      const answer = '220 welcome\r\n0123456789';
      let left = 0;
      let how: 'resetAndDestroy' | 'destroy' = 'destroy';
      const native = createServer((stream) => {
        stream.on('error', () => {});
        stream.write(answer.slice(0, left), () => stream[how]());
        if (left === 0) stream[how]();
      }).listen(0, '127.0.0.1');
      yield* fromEvent(native, 'listening');
      const { port } = native.address() as { port: number };
      for (how of ['resetAndDestroy', 'destroy'] as const) {
        for (left = 0; left <= answer.length; left++) {
          let got = '';
          try {
            using socket = yield* createConnection(`127.0.0.1:${port}`);
            got = `${yield* socket.readUntil('\r\n')}`;
            got += yield* socket.recvExactly(10);
            expect(got).toBe(answer);
          } catch (error) {
            if (error instanceof IncompleteReadError) got += error.partial;
            else expect(['ECONNRESET', 'EPIPE']).toContain((error as { code?: string }).code);
            expect(answer.startsWith(got)).toBe(true);
            if (how === 'destroy') expect(got.length).toBe(left); // no byte before an orderly end is lost
          }
        }
      }
      native.close();
    }));

  it('of connections that nobody has accepted yet leaves the listener alone', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const streams = [];
      for (let i = 0; i < 50; i++) streams.push(yield* nativeClient(listener.address.port));
      for (const [i, stream] of streams.entries()) i % 2 === 0 ? stream.resetAndDestroy() : stream.destroy();
      yield* eventually(() => listener.waiting >= 50);
      for (let i = 0; i < 50; i++) {
        using socket = yield* listener.accept();
        try {
          expect((yield* socket.recv()).length).toBe(0);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('ECONNRESET');
        }
      }
      const client = yield* createConnection(listener.address);
      (yield* listener.accept()).abort();
      client.abort();
    }));
});

/** The server reports handlers that die of a peer which ended too early; those are expected. */
async function takeIncomplete(): Promise<void> {
  expect((await takeReports()).filter(({ error }) => !(error instanceof IncompleteReadError))).toEqual([]);
}

describe('a peer that never reads', () => {
  it('holds up only its own greenlet, in bounded memory, until the time limit', () =>
    run(function* () {
      const ended: string[] = [];
      const held: number[] = [];
      const server = new StreamServer('127.0.0.1:0', function* (socket: Socket) {
        if ((yield* socket.readline()) !== 'flood') {
          yield* socket.sendall('still there?\n');
          return;
        }
        socket.timeout = 300;
        const chunk = Buffer.alloc(256 * 1024);
        try {
          for (;;) {
            yield* socket.sendall(chunk);
            held.push(socket.stream.writableLength);
          }
        } catch (error) {
          ended.push((error as Error).name);
          held.push(socket.stream.writableLength);
          socket.abort();
        }
      });
      yield* server.start();
      const streams: NativeSocket[] = [];
      for (let i = 0; i < 20; i++) {
        const stream = yield* nativeClient(server.port);
        stream.pause().write('flood\n');
        streams.push(stream);
      }
      yield* works(server);
      yield* eventually(() => ended.length === 20);
      expect(new Set(ended)).toEqual(new Set(['Timeout']));
      expect(Math.max(...held)).toBeLessThanOrEqual(256 * 1024 + 65_536);
      for (const stream of streams) stream.destroy();
      yield* server.stop();
    }));

  it('does not keep a server from being stopped', () =>
    run(function* () {
      const server = new StreamServer('127.0.0.1:0', (socket) => socket.sendall(Buffer.alloc(20_000_000)));
      yield* server.start();
      const stream = yield* nativeClient(server.port);
      stream.pause();
      yield* eventually(() => server.connections === 1);
      const begin = performance.now();
      yield* server.stop(50);
      expect(performance.now() - begin).toBeLessThan(1000);
      stream.destroy();
    }));

  it('and never writes is left by a time limit', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = yield* nativeClient(listener.address.port);
      const socket = yield* listener.accept();
      socket.timeout = 5;
      for (let i = 0; i < 5; i++) expect(yield* thrown(socket.recv())).toBeInstanceOf(Timeout);
      expect(socket.stream.listenerCount('data') + socket.stream.listenerCount('close')).toBeLessThan(5);
      socket.close();
      stream.destroy();
    }));
});

describe('a peer that says goodbye and stays', () => {
  it('by ending its side, can be written to as long as it likes', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = connect({ port: listener.address.port, host: '127.0.0.1', allowHalfOpen: true });
      const socket = yield* listener.accept();
      stream.end();
      let received = 0;
      stream.on('data', (bytes) => {
        received += bytes.length;
      });
      expect((yield* socket.recv()).length).toBe(0);
      for (let i = 0; i < 50; i++) yield* socket.sendall(Buffer.alloc(10_000));
      socket.close();
      yield* fromEvent(stream, 'close');
      expect(received).toBe(500_000);
    }));

  it('by ending and then writing nothing, is closed by our close', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = connect({ port: listener.address.port, host: '127.0.0.1', allowHalfOpen: true });
      const socket = yield* listener.accept();
      stream.end();
      expect((yield* socket.recv()).length).toBe(0);
      socket.close();
      yield* eventually(() => socket.stream.destroyed);
      stream.destroy();
    }));

  it('though our side has ended, and sends for ever, is dropped at the close', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = yield* nativeClient(listener.address.port);
      const socket = yield* listener.accept();
      const flood = () => {
        if (!stream.destroyed) stream.write(Buffer.alloc(100_000), flood);
      };
      flood();
      stream.resume();
      socket.shutdown('write');
      socket.shutdown('read');
      yield* eventually(() => socket.bytesRead > 1_000_000); // what is dropped is read, or the peer would be stuck
      socket.abort();
      yield* eventually(() => stream.destroyed);
    }));
});

describe('thousands of connections', () => {
  it('that come and go at once, in all ways, are served or ended, within seconds', { timeout: 30_000 }, () =>
    run(function* () {
      const { server, endings } = lineServer();
      yield* server.start();
      const COUNT = 2000;
      const begin = performance.now();
      const outcomes: Record<string, number> = {};
      const clients = Array.from({ length: COUNT }, (_, i) =>
        spawn(function* () {
          let outcome = 'served';
          try {
            using socket = yield* createConnection(server.address);
            if (i % 5 === 0) socket.abort();
            else if (i % 5 === 1) socket.close();
            else {
              yield* socket.sendall(`${i}\n`);
              if (i % 5 === 2) socket.abort();
              else if (i % 5 === 3) socket.shutdown('write');
              if (i % 5 >= 3) {
                const line = yield* socket.readline();
                if (line !== `${i}`) outcome = line === undefined ? 'dropped' : `wrong: ${line}`;
              }
            }
          } catch (error) {
            outcome = (error as { code?: string }).code ?? String(error);
          }
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }),
      );
      yield* joinall(clients, { raiseError: true });
      yield* eventually(() => server.connections === 0);
      expect(performance.now() - begin).toBeLessThan(15_000);
      // those whom the server has dropped, since too many waited, were told so by a reset or an end
      const { served = 0, ...others } = outcomes;
      expect(served).toBeGreaterThan(COUNT / 2);
      expect(Object.keys(others).filter((name) => !/^(ECONNRESET|EPIPE|dropped)$/.test(name))).toEqual([]);
      const handled = Object.values(endings).reduce((sum, count) => sum + count, 0);
      expect(handled + server.dropped).toBeLessThanOrEqual(COUNT);
      yield* works(server);
      yield* server.stop();
    }),
  );

  it('that only connect and leave, 10,000 of them, one wave after another, leave nothing', { timeout: 30_000 }, () =>
    run(function* () {
      const { server } = lineServer();
      yield* server.start();
      for (let wave = 0; wave < 25; wave++) {
        const sockets = Array.from({ length: 400 }, () => connect(server.port, '127.0.0.1').on('error', () => {}));
        yield* sleep(wave % 5);
        for (const socket of sockets) wave % 2 === 0 ? socket.destroy() : socket.resetAndDestroy();
      }
      yield* eventually(() => server.connections === 0);
      yield* works(server);
      yield* server.stop();
    }),
  );
});
