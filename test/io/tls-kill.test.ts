/** A kill or timeout at every moment of a handshake and of a conversation leaves no handle, listener, timer or waiter. */
import { connect as connectPlain } from 'node:net';
import { type Coroutine, type Operation, run, spawn, suspend, Timeout } from 'genlet';
import { createConnection, listen, type Socket, StreamServer, upgradeTls } from 'genlet/io';
import { expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, pair, thrown, watchResources } from './support.ts';
import { ca, server as serverTls } from './tls-support.ts';

watchHub();
watchResources();

/** What an operation comes to. */
function* outcome<T>(operation: Operation<T>): Coroutine<{ value?: T; error?: any }> {
  try {
    return { value: yield* operation };
  } catch (error) {
    return { error };
  }
}

const turn = () => suspend<void>((resume) => void setImmediate(resume));

/** Kills the greenlet that runs `body` in the first, second, … turn of the event loop, until it gets through. */
function* killEverywhere(body: () => Coroutine<unknown>): Coroutine<number> {
  for (let point = 0; ; point++) {
    const victim = spawn(body);
    for (let count = 0; count < point && !victim.dead; count++) yield* turn();
    if (victim.dead) {
      yield* victim.get();
      return point;
    }
    yield* victim.kill();
  }
}

function* echo(socket: Socket): Coroutine<void> {
  for (let line: string | undefined; (line = yield* socket.readline()) !== undefined; ) {
    yield* socket.sendall(`${line}\n`);
  }
}

it('a client that is killed at every moment', () =>
  run(function* () {
    const server = new StreamServer('127.0.0.1:0', echo, { tls: serverTls });
    yield* server.start();
    const kills = yield* killEverywhere(function* () {
      using client = yield* createConnection(['localhost', server.port], { tls: { ca }, family: 4 });
      yield* client.sendall('hello\n');
      expect(yield* client.readline()).toBe('hello');
      client.shutdown('write');
      expect(yield* client.recv()).toHaveLength(0);
    });
    expect(kills).toBeGreaterThan(2);
    yield* eventually(() => server.connections === 0);
    yield* server.stop();
  }));

it('a client whose time is up at every moment', () =>
  run(function* () {
    const server = new StreamServer('127.0.0.1:0', echo, { tls: serverTls });
    yield* server.start();
    let [done, late] = [0, 0];
    for (let timeout = 0.2; done < 3; timeout *= 1.2) {
      const { value, error } = yield* outcome(createConnection(server.address, { tls: { ca }, timeout }));
      if (value !== undefined) done++;
      else {
        expect(error).toBeInstanceOf(Timeout);
        late++;
      }
      value?.close();
    }
    expect(late).toBeGreaterThan(0);
    yield* server.stop();
  }));

it('both sides of an upgrade that are killed at every moment', () =>
  run(function* () {
    const serverSide = { ...serverTls, isServer: true } as const;
    for (const killed of ['client', 'server'] as const) {
      let done = false;
      let point = 0;
      for (; !done; point++) {
        const [client, server] = yield* pair();
        const sides = {
          client: () => upgradeTls(client, { ca, servername: 'localhost' }),
          server: () => upgradeTls(server, serverSide),
        };
        const other = spawn(() => outcome(sides[killed === 'client' ? 'server' : 'client']()));
        const victim = spawn(function* () {
          using socket = yield* sides[killed]();
          yield* socket.sendall('x');
          done = true;
        });
        for (let count = 0; count < point && !victim.dead; count++) yield* turn();
        yield* victim.kill();
        yield* other.kill();
        for (const socket of [client, server]) (socket.successor ?? socket).abort();
      }
      expect(point).toBeGreaterThan(1); // turns of the event loop: fewer on a busy machine
    }
  }));

it('a listener that is closed at every moment of a handshake', () =>
  run(function* () {
    const outcomes = new Set<string>();
    for (let point = 0; outcomes.size < 2 && point < 200; point++) {
      const listener = yield* listen('127.0.0.1:0', { tls: serverTls });
      const connecting = spawn(() => outcome(createConnection(listener.address, { tls: { ca }, timeout: 5000 })));
      const accepting = spawn(() => outcome(listener.accept()));
      for (let count = 0; count < point; count++) yield* turn();
      listener.close();
      const [client, server] = [yield* connecting, yield* accepting];
      outcomes.add(server.error?.code ?? 'accepted');
      client.value?.abort();
      server.value?.abort();
    }
    expect([...outcomes].sort()).toEqual(['GENLET_SOCKET_CLOSED', 'accepted']);
  }));

it('handshakes that are going on when nobody waits any longer', () =>
  run(function* () {
    const listener = yield* listen('127.0.0.1:0', { tls: serverTls });
    const clients = Array.from({ length: 10 }, () =>
      connectPlain(listener.address.port)
        .on('error', () => {})
        .resume(),
    );
    yield* eventually(() => clients.every((client) => !client.connecting));
    yield* turn();
    listener.close();
    yield* eventually(() => clients.every((client) => client.destroyed || client.readableEnded));
    for (const client of clients) client.destroy();
    expect(listener.failedHandshakes).toBe(0);
  }));

it('leaves no listener on a socket, whose calls were killed again and again', () =>
  run(function* () {
    const server = new StreamServer('127.0.0.1:0', echo, { tls: serverTls });
    yield* server.start();
    using client = yield* createConnection(server.address, { tls: { ca } });
    const { stream } = client;
    const count = () => stream.eventNames().map((name) => `${String(name)} ${stream.listenerCount(name)}`);
    const before = count();
    for (let round = 0; round < 20; round++) {
      const reader = spawn(() => client.recv());
      yield* turn();
      yield* reader.kill();
      yield* thrown(client.recv(1, { timeout: 0.1 }));
    }
    expect(count()).toEqual(before);
    expect(stream.listenerCount('session') + stream.listenerCount('secureConnect')).toBe(1);
    yield* client.sendall('x\n');
    expect(yield* client.readline()).toBe('x');
    client.close();
    yield* server.stop();
  }));
