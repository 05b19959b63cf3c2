/**
 * The wire to one worker, whatever it is: a thread here, and it may be a process. The pool knows nothing else of it.
 */

/** @internal */
export interface WorkerLink {
  /** Sends a message, in order; throws, and sends nothing, if it can't be cloned. */
  send(message: unknown[], transfer: readonly Transferable[]): void;
  /** Keeps the program alive, for something is outstanding. */
  ref(): void;
  /** Lets the program end. */
  unref(): void;
  /** Ends the worker at once, whatever it is doing. `LinkEvents.exited` follows. */
  terminate(): void;
  /** The order of the last job that it has begun, counted from 1; exact when it has ended. */
  started(): number;
  /** Which job it is running, counted from 1; 0 if that is unknown, or none. */
  running(): number;
}

/** What a link tells its pool. @internal */
export interface LinkEvents {
  received(message: any): void;
  /** It has ended, and all that it sent was received. `error` is what it died of, if that is known. */
  exited(exitCode: number, error: unknown): void;
}

/** What can be transferred in a message. @internal */
export type Transferable = import('node:worker_threads').Transferable;
