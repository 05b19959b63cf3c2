// Forwards connections to another address. Ctrl-C takes no new ones and lets the others finish; once more aborts.
// Python: gevent's portforwarder.py, a StreamServer with two greenlets a connection and gevent.signal_handler.
import { all, isExit, race, run, SimpleQueue } from 'genlet';
import { createConnection, onSignal, pipe, type Socket, StreamServer } from 'genlet/io';
import { address, readOptions } from './support/options.ts';

const { listen, to } = readOptions({ listen: address('127.0.0.1:0'), to: address('127.0.0.1:80') });

function* forward(client: Socket) {
  try {
    using target = yield* createConnection(to, { timeout: 5000 });
    console.log(`${client.remote} is connected`);
    yield* all([relay(client, target), relay(target, client)]);
    console.log(`${client.remote} is done`);
  } catch (error) {
    if (isExit(error)) throw error;
    console.log(`${client.remote} failed: ${(error as Error).message}`);
  }
}

function* relay(from: Socket, to: Socket) {
  yield* pipe(from, to);
  to.shutdown('write'); // the other direction goes on
}

await run(function* () {
  const signals = new SimpleQueue<string>();
  using _interrupt = onSignal('SIGINT', (name) => signals.put(name));
  using _terminate = onSignal('SIGTERM', (name) => signals.put(name));

  const server = new StreamServer(listen, forward);
  yield* server.start();
  console.log(`forwarding ${server.address} to ${to}`);

  console.log(`${yield* signals.get()}: no new connections, ${server.connections} to finish`);
  const again = yield* race([server.stop(null), signals.get()]); // the race kills stop(), which ends its patience
  console.log(again === undefined ? 'stopped' : `${again}: aborted`);
  if (again !== undefined) process.exit(1); // whatever is still to be sent
});
