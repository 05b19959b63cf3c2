/** Several cores: hubs in worker threads, processes, what they share, and the executors over them. */
export { Connection } from './connection.ts';
export * from './executors/index.ts';
export { formatLogRecord, getLogger, type Logger, type LogLevel, type LogRecord } from './logger.ts';
export * from './manager/index.ts';
export { registerError } from './packed-error.ts';
export {
  activeChildren,
  BoundedSemaphore,
  cpuCount,
  currentProcess,
  Event,
  JoinableQueue,
  Lock,
  Pipe,
  Process,
  ProcessAcquirable,
  ProcessObject,
  type ProcessOptions,
  Queue,
  Semaphore,
} from './process/index.ts';
export { main, type Referable, task } from './reference.ts';
export { move } from './remote/cargo.ts';
export type { DurationStatistics } from './remote/histogram.ts';
export type { WorkerHubStats } from './remote/pool-statistics.ts';
export { RemoteChannel } from './remote/remote-channel.ts';
export { RemoteGreenlet, type RemoteOptions } from './remote/remote-greenlet.ts';
export type { ItemOf, RemoteFunction, RemoteModule } from './remote/remote-module.ts';
export { RemoteStream } from './remote/remote-stream.ts';
export { type StreamOptions, type WorkerCall, WorkerHub, type WorkerHubOptions } from './remote/worker-hub.ts';
export { Fleet, type ServeMode, type ServeOptions, serve } from './serve/index.ts';
export * as shared from './shared/index.ts';
