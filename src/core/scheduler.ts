/**
 * The scheduler under `Hub`: ready queue, run loop, timers, errors.
 *
 * 1. Greenlets and callbacks that can run stand in one first-in-first-out list, linked through themselves.
 * 2. A drain runs them for at most `switchInterval`, then goes back to libuv by `setImmediate`, so that I/O and timers
 *    are polled even while greenlets are always ready. Wake-ups from libuv's callbacks are collected and run by one
 *    drain in the check phase of the same loop turn. Never from a microtask or `nextTick` that refills itself: it
 *    would starve I/O for good.
 * 3. All that `sync` and `io` use of it is `self`, `ready`, `park`, `deadline`, and the greenlet's `wake` and `fail`.
 *
 * All state lives in the fields of one object: kept in module variables, a switch costs 1.6 times as much.
 */
import { Callback, type Runnable } from './callback.ts';
import { type Clock, RealClock } from './clock.ts';
import { contexts } from './context.ts';
import { Deadline, type Expirable } from './deadline.ts';
import { DEV } from './dev.ts';
import { BlockingSwitchOutError, InvalidStateError, NotInGreenletError, WrongHubError } from './errors.ts';
import { readClock, setImmediate } from './node-timers.ts';
import { RESULT as importedRESULT, SUSPENDED as importedSUSPENDED, type Step, type WaitPoint } from './operation.ts';
import { seededRandom } from './random.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { printError } from './report.ts';
import { Roster } from './roster.ts';
import { Ref, type Timer, TimerQueue } from './timers.ts';

// Constants of this module, not imported bindings: see `State`.
const RESULT = importedRESULT;
const SUSPENDED = importedSUSPENDED;
const nodeImmediate = setImmediate;
const clockNow = readClock;

/** Sees an error that nobody took: of a greenlet, or (`greenlet` undefined) of a callback, a link or a tracer. */
export type ErrorHandler = (error: unknown, greenlet: RawGreenlet | undefined, context: string) => void;

/** Sees every switch and throw: `undefined` stands for the hub. Follows `greenlet.settrace`. */
export type Tracer = (
  event: 'switch' | 'throw',
  origin: RawGreenlet | undefined,
  target: RawGreenlet | undefined,
) => void;

/** Turns between two readings of the clock: adapted between 1 and this, aiming at `CHECK_EVERY` ms. */
const MOST_TURNS = 256;
const CHECK_EVERY = 0.02;
/** Promise reactions that drain on their own between two readings of the clock. */
const INLINE_CHECK = 32;
/** Slices after which an error counts as not taken, on a hub that always has something ready. */
const PATIENCE = 8;

const realClock = new RealClock();

/** Every hub in this thread: one for each loaded copy of genlet. @internal */
const registry = Symbol.for('genlet.hubs');
const globals = globalThis as { [registry]?: { current: unknown }[] };
globals[registry] ??= [];
const allHubs: { current: unknown }[] = globals[registry];

/** The part of a hub that runs things; its public face is `Hub`. */
export class Scheduler {
  /** Longest time in milliseconds that ready greenlets run before I/O is polled. Follows `gevent.setswitchinterval`. */
  switchInterval = 0.2;
  /** Makes the choices that the semantics leave open, such as that of `select`: a number from 0 up to 1. Seeded, so that programs repeat. */
  random: () => number = seededRandom(1);
  /** Replaces the printing of errors that nobody took; `'throw'` makes each an uncaught exception of the process. */
  onError: ErrorHandler | 'throw' | undefined = undefined;

  /** The greenlet that runs now; `undefined` in callbacks and in ordinary code. @internal */
  current: RawGreenlet | undefined = undefined;
  /** Native frames of spawned or called coroutines that lie on each other; bounded. @internal */
  nest = 0;
  /** Turns and ready operations left until the clock is read. @internal */
  budget: number = MOST_TURNS;
  /** Greenlets that wait for something outside, so that a virtual clock must not run ahead. @internal */
  outside = 0;
  /** Where a raw switch goes. @internal */
  target: RawGreenlet | undefined = undefined;
  /** The generator that a `coroutine()` call is about to enter. @internal */
  callee: Generator<any, any, any> | undefined = undefined;
  /** Whether turns take the longer way: a storage is in use, or a tracer is installed. @internal */
  observed: boolean = contexts.used;
  /** Set while a tracer is installed. @internal */
  tracer: Tracer | undefined = undefined;
  /** The last one that ran, for the tracer. @internal */
  origin: RawGreenlet | undefined = undefined;
  /** The time of the last reading of the clock in whole milliseconds. @internal */
  tick = 0;
  /** Turns given to greenlets. @internal */
  switches = 0;
  /** Greenlets ever made: the last one's id. @internal */
  made = 0;
  /** @internal */
  timers: TimerQueue = new TimerQueue();
  /** Failed greenlets whose error nobody has taken yet. @internal */
  readonly untaken: Set<RawGreenlet> = new Set();
  /** The greenlets of this hub. @internal */
  readonly roster: Roster = new Roster(this);
  /** @internal */
  longest: { ms: number; greenlet: RawGreenlet | undefined } = { ms: 0, greenlet: undefined };

  #head: Runnable | null = null;
  #tail: Runnable | null = null;
  #running = false;
  /** A drain is on its way by `setImmediate`. */
  #armed = false;
  #batch = MOST_TURNS;
  /** The last reading of the real clock, and the one at which the slice began. */
  #read = 0;
  #sliceStart = 0;
  #virtualTurns = 0;
  /** Whether the last reading of the clock found the slice over. */
  #sliceOver = false;
  #inlineLeft = INLINE_CHECK;
  /** When the event loop last came by. */
  #turnStart = 0;
  #busyDrains = 0;
  #clock: Clock = realClock;
  #idlers: RawGreenlet[] = [];
  #tracking = DEV;

  /** Whether `spawn` records spawner, stack and tree-locals (2 us each), and every slice is timed. On with `GENLET_DEV=1`. */
  get tracking(): boolean {
    return this.#tracking;
  }

  set tracking(tracking: boolean) {
    this.#tracking = tracking;
    this.budget = 1; // the clock is to be read after this very turn
  }

  constructor() {
    allHubs.push(this);
    process.on('beforeExit', () => this.stalled());
    contexts.onUse = () => {
      this.observed = true;
    };
    contexts.onEnter = () => this.current?.recaptureContext();
  }

  // ---- the kernel: what operations use

  /**
   * The greenlet that performs `operation`; throws where there is none, or where it was not performed by `yield*`.
   * `passed` is `arguments.length` of the operation's `next`: `yield*` passes one at the first call, everything else none.
   * @internal
   */
  self(operation: { describe(): string }, passed = 1): RawGreenlet {
    const me = this.current;
    if (me === undefined) throw this.#outside(operation);
    if (passed === 0 || !me.isRunning()) throw me.abandonWait(operation);
    if (--this.budget <= 0) this.#endSlice(me);
    return me;
  }

  /** As `self`, where no kill may arrive. @internal */
  owner(operation: { describe(): string }): RawGreenlet {
    const me = this.current;
    if (me === undefined) throw this.#outside(operation);
    return me;
  }

  /** If the slice is over, leaves the budget at 0, so that a ready operation gives way; a kill may arrive there. */
  #endSlice(me: RawGreenlet): void {
    if (!this.#sliceOver && !this.#checkTime(me)) return;
    this.budget = 0;
    me.checkInterrupts();
  }

  /** The answer of an operation that need not block. When the slice is over it gives way, so that loops of such operations can't starve others. @internal */
  ready(value: unknown): Step {
    if (this.budget <= 0) return this.#giveWay(value);
    RESULT.value = value;
    return RESULT;
  }

  /** The answer of an operation that fails at once; a loop of polls must not starve others either. @internal */
  refuse(error: unknown): Step {
    if (this.budget > 0) throw error;
    return this.#giveWay(error, true);
  }

  #giveWay(outcome: unknown, failed = false): Step {
    // On top of a parent, only now and then: a tree of children that never wait would else be suspended as a whole.
    if (this.nest > 0) this.budget = MOST_TURNS;
    return this.current!.giveWay(outcome, failed);
  }

  /** Blocks the current greenlet on `point`. Call it first and register afterwards: it throws what a kill left pending. @internal */
  park(me: RawGreenlet, point: WaitPoint): Step {
    me.block(point, this.tick);
    return SUSPENDED;
  }

  /** Starts a time limit of `ms` for a wait. @internal */
  deadline(me: RawGreenlet, wait: Expirable, ms: number, ref: number = me.daemon ? Ref.DAEMON : Ref.PROCESS): Deadline {
    const deadline = new Deadline(this, me, wait);
    deadline.ref = ref;
    this.startTimer(deadline, ms);
    return deadline;
  }

  /** @internal */
  startTimer(timer: Timer, ms: number): void {
    this.timers.start(timer, ms);
    if (!this.#running) this.#rest();
  }

  /** Puts a greenlet or callback at the end of the ready queue. @internal */
  push(runnable: Runnable): void {
    const tail = this.#tail;
    if (tail === null) this.#head = runnable;
    else tail.next = runnable;
    this.#tail = runnable;
    if (!this.#running && !this.#armed) this.#arm();
  }

  /** Takes something out of the ready queue: linear, for the rare cases. @internal */
  unpush(runnable: Runnable): void {
    let before: Runnable | null = null;
    for (let at = this.#head; at !== null; before = at, at = at.next) {
      if (at !== runnable) continue;
      if (before === null) this.#head = at.next;
      else before.next = at.next;
      if (this.#tail === at) this.#tail = before;
      at.next = null;
      return;
    }
  }

  /** What stands in the ready queue. @internal */
  *queued(): Generator<Runnable, void, undefined> {
    for (let runnable = this.#head; runnable !== null; runnable = runnable.next) yield runnable;
  }

  /**
   * Wakes `me` in a promise's reaction and runs it there and then, as `await` does: a turn of the event loop would cost
   * 0.7 us. When a slice's time has gone by since the last turn, or others are ready, it takes the ordinary way.
   * @internal
   */
  wakeInline(me: RawGreenlet, outcome: unknown, failed: boolean): void {
    if (this.#running || this.#armed || this.#inlineLeft === 0) {
      if (failed) me.fail(outcome);
      else me.wake(outcome);
      return;
    }
    const check = --this.#inlineLeft === 0;
    this.#running = true;
    me.grant(outcome, failed);
    me.turn();
    this.current = undefined;
    RESULT.value = undefined;
    if (check || this.#hasWork()) this.#drain(check);
    else this.#running = false;
    if (check && this.#read - this.#turnStart < this.switchInterval) this.#inlineLeft = INLINE_CHECK;
  }

  /** Whether something is left for the end of a drain. */
  #hasWork(): boolean {
    return (
      this.#head !== null ||
      this.timers.size > 0 ||
      this.untaken.size > 0 ||
      this.roster.hasWork() ||
      this.#idlers.length > 0 ||
      this.#clock !== realClock
    );
  }

  /** Resumes `me` when nothing else is ready. @internal */
  whenIdle(me: RawGreenlet): void {
    this.#idlers.push(me);
  }

  /** @internal */
  forgetIdler(me: RawGreenlet): void {
    this.#idlers = this.#idlers.filter((idler) => idler !== me);
  }

  // ---- the run loop

  #arm(): void {
    this.#armed = true;
    nodeImmediate(this.#turn);
  }

  /** Entered from the event loop: by `setImmediate`, or by the clock. */
  #turn = (): void => {
    this.#armed = false;
    this.#inlineLeft = INLINE_CHECK;
    if (this.#running) return;
    this.#running = true;
    if (this.#head === null) this.#releaseIdlers();
    this.#drain(true);
    this.#turnStart = this.#read;
  };

  #drain(readClock: boolean): void {
    if (readClock) {
      this.#read = clockNow();
      const now = this.#clock === realClock ? this.#read : this.#clock.now();
      this.tick = Math.floor(now);
      this.timers.expire(now);
      this.budget = this.#batch;
      this.#sliceStart = this.#read;
      this.#virtualTurns = 0;
      this.#sliceOver = false;
    }
    let last: Runnable | undefined;
    for (let runnable = this.#head; runnable !== null; runnable = this.#head) {
      const { next } = runnable;
      this.#head = next;
      if (next === null) this.#tail = null;
      else runnable.next = null;
      last = runnable;
      last.turn();
      if (--this.budget <= 0 && (this.#sliceOver || this.#checkTime(last))) break;
    }
    this.current = undefined;
    RESULT.value = undefined;
    if (readClock && last !== undefined && this.budget !== this.#batch) this.#checkTime(last);
    if (this.untaken.size > 0) this.#reportUntaken();
    this.roster.endPass();
    this.#running = false;
    if (this.#head !== null) {
      if (!this.#armed) this.#arm();
    } else if (this.#idlers.length > 0) {
      if (!this.#armed) this.#arm();
    } else this.#rest();
  }

  /** Reads the clock: settles young timers, notes the longest slice, and adapts how often this is done. Tells whether the slice is over. */
  #checkTime(last: Runnable): boolean {
    const read = clockNow();
    const elapsed = read - this.#read;
    const turns = this.#batch - this.budget;
    this.#read = read;
    const now = this.#clock === realClock ? read : this.#clock.now();
    this.tick = Math.floor(now);
    this.timers.settle(now);
    if (elapsed > this.longest.ms) {
      const greenlet = turns <= 1 && !(last instanceof Callback) ? (last as RawGreenlet) : undefined;
      this.longest = { ms: elapsed, greenlet };
    }
    if (this.#clock !== realClock) {
      // The order of events must not depend on the machine's speed: a slice is a number of turns.
      this.#virtualTurns += turns;
      this.budget = this.#batch = this.#tracking ? 1 : MOST_TURNS;
      this.#sliceOver = this.#virtualTurns >= MOST_TURNS;
      return this.#sliceOver;
    }
    if (this.#tracking) this.#batch = 1;
    else if (elapsed > 2 * CHECK_EVERY) this.#batch = Math.max(1, ((turns * CHECK_EVERY) / elapsed) | 0);
    else if (elapsed < CHECK_EVERY && turns >= this.#batch) this.#batch = Math.min(MOST_TURNS, 2 * this.#batch);
    this.budget = this.#batch;
    this.#sliceOver = read - this.#sliceStart >= this.switchInterval;
    return this.#sliceOver;
  }

  /** Nothing is ready: leaves the waiting to the clock. */
  #rest(): void {
    if (this.#clock !== realClock && this.#isQuiet()) this.useClock(realClock);
    const { timers } = this;
    if (timers.size > 0 || this.#clock !== realClock) timers.settle(this.#clock.now());
    const ref = timers.refs > 0 || (timers.daemonRefs > 0 && this.roster.hasOrdinary());
    this.#clock.rest(timers.next(), ref, this.#turn);
  }

  #releaseIdlers(): void {
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const idler of idlers) idler.wake(undefined);
  }

  // ---- errors

  #outside(operation: { describe(): string }): Error {
    const name = operation.describe();
    const elsewhere = allHubs.some((other) => other !== this && other.current !== undefined);
    if (elsewhere) {
      return new WrongHubError(
        `${name} belongs to another copy of genlet than the greenlet that performs it: install one version`,
      );
    }
    return this.#running
      ? new BlockingSwitchOutError(
          `${name} would block a hub callback: spawn a greenlet there, or use a form that does not wait`,
        )
      : new NotInGreenletError(
          `${name} was performed outside a greenlet: put it into a coroutine given to run() or spawn()`,
        );
  }

  /**
   * Takes an error that nobody else took: prints it to stderr with the greenlet's name and spawn site, or gives it to
   * `onError`. Never throws.
   */
  handleError(error: unknown, greenlet: RawGreenlet | undefined, context: string): void {
    const { onError } = this;
    if (onError === 'throw') {
      queueMicrotask(() => {
        throw error;
      });
      return;
    }
    try {
      if (onError !== undefined) {
        onError(error, greenlet, context);
        return;
      }
    } catch (second) {
      printError(second, undefined, 'hub.onError');
    }
    printError(error, greenlet, context);
  }

  /** A greenlet failed: unless somebody takes the error by the end of the pass, it is reported. @internal */
  noteFailure(greenlet: RawGreenlet): void {
    this.untaken.add(greenlet);
    if (!this.#running && !this.#armed) this.#arm();
  }

  /** At the end of a pass, which is when nothing is ready, reports failures that nobody took. */
  #reportUntaken(): void {
    if (this.#head !== null && ++this.#busyDrains < PATIENCE) return;
    this.#busyDrains = 0;
    const failed = [...this.untaken];
    // After the microtasks that stand in line: an `await greenlet` in ordinary code asks for the result in one.
    queueMicrotask(() => {
      for (const greenlet of failed) {
        if (this.untaken.delete(greenlet)) this.handleError(greenlet.exception, greenlet, 'greenlet');
      }
    });
  }

  // ---- the clock

  /** The time of the hub's clock in milliseconds. Follows asyncio's `loop.time()`. */
  now(): number {
    return this.#clock.now();
  }

  /** Whether nothing is in the ready queue. @internal */
  get resting(): boolean {
    return this.#head === null;
  }

  /** Nothing is ready, nothing is due, and the event loop is empty. @internal */
  stalled(): void {
    if (this.#head === null) this.roster.stalled();
  }

  #isQuiet(): boolean {
    return this.roster.alive === 0 && this.timers.size === 0 && this.#head === null;
  }

  /** Takes time from `clock` from now on. @internal */
  useClock(clock: Clock): void {
    if (clock === this.#clock) return;
    if (this.timers.size > 0) {
      throw new InvalidStateError(
        `${this.timers.size} timer(s) run by another clock: give the clock to the first run() and let it end`,
      );
    }
    this.#clock.rest(Number.POSITIVE_INFINITY, false, this.#turn);
    this.#clock = clock;
    this.timers = new TimerQueue();
  }
}
