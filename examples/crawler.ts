// Crawls one site with a pool of greenlets: time limit, retries, progress bar, and a table of what came out.
// Python: gevent.pool.Pool(n) over requests.get, with gevent.Timeout.
import { run } from 'genlet';
import { Crawl } from './support/crawl.ts';
import { crawlOptions, crawlWithProgress, describeCrawl, listFailures } from './support/crawl-report.ts';
import { readOptions } from './support/options.ts';
import { serveSite } from './support/site.ts';
import { formatTable } from './support/table.ts';

const options = readOptions(crawlOptions);

await run(
  function* () {
    using site = options.url === undefined ? yield* serveSite() : undefined;
    const crawl = new Crawl(options.url ?? site!.url, options);
    console.log(`crawling ${crawl.start} with a pool of ${options.pool}`);
    try {
      yield* crawlWithProgress(crawl);
    } finally {
      // Also after Ctrl-C: what was done until then is told.
      for (const line of listFailures(crawl)) console.log(line);
      console.log(formatTable(describeCrawl(crawl)));
    }
  },
  { signals: true },
);
