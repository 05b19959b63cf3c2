/** `Pool`: a group with a limited number of places. */
import { checkFunction, checkInteger, checkTimeout } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { PoolFull } from '../core/errors.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation, Outcome, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { type BlockOptions, limitOf } from './block-options.ts';
import { LotCall } from './lot-call.ts';
import { LotWait } from './lot-wait.ts';
import { checkGreenlet, Members } from './members.ts';
import { ParkingLot } from './parking-lot.ts';

/** What `pool.statistics()` gives. */
export interface PoolStatistics {
  /** Greenlets in the pool. */
  readonly members: number;
  /** Free places; `Infinity` for no limit. */
  readonly free: number;
  /** Greenlets that wait for a place. */
  readonly waiting: number;
}

/**
 * A group of at most `size` greenlets: who wants to add one waits for a place, in the order of the calls. A size of
 * `undefined` or `null` sets no limit; with 0 there never is a place. Follows `gevent.pool.Pool`.
 *
 * @example
 * ```ts
 * import { Pool, run, sleep } from 'genlet';
 *
 * await run(function* () {
 *   const pool = new Pool(2);
 *   const ended: number[] = [];
 *   const work = function* (n: number) {
 *     yield* sleep(5);
 *     ended.push(n);
 *   };
 *   for (const n of [1, 2, 3]) yield* pool.spawn(work, n);
 *   console.log(ended); // => [ 1, 2 ]
 *   yield* pool.join();
 *   console.log(ended); // => [ 1, 2, 3 ]
 * });
 * ```
 */
export class Pool extends Members {
  readonly #waiters = new ParkingLot(this, 'spawn');
  readonly #watchers = new ParkingLot(this, 'waitAvailable');
  readonly #size: number;
  #free: number;

  /** @throws {RangeError} `size` is negative or no whole number */
  constructor(size?: number | null) {
    super();
    const unlimited = size === undefined || size === null || size === Number.POSITIVE_INFINITY;
    this.#size = this.#free = unlimited ? Number.POSITIVE_INFINITY : checkInteger('size', size, 0);
  }

  /** How many members may still be added without waiting; `Infinity` for no limit. */
  freeCount(): number {
    return this.#free;
  }

  /** Whether there is no free place. */
  full(): boolean {
    return this.#free === 0;
  }

  /**
   * Waits for a place, starts `fn(...args)` in it as `spawn` does, and gives the greenlet. Suspends while the pool is
   * full; a kill ends the wait. Places are given in the order of the calls.
   *
   * @throws {PoolFull} a member called it while all other members, too, wait for a place: that would never end
   */
  spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Operation<Greenlet<Outcome<R>>> {
    checkFunction('spawn() target', fn);
    return composite('Pool.spawn()', this.#spawn(fn, args));
  }

  *#spawn<A extends unknown[], R>(fn: (...args: A) => R, args: A): Coroutine<Greenlet<Outcome<R>>> {
    yield* this.awaitPlace();
    const greenlet = new Greenlet<Outcome<R>>(fn as never, ...args);
    this.enroll(greenlet, 'to join');
    return greenlet.start();
  }

  /**
   * Waits for a place, gives it to a greenlet, started or not, and gives that back. Suspends while the pool is full,
   * unless it is a member already; a kill ends the wait. Places are given in the order of the calls.
   *
   * @throws {PoolFull} no place within `timeout` ms, or not at once with `block: false`; or as for `spawn`
   * @throws {RangeError} `timeout` is negative or NaN
   */
  add<G extends Greenlet<any>>(greenlet: G, options?: BlockOptions): Operation<G> {
    checkGreenlet(greenlet);
    return composite('Pool.add()', this.#add(greenlet, limitOf(options)));
  }

  *#add<G extends Greenlet<any>>(greenlet: G, timeout: number | undefined): Coroutine<G> {
    if (this.has(greenlet)) return greenlet;
    yield* new AwaitPlace(this, this.#waiters, timeout, 'add');
    if (this.has(greenlet)) this.release();
    else this.enroll(greenlet, 'to join');
    return greenlet;
  }

  /**
   * Waits until there is a free place, and gives how many there are; 0 when `timeout` milliseconds are over. It takes
   * none, and whoever waits in `spawn` or `add` goes first. Suspends while the pool is full; a kill ends the wait.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  waitAvailable(timeout?: number | null): Operation<number> {
    return composite('Pool.waitAvailable()', this.#waitAvailable(checkTimeout(timeout)));
  }

  *#waitAvailable(timeout: number | undefined): Coroutine<number> {
    const due = timeout === undefined ? undefined : hub.now() + timeout;
    const isOver = () => !this.full();
    // Somebody may take the place before those who were told of it have their turn.
    for (;;) {
      const left = due === undefined ? undefined : Math.max(0, due - hub.now());
      const over = yield* new LotWait(this.#watchers, isOver, left);
      if (!over || !this.full()) return this.#free;
    }
  }

  /** Counters of this moment. */
  statistics(): PoolStatistics {
    return { members: this.size, free: this.#free, waiting: this.#waiters.size };
  }

  // ---- places

  /** @internal */
  override get places(): number {
    return Number.isFinite(this.#size) ? this.#size : 0;
  }

  /** @internal */
  override tryPlace(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** @internal */
  override awaitPlace(): Operation<void> {
    return new AwaitPlace(this, this.#waiters, undefined, 'spawn');
  }

  /** @internal */
  override release(): void {
    const waiter = this.#waiters.shift();
    if (waiter !== null) waiter.wake(undefined);
    else {
      this.#free++;
      this.#watchers.wakeAll(true);
    }
  }

  /** Whether a place will never get free if `me` waits for one without a time limit, as all other members do. @internal */
  wouldHang(me: RawGreenlet): boolean {
    const { principal } = me;
    if (!this.has(principal)) return false;
    const forEver = [...this.#waiters].filter((waiter) => (waiter as RawGreenlet).isBlockedOn(this.#waiters));
    const waiting = new Set(forEver.map((waiter) => waiter.principal));
    for (const member of this) if (member.principal !== principal && !waiting.has(member)) return false;
    return true;
  }
}

class AwaitPlace extends LotCall<void> {
  readonly #pool: Pool;
  readonly #call: string;

  constructor(pool: Pool, lot: ParkingLot, limit: number | undefined, call: string) {
    super(lot, limit);
    this.#pool = pool;
    this.#call = call;
  }

  override describe(): string {
    return `Pool.${this.#call}()`;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const pool = this.#pool;
    if (pool.tryPlace()) return hub.ready(undefined);
    if (this.limit === 0) return hub.refuse(new PoolFull(`${this.describe()}: the pool has no free place`));
    if (this.limit === undefined && pool.wouldHang(me)) {
      throw new PoolFull(
        `${this.describe()}: all members, ${me.principal.name} among them, would wait for a place for ever`,
      );
    }
    return this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new PoolFull(`${this.describe()}: no free place within ${this.limit} ms`));
  }
}
