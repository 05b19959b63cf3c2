// Downloads three pages at once, and tells of each as it comes.
// Python: gevent's concurrent_download.py, gevent.spawn of urlopen and gevent.wait(jobs).
import { isExit, run, spawn, wait } from 'genlet';
import { http } from 'genlet/io';
import { readOptions, text } from './support/options.ts';
import { serveSite } from './support/site.ts';

const { urls } = readOptions({ urls: text('') }); // with commas; by default, of a site that it serves itself

function* download(url: string) {
  console.log(`begins: ${url}`);
  try {
    const response = yield* http.request(url, { timeout: 10_000 });
    console.log(`${response.status}, ${response.bytes().length} bytes: ${url}`);
  } catch (error) {
    if (isExit(error)) throw error;
    console.log(`failed, ${(error as Error).message}: ${url}`);
  }
}

await run(
  function* () {
    using site = urls === '' ? yield* serveSite() : undefined;
    const all =
      urls === '' ? ['/', '/page/32', '/page/2'].map((path) => new URL(path, site!.url).href) : urls.split(',');
    const jobs = all.map((url) => spawn(download, url));
    yield* wait(jobs);
  },
  { signals: true },
);
