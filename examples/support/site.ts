/**
 * A site of 200 pages to be crawled, on plain `node:http`. Page `n` links to ten pages of the next level, and to others
 * all over the site. Among the pages that have no level below them there are six of each kind of trouble.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Coroutine, fromEvent } from 'genlet';

export const PAGES = 200;
/** Pages below this number have a level below them. */
const LEAVES = 20;

/** What a page does: `flaky` fails at the first request only, `cut` breaks off, `looping` redirects in a circle. */
export type Kind = 'plain' | 'slow' | 'flaky' | 'failing' | 'missing' | 'hanging' | 'cut' | 'redirecting' | 'looping';

const TROUBLE: readonly Kind[] = ['slow', 'flaky', 'failing', 'missing', 'hanging', 'cut', 'redirecting', 'looping'];

export function kindOf(page: number): Kind {
  const remainder = page % 30;
  return (page >= LEAVES && remainder % 3 === 2 && TROUBLE[(remainder - 2) / 3]) || 'plain';
}

export function pathOf(page: number): string {
  return page === 0 ? '/' : `/page/${page}`;
}

export class Site {
  readonly url: URL;
  /** How often each page was asked for. */
  readonly requests: number[];
  readonly #server: Server;

  constructor(server: Server, requests: number[]) {
    this.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    this.requests = requests;
    this.#server = server;
  }

  /** Stops serving; requests that are under way are broken off. */
  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Starts a site on a free port of this machine. */
export function* serveSite(): Coroutine<Site> {
  const requests: number[] = Array(PAGES).fill(0);
  const server = createServer(({ url = '/' }, response) => {
    const page = url === '/' ? 0 : Number(/^\/page\/(\d+)$/.exec(url)?.[1] ?? PAGES);
    if (page >= PAGES) response.writeHead(404).end();
    else answer(page, ++requests[page]!, response);
  });
  server.listen(0, '127.0.0.1');
  yield* fromEvent(server, 'listening');
  return new Site(server, requests);
}

function answer(page: number, count: number, response: ServerResponse): void {
  const ordinary = () => response.writeHead(200, { 'content-type': 'text/html' }).end(html(page));
  const redirect = (target: number) => response.writeHead(302, { location: pathOf(target) }).end();
  switch (kindOf(page)) {
    case 'slow':
      setTimeout(ordinary, 300);
      break;
    case 'flaky':
      if (count === 1) response.writeHead(503).end();
      else ordinary();
      break;
    case 'failing':
      response.writeHead(500).end();
      break;
    case 'missing':
      response.writeHead(404).end();
      break;
    case 'hanging':
      break;
    case 'cut':
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': 10_000 }).write('<html>');
      setTimeout(() => response.destroy(), 20);
      break;
    case 'redirecting':
      redirect(page + 1);
      break;
    case 'looping':
      redirect(page + 30 < PAGES ? page + 30 : page % 30);
      break;
    default:
      setTimeout(ordinary, 20 + (page % 50));
  }
}

function html(page: number): string {
  const below = Array.from({ length: 10 }, (_, index) => 10 * page + index + 1);
  const across = [0, (page + 1) % PAGES, (7 * page) % PAGES];
  const links = [...below, ...across].filter((target) => target < PAGES).map(pathOf);
  const others = ['#top', 'mailto:nobody@example.invalid', 'http://example.invalid/'];
  const items = [...links, ...others].map((target) => `<li><a href="${target}">${target}</a></li>`);
  return `<!doctype html><title>Page ${page}</title><ul>${items.join('')}</ul>`;
}
