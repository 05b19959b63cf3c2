/**
 * The workers behind an executor or pool, threads or processes, and what they have to do. Each does one thing at a time.
 */
import { GreenletExit, InvalidStateError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import { LotWait } from '../../sync/lot-wait.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { checkNotImporting, type FunctionReference, programUrl, type Referable, referenceTo } from '../reference.ts';
import type { WorkerHubStats } from '../remote/pool-statistics.ts';
import type { WorkerSetup } from '../remote/protocol.ts';
import { RemoteGreenlet, type Target } from '../remote/remote-greenlet.ts';
import type { LinkEvents, WorkerLink } from '../remote/worker-link.ts';
import { WorkerPool } from '../remote/worker-pool.ts';
import type { CrewPlan } from './crew-options.ts';
import { chunkReference } from './run-chunk.ts';

/** A function that workers call, by itself and in chunks, and what is known of it. @internal */
export interface Task {
  readonly reference: FunctionReference;
  readonly single: Target;
  readonly chunk: Target;
  /** How long a call in a chunk takes, in microseconds; negative while unknown. */
  cost: number;
  /** About how many bytes a result has. */
  resultSize: number;
}

/** What a crew needs of a mapping. @internal */
export interface Undertaking {
  /** Nobody may come to read: read and do what is left. */
  finishUnread(): void;
  /** Do nothing more, and fail. */
  abandon(exit: GreenletExit): void;
}

/** Opens the wire to a new worker. @internal */
export type OpenLink = (setup: WorkerSetup, events: LinkEvents) => WorkerLink;

/** @internal */
export class Crew {
  readonly size: number;
  readonly name: string;
  readonly #pool: WorkerPool;
  readonly #tasks = new WeakMap<Referable, Task>();
  /** By URL and name, for one function may have several stand-ins. */
  readonly #named = new Map<string, Task>();
  readonly #undertakings = new Set<Undertaking>();
  readonly #idlers = new ParkingLot(this, 'join');
  #closed = false;

  constructor({ size, name, idleTimeout, maxTasks, grace, init }: CrewPlan, open: OpenLink) {
    this.size = size;
    this.name = name;
    this.#pool = new WorkerPool({
      name,
      size,
      idleTimeout,
      recycleJobs: maxTasks,
      recycleAge: Number.POSITIVE_INFINITY,
      grace,
      concurrency: 1,
      open: (workerName, events) =>
        open({ name: workerName, concurrency: 1, init, teardown: undefined, program: programUrl() }, events),
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Throws where nothing can be begun. */
  checkOpen(): void {
    if (this.#closed) throw new InvalidStateError(`${this.name} was shut down: make a new one`);
    if (this.#pool.broken !== undefined) throw this.#pool.broken;
    checkNotImporting('a job in a worker');
  }

  taskOf(fn: Referable): Task {
    const known = this.#tasks.get(fn);
    if (known !== undefined) return known;
    const reference = referenceTo(fn);
    const key = `${reference.module} ${reference.name}`;
    const task = this.#named.get(key) ?? this.#makeTask(fn, reference);
    this.#named.set(key, task);
    this.#tasks.set(fn, task);
    return task;
  }

  #makeTask(fn: Referable, reference: FunctionReference): Task {
    const index = 2 * this.#named.size;
    const single = { index, reference, fn: fn as never, average: -1 };
    const chunk = { index: index + 1, reference: chunkReference, fn: fn as never, average: -1 };
    return { reference, single, chunk, cost: -1, resultSize: 8 };
  }

  makeJob<T>(target: Target, args: unknown[]): RemoteGreenlet<T> {
    return new RemoteGreenlet<T>(this.#pool, target, args);
  }

  submit(job: RemoteGreenlet<any>): void {
    this.#pool.submit(job);
  }

  stats(): WorkerHubStats {
    return this.#pool.stats();
  }

  undertake(undertaking: Undertaking): void {
    this.#undertakings.add(undertaking);
  }

  /** An undertaking has come to its end. */
  release(undertaking: Undertaking): void {
    if (!this.#undertakings.delete(undertaking) || !this.#isDone()) return;
    this.#pool.shut();
    this.#idlers.wakeAll(true);
  }

  readonly #isDone = (): boolean => this.#closed && this.#undertakings.size === 0;

  /** Begins nothing more; what was begun is done. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const undertaking of [...this.#undertakings]) undertaking.finishUnread();
    if (this.#isDone()) this.#pool.shut();
  }

  /** Gives up what no worker has. */
  cancelWaiting(reason: string): void {
    const exit = new GreenletExit(`${this.name} ${reason}`);
    for (const undertaking of [...this.#undertakings]) undertaking.abandon(exit);
    this.#pool.cancelWaiting(exit);
  }

  terminate(): void {
    this.#closed = true;
    this.cancelWaiting('was terminated');
    this.#pool.terminate();
  }

  /** After `close` or `terminate`: waits until the workers have ended. */
  *join(): Coroutine<void> {
    hub.self(this.#idlers);
    yield* new LotWait(this.#idlers, this.#isDone, undefined);
    yield* this.#pool.close();
  }

  toString(): string {
    return this.name;
  }
}
