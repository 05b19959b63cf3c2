import { spawn as spawnProcess } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { type Coroutine, fromEvent, joinall, run, sleep, spawn, spawnNow, Timeout, until } from 'genlet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UdpSocket, type UdpSocketOptions } from '../../src/io/udp-socket.ts';
import { hub, nextTurn, watchHub } from '../support/hub.ts';
import { blockLookups, eventually, thrown, untilBlocked, watchResources } from './support.ts';

watchHub();
watchResources();

const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
let before = 0;
beforeEach(() => {
  before = sockets();
});
afterEach(async () => {
  await nextTurn();
  expect(sockets()).toBe(before);
});

/** Runs `main` with a bound socket and a peer that is connected to it, which are closed afterwards. */
function withPair<T>(
  main: (server: UdpSocket, client: UdpSocket) => Coroutine<T>,
  options?: UdpSocketOptions,
): Promise<T> {
  return run(function* () {
    using server = new UdpSocket(options);
    yield* server.bind('127.0.0.1:0');
    using client = new UdpSocket();
    yield* client.connect(server.address);
    return yield* main(server, client);
  });
}

/** A port of this host where nobody listens. */
function* freePort(): Coroutine<number> {
  using socket = new UdpSocket();
  yield* socket.bind('127.0.0.1:0');
  return socket.address.port;
}

describe('a datagram', () => {
  it('comes with the address of its sender', () =>
    withPair(function* (server, client) {
      expect(yield* client.send('hello')).toBe(5);
      const { data, address } = yield* server.recvfrom();
      expect([`${data}`, `${address}`]).toEqual(['hello', `${client.address}`]);
      expect(yield* server.sendto(Uint8Array.of(1, 2), address)).toBe(2);
      expect([...(yield* client.recv())]).toEqual([1, 2]);
    }));

  it('may be empty, or as large as can be', () =>
    withPair(function* (server, client) {
      for (const size of [0, 1, 65_507]) {
        yield* client.send(Buffer.alloc(size, 7));
        expect((yield* server.recv()).equals(Buffer.alloc(size, 7))).toBe(true);
      }
      expect((yield* thrown(client.send(Buffer.alloc(65_508)))).code).toBe('EMSGSIZE');
      yield* client.send('still usable');
      expect(`${yield* server.recv()}`).toBe('still usable');
    }));

  it('goes to a name, and over IPv6', () =>
    run(function* () {
      using server = new UdpSocket({ family: 6 });
      yield* server.bind('[::1]:0');
      using client = new UdpSocket({ family: 6 });
      yield* client.sendto('one', ['::1', server.address.port]);
      const { data, address } = yield* server.recvfrom();
      expect([`${data}`, address.host, `${server.address}`]).toEqual(['one', '::1', `[::1]:${server.address.port}`]);
      using other = new UdpSocket();
      yield* other.bind('localhost:0');
      using sender = new UdpSocket();
      yield* sender.sendto('two', `localhost:${other.address.port}`);
      yield* sender.sendto('three', other.address.port);
      expect([`${yield* other.recv()}`, `${yield* other.recv()}`]).toEqual(['two', 'three']);
    }));

  it('of several that are sent at once arrives, though the socket was not bound', () =>
    withPair(function* (server) {
      using sender = new UdpSocket();
      expect(`${sender}`).toBe('UdpSocket :0');
      const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
      const sending = yield* joinall(texts.map((text) => spawn(() => sender.sendto(text, server.address))));
      expect(sending.map(({ exception }) => exception)).toEqual(Array(20).fill(undefined));
      const received: string[] = [];
      for (const _ of texts) received.push(`${yield* server.recv({ timeout: 5000 })}`);
      expect(received.sort()).toEqual(texts.sort());
      expect(sender.statistics()).toEqual({ received: 0, dropped: 0, waiting: 0, sent: 20, pending: 0 });
      expect(sender.address.port).toBeGreaterThan(0);
    }));

  it('goes to and comes from nc', () =>
    run(function* () {
      using server = new UdpSocket();
      yield* server.bind('127.0.0.1:0');
      const nc = spawnProcess('nc', ['-u', '127.0.0.1', `${server.address.port}`]);
      try {
        nc.stdin.write('from nc\n');
        const { data, address } = yield* server.recvfrom({ timeout: 5000 });
        expect(`${data}`).toBe('from nc\n');
        const answer = fromEvent<[Buffer]>(nc.stdout, 'data');
        yield* server.sendto('to nc\n', address);
        expect(String((yield* answer)[0])).toBe('to nc\n');
      } finally {
        const closed = fromEvent(nc, 'close');
        nc.kill();
        yield* closed;
      }
    }));

  it('may be sent all the same when its sender is killed, which disturbs nobody', () =>
    withPair(function* (server, client) {
      const sending = spawnNow(() => client.send('x'));
      expect(client.statistics().pending).toBe(1);
      yield* sending.kill();
      expect([sending.successful(), client.statistics().pending, hub.outside]).toEqual([true, 0, 0]);
      yield* sleep(5);
      expect(hub.outside).toBe(0);
      yield* client.send('y');
      while (`${yield* server.recv({ timeout: 1000 })}` !== 'y');
    }));

  it('that is no string and no bytes is refused at the call', () => {
    const socket = new UdpSocket();
    expect(() => socket.sendto(5 as never, 1)).toThrow('data is 5: give a string, a Buffer or a Uint8Array');
    expect(() => socket.sendto('x', { path: '/tmp/x' })).toThrow(/: datagrams go to a host and a port$/);
    expect(() => socket.sendto('x', 1, { timeout: -1 })).toThrow(RangeError);
    socket.close();
  });
});

describe('receiving', () => {
  it('gives what came while nobody waited, in order', () =>
    withPair(function* (server, client) {
      for (let index = 0; index < 50; index++) yield* client.send(`${index}`);
      yield* eventually(() => server.statistics().waiting === 50);
      const received: string[] = [];
      while (server.statistics().waiting > 0) received.push(`${yield* server.recv({ timeout: 0 })}`);
      expect(received).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
    }));

  it('drops the oldest when too many wait, and counts them', () =>
    withPair(
      function* (server, client) {
        for (let index = 0; index < 10; index++) yield* client.send(`${index}`);
        yield* eventually(() => server.statistics().received === 10);
        expect(server.statistics()).toEqual({ received: 10, dropped: 7, waiting: 3, sent: 0, pending: 0 });
        const rest = [yield* server.recv(), yield* server.recv(), yield* server.recv()];
        expect(rest.map(String)).toEqual(['7', '8', '9']);
        expect((yield* thrown(server.recv({ timeout: 0 }))).message).toMatch(/had no result yet$/);
      },
      { maxDatagrams: 3 },
    ));

  it('is limited by the timeout of the call, or of the socket', () =>
    withPair(function* (server, client) {
      const error = yield* thrown(server.recvfrom({ timeout: 5 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`UdpSocket ${server.address}.recvfrom() timed out after 5 ms`);
      server.timeout = 5;
      expect(yield* thrown(server.recv())).toBeInstanceOf(Timeout);
      const receiving = spawn(() => server.recv({ timeout: null }));
      yield* sleep(15);
      expect(receiving.dead).toBe(false);
      yield* client.send('late');
      expect(`${yield* receiving}`).toBe('late');
      expect(() => (server.timeout = Number.NaN)).toThrow(RangeError);
      expect(() => server.recv({ timeout: -1 })).toThrow(RangeError);
    }));

  it('that is killed takes nothing', () =>
    withPair(function* (server, client) {
      const receiving = spawn(() => server.recvfrom());
      yield* untilBlocked(receiving);
      yield* receiving.kill();
      yield* client.send('kept');
      expect(`${yield* server.recv({ timeout: 1000 })}`).toBe('kept');
      expect(hub.outside).toBe(0);
    }));

  it('is for one greenlet at a time; the error names both', () =>
    withPair(function* (server, client) {
      const first = spawn(() => server.recvfrom());
      first.name = 'first';
      yield* untilBlocked(first);
      const second = spawn(() => thrown(server.recv()));
      second.name = 'second';
      const error = yield* second;
      expect(error.code).toBe('GENLET_CONCURRENT_OBJECT_USE');
      expect(error.message).toMatch(/second.*first/);
      yield* client.send('x');
      expect(`${(yield* first).data}`).toBe('x');
    }));

  it('may begin before the socket is bound', () =>
    run(function* () {
      using socket = new UdpSocket();
      const receiving = spawn(() => socket.recv());
      yield* untilBlocked(receiving);
      yield* socket.bind('127.0.0.1:0');
      yield* socket.sendto('to myself', socket.address);
      expect(`${yield* receiving}`).toBe('to myself');
    }));
});

describe('a connected socket', () => {
  it('receives from its peer only', () =>
    withPair(function* (server, client) {
      using stranger = new UdpSocket();
      yield* stranger.sendto('from a stranger', client.address);
      yield* server.sendto('from the peer', client.address);
      expect(`${yield* client.recv()}`).toBe('from the peer');
      expect(`${client.remote}`).toBe(`${server.address}`);
      expect((yield* thrown(client.sendto('x', server.address))).code).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED');
      expect((yield* thrown(client.connect(server.address))).code).toBe('ERR_SOCKET_DGRAM_IS_CONNECTED');
      client.disconnect();
      expect(client.remote).toBeUndefined();
      yield* client.sendto('free', server.address);
      expect(`${yield* server.recv()}`).toBe('free');
      expect((yield* thrown(client.send('x'))).message).toMatch(/is not connected: connect\(\) it, or use sendto\(\)$/);
    }));

  it('tells the blocked receiver that the peer refuses, once', () =>
    run(function* () {
      using client = new UdpSocket();
      yield* client.connect(['127.0.0.1', yield* freePort()]);
      const receiving = spawn(function* receiveInVain() {
        return yield* thrown(client.recv({ timeout: 5000 }));
      });
      yield* untilBlocked(receiving);
      yield* client.send('x');
      const error = yield* receiving;
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
      expect(error.stack).toContain('receiveInVain');
      expect(yield* thrown(client.recv({ timeout: 5 }))).toBeInstanceOf(Timeout);
    }));

  it('tells the next call that the peer has refused, if nobody receives', () =>
    run(function* () {
      using client = new UdpSocket();
      yield* client.connect(['127.0.0.1', yield* freePort()]);
      yield* client.send('x');
      yield* sleep(30);
      expect((yield* thrown(client.send('y'))).code).toBe('ECONNREFUSED');
      yield* client.send('z');
      yield* sleep(30);
      expect((yield* thrown(client.recv({ timeout: 1000 }))).code).toBe('ECONNREFUSED');
    }));
});

describe('bind()', () => {
  it("throws the system's error, and can be repeated", () =>
    withPair(function* (server) {
      using other = new UdpSocket();
      const error = yield* thrown(other.bind(server.address));
      expect([error.code, hub.outside]).toEqual(['EADDRINUSE', 0]);
      yield* other.bind('127.0.0.1:0');
      expect((yield* thrown(other.bind('127.0.0.1:0'))).code).toBe('ERR_SOCKET_ALREADY_BOUND');
      yield* other.sendto('x', server.address);
      expect(`${yield* server.recv()}`).toBe('x');
    }));

  it('to all interfaces is what happens without a host', () =>
    run(function* () {
      using socket = new UdpSocket();
      yield* socket.bind(0);
      expect(socket.address.host).toBe('0.0.0.0');
    }));

  it('that is killed during the look-up leaves the socket as it was', () =>
    run(function* () {
      using socket = new UdpSocket();
      const busy = blockLookups();
      const calls = [
        () => socket.bind('localhost:0'),
        () => socket.connect('localhost:9'),
        () => socket.sendto('x', 'localhost:9'),
      ];
      for (const call of calls) {
        const calling = spawn(call as () => unknown);
        yield* untilBlocked(calling);
        yield* calling.kill();
      }
      expect(yield* thrown(socket.sendto('x', 'localhost:9', { timeout: 1 }))).toBeInstanceOf(Timeout);
      yield* until(busy);
      yield* sleep(5);
      expect([`${socket}`, socket.remote, hub.outside, socket.statistics().sent]).toEqual([
        'UdpSocket :0',
        undefined,
        0,
        0,
      ]);
      yield* socket.bind('127.0.0.1:0');
    }));

  it('that is killed while the system binds is done all the same', () =>
    run(function* () {
      using socket = new UdpSocket();
      const binding = spawnNow(() => socket.bind('127.0.0.1:0'));
      yield* binding.kill();
      expect([binding.successful(), hub.outside, socket.address.port > 0]).toEqual([true, 0, true]);
      yield* socket.sendto('to myself', socket.address);
      expect(`${yield* socket.recv()}`).toBe('to myself');
    }));
});

describe('close()', () => {
  it('wakes whoever is blocked, and fails all that comes after', () =>
    withPair(function* (server, client) {
      const receiving = spawn(() => thrown(server.recvfrom()));
      yield* untilBlocked(receiving);
      server.close();
      server.close();
      const error = yield* receiving;
      expect(error.code).toBe('GENLET_SOCKET_CLOSED');
      expect(error.message).toMatch(/^UdpSocket 127\.0\.0\.1:\d+ was closed by /);
      for (const call of [
        server.recv(),
        server.bind(0),
        server.sendto('x', client.address),
        server.sendto('x', 'localhost:1'),
        server.connect(client.address),
      ]) {
        expect((yield* thrown(call)).code).toBe('GENLET_SOCKET_CLOSED');
      }
      expect(() => server.setBroadcast(true)).toThrow(/was closed/);
      expect([server.closed, server.statistics().pending]).toEqual([true, 0]);
    }));

  it('drops what nobody has received', () =>
    withPair(function* (server, client) {
      yield* client.send('x');
      yield* eventually(() => server.statistics().waiting === 1);
      server.close();
      expect(server.statistics().waiting).toBe(0);
      expect((yield* thrown(server.recv())).code).toBe('GENLET_SOCKET_CLOSED');
    }));

  it.each([
    ['binds', (socket: UdpSocket) => socket.bind('127.0.0.1:0')],
    ['connects', (socket: UdpSocket) => socket.connect('127.0.0.1:9')],
    ['sends', (socket: UdpSocket) => socket.sendto('x', '127.0.0.1:9')],
  ])('fails one that %s', (_, call) =>
    run(function* () {
      using socket = new UdpSocket();
      const calling = spawnNow(() => thrown(call(socket)));
      expect(calling.dead).toBe(false);
      socket.close();
      expect((yield* calling).code).toBe('GENLET_SOCKET_CLOSED');
      expect(hub.outside).toBe(0);
    }),
  );
});

describe('options', () => {
  it('of broadcast and multicast are passed on', () =>
    run(function* () {
      using socket = new UdpSocket({ reuseAddr: true, broadcast: true });
      expect(() => socket.setTTL(5)).toThrow(/EBADF/);
      yield* socket.bind(0);
      socket.setBroadcast(false);
      expect((yield* thrown(socket.sendto('x', ['255.255.255.255', 9]))).code).toBe('EACCES');
      socket.setTTL(5);
      socket.setMulticastTTL(2);
      socket.setMulticastLoopback(true);
      expect(() => socket.setTTL(0)).toThrow(/EINVAL/);
      expect(() => socket.setMulticastTTL(256)).toThrow(/EINVAL/);
      expect(() => socket.setMulticastInterface('nonsense')).toThrow(/EINVAL/);
      expect(() => socket.addMembership('127.0.0.1')).toThrow(/EINVAL/);
      expect(() => socket.dropMembership('239.1.2.3')).toThrow(/EADDRNOTAVAIL|EINVAL/);
      expect(() => socket.addSourceSpecificMembership('127.0.0.1', 'nonsense')).toThrow(/EINVAL/);
      expect(() => socket.dropSourceSpecificMembership('127.0.0.1', 'nonsense')).toThrow(/EINVAL/);
    }));

  it('may allow broadcasts from the beginning', () =>
    run(function* () {
      const fate = function* (options: UdpSocketOptions) {
        using socket = new UdpSocket(options);
        try {
          yield* socket.sendto('x', ['255.255.255.255', 9]);
          return 'sent';
        } catch (error) {
          return (error as NodeJS.ErrnoException).code;
        }
      };
      expect(yield* fate({})).toBe('EACCES');
      expect(yield* fate({ broadcast: true })).not.toBe('EACCES'); // there may be no way out of this host
    }));

  it('let two sockets of a multicast group hear a datagram', () =>
    run(function* () {
      using one = new UdpSocket({ reuseAddr: true });
      yield* one.bind(0);
      using other = new UdpSocket({ reuseAddr: true });
      yield* other.bind(one.address.port);
      const hosts = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
      const host = hosts.find(({ family }) => family === 'IPv4')!.address;
      for (const socket of [one, other]) socket.addMembership('239.1.2.3', host);
      using sender = new UdpSocket();
      yield* sender.bind([host, 0]);
      sender.setMulticastInterface(host);
      sender.setMulticastLoopback(true);
      yield* sender.sendto('to all', ['239.1.2.3', one.address.port]);
      const heard = [yield* one.recv({ timeout: 2000 }), yield* other.recv({ timeout: 2000 })];
      expect(heard.map(String)).toEqual(['to all', 'to all']);
    }));

  it('to be bound with others need reuseAddr', () =>
    run(function* () {
      using one = new UdpSocket({ reuseAddr: true });
      yield* one.bind('127.0.0.1:0');
      using other = new UdpSocket();
      expect((yield* thrown(other.bind(one.address))).code).toBe('EADDRINUSE');
      using third = new UdpSocket({ reuseAddr: true });
      yield* third.bind(one.address);
    }));

  it.each([
    [{ family: 5 as never }, 'family is 5: give 4 or 6'],
    [{ maxDatagrams: 0 }, 'maxDatagrams is 0: give a whole number, 1 or more'],
    [5 as never, 'options is 5: give { family, broadcast, maxDatagrams, … }'],
  ])('%o are refused', (options, message) => {
    expect(() => new UdpSocket(options)).toThrow(message);
  });

  it('of the buffers reach the system', () =>
    run(function* () {
      using usual = new UdpSocket();
      yield* usual.bind('127.0.0.1:0');
      using small = new UdpSocket({ recvBufferSize: 20_000, sendBufferSize: 20_000 });
      yield* small.bind('127.0.0.1:0');
      expect(small.getRecvBufferSize()).toBeLessThan(usual.getRecvBufferSize());
      expect(small.getSendBufferSize()).toBeLessThan(usual.getSendBufferSize());
    }));
});
