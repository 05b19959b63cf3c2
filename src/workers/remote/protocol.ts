/**
 * What the two sides of a pool say to each other. Messages are flat arrays of numbers and values: a job or result in a
 * batch then costs its own clone and two small numbers.
 *
 * Down: `[JOBS, sentAt, definitions, id, call, value, …]`, `[CONTROL, verb, id, value, …]`.
 * Up: `[sentAt, busy, bytes, id, outcome, value, …]`, and before everything else one `Ready` or `Unready`.
 */

import type { PackedError } from '../packed-error.ts';
import type { FunctionReference } from '../reference.ts';

/** First elements of the messages to a worker. @internal */
export const JOBS = 0;
/** @internal */
export const CONTROL = 1;

/** Verbs of a control message. @internal */
export const Verb = {
  /** Kill the job with the packed error. */
  KILL: 0,
  /** The stream may send so many more items. */
  CREDIT: 1,
  /** Nothing more will come: end. */
  END: 2,
} as const;

/** How a job's value is to be read: the low bits of its `call`; above them stands the index of its function. @internal */
export const Shape = {
  NO_ARGUMENTS: 0,
  /** The value is the only argument. */
  ONE_ARGUMENT: 1,
  /** The value is the array of arguments. */
  ARGUMENTS: 2,
  MASK: 3,
  /** Added if something in the value has to be unpacked. */
  PACKED: 4,
  /** Added if the value is `[credit, arguments]` and the items that the function yields are wanted. */
  STREAM: 8,
  /** Added if something in the value was moved, so that the job can't be given back. */
  MOVED: 16,
} as const;
/** @internal */
export const SHAPE_BITS = 5;

/** How a job is getting on: the low bits of its `outcome`; above them stands the time that it ran, in microseconds. @internal */
export const Status = {
  DONE: 0,
  FAILED: 1,
  /** It ended with what it was killed with. */
  KILLED: 2,
  /** It waits for something, so that its worker can begin another one. */
  PARKED: 3,
  /** An item of a stream. */
  ITEM: 4,
  /** A kill has arrived at it, and it has not ended. */
  ALERTED: 5,
  /** It was not begun, for those before it wait for something: another worker shall have it. */
  RETURNED: 6,
  MASK: 7,
  /** Added if something in the value has to be unpacked. */
  PACKED: 8,
} as const;
/** Times are multiplied by this, for bit operations would cut them at half an hour. @internal */
export const STATUS_RANGE = 16;

/** Indexes of the words that a worker shares with the pool. @internal */
export const Word = {
  /** The order of the last job that has begun. */
  STARTED: 0,
  /** The order of the job that it is running, counted from 1; 0 for none. */
  RUNNING: 1,
  COUNT: 2,
} as const;

/** A function to be called in every worker. @internal */
export interface Call {
  readonly reference: FunctionReference;
  readonly args: readonly unknown[];
}

/** What a worker is told at its start. @internal */
export interface WorkerSetup {
  readonly name: string;
  /** How many jobs may be unfinished in it at once. */
  readonly concurrency: number;
  readonly init: Call | undefined;
  readonly teardown: Call | undefined;
  /** The URL of the main program. */
  readonly program: string | undefined;
}

/** The first message of a worker: it is ready, or its `init` failed. @internal */
export interface Greeting {
  readonly ready: boolean;
  readonly error?: PackedError;
}
