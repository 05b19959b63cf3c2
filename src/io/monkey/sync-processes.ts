/** `execFileSync`, `execSync` and `spawnSync` of `node:child_process`, with the same arguments and results, as operations. */
import {
  type ChildProcess,
  type ExecFileSyncOptions,
  type ExecSyncOptions,
  type SpawnSyncOptions,
  type SpawnSyncReturns,
  spawn,
} from 'node:child_process';
import type { Coroutine } from '../../core/operation.ts';
import { fromCallback } from '../../core/suspend.ts';

type Output = Buffer | string;
type Result = SpawnSyncReturns<Output>;

const MAX_BUFFER = 1_048_576;

/** Runs a program to its end; never throws what became of it. A kill of the greenlet kills it. */
function* collect(file: string, args: readonly string[], options: SpawnSyncOptions): Coroutine<Result> {
  const { input, timeout, killSignal, maxBuffer = MAX_BUFFER, encoding, ...rest } = options;
  const child = spawn(file, args, { ...rest, ...(input === undefined ? {} : { stdio: withInput(rest.stdio) }) });
  const pieces: Buffer[][] = [[], []];
  const problem: { error?: Error } = {};
  const fail = (code: string) => {
    problem.error ??= Object.assign(new Error(`spawnSync ${file} ${code}`), {
      errno: undefined,
      code,
      syscall: `spawnSync ${file}`,
      path: file,
      spawnargs: [...args],
    });
    child.kill(killSignal);
  };
  for (const [index, stream] of [child.stdout, child.stderr].entries()) {
    let length = 0;
    stream?.on('data', (piece: Buffer) => {
      pieces[index]!.push(piece);
      length += piece.length;
      if (length > maxBuffer) fail('ENOBUFS');
    });
  }
  const timer = timeout === undefined ? undefined : setTimeout(() => fail('ETIMEDOUT'), timeout);
  try {
    const [status, signal] = yield* ended(child, input, killSignal, (error) => {
      problem.error ??= error;
    });
    const shown = (stream: unknown, index: number) =>
      stream === null ? null : decode(Buffer.concat(pieces[index]!), encoding);
    const stdout = shown(child.stdout, 0) as Output;
    const stderr = shown(child.stderr, 1) as Output;
    return {
      pid: child.pid ?? 0,
      output: [null, stdout as string, stderr as string],
      stdout,
      stderr,
      status,
      signal,
      ...problem,
    };
  } finally {
    clearTimeout(timer);
  }
}

function withInput(stdio: SpawnSyncOptions['stdio']): SpawnSyncOptions['stdio'] {
  const [, out = 'pipe', err = 'pipe', ...more] = typeof stdio === 'string' ? [stdio, stdio, stdio] : (stdio ?? []);
  return ['pipe', out, err, ...more];
}

function decode(bytes: Buffer, encoding: SpawnSyncOptions['encoding']): Output {
  return encoding && encoding !== 'buffer' ? bytes.toString(encoding) : bytes;
}

function ended(
  child: ChildProcess,
  input: SpawnSyncOptions['input'],
  killSignal: SpawnSyncOptions['killSignal'],
  onError: (error: Error) => void,
) {
  return fromCallback<[status: number | null, signal: NodeJS.Signals | null]>((done) => {
    child.once('error', (error) => {
      onError(error);
      if (child.pid === undefined) done(undefined, [null, null]);
    });
    child.once('close', (status, signal) => done(undefined, [status, signal]));
    child.stdin?.on('error', () => {}); // it need not read what it is given
    if (input !== undefined) child.stdin?.end(input);
    else child.stdin?.end();
    return () => child.kill(killSignal);
  });
}

/** As `spawnSync`. @internal */
export function* spawnAndCollect(
  file: string,
  args?: readonly string[] | SpawnSyncOptions,
  options?: SpawnSyncOptions,
): Coroutine<Result> {
  const [list, settings] = split(args, options);
  return yield* collect(file, list, settings);
}

/** As `execFileSync`. @internal */
export function* execFile(
  file: string,
  args?: readonly string[] | ExecFileSyncOptions,
  options?: ExecFileSyncOptions,
): Coroutine<Output> {
  const [list, settings] = split(args, options);
  return check(yield* collect(file, list, settings), [file, ...list].join(' '), settings);
}

/** As `execSync`. @internal */
export function* execShell(command: string, options: ExecSyncOptions = {}): Coroutine<Output> {
  const settings = { ...options, shell: options.shell ?? true } as SpawnSyncOptions;
  return check(yield* collect(command, [], settings), command, settings);
}

function split<O extends object>(
  args: readonly string[] | O | undefined,
  options: O | undefined,
): [readonly string[], SpawnSyncOptions] {
  return Array.isArray(args)
    ? [args, (options ?? {}) as SpawnSyncOptions]
    : [[], (args ?? options ?? {}) as SpawnSyncOptions];
}

/** The output, or the error of a program that failed; what it wrote to stderr goes to ours, as it would. */
function check(result: Result, command: string, { stdio }: SpawnSyncOptions): Output {
  const { error, status, signal, stderr, stdout } = result;
  if (stdio === undefined && stderr) process.stderr.write(stderr);
  if (error === undefined && status === 0 && signal === null) return stdout;
  const message = `Command failed: ${command}${stderr?.length > 0 ? `\n${stderr}` : ''}`;
  throw Object.assign(error ?? new Error(message), result);
}
