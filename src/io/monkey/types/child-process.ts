/** Child processes for `yield*`. What `exec` and `execFile` are without a callback is in child-process-calls.ts. */
import type { ChildProcess } from 'node:child_process';
import type { Suspension } from '../../../core/operation.ts';

declare const output: unique symbol;

/** How a process ended: by itself, with an exit code, or by a signal. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of which `yield*` gives what it wrote: what `exec` and `execFile` return without a callback. */
export type OutputProcess<T> = ChildProcess & { readonly [output]: { stdout: T; stderr: T } };

declare module 'node:child_process' {
  interface ChildProcess {
    /**
     * In a greenlet, `yield* child` waits until the process has ended and its output was read. It gives the code and the
     * signal; for `exec` and `execFile` without a callback what was written, or it throws their error.
     */
    [Symbol.iterator](): Iterator<Suspension, this extends { readonly [output]: infer T } ? T : ProcessEnd, any>;
  }
}
