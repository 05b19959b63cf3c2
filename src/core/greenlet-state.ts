/** What a greenlet can be up to, and what few greenlets need beyond that. */
import type { AsyncResource } from 'node:async_hooks';
import type { RawGreenlet } from './raw-greenlet.ts';
import type { Reactions } from './until.ts';

/**
 * What a greenlet is up to. Take the members into constants of the module that uses them: V8 folds those into the code,
 * while an imported binding is loaded and checked at each use.
 * @internal
 */
export const State = {
  /** Made, and not started. */
  NEW: 0,
  /** In the ready queue with nothing to lose: about to begin, or after `sleep(0)`. */
  READY: 1,
  /** In the ready queue with what it waited for. */
  GRANTED: 2,
  /** In the ready queue with an error that its next turn throws. */
  THROWING: 3,
  /** On the native stack. */
  RUNNING: 4,
  /** Blocked on `waitPoint`. */
  BLOCKED: 5,
  /** Suspended in a raw `switch` or `throw`. */
  SWITCHED: 6,
  /** Returned, or killed. */
  ENDED: 7,
  /** Died of an error. */
  FAILED: 8,
} as const;

/** Stands for "no error" where `undefined` may have been thrown. @internal */
export const NONE: unique symbol = Symbol('no error');

/** An error that waits for the next suspension, with the number of shields it may pass. @internal */
export interface Interrupt {
  readonly error: unknown;
  readonly shields: number;
  readonly source: object | undefined;
}

/** What few greenlets need, made on demand: a plain blocked greenlet must stay small. @internal */
export class Extras {
  /** Where control goes at the end of a raw greenlet; `undefined` for the hub. */
  parent: RawGreenlet | undefined = undefined;
  /** The frames below the innermost, which called it through `coroutine()` functions. */
  frames: Generator<any, any, any>[] | undefined = undefined;
  /** Errors that wait for the next suspension. */
  interrupts: Interrupt[] | undefined = undefined;
  /** How it waits for promises. */
  reactions: Reactions | undefined = undefined;
  /** The storage context, once a storage is in use. */
  context: AsyncResource | undefined = undefined;
  name: string | undefined = undefined;
  /** Stands for the greenlet while it lives: under it, `GreenletLocal`s keep their values. */
  lifetime: object | undefined = undefined;
  daemon = false;
  /** How many `shield()` bodies the greenlet is in. */
  shields = 0;
  /** The errors that were sent into it from outside, while it is in a task group, which has to tell them from failures. */
  sent: Set<unknown> | undefined = undefined;
  /** What it was last killed with. */
  killed: unknown = undefined;
  spawner: RawGreenlet | undefined = undefined;
  spawnStack: string | undefined = undefined;
  treeLocals: Record<PropertyKey, unknown> | undefined = undefined;
  controller: AbortController | undefined = undefined;
  promise: Promise<any> | undefined = undefined;
}
