// A TCP server that answers in upper case: try `nc`, or with --tls `openssl s_client`. Ctrl-C lets clients finish.
// Python: gevent.server.StreamServer(address, handle).serve_forever().
import { run } from 'genlet';
import { readCertificate, tlsOptions } from './support/certificate.ts';
import { upperCaseServer } from './support/echo.ts';
import { readOptions, text, wholeNumber } from './support/options.ts';

const { host, port, ...options } = readOptions({
  host: text('127.0.0.1'),
  port: wholeNumber(0, { most: 65_535 }),
  ...tlsOptions,
});

await run(
  function* () {
    const server = upperCaseServer([host, port], yield* readCertificate(options));
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
