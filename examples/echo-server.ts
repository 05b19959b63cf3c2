// A TCP server that answers each line in upper case: try it with `nc`. Ctrl-C lets clients finish for a second.
// Python: gevent.server.StreamServer(address, handle).serve_forever().
import { run } from 'genlet';
import { upperCaseServer } from './support/echo.ts';
import { readOptions, text, wholeNumber } from './support/options.ts';

const { host, port } = readOptions({ host: text('127.0.0.1'), port: wholeNumber(0, { most: 65_535 }) });

await run(
  function* () {
    const server = upperCaseServer([host, port]);
    yield* server.start();
    console.log(`listening on ${server.address}`);
    try {
      yield* server.serveForever(); // a kill, which is what Ctrl-C makes of itself here, stops the server
    } finally {
      console.log('stopped');
    }
  },
  { signals: true },
);
