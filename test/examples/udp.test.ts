import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exampleRunner, has } from './example.ts';

const { start, startExample } = exampleRunner();

async function startServer() {
  const program = startExample('udp-server');
  const [, address] = await program.line(/^receiving at (127\.0\.0\.1:\d+)$/);
  return { program, address: address! };
}

describe('udp-server.ts and udp-client.ts', () => {
  it('talk to each other', async () => {
    const { program, address } = await startServer();
    const client = startExample('udp-client', '--to', address, '--message', 'grüße');
    expect(await client.ended()).toBe(0);
    expect(client.lines).toEqual([`${address} says: received 7 bytes`]);
    expect(client.stderr).toBe('');
    await program.line(/^127\.0\.0\.1:\d+: grüße$/);
    program.signal('SIGINT');
    expect(await program.ended()).toBe(130);
    expect(program.stderr).toBe('');
  });
});

describe('udp-server.ts', () => {
  it('works with nc', async ({ skip }) => {
    if (!has('nc')) skip('nc is not installed');
    const { program, address } = await startServer();
    const nc = start('nc', ['-u', ...address.split(':')]);
    nc.write('hello\n');
    await program.line(/: hello$/);
    nc.write('and more\n'); // nc -u shows the answers in one line
    await program.line(/: and more$/);
    nc.signal('SIGTERM');
    await nc.ended();
    expect(nc.lines.join('')).toContain('received 6 bytes');
  });
});

describe('udp-client.ts', () => {
  let server: Socket;
  let to: string;

  beforeEach(async () => {
    server = createSocket('udp4').bind(0, '127.0.0.1');
    await once(server, 'listening');
    to = `127.0.0.1:${server.address().port}`;
  });

  afterEach(() => {
    server.close();
  });

  it('sends again what seems to be lost', async () => {
    let datagrams = 0;
    server.on('message', (data, { port }) => {
      if (++datagrams === 3) server.send(`got ${data}`, port, '127.0.0.1');
    });
    const client = startExample('udp-client', '--to', to, '--timeout', '100', '--attempts', '50');
    expect(await client.ended()).toBe(0);
    expect(client.lines).toEqual([`${to} says: got hello`]);
  });

  it('gives up after so many attempts', async () => {
    let datagrams = 0;
    server.on('message', () => datagrams++);
    const client = startExample('udp-client', '--to', to, '--timeout', '20', '--attempts', '4');
    expect(await client.ended()).toBe(1);
    expect(client.stderr).toBe('');
    expect(client.lines).toEqual([expect.stringMatching(/^no answer: .*timed out after 20 ms$/)]);
    expect(datagrams).toBe(4);
  });

  it('hears from the system that nobody is there', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address();
    other.close();
    await once(other, 'close');
    const client = startExample('udp-client', '--to', `127.0.0.1:${port}`, '--timeout', '9000');
    expect(await client.ended()).toBe(1);
    expect(client.lines).toEqual([expect.stringMatching(/^no answer: .*ECONNREFUSED/)]);
  });
});
