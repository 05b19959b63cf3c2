import { describe, expect, it } from 'vitest';
import { pathOf } from '../io/tls-support.ts';
import { exampleRunner, has, type Program } from './example.ts';
import { callPort, refused } from './network.ts';

const { start, startExample } = exampleRunner();

async function startServer(...options: string[]): Promise<{ server: Program; url: string; port: number }> {
  const server = startExample('web-server', ...options);
  const [, url, port] = await server.line(/^serving (https?:\/\/127\.0\.0\.1:(\d+)\/)$/);
  return { server, url: url!, port: Number(port) };
}

/** Runs curl, and gives what it writes and the status. */
async function curl(...args: string[]): Promise<string[]> {
  const program = start('curl', ['--silent', '--show-error', '--write-out', '\\n%{http_code}', ...args]);
  expect(await program.ended(), program.stderr).toBe(0);
  return program.lines;
}

const HELLO = '<!doctype html><title>genlet</title><h1>Hello world!</h1>';

describe.skipIf(!has('curl'))('web-server.ts, asked by curl', () => {
  it('answers, and keeps a log', async () => {
    const { server, url } = await startServer();
    expect(await curl(url)).toEqual([HELLO, '', '200']);
    expect(await curl(`${url}?name=<Ada>%20%26%20co`)).toEqual([
      HELLO.replace('world', '&lt;Ada&gt; &amp; co'),
      '',
      '200',
    ]);
    expect(await curl('--data', '[1, 2, 3]', `${url}sum`)).toEqual(['{"sum":6}', '200']);
    expect(await curl('--data', '[1, 2', `${url}sum`)).toEqual(['The body is not valid JSON', '400']);
    expect(await curl(`${url}page?x`)).toEqual(['there is no /page', '', '404']);
    await server.line(/"GET \/page\?x HTTP\/1.1" 404/);
    const log = server.lines.slice(1).map((line) => line.replace(/\[.*\] |\S+$/g, ''));
    expect(log).toEqual([
      '127.0.0.1 - - "GET / HTTP/1.1" 200 ',
      '127.0.0.1 - - "GET /?name=<Ada>%20%26%20co HTTP/1.1" 200 ',
      '127.0.0.1 - - "POST /sum HTTP/1.1" 200 ',
      '127.0.0.1 - - "POST /sum HTTP/1.1" 400 ',
      '127.0.0.1 - - "GET /page?x HTTP/1.1" 404 ',
    ]);
    expect(server.stderr).toBe('');
  });

  it('speaks HTTPS by the certificate that it is given', async () => {
    const { url, port } = await startServer('--tls', '--cert', pathOf('localhost'), '--key', pathOf('key'));
    expect(url).toMatch(/^https:/);
    expect(await curl('--cacert', pathOf('ca'), `https://localhost:${port}/`)).toEqual([HELLO, '', '200']);
  });

  it('has a certificate made, if it is given none', async ({ skip }) => {
    if (!has('openssl')) skip('openssl is not installed');
    const { server, url } = await startServer('--tls');
    expect(await curl('--insecure', url)).toEqual([HELLO, '', '200']);
    const strict = start('curl', ['--silent', url]);
    expect(await strict.ended()).toBe(60); // it does not know who has signed it
    expect(server.stderr).toBe('');
  });
});

describe('web-server.ts', () => {
  it('lets a request finish after Ctrl-C', async () => {
    const { server, port } = await startServer();
    const { socket, readline } = await callPort(port);
    socket.write('POST /sum HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n');
    expect(await readline()).toBe('HTTP/1.1 100 Continue'); // its handler waits for the body
    server.signal('SIGINT');
    await refused(port);
    socket.end('[1,2]');
    expect([await readline(), await readline()]).toEqual(['', 'HTTP/1.1 200 OK']);
    for (let line; (line = await readline()) !== '{"sum":3}'; ) expect(line).toBeDefined();
    expect(await server.ended()).toBe(130);
    expect(server.stderr).toBe('');
  });
});
