export { type Address, Endpoint } from './address.ts';
export { type ConnectOptions, createConnection } from './connect.ts';
export * as http from './http.ts';
export { Listener, type ListenOptions, listen } from './listener.ts';
export { Popen, type ProcessOutput } from './popen.ts';
export type { PopenOptions, Redirection } from './popen-options.ts';
export { type Data, type ReadAllOptions, Reader, type ReaderOptions, type ReadSource } from './reader.ts';
export { CompletedProcess, checkOutput, type RunProcessOptions, runProcess } from './run-process.ts';
export { onSignal, type SignalHandle } from './signals.ts';
export {
  type ReadLineOptions,
  type ReadUntilOptions,
  Socket,
  type SocketOptions,
  type TransferOptions,
} from './socket.ts';
export { prompt, stderr, stdin, stdout } from './stdio.ts';
export { type ConnectionHandler, StreamServer, type StreamServerOptions } from './stream-server.ts';
export { Writer, type WriterOptions, type WriteTarget } from './writer.ts';
