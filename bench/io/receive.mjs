// Bytes from another process, as fast as they come.
import { spawn } from 'node:child_process';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { go, python } from '../harness/programs.mjs';
import { byTimeAndCpu, microseconds } from './measure.mjs';

const bytes = 2 ** 30;
const sender = [process.execPath, fileURLToPath(new URL('sender.mjs', import.meta.url)), String(bytes)];

/** `receive` gets the port, reads to the end and gives the number of bytes. Each connection gets all of them. */
function receiving(what, prepare) {
  return async () => {
    const receive = await prepare();
    const [program, ...args] = sender;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const port = Number(await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)));
    let figure = Infinity;
    for (let pass = 0; pass < 5; pass++) {
      let received;
      const took = await microseconds(what, async () => {
        received = await receive(port);
      });
      if (received !== bytes) throw new Error(`received ${received} bytes`);
      figure = Math.min(figure, took);
    }
    child.kill();
    return figure / 1000;
  };
}

const inGenlet = (receive) => async () => {
  const { run } = await import('../genlet.mjs');
  const { createConnection } = await import('../../dist/io/index.js');
  return (port) =>
    run(function* () {
      const socket = yield* createConnection(['127.0.0.1', port]);
      const received = yield* receive(socket);
      socket.close();
      return received;
    });
};

const recvInto = (size) =>
  inGenlet(function* (socket) {
    const target = Buffer.alloc(size);
    let received = 0;
    for (let count; (count = yield* socket.recvInto(target)) > 0; ) received += count;
    return received;
  });

function table(what) {
  return {
    title: `Receiving 1 GiB: ${what}`,
    about: 'From another process over 127.0.0.1; the best of five. "genlet" is `recvInto` a buffer of 64 KiB.',
    unit: `ms of ${what}`,
    cases: {
      genlet: receiving(what, recvInto(65_536)),
      'genlet, recvInto 256 KiB': receiving(what, recvInto(262_144)),
      'genlet, recv': receiving(
        what,
        inGenlet(function* (socket) {
          let received = 0;
          for (let count; (count = (yield* socket.recv()).length) > 0; ) received += count;
          return received;
        }),
      ),
      'node:net, data events': receiving(what, async () => (port) => {
        let received = 0;
        const socket = createConnection(port, '127.0.0.1').on('data', (chunk) => {
          received += chunk.length;
        });
        return new Promise((resolve) => socket.on('end', () => resolve(received)));
      }),
      'node:net, onread': receiving(what, async () => (port) => {
        let received = 0;
        const callback = (count) => {
          received += count;
        };
        const onread = { buffer: Buffer.alloc(65_536), callback };
        const socket = createConnection({ port, host: '127.0.0.1', onread });
        return new Promise((resolve) => socket.on('end', () => resolve(received)));
      }),
      'gevent, recv_into': python('io/peers/transfer.py', 'receive', what, ...sender),
      'Go, Read': go('io/peers/transfer', 'receive', what, ...sender),
    },
    bars: [{ against: 'node:net, data events', faster: 1.2 }],
  };
}

export default byTimeAndCpu(table);
