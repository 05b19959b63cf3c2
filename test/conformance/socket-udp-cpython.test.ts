/** The cases of datagrams in CPython's test_socket. */
import { run, SocketClosedError, spawn, Timeout } from 'genlet';
import { UdpSocket } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { thrown, untilBlocked, watchResources } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchResources();

const MESSAGE = 'Michael Gilfix was here\r\n';

function* bound() {
  const socket = new UdpSocket();
  yield* socket.bind('127.0.0.1:0');
  return socket;
}

describe('a datagram', () => {
  it('is sent and received', () =>
    run(function* () {
      using server = yield* bound();
      using client = new UdpSocket();
      expect(yield* client.sendto(MESSAGE, server.address)).toBe(MESSAGE.length);
      expect(String(yield* server.recv())).toBe(MESSAGE);
    }));

  it('tells who has sent it', () =>
    run(function* () {
      using server = yield* bound();
      using client = yield* bound();
      yield* client.sendto(MESSAGE, server.address);
      const { data, address } = yield* server.recvfrom();
      expect([String(data), `${address}`]).toEqual([MESSAGE, `${client.address}`]);
    }));

  it('of bytes of any kind is the same bytes', () =>
    run(function* () {
      using server = yield* bound();
      using client = new UdpSocket();
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      yield* client.sendto(bytes.subarray(1, 255), server.address);
      expect([...(yield* server.recv())]).toEqual([...bytes.subarray(1, 255)]);
    }));

  it('is refused if it is no string or bytes, or goes nowhere, at the call', () => {
    using socket = new UdpSocket();
    for (const wrong of [2, {}, null, undefined, [1]]) {
      expect(() => socket.sendto(wrong as never, '127.0.0.1:9')).toThrow(/data is/);
    }
    for (const wrong of [undefined, null, 'nowhere', ['127.0.0.1'], ['127.0.0.1', 'x'], { path: '/tmp/x' }]) {
      expect(() => socket.sendto('x', wrong as never)).toThrow(/address is/);
    }
    expect(() => socket.sendto('x', ['127.0.0.1', 65_536])).toThrow(RangeError);
  });

  it('that is too large is refused by the system, and the socket goes on', () =>
    run(function* () {
      using server = yield* bound();
      using client = new UdpSocket();
      expect(yield* thrown(client.sendto(Buffer.alloc(70_000), server.address))).toMatchObject({ code: 'EMSGSIZE' });
      yield* client.sendto('small', server.address);
      expect(String(yield* server.recv())).toBe('small');
    }));

  it('without a receiver needs a peer', () =>
    run(function* () {
      using socket = new UdpSocket();
      expect(yield* thrown(socket.send('x'))).toMatchObject({ name: 'InvalidStateError' });
    }));
});

describe('receiving', () => {
  it('throws Timeout in time, by the limit of the socket or of the call', () =>
    run(function* () {
      using socket = yield* bound();
      socket.timeout = 20;
      const begin = performance.now();
      expect(yield* thrown(socket.recv())).toBeInstanceOf(Timeout);
      expect(performance.now() - begin).toBeGreaterThan(18);
      expect(yield* thrown(socket.recvfrom({ timeout: 1 }))).toBeInstanceOf(Timeout);
    }));

  it('that may not wait throws at once while nothing is there', () =>
    run(function* () {
      using socket = yield* bound();
      socket.timeout = 0;
      expect(yield* thrown(socket.recv())).toBeInstanceOf(Timeout);
    }));

  it.each(['recv', 'recvfrom'] as const)('by %s is interrupted by an error that is thrown into its greenlet', (name) =>
    run(function* () {
      using socket = yield* bound();
      class Alarm extends Error {}
      const receiver = spawn(() => socket[name]({ timeout: 5000 }));
      yield* untilBlocked(receiver);
      yield* receiver.kill(new Alarm());
      expect(yield* thrown(receiver)).toBeInstanceOf(Alarm);
      yield* socket.sendto('x', socket.address);
      expect(String(yield* socket.recv())).toBe('x');
    }),
  );

  it('takes a datagram whole or not at all', () =>
    run(function* () {
      using server = yield* bound();
      using client = new UdpSocket();
      yield* client.sendto('a'.repeat(2000), server.address);
      yield* client.sendto('', server.address);
      yield* client.sendto('b', server.address);
      const sizes = [];
      for (let i = 0; i < 3; i++) sizes.push((yield* server.recv()).length);
      expect(sizes).toEqual([2000, 0, 1]);
    }));
});

describe('a connected socket', () => {
  it('sends to its peer and hears of nobody else, until it is disconnected', () =>
    run(function* () {
      using server = yield* bound();
      using stranger = yield* bound();
      using client = new UdpSocket();
      yield* client.connect(server.address);
      expect([`${client.remote}`, client.address.host]).toEqual([`${server.address}`, '127.0.0.1']);
      yield* client.send('one');
      const { address } = yield* server.recvfrom();
      expect(`${address}`).toBe(`${client.address}`);
      yield* stranger.sendto('from a stranger', client.address);
      yield* server.sendto('from the peer', client.address);
      expect(String(yield* client.recv({ timeout: 2000 }))).toBe('from the peer');
      client.disconnect();
      expect(client.remote).toBe(undefined);
      expect(yield* thrown(client.send('two'))).toMatchObject({ name: 'InvalidStateError' });
    }));

  it('knows its address after it was disconnected, even if that is another one', () =>
    run(function* () {
      using server = yield* bound();
      using client = new UdpSocket();
      yield* client.connect(server.address);
      client.disconnect();
      yield* client.sendto('who am I?', server.address);
      const { address } = yield* server.recvfrom({ timeout: 2000 });
      expect(client.address.port).toBe(address.port);
      yield* server.sendto('you', address);
      expect(String(yield* client.recv({ timeout: 2000 }))).toBe('you');
    }));
});

describe('a socket that was closed', () => {
  it('refuses everything, and a second close does nothing', () =>
    run(function* () {
      const socket = yield* bound();
      const { address } = socket;
      socket.close();
      socket.close();
      expect(socket.closed).toBe(true);
      for (const call of [
        () => socket.recv(),
        () => socket.recvfrom(),
        () => socket.sendto('spam', address),
        () => socket.bind('127.0.0.1:0'),
        () => socket.connect(address),
      ]) {
        expect(yield* thrown(call())).toBeInstanceOf(SocketClosedError);
      }
      expect(() => socket.getSendBufferSize()).toThrow(SocketClosedError);
    }));
});

describe('options', () => {
  it('of the buffers, of broadcasts and of multicast are those of the system', () =>
    run(function* () {
      using socket = new UdpSocket({ recvBufferSize: 65_536, sendBufferSize: 65_536 });
      yield* socket.bind('127.0.0.1:0');
      expect(socket.getRecvBufferSize()).toBeGreaterThanOrEqual(65_536);
      expect(socket.getSendBufferSize()).toBeGreaterThanOrEqual(65_536);
      socket.setBroadcast(true);
      socket.setTTL(64);
      socket.setMulticastTTL(2);
      socket.setMulticastLoopback(true);
      expect(() => socket.setTTL(0)).toThrow(/TTL|EINVAL/i);
    }));

  it('of a socket: its address can be taken once, unless it may be shared', () =>
    run(function* () {
      using one = yield* bound();
      using other = new UdpSocket();
      expect(yield* thrown(other.bind(one.address))).toMatchObject({ code: 'EADDRINUSE' });
      yield* other.bind('127.0.0.1:0');
      expect(other.address.port).not.toBe(one.address.port);
      expect(yield* thrown(other.bind('127.0.0.1:0'))).toMatchObject({ code: 'ERR_SOCKET_ALREADY_BOUND' });
    }));
});
