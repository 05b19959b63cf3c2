import { run, until } from 'genlet';
import { expect, it } from 'vitest';
import { PAGES, serveSite } from '../../examples/support/site.ts';
import { exampleRunner } from './example.ts';

const { startSource } = exampleRunner();

it('shows the echo server and the crawl in less than 15 seconds', { timeout: 30_000 }, async () => {
  const begin = performance.now();
  const program = startSource('tour');
  expect(await program.ended()).toBe(0);
  expect(performance.now() - begin).toBeLessThan(15_000);
  expect(program.stderr).toBe('');
  expect(program.lines.filter((line) => line.startsWith('failed: '))).toHaveLength(30);
  const table = program.lines.slice(program.lines.findIndex((line) => line.startsWith('clients')));
  const some = expect.any(String);
  expect(table).toEqual([
    'clients        100, 0 failed',
    'messages       10,000 of 10,000 answered',
    expect.stringMatching(/^latency {8}p50 [\d.]+ ms, p90 [\d.]+ ms, p99 [\d.]+ ms$/),
    expect.stringMatching(/^time {11}[\d.]+ s$/),
    '',
    'addresses      200 of 200 visited, 24 more than once',
    'pages          164',
    'redirects      6',
    'failures       30 (6 x HTTP 404, 6 x HTTP 500, 6 x no answer within 1000 ms, 6 x other side closed, 6 x redirected in a circle)',
    expect.stringMatching(/^time {11}[\d.]+ s; one after the other [\d.]+ s$/),
    '',
    some,
    some,
    some,
  ]);
});

it('crawls another site with --url', { timeout: 30_000 }, async () => {
  const requests = await run(function* () {
    using site = yield* serveSite();
    const program = startSource('tour', '--url', site.url.href, '--depth', '1', '--timeout', '5000');
    expect(yield* until(program.ended())).toBe(0);
    expect(program.lines).toContain('addresses      11 of 11 visited, 0 more than once');
    return site.requests;
  });
  expect(requests).toEqual(Array.from({ length: PAGES }, (_, page) => (page <= 10 ? 1 : 0)));
});

it('ends tidily at Ctrl-C', async () => {
  const program = startSource('tour');
  await program.line(/^20 greenlets crawl/);
  program.signal('SIGINT');
  expect(await program.ended()).toBe(130);
  expect(program.stderr).toBe('');
});
