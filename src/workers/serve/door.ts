/** Where the connections of a fleet arrive that hands them to its threads. */
import { createServer, type Server, type Socket } from 'node:net';
import { hub } from '../../core/hub.ts';
import type { Operation } from '../../core/operation.ts';
import { suspend } from '../../core/suspend.ts';
import { type Endpoint, serverEnd } from '../../io/address.ts';
import { startListening } from '../../io/start-listening.ts';

/** @internal */
export class Door {
  readonly address: Endpoint;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    this.address = serverEnd(server);
  }

  /** Listens. What arrives is given away untouched: a socket from which something was read can't be handed over. */
  static open(address: Endpoint, take: (stream: Socket) => void): Operation<Door> {
    return suspend<Door>((resume) => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, take);
      return startListening(server, address, {}, resume, () => {
        server.on('error', (error) => hub.handleError(error, undefined, `Fleet ${address}`));
        return new Door(server);
      });
    });
  }

  close(): void {
    this.#server.close();
  }
}
