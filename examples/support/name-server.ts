/**
 * A DNS server for dns-mass-resolve.ts. Of a hundred hosts ten have no address, and about two more it says nothing.
 */
import type { Coroutine } from 'genlet';
import { DatagramServer, type Endpoint } from 'genlet/io';

const NO_SUCH_NAME = 3;
/** Where the question stands, behind the id, flags and counts. */
const HEAD = 12;

/** The name of host `n`, counted from 0. */
export function hostName(n: number): string {
  return `host-${n}.example`;
}

/** The address of host `n`; `undefined` if it has none, `'silence'` if nobody is told. */
export function addressOf(n: number): string | undefined {
  return n % 10 === 3 ? undefined : n % 50 === 7 ? 'silence' : `10.0.${n >> 8}.${n & 255}`;
}

/** Starts a server on a free port of this machine; stop it when it is not needed any more. */
export function* serveNames(): Coroutine<DatagramServer> {
  const server: DatagramServer = new DatagramServer('127.0.0.1:0', function* (query: Buffer, from: Endpoint) {
    const address = addressOf(Number(/^\d+/.exec(firstLabel(query).slice('host-'.length))));
    if (address !== 'silence') yield* server.sendto(answer(query, address), from);
  });
  yield* server.start();
  return server;
}

function firstLabel(query: Buffer): string {
  return query.toString('latin1', HEAD + 1, HEAD + 1 + query[HEAD]!);
}

/** The question again, with a record that refers to its name, and is good for a minute. */
function answer(query: Buffer, address: string | undefined): Buffer {
  const question = query.subarray(HEAD, query.indexOf(0, HEAD) + 5);
  const code = address === undefined ? NO_SUCH_NAME : 0;
  const head = [query[0]!, query[1]!, 0x81, 0x80 | code, 0, 1, 0, address === undefined ? 0 : 1, 0, 0, 0, 0];
  const record =
    address === undefined ? [] : [0xc0, HEAD, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)];
  return Buffer.concat([Buffer.from(head), question, Buffer.from(record)]);
}
