import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { createServer, type Socket as NetSocket } from 'node:net';
import { dirname } from 'node:path';
import {
  AuthenticationError,
  ConnectionClosedError,
  EOFError,
  joinall,
  run,
  sleep,
  spawn,
  Timeout,
  until,
} from 'genlet';
import { createConnection, type Endpoint, listen } from 'genlet/io';
import { Client, Listener, type ListenerOptions } from 'genlet/workers';
import { describe, expect, it } from 'vitest';
import { ca, server as serverTls } from '../../io/tls-support.ts';
import { nextTurn, watchHub } from '../../support/hub.ts';

watchHub();

const secret = { authkey: 'a long secret' };
const MAGIC = Buffer.from('genlet1\n');

const frame = (bytes: Uint8Array) => {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(bytes.length);
  return Buffer.concat([header, bytes]);
};
const hello = (flags = 0) => Buffer.concat([MAGIC, Buffer.of(flags), randomBytes(32)]);
const prove = (role: string, client: Buffer, server: Buffer, key = secret.authkey) =>
  createHmac('sha256', key).update(`genlet ${role}\n`).update(client).update(server).digest();

/** A listener that accepts and echoes, as long as `body` runs. */
function* serving(options: ListenerOptions, body: (listener: Listener) => Generator<any, void, any>) {
  const listener = new Listener('127.0.0.1:0', { ...secret, ...options });
  yield* listener.start();
  const echo = spawn(function* () {
    for (;;) {
      const connection = yield* listener.accept();
      spawn(function* () {
        try {
          for (;;) yield* connection.send(yield* connection.recv());
        } catch {
          connection.close();
        }
      });
    }
  });
  try {
    yield* body(listener);
  } finally {
    yield* echo.kill();
    listener.close();
  }
}

/** Reads all that comes until the peer ends the connection. */
function* readAll(socket: { recv(n?: number): any }) {
  const parts: Buffer[] = [];
  try {
    for (;;) {
      const bytes: Buffer = yield* socket.recv();
      if (bytes.length === 0) break;
      parts.push(bytes);
    }
  } catch (error) {
    if ((error as { code: string }).code !== 'ECONNRESET') throw error;
  }
  return Buffer.concat(parts);
}

function handles(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /TCP|Pipe|TLS|Server/.test(kind))
    .sort();
}

describe('Listener and Client', () => {
  it('carry values both ways, in order', async () => {
    const seen: unknown[] = [];
    await run(function* () {
      using listener = new Listener();
      const other = spawn(function* () {
        yield* listener.start();
        using connection = yield* Client(listener.address);
        for (const value of [1, { list: [1n, new Date(0)] }, new RangeError('an error')]) yield* connection.send(value);
        seen.push(yield* connection.recv());
      });
      using connection = yield* listener.accept();
      seen.push(yield* connection.recv(), yield* connection.recv(), yield* connection.recv());
      yield* connection.send('back');
      yield* other;
      yield* expectEnd(connection);
    });
    expect(seen.slice(0, 2)).toEqual([1, { list: [1n, new Date(0)] }]);
    expect(seen[2]).toBeInstanceOf(RangeError);
    expect(seen[3]).toBe('back');
  });

  function* expectEnd(connection: { recv(): any }) {
    const ended = yield* spawn(function* () {
      try {
        yield* connection.recv();
      } catch (error) {
        return error;
      }
    });
    expect(ended).toBeInstanceOf(EOFError);
  }

  it('carry large values, held up while nobody takes them', async () => {
    await run(function* () {
      yield* serving({}, function* (listener) {
        using connection = yield* Client(listener.address, secret);
        const big = 'x'.repeat(5_000_000);
        const sender = spawn(function* () {
          for (let i = 0; i < 5; i++) yield* connection.send(big + i);
        });
        yield* sleep(30);
        expect(sender.dead).toBe(false);
        for (let i = 0; i < 5; i++) expect(yield* connection.recv()).toBe(big + i);
        yield* sender;
      });
    });
  });

  it('listen by default at a Unix socket that only this user can reach, and leave nothing of it', async () => {
    const paths: string[] = [];
    await run(function* () {
      const listener = new Listener();
      const path = listener.address.path!;
      yield* listener.start();
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
      paths.push(path, dirname(path));
      using client = yield* Client(listener.address);
      listener.close();
      yield* expectEnd(client);
    });
    expect(paths.map((path) => existsSync(path))).toEqual([false, false]);
    expect(() => new Listener({ path: '/tmp/x' }, { authkey: '' })).toThrow("authkey is '': give a string or bytes");
    const unused = new Listener();
    unused.close();
    expect(existsSync(dirname(unused.address.path!))).toBe(false);
  });

  it.each(['0.0.0.0:0', ':0', '192.0.2.1:5000', 'example.org:80', '[::]:0'])(
    'refuse %s without encryption',
    (address) => {
      expect(() => new Listener(address, secret)).toThrow(
        /reaches beyond this machine .* give `encrypt: true` or `tls`/,
      );
      if (address !== ':0') expect(() => Client(address, secret)).toThrow(/reaches beyond this machine/);
    },
  );

  it('accept another address with encryption, and speak so that nobody can read it', async () => {
    await run(function* () {
      using listener = new Listener('0.0.0.0:0', { ...secret, encrypt: true });
      yield* listener.start();
      const wire: Buffer[] = [];
      const tap = createServer((near: NetSocket) => {
        const far = createTap(listener.address.port, near, wire);
        near.pipe(far).pipe(near);
      });
      yield* until(new Promise<void>((resolve) => void tap.listen(0, '127.0.0.1', resolve)));
      const { port } = tap.address() as { port: number };
      const client = spawn(() => Client(`127.0.0.1:${port}`, { ...secret, encrypt: true }));
      using server = yield* listener.accept();
      using connection = yield* client;
      for (let i = 0; i < 3; i++) {
        yield* connection.send('plain words');
        expect(yield* server.recv()).toBe('plain words');
        yield* server.send('other words');
        expect(yield* connection.recv()).toBe('other words');
      }
      const all = Buffer.concat(wire);
      expect(all.length).toBeGreaterThan(300);
      expect(all.includes('words')).toBe(false);
      expect(all.includes(secret.authkey)).toBe(false);
      tap.close();
    });
  });

  function createTap(port: number, near: NetSocket, wire: Buffer[]): NetSocket {
    const { connect } = process.getBuiltinModule('node:net');
    const far = connect(port, '127.0.0.1');
    for (const side of [near, far]) {
      side.on('data', (bytes: Buffer) => wire.push(bytes));
      side.on('error', () => {});
    }
    return far;
  }

  it('end a connection whose encrypted bytes were changed, repeated or sent back', async () => {
    for (const attack of ['change', 'repeat', 'reflect'] as const) {
      await run(function* () {
        yield* serving({ encrypt: true }, function* (listener) {
          using inner = yield* listen('127.0.0.1:0');
          const middle = spawn(function* () {
            const near = yield* inner.accept();
            const far = yield* createConnection(listener.address);
            const pass = function* (from: typeof near, to: typeof near) {
              for (let count = 0; ; count++) {
                const header = yield* from.recvExactly(4);
                const body = Buffer.from(yield* from.recvExactly(header.readUInt32LE()));
                if (from === near && count === 2) {
                  if (attack === 'change') body[3]! ^= 1;
                  if (attack === 'reflect') {
                    yield* near.sendall(Buffer.concat([header, body]));
                    continue;
                  }
                  if (attack === 'repeat') yield* to.sendall(Buffer.concat([header, body]));
                }
                yield* to.sendall(Buffer.concat([header, body]));
              }
            };
            const both = [spawn(pass, near, far), spawn(pass, far, near)];
            for (const each of both) each.link(() => {});
            try {
              yield* joinall(both, { count: 1 });
            } finally {
              near.close();
              far.close();
              yield* joinall(both);
            }
          });
          using connection = yield* Client(inner.address, { ...secret, encrypt: true });
          yield* connection.send('value');
          yield* expectEnd(connection);
          yield* middle;
        });
      });
    }
  });

  it('speak TLS', async () => {
    await run(function* () {
      yield* serving({ tls: serverTls }, function* (listener) {
        using connection = yield* Client(`localhost:${listener.address.port}`, { ...secret, tls: { ca } });
        yield* connection.send({ over: 'TLS' });
        expect(yield* connection.recv()).toEqual({ over: 'TLS' });
        yield* refused(() => Client(listener.address, { authkey: 'x', tls: { ca } }), /refused this authkey/);
      });
    });
    new Listener('0.0.0.0:0', { ...secret, tls: serverTls }).close();
  });

  it('refuse a wrong key, and go on', async () => {
    await run(function* () {
      yield* serving({}, function* (listener) {
        let failure: unknown;
        try {
          yield* Client(listener.address, { authkey: 'another secret' });
        } catch (error) {
          failure = error;
        }
        expect(failure).toBeInstanceOf(AuthenticationError);
        expect((failure as Error).message).toBe(`${listener.address} refused this authkey`);
        expect(listener.refused).toBe(1);
        using connection = yield* Client(listener.address, { authkey: Buffer.from(secret.authkey) });
        yield* connection.send(1);
        expect(yield* connection.recv()).toBe(1);
      });
    });
  });

  it('tell a side that encrypts from one that does not', async () => {
    await run(function* () {
      yield* serving({ encrypt: true }, function* (listener) {
        yield* refused(() => Client(listener.address, secret), /encrypts: both sides must be given the same `encrypt`/);
      });
    });
  });

  function* refused(call: () => any, message: RegExp) {
    let failure: unknown;
    try {
      yield* call();
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(AuthenticationError);
    expect((failure as Error).message).toMatch(message);
  }

  it.each<[string, (theirs: Buffer) => Buffer | undefined]>([
    ['garbage', () => randomBytes(200)],
    ['a request of HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['an announcement of 1 GiB', () => Buffer.from([0, 0, 0, 64, 1, 2, 3])],
    ['an announcement of 257 bytes', () => frame(randomBytes(257))],
    ['an empty frame', () => frame(Buffer.alloc(0))],
    ['a hello of another version', () => frame(Buffer.concat([Buffer.from('genlet9\n'), randomBytes(33)]))],
    ['its own hello', (theirs) => frame(theirs)],
    ['a hello and a random proof', () => Buffer.concat([frame(hello()), frame(randomBytes(32))])],
    ['a hello and a short proof', () => Buffer.concat([frame(hello()), frame(randomBytes(31))])],
    [
      'the proof that a server would give',
      (theirs) => {
        const mine = hello();
        return Buffer.concat([frame(mine), frame(prove('server', mine, theirs))]);
      },
    ],
    [
      'a proof over the hellos the wrong way round',
      (theirs) => {
        const mine = hello();
        return Buffer.concat([frame(mine), frame(prove('client', theirs, mine))]);
      },
    ],
    [
      'a proof by another key',
      (theirs) => {
        const mine = hello();
        return Buffer.concat([frame(mine), frame(prove('client', mine, theirs, 'x'))]);
      },
    ],
  ])('give nothing to a client that sends %s', async (_name, attack) => {
    await run(function* () {
      yield* serving({}, function* (listener) {
        using socket = yield* createConnection(listener.address, { timeout: 3000 });
        const greeting = yield* socket.recvExactly(4 + 41);
        yield* socket.sendall(attack(greeting.subarray(4))!);
        const rest: Buffer = yield* readAll(socket);
        // Nothing but, perhaps, that the proof was wrong: in no case a proof of the server.
        expect([0, 5]).toContain(rest.length);
        expect(listener.refused).toBe(1);
        using connection = yield* Client(listener.address, secret);
        yield* connection.send('alive');
        expect(yield* connection.recv()).toBe('alive');
      });
    });
  });

  it('do not fall for a server that sends back what it gets, or speaks something else', async () => {
    await run(function* () {
      for (const [answer, message] of [
        [(bytes: Buffer) => bytes, /sends back what it gets/],
        [() => frame(randomBytes(41)), /speaks something else/],
        [() => Buffer.concat([frame(hello()), frame(randomBytes(32))]), /has another authkey/],
        [() => Buffer.alloc(0), /closed the connection before it had proven itself/],
      ] as const) {
        using fake = yield* listen('127.0.0.1:0');
        const server = spawn(function* () {
          using socket = yield* fake.accept();
          yield* socket.sendall(answer(Buffer.from(yield* socket.recvExactly(45))));
          if (answer(Buffer.alloc(1)).length > 0) yield* readAll(socket);
        });
        yield* refused(() => Client(fake.address, secret), message);
        yield* server;
      }
    });
  });

  it('lets a peer that proves itself send, and cuts it off at a frame over the limit or a malformed value', async () => {
    await run(function* () {
      for (const attack of [
        Buffer.from([0, 0, 0, 64]),
        frame(Buffer.from([40])),
        frame(Buffer.alloc(5000, Buffer.from([12, 1]))),
      ]) {
        const listener: Listener = new Listener('127.0.0.1:0', { ...secret, maxFrame: 10_000 });
        yield* listener.start();
        using socket = yield* createConnection(listener.address);
        const theirs = Buffer.from((yield* socket.recvExactly(45)).subarray(4));
        const mine = hello();
        yield* socket.sendall(Buffer.concat([frame(mine), frame(prove('client', mine, theirs))]));
        const proof = yield* socket.recvExactly(36);
        expect(proof.subarray(4).equals(prove('server', mine, theirs))).toBe(true);
        using connection = yield* listener.accept();
        yield* socket.sendall(frame(Buffer.from([65])));
        expect(yield* connection.recv()).toBe(1);
        yield* socket.sendall(attack);
        let failure: unknown;
        try {
          yield* connection.recv({ timeout: 2000 });
        } catch (error) {
          failure = error;
        }
        expect(String(failure)).toMatch(/announces|1073741824 bytes|unknown kind 40|more than 500 levels deep/);
        listener.close();
      }
    });
  });

  it('refuse to send a value over the limit, and go on', async () => {
    await run(function* () {
      yield* serving({}, function* (listener) {
        using connection = yield* Client(listener.address, { ...secret, maxFrame: 1000 });
        let failure: unknown;
        try {
          yield* connection.send('x'.repeat(1000));
        } catch (error) {
          failure = error;
        }
        expect(failure).toBeInstanceOf(RangeError);
        expect((failure as Error).message).toBe('what is to be sent takes 1003 bytes: maxFrame allows 1000');
        yield* connection.send('x'.repeat(900));
        expect((yield* connection.recv()).length).toBe(900);
      });
    });
  });

  it('send away a peer that never finishes the handshake, and let others in meanwhile', async () => {
    await run(function* () {
      yield* serving({ handshakeTimeout: 150 }, function* (listener) {
        using silent = yield* createConnection(listener.address);
        using half = yield* createConnection(listener.address);
        yield* half.sendall(frame(hello()).subarray(0, 20));
        const started = performance.now();
        using connection = yield* Client(listener.address, secret);
        yield* connection.send('meanwhile');
        expect(yield* connection.recv()).toBe('meanwhile');
        expect(performance.now() - started).toBeLessThan(140);
        yield* readAll(silent);
        yield* readAll(half);
        expect(performance.now() - started).toBeLessThan(1500);
        expect(listener.refused).toBe(2);
      });
    });
  });

  it('keep no more than so many strangers: the oldest must go', async () => {
    await run(function* () {
      yield* serving({ maxUnauthenticated: 3 }, function* (listener) {
        const strangers = [];
        for (let i = 0; i < 5; i++) {
          const socket = yield* createConnection(listener.address);
          yield* socket.recvExactly(45);
          strangers.push(socket);
        }
        yield* readAll(strangers[0]!);
        yield* readAll(strangers[1]!);
        using connection = yield* Client(listener.address, secret);
        yield* connection.send('in');
        expect(yield* connection.recv()).toBe('in');
        for (const socket of strangers) socket.close();
      });
    });
  });

  it('take back what is killed or runs out of time, and leave nothing open', async () => {
    const before = handles();
    await run(function* () {
      const listener = new Listener('127.0.0.1:0', secret);
      let failure: unknown;
      try {
        yield* listener.accept(5);
      } catch (error) {
        failure = error;
      }
      expect(failure).toBeInstanceOf(Timeout);
      const accepting = spawn(() => listener.accept());
      yield* sleep(0);
      yield* accepting.kill();
      using deaf = yield* listen('127.0.0.1:0');
      const connecting = spawn(() => Client(deaf.address, secret));
      const peer = yield* deaf.accept();
      yield* peer.recvExactly(45);
      yield* connecting.kill();
      yield* readAll(peer);
      peer.close();
      const late = spawn(function* () {
        try {
          yield* Client(deaf.address, { ...secret, timeout: 20 });
        } catch (error) {
          return error;
        }
      });
      const other = yield* deaf.accept();
      expect(yield* late).toBeInstanceOf(Timeout);
      other.close();
      using client = yield* Client(listener.address, secret);
      using server = yield* listener.accept();
      yield* client.send('still works');
      expect(yield* server.recv()).toBe('still works');
      listener.close();
    });
    await nextTurn();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(handles()).toEqual(before);
  });

  it('wake who waits in accept when the listener is closed', async () => {
    await run(function* () {
      const listener = new Listener(undefined, secret);
      const accepting = spawn(function* () {
        try {
          yield* listener.accept();
        } catch (error) {
          return error;
        }
      });
      yield* sleep(5);
      listener.close();
      expect(yield* accepting).toBeInstanceOf(ConnectionClosedError);
      let failure: unknown;
      try {
        yield* listener.start();
      } catch (error) {
        failure = error;
      }
      expect(failure).toBeInstanceOf(ConnectionClosedError);
      expect(listener.closed).toBe(true);
    });
  });

  it('check their arguments', () => {
    const address: Endpoint = new Listener('127.0.0.1:0', secret).address;
    expect(address.host).toBe('127.0.0.1');
    expect(() => new Listener('127.0.0.1:0', { maxFrame: 0 })).toThrow(RangeError);
    expect(() => new Listener('127.0.0.1:0', { maxFrame: 2 ** 31 })).toThrow(/give at most 1073741824/);
    expect(() => new Listener('127.0.0.1:0', { backlog: 0 })).toThrow(/backlog/);
    expect(() => new Listener('127.0.0.1:0', { maxUnauthenticated: 0 })).toThrow(/maxUnauthenticated/);
    expect(() => new Listener('127.0.0.1:0', { handshakeTimeout: -1 })).toThrow(/handshakeTimeout/);
    expect(() => new Listener('127.0.0.1:0', { encrypt: 1 as never })).toThrow(/encrypt is 1: give true or false/);
    expect(() => new Listener('127.0.0.1:0', { authkey: 5 as never })).toThrow(/authkey is 5: give a string or bytes/);
    expect(() => Client('127.0.0.1:1', { timeout: -1 })).toThrow(RangeError);
    expect(() => new Listener('127.0.0.1:0').accept(-1)).toThrow(RangeError);
  });
});
