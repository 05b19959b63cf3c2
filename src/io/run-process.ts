/** `runProcess` and `checkOutput`: a child process from its start to its end in one call, which leaves none behind. */
import { constants } from 'node:os';
import { checkDuration, checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { CalledProcessError } from '../core/errors.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { GRACE, Popen, type ProcessOutput } from './popen.ts';
import { checkCommand, commandLine, type PopenOptions } from './popen-options.ts';
import type { Data } from './reader.ts';
import { bytesOf } from './transfer.ts';

/** Options of `runProcess`. */
export interface RunProcessOptions<E extends BufferEncoding | undefined = undefined> extends PopenOptions<E> {
  /** What it reads from its stdin, which is a pipe then. */
  readonly input?: string | Uint8Array | undefined;
  /** How long it may run, in milliseconds. */
  readonly timeout?: number | null | undefined;
  /** Whether another exit code than 0 is thrown, as `CalledProcessError`. */
  readonly check?: boolean | undefined;
  /** Whether its stdout and stderr are pipes, of which the result has all that came. */
  readonly captureOutput?: boolean | undefined;
  /** How long it has to end itself after SIGTERM, in milliseconds, if it must: 1,000 by default. */
  readonly grace?: number | undefined;
}

/** How a process has ended, and what it wrote. Follows `subprocess.CompletedProcess`. */
export class CompletedProcess<E extends BufferEncoding | undefined = undefined> implements ProcessOutput<E> {
  /** What was started: program and arguments, or the command line for the shell. */
  readonly args: string | readonly string[];
  /** The exit code; if a signal ended it, minus the signal's number. */
  readonly returncode: number;
  readonly stdout: Data<E>;
  readonly stderr: Data<E>;

  /** @internal */
  constructor(args: string | readonly string[], returncode: number, output: ProcessOutput<E>) {
    this.args = args;
    this.returncode = returncode;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }

  /**
   * Throws unless the exit code is 0. Follows `check_returncode`.
   *
   * @throws {CalledProcessError} with all that is here
   */
  checkReturncode(): void {
    const { args, returncode, stdout, stderr } = this;
    if (returncode === 0) return;
    const message = `${commandLine(args)} ${describeEnd(returncode)}`;
    throw new CalledProcessError(message, { cmd: args, stdout, stderr }, returncode);
  }
}

function describeEnd(returncode: number): string {
  if (returncode > 0) return `ended with exit code ${returncode}`;
  const name = Object.entries(constants.signals).find(([, number]) => number === -returncode)?.[0];
  return `was ended by ${name ?? `signal ${-returncode}`}`;
}

/**
 * Runs a process to its end: gives it `input`, reads what it writes to pipes, and waits. Suspends. If that is cut short,
 * by a kill, a timeout or an error, the process is sent SIGTERM and, `grace` milliseconds later, SIGKILL; only when it has
 * ended does the kill or error go on. So no process is left, apart from those that it started itself. Follows
 * `subprocess.run`.
 *
 * @throws {TimeoutExpired} it was not over after `timeout` milliseconds; with what had been read by then
 * @throws {CalledProcessError} its exit code was not 0, and `check` is on; with its output
 * @throws the system's error if it can't be started, such as `ENOENT`
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { runProcess } from 'genlet/io';
 *
 * await run(function* () {
 *   const words = 'pear\napple\n';
 *   const { returncode, stdout } = yield* runProcess(['sort'], { input: words, captureOutput: true, encoding: 'utf8' });
 *   console.log(returncode, stdout.split('\n')); // => 0 [ 'apple', 'pear', '' ]
 * });
 * ```
 */
export function runProcess<E extends BufferEncoding | undefined = undefined>(
  args: string | readonly string[],
  options: RunProcessOptions<E> = {},
): Operation<CompletedProcess<E>> {
  const { input, timeout, check = false, captureOutput = false, grace = GRACE } = options;
  if (input !== undefined) bytesOf('input', input);
  checkTimeout(timeout);
  checkDuration('grace', grace);
  if (input !== undefined && options.stdin !== undefined && options.stdin !== 'pipe') {
    throw new TypeError(`stdin is ${options.stdin} and there is input: give one of them`);
  }
  if (captureOutput && (options.stdout !== undefined || options.stderr !== undefined)) {
    throw new TypeError('captureOutput is on, and stdout or stderr is given: give one of them');
  }
  const pipes = {
    ...(input !== undefined && ({ stdin: 'pipe' } as const)),
    ...(captureOutput && ({ stdout: 'pipe', stderr: 'pipe' } as const)),
  };
  const redirected = { ...options, ...pipes };
  checkCommand(args, redirected);
  return composite('runProcess()', perform(args, redirected, check, grace));
}

function* perform<E extends BufferEncoding | undefined>(
  args: string | readonly string[],
  options: RunProcessOptions<E>,
  check: boolean,
  grace: number,
): Coroutine<CompletedProcess<E>> {
  const popen = yield* Popen.spawn<E>(args, options);
  let output: ProcessOutput<E>;
  try {
    output = yield* popen.communicate(options.input, options.timeout);
  } finally {
    if (!popen.ready()) yield* popen.stop(grace);
    popen[Symbol.dispose]();
  }
  const completed = new CompletedProcess<E>(popen.args, popen.returncode!, output);
  if (check) completed.checkReturncode();
  return completed;
}

/**
 * Runs a process to its end, as `runProcess`, and gives what it wrote to stdout. Its stderr leads to that of this process,
 * unless it is given. Follows `subprocess.check_output`.
 *
 * @throws {CalledProcessError} its exit code was not 0; with its output
 * @throws {TimeoutExpired} it was not over after `timeout` milliseconds
 * @throws the system's error if it can't be started, such as `ENOENT`
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { checkOutput } from 'genlet/io';
 *
 * await run(function* () {
 *   console.log((yield* checkOutput(['echo', 'hello'], { encoding: 'utf8' })).trim()); // => hello
 * });
 * ```
 */
export function checkOutput<E extends BufferEncoding | undefined = undefined>(
  args: string | readonly string[],
  options: Omit<RunProcessOptions<E>, 'stdout' | 'check' | 'captureOutput'> = {},
): Operation<Data<E>> {
  const completed = runProcess<E>(args, { ...options, stdout: 'pipe', check: true });
  return composite('checkOutput()', stdoutOf(completed));
}

function* stdoutOf<E extends BufferEncoding | undefined>(
  completed: Operation<CompletedProcess<E>>,
): Coroutine<Data<E>> {
  return (yield* completed).stdout;
}
