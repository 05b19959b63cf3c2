import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Coroutine, fromEvent, run, sleep, spawn } from 'genlet';
import { describe, expect, it } from 'vitest';
import { Crawl } from '../../examples/support/crawl.ts';
import { describeCrawl, listFailures } from '../../examples/support/crawl-report.ts';
import { findLinks } from '../../examples/support/links.ts';
import { type Kind, kindOf, PAGES, pathOf, serveSite } from '../../examples/support/site.ts';
import { watchHub } from '../support/hub.ts';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();
watchHub();

const OPTIONS = { pool: 20, depth: 3, timeout: 1000, attempts: 2 };

const numbersOf = (...kinds: Kind[]) =>
  Array.from({ length: PAGES }, (_, page) => page).filter((page) => kinds.includes(kindOf(page)));

/** Serves by `listener` while `body` runs. */
function* serving<T>(listener: RequestListener, body: (url: URL) => Coroutine<T>): Coroutine<T> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  yield* fromEvent(server, 'listening');
  try {
    return yield* body(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Serves the pages of a record, and crawls them. */
function* crawlPages(pages: Record<string, string>, options: Partial<typeof OPTIONS> = {}) {
  const requests: string[] = [];
  const listener: RequestListener = ({ url = '' }, response) => {
    requests.push(url);
    response.writeHead(url in pages ? 200 : 404, { 'content-type': 'text/html' }).end(pages[url]);
  };
  return yield* serving(listener, function* (url) {
    const crawl = new Crawl(url, { ...OPTIONS, ...options });
    yield* crawl.run();
    return { crawl, requests };
  });
}

const anchors = (...targets: string[]) => targets.map((target) => `<a href="${target}">x</a>`).join('');

describe('the crawl of the site', () => {
  it('visits every page once, and lists every failure', { timeout: 20_000 }, async () => {
    const { crawl, requests, origin } = await run(function* () {
      using site = yield* serveSite();
      const crawl = new Crawl(site.url, OPTIONS);
      yield* crawl.run();
      return { crawl, requests: site.requests, origin: site.url.origin };
    });
    const urlsOf = (...kinds: Kind[]) =>
      numbersOf(...kinds)
        .map((page) => origin + pathOf(page))
        .sort();
    const failed = (reason: string) =>
      crawl.failures
        .filter((failure) => failure.reason === reason)
        .map(({ url }) => url)
        .sort();

    expect(crawl.visits).toHaveLength(PAGES);
    expect(new Set(crawl.visits.map(({ url }) => url)).size).toBe(PAGES);
    expect(crawl.pages.map(({ url }) => url).sort()).toEqual(urlsOf('plain', 'slow', 'flaky'));
    expect(crawl.redirects.map(({ url }) => url).sort()).toEqual(urlsOf('redirecting'));
    expect(failed('HTTP 500')).toEqual(urlsOf('failing'));
    expect(failed('HTTP 404')).toEqual(urlsOf('missing'));
    expect(failed('no answer within 1000 ms')).toEqual(urlsOf('hanging'));
    expect(failed('redirected in a circle')).toEqual(urlsOf('looping'));
    expect(failed('other side closed')).toEqual(urlsOf('cut'));
    expect(crawl.failures).toHaveLength(30);
    expect(listFailures(crawl)).toHaveLength(30);

    const twice = numbersOf('flaky', 'failing', 'hanging', 'cut');
    expect(requests).toEqual(Array.from({ length: PAGES }, (_, page) => (twice.includes(page) ? 2 : 1)));
  });

  it('has 200 pages, six of each kind of trouble', () => {
    const kinds: Kind[] = ['slow', 'flaky', 'failing', 'missing', 'hanging', 'cut', 'redirecting', 'looping'];
    expect(kinds.map((kind) => numbersOf(kind).length)).toEqual(kinds.map(() => 6));
    expect(numbersOf('plain')).toHaveLength(PAGES - 48);
  });
});

describe('a crawl', () => {
  it('goes as deep as it is told, by the shortest paths', async () => {
    const pages = {
      '/': anchors('/1', '/2'),
      '/1': anchors('/', '/11'),
      '/2': anchors('/11', '/3'),
      '/11': anchors('/111'),
      '/3': '',
      '/111': '',
    };
    const atDepth = (depth: number) => run(() => crawlPages(pages, { depth, pool: 1 }));
    expect((await atDepth(0)).requests).toEqual(['/']);
    expect((await atDepth(1)).requests).toEqual(['/', '/1', '/2']);
    expect((await atDepth(2)).requests).toEqual(['/', '/1', '/2', '/11', '/3']);
    expect((await atDepth(9)).requests).toEqual(['/', '/1', '/2', '/11', '/3', '/111']);
  });

  it('stays on its site, and does not tell fragments apart', async () => {
    const { crawl } = await run(() =>
      crawlPages({ '/': anchors('http://example.invalid/', '/#a', '#b', '//example.invalid/', '/1#c'), '/1': '' }),
    );
    expect(crawl.visits.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/1']);
    expect(crawl.failures).toEqual([]);
  });

  it('reads links of HTML only', async () => {
    const { crawl } = await run(() =>
      serving(
        (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(anchors('/1')),
        function* (url) {
          const crawl = new Crawl(url, OPTIONS);
          yield* crawl.run();
          return { crawl };
        },
      ),
    );
    expect(crawl.pages).toHaveLength(1);
    expect(crawl.known).toBe(1);
  });

  it('has at most as many requests under way as the pool has places', async () => {
    let now = 0;
    let most = 0;
    await run(() =>
      serving(
        ({ url }, response) => {
          most = Math.max(most, ++now);
          setTimeout(() => {
            now--;
            response.writeHead(200, { 'content-type': 'text/html' });
            response.end(url === '/' ? anchors(...Array.from({ length: 30 }, (_, n) => `/${n}`)) : '');
          }, 5);
        },
        function* (url) {
          yield* new Crawl(url, { ...OPTIONS, pool: 3 }).run();
        },
      ),
    );
    expect(most).toBe(3);
  });

  it('counts a request that came through at a later attempt as a page', async () => {
    let requests = 0;
    const { crawl } = await run(() =>
      serving(
        (_, response) => response.writeHead(++requests < 3 ? 503 : 200).end(),
        function* (url) {
          const crawl = new Crawl(url, { ...OPTIONS, attempts: 3 });
          yield* crawl.run();
          return { crawl };
        },
      ),
    );
    expect(crawl.visits).toMatchObject([{ attempts: 3, links: [] }]);
    expect(crawl.failures).toEqual([]);
  });

  it('gives up its requests when it is killed, and has told of those before', async () => {
    const closed = await run(() => {
      let brokenOff = 0;
      return serving(
        ({ url }, response) => {
          if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(anchors('/1', '/2', '/3'));
          else response.on('close', () => brokenOff++);
        },
        function* (url) {
          const crawl = new Crawl(url, { ...OPTIONS, timeout: 60_000 });
          const greenlet = spawn(() => crawl.run());
          while (crawl.known < 4) yield* sleep(1);
          yield* sleep(20);
          yield* greenlet.kill();
          expect(crawl.visits).toHaveLength(1);
          expect(describeCrawl(crawl)[0]).toEqual(['addresses', '1 of 4 visited, 0 more than once']);
          while (brokenOff < 3) yield* sleep(1);
          return brokenOff;
        },
      );
    });
    expect(closed).toBe(3);
  });
});

describe('findLinks', () => {
  it('takes anchors in all their forms, each address once', () => {
    const html = `
      <a href="/double">1</a> <A HREF='/single'>2</A> <a class=x href=bare>3</a> <a id="a"
      href = "/spaced?a=1&amp;b=2">4</a> <a href="/double#again">5</a>
      <a name="none">6</a> <area href="/area"> <abbr href="/abbr"> <a href="mailto:x@y">7</a> <a href="http://[">8</a>
      <a href="https://other.invalid/">9</a>`;
    expect(findLinks(html, 'http://host/folder/page')).toEqual([
      'http://host/double',
      'http://host/single',
      'http://host/folder/bare',
      'http://host/spaced?a=1&b=2',
      'https://other.invalid/',
    ]);
  });
});

describe('crawler.ts', () => {
  it('crawls its own site, lists failures and sums up', { timeout: 20_000 }, async () => {
    const program = startExample('crawler', '--timeout', '900', '--attempts', '1');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
    const failures = program.lines.filter((line) => line.startsWith('failed: '));
    expect(failures).toHaveLength(36); // nobody asks a flaky page twice
    expect(program.lines.slice(-5)).toEqual([
      'addresses  200 of 200 visited, 0 more than once',
      'pages      158',
      'redirects  6',
      'failures   36 (6 x HTTP 404, 6 x HTTP 500, 6 x HTTP 503, 6 x no answer within 900 ms, 6 x other side closed, 6 x redirected in a circle)',
      expect.stringMatching(/^time {7}[\d.]+ s; one after the other [\d.]+ s$/),
    ]);
  });

  it('ends tidily at Ctrl-C, and tells what it has done', async () => {
    const program = startExample('crawler', '--timeout', '60000');
    await program.line(/^crawling/);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    program.signal('SIGINT');
    const begin = performance.now();
    expect(await program.ended()).toBe(130);
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(program.stderr).toBe('');
    const [, visited, known] = await program.line(/^addresses {2}(\d+) of (\d+) visited/);
    expect(Number(visited)).toBeGreaterThan(0);
    expect(Number(visited)).toBeLessThan(Number(known));
  });

  it('refuses what it does not understand', async () => {
    const program = startExample('crawler', '--url', 'example.com');
    expect(await program.ended()).toBe(2);
    expect(program.stderr).toBe(
      "crawler.js: --url is 'example.com': give an address that begins with http:// or https://\n" +
        'options: --url, --pool, --depth, --timeout, --attempts\n',
    );
    expect(program.lines).toEqual([]);
  });
});
