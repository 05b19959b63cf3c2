/** `node:child_process` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { NonSharedBuffer } from 'node:buffer';
import type { ChildProcess, ExecException, ExecFileException, ExecFileOptions, ExecFileOptionsWithBufferEncoding, ExecFileOptionsWithStringEncoding, ExecOptions, ExecOptionsWithBufferEncoding, ExecOptionsWithStringEncoding } from 'node:child_process';
import type { OutputProcess } from './child-process.ts';

declare module 'node:child_process' {
  export function exec(command: string, callback: (error: ExecException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function exec(command: string): OutputProcess<string>;
  export function exec(command: string, options: ExecOptionsWithBufferEncoding): OutputProcess<NonSharedBuffer>;
  export function exec(command: string, options: ExecOptionsWithStringEncoding): OutputProcess<string>;
  export function exec(command: string, options: ExecOptions | undefined | null): OutputProcess<string | NonSharedBuffer>;
  export function exec(command: string, callback: (error: ExecException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function exec(command: string, options: ExecOptionsWithBufferEncoding, callback: (error: ExecException | null, stdout: NonSharedBuffer, stderr: NonSharedBuffer) => void): ChildProcess;
  export function exec(command: string, options: ExecOptionsWithStringEncoding, callback: (error: ExecException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function exec(command: string, options: ExecOptions | undefined | null, callback?: (error: ExecException | null, stdout: string | NonSharedBuffer, stderr: string | NonSharedBuffer) => void): ChildProcess;
  export function execFile(file: string, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, args: readonly string[] | undefined | null, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, options: ExecFileOptionsWithBufferEncoding, callback: (error: ExecFileException | null, stdout: NonSharedBuffer, stderr: NonSharedBuffer) => void): ChildProcess;
  export function execFile(file: string, options: ExecFileOptionsWithStringEncoding, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, options: ExecFileOptions | undefined | null, callback: ((error: ExecFileException | null, stdout: string | NonSharedBuffer, stderr: string | NonSharedBuffer) => void)): ChildProcess;
  export function execFile(file: string): OutputProcess<string>;
  export function execFile(file: string, args: readonly string[] | undefined | null): OutputProcess<string>;
  export function execFile(file: string, options: ExecFileOptionsWithBufferEncoding): OutputProcess<NonSharedBuffer>;
  export function execFile(file: string, args: readonly string[] | undefined | null, options: ExecFileOptionsWithBufferEncoding): OutputProcess<NonSharedBuffer>;
  export function execFile(file: string, options: ExecFileOptionsWithStringEncoding): OutputProcess<string>;
  export function execFile(file: string, args: readonly string[] | undefined | null, options: ExecFileOptionsWithStringEncoding): OutputProcess<string>;
  export function execFile(file: string, options: ExecFileOptions | undefined | null): OutputProcess<string | NonSharedBuffer>;
  export function execFile(file: string, args: readonly string[] | undefined | null, options: ExecFileOptions | undefined | null): OutputProcess<string | NonSharedBuffer>;
  export function execFile(file: string, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, args: readonly string[] | undefined | null, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, options: ExecFileOptionsWithBufferEncoding, callback: (error: ExecFileException | null, stdout: NonSharedBuffer, stderr: NonSharedBuffer) => void): ChildProcess;
  export function execFile(file: string, args: readonly string[] | undefined | null, options: ExecFileOptionsWithBufferEncoding, callback: (error: ExecFileException | null, stdout: NonSharedBuffer, stderr: NonSharedBuffer) => void): ChildProcess;
  export function execFile(file: string, options: ExecFileOptionsWithStringEncoding, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, args: readonly string[] | undefined | null, options: ExecFileOptionsWithStringEncoding, callback: (error: ExecFileException | null, stdout: string, stderr: string) => void): ChildProcess;
  export function execFile(file: string, options: ExecFileOptions | undefined | null, callback: ((error: ExecFileException | null, stdout: string | NonSharedBuffer, stderr: string | NonSharedBuffer) => void)): ChildProcess;
  export function execFile(file: string, args: readonly string[] | undefined | null, options: ExecFileOptions | undefined | null, callback: ((error: ExecFileException | null, stdout: string | NonSharedBuffer, stderr: string | NonSharedBuffer) => void) | undefined | null): ChildProcess;
}
