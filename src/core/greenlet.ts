/** `Greenlet`: a coroutine that the hub runs, with a result, links, and a way to kill it. */
import { fileURLToPath } from 'node:url';
import { checkCallback, checkDuration, checkFunction, checkOptions, checkTimeout } from './check.ts';
import { DEV, notePerformed, warn } from './dev.ts';
import { GreenletExit, InvalidSwitchError, isExit } from './errors.ts';
import { State } from './greenlet-state.ts';
import { hub as importedHub } from './hub.ts';
import { Get, Join, returned } from './join.ts';
import { Link } from './links.ts';
import type { Operation, Outcome, Suspension } from './operation.ts';
import { RawGreenlet } from './raw-greenlet.ts';
import { isSettable, type Settable } from './settable.ts';
import { StartTimer } from './start-timer.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const { BLOCKED, ENDED, FAILED, NEW, READY, RUNNING } = State;

/** Options of `kill` and `killall`. */
export interface KillOptions {
  /** Whether the returned operation waits for the end; `true` by default. */
  block?: boolean;
  /** How long it waits, in milliseconds. */
  timeout?: number | null;
}

/** Options of `get`. */
export interface GetOptions {
  /** `false`: throw at once if there is no result yet. */
  block?: boolean;
  /** How long to wait, in milliseconds. */
  timeout?: number | null;
}

/**
 * A coroutine that runs by itself: scheduled by the hub, joined, killed, linked to. Follows `gevent.Greenlet`.
 *
 * Make one with `spawn`, or as an object that is started later. A subclass may override `*run()` instead of passing a
 * function. A greenlet is an operation: `yield* greenlet` is `greenlet.get()`.
 *
 * @example
 * ```ts
 * import { Greenlet, run, sleep } from 'genlet';
 *
 * class Countdown extends Greenlet<string> {
 *   from = 3;
 *   override *run() {
 *     for (let left = this.from; left > 0; left--) yield* sleep(1);
 *     return 'lift-off';
 *   }
 * }
 *
 * await run(function* () {
 *   const countdown = new Countdown();
 *   countdown.start();
 *   console.log(yield* countdown); // => lift-off
 * });
 * ```
 */
export class Greenlet<T = unknown> extends RawGreenlet implements Operation<T>, PromiseLike<T> {
  /** The first of the links, which form a circle. @internal */
  links: Link | undefined = undefined;

  /** An unstarted greenlet that will call `fn` with `args`. */
  constructor(fn: (...args: any[]) => Operation<T>, ...args: unknown[]);
  constructor(fn: (...args: any[]) => PromiseLike<T>, ...args: unknown[]);
  constructor(fn?: (...args: any[]) => T, ...args: unknown[]);
  constructor(fn?: (...args: any[]) => Operation<T> | PromiseLike<T> | T, ...args: unknown[]) {
    super(fn === undefined ? unset : fn, null);
    if (fn === undefined) {
      if (this.run === Greenlet.prototype.run) {
        throw new TypeError('new Greenlet() got undefined: give a function, or override *run() in a subclass');
      }
      this.fn = () => this.run();
    }
    if (args.length > 0) this.slot = args;
    if (hub.tracking) this.track();
  }

  /** `new this(...)`, started; also of a subclass. Follows `Greenlet.spawn`. */
  static spawn<A extends unknown[], R>(this: typeof Greenlet, fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>>;
  static spawn<A extends unknown[], G extends Greenlet<any>>(this: new (...args: A) => G, ...args: A): G;
  static spawn(this: new (...args: any[]) => Greenlet<any>, ...args: unknown[]): Greenlet<any> {
    return new this(...args).start();
  }

  /** What runs; a subclass overrides it, as a generator method or a plain one. */
  run(): Operation<T> | PromiseLike<T> | T {
    throw new TypeError(`${this.name} has no function to run`);
  }

  // ---- state

  /** Whether it has ended, in whatever way. Follows `Greenlet.ready()`. */
  ready(): boolean {
    return this.dead;
  }

  /** Whether it has ended without an error. Being killed counts as success, as in gevent. */
  successful(): boolean {
    return this.state === ENDED;
  }

  /** What it returned; the `GreenletExit` that it was killed with; `undefined` until then and after a failure. */
  get value(): T | undefined {
    return this.state === ENDED ? this.slot : undefined;
  }

  /** The parent of a greenlet is the hub. */
  override get parent(): RawGreenlet | undefined {
    return undefined;
  }

  override set parent(_: RawGreenlet) {
    throw new InvalidSwitchError(`${this.name} belongs to the hub: only a RawGreenlet can be given another parent`);
  }

  /**
   * Whether it is a daemon: it does not keep the process alive, and is killed when the last greenlet that is none has
   * ended, so that its `finally` blocks run. Follows `threading.Thread.daemon`.
   */
  override get daemon(): boolean {
    return this.extras?.daemon ?? false;
  }

  override set daemon(daemon: boolean) {
    if (daemon === this.daemon) return;
    this.extra().daemon = daemon;
    if (this.started) hub.roster.countDaemon(daemon ? 1 : -1);
  }

  /** @internal */
  override get counts(): boolean {
    return !this.daemon;
  }

  /** Who spawned it; recorded while `hub.tracking` is on. Follows `spawning_greenlet`. */
  get spawner(): RawGreenlet | undefined {
    return this.extras?.spawner;
  }

  /** The stack of its creation; recorded while `hub.tracking` is on. Follows `spawning_stack`. */
  get spawnStack(): string | undefined {
    return this.extras?.spawnStack;
  }

  /** An object that a whole tree of greenlets shares; made while `hub.tracking` is on. Follows `spawn_tree_locals`. */
  get treeLocals(): Record<PropertyKey, unknown> | undefined {
    return this.extras?.treeLocals;
  }

  /** An `AbortSignal` that is aborted when the greenlet is killed or ends, for APIs that take one. Made on demand. */
  get signal(): AbortSignal {
    const extras = this.extra();
    if (extras.controller === undefined) {
      extras.controller = new AbortController();
      if (this.dead) extras.controller.abort(this.ending());
      else if (extras.killed !== undefined) extras.controller.abort(extras.killed);
    }
    return extras.controller.signal;
  }

  /** @internal */
  track(): void {
    const extras = this.extra();
    const spawner = hub.current;
    const stack = String(new Error().stack ?? '')
      .split('\n')
      .slice(1);
    extras.spawner = spawner;
    extras.spawnStack = stack.filter((line) => !insideGenlet(line)).join('\n');
    extras.treeLocals = spawner?.extras?.treeLocals ?? {};
  }

  // ---- start

  /** Schedules it: it begins after what is ready now. No effect if it was started before, or killed. */
  start(): this {
    if (this.state !== NEW) return this;
    this.state = READY;
    hub.roster.enlist(this);
    if (this.state === READY) hub.push(this); // a spawn hook may have killed it
    return this;
  }

  /** Starts it on top of `parent`, which goes on when this one first blocks. @internal */
  runNow(parent: RawGreenlet | undefined): void {
    this.state = READY;
    hub.roster.enlist(this);
    if (this.dead) return; // killed by a spawn hook
    const { nest } = hub;
    hub.nest = nest + 1;
    this.turn(parent);
    hub.nest = nest;
    hub.current = parent;
  }

  /** Starts it in `ms` milliseconds; it can be killed before. Follows `Greenlet.start_later`. */
  startLater(ms: number): this {
    checkDuration('delay', ms);
    if (this.state !== NEW) return this;
    this.state = BLOCKED;
    this.waitPoint = new StartTimer(this, ms);
    hub.roster.enlist(this);
    if (this.dead) return this; // killed by a spawn hook
    hub.roster.register(this);
    this.since = hub.tick;
    return this;
  }

  /** @internal */
  override accept(args: unknown[]): void {
    const fresh = this.state === NEW;
    super.accept(args);
    if (fresh) hub.roster.enlist(this);
  }

  // ---- the result

  /**
   * Waits for the end, for at most `timeout` milliseconds. Gives nothing and never throws the greenlet's error.
   * Suspends; a kill of the waiter ends the wait. Joiners wake in the order of their calls. Follows `Greenlet.join`.
   *
   * @throws {InvalidSwitchError} a greenlet joined itself
   */
  join(timeout?: number | null): Operation<void> {
    return new Join(this, checkTimeout(timeout), 'join');
  }

  /**
   * Waits for the value. Gives the `GreenletExit` if the greenlet was killed.
   * Suspends; a kill of the waiter ends the wait. Follows `Greenlet.get`.
   *
   * @throws the very error that the greenlet died of
   * @throws {Timeout} no result within `timeout` ms, or not at once with `block: false`
   */
  get(options: GetOptions = {}): Operation<T> {
    checkOptions(options, '{ block: false } or { timeout: milliseconds }');
    return new Get(this, options.block === false ? 0 : checkTimeout(options.timeout));
  }

  /** `yield* greenlet` is `greenlet.get()`. */
  [Symbol.iterator](): Iterator<Suspension, T, any> {
    if (this.state !== ENDED) return new Get<T>(this, undefined)[Symbol.iterator]();
    returned.value = this.slot;
    return returned;
  }

  /** The result as a promise, for ordinary code; its error counts as handled. */
  toPromise(): Promise<T> {
    const extras = this.extra();
    extras.promise ??= new Promise<T>((resolve, reject) => {
      const settle = () => {
        if (this.state === FAILED) reject(this.takeError());
        else resolve(this.slot);
      };
      if (this.dead) settle();
      else this.addLink(new Watch(settle));
    });
    return extras.promise;
  }

  /** Makes `await greenlet` work in ordinary code. */
  then<F = T, E = never>(
    onFulfilled?: ((value: T) => F | PromiseLike<F>) | null,
    onRejected?: ((reason: any) => E | PromiseLike<E>) | null,
  ): Promise<F | E> {
    return this.toPromise().then(onFulfilled, onRejected);
  }

  /** The error, which counts as taken from now on. @internal */
  takeError(): unknown {
    hub.untaken.delete(this);
    return this.slot;
  }

  // ---- kill

  /**
   * Throws `exception` into the greenlet, at once; the returned operation only waits for its end, and need not be
   * performed. Not begun: it never runs. Ended: nothing happens. Blocked: what it waits for is cancelled, nothing is
   * lost, and the exception is thrown there in the next pass; `finally` blocks may suspend. Already granted what it
   * waited for: thrown at its next suspension. Inside `shield()`: when that ends. A second kill during a `finally` that
   * suspends is thrown into it. Killing oneself throws at one's next suspension.
   *
   * Waiting stops after `timeout` ms, without an error. Follows `Greenlet.kill`.
   *
   * @example
   * ```ts
   * import { run, sleep, spawn } from 'genlet';
   *
   * await run(function* () {
   *   const worker = spawn(function* () {
   *     try {
   *       yield* sleep(60_000);
   *     } finally {
   *       console.log('cleaned up');
   *     }
   *   });
   *   yield* sleep(0);
   *   yield* worker.kill(); // => cleaned up
   *   console.log(worker.dead); // => true
   * });
   * ```
   */
  kill(exception: unknown = new GreenletExit(), options: KillOptions = {}): Operation<void> {
    checkOptions(options, '{ block: false } or { timeout: milliseconds }');
    const timeout = options.block === false ? 0 : checkTimeout(options.timeout);
    this.sendKill(exception);
    const wait = new Join(this, timeout, 'kill');
    if (DEV) notePerformed(wait);
    return wait;
  }

  /** @internal */
  sendKill(exception: unknown): void {
    if (this.dead) return;
    if (this.frame === null && this.state !== RUNNING) {
      this.dieUnbegun(exception);
      return;
    }
    this.extra().killed = exception;
    this.extras?.controller?.abort(exception);
    this.interrupt(exception);
  }

  // ---- links

  /**
   * Calls `callback(greenlet)` in the hub, in the pass after the end; it must not block. Follows `Greenlet.rawlink`.
   * Links of all kinds and joiners are served in the order of registration.
   */
  rawlink(callback: (greenlet: this) => void): void {
    checkCallback('link', callback);
    this.linkAs(callback as LinkTarget, 'raw');
  }

  /**
   * Calls `target(greenlet)` after the end in a greenlet of its own, where it may block; or stores the value or the error
   * in `target`, such as an `AsyncResult`. Takes the greenlet's error.
   */
  link(target: ((greenlet: this) => unknown) | Settable<T>): void {
    this.linkAs(target as LinkTarget, 'always');
  }

  /** As `link`, only if the greenlet ended without an error. */
  linkValue(target: ((greenlet: this) => unknown) | Settable<T>): void {
    this.linkAs(target as LinkTarget, 'value');
  }

  /** As `link`, only if the greenlet failed. */
  linkException(target: ((greenlet: this) => unknown) | Settable<T>): void {
    this.linkAs(target as LinkTarget, 'exception');
  }

  /** Takes back a link of any kind; nothing happens if there is none. */
  unlink(target: ((greenlet: this) => unknown) | Settable<T>): void {
    const link = Link.all(this).find((link) => link instanceof TargetLink && link.target === target);
    link?.removeFrom(this);
  }

  /** @internal */
  linkAs(target: LinkTarget, kind: LinkKind): void {
    if (!isSettable(target)) checkFunction('link', target);
    this.addLink(new TargetLink(target, kind));
  }

  /** Adds a link; to an ended greenlet it is served at once, which calls nobody before the next pass. @internal */
  addLink(link: Link): void {
    link.addTo(this);
    if (this.dead) link.notify(this);
  }

  // ---- the end

  /** @internal */
  override ended(value: unknown): undefined {
    if (DEV && isExit(this.extras?.killed) && this.extras?.interrupts === undefined && !isExit(value)) {
      warn(`${this} was killed and ended normally: a catch took the GreenletExit; rethrow it (isExit)`);
    }
    const enlisted = this.state !== NEW;
    this.finish(ENDED);
    this.slot = value;
    this.leave(enlisted);
  }

  /** @internal */
  override failed(error: unknown): undefined {
    if (isExit(error)) return this.ended(error);
    const enlisted = this.state !== NEW;
    this.finish(FAILED);
    this.slot = error;
    hub.noteFailure(this);
    this.leave(enlisted);
  }

  /** @internal */
  leave(enlisted: boolean): void {
    this.since = ++hub.roster.ended; // from now on: its place in the order of completion
    this.extras?.controller?.abort(this.ending());
    if (this.links !== undefined) Link.notifyAll(this);
    if (enlisted) hub.roster.retire(this);
  }

  /** @internal */
  ending(): unknown {
    return this.state === FAILED || isExit(this.slot) ? this.slot : new GreenletExit(`${this.name} has ended`);
  }
}

const unset = (): void => {};

const ownFolder = new URL('..', import.meta.url).href;
const insideGenlet = (line: string): boolean => line.includes(ownFolder) || line.includes(fileURLToPath(ownFolder));

type LinkKind = 'raw' | 'always' | 'value' | 'exception';
type LinkTarget = ((greenlet: Greenlet<any>) => unknown) | Settable<any>;

/** A user's link: its target is served in the next pass, unless it is taken back before. */
class TargetLink extends Link {
  readonly target: LinkTarget;
  readonly #kind: LinkKind;

  constructor(target: LinkTarget, kind: LinkKind) {
    super();
    this.target = target;
    this.#kind = kind;
  }

  notify(greenlet: Greenlet<any>): void {
    const failed = greenlet.state === FAILED;
    if (this.#kind === (failed ? 'value' : 'exception')) return;
    if (failed && this.#kind !== 'raw') greenlet.takeError();
    hub.callSoon(() => {
      if (!this.linked) return;
      this.removeFrom(greenlet);
      this.#serve(greenlet);
    });
  }

  #serve(greenlet: Greenlet<any>): void {
    const { target } = this;
    if (!isSettable(target)) {
      if (this.#kind === 'raw') target(greenlet);
      else new Greenlet(target, greenlet).runNow(undefined);
    } else if (greenlet.state !== FAILED) target.trySet(greenlet.slot);
    else if (!target.trySetException(greenlet.slot)) hub.handleError(greenlet.slot, greenlet, 'greenlet');
  }
}

/** For promises: called while the greenlet ends. */
class Watch extends Link {
  readonly #callback: () => void;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    this.#callback();
  }
}
