import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exampleRunner, has } from './example.ts';

const { start, startExample } = exampleRunner();
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unix-'));
  path = join(folder, 'socket');
});

afterEach(() => rm(folder, { recursive: true }));

async function startServer() {
  const server = startExample('unix-server', '--path', path);
  expect(await server.line(/^listening at (.*)$/)).toMatchObject({ 1: path });
  return server;
}

it('serves the client, and takes its file away with it', async () => {
  const server = await startServer();
  const client = startExample('unix-client', '--path', path, '--page', '/page?1');
  expect(await client.ended()).toBe(0);
  expect(client.lines).toEqual(['200: you said GET /page?1']);
  expect(client.stderr).toBe('');
  server.signal('SIGINT');
  expect(await server.ended()).toBe(130);
  expect(server.stderr).toBe('');
  expect(existsSync(path)).toBe(false);
});

it('serves curl', async ({ skip }) => {
  if (!has('curl')) skip('curl is not installed');
  await startServer();
  const curl = start('curl', ['--silent', '--unix-socket', path, 'http://localhost/from-curl']);
  expect(await curl.ended()).toBe(0);
  expect(curl.lines).toEqual(['you said GET /from-curl']);
});

it('takes the place of a server that has died, and of no other', async () => {
  const killed = await startServer();
  killed.signal('SIGKILL');
  await killed.ended();
  expect(existsSync(path)).toBe(true);
  await startServer();
  const second = startExample('unix-server', '--path', path);
  expect(await second.ended()).toBe(1);
  expect(second.stderr).toContain('EADDRINUSE');
  const client = startExample('unix-client', '--path', path);
  expect(await client.ended()).toBe(0);
});

it('has a client that says why there is no answer', async () => {
  const client = startExample('unix-client', '--path', path);
  expect(await client.ended()).toBe(1);
  expect(client.lines).toEqual([`no answer: connect ENOENT ${path}`]);

  const mute = createServer((socket) => socket.end('no HTTP\n'));
  await once(mute.listen(path), 'listening');
  const other = startExample('unix-client', '--path', path);
  expect(await other.ended()).toBe(1);
  expect(other.lines).toEqual([expect.stringMatching(/^no answer: ./)]);
  mute.close();
});
