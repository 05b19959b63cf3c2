/** A server and clients of ws: echoes, fragments, compression, pings, codes of close, streams, upgrades that are refused. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import WebSocket, { createWebSocketStream, WebSocketServer } from 'ws';

export default function* (tools) {
  const { say, wait } = tools;
  const web = http.createServer((_request, response) => response.end('http'));
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 200_000,
    perMessageDeflate: { threshold: 100, concurrencyLimit: 2, zlibDeflateOptions: { level: 3 } },
    handleProtocols: (offered) => (offered.has('echo') ? 'echo' : false),
  });
  web.on('upgrade', (request, socket, head) => {
    if (request.url.startsWith('/refused')) {
      socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno');
      return;
    }
    server.handleUpgrade(request, socket, head, (peer) => server.emit('connection', peer, request));
  });
  const heard = []; // in no certain order with what the clients see
  server.on('connection', (peer, request) => serve(peer, request.url, heard));
  web.listen(0, '127.0.0.1');
  yield* wait(once(web, 'listening'));
  const origin = `ws://127.0.0.1:${web.address().port}`;
  try {
    yield* echo(`${origin}/echo`, tools);
    yield* closing(origin, tools);
    yield* failing(origin, tools);
    yield* streaming(`${origin}/echo`, tools);
    yield* broadcasting(`${origin}/all`, server, tools);
  } finally {
    for (const peer of server.clients) peer.terminate();
    const closed = once(web, 'close');
    server.close();
    web.close();
    web.closeAllConnections();
    yield* wait(closed);
  }
  say('closed', server.clients.size);
  for (const line of heard.sort()) say(line);
}

function serve(peer, path, heard) {
  const say = (...what) => heard.push(what.join(' '));
  peer.on('error', ({ code }) => say('server error', code));
  if (path === '/echo') {
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
    peer.on('ping', (data) => say('server got ping', String(data)));
    peer.on('close', (code, reason) => say('server close', code, String(reason)));
  } else if (path === '/bye') {
    peer.close(4001, 'bye');
  } else if (path === '/gone') {
    peer.terminate();
  } else if (path === '/ping') {
    peer.ping('are you there');
    peer.on('pong', (data) => peer.close(1000, `${data}`));
  }
}

function* open(wait, url, ...options) {
  const client = new WebSocket(url, ...options);
  yield* wait(once(client, 'open'));
  return client;
}

function* echo(url, { say, start, wait }) {
  const client = yield* open(wait, url, ['other', 'echo']);
  say('open', client.protocol, client.extensions, client.readyState);
  const large = Buffer.alloc(150_000, 'abc');
  for (const message of ['text', '', 'ü€😀', Buffer.from([0, 1, 2]), new Uint16Array([1, 2]), large]) {
    const answer = once(client, 'message');
    client.send(message);
    const [data, isBinary] = yield* wait(answer);
    say('echo', isBinary, data.length, data.length < 20 ? data.toString('hex') : data.equals(large));
  }
  client.binaryType = 'arraybuffer';
  const asBuffer = once(client, 'message');
  client.send(Buffer.from('bytes'));
  say('arraybuffer', (yield* wait(asBuffer))[0] instanceof ArrayBuffer);
  client.binaryType = 'nodebuffer';

  const joined = once(client, 'message');
  for (const [piece, fin] of [
    ['one ', false],
    ['two ', false],
    ['three', true],
  ]) {
    yield* wait(new Promise((resolve) => client.send(piece, { fin, compress: false }, resolve)));
  }
  say('fragments', String((yield* wait(joined))[0]));

  const pong = once(client, 'pong');
  client.ping('ping');
  say('pong', String((yield* wait(pong))[0]));

  const seen = [];
  const all = new Promise((resolve) => {
    client.on('message', (data) => {
      seen.push(data.length);
      if (seen.length === 50) resolve();
    });
  });
  yield* wait(
    Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        start(function* () {
          for (let j = 0; j < 10; j++) {
            yield* wait(new Promise((resolve) => client.send('x'.repeat(i * 10 + j), resolve)));
          }
        }),
      ),
    ),
  );
  yield* wait(all);
  say('fifty', seen.sort((a, b) => a - b).join() === Array.from({ length: 50 }, (_, i) => i).join());

  const closed = once(client, 'close');
  client.close(1000, 'done');
  const [code, reason] = yield* wait(closed);
  say('close', code, String(reason), client.readyState);
}

function* closing(origin, { say, wait }) {
  for (const path of ['/bye', '/gone', '/ping']) {
    const client = new WebSocket(origin + path);
    const [code, reason] = yield* wait(once(client, 'close'));
    say('close', path, code, String(reason));
  }
  const large = yield* open(wait, `${origin}/echo`);
  const closed = once(large, 'close');
  large.send(Buffer.alloc(300_000));
  say('too large', (yield* wait(closed))[0]);

  const strange = yield* open(wait, `${origin}/echo`);
  const ended = once(strange, 'close');
  strange._socket.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0])); // a reserved opcode
  say('protocol error', (yield* wait(ended))[0]);

  const client = yield* open(wait, `${origin}/echo`);
  try {
    client.close(1005);
  } catch (error) {
    say('close with 1005', error.message);
  }
  const gone = once(client, 'close');
  client.terminate();
  say('terminated', (yield* wait(gone))[0]);
}

function* failing(origin, { say, wait }) {
  const refused = new WebSocket(`${origin}/refused`);
  say('refused', (yield* wait(once(refused, 'error')))[0].message);

  const asked = new WebSocket(`${origin}/refused`);
  const [, response] = yield* wait(once(asked, 'unexpected-response'));
  say('answer', response.statusCode, String(yield* wait(buffer(response))));

  const plain = net.createServer((socket) => socket.end('no HTTP\r\n\r\n')).listen(0, '127.0.0.1');
  yield* wait(once(plain, 'listening'));
  const lost = new WebSocket(`ws://127.0.0.1:${plain.address().port}`);
  say('no HTTP', (yield* wait(once(lost, 'error')))[0].code);
  plain.close();

  const silent = net.createServer().listen(0, '127.0.0.1');
  const sockets = [];
  silent.on('connection', (socket) => sockets.push(socket));
  yield* wait(once(silent, 'listening'));
  const late = new WebSocket(`ws://127.0.0.1:${silent.address().port}`, { handshakeTimeout: 30 });
  say('late', (yield* wait(once(late, 'error')))[0].message);
  for (const socket of sockets) socket.destroy();
  silent.close();

  const nobody = new WebSocket(`ws://127.0.0.1:${silent.address()?.port ?? 1}`);
  say('nobody', (yield* wait(once(nobody, 'error')))[0].code);
}

function* streaming(url, { say, wait }) {
  const client = new WebSocket(url);
  const stream = createWebSocketStream(client, { highWaterMark: 1024 });
  const bytes = Buffer.alloc(500_000, 'stream');
  let received = 0;
  const all = new Promise((resolve, reject) => {
    stream.on('error', reject).on('data', (piece) => {
      received += piece.length;
      if (received === bytes.length) resolve();
    });
  });
  for (let at = 0; at < bytes.length; at += 50_000) {
    if (!stream.write(bytes.subarray(at, at + 50_000))) yield* wait(once(stream, 'drain'));
  }
  yield* wait(all);
  stream.end();
  yield* wait(once(stream, 'close'));
  say('stream', received);
}

function* broadcasting(url, server, { say, start, wait }) {
  const clients = yield* wait(Promise.all(Array.from({ length: 10 }, () => start(open, wait, url))));
  const heard = clients.map((client) => once(client, 'message'));
  for (const peer of server.clients) {
    if (peer.readyState === WebSocket.OPEN) peer.send('to all');
  }
  const messages = yield* wait(Promise.all(heard));
  say('to all', messages.map(([data]) => String(data)).join());
  const closed = clients.map((client) => once(client, 'close'));
  for (const client of clients) client.close();
  yield* wait(Promise.all(closed));
}
