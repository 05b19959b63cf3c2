// HTTP on a Unix socket: try it with unix-client.ts, or `curl --unix-socket /tmp/genlet.sock http://localhost/`.
// Python: gevent's unixsocket_server.py, a WSGIServer on a listener of type AF_UNIX.
import { run } from 'genlet';
import { createConnection, fs, HttpServer } from 'genlet/io';
import { readOptions, text } from './support/options.ts';

const { path } = readOptions({ path: text('/tmp/genlet.sock') });

/** A server that died without cleaning up has left its file behind; one that lives answers. */
function* removeStale() {
  try {
    using _ = yield* createConnection({ path });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') yield* fs.unlink(path);
  }
}

await run(
  function* () {
    yield* removeStale();
    const server = new HttpServer({ path }, ({ method, url }) => `you said ${method} ${url}\n`);
    yield* server.start();
    console.log(`listening at ${server.address}`);
    yield* server.serveForever(); // until Ctrl-C kills it; then the file is gone
  },
  { signals: true },
);
