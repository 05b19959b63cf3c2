/** `wait` and `iwait`: waiting for several objects of any kind. */
import { checkInteger, checkIterable, checkOptions, checkTimeout, show } from './check.ts';
import { composite } from './dev.ts';
import { ConcurrentObjectUseError } from './errors.ts';
import type { Iteration } from './from-async-iterable.ts';
import { hub } from './hub.ts';
import type { Coroutine, Operation, Resumption, Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { TimedWait } from './timed-wait.ts';

/** Whatever can be waited for with `wait` and `iwait`: greenlets, events, results, semaphores, processes. */
export interface Waitable {
  /** Calls `callback(this)` in the hub, once, when the object is ready; in the next pass if it is already. */
  rawlink(callback: (source: any) => void): void;
  /** Takes the callback back. */
  unlink(callback: (source: any) => void): void;
}

/** Options of `wait` and `iwait`. */
export interface WaitOptions {
  /** How long to wait in all, in milliseconds. */
  timeout?: number | null;
  /** How many objects are enough; all by default. */
  count?: number;
}

class ReadyObjects<T extends Waitable> implements Iteration<T> {
  readonly #objects: Set<T>;
  readonly #timeout: number | undefined;
  #due: number | undefined;
  #left: number;
  #linked = false;
  #arrived: T[] = [];
  #given = 0;
  #waiter: RawGreenlet | undefined;

  constructor(objects: Iterable<T>, options: WaitOptions) {
    this.#objects = new Set(objects);
    for (const object of this.#objects) {
      if (typeof object?.rawlink === 'function' && typeof object.unlink === 'function') continue;
      throw new TypeError(
        `${show(object)} can't be waited for: give objects with rawlink() and unlink(), such as greenlets`,
      );
    }
    const { count } = options;
    this.#left = Math.min(this.#objects.size, count === undefined ? Infinity : checkInteger('count', count, 0));
    this.#timeout = checkTimeout(options.timeout);
  }

  *next(): Coroutine<IteratorResult<T, undefined>> {
    if (this.#left > 0) {
      this.#start();
      if (this.#given === this.#arrived.length) yield* new Arrival(this, this.#remaining());
      if (this.#given < this.#arrived.length) {
        const value = this.#arrived[this.#given]!;
        this.#arrived[this.#given++] = undefined as never;
        if (--this.#left === 0) this[Symbol.dispose]();
        return { done: false, value };
      }
    }
    this[Symbol.dispose]();
    return { done: true, value: undefined };
  }

  [Symbol.dispose](): void {
    this.#left = 0;
    if (!this.#linked) return;
    this.#linked = false;
    for (const object of this.#objects) object.unlink(this.#arrive);
    this.#objects.clear();
    this.release();
  }

  #start(): void {
    if (this.#linked) return;
    this.#linked = true;
    if (this.#timeout !== undefined && this.#timeout > 0) this.#due = hub.now() + this.#timeout;
    for (const object of this.#objects) object.rawlink(this.#arrive);
  }

  #remaining(): number | undefined {
    return this.#due === undefined ? this.#timeout : Math.max(0, this.#due - hub.now());
  }

  #arrive = (object: T): void => {
    this.#objects.delete(object);
    this.#arrived.push(object);
    this.release();
  };

  /** @internal */
  check(me: RawGreenlet): void {
    const other = this.#waiter;
    if (other === undefined) return;
    throw new ConcurrentObjectUseError(`${me.name} called next() of an iwait() in which ${other.name} waits already`);
  }

  /** @internal */
  block(waiter: RawGreenlet): void {
    this.#waiter = waiter;
  }

  /** @internal */
  release(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.wake(undefined);
  }

  /** @internal */
  unblock(): void {
    this.#waiter = undefined;
  }

  toString(): string {
    return `wait(${this.#objects.size} objects)`;
  }
}

/** Blocks until one more object has arrived, or time is up. */
class Arrival extends TimedWait<void> {
  readonly #objects: ReadyObjects<any>;

  constructor(objects: ReadyObjects<any>, limit: number | undefined) {
    super(limit);
    this.#objects = objects;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    this.#objects.check(me);
    // A poll gives way once, so that the links of what is ready already are served.
    if (this.limit === 0) return me.yieldTurn();
    const step = hub.park(me, this);
    this.#objects.block(me);
    this.startDeadline(me);
    return step;
  }

  cancel(): void {
    this.deadline?.cancel();
    this.#objects.unblock();
  }

  expire(): void {
    this.#objects.release();
  }

  describe(): string {
    return String(this.#objects);
  }
}

/**
 * Gives objects one by one as they get ready: greenlets, events, results, whatever has `rawlink`. Those that are ready
 * already come first, in input order. Ends after `count` of them, or when `timeout` milliseconds are over.
 *
 * Its `next()` suspends; a kill ends the wait and loses nothing. `using` frees the links when the loop is left early.
 * It does not take the greenlets' errors. Follows `gevent.iwait`.
 *
 * @example
 * ```ts
 * import { iwait, run, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const greenlets = [3, 1, 2].map((ms) =>
 *     spawn(function* () {
 *       yield* sleep(10 * ms);
 *       return ms;
 *     }),
 *   );
 *   using ready = iwait(greenlets);
 *   for (let step; !(step = yield* ready.next()).done; ) console.log(step.value.value);
 *   // => 1
 *   // => 2
 *   // => 3
 * });
 * ```
 */
export function iwait<T extends Waitable>(objects: Iterable<T>, options: WaitOptions = {}): Iteration<T> {
  checkIterable('objects', objects);
  checkOptions(options, '{ timeout: milliseconds } or { count: 1 }');
  return new ReadyObjects(objects, options);
}

/**
 * Waits for several objects and gives the ready ones in the order in which they got ready, fewer if `timeout`
 * milliseconds are over before. Without objects: waits until the hub is idle, as `hub.join`. Suspends; a kill ends the
 * wait. Follows `gevent.wait`.
 *
 * @example
 * ```ts
 * import { run, sleep, spawn, wait } from 'genlet';
 *
 * await run(function* () {
 *   const slow = spawn(sleep, 1000);
 *   const quick = spawn(sleep, 1);
 *   console.log((yield* wait([slow, quick], { count: 1 })).indexOf(quick)); // => 0
 *   yield* slow.kill();
 * });
 * ```
 */
export function wait(objects?: undefined, options?: { timeout?: number | null }): Operation<boolean>;
export function wait<T extends Waitable>(objects: Iterable<T>, options?: WaitOptions): Operation<T[]>;
export function wait(objects?: Iterable<Waitable>, options: WaitOptions = {}): Operation<boolean | Waitable[]> {
  if (objects === undefined) return hub.join(options);
  return composite('wait()', collect(iwait(objects, options)));
}

function* collect<T>(items: Iteration<T>): Coroutine<T[]> {
  using all = items;
  const collected: T[] = [];
  for (let step: IteratorResult<T, undefined>; !(step = yield* all.next()).done; ) collected.push(step.value);
  return collected;
}
