// The load where there is no Go: node load.mjs <port> <connections> <bytes> <warm-up ms> <ms>. It keeps one message under way on
// each connection; prints "begin" when all are warm and "end <messages>" afterwards.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [port, connections, bytes, warmUp, duration] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(bytes);
let messages = 0;

function open() {
  return new Promise((started) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(message));
    let missing = bytes;
    socket.on('data', (chunk) => {
      missing -= chunk.length;
      if (missing > 0) return;
      missing = bytes;
      messages++;
      socket.write(message);
      started();
    });
  });
}

await Promise.all(Array.from({ length: connections }, open));
await sleep(warmUp);
console.log('begin');
const before = messages;
await sleep(duration);
process.stdout.write(`end ${messages - before}\n`, () => process.exit(0));
