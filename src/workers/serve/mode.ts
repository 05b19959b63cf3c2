/** How several servers can share one address: which ways there are in this Node, on this system. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { show } from '../../core/check.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { until } from '../../core/until.ts';
import { sharesPorts } from '../../io/start-listening.ts';

/**
 * How the workers share the address. `reusePort`: each is a thread that listens there, and the system spreads the
 * connections (Node 22.12 and Linux, FreeBSD, Solaris, AIX). `transfer`: the main thread accepts, and hands each connection
 * to the thread that has the fewest (Node 24.21, 26.6). `processes`: the same with processes, as `node:cluster` does;
 * anywhere.
 */
export type ServeMode = 'reusePort' | 'transfer' | 'processes';

const MODES: readonly ServeMode[] = ['reusePort', 'transfer', 'processes'];

/** The way that was asked for, or the best one there is. @internal */
export function* chooseMode(asked: ServeMode | undefined): Coroutine<ServeMode> {
  if (asked === undefined) {
    if (sharesPorts) return 'reusePort';
    return (yield* canTransfer()) ? 'transfer' : 'processes';
  }
  if (asked === 'reusePort' && !sharesPorts) {
    throw new TypeError(
      `mode is 'reusePort': Node ${process.versions.node} on ${process.platform} lacks it, leave it out`,
    );
  }
  if (asked === 'transfer' && !(yield* canTransfer())) {
    throw new TypeError(
      `mode is 'transfer': Node ${process.versions.node} can't hand sockets to threads, leave it out`,
    );
  }
  return asked;
}

/** @internal */
export function checkMode(mode: unknown): ServeMode | undefined {
  if (mode === undefined || MODES.includes(mode as ServeMode)) return mode as ServeMode | undefined;
  throw new TypeError(`mode is ${show(mode)}: give 'reusePort', 'transfer' or 'processes', or leave it out`);
}

/** Tries it with a connection of its own, once: nothing else tells. */
let transfers: Promise<boolean> | undefined;

function canTransfer(): Operation<boolean> {
  transfers ??= tryTransfer();
  return until(transfers);
}

async function tryTransfer(): Promise<boolean> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  const [stream] = await accepted;
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(stream, [stream]);
    return true;
  } catch {
    stream.destroy();
    return false;
  } finally {
    client.destroy();
    server.close();
    port1.close();
    port2.close();
  }
}
