/** A job in its worker: a greenlet that reports what becomes of it. */
import { isExit } from '../../core/errors.ts';
import { Greenlet } from '../../core/greenlet.ts';
import type { WaitPoint } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { Cargo } from './cargo.ts';
import type { Callee } from './job-runner.ts';

/** What a job needs of the worker that runs it. @internal */
export interface JobOwner {
  readonly cargo: Cargo;
  /** It is about to run for the first time. */
  begun(job: Job): void;
  /** It runs, or does not run any more. */
  running(order: number): void;
  parked(job: Job): void;
  ended(job: Job, value: unknown): void;
  failed(job: Job, error: unknown): void;
}

/** @internal */
export class Job extends Greenlet<unknown> {
  readonly callee: Callee;
  readonly jobId: number;
  /** Its place among the jobs of its worker, from 1. */
  readonly order: number;
  /** When it began, in milliseconds; negative before. */
  startedAt = -1;
  /** Whether it waits for its module to be imported. */
  loading = false;
  /** Whether it may be given back to the pool as long as it has not begun. */
  returnable = true;
  /** Whether it counts among the unfinished ones. */
  active = false;
  /** Whether it has waited for something. */
  parked = false;
  /** What the pool killed it with. */
  sentExit: { readonly exception: unknown } | undefined = undefined;
  /** How many items of a stream may be sent, and who waits for more. */
  credit = 0;
  creditWaiter: RawGreenlet | undefined = undefined;
  /** Why a stream had to be given up. */
  itemError: { readonly error: unknown } | undefined = undefined;
  readonly #owner: JobOwner;

  constructor(owner: JobOwner, callee: Callee, fn: (...args: any[]) => any, jobId: number, order: number) {
    super(fn);
    this.callee = callee;
    this.#owner = owner;
    this.jobId = jobId;
    this.order = order;
  }

  override turn(returnTo?: RawGreenlet): void {
    const owner = this.#owner;
    owner.running(this.order);
    if (this.startedAt < 0) {
      owner.begun(this);
      if (this.dead) return; // a kill has come at the last moment
    }
    super.turn(returnTo);
    owner.running(0);
  }

  override block(point: WaitPoint, tick: number): void {
    super.block(point, tick);
    if (this.parked || this.loading) return;
    this.parked = true;
    this.#owner.parked(this);
  }

  override ended(value: unknown): undefined {
    super.ended(value);
    this.#owner.ended(this, value);
  }

  override failed(error: unknown): undefined {
    if (isExit(error)) return this.ended(error);
    super.failed(error);
    this.takeError();
    this.#owner.failed(this, error);
  }
}
