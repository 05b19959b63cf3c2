export { type Address, Endpoint } from './address.ts';
export { type ConnectOptions, createConnection } from './connect.ts';
export * as http from './http.ts';
export { Listener, type ListenOptions, listen } from './listener.ts';
export {
  type ReadLineOptions,
  type ReadUntilOptions,
  Socket,
  type SocketOptions,
  type TransferOptions,
} from './socket.ts';
export { type ConnectionHandler, StreamServer, type StreamServerOptions } from './stream-server.ts';
