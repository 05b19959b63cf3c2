// A UDP server that tells each sender how much has arrived: try it with udp-client.ts, or `nc -u`.
// Python: gevent's udp_server.py, with gevent.server.DatagramServer.
import { run } from 'genlet';
import { DatagramServer } from 'genlet/io';
import { address, readOptions } from './support/options.ts';

const { listen } = readOptions({ listen: address('127.0.0.1:0') });

await run(
  function* () {
    const server: DatagramServer = new DatagramServer(listen, function* (data, from) {
      console.log(`${from}: ${data}`);
      yield* server.sendto(`received ${data.length} bytes`, from);
    });
    yield* server.start();
    console.log(`receiving at ${server.address}`);
    yield* server.serveForever(); // a kill, which is what Ctrl-C makes of itself here, stops it
  },
  { signals: true },
);
