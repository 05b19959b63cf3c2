import { unlinkSync } from 'node:fs';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { type Coroutine, run, SocketClosedError, sleep, spawn, spawnNow, Timeout, withTimeout } from 'genlet';
import { patchNet, patchTls, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hub, virtually, watchHub } from '../../support/hub.ts';
import { blockLookups, eventually, thrown, watchResources } from '../support.ts';
import { ca, cert, key } from '../tls-support.ts';

watchHub();
watchResources();

beforeAll(() => {
  patchNet();
  patchTls();
});
afterAll(unpatchAll);

/** A function that returns the server itself would not wait for it. */
const waitFor = <T extends Server | Socket>(object: T) =>
  function* () {
    return yield* object;
  };

const portOf = (server: Server) => (server.address() as AddressInfo).port;

function* pair(): Coroutine<[client: Socket, peer: Socket, server: Server]> {
  const server = yield* net.createServer().listen(0, '127.0.0.1');
  const client = yield* net.connect(portOf(server), '127.0.0.1');
  return [client, yield* server.accept(), server];
}

function withPair<T>(main: (client: Socket, peer: Socket, server: Server) => Coroutine<T>): Promise<T> {
  return run(function* () {
    const [client, peer, server] = yield* pair();
    try {
      return yield* main(client, peer, server);
    } finally {
      client.destroy();
      peer.destroy();
      yield* server.close();
    }
  });
}

describe('a server', () => {
  it('is waited for until it listens, and until it has closed', async () => {
    await run(function* () {
      const server = net.createServer();
      const listening = spawnNow(waitFor(server));
      expect(yield* server.listen(0, 'localhost')).toBe(server);
      expect(yield* listening).toBe(server);
      expect(server.listening).toBe(true);
      const client = yield* net.connect(portOf(server));
      const peer = yield* server.accept();
      const events: string[] = [];
      const closing = spawnNow(function* () {
        yield* server.close();
        events.push('closed');
      });
      expect(yield* thrown(withTimeout(10, waitFor(server)))).toBeInstanceOf(Timeout);
      events.push('disconnecting');
      client.destroy();
      peer.destroy();
      yield* closing;
      expect(events).toEqual(['disconnecting', 'closed']);
      expect(yield* server).toBe(server);
      yield* server.listen(0);
      yield* server.close();
      expect(['listening', 'close', 'error', 'connection'].map((name) => server.listenerCount(name))).toEqual([
        0, 0, 0, 0,
      ]);
    });
  });

  it('throws when it cannot listen', async () => {
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      const error = yield* thrown(net.createServer().listen(portOf(server)) as never);
      expect(error.code).toBe('EADDRINUSE');
      yield* server.close();
    });
  });

  it('tells its connections', () =>
    withPair(function* (_client, _peer, server) {
      expect(yield* server.getConnections()).toBe(1);
    }));

  it('gives connections in their order to greenlets in theirs, and none to a killed one', async () => {
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      const killed = spawnNow(() => server.accept());
      const { switchInterval } = hub;
      Object.assign(hub, { switchInterval: 0, budget: 1 }); // the slice ends with the next call
      const others = [spawnNow(() => server.accept()), spawnNow(() => server.accept())];
      hub.switchInterval = switchInterval;
      yield* killed.kill();
      const order: unknown[] = []; // under load the system may hand them over in another order than they connected
      server.on('connection', ({ remotePort }) => order.push(remotePort));
      const clients: Socket[] = [];
      for (let i = 0; i < 3; i++) clients.push(yield* net.connect(portOf(server)));
      const peers = [yield* others[0]!, yield* others[1]!, yield* server.accept()];
      expect(peers.map(({ remotePort }) => remotePort)).toEqual(order);
      for (const socket of [...clients, ...peers]) socket.destroy();
      yield* server.close();
    });
  });

  it('ends accept after a time, and when it is closed', async () => {
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      expect(String(yield* thrown((server as any).accept({ timeout: 1 })))).toMatch('Server.accept()');
      const waiter = spawnNow(() => server.accept());
      const client = yield* net.connect(portOf(server));
      (yield* waiter).destroy();
      const unaccepted = yield* net.connect(portOf(server));
      yield* sleep(5);
      server.close();
      yield* server;
      yield* eventually(() => unaccepted.destroyed || unaccepted.readableEnded || unaccepted.readable);
      client.destroy();
      unaccepted.destroy();
    });
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      const waiter = spawnNow(() => server.accept());
      server.close();
      expect(yield* thrown(waiter)).toBeInstanceOf(SocketClosedError);
    });
  });

  it('passes over a connection that has gone by then', async () => {
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      (yield* net.connect(portOf(server))).resetAndDestroy();
      yield* sleep(20);
      const client = yield* net.connect(portOf(server));
      const peer = yield* server.accept();
      expect(peer.remotePort).toBe(client.localPort);
      client.destroy();
      peer.destroy();
      yield* server.close();
    });
  });

  it('leaves connections to those who take them by the event', async () => {
    const events: string[] = [];
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      server.on('connection', (socket) => {
        events.push(`${socket.listenerCount('error')}`);
        socket.end();
      });
      const client = yield* net.connect(portOf(server));
      client.resume();
      yield* eventually(() => events.length === 1);
      client.destroy();
      yield* server.close();
    });
    expect(events).toEqual(['0']);
  });
});

describe('a socket', () => {
  it('is waited for until it is connected', async () => {
    await run(function* () {
      const server = yield* net.createServer().listen(0, '127.0.0.1');
      const socket = net.connect(portOf(server), 'localhost');
      expect(socket.connecting).toBe(true);
      expect(yield* socket).toBe(socket);
      expect(socket.connecting).toBe(false);
      expect(yield* socket).toBe(socket);
      expect(['connect', 'error'].map((name) => socket.listenerCount(name))).toEqual([0, 0]);
      (yield* server.accept()).destroy();
      socket.destroy();
      expect((yield* thrown(socket as never)).code).toBe('ECONNRESET');
      yield* server.close();
      expect((yield* thrown(net.connect(portOfNone) as never)).code).toBe('ECONNREFUSED');
    });
  });

  it('is waited for again when it is connected again', async () => {
    await run(function* () {
      const server = yield* net.createServer().listen(0);
      const socket = new net.Socket();
      for (let round = 0; round < 2; round++) {
        socket.connect(portOf(server));
        expect(socket.connecting).toBe(true);
        yield* socket;
        expect(socket.connecting).toBe(false);
        (yield* server.accept()).destroy();
        socket.destroy();
        yield* sleep(1);
      }
      yield* server.close();
    });
  });

  it('is destroyed when the last one who waits for it is killed', async () => {
    const unblocked = blockLookups();
    await run(function* () {
      const socket = net.connect(9, 'localhost');
      const waiter = spawnNow(waitFor(socket));
      yield* waiter.kill();
      expect(socket.destroyed).toBe(true);
    });
    await unblocked;
  });

  it('is read and written by calls that suspend', () =>
    withPair(function* (client, peer) {
      const reading = spawn(() => peer.readline());
      yield* client.sendall('line\nfour1234until;rest');
      expect(yield* reading).toBe('line');
      expect(String(yield* peer.recvExactly(8))).toBe('four1234');
      expect(String(yield* peer.readUntil(';'))).toBe('until;');
      expect(String(yield* peer.recv(2))).toBe('re');
      const rest = Buffer.alloc(5);
      expect([yield* (peer as any).recvInto(rest), String(rest.subarray(0, 2))]).toEqual([2, 'st']);
      expect(yield* peer.send('x')).toBe(1);
      expect(String(yield* client.recv())).toBe('x');
      expect(yield* (client as any).sendFile('package.json', { count: 1 })).toBe(1);
      expect(String(yield* peer.recv())).toBe('{');
      client.end();
      expect([yield* peer.readline(), (yield* peer.recv()).length]).toEqual([undefined, 0]);
    }));

  it('loses nothing by a kill or a timeout', () =>
    withPair(function* (client, peer) {
      const reader = spawnNow(() => peer.recvExactly(4));
      yield* client.sendall('ab');
      yield* sleep(5);
      yield* reader.kill();
      expect(yield* thrown(peer.recvExactly(4, { timeout: 1 }))).toBeInstanceOf(Timeout);
      yield* client.sendall('cd');
      expect(String(yield* peer.recvExactly(4))).toBe('abcd');
    }));

  it('waits for its connection before it sends and receives', async () => {
    await run(function* () {
      const path = join(tmpdir(), `genlet-monkey-${process.pid}.sock`);
      const server = yield* net.createServer().listen(path);
      const socket = net.connect(path);
      const receiving = spawnNow(() => socket.readline());
      const peer = yield* server.accept();
      yield* peer.sendall('hello\n');
      expect(yield* receiving).toBe('hello');
      socket.destroy();
      expect(yield* thrown(socket.recv())).toBeInstanceOf(Error);
      peer.destroy();
      yield* server.close();
      expect(() => unlinkSync(path)).toThrow('ENOENT');
    });
  });

  it('keeps its events', () =>
    withPair(function* (client, peer) {
      const events: string[] = [];
      const reading = spawnNow(() => peer.recv());
      peer.on('data', (chunk) => events.push(String(chunk)));
      yield* client.sendall('x');
      expect(String(yield* reading)).toBe('x');
      expect(events).toEqual(['x']);
    }));

  it('has nothing of all this outside, but methods that say so', () => {
    const socket = new net.Socket();
    expect((socket as any)[Symbol.iterator]).toBe(undefined);
    for (const operation of [socket.recv(), net.createServer().accept()]) {
      expect(() => operation[Symbol.iterator]().next(undefined)).toThrow('was performed outside a greenlet');
    }
    socket.destroy();
  });
});

const portOfNone = 1;

describe('TLS', () => {
  it('is waited for until the handshake is done, on both sides', async () => {
    await run(function* () {
      const server = yield* tls.createServer({ key, cert: cert.localhost }).listen(0);
      const client = tls.connect({ port: portOf(server), ca, servername: 'localhost' });
      expect(yield* client).toBe(client);
      expect(client.authorized).toBe(true);
      const peer = yield* server.accept();
      expect(peer).toBeInstanceOf(tls.TLSSocket);
      yield* client.sendall('secret\n');
      expect(yield* peer.readline()).toBe('secret');
      client.destroy();
      peer.destroy();
      yield* server.close();
    });
  });

  it('throws when a certificate is no good', async () => {
    await run(function* () {
      const server = yield* tls.createServer({ key, cert: cert.localhost }).listen(0);
      const error = yield* thrown(tls.connect({ port: portOf(server), servername: 'localhost' }) as never);
      expect(error.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
      yield* server.close();
    });
  });
});

it('waiting holds back the virtual clock', async () => {
  await virtually(function* () {
    const server = yield* net.createServer().listen(0);
    const sleeper = spawn(sleep, 1000);
    const waiter = spawnNow(() => server.accept());
    const client = yield* net.connect(portOf(server));
    const peer = yield* waiter;
    expect(sleeper.dead).toBe(false);
    client.destroy();
    peer.destroy();
    yield* server.close();
    yield* sleeper;
  });
});
