/** What crawler.ts and tour.ts have in common: their options, the progress bar, and the table at the end. */
import { type Coroutine, spawn } from 'genlet';
import type { Crawl, Failure } from './crawl.ts';
import { webAddress, wholeNumber } from './options.ts';
import { showProgress } from './progress.ts';
import { type Row, seconds } from './table.ts';

export const crawlOptions = {
  url: webAddress,
  pool: wholeNumber(20, { least: 1 }),
  depth: wholeNumber(3),
  timeout: wholeNumber(1000, { least: 1 }),
  attempts: wholeNumber(2, { least: 1 }),
};

/** Crawls while another greenlet draws how far it has come. */
export function* crawlWithProgress(crawl: Crawl): Coroutine<void> {
  const bar = spawn(showProgress, () => ({ done: crawl.visits.length, total: crawl.known }));
  try {
    yield* crawl.run();
  } finally {
    yield* bar.kill();
  }
}

export function describeCrawl({ visits, pages, redirects, failures, known, ms }: Crawl): Row[] {
  const retried = visits.filter(({ attempts }) => attempts > 1).length;
  const inTurn = visits.reduce((sum, visit) => sum + visit.ms, 0);
  return [
    ['addresses', `${visits.length} of ${known} visited, ${retried} more than once`],
    ['pages', pages.length],
    ['redirects', redirects.length],
    ['failures', `${failures.length}${countReasons(failures)}`],
    ['time', `${seconds(ms)}; one after the other ${seconds(inTurn)}`],
  ];
}

/** ` (2 x HTTP 404, 1 x HTTP 500)`, in the order of the failures. */
function countReasons(failures: Failure[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of failures) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].map(([reason, count]) => `${count} x ${reason}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** A line for each failure. */
export function listFailures(crawl: Crawl): string[] {
  return crawl.failures.map(({ url, reason }) => `failed: ${reason}: ${url}`);
}
