/** Each blocking call of sockets, servers, UDP, DNS and signals, struck at each of its suspension points; see `strikes.ts`. */
import { readdirSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coroutine, Event, type Operation, spawn } from 'genlet';
import {
  createConnection,
  DatagramServer,
  dns,
  type Listener,
  listen,
  onSignal,
  Resolver,
  type Socket,
  StreamServer,
  socketpair,
  UdpSocket,
} from 'genlet/io';
import { expect } from 'vitest';
import { SocketClosedError } from '../../src/core/errors.ts';
import { watchHub } from '../support/hub.ts';
import { turn } from './census.ts';
import { A, serveDns } from './dns-support.ts';
import { type Ending, type Row, type Subject, strikeEverywhere } from './strikes.ts';
import { eventually, pair } from './support.ts';

watchHub();

/** What a read has given, or what the same read gives now. */
function* read(ending: Ending, again: () => Operation<unknown>): Coroutine<string> {
  const result = ending === 'killed' || 'error' in ending ? yield* again() : ending.value;
  return String(result);
}

/** A read of a socket to which the other side sends `bytes`. */
const reading = (
  bytes: string,
  expected: string,
  call: (socket: Socket, timeout?: number) => Operation<unknown>,
): Row =>
  function* () {
    const [client, server] = yield* pair();
    return {
      call: (timeout) => call(client, timeout),
      timed: true,
      release: () => server.sendall(bytes),
      *check(ending) {
        expect(yield* read(ending, () => call(client, 2000))).toBe(expected);
        yield* server.sendall('rest');
        expect(String(yield* client.recvExactly(4))).toBe('rest');
      },
      close: () => client.close(),
      closedBy: SocketClosedError,
      emitters: [client.stream],
      *end() {
        client.abort();
        server.abort();
      },
    };
  };

const chunk = Buffer.alloc(65_536, 'x');

/** Sends until nothing more fits into the system; gives the number of bytes. */
function* fill(socket: Socket): Coroutine<number> {
  for (let sent = 0, idle = 0; ; ) {
    const { bytesWritten } = socket;
    try {
      sent += yield* socket.send(chunk, { timeout: 0 });
      idle = 0;
    } catch {
      yield* turn();
      if (socket.bytesWritten === bytesWritten && ++idle > 3) return sent;
    }
  }
}

/** A write to a socket whose peer does not read until it is released. */
const writing = (call: (socket: Socket, timeout?: number) => Operation<unknown>): Row =>
  function* () {
    const [client, server] = yield* pair();
    const sent = yield* fill(client);
    let received = 0;
    let tail = '';
    const reader = function* () {
      try {
        for (let bytes: Buffer; (bytes = yield* server.recv()).length > 0; ) {
          received += bytes.length;
          tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 20))).slice(-20);
        }
      } catch {} // closed, or reset, where that is tested
    };
    let reading: ReturnType<typeof spawn> | undefined;
    return {
      call: (timeout) => call(client, timeout),
      timed: true,
      release() {
        reading = spawn(reader);
      },
      *check(ending) {
        yield* client.sendall('more');
        client.shutdown('write');
        yield* reading!.join();
        const isWhole = typeof ending === 'object' && tail.endsWith('ENDmore') && received === sent + 7;
        // a kill that comes after the bytes were accepted takes nothing back
        const mayBe = ending === 'killed' && /(x|END)more$/.test(tail) && [sent + 4, sent + 7].includes(received);
        expect({ ending, more: received - sent, tail, ok: isWhole || mayBe }).toMatchObject({ ok: true });
      },
      close: () => client.abort(),
      closedBy: SocketClosedError,
      emitters: [client.stream],
      *end() {
        client.abort();
        server.abort();
      },
    };
  };

/** A server that is reached by a client. */
function* reaches(server: { address: Listener['address'] }): Coroutine<void> {
  using client = yield* createConnection(server.address);
  expect(String(yield* client.recv())).toBe('hello');
}

const greet = function* (socket: Socket) {
  yield* socket.sendall('hello');
};

/** Two UDP sockets that are bound. */
function* datagrams(): Coroutine<{ one: UdpSocket; other: UdpSocket; end(): void }> {
  const [one, other] = [new UdpSocket(), new UdpSocket()];
  yield* one.bind('127.0.0.1:0');
  yield* other.bind('127.0.0.1:0');
  const end = () => {
    one.close();
    other.close();
  };
  return { one, other, end };
}

const receiving = (call: (socket: UdpSocket, timeout?: number) => Operation<unknown>): Row =>
  function* () {
    const { one, other, end } = yield* datagrams();
    return {
      call: (timeout) => call(one, timeout),
      timed: true,
      release: () => other.sendto('hello', one.address),
      *check(ending) {
        expect(yield* read(ending, () => call(one, 2000))).toBe('hello');
        yield* other.sendto('more', one.address);
        expect(String(yield* one.recv({ timeout: 2000 }))).toBe('more');
      },
      close: () => one.close(),
      closedBy: SocketClosedError,
      end,
    };
  };

/** A call that a UDP socket finishes by itself; afterwards it can send and receive. */
const datagramCall = (call: (one: UdpSocket, other: UdpSocket) => Operation<unknown>): Row =>
  function* () {
    const one = new UdpSocket();
    const other = new UdpSocket();
    yield* other.bind('127.0.0.1:0');
    return {
      call: () => call(one, other),
      *check() {
        if (one.remote !== undefined) one.disconnect(); // a kill does not take back what the system did
        yield* one.sendto('to other', other.address);
        for (let text = ''; text !== 'to other'; ) text = String(yield* other.recv({ timeout: 2000 }));
        yield* other.sendto('to one', ['127.0.0.1', one.address.port]);
        expect(String(yield* one.recv({ timeout: 2000 }))).toBe('to one');
      },
      close: () => one.close(),
      closedBy: SocketClosedError,
      end() {
        one.close();
        other.close();
      },
    };
  };

const path = join(tmpdir(), `genlet-send-file-${process.pid}`);

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // it is closed already
  }
}

const stops = (server: { stop(timeout?: number | null): Operation<void> }): Partial<Subject> => ({
  end: () => server.stop(0),
});

strikeEverywhere({
  'Socket.recv()': reading('a', 'a', (socket, timeout) => socket.recv(100, { timeout })),
  'Socket.recvInto()': reading('b', '1', (socket, timeout) => socket.recvInto(Buffer.alloc(10), { timeout })),
  'Socket.recvExactly()': reading('abc', 'abc', (socket, timeout) => socket.recvExactly(3, { timeout })),
  'Socket.readUntil()': reading('ab;', 'ab;', (socket, timeout) => socket.readUntil(';', { timeout })),
  'Socket.readline()': reading('line\r\n', 'line', (socket, timeout) => socket.readline({ timeout })),

  'Socket.send()': writing((socket, timeout) => socket.send('END', { timeout })),
  'Socket.sendall()': writing((socket, timeout) => socket.sendall('END', { timeout })),

  *'Socket.sendFile()'() {
    writeFileSync(path, chunk);
    const [client, server] = yield* pair();
    const filled = yield* fill(client);
    return {
      call: (timeout) => client.sendFile(path, { timeout }),
      timed: true,
      release: () => server.recvExactly(filled),
      *check() {
        yield* eventually(() => !readdirSync('/proc/self/fd').some((fd) => linkOf(fd) === path)); // closed in the background
        const sending = spawn(() => client.sendFile(path, { count: 3 }));
        for (let left = 0; left < 3; ) left += (yield* server.recv()).length;
        expect(yield* sending).toBe(3);
      },
      close: () => client.abort(),
      closedBy: SocketClosedError,
      emitters: [client.stream],
      *end() {
        client.abort();
        server.abort();
        unlinkSync(path);
      },
    };
  },

  *'socketpair()'() {
    return {
      call: () => socketpair(),
      *check(ending) {
        const [left, right] = typeof ending === 'object' ? (ending as { value: [Socket, Socket] }).value : [];
        left?.close();
        right?.close();
        expect(readdirSync(tmpdir()).filter((name) => name.startsWith('genlet-pair-'))).toEqual([]);
      },
      end() {},
    };
  },

  *'Listener.accept()'() {
    const listener = yield* listen('127.0.0.1:0');
    const clients: Socket[] = [];
    return {
      call: (timeout) => listener.accept({ timeout }),
      timed: true,
      *release() {
        clients.push(yield* createConnection(listener.address));
      },
      *check(ending) {
        const server: Socket =
          typeof ending === 'object' ? (ending as { value: Socket }).value : yield* listener.accept();
        yield* server.sendall('hello');
        expect(String(yield* clients[0]!.recv())).toBe('hello');
        server.close();
      },
      close: () => listener.close(),
      closedBy: SocketClosedError,
      end() {
        for (const client of clients) client.abort();
        listener.close();
      },
    };
  },

  *'listen()'() {
    const free = yield* listen('127.0.0.1:0');
    const { address } = free;
    free.close();
    return {
      call: () => listen(address),
      *check(ending) {
        if (typeof ending === 'object') (ending as { value: Listener }).value.close();
        yield* turn();
        const listener = yield* listen(address);
        const client = yield* createConnection(address);
        client.abort();
        listener.close();
      },
      end() {},
    };
  },

  *'createConnection()'() {
    const listener = yield* listen('127.0.0.1:0');
    return {
      call: () => createConnection(listener.address),
      *check(ending) {
        if (typeof ending === 'object') (ending as { value: Socket }).value.abort();
        using client = yield* createConnection(listener.address, { timeout: 2000 });
        expect(client.remote.port).toBe(listener.address.port);
      },
      end: () => listener.close(),
    };
  },

  *'createConnection() to a name'() {
    const listener = yield* listen('127.0.0.1:0');
    const { port } = listener.address;
    return {
      call: () => createConnection(['localhost', port]),
      *check(ending) {
        if (typeof ending === 'object') (ending as { value: Socket }).value.abort();
        using client = yield* createConnection(['localhost', port], { timeout: 2000 });
        expect(client.remote.port).toBe(port);
      },
      end: () => listener.close(),
    };
  },

  *'StreamServer.start()'() {
    const server = new StreamServer('127.0.0.1:0', greet);
    return {
      call: () => server.start(),
      *check() {
        if (!server.started) yield* server.start();
        yield* reaches(server);
      },
      ...stops(server),
    } as Subject;
  },

  *'StreamServer.serveForever()'() {
    const server = new StreamServer('127.0.0.1:0', greet);
    return {
      call: () => server.serveForever(),
      *release() {
        if (server.started) yield* reaches(server);
        yield* server.stop();
      },
      *check() {
        yield* eventually(() => server.closed && server.connections === 0);
      },
      ...stops(server),
    } as Subject;
  },

  *'StreamServer.stop()'() {
    const go = new Event();
    const server = new StreamServer('127.0.0.1:0', () => go.wait());
    yield* server.start();
    const client = yield* createConnection(server.address);
    yield* eventually(() => server.connections === 1);
    return {
      call: () => server.stop(null),
      release: () => go.set(),
      *check() {
        yield* server.stop(0); // a stop that was not begun
        expect({ closed: server.closed, connections: server.connections }).toEqual({ closed: true, connections: 0 });
        expect((yield* client.recv()).length).toBe(0);
      },
      end: () => client.abort(),
    };
  },

  'UdpSocket.recvfrom()': receiving(function* (socket, timeout) {
    return (yield* socket.recvfrom({ timeout })).data;
  }),
  'UdpSocket.recv()': receiving((socket, timeout) => socket.recv({ timeout })),
  'UdpSocket.bind()': datagramCall(function* (one) {
    if (one.address.port === 0) yield* one.bind('127.0.0.1:0');
    else throw new SocketClosedError('it is bound already');
  }),
  'UdpSocket.bind() to a name': datagramCall((one) => one.bind('localhost:0')),
  'UdpSocket.connect()': datagramCall(function* (one, other) {
    yield* one.connect(other.address);
    one.disconnect();
  }),
  'UdpSocket.sendto()': datagramCall((one, other) => one.sendto('x', other.address)),
  'UdpSocket.sendto() a name': datagramCall((one, other) => one.sendto('x', ['localhost', other.address.port])),

  *'UdpSocket.send()'() {
    const { one, other, end } = yield* datagrams();
    yield* one.connect(other.address);
    return {
      call: (timeout) => one.send('x', { timeout }),
      *check() {
        yield* one.send('more');
        for (let text = ''; text !== 'more'; ) text = String(yield* other.recv({ timeout: 2000 }));
      },
      close: () => one.close(),
      closedBy: SocketClosedError,
      end,
    };
  },

  *'DatagramServer.start()'() {
    const server: DatagramServer = new DatagramServer('127.0.0.1:0', (data, from) => server.sendto(data, from));
    return {
      call: () => server.start(),
      *check() {
        if (!server.started) yield* server.start();
        using client = new UdpSocket();
        yield* client.sendto('hello', server.address);
        expect(String(yield* client.recv({ timeout: 2000 }))).toBe('hello');
      },
      ...stops(server),
    } as Subject;
  },

  *'DatagramServer.serveForever()'() {
    const server: DatagramServer = new DatagramServer('127.0.0.1:0', (data, from) => server.sendto(data, from));
    return {
      call: () => server.serveForever(),
      release: () => server.stop(),
      check: () => eventually(() => server.closed && server.handling === 0),
      ...stops(server),
    } as Subject;
  },

  *'DatagramServer.stop()'() {
    const go = new Event();
    const server = new DatagramServer('127.0.0.1:0', () => go.wait());
    yield* server.start();
    using client = new UdpSocket();
    yield* client.sendto('x', server.address);
    yield* eventually(() => server.handling === 1);
    return {
      call: () => server.stop(null),
      release: () => go.set(),
      *check() {
        yield* server.stop(0);
        expect({ closed: server.closed, handling: server.handling }).toEqual({ closed: true, handling: 0 });
      },
      end() {},
    };
  },

  *'dns.lookup()'() {
    const call = () => dns.lookup('localhost', 4);
    return {
      call,
      *check() {
        expect(yield* call()).toEqual({ address: '127.0.0.1', family: 4 });
      },
      end() {},
    };
  },

  *'dns.lookupService()'() {
    const call = () => dns.lookupService('127.0.0.1', 80);
    return {
      call,
      *check() {
        expect(yield* call()).toMatchObject({ service: 'http' });
      },
      end() {},
    };
  },

  *'Resolver.resolve4()'() {
    const server = yield* serveDns(() => [A('10.0.0.1')]);
    server.holding = true;
    const resolver = new Resolver({ servers: [server.address] });
    return {
      call: () => resolver.resolve4('example.org'),
      *release() {
        for (let i = 0; i < 10; i++) yield* turn();
        server.release();
      },
      *check() {
        expect(yield* resolver.resolve4('example.org')).toEqual(['10.0.0.1']);
        expect(resolver.statistics()).toMatchObject({ active: 0, waiting: 0 });
      },
      end: () => server.close(),
    };
  },

  *'Event.wait() for onSignal()'() {
    const before = process.listenerCount('SIGUSR2');
    return {
      *call() {
        const event = new Event();
        using _handle = onSignal('SIGUSR2', () => event.set());
        yield* event.wait();
        return 'signal';
      },
      release() {
        if (process.listenerCount('SIGUSR2') > before) process.kill(process.pid, 'SIGUSR2');
      },
      check() {
        expect(process.listenerCount('SIGUSR2')).toBe(before);
      },
      end() {},
    };
  },
});
