// node sender.mjs <bytes>: prints its port, and sends so many bytes to whoever connects, until it is killed.
import { createServer } from 'node:net';

const bytes = Number(process.argv[2]);
const piece = Buffer.alloc(2 ** 18);

const server = createServer((socket) => {
  let sent = 0;
  const send = () => {
    while (sent < bytes) {
      sent += piece.length;
      if (!socket.write(piece)) return;
    }
    socket.end();
  };
  socket.on('drain', send).on('error', () => {});
  send();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
