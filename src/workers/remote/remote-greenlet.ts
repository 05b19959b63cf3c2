/**
 * `RemoteGreenlet`: a coroutine that runs in a worker, seen from here.
 *
 * It is a greenlet in all but the running, so whatever takes greenlets takes it; and it is the pool's record of the job, so
 * that a job costs one object.
 */

import { checkOptions, checkTimeout } from '../../core/check.ts';
import { GreenletExit, isExit } from '../../core/errors.ts';
import { type GetOptions, Greenlet } from '../../core/greenlet.ts';
import { State } from '../../core/greenlet-state.ts';
import { hub as importedHub } from '../../core/hub.ts';
import { Get } from '../../core/join.ts';
import type { Operation, Resumption, Step, Suspension } from '../../core/operation.ts';
import type { ParkingLot } from '../../sync/parking-lot.ts';
import { addAwaited } from '../packed-error.ts';
import type { FunctionReference } from '../reference.ts';
import type { Slot } from './slot.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const { BLOCKED, FAILED } = State;

/** How a job is to be treated; see `WorkerHub.spawnWith`. */
export interface RemoteOptions {
  /** Jobs of higher priority are begun before others that wait; 0 by default. Equal ones are begun in order. */
  priority?: number;
  /** Kills the job with its `reason` when it is aborted. */
  signal?: AbortSignal;
  /** How often it may be run again after its worker died; 0 by default. */
  retries?: number;
}

/** A function as the pool calls it. @internal */
export interface Target {
  readonly index: number;
  readonly reference: FunctionReference;
  readonly fn: (...args: any[]) => unknown;
  /** How long a call takes, in microseconds: a moving average; negative while unknown. */
  average: number;
}

/** What a job needs of its pool. @internal */
export interface JobKeeper {
  kill(job: RemoteGreenlet<any>, exception: unknown): void;
  /** A job has ended. */
  left(): void;
}

/** Whoever wants the items that a job yields. @internal */
export interface ItemReader {
  readonly credit: number;
  arrive(item: unknown): void;
}

/**
 * A coroutine in a worker thread, as `WorkerHub.spawn` gives it: a `Greenlet` whose function runs elsewhere. It can be
 * joined, linked to, waited for and killed as any other, together with others. A kill is sent to the worker: there the
 * error is thrown at the coroutine's suspension point, and `dead` gets true when the worker has answered. A function that
 * does not suspend is ended with its thread, after the `grace` of the `WorkerHub`.
 *
 * An error that the coroutine threw is here with its class, `code`, `cause` and properties, and with both stacks.
 *
 * @example
 * ```ts
 * import { joinall, run } from 'genlet';
 * import { WorkerHub } from 'genlet/workers';
 *
 * await run(function* () {
 *   using hub = new WorkerHub({ size: 1 });
 *   const path = hub.module<typeof import('node:path')>('node:path');
 *   const names = ['/a/b', '/c/d'].map((name) => hub.spawn(path.basename, name));
 *   yield* joinall(names);
 *   console.log(names.map((name) => name.value)); // => [ 'b', 'd' ]
 * });
 * ```
 */
export class RemoteGreenlet<T = unknown> extends Greenlet<T> {
  /** @internal */
  readonly target: Target;
  /** @internal */
  args: unknown[];
  /** @internal */
  priority = 0;
  /** @internal */
  retries = 0;
  /** @internal */
  abort: { readonly signal: AbortSignal; readonly listener: () => void } | undefined = undefined;
  /** @internal */
  reader: ItemReader | undefined = undefined;
  /** The worker that it was sent to, with its number there, its place among all that were sent, and the time that it is thought to take. @internal */
  worker: Slot | undefined = undefined;
  /** Where it waits for a worker. @internal */
  lane: ParkingLot | undefined = undefined;
  /** @internal */
  jobId = 0;
  /** @internal */
  order = 0;
  /** @internal */
  cost = 0;
  /** Whether its worker has begun it and may begin another one meanwhile. @internal */
  parked = false;
  /** Whether its arguments were moved, so that it can't be sent again. @internal */
  moved = false;
  /** When it was given to the pool, in units of 10 us. @internal */
  queuedAt = 0;
  /** With what it was killed. @internal */
  sentExit: { readonly exception: unknown } | undefined = undefined;
  readonly #keeper: JobKeeper;

  /** @internal */
  constructor(keeper: JobKeeper, target: Target, args: unknown[]) {
    super(target.fn as never);
    this.#keeper = keeper;
    this.target = target;
    this.args = args;
    this.state = BLOCKED;
    this.waitPoint = this;
    hub.outside++;
    hub.roster.enlist(this);
    if (this.dead) return; // killed by a spawn hook
    hub.roster.register(this);
    this.since = hub.tick;
  }

  /** Adds what few jobs have. @internal */
  configure({ priority = 0, signal, retries = 0 }: RemoteOptions): void {
    this.priority = priority;
    this.retries = retries;
    if (signal === undefined) return;
    if (signal.aborted) this.sendKill(signal.reason);
    else {
      const listener = () => this.sendKill(signal.reason);
      signal.addEventListener('abort', listener);
      this.abort = { signal, listener };
    }
  }

  override get(options: GetOptions = {}): Operation<T> {
    checkOptions(options, '{ block: false } or { timeout: milliseconds }');
    return new RemoteGet(this, options.block === false ? 0 : checkTimeout(options.timeout));
  }

  override [Symbol.iterator](): Iterator<Suspension, T, any> {
    return new RemoteGet<T>(this, undefined)[Symbol.iterator]();
  }

  /** @internal */
  override sendKill(exception: unknown): void {
    if (this.dead) return;
    this.extra().killed = exception;
    this.extras?.controller?.abort(exception);
    this.#keeper.kill(this, exception);
  }

  /** Ends as it was killed. @internal */
  endKilled(exception: unknown): void {
    if (isExit(exception)) this.ended(exception);
    else this.failed(exception);
  }

  /** @internal */
  override leave(enlisted: boolean): void {
    hub.outside--;
    this.waitPoint = null;
    this.args = [];
    this.abort?.signal.removeEventListener('abort', this.abort.listener);
    super.leave(enlisted);
    this.#keeper.left();
  }

  /** Whatever would throw into it or switch to it: it does not run here. @internal */
  override interrupt(error: unknown): void {
    this.sendKill(error);
  }

  /** @internal */
  override accept(): void {
    throw this.unreachable();
  }

  /** @internal */
  override acceptError(): void {
    throw this.unreachable();
  }

  /** @internal */
  cancel(): void {
    this.sendKill(new GreenletExit());
  }

  /** @internal */
  describe(): string {
    return this.worker === undefined ? 'a free worker' : `worker ${this.worker.name}`;
  }
}

/** `get`: an error tells where it was waited for, too. @internal */
export class RemoteGet<T> extends Get<T> {
  override next(resumed?: Resumption): Step {
    if (resumed === undefined && this.target.state === FAILED) addAwaited(this.target.slot, new Error().stack);
    return arguments.length === 0 ? (super.next as () => Step)() : super.next(resumed);
  }

  override throw(error: unknown): IteratorResult<Suspension, T> {
    if (this.target.state === FAILED && this.target.slot === error) addAwaited(error, new Error().stack);
    return super.throw(error);
  }
}
