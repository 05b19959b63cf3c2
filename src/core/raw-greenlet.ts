/**
 * Greenlets as the `greenlet` package has them: coroutines that hand control to each other by `switch` and `throw`.
 * `Greenlet` builds on this class; `driver.ts` runs the frames of both.
 *
 * The object is kept small, for mass spawning is bound by the garbage collector: no private methods (they cost a hidden
 * field), and what few greenlets need stands in `Extras`.
 */
import { checkFunction, show } from './check.ts';
import { captureContext, contexts, detectContext } from './context.ts';
import { abandonWait, drive } from './driver.ts';
import {
  type BlockedGreenlet,
  GreenletExit,
  Interruption,
  InvalidSwitchError,
  isExit,
  WrongHubError,
} from './errors.ts';
import { Extras, type Interrupt, NONE, State } from './greenlet-state.ts';
import { hub as importedHub } from './hub.ts';
import { SUSPENDED as importedSUSPENDED, type Operation, type Step, type WaitPoint } from './operation.ts';
import { passUp, Switch, Throw } from './switch.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const SUSPENDED = importedSUSPENDED;
const { BLOCKED, ENDED, FAILED, GRANTED, NEW, READY, RUNNING, SWITCHED, THROWING } = State;

const nodeInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/**
 * A coroutine that hands control to another one by itself. Follows `greenlet.greenlet`.
 *
 * @example
 * ```ts
 * import { RawGreenlet, run } from 'genlet';
 *
 * await run(function* () {
 *   const echo = new RawGreenlet(function* (first: string) {
 *     let heard: unknown = first;
 *     for (;;) heard = yield* echo.parent!.switch(`echo ${heard}`);
 *   });
 *   console.log(yield* echo.switch('one')); // => echo one
 *   console.log(yield* echo.switch('two')); // => echo two
 * });
 * ```
 */
export class RawGreenlet {
  /** The next in the ready queue, or in a wait queue. @internal */
  next: any = null;
  /** The one before in a wait queue. @internal */
  prev: any = null;
  /** @internal */
  state: number = NEW;
  /** Arguments; then what the next resume hands over or throws; then the result or the error it died of. @internal */
  slot: any = undefined;
  /** The innermost generator; `null` before the first turn and after the last. @internal */
  frame: Generator<any, any, any> | null = null;
  /** @internal */
  fn: (...args: any[]) => unknown;
  /** @internal */
  waitPoint: WaitPoint | null = null;
  /** Tick of the hub at which it last blocked. After the end of a `Greenlet`: its place in the order of completion. @internal */
  since = 0;
  /** Its index among the greenlets that have ever blocked; negative before. @internal */
  place = -1;
  /** @internal */
  extras: Extras | undefined = undefined;
  /** Never used again for another greenlet of this thread. */
  readonly id: number;

  /** `parent` is the current greenlet by default, and `null` for the hub. */
  constructor(fn: (...args: any[]) => unknown, parent: RawGreenlet | null = hub.current ?? null) {
    checkFunction('function', fn);
    this.fn = fn;
    this.id = ++hub.made;
    if (parent !== null) this.extra().parent = parent;
    if (!contexts.used && hub.current === undefined) detectContext();
    if (contexts.used) this.extra().context = captureContext();
  }

  /** `Greenlet-7` unless another name was assigned. */
  get name(): string {
    return this.extras?.name ?? `${this.constructor.name}-${this.id}`;
  }

  set name(name: string) {
    this.extra().name = String(name);
  }

  /** Whether it has begun and not ended. */
  get started(): boolean {
    return this.state > NEW && this.state < ENDED;
  }

  /** Whether it has ended: returned, killed or failed. */
  get dead(): boolean {
    return this.state >= ENDED;
  }

  /** The error it died of; a `GreenletExit` counts as none. */
  get exception(): unknown {
    return this.state === FAILED ? this.slot : undefined;
  }

  /** @internal */
  get daemon(): boolean {
    return this.extras?.daemon === true;
  }

  /** Who gets control when this one ends; `undefined` for the hub. Assignable: no cycles, a greenlet of the same hub. */
  get parent(): RawGreenlet | undefined {
    return this.extras?.parent;
  }

  set parent(parent: RawGreenlet) {
    if (!(parent instanceof RawGreenlet)) {
      throw looksLikeGreenlet(parent)
        ? new WrongHubError('parent is a greenlet of another copy of genlet: use one of this hub')
        : new TypeError(`parent is ${show(parent)}: give a greenlet`);
    }
    for (let at: RawGreenlet | undefined = parent; at !== undefined; at = at.extras?.parent) {
      if (at === this)
        throw new InvalidSwitchError(`${parent.name} descends from ${this.name}: parents can't form a cycle`);
    }
    this.extra().parent = parent;
  }

  /**
   * Hands control to this greenlet and suspends the current one until somebody switches back. The first switch gives
   * the function its arguments; a later one the value of the pending `switch()`: nothing, the argument, or an array of
   * several. A dead one passes control to its nearest living ancestor; the current one returns at once.
   *
   * A kill of the suspended greenlet is thrown here. Wake order: control goes straight to the target.
   *
   * @throws {InvalidSwitchError} the target is blocked in the hub, ready, or running further down the native stack
   */
  switch(...args: unknown[]): Operation<any> {
    return new Switch(this, args);
  }

  /**
   * Throws `error` into this greenlet where it is suspended, in the manner of `switch`. Into an unstarted one: its
   * function never runs and the error surfaces in its parent; a `GreenletExit` becomes the parent's value.
   */
  throw(error: unknown = new GreenletExit()): Operation<any> {
    return new Throw(this, error);
  }

  // ---- what operations use

  /** In whose name it takes what it waits for. @internal */
  get principal(): RawGreenlet {
    return this;
  }

  /** Who runs the code that an operation calls. @internal */
  get runner(): RawGreenlet {
    return this;
  }

  /** Grants a blocked greenlet what it waits for and puts it at the end of the ready queue. @internal */
  wake(value: unknown): void {
    this.grant(value, false);
    hub.push(this);
  }

  /** As `wake`, with an error. @internal */
  fail(error: unknown): void {
    this.grant(error, true);
    hub.push(this);
  }

  /** @internal */
  grant(outcome: unknown, failed: boolean): void {
    this.slot = outcome;
    this.waitPoint = null;
    this.state = failed ? THROWING : GRANTED;
  }

  /** @internal */
  isBlocked(): boolean {
    return this.state === BLOCKED;
  }

  /** @internal */
  isRunning(): boolean {
    return this.state === RUNNING;
  }

  /** Whether only another greenlet or the event loop can bring it on. @internal */
  isSuspended(): boolean {
    return this.state === BLOCKED || this.state === SWITCHED;
  }

  /** Whether the hub waits for its end before it is idle. @internal */
  get counts(): boolean {
    return false;
  }

  /** @internal */
  isBlockedOn(point: WaitPoint): boolean {
    return this.waitPoint === point;
  }

  /** See `hub.park`. @internal */
  block(point: WaitPoint, tick: number): void {
    if (this.extras?.interrupts !== undefined) this.checkInterrupts();
    this.state = BLOCKED;
    this.waitPoint = point;
    if (this.place < 0) hub.roster.register(this);
    this.since = tick;
  }

  /** Goes to the end of the ready queue with a value it has been given, or an error. @internal */
  giveWay(outcome: unknown, failed = false): Step {
    this.slot = outcome;
    this.state = failed ? THROWING : GRANTED;
    hub.push(this);
    return SUSPENDED;
  }

  /** Goes to the end of the ready queue, with nothing to lose. @internal */
  yieldTurn(): Step {
    if (this.extras?.interrupts !== undefined) this.checkInterrupts();
    this.state = READY;
    hub.push(this);
    return SUSPENDED;
  }

  /**
   * Throws `error` into the greenlet: at once where it is suspended with nothing granted, else at its next suspension.
   * `shields` is the number of `shield()` bodies around the place that the error belongs to; `source` may withdraw it.
   * @internal
   */
  interrupt(error: unknown, shields = 0, source?: object): void {
    const { state } = this;
    if (this.dead) return;
    if (!(error instanceof Interruption)) this.extras?.sent?.add(error);
    const shielded = this.extras !== undefined && this.extras.shields > shields;
    if (shielded || state === RUNNING || state === GRANTED || state === THROWING) {
      this.postpone({ error, shields, source });
      return;
    }
    if (state === BLOCKED) this.waitPoint!.cancel(this as never);
    if (state === READY) {
      this.slot = error;
      this.state = THROWING;
    } else this.fail(error);
  }

  /** Keeps an error for the next suspension; two kills before that are one. @internal */
  postpone(interrupt: Interrupt): void {
    const extras = this.extra();
    extras.interrupts ??= [];
    const dying =
      (this.state === THROWING && isKill(this.slot)) || extras.interrupts.some(({ error }) => isKill(error));
    if (!dying || !isKill(interrupt.error)) extras.interrupts.push(interrupt);
    if (extras.interrupts.length === 0) extras.interrupts = undefined;
  }

  /** Takes back what `source` sent, if it is still waiting for a suspension. @internal */
  withdraw(source: object): void {
    const { extras } = this;
    const left = extras?.interrupts?.filter((interrupt) => interrupt.source !== source);
    if (left !== undefined) extras!.interrupts = left.length === 0 ? undefined : left;
  }

  /** Throws what a kill left pending, unless a shield keeps it off. @internal */
  checkInterrupts(): void {
    const { extras } = this;
    const interrupts = extras?.interrupts;
    if (interrupts === undefined) return;
    const index = interrupts.findIndex((interrupt) => interrupt.shields >= extras!.shields);
    if (index < 0) return;
    const [{ error }] = interrupts.splice(index, 1) as [Interrupt];
    if (interrupts.length === 0) extras!.interrupts = undefined;
    throw error;
  }

  /** An operation suspended the greenlet, and yet it runs on: see `abandonWait`. @internal */
  abandonWait(operation: { describe(): string }): TypeError {
    return abandonWait(this, operation);
  }

  /** @internal */
  extra(): Extras {
    this.extras ??= new Extras();
    return this.extras;
  }

  /** After `enterWith` inside the greenlet. @internal */
  recaptureContext(): void {
    this.extra().context = captureContext();
  }

  /** Runs until it suspends or ends; then `returnTo` goes on, or the hub. @internal */
  turn(returnTo?: RawGreenlet): void {
    drive(this, returnTo);
  }

  // ---- the end

  /** @internal */
  finish(state: number): void {
    if (this.place >= 0) hub.roster.unregister(this);
    this.state = state;
    this.frame = null;
    const { extras } = this;
    if (extras !== undefined) extras.interrupts = extras.frames = extras.lifetime = undefined;
  }

  /** The function returned: control and value go to the parent. @internal */
  ended(value: unknown): RawGreenlet | undefined {
    this.finish(ENDED);
    this.slot = value;
    return passUp(this, value, NONE);
  }

  /** The function threw: the error goes to the parent; an exit becomes its value. @internal */
  failed(error: unknown): RawGreenlet | undefined {
    if (isExit(error)) return this.ended(error);
    this.finish(FAILED);
    this.slot = error;
    return passUp(this, undefined, error);
  }

  /** To the ready queue for the first turn, after a delayed start. @internal */
  begin(): void {
    this.waitPoint = null;
    this.state = READY;
    hub.push(this);
  }

  /** Ends without ever having run. @internal */
  dieUnbegun(error: unknown): RawGreenlet | undefined {
    if (this.state === READY) hub.unpush(this);
    else if (this.state === BLOCKED) this.waitPoint!.cancel(this as never);
    this.waitPoint = null;
    return this.failed(error);
  }

  /** Gets ready to run next by a switch; throws into the caller where that can't be. @internal */
  accept(args: unknown[]): void {
    if (this.state === SWITCHED) {
      this.waitPoint = null;
      this.slot = args.length > 1 ? args : args[0];
      return;
    }
    const unbegun = this.frame === null;
    if (this.state === READY && unbegun) hub.unpush(this);
    else if (this.state === BLOCKED && unbegun) this.waitPoint!.cancel(this as never);
    else if (this.state !== NEW) throw this.unreachable();
    this.waitPoint = null;
    if (args.length > 0) this.slot = args;
  }

  /** As `accept`, to run next with an error; it has begun. @internal */
  acceptError(error: unknown): void {
    if (this.state === BLOCKED) this.waitPoint!.cancel(this as never);
    else if (this.state !== SWITCHED) throw this.unreachable();
    this.grant(error, true);
  }

  /** @internal */
  unreachable(): InvalidSwitchError {
    return new InvalidSwitchError(`can't switch to ${this.name}: it ${describeState(this)}`);
  }

  /** @internal */
  blockedReport(now: number): BlockedGreenlet {
    const spawnedAt = this.extras?.spawnStack?.split('\n', 1)[0]?.trim();
    const waitsFor = this.waitPoint?.describe() ?? 'its turn';
    return { name: this.toString(), waitsFor, since: Math.max(0, Math.floor(now) - this.since), spawnedAt };
  }

  /** How it appears in messages: class, name and function. */
  toString(): string {
    const fn = this.fn.name;
    return `<${this.name}${fn ? ` ${fn}` : ''}>`;
  }

  /** As `console.log` shows it. @internal */
  [nodeInspect](): string {
    return this.toString();
  }
}

const isKill = (error: unknown): boolean => isExit(error) && !(error instanceof Interruption);

function describeState(greenlet: RawGreenlet): string {
  if (greenlet.state === BLOCKED) return `waits for ${greenlet.waitPoint!.describe()}`;
  if (greenlet.state === RUNNING) return 'is running, below this one on the native stack';
  return 'is ready to run already';
}

function looksLikeGreenlet(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'checkInterrupts' in value;
}
