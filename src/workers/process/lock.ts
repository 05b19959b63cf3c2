/** `Lock`, `Semaphore`, `BoundedSemaphore` and `Event` between processes: each lives in the process that made it. */
import { checkInteger, checkTimeout } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { InvalidStateError } from '../../core/errors.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { timedOut } from '../../core/timeout.ts';
import { type BlockOptions, limitOf } from '../../sync/block-options.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { ProcessObject, registerObject } from './process-object.ts';
import type { Request, Service } from './request.ts';

const Method = { ACQUIRE: 0, RELEASE: 1, VALUE: 2, SET: 3, CLEAR: 4, WAIT: 5 } as const;

// ---- in the process that made it

class LockService implements Service {
  readonly #waiters = new ParkingLot(this, 'acquire');
  /** Who holds it. */
  #holder: object | undefined;

  serve(request: Request): void {
    switch (request.method) {
      case Method.ACQUIRE:
        if (this.#holder === undefined) this.#grant(request);
        else if (request.limit === 0) request.wake(false);
        else request.park(this.#waiters, () => request.wake(false));
        break;
      case Method.RELEASE:
        if (this.#holder === undefined) {
          request.fail(new InvalidStateError('release() of a Lock that nobody holds: acquire() it first'));
        } else {
          request.wake(undefined);
          this.#release();
        }
        break;
      default:
        request.wake(this.#holder !== undefined);
    }
  }

  #grant(request: Request): void {
    this.#holder = request.client;
    request.wake(true);
  }

  #release(): void {
    this.#holder = undefined;
    const next = this.#waiters.shift();
    if (next !== null) this.#grant(next as Request);
  }

  takeBack(request: Request): void {
    if (request.method === Method.ACQUIRE) this.lose(request.client);
  }

  lose(client: object): void {
    if (this.#holder === client) this.#release();
  }
}

class SemaphoreService implements Service {
  readonly #waiters = new ParkingLot(this, 'acquire');
  readonly #most: number;
  #free: number;

  constructor(value: number, most: number) {
    this.#free = value;
    this.#most = most;
  }

  serve(request: Request): void {
    switch (request.method) {
      case Method.ACQUIRE:
        if (this.#free > 0) {
          this.#free--;
          request.wake(true);
        } else if (request.limit === 0) request.wake(false);
        else request.park(this.#waiters, () => request.wake(false));
        break;
      case Method.RELEASE: {
        const permits = request.limit!;
        if (this.#free + permits > this.#most) {
          request.fail(
            new InvalidStateError(`release(${permits}) would make more permits than the first ${this.#most}`),
          );
        } else {
          request.wake(undefined);
          this.#release(permits);
        }
        break;
      }
      default:
        request.wake(this.#free);
    }
  }

  #release(permits: number): void {
    for (let left = permits; left > 0; left--) {
      const next = this.#waiters.shift();
      if (next === null) this.#free++;
      else next.wake(true);
    }
  }

  takeBack(request: Request): void {
    if (request.method === Method.ACQUIRE) this.#release(1);
  }

  /** A permit belongs to nobody. */
  lose(): void {}
}

class EventService implements Service {
  readonly #waiters = new ParkingLot(this, 'wait');
  #flag = false;

  serve(request: Request): void {
    switch (request.method) {
      case Method.SET:
        this.#flag = true;
        this.#waiters.wakeAll(true);
        request.wake(undefined);
        break;
      case Method.CLEAR:
        this.#flag = false;
        request.wake(undefined);
        break;
      case Method.WAIT:
        if (this.#flag) request.wake(true);
        else if (request.limit === 0) request.wake(false);
        else request.park(this.#waiters, () => request.wake(false));
        break;
      default:
        request.wake(this.#flag);
    }
  }

  takeBack(): void {}

  lose(): void {}
}

// ---- the handles to it

/** What `Lock` and `Semaphore` between processes have in common. */
export abstract class ProcessAcquirable extends ProcessObject {
  readonly #name = this.constructor.name;

  /**
   * Takes a permit and gives `true`; `false` if there was none within `timeout` milliseconds, or at once with
   * `block: false`. Suspends; a kill takes nothing. Permits are given in the order in which the calls arrive.
   *
   * @throws {EOFError} the process that made it has ended
   * @throws {RangeError} `timeout` is negative or NaN
   */
  acquire(options?: BlockOptions): Operation<boolean> {
    return this.broker.ask({ method: Method.ACQUIRE, name: `${this.#name}.acquire()`, limit: limitOf(options) });
  }

  /**
   * Takes a permit for a block: `using _ = yield* lock.hold()` gives it back when the block is left, by return, error or
   * kill. Suspends as `acquire`.
   *
   * @throws {Timeout} there was no permit within `timeout` milliseconds
   * @throws {EOFError} the process that made it has ended
   * @throws {RangeError} `timeout` is negative or NaN
   */
  hold(timeout?: number | null): Operation<Disposable> {
    return composite(`${this.#name}.hold()`, this.#hold(checkTimeout(timeout)));
  }

  *#hold(limit: number | undefined): Coroutine<Disposable> {
    if (!(yield* this.acquire({ timeout: limit ?? null }))) throw timedOut(`${this.#name}.hold()`, limit!);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.release();
        held = false;
      },
    };
  }

  /** Gives a permit back. Acts at once. */
  abstract release(): Operation<void>;

  /** @internal */
  protected giveBack(permits: number | undefined): Operation<void> {
    return this.broker.tell({ method: Method.RELEASE, name: `${this.#name}.release()`, limit: permits });
  }

  /** @internal */
  protected value(): Operation<any> {
    return this.broker.ask({ method: Method.VALUE, name: this.#name, limit: undefined });
  }
}

/**
 * A lock that one greenlet of all processes can hold; its holder, too, waits if it asks again. Anybody may release it.
 * Follows `multiprocessing.Lock`.
 *
 * It is given to other processes as an argument of a `Process`, or through a connection or queue. A process that ends
 * while it holds the lock releases it. When the one that made the lock ends, calls in the others throw `EOFError`.
 *
 * @example
 * ```ts
 * import { Lock, main, Process } from 'genlet/workers';
 *
 * export function* print(name: string, lock: Lock) {
 *   using _ = yield* lock.hold();
 *   console.log('is running');
 *   console.log('is done');
 * }
 *
 * main(import.meta.url, function* () {
 *   const lock = new Lock();
 *   const processes = ['one', 'two'].map((name) => new Process(print, [name, lock]));
 *   for (const process of processes) process.start();
 *   for (const process of processes) yield* process.join();
 *   // => is running
 *   // => is done
 *   // => is running
 *   // => is done
 * });
 * ```
 */
export class Lock extends ProcessAcquirable {
  constructor() {
    super('Lock', undefined, () => new LockService());
  }

  /**
   * Gives the lock to the first who waits for it, or leaves it free. Acts at once; the operation that it gives waits
   * until that is done, and need not be performed.
   *
   * @throws {InvalidStateError} nobody holds it; if nobody waits for the answer of another process, the hub gets the error
   */
  release(): Operation<void> {
    return this.giveBack(undefined);
  }

  /** Whether somebody holds it. Suspends for the answer. */
  locked(): Operation<boolean> {
    return this.value();
  }
}

/**
 * A number of permits for all processes. Anybody may give one back, also one more than there were. Follows
 * `multiprocessing.Semaphore`.
 *
 * It is given to other processes as a `Lock` is. A permit belongs to nobody: a process that ends gives none back.
 *
 * @example
 * ```ts
 * import { main, Process, Semaphore } from 'genlet/workers';
 *
 * export function* produce(made: Semaphore) {
 *   for (let i = 0; i < 3; i++) made.release();
 * }
 *
 * main(import.meta.url, function* () {
 *   const made = new Semaphore(0);
 *   new Process(produce, [made]).start();
 *   for (let i = 0; i < 3; i++) yield* made.acquire();
 *   console.log(yield* made.counter()); // => 0
 * });
 * ```
 */
export class Semaphore extends ProcessAcquirable {
  /** @throws {RangeError} `value` is negative or no whole number */
  constructor(value?: number);
  /** @internal */
  constructor(value?: number, most?: number, kind?: string);
  constructor(value = 1, most = Number.POSITIVE_INFINITY, kind = 'Semaphore') {
    checkInteger('value', value, 0);
    super(kind, value, () => new SemaphoreService(value, most));
  }

  /**
   * Gives back `permits` of them; those who wait get theirs in the order in which they asked. Acts at once; the operation
   * that it gives waits until that is done, and need not be performed.
   *
   * @throws {RangeError} `permits` is no whole number of 1 or more
   */
  release(permits = 1): Operation<void> {
    return this.giveBack(checkInteger('permits', permits, 1));
  }

  /** Permits that are free. Suspends for the answer. */
  counter(): Operation<number> {
    return this.value();
  }
}

/**
 * A semaphore that never has more permits than at first. Follows `multiprocessing.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { BoundedSemaphore } from 'genlet/workers';
 *
 * await run(function* () {
 *   const one = new BoundedSemaphore(1);
 *   try {
 *     one.release();
 *   } catch (error) {
 *     console.log((error as Error).message); // => release(1) would make more permits than the first 1
 *   }
 * });
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  /** @throws {RangeError} `value` is negative or no whole number */
  constructor(value = 1) {
    super(value, value, 'BoundedSemaphore');
  }

  /**
   * As `Semaphore.release`.
   *
   * @throws {InvalidStateError} there would be more permits than at first; if nobody waits for the answer of another
   * process, the hub gets the error
   * @throws {RangeError} `permits` is no whole number of 1 or more
   */
  override release(permits = 1): Operation<void> {
    return super.release(permits);
  }
}

/**
 * A flag that greenlets of all processes can wait for, until somebody sets it. Follows `multiprocessing.Event`.
 *
 * It is given to other processes as a `Lock` is.
 *
 * @example
 * ```ts
 * import { Event, main, Process } from 'genlet/workers';
 *
 * export function* wait(start: Event) {
 *   console.log(yield* start.wait()); // => true
 * }
 *
 * main(import.meta.url, function* () {
 *   const start = new Event();
 *   new Process(wait, [start]).start();
 *   start.set();
 * });
 * ```
 */
export class Event extends ProcessObject {
  constructor() {
    super('Event', undefined, () => new EventService());
  }

  /** Raises the flag: all who wait get `true`. Acts at once; the operation that it gives waits until that is done. */
  set(): Operation<void> {
    return this.broker.tell({ method: Method.SET, name: 'Event.set()', limit: undefined });
  }

  /** Lowers the flag. Acts at once; the operation that it gives waits until that is done. */
  clear(): Operation<void> {
    return this.broker.tell({ method: Method.CLEAR, name: 'Event.clear()', limit: undefined });
  }

  /** Whether the flag is up. Suspends for the answer. */
  isSet(): Operation<boolean> {
    return this.broker.ask({ method: Method.VALUE, name: 'Event.isSet()', limit: undefined });
  }

  /**
   * Waits until the flag is up and gives `true`; `false` when `timeout` milliseconds are over. Suspends; a kill ends the
   * wait.
   *
   * @throws {EOFError} the process that made it has ended
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<boolean> {
    return this.broker.ask({ method: Method.WAIT, name: 'Event.wait()', limit: checkTimeout(timeout) });
  }
}

registerObject('Lock', () => new Lock());
registerObject('Semaphore', (value: number) => new Semaphore(value));
registerObject('BoundedSemaphore', (value: number) => new BoundedSemaphore(value));
registerObject('Event', () => new Event());
