/** `node:dgram`: `send`, `connect`, and `yield* socket`, which waits until it is bound. */
import type { Socket } from 'node:dgram';
import type { Operation } from '../../core/operation.ts';
import { dual } from './dual.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin } from './modules.ts';
import { already, watch } from './watch-object.ts';

/** @internal */
export function dgramTargets(): Target[] {
  const { prototype } = builtin('dgram').Socket;
  return [
    dual('dgram', 'Socket.prototype.', prototype, 'send', { unheard }),
    dual('dgram', 'Socket.prototype.', prototype, 'connect', { unheard }),
    iterable('dgram', 'Socket.prototype', prototype, bindingOf),
  ];
}

/** An error that nobody has waited for is emitted, as if there had been no patch. */
function unheard(error: unknown, socket: Socket): boolean {
  return socket.listenerCount('error') > 0 && socket.emit('error', error as Error);
}

function bindingOf(socket: Socket): Operation<Socket> {
  if (isBoundOrClosed(socket)) return already(socket);
  return watch<Socket>(socket, {
    name: 'dgram.Socket.bind()',
    events: (land) => ({
      listening: () => land(undefined, socket),
      error: (error: unknown) => land(error),
      close: () => land(undefined, socket),
    }),
  });
}

function isBoundOrClosed(socket: Socket): boolean {
  try {
    return socket.address() !== undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_SOCKET_DGRAM_NOT_RUNNING';
  }
}
