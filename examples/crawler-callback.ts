// Crawls a site by callbacks: a pool fetches, and what is linked to each request appends a line on its page to a file.
// Python: request = gevent.pool.Pool(n).spawn(requests.get, url) and request.link(callback).
import { appendFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Coroutine, type Greenlet, Pool, run, until, wait } from 'genlet';
import { http } from 'genlet/io';
import { findLinks } from './support/links.ts';
import { readOptions, text, webAddress, wholeNumber } from './support/options.ts';
import { serveSite } from './support/site.ts';

const options = readOptions({
  url: webAddress,
  pool: wholeNumber(20, { least: 1 }),
  pages: wholeNumber(1000, { least: 1 }),
  timeout: wholeNumber(1000, { least: 1 }),
  file: text(join(tmpdir(), 'crawler-callback.txt')),
});

const pool = new Pool(options.pool);
const known = new Set<string>();

function* visit(url: string): Coroutine<void> {
  if (known.has(url) || known.size === options.pages) return;
  known.add(url);
  const request = yield* pool.spawn(fetchPage, url); // waits for a place
  request.link(() => parsePage(url, request));
}

function* fetchPage(url: string) {
  using response = yield* http.fetch(url, { timeout: options.timeout });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return yield* response.text();
}

/** A callback has a greenlet of its own, which belongs to no pool: it may wait. */
function* parsePage(url: string, request: Greenlet<string>) {
  const links = request.successful() ? findLinks(request.value!, url) : [];
  const outcome = request.successful() ? `${links.length} links` : `failed: ${reasonOf(request.exception)}`;
  yield* until(appendFile(options.file, `${url} ${outcome}\n`));
  const { host } = new URL(url);
  for (const link of links) if (new URL(link).host === host) yield* visit(link);
}

/** What `fetch` has to say about the network stands in the `cause`. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

await run(function* () {
  using site = options.url === undefined ? yield* serveSite() : undefined;
  yield* until(writeFile(options.file, ''));
  yield* visit((options.url ?? site!.url).href);
  yield* wait(); // until there are neither requests nor callbacks
  console.log(`${known.size} lines in ${options.file}`);
});
