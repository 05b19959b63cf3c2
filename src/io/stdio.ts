/** `stdin`, `stdout`, `stderr` and `prompt`: the terminal, or whatever the process was given in its place. */
import { checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import type { Coroutine, Operation } from '../core/operation.ts';
import { Reader } from './reader.ts';
import { checkLineOptions } from './reads.ts';
import type { ReadLineOptions } from './socket.ts';
import { bytesOf } from './transfer.ts';
import { Writer } from './writer.ts';

/**
 * The standard input of the process. It is read only while a greenlet waits for it, so it does not keep the process alive
 * in between; it belongs to this reader from the first use on. Follows `sys.stdin`.
 */
export const stdin: Reader = new Reader(() => process.stdin, { highWaterMark: 0, name: 'stdin' });

/** The standard output of the process, which `console.log` writes to too. Follows `sys.stdout`. */
export const stdout: Writer = new Writer(() => process.stdout, { name: 'stdout' });

/** The standard error output of the process. Follows `sys.stderr`. */
export const stderr: Writer = new Writer(() => process.stderr, { name: 'stderr' });

/**
 * Writes `question` to stdout and gives the line that is typed, or `undefined` at the end of the input. Suspends; after a
 * kill or timeout what was typed stays readable. Follows Python's `input`.
 *
 * @throws {Timeout} no line came within `timeout` ms
 * @throws {LimitOverrunError} the line is longer than `limit` bytes; they stay readable
 * @example
 * ```ts no-run
 * import { run } from 'genlet';
 * import { prompt } from 'genlet/io';
 *
 * await run(function* () {
 *   const name = yield* prompt('Who are you? ');
 *   console.log(`Hello ${name}!`);
 * });
 * ```
 */
export function prompt(question: string, options: ReadLineOptions = {}): Operation<string | undefined> {
  bytesOf('question', question);
  checkLineOptions(options);
  checkTimeout(options.timeout);
  return composite('prompt()', ask(question, options));
}

function* ask(question: string, options: ReadLineOptions): Coroutine<string | undefined> {
  yield* stdout.write(question);
  return yield* stdin.readline(options);
}
