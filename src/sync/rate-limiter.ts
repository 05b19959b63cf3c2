/**
 * `RateLimiter`: so many tokens in so much time.
 *
 * It remembers when the last `tokens` tokens were taken, and each comes back `ms` later: a sliding window, so that the
 * limit holds for every interval, wherever it begins. Rejected: a bucket that is refilled continuously, which lets out
 * twice as many within one interval (a full bucket, and what flows in meanwhile), and windows at fixed times, which do so
 * around each border; whoever sets the limit at the other end counts those as too many. The price is one number a token.
 *
 * A waiter is served up to a millisecond after its tokens came back, for that is how the hub measures time. It counts as
 * served in time, so such delays don't add up to a drift. A longer delay counts: the limit goes before the rate.
 */
import { checkDuration, checkInteger } from '../core/check.ts';
import type { Deadline } from '../core/deadline.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Operation, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { type BlockOptions, limitOf } from './block-options.ts';
import { LotCall } from './lot-call.ts';
import { ParkingLot, type Waiter } from './parking-lot.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** How late, in milliseconds, a waiter may be served without that counting. */
const LATENESS = 1;

/** Options of a rate limiter's `acquire`. */
export interface RateLimiterOptions extends BlockOptions {
  /** How many tokens to take at once; 1 by default. */
  tokens?: number;
}

/** What `limiter.statistics()` gives. */
export interface RateLimiterStatistics {
  /** Tokens that have not been taken within the last interval. */
  readonly available: number;
  /** Greenlets blocked in `acquire()`. */
  readonly waiting: number;
}

/**
 * Lets at most `tokens` acquisitions happen in any `ms` milliseconds. Follows `aiolimiter` and Go's `rate.Limiter`.
 *
 * A token that is taken comes back exactly `ms` milliseconds later. So after a pause all `tokens` can be had at once, the
 * next not before `ms` have passed since the first of them, and in the long run there are `tokens` in each `ms`, in the
 * rhythm in which they were first taken. Times are exact to the millisecond. Tokens are not given back by the taker.
 *
 * While somebody waits, one timer of the hub runs; else none.
 *
 * @example
 * ```ts
 * import { RateLimiter, run } from 'genlet';
 * import { VirtualClock } from 'genlet/testing';
 *
 * const clock = new VirtualClock(); // a real program has none
 * await run(
 *   function* () {
 *     const limiter = new RateLimiter(2, 1000);
 *     for (let i = 1; i <= 5; i++) {
 *       yield* limiter.acquire();
 *       console.log(`request ${i} after ${clock.now()} ms`);
 *     }
 *   },
 *   { clock },
 * );
 * // => request 1 after 0 ms
 * // => request 2 after 0 ms
 * // => request 3 after 1000 ms
 * // => request 4 after 1000 ms
 * // => request 5 after 2000 ms
 * ```
 */
export class RateLimiter {
  /** How many tokens can be taken within an interval. */
  readonly tokens: number;
  /** The interval in milliseconds. */
  readonly ms: number;

  readonly #waiters = new ParkingLot(this, 'acquire');
  /** When the last tokens were taken: a ring, as soon as there have been `tokens` of them. */
  #times: number[] = [];
  /** The place of the oldest of them, and of the next. */
  #next = 0;
  /** The hub's timers, which change with its clock: times of another clock mean nothing. */
  #timers = hub.timers;
  /** Runs until there are enough tokens for the first who waits, at `#due`. */
  #refill: Deadline | undefined;
  #due = 0;

  /** @throws {RangeError} `tokens` is no whole number of 1 or more, or `ms` is not more than 0 */
  constructor(tokens: number, ms: number) {
    this.tokens = checkInteger('tokens', tokens, 1);
    this.ms = checkDuration('interval', ms);
    if (ms === 0) throw new RangeError('interval is 0: give milliseconds, more than 0');
  }

  /**
   * Takes a token, or several at once, and gives `true`; `false`, having taken none, if they were not there within
   * `timeout` milliseconds, or at once with `block: false`. Suspends while there are not enough, or others wait; a kill
   * ends the wait and takes nothing. Tokens are given in the order of the calls: who asks for one waits behind who asks
   * for many.
   *
   * @throws {RangeError} `timeout` is negative or NaN, or there never are so many tokens
   */
  acquire(options?: RateLimiterOptions): Operation<boolean> {
    const limit = limitOf(options);
    return new Acquire(this, this.#waiters, this.#check(options?.tokens), limit);
  }

  /**
   * As `acquire`, without waiting; not an operation, so it works in callbacks and in ordinary code too.
   *
   * @throws {RangeError} there never are so many tokens
   */
  acquireNowait(tokens = 1): boolean {
    return this.take(this.#check(tokens));
  }

  /** Counters of this moment. */
  statistics(): RateLimiterStatistics {
    this.#checkClock();
    const now = hub.now();
    let available = 0;
    while (available < this.tokens && this.#freeAt(available + 1) <= now) available++;
    return { available, waiting: this.#waiters.size };
  }

  #check(tokens = 1): number {
    checkInteger('tokens', tokens, 1);
    if (tokens <= this.tokens) return tokens;
    throw new RangeError(`tokens is ${tokens}: give ${this.tokens} or less, for there never are more`);
  }

  // ---- tokens

  /** Takes tokens if they are there and nobody waits for some. @internal */
  take(tokens: number): boolean {
    this.#checkClock();
    const now = hub.now();
    if (this.#waiters.size > 0 || this.#freeAt(tokens) > now) return false;
    this.#spend(tokens, now);
    return true;
  }

  /** When there are so many tokens, if nobody takes any until then. */
  #freeAt(tokens: number): number {
    const place = (this.#next + tokens - 1) % this.tokens;
    return place < this.#times.length ? this.#times[place]! + this.ms : Number.NEGATIVE_INFINITY;
  }

  #spend(tokens: number, time: number): void {
    for (let i = 0; i < tokens; i++) {
      this.#times[this.#next] = time;
      this.#next = (this.#next + 1) % this.tokens;
    }
  }

  #checkClock(): void {
    if (this.#timers === hub.timers) return;
    this.#timers = hub.timers;
    this.#times = [];
    this.#next = 0;
  }

  // ---- those who wait

  /** Somebody has come to stand in line. @internal */
  joined(): void {
    if (this.#waiters.size === 1) this.#awaitTokens(this.#first()!, hub.now());
  }

  /** Gives tokens to those in front, as far as there are any. @internal */
  serve(): void {
    const isDue = this.#refill !== undefined && !this.#refill.pending;
    const now = hub.now();
    let time = isDue ? Math.max(this.#due, now - LATENESS) : now;
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      const { tokens } = first.slot as Acquire;
      const freeAt = this.#freeAt(tokens);
      if (freeAt > now) {
        this.#awaitTokens(first, now);
        return;
      }
      time = Math.max(time, freeAt);
      this.#spend(tokens, time);
      this.#waiters.shift()!.wake(true);
    }
    this.#refill?.cancel();
    this.#refill = undefined;
  }

  #first(): Waiter | undefined {
    const [first] = this.#waiters;
    return first;
  }

  #awaitTokens(first: Waiter, now: number): void {
    this.#refill?.cancel();
    const call = first.slot as Acquire;
    this.#due = this.#freeAt(call.tokens);
    this.#refill = call.startRefill(Math.max(0, this.#due - now));
  }
}

/** While it is blocked, the greenlet keeps the call in its slot: the limiter finds there what it asks for. */
class Acquire extends LotCall<boolean> {
  readonly tokens: number;
  readonly #limiter: RateLimiter;
  #waiter: RawGreenlet | undefined;

  constructor(limiter: RateLimiter, lot: ParkingLot, tokens: number, limit: number | undefined) {
    super(lot, limit);
    this.#limiter = limiter;
    this.tokens = tokens;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.#limiter.take(this.tokens)) return hub.ready(true);
    return this.limit === 0 ? hub.ready(false) : this.block(me);
  }

  protected override block(me: RawGreenlet): Step {
    const step = this.lot.park(me, this);
    me.slot = this;
    this.#waiter = me;
    this.#limiter.joined();
    if (this.limit !== undefined) this.deadline = hub.deadline(me, this, this.limit);
    return step;
  }

  /** Runs in the name of the first in line until there are tokens for it. */
  startRefill(ms: number): Deadline {
    return hub.deadline(this.#waiter!, this, ms);
  }

  /** Its tokens are there, or its time is up; both at once, it has them. */
  override expire(me: RawGreenlet): void {
    this.#limiter.serve();
    if (!me.isBlockedOn(this) || this.deadline?.pending !== false) return;
    super.expire(me);
    this.#limiter.serve();
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(false);
  }

  override cancel(me: RawGreenlet): void {
    const wasFirst = me.prev === null;
    super.cancel(me);
    if (wasFirst) this.#limiter.serve();
  }
}
