import { spawn as spawnProcess } from 'node:child_process';
import { type Coroutine, Event, fromEvent, Pool, run, sleep, spawn, spawnNow, suspend, until } from 'genlet';
import { createConnection, type Socket, StreamServer, type StreamServerOptions } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { watchHub } from '../support/hub.ts';
import { blockLookups, eventually, thrown, untilBlocked, watchResources } from './support.ts';

const { takeReports } = watchHub();
watchResources();

const here = '127.0.0.1:0';

function* echo(socket: Socket): Coroutine<void> {
  for (let bytes: Buffer; (bytes = yield* socket.recv()).length > 0; ) yield* socket.sendall(bytes);
}

/** Runs `main` with a server that is stopped afterwards. */
function withServer<T>(
  handler: (socket: Socket) => unknown,
  main: (server: StreamServer) => Coroutine<T>,
  options?: StreamServerOptions,
): Promise<T> {
  return run(function* () {
    const server = new StreamServer(here, handler, options);
    yield* server.start();
    try {
      return yield* main(server);
    } finally {
      yield* server.stop(0);
    }
  });
}

/** Sends a line and gives the answer, or what is thrown. */
function* ask(socket: Socket, text: string): Coroutine<string | undefined> {
  yield* socket.sendall(`${text}\n`);
  return yield* socket.readline();
}

/** What a client that has nothing to say receives: '' for the end, or the code of the error. */
function* fate(socket: Socket): Coroutine<string> {
  try {
    return String(yield* socket.recv());
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  }
}

describe('a handler', () => {
  it('gets the socket and the address of the peer, in a greenlet of its own', () =>
    run(function* () {
      let seen = '';
      const server = new StreamServer(here, function* (socket, remote) {
        seen = String(remote);
        yield* echo(socket);
      });
      yield* server.start();
      using one = yield* createConnection(server.address);
      using other = yield* createConnection(server.address);
      expect([yield* ask(other, 'other'), yield* ask(one, 'one')]).toEqual(['other', 'one']);
      expect(seen).toBe(`${other.address}`);
      expect([server.connections, server.port, String(server)]).toEqual([
        2,
        server.address.port,
        `StreamServer 127.0.0.1:${server.port}`,
      ]);
      one.close();
      other.close();
      yield* server.stop();
      expect(server.connections).toBe(0);
    }));

  it.each([
    [
      'returns',
      function* (socket: Socket) {
        yield* socket.sendall('bye');
      },
    ],
    ['is a plain function', (socket: Socket) => socket.sendall('bye')],
    ['is an async function', async (socket: Socket) => void (await run(() => socket.sendall('bye')))],
  ])('has its socket closed when it %s', (_, handler) =>
    withServer(handler, function* (server) {
      using client = yield* createConnection(server.address);
      expect([`${yield* client.recv()}`, `${yield* client.recv()}`]).toEqual(['bye', '']);
    }),
  );

  it('that throws is reported, its socket closed, and the server goes on', () =>
    withServer(
      function* (socket) {
        const line = yield* socket.readline();
        if (line === 'fail') throw new Error('failed');
        yield* socket.sendall('fine\n');
      },
      function* (server) {
        using first = yield* createConnection(server.address);
        expect(yield* ask(first, 'fail')).toBeUndefined();
        using second = yield* createConnection(server.address);
        expect(yield* ask(second, 'go on')).toBe('fine');
        const [report, ...others] = yield* until(takeReports());
        expect(report).toMatchObject({ error: { message: 'failed' }, context: String(server) });
        expect(others).toEqual([]);
      },
    ));

  it("that dies of its peer's reset is not reported", () =>
    withServer(echo, function* (server) {
      for (let index = 0; index < 10; index++) {
        const client = yield* createConnection(server.address);
        yield* ask(client, 'x');
        client.abort();
      }
      yield* eventually(() => server.connections === 0);
      expect(yield* until(takeReports())).toEqual([]);
    }));

  it('may leave bytes that are sent after its end', () =>
    withServer(
      (socket) => socket.sendall(Buffer.alloc(8_000_000)),
      function* (server) {
        using client = yield* createConnection(server.address);
        expect(yield* client.recvExactly(8_000_000)).toHaveLength(8_000_000);
        expect(yield* client.recv()).toHaveLength(0);
      },
    ));
});

describe('a server', () => {
  it('can be started once', () =>
    run(function* () {
      const server = new StreamServer(here, echo);
      expect([server.started, server.closed, server.port]).toEqual([false, false, 0]);
      const starting = spawnNow(() => server.start());
      expect((yield* thrown(server.start())).message).toContain('is starting');
      yield* starting;
      expect([server.started, server.closed, server.port > 0]).toEqual([true, false, true]);
      expect((yield* thrown(server.start())).code).toBe('GENLET_INVALID_STATE');
      yield* server.stop();
      yield* server.stop();
      expect([server.started, server.closed]).toEqual([false, true]);
      expect((yield* thrown(server.start())).message).toMatch(/is closed: make a new one to start/);
      expect((yield* thrown(createConnection(server.address))).code).toBe('ECONNREFUSED');
    }));

  it("throws the system's error at start, and may be started again", () =>
    withServer(echo, function* (first) {
      const second = new StreamServer(first.address, echo);
      expect((yield* thrown(second.start())).code).toBe('EADDRINUSE');
      yield* first.stop();
      yield* second.start();
      yield* second.stop();
    }));

  it('that is stopped while it starts does not listen', () =>
    run(function* () {
      const server = new StreamServer('localhost:0', echo);
      const busy = blockLookups();
      const starting = spawn(() => server.start());
      yield* untilBlocked(starting);
      yield* server.stop();
      yield* starting;
      yield* until(busy);
      expect(server.started).toBe(false);
    }));

  it('serves for ever until it is stopped', () =>
    run(function* () {
      const server = new StreamServer(here, echo);
      const serving = spawn(() => server.serveForever());
      yield* eventually(() => server.started);
      using client = yield* createConnection(server.address);
      expect(yield* ask(client, 'x')).toBe('x');
      client.close();
      yield* server.stop();
      yield* serving;
    }));

  it('is stopped by a kill of serveForever()', () =>
    run(function* () {
      const server = new StreamServer(here, echo);
      const serving = spawn(() => server.serveForever());
      yield* eventually(() => server.started);
      const client = yield* createConnection(server.address);
      expect(yield* ask(client, 'x')).toBe('x');
      serving.kill();
      yield* eventually(() => server.closed);
      client.close();
      yield* serving;
      expect(server.connections).toBe(0);
    }));

  it('waits for its handlers when it is stopped', () =>
    run(function* () {
      const server = new StreamServer(here, function* (socket) {
        yield* socket.readline();
        yield* sleep(20);
        yield* socket.sendall('done');
      });
      yield* server.start();
      using client = yield* createConnection(server.address);
      yield* client.sendall('go\n');
      yield* eventually(() => server.connections === 1);
      yield* server.stop();
      expect(`${yield* client.recv()}`).toBe('done');
    }));

  it('kills its handlers when its patience ends, whose `finally` may suspend', () =>
    run(function* () {
      const ended: string[] = [];
      const server = new StreamServer(here, function* (socket) {
        try {
          yield* echo(socket);
        } finally {
          yield* sleep(5);
          ended.push('finally');
        }
      });
      yield* server.start();
      using client = yield* createConnection(server.address);
      yield* ask(client, 'x');
      const begin = performance.now();
      yield* server.stop(20);
      expect(performance.now() - begin).toBeGreaterThan(20);
      expect(ended).toEqual(['finally']);
      expect(yield* fate(client)).toBe('');
    }));

  it('closes the socket of a handler that was killed before it began', () =>
    run(function* () {
      const pool = new Pool(1);
      const server = new StreamServer(here, echo, { spawn: pool });
      yield* server.start();
      using client = yield* createConnection(server.address);
      yield* eventually(() => pool.size === 1);
      yield* pool.kill();
      expect(yield* fate(client)).toBe('');
      yield* server.stop();
    }));

  it('is stopped by a handler in its first slice, which does not wait for itself', () =>
    run(function* () {
      const log: string[] = [];
      const server: StreamServer = new StreamServer('127.0.0.1:0', function* () {
        yield* server.stop(null);
        log.push('stopped');
      });
      yield* server.start();
      using client = yield* createConnection(server.address);
      yield* client.recv();
      expect(log).toEqual(['stopped']);
    }));

  it('ends its patience when its stop() is killed', () =>
    run(function* () {
      const server = new StreamServer(here, echo);
      yield* server.start();
      using client = yield* createConnection(server.address);
      yield* ask(client, 'x');
      const stopping = spawn(() => server.stop(null));
      yield* untilBlocked(stopping);
      yield* stopping.kill();
      expect(server.connections).toBe(0);
      expect(yield* fate(client)).toBe('');
    }));

  it('can be stopped by a handler', () =>
    run(function* () {
      const server: StreamServer = new StreamServer(here, function* (socket) {
        yield* socket.readline();
        yield* server.stop();
        yield* socket.sendall('stopped\n');
      });
      yield* server.start();
      using client = yield* createConnection(server.address);
      expect(yield* ask(client, 'stop')).toBe('stopped');
      expect(yield* fate(client)).toBe('');
    }));

  it('drops what a peer does not want to read when it is stopped', () =>
    run(function* () {
      const server = new StreamServer(here, function* (socket) {
        yield* thrown(socket.sendall(Buffer.alloc(50_000_000), { timeout: 1 }));
      });
      yield* server.start();
      const client = yield* createConnection(server.address);
      yield* eventually(() => client.bytesRead > 0);
      yield* server.stop(20);
      client.abort();
    }));

  it('accepts nobody while its pool is full', () =>
    withServer(
      echo,
      function* (server) {
        using first = yield* createConnection(server.address);
        using second = yield* createConnection(server.address);
        using third = yield* createConnection(server.address);
        expect([yield* ask(first, '1'), yield* ask(second, '2')]).toEqual(['1', '2']);
        yield* third.sendall('3\n');
        expect((yield* thrown(third.readline({ timeout: 20 }))).code).toBe('GENLET_TIMEOUT');
        expect(server.connections).toBe(2);
        first.close();
        expect(yield* third.readline()).toBe('3');
      },
      { spawn: 2 },
    ));

  it('can be stopped in the pass in which a place in its pool gets free', () =>
    run(function* () {
      const gate = new Event();
      const server = new StreamServer(here, () => gate.wait(), { spawn: 1 });
      yield* server.start();
      using _client = yield* createConnection(server.address);
      yield* eventually(() => server.connections === 1);
      gate.set();
      yield* sleep(0);
      yield* server.stop();
      expect(server.closed).toBe(true); // and no error was reported, as watchHub() checks
    }));

  it('lets go whoever waits for its end, also if its handlers are not done at a second kill', () =>
    run(function* () {
      const server = new StreamServer(here, function* () {
        try {
          yield* sleep(10_000);
        } finally {
          yield* sleep(50);
        }
      });
      const [one, other] = [spawn(() => server.serveForever()), spawn(() => server.serveForever())];
      yield* eventually(() => server.started);
      using _client = yield* createConnection(server.address);
      yield* eventually(() => server.connections === 1);
      for (let kill = 0; kill < 3; kill++) {
        yield* one.kill(undefined, { block: false });
        yield* sleep(1);
      }
      yield* other.join(5000);
      expect([one.dead, other.dead]).toEqual([true, true]);
      yield* eventually(() => server.connections === 0);
    }));

  it('shares a pool with others', () => {
    const pool = new Pool(1);
    return withServer(
      echo,
      function* (server) {
        const other = yield* pool.spawn(sleep, 20);
        using client = yield* createConnection(server.address);
        expect(yield* ask(client, 'x')).toBe('x');
        expect(other.dead).toBe(true);
        client.close();
        yield* pool.join();
      },
      { spawn: pool },
    );
  });

  it('closes a connection whose handler gets no place before the stop', () =>
    run(function* () {
      const pool = new Pool(1);
      const server = new StreamServer(here, echo, { spawn: pool });
      yield* server.start();
      yield* sleep(0);
      const other = yield* pool.spawn(sleep, 60_000);
      using client = yield* createConnection(server.address);
      yield* sleep(5);
      yield* server.stop(0);
      expect(yield* fate(client)).toMatch(/^$|ECONNRESET/);
      yield* other.kill();
    }));

  it('closes connections beyond maxConnections', () =>
    withServer(
      echo,
      function* (server) {
        using first = yield* createConnection(server.address);
        expect(yield* ask(first, '1')).toBe('1');
        using second = yield* createConnection(server.address);
        expect(yield* fate(second)).toMatch(/^$|ECONNRESET/);
        expect(server.dropped).toBe(1);
        expect(yield* ask(first, '2')).toBe('2');
      },
      { maxConnections: 1 },
    ));

  it('survives many connections that come and go in all ways', () =>
    withServer(echo, function* (server) {
      const clients = Array.from({ length: 300 }, (_, index) =>
        spawn(function* () {
          const client = yield* createConnection(server.address);
          if (index % 4 === 0) client.abort();
          else if (index % 4 === 1) client.close();
          else if (index % 4 === 2) {
            yield* client.sendall('x\n');
            client.abort();
          } else {
            expect(yield* ask(client, `${index}`)).toBe(`${index}`);
            client.close();
          }
        }),
      );
      for (const client of clients) yield* client;
      yield* eventually(() => server.connections === 0);
    }));

  it('checks its arguments first', () => {
    expect(() => new StreamServer(here, 5 as never)).toThrow('handler is 5');
    expect(() => new StreamServer(here, echo, { spawn: 'x' as never })).toThrow("spawn is 'x': give a Pool");
    expect(() => new StreamServer(here, echo, { spawn: -1 })).toThrow(RangeError);
    expect(() => new StreamServer(here, echo).stop(-1)).toThrow('timeout is -1');
  });
});

/** Kills the greenlet that runs `body` at its first, second, … suspension, until it gets through; gives how often. */
function* killEverywhere(body: () => Coroutine<unknown>): Coroutine<number> {
  for (let point = 0; ; point++) {
    const victim = spawn(body);
    for (let turn = 0; turn < point && !victim.dead; turn++) yield* suspend((resume) => void setImmediate(resume));
    if (victim.dead) return point;
    yield* victim.kill();
  }
}

it('leaves nothing behind when client and server are killed at any moment', () =>
  withServer(echo, function* (server) {
    const kills = yield* killEverywhere(function* () {
      using client = yield* createConnection(server.address);
      expect(yield* ask(client, 'x')).toBe('x');
      yield* client.sendall('abc');
      expect(`${yield* client.recvExactly(3)}`).toBe('abc');
    });
    expect(kills).toBeGreaterThan(2);
    const stops = yield* killEverywhere(function* () {
      const own = new StreamServer(here, echo);
      const serving = spawn(() => own.serveForever());
      try {
        yield* eventually(() => own.started);
        using client = yield* createConnection(own.address);
        yield* ask(client, 'x');
      } finally {
        yield* serving.kill();
      }
    });
    expect(stops).toBeGreaterThan(2);
  }));

const hasNc = await new Promise<boolean>((resolve) => {
  spawnProcess('nc', ['-h'])
    .once('error', () => resolve(false))
    .once('spawn', () => resolve(true));
});
if (!hasNc) console.log('nc is not installed: its test is skipped');

it.skipIf(!hasNc)('serves nc', () =>
  withServer(
    function* (socket) {
      for (let line: string | undefined; (line = yield* socket.readline()) !== undefined; ) {
        yield* socket.sendall(`you said ${line}\n`);
        if (line === 'quit') return;
      }
    },
    function* (server) {
      const nc = spawnProcess('nc', ['127.0.0.1', String(server.port)]);
      let output = '';
      nc.stdout.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
      nc.stdin.end('hello\nquit\n');
      yield* fromEvent(nc, 'close');
      expect(output).toBe('you said hello\nyou said quit\n');
    },
  ),
);
