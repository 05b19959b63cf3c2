/**
 * `CookieJar`: what servers have a client remember. undici reads the field; what is kept, and who is told, is said here, by
 * RFC 6265 without a list of public suffixes.
 */
import { isIP } from 'node:net';
import { show } from '../core/check.ts';
import { type OutgoingHeaders, readHeaders } from './http-headers.ts';
import { readUrl } from './http-options.ts';
import { loadedUndici } from './http-undici.ts';

/** A cookie, as it is given to a `CookieJar`. */
export interface CookieInit {
  /** Its name. */
  readonly name: string;
  /** Its value. */
  readonly value: string;
  /** The domain whose hosts are told, all below it included; by default only the host of the URL. */
  readonly domain?: string | undefined;
  /** Where the paths begin that are told; by default the folder of the URL's path. */
  readonly path?: string | undefined;
  /** When it ends, in milliseconds since 1970; by default with the jar. */
  readonly expires?: number | undefined;
  /** Whether only `https:` may see it. */
  readonly secure?: boolean | undefined;
}

/** A cookie in a `CookieJar`. */
export interface Cookie extends CookieInit {
  readonly domain: string;
  readonly path: string;
  readonly expires: number | undefined;
  readonly secure: boolean;
  /** Whether hosts below the domain are not told. */
  readonly hostOnly: boolean;
}

/** How many cookies a domain may have; the oldest go first. */
const MOST = 150;

/**
 * Cookies, by the domains that set them. A client with `cookies: true` has one of its own; clients can share one. What has
 * expired is forgotten when it is looked for. Cookies of a session last as long as the jar. Follows `http.cookiejar`.
 *
 * A cookie may be set for the host itself or a domain above it with a dot in it. There is no list of public suffixes: don't
 * share a jar between sites that don't trust each other and have such a suffix in common, such as `co.uk`.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { fromEvent, run } from 'genlet';
 * import { http } from 'genlet/io';
 *
 * await run(function* () {
 *   const server = createServer((request, response) => {
 *     response.setHeader('set-cookie', 'session=1; Path=/').end(String(request.headers.cookie));
 *   }).listen(0, '127.0.0.1');
 *   yield* fromEvent(server, 'listening');
 *   const { port } = server.address() as { port: number };
 *   using client = new http.HttpClient({ origin: `http://127.0.0.1:${port}`, cookies: true });
 *   console.log((yield* client.request('/')).text()); // => undefined
 *   console.log((yield* client.request('/')).text()); // => session=1
 *   console.log([...client.cookies!].map(({ name }) => name)); // => [ 'session' ]
 *   server.close();
 * });
 * ```
 */
export class CookieJar {
  /** By domain, and in it by name, path and whether it is for the host alone. */
  readonly #domains = new Map<string, Map<string, Cookie>>();

  /**
   * Keeps a cookie as if the server at `url` had set it; one with the same name, domain and path is replaced. Tells whether
   * that server may set it.
   *
   * @throws {TypeError} `url` is none of HTTP, or the cookie has no name
   */
  set(url: string | URL, cookie: CookieInit): boolean {
    const { hostname, pathname, protocol } = readUrl('url', url);
    const { name, value } = cookie;
    if (typeof name !== 'string' || typeof value !== 'string') {
      throw new TypeError(`cookie is ${show(cookie)}: give an object with a name and a value`);
    }
    const secure = cookie.secure === true;
    if (secure && protocol !== 'https:' && !isLocal(hostname)) return false;
    const asked = (cookie.domain ?? '').replace(/^\./, '').toLowerCase();
    const hostOnly = asked === '' || (asked === hostname && !asked.includes('.')) || isIP(bare(hostname)) !== 0;
    const domain = hostOnly ? hostname : asked;
    if (hostOnly ? asked !== '' && asked !== hostname : !asked.includes('.') || !isBelow(hostname, asked)) return false;
    const path = cookie.path?.startsWith('/') ? cookie.path : pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')));
    const expires = cookie.expires;
    const cookies = this.#of(domain);
    const key = `${name};${path};${hostOnly}`;
    cookies.delete(key);
    if (expires === undefined || expires > Date.now()) {
      cookies.set(key, { name, value, domain, path, expires, secure, hostOnly });
      for (const oldest of cookies.keys()) if (cookies.size > MOST) cookies.delete(oldest);
    }
    return true;
  }

  /** The cookies for a request to `url`, those with the longest paths first. */
  get(url: string | URL): Cookie[] {
    const { hostname, pathname, protocol } = readUrl('url', url);
    const now = Date.now();
    const found: Cookie[] = [];
    for (const [domain, cookies] of this.#domains) {
      if (!isBelow(hostname, domain)) continue;
      for (const [key, cookie] of cookies) {
        if (cookie.expires !== undefined && cookie.expires <= now) cookies.delete(key);
        else if (cookie.hostOnly && hostname !== domain) continue;
        else if (cookie.secure && protocol !== 'https:' && !isLocal(hostname)) continue;
        else if (isUnder(pathname, cookie.path)) found.push(cookie);
      }
    }
    return found.sort((a, b) => b.path.length - a.path.length);
  }

  /** Forgets all cookies, or those of one domain. */
  clear(domain?: string): void {
    if (domain === undefined) this.#domains.clear();
    else this.#domains.delete(domain);
  }

  /** How many cookies there are. */
  get size(): number {
    return [...this].length;
  }

  /** All cookies, by domains, the oldest first. */
  *[Symbol.iterator](): Generator<Cookie, void, undefined> {
    for (const cookies of this.#domains.values()) yield* cookies.values();
  }

  /** Keeps what a `set-cookie` field says; undici must have been loaded. @internal */
  store(url: string, field: string): void {
    const parsed = loadedUndici()!.parseCookie(field);
    if (parsed === null || parsed.name === '') return;
    const { name, value, domain, path, secure, maxAge } = parsed;
    const expires = maxAge === undefined ? parsed.expires?.valueOf() : maxAge <= 0 ? 0 : Date.now() + maxAge * 1000;
    this.set(url, { name, value, domain, path, secure, expires });
  }

  /** The header fields of a request with what is known for it; a cookie that is given there comes first. @internal */
  addTo(headers: OutgoingHeaders | undefined, url: string): OutgoingHeaders | undefined {
    const pairs = this.get(url).map(({ name, value }) => `${name}=${value}`);
    if (pairs.length === 0) return headers;
    const given = headers?.cookie;
    return readHeaders({ cookie: [...(given === undefined ? [] : [given].flat()), ...pairs].join('; ') }, headers);
  }

  #of(domain: string): Map<string, Cookie> {
    let cookies = this.#domains.get(domain);
    if (cookies === undefined) {
      cookies = new Map();
      this.#domains.set(domain, cookies);
    }
    return cookies;
  }
}

/** `::1` of `[::1]`. */
function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** What browsers trust as if it were encrypted. */
function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}

function isBelow(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`);
}

function isUnder(pathname: string, path: string): boolean {
  return pathname === path || (pathname.startsWith(path) && (path.endsWith('/') || pathname[path.length] === '/'));
}
