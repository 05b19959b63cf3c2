import { run } from 'genlet';
import { StreamServer } from 'genlet/io';
import { describe, expect, it } from 'vitest';
import { callServer, describeCalls } from '../../examples/support/echo.ts';
import { pathOf } from '../io/tls-support.ts';
import { exampleRunner, has, type Program } from './example.ts';
import { callPort, closedPort, refused } from './network.ts';

const { start, startExample } = exampleRunner();

async function startServer(...options: string[]): Promise<{ server: Program; port: number }> {
  const server = startExample('echo-server', ...options);
  const [, port] = await server.line(/^listening on 127\.0\.0\.1:(\d+)$/);
  return { server, port: Number(port) };
}

describe('echo-server.ts', () => {
  it('works with nc and Ctrl-C', async ({ skip }) => {
    if (!has('nc')) skip('nc is not installed');
    const { server, port } = await startServer();
    const nc = start('nc', ['127.0.0.1', String(port)]);
    nc.write('hello\nwhat’s up?\n');
    await nc.line(/UP/);
    expect(nc.lines).toEqual(['HELLO', 'WHAT’S UP?']);
    server.signal('SIGINT');
    expect(await server.ended()).toBe(130);
    expect(server.lines.slice(1)).toEqual(['stopped']);
    expect(server.stderr).toBe('');
    await nc.ended();
  });

  it('lets clients finish after Ctrl-C, and takes no new ones', async () => {
    const { server, port } = await startServer();
    const { socket, readline } = await callPort(port);
    socket.write('before\n');
    expect(await readline()).toBe('BEFORE');
    const begin = performance.now();
    server.signal('SIGINT');
    await refused(port);
    socket.end('after\n');
    expect(await readline()).toBe('AFTER');
    expect(await server.ended()).toBe(130);
    expect(performance.now() - begin).toBeLessThan(900); // it did not wait for its patience to end
  });

  it('ends at once at a second Ctrl-C', async () => {
    const { server, port } = await startServer();
    const { socket } = await callPort(port);
    const begin = performance.now();
    server.signal('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 100));
    server.signal('SIGINT');
    expect(await server.ended()).toBe(130);
    expect(performance.now() - begin).toBeLessThan(900);
    expect(server.lines).not.toContain('stopped');
    socket.destroy();
  });

  it('answers line by line, however the bytes arrive', async () => {
    const { port } = await startServer();
    const { socket, readline } = await callPort(port);
    const bytes = Buffer.from('one\r\ntwö\n\nend without a newline');
    for (const byte of bytes) socket.write(Buffer.of(byte));
    socket.end();
    const lines = [await readline(), await readline(), await readline(), await readline(), await readline()];
    expect(lines).toEqual(['ONE', 'TWÖ', '', 'END WITHOUT A NEWLINE', undefined]);
  });

  it('answers from two workers, and lets their clients finish after Ctrl-C', { timeout: 60_000 }, async () => {
    const { server, port } = await startServer('--workers', '2');
    const calls = await run(() => callServer(['127.0.0.1', port], { clients: 20, messages: 20 }));
    expect([calls.latencies.length, calls.failures]).toEqual([400, []]);
    const { socket, readline } = await callPort(port);
    socket.write('before\n');
    expect(await readline()).toBe('BEFORE');
    server.signal('SIGINT');
    await refused(port);
    socket.end('after\n');
    expect(await readline()).toBe('AFTER');
    expect(await server.ended()).toBe(130);
    expect([server.lines.slice(1), server.stderr]).toEqual([['stopped'], '']);
  });

  it('speaks TLS by the certificate that it is given', async ({ skip }) => {
    if (!has('openssl')) skip('openssl is not installed');
    const { server, port } = await startServer('--tls', '--cert', pathOf('localhost'), '--key', pathOf('key'));
    const client = ['s_client', '-quiet', '-verify_return_error', '-CAfile', pathOf('ca')];
    const openssl = start('openssl', [...client, '-connect', `127.0.0.1:${port}`, '-servername', 'localhost']);
    openssl.write('hello\n');
    await openssl.line(/^HELLO$/);
    server.signal('SIGINT');
    await refused(port);
    openssl.write('after\n');
    await openssl.line(/^AFTER$/);
    await openssl.stop();
    expect(await server.ended()).toBe(130);
    expect(server.stderr).toBe('');
  });

  it('has a certificate made, if it is given none', async ({ skip }) => {
    if (!has('openssl')) skip('openssl is not installed');
    const { port } = await startServer('--tls');
    const openssl = start('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`]);
    openssl.write('hello\n');
    await openssl.line(/^HELLO$/);
    expect(openssl.stderr).toContain('CN = localhost');
  });

  it('refuses what it does not understand', async () => {
    const program = startExample('echo-server', '--port', '65536');
    expect(await program.ended()).toBe(2);
    expect(program.stderr).toBe(
      "echo-server.js: --port is '65536': give a whole number, from 0 to 65535\noptions: --host, --port, --workers, --tls, --cert, --key\n",
    );
    expect(program.lines).toEqual([]);
  });
});

describe('echo-client.ts', () => {
  it('has 100 x 100 messages answered', async () => {
    const { server, port } = await startServer();
    const client = startExample('echo-client', '--port', String(port));
    expect(await client.ended()).toBe(0);
    expect(client.stderr).toBe('');
    expect(client.lines).toEqual([
      'clients   100, 0 failed',
      'messages  10,000 of 10,000 answered',
      expect.stringMatching(/^latency {3}p50 [\d.]+ ms, p90 [\d.]+ ms, p99 [\d.]+ ms$/),
      expect.stringMatching(/^time {6}[\d.]+ s$/),
    ]);
    server.signal('SIGTERM');
    expect(await server.ended()).toBe(143);
  });

  it('brings its own server, and sends as many messages as it is told', async () => {
    const client = startExample('echo-client', '--clients', '3', '--messages', '5');
    expect(await client.ended()).toBe(0);
    expect(client.stderr).toBe('');
    expect(client.lines.slice(0, 2)).toEqual(['clients   3, 0 failed', 'messages  15 of 15 answered']);
  });

  it('says which clients failed, and why', async () => {
    const port = await closedPort();
    const client = startExample('echo-client', '--port', String(port), '--clients', '2', '--messages', '5');
    expect(await client.ended()).toBe(1);
    expect(client.stderr).toBe('');
    expect(client.lines.slice(0, 5)).toEqual([
      `failed: Error: connect ECONNREFUSED 127.0.0.1:${port}`,
      `failed: Error: connect ECONNREFUSED 127.0.0.1:${port}`,
      'clients   2, 2 failed',
      'messages  0 of 10 answered',
      'latency   p50 none, p90 none, p99 none',
    ]);
  });

  it('finds wrong answers', async () => {
    const calls = await run(function* () {
      const server = new StreamServer(['127.0.0.1', 0], function* (socket) {
        for (let bytes; (bytes = yield* socket.recv()).length > 0; ) yield* socket.sendall(bytes);
      });
      yield* server.start();
      const calls = yield* callServer(server.address, { clients: 1, messages: 3 });
      yield* server.stop();
      return calls;
    });
    expect(calls.failures).toEqual(['Error: client 1 got client 1, message 1 for message 1']);
    expect(describeCalls(calls)[1]).toEqual(['messages', '0 of 3 answered']);
  });
});
