/** `node:net` and `node:tls`: what `yield*` does with sockets and servers, and the methods that these learn. */
import type { Server, Socket } from 'node:net';
import type { Operation } from '../../core/operation.ts';
import { accept, endArrivals, expectConnections } from './accept.ts';
import { connectionOf } from './connected.ts';
import { dual } from './dual.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin } from './modules.ts';
import type { AnyFunction } from './shared.ts';
import { socketMethods } from './socket-methods.ts';
import { already, watch } from './watch-object.ts';
import { NONE } from './wrapper.ts';

/** @internal */
export function netTargets(): Target[] {
  const { Server, Socket } = builtin('net');
  const isPlain = (socket: Socket) => !isSecure(socket);
  return [
    dual('net', 'Server.prototype.', Server.prototype, 'getConnections', { least: 0 }),
    closing(Server.prototype),
    iterable('net', 'Server.prototype', Server.prototype, stateOf),
    method('Server.prototype', Server.prototype, 'accept', accept),
    iterable('net', 'Socket.prototype', Socket.prototype, connectionOf, isPlain),
    ...Object.entries(socketMethods).map(([name, fn]) => method('Socket.prototype', Socket.prototype, name, fn)),
  ];
}

/** TLS's sockets are told by a property, so that `tls` need not be loaded for them. @internal */
export function tlsTargets(): Target[] {
  return [iterable('tls', 'TLSSocket.prototype', builtin('net').Socket.prototype, connectionOf, isSecure)];
}

const isSecure = (socket: Socket): boolean => (socket as { encrypted?: boolean }).encrypted === true;

function method(path: string, holder: object, name: string, fn: AnyFunction): Target {
  const act = () => (self: unknown, args: unknown[]) => fn(self, ...args);
  return { module: 'net', name: `${path}.${name}`, holder, key: name, kind: 'new method', act };
}

/** `close` does what it always did, and wakes those who wait for a connection. */
function closing(holder: object): Target {
  const act = (original: AnyFunction | undefined) => (self: Server, args: unknown[]) => {
    endArrivals(self);
    return Reflect.apply(original!, self, args);
  };
  const name = 'Server.prototype.close';
  return {
    module: 'net',
    name,
    holder,
    key: 'close',
    kind: 'function',
    at: NONE,
    act: act as Target['act'],
    pass: endArrivals,
  };
}

/** Waits until it listens, or has closed. */
function stateOf(server: Server): Operation<Server> {
  if (server.listening || hasClosed(server)) return already(expecting(server));
  return watch<Server>(server, {
    name: `${server.constructor.name}.listen()`,
    events: (land) => ({
      listening: () => land(undefined, expecting(server)),
      close: () => land(undefined, server),
      error: (error: unknown) => land(error),
    }),
  });
}

/** Connections may come before the first `accept`. */
function expecting(server: Server): Server {
  if (server.listening) expectConnections(server);
  return server;
}

/** Whether it has listened before, and no connection is left. */
function hasClosed(server: Server): boolean {
  const { _connectionKey, _connections } = server as { _connectionKey?: unknown; _connections?: number };
  return _connectionKey !== undefined && _connections === 0;
}
