export { type Address, Endpoint } from './address.ts';
export { BaseServer } from './base-server.ts';
export { type ConnectOptions, createConnection } from './connect.ts';
export { type DatagramHandler, DatagramServer, type DatagramServerOptions } from './datagram-server.ts';
export { type Dns, dns, type LookupService } from './dns.ts';
export { type File, type FileLineOptions, open } from './file.ts';
export type { Whence } from './file-calls.ts';
export { type Fs, fs } from './fs.ts';
export type { Piece } from './fs-types.ts';
export type { GlobOptions } from './glob.ts';
export * as http from './http.ts';
export { type HttpHandler, HttpServer } from './http-server.ts';
export { HttpError, type HttpErrorOptions } from './http-server-error.ts';
export type { HttpHeaders } from './http-server-headers.ts';
export { type AccessLogEntry, formatAccessLog } from './http-server-log.ts';
export type { HttpServerOptions, UpgradeHandler } from './http-server-options.ts';
export type { HttpPieces } from './http-server-pieces.ts';
export type { BodyOptions, HttpRequest } from './http-server-request.ts';
export type { HttpResponse, HttpTrailers } from './http-server-response.ts';
export { Listener, type ListenOptions, listen } from './listener.ts';
export { type ByteSink, type ByteSource, type PipeOptions, pipe } from './pipe.ts';
export { Popen, type ProcessOutput } from './popen.ts';
export type { PopenOptions, Redirection } from './popen-options.ts';
export { type Data, type ReadAllOptions, Reader, type ReaderOptions, type ReadSource } from './reader.ts';
export { Resolver, type ResolverOptions, type ResolverStatistics, type TlsaRecord } from './resolver.ts';
export { CompletedProcess, checkOutput, type RunProcessOptions, runProcess } from './run-process.ts';
export type { SendFileOptions } from './send-file.ts';
export { onSignal, type SignalHandle } from './signals.ts';
export {
  type ReadLineOptions,
  type ReadUntilOptions,
  Socket,
  type SocketOptions,
  type TransferOptions,
} from './socket.ts';
export { socketpair } from './socketpair.ts';
export type { ListeningOptions } from './start-listening.ts';
export { prompt, stderr, stdin, stdout } from './stdio.ts';
export { type ConnectionHandler, StreamServer, type StreamServerOptions } from './stream-server.ts';
export * as timers from './timers.ts';
export type { TlsCommonOptions, TlsOptions, TlsServerOptions } from './tls-options.ts';
export { TlsSocket, type TlsSocketOptions } from './tls-socket.ts';
export { type UpgradeTlsOptions, type UpgradeTlsServerOptions, upgradeTls } from './tls-upgrade.ts';
export { UdpSocket, type UdpSocketOptions, type UdpSocketStatistics } from './udp-socket.ts';
export type { Datagram } from './udp-socket-inbox.ts';
export type { WalkEntry, WalkOptions } from './walk.ts';
export type { WatchEvent, WatchFilesOptions } from './watch.ts';
export type { WriteFileAtomicOptions } from './write-file-atomic.ts';
export { Writer, type WriterOptions, type WriteTarget } from './writer.ts';
