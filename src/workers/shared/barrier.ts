/**
 * A `Barrier` between threads: the number of the round, how many have arrived and whether it is broken stand in one word,
 * so that every change is one atomic step.
 *
 * A round that failed stays the present one until `reset()`, which first notes it in a list: so a waiter that finds
 * another round there knows how its own has ended. A round that did not fail before is first broken by `reset()`. Its
 * waiters may hear of that and come back before the next round has begun: then they begin it.
 */
import { checkFunction, checkInteger, checkTimeout } from '../../core/check.ts';
import { Checkpoint } from '../../core/checkpoint.ts';
import { composite } from '../../core/dev.ts';
import { BrokenBarrierError } from '../../core/errors.ts';
import { hub as importedHub } from '../../core/hub.ts';
import type { Coroutine, Operation, Resumption, Step } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { Waitable } from '../../core/wait.ts';
import type { Waiter } from '../../sync/parking-lot.ts';
import { Failure, LINE_WORDS, Line, NOT_YET } from './line.ts';
import { LineCall } from './line-call.ts';
import { PULSE_WORDS, Pulse } from './pulse.ts';
import { type Descriptor, FIRST_WORD, Opening, SharedObject } from './shared-object.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

const STATE: number = FIRST_WORD;
const PARTIES: number = STATE + 1;
const REASON: number = PARTIES + 1;
/** The token of the thread whose action runs. */
const ACTOR: number = REASON + 1;
/** How many rounds have ever been noted as failed, and the last ones of them. */
const FAILURES: number = ACTOR + 1;
const FAILED: number = FAILURES + 1;
const REMEMBERED = 64;
const LINE: number = FAILED + REMEMBERED;
const PULSE: number = LINE + LINE_WORDS;

// The state: 12 bits of arrivals, one that tells whether it is broken, 18 bits of rounds.
const MOST_PARTIES: number = 2 ** 12 - 1;
const BROKEN: number = 2 ** 12;
const ROUND: number = 2 ** 13;
const WRAP: number = 2 ** 31;
const arrivedIn = (state: number): number => state & MOST_PARTIES;
const isBroken = (state: number): boolean => (state & BROKEN) !== 0;
const roundOf = (state: number): number => (state / ROUND) | 0;
const nextRound = (state: number): number => ((roundOf(state) + 1) * ROUND) % WRAP;

const REASONS = [
  'it is broken',
  'not all came in time',
  'one who waited was killed',
  'the action failed',
  'the barrier was aborted',
  'the barrier was reset',
  'a thread ended while it waited',
] as const;
const TIMED_OUT = 1;
const KILLED = 2;
const ACTION_FAILED = 3;
const ABORTED = 4;
const RESET = 5;
const THREAD_ENDED = 6;
const REASON_BITS = 3;

/** Arriving did not work: look again. */
const RETRY: unique symbol = Symbol('retry');

/** What `statistics()` of a shared barrier gives. */
export interface BarrierStatistics {
  /** How many are needed. */
  readonly parties: number;
  /** How many wait, in all threads. */
  readonly waiting: number;
  /** Whether it is broken. */
  readonly broken: boolean;
}

/**
 * A place where greenlets of all threads wait until `parties` of them have come, and then go on together; again and again.
 * Follows `multiprocessing.Barrier` and genlet's own `Barrier`.
 *
 * If one who waits is killed or runs out of time, if its thread ends, or if the action fails, the others would wait in
 * vain: the barrier breaks, and they get a `BrokenBarrierError`. It can be given to `wait()` and `iwait()`: it is ready
 * when a round is complete or it breaks.
 *
 * @example
 * ```ts
 * import { joinall, run, spawn } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const barrier = new shared.Barrier(2, () => console.log('both are here'));
 *   const there = shared.open(barrier.share()); // as another thread does it with what it was sent
 *   const first = spawn(() => there.wait());
 *   const second = spawn(() => barrier.wait());
 *   yield* joinall([first, second]); // => both are here
 *   console.log(first.value, second.value); // => 0 1
 * });
 * ```
 */
export class Barrier extends SharedObject implements Waitable {
  /** @internal */
  readonly line: Line;
  readonly #limit: number | undefined;
  readonly #pulse: Pulse;
  #action: (() => unknown) | undefined;

  /**
   * `action` is called, and waited for, by the last to arrive, before any goes on. A function does not cross to other
   * threads: it is run if the last comes in this one; in others, assign `barrier.action` there. `timeout` is the limit in
   * milliseconds of every `wait()` that has none of its own, in all threads.
   *
   * @throws {RangeError} `parties` is no whole number from 1 to 4095, or `timeout` is negative or NaN
   */
  constructor(parties: number, action?: () => unknown, timeout?: number | null);
  /** @internal */
  constructor(opening: Opening);
  constructor(parties: number | Opening, action?: () => unknown, timeout?: number | null) {
    const opening = parties instanceof Opening ? parties : undefined;
    if (opening === undefined) checkParties(parties as number);
    if (action !== undefined) checkFunction('action', action);
    const limit = opening === undefined ? checkTimeout(timeout) : (opening.descriptor.detail as number | undefined);
    super(opening, PULSE + PULSE_WORDS);
    if (opening === undefined) this.words[PARTIES] = parties as number;
    this.#action = action;
    this.#limit = limit;
    this.line = new Line(this, 'wait', this.space, this.words, LINE, this);
    this.#pulse = new Pulse(this, this.space, this.words, PULSE, () => this.broken);
  }

  /** How many are let through together. */
  get parties(): number {
    return this.words[PARTIES]!;
  }

  /** What the last to arrive runs if it is in this thread; `undefined` for nothing. */
  get action(): (() => unknown) | undefined {
    return this.#action;
  }

  set action(action: (() => unknown) | undefined) {
    if (action !== undefined) checkFunction('action', action);
    this.#action = action;
  }

  /** How many wait for the others. */
  get waiting(): number {
    const state = this.#state();
    return isBroken(state) ? 0 : arrivedIn(state) % this.parties;
  }

  /** Whether it is broken: until `reset()`, `wait()` throws. */
  get broken(): boolean {
    return isBroken(this.#state()) && !this.#isReset();
  }

  #state(): number {
    return Atomics.load(this.words, STATE);
  }

  /** Whether it is broken only because somebody is about to begin the next round. */
  #isReset(): boolean {
    return Atomics.load(this.words, REASON) === RESET;
  }

  /**
   * Waits until all parties have come, and gives one's place in the order of arrival, from 0 on. The last to arrive runs
   * the action and does not wait. Suspends the greenlet, never the thread; a kill breaks the barrier.
   *
   * @throws {BrokenBarrierError} it is broken, or breaks or is reset in the meantime, or `timeout` milliseconds are over
   * @throws the error of the action, in the last to arrive
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<number> {
    return composite('Barrier.wait()', this.#wait(timeout === undefined ? this.#limit : checkTimeout(timeout)));
  }

  *#wait(limit: number | undefined): Coroutine<number> {
    yield* new Checkpoint('Barrier.wait()');
    const due = limit === undefined ? undefined : hub.now() + limit;
    for (;;) {
      const state = this.#state();
      if (isBroken(state)) {
        if (!this.#isReset()) throw this.#error(Atomics.load(this.words, REASON));
        this.#renew(roundOf(state));
        continue;
      }
      const arrived = arrivedIn(state);
      const left = due === undefined ? undefined : Math.max(0, due - hub.now());
      if (arrived === this.parties - 1) {
        if (yield* this.#complete(state)) return arrived;
      } else {
        // Those who come while the action runs wait until it is over, and belong to the next round.
        const index = yield* new Arrive(this, state, arrived === this.parties, left);
        if (index !== RETRY) return index;
      }
    }
  }

  /** Lets a round through that only lacked the caller; tells whether that is so. */
  *#complete(state: number): Coroutine<boolean> {
    const { words } = this;
    const action = this.#action;
    if (action === undefined) return this.#pass(state);
    const acting = state + 1;
    if (Atomics.compareExchange(words, STATE, state, acting) !== state) return false;
    Atomics.store(words, ACTOR, this.space.token);
    try {
      yield* callAndWait(action);
    } catch (error) {
      this.break(roundOf(state), ACTION_FAILED);
      throw error;
    }
    if (!this.#pass(acting)) throw this.#error(this.#reasonFor(roundOf(state)) ?? RESET);
    return true;
  }

  #pass(state: number): boolean {
    if (Atomics.compareExchange(this.words, STATE, state, nextRound(state)) !== state) return false;
    this.#wakeAll();
    return true;
  }

  #wakeAll(): void {
    if (this.line.busy) {
      this.line.serve();
      this.line.ringAll();
    }
    this.#pulse.fire();
  }

  /** Makes it as new; those who wait get a `BrokenBarrierError`. */
  reset(): void {
    const state = this.#state();
    if (!isBroken(state) && arrivedIn(state) === 0) return;
    this.break(roundOf(state), RESET);
    this.#renew(roundOf(state));
  }

  /** Begins the next round, if nothing comes of `round`, which is noted. */
  #renew(round: number): void {
    const { words } = this;
    const state = this.#state();
    if (roundOf(state) !== round || !isBroken(state)) return;
    const note = (round << REASON_BITS) | Atomics.load(words, REASON);
    Atomics.store(words, FAILED + (Atomics.add(words, FAILURES, 1) & (REMEMBERED - 1)), note);
    if (Atomics.compareExchange(words, STATE, state, nextRound(state)) === state) this.#wakeAll();
  }

  /** Breaks it, where going on makes no sense any more; those who wait, now or later, get a `BrokenBarrierError`. */
  abort(): void {
    this.break(roundOf(this.#state()), ABORTED);
  }

  /** Nothing comes of `round`, if it is the present one. @internal */
  break(round: number, reason: number): void {
    const { words } = this;
    for (;;) {
      const state = this.#state();
      if (roundOf(state) !== round || isBroken(state)) return;
      Atomics.store(words, REASON, reason);
      if (Atomics.compareExchange(words, STATE, state, state | BROKEN) === state) break;
    }
    this.#wakeAll();
  }

  /** Why `round` failed; `undefined` if it did not. */
  #reasonFor(round: number): number | undefined {
    const { words } = this;
    const state = this.#state();
    if (roundOf(state) === round) return isBroken(state) ? Atomics.load(words, REASON) : undefined;
    const count = Math.min(REMEMBERED, Atomics.load(words, FAILURES));
    for (let at = 0; at < count; at++) {
      const note = Atomics.load(words, FAILED + at);
      if (note >>> REASON_BITS === round) return note & (2 ** REASON_BITS - 1);
    }
    return undefined;
  }

  #error(reason: number): BrokenBarrierError {
    return new BrokenBarrierError(`Barrier.wait(): ${REASONS[reason] ?? REASONS[0]}`);
  }

  /** Calls `callback(barrier)` in the hub, once, when the next round is complete or the barrier breaks. */
  rawlink(callback: (barrier: this) => void): void {
    this.#pulse.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (barrier: this) => void): void {
    this.#pulse.remove(callback);
  }

  override share(): Descriptor<'Barrier'> {
    return { ...super.share(), detail: this.#limit } as Descriptor<'Barrier'>;
  }

  /** Counters of this moment. */
  statistics(): BarrierStatistics {
    return { parties: this.parties, waiting: this.waiting, broken: this.broken };
  }

  /** @internal */
  get kind(): string {
    return 'Barrier';
  }

  // ---- what `Arrive` and the line use

  /** Counts one more, unless the state is not what it was. @internal */
  arrive(state: number): boolean {
    if (Atomics.compareExchange(this.words, STATE, state, state + 1) !== state) return false;
    Atomics.store(this.words, this.line.extraAt(), roundOf(state) + 1);
    return true;
  }

  /** Whether nothing has happened since it was in `state`. @internal */
  isStill(state: number): boolean {
    return this.#state() === state;
  }

  /** @internal */
  timedOut(round: number): BrokenBarrierError {
    this.break(round, TIMED_OUT);
    return this.#error(TIMED_OUT);
  }

  /** @internal */
  attempt(waiter: Waiter): unknown {
    const { round, index } = waiter.slot.note as Place;
    const reason = this.#reasonFor(round);
    if (reason === undefined && roundOf(this.#state()) === round) return NOT_YET;
    if (index === RETRY || reason === undefined) return index;
    return new Failure(this.#error(reason));
  }

  /** @internal */
  promising(waiter: Waiter): boolean {
    const state = this.#state();
    return roundOf(state) !== (waiter.slot.note as Place).round || isBroken(state);
  }

  /** @internal */
  onDeath(extra: number): void {
    if (extra > 0) this.break(extra - 1, THREAD_ENDED);
  }

  /** @internal */
  onAnyDeath(): void {
    const state = this.#state();
    if (arrivedIn(state) !== this.parties || isBroken(state)) return;
    if (!this.space.alive(Atomics.load(this.words, ACTOR))) this.break(roundOf(state), THREAD_ENDED);
  }
}

function checkParties(parties: number): void {
  if (checkInteger('parties', parties, 1) <= MOST_PARTIES) return;
  throw new RangeError(`parties is ${parties}: give at most ${MOST_PARTIES}`);
}

/** Where a waiter stands: its round, and its place in that; `RETRY` if it waits for the next round to begin. */
interface Place {
  readonly round: number;
  readonly index: number | typeof RETRY;
}

class Arrive extends LineCall<number | typeof RETRY> {
  readonly #barrier: Barrier;
  readonly #state: number;
  readonly #onlyWaits: boolean;

  constructor(barrier: Barrier, state: number, onlyWaits: boolean, limit: number | undefined) {
    super(barrier.line, limit);
    this.#barrier = barrier;
    this.#state = state;
    this.#onlyWaits = onlyWaits;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    me.checkInterrupts(); // whoever has arrived can't be killed before it stands in the line
    const barrier = this.#barrier;
    if (!(this.#onlyWaits ? barrier.isStill(this.#state) : barrier.arrive(this.#state))) return hub.ready(RETRY);
    if (this.limit === 0) throw barrier.timedOut(roundOf(this.#state));
    const step = this.blockHere(me);
    const index = this.#onlyWaits ? RETRY : arrivedIn(this.#state);
    me.slot.note = { round: roundOf(this.#state), index } satisfies Place;
    this.line.settle(me);
    return step;
  }

  /** A kill breaks the barrier. */
  override cancel(me: RawGreenlet): void {
    super.cancel(me);
    if (!this.#onlyWaits) this.#barrier.break(roundOf(this.#state), KILLED);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(this.#barrier.timedOut(roundOf(this.#state)));
  }
}
