import dgram, { type Socket } from 'node:dgram';
import { run, sleep, spawnNow } from 'genlet';
import { patchDgram, unpatchAll } from 'genlet/monkey';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { watchHub } from '../../support/hub.ts';
import { eventually, thrown, watchResources } from '../support.ts';

const { takeReports } = watchHub();
watchResources();

beforeAll(() => patchDgram());
afterAll(unpatchAll);

const waitFor = (socket: Socket) =>
  function* () {
    return yield* socket;
  };

it('a socket is waited for until it is bound, and datagrams until they are sent', async () => {
  await run(function* () {
    const unbound = dgram.createSocket('udp4');
    const waiter = spawnNow(waitFor(unbound));
    const server = unbound.bind(0, '127.0.0.1');
    expect((yield* waiter) === server && (yield* server) === server).toBe(true);
    const seen: string[] = [];
    server.on('message', (message) => seen.push(String(message)));
    const client = dgram.createSocket('udp4');
    const { port } = server.address();
    expect(yield* client.send('one', port, '127.0.0.1')).toBe(3);
    expect(yield* client.send(Buffer.from('xtwox'), 1, 3, port, '127.0.0.1')).toBe(3);
    expect(yield* client.connect(port, '127.0.0.1')).toBe(undefined);
    expect(yield* client.send('three')).toBe(5);
    yield* eventually(() => seen.length === 3);
    expect(seen).toEqual(['one', 'two', 'three']);
    client.close();
    server.close();
    yield* server;
    expect([server.listenerCount('listening'), server.listenerCount('error')]).toEqual([0, 0]);
  });
});

it('throws what goes wrong', async () => {
  await run(function* () {
    const server = yield* dgram.createSocket('udp4').bind(0);
    const { port } = server.address();
    expect((yield* thrown(dgram.createSocket('udp4').bind(port) as never)).code).toBe('EADDRINUSE');
    expect((yield* thrown(server.send(Buffer.alloc(70_000), port, '127.0.0.1'))).code).toBe('EMSGSIZE');
    expect(() => (server.send as any)()).toThrow('Received undefined');
    expect(() => server.send('x', -1)).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_BAD_PORT' }));
    server.close();
  });
});

it('an error that nobody has waited for is emitted, or else reported', async () => {
  const errors: string[] = [];
  await run(function* () {
    const socket = dgram.createSocket('udp4').on('error', ({ message }) => errors.push(message));
    const other = dgram.createSocket('udp4');
    socket.send(Buffer.alloc(70_000), 9, '127.0.0.1');
    other.send(Buffer.alloc(70_000), 9, '127.0.0.1');
    yield* sleep(5);
    expect(errors).toEqual([]);
    spawnNow(function* () {
      yield* sleep(5);
      socket.close();
      other.close();
    });
  });
  await expect.poll(() => errors).toEqual(['send EMSGSIZE 127.0.0.1:9']);
  const reports = await takeReports();
  expect(reports.map(({ error }) => (error as NodeJS.ErrnoException).code)).toEqual(['EMSGSIZE']);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

it('outside, and with a callback, it is as it was', async () => {
  const socket = dgram.createSocket('udp4');
  expect(socket.send('x', 9, '127.0.0.1')).toBe(undefined);
  expect((socket as any)[Symbol.iterator]).toBe(undefined);
  const sent = await run(() => new Promise((resolve) => socket.send('xy', 9, '127.0.0.1', (...all) => resolve(all))));
  expect(sent).toEqual([null, 2]);
  socket.close();
});
