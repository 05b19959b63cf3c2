// Looks up hundreds of names, ten at a time, and stops silently when the time for all is up.
// Python: gevent's dns_mass_resolve.py, a Pool(10) of gevent.socket.gethostbyname under gevent.Timeout(2, False).
import { isExit, Pool, run, withTimeout } from 'genlet';
import { Resolver } from 'genlet/io';
import { hostName, serveNames } from './support/name-server.ts';
import { readOptions, text, wholeNumber } from './support/options.ts';
import { formatTable, seconds } from './support/table.ts';

const { server, names, pool, patience, limit } = readOptions({
  server: text(''), // one of its own by default
  names: wholeNumber(500),
  pool: wholeNumber(10, { least: 1 }),
  patience: wholeNumber(20, { least: 1 }), // with one question, in milliseconds
  limit: wholeNumber(2000), // for all of them
});

/** How often each outcome came. */
const outcomes: Record<string, number> = {};

function* lookUp(resolver: Resolver, name: string) {
  let outcome = 'found';
  try {
    yield* resolver.resolve4(name);
  } catch (error) {
    if (isExit(error)) throw error;
    outcome = (error as NodeJS.ErrnoException).code ?? `${error}`;
  }
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

function* lookUpAll(resolver: Resolver) {
  const workers = new Pool(pool);
  try {
    for (let n = 0; n < names; n++) yield* workers.spawn(lookUp, resolver, hostName(n));
    yield* workers.join();
  } finally {
    yield* workers.kill();
  }
}

await run(
  function* () {
    const own = server === '' ? yield* serveNames() : undefined;
    try {
      const resolver = new Resolver({ servers: [server || `${own!.address}`], timeout: patience, tries: 1 });
      const begin = performance.now();
      yield* withTimeout(limit, () => lookUpAll(resolver), { value: undefined });
      const done = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
      console.log(
        formatTable(
          [['names', `${done} of ${names} within ${limit} ms, ${pool} at a time`]],
          Object.entries(outcomes).sort(),
          [['time', seconds(performance.now() - begin)]],
        ),
      );
    } finally {
      if (own !== undefined) yield* own.stop();
    }
  },
  { signals: true },
);
