/** A small DNS server for tests: it speaks the protocol over UDP, and says what the test tells it to say. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type Coroutine, fromEvent } from 'genlet';

const TYPES: Record<string, number> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  TLSA: 52,
  ANY: 255,
  CAA: 257,
};

export const RCODE = { ok: 0, serverFailure: 2, noSuchName: 3, refused: 5 };

/** A record of the answer, its data encoded by one of the functions below. */
export interface Entry {
  readonly type: string;
  readonly data: Buffer;
  readonly ttl?: number;
}

/** What the server says: records, an error, or nothing at all. */
export type Answer = readonly Entry[] | { readonly rcode: number } | 'silence';

export function name(text: string): Buffer {
  const labels = text === '' ? [] : text.split('.');
  return Buffer.concat([...labels.map(characters), Buffer.of(0)]);
}

/** A string with its length before it. */
export function characters(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}

export function words(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 255)));
}

export function longs(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => words(value >>> 16, value & 65_535)));
}

export const A = (address: string, ttl?: number): Entry => ({
  type: 'A',
  data: Buffer.from(address.split('.').map(Number)),
  ...(ttl === undefined ? {} : { ttl }),
});

export const AAAA = (last: number, ttl?: number): Entry => ({
  type: 'AAAA',
  data: Buffer.concat([Buffer.of(0x20, 0x01, 0x0d, 0xb8), Buffer.alloc(11), Buffer.of(last)]),
  ...(ttl === undefined ? {} : { ttl }),
});

interface Question {
  readonly text: string;
  readonly id: Buffer;
  readonly section: Buffer;
  readonly from: RemoteInfo;
}

export class DnsServer {
  /** Questions that came, as `A example.org`. */
  readonly questions: string[] = [];
  /** The addresses from which they came. */
  readonly clients: string[] = [];
  /** What is answered; may be replaced at any time. */
  answer: (type: string, name: string) => Answer;
  readonly #socket: Socket;
  /** Questions that are answered when the test says so, while `holding`. */
  readonly #held: Question[] = [];
  holding = false;

  constructor(socket: Socket, answer: (type: string, name: string) => Answer) {
    this.#socket = socket;
    this.answer = answer;
    socket.on('message', (message, from) => this.#hear(message, from));
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Answers what was held so far, and everything from now on. */
  release(): void {
    this.holding = false;
    for (const question of this.#held.splice(0)) this.#reply(question);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #hear(message: Buffer, from: RemoteInfo): void {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at]!; length > 0; length = message[at]!) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const number = message.readUInt16BE(at + 1);
    const type = Object.keys(TYPES).find((key) => TYPES[key] === number) ?? String(number);
    const text = `${type} ${labels.join('.')}`;
    this.questions.push(text);
    this.clients.push(from.address);
    const question = { text, id: message.subarray(0, 2), section: message.subarray(12, at + 5), from };
    if (this.holding) this.#held.push(question);
    else this.#reply(question);
  }

  #reply({ text, id, section, from }: Question): void {
    const [type, host] = text.split(' ') as [string, string];
    const answer = this.answer(type, host);
    if (answer === 'silence') return;
    const entries = 'rcode' in answer ? [] : answer;
    const rcode = 'rcode' in answer ? answer.rcode : RCODE.ok;
    const records = entries.map(({ type, data, ttl = 60 }) =>
      Buffer.concat([words(0xc00c, TYPES[type]!, 1), longs(ttl), words(data.length), data]),
    );
    const head = Buffer.concat([id, words(0x8180 | rcode, 1, records.length, 0, 0)]);
    this.#socket.send(Buffer.concat([head, section, ...records]), from.port, from.address);
  }
}

/** A server on any free port, to be closed by the test. */
export function* serveDns(answer: (type: string, name: string) => Answer): Coroutine<DnsServer> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  yield* fromEvent(socket, 'listening');
  return new DnsServer(socket, answer);
}
