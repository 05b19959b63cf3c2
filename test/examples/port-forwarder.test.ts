import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exampleRunner } from './example.ts';
import { callPort, closedPort, listenAt, refused } from './network.ts';

const { startExample } = exampleRunner();

/** Answers each piece in upper case; what it has received is kept. */
let target: Server;
let arrived: Socket[];

beforeEach(() => {
  arrived = [];
  target = createServer({ allowHalfOpen: true }, (socket) => {
    arrived.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(String(data).toUpperCase()));
    socket.on('end', () => socket.end('the end\n'));
  });
});

afterEach(() => {
  for (const socket of arrived) socket.destroy();
  target.close();
});

async function startForwarder(to: number) {
  const program = startExample('port-forwarder', '--to', `127.0.0.1:${to}`);
  const [, port] = await program.line(/^forwarding 127\.0\.0\.1:(\d+) to 127\.0\.0\.1:\d+$/);
  return { program, port: Number(port) };
}

describe('port-forwarder.ts', () => {
  it('forwards both directions, and the end of each by itself', async () => {
    const { program, port } = await startForwarder(await listenAt(target));
    const { socket, readline } = await callPort(port);
    socket.write('hello\n');
    expect(await readline()).toBe('HELLO');
    socket.end('last\n');
    expect(await readline()).toBe('LAST');
    expect(await readline()).toBe('the end');
    expect(await readline()).toBeUndefined();
    await program.line(/is done$/);
  });

  it('forwards much more than buffers hold', async () => {
    const { port } = await startForwarder(await listenAt(target));
    const { socket } = await callPort(port);
    let received = 0;
    socket.on('data', (data) => {
      received += data.length;
    });
    socket.end(Buffer.alloc(20_000_000, 'a'));
    await once(socket, 'end');
    expect(received).toBe(20_000_000 + 'the end\n'.length);
  });

  it('stops accepting at the first signal, and ends when the last connection has', async () => {
    const { program, port } = await startForwarder(await listenAt(target));
    const { socket, readline } = await callPort(port);
    await program.line(/is connected$/);
    program.signal('SIGTERM');
    await program.line(/^SIGTERM: no new connections, 1 to finish$/);
    await refused(port);
    socket.write('still here\n');
    expect(await readline()).toBe('STILL HERE');
    socket.end();
    expect(await readline()).toBe('the end');
    expect(await program.ended()).toBe(0);
    expect(program.lines.at(-1)).toBe('stopped');
    expect(program.stderr).toBe('');
  });

  it('aborts what is left at the second signal', async () => {
    const { program, port } = await startForwarder(await listenAt(target));
    const { readline } = await callPort(port);
    await program.line(/is connected$/);
    program.signal('SIGINT');
    await program.line(/^SIGINT: no new connections/);
    program.signal('SIGINT');
    expect(await readline()).toBeUndefined();
    expect(await program.ended()).toBe(1);
    expect(program.lines.at(-1)).toBe('SIGINT: aborted');
    expect(program.stderr).toBe('');
  });

  it('hangs up where there is nobody to forward to, and goes on', async () => {
    const { program, port } = await startForwarder(await closedPort());
    const { readline } = await callPort(port);
    expect(await readline()).toBeUndefined();
    await program.line(/^127\.0\.0\.1:\d+ failed: connect ECONNREFUSED/);
    await callPort(port);
    program.signal('SIGINT');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
  });
});
