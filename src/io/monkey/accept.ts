/** `server.accept()` on the servers of `node:net` and `node:tls`. */
import type { Server, Socket } from 'node:net';
import { checkTimeout } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { QueueEmpty, QueueShutDown, SocketClosedError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { timedOut } from '../../core/timeout.ts';
import { Queue } from '../../sync/queue.ts';
import type { TransferOptions } from '../socket.ts';

const arrivals = new WeakMap<Server, Arrivals>();

/** Keeps the connections that nobody takes by an event, for a later `accept`. @internal */
export function expectConnections(server: Server): void {
  if (server.listenerCount(eventOf(server)) === 0) arrivalsAt(server);
}

/** Takes the next connection. @internal */
export function accept(server: Server, options?: TransferOptions): Operation<Socket> {
  const limit = checkTimeout(options?.timeout);
  return composite('Server.accept()', arrivalsAt(server).take(limit));
}

/** The server is being closed: whoever waits for a connection gets an error, and those that nobody took are closed. @internal */
export function endArrivals(server: Server): void {
  arrivals.get(server)?.end();
  arrivals.delete(server);
}

function arrivalsAt(server: Server): Arrivals {
  let found = arrivals.get(server);
  if (found === undefined) {
    found = new Arrivals(server);
    arrivals.set(server, found);
  }
  return found;
}

/** A connection of TLS counts once its handshake is done. */
const eventOf = (server: Server): string => ('setSecureContext' in server ? 'secureConnection' : 'connection');

const ignore = (): void => {};

class Arrivals {
  readonly #server: Server;
  readonly #event: string;
  readonly #queue = new Queue<Socket>();
  #wanted = false;

  constructor(server: Server) {
    this.#server = server;
    this.#event = eventOf(server);
    server.on(this.#event, this.#arrive);
  }

  #arrive = (socket: Socket): void => {
    if (!this.#wanted && this.#server.listenerCount(this.#event) > 1) return; // somebody takes them by the event after all
    socket.on('error', ignore);
    this.#queue.putNowait(socket);
  };

  *take(limit: number | undefined): Coroutine<Socket> {
    const end = limit === undefined ? undefined : hub.now() + limit;
    hub.owner({ describe: () => 'Server.accept()' });
    this.#wanted = true;
    hub.outside++;
    try {
      for (;;) {
        const timeout = end === undefined ? null : Math.max(0, end - hub.now());
        const socket = yield* this.#queue.get({ timeout });
        socket.off('error', ignore);
        if (!socket.destroyed) return socket;
      }
    } catch (error) {
      if (error instanceof QueueEmpty) throw timedOut('Server.accept()', limit!);
      throw error instanceof QueueShutDown ? new SocketClosedError('the server was closed') : error;
    } finally {
      hub.outside--;
    }
  }

  end(): void {
    this.#server.off(this.#event, this.#arrive);
    while (!this.#queue.empty()) this.#queue.getNowait().destroy();
    this.#queue.shutdown();
  }
}
