/** `Process`: a coroutine function that runs in a process of its own. */
import { checkCallback, checkFunction, checkIterable, checkOptions, checkTimeout, show } from '../../core/check.ts';
import { InvalidStateError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import type { Waitable } from '../../core/wait.ts';
import { ExitLinks } from '../../io/popen-exit.ts';
import { adoptAuthkey, processAuthkey } from '../manager/authkey.ts';
import { checkNotImporting, type FunctionReference, programUrl, type Referable, referenceTo } from '../reference.ts';
import { Child, type ChildOwner } from './child-process.ts';
import { addChild, removeChild } from './children.ts';
import { ExitWait } from './exit-wait.ts';
import { commit, encode } from './frame.ts';
import { estate, inherit } from './inheritance.ts';

/** Options of `Process`. */
export interface ProcessOptions {
  /** `Process-1` and so on by default, `Process-1:2` for the second one that `Process-1` makes. */
  name?: string;
  /** Whether it is ended when this process ends, instead of being waited for. */
  daemon?: boolean;
}

/** What the child is told first. @internal */
export interface Order {
  readonly name: string;
  readonly daemon: boolean;
  readonly target: FunctionReference | undefined;
  readonly args: readonly unknown[];
  /** The class, if it is a subclass, and the fields of the instance. */
  readonly subclass: FunctionReference | undefined;
  readonly fields: Record<string, unknown>;
  readonly program: string | undefined;
  /** What the program was called with. */
  readonly argv: readonly string[];
  readonly estate: Record<string, unknown>;
}

/** How long a process has to say that it heard SIGTERM, in milliseconds. */
const GRACE = 1000;

const State = { NEW: 0, RUNNING: 1, ENDED: 2, SELF: 3 } as const;

inherit('authkey', processAuthkey, adoptAuthkey);

let made = 0;
/** This process itself. */
let self: Process | undefined;

/**
 * A process that runs a function: a coroutine function, a plain or an async one. Follows `multiprocessing.Process`.
 *
 * The function is found by its module and the name of its export: mark it with `task`, or export it from the main program
 * and begin that with `main`. Its arguments are structured clones; connections, queues and locks stay what they are. What
 * it returns is dropped: send it through a queue. An error in it is printed to stderr with the name of the process, which
 * then ends with exit code 1. Standard output and error are those of this process, standard input is empty.
 *
 * A subclass may override `*run()` instead; it must be found in the same way. Its constructor does not run over there: the
 * public fields of the object are cloned, so private ones (`#name`) can't be used in `run`.
 *
 * This process stays alive until its processes have ended. Daemons are ended when it ends. If it dies, or calls
 * `process.exit()`, its processes end, too, as soon as they come by their event loop: their main greenlets are killed.
 *
 * It can be given to `wait()` and `iwait()`: ready when it has ended.
 *
 * @example
 * ```ts
 * import { currentProcess, main, Process } from 'genlet/workers';
 *
 * export function* greet(name: string) {
 *   console.log(`hello ${name}, says ${currentProcess().name}`);
 * }
 *
 * export class Counter extends Process {
 *   readonly last: number;
 *
 *   constructor(last: number) {
 *     super();
 *     this.last = last;
 *   }
 *
 *   override *run() {
 *     for (let i = 1; i <= this.last; i++) console.log(i);
 *   }
 * }
 *
 * main(import.meta.url, function* () {
 *   const greeter = new Process(greet, ['Bob'], { name: 'greeter' });
 *   greeter.start();
 *   yield* greeter.join(); // => hello Bob, says greeter
 *   console.log(greeter.exitcode, greeter.isAlive()); // => 0 false
 *   const counter = new Counter(2);
 *   counter.start();
 *   yield* counter.join();
 *   // => 1
 *   // => 2
 * });
 * ```
 */
export class Process implements Waitable {
  readonly #target: Referable | undefined;
  readonly #args: readonly unknown[];
  #name: string;
  #daemon: boolean;
  #state: number = State.NEW;
  #child: Child | undefined;
  #links: ExitLinks | undefined;
  #exitcode: number | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #sentinel: Sentinel | undefined;

  /** @throws {TypeError} an argument is of another kind */
  constructor(
    target?: ((...args: any[]) => unknown) | null,
    args: Iterable<unknown> = [],
    options: ProcessOptions = {},
  ) {
    if (target !== undefined && target !== null) checkFunction('target', target);
    checkIterable('args', args);
    checkOptions(options, "{ name: 'a name' } or { daemon: true }");
    const { name, daemon = self?.daemon ?? false } = options;
    if (name !== undefined && typeof name !== 'string') throw new TypeError(`name is ${show(name)}: give a string`);
    if (typeof daemon !== 'boolean') throw new TypeError(`daemon is ${show(daemon)}: give true or false`);
    this.#target = target ?? undefined;
    this.#args = [...args];
    const prefix = self === undefined || self.name === MAIN ? 'Process-' : `${self.name}:`;
    this.#name = name ?? `${prefix}${++made}`;
    this.#daemon = daemon;
  }

  /** What the process does: calls the target. A subclass may override it; it may be a plain or async function, too. */
  run(): unknown {
    return this.#target === undefined ? undefined : this.#call(this.#target as never);
  }

  *#call(target: (...args: unknown[]) => unknown): Coroutine<unknown> {
    return yield* callAndWait(() => target(...this.#args));
  }

  /** Assignable, before the start. */
  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    if (typeof name !== 'string') throw new TypeError(`name is ${show(name)}: give a string`);
    this.#checkNew('its name can be set before the start only');
    this.#name = name;
  }

  /** Whether it is ended when this process ends, instead of being waited for. Assignable, before the start. */
  get daemon(): boolean {
    return this.#daemon;
  }

  set daemon(daemon: boolean) {
    if (typeof daemon !== 'boolean') throw new TypeError(`daemon is ${show(daemon)}: give true or false`);
    this.#checkNew('it can be made a daemon before the start only');
    this.#daemon = daemon;
  }

  /** Its number in the system; `undefined` before the start. */
  get pid(): number | undefined {
    return this.#state === State.SELF ? process.pid : this.#child?.process.pid;
  }

  /** Its exit code; if a signal ended it, minus the signal's number; `undefined` before it has ended. */
  get exitcode(): number | undefined {
    return this.#exitcode;
  }

  /** Whether it was started and has not ended, as far as is known: that it has is heard of when the hub polls. */
  isAlive(): boolean {
    return this.#state === State.RUNNING || this.#state === State.SELF;
  }

  /** Whether it has ended, as all that can be waited for has it. */
  ready(): boolean {
    return this.#state === State.ENDED;
  }

  /**
   * Starts it. Acts at once, and does not suspend: what it is given is cloned by then.
   *
   * @throws {TypeError} the target, or the subclass, can't be found by another process
   * @throws {UncloneableError} an argument can't be sent, or a field of a subclass
   * @throws {InvalidStateError} it was started already, or is started while another process imports this module
   */
  start(): void {
    this.#checkNew('it can be started once');
    checkNotImporting(`Process ${this.name}`);
    const subclass = Object.getPrototypeOf(this).constructor as typeof Process;
    const { name, daemon } = this;
    const order: Order = {
      name,
      daemon,
      target: this.#target === undefined ? undefined : referenceTo(this.#target),
      args: this.#args,
      subclass: subclass === Process ? undefined : referenceTo(subclass),
      fields: Object.fromEntries(Object.entries(this)),
      program: programUrl(),
      argv: process.argv.slice(1),
      estate: estate(),
    };
    const draft = encode(order, `Process ${name}`);
    const child = new Child(this.#owner());
    this.#child = child;
    this.#state = State.RUNNING;
    this.#links = new ExitLinks(this, daemon ? child.process : undefined);
    addChild(this);
    child.link.control(commit(draft));
  }

  #owner(): ChildOwner {
    return {
      // It has heard the SIGTERM, and ends in its own time.
      onControl: () => clearTimeout(this.#killTimer),
      onExit: (exitcode) => this.#ended(exitcode),
      onError: (error) => {
        this.#ended(1);
        hub.handleError(error, undefined, `the start of Process ${this.name}`);
      },
      toString: () => String(this),
    };
  }

  #ended(exitcode: number): void {
    clearTimeout(this.#killTimer);
    this.#state = State.ENDED;
    this.#exitcode = exitcode;
    removeChild(this);
    this.#links!.notify();
  }

  /**
   * Waits until it has ended, at most `timeout` milliseconds: `isAlive()` or `exitcode` tell which of both it was.
   * Suspends; a kill just ends the wait. Those who wait wake in the order of their calls.
   *
   * @throws {InvalidStateError} it was not started, or is this process
   * @throws {RangeError} `timeout` is negative or NaN
   */
  join(timeout?: number | null): Operation<void> {
    const limit = checkTimeout(timeout);
    if (this.#state === State.SELF) throw new InvalidStateError(`${this} would wait for its own end for ever`);
    this.#checkStarted('join()');
    return new ExitWait(this, limit);
  }

  /**
   * Asks it to end, by SIGTERM: its main greenlet is killed, so that `finally` blocks run, and it dies of the signal: its
   * `exitcode` is -15. If it does not come by its event loop within a second, it is ended by SIGKILL. A process that
   * listens for SIGTERM itself does as it likes. Does not suspend; nothing happens if it has ended, or was asked before.
   *
   * @throws {InvalidStateError} it was not started
   */
  terminate(): void {
    const { process } = this.#checkStarted('terminate()');
    if (this.#state === State.ENDED || this.#killTimer !== undefined) return;
    process.kill('SIGTERM');
    this.#killTimer = setTimeout(() => process.kill('SIGKILL'), GRACE).unref();
  }

  /**
   * Ends it by SIGKILL, which it can't refuse: its `exitcode` is -9. Does not suspend; nothing happens if it has ended.
   *
   * @throws {InvalidStateError} it was not started
   */
  kill(): void {
    const { process } = this.#checkStarted('kill()');
    if (this.#state !== State.ENDED) process.kill('SIGKILL');
  }

  /**
   * What is ready when it has ended, for `wait()`.
   *
   * @throws {InvalidStateError} it was not started
   */
  get sentinel(): Waitable {
    this.#checkStarted('sentinel');
    this.#sentinel ??= new Sentinel(this);
    return this.#sentinel;
  }

  /**
   * Calls `callback(process)` in the hub, once, when it has ended; in the next pass if it has already.
   *
   * @throws {InvalidStateError} it was not started
   */
  rawlink(callback: (process: this) => void): void {
    this.#checkStarted('rawlink()');
    this.#links!.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (process: this) => void): void {
    this.#links?.remove(callback);
  }

  #checkNew(rule: string): void {
    if (this.#state !== State.NEW) throw new InvalidStateError(`${this} was started already: ${rule}`);
  }

  #checkStarted(call: string): Child {
    if (this.#child === undefined)
      throw new InvalidStateError(`${call} of ${this}, which was not started: call start()`);
    return this.#child;
  }

  /** `Process Process-1`, with its name. */
  toString(): string {
    return `Process ${this.#name}`;
  }

  /** Makes it that of the process in which this runs. @internal */
  become(): void {
    this.#state = State.SELF;
    self = this;
    made = 0;
  }

  /** For `beforeExit`: a daemon is waited for from now on, until it has ended. @internal */
  endDaemon(): void {
    this.#child!.process.ref();
    this.terminate();
    this.#killTimer?.ref();
  }
}

/** Stands for the end of a process. */
class Sentinel implements Waitable {
  readonly #process: Process;
  readonly #callbacks = new Map<(sentinel: any) => void, (() => void)[]>();

  constructor(process: Process) {
    this.#process = process;
  }

  rawlink(callback: (sentinel: any) => void): void {
    checkCallback('link', callback);
    const call = (): void => {
      this.#forget(callback);
      callback(this);
    };
    const calls = this.#callbacks.get(callback);
    if (calls === undefined) this.#callbacks.set(callback, [call]);
    else calls.push(call);
    this.#process.rawlink(call);
  }

  unlink(callback: (sentinel: any) => void): void {
    const call = this.#forget(callback);
    if (call !== undefined) this.#process.unlink(call);
  }

  #forget(callback: (sentinel: any) => void): (() => void) | undefined {
    const calls = this.#callbacks.get(callback);
    const call = calls?.shift();
    if (calls?.length === 0) this.#callbacks.delete(callback);
    return call;
  }
}

const MAIN = 'MainProcess';

/**
 * The process in which this runs; in the main program, one that is called `MainProcess`. Follows
 * `multiprocessing.current_process`.
 *
 * @example
 * ```ts
 * import { currentProcess } from 'genlet/workers';
 *
 * console.log(currentProcess().name, currentProcess().pid === process.pid); // => MainProcess true
 * ```
 */
export function currentProcess(): Process {
  if (self === undefined) new Process(null, [], { name: MAIN }).become();
  return self!;
}
