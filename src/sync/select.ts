/**
 * `select`: several operations are waited for, and exactly one of them happens.
 *
 * Each operation is performed by a case, which it takes for a greenlet: it parks, wakes and cancels the case as it would
 * a greenlet. So whatever blocks once can be selected, and needs to know nothing of it. The cases are tried one by one
 * first, in random order, so that none is parked while another one may happen at once, by its help even. The first that is
 * woken takes the others off before anybody else has a chance to wake one of them.
 */
import { show } from '../core/check.ts';
import { DEV, notePerformed } from '../core/dev.ts';
import { InvalidStateError } from '../core/errors.ts';
import { State } from '../core/greenlet-state.ts';
import { hub } from '../core/hub.ts';
import {
  BaseOperation,
  type Operation,
  RESULT,
  type Resumption,
  type Step,
  SUSPENDED,
  type WaitPoint,
} from '../core/operation.ts';
import { RawGreenlet } from '../core/raw-greenlet.ts';

/** What `select` takes: operations that wait, each under a name. */
export interface SelectCases {
  readonly [key: string]: Operation<any>;
}

/** What `select` gives: the name of the case that happened, and its value. */
export type Selected<C extends SelectCases> = {
  [K in keyof C & (string | number)]: {
    readonly key: `${K}`;
    readonly value: C[K] extends Operation<infer T> ? T : never;
  };
}[keyof C & (string | number)];

/** No program performs as many ready operations in one slice. */
const ENDLESS = 2 ** 30;

/** What an operation takes for the greenlet that performs it. @internal */
export class Case extends RawGreenlet {
  readonly key: string;
  readonly select: Select;
  readonly #operation: Operation<any>;
  #iterator: BaseOperation<any> | undefined;
  #performed = false;
  #woken = false;
  #failed = false;

  constructor(key: string, operation: Operation<any>, select: Select) {
    super(nothing, null);
    this.key = key;
    this.select = select;
    this.#operation = operation;
  }

  /** Whether it can be tried: then it also runs no code but genlet's. */
  get repeatable(): boolean {
    this.#iterator ??= this.#operation[Symbol.iterator]() as BaseOperation<any>;
    return this.#iterator.repeatable;
  }

  /** Performs the operation unless it would block; tells whether it is done. */
  tryNow(): boolean {
    if (!this.repeatable) return false;
    if (this.perform()) return true;
    this.withdrawWait();
    return false;
  }

  /** Performs the operation, which may leave the case blocked; tells whether it is done. */
  perform(): boolean {
    const { current, budget } = hub;
    this.#performed = true;
    hub.current = this;
    hub.budget = ENDLESS; // no case may give way
    this.state = State.RUNNING;
    try {
      const { done, value } = this.#iterator!.next(undefined as never);
      if (done) this.slot = value;
      return done === true;
    } finally {
      hub.current = current;
      hub.budget = budget;
    }
  }

  /** What the operation gives or throws. */
  outcome(): unknown {
    if (!this.#woken) return this.slot;
    if (this.#failed) return this.#iterator!.throw(this.slot).value;
    RESULT.value = this.slot;
    return this.#iterator!.next(RESULT).value;
  }

  /** Another case happened: takes the operation back, or gives it up. */
  lose(): void {
    this.withdrawWait();
    if (!this.#performed) (this.#operation as Partial<BaseOperation<any>>).forgo?.();
  }

  /** Takes the operation back, if it is blocked. */
  withdrawWait(): void {
    const point = this.waitPoint;
    this.waitPoint = null;
    point?.cancel(this as never);
  }

  describeWait(): string {
    const operation = this.#operation;
    const unperformed = () => (operation instanceof BaseOperation ? operation.describe() : String(operation));
    return `${this.key}: ${this.waitPoint?.describe() ?? unperformed()}`;
  }

  // ---- the part of a greenlet

  override get principal(): RawGreenlet {
    return this.select.performer.principal;
  }

  override get runner(): RawGreenlet {
    return this.select.performer;
  }

  override get name(): string {
    return this.principal.name;
  }

  override get daemon(): boolean {
    return this.principal.daemon;
  }

  override get counts(): boolean {
    return this.principal.counts;
  }

  override toString(): string {
    return this.principal.toString();
  }

  override block(point: WaitPoint): void {
    this.state = State.BLOCKED;
    this.waitPoint = point;
  }

  override giveWay(outcome: unknown, failed = false): Step {
    if (failed) throw outcome;
    RESULT.value = outcome;
    return RESULT;
  }

  override yieldTurn(): Step {
    const turn = hub.callSoon(() => this.wake(undefined));
    this.waitPoint = { cancel: () => turn.cancel(), describe: () => 'sleep(0)' };
    return SUSPENDED;
  }

  override grant(outcome: unknown, failed: boolean): void {
    super.grant(outcome, failed);
    this.#woken = true;
    this.#failed = failed;
  }

  override wake(value: unknown): void {
    this.grant(value, false);
    this.turn();
  }

  override fail(error: unknown): void {
    this.grant(error, true);
    this.turn();
  }

  override turn(): void {
    this.select.decide(this);
  }
}

const nothing = (): void => {};

/** @internal */
class Select extends BaseOperation<{ key: string; value: any }> {
  performer!: RawGreenlet;
  readonly #cases: Case[];
  #winner: Case | undefined;
  #begun = false;
  #parked = false;

  constructor(operations: SelectCases) {
    super();
    this.#cases = Object.keys(operations).map((key) => new Case(key, operations[key]!, this));
    if (DEV) for (const operation of Object.values(operations)) notePerformed(operation);
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      if (this.#parked) resumed.value = this.#result(resumed.value); // else it was done at once, and gave way
      return resumed;
    }
    const me = this.#enter(arguments.length);
    if (this.#begun) throw new InvalidStateError(`${this.describe()} was performed already: call select() again`);
    this.#begun = true;
    this.performer = me;
    try {
      me.checkInterrupts();
      this.#tryAll();
      if (this.#winner === undefined) this.#parkAll();
      if (this.#winner !== undefined) return hub.ready(this.#result(this.#winner));
      this.#parked = true;
      return hub.park(me, this);
    } catch (error) {
      this.cancel();
      return hub.refuse(error);
    }
  }

  /** A kill may arrive at the end of a slice, before the cases are looked at. */
  #enter(passed: number): RawGreenlet {
    try {
      return hub.self(this, passed);
    } catch (error) {
      if (hub.current !== undefined) this.cancel();
      throw error;
    }
  }

  #result(winner: Case): { key: string; value: unknown } {
    return { key: winner.key, value: winner.outcome() };
  }

  /** Looks for a case that can happen at once, in random order, and lets it happen. */
  #tryAll(): void {
    const cases = this.#cases;
    for (let left = cases.length; left > 0; left--) {
      const at = Math.floor(hub.random() * left);
      const chosen = cases[at]!;
      cases[at] = cases[left - 1]!;
      cases[left - 1] = chosen;
      if (!chosen.tryNow()) continue;
      this.decide(chosen);
      return;
    }
  }

  /** Lets all cases block; those that run code of others first, while it can't reach the rest. */
  #parkAll(): void {
    for (const one of this.#cases) if (!one.repeatable && this.#parkOne(one)) return;
    for (const one of this.#cases) if (one.repeatable && this.#parkOne(one)) return;
  }

  /** Tells whether it is decided. */
  #parkOne(one: Case): boolean {
    if (one.perform() && this.#winner === undefined) this.decide(one);
    if (this.#winner === undefined) return false;
    if (one !== this.#winner) one.withdrawWait();
    return true;
  }

  /** A case has happened: takes the others back, and wakes the greenlet. */
  decide(winner: Case): void {
    if (this.#winner !== undefined) return; // a hook of a case that lost resumed another
    this.#winner = winner;
    this.#withdraw(winner);
    if (this.#parked) this.performer.wake(winner);
  }

  cancel(): void {
    this.#parked = false; // a hook may still resume another case
    this.#withdraw(undefined);
  }

  /** Those that run code of others come last: it then reaches no case that could take something. */
  #withdraw(winner: Case | undefined): void {
    for (const one of this.#cases) if (one !== winner && one.repeatable) one.lose();
    for (const one of this.#cases) if (one !== winner && !one.repeatable) one.lose();
  }

  describe(): string {
    return `select({ ${this.#cases.map((one) => one.describeWait()).join(', ')} })`;
  }
}

/**
 * Waits for several operations, of which exactly one happens, and gives its name and its value; or throws what it throws.
 * Of those that can happen at once, one is chosen at random (`hub.random`). The others leave no trace: they take nothing,
 * and nobody waits in them. Follows Go's `select`.
 *
 * A case is an operation that waits once: `get`, `put` and `peek` of queues and channels, `acquire` of locks and
 * semaphores, `event.wait()`, `sleep(ms)` as the time limit, `until(promise)`, `recv` of a socket, a greenlet or a
 * future, whose outcome is waited for. What is written as a coroutine can be spawned, and its greenlet given.
 *
 * Suspends unless a case can happen at once; a kill takes all of them back. Each is good for one `select`.
 *
 * @throws {TypeError} a case is no operation, or one that may wait more than once
 * @throws {RangeError} there are no cases: that would block for ever
 * @example
 * ```ts
 * import { Channel, run, select, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const numbers = new Channel<number>();
 *   const words = new Channel<string>();
 *   spawn(() => words.put('hello'));
 *   for (let i = 0; i < 2; i++) {
 *     const { key, value } = yield* select({ number: numbers.get(), word: words.get(), limit: sleep(5) });
 *     console.log(key, value);
 *   }
 *   // => word hello
 *   // => limit undefined
 * });
 * ```
 */
export function select<const C extends SelectCases>(cases: C): Operation<Selected<C>> {
  if (typeof cases !== 'object' || cases === null || Array.isArray(cases)) {
    throw new TypeError(`cases is ${show(cases)}: give an object of operations, such as { item: queue.get() }`);
  }
  const keys = Object.keys(cases);
  if (keys.length === 0) throw new RangeError('select() got no cases: it would block for ever');
  const seen = new Map<unknown, string>();
  for (const key of keys) checkCase(key, cases[key], seen);
  return new Select(cases) as unknown as Operation<Selected<C>>;
}

/** Greenlets, futures and the like: `yield*` asks them for their value. */
function isResult(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'rawlink' in value && Symbol.iterator in value;
}

function checkCase(key: string, operation: unknown, seen: Map<unknown, string>): void {
  if (isResult(operation)) return;
  if (!(operation instanceof BaseOperation) || !operation.selectable) {
    const what = operation instanceof BaseOperation ? operation.describe() : show(operation);
    throw new TypeError(
      `case ${key} is ${what}: give an operation that waits once, such as queue.get(), sleep(100) or until(promise), or a greenlet or future`,
    );
  }
  if (seen.has(operation) && !operation.shareable)
    throw new TypeError(`cases ${seen.get(operation)} and ${key} are one operation: make two`);
  seen.set(operation, key);
}
