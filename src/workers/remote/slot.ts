/** A worker as its pool sees it. */
import type { FunctionReference } from '../reference.ts';
import type { RemoteGreenlet } from './remote-greenlet.ts';
import type { WorkerLink } from './worker-link.ts';

/** @internal */
export const Phase = {
  STARTING: 0,
  READY: 1,
  /** It gets no more jobs, and is ended when it has none left. */
  RETIRING: 2,
  /** It was told to end, or terminated. */
  ENDING: 3,
  GONE: 4,
} as const;

/** @internal */
export class Slot {
  readonly name: string;
  link!: WorkerLink;
  phase: number = Phase.STARTING;
  /** Its jobs by their numbers; a number is used again when its job was reported. */
  readonly jobs: (RemoteGreenlet<any> | undefined)[] = [];
  readonly #free: number[] = [];
  /** Jobs that it has. */
  live = 0;
  /** The time that its jobs are thought to take, in units of 1/8 us, without those that wait for something. */
  owed = 0;
  /** Jobs that it has, without those that wait for something. */
  busy = 0;
  /** Jobs sent since its start. */
  sent = 0;
  /** Jobs for this worker and no other. */
  readonly own: RemoteGreenlet<any>[] = [];
  /** Functions that it was told of, by their indexes; and those that the next message tells it of. */
  readonly known = new Set<number>();
  definitions: (number | FunctionReference)[] | undefined = undefined;
  /** Jobs that were killed and have not answered, with the time at which that gets suspicious. */
  readonly killed = new Map<RemoteGreenlet<any>, number>();
  killTimer: NodeJS.Timeout | undefined = undefined;
  /** The next control message. */
  control: unknown[] = [];
  idleTimer: NodeJS.Timeout | undefined = undefined;
  /** Since when it runs, in milliseconds. */
  readonly born = performance.now();
  done = 0;
  /** Why it was terminated. */
  reason: Error | undefined = undefined;
  exitTimer: NodeJS.Timeout | undefined = undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes a job in. */
  admit(job: RemoteGreenlet<any>, cost: number): void {
    const id = this.#free.pop() ?? this.jobs.length;
    this.jobs[id] = job;
    job.worker = this;
    job.jobId = id;
    job.order = ++this.sent;
    job.cost = cost;
    job.parked = false;
    this.live++;
    this.busy++;
    this.owed += cost;
  }

  /** The job doesn't occupy the worker any more, though it may not have ended. */
  relieve(job: RemoteGreenlet<any>): void {
    this.owed -= job.cost;
    job.cost = 0;
    if (job.parked) return;
    job.parked = true;
    this.busy--;
  }

  /** The job keeps the worker busy, for how long nobody knows. */
  charge(job: RemoteGreenlet<any>, cost: number): void {
    job.cost += cost;
    this.owed += cost;
  }

  /** The job was reported. */
  dismiss(job: RemoteGreenlet<any>): void {
    this.jobs[job.jobId] = undefined;
    this.#free.push(job.jobId);
    this.live--;
    if (this.killed.size > 0) this.killed.delete(job);
  }

  /** A job was killed that may have waited for this worker. */
  forgetOwn(job: RemoteGreenlet<any>): void {
    const index = this.own.indexOf(job);
    if (index >= 0) this.own.splice(index, 1);
  }

  /** The jobs that it has, in the order in which they were sent. */
  remaining(): RemoteGreenlet<any>[] {
    const jobs = this.jobs.filter((job) => job !== undefined);
    return jobs.sort((one, other) => one.order - other.order);
  }
}
