/** A worker of `serve`, a thread or a process: it makes its server, runs it, and stops it when it is told to. */
import type { Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { show } from '../../core/check.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import { run } from '../../core/run.ts';
import { until } from '../../core/until.ts';
import { Endpoint } from '../../io/address.ts';
import { HttpServer } from '../../io/http-server.ts';
import { StreamServer } from '../../io/stream-server.ts';
import { SimpleQueue } from '../../sync/queue.ts';
import { packError } from '../packed-error.ts';
import { enterChild, resolveReference } from '../reference.ts';
import { setThreadName } from '../worker-name.ts';
import type { Order, Report, Start } from './protocol.ts';

const orders = new SimpleQueue<Order>();

function report(message: Report): void {
  if (parentPort !== null) parentPort.postMessage(message);
  else if (process.connected) process.send!(message);
}

if (parentPort !== null) parentPort.on('message', receive);
else {
  process.on('message', receive);
  process.on('disconnect', () => process.exit()); // the main process is gone
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}); // the main process stops its workers
}

/** How often it tells what it has to do, in milliseconds, while it has connections. */
const LOAD_REPORTS = 100;
let loadReport: NodeJS.Timeout | undefined;
/** Connections that it was given. */
let given = 0;
let server: StreamServer | HttpServer | undefined;

function receive(order: Order, stream?: Socket): void {
  if (order.kind === 'connection') adopt(order.stream ?? stream);
  else orders.putNowait(order);
}

/** A process gets none if the client has left on the way. */
function adopt(stream: Socket | undefined): void {
  given++;
  if (server!.closed) stream?.destroy();
  else if (stream !== undefined) server!.adopt(stream);
  loadReport ??= setTimeout(reportLoad, LOAD_REPORTS);
}

function reportLoad(): void {
  report({ kind: 'load', given, open: server!.connections });
  loadReport = server!.connections > 0 ? setTimeout(reportLoad, LOAD_REPORTS) : undefined;
}

function* serveUntilTold(): Coroutine<void> {
  const order = yield* orders.get();
  if (order.kind !== 'start') return;
  const { start } = order;
  try {
    server = yield* make(start);
    yield* server.start();
  } catch (error) {
    report({ kind: 'failed', error: packError(error) });
    return;
  }
  const { host, port, path } = server.address;
  report({ kind: 'started', place: { host, port, path } });
  for (let next = yield* orders.get(); ; next = yield* orders.get()) {
    if (next.kind !== 'stop') continue;
    yield* server.stop(next.timeout);
    clearTimeout(loadReport);
    return;
  }
}

function* make({ make, args, mode, place, program, name }: Start): Coroutine<StreamServer | HttpServer> {
  enterChild(program);
  setThreadName(name);
  const factory = (yield* until(resolveReference(make))) as (...args: readonly unknown[]) => unknown;
  const made = yield* callAndWait(() => factory(...args));
  if (!(made instanceof StreamServer || made instanceof HttpServer)) {
    throw new TypeError(`${make.name} gives ${show(made)}: give a StreamServer or an HttpServer that was not started`);
  }
  const address = place && new Endpoint(place.host, place.port, place.path);
  if (mode === 'reusePort' && made.address.path !== undefined) {
    throw new TypeError(`${made.address} is a Unix socket, which reusePort can't share: give { mode: 'processes' }`);
  }
  made.placement = { address, options: { reusePort: mode === 'reusePort' }, isFed: mode !== 'reusePort' };
  return made;
}

hub.outside++; // orders may come at any time
run(serveUntilTold).finally(() => {
  if (parentPort !== null) parentPort.close();
  else process.exit();
});
report({ kind: 'loaded' });
