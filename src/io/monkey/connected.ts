/** Waits for a connection of `node:net` or `node:tls`. */
import type { Socket } from 'node:net';
import type { Operation } from '../../core/operation.ts';
import type { Started } from './started.ts';
import { already, failed, Watches, watch } from './watch-object.ts';

const connections = new Watches<Socket, Socket>(watchConnection, false);

/** Waits until a socket is connected; one of TLS, until its handshake is done. @internal */
export function connectionOf(socket: Socket): Operation<Socket> {
  if (socket.destroyed) return failed((socket as { errored?: Error | null }).errored ?? closed());
  return isConnected(socket) ? already(socket) : connections.of(socket);
}

/** @internal */
export function isConnected(socket: Socket): boolean {
  return !socket.pending && (socket as { secureConnecting?: boolean }).secureConnecting !== true;
}

function watchConnection(socket: Socket): Started<Socket> {
  const isSecure = (socket as { encrypted?: boolean }).encrypted === true;
  return watch<Socket>(socket, {
    name: `${socket.constructor.name}.connect()`,
    events: (land) => ({
      [isSecure ? 'secureConnect' : 'connect']: () => land(undefined, socket),
      error: (error: unknown) => land(error),
      close: () => land(closed()),
    }),
    cancel: () => void socket.destroy(),
  });
}

function closed(): Error {
  return Object.assign(new Error('the socket was closed before it was connected'), { code: 'ECONNRESET' });
}
