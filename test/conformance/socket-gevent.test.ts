/** gevent's test__socket, test__socket_close, test__socket_errors, test__socket_timeout, test__socket_ex, test__socketpair and test__makefile_ref. */
import { connect } from 'node:net';
import {
  ConcurrentObjectUseError,
  type Coroutine,
  GreenletExit,
  isExit,
  run,
  SocketClosedError,
  sleep,
  spawn,
  Timeout,
  until,
} from 'genlet';
import { createConnection, dns, listen, Reader, type Socket, StreamServer, UdpSocket, Writer } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { blockLookups, eventually, pair, thrown, untilBlocked, watchResources, withPair } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchResources();

const LONG = Buffer.from(Array.from({ length: 20_000 }, (_, i) => i).join(', '));

/** All that the other side sends until its end. */
function* readAll(socket: Socket): Coroutine<Buffer> {
  const parts: Buffer[] = [];
  for (let part: Buffer; (part = yield* socket.recv()).length > 0; ) parts.push(part);
  return Buffer.concat(parts);
}

/** A port at which nobody listens. */
function* freePort(): Coroutine<number> {
  using listener = yield* listen('127.0.0.1:0');
  return listener.address.port;
}

/** What a server receives when the client sends by `send`. */
const received = (send: (client: Socket) => Coroutine<void>) =>
  withPair(function* (client, server) {
    const reader = spawn(readAll, server);
    yield* send(client);
    client.shutdown('both');
    client.close();
    return yield* reader;
  });

describe('sendall', () => {
  it('delivers a long message whole', async () => {
    const bytes = await received(function* (client) {
      yield* client.sendall(LONG);
    });
    expect(bytes.equals(LONG)).toBe(true);
  });

  it('takes any view of bytes', async () => {
    const view = new Uint8Array(LONG.buffer, LONG.byteOffset, LONG.length);
    const bytes = await received(function* (client) {
      yield* client.sendall(view);
    });
    expect(bytes.equals(LONG)).toBe(true);
  });

  it('of nothing sends nothing, with a time limit and without', async () => {
    const bytes = await received(function* (client) {
      yield* client.sendall('');
      client.timeout = 10;
      yield* client.sendall(Buffer.alloc(0));
    });
    expect(bytes.length).toBe(0);
  });

  it('makes one attempt even if it may not wait', async () => {
    const bytes = await received(function* (client) {
      client.timeout = 0;
      yield* client.sendall('hi\n');
    });
    expect(String(bytes)).toBe('hi\n');
  });

  it('throws Timeout in time if the peer does not read', () =>
    withPair(function* (client) {
      client.timeout = 50;
      const begin = performance.now();
      expect(yield* thrown(client.sendall(Buffer.alloc(50_000_000)))).toBeInstanceOf(Timeout);
      const took = performance.now() - begin;
      expect(took).toBeGreaterThan(45);
      expect(took).toBeLessThan(1500);
    }));
});

describe('send', () => {
  it('of nothing gives 0 and sends nothing', async () => {
    const bytes = await received(function* (client) {
      expect(yield* client.send('')).toBe(0);
    });
    expect(bytes.length).toBe(0);
  });

  it('on a socket that was closed fails at once', () =>
    withPair(function* (client) {
      client.close();
      expect(yield* thrown(client.send('a', { timeout: 1 }))).toBeInstanceOf(SocketClosedError);
    }));
});

describe('a socket', () => {
  it('is read by one greenlet while another writes, and both end when it is closed', () =>
    withPair(function* (client, server) {
      const serving = spawn(function* () {
        const sender = spawn(() => server.sendall(Buffer.alloc(10_000_000, 't')));
        const result = String(yield* server.recv(1000));
        return [result, (yield* thrown(sender)).code];
      });
      const reader = spawn(() => client.recvExactly(10_000_000));
      yield* untilBlocked(reader);
      yield* client.sendall('hello world');
      yield* untilBlocked(serving);
      client.close();
      expect(yield* thrown(reader)).toBeInstanceOf(SocketClosedError);
      expect(['EPIPE', 'ECONNRESET'].map((code) => ['hello world', code])).toContainEqual(yield* serving);
    }));

  it('throws Timeout by recv after the time that was set', () =>
    withPair(function* (client) {
      client.timeout = 30;
      const begin = performance.now();
      const error = yield* thrown(client.recv(1024));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toMatch(/30 ms/);
      expect(performance.now() - begin).toBeGreaterThan(28);
    }));

  it('can be shut down after it was closed', () =>
    withPair(function* (client) {
      client.close();
      client.shutdown('both');
      expect(client.closed).toBe(true);
    }));

  it('wakes the blocked reader with an error when it is closed', () =>
    run(function* () {
      const server = new StreamServer('127.0.0.1:0', readAll);
      yield* server.start();
      const socket = yield* createConnection(server.address);
      const receiver = spawn(() => socket.recv(25));
      yield* untilBlocked(receiver);
      socket.close();
      yield* receiver.join(100);
      expect(receiver.value).toBe(undefined);
      expect(yield* thrown(receiver)).toBeInstanceOf(SocketClosedError);
      yield* server.stop();
    }));

  it('refuses a second reader, however often it tries', () =>
    withPair(function* (client, server) {
      const receiver = spawn(() => client.recv(25));
      yield* untilBlocked(receiver);
      expect(yield* thrown(client.recv(25))).toBeInstanceOf(ConcurrentObjectUseError);
      expect(yield* thrown(client.recv(25))).toBeInstanceOf(ConcurrentObjectUseError);
      yield* server.sendall('for the first');
      expect(String(yield* receiver)).toBe('for the first');
    }));

  it('knows no more after its end than what it was', () =>
    withPair(function* (client, server) {
      const address = `${client.address} ${client.remote}`;
      client.close();
      server.close();
      yield* eventually(() => client.stream.destroyed && server.stream.destroyed);
      expect(`${client.address} ${client.remote}`).toBe(address);
      for (const call of [() => client.recv(), () => client.send('x'), () => client.readline()]) {
        expect(yield* thrown(call())).toBeInstanceOf(SocketClosedError);
      }
    }));
});

describe('a connection read as a file', () => {
  it('reads what was sent before the sender closed', () =>
    withPair(function* (client, server) {
      const writer = new Writer(server.stream);
      yield* writer.write('hello\n');
      yield* writer.end();
      expect(yield* client.readline()).toBe('hello');
      expect((yield* client.recv()).length).toBe(0);
    }));

  it('that is one of node:net has the limits of time that its calls are given', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = connect(listener.address);
      const server = yield* listener.accept();
      using reader = new Reader(stream);
      expect(yield* thrown(reader.readline({ timeout: 10 }))).toBeInstanceOf(Timeout);
      yield* server.sendall('in time\n');
      expect(yield* reader.readline({ timeout: 2000 })).toBe('in time');
      server.abort();
    }));

  it('reads the whole message of a pair of which one side has closed', () =>
    withPair(function* (x, y) {
      yield* x.sendall('hello world');
      x.close();
      expect(String(yield* readAll(y))).toBe('hello world');
    }));
});

describe('the descriptor', () => {
  const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

  it('of an accepted socket is gone after its close, and only that', () =>
    withPair(function* (_client, server) {
      const before = open();
      server.close();
      yield* eventually(() => server.stream.destroyed || before > open() || server.stream.writableFinished);
      server.abort();
      yield* eventually(() => open() === before - 1);
    }));

  it('of a listener is gone after its close', () =>
    run(function* () {
      const listener = yield* listen('127.0.0.1:0');
      const { address } = listener;
      listener.close();
      yield* eventually(() => !process.getActiveResourcesInfo().includes('TCPServerWrap'));
      const again = yield* listen(address); // the address is free
      again.close();
    }));

  it('stays open when a Writer over the socket is ended, until the socket is closed', () =>
    withPair(function* (client, server) {
      const before = open();
      const writer = new Writer(server.stream);
      yield* writer.write('last words');
      yield* writer.end();
      expect(String(yield* readAll(client))).toBe('last words');
      expect(open()).toBe(before);
      yield* client.sendall('an answer');
      expect(String(yield* server.recv())).toBe('an answer');
    }));
});

describe('createConnection', () => {
  it('to where nobody listens throws ECONNREFUSED', () =>
    run(function* () {
      const port = yield* freePort();
      const error = yield* thrown(createConnection(`127.0.0.1:${port}`, { timeout: 30_000 }));
      expect(error).toMatchObject({ code: 'ECONNREFUSED', port });
      expect(error.message).toMatch(/refused/i);
    }));

  it('from a certain port throws that as well', () =>
    run(function* () {
      const [port, localPort] = [yield* freePort(), yield* freePort()];
      const error = yield* thrown(createConnection(`127.0.0.1:${port}`, { localPort, timeout: 30_000 }));
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    }));

  it('from a certain port comes from there', () =>
    run(function* () {
      const localPort = yield* freePort();
      using listener = yield* listen('127.0.0.1:0');
      using client = yield* createConnection(listener.address, { localAddress: '127.0.0.1', localPort });
      const server = yield* listener.accept();
      expect([client.address.port, server.remote.port]).toEqual([localPort, localPort]);
      client.abort();
      server.abort();
    }));

  it('closes what it had begun when an exit or a Timeout comes', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      for (const error of [new GreenletExit(), new Timeout(5, 'from outside')]) {
        const busy = blockLookups();
        const connecting = spawn(() => createConnection(['localhost', listener.address.port]));
        yield* untilBlocked(connecting);
        yield* connecting.kill(error);
        expect(connecting.value ?? connecting.exception).toBe(error);
        if (!isExit(error)) yield* thrown(connecting);
        yield* until(busy);
      }
      expect(listener.waiting).toBe(0);
    }));

  it('to a name that there is not throws ENOTFOUND, as lookup() does', () =>
    run(function* () {
      const codes = ['ENOTFOUND', 'EAI_AGAIN'];
      expect(codes).toContain((yield* thrown(createConnection('foo.bar.invalid:80', { timeout: 8000 }))).code);
      expect(codes).toContain((yield* thrown(dns.lookup('foo.bar.invalid'))).code);
    }));

  it('to a port that can not be refuses at the call', () => {
    expect(() => createConnection(['127.0.0.1', 65_539])).toThrow(RangeError);
    expect(() => createConnection('127.0.0.1:65539')).toThrow(/65539/);
  });
});

describe('a UDP socket', () => {
  it('knows its addresses, and takes a timeout', () =>
    run(function* () {
      using socket = new UdpSocket();
      expect([`${socket.address}`, socket.remote, socket.timeout]).toEqual([':0', undefined, undefined]);
      socket.timeout = 1000;
      yield* socket.bind('127.0.0.1:0');
      expect([socket.address.host, socket.timeout]).toEqual(['127.0.0.1', 1000]);
    }));

  it('sends any view of bytes, with a time limit and without', () =>
    run(function* () {
      using target = new UdpSocket();
      yield* target.bind('127.0.0.1:0');
      const view = new Uint8Array(Uint32Array.of(0x64636261).buffer);
      for (const timeout of [undefined, 1000]) {
        using socket = new UdpSocket();
        yield* socket.connect(target.address);
        expect(yield* socket.send(view, { timeout })).toBe(4);
        expect(String(yield* target.recv({ timeout: 2000 }))).toBe('abcd');
      }
    }));
});

describe('waiting', () => {
  it('of the first that can be read is done by greenlets, each with its socket', () =>
    run(function* () {
      const [one, oneEnd] = yield* pair();
      const [other, otherEnd] = yield* pair();
      const readers = [one, other].map((socket) => spawn(() => socket.recv()));
      yield* otherEnd.sendall('from the other');
      yield* readers[1]!.join();
      expect([readers[0]!.dead, String(readers[1]!.value)]).toEqual([false, 'from the other']);
      yield* readers[0]!.kill();
      for (const socket of [one, oneEnd, other, otherEnd]) socket.abort();
    }));

  it('with a timeout of 0 only looks', () =>
    withPair(function* (client, server) {
      expect(yield* thrown(client.recv(10, { timeout: 0 }))).toBeInstanceOf(Timeout);
      yield* server.sendall('x');
      yield* eventually(() => client.bytesRead === 1);
      expect(String(yield* client.recv(10, { timeout: 0 }))).toBe('x');
    }));

  it('ends with an error when the socket is closed in the pass before it polls', () =>
    withPair(function* (client) {
      spawn(() => client.close());
      expect(yield* thrown(client.recv())).toBeInstanceOf(SocketClosedError);
      expect(yield* thrown(client.recv())).toBeInstanceOf(SocketClosedError);
    }));

  it('ends with an error when the stream below is destroyed before and while it waits', () =>
    run(function* () {
      const [one, oneEnd] = yield* pair();
      one.stream.destroy();
      expect(yield* thrown(one.recv())).toBeInstanceOf(SocketClosedError);
      const [other, otherEnd] = yield* pair();
      spawn(() => void other.stream.destroy());
      expect(yield* thrown(other.recv())).toBeInstanceOf(SocketClosedError);
      for (const socket of [one, oneEnd, other, otherEnd]) socket.abort();
      yield* sleep(0);
    }));
});
