import { createServer, type ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { exampleRunner } from './example.ts';
import { closedPort, listenAt } from './network.ts';

const { startExample } = exampleRunner();

it('downloads pages of its own site', async () => {
  const program = startExample('concurrent-download');
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines.slice(0, 3).map((line) => line.replace(/http:.*:\d+/, ''))).toEqual([
    'begins: /',
    'begins: /page/32',
    'begins: /page/2',
  ]);
  expect(program.lines.slice(3)).toHaveLength(3);
  for (const line of program.lines.slice(3)) expect(line).toMatch(/^200, \d+ bytes: /);
  expect(program.lines.at(-1)).toMatch(/\/page\/32$/); // the slow one
});

it('has all of them under way at once, and tells which failed', async () => {
  const waiting: [path: string, response: ServerResponse][] = [];
  const server = createServer(({ url = '' }, response) => {
    waiting.push([url, response]);
    if (waiting.length < 3) return; // none is answered before all are there
    for (const [path, response] of waiting) response.writeHead(path === '/c' ? 404 : 200).end(path);
  });
  const site = `http://127.0.0.1:${await listenAt(server)}`;
  const closed = `http://127.0.0.1:${await closedPort()}/`;
  const program = startExample('concurrent-download', '--urls', `${site}/a,${closed},${site}/b,${site}/c`);
  expect(await program.ended()).toBe(0);
  server.close();
  expect(program.stderr).toBe('');
  expect(program.lines.slice(4).sort()).toEqual([
    `200, 2 bytes: ${site}/a`,
    `200, 2 bytes: ${site}/b`,
    `404, 2 bytes: ${site}/c`,
    expect.stringMatching(/^failed, connect ECONNREFUSED .*: http/),
  ]);
});
