/**
 * `mapItems`: a few workers and a queue of work.
 *
 * Nothing is read ahead: a worker that has nothing to do reads an item, one worker at a time. Another worker is spawned
 * when all that there are have something to do, so there are never more than needed.
 */
import { checkFunction, checkInteger, checkOptions } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { GreenletExit, isExit } from '../core/errors.ts';
import type { Iteration } from '../core/from-async-iterable.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import { Link } from '../core/links.ts';
import type { Coroutine, Operation, Outcome } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import { shield } from '../core/shield.ts';
import { type Items, iterate } from './items.ts';
import { Lock } from './lock.ts';
import { LotWait } from './lot-wait.ts';
import { ParkingLot } from './parking-lot.ts';

/** Options of `mapItems`. */
export interface MapItemsOptions {
  /** How many workers there are at most, so how many items are in work at once; no limit by default. */
  limit?: number | null;
  /** `true`, the default: results in the order of the items; `false`: as they come. */
  preserveOrder?: boolean;
}

/**
 * Calls `fn(item, index)` for each item, by at most `limit` workers, and gives the results. `fn` may be a coroutine
 * function, a plain or an async one. Items are read as workers get free, from any iterable, async iterable or iteration,
 * and begun in their order. The workers are greenlets named `worker-1`, `worker-2` and so on: see `getcurrent().name`.
 *
 * It is structured: no worker outlives the call. The first failure kills the other workers, waits for their `finally`
 * blocks, and is thrown; what they die of on the way is given to `hub.handleError`. A worker that is killed has failed
 * with its `GreenletExit`. A kill or a timeout of the caller kills the workers and waits for them, too. `Pool.map`, in
 * contrast, lets the others run on after a failure or a kill; it has a greenlet for each item, and its places may be
 * shared by several calls.
 *
 * Suspends. Follows the pattern of worker threads over a `queue.Queue`, and `ThreadPoolExecutor.map`.
 *
 * @throws the first error of `fn`, or of reading the items
 * @throws {RangeError} `limit` is no whole number of 1 or more
 * @example
 * ```ts
 * import { getcurrent, mapItems, run, sleep } from 'genlet';
 *
 * await run(function* () {
 *   const work = function* (ms: number, index: number) {
 *     yield* sleep(ms);
 *     console.log(`${getcurrent()?.name} did item ${index}`);
 *     return `${ms} ms`;
 *   };
 *   console.log(yield* mapItems([30, 5, 60], work, { limit: 2 }));
 *   // => worker-2 did item 1
 *   // => worker-1 did item 0
 *   // => worker-2 did item 2
 *   // => [ '30 ms', '5 ms', '60 ms' ]
 * });
 * ```
 */
export function mapItems<T, R>(
  items: Items<T>,
  fn: (item: T, index: number) => R,
  options: MapItemsOptions = {},
): Operation<Outcome<R>[]> {
  checkFunction('function', fn);
  checkOptions(options, '{ limit: 10 } or { preserveOrder: false }');
  const { limit, preserveOrder = true } = options;
  const isUnlimited = limit === undefined || limit === null || limit === Number.POSITIVE_INFINITY;
  const most = isUnlimited ? Number.POSITIVE_INFINITY : checkInteger('limit', limit, 1);
  return composite('mapItems()', new WorkQueue(iterate(items), fn, most, preserveOrder).run());
}

class WorkQueue<T, R> {
  readonly #source: Iteration<T>;
  readonly #fn: (item: T, index: number) => R;
  readonly #limit: number;
  readonly #preserveOrder: boolean;
  readonly #results: Outcome<R>[] = [];
  readonly #workers = new Set<Greenlet<void>>();
  readonly #reading = new Lock();
  readonly #waiters = new ParkingLot(this, 'join');
  readonly #isEmpty = (): boolean => this.#workers.size === 0;
  #spawned = 0;
  /** Workers that read an item, wait for that, or have not begun. */
  #idle = 0;
  #read = 0;
  /** There are no more items, or they are not wanted any more. */
  #isOver = false;
  #isStopped = false;
  #failure: { readonly error: unknown } | undefined;
  #isDaemon = false;

  constructor(source: Iteration<T>, fn: (item: T, index: number) => R, limit: number, preserveOrder: boolean) {
    this.#source = source;
    this.#fn = fn;
    this.#limit = limit;
    this.#preserveOrder = preserveOrder;
  }

  *run(): Coroutine<Outcome<R>[]> {
    this.#isDaemon = hub.self({ describe: () => 'mapItems()' }).daemon;
    using _ = this.#source;
    this.#spawnWorker();
    try {
      yield* this.#join();
    } catch (error) {
      this.#stop();
      // The interruption must arrive as it is, so what a worker failed with is reported.
      if (this.#failure !== undefined) hub.handleError(this.#failure.error, undefined, 'a mapItems() that was killed');
      yield* shield(() => this.#join());
      throw error;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#results;
  }

  #join(): Operation<boolean> {
    return new LotWait(this.#waiters, this.#isEmpty, undefined);
  }

  #spawnWorker(): void {
    this.#idle++;
    const worker = new Greenlet<void>(() => this.#work());
    worker.name = `worker-${++this.#spawned}`;
    worker.daemon = this.#isDaemon;
    this.#workers.add(worker);
    worker.addLink(new WorkerLink(this));
    worker.start();
  }

  *#work(): Coroutine<void> {
    for (let work = yield* this.#next(); work !== undefined; work = yield* this.#next()) {
      const { item, index } = work;
      const result = yield* callAndWait(() => this.#fn(item, index));
      if (this.#preserveOrder) this.#results[index] = result;
      else this.#results.push(result);
      this.#idle++;
    }
  }

  /** Reads an item. */
  *#next(): Coroutine<{ item: T; index: number } | undefined> {
    using _ = yield* this.#reading.hold();
    if (this.#isOver) return undefined;
    const step = yield* this.#source.next();
    if (step.done) {
      this.#isOver = true;
      return undefined;
    }
    this.#idle--;
    if (this.#idle === 0 && this.#spawned < this.#limit) this.#spawnWorker();
    return { item: step.value, index: this.#read++ };
  }

  /** Nothing is wanted any more. A second kill would break into the `finally` blocks of the workers. */
  #stop(): void {
    if (this.#isStopped) return;
    this.#isOver = this.#isStopped = true;
    for (const worker of [...this.#workers]) worker.sendKill(new GreenletExit('not needed any more'));
  }

  /** A worker has ended. */
  ended(worker: Greenlet<void>): void {
    this.#workers.delete(worker);
    const isKilled = isExit(worker.value);
    if (!this.#isStopped && (isKilled || !worker.successful())) {
      this.#failure = { error: isKilled ? worker.value : worker.takeError() };
      this.#stop();
    }
    if (this.#workers.size === 0) this.#waiters.wakeAll(true);
  }
}

class WorkerLink extends Link {
  readonly #queue: WorkQueue<any, any>;

  constructor(queue: WorkQueue<any, any>) {
    super();
    this.#queue = queue;
  }

  notify(worker: Greenlet<void>): void {
    this.removeFrom(worker);
    this.#queue.ended(worker);
  }
}
