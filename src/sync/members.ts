/** What `Group` and `Pool` have in common: a set of greenlets that leave it when they end, and work done by them. */
import { checkFunction, checkOptions, checkTimeout, show } from '../core/check.ts';
import { Checkpoint } from '../core/checkpoint.ts';
import { composite } from '../core/dev.ts';
import { GreenletExit, InvalidSwitchError } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { Greenlet, type KillOptions } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine, Operation, Outcome } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { spawn, startNow } from '../core/spawn.ts';
import type { Waitable } from '../core/wait.ts';
import { type ImapOptions, Mapping } from './imap.ts';
import { type Items, iterate, SyncIteration } from './items.ts';
import { LotWait } from './lot-wait.ts';
import { ParkingLot } from './parking-lot.ts';
import { ReadyLinks } from './ready-links.ts';

/** Options of a group's `join`. */
export interface GroupJoinOptions {
  /** How long to wait, in milliseconds. */
  timeout?: number | null;
  /** Throw the first failure of a member when all have ended. */
  raiseError?: boolean;
}

/** Whom the error of a member is for: `join`, the call that waits for it, or whoever asks its greenlet. */
type ErrorGoes = 'to join' | 'to the caller' | 'with the greenlet';

/** Holds a greenlet in its group until it ends. */
class Membership extends Link {
  readonly #group: Members;
  readonly #errorGoes: ErrorGoes;

  constructor(group: Members, errorGoes: ErrorGoes) {
    super();
    this.#group = group;
    this.#errorGoes = errorGoes;
  }

  notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    this.#group.left(greenlet, this.#errorGoes);
  }
}

/** The base of `Group` and `Pool`, which tells when a greenlet may become a member. */
export abstract class Members implements Iterable<Greenlet<any>>, Waitable {
  readonly #members = new Map<Greenlet<any>, Membership>();
  readonly #joiners = new ParkingLot(this, 'join');
  readonly #isEmpty = (): boolean => this.#members.size === 0;
  readonly #links = new ReadyLinks(this, this.#isEmpty);
  /** The first member that failed and whose error `join` has not thrown yet. */
  #failed: Greenlet<any> | undefined;
  /** While a kill is going on: what newcomers are killed with. */
  #killing: { exception: unknown } | undefined;

  /** How many members have not ended. */
  get size(): number {
    return this.#members.size;
  }

  /** Whether there are no members, so that `join()` would not block. */
  ready(): boolean {
    return this.#isEmpty();
  }

  /** Calls `callback(group)` in the hub, once, when there are no members; in the next pass if there are none already. */
  rawlink(callback: (group: this) => void): void {
    this.#links.add(callback);
    if (this.#isEmpty()) this.#links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (group: this) => void): void {
    this.#links.remove(callback);
  }

  /** Whether `greenlet` is a member; it is none any more when it has ended. */
  has(greenlet: RawGreenlet): boolean {
    return this.#members.has(greenlet as Greenlet<any>);
  }

  /** The members, in the order in which they were added. */
  [Symbol.iterator](): Iterator<Greenlet<any>> {
    return this.#members.keys();
  }

  /** Lets a member go, which runs on; nothing happens if it is none. */
  discard(greenlet: Greenlet<any>): void {
    const membership = this.#members.get(greenlet);
    if (membership === undefined) return;
    membership.removeFrom(greenlet);
    this.#remove(greenlet);
  }

  /**
   * Waits until there are no members and gives `true`; `false` when `timeout` milliseconds are over. Members that join
   * meanwhile are waited for too. A kill ends the wait. Joiners wake in the order of their calls.
   *
   * With `raiseError`, the first failure is thrown when all have ended, also that of a member which ended before the
   * call; it is thrown once. Errors that went to the caller of `apply`, `map` and the like don't count.
   *
   * @throws {InvalidSwitchError} a member called it
   * @throws {RangeError} `timeout` is negative or NaN
   */
  join(options: GroupJoinOptions = {}): Operation<boolean> {
    checkOptions(options, '{ timeout: milliseconds } or { raiseError: true }');
    return composite('Group.join()', this.#join(checkTimeout(options.timeout), options.raiseError === true));
  }

  *#join(timeout: number | undefined, raiseError: boolean): Coroutine<boolean> {
    const me = hub.self(this.#joiners);
    if (this.has(me.principal)) throw new InvalidSwitchError(`${me.name} would wait for its own end: it is a member`);
    const over = yield* new LotWait(this.#joiners, this.#isEmpty, timeout);
    const failed = this.#failed;
    if (!over || !raiseError || failed === undefined) return over;
    this.#failed = undefined;
    throw failed.exception;
  }

  /**
   * Kills all members, at once and in order, as `greenlet.kill` does. The returned operation waits until there are none,
   * and need not be performed; until then newcomers are killed too. Those who wait for a place of a pool are no members:
   * they get it when all have ended. It stops waiting after `timeout` ms, without an
   * error. With `block: false` neither happens.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  kill(exception: unknown = new GreenletExit(), options: KillOptions = {}): Operation<void> {
    checkOptions(options, '{ block: false } or { timeout: milliseconds }');
    const timeout = checkTimeout(options.timeout);
    for (const member of [...this]) member.sendKill(exception);
    if (options.block === false || this.size === 0) return nothing();
    const killing = { exception };
    this.#killing = killing;
    return this.#awaitKill(killing, timeout);
  }

  *#awaitKill(killing: { exception: unknown }, timeout: number | undefined): Coroutine<void> {
    try {
      yield* new LotWait(this.#joiners, this.#isEmpty, timeout);
    } finally {
      if (this.#killing === killing) this.#killing = undefined;
    }
  }

  /** As `greenlet.kill(exception, options)`, if `greenlet` is a member. */
  killOne(greenlet: Greenlet<any>, exception?: unknown, options?: KillOptions): Operation<void> {
    return this.has(greenlet) ? greenlet.kill(exception, options) : nothing();
  }

  /**
   * Calls `fn(...args)` in a new member and gives its result. Suspends; a kill ends the wait, and the member runs on.
   * Called by a member, it runs `fn` in place, for there may never be another free place.
   *
   * @throws the error of `fn`
   */
  apply<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Operation<Outcome<R>> {
    checkFunction('apply() target', fn);
    return composite('Group.apply()', this.#apply(fn, args));
  }

  *#apply<A extends unknown[], R>(fn: (...args: A) => R, args: A): Coroutine<Outcome<R>> {
    if (this.has(hub.self({ describe: () => 'apply()' }).principal)) return yield* callAndWait(() => fn(...args));
    return yield* yield* this.startTask(fn, args);
  }

  /** As `apply`, without waiting: a greenlet that has its result. Acts at once, and never runs `fn` synchronously. */
  applyAsync<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>> {
    checkFunction('applyAsync() target', fn);
    if (this.tryPlace()) return this.#newTask(fn, args, 'with the greenlet').start();
    return spawn(() => this.#apply(fn, args)) as Greenlet<Outcome<R>>;
  }

  /**
   * Calls `fn(item)` in a member for each item, and gives the results in the order of the items. Suspends; a kill ends
   * the wait, and what has begun runs on.
   *
   * @throws the first error in the order of the items; the other members run on
   */
  map<T, R>(fn: (item: T) => R, items: Items<T>): Operation<Outcome<R>[]> {
    checkFunction('map() target', fn);
    return composite('Group.map()', this.#map(fn, iterate(items)));
  }

  *#map<T, R>(fn: (item: T) => R, items: Iteration<T>): Coroutine<Outcome<R>[]> {
    using source = items;
    yield* new Checkpoint('Group.map()');
    const tasks: Greenlet<Outcome<R>>[] = [];
    for (;;) {
      const step = source instanceof SyncIteration ? source.read() : yield* source.next();
      if (step.done) break;
      if (!this.tryPlace()) yield* this.awaitPlace();
      tasks.push(startNow(this.#newTask(fn, [step.value])));
    }
    const results: Outcome<R>[] = [];
    for (const task of tasks) results.push(yield* task);
    return results;
  }

  /** As `map`, without waiting: a greenlet that has the results. Acts at once. */
  mapAsync<T, R>(fn: (item: T) => R, items: Items<T>): Greenlet<Outcome<R>[]> {
    checkFunction('mapAsync() target', fn);
    const source = iterate(items);
    return spawn(() => this.#map(fn, source));
  }

  /**
   * As `map`, giving one result after the other in the order of the items, while the work goes on. An error is thrown by
   * `next()` at its place, and the next call goes on behind it. Items are read as they are needed: at most `maxsize` are
   * in work, or done and not read.
   *
   * `next()` suspends; a kill in it loses nothing. `using` it, leaving early kills what is in work.
   */
  imap<T, R>(fn: (item: T) => R, items: Items<T>, options: ImapOptions = {}): Iteration<Outcome<R>> {
    checkFunction('imap() target', fn);
    return new Mapping(this, fn, iterate(items), true, options);
  }

  /** As `imap`, giving results as they come. */
  imapUnordered<T, R>(fn: (item: T) => R, items: Items<T>, options: ImapOptions = {}): Iteration<Outcome<R>> {
    checkFunction('imapUnordered() target', fn);
    return new Mapping(this, fn, iterate(items), false, options);
  }

  // ---- for Group, Pool and Mapping

  /** How many places there are; 0 where they are not counted. @internal */
  get places(): number {
    return 0;
  }

  /** Takes a place for a member, if there is a free one. @internal */
  tryPlace(): boolean {
    return true;
  }

  /** Waits for a place and takes it. @internal */
  awaitPlace(): Operation<void> {
    return nothing();
  }

  /** A place has become free. @internal */
  release(): void {}

  /** Starts a member whose error goes to the caller, as soon as there is a place. @internal */
  *startTask<A extends unknown[], R>(fn: (...args: A) => R, args: A): Coroutine<Greenlet<Outcome<R>>> {
    if (!this.tryPlace()) yield* this.awaitPlace();
    return startNow(this.#newTask(fn, args));
  }

  #newTask<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: A,
    errorGoes: ErrorGoes = 'to the caller',
  ): Greenlet<Outcome<R>> {
    const task = new Greenlet<Outcome<R>>(fn as never, ...args);
    this.enroll(task, errorGoes);
    return task;
  }

  /** Makes `greenlet` a member. @internal */
  enroll(greenlet: Greenlet<any>, errorGoes: ErrorGoes): void {
    const membership = new Membership(this, errorGoes);
    this.#members.set(greenlet, membership);
    greenlet.addLink(membership);
    if (this.#killing !== undefined) greenlet.sendKill(this.#killing.exception);
  }

  /** A member has ended. @internal */
  left(greenlet: Greenlet<any>, errorGoes: ErrorGoes): void {
    if (!greenlet.successful() && errorGoes !== 'with the greenlet') {
      greenlet.takeError();
      if (errorGoes === 'to join') this.#failed ??= greenlet;
    }
    this.#remove(greenlet);
  }

  #remove(greenlet: Greenlet<any>): void {
    this.#members.delete(greenlet);
    this.release();
    if (this.size > 0) return;
    this.#killing = undefined;
    this.#joiners.wakeAll(true);
    this.#links.notify();
  }
}

function* nothing(): Coroutine<void> {}
/** @internal */
export function checkGreenlet(greenlet: unknown): void {
  if (!(greenlet instanceof Greenlet)) {
    throw new TypeError(`greenlet is ${show(greenlet)}: give a Greenlet, as spawn() makes them`);
  }
}
