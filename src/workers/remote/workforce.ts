/** The workers of a pool: how they start, wait for work, retire, end and die. */
import { warn } from '../../core/dev.ts';
import { BrokenPoolError, GreenletExit } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import { unpackError } from '../packed-error.ts';
import type { Greeting } from './protocol.ts';
import type { RemoteGreenlet } from './remote-greenlet.ts';
import { Phase, Slot } from './slot.ts';
import type { LinkEvents, WorkerLink } from './worker-link.ts';

/** Workers that may die one after the other without having got anything done. */
const MOST_DEATHS = 3;
/** How long a terminated worker may take to end, in milliseconds. */
const MOST_DYING = 1000;
/** How long `teardown` may take, in milliseconds. */
const MOST_ENDING = 5000;

/** Node's timers know no longer times, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** What workers are made of. @internal */
export interface WorkforcePlan {
  readonly name: string;
  readonly idleTimeout: number | undefined;
  /** How long a worker may take to answer a kill, in milliseconds. */
  readonly grace: number;
  /** Opens the wire to a new worker. */
  open(name: string, events: LinkEvents): WorkerLink;
}

/** Whose workers they are. @internal */
export interface Employer {
  /** A worker says something. */
  received(slot: Slot, message: any[]): void;
  /** A worker can take jobs. */
  ready(slot: Slot): void;
  /** A worker is to be told to end. */
  dismiss(slot: Slot): void;
  /** A worker has ended: whatever it had is to be settled. Tells whether it had begun any of that. */
  gone(slot: Slot, exitCode: number, cause: unknown): boolean;
  /** There is one less. */
  changed(): void;
  /** No more workers are started. */
  broke(error: BrokenPoolError): void;
}

/** @internal */
export class Workforce {
  readonly #plan: WorkforcePlan;
  readonly #employer: Employer;
  /** All that have not ended. */
  readonly slots: Set<Slot> = new Set();
  /** Those that take jobs. */
  ready: Slot[] = [];
  starting = 0;
  deaths = 0;
  /** Why none is started any more. */
  broken: BrokenPoolError | undefined;
  #named = 0;
  #fruitless = 0;
  #lastFailure: unknown;

  constructor(plan: WorkforcePlan, employer: Employer) {
    this.#plan = plan;
    this.#employer = employer;
  }

  open(): void {
    const slot = new Slot(`${this.#plan.name}-${++this.#named}`);
    this.slots.add(slot);
    this.starting++;
    try {
      slot.link = this.#plan.open(slot.name, {
        received: (message) => {
          if (Array.isArray(message)) this.#employer.received(slot, message);
          else this.#greet(slot, message as Greeting);
        },
        exited: (exitCode, error) => this.#exited(slot, exitCode, error),
      });
    } catch (error) {
      this.slots.delete(slot);
      this.starting--;
      this.#noteDeath(slot, 1, error, false);
      this.#employer.changed();
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
    this.starting--;
    slot.phase = Phase.READY;
    this.ready.push(slot);
    this.#employer.ready(slot);
  }

  /** Leaves only those among the ready ones that are. */
  sift(): void {
    this.ready = this.ready.filter(({ phase }) => phase === Phase.READY);
  }

  /** It is about to get work. */
  wake(slot: Slot): void {
    if (slot.live > 0) return;
    clearTimeout(slot.idleTimer);
    slot.link.ref();
  }

  /** It has done something. */
  noteDone(slot: Slot): void {
    slot.done++;
    this.#fruitless = 0;
  }

  /** Without a job, it does not keep the program alive, and ends after a while. */
  checkIdle(slot: Slot): void {
    if (slot.live > 0 || slot.own.length > 0) return;
    if (slot.phase === Phase.RETIRING) this.end(slot);
    if (slot.phase !== Phase.READY) return;
    slot.link.unref();
    const { idleTimeout } = this.#plan;
    if (idleTimeout === undefined) return;
    clearTimeout(slot.idleTimer);
    slot.idleTimer = setTimeout(
      () => {
        if (slot.live === 0 && slot.phase === Phase.READY) this.end(slot);
      },
      Math.min(idleTimeout, LONGEST),
    );
    slot.idleTimer.unref();
  }

  /** It was told to kill a job, and is terminated if it does not answer. */
  watch(slot: Slot, job: RemoteGreenlet<any>): void {
    slot.killed.set(job, performance.now() + this.#plan.grace);
    this.#watch(slot);
  }

  #watch(slot: Slot): void {
    slot.killTimer ??= setTimeout(
      () => {
        slot.killTimer = undefined;
        this.#checkKilled(slot);
      },
      Math.min(this.#plan.grace + 1, LONGEST),
    );
  }

  /** Whoever has not answered for too long hangs, or stands in line behind one who takes long. */
  #checkKilled(slot: Slot): void {
    if (slot.phase === Phase.GONE) return;
    const now = performance.now();
    const running = slot.link.running();
    for (const [job, due] of slot.killed) {
      if (due > now) continue;
      if (running === 0 || running === job.order) {
        const reason = 'its worker was terminated, for another job of it hung when it was killed';
        this.terminate(slot, new GreenletExit(reason));
        return;
      }
      if (job.order > slot.link.started()) {
        slot.killed.delete(job);
        job.endKilled(job.sentExit!.exception);
      } else slot.killed.set(job, now + this.#plan.grace);
    }
    if (slot.killed.size > 0) this.#watch(slot);
  }

  /** It gets nothing more, and ends when it has done what it has. */
  retire(slot: Slot): void {
    this.#leave(slot, Phase.RETIRING);
    this.checkIdle(slot);
  }

  /** Asks a worker that has nothing to do to end. */
  end(slot: Slot): void {
    this.#leave(slot, Phase.ENDING);
    slot.link.ref();
    this.#employer.dismiss(slot);
    slot.exitTimer = setTimeout(() => this.terminate(slot), MOST_ENDING);
  }

  /** Ends it at once, whatever it does. */
  terminate(slot: Slot, reason?: Error): void {
    clearTimeout(slot.exitTimer);
    this.#leave(slot, Phase.ENDING);
    slot.reason = reason;
    slot.link.ref();
    slot.link.terminate();
    slot.exitTimer = setTimeout(() => {
      warn(`${slot.name} did not end within ${MOST_DYING} ms after it was terminated: it is in a native call`);
      slot.link.unref();
      this.#exited(slot, 1, undefined);
    }, MOST_DYING);
  }

  #leave(slot: Slot, phase: number): void {
    if (slot.phase === Phase.STARTING) this.starting--;
    slot.phase = phase;
    this.ready = this.ready.filter((other) => other !== slot);
  }

  #exited(slot: Slot, exitCode: number, error: unknown): void {
    if (slot.phase === Phase.GONE) return;
    const expected = slot.phase === Phase.ENDING;
    this.#leave(slot, Phase.GONE);
    this.slots.delete(slot);
    for (const timer of [slot.killTimer, slot.idleTimer, slot.exitTimer]) clearTimeout(timer);
    const progress = this.#employer.gone(slot, exitCode, error ?? slot.reason);
    if (!expected) this.#noteDeath(slot, exitCode, error, progress);
    this.#employer.changed();
  }

  #noteDeath(slot: Slot, exitCode: number, error: unknown, progress: boolean): void {
    this.deaths++;
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
    this.broken = new BrokenPoolError(
      `${MOST_DEATHS} workers of ${this.#plan.name} ended one after the other before they had done anything, the last with exit code ${exitCode}`,
      cause === undefined ? undefined : { cause },
    );
    this.#employer.broke(this.broken);
  }
}
