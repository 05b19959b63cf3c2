// A pool of three connections: the fourth query waits for one, and a query that is given up spoils none.
// Python: gevent's psycopg2_pool.py, a pool of connections on a gevent.queue.Queue with context managers.
import { joinall, run, sleep, spawn, withTimeout } from 'genlet';
import { StreamServer } from 'genlet/io';
import { ConnectionPool } from './support/connection-pool.ts';
import { readOptions, wholeNumber } from './support/options.ts';
import { seconds } from './support/table.ts';

const { size, queries, ms } = readOptions({
  size: wholeNumber(3, { least: 1 }),
  queries: wholeNumber(4),
  ms: wholeNumber(1000), // how long the server takes for each
});

/** Stands for a database: it numbers its connections, and answers each query after a while. */
function makeServer() {
  let connections = 0;
  return new StreamServer('127.0.0.1:0', function* (socket) {
    const number = ++connections;
    for (let query; (query = yield* socket.readline()) !== undefined; ) {
      yield* sleep(ms);
      yield* socket.sendall(`${query} by connection ${number}\n`);
    }
  });
}

function* query(pool: ConnectionPool, text: string) {
  using connection = yield* pool.take(); // and it goes back, whatever happens
  console.log(yield* connection.query(text));
}

await run(
  function* () {
    const server = makeServer();
    yield* server.start();
    using pool = new ConnectionPool(server.address, size);
    try {
      const begin = performance.now();
      const names = Array.from({ length: queries }, (_, index) => `query ${index + 1}`);
      yield* joinall(names.map((name) => spawn(query, pool, name)));
      console.log(`${queries} queries over ${size} connections: ${seconds(performance.now() - begin)}`);

      yield* withTimeout(ms / 2, () => query(pool, 'one that takes too long'), { value: undefined });
      yield* query(pool, 'the next'); // by a connection in place of the one whose answer was not waited for
    } finally {
      yield* server.stop(0);
    }
  },
  { signals: true },
);
