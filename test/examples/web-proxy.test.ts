import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { escapeHtml, rewriteLinks } from '../../examples/support/html.ts';
import { exampleRunner, type Program } from './example.ts';
import { callPort, closedPort, listenAt } from './network.ts';

const { startExample } = exampleRunner(afterAll);

/** The site behind the proxy; its pages are functions. */
let site: Server;
let pages: Record<string, RequestListener>;
let origin: string;

beforeEach(async () => {
  pages = {};
  site = createServer((request, response) => {
    const page = pages[request.url!];
    if (page === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('no such page');
    else page(request, response);
  });
  origin = `http://127.0.0.1:${await listenAt(site)}`;
});

afterEach(() => {
  site.close();
  site.closeAllConnections();
});

let program: Program;
let url: string;

beforeAll(async () => {
  program = startExample('web-proxy', '--timeout', '1000');
  const [, address] = await program.line(/^proxy at (http:\/\/127\.0\.0\.1:\d+\/)$/);
  url = address!;
});

async function get(path: string) {
  const response = await fetch(url + path);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const html =
  (text: string): RequestListener =>
  (_, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=iso-8859-1' }).end(Buffer.from(text, 'latin1'));

describe('web-proxy.ts', () => {
  it('gives a page with links that lead through it, and everything else as it is', async () => {
    pages['/folder/page?x=1'] = html(
      '<a href="/a?b=1&amp;c=2">grün</a> <img src=\'pic.png\'> <a href="https://b.invalid/">',
    );
    pages['/pic.png'] = (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('PNG');
    expect(await get(`${origin}/folder/page?x=1`)).toEqual({
      status: 200,
      type: 'text/html; charset=utf-8',
      text: `<a href="/${origin}/a?b=1&amp;c=2">grün</a> <img src="/${origin}/folder/pic.png"> <a href="/https://b.invalid/">`,
    });
    expect(await get(`${origin}/pic.png`)).toEqual({ status: 200, type: 'image/png', text: 'PNG' });
    expect(await get(`${origin}/missing`)).toEqual({ status: 404, type: 'text/plain', text: 'no such page' });
  });

  it('has a form, and takes an address without http://', async () => {
    pages['/'] = html('hello');
    expect((await get('')).text).toContain('<form>');
    expect(await get(`?url=${encodeURIComponent(origin)}`)).toMatchObject({ status: 200, text: 'hello' });
    expect(await get(origin.slice('http://'.length))).toMatchObject({ status: 200, text: 'hello' });
  });

  it('follows redirections, and takes links from where it came to', async () => {
    pages['/old'] = (_, response) => response.writeHead(302, { location: '/new/' }).end();
    pages['/new/'] = html('<a href="next">');
    expect((await get(`${origin}/old`)).text).toBe(`<a href="/${origin}/new/next">`);
  });

  it('answers 502 where there is no answer, and 400 to what is no address', async () => {
    pages['/silent'] = () => {};
    pages['/cut'] = (_, response) => response.destroy();
    const closed = `http://127.0.0.1:${await closedPort()}/`;
    expect(await get(closed)).toMatchObject({ status: 502, text: expect.stringContaining('ECONNREFUSED') });
    expect(await get(`${origin}/silent`)).toMatchObject({
      status: 502,
      text: `${origin}/silent: no answer within 1000 ms\n`,
    });
    expect(await get(`${origin}/cut`)).toMatchObject({ status: 502 });
    expect(await get('http://[/')).toMatchObject({ status: 400, text: 'http://[/ is no address\n' });
    expect(program.lines.filter((line) => line.startsWith('502 for '))).toHaveLength(3);
  });

  it('passes a long download on as it comes, and gives it up when the client does', async () => {
    let closed: Promise<unknown> | undefined;
    pages['/endless'] = (_, response) => {
      closed = once(response, 'close');
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('first line\n');
      const chunk = Buffer.alloc(100_000, '.');
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', write);
      write();
    };
    const { socket, readline } = await callPort(Number(new URL(url).port));
    socket.write(`GET /${origin}/endless HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    for (let line; (line = await readline()) !== 'first line'; ) expect(line).toBeDefined();
    socket.destroy();
    await closed;
  });

  it('has reported nothing, and ends at Ctrl-C', async () => {
    program.signal('SIGINT');
    expect(await program.ended()).toBe(130);
    expect(program.stderr).toBe('');
  });
});

describe('rewriteLinks', () => {
  const rewrite = (html: string) => rewriteLinks(html, 'http://host/folder/page', (url) => `<${url.pathname}>`);

  it('changes links to web addresses, and no other', () => {
    expect(rewrite(`<a class="x" href = "a">`)).toBe('<a class="x" href = "&lt;/folder/a&gt;">');
    expect(rewrite(`<FORM ACTION='/a'>`)).toBe('<FORM ACTION="&lt;/a&gt;">');
    for (const same of [
      '<a href="#top">',
      '<a href="mailto:x@y">',
      '<a href="http://[">',
      '<a href=bare>',
      '<p>href="a"',
    ]) {
      expect(rewrite(same)).toBe(same);
    }
  });

  it('escapes what stands in a link', () => {
    expect(escapeHtml(`<a href="b">'&'</a>`)).toBe('&lt;a href=&quot;b&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;');
  });
});
