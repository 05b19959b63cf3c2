// The tour, `npm start`: an echo server under 100 clients, then a crawl of a troublesome site of 200 pages.
// Python: gevent's StreamServer, Group, Pool and Timeout, together in one program.
import { getHub, run } from 'genlet';
import { Crawl } from './support/crawl.ts';
import { crawlOptions, crawlWithProgress, describeCrawl, listFailures } from './support/crawl-report.ts';
import { callServer, describeCalls, listCallFailures, upperCaseServer } from './support/echo.ts';
import { readOptions } from './support/options.ts';
import { serveSite } from './support/site.ts';
import { formatTable, type Row } from './support/table.ts';

const options = readOptions(crawlOptions);

function* echo() {
  const server = upperCaseServer(['127.0.0.1', 0]);
  yield* server.start();
  try {
    console.log(`100 clients send 100 messages each to an echo server on ${server.address}`);
    return yield* callServer(server.address, { clients: 100, messages: 100 });
  } finally {
    yield* server.stop();
  }
}

function* crawl() {
  using site = options.url === undefined ? yield* serveSite() : undefined;
  const crawl = new Crawl(options.url ?? site!.url, options);
  console.log(`${options.pool} greenlets crawl ${crawl.start}, ${options.timeout} ms for each request`);
  yield* crawlWithProgress(crawl);
  return crawl;
}

function describeHub(): Row[] {
  const { spawned, switches, longestSlice } = getHub().stats();
  return [
    ['greenlets', spawned],
    ['switches', switches],
    ['longest slice', `${longestSlice.ms.toFixed(1)} ms`],
  ];
}

await run(
  function* () {
    const calls = yield* echo();
    const crawled = yield* crawl();
    for (const line of [...listCallFailures(calls), ...listFailures(crawled)]) console.log(line);
    console.log(formatTable(describeCalls(calls), describeCrawl(crawled), describeHub()));
  },
  { signals: true },
);
