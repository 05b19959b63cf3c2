// The echo servers in JavaScript. Each gives a promise of its port.
import { once } from 'node:events';
import { createServer } from 'node:net';

const place = { port: 0, host: '127.0.0.1', backlog: 2048 };

async function listen(onConnection) {
  const server = createServer({ noDelay: true }, onConnection).listen(place);
  await once(server, 'listening');
  return server.address().port;
}

const ignore = () => {};

/** The least that Node can do. */
export const callbacks = () =>
  listen((socket) => {
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', ignore);
  });

export const forAwait = () =>
  listen(async (socket) => {
    try {
      for await (const bytes of socket) if (!socket.write(bytes)) await once(socket, 'drain');
      socket.end();
    } catch {}
  });

/** What a careful library for async functions does: a queue under `'data'` events, and a promise when it is empty. */
export const promiseQueue = () =>
  listen(async (socket) => {
    const received = [];
    let ended = false;
    let wake = ignore;
    const advance = () => wake();
    const end = () => {
      ended = true;
      wake();
    };
    socket.on('data', (bytes) => {
      received.push(bytes);
      wake();
    });
    socket.on('drain', advance).on('end', end).on('error', end);
    const change = () =>
      new Promise((resolve) => {
        wake = resolve;
      });
    for (;;) {
      while (received.length === 0 && !ended) await change();
      if (received.length === 0) break;
      socket.write(received.shift());
      while (socket.writableLength >= socket.writableHighWaterMark && !ended) await change();
    }
    socket.end();
  });

export async function genlet() {
  const { run } = await import('../genlet.mjs');
  const { StreamServer } = await import('../../dist/io/index.js');
  const options = { backlog: 2048 };
  const server = new StreamServer(
    ['127.0.0.1', 0],
    function* (socket) {
      for (let bytes; (bytes = yield* socket.recv()).length > 0; ) yield* socket.sendall(bytes);
    },
    options,
  );
  await run(function* () {
    yield* server.start();
  });
  return server.port;
}
