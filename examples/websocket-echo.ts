// A WebSocket server that sends each message back. HttpServer does the HTTP and hands over the connection; the protocol
// itself is in support/websocket.ts. Ctrl-C says goodbye to the clients.
import { isExit, run, shield } from 'genlet';
import { HttpServer } from 'genlet/io';
import { readOptions, text, wholeNumber } from './support/options.ts';
import { acceptWebSocket } from './support/websocket.ts';

const { host, port, limit } = readOptions({
  host: text('127.0.0.1'),
  port: wholeNumber(0, { most: 65_535 }),
  limit: wholeNumber(1_048_576, { least: 1 }), // bytes of a message
});

function page(_: unknown, response: { status: number }): string {
  response.status = 426;
  return 'Talk to me by WebSocket';
}

await run(
  function* () {
    const server = new HttpServer([host, port], page, {
      *upgrade(request, socket) {
        const peer = yield* acceptWebSocket(request, socket, { maxMessage: limit });
        try {
          for (let message; (message = yield* peer.receive()) !== undefined; ) yield* peer.send(message);
        } catch (error) {
          if (isExit(error)) yield* shield(() => peer.close(1001, 'the server goes away'));
          throw error;
        }
      },
    });
    yield* server.start();
    console.log(`listening on ${server.address}`);
    try {
      yield* server.serveForever();
    } finally {
      console.log('stopped');
    }
  },
  { signals: true },
);
