// Sends a datagram to udp-server.ts, and again if no answer comes: datagrams may get lost.
// Python: gevent's udp_client.py, with a connected socket of type SOCK_DGRAM.
import { isExit, retry, run, Timeout } from 'genlet';
import { UdpSocket } from 'genlet/io';
import { address, readOptions, text, wholeNumber } from './support/options.ts';

const { to, message, timeout, attempts } = readOptions({
  to: address('127.0.0.1:9000'),
  message: text('hello'),
  timeout: wholeNumber(1000, { least: 1 }),
  attempts: wholeNumber(3, { least: 1 }),
});

await run(
  function* () {
    using socket = new UdpSocket();
    yield* socket.connect(to);
    try {
      const answer = yield* retry(
        function* () {
          yield* socket.send(message);
          return yield* socket.recv({ timeout });
        },
        { attempts, retryIf: (error) => error instanceof Timeout },
      );
      console.log(`${socket.remote} says: ${answer}`);
    } catch (error) {
      if (isExit(error)) throw error;
      console.log(`no answer: ${(error as Error).message}`); // ECONNREFUSED: nobody receives there, and the system says so
      process.exitCode = 1;
    }
  },
  { signals: true },
);
