/**
 * The worker's side of a pool: starts a greenlet for each job in this thread's hub, and sends back what they give.
 *
 * It never blocks the thread: between jobs the hub polls the event loop as it always does. Results are collected and sent
 * when nothing else is ready, or after 0.3 ms.
 */

import type { Runnable } from '../../core/callback.ts';
import { isExit } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import { run } from '../../core/run.ts';
import { until } from '../../core/until.ts';
import { BusyPoll } from '../busy-poll.ts';
import { type PackedError, packError, unpackError } from '../packed-error.ts';
import { enterChild, type FunctionReference, type Referable, resolveReference } from '../reference.ts';
import { Cargo, load, uncloneable, unload } from './cargo.ts';
import { Job, type JobOwner } from './job.ts';
import { CONTROL, type Greeting, SHAPE_BITS, Shape, STATUS_RANGE, Status, Verb, type WorkerSetup } from './protocol.ts';
import { emitItems } from './stream-source.ts';
import type { Transferable } from './worker-link.ts';

/** Results wait no longer than this, in milliseconds, if they come while jobs run. */
const PATIENCE = 0.3;
/** What begins within this time, in milliseconds, begins soon. */
const MOMENT = 0.05;
/** After a job that took longer than this, in milliseconds, kills are looked for before the next one begins. */
const SLOW = 1;

type AnyFunction = (...args: any[]) => any;

/** A function that jobs call: imported once, by the first message that mentions it. */
export interface Callee {
  fn: AnyFunction | undefined;
  readonly loading: Promise<AnyFunction>;
  /** How long a call takes, in milliseconds: a moving average; `Infinity` while unknown. */
  average: number;
}

/** The wire to the pool. @internal */
export interface PoolLink {
  send(message: unknown, transfer: readonly Transferable[]): void;
  /** A message that has arrived, without waiting for the event loop. */
  poll(): unknown[] | undefined;
  /** Ends the worker. */
  exit(): void;
}

/** Where a worker notes how far it is, so that its pool knows when it has died. @internal */
export interface Progress {
  /**
   * The jobs up to that order have begun, or never will. Those up to `soon` are here and will have begun in a moment, so
   * whoever can't note each of them may count them in.
   */
  started(order: number, soon: number): void;
  /** The job of that order runs; 0 for none. */
  running(order: number): void;
}

/** @internal */
export class JobRunner implements JobOwner, Runnable {
  readonly cargo: Cargo = new Cargo();
  readonly #link: PoolLink;
  readonly #setup: WorkerSetup;
  readonly #progress: Progress;
  readonly #callees: Callee[] = [];
  /** By the pool's numbers. */
  readonly #jobs: (Job | undefined)[] = [];
  #inbox: Job[] = [];
  #unfinished = 0;
  /** How many of them have waited for something, and how many wait for their module. */
  #waiting = 0;
  #loading = 0;
  #received = 0;
  #started = 0;
  /** The message in the making: three numbers and the results. */
  #out: unknown[] = [0, 0, 0];
  #flushing = false;
  /** In the hub's ready queue: see `turn`. */
  next: Runnable | null = null;
  /** For the transfer times: when the last message was sent there, and when it arrived here. */
  #sentAt = 0;
  #arrivedAt = 0;
  #lastPost = 0;
  #lastPoll = 0;
  readonly #busyPoll = new BusyPoll();

  constructor(link: PoolLink, setup: WorkerSetup, progress: Progress) {
    this.#link = link;
    this.#setup = setup;
    this.#progress = progress;
  }

  /** Calls `init` and says that the worker is ready, or why it isn't. */
  async start(): Promise<void> {
    enterChild(this.#setup.program);
    let greeting: Greeting = { ready: true };
    try {
      await this.#call(this.#setup.init);
    } catch (error) {
      greeting = { ready: false, error: packError(error) };
    }
    this.#link.send(greeting, []);
    if (!greeting.ready) this.#link.exit();
  }

  async #call(call: WorkerSetup['init']): Promise<void> {
    if (call === undefined) return;
    const fn = (await resolveReference(call.reference)) as AnyFunction;
    await run(() => callAndWait(() => fn(...call.args)));
  }

  receive(message: any[]): void {
    this.#busyPoll.end();
    if (message[0] === CONTROL) {
      for (let i = 1; i < message.length; i += 3) this.#control(message[i], message[i + 1], message[i + 2]);
      return;
    }
    this.#arrivedAt = performance.now();
    this.#sentAt = message[1];
    if (this.#out.length === 3) this.#lastPost = this.#arrivedAt;
    if (message[2] !== undefined) this.#define(message[2]);
    for (let i = 3; i < message.length; i += 3) this.#accept(message[i], message[i + 1], message[i + 2]);
  }

  #define(definitions: (number | FunctionReference)[]): void {
    for (let i = 0; i < definitions.length; i += 2) {
      const loading = resolveReference(definitions[i + 1] as FunctionReference) as Promise<Referable>;
      const callee: Callee = { fn: undefined, loading: loading as Promise<AnyFunction>, average: Infinity };
      callee.loading.then(
        (fn) => {
          callee.fn = fn;
        },
        () => {}, // each job that waits for it fails
      );
      this.#callees[definitions[i] as number] = callee;
    }
  }

  #accept(id: number, call: number, value: unknown): void {
    const callee = this.#callees[call >> SHAPE_BITS]!;
    const payload = (call & Shape.PACKED) === 0 ? value : unload(value);
    const job = this.#newJob(callee, id, call, payload);
    job.returnable = (call & (Shape.STREAM | Shape.MOVED)) === 0;
    this.#jobs[id] = job;
    if (this.#unfinished < this.#setup.concurrency) this.#begin(job);
    else {
      this.#inbox.push(job);
      this.#giveBack();
    }
  }

  #newJob(callee: Callee, id: number, call: number, payload: any): Job {
    const order = ++this.#received;
    if ((call & Shape.STREAM) !== 0) {
      const [credit, args] = payload;
      const job: Job = new Job(this, callee, () => emitItems(job, this, this.#load(job, callee), args), id, order);
      job.credit = credit;
      return job;
    }
    const shape = call & Shape.MASK;
    const { fn } = callee;
    const args = shape === Shape.NO_ARGUMENTS ? undefined : shape === Shape.ONE_ARGUMENT ? [payload] : payload;
    if (fn === undefined) {
      const job: Job = new Job(this, callee, () => this.#callWhenLoaded(job, callee, args ?? []), id, order);
      return job;
    }
    const job = new Job(this, callee, fn, id, order);
    job.slot = args;
    return job;
  }

  *#load(job: Job, { fn, loading }: Callee): Coroutine<AnyFunction> {
    if (fn !== undefined) return fn;
    job.loading = true;
    this.#loading++;
    try {
      return yield* until(loading);
    } finally {
      job.loading = false;
      this.#loading--;
      job.startedAt = performance.now();
    }
  }

  *#callWhenLoaded(job: Job, callee: Callee, args: unknown[]): Coroutine<unknown> {
    const fn = yield* this.#load(job, callee);
    return yield* callAndWait(() => fn(...args));
  }

  #begin(job: Job): void {
    this.#unfinished++;
    job.active = true;
    job.start();
  }

  #control(verb: number, id: number, value: any): void {
    if (verb === Verb.END) {
      void this.#end();
      return;
    }
    const job = this.#jobs[id];
    if (job === undefined) return; // its result is on the way
    if (verb === Verb.CREDIT) {
      job.credit += value;
      const waiter = job.creditWaiter;
      if (waiter === undefined) return;
      job.creditWaiter = undefined;
      hub.outside--;
      waiter.wake(undefined);
      return;
    }
    const exception = unpackError(value as PackedError);
    job.sentExit = { exception };
    job.sendKill(exception);
    if (job.dead) return;
    // Said after it had its turn: until then it may be that the thread hangs.
    hub.callSoon(() => {
      if (!job.dead) this.#reply(job.jobId, Status.ALERTED, undefined);
    });
  }

  async #end(): Promise<void> {
    try {
      await this.#call(this.#setup.teardown);
    } catch (error) {
      hub.handleError(error, undefined, `teardown of ${this.#setup.name}`);
    }
    this.#link.exit();
  }

  // ---- what the jobs report

  begun(job: Job): void {
    const now = performance.now();
    if (now - this.#lastPoll > SLOW) {
      this.#lastPoll = now;
      for (let more = this.#link.poll(); more !== undefined; more = this.#link.poll()) this.receive(more);
      if (job.dead) return;
    }
    // The results before it don't wait for a job that may take long.
    if (job.callee.average > PATIENCE) this.#post();
    job.startedAt = now;
    this.#started = Math.max(this.#started, job.order);
    const soon = job.order + Math.floor(MOMENT / job.callee.average);
    this.#progress.started(this.#started, Math.min(soon, this.#received));
  }

  running(order: number): void {
    this.#progress.running(order);
  }

  parked(job: Job): void {
    this.#reply(job.jobId, Status.PARKED, undefined);
    this.#waiting++;
    this.#giveBack();
  }

  /** While all that it may run waits, the others must not: it may be for them that is waited. */
  #giveBack(): void {
    if (this.#inbox.length === 0 || this.#waiting < this.#setup.concurrency) return;
    this.#inbox = this.#inbox.filter((job) => {
      if (job.dead || !job.returnable) return !job.dead;
      this.#jobs[job.jobId] = undefined;
      this.#reply(job.jobId, Status.RETURNED, undefined);
      return false;
    });
  }

  ended(job: Job, value: unknown): void {
    if (job.itemError !== undefined) this.#settle(job, Status.FAILED, packError(job.itemError.error));
    else if (!isExit(value)) this.#settle(job, Status.DONE, value);
    else if (value === job.sentExit?.exception) this.#settle(job, Status.KILLED, undefined);
    else this.#settle(job, Status.FAILED, packError(value));
  }

  failed(job: Job, error: unknown): void {
    if (job.sentExit !== undefined && error === job.sentExit.exception) this.#settle(job, Status.KILLED, undefined);
    else this.#settle(job, Status.FAILED, packError(job.itemError?.error ?? error));
  }

  #settle(job: Job, status: number, value: unknown): void {
    const now = performance.now();
    const ran = job.startedAt < 0 ? 0 : Math.round(1000 * (now - job.startedAt));
    if (job.startedAt >= 0) noteDuration(job.callee, now - job.startedAt);
    this.#jobs[job.jobId] = undefined;
    this.#reply(job.jobId, ran * STATUS_RANGE + status, value);
    if (job.parked) this.#waiting--;
    if (job.active) this.#finish();
    if (now - this.#lastPost > PATIENCE) this.#post();
  }

  /** A job has made room. */
  #finish(): void {
    this.#unfinished--;
    while (this.#inbox.length > 0 && this.#unfinished < this.#setup.concurrency) {
      const next = this.#inbox.shift()!;
      if (!next.dead) this.#begin(next);
    }
  }

  /** Sends an item of a stream. */
  item(job: Job, value: unknown): void {
    this.#reply(job.jobId, Status.ITEM, value);
    if (performance.now() - this.#lastPost > PATIENCE) this.#post();
  }

  // ---- sending

  #reply(id: number, outcome: number, value: unknown): void {
    if (!this.cargo.admits(value)) {
      this.#post();
      this.#postAlone(id, outcome, value);
      return;
    }
    this.#out.push(id, outcome, value);
    if (this.#flushing) return;
    this.#flushing = true;
    hub.push(this);
  }

  /** Sends the results. Where jobs run one by one, the next has got ready since this was scheduled: its result goes along. */
  turn(): void {
    if (this.#unfinished > this.#waiting + this.#loading) {
      hub.push(this);
      return;
    }
    this.#flushing = false;
    this.#post();
  }

  #send(message: unknown[], transfer: readonly Transferable[]): void {
    this.#lastPost = performance.now();
    message[0] = this.#sentAt;
    message[1] = this.#lastPost - this.#arrivedAt;
    message[2] = this.cargo.bytes;
    this.#link.send(message, transfer);
    this.#sentAt = 0; // each arrival counts once
    this.cargo.bytes = 0;
  }

  #post(): void {
    const out = this.#out;
    if (out.length === 3) return;
    this.#out = [0, 0, 0];
    this.cargo.clear();
    try {
      this.#send(out, []);
      if (this.#unfinished === this.#waiting) this.#busyPoll.begin();
    } catch {
      this.#postOneByOne(out);
    }
  }

  /** Something in the batch can't be cloned: of that job, nothing follows. */
  #postOneByOne(out: unknown[]): void {
    const refused = new Set<number>();
    for (let i = 3; i < out.length; i += 3) {
      const id = out[i] as number;
      if (!refused.has(id) && !this.#postAlone(id, out[i + 1] as number, out[i + 2])) refused.add(id);
    }
  }

  /** Whether it could be sent. */
  #postAlone(id: number, outcome: number, value: unknown): boolean {
    this.cargo.clear();
    try {
      const freight = load(value);
      const flag = freight.packed ? Status.PACKED : 0;
      this.cargo.bytes += freight.bytes;
      this.#send([0, 0, 0, id, outcome + flag, freight.value], freight.transfer);
      return true;
    } catch (cause) {
      this.#refuse(id, outcome, value, cause);
      return false;
    }
  }

  /** The value can't be cloned: the job fails. */
  #refuse(id: number, outcome: number, value: unknown, cause: unknown): void {
    const isItem = (outcome & Status.MASK) === Status.ITEM;
    const error = uncloneable(isItem ? 'item' : 'result', value, cause);
    const job = this.#jobs[id];
    if (isItem && job !== undefined) {
      job.itemError = { error };
      job.sendKill(error);
      return;
    }
    const ran = Math.floor(outcome / STATUS_RANGE);
    this.#send([0, 0, 0, id, ran * STATUS_RANGE + Status.FAILED, packError(error)], []);
  }
}

function noteDuration(callee: Callee, milliseconds: number): void {
  callee.average = callee.average === Infinity ? milliseconds : callee.average + (milliseconds - callee.average) / 8;
}
