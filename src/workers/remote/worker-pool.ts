/**
 * The dispatcher of a pool: which job goes to which worker, and what becomes of it.
 *
 * Jobs that have not been begun stay here as long as possible, for only here they can go anywhere: a worker is handed what
 * it does in about a millisecond, as far as is known from the jobs before, and the next when half of that is done. All
 * that is submitted in one tick goes in one message. Jobs that wait for something in their worker count for nothing there,
 * so any number of them can be under way.
 */
import { warn } from '../../core/dev.ts';
import { BrokenPoolError, GreenletExit, InvalidStateError, WorkerDied } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import { LotWait } from '../../sync/lot-wait.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { packError, unpackError } from '../packed-error.ts';
import { Cargo, load, uncloneable, unload } from './cargo.ts';
import { type DurationStatistics, Histogram } from './histogram.ts';
import { CONTROL, type Greeting, JOBS, SHAPE_BITS, Shape, STATUS_RANGE, Status, Verb } from './protocol.ts';
import type { JobKeeper, RemoteGreenlet } from './remote-greenlet.ts';
import { Phase, Slot } from './slot.ts';
import type { LinkEvents, WorkerLink } from './worker-link.ts';

/** The work that a worker is handed at most, in units of 1/8 us. */
const BUDGET = 8 * 1000;
/** It gets more when no more than this is left. */
const LOW = BUDGET / 2;
/** What a job costs beside its own time. */
const OVERHEAD = 4;
const MOST_IN_MESSAGE = 512;
/** So many submitted jobs are sent on without waiting for the end of the tick. */
const EARLY = 128;
/** Workers that may die one after the other without having got anything done. */
const MOST_DEATHS = 3;
/** How long a terminated worker may take to end, in milliseconds. */
const MOST_DYING = 1000;
/** How long `teardown` may take, in milliseconds. */
const MOST_ENDING = 5000;

/** What a pool is made of. @internal */
export interface PoolPlan {
  readonly name: string;
  readonly size: number;
  readonly idleTimeout: number | undefined;
  readonly recycleJobs: number;
  readonly recycleAge: number;
  readonly grace: number;
  readonly concurrency: number;
  /** Opens the wire to a new worker. */
  open(name: string, events: LinkEvents): WorkerLink;
}

/** What `WorkerHub.stats()` gives. */
export interface WorkerHubStats {
  /** Workers that are starting or running. */
  readonly workers: number;
  /** Workers that can take jobs. */
  readonly ready: number;
  /** Jobs that wait for a worker. */
  readonly queued: number;
  /** Jobs that were sent to a worker and have not ended. */
  readonly running: number;
  /** Jobs that have ended since the start, in whatever way. */
  readonly ended: number;
  /** Workers that died. */
  readonly deaths: number;
  /** How long jobs took in their worker, from their begin to their end. */
  readonly run: DurationStatistics;
  /** How long jobs waited here before they were sent. */
  readonly wait: DurationStatistics;
  /** How long messages were under way there and back, with the time in line behind others; without the work. */
  readonly transfer: DurationStatistics;
  /** About how many bytes of arguments, results and items were copied. */
  readonly clonedBytes: { readonly sent: number; readonly received: number };
}

/** @internal */
export class WorkerPool implements JobKeeper {
  readonly #plan: PoolPlan;
  readonly #slots = new Set<Slot>();
  /** Those that take jobs. */
  #ready: Slot[] = [];
  #starting = 0;
  /** Jobs that wait, by descending priority. */
  readonly #lanes: { readonly priority: number; readonly lot: ParkingLot }[] = [];
  /** Jobs whose worker died before it began them: they are first. */
  readonly #moved = new ParkingLot(this, 'spawn');
  #waiting = 0;
  #unfinished = 0;
  #ended = 0;
  #named = 0;
  #fresh = 0;
  #scheduled = false;
  /** The time of the tick, in units of 10 us. */
  #stamp = 0;
  #closed = false;
  #broken: BrokenPoolError | undefined;
  #fruitless = 0;
  #deaths = 0;
  #lastFailure: unknown;
  readonly #cargo = new Cargo();
  readonly #controls = new Set<Slot>();
  readonly #idlers = new ParkingLot(this, 'close');
  readonly #run = new Histogram();
  readonly #wait = new Histogram();
  readonly #transfer = new Histogram();
  #received = 0;

  constructor(plan: PoolPlan) {
    this.#plan = plan;
  }

  stats(): WorkerHubStats {
    let running = 0;
    for (const slot of this.#slots) running += slot.live;
    return {
      workers: this.#slots.size,
      ready: this.#ready.length,
      queued: this.#waiting,
      running,
      ended: this.#ended,
      deaths: this.#deaths,
      run: this.#run.statistics(),
      wait: this.#wait.statistics(),
      transfer: this.#transfer.statistics(),
      clonedBytes: { sent: this.#cargo.bytes, received: this.#received },
    };
  }

  // ---- jobs come in

  /** Why it takes no jobs any more, and starts no workers. */
  get broken(): BrokenPoolError | undefined {
    return this.#broken;
  }

  /** Throws where a job can't be taken. */
  checkOpen(): void {
    if (this.#closed) throw new InvalidStateError(`${this.#plan.name} was closed: make a new one`);
  }

  submit(job: RemoteGreenlet<any>): void {
    this.#unfinished++;
    if (job.dead) {
      this.left();
      return;
    }
    if (this.#broken !== undefined) {
      job.failed(this.#broken);
      return;
    }
    if (!this.#scheduled) {
      this.#stamp = (performance.now() * 100) | 0;
      this.#schedule();
    }
    job.queuedAt = this.#stamp;
    this.#enqueue(job, this.#laneFor(job.priority));
    if (++this.#fresh >= EARLY) this.#dispatch();
  }

  /** Submits a job for each worker, whose number `makeJobs` is told. */
  submitToAll(makeJob: () => RemoteGreenlet<any>): RemoteGreenlet<any>[] {
    while (this.#broken === undefined && this.#ready.length + this.#starting < this.#plan.size) this.#open();
    const slots = [...this.#slots].filter(({ phase }) => phase === Phase.STARTING || phase === Phase.READY);
    const jobs: RemoteGreenlet<any>[] = [];
    for (const slot of slots) {
      const job = makeJob();
      jobs.push(job);
      this.#unfinished++;
      if (job.dead) this.left();
      else slot.own.push(job);
    }
    this.#schedule();
    return jobs;
  }

  #enqueue(job: RemoteGreenlet<any>, lot: ParkingLot): void {
    job.lane = lot;
    lot.add(job);
    this.#waiting++;
  }

  #laneFor(priority: number): ParkingLot {
    const lanes = this.#lanes;
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i]!;
      if (lane.priority === priority) return lane.lot;
      if (lane.priority < priority) return this.#addLane(i, priority);
    }
    return this.#addLane(lanes.length, priority);
  }

  #addLane(index: number, priority: number): ParkingLot {
    const lot = new ParkingLot(this, 'spawn');
    this.#lanes.splice(index, 0, { priority, lot });
    return lot;
  }

  /** The job that is to be sent next, of those that wait. */
  #take(): RemoteGreenlet<any> {
    let job = this.#moved.shift();
    for (let i = 0; job === null; i++) job = this.#lanes[i]!.lot.shift();
    this.#waiting--;
    (job as RemoteGreenlet<any>).lane = undefined;
    return job as RemoteGreenlet<any>;
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
    for (const slot of this.#slots) if (slot.own.length > 0 && slot.phase === Phase.READY) this.#loadOwn(slot);
    if (this.#waiting === 0) return;
    const ready = this.#ready;
    if (ready.length > 1) ready.sort((one, other) => one.owed - other.owed);
    const share = Math.ceil(this.#waiting / ready.length);
    for (let i = 0; i < ready.length && this.#waiting > 0; i++) {
      const slot = ready[i]!;
      if (slot.owed <= LOW || slot.busy < this.#plan.concurrency) {
        if (slot.owed <= LOW || Number.isFinite(this.#plan.concurrency)) this.#load(slot, share);
      }
    }
    this.#ready = ready.filter(({ phase }) => phase === Phase.READY);
    const wanted = Math.min(this.#plan.size - this.#occupied(), this.#waiting - this.#starting);
    for (let i = 0; i < wanted && this.#broken === undefined; i++) this.#open();
  }

  /** How many workers there are that count. Where jobs are limited, so do those that do their last one. */
  #occupied(): number {
    let occupied = this.#ready.length + this.#starting;
    if (Number.isFinite(this.#plan.concurrency)) {
      for (const { phase } of this.#slots) if (phase === Phase.RETIRING) occupied++;
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
    this.#wake(slot);
    for (let count = 0; count < most && this.#waiting > 0; count++) {
      if (count > 0 && slot.owed >= BUDGET && !(Number.isFinite(concurrency) && slot.busy < concurrency)) break;
      const job = this.#take();
      this.#wait.record(10 * ((stamp - job.queuedAt) | 0));
      this.#admit(slot, job);
      const alone = job.reader !== undefined || !this.#cargo.admitsAll(job.args);
      if (!alone) batch.push(job);
      else {
        this.#post(slot, batch, now);
        batch.length = 0;
        this.#postAlone(slot, job, now);
      }
    }
    this.#post(slot, batch, now);
    if (slot.sent >= recycleJobs || now - slot.born >= recycleAge) this.#retire(slot);
    else this.#checkIdle(slot);
  }

  #loadOwn(slot: Slot): void {
    this.#wake(slot);
    for (const job of slot.own.splice(0)) {
      this.#admit(slot, job);
      this.#postAlone(slot, job, performance.now());
    }
    this.#checkIdle(slot);
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

  #receive(slot: Slot, message: any): void {
    if (!Array.isArray(message)) {
      this.#greet(slot, message as Greeting);
      return;
    }
    if (message[0] > 0) this.#transfer.record(1000 * (performance.now() - message[0] - message[1]));
    this.#received += message[2];
    for (let i = 3; i < message.length; i += 3) this.#account(slot, message[i], message[i + 1]);
    // The worker is given more before anybody here sees the results, so that it goes on meanwhile.
    if (this.#waiting > 0) this.#dispatch();
    for (let i = 3; i < message.length; i += 3) this.#deliver(slot, message[i], message[i + 1], message[i + 2]);
    this.#checkIdle(slot);
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
    this.#run.record(ran);
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
        else this.#enqueue(job, this.#moved);
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
    slot.done++;
    this.#fruitless = 0;
    if (job.dead) return;
    const status = outcome & Status.MASK;
    if (status === Status.DONE) job.ended(payload);
    else if (status === Status.KILLED) job.endKilled(job.sentExit!.exception);
    else job.failed(unpackError(payload));
  }

  left(): void {
    this.#unfinished--;
    this.#ended++;
    if (this.#unfinished === 0) this.#checkClosed();
  }

  // ---- kills

  kill(job: RemoteGreenlet<any>, exception: unknown): void {
    const { lane, worker } = job;
    job.sentExit = { exception };
    if (worker === undefined) {
      if (lane !== undefined) {
        lane.remove(job);
        job.lane = undefined;
        this.#waiting--;
      } else for (const slot of this.#slots) slot.forgetOwn(job);
      job.endKilled(exception);
      return;
    }
    this.#control(worker, Verb.KILL, job.jobId, packError(exception));
    worker.killed.set(job, performance.now() + this.#plan.grace);
    this.#watchKills(worker);
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

  #watchKills(slot: Slot): void {
    slot.killTimer ??= setTimeout(() => {
      slot.killTimer = undefined;
      this.#checkKills(slot);
    }, this.#plan.grace + 1);
  }

  /** Whoever has not answered for too long hangs, or stands in line behind one who takes long. */
  #checkKills(slot: Slot): void {
    if (slot.phase === Phase.GONE) return;
    const now = performance.now();
    const running = slot.link.running();
    for (const [job, due] of slot.killed) {
      if (due > now) continue;
      if (running === 0 || running === job.order) {
        this.#terminate(
          slot,
          new GreenletExit('its worker was terminated, for another job of it hung when it was killed'),
        );
        return;
      }
      if (job.order > slot.link.started()) {
        slot.killed.delete(job);
        job.endKilled(job.sentExit!.exception);
      } else slot.killed.set(job, now + this.#plan.grace);
    }
    if (slot.killed.size > 0) this.#watchKills(slot);
  }

  // ---- workers

  #open(): void {
    const slot = new Slot(`${this.#plan.name}-${++this.#named}`);
    this.#slots.add(slot);
    this.#starting++;
    try {
      slot.link = this.#plan.open(slot.name, {
        received: (message) => this.#receive(slot, message),
        exited: (exitCode, error) => this.#exited(slot, exitCode, error),
      });
    } catch (error) {
      this.#slots.delete(slot);
      this.#starting--;
      this.#noteDeath(slot, 1, error, false);
      this.#schedule();
      return;
    }
    slot.link.ref();
  }

  #greet(slot: Slot, { ready, error }: Greeting): void {
    if (slot.phase !== Phase.STARTING) return;
    if (!ready) {
      this.#lastFailure = unpackError(error!);
      return;
    }
    this.#starting--;
    slot.phase = Phase.READY;
    this.#ready.push(slot);
    this.#dispatch();
    this.#checkIdle(slot);
    this.#checkClosed();
  }

  #wake(slot: Slot): void {
    if (slot.live > 0) return;
    clearTimeout(slot.idleTimer);
    slot.link.ref();
  }

  /** Without a job, it does not keep the program alive, and ends after a while. */
  #checkIdle(slot: Slot): void {
    if (slot.live > 0 || slot.own.length > 0) return;
    if (slot.phase === Phase.RETIRING) this.#end(slot);
    if (slot.phase !== Phase.READY) return;
    slot.link.unref();
    const { idleTimeout } = this.#plan;
    if (idleTimeout === undefined) return;
    clearTimeout(slot.idleTimer);
    slot.idleTimer = setTimeout(() => {
      if (slot.live === 0 && slot.phase === Phase.READY) this.#end(slot);
    }, idleTimeout);
    slot.idleTimer.unref();
  }

  #retire(slot: Slot): void {
    slot.phase = Phase.RETIRING;
    this.#ready = this.#ready.filter((other) => other !== slot);
    this.#checkIdle(slot);
  }

  /** Asks a worker that has nothing to do to end. */
  #end(slot: Slot): void {
    slot.phase = Phase.ENDING;
    this.#ready = this.#ready.filter((other) => other !== slot);
    slot.link.ref();
    this.#control(slot, Verb.END, 0, undefined);
    slot.exitTimer = setTimeout(() => this.#terminate(slot), MOST_ENDING);
  }

  #terminate(slot: Slot, reason?: Error): void {
    clearTimeout(slot.exitTimer);
    if (slot.phase === Phase.STARTING) this.#starting--;
    slot.phase = Phase.ENDING;
    slot.reason = reason;
    this.#ready = this.#ready.filter((other) => other !== slot);
    slot.link.ref();
    slot.link.terminate();
    slot.exitTimer = setTimeout(() => {
      warn(`${slot.name} did not end within ${MOST_DYING} ms after it was terminated: it is in a native call`);
      slot.link.unref();
      this.#exited(slot, 1, undefined);
    }, MOST_DYING);
  }

  #exited(slot: Slot, exitCode: number, error: unknown): void {
    if (slot.phase === Phase.GONE) return;
    const expected = slot.phase === Phase.ENDING;
    if (slot.phase === Phase.STARTING) this.#starting--;
    slot.phase = Phase.GONE;
    this.#slots.delete(slot);
    this.#ready = this.#ready.filter((other) => other !== slot);
    for (const timer of [slot.killTimer, slot.idleTimer, slot.exitTimer]) clearTimeout(timer);
    const progress = this.#releaseJobs(slot, exitCode, error ?? slot.reason);
    if (!expected) this.#noteDeath(slot, exitCode, error, progress);
    this.#schedule();
    this.#checkClosed();
  }

  /** The jobs of a worker that has ended: those that it had begun fail, the others go elsewhere. Tells whether it had begun any. */
  #releaseJobs(slot: Slot, exitCode: number, cause: unknown): boolean {
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
      else if (job.order > started && free) this.#enqueue(job, this.#moved);
      else if (job.retries > 0 && free) {
        job.retries--;
        this.#enqueue(job, this.#moved);
      } else job.failed(died(job));
    }
    for (const job of slot.own.splice(0)) job.failed(died(job));
    return begun;
  }

  #noteDeath(slot: Slot, exitCode: number, error: unknown, progress: boolean): void {
    this.#deaths++;
    this.#lastFailure = error ?? this.#lastFailure;
    if (progress) {
      this.#fruitless = 0;
      return;
    }
    if (++this.#fruitless >= MOST_DEATHS) this.#break(exitCode);
    else if (slot.done > 0 && error !== undefined) hub.handleError(error, undefined, slot.name);
  }

  #break(exitCode: number): void {
    const cause = this.#lastFailure;
    this.#broken = new BrokenPoolError(
      `${MOST_DEATHS} workers of ${this.#plan.name} ended one after the other before they had done anything, the last with exit code ${exitCode}`,
      cause === undefined ? undefined : { cause },
    );
    while (this.#waiting > 0) this.#take().failed(this.#broken);
    for (const slot of this.#slots) for (const job of slot.own.splice(0)) job.failed(this.#broken);
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
      yield* new LotWait(this.#idlers, () => this.#slots.size === 0 && this.#unfinished === 0, undefined);
    } finally {
      hub.outside--;
    }
  }

  #checkClosed(): void {
    if (!this.#closed || this.#unfinished > 0) return;
    for (const slot of [...this.#slots]) if (slot.phase === Phase.READY) this.#end(slot);
    if (this.#slots.size === 0) this.#idlers.wakeAll(true);
  }

  /** Ends the jobs that were not sent to a worker. */
  cancelWaiting(exit: GreenletExit): void {
    while (this.#waiting > 0) this.#take().endKilled(exit);
  }

  terminate(): void {
    this.#closed = true;
    const exit = new GreenletExit(`${this.#plan.name} was terminated`);
    this.cancelWaiting(exit);
    for (const slot of [...this.#slots]) {
      for (const job of slot.own.splice(0)) job.endKilled(exit);
      for (const job of slot.remaining()) if (!job.dead) job.endKilled(exit);
      if (slot.phase !== Phase.GONE) this.#terminate(slot);
    }
  }
}
