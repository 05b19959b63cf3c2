/** The echo service of the examples: a server that answers in upper case, and clients that keep it busy. */
import { type Coroutine, Group } from 'genlet';
import { type Address, createConnection, type Socket, StreamServer, type TlsServerOptions } from 'genlet/io';
import { type Row, seconds } from './table.ts';

/** How long a client waits for the server, in milliseconds. */
const PATIENCE = 5000;

/** A server, not started yet, that answers each line in upper case. */
export function upperCaseServer(address: Address, tls?: TlsServerOptions): StreamServer {
  return new StreamServer(address, answerLines, { tls });
}

function* answerLines(socket: Socket): Coroutine<void> {
  for (let line; (line = yield* socket.readline()) !== undefined; ) {
    yield* socket.sendall(`${line.toUpperCase()}\n`);
  }
}

/** What came of a run of clients. */
export interface Calls {
  readonly clients: number;
  /** How many messages all of them were to send. */
  readonly messages: number;
  /** How long each answer took, in milliseconds, in ascending order. */
  readonly latencies: readonly number[];
  /** Why clients gave up. */
  readonly failures: readonly string[];
  /** How long it took in all, in milliseconds. */
  readonly ms: number;
}

/** Lets `clients` greenlets send `messages` lines each, waiting for the answer to one before the next. */
export function* callServer(
  address: Address,
  { clients, messages }: { clients: number; messages: number },
): Coroutine<Calls> {
  const begin = performance.now();
  const latencies: number[] = [];
  const group = new Group();
  const callers = Array.from({ length: clients }, (_, index) =>
    group.spawn(converse, address, `client ${index + 1}`, messages, latencies),
  );
  try {
    yield* group.join();
  } finally {
    yield* group.kill();
  }
  const failed = callers.filter((caller) => !caller.successful());
  return {
    clients,
    messages: clients * messages,
    latencies: latencies.sort((a, b) => a - b),
    failures: failed.map(({ exception }) => `${exception}`),
    ms: performance.now() - begin,
  };
}

function* converse(address: Address, name: string, messages: number, latencies: number[]): Coroutine<void> {
  using socket = yield* createConnection(address, { timeout: PATIENCE });
  socket.timeout = PATIENCE;
  for (let n = 1; n <= messages; n++) {
    const begin = performance.now();
    yield* socket.sendall(`${name}, message ${n}\n`);
    const answer = yield* socket.readline();
    if (answer !== `${name.toUpperCase()}, MESSAGE ${n}`) throw new Error(`${name} got ${answer} for message ${n}`);
    latencies.push(performance.now() - begin);
  }
}

export function describeCalls({ clients, messages, latencies, failures, ms }: Calls): Row[] {
  return [
    ['clients', `${clients}, ${failures.length} failed`],
    ['messages', `${latencies.length.toLocaleString('en-US')} of ${messages.toLocaleString('en-US')} answered`],
    ['latency', `p50 ${percentile(latencies, 50)}, p90 ${percentile(latencies, 90)}, p99 ${percentile(latencies, 99)}`],
    ['time', seconds(ms)],
  ];
}

/** A line for each client that gave up. */
export function listCallFailures({ failures }: Calls): string[] {
  return failures.map((failure) => `failed: ${failure}`);
}

/** The value below which so many percent of `sorted` lie. */
function percentile(sorted: readonly number[], percent: number): string {
  const value = sorted[Math.ceil((percent / 100) * sorted.length) - 1];
  return value === undefined ? 'none' : `${value.toFixed(1)} ms`;
}
