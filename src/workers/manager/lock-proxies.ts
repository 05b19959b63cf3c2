/** The proxies of a manager's locks, and of what else processes wait for each other with. */
import { checkFunction, checkTimeout } from '../../core/check.ts';
import { Checkpoint } from '../../core/checkpoint.ts';
import { composite } from '../../core/dev.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation, Outcome } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import { shield } from '../../core/shield.ts';
import { timedOut } from '../../core/timeout.ts';
import type { BlockOptions } from '../../sync/block-options.ts';
import { Event as LocalEvent } from '../../sync/event.ts';
import { BaseProxy } from './base-proxy.ts';

/** What is held, and released once. */
class Held implements Disposable {
  #proxy: BaseProxy | undefined;

  constructor(proxy: BaseProxy) {
    this.#proxy = proxy;
  }

  [Symbol.dispose](): void {
    this.#proxy?.tell('release', []);
    this.#proxy = undefined;
  }
}

/** The base of the proxies of what can be acquired. */
abstract class AcquirableProxy extends BaseProxy {
  /**
   * Acquires it for a block: `using _ = yield* lock.hold()` releases it when the block is left, by return, error or kill.
   * Suspends as `acquire`.
   *
   * @throws {Timeout} it could not be had within `timeout` milliseconds
   * @throws {RangeError} `timeout` is negative or NaN
   */
  hold(timeout?: number | null): Operation<Disposable> {
    return composite(`${this}.hold()`, this.#hold(checkTimeout(timeout)));
  }

  *#hold(timeout: number | undefined): Coroutine<Disposable> {
    if (yield* this.acquire({ timeout: timeout ?? null })) return new Held(this);
    throw timedOut(`${this}.hold()`, timeout!);
  }

  /**
   * Acquires it and gives `true`; `false` if it could not be had within `timeout` milliseconds, or at once with
   * `block: false`. Suspends until the answer comes; a kill takes it back, and who is next in line has it. Those who wait,
   * in whatever process, get it in the order in which their calls arrive.
   */
  abstract acquire(options?: BlockOptions): Operation<boolean>;

  /** Whether `acquire()` would block. */
  locked(): Operation<boolean> {
    return this.call('locked', []);
  }
}

/**
 * A lock of a `Manager`. It belongs to the greenlet that has acquired it; anybody may release it. If the process of its
 * holder ends, or loses its connection, the next in line has it, and finds `abandoned` set. Follows the locks of
 * `multiprocessing.managers.SyncManager`, where it would stay locked for ever.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const lock = yield* manager.Lock();
 *   {
 *     using _ = yield* lock.hold();
 *     console.log(yield* lock.locked()); // => true
 *   }
 *   console.log(yield* lock.locked()); // => false
 * });
 * ```
 */
export class LockProxy extends AcquirableProxy {
  #abandoned = false;

  /** Whether, when this proxy acquired it last, its holder before had gone without releasing it. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  override acquire(options?: BlockOptions): Operation<boolean> {
    return this.call('acquire', [options], this.#acquired);
  }

  #acquired = (result: boolean | 'abandoned'): boolean => {
    if (result !== false) this.#abandoned = result === 'abandoned';
    return result !== false;
  };

  /** Releases it. @throws {InvalidStateError} nobody holds it */
  release(): Operation<void> {
    return this.call('release', []);
  }
}

/**
 * A lock of a `Manager` that the greenlet that holds it can acquire again; it must release it as often, and nobody else
 * can. Otherwise as `LockProxy`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const lock = yield* manager.RLock();
 *   using _ = yield* lock.hold();
 *   console.log(yield* lock.acquire()); // => true
 *   yield* lock.release();
 * });
 * ```
 */
export class RLockProxy extends LockProxy {}

/**
 * A semaphore of a `Manager`. Its permits belong to nobody: if a process ends, those that it has taken are not given back.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const desks = yield* manager.Semaphore(2);
 *   using _ = yield* desks.hold();
 *   console.log(yield* desks.counter()); // => 1
 * });
 * ```
 */
export class SemaphoreProxy extends AcquirableProxy {
  override acquire(options?: BlockOptions): Operation<boolean> {
    return this.call('acquire', [options]);
  }

  /** Gives back `permits` of them; gives how many are free then. */
  release(permits = 1): Operation<number> {
    return this.call('release', [permits]);
  }

  /** Permits that are free. */
  counter(): Operation<number> {
    return this.call('counter', []);
  }
}

/**
 * A flag of a `Manager` that processes can wait for.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const open = yield* manager.Event();
 *   spawn(() => open.set());
 *   console.log(yield* open.wait(1000)); // => true
 * });
 * ```
 */
export class EventProxy extends BaseProxy {
  /** Raises the flag: all who wait go on. */
  set(): Operation<void> {
    return this.call('set', []);
  }

  /** Lowers the flag. */
  clear(): Operation<void> {
    return this.call('clear', []);
  }

  /** Whether the flag is up. */
  isSet(): Operation<boolean> {
    return this.call('isSet', []);
  }

  /** Waits until the flag is up and gives `true`; `false` when `timeout` milliseconds are over. */
  wait(timeout?: number | null): Operation<boolean> {
    return this.call('wait', [timeout]);
  }
}

/**
 * A condition of a `Manager`: a lock together with a way to wait, while it is given up, for a change that another process
 * makes. A holder that is gone is handled as with `LockProxy`.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const [changed, items] = [yield* manager.Condition(), yield* manager.list<string>()];
 *   spawn(function* () {
 *     using _ = yield* changed.hold();
 *     yield* items.push('bread');
 *     yield* changed.notify();
 *   });
 *   using _ = yield* changed.hold();
 *   yield* changed.waitFor(() => items.length());
 *   console.log(yield* items.pop()); // => bread
 * });
 * ```
 */
export class ConditionProxy extends LockProxy {
  /**
   * Gives the lock up, waits for a notification, and takes the lock again: gives `true`, or `false` when `timeout`
   * milliseconds were over before. Suspends; a kill, too, is thrown only when the lock has been taken again.
   *
   * @throws {InvalidStateError} the greenlet does not hold the lock
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<boolean> {
    return composite(`${this}.wait()`, this.#wait(checkTimeout(timeout)));
  }

  *#wait(timeout: number | undefined): Coroutine<boolean> {
    yield* this.connect();
    const call = this.patientCall<boolean>('wait', [timeout]);
    const settled = new LocalEvent();
    call.settled = settled;
    try {
      return yield* call;
    } catch (error) {
      if (call.interrupted) yield* shield(() => settled.wait());
      throw error;
    }
  }

  /**
   * Waits until `predicate()`, which may be an operation such as `() => items.length()`, gives something true, looking
   * again after each notification; gives its last value: a false one when `timeout` milliseconds are over.
   *
   * @throws {InvalidStateError} it is false at first, and the greenlet does not hold the lock
   * @throws {RangeError} `timeout` is negative or NaN
   */
  waitFor<R>(predicate: () => R, timeout?: number | null): Operation<Outcome<R>> {
    checkFunction('predicate', predicate);
    return composite(`${this}.waitFor()`, this.#waitFor(predicate, checkTimeout(timeout)));
  }

  *#waitFor(predicate: () => unknown, timeout: number | undefined): Coroutine<any> {
    yield* new Checkpoint(`${this}.waitFor()`);
    const due = timeout === undefined ? undefined : hub.now() + timeout;
    for (;;) {
      const value: unknown = yield* callAndWait(predicate);
      if (value) return value;
      const left = due === undefined ? undefined : due - hub.now();
      if (left !== undefined && left <= 0) return value;
      yield* this.#wait(left);
    }
  }

  /** Wakes `count` of those who wait, the first ones. @throws {InvalidStateError} the greenlet does not hold the lock */
  notify(count = 1): Operation<void> {
    return this.call('notify', [count]);
  }

  /** Wakes all who wait. @throws {InvalidStateError} the greenlet does not hold the lock */
  notifyAll(): Operation<void> {
    return this.call('notifyAll', []);
  }
}

/**
 * A barrier of a `Manager`: a place where processes wait until so many of them have come.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const barrier = yield* manager.Barrier(2);
 *   const other = spawn(() => barrier.wait());
 *   console.log((yield* barrier.wait()) + (yield* other)); // => 1
 * });
 * ```
 */
export class BarrierProxy extends BaseProxy {
  /**
   * Waits until all parties have come, and gives one's place in the order of arrival, from 0 on. A kill breaks the barrier,
   * and so does the end of a connection that waits.
   *
   * @throws {BrokenBarrierError} it is broken, or breaks or is reset in the meantime, or `timeout` milliseconds are over
   */
  wait(timeout?: number | null): Operation<number> {
    return this.call('wait', timeout === undefined ? [] : [timeout]);
  }

  /** Makes it as new; those who wait get a `BrokenBarrierError`. */
  reset(): Operation<void> {
    return this.call('reset', []);
  }

  /** Breaks it; those who wait, now or later, get a `BrokenBarrierError`. */
  abort(): Operation<void> {
    return this.call('abort', []);
  }

  /** How many are let through together. */
  parties(): Operation<number> {
    return this.call('parties', []);
  }

  /** How many wait for the others. */
  waiting(): Operation<number> {
    return this.call('waiting', []);
  }

  /** Whether it is broken. */
  broken(): Operation<boolean> {
    return this.call('broken', []);
  }
}
