/** The future of a job in a worker: what `submit` gives. */
import { GreenletExit, isExit } from '../../core/errors.ts';
import type { Greenlet } from '../../core/greenlet.ts';
import { State } from '../../core/greenlet-state.ts';
import { Link } from '../../core/links.ts';
import { Future } from '../../sync/future.ts';
import { addAwaited } from '../packed-error.ts';
import type { RemoteGreenlet } from '../remote/remote-greenlet.ts';

const { FAILED } = State;

/**
 * It can be cancelled as long as its job is here. What was sent to a worker is about to begin: whether it has, nobody here
 * can tell for sure, so it counts as begun.
 * @internal
 */
export class JobFuture<T> extends Future<T> {
  readonly #job: RemoteGreenlet<T>;

  constructor(job: RemoteGreenlet<T>) {
    super();
    this.#job = job;
    job.addLink(new Settlement(this));
  }

  override running(): boolean {
    return this.#job.worker !== undefined && !this.ready();
  }

  override cancel(message?: string): boolean {
    if (this.running()) return false;
    const cancelled = super.cancel(message);
    if (!this.#job.dead) this.#job.sendKill(new GreenletExit(message));
    return cancelled;
  }

  override getNowait(): T {
    if (this.exception !== undefined) addAwaited(this.exception, new Error().stack);
    return super.getNowait();
  }

  /** The job has ended. */
  settle(job: Greenlet<T>): void {
    if (job.state === FAILED) this.trySetException(job.takeError());
    else if (isExit(job.slot)) super.cancel(job.slot.message);
    else this.trySet(job.slot as T);
  }
}
Object.defineProperty(JobFuture, 'name', { value: 'Future' }); // as messages show it

class Settlement extends Link {
  readonly #future: JobFuture<any>;

  constructor(future: JobFuture<any>) {
    super();
    this.#future = future;
  }

  notify(job: Greenlet<any>): void {
    this.removeFrom(job);
    this.#future.settle(job);
  }
}
