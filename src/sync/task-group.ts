/** `taskGroup`: greenlets that cannot outlive the block that spawned them. */
import { checkFunction } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { GreenletExit, Interruption, InvalidStateError, isExit } from '../core/errors.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine, Operation, Outcome } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { startNow } from '../core/spawn.ts';
import { LotWait } from './lot-wait.ts';
import { ParkingLot } from './parking-lot.ts';

/** What `group.statistics()` gives. */
export interface TaskGroupStatistics {
  /** Greenlets of the group that have not ended. */
  readonly tasks: number;
}

/** The group that `taskGroup` gives to its function. */
export class TaskGroup {
  readonly #owner: RawGreenlet;
  readonly #shields: number;
  readonly #tasks = new Set<Greenlet<any>>();
  readonly #waiters = new ParkingLot(this, 'join');
  readonly #isEmpty = (): boolean => this.#tasks.size === 0;
  /** What tasks and the body died of, in that order. */
  readonly #errors: unknown[] = [];
  /** What the body is interrupted with when a task fails. */
  #interruption: Interruption | undefined;
  /** A kill or a timeout that came from outside the group. */
  #outside: { readonly error: unknown } | undefined;
  #inBody = true;
  #killing = false;
  #closed = false;

  /** @internal */
  constructor(owner: RawGreenlet) {
    this.#owner = owner;
    this.#shields = owner.extras?.shields ?? 0;
  }

  /** How many of its greenlets have not ended. */
  get size(): number {
    return this.#tasks.size;
  }

  /**
   * As `spawn`, for a greenlet of the group. Acts at once. While the group is being killed, the greenlet is killed before
   * it begins.
   *
   * @throws {InvalidStateError} the group has ended
   */
  spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>> {
    return this.#add('spawn', fn, args).start();
  }

  /** As `spawn`, running the greenlet at once until it first blocks. */
  spawnNow<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>> {
    return startNow(this.#add('spawnNow', fn, args));
  }

  #add<A extends unknown[], R>(call: string, fn: (...args: A) => R, args: A): Greenlet<Outcome<R>> {
    checkFunction(`${call}() target`, fn);
    if (this.#closed)
      throw new InvalidStateError(`${call}() in a task group that has ended: its greenlets can't outlive it`);
    const task = new Greenlet<Outcome<R>>(fn as never, ...args);
    this.#tasks.add(task);
    task.addLink(new Membership(this));
    if (this.#killing) task.sendKill(notNeeded());
    return task;
  }

  /** Counters of this moment. */
  statistics(): TaskGroupStatistics {
    return { tasks: this.#tasks.size };
  }

  /** @internal */
  ended(task: Greenlet<any>): void {
    this.#tasks.delete(task);
    if (!task.successful()) this.#failed(task);
    if (this.#tasks.size === 0) this.#waiters.wakeAll(true);
  }

  #failed(task: Greenlet<any>): void {
    this.#errors.push(task.takeError());
    if (this.#killing) return;
    this.#killTasks();
    if (!this.#inBody) return;
    this.#interruption = new Interruption('a task of its group failed');
    this.#owner.interrupt(this.#interruption, this.#shields, this);
  }

  #killTasks(): void {
    if (this.#killing) return; // a second exit would cut their `finally` blocks short
    this.#killing = true;
    for (const task of [...this.#tasks]) task.sendKill(notNeeded());
  }

  /** Runs the body, then waits for all tasks; throws what went wrong. @internal */
  *run(body: (group: TaskGroup) => unknown): Coroutine<any> {
    let value: unknown;
    try {
      value = yield* callAndWait(() => body(this));
      this.#leaveBody();
      yield* this.#join();
    } catch (error) {
      this.#leaveBody();
      this.#bodyFailed(error);
      this.#killTasks();
      yield* this.#joinShielded();
    } finally {
      this.#closed = true;
    }
    if (this.#outside !== undefined) throw this.#forOutside(this.#outside.error);
    if (this.#errors.length > 0) throw summary(this.#errors);
    return value;
  }

  #bodyFailed(error: unknown): void {
    if ((error !== undefined && error === this.#interruption) || this.#errors.includes(error)) return; // a task's, which it waited for
    if (this.#owner.extra().sent!.has(error) || isExit(error)) this.#outside = { error };
    else this.#errors.push(error);
  }

  /** What came first goes on; a kill or timeout that comes later waits for the next suspension, and is not lost. */
  *#joinShielded(): Coroutine<void> {
    const owner = this.#owner;
    owner.extra().shields++;
    try {
      yield* this.#join();
    } catch (error) {
      this.#outside ??= { error };
    } finally {
      owner.extra().shields--;
    }
    if (this.#outside !== undefined) return;
    try {
      owner.checkInterrupts();
    } catch (error) {
      this.#outside = { error };
    }
  }

  /** An outsider may add a task between the end of the last one and the owner's turn. */
  *#join(): Coroutine<void> {
    do yield* new LotWait(this.#waiters, this.#isEmpty, undefined);
    while (this.#tasks.size > 0);
  }

  /** From now on a failure need not interrupt the body. */
  #leaveBody(): void {
    this.#inBody = false;
    this.#owner.withdraw(this);
  }

  /** What came from outside must arrive there as it is, so what tasks died of is reported. */
  #forOutside(error: unknown): unknown {
    for (const other of this.#errors) hub.handleError(other, undefined, 'a taskGroup() that was killed');
    return error;
  }
}

class Membership extends Link {
  readonly #group: TaskGroup;

  constructor(group: TaskGroup) {
    super();
    this.#group = group;
  }

  notify(task: Greenlet<any>): void {
    this.removeFrom(task);
    this.#group.ended(task);
  }
}

const notNeeded = (): GreenletExit => new GreenletExit('its task group is ending');

function summary(errors: unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  return new AggregateError(errors, `${errors.length} tasks of a group failed`, { cause: errors[0] });
}

/**
 * Calls `body(group)`, and ends when it and all greenlets that it spawned by `group.spawn` have ended; gives what the body
 * returns. None of them can outlive it. Follows trio's nurseries and `asyncio.TaskGroup`.
 *
 * The first failure, of the body or of a greenlet, kills the others; when their `finally` blocks are done, it is thrown.
 * If others fail on the way, all are thrown in an `AggregateError`, in their order, with the first as its `cause`. The
 * body is interrupted by a `GreenletExit`. A greenlet that was killed has not failed.
 *
 * Suspends. A kill or a timeout from outside kills all, waits for them, and goes on as it is; what others die of then is
 * given to `hub.handleError`.
 *
 * @throws the first failure, or an `AggregateError` of several
 * @example
 * ```ts
 * import { run, sleep, taskGroup } from 'genlet';
 *
 * await run(function* () {
 *   try {
 *     yield* taskGroup(function* (group) {
 *       group.spawn(function* () {
 *         yield* sleep(1);
 *         throw new Error('no bread');
 *       });
 *       group.spawn(function* () {
 *         try {
 *           yield* sleep(60_000);
 *         } finally {
 *           console.log('cleaned up');
 *         }
 *       });
 *     });
 *   } catch (error) {
 *     console.log((error as Error).message);
 *   }
 *   // => cleaned up
 *   // => no bread
 * });
 * ```
 */
export function taskGroup<R>(body: (group: TaskGroup) => R): Operation<Outcome<R>> {
  checkFunction('body', body);
  return composite('taskGroup()', begin(body));
}

function* begin(body: (group: TaskGroup) => unknown): Coroutine<any> {
  const me = hub.self({ describe: () => 'taskGroup()' });
  const extras = me.extra();
  const { sent } = extras;
  extras.sent = sent ?? new Set(extras.interrupts?.map(({ error }) => error));
  try {
    return yield* new TaskGroup(me).run(body);
  } finally {
    extras.sent = sent;
  }
}
