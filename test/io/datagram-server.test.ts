import { spawn as spawnProcess } from 'node:child_process';
import { type Coroutine, Event, fromEvent, Pool, run, sleep, spawn, until } from 'genlet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Endpoint } from '../../src/io/address.ts';
import { type DatagramHandler, DatagramServer, type DatagramServerOptions } from '../../src/io/datagram-server.ts';
import { UdpSocket } from '../../src/io/udp-socket.ts';
import { nextTurn, watchHub } from '../support/hub.ts';
import { blockLookups, eventually, thrown, untilBlocked, watchResources } from './support.ts';

const { takeReports } = watchHub();
watchResources();

const here = '127.0.0.1:0';
const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
let before = 0;
beforeEach(() => {
  before = sockets();
});
afterEach(async () => {
  await nextTurn();
  expect(sockets()).toBe(before);
});

/** Runs `main` with a started server and a client that is connected to it. */
function withServer<T>(
  handler: (this: void, server: DatagramServer, data: string, address: Endpoint) => unknown,
  main: (server: DatagramServer, client: UdpSocket) => Coroutine<T>,
  options?: DatagramServerOptions,
): Promise<T> {
  return run(function* () {
    const handle: DatagramHandler = (data, address) => handler(server, `${data}`, address);
    const server: DatagramServer = new DatagramServer(here, handle, options);
    yield* server.start();
    using client = new UdpSocket();
    client.timeout = 5000;
    yield* client.connect(server.address);
    try {
      return yield* main(server, client);
    } finally {
      yield* server.stop(0);
    }
  });
}

describe('a handler', () => {
  it('gets the bytes and the address of the sender, and may answer', () =>
    withServer(
      (server, data, address) => server.sendto(`Received ${data.length} bytes`, address),
      function* (server, client) {
        yield* client.send('Test udp_server');
        expect(`${yield* client.recv()}`).toBe('Received 15 bytes');
        expect(server.socket!.statistics()).toMatchObject({ received: 1, sent: 1 });
      },
    ));

  it('runs in a greenlet of its own', () =>
    withServer(
      function* (server, data, address) {
        yield* sleep(data === 'slow' ? 30 : 0);
        yield* server.sendto(data, address);
      },
      function* (server, client) {
        yield* client.send('slow');
        yield* client.send('quick');
        expect([`${yield* client.recv()}`, `${yield* client.recv()}`]).toEqual(['quick', 'slow']);
        yield* eventually(() => server.handling === 0);
      },
    ));

  it.each([
    ['a plain function', (server: DatagramServer, data: string, address: Endpoint) => server.sendto(data, address)],
    [
      'an async function',
      async (server: DatagramServer, data: string, address: Endpoint) =>
        void (await run(() => server.sendto(data, address))),
    ],
  ])('may be %s', (_, handler) =>
    withServer(handler, function* (_, client) {
      yield* client.send('x');
      expect(`${yield* client.recv()}`).toBe('x');
    }),
  );

  it('that throws is reported, and the server goes on', () =>
    withServer(
      (server, data, address) => {
        if (data === 'fail') throw new Error('failed');
        return server.sendto(data, address);
      },
      function* (server, client) {
        yield* client.send('fail');
        yield* client.send('go on');
        expect(`${yield* client.recv()}`).toBe('go on');
        const [report, ...others] = yield* until(takeReports());
        expect(report).toMatchObject({ error: { message: 'failed' }, context: `DatagramServer ${server.address}` });
        expect(others).toEqual([]);
      },
    ));

  it('is run for each datagram of a burst', () => {
    let count = 0;
    return withServer(
      () => void count++,
      function* (_, client) {
        for (let index = 0; index < 200; index++) yield* client.send('x');
        yield* eventually(() => count === 200);
      },
    );
  });
});

describe('spawn', () => {
  it.each([
    ['a number', 2],
    ['a pool', new Pool(2)],
  ])('as %s limits the handlers; the datagrams wait', (_, places) => {
    const gate = new Event();
    let most = 0;
    let running = 0;
    return withServer(
      function* (server, data, address) {
        most = Math.max(most, ++running);
        yield* gate.wait();
        running--;
        yield* server.sendto(data, address);
      },
      function* (server, client) {
        for (let index = 0; index < 5; index++) yield* client.send(`${index}`);
        yield* eventually(() => server.socket!.statistics().received === 5);
        expect([server.handling, server.socket!.statistics().waiting]).toEqual([2, 3]);
        gate.set();
        const answers: string[] = [];
        for (let index = 0; index < 5; index++) answers.push(`${yield* client.recv()}`);
        expect(answers.sort()).toEqual(['0', '1', '2', '3', '4']);
        expect([most, server.dropped]).toEqual([2, 0]);
      },
      { spawn: places },
    );
  });

  it('that is full drops the oldest datagrams beyond maxDatagrams, and counts them', () => {
    const gate = new Event();
    const handled: string[] = [];
    return withServer(
      function* (_, data) {
        yield* gate.wait();
        handled.push(data);
      },
      function* (server, client) {
        for (let index = 0; index < 10; index++) yield* client.send(`${index}`);
        yield* eventually(() => server.socket!.statistics().received === 10);
        expect(server.dropped).toBe(7);
        gate.set();
        yield* eventually(() => handled.length === 3);
        expect(handled).toEqual(['0', '8', '9']);
      },
      { spawn: 1, maxDatagrams: 2 },
    );
  });

  it('waits for a place that somebody else has taken first', () => {
    const pool = new Pool(1);
    const handled: string[] = [];
    return withServer(
      (_, data) => void handled.push(data),
      function* (_, client) {
        const hog = yield* pool.spawn(sleep, 20);
        yield* client.send('x');
        yield* sleep(5);
        expect(handled).toEqual([]);
        yield* hog;
        yield* eventually(() => handled.length === 1);
      },
      { spawn: pool },
    );
  });

  it('as something else is refused', () => {
    expect(() => new DatagramServer(here, () => {}, { spawn: 'x' as never })).toThrow(
      "spawn is 'x': give a Pool, or the number of handlers that may run at a time",
    );
  });
});

describe('a server', () => {
  it('can be started once', () =>
    run(function* () {
      const server = new DatagramServer(here, () => {});
      expect([server.started, server.closed, server.port, String(server), server.socket]).toEqual([
        false,
        false,
        0,
        'DatagramServer 127.0.0.1:0',
        undefined,
      ]);
      expect(() => server.sendto('x', 9)).toThrow(/is not started: start\(\) it before it sends$/);
      yield* server.start();
      expect([server.started, server.port > 0]).toEqual([true, true]);
      expect((yield* thrown(server.start())).code).toBe('GENLET_INVALID_STATE');
      yield* server.stop();
      yield* server.stop();
      expect([server.started, server.closed]).toEqual([false, true]);
      expect((yield* thrown(server.start())).message).toMatch(/is closed: make a new one to start$/);
      expect((yield* thrown(server.sendto('x', 9))).code).toBe('GENLET_SOCKET_CLOSED');
    }));

  it("throws the system's error at start, and may be started again", () =>
    withServer(
      () => {},
      function* (first) {
        const second = new DatagramServer(first.address, () => {});
        expect((yield* thrown(second.start())).code).toBe('EADDRINUSE');
        yield* first.stop();
        yield* second.start();
        yield* second.stop();
      },
    ));

  it('that is stopped or killed while it starts does not listen', () =>
    run(function* () {
      const busy = blockLookups();
      const stopped = new DatagramServer('localhost:0', () => {});
      const starting = spawn(() => stopped.start());
      yield* untilBlocked(starting);
      yield* stopped.stop();
      const killed = new DatagramServer('localhost:0', () => {});
      const other = spawn(() => killed.start());
      yield* untilBlocked(other);
      yield* other.kill();
      yield* starting;
      yield* until(busy);
      expect([stopped.started, killed.started]).toEqual([false, false]);
      yield* killed.start();
      yield* killed.stop();
    }));

  it('listens on IPv6 if its address is one', () =>
    run(function* () {
      const server: DatagramServer = new DatagramServer('[::1]:0', (data, address) => server.sendto(data, address));
      yield* server.start();
      using client = new UdpSocket({ family: 6 });
      yield* client.connect(server.address);
      yield* client.send('x');
      expect(`${yield* client.recv({ timeout: 5000 })}`).toBe('x');
      yield* server.stop();
    }));

  it('serves for ever until it is stopped', () =>
    run(function* () {
      const server = new DatagramServer(here, () => {});
      const serving = spawn(() => server.serveForever());
      yield* eventually(() => server.started);
      yield* server.stop();
      yield* serving;
    }));

  it('is stopped by a kill of serveForever()', () =>
    run(function* () {
      const server = new DatagramServer(here, () => {});
      const serving = spawn(() => server.serveForever());
      yield* eventually(() => server.started);
      yield* serving.kill();
      expect([server.closed, server.socket!.closed]).toEqual([true, true]);
    }));

  it('waits for its handlers when it is stopped, which may still send', () =>
    withServer(
      function* (server, data, address) {
        yield* sleep(20);
        yield* server.sendto(data, address);
      },
      function* (server, client) {
        yield* client.send('x');
        yield* eventually(() => server.handling === 1);
        yield* server.stop();
        expect(`${yield* client.recv()}`).toBe('x');
        expect(server.handling).toBe(0);
      },
    ));

  it('kills its handlers when its patience is over, and runs their finally', () => {
    const log: string[] = [];
    return withServer(
      function* () {
        try {
          yield* sleep(60_000);
        } finally {
          log.push('cleaned up');
        }
      },
      function* (server, client) {
        yield* client.send('x');
        yield* eventually(() => server.handling === 1);
        yield* server.stop(5);
        expect([log, server.handling, server.socket!.closed]).toEqual([['cleaned up'], 0, true]);
      },
    );
  });

  it.each([
    ['at once', false],
    ['after a while', true],
  ])('can be stopped by a handler %s, which then goes on', (_, later) => {
    const log: string[] = [];
    return withServer(
      function* (server) {
        if (later) yield* sleep(1);
        yield* server.stop(null);
        log.push('stopped');
        yield* sleep(1);
        log.push('went on');
      },
      function* (server, client) {
        yield* client.send('stop');
        yield* eventually(() => log.length === 2);
        expect([log, server.socket!.closed]).toEqual([['stopped', 'went on'], true]);
      },
    );
  });

  it('starts no handler any more once it is stopped, for what waits', () => {
    const handled: string[] = [];
    return withServer(
      function* (_, data) {
        handled.push(data);
        yield* sleep(20);
      },
      function* (server, client) {
        for (const text of ['1', '2', '3']) yield* client.send(text);
        yield* eventually(() => server.socket!.statistics().received === 3);
        yield* server.stop();
        expect(handled).toEqual(['1']);
      },
      { spawn: 1 },
    );
  });

  it('answers nc', () =>
    withServer(
      (server, data, address) => server.sendto(`you said ${data}`, address),
      function* (server) {
        const nc = spawnProcess('nc', ['-u', '127.0.0.1', `${server.port}`]);
        try {
          const answer = fromEvent<[Buffer]>(nc.stdout, 'data');
          nc.stdin.write('hello\n');
          expect(String((yield* answer)[0])).toBe('you said hello\n');
        } finally {
          const closed = fromEvent(nc, 'close');
          nc.kill();
          yield* closed;
        }
      },
    ));

  it('refuses a handler that is no function, and a path', () => {
    expect(() => new DatagramServer(here, 5 as never)).toThrow('handler is 5');
    expect(() => new DatagramServer({ path: '/tmp/x' }, () => {})).toThrow(TypeError);
  });
});
