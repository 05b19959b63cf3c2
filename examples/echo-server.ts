// A TCP server that answers in upper case: try `nc`, or with --tls `openssl s_client`. Ctrl-C lets clients finish.
// With --workers 2 it runs on two cores, by threads where they can share a port and by processes elsewhere.
// Python: gevent.server.StreamServer(address, handle).serve_forever().
import type { StreamServer } from 'genlet/io';
import { main, serve } from 'genlet/workers';
import { type Certificate, readCertificate, tlsOptions } from './support/certificate.ts';
import { upperCaseServer } from './support/echo.ts';
import { readOptions, text, wholeNumber } from './support/options.ts';

/** Exported, so that workers find it. */
export function makeServer(host: string, port: number, certificate: Certificate | undefined): StreamServer {
  return upperCaseServer([host, port], certificate);
}

main(
  import.meta.url,
  function* () {
    const { host, port, workers, ...options } = readOptions({
      host: text('127.0.0.1'),
      port: wholeNumber(0, { most: 65_535 }),
      workers: wholeNumber(0, { most: 64 }),
      ...tlsOptions,
    });
    const certificate = yield* readCertificate(options);
    const server =
      workers === 0
        ? makeServer(host, port, certificate)
        : yield* serve(makeServer, [host, port, certificate], { workers });
    if ('start' in server) yield* server.start();
    console.log(`listening on ${server.address}`);
    try {
      yield* server.serveForever(); // a kill, which is what Ctrl-C makes of itself here, stops the server
    } finally {
      console.log('stopped');
    }
  },
  { signals: true },
);
