/**
 * `Popen`: a child process.
 *
 * It begins with an operation, `Popen.spawn`, and not with the constructor as in Python: Node tells only after the call
 * that a program could not be started, and this way the error is thrown where it belongs, and there is no `Popen` without
 * a process. Node reaps every child as soon as it has ended, so there are no zombies.
 */
import { type ChildProcess, spawn as startProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { checkDuration, checkTimeout, show } from '../core/check.ts';
import { all } from '../core/combine.ts';
import { composite } from '../core/dev.ts';
import { InvalidStateError, TimeoutExpired } from '../core/errors.ts';
import { fromEvent } from '../core/from-event.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { shield } from '../core/shield.ts';
import { type Cancel, suspend } from '../core/suspend.ts';
import { Timeout } from '../core/timeout.ts';
import type { Waitable } from '../core/wait.ts';
import { ExitLinks } from './popen-exit.ts';
import {
  type Command,
  checkCommand,
  commandLine,
  nodeOptions,
  type PopenOptions,
  programName,
} from './popen-options.ts';
import { makePipe, type Pipe } from './popen-pipe.ts';
import { type Data, Reader } from './reader.ts';
import { bytesOf } from './transfer.ts';
import { Writer } from './writer.ts';

/** What a process wrote; of a stream that is no pipe, nothing. */
export interface ProcessOutput<E extends BufferEncoding | undefined = undefined> {
  /** What it wrote to stdout. */
  readonly stdout: Data<E>;
  /** What it wrote to stderr. */
  readonly stderr: Data<E>;
}

/** A pipe from the child, and what came through it. */
interface Output<E extends BufferEncoding | undefined> {
  readonly reader: Reader<E> | undefined;
  /** All of it, once its end was seen. */
  data: Data<E> | undefined;
}

/** How long a child has to end itself, in milliseconds. @internal */
export const GRACE = 1000;

/**
 * A child process. Follows `subprocess.Popen`; it is started by `Popen.spawn`.
 *
 * It can be given to `wait()` and `iwait()`. A kill or timeout of a greenlet that waits for the process leaves the process
 * alone. `using` ends it: its pipes are closed, and if it still runs it is sent SIGTERM and, 1,000 ms later, SIGKILL; wait
 * for it before if it is to finish. A child that nobody ends goes on by itself; it keeps this process alive, unless it
 * was started `detached`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Popen } from 'genlet/io';
 *
 * await run(function* () {
 *   using sort = yield* Popen.spawn(['sort'], { stdin: 'pipe', stdout: 'pipe', encoding: 'utf8' });
 *   for (const word of ['pear', 'apple', 'fig']) yield* sort.stdin.write(`${word}\n`);
 *   yield* sort.stdin.end();
 *   console.log(yield* sort.stdout.readline()); // => apple
 *   console.log((yield* sort.stdout.readAll()).split('\n')); // => [ 'fig', 'pear', '' ]
 *   console.log(yield* sort.wait()); // => 0
 * });
 * ```
 */
export class Popen<E extends BufferEncoding | undefined = undefined> implements Waitable {
  /** What was started: program and arguments, or the command line for the shell. */
  readonly args: string | readonly string[];
  /** Its number in the system; another process may have it once this one has ended. */
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #stdin: Writer | undefined;
  readonly #stdout: Output<E>;
  readonly #stderr: Output<E>;
  readonly #nothing: Data<E>;
  readonly #encoding: BufferEncoding | undefined;
  readonly #links: ExitLinks;
  #returncode: number | undefined;
  #communicated = false;
  #endTimer: NodeJS.Timeout | undefined;

  /** @internal */
  constructor(child: ChildProcess, command: Command, merged: Readable | undefined) {
    if (command?.args === undefined || child.pid === undefined) {
      throw new TypeError('new Popen() starts nothing: write yield* Popen.spawn(args, options)');
    }
    const encoding = command.options.encoding as E;
    const name = programName(command.args);
    const output = (stream: Readable | null, of: string): Output<E> => ({
      reader: stream === null ? undefined : new Reader(stream, { encoding, name: `${of} of ${name}` }),
      data: undefined,
    });
    this.args = command.args;
    this.pid = child.pid;
    this.#child = child;
    this.#stdin = child.stdin === null ? undefined : new Writer(child.stdin, { encoding, name: `stdin of ${name}` });
    this.#stdout = output(merged ?? child.stdout, 'stdout');
    this.#stderr = output(child.stderr, 'stderr');
    this.#nothing = (encoding === undefined ? Buffer.alloc(0) : '') as Data<E>;
    this.#encoding = encoding;
    this.#links = new ExitLinks(this, command.options.detached ? child : undefined);
    child.once('exit', (code, signal) => this.#ended(code ?? -constants.signals[signal!]));
  }

  /**
   * Starts a process: program and arguments as an array, or with `shell: true` a command line. Does not suspend, unless
   * stdout and stderr are to be one pipe; a kill then leaves nothing behind. Follows `subprocess.Popen()`.
   *
   * @throws the system's error: `ENOENT` if there is no such program (or no such folder, `cwd`), `EACCES`, …
   */
  static spawn<E extends BufferEncoding | undefined = undefined>(
    args: string | readonly string[],
    options: PopenOptions<E> = {},
  ): Operation<Popen<E>> {
    return composite('Popen.spawn()', Popen.#spawn<E>(checkCommand(args, options)));
  }

  static *#spawn<E extends BufferEncoding | undefined>(command: Command): Coroutine<Popen<E>> {
    if (!command.merged) return yield* Popen.#start<E>(command);
    const pipe = yield* makePipe();
    try {
      return yield* Popen.#start<E>(command, pipe);
    } catch (error) {
      pipe.near.destroy();
      throw error;
    } finally {
      pipe.far.destroy();
    }
  }

  static *#start<E extends BufferEncoding | undefined>(command: Command, pipe?: Pipe): Coroutine<Popen<E>> {
    const options = nodeOptions(command, pipe?.fd);
    const [program, ...rest] = command.options.shell ? [command.args as string] : command.args;
    const child = startProcess(program!, rest, options);
    if (child.pid !== undefined) return new Popen<E>(child, command, pipe?.near);
    child.on('error', () => {}); // also if a kill comes first
    const [error] = yield* fromEvent<[NodeJS.ErrnoException]>(child, 'error', { error: false });
    const { cwd } = command.options;
    if (error.code === 'ENOENT' && cwd !== undefined && !existsSync(cwd)) {
      error.path = String(cwd);
      error.message += `: there is no folder ${show(cwd)} to run it in`;
    }
    Error.captureStackTrace(error, Popen.#start);
    throw error;
  }

  // ---- the pipes

  /**
   * The pipe to its standard input.
   *
   * @throws {InvalidStateError} it was not started with `stdin: 'pipe'`
   */
  get stdin(): Writer {
    return this.#stdin ?? this.#noPipe('stdin');
  }

  /**
   * The pipe from its standard output, which also is that of stderr if the two were merged.
   *
   * @throws {InvalidStateError} it was not started with `stdout: 'pipe'`
   */
  get stdout(): Reader<E> {
    return this.#stdout.reader ?? this.#noPipe('stdout');
  }

  /**
   * The pipe from its standard error.
   *
   * @throws {InvalidStateError} it was not started with `stderr: 'pipe'`
   */
  get stderr(): Reader<E> {
    return this.#stderr.reader ?? this.#noPipe('stderr');
  }

  #noPipe(name: string): never {
    throw new InvalidStateError(`${this} has no pipe at ${name}: start it with ${name}: 'pipe'`);
  }

  // ---- the end

  /** The exit code; if a signal ended it, minus the signal's number; `undefined` while it runs, as far as is known. */
  get returncode(): number | undefined {
    return this.#returncode;
  }

  /** The same as `returncode`; that a process has ended is heard of when the hub polls. Follows `Popen.poll`. */
  poll(): number | undefined {
    return this.#returncode;
  }

  /** Whether it has ended, as all that can be waited for has it. */
  ready(): boolean {
    return this.#returncode !== undefined;
  }

  /**
   * Waits for the end and gives the `returncode`. Suspends; a kill just ends the wait. A child that has a pipe to fill and
   * nobody who reads it never ends: `communicate` is for that. Follows `Popen.wait`.
   *
   * @throws {TimeoutExpired} it still runs after `timeout` milliseconds
   */
  wait(timeout?: number | null): Operation<number> {
    return composite('Popen.wait()', this.#wait(checkTimeout(timeout)));
  }

  *#wait(timeout: number | undefined): Coroutine<number> {
    const limit = Timeout.startNew(timeout);
    try {
      return yield* this.#exit();
    } catch (error) {
      throw error === limit ? this.#timeIsUp(timeout!) : error;
    } finally {
      limit.close();
    }
  }

  *#exit(): Coroutine<number> {
    if (this.#returncode === undefined) {
      const popen = this;
      yield* suspend<void>(function exit(resume): Cancel {
        const link = () => void resume();
        popen.rawlink(link);
        return () => popen.unlink(link);
      });
    }
    return this.#returncode!;
  }

  /**
   * Calls `callback(popen)` in the hub, once, when the process has ended; in the next pass if it has already. Links and
   * waits are served in one order.
   */
  rawlink(callback: (popen: this) => void): void {
    this.#links.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (popen: this) => void): void {
    this.#links.remove(callback);
  }

  #ended(returncode: number): void {
    this.#returncode = returncode;
    clearTimeout(this.#endTimer);
    this.#links.notify();
  }

  // ---- input and output

  /**
   * Gives the process `input`, closes its stdin, reads its stdout and stderr to their ends, waits for its end, and closes
   * the pipes. Takes and gives what are pipes, at the same time, so that none gets stuck; that the process does not read
   * all its input is no error. Suspends. After a kill or a `TimeoutExpired` nothing is lost: it can be called again,
   * without input, and gives all. If a process that the child has started holds a pipe, this waits for it too. Follows
   * `Popen.communicate`.
   *
   * @throws {TimeoutExpired} it was not over after `timeout` milliseconds; with what had been read by then
   * @throws {InvalidStateError} there is `input`, and no open pipe to stdin, or a call before that took care of it
   * @example
   * ```ts
   * import { run } from 'genlet';
   * import { Popen } from 'genlet/io';
   *
   * await run(function* () {
   *   using tr = yield* Popen.spawn(['tr', 'a-z', 'A-Z'], { stdin: 'pipe', stdout: 'pipe', encoding: 'utf8' });
   *   const { stdout } = yield* tr.communicate('shout');
   *   console.log(stdout, tr.returncode); // => SHOUT 0
   * });
   * ```
   */
  communicate(input?: string | Uint8Array | null, timeout?: number | null): Operation<ProcessOutput<E>> {
    const bytes = input === undefined || input === null ? undefined : bytesOf('input', input, this.#encoding);
    return composite('Popen.communicate()', this.#communicate(bytes, checkTimeout(timeout)));
  }

  *#communicate(input: Uint8Array | undefined, timeout: number | undefined): Coroutine<ProcessOutput<E>> {
    this.#give(input);
    const limit = Timeout.startNew(timeout);
    try {
      yield* all([this.#collect(this.#stdout), this.#collect(this.#stderr), this.#exit()]);
    } catch (error) {
      throw error === limit ? this.#timeIsUp(timeout!, this.#soFar(this.#stdout), this.#soFar(this.#stderr)) : error;
    } finally {
      limit.close();
    }
    this.#closePipes();
    return { stdout: this.#stdout.data ?? this.#nothing, stderr: this.#stderr.data ?? this.#nothing };
  }

  #give(input: Uint8Array | undefined): void {
    if (input !== undefined) {
      if (this.#communicated) throw new InvalidStateError(`${this} has its input already: communicate() without one`);
      if (this.stdin.ended) throw new InvalidStateError(`${this} had its stdin closed: it can't be given input`);
    }
    this.#communicated = true;
    this.#stdin?.closeWith(input);
  }

  *#collect(output: Output<E>): Coroutine<void> {
    if (output.reader === undefined || output.data !== undefined) return;
    output.data = yield* output.reader.readAll();
  }

  #soFar(output: Output<E>): Data<E> {
    return output.data ?? output.reader?.unread() ?? this.#nothing;
  }

  #timeIsUp(timeout: number, stdout: Data<E> = this.#nothing, stderr: Data<E> = this.#nothing): TimeoutExpired {
    const message = `${commandLine(this.args)} did not end within ${timeout} ms`;
    return new TimeoutExpired(message, { cmd: this.args, stdout, stderr }, timeout);
  }

  // ---- signals

  /**
   * Sends it a signal, such as `'SIGHUP'`, without suspending; nothing happens if it has ended. Follows
   * `Popen.send_signal`.
   *
   * @throws the system's error, such as `EPERM` if it runs as somebody else
   */
  sendSignal(signal: NodeJS.Signals | number): void {
    if (this.#returncode !== undefined) return;
    let failure: Error | undefined;
    const fail = (error: Error) => {
      failure = error;
    };
    this.#child.once('error', fail);
    this.#child.kill(signal);
    this.#child.off('error', fail);
    if (failure !== undefined) throw failure;
  }

  /** Asks it to end, by SIGTERM. Follows `Popen.terminate`. */
  terminate(): void {
    this.sendSignal('SIGTERM');
  }

  /** Ends it by SIGKILL, which it can't refuse. Follows `Popen.kill`. */
  kill(): void {
    this.sendSignal('SIGKILL');
  }

  /**
   * Ends it: SIGTERM, after `grace` milliseconds (1,000 by default) SIGKILL, and waits for the end. Suspends; a kill or
   * timeout is thrown when the process has ended.
   */
  stop(grace: number = GRACE): Operation<void> {
    checkDuration('grace', grace);
    return shield(() => this.#stop(grace));
  }

  *#stop(grace: number): Coroutine<void> {
    this.#endWithin(grace);
    yield* this.#exit();
  }

  /** By real time, since the process lives in it too. */
  #endWithin(grace: number): void {
    if (this.#returncode !== undefined) return;
    clearTimeout(this.#endTimer);
    this.terminate();
    this.#endTimer = setTimeout(() => this.kill(), grace);
  }

  /** Makes `using` close its pipes and end it, without waiting for that. */
  [Symbol.dispose](): void {
    this.#closePipes();
    this.#endWithin(GRACE);
  }

  #closePipes(): void {
    this.#stdin?.close();
    this.#stdout.reader?.close();
    this.#stderr.reader?.close();
  }

  /** `Popen cat (1234)`, with its number. */
  toString(): string {
    return `Popen ${programName(this.args)} (${this.pid})`;
  }
}
