// Concurrent clients that send one line after the other to echo-server.ts (without --port, to a server of their own).
// Python: a gevent.pool.Group of greenlets over gevent.socket.create_connection.
import { run } from 'genlet';
import type { Address } from 'genlet/io';
import { callServer, describeCalls, listCallFailures, upperCaseServer } from './support/echo.ts';
import { readOptions, text, wholeNumber } from './support/options.ts';
import { formatTable } from './support/table.ts';

const options = readOptions({
  host: text('127.0.0.1'),
  port: wholeNumber(undefined, { least: 1, most: 65_535 }),
  clients: wholeNumber(100, { least: 1 }),
  messages: wholeNumber(100, { least: 1 }),
});

function* call(address: Address) {
  const calls = yield* callServer(address, options);
  for (const line of listCallFailures(calls)) console.log(line);
  console.log(formatTable(describeCalls(calls)));
  if (calls.failures.length > 0) process.exitCode = 1;
}

await run(
  function* () {
    if (options.port !== undefined) return yield* call([options.host, options.port]);
    const server = upperCaseServer([options.host, 0]);
    try {
      yield* server.start();
      yield* call(server.address);
    } finally {
      yield* server.stop();
    }
  },
  { signals: true },
);
