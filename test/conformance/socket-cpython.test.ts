/** The cases of streams in CPython's test_socket. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coroutine, Event, run, SocketClosedError, sleep, spawn, Timeout } from 'genlet';
import { createConnection, type Listener, listen, type Socket } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { eventually, pair, thrown, untilBlocked, watchResources, withPair } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchResources();

const MESSAGE = 'Michael Gilfix was here\r\n';
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

/** Both sides of a connection to `address`, for as long as `main` takes. */
function* connected(
  address: Parameters<typeof listen>[0],
  main: (client: Socket, server: Socket, listener: Listener) => Coroutine<void>,
  to?: Parameters<typeof createConnection>[0],
): Coroutine<void> {
  using listener = yield* listen(address);
  const client = yield* createConnection(
    to ?? (listener.address.path ? { path: listener.address.path } : listener.address),
  );
  const server = yield* listener.accept();
  try {
    yield* main(client, server, listener);
  } finally {
    client.abort();
    server.abort();
  }
}

describe('a connection', () => {
  it('carries a message', () =>
    withPair(function* (client, server) {
      yield* client.sendall(MESSAGE);
      expect(String(yield* server.recv(1024))).toBe(MESSAGE);
    }));

  it('gives what was too much for one recv to the next', () =>
    withPair(function* (client, server) {
      yield* client.sendall(MESSAGE);
      const first = yield* server.recv(MESSAGE.length - 3);
      expect(`${first}${yield* server.recv(1024)}`).toBe(MESSAGE);
    }));

  it('carries 2 KiB by one sendall, in pieces or not', () =>
    withPair(function* (client, server) {
      yield* client.sendall('f'.repeat(2048));
      client.shutdown('write');
      let received = '';
      for (let part: Buffer; (part = yield* server.recv(1024)).length > 0; ) {
        expect(part.length).toBeLessThanOrEqual(1024);
        received += part;
      }
      expect(received).toBe('f'.repeat(2048));
    }));

  it('that was shut down for both gives the end to the peer, after the bytes', () =>
    withPair(function* (client, server) {
      yield* client.sendall(MESSAGE);
      client.shutdown('both');
      expect(String(yield* server.recv(1024))).toBe(MESSAGE);
      expect((yield* server.recv(1024)).length).toBe(0);
      client.shutdown('both'); // once more does nothing
    }));

  it('that the peer closed can be read: it is at its end', () =>
    withPair(function* (client, server) {
      server.close();
      expect((yield* client.recv(1, { timeout: 1000 })).length).toBe(0);
    }));

  it('goes both ways', () =>
    withPair(function* (client, server) {
      yield* client.sendall(MESSAGE);
      yield* server.sendall('and back');
      expect([String(yield* server.recv()), String(yield* client.recv())]).toEqual([MESSAGE, 'and back']);
    }));

  it('is what it was made as, and no more after its close', () =>
    run(function* () {
      yield* connected('127.0.0.1:0', function* (client, server, listener) {
        expect([client.remote.port, server.address.port]).toEqual([listener.address.port, listener.address.port]);
        expect([`${client.address}`, `${client.remote}`]).toEqual([`${server.remote}`, `${server.address}`]);
        expect(client.closed).toBe(false);
        client.close();
        expect(client.closed).toBe(true);
        expect(yield* thrown(client.sendall('spam'))).toBeInstanceOf(SocketClosedError);
        client.close();
      });
    }));

  it('is named by its peer in text', () =>
    withPair(function* (client) {
      expect(`${client}`).toBe(`Socket 127.0.0.1:${client.remote.port}`);
      client.close();
      expect(`${client}`).toBe(`Socket 127.0.0.1:${client.remote.port}`);
    }));

  it('has no delay and no keep-alive, or as it was told', () =>
    run(function* () {
      const [client, server] = yield* pair({ noDelay: false, keepAlive: 60_000 });
      expect([client.noDelay, client.keepAlive]).toEqual([false, 60_000]);
      client.noDelay = true;
      client.keepAlive = false;
      expect([client.noDelay, client.keepAlive]).toEqual([true, false]);
      client.abort();
      server.abort();
    }));

  it('has no limit of time, unless one was set', () =>
    withPair(function* (client) {
      expect(client.timeout).toBe(undefined);
      client.timeout = 10;
      expect(client.timeout).toBe(10);
      client.timeout = null;
      expect(client.timeout).toBe(undefined);
      for (const wrong of [-1, Number.NaN]) {
        expect(() => {
          client.timeout = wrong;
        }).toThrow(RangeError);
      }
      expect(() => {
        client.timeout = 'soon' as never;
      }).toThrow(TypeError);
    }));
});

describe('recv', () => {
  it.each([-1, 0, 1.5, Number.NaN])('refuses %s bytes', (n) =>
    withPair(function* (client) {
      expect(() => client.recv(n)).toThrow(/n is /);
    }),
  );

  it('without waiting throws while nothing is there, and gives what is there', () =>
    withPair(function* (client, server) {
      client.timeout = 0;
      expect(yield* thrown(client.recv(1024))).toBeInstanceOf(Timeout);
      yield* server.sendall(MESSAGE);
      yield* eventually(() => client.bytesRead === MESSAGE.length);
      expect(String(yield* client.recv(1024))).toBe(MESSAGE);
    }));

  it('that ran out of time can be repeated: nothing is lost', () =>
    withPair(function* (client, server) {
      client.timeout = 5;
      expect(yield* thrown(client.recvExactly(3))).toBeInstanceOf(Timeout);
      yield* server.sendall('ab');
      expect(yield* thrown(client.recvExactly(3))).toBeInstanceOf(Timeout);
      yield* server.sendall('c');
      client.timeout = null;
      expect(String(yield* client.recvExactly(3))).toBe('abc');
    }));

  it('is interrupted by an error that is thrown into its greenlet, with a timeout and without', () =>
    withPair(function* (client, server) {
      class Alarm extends Error {}
      for (const timeout of [undefined, 5000]) {
        const reader = spawn(() => client.recv(10, { timeout }));
        yield* untilBlocked(reader);
        yield* reader.kill(new Alarm());
        expect(yield* thrown(reader)).toBeInstanceOf(Alarm);
      }
      yield* server.sendall('still there');
      expect(String(yield* client.recv())).toBe('still there');
    }));
});

describe('sendall', () => {
  it.each([undefined, 5000])(
    'is interrupted by an error that is thrown into its greenlet, with timeout %s',
    (timeout) =>
      withPair(function* (client) {
        class Alarm extends Error {}
        const writer = spawn(() => client.sendall(Buffer.alloc(30_000_000), { timeout }));
        yield* untilBlocked(writer);
        yield* writer.kill(new Alarm());
        expect(yield* thrown(writer)).toBeInstanceOf(Alarm);
      }),
  );

  it('refuses what is no text and no bytes, at the call', () =>
    withPair(function* (client) {
      for (const wrong of [undefined, null, 5, {}, [1]]) {
        expect(() => client.sendall(wrong as never)).toThrow(/data is .*: give a string, a Buffer or a Uint8Array/);
        expect(() => client.send(wrong as never)).toThrow(TypeError);
      }
    }));
});

describe('recvInto', () => {
  it.each([
    ['a Uint8Array', new Uint8Array(1024)],
    ['a Buffer', Buffer.alloc(1024)],
    ['a view of other memory', new Uint8Array(new ArrayBuffer(2048), 512, 1024)],
  ])('fills %s', (_, target) =>
    withPair(function* (client, server) {
      yield* client.sendall(MESSAGE);
      const count = yield* server.recvInto(target);
      expect(Buffer.from(target.subarray(0, count)).toString()).toBe(MESSAGE);
    }),
  );

  it('takes as much as there is room for, and leaves the rest', () =>
    withPair(function* (client, server) {
      yield* client.sendall(MESSAGE);
      const target = Buffer.alloc(8);
      expect([yield* server.recvInto(target), String(target)]).toEqual([8, MESSAGE.slice(0, 8)]);
      expect(String(yield* server.recv())).toBe(MESSAGE.slice(8));
    }));

  it('refuses memory without a byte', () =>
    withPair(function* (client) {
      expect(() => client.recvInto(Buffer.alloc(0))).toThrow(/not empty/);
    }));
});

describe('reading as from a file', () => {
  it('goes on after a timeout', () =>
    withPair(function* (client, server) {
      client.timeout = 10;
      yield* server.sendall(MESSAGE.slice(0, 10));
      expect(yield* thrown(client.readline())).toBeInstanceOf(Timeout);
      yield* server.sendall(MESSAGE.slice(10));
      client.timeout = 2000;
      expect(yield* client.readline()).toBe(MESSAGE.trimEnd());
    }));

  it('takes small pieces', () =>
    withPair(function* (client, server) {
      yield* server.sendall(MESSAGE);
      const first = yield* client.recvExactly(MESSAGE.length - 3);
      expect(`${first}${yield* client.recvExactly(3)}`).toBe(MESSAGE);
    }));

  it('takes everything up to the end', () =>
    withPair(function* (client, server) {
      yield* server.sendall(MESSAGE);
      server.close();
      const error = yield* thrown(client.recvExactly(100_000));
      expect(String(error.partial)).toBe(MESSAGE);
    }));

  it('takes bytes one by one', () =>
    withPair(function* (client, server) {
      yield* server.sendall(MESSAGE);
      server.shutdown('write');
      let text = '';
      for (let byte: Buffer; (byte = yield* client.recv(1)).length > 0; ) text += byte;
      expect(text).toBe(MESSAGE);
    }));

  it('takes lines', () =>
    withPair(function* (client, server) {
      yield* server.sendall(`${MESSAGE}Line 2 `);
      server.close();
      expect([yield* client.readline(), yield* client.readline(), yield* client.readline()]).toEqual([
        MESSAGE.trimEnd(),
        'Line 2 ',
        undefined,
      ]);
    }));

  it('takes a line that is on its way in pieces, and mixes with other reads', () =>
    withPair(function* (client, server) {
      const line = spawn(() => client.readline());
      yield* untilBlocked(line);
      for (const piece of ['Li', 'ne 1', '\nLine', ' 2\n']) yield* server.sendall(piece);
      expect(yield* line).toBe('Line 1');
      expect(String(yield* client.recvExactly(4))).toBe('Line');
      expect(yield* client.readline()).toBe(' 2');
    }));

  it('of nothing throws or gives the end, as each read does', () =>
    withPair(function* (client, server) {
      server.shutdown('write');
      expect((yield* client.recv()).length).toBe(0);
      expect(yield* client.readline()).toBe(undefined);
      expect(yield* client.recvInto(Buffer.alloc(1))).toBe(0);
      expect(yield* thrown(client.recvExactly(1))).toMatchObject({ partial: Buffer.alloc(0) });
      expect((yield* client.recvExactly(0)).length).toBe(0);
    }));

  it('gives text in the encoding that is named', () =>
    withPair(function* (client, server) {
      const text = 'Michael Gilfix \u00e9 \u0394\n';
      yield* server.sendall(text);
      expect(yield* client.readline()).toBe(text.trimEnd());
      yield* server.sendall(Buffer.from('\u00e9\n', 'latin1'));
      expect(yield* client.readline({ encoding: 'latin1' })).toBe('\u00e9');
    }));

  it('and writing to a socket whose peer does not read is bounded', () =>
    withPair(function* (client) {
      client.timeout = 0;
      const chunk = Buffer.alloc(100_000);
      let sent = 0;
      for (let idle = 0; idle < 5; ) {
        try {
          sent += yield* client.send(chunk);
          idle = 0;
        } catch (error) {
          expect(error).toBeInstanceOf(Timeout);
          idle++;
          yield* sleep(2);
        }
      }
      expect(sent).toBeLessThan(50_000_000);
    }));
});

describe('accept', () => {
  it('that may not wait throws while nobody has connected', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      expect(yield* thrown(listener.accept({ timeout: 0 }))).toBeInstanceOf(Timeout);
      const client = yield* createConnection(listener.address);
      yield* eventually(() => listener.waiting === 1);
      const server = yield* listener.accept({ timeout: 0 });
      client.abort();
      server.abort();
    }));

  it('throws Timeout in time', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      listener.timeout = 20;
      const begin = performance.now();
      expect(yield* thrown(listener.accept())).toBeInstanceOf(Timeout);
      expect(performance.now() - begin).toBeGreaterThan(18);
    }));

  it('is interrupted by an error that is thrown into its greenlet', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      class Alarm extends Error {}
      const acceptor = spawn(() => listener.accept({ timeout: 5000 }));
      yield* untilBlocked(acceptor);
      yield* acceptor.kill(new Alarm());
      expect(yield* thrown(acceptor)).toBeInstanceOf(Alarm);
    }));

  it("gives sockets that have none of the listener's limits of time", () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      listener.timeout = 10;
      const client = yield* createConnection(listener.address);
      const server = yield* listener.accept();
      expect([server.timeout, client.timeout]).toEqual([undefined, undefined]);
      client.abort();
      server.abort();
    }));

  it('serves with a backlog of 1, and refuses one of 0', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0', { backlog: 1 });
      const client = yield* createConnection(listener.address);
      const server = yield* listener.accept();
      client.abort();
      server.abort();
      expect(() => listen('127.0.0.1:0', { backlog: 0 })).toThrow(/backlog is 0/);
      expect(() => listen('127.0.0.1:0', { backlog: 2.5 })).toThrow(/backlog is 2.5/);
    }));
});

describe('createConnection', () => {
  it('ends in time when its time limit is over', () =>
    run(function* () {
      expect(yield* thrown(createConnection('127.0.0.1:9', { timeout: 0 }))).toBeInstanceOf(Timeout);
    }));

  it('has its limit for the connecting only, not for the socket', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      using client = yield* createConnection(listener.address, { timeout: 30_000 });
      expect(client.timeout).toBe(undefined);
      (yield* listener.accept()).abort();
    }));

  it('can be from a certain address and port', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      using client = yield* createConnection(listener.address, { localAddress: '127.0.0.1' });
      expect(client.address.host).toBe('127.0.0.1');
      (yield* listener.accept()).abort();
    }));

  it('can be to one family of addresses', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      using client = yield* createConnection(['localhost', listener.address.port], { family: 4 });
      expect(client.remote.host).toBe('127.0.0.1');
      (yield* listener.accept()).abort();
    }));

  it('throws every failure if a name has several addresses and none answers', () =>
    run(function* () {
      const free = yield* listen('127.0.0.1:0');
      const { port } = free.address;
      free.close();
      const error = yield* thrown(createConnection(['localhost', port]));
      const errors = error instanceof AggregateError ? error.errors : [error];
      expect(errors.every(({ code }) => code === 'ECONNREFUSED' || code === 'EADDRNOTAVAIL')).toBe(true);
      expect(error.message).not.toBe('');
    }));

  it('waits for bytes that come later, with a timeout and without', () =>
    run(function* () {
      for (const timeout of [undefined, 2000]) {
        const [client, server] = yield* pair();
        const go = new Event();
        spawn(function* () {
          yield* go.wait();
          yield* server.sendall('done!');
        });
        const reader = spawn(() => client.recv(5, { timeout }));
        yield* untilBlocked(reader);
        go.set();
        expect(String(yield* reader)).toBe('done!');
        client.abort();
        server.abort();
      }
    }));

  it('gives a socket that a scope closes, also when it is closed in it or left by an error', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const kept: Socket[] = [];
      for (const end of [() => {}, () => kept.at(-1)!.close(), () => raise()]) {
        try {
          using client = yield* createConnection(listener.address);
          kept.push(client);
          expect(client.closed).toBe(false);
          end();
        } catch (error) {
          expect(String(error)).toBe('Error: left');
        }
        expect(kept.at(-1)!.closed).toBe(true);
        const server = yield* listener.accept();
        expect((yield* server.recv()).length).toBe(0);
        server.close();
      }
    }));
});

function raise(): never {
  throw new Error('left');
}

describe('listen', () => {
  it('at an address takes that, and throws if somebody has it', () =>
    run(function* () {
      using listener = yield* listen(['127.0.0.1', 0]);
      expect(listener.address.host).toBe('127.0.0.1');
      expect(listener.address.port).toBeGreaterThan(0);
      expect(yield* thrown(listen(listener.address))).toMatchObject({ code: 'EADDRINUSE' });
    }));

  it('serves a client on IPv4', () =>
    run(() =>
      connected('127.0.0.1:0', function* (client, server) {
        yield* client.sendall(MESSAGE);
        expect(String(yield* server.recv())).toBe(MESSAGE);
      }),
    ));

  it.skipIf(!hasIpv6)('serves a client on IPv6', () =>
    run(() =>
      connected('[::1]:0', function* (client, server) {
        expect([server.remote.host, `${client.remote}`]).toEqual(['::1', `[::1]:${client.remote.port}`]);
        yield* client.sendall(MESSAGE);
        expect(String(yield* server.recv())).toBe(MESSAGE);
      }),
    ),
  );

  it.skipIf(!hasIpv6)('serves clients on both, and with ipv6Only on one', () =>
    run(function* () {
      const listener = yield* listen('[::]:0');
      const { port } = listener.address;
      for (const host of ['127.0.0.1', '::1']) {
        using client = yield* createConnection([host, port]);
        const server = yield* listener.accept();
        expect(server.remote.host.endsWith(host)).toBe(true);
        server.abort();
        client.abort();
      }
      listener.close();
      using strict = yield* listen('[::]:0', { ipv6Only: true });
      const refused = yield* thrown(createConnection(['127.0.0.1', strict.address.port]));
      expect(refused.code).toBe('ECONNREFUSED');
    }),
  );

  it.each([
    [undefined, TypeError],
    ['', TypeError],
    ['127.0.0.1', TypeError],
    ['/tmp/socket', TypeError],
    ['::1:80', TypeError],
    [-1, RangeError],
    [65_536, RangeError],
    [1.5, RangeError],
    [['127.0.0.1'], TypeError],
    [['127.0.0.1', '80'], TypeError],
    [{ host: '127.0.0.1' }, TypeError],
    [{ path: '' }, TypeError],
  ])('refuses %j as an address', (address, kind) => {
    expect(() => listen(address as never)).toThrow(kind);
    expect(() => createConnection(address as never)).toThrow(kind);
  });
});

describe('a Unix socket', () => {
  const inFolder = (main: (path: string) => Coroutine<void>) => () =>
    run(function* () {
      const folder = mkdtempSync(join(tmpdir(), 'genlet-unix-'));
      try {
        yield* main(join(folder, 'socket'));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

  it(
    'carries a message, and has a path for an address',
    inFolder((path) =>
      connected({ path }, function* (client, server, listener) {
        expect(existsSync(path)).toBe(true);
        expect([listener.address.path, client.remote.path, server.address.path]).toEqual([path, path, path]);
        yield* client.sendall(MESSAGE);
        expect(String(yield* server.recv())).toBe(MESSAGE);
      }),
    ),
  );

  it(
    'is gone when its listener is closed',
    inFolder(function* (path) {
      const listener = yield* listen({ path });
      listener.close();
      yield* eventually(() => !existsSync(path));
      expect((yield* thrown(createConnection({ path }))).code).toBe('ENOENT');
    }),
  );

  it(
    'may have any name that fits',
    inFolder((path) =>
      connected({ path: `${path}-\u00e9\u0394` }, function* (client, server) {
        yield* server.sendall('hello');
        expect(String(yield* client.recv())).toBe('hello');
      }),
    ),
  );

  it(
    'whose name is taken is refused by the system',
    inFolder(function* (path) {
      const listener = yield* listen({ path });
      expect((yield* thrown(listen({ path }))).code).toBe('EADDRINUSE');
      listener.close();
      yield* eventually(() => !existsSync(path));
    }),
  );

  // Below, libuv cuts the name: the error is ours to give.
  it('whose name is too long is refused, not cut', () => {
    const path = join(tmpdir(), 'x'.repeat(200));
    expect(() => listen({ path })).toThrow(RangeError);
    expect(() => createConnection({ path })).toThrow(RangeError);
  });

  it.skipIf(process.platform !== 'linux')('may have an abstract name', () =>
    run(() => {
      const path = `\0genlet-test-${process.pid}`;
      return connected(
        { path },
        function* (client, server) {
          yield* client.sendall(MESSAGE);
          expect(String(yield* server.recv())).toBe(MESSAGE);
        },
        { path },
      );
    }),
  );

  it(
    'ends half and wholly as others do',
    inFolder((path) =>
      connected({ path }, function* (client, server) {
        client.shutdown('write');
        expect((yield* server.recv()).length).toBe(0);
        yield* server.sendall('answer');
        server.close();
        expect(String(yield* client.recv())).toBe('answer');
        expect((yield* client.recv()).length).toBe(0);
      }),
    ),
  );
});
