/**
 * Every error class of genlet, each with a stable `code`.
 *
 * Two copies of the package in one program recognise each other's errors: `instanceof` looks for a brand that is
 * registered under the class's code, not for the prototype.
 */

const brandOf = (code: string): symbol => Symbol.for(`genlet.error.${code}`);

/** Brands a class: `code` on its prototype, and an `instanceof` that knows other copies of the package. @internal */
export function brand(errorClass: abstract new (...args: never[]) => object, code: string): void {
  const mark = brandOf(code);
  const { prototype } = errorClass;
  Object.defineProperty(prototype, mark, { value: true });
  Object.defineProperty(prototype, 'code', { value: code, enumerable: false, writable: true, configurable: true });
  Object.defineProperty(prototype, 'name', { value: errorClass.name, writable: true, configurable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== errorClass) return Function.prototype[Symbol.hasInstance].call(this as never, value);
      return typeof value === 'object' && value !== null && mark in value;
    },
  });
}

/**
 * Thrown into a greenlet by `kill()`. It is an ordinary exception, so `finally` blocks run and may suspend; a `catch`
 * that takes everything takes it too, so rethrow it there (`isExit`). A greenlet that dies of it ended successfully.
 * Follows `greenlet.GreenletExit`.
 */
export class GreenletExit extends Error {
  declare readonly code: 'GENLET_EXIT';
  constructor(message = 'killed', options?: ErrorOptions) {
    super(message, options);
  }
}
brand(GreenletExit, 'GENLET_EXIT');

/**
 * Whether `error` is a `GreenletExit`, of this or another copy of genlet.
 *
 * @example
 * ```ts
 * import { isExit, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const worker = spawn(function* () {
 *     try {
 *       yield* sleep(1000);
 *     } catch (error) {
 *       if (isExit(error)) throw error; // a kill is no failure: let it through
 *       console.error(error);
 *     }
 *   });
 *   yield* sleep(0);
 *   yield* worker.kill();
 *   console.log(worker.successful()); // => true
 * });
 * ```
 */
export function isExit(error: unknown): error is GreenletExit {
  return error instanceof GreenletExit;
}

/** An exit that part of a program sends itself, and takes again: no kill of the greenlet. @internal */
export class Interruption extends GreenletExit {}

/** One blocked greenlet, as `LoopExit` lists it. */
export interface BlockedGreenlet {
  /** The greenlet's name. */
  readonly name: string;
  /** What it waits for, such as `Queue.get()`. */
  readonly waitsFor: string;
  /** For how long, in milliseconds of the hub's clock. */
  readonly since: number;
  /** Where it was spawned; known only while `hub.tracking` is on. */
  readonly spawnedAt: string | undefined;
}

/**
 * Nothing can ever wake what is blocked: no greenlet is ready, no timer runs and Node's event loop is empty. Thrown
 * into every blocked `main` of `run`. Follows `gevent.exceptions.LoopExit`, and says who waits for what.
 */
export class LoopExit extends Error {
  declare readonly code: 'GENLET_LOOP_EXIT';
  /** The blocked greenlets, in the order of their spawning. */
  readonly blocked: readonly BlockedGreenlet[];
  constructor(blocked: readonly BlockedGreenlet[]) {
    const lines = blocked.map(
      ({ name, waitsFor, since, spawnedAt }) =>
        `\n  ${name} waits for ${waitsFor} since ${since} ms, spawned ${spawnedAt ?? 'at an unknown place (set GENLET_DEV=1 to see it)'}`,
    );
    super(`nothing can wake the ${blocked.length} blocked greenlet(s):${lines.join('')}`);
    this.blocked = blocked;
  }
}
brand(LoopExit, 'GENLET_LOOP_EXIT');

/** An operation was performed outside any greenlet. */
export class NotInGreenletError extends Error {
  declare readonly code: 'GENLET_NOT_IN_GREENLET';
}
brand(NotInGreenletError, 'GENLET_NOT_IN_GREENLET');

/** A blocking call was made in a hub callback, which must not suspend. */
export class BlockingSwitchOutError extends Error {
  declare readonly code: 'GENLET_BLOCKING_SWITCH_OUT';
}
brand(BlockingSwitchOutError, 'GENLET_BLOCKING_SWITCH_OUT');

/** Two greenlets wait for the same direction of one object; the message names both. */
export class ConcurrentObjectUseError extends Error {
  declare readonly code: 'GENLET_CONCURRENT_OBJECT_USE';
}
brand(ConcurrentObjectUseError, 'GENLET_CONCURRENT_OBJECT_USE');

/** A switch that cannot be: joining oneself, switching to a greenlet that is blocked elsewhere, a cycle of parents. */
export class InvalidSwitchError extends Error {
  declare readonly code: 'GENLET_INVALID_SWITCH';
}
brand(InvalidSwitchError, 'GENLET_INVALID_SWITCH');

/** An object of another hub was used: of a second copy of genlet, or of another thread. */
export class WrongHubError extends Error {
  declare readonly code: 'GENLET_WRONG_HUB';
}
brand(WrongHubError, 'GENLET_WRONG_HUB');

/** A queue has no free place, and the call was not to wait or waited long enough. Follows `queue.Full`. */
export class QueueFull extends Error {
  declare readonly code: 'GENLET_QUEUE_FULL';
}
brand(QueueFull, 'GENLET_QUEUE_FULL');

/** A queue has no item, and the call was not to wait or waited long enough. Follows `queue.Empty`. */
export class QueueEmpty extends Error {
  declare readonly code: 'GENLET_QUEUE_EMPTY';
}
brand(QueueEmpty, 'GENLET_QUEUE_EMPTY');

/** The queue was shut down. Follows `queue.ShutDown`. */
export class QueueShutDown extends Error {
  declare readonly code: 'GENLET_QUEUE_SHUT_DOWN';
}
brand(QueueShutDown, 'GENLET_QUEUE_SHUT_DOWN');

/** A pool has no free place, or waiting for one would never end. Follows `gevent.pool.PoolFull`. */
export class PoolFull extends Error {
  declare readonly code: 'GENLET_POOL_FULL';
}
brand(PoolFull, 'GENLET_POOL_FULL');

/** The barrier was broken or reset while somebody waited. Follows `threading.BrokenBarrierError`. */
export class BrokenBarrierError extends Error {
  declare readonly code: 'GENLET_BROKEN_BARRIER';
}
brand(BrokenBarrierError, 'GENLET_BROKEN_BARRIER');

/** The future was cancelled. Follows `concurrent.futures.CancelledError`. */
export class CancelledError extends Error {
  declare readonly code: 'GENLET_CANCELLED';
}
brand(CancelledError, 'GENLET_CANCELLED');

/** The object is not in a state that allows the call, such as a second `set`. Follows `asyncio.InvalidStateError`. */
export class InvalidStateError extends Error {
  declare readonly code: 'GENLET_INVALID_STATE';
}
brand(InvalidStateError, 'GENLET_INVALID_STATE');

/** The socket was closed on this side, while a call was blocked on it or before. Follows gevent's `cancel_wait_ex`. */
export class SocketClosedError extends Error {
  declare readonly code: 'GENLET_SOCKET_CLOSED';
}
brand(SocketClosedError, 'GENLET_SOCKET_CLOSED');

/**
 * TLS failed, in the handshake or later. `reason` is the code of Node's error, such as `ERR_SSL_WRONG_VERSION_NUMBER`; that
 * error is the `cause`. What the system reports of the connection below, such as `ECONNRESET`, is no `TlsError`. Follows
 * `ssl.SSLError`.
 */
export class TlsError extends Error {
  declare readonly code: 'GENLET_TLS' | 'GENLET_CERTIFICATE';
  /** Which failure it was, as Node and OpenSSL name it. */
  readonly reason: string;
  constructor(message: string, reason: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
brand(TlsError, 'GENLET_TLS');

/**
 * The certificate of the other side is missing or not to be trusted: `reason` is `CERT_HAS_EXPIRED`,
 * `DEPTH_ZERO_SELF_SIGNED_CERT`, `ERR_TLS_CERT_ALTNAME_INVALID`, … Follows `ssl.SSLCertVerificationError`.
 */
export class CertificateError extends TlsError {
  declare readonly code: 'GENLET_CERTIFICATE';
}
brand(CertificateError, 'GENLET_CERTIFICATE');

/** The file was closed on this side, while a call was blocked on it or before. Follows gevent's `FileObjectClosed`. */
export class FileClosedError extends Error {
  declare readonly code: 'GENLET_FILE_CLOSED';
}
brand(FileClosedError, 'GENLET_FILE_CLOSED');

/** The stream ended before what was asked for had arrived; `partial` holds what did. Follows `asyncio.IncompleteReadError`. */
export class IncompleteReadError extends Error {
  declare readonly code: 'GENLET_INCOMPLETE_READ';
  /** The bytes that came before the end. */
  readonly partial: Buffer;
  constructor(message: string, partial: Buffer) {
    super(message);
    this.partial = partial;
  }
}
brand(IncompleteReadError, 'GENLET_INCOMPLETE_READ');

/** No separator within the limit; the bytes stay readable. Follows `asyncio.LimitOverrunError`. */
export class LimitOverrunError extends Error {
  declare readonly code: 'GENLET_LIMIT_OVERRUN';
}
brand(LimitOverrunError, 'GENLET_LIMIT_OVERRUN');

/** The `Reader` or `Writer` was closed on this side, while a call was blocked on it or before; or its stream was, below it. */
export class StreamClosedError extends Error {
  declare readonly code: 'GENLET_STREAM_CLOSED';
}
brand(StreamClosedError, 'GENLET_STREAM_CLOSED');

/** What a child process has to say of itself in an error. */
export interface ProcessReport {
  /** Its arguments, or the command line that was given to the shell. */
  readonly cmd: string | readonly string[];
  /** What it wrote to stdout, as far as that was captured. */
  readonly stdout: Buffer | string;
  /** What it wrote to stderr, as far as that was captured. */
  readonly stderr: Buffer | string;
}

/** A child process did not end in time. It may be waited for again. Follows `subprocess.TimeoutExpired`. */
export class TimeoutExpired extends Error implements ProcessReport {
  declare readonly code: 'GENLET_TIMEOUT_EXPIRED';
  readonly cmd: string | readonly string[];
  /** What had come by then; empty if `wait` threw this. */
  readonly stdout: Buffer | string;
  /** What had come by then; empty if `wait` threw this. */
  readonly stderr: Buffer | string;
  /** The time limit in milliseconds. */
  readonly timeout: number;
  constructor(message: string, report: ProcessReport, timeout: number) {
    super(message);
    this.cmd = report.cmd;
    this.stdout = report.stdout;
    this.stderr = report.stderr;
    this.timeout = timeout;
  }
}
brand(TimeoutExpired, 'GENLET_TIMEOUT_EXPIRED');

/** A child process ended with another exit code than 0, or by a signal. Follows `subprocess.CalledProcessError`. */
export class CalledProcessError extends Error implements ProcessReport {
  declare readonly code: 'GENLET_CALLED_PROCESS';
  readonly cmd: string | readonly string[];
  readonly stdout: Buffer | string;
  readonly stderr: Buffer | string;
  /** The exit code, or minus the number of the signal. */
  readonly returncode: number;
  constructor(message: string, report: ProcessReport, returncode: number) {
    super(message);
    this.cmd = report.cmd;
    this.stdout = report.stdout;
    this.stderr = report.stderr;
    this.returncode = returncode;
  }
}
brand(CalledProcessError, 'GENLET_CALLED_PROCESS');

/** All that came was taken, and nothing more will come: the other end is closed. Follows `EOFError`. */
export class EOFError extends Error {
  declare readonly code: 'GENLET_EOF';
}
brand(EOFError, 'GENLET_EOF');

/** Nobody is at the other end any more, so nothing can be sent. Follows `BrokenPipeError`. */
export class BrokenPipeError extends Error {
  declare readonly code: 'GENLET_BROKEN_PIPE';
}
brand(BrokenPipeError, 'GENLET_BROKEN_PIPE');

/** This end of a connection was closed, while a call was blocked on it or before; or it can't do what was asked of it. */
export class ConnectionClosedError extends Error {
  declare readonly code: 'GENLET_CONNECTION_CLOSED';
}
brand(ConnectionClosedError, 'GENLET_CONNECTION_CLOSED');

/**
 * Two processes could not prove to each other that they have the same `authkey`, or do not speak the same protocol. Follows
 * `multiprocessing.AuthenticationError`.
 */
export class AuthenticationError extends Error {
  declare readonly code: 'GENLET_AUTHENTICATION';
}
brand(AuthenticationError, 'GENLET_AUTHENTICATION');

/**
 * The worker, a thread or process, ended while it ran the job: it exited, crashed, ran out of memory, or was terminated
 * because another job of it hung. `cause` is the error that it died of, if it left one.
 */
export class WorkerDied extends Error {
  declare readonly code: 'GENLET_WORKER_DIED';
  /** The exit code of the thread or process. */
  readonly exitCode: number;
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
brand(WorkerDied, 'GENLET_WORKER_DIED');

/** Workers died again and again without getting anything done, so no more are started. Follows `BrokenExecutor`. */
export class BrokenPoolError extends Error {
  declare readonly code: 'GENLET_BROKEN_POOL';
}
brand(BrokenPoolError, 'GENLET_BROKEN_POOL');

/** An argument, a result or an item can't be cloned, and so can't go to another thread or process; `path` names what. */
export class UncloneableError extends Error {
  declare readonly code: 'GENLET_UNCLONEABLE';
  /** Where the culprit is, such as `result.items[3].callback`. */
  readonly path: string;
  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}
brand(UncloneableError, 'GENLET_UNCLONEABLE');
