/** How a child process is started: the options of `Popen.spawn`, their checks, and what Node's `spawn` makes of them. */
import type { SpawnOptions } from 'node:child_process';
import { show } from '../core/check.ts';
import { checkEncoding } from './transfer.ts';

/**
 * Where a standard stream of a child leads: `'pipe'` to this process, `'inherit'` to where that of this process leads,
 * `'ignore'` nowhere; a number is a descriptor that is open in this process.
 */
export type Redirection = 'pipe' | 'inherit' | 'ignore' | number;

/** Options of `Popen.spawn`. */
export interface PopenOptions<E extends BufferEncoding | undefined = undefined> {
  /** The folder in which it runs; that of this process by default. */
  readonly cwd?: string | URL | undefined;
  /** Its whole environment; that of this process by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Whether `args` is a command line for the shell: `/bin/sh` for `true`, or the one that is named. */
  readonly shell?: boolean | string | undefined;
  /** `'inherit'` by default. */
  readonly stdin?: Redirection | undefined;
  /** `'inherit'` by default. */
  readonly stdout?: Redirection | undefined;
  /** `'inherit'` by default; `'stdout'` leads where stdout leads. */
  readonly stderr?: Redirection | 'stdout' | undefined;
  /** With it, its pipes are text; without, bytes. */
  readonly encoding?: E | undefined;
  /** Whether it is in a session of its own, and does not keep this process alive unless somebody waits for it. */
  readonly detached?: boolean | undefined;
}

/** What is started. @internal */
export interface Command {
  readonly args: string | readonly string[];
  readonly options: PopenOptions<BufferEncoding | undefined>;
  /** Whether stdout and stderr are to be one pipe, which Node can't make. */
  readonly merged: boolean;
}

/** @internal */
export function checkCommand(
  args: string | readonly string[],
  options: PopenOptions<BufferEncoding | undefined>,
): Command {
  const { shell, stdin = 'inherit', stdout = 'inherit', stderr = 'inherit' } = options;
  if (shell !== undefined && shell !== false) {
    if (typeof args !== 'string') throw new TypeError(`args is ${show(args)}: give a command line for the shell`);
  } else if (!Array.isArray(args)) {
    throw new TypeError(`args is ${show(args)}: give an array of program and arguments, or shell: true`);
  }
  if (args.length === 0) throw new RangeError(`args is ${show(args)}: give at least the program`);
  checkRedirection('stdin', stdin);
  checkRedirection('stdout', stdout);
  if (stderr !== 'stdout') checkRedirection('stderr', stderr, ", or 'stdout'");
  checkEncoding(options.encoding);
  const merged = stderr === 'stdout' && stdout === 'pipe';
  if (merged && process.platform === 'win32') {
    throw new TypeError("stderr is 'stdout', which is a pipe: that can't be on Windows; give two pipes");
  }
  return { args: typeof args === 'string' ? args : [...args], options, merged };
}

function checkRedirection(name: string, value: Redirection, more = ''): void {
  if (value === 'pipe' || value === 'inherit' || value === 'ignore') return;
  if (Number.isInteger(value) && value >= 0) return;
  throw new TypeError(`${name} is ${show(value)}: give 'pipe', 'inherit', 'ignore' or an open descriptor${more}`);
}

/** The options for Node; `fd` is the far end of the pipe that is both stdout and stderr. @internal */
export function nodeOptions({ options }: Command, fd: number | undefined): SpawnOptions {
  const { cwd, env, shell = false, detached = false, stdin = 'inherit', stdout = 'inherit' } = options;
  // What is inherited is named by its number here, for stderr may lead to our stdout.
  const out = fd ?? (stdout === 'inherit' ? 1 : stdout);
  const { stderr = 'inherit' } = options;
  return { cwd, env, shell, detached, stdio: [stdin, out, stderr === 'stdout' ? out : stderr] };
}

/** The command as one would type it. @internal */
export function commandLine(args: string | readonly string[]): string {
  if (typeof args === 'string') return args;
  return args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** The program's name, for messages. @internal */
export function programName(args: string | readonly string[]): string {
  const line = typeof args === 'string' ? args : args[0]!;
  return line.length > 50 ? `${line.slice(0, 49)}…` : line;
}
