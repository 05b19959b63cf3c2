/** Other programs at the other end: `nc` and `socat`, well-behaved and not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coroutine, run, sleep, spawn } from 'genlet';
import { createConnection, listen, Popen, runProcess, type Socket, StreamServer, UdpSocket } from 'genlet/io';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { watchEverything } from './census.ts';
import { eventually } from './support.ts';

const { takeReports } = watchHub();
watchEverything();

/** Skips with a message where a program is not installed. */
const needs = (program: string) => {
  const isThere = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!isThere) console.warn(`the tests with ${program} are skipped: it is not installed`);
  return describe.skipIf(!isThere);
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'genlet-peers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const echo = function* (socket: Socket) {
  for (let bytes: Buffer; (bytes = yield* socket.recv()).length > 0; ) yield* socket.sendall(bytes);
};

function* withServer(
  address: ConstructorParameters<typeof StreamServer>[0],
  handler: (socket: Socket) => Coroutine<void>,
  main: (server: StreamServer) => Coroutine<void>,
): Coroutine<void> {
  const server = new StreamServer(address, handler);
  yield* server.start();
  try {
    yield* main(server);
  } finally {
    yield* server.stop();
  }
}

/** A port that was free a moment ago. */
function* freePort(): Coroutine<number> {
  using listener = yield* listen('127.0.0.1:0');
  return listener.address.port;
}

/** Connects as soon as somebody listens. */
function* connectSoon(address: Parameters<typeof createConnection>[0]): Coroutine<Socket> {
  for (let attempt = 0; ; attempt++) {
    try {
      return yield* createConnection(address);
    } catch (error) {
      if (attempt === 300) throw error;
      yield* sleep(10);
    }
  }
}

const BULK = Buffer.alloc(3_000_000, 'bulk of bytes ');

needs('nc')('nc', () => {
  it('as a client of a server: sends, ends its side, and reads the answer', () =>
    run(() =>
      withServer('127.0.0.1:0', echo, function* (server) {
        const { stdout } = yield* runProcess(['nc', '-N', '127.0.0.1', `${server.port}`], {
          input: BULK,
          stdout: 'pipe',
        });
        expect(stdout.equals(BULK)).toBe(true);
      }),
    ));

  it('as a client over a Unix socket', () =>
    run(() =>
      withServer({ path: join(folder, 'nc.sock') }, echo, function* () {
        const args = ['nc', '-N', '-U', join(folder, 'nc.sock')];
        expect(String((yield* runProcess(args, { input: 'hello', stdout: 'pipe' })).stdout)).toBe('hello');
      }),
    ));

  it('as a server of one connection', () =>
    run(function* () {
      const port = yield* freePort();
      const nc = yield* Popen.spawn(['nc', '-N', '-l', '127.0.0.1', `${port}`], {
        stdin: 'pipe',
        stdout: 'pipe',
        encoding: 'utf8',
      });
      const socket = yield* connectSoon(`127.0.0.1:${port}`);
      yield* nc.stdin.write('from nc\n');
      expect(yield* socket.readline()).toBe('from nc');
      yield* socket.sendall('to nc\n');
      expect(yield* nc.stdout.readline()).toBe('to nc');
      socket.shutdown('write');
      yield* nc.communicate();
      expect(nc.returncode).toBe(0);
      expect((yield* socket.recv()).length).toBe(0);
      socket.close();
    }));

  it('killed in the middle of a conversation is an end or a reset', () =>
    run(() =>
      withServer('127.0.0.1:0', echo, function* (server) {
        const nc = yield* Popen.spawn(['nc', '127.0.0.1', `${server.port}`], { stdin: 'pipe', stdout: 'pipe' });
        yield* nc.stdin.write('hello\n');
        expect(yield* nc.stdout.readline()).toBe('hello');
        nc.kill();
        yield* nc.wait();
        nc[Symbol.dispose]();
        yield* eventually(() => server.connections === 0);
      }),
    ));

  it('that scans the port and says nothing', () =>
    run(() =>
      withServer('127.0.0.1:0', echo, function* (server) {
        for (let i = 0; i < 5; i++) {
          expect((yield* runProcess(['nc', '-z', '127.0.0.1', `${server.port}`])).returncode).toBe(0);
        }
        yield* eventually(() => server.connections === 0);
      }),
    ));
});

needs('socat')('socat', () => {
  it('as an echo server: bulk both ways at once, ended by halves', () =>
    run(function* () {
      const port = yield* freePort();
      using socat = yield* Popen.spawn(['socat', `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`, 'EXEC:cat']);
      const socket = yield* connectSoon(`127.0.0.1:${port}`);
      const sending = spawn(function* () {
        yield* socket.sendall(BULK);
        socket.shutdown('write');
      });
      expect((yield* socket.recvExactly(BULK.length)).equals(BULK)).toBe(true);
      yield* sending;
      expect((yield* socket.recv()).length).toBe(0);
      socket.close();
      expect(yield* socat.wait(5000)).toBe(0);
    }));

  it('as a client that writes byte by byte', () =>
    run(() =>
      withServer('127.0.0.1:0', echo, function* (server) {
        const args = ['socat', '-b', '1', '-t', '5', 'STDIO', `TCP:127.0.0.1:${server.port},nodelay`];
        const input = 'each byte for itself\n'.repeat(50);
        expect(String((yield* runProcess(args, { input, stdout: 'pipe' })).stdout)).toBe(input);
      }),
    ));

  it('as a client that resets', () =>
    run(function* () {
      const ends: string[] = [];
      const handler = function* (socket: Socket) {
        try {
          yield* socket.sendall('x'.repeat(100_000));
          for (;;) if ((yield* socket.recv()).length === 0) break;
          ends.push('end');
        } catch (error) {
          ends.push((error as { code: string }).code);
          throw error;
        }
      };
      yield* withServer('127.0.0.1:0', handler, function* (server) {
        for (let i = 0; i < 5; i++) {
          // an answer that is not read when the socket is closed makes a reset
          const args = ['socat', '-u', 'SYSTEM:echo hello', `TCP:127.0.0.1:${server.port},linger=0`];
          yield* runProcess(args, { stderr: 'ignore' });
        }
        yield* eventually(() => ends.length === 5);
        expect(ends.filter((end) => !['end', 'ECONNRESET', 'EPIPE'].includes(end))).toEqual([]);
      });
    }).then(async () => expect(await takeReports()).toEqual([])));

  it('as a forwarder between two of ours, over a Unix socket', () =>
    run(() =>
      withServer('127.0.0.1:0', echo, function* (server) {
        const path = join(folder, 'forward.sock');
        const args = ['socat', `UNIX-LISTEN:${path},fork`, `TCP:127.0.0.1:${server.port}`];
        const socat = yield* Popen.spawn(args);
        for (let i = 0; i < 3; i++) {
          const socket = yield* connectSoon({ path });
          yield* socket.sendall(`line ${i}\n`);
          expect(yield* socket.readline()).toBe(`line ${i}`);
          socket.shutdown('write');
          expect((yield* socket.recv()).length).toBe(0);
          socket.close();
        }
        yield* socat.stop();
      }),
    ));

  it('over UDP, both ways', () =>
    run(function* () {
      using socket = new UdpSocket();
      yield* socket.bind('127.0.0.1:0');
      using socat = yield* Popen.spawn(['socat', 'STDIO', `UDP:127.0.0.1:${socket.address.port}`], {
        stdin: 'pipe',
        stdout: 'pipe',
      });
      yield* socat.stdin.write('hello from socat\n');
      const { data, address } = yield* socket.recvfrom({ timeout: 5000 });
      expect(String(data)).toBe('hello from socat\n');
      yield* socket.sendto('hello back\n', address);
      expect(yield* socat.stdout.readline({ timeout: 5000 })).toBe('hello back');
    }));
});
