/** The cases of sendfile and of socketpair in CPython's test_socket. */
import { writeFileSync } from 'node:fs';
import { type Coroutine, run, spawn, Timeout } from 'genlet';
import { open, type Socket, socketpair } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { at, useFolder } from '../io/fs-support.ts';
import { thrown, watchResources, withPair } from '../io/support.ts';
import { watchHub } from '../support/hub.ts';

watchHub();
watchResources();
useFolder();

const DATA = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 251));

/** What arrives while `send` sends a file of `DATA`, and where that is then. */
const sent = (send: (socket: Socket, path: string) => Coroutine<number>): Promise<{ count: number; data: Buffer }> =>
  withPair(function* (client, server) {
    writeFileSync(at('data'), DATA);
    const reader = spawn(function* () {
      const parts: Buffer[] = [];
      for (let part: Buffer; (part = yield* server.recv()).length > 0; ) parts.push(part);
      return Buffer.concat(parts);
    });
    const count = yield* send(client, at('data'));
    client.shutdown('write');
    return { count, data: yield* reader };
  });

describe('sendFile', () => {
  it('sends a whole file, and leaves it at its end', async () => {
    const { count, data } = await sent(function* (socket, path) {
      using file = yield* open(path);
      const count = yield* socket.sendFile(file);
      expect(file.tell()).toBe(DATA.length);
      return count;
    });
    expect([count, data.equals(DATA)]).toEqual([DATA.length, true]);
  });

  it('sends a file that is named', async () => {
    const { count, data } = await sent((socket, path) => socket.sendFile(path) as Coroutine<number>);
    expect([count, data.equals(DATA)]).toEqual([DATA.length, true]);
  });

  it('sends nothing of an empty file', async () => {
    const { count, data } = await sent(function* (socket) {
      writeFileSync(at('empty'), '');
      using file = yield* open(at('empty'));
      const count = yield* socket.sendFile(file);
      expect(file.tell()).toBe(0);
      return count;
    });
    expect([count, data.length]).toEqual([0, 0]);
  });

  it.each([
    ['from an offset', { offset: 5000 }, 5000, DATA.length],
    ['a number of bytes', { count: 500_007 }, 0, 500_007],
    ['one byte', { count: 1 }, 0, 1],
    ['a number of bytes from an offset', { offset: 2007, count: 100_007 }, 2007, 102_014],
    ['no more than there are', { offset: 999_990, count: 100 }, 999_990, DATA.length],
    ['within its time limit', { timeout: 5000 }, 0, DATA.length],
  ])('sends %s', async (_, options, from, to) => {
    const { count, data } = await sent(function* (socket, path) {
      using file = yield* open(path);
      const count = yield* socket.sendFile(file, options);
      expect(file.tell()).toBe(to);
      return count;
    });
    expect([count, data.equals(DATA.subarray(from, to))]).toEqual([to - from, true]);
  });

  it('throws Timeout if the peer does not read', () =>
    withPair(function* (client) {
      writeFileSync(at('data'), Buffer.alloc(30_000_000));
      client.timeout = 20;
      expect(yield* thrown(client.sendFile(at('data')))).toBeInstanceOf(Timeout);
    }));

  it('refuses numbers that are none, at the call', () =>
    withPair(function* (client) {
      writeFileSync(at('data'), DATA);
      for (const count of ['2', 0.1, -1])
        expect(() => client.sendFile(at('data'), { count: count as never })).toThrow(/count is/);
      for (const offset of ['2', 0.1, -1])
        expect(() => client.sendFile(at('data'), { offset: offset as never })).toThrow(/offset is/);
      expect(yield* thrown(client.sendFile(at('missing')))).toMatchObject({ code: 'ENOENT' });
      expect(yield* thrown(client.sendFile(at('')))).toMatchObject({ code: 'EISDIR' });
    }));
});

describe('socketpair', () => {
  it('gives two that are connected', () =>
    run(function* () {
      const [left, right] = yield* socketpair();
      yield* left.sendall('from left');
      yield* right.sendall('from right');
      expect([String(yield* right.recv(1024)), String(yield* left.recv(1024))]).toEqual(['from left', 'from right']);
      left.close();
      right.close();
    }));

  it('gives two that end half and wholly', () =>
    run(function* () {
      const [left, right] = yield* socketpair();
      left.shutdown('write');
      expect((yield* right.recv()).length).toBe(0);
      yield* right.sendall('hello world');
      right.close();
      expect(String(yield* left.recvExactly(11))).toBe('hello world');
      expect((yield* left.recv()).length).toBe(0);
      left.close();
    }));
});
