import { spawn as spawnChild } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { run, sleep } from 'genlet';
import { describe, expect, it } from 'vitest';
import { eventually } from './support.ts';

const server = `
  import { getHub, run } from 'genlet';
  import { fs, StreamServer } from 'genlet/io';

  const reports = [];
  getHub().onError = (error, _, context) => void reports.push([error.code, error.message, context]);
  await run(function* () {
    const server = new StreamServer('127.0.0.1:0', function* (socket) {
      yield* socket.sendall('welcome');
      if (String(yield* socket.recv()) === 'stop') yield* server.stop(0);
    });
    yield* server.start();
    console.log(server.port);
    yield* server.serveForever();
    yield* fs.readFile(process.argv[0]); // there are descriptors left for files
    console.log(JSON.stringify({ dropped: server.dropped, reports }));
  });
`;

/** The server above, in a process that may have 80 descriptors; gives its port, then what it has to say at the end. */
function startServer() {
  const script = `ulimit -n 80; exec "${process.execPath}" --import tsx --input-type=module --eval "$SOURCE"`;
  const child = spawnChild('bash', ['-c', script], { env: { ...process.env, SOURCE: server } });
  const state = { child, lines: [] as string[], errors: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => void state.lines.push(...text.trim().split('\n')));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (state.errors += text));
  return state;
}

describe('a server without descriptors', () => {
  it('counts and reports the connections that it turns away, and serves on', () =>
    run(function* () {
      const server = startServer();
      yield* eventually(() => server.lines.length === 1);
      const port = Number(server.lines[0]);
      const clients: { socket: Socket; text: string; closed: boolean }[] = [];
      function open() {
        const client = { socket: connect(port, '127.0.0.1'), text: '', closed: false };
        client.socket.setEncoding('utf8').on('data', (text: string) => void (client.text += text));
        client.socket.on('close', () => void (client.closed = true)).on('error', () => {});
        clients.push(client);
        return client;
      }

      for (let i = 0; i < 100; i++) open();
      yield* eventually(() => clients.every(({ text, closed }) => text === 'welcome' || closed));
      const welcome = clients.filter(({ text }) => text !== '');
      const refused = clients.filter(({ closed }) => closed);
      expect(welcome.length).toBeGreaterThan(10);
      expect(welcome.length + refused.length).toBe(100);

      for (const { socket } of welcome.splice(0)) socket.destroy();
      let last = open();
      while (last.text === '') {
        yield* sleep(5); // the server may not have seen yet that the others are gone
        if (last.closed) {
          refused.push(last);
          last = open();
        }
      }
      last.socket.end('stop');
      yield* eventually(() => server.lines.length === 2);
      const { dropped, reports } = JSON.parse(server.lines[1]!);
      expect([dropped, server.errors]).toEqual([refused.length, '']);
      expect(reports).toHaveLength(String(dropped).length); // for the 1st, the 10th, the 100th
      expect(reports[0]).toEqual([
        'EMFILE',
        'a connection was turned away, for this process may have no more than 80 descriptors: ' +
          "raise 'ulimit -n', or accept fewer by maxConnections",
        `Listener 127.0.0.1:${port}`,
      ]);
      expect(reports[1][1]).toMatch(/^10 connections were turned away/);
      yield* eventually(() => server.child.exitCode === 0);
    }));
});
