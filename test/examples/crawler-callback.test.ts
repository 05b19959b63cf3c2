import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, until } from 'genlet';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PAGES, serveSite } from '../../examples/support/site.ts';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crawler-callback-'));
  file = join(folder, 'pages.txt');
});

afterEach(() => rm(folder, { recursive: true }));

/** What was written, as `[path, outcome]`, with addresses and limits taken out of it. */
async function readPages(): Promise<[path: string, outcome: string][]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => {
    const [url = '', ...outcome] = line.split(' ');
    return [new URL(url).pathname, outcome.join(' ').replaceAll(url, 'url')];
  });
}

function countOutcomes(pages: [path: string, outcome: string][]) {
  const counts: Record<string, number> = {};
  for (const [, outcome] of pages) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

it('writes one line a page, also for those that fail', { timeout: 20_000 }, async () => {
  const program = startExample('crawler-callback', '--timeout', '2000', '--file', file);
  expect(await program.ended()).toBe(0);
  expect(program.stderr).toBe('');
  expect(program.lines).toEqual([`200 lines in ${file}`]);
  const pages = await readPages();
  expect(pages).toHaveLength(PAGES);
  expect(new Set(pages.map(([path]) => path)).size).toBe(PAGES);
  expect(countOutcomes(pages)).toEqual({
    '12 links': 1,
    '14 links': 1,
    '15 links': 18,
    '5 links': 142,
    '4 links': 2,
    'failed: HTTP 404': 6,
    'failed: HTTP 500': 6,
    'failed: HTTP 503': 6,
    'failed: fetch(url) timed out after 2000 ms': 6,
    'failed: other side closed': 6,
    'failed: redirect count exceeded': 6,
  });
});

it('crawls another site with --url, up to --pages, into a new file', { timeout: 20_000 }, async () => {
  const requests = await run(function* () {
    using site = yield* serveSite();
    for (const _ of ['once', 'again']) {
      const program = startExample(
        'crawler-callback',
        '--url',
        site.url.href,
        '--pages',
        '11',
        '--timeout',
        '10000',
        '--file',
        file,
      );
      expect(yield* until(program.ended())).toBe(0);
      expect(program.lines).toEqual([`11 lines in ${file}`]);
      expect(yield* until(readPages())).toHaveLength(11);
    }
    return site.requests;
  });
  expect(requests).toEqual(Array.from({ length: PAGES }, (_, page) => (page <= 10 ? 2 : 0)));
});

it('has at most as many requests under way as the pool has places', { timeout: 20_000 }, async () => {
  let now = 0;
  let most = 0;
  const server = createServer((request, response) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      response.end(request.url === '/' ? '<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a><a href=/4>4</a>' : '');
    }, 20);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const program = startExample('crawler-callback', '--url', `http://127.0.0.1:${port}`, '--pool', '2', '--file', file);
  expect(await program.ended()).toBe(0);
  server.close();
  expect((await readPages()).map(([path]) => path).sort()).toEqual(['/', '/1', '/2', '/3', '/4']);
  expect(most).toBe(2);
});
