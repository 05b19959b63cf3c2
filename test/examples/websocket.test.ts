import { once } from 'node:events';
import { connect } from 'node:net';
import { type CloseEvent, type MessageEvent, WebSocket } from 'undici';
import { describe, expect, it } from 'vitest';
import { exampleRunner } from './example.ts';

const { startExample } = exampleRunner();

async function startServer(...options: string[]) {
  const server = startExample('websocket-echo', ...options);
  const [, port] = await server.line(/^listening on 127\.0\.0\.1:(\d+)$/);
  return { server, port: Number(port) };
}

async function open(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  return socket;
}

async function echo(socket: WebSocket, message: string | Uint8Array): Promise<unknown> {
  const answer = once(socket, 'message');
  socket.send(message as never);
  const [event] = (await answer) as [MessageEvent];
  return event.data;
}

/** A client that writes frames as bytes: `[first byte, payload]`, masked unless it is told otherwise. */
class FrameClient {
  #bytes = Buffer.alloc(0);
  readonly #socket;
  #wake = () => {};
  ended = false;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    const end = () => {
      this.ended = true;
      this.#wake();
    };
    this.#socket.on('end', end).on('error', end);
  }

  async handshake(...fields: string[]): Promise<string> {
    const usual = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
    const lines = ['Host: h', 'Connection: Upgrade', 'Upgrade: websocket', ...(fields.length > 0 ? fields : usual)];
    this.#socket.write(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    await this.#until(() => this.#bytes.includes('\r\n\r\n'));
    const at = this.#bytes.indexOf('\r\n\r\n') + 4;
    return String(this.#take(at));
  }

  /** All the frames at once, or byte by byte. */
  async send(
    frames: readonly (readonly [first: number, payload: string | Buffer, masked?: boolean])[],
    slowly = false,
  ) {
    const parts = frames.map(([first, text, masked = true]) => {
      const payload = Buffer.from(text as string);
      const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
      length[0]! |= masked ? 0x80 : 0;
      const mask = masked ? [1, 2, 3, 4] : [];
      return Buffer.concat([
        Buffer.from([first, ...length, ...mask]),
        payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)),
      ]);
    });
    for (const piece of slowly ? Buffer.concat(parts) : [Buffer.concat(parts)]) {
      this.#socket.write(typeof piece === 'number' ? Buffer.of(piece) : piece);
      if (slowly) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async frame(): Promise<[first: number, payload: Buffer]> {
    await this.#until(() => this.#bytes.length >= 2);
    const [first, short] = this.#take(2) as unknown as [number, number];
    await this.#until(() => short < 126 || this.#bytes.length >= 2);
    const length = short < 126 ? short : this.#take(2).readUInt16BE();
    await this.#until(() => this.#bytes.length >= length);
    return [first, this.#take(length)];
  }

  /** The status code of the close frame that comes, and whether the connection ends behind it. */
  async closing(): Promise<[code: number, ended: boolean]> {
    const [first, payload] = await this.frame();
    expect(first).toBe(0x88);
    this.#socket.end();
    await this.#until(() => this.ended);
    return [payload.length > 0 ? payload.readUInt16BE() : 1005, this.#bytes.length === 0];
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended) throw new Error(`the connection ended: ${this.#bytes.toString('latin1')}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

describe('websocket-echo.ts', () => {
  it('works with the WebSocket client of undici, and says goodbye', async () => {
    const { server, port } = await startServer();
    const socket = await open(port);
    for (const text of ['', 'hello', 'häl⌘😀', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(70_000)]) {
      expect(await echo(socket, text)).toBe(text);
    }
    const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index & 255);
    expect(new Uint8Array((await echo(socket, bytes)) as ArrayBuffer)).toEqual(bytes);
    const closed = once(socket, 'close') as Promise<[CloseEvent]>;
    socket.close(3000, 'enough');
    expect((await closed)[0]).toMatchObject({ code: 3000, wasClean: true });
    const other = await open(port);
    const goodbye = once(other, 'close') as Promise<[CloseEvent]>;
    server.signal('SIGINT');
    expect((await goodbye)[0]).toMatchObject({ code: 1001, reason: 'the server goes away', wasClean: true });
    expect(await server.ended()).toBe(130);
    expect([server.lines.slice(1), server.stderr]).toEqual([['stopped'], '']);
  });

  it('keeps to the protocol, frame by frame', async () => {
    const { server, port } = await startServer('--limit', '1000');
    const hello = new FrameClient(port);
    expect(await hello.handshake()).toMatch(/^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/s);
    await hello.send([
      [0x01, 'Hé'.slice(0, 1)],
      [0x89, 'ping'],
      [0x00, 'llo '],
      [0x8a, 'pong'],
      [0x80, 'wörld'],
    ]);
    expect(await hello.frame()).toEqual([0x8a, Buffer.from('ping')]);
    expect(await hello.frame()).toEqual([0x81, Buffer.from('Hllo wörld')]);
    const smiley = Buffer.from('😀');
    await hello.send(
      [
        [0x01, smiley.subarray(0, 1)],
        [0x80, smiley.subarray(1)],
      ],
      true,
    );
    expect(await hello.frame()).toEqual([0x81, smiley]);
    await hello.send([[0x82, 'x'.repeat(1000)]]);
    expect(await hello.frame()).toEqual([0x82, Buffer.from('x'.repeat(1000))]);
    await hello.send([[0x88, '']]);
    expect(await hello.closing()).toEqual([1005, true]);

    const outcomes: Record<string, unknown> = {};
    const wrong: [why: string, frames: [number, string | Buffer, boolean?][]][] = [
      ['not masked', [[0x81, 'x', false]]],
      ['a reserved bit', [[0xc1, 'x']]],
      ['a reserved opcode', [[0x83, 'x']]],
      ['a long ping', [[0x89, 'x'.repeat(126)]]],
      ['a ping in parts', [[0x09, 'x']]],
      ['nothing to continue', [[0x80, 'x']]],
      [
        'a message in a message',
        [
          [0x01, 'x'],
          [0x81, 'y'],
        ],
      ],
      ['half a status code', [[0x88, 'x']]],
      ['status code 1006', [[0x88, Buffer.from([3, 238])]]],
      ['status code 2999', [[0x88, Buffer.from([11, 183])]]],
      ['a reason that is not UTF-8', [[0x88, Buffer.from([3, 232, 0xff])]]],
      ['text that is not UTF-8', [[0x81, Buffer.from([0xc3, 0x28])]]],
      ['half a character', [[0x81, Buffer.from([0xc3])]]],
      ['a long message', [[0x81, 'x'.repeat(1001)]]],
      [
        'a message that gets long',
        [
          [0x01, 'x'.repeat(600)],
          [0x80, 'x'.repeat(600)],
        ],
      ],
    ];
    for (const [why, frames] of wrong) {
      const client = new FrameClient(port);
      await client.handshake();
      await client.send(frames);
      outcomes[why] = await client.closing();
    }
    expect(Object.values(outcomes).every((outcome) => (outcome as [number, boolean])[1])).toBe(true);
    expect(Object.entries(outcomes).map(([why, outcome]) => [why, (outcome as [number])[0]])).toEqual([
      ...wrong.slice(0, 10).map(([why]) => [why, 1002]),
      ...wrong.slice(10, 13).map(([why]) => [why, 1007]),
      ...wrong.slice(13).map(([why]) => [why, 1009]),
    ]);
    server.signal('SIGTERM');
    await server.ended();
    expect(server.stderr).toBe('');
  });

  it('refuses what is no handshake', async () => {
    const { server, port } = await startServer();
    const version = new FrameClient(port);
    const refusal = await version.handshake('Sec-WebSocket-Version: 8', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');
    expect(refusal).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n.*Sec-WebSocket-Version: 13\r\n/s);
    expect(await new FrameClient(port).handshake('Sec-WebSocket-Version: 13')).toMatch(/^HTTP\/1\.1 400 /);
    const page = await fetch(`http://127.0.0.1:${port}`);
    expect([page.status, await page.text()]).toEqual([426, 'Talk to me by WebSocket']);
    server.signal('SIGTERM');
    await server.ended();
    expect(server.stderr).toBe('');
  });
});
