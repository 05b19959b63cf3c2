export type { Handle } from './callback.ts';
export type { Clock } from './clock.ts';
export * from './combine.ts';
export { coroutine } from './coroutine.ts';
export {
  AuthenticationError,
  type BlockedGreenlet,
  BlockingSwitchOutError,
  BrokenBarrierError,
  BrokenPipeError,
  BrokenPoolError,
  CalledProcessError,
  CancelledError,
  CertificateError,
  ConcurrentObjectUseError,
  ConnectionClosedError,
  EOFError,
  FileClosedError,
  GreenletExit,
  IncompleteReadError,
  InvalidStateError,
  InvalidSwitchError,
  isExit,
  LimitOverrunError,
  LoopExit,
  NotInGreenletError,
  PoolFull,
  type ProcessReport,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  SocketClosedError,
  StreamClosedError,
  TimeoutExpired,
  TlsError,
  UncloneableError,
  WorkerDied,
  WrongHubError,
} from './errors.ts';
export * from './from-async-iterable.ts';
export * from './from-event.ts';
export * from './greenlet.ts';
export { getcurrent, getHub, type Hub, type HubStats } from './hub.ts';
export * from './joinall.ts';
export type { Coroutine, Operation, Outcome, Suspension } from './operation.ts';
export { RawGreenlet } from './raw-greenlet.ts';
export * from './run.ts';
export * from './run-with.ts';
export type { ErrorHandler, Tracer } from './scheduler.ts';
export type { Settable } from './settable.ts';
export * from './shield.ts';
export * from './sleep.ts';
export { spawn, spawnLater, spawnNow } from './spawn.ts';
export * from './suspend.ts';
export { Timeout, type TimeoutError, withTimeout } from './timeout.ts';
export * from './trace.ts';
export * from './until.ts';
export * from './wait.ts';
