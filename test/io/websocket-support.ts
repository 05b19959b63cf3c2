/** A WebSocket server of a few lines, which does what the tests tell it to. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Coroutine } from 'genlet';
import { open, type Site } from './http-support.ts';

/** A frame that a client has sent. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The server's side of a connection. */
export class WebSocketPeer {
  readonly socket: Socket;
  readonly request: IncomingMessage;
  /** Frames that came. */
  readonly frames: Frame[] = [];
  onFrame: (frame: Frame) => void = () => {};
  #bytes = Buffer.alloc(0);

  constructor(socket: Socket, request: IncomingMessage) {
    this.socket = socket;
    this.request = request;
    socket.on('data', (bytes) => this.#read(bytes)).on('error', () => {});
    socket.on('end', () => socket.end());
    if (socket.readableEnded) socket.end();
  }

  /** Sends a frame; `first` is its first byte, with the flags and the opcode. */
  send(first: number, payload: string | Buffer = ''): boolean {
    return this.socket.write(frame(first, payload));
  }

  text(text: string): boolean {
    return this.send(0x81, text);
  }

  close(code: number, reason = ''): void {
    const payload = Buffer.from(`..${reason}`);
    payload.writeUInt16BE(code);
    this.send(0x88, payload);
  }

  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === 1).map(({ payload }) => payload.toString());
  }

  #read(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const all = this.#bytes;
      if (all.length < 2) return;
      const short = all[1]! & 127;
      const at = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (all.length < at + 4) return;
      const length = short < 126 ? short : short === 126 ? all.readUInt16BE(2) : Number(all.readBigUInt64BE(2));
      if (all.length < at + 4 + length) return;
      const payload = Buffer.from(all.subarray(at + 4, at + 4 + length));
      for (let index = 0; index < length; index++) payload[index]! ^= all[at + (index & 3)]!;
      this.#bytes = all.subarray(at + 4 + length);
      const frame = { opcode: all[0]! & 15, payload };
      this.frames.push(frame);
      this.onFrame(frame);
    }
  }
}

/** The bytes of a frame without a mask. */
export function frame(first: number, payload: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(payload as string);
  const { length } = bytes;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (length >= 65_536) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, bytes]);
}

/** The server's half of the handshake. */
export function accept(request: IncomingMessage, ...fields: string[]): string {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const digest = createHash('sha1').update(key).digest('base64');
  const lines = ['upgrade: websocket', 'connection: upgrade', `sec-websocket-accept: ${digest}`, ...fields];
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Agrees to a closing. */
export const polite = (peer: WebSocketPeer): void => {
  peer.onFrame = ({ opcode, payload }) => {
    if (opcode !== 8) return;
    peer.send(0x88, payload);
    peer.socket.end();
  };
};

/** A server that agrees to each WebSocket. */
export function* serveWebSockets(
  onConnection: (peer: WebSocketPeer) => void,
  {
    fields = [],
    server = createServer(),
    protocol = 'ws',
  }: { fields?: string[]; server?: any; protocol?: string } = {},
): Coroutine<Site> {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    socket.write(accept(request, ...fields));
    onConnection(new WebSocketPeer(socket as Socket, request));
  });
  return yield* open(server, protocol);
}
