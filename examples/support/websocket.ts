// The server's side of RFC 6455 (WebSocket), over the socket that the upgrade hook of HttpServer gives.
import { createHash } from 'node:crypto';
import { type Coroutine, Lock, withTimeout } from 'genlet';
import { HttpError, type HttpRequest, type Socket } from 'genlet/io';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** What the peer did wrong, as the status code of a close frame. */
class ProtocolError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Frame {
  final: boolean;
  opcode: number;
  payload: Buffer;
}

/** Answers the handshake; what is none is refused with an HttpError. */
export function* acceptWebSocket(
  request: HttpRequest,
  socket: Socket,
  options?: { maxMessage?: number },
): Coroutine<WebSocketPeer> {
  const { headers, method } = request;
  const key = headers['sec-websocket-key'] ?? '';
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket') {
    throw new HttpError(400, 'This is not a WebSocket handshake');
  }
  if (headers['sec-websocket-version'] !== '13') {
    throw new HttpError(426, 'Version 13 is spoken here', { headers: { 'Sec-WebSocket-Version': '13' } });
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw new HttpError(400, 'Sec-WebSocket-Key is not 16 bytes in base64');
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  yield* socket.sendall(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\n\r\n`);
  return new WebSocketPeer(socket, options?.maxMessage ?? 1_048_576);
}

/** A connection on which messages are exchanged. One greenlet may receive, any number may send. */
export class WebSocketPeer {
  /** The status code with which the connection was closed: the peer's, ours if it broke the rules, 1006 for no close frame. */
  closeCode: number | undefined;
  readonly #socket: Socket;
  readonly #maxMessage: number;
  readonly #sending = new Lock();
  #closeSent = false;

  constructor(socket: Socket, maxMessage: number) {
    this.#socket = socket;
    this.#maxMessage = maxMessage;
  }

  /** The next message: text, or bytes; undefined when the connection is closed. */
  *receive(): Coroutine<string | Buffer | undefined> {
    if (this.closeCode !== undefined) return undefined;
    try {
      return yield* this.#receiveMessage();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.closeCode = error.status;
      yield* this.#sendClose(error.status, error.message);
      return undefined;
    }
  }

  /** Sends a message. */
  *send(message: string | Uint8Array): Coroutine<void> {
    if (this.#closeSent) throw new Error('the WebSocket was closed');
    yield* this.#sendFrame(typeof message === 'string' ? TEXT : BINARY, Buffer.from(message as string));
  }

  /** Sends a close frame, and waits a second for that of the peer. */
  *close(code = 1000, reason = ''): Coroutine<void> {
    yield* this.#sendClose(code, reason);
    const answer = () => this.#dropMessages();
    yield* withTimeout(1000, answer, { value: undefined });
  }

  *#dropMessages(): Coroutine<void> {
    while ((yield* this.receive()) !== undefined);
  }

  *#receiveMessage(): Coroutine<string | Buffer | undefined> {
    const parts: Buffer[] = [];
    let kind: number | undefined;
    let size = 0;
    for (;;) {
      const frame = yield* this.#receiveFrame(this.#maxMessage - size);
      if (frame === undefined) {
        this.closeCode = 1006;
        return undefined;
      }
      const { opcode, payload, final } = frame;
      if (opcode === PING) {
        if (!this.#closeSent) yield* this.#sendFrame(PONG, payload);
      } else if (opcode === CLOSE) {
        yield* this.#receiveClose(payload);
        return undefined;
      } else if (opcode !== PONG) {
        if ((opcode === CONTINUATION) === (kind === undefined)) {
          throw new ProtocolError(1002, kind === undefined ? 'nothing to continue' : 'a message in a message');
        }
        kind ??= opcode;
        parts.push(payload);
        size += payload.length;
        if (final) return kind === TEXT ? decode(Buffer.concat(parts)) : Buffer.concat(parts);
      }
    }
  }

  /** Reads a frame; undefined at the end of the stream. */
  *#receiveFrame(most: number): Coroutine<Frame | undefined> {
    const head = yield* this.#read(2);
    if (head === undefined) return undefined;
    const [first, second] = [head[0]!, head[1]!];
    const final = first >= 0x80;
    const opcode = first & 0x0f;
    const isControl = opcode >= CLOSE;
    if ((first & 0x70) !== 0) throw new ProtocolError(1002, 'a reserved bit is set');
    if (![CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].includes(opcode)) {
      throw new ProtocolError(1002, `opcode ${opcode} is reserved`);
    }
    if (second < 0x80) throw new ProtocolError(1002, 'a client has to mask its frames');
    let length = second & 0x7f;
    if (isControl && (length > 125 || !final)) throw new ProtocolError(1002, 'a control frame is short and whole');
    if (length >= 126) {
      const bytes = yield* this.#read(length === 126 ? 2 : 8);
      if (bytes === undefined) return undefined;
      length = Number(bytes.length === 2 ? bytes.readUInt16BE() : bytes.readBigUInt64BE());
    }
    if (!isControl && length > most) throw new ProtocolError(1009, `more than ${this.#maxMessage} bytes`);
    const mask = yield* this.#read(4);
    const masked = mask && (yield* this.#read(length));
    if (masked === undefined) return undefined;
    const payload = Buffer.from(masked);
    for (let index = 0; index < length; index++) payload[index]! ^= mask![index & 3]!;
    return { final, opcode, payload };
  }

  *#read(count: number): Coroutine<Buffer | undefined> {
    try {
      return yield* this.#socket.recvExactly(count);
    } catch (error) {
      if ((error as { code?: string }).code === 'GENLET_INCOMPLETE_READ') return undefined;
      throw error;
    }
  }

  *#receiveClose(payload: Buffer): Coroutine<void> {
    if (payload.length === 1) throw new ProtocolError(1002, 'half a status code');
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE();
    if (payload.length > 0 && !mayBeSent(code)) throw new ProtocolError(1002, `status code ${code} is reserved`);
    decode(payload.subarray(2));
    this.closeCode = code;
    yield* this.#sendClose(code, '');
  }

  *#sendClose(code: number, reason: string): Coroutine<void> {
    if (this.#closeSent) return;
    this.#closeSent = true;
    const payload = Buffer.alloc(code === 1005 ? 0 : 2);
    if (code !== 1005) payload.writeUInt16BE(code);
    yield* this.#sendFrame(CLOSE, Buffer.concat([payload, Buffer.from(reason)]).subarray(0, 125));
  }

  *#sendFrame(opcode: number, payload: Buffer): Coroutine<void> {
    const { length } = payload;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(length, 2);
    else if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
    yield* this.#sending.acquire();
    try {
      yield* this.#socket.sendall(Buffer.concat([head, payload]));
    } finally {
      this.#sending.release();
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ProtocolError(1007, 'text that is not UTF-8');
  }
}

function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}
