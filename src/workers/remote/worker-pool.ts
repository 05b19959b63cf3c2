/**
 * The dispatcher of a pool: which job goes to which worker, and what becomes of it.
 *
 * Jobs that have not been begun stay here as long as possible, for only here they can go anywhere: a worker is handed what
 * it does in about a millisecond, as far as is known from the jobs before, and the next when half of that is done. All
 * that is submitted in one tick goes in one message. Jobs that wait for something in their worker count for nothing there,
 * so any number of them can be under way.
 */
import { type BrokenPoolError, GreenletExit, InvalidStateError, WorkerDied } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import { LotWait } from '../../sync/lot-wait.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { BusyPoll } from '../busy-poll.ts';
import { packError, unpackError } from '../packed-error.ts';
import { Cargo, load, uncloneable, unload } from './cargo.ts';
import { PoolStatistics, type WorkerHubStats } from './pool-statistics.ts';
import { CONTROL, JOBS, SHAPE_BITS, Shape, STATUS_RANGE, Status, Verb } from './protocol.ts';
import type { JobKeeper, RemoteGreenlet } from './remote-greenlet.ts';
import { Phase, type Slot } from './slot.ts';
import { WaitingJobs } from './waiting-jobs.ts';
import { type Employer, Workforce, type WorkforcePlan } from './workforce.ts';

/** The work that a worker is handed at most, in units of 1/8 us. */
const BUDGET = 8 * 1000;
/** It gets more when no more than this is left. */
const LOW = BUDGET / 2;
/** Less than this is done soon. */
const SMALL = 8 * 50;
/** What a job costs beside its own time. */
const OVERHEAD = 4;
const MOST_IN_MESSAGE = 512;
/** So many submitted jobs are sent on without waiting for the end of the tick. */
const EARLY = 128;

/** What a pool is made of. @internal */
export interface PoolPlan extends WorkforcePlan {
  readonly size: number;
  readonly recycleJobs: number;
  readonly recycleAge: number;
  readonly concurrency: number;
}

/** @internal */
export class WorkerPool implements JobKeeper, Employer {
  readonly #plan: PoolPlan;
  readonly #workers: Workforce;
  readonly #waiting = new WaitingJobs(this);
  #unfinished = 0;
  #fresh = 0;
  #scheduled = false;
  /** The time of the tick, in units of 10 us. */
  #stamp = 0;
  #closed = false;
  readonly #cargo = new Cargo();
  readonly #controls = new Set<Slot>();
  readonly #idlers = new ParkingLot(this, 'close');
  readonly #statistics = new PoolStatistics();
  readonly #busyPoll = new BusyPoll();

  constructor(plan: PoolPlan) {
    this.#plan = plan;
    this.#workers = new Workforce(plan, this);
  }

  stats(): WorkerHubStats {
    const { slots, ready, deaths } = this.#workers;
    let running = 0;
    for (const slot of slots) running += slot.live;
    const queued = this.#waiting.size;
    return this.#statistics.read(
      { workers: slots.size, ready: ready.length, queued, running, deaths },
      this.#cargo.bytes,
    );
  }

  // ---- jobs come in

  /** Why it takes no jobs any more, and starts no workers. */
  get broken(): BrokenPoolError | undefined {
    return this.#workers.broken;
  }

  /** Throws where a job can't be taken. */
  checkOpen(): void {
    if (this.#closed) throw new InvalidStateError(`${this.#plan.name} was closed: make a new one`);
  }

  submit(job: RemoteGreenlet<any>): void {
    this.#unfinished++;
    if (job.dead) return; // it has left
    if (this.#workers.broken !== undefined) {
      job.failed(this.#workers.broken);
      return;
    }
    if (!this.#scheduled) {
      this.#stamp = (performance.now() * 100) | 0;
      this.#schedule();
    }
    job.queuedAt = this.#stamp;
    this.#waiting.add(job);
    if (++this.#fresh >= EARLY) this.#dispatch();
  }

  /** Submits a job for each worker, whose number `makeJobs` is told. */
  submitToAll(makeJob: () => RemoteGreenlet<any>): RemoteGreenlet<any>[] {
    while (this.#workers.broken === undefined && this.#workers.ready.length + this.#workers.starting < this.#plan.size)
      this.#workers.open();
    const slots = [...this.#workers.slots].filter(({ phase }) => phase === Phase.STARTING || phase === Phase.READY);
    const jobs: RemoteGreenlet<any>[] = [];
    for (const slot of slots) {
      const job = makeJob();
      jobs.push(job);
      this.#unfinished++;
      if (!job.dead) slot.own.push(job);
    }
    this.#schedule();
    return jobs;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#dispatch();
    for (const slot of this.#controls) this.#sendControl(slot);
    this.#controls.clear();
  };

  // ---- and go out

  #dispatch(): void {
    this.#fresh = 0;
    for (const slot of this.#workers.slots) if (slot.own.length > 0 && slot.phase === Phase.READY) this.#loadOwn(slot);
    if (this.#waiting.size === 0) return;
    const ready = this.#workers.ready;
    if (ready.length > 1) ready.sort((one, other) => one.owed - other.owed);
    const share = Math.ceil(this.#waiting.size / ready.length);
    for (let i = 0; i < ready.length && this.#waiting.size > 0; i++) {
      const slot = ready[i]!;
      if (slot.owed <= LOW || slot.busy < this.#plan.concurrency) {
        if (slot.owed <= LOW || Number.isFinite(this.#plan.concurrency)) this.#load(slot, share);
      }
    }
    this.#workers.sift();
    const wanted = Math.min(this.#plan.size - this.#occupied(), this.#waiting.size - this.#workers.starting);
    for (let i = 0; i < wanted && this.#workers.broken === undefined; i++) this.#workers.open();
  }

  /** How many workers there are that count. Where jobs are limited, so do those that do their last one. */
  #occupied(): number {
    let occupied = this.#workers.ready.length + this.#workers.starting;
    if (Number.isFinite(this.#plan.concurrency)) {
      for (const { phase } of this.#workers.slots) if (phase === Phase.RETIRING) occupied++;
    }
    return occupied;
  }

  /** Sends a worker what it is to do next. */
  #load(slot: Slot, share: number): void {
    const { recycleJobs, recycleAge, concurrency } = this.#plan;
    const now = performance.now();
    const most = Math.min(share, MOST_IN_MESSAGE, recycleJobs - slot.sent);
    const batch: RemoteGreenlet<any>[] = [];
    const stamp = (now * 100) | 0;
    this.#workers.wake(slot);
    for (let count = 0; count < most && this.#waiting.size > 0; count++) {
      if (count > 0 && slot.owed >= BUDGET && !(Number.isFinite(concurrency) && slot.busy < concurrency)) break;
      const job = this.#waiting.take();
      this.#statistics.wait.record(10 * ((stamp - job.queuedAt) | 0));
      const alone = job.reader !== undefined || !this.#cargo.admitsAll(job.args);
      if (alone) {
        this.#post(slot, batch, now);
        batch.length = 0;
      }
      this.#admit(slot, job);
      if (alone) this.#postAlone(slot, job, now);
      else batch.push(job);
    }
    this.#post(slot, batch, now);
    if (slot.owed <= SMALL && slot.busy > 0) this.#busyPoll.begin();
    if (slot.sent >= recycleJobs || now - slot.born >= recycleAge) this.#workers.retire(slot);
    else this.#workers.checkIdle(slot);
  }

  #loadOwn(slot: Slot): void {
    this.#workers.wake(slot);
    for (const job of slot.own.splice(0)) {
      this.#admit(slot, job);
      this.#postAlone(slot, job, performance.now());
    }
    this.#workers.checkIdle(slot);
  }

  #admit(slot: Slot, job: RemoteGreenlet<any>): void {
    const { average } = job.target;
    slot.admit(job, average < 0 ? BUDGET : ((average * 8) | 0) + OVERHEAD);
  }

  /** A batch: one message, or if something in it can't be cloned, one for each job. */
  #post(slot: Slot, batch: readonly RemoteGreenlet<any>[], now: number): void {
    this.#cargo.clear();
    if (batch.length === 0) return;
    const message: unknown[] = [JOBS, now, undefined];
    for (let i = 0; i < batch.length; i++) {
      const job = batch[i]!;
      this.#define(slot, job);
      const { args } = job;
      const shape = args.length === 1 ? Shape.ONE_ARGUMENT : args.length === 0 ? Shape.NO_ARGUMENTS : Shape.ARGUMENTS;
      const value = shape === Shape.ONE_ARGUMENT ? args[0] : shape === Shape.NO_ARGUMENTS ? undefined : args;
      message.push(job.jobId, (job.target.index << SHAPE_BITS) + shape, value);
    }
    message[2] = slot.definitions;
    try {
      slot.link.send(message, []);
      slot.definitions = undefined;
    } catch {
      slot.sent -= batch.length;
      for (const job of batch) {
        job.order = ++slot.sent;
        this.#postAlone(slot, job, now);
      }
    }
  }

  /** A job that was admitted last, in a message of its own. */
  #postAlone(slot: Slot, job: RemoteGreenlet<any>, now: number): void {
    this.#define(slot, job);
    const { args, reader } = job;
    try {
      const freight = load(args);
      const moved = freight.transfer.length > 0;
      const flags =
        (freight.packed ? Shape.PACKED : 0) + (reader === undefined ? 0 : Shape.STREAM) + (moved ? Shape.MOVED : 0);
      const value = reader === undefined ? freight.value : [reader.credit, freight.value];
      const call = (job.target.index << SHAPE_BITS) + Shape.ARGUMENTS + flags;
      slot.link.send([JOBS, now, slot.definitions, job.jobId, call, value], freight.transfer);
      slot.definitions = undefined;
      job.moved = moved;
      this.#cargo.bytes += freight.bytes;
    } catch (cause) {
      slot.sent--;
      slot.relieve(job);
      slot.dismiss(job);
      job.worker = undefined;
      job.failed(uncloneable('arguments', args, cause));
      this.#schedule(); // nothing may be under way whose result would bring on the next one
    }
  }

  #define(slot: Slot, { target }: RemoteGreenlet<any>): void {
    if (slot.known.has(target.index)) return;
    slot.known.add(target.index);
    slot.definitions ??= [];
    slot.definitions.push(target.index, target.reference);
  }

  // ---- results come in

  received(slot: Slot, message: any[]): void {
    this.#busyPoll.end();
    if (message[0] > 0) this.#statistics.transfer.record(1000 * (performance.now() - message[0] - message[1]));
    this.#statistics.received += message[2];
    for (let i = 3; i < message.length; i += 3) this.#account(slot, message[i], message[i + 1]);
    // The worker is given more before anybody here sees the results, so that it goes on meanwhile.
    if (this.#waiting.size > 0) this.#dispatch();
    for (let i = 3; i < message.length; i += 3) this.#deliver(slot, message[i], message[i + 1], message[i + 2]);
    this.#workers.checkIdle(slot);
  }

  #account(slot: Slot, id: number, outcome: number): void {
    const status = outcome & Status.MASK;
    if (status === Status.ITEM || status === Status.ALERTED) return;
    const job = slot.jobs[id]!;
    const wasParked = job.parked;
    if (status === Status.PARKED) {
      if (!Number.isFinite(this.#plan.concurrency)) slot.relieve(job);
      else slot.charge(job, BUDGET);
      return;
    }
    slot.relieve(job);
    if (status === Status.RETURNED) return;
    const ran = Math.floor(outcome / STATUS_RANGE);
    this.#statistics.run.record(ran);
    if (wasParked || status === Status.KILLED) return;
    const { target } = job;
    target.average = target.average < 0 ? ran : target.average + (ran - target.average) / 8;
  }

  #deliver(slot: Slot, id: number, outcome: number, value: any): void {
    const job = slot.jobs[id]!;
    const payload = (outcome & Status.PACKED) === 0 ? value : unload(value);
    switch (outcome & Status.MASK) {
      case Status.PARKED:
        // What it does before it waits is short.
        if (job.target.average < 0 && !Number.isFinite(this.#plan.concurrency)) job.target.average = 0;
        return;
      case Status.RETURNED:
        slot.dismiss(job);
        job.worker = undefined;
        if (job.dead) return;
        if (job.sentExit !== undefined) job.endKilled(job.sentExit.exception);
        else this.#waiting.addReturned(job);
        this.#schedule();
        return;
      case Status.ALERTED:
        slot.killed.delete(job);
        return;
      case Status.ITEM:
        if (!job.dead) job.reader!.arrive(payload);
        return;
      default:
    }
    slot.dismiss(job);
    this.#workers.noteDone(slot);
    if (job.dead) return;
    const status = outcome & Status.MASK;
    if (status === Status.DONE) job.ended(payload);
    else if (status === Status.KILLED) job.endKilled(job.sentExit!.exception);
    else job.failed(unpackError(payload));
  }

  left(): void {
    this.#unfinished--;
    this.#statistics.ended++;
    if (this.#unfinished === 0) this.#checkClosed();
  }

  // ---- kills

  kill(job: RemoteGreenlet<any>, exception: unknown): void {
    const { worker } = job;
    job.sentExit = { exception };
    if (worker === undefined) {
      if (!this.#waiting.remove(job)) for (const slot of this.#workers.slots) slot.forgetOwn(job);
      job.endKilled(exception);
      return;
    }
    this.#control(worker, Verb.KILL, job.jobId, packError(exception));
    this.#workers.watch(worker, job);
  }

  /** Tells the worker of a job something about it. */
  tell(job: RemoteGreenlet<any>, verb: number, value: unknown): void {
    if (job.worker !== undefined && !job.dead) this.#control(job.worker, verb, job.jobId, value);
  }

  #control(slot: Slot, verb: number, id: number, value: unknown): void {
    slot.control.push(verb, id, value);
    this.#controls.add(slot);
    this.#schedule();
  }

  #sendControl(slot: Slot): void {
    if (slot.control.length === 0 || slot.phase === Phase.GONE) return;
    const message = [CONTROL, ...slot.control.splice(0)];
    slot.link.send(message, []);
  }

  // ---- what becomes of workers

  ready(slot: Slot): void {
    this.#dispatch();
    this.#workers.checkIdle(slot);
    this.#checkClosed();
  }

  dismiss(slot: Slot): void {
    this.#control(slot, Verb.END, 0, undefined);
  }

  changed(): void {
    this.#schedule();
    this.#checkClosed();
  }

  broke(error: BrokenPoolError): void {
    while (this.#waiting.size > 0) this.#waiting.take().failed(error);
    for (const slot of this.#workers.slots) for (const job of slot.own.splice(0)) job.failed(error);
  }

  /** The jobs of a worker that has ended: those that it had begun fail, the others go elsewhere. Tells whether it had begun any. */
  gone(slot: Slot, exitCode: number, cause: unknown): boolean {
    const started = slot.link.started();
    const jobs = slot.remaining();
    const died = (job: RemoteGreenlet<any>): WorkerDied => {
      const what = `${slot.name} ended with exit code ${exitCode} while it ran ${job.target.reference.name}`;
      return new WorkerDied(what, exitCode, cause === undefined ? undefined : { cause });
    };
    let begun = false;
    for (const job of jobs) {
      slot.dismiss(job);
      job.worker = undefined;
      if (job.order <= started) begun = true;
    }
    for (const job of jobs) {
      const free = !job.moved && job.reader === undefined;
      if (job.dead) continue;
      if (job.sentExit !== undefined) job.endKilled(job.sentExit.exception);
      else if (job.order > started && free) this.#waiting.addReturned(job);
      else if (job.retries > 0 && free) {
        job.retries--;
        this.#waiting.addReturned(job);
      } else job.failed(died(job));
    }
    for (const job of slot.own.splice(0)) job.failed(died(job));
    return begun;
  }

  // ---- the end

  /** Takes no more jobs, and ends the workers when those that there are have ended. */
  shut(): void {
    this.#closed = true;
    this.#checkClosed();
  }

  /** As `shut`, and waits for the end of the workers. */
  *close(): Coroutine<void> {
    this.shut();
    hub.outside++;
    try {
      yield* new LotWait(this.#idlers, () => this.#workers.slots.size === 0 && this.#unfinished === 0, undefined);
    } finally {
      hub.outside--;
    }
  }

  #checkClosed(): void {
    if (!this.#closed || this.#unfinished > 0) return;
    for (const slot of [...this.#workers.slots]) if (slot.phase === Phase.READY) this.#workers.end(slot);
    if (this.#workers.slots.size === 0) this.#idlers.wakeAll(true);
  }

  /** Ends the jobs that were not sent to a worker. */
  cancelWaiting(exit: GreenletExit): void {
    while (this.#waiting.size > 0) this.#waiting.take().endKilled(exit);
  }

  terminate(): void {
    this.#closed = true;
    const exit = new GreenletExit(`${this.#plan.name} was terminated`);
    this.cancelWaiting(exit);
    for (const slot of [...this.#workers.slots]) {
      for (const job of slot.own.splice(0)) job.endKilled(exit);
      for (const job of slot.remaining()) if (!job.dead) job.endKilled(exit);
      if (slot.phase !== Phase.GONE) this.#workers.terminate(slot);
    }
  }
}
