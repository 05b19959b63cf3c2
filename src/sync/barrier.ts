/**
 * `Barrier`: all wait for each other.
 *
 * Each round has a lot of its own, so that those who come while the action of a full round still runs belong to the next.
 */
import { checkFunction, checkInteger, checkTimeout } from '../core/check.ts';
import { Checkpoint } from '../core/checkpoint.ts';
import { composite } from '../core/dev.ts';
import { BrokenBarrierError } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Coroutine, Operation, Resumption, Step } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import type { Waitable } from '../core/wait.ts';
import { LotCall } from './lot-call.ts';
import { ParkingLot } from './parking-lot.ts';
import { ReadyLinks } from './ready-links.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** What `barrier.statistics()` gives. */
export interface BarrierStatistics {
  /** How many are needed. */
  readonly parties: number;
  /** How many wait. */
  readonly waiting: number;
  /** Whether it is broken. */
  readonly broken: boolean;
}

/** Those who are let through together. */
class Round {
  readonly lot: ParkingLot;
  arrived = 0;
  /** Why it came to nothing. */
  failure: string | undefined;

  constructor(barrier: Barrier) {
    this.lot = new ParkingLot(barrier, 'wait');
  }

  /** Those who wait get the error. */
  fail(failure: string): void {
    this.failure = failure;
    for (let waiter = this.lot.shift(); waiter !== null; waiter = this.lot.shift()) waiter.fail(this.error());
  }

  error(): BrokenBarrierError {
    return new BrokenBarrierError(`Barrier.wait(): ${this.failure}`);
  }
}

/**
 * A place where greenlets wait until `parties` of them have come, and then go on together; again and again. Follows
 * `threading.Barrier`.
 *
 * If one who waits is killed or runs out of time, or if the action fails, the others would wait in vain: the barrier
 * breaks, and they get a `BrokenBarrierError`. It can be given to `wait()` and `iwait()`: it is ready when a round is
 * complete or it breaks.
 *
 * @example
 * ```ts
 * import { Barrier, joinall, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const barrier = new Barrier(2, () => console.log('both are here'));
 *   const walk = function* (name: string, ms: number) {
 *     yield* sleep(ms);
 *     console.log(`${name} is number ${yield* barrier.wait()}`);
 *   };
 *   yield* joinall([spawn(walk, 'Egon', 0), spawn(walk, 'Alex', 3)]);
 *   // => both are here
 *   // => Alex is number 1
 *   // => Egon is number 0
 * });
 * ```
 */
export class Barrier implements Waitable {
  /** How many are let through together. */
  readonly parties: number;
  readonly #action: (() => unknown) | undefined;
  readonly #limit: number | undefined;
  readonly #links = new ReadyLinks(this);
  #round: Round = new Round(this);
  /** The full rounds whose action runs. */
  readonly #acting = new Set<Round>();

  /**
   * `action` is called, and waited for, by the last to arrive, before any goes on; `timeout` is the limit in milliseconds
   * of every `wait()` that has none of its own.
   *
   * @throws {RangeError} `parties` is no whole number of 1 or more, or `timeout` is negative or NaN
   */
  constructor(parties: number, action?: () => unknown, timeout?: number | null) {
    this.parties = checkInteger('parties', parties, 1);
    if (action !== undefined) checkFunction('action', action);
    this.#action = action;
    this.#limit = checkTimeout(timeout);
  }

  /** How many wait for the others. */
  get waiting(): number {
    return this.#round.lot.size;
  }

  /** Whether it is broken: until `reset()`, `wait()` throws. */
  get broken(): boolean {
    return this.#round.failure !== undefined;
  }

  /**
   * Waits until all parties have come, and gives one's place in the order of arrival, from 0 on. The last to arrive runs
   * the action and does not wait. Suspends; a kill breaks the barrier. Waiters wake in the order of their arrival.
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
    const round = this.#round;
    if (round.failure !== undefined) throw round.error();
    const last = this.parties - 1;
    if (round.arrived < last) return yield* new Arrive(this, round, limit);
    this.#round = new Round(this);
    if (this.#action !== undefined) yield* this.#act(round, this.#action);
    this.#pass(round);
    return last;
  }

  *#act(round: Round, action: () => unknown): Coroutine<void> {
    this.#acting.add(round);
    try {
      yield* callAndWait(action);
    } catch (error) {
      this.break(round, 'the action failed');
      throw error;
    } finally {
      this.#acting.delete(round);
    }
    if (round.failure !== undefined) throw round.error();
  }

  #pass(round: Round): void {
    let index = 0;
    for (let waiter = round.lot.shift(); waiter !== null; waiter = round.lot.shift()) waiter.wake(index++);
    this.#links.notify();
  }

  /** Makes it as new; those who wait get a `BrokenBarrierError`. */
  reset(): void {
    this.#failAll('the barrier was reset');
    this.#round = new Round(this);
  }

  /** Breaks it, where going on makes no sense any more; those who wait, now or later, get a `BrokenBarrierError`. */
  abort(): void {
    this.#failAll('the barrier was aborted');
    this.#links.notify();
  }

  #failAll(failure: string): void {
    for (const round of [...this.#acting, this.#round]) round.fail(failure);
  }

  /** Calls `callback(barrier)` in the hub, once, when the next round is complete or the barrier breaks. */
  rawlink(callback: (barrier: this) => void): void {
    this.#links.add(callback);
    if (this.broken) this.#links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (barrier: this) => void): void {
    this.#links.remove(callback);
  }

  /** Counters of this moment. */
  statistics(): BarrierStatistics {
    return { parties: this.parties, waiting: this.waiting, broken: this.broken };
  }

  /** Nothing comes of `round`, nor of those that begin later. @internal */
  break(round: Round, failure: string): void {
    if (round.failure !== undefined) return;
    round.fail(failure);
    if (round !== this.#round) this.#round.fail(failure);
    this.#links.notify();
  }
}

class Arrive extends LotCall<number> {
  readonly #barrier: Barrier;
  readonly #round: Round;

  constructor(barrier: Barrier, round: Round, limit: number | undefined) {
    super(round.lot, limit);
    this.#barrier = barrier;
    this.#round = round;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.limit === 0) throw this.#timedOut();
    const step = this.blockHere(me);
    this.#round.arrived++;
    return step;
  }

  /** A kill breaks the barrier. */
  override cancel(me: RawGreenlet): void {
    super.cancel(me);
    this.#barrier.break(this.#round, `${me.name} was killed while it waited`);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(this.#timedOut());
  }

  #timedOut(): BrokenBarrierError {
    this.#barrier.break(this.#round, `not all came within ${this.limit} ms`);
    return this.#round.error();
  }
}
