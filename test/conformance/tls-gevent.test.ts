/** gevent's test__ssl: the cases of a TCP socket, through TLS. */
import { type Coroutine, type Operation, run, sleep, spawn, Timeout } from 'genlet';
import { createConnection, listen, type TlsSocket } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { thrown, watchResources } from '../io/support.ts';
import { ca, server as tls, tlsPair, withTlsPair } from '../io/tls-support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchResources();

const LONG = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index).join(', '));
const HUGE = Buffer.alloc(50_000_000, 'hello');

/** What a server reads to the end, of a client that sends by `send` and closes. */
function received(send: (client: TlsSocket) => Coroutine<unknown>): Promise<string> {
  return withTlsPair(function* (client, server) {
    const reader = spawn(function* () {
      const parts: Buffer[] = [];
      for (let part: Buffer; (part = yield* server.recv()).length > 0; ) parts.push(part);
      return Buffer.concat(parts);
    });
    yield* send(client);
    client.close();
    return String(yield* reader);
  });
}

describe('sendall', () => {
  it('delivers a long message whole', async () => {
    expect(await received((client) => drain(client.sendall(LONG)))).toBe(`${LONG}`);
  });

  it('takes any array of bytes', async () => {
    expect(await received((client) => drain(client.sendall(new Uint8Array(LONG))))).toBe(`${LONG}`);
  });

  it('of nothing does nothing', async () => {
    expect(await received((client) => drain(client.sendall('')))).toBe('');
  });

  it('of nothing does nothing with a time limit, too', async () => {
    expect(await received((client) => drain(client.sendall('', { timeout: 10_000 })))).toBe('');
  });

  it('that must not block is tried once all the same', async () => {
    expect(await received((client) => drain(client.sendall('hi\n', { timeout: 0 })))).toBe('hi\n');
  });

  it('that must not block throws when not all is taken, and the socket closes as ever', () =>
    withTlsPair(function* (client, server) {
      expect(yield* thrown(client.sendall(HUGE, { timeout: 0 }))).toBeInstanceOf(Timeout);
      client.abort();
      yield* thrown(server.recvExactly(HUGE.length));
    }));

  it('throws when the peer does not read in time', () =>
    withTlsPair(function* (client) {
      client.timeout = 50;
      const begin = performance.now();
      expect(yield* thrown(client.sendall(HUGE))).toBeInstanceOf(Timeout);
      expect(performance.now() - begin).toBeGreaterThan(45);
    }));
});

it('send of nothing sends nothing', async () => {
  expect(await received((client) => drain(client.send('')))).toBe('');
});

it('goes both ways at once: a reader that is blocked does not hold up a writer', () =>
  run(function* () {
    using listener = yield* listen('127.0.0.1:0', { tls });
    const serving = spawn(function* () {
      const socket = yield* listener.accept();
      const sender = spawn(() => socket.sendall(Buffer.alloc(100_000, 't')));
      const heard = yield* socket.recv(1000);
      yield* sender;
      socket.close();
      return `${heard}`;
    });
    const client = yield* createConnection(listener.address, { tls: { ca } });
    const reader = spawn(() => client.recvExactly(100_000));
    yield* sleep(5);
    yield* client.sendall('hello world');
    expect([yield* serving, (yield* reader).length]).toEqual(['hello world', 100_000]);
    client.close();
  }));

describe('recv', () => {
  it('throws when nothing comes in time', () =>
    withTlsPair(function* (client) {
      client.timeout = 30;
      const begin = performance.now();
      expect(yield* thrown(client.recv(1024))).toBeInstanceOf(Timeout);
      const took = performance.now() - begin;
      expect([took > 25, took < 5000]).toEqual([true, true]);
    }));
});

describe('readline', () => {
  it('reads lines to the end', () =>
    withTlsPair(function* (client, server) {
      yield* server.sendall('hello\n');
      server.close();
      expect([yield* client.readline(), yield* client.readline()]).toEqual(['hello', undefined]);
    }));

  it('has the time limit that it is told', () =>
    withTlsPair(function* (client) {
      expect(yield* thrown(client.readline({ timeout: 10 }))).toBeInstanceOf(Timeout);
    }));
});

it('a connection that nobody listens for is refused as without TLS', () =>
  run(function* () {
    const listener = yield* listen('127.0.0.1:0', { tls });
    listener.close();
    expect((yield* thrown(createConnection(listener.address, { tls: { ca } }))).code).toBe('ECONNREFUSED');
  }));

it('shutdown of a socket that is closed does nothing', () =>
  run(function* () {
    const [client, server] = yield* tlsPair();
    client.close();
    client.shutdown('both');
    expect(yield* server.recv()).toHaveLength(0);
    server.close();
  }));

it('shows the other side in its text', () =>
  withTlsPair(function* (client, server) {
    expect(`${client} ${server}`).toBe(`TlsSocket ${server.address} TlsSocket ${client.address}`);
    yield* client.sendall('x');
    yield* server.recv();
  }));

function* drain(operation: Operation<unknown>): Coroutine<unknown> {
  return yield* operation;
}
