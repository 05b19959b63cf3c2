/** Reading and writing, and the behaviour at the edges: kill, close, reset, half-close, back-pressure, two readers. */
import { connect, Socket as NodeSocket } from 'node:net';
import {
  ConcurrentObjectUseError,
  fromEvent,
  IncompleteReadError,
  LimitOverrunError,
  type Operation,
  run,
  SocketClosedError,
  sleep,
  spawn,
  Timeout,
  withTimeout,
} from 'genlet';
import { listen, Socket } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { eventually, pair, thrown, untilBlocked, watchResources, withPair } from './support.ts';

const { takeReports } = watchHub();
watchResources();

/** Bytes that have arrived at `socket` and were not read. */
function* arrived(socket: Socket, bytes: number) {
  yield* eventually(() => socket.bytesRead >= bytes);
}

describe('recv', () => {
  it('gives what is there, and an empty buffer at the end of the stream, again and again', () =>
    withPair(function* (client, server) {
      yield* client.sendall('hello');
      client.shutdown('write');
      const received = [yield* server.recv(), yield* server.recv(), yield* server.recv()];
      expect(received.map(String)).toEqual(['hello', '', '']);
    }));

  it('gives at most n bytes and keeps the others', () =>
    withPair(function* (client, server) {
      yield* client.sendall('abcdef');
      yield* arrived(server, 6);
      expect([`${yield* server.recv(4)}`, `${yield* server.recv(4)}`]).toEqual(['abcd', 'ef']);
    }));

  it('gives at most n bytes to a reader that waited', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.recv(2));
      yield* untilBlocked(reader);
      yield* client.sendall('abc');
      expect(`${yield* reader}`).toBe('ab');
      expect(`${yield* server.recv()}`).toBe('c');
    }));

  it('loses nothing when it is killed', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.recv());
      yield* untilBlocked(reader);
      yield* reader.kill();
      yield* client.sendall('later');
      expect(`${yield* server.recv()}`).toBe('later');
    }));

  it('lets a greenlet have what it was granted before the kill', () =>
    withPair(function* (client, server) {
      const got: string[] = [];
      const reader = spawn(function* () {
        got.push(`${yield* server.recv()}`);
        yield* sleep(0);
        got.push('never');
      });
      yield* untilBlocked(reader);
      // Runs in each check phase before the hub: it kills a reader that has been woken and has not run yet.
      const killWoken = () => (reader.isBlocked() ? setImmediate(killWoken) : void reader.kill());
      setImmediate(killWoken);
      yield* client.sendall('granted');
      yield* reader.join();
      expect(got).toEqual(['granted']);
    }));

  it('throws Timeout in time, and the socket can be used on', () =>
    withPair(function* (client, server) {
      const error = yield* thrown(server.recv(10, { timeout: 5 }));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toBe(`Socket.recv() from ${server.remote} timed out after 5 ms`);
      expect(error.stack).toContain('socket.test.ts');
      yield* client.sendall('later');
      expect(`${yield* server.recv(10, { timeout: 5000 })}`).toBe('later');
    }));

  it('only looks with a timeout of 0', () =>
    withPair(function* (client, server) {
      expect(yield* thrown(server.recv(1, { timeout: 0 }))).toBeInstanceOf(Timeout);
      yield* client.sendall('x');
      yield* arrived(server, 1);
      expect(`${yield* server.recv(1, { timeout: 0 })}`).toBe('x');
    }));

  it("takes the socket's timeout unless it is given one", () =>
    withPair(function* (client, server) {
      server.timeout = 5;
      expect(yield* thrown(server.recv())).toBeInstanceOf(Timeout);
      expect(yield* thrown(server.readline())).toBeInstanceOf(Timeout);
      const patient = spawn(() => server.recv(1, { timeout: null }));
      yield* sleep(10);
      yield* client.sendall('x');
      expect(`${yield* patient}`).toBe('x');
      server.timeout = null;
      expect(server.timeout).toBeUndefined();
    }));

  it('lets a Timeout around it through, and its bytes stay', () =>
    withPair(function* (client, server) {
      expect(yield* withTimeout(5, () => server.recv(), { value: 'late' })).toBe('late');
      yield* client.sendall('x');
      expect(`${yield* server.recv()}`).toBe('x');
    }));

  it('throws SocketClosedError when another greenlet closes the socket, and ever after', () =>
    withPair(function* (_, server) {
      const reader = spawn(() => thrown(server.recv()));
      yield* untilBlocked(reader);
      server.close();
      const error = yield* reader;
      expect(error).toBeInstanceOf(SocketClosedError);
      expect(error.message).toMatch(/^Socket 127\.0\.0\.1:\d+ was closed by <main>$/);
      expect(error.stack).toContain('support.ts');
      expect(yield* thrown(server.readline())).toBe(error);
      expect(yield* thrown(server.sendall('x'))).toBe(error);
      expect(server.closed).toBe(true);
      server.close();
    }));

  it("throws the peer's reset where it is read, with the coroutine's stack, and never as an uncaught error", () =>
    withPair(function* (client, server) {
      const reader = spawn(function* reading() {
        return yield* thrown(server.recv());
      });
      yield* untilBlocked(reader);
      client.abort();
      const error = yield* reader;
      expect(error.code).toBe('ECONNRESET');
      expect(error.stack).toContain('socket.test.ts');
      expect((yield* thrown(server.recv())).code).toBe('ECONNRESET');
    }));

  it('keeps a reset for whoever reads later', () =>
    withPair(function* (client, server) {
      yield* client.sendall('before');
      yield* arrived(server, 6);
      client.abort();
      yield* eventually(() => server.stream.destroyed);
      expect(`${yield* server.recv()}`).toBe('before');
      expect((yield* thrown(server.recv())).code).toBe('ECONNRESET');
      expect((yield* thrown(server.sendall('x'))).code).toBe('ECONNRESET');
    }));

  it('refuses a second reader by naming both greenlets', () =>
    withPair(function* (client, server) {
      const first = spawn(() => server.recv());
      first.name = 'first';
      yield* untilBlocked(first);
      const second = spawn(() => thrown(server.readline()));
      second.name = 'second';
      const error = yield* second;
      expect(error).toBeInstanceOf(ConcurrentObjectUseError);
      expect(error.message).toBe(
        `<second> can't perform Socket.readline() from ${server.remote}: <first> is blocked there already, in Socket.recv() from ${server.remote}`,
      );
      yield* client.sendall('x');
      expect(`${yield* first}`).toBe('x');
    }));
});

describe('recvInto', () => {
  it('fills memory, and gives 0 at the end', () =>
    withPair(function* (client, server) {
      const target = Buffer.alloc(4);
      yield* client.sendall('abcdef');
      client.shutdown('write');
      yield* arrived(server, 6);
      expect(yield* server.recvInto(target)).toBe(4);
      expect(String(target)).toBe('abcd');
      expect(yield* server.recvInto(target)).toBe(2);
      expect(String(target)).toBe('efcd');
      expect(yield* server.recvInto(target)).toBe(0);
    }));

  it('loses no byte of many, whatever the size of the memory, and whichever other calls come between', () =>
    withPair(function* (client, server) {
      const sent = Buffer.from(Array.from({ length: 4_000_003 }, (_, i) => (i * 7 + (i >> 9)) & 255));
      const sender = spawn(function* () {
        yield* client.sendall(sent);
        client.shutdown('write');
      });
      const parts: Buffer[] = [];
      const sizes = [65_536, 10, 100_000, 65_535, 300_000, 1];
      for (let call = 0, count = -1; count !== 0; call++) {
        const target = Buffer.alloc(sizes[call % sizes.length]!);
        if (call % 7 === 3) {
          const memory = Buffer.alloc(1000);
          const reader = spawn(() => server.recvInto(memory));
          yield* untilBlocked(reader);
          yield* reader.kill();
          const granted: unknown = yield* reader; // what was granted before the kill stands
          if (typeof granted === 'number') parts.push(memory.subarray(0, granted));
        }
        if (call % 7 === 5) {
          const bytes = yield* server.recv();
          count = bytes.length;
          parts.push(bytes);
        } else {
          count = yield* server.recvInto(target);
          parts.push(target.subarray(0, count));
        }
        if (call % 13 === 0) yield* sleep(0);
      }
      yield* sender;
      expect(Buffer.concat(parts).equals(sent)).toBe(true);
    }));

  it('lets bytes come again when nobody reads, as far as there is room', () =>
    withPair(function* (client, server) {
      const sender = spawn(() => client.sendall(Buffer.alloc(2_000_000)));
      const target = Buffer.alloc(2_000_000);
      yield* arrived(server, 65_536); // the others wait in the system
      let received = yield* server.recvInto(target);
      for (let count = 0; count !== 65_536 && received < target.length; )
        received += count = yield* server.recvInto(target);
      yield* arrived(server, received + 1);
      while (received < target.length) received += yield* server.recvInto(target);
      yield* sender;
    }));
});

describe('recvExactly', () => {
  it('waits for all bytes, however they come', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.recvExactly(5));
      for (const byte of 'hello!') yield* client.sendall(byte);
      expect(`${yield* reader}`).toBe('hello');
      expect(`${yield* server.recv()}`).toBe('!');
      expect(yield* server.recvExactly(0)).toHaveLength(0);
    }));

  it('leaves what has come readable when it is killed or times out', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.recvExactly(10));
      yield* untilBlocked(reader);
      yield* client.sendall('part');
      yield* arrived(server, 4);
      yield* reader.kill();
      expect(yield* thrown(server.recvExactly(10, { timeout: 5 }))).toBeInstanceOf(Timeout);
      expect(`${yield* server.recv()}`).toBe('part');
    }));

  it('throws what there was at the end of the stream', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => thrown(server.recvExactly(10)));
      yield* client.sendall('short');
      client.shutdown('write');
      const error = yield* reader;
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(String(error.partial)).toBe('short');
      expect(error.message).toBe(`Socket.recvExactly() from ${server.remote}: the stream ended after 5 bytes`);
      expect(yield* server.recv()).toHaveLength(0);
    }));

  it('takes more than the mark at which the stream is paused', () =>
    withPair(function* (client, server) {
      const size = 5_000_000;
      const writer = spawn(() => client.sendall(Buffer.alloc(size, 'x')));
      yield* arrived(server, 65_536);
      const bytes = yield* server.recvExactly(size);
      expect(bytes.equals(Buffer.alloc(size, 'x'))).toBe(true);
      yield* writer;
    }));
});

describe('readUntil', () => {
  it('gives the bytes up to and with the separator', () =>
    withPair(function* (client, server) {
      yield* client.sendall('head\r\n\r\nbody');
      expect(`${yield* server.readUntil('\r\n\r\n')}`).toBe('head\r\n\r\n');
      expect(`${yield* server.recv()}`).toBe('body');
    }));

  it('finds a separator that comes byte by byte', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.readUntil(Buffer.from('--end')));
      yield* untilBlocked(reader);
      for (const byte of 'a-b--c--end.') {
        yield* client.sendall(byte);
        yield* sleep(0);
      }
      expect(`${yield* reader}`).toBe('a-b--c--end');
      expect(`${yield* server.recv()}`).toBe('.');
    }));

  it('leaves what has come readable when it is killed, times out or goes over its limit', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.readUntil('!'));
      yield* untilBlocked(reader);
      yield* client.sendall('0123456789');
      yield* arrived(server, 10);
      yield* reader.kill();
      expect(yield* thrown(server.readUntil('!', { timeout: 5 }))).toBeInstanceOf(Timeout);
      const error = yield* thrown(server.readUntil('!', { limit: 9 }));
      expect(error).toBeInstanceOf(LimitOverrunError);
      expect(error.message).toContain('no separator within 9 bytes; they stay readable');
      yield* client.sendall('!');
      expect(yield* thrown(server.readUntil('!', { limit: 9 }))).toBeInstanceOf(LimitOverrunError);
      expect(`${yield* server.readUntil('!', { limit: 10 })}`).toBe('0123456789!');
    }));

  it('goes over its limit while it waits', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => thrown(server.readUntil('!', { limit: 100_000 })));
      yield* untilBlocked(reader);
      const writer = spawn(() => client.sendall(Buffer.alloc(1_000_000)));
      expect(yield* reader).toBeInstanceOf(LimitOverrunError);
      expect(yield* server.recvExactly(1_000_000)).toHaveLength(1_000_000);
      yield* writer;
    }));

  it('throws what there was at the end of the stream', () =>
    withPair(function* (client, server) {
      yield* client.sendall('no end');
      client.shutdown('write');
      const error = yield* thrown(server.readUntil('!'));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(String(error.partial)).toBe('no end');
    }));
});

describe('readline', () => {
  it('gives lines without their ends, an unfinished last one too, then undefined', () =>
    withPair(function* (client, server) {
      yield* client.sendall('one\ntwo\r\n\n\r\nthrée\nlast');
      client.shutdown('write');
      const lines: (string | undefined)[] = [];
      do lines.push(yield* server.readline());
      while (lines.at(-1) !== undefined);
      expect(lines).toEqual(['one', 'two', '', '', 'thrée', 'last', undefined]);
    }));

  it('decodes a character that is cut in two', () =>
    withPair(function* (client, server) {
      const bytes = Buffer.from('é\n');
      yield* client.sendall(bytes.subarray(0, 1));
      yield* arrived(server, 1);
      yield* client.sendall(bytes.subarray(1));
      expect(yield* server.readline()).toBe('é');
      yield* client.sendall(Buffer.from([0xe9, 10]));
      expect(yield* server.readline({ encoding: 'latin1' })).toBe('é');
    }));

  it('reads long lines', () =>
    withPair(function* (client, server) {
      const line = 'x'.repeat(1_000_000);
      const writer = spawn(() => client.sendall(`${line}\nshort\n`));
      expect(yield* thrown(server.readline())).toBeInstanceOf(LimitOverrunError);
      expect(yield* server.readline({ limit: 1_000_000 })).toBe(line);
      expect(yield* server.readline()).toBe('short');
      yield* writer;
    }));

  it('reads a long line of single bytes in a reasonable time', () =>
    withPair(function* (client, server) {
      const begin = performance.now();
      const reader = spawn(() => server.readline({ limit: 100_000 }));
      for (let index = 0; index < 20_000; index++) yield* client.sendall('x');
      yield* client.sendall('\n');
      expect(yield* reader).toHaveLength(20_000);
      expect(performance.now() - begin).toBeLessThan(5000);
    }));
});

describe('send and sendall', () => {
  it('send strings and bytes of all kinds', () =>
    withPair(function* (client, server) {
      yield* client.sendall('é');
      yield* client.sendall(Buffer.from('b'));
      yield* client.sendall(Uint8Array.of(99));
      expect(yield* client.send('dé')).toBe(3);
      expect(yield* client.send('')).toBe(0);
      expect(`${yield* server.recvExactly(7)}`).toBe('ébcdé');
    }));

  it('are held up while the peer does not read, and the memory is bounded', () =>
    withPair(function* (client, server) {
      const chunk = Buffer.alloc(65_536);
      let sent = 0;
      const writer = spawn(function* () {
        for (;;) {
          yield* client.sendall(chunk);
          sent += chunk.length;
        }
      });
      let before = -1;
      while (before !== sent) {
        before = sent;
        yield* sleep(50);
      }
      expect(writer.isBlocked()).toBe(true);
      expect(server.bytesRead).toBeLessThanOrEqual(65_536 * 3);
      yield* server.recvExactly(before);
      yield* eventually(() => sent > before);
      yield* writer.kill();
    }));

  it('tells how much of the bytes was accepted', () =>
    withPair(function* (client, server) {
      const bytes = Buffer.alloc(50_000_000, 'x');
      const accepted = yield* client.send(bytes);
      expect(accepted).toBeGreaterThan(0);
      expect(accepted).toBeLessThan(bytes.length);
      expect((yield* server.recvExactly(accepted)).length).toBe(accepted);
    }));

  it('arrive in order and whole under back-pressure', () =>
    withPair(function* (client, server) {
      const total = 3_000_000;
      const writer = spawn(function* () {
        for (let next = 0; next < total; ) {
          const bytes = Buffer.alloc(1 + (next % 40_000));
          for (let index = 0; index < bytes.length; index++) bytes[index] = (next + index) % 251;
          if (next % 2) yield* client.sendall(bytes);
          else for (let at = 0; at < bytes.length; ) at += yield* client.send(bytes.subarray(at));
          next += bytes.length;
        }
        client.shutdown('write');
      });
      let received = 0;
      for (let bytes: Buffer; (bytes = yield* server.recv(1 + (received % 50_000))).length > 0; ) {
        for (const byte of bytes) if (byte !== received++ % 251) throw new Error(`byte ${received} is wrong`);
        if (received % 7 === 0) yield* sleep(0);
      }
      yield* writer;
      expect(received).toBeGreaterThanOrEqual(total);
    }));

  /** Fills the way to the peer until `sendall` blocks. */
  function* blockedWriter(client: Socket) {
    const writer = spawn(function* () {
      for (;;) yield* client.sendall(Buffer.alloc(1_000_000));
    });
    yield* eventually(() => writer.isBlocked());
    return writer;
  }

  it.each([
    ['send', (client: Socket): Operation<unknown> => client.send('kept back')],
    ['sendall', (client: Socket): Operation<unknown> => client.sendall('kept back')],
  ])('%s sends nothing when it is killed or times out before there is room', (_, send) =>
    withPair(function* (client, server) {
      yield* (yield* blockedWriter(client)).kill();
      const before = client.bytesWritten;
      const writer = spawn(() => send(client));
      yield* untilBlocked(writer);
      yield* writer.kill();
      client.timeout = 5;
      const error = yield* thrown(send(client));
      expect(error).toBeInstanceOf(Timeout);
      expect(error.message).toMatch(/^Socket\.send(all)?\(\) to 127\.0\.0\.1:\d+ timed out after 5 ms$/);
      client.timeout = 0;
      expect(yield* thrown(send(client))).toBeInstanceOf(Timeout);
      expect(client.bytesWritten).toBe(before);
      client.timeout = null;
      const last = spawn(() => send(client));
      yield* server.recvExactly(before);
      yield* last;
      expect(`${yield* server.recv()}`).toBe('kept back');
    }),
  );

  it('throw SocketClosedError, EPIPE or the reset into a blocked writer', () =>
    run(function* () {
      const ends: [(client: Socket, server: Socket) => void, string][] = [
        [(client) => client.abort(), 'GENLET_SOCKET_CLOSED'],
        [(client) => client.shutdown('write'), 'EPIPE'],
        [(_, server) => server.abort(), 'ECONNRESET'],
      ];
      for (const [end, code] of ends) {
        const [client, server] = yield* pair();
        const writer = spawn(() => thrown(client.sendall(Buffer.alloc(50_000_000))));
        yield* eventually(() => writer.isBlocked());
        end(client, server);
        expect((yield* writer).code).toBe(code);
        client.abort();
        server.abort();
      }
    }));

  it('refuse a second writer by naming both greenlets', () =>
    withPair(function* (client) {
      const writer = yield* blockedWriter(client);
      const error = yield* thrown(client.send('x'));
      expect(error).toBeInstanceOf(ConcurrentObjectUseError);
      expect(error.message).toContain(
        `<${writer.name}> is blocked there already, in Socket.sendall() to ${client.remote}`,
      );
      yield* writer.kill();
    }));

  it('throw EPIPE or ECONNRESET when the peer is gone', () =>
    withPair(function* (client, server) {
      server.close();
      expect(yield* client.recv()).toHaveLength(0);
      const writer = spawn(function* () {
        for (;;) {
          yield* client.sendall('x');
          yield* sleep(1);
        }
      });
      yield* writer.join();
      expect((writer.exception as any).code).toMatch(/^(EPIPE|ECONNRESET)$/);
      expect(client.isBrokenBy(writer.exception)).toBe(true);
      expect(yield* client.recv()).toHaveLength(0);
      expect(yield* takeReportsSoon()).toHaveLength(1);
    }));

  function* takeReportsSoon() {
    let reports: unknown[] = [];
    void takeReports().then((taken) => {
      reports = taken;
    });
    yield* eventually(() => reports.length > 0);
    return reports;
  }
});

describe('the end', () => {
  it('can be that of one direction', () =>
    withPair(function* (client, server) {
      client.shutdown('write');
      expect(yield* server.recv()).toHaveLength(0);
      yield* server.sendall('still');
      expect(`${yield* client.recv()}`).toBe('still');
      const error = yield* thrown(client.sendall('x'));
      expect(error.code).toBe('EPIPE');
      expect(error.message).toBe(`Socket.sendall() to ${client.remote}: this side was shut down for writing`);
      client.shutdown('write');
      server.shutdown('both');
      expect(yield* client.recv()).toHaveLength(0);
    }));

  it('of reading wakes the reader with the end of the stream', () =>
    withPair(function* (client, server) {
      const reader = spawn(() => server.recv());
      yield* untilBlocked(reader);
      server.shutdown('read');
      expect(yield* reader).toHaveLength(0);
      yield* client.sendall('dropped');
      yield* server.sendall('still');
      expect(`${yield* client.recv()}`).toBe('still');
      expect(yield* server.recv()).toHaveLength(0);
    }));

  it('by close comes after all that was sent', () =>
    withPair(function* (client, server) {
      const bytes = Buffer.alloc(10_000_000, 'x');
      const writer = spawn(function* () {
        yield* client.sendall(bytes);
        yield* client.sendall('end');
        client.close();
      });
      expect((yield* server.recvExactly(bytes.length + 3)).toString('latin1', bytes.length)).toBe('end');
      expect(yield* server.recv()).toHaveLength(0);
      yield* writer;
    }));

  it('comes with `using`', () =>
    run(function* () {
      const [client, server] = yield* pair();
      {
        using _ = client;
      }
      expect(client.closed).toBe(true);
      expect(yield* server.recv()).toHaveLength(0);
      server.close();
    }));

  it('frees both sides when both have closed', () =>
    run(function* () {
      for (let index = 0; index < 100; index++) {
        const [client, server] = yield* pair();
        client.close();
        server.close();
      }
    }));
});

describe('a socket', () => {
  it('knows both addresses, its counters and its options', () =>
    withPair(function* (client, server) {
      expect(`${client.address}`).toBe(`${server.remote}`);
      expect(`${client.remote}`).toBe(`${server.address}`);
      expect(`${client}`).toBe(`Socket ${client.remote}`);
      expect([client.noDelay, server.noDelay, client.keepAlive]).toEqual([true, true, false]);
      client.noDelay = false;
      client.keepAlive = 10_000;
      expect([client.noDelay, client.keepAlive]).toEqual([false, 10_000]);
      yield* client.sendall('12345');
      yield* arrived(server, 5);
      expect([client.bytesWritten, server.bytesRead, server.bytesWritten]).toEqual([5, 5, 0]);
    }));

  it('can be made over a socket of node:net, whatever had arrived there', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = connect(listener.address.port, '127.0.0.1');
      expect(() => new Socket(stream)).toThrow('give a connected socket of node:net');
      yield* fromEvent(stream, 'connect');
      using server = yield* listener.accept();
      yield* server.sendall('early');
      yield* eventually(() => stream.bytesRead === 5);
      using socket = new Socket(stream);
      expect(`${yield* socket.recv()}`).toBe('early');
      server.shutdown('write');
      expect(yield* socket.recv()).toHaveLength(0);
      yield* socket.sendall('half open');
      expect(`${yield* server.recv()}`).toBe('half open');
    }));

  it('checks its arguments first', () =>
    withPair(function* (client) {
      expect(() => client.recv(0)).toThrow('n is 0: give a whole number, 1 or more');
      expect(() => client.recv(1, { timeout: -1 })).toThrow('timeout is -1: give milliseconds, 0 or more');
      expect(() => client.recvInto(Buffer.alloc(0))).toThrow('give a Uint8Array or a Buffer that is not empty');
      expect(() => client.recvExactly(1.5)).toThrow('n is 1.5: give a whole number, 0 or more');
      expect(() => client.readUntil('')).toThrow('separator is empty: give at least one byte');
      expect(() => client.readUntil(5 as never)).toThrow('separator is 5: give a string, a Buffer or a Uint8Array');
      expect(() => client.readUntil('x', { limit: -1 })).toThrow('limit is -1');
      expect(() => client.readline({ encoding: 'utf99' as never })).toThrow("encoding is 'utf99'");
      expect(() => client.send(5 as never)).toThrow('data is 5: give a string, a Buffer or a Uint8Array');
      expect(() => client.sendall(undefined as never)).toThrow('data is undefined');
      expect(() => client.shutdown('all' as never)).toThrow("how is 'all': give 'read', 'write' or 'both'");
      expect(() => {
        client.timeout = Number.NaN;
      }).toThrow(RangeError);
      expect(() => new Socket({} as never)).toThrow('stream is {}: give a connected socket of node:net');
      expect(() => new Socket(new NodeSocket().destroy())).toThrow(TypeError);
    }));

  it('ends its calls when the node:net socket below is destroyed, and still knows its address', () =>
    withPair(function* (client) {
      const address = String(client.address);
      const reader = spawn(() => thrown(client.recv()));
      yield* untilBlocked(reader);
      client.stream.destroy();
      expect(yield* reader).toBeInstanceOf(SocketClosedError);
      client.close();
      expect(String(client.address)).toBe(address);
    }));

  it('loses nothing when a call is iterated by something other than yield*', () =>
    withPair(function* (client, server) {
      yield* server.sendall('hello');
      yield* arrived(client, 5);
      expect(() => [...(client.recv() as never)]).toThrow(TypeError);
      expect(() => {
        const [bytes] = client.recv() as Iterable<unknown>;
        return bytes;
      }).toThrow(TypeError);
      expect(String(yield* client.recv())).toBe('hello');
    }));

  it('has few listeners, and no more after kills and timeouts', () =>
    run(function* () {
      using listener = yield* listen('127.0.0.1:0');
      const stream = connect(listener.address.port, '127.0.0.1');
      yield* fromEvent(stream, 'connect');
      using server = yield* listener.accept();
      using socket = new Socket(stream);
      const count = () => stream.eventNames().reduce((sum, name) => sum + stream.listenerCount(name), 0);
      const before = count();
      for (let index = 0; index < 50; index++) {
        const reader = spawn(() => socket.readline());
        const writer = spawn(() => socket.sendall(Buffer.alloc(1_000_000)));
        yield* eventually(() => reader.isBlocked() && (writer.isBlocked() || writer.dead));
        yield* reader.kill();
        yield* writer.kill();
      }
      expect(count()).toBe(before);
      socket.abort();
      server.abort();
    }));
});
