/** The methods of genlet's `Socket` on those of `node:net`, which become theirs when one is first called. */
import type { Socket as Stream } from 'node:net';
import { composite } from '../../core/dev.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { Socket } from '../socket.ts';
import { connectionOf, isConnected } from './connected.ts';

const names = [
  'recv',
  'recvInto',
  'recvExactly',
  'readUntil',
  'readline',
  'send',
  'sendall',
  'sendFile',
] as const satisfies (keyof Socket)[];

type Name = (typeof names)[number];

/** Each is called with the socket of Node, and waits until that is connected. @internal */
export const socketMethods: Record<Name, (stream: Stream, ...args: unknown[]) => Operation<unknown>> =
  Object.fromEntries(names.map((name) => [name, methodOf(name)])) as never;

const sockets = new WeakMap<Stream, Socket>();

function methodOf(name: Name): (stream: Stream, ...args: unknown[]) => Operation<unknown> {
  return (stream, ...args) => {
    const socket = sockets.get(stream);
    if (socket !== undefined) return call(socket, name, args);
    if (isConnected(stream) && !stream.destroyed) return call(adopt(stream), name, args);
    return composite(`Socket.${name}()`, callConnected(stream, name, args));
  };
}

function* callConnected(stream: Stream, name: Name, args: unknown[]): Coroutine<unknown> {
  hub.owner({ describe: () => `Socket.${name}()` });
  yield* connectionOf(stream);
  return yield* call(adopt(stream), name, args);
}

function adopt(stream: Stream): Socket {
  let socket = sockets.get(stream);
  if (socket === undefined) {
    socket = new Socket(stream, { noDelay: false });
    sockets.set(stream, socket);
  }
  return socket;
}

function call(socket: Socket, name: Name, args: unknown[]): Operation<unknown> {
  return Reflect.apply(socket[name] as (...args: any[]) => Operation<unknown>, socket, args);
}
