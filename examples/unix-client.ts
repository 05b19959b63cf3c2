// Asks unix-server.ts for a page: HTTP on a Unix socket.
// Python: gevent's unixsocket_client.py, with a socket of type AF_UNIX.
import { isExit, run } from 'genlet';
import { http } from 'genlet/io';
import { readOptions, text } from './support/options.ts';

const { path, page } = readOptions({ path: text('/tmp/genlet.sock'), page: text('/hello') });

await run(
  function* () {
    using client = new http.HttpClient({ origin: 'http://localhost', socketPath: path });
    try {
      const response = yield* client.request(page, { timeout: 5000 });
      console.log(`${response.status}: ${response.text().trim()}`);
    } catch (error) {
      if (isExit(error)) throw error;
      console.log(`no answer: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  },
  { signals: true },
);
