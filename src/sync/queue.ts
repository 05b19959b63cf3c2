/**
 * Queues with direct hand-off: an item that is put goes straight to the first blocked getter, and a blocked putter keeps
 * its item with it until there is a place. So, whoever is blocked: getters only while there is no item, putters only
 * while there is no place.
 *
 * Where items don't come out in the order in which they went in, the getter gets a claim on one: which it is, is decided
 * when it has its turn, for a better one may come before that.
 */
import { checkInteger, checkIterable, checkOptions, checkTimeout } from '../core/check.ts';
import { DEV } from '../core/dev.ts';
import { InvalidStateError, QueueEmpty, QueueFull, QueueShutDown } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';
import type { Waitable } from '../core/wait.ts';
import { type BlockOptions, limitOf } from './block-options.ts';
import { checkMaxsize, type ItemStore } from './item-store.ts';
import { LotWait } from './lot-wait.ts';
import { ParkingLot, type Waiter } from './parking-lot.ts';
import { CLAIM, Get, GetMany, PEEK, Peek, Put } from './queue-operations.ts';
import { ReadyLinks } from './ready-links.ts';
import { Ring } from './ring.ts';

/** What the `statistics()` of a queue gives. */
export interface QueueStatistics {
  /** Items in the queue. */
  readonly size: number;
  /** Places for items; `Infinity` for no limit. */
  readonly maxsize: number;
  /** Greenlets blocked in `get()` or `getMany()`. */
  readonly getters: number;
  /** Greenlets blocked in `peek()`. */
  readonly peekers: number;
  /** Greenlets blocked in `put()`. */
  readonly putters: number;
}

/**
 * A first-in-first-out queue between greenlets. Follows `gevent.queue.SimpleQueue`.
 *
 * `put` blocks while `maxsize` items are in it; 0, `undefined` or `null` set no limit. Getters and putters are served in
 * the order of their calls. The forms that never wait (`putNowait`, `getNowait`, ...) may be called from anywhere,
 * callbacks and ordinary code included. It can be given to `wait()` and `iwait()`.
 *
 * @example
 * ```ts
 * import { run, SimpleQueue, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const queue = new SimpleQueue<string>(1);
 *   spawn(function* () {
 *     for (const word of ['one', 'two', 'three']) yield* queue.put(word);
 *   });
 *   console.log(yield* queue.get()); // => one
 *   console.log(yield* queue.get()); // => two
 * });
 * ```
 */
export class SimpleQueue<T> implements Waitable {
  /** @internal */
  store: ItemStore<T>;
  /** @internal */
  readonly getters: ParkingLot = new ParkingLot(this, 'get');
  /** @internal */
  readonly putters: ParkingLot = new ParkingLot(this, 'put');
  /** @internal */
  capacity: number;
  /** @internal */
  closed = false;
  /** Items of the store that were promised to getters. @internal */
  claims = 0;
  /** A `put` that is over, to be used again: to make one costs as much as to perform it. @internal */
  sparePut: Put<T> | undefined = undefined;
  readonly #links = new ReadyLinks(this, () => this.#isReady());
  #get: Get<T> | undefined = undefined;

  /**
   * A queue that begins with `items`. They come out first in, first out, unless another `store` decides otherwise.
   *
   * @throws {RangeError} `maxsize` is negative or no whole number, or there are more items than places
   */
  constructor(maxsize?: number | null, items: Iterable<T> = [], store: ItemStore<T> = new Ring()) {
    this.capacity = checkMaxsize(maxsize);
    this.store = store;
    checkIterable('items', items);
    for (const item of items) store.add(item);
    if (store.size > this.capacity) {
      throw new RangeError(`${store.size} items don't fit: maxsize is ${maxsize}`);
    }
  }

  /** How many items may be in it; `Infinity` for no limit. Raising it admits those who wait for a place. */
  get maxsize(): number {
    return this.capacity;
  }

  set maxsize(maxsize: number | null | undefined) {
    this.capacity = checkMaxsize(maxsize);
    this.#admitPutters();
  }

  /** Items in the queue; those of blocked putters don't count. */
  qsize(): number {
    return this.store.size - this.claims;
  }

  /** Whether a `get()` would block. */
  empty(): boolean {
    return this.store.size === this.claims;
  }

  /** Whether a `put()` would block. */
  full(): boolean {
    return this.store.size - this.claims >= this.capacity;
  }

  /**
   * Puts an item in, or hands it to the first who waits for one. Suspends while the queue is full; a kill then takes the
   * item back. Putters are admitted in the order of their calls.
   *
   * @throws {QueueFull} no place within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  put(item: T, options?: BlockOptions): Operation<void> {
    const spare = this.sparePut;
    if (spare === undefined || options !== undefined || DEV) return new Put(this, item, limitOf(options));
    this.sparePut = undefined;
    return spare.renew(item);
  }

  /**
   * As `put`, without waiting; not an operation.
   *
   * @throws {QueueFull} there is no place
   * @throws {QueueShutDown} the queue was shut down
   */
  putNowait(item: T): void {
    if (this.closed) throw this.shutDownError(this.putters);
    if (this.full()) throw new QueueFull(`${this.#name}.putNowait(): the queue is full`);
    this.admit(item);
  }

  /**
   * Takes an item out. Suspends while there is none; a kill then takes nothing. Getters are served in the order of their
   * calls; an item once handed to one stays its own: a kill that comes later is thrown at its next suspension.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue is empty and was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  get(options?: BlockOptions): Operation<T> {
    if (options !== undefined || DEV) return new Get(this, this.getters, limitOf(options));
    this.#get ??= new Get(this, this.getters, undefined);
    return this.#get; // without a time limit it keeps nothing, so one serves all
  }

  /**
   * As `get`, without waiting; not an operation.
   *
   * @throws {QueueEmpty} there is no item
   * @throws {QueueShutDown} the queue is empty and was shut down
   */
  getNowait(): T {
    if (this.empty()) throw this.#emptyError('getNowait');
    return this.take();
  }

  /**
   * Waits for an item and takes all there are then, at most `max`: for consumers that work in batches. Suspends, and
   * behaves at a kill, as `get`.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue is empty and was shut down, also while it waited
   * @throws {RangeError} `max` is no whole number of 1 or more, or `timeout` is negative or NaN
   * @example
   * ```ts
   * import { run, SimpleQueue } from 'genlet';
   *
   * await run(function* () {
   *   const queue = new SimpleQueue(null, [1, 2, 3]);
   *   console.log(yield* queue.getMany(2)); // => [ 1, 2 ]
   *   console.log(yield* queue.getMany()); // => [ 3 ]
   * });
   * ```
   */
  getMany(max: number = Number.POSITIVE_INFINITY, options?: BlockOptions): Operation<T[]> {
    const most = max === Number.POSITIVE_INFINITY ? max : checkInteger('max', max, 1);
    return new GetMany(this, most, limitOf(options));
  }

  /**
   * Gives the item whose turn it is, and leaves it in the queue. Suspends while there is none; a kill ends the wait. Those
   * who peek and those who get stand in one line: an item is shown to those in front of the getter who takes it.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue is empty and was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  peek(options?: BlockOptions): Operation<T> {
    return new Peek(this, this.getters, limitOf(options));
  }

  /**
   * As `peek`, without waiting; not an operation.
   *
   * @throws {QueueEmpty} there is no item
   * @throws {QueueShutDown} the queue is empty and was shut down
   */
  peekNowait(): T {
    if (this.empty()) throw this.#emptyError('peekNowait');
    return this.store.first();
  }

  /**
   * A queue of the same kind with the same items and `maxsize`, and none of those who wait. A subclass whose constructor
   * takes something else than `maxsize` overrides it. Follows `SimpleQueue.copy` of gevent.
   */
  copy(): this {
    const copy = new (this.constructor as new (maxsize: number) => this)(this.capacity);
    copy.adopt(this.store.copy());
    for (let promised = this.claims; promised > 0; promised--) copy.drop();
    return copy;
  }

  /**
   * Shuts the queue down: from now on `put` throws `QueueShutDown`, and `get` does so once the queue is empty. Those who
   * are blocked get the error at once. With `immediate`, the items that are left are dropped. A second call is allowed.
   * Follows Python's `Queue.shutdown`.
   *
   * @example
   * ```ts
   * import { QueueShutDown, run, SimpleQueue } from 'genlet';
   *
   * await run(function* () {
   *   const queue = new SimpleQueue(null, ['last']);
   *   queue.shutdown();
   *   console.log(yield* queue.get()); // => last
   *   try {
   *     yield* queue.get();
   *   } catch (error) {
   *     console.log(error instanceof QueueShutDown); // => true
   *   }
   * });
   * ```
   */
  shutdown(options: { immediate?: boolean } = {}): void {
    checkOptions(options, '{ immediate: true }');
    this.closed = true;
    if (options.immediate) while (!this.empty()) this.drop();
    for (const lot of [this.getters, this.putters]) {
      for (let waiter = lot.shift(); waiter !== null; waiter = lot.shift()) waiter.fail(this.shutDownError(lot));
    }
    this.#links.notify();
  }

  /**
   * Calls `callback(queue)` in the hub, once, when there is an item to get, or nothing to wait for because the queue was
   * shut down; in the next pass if it is so already. It takes nothing.
   */
  rawlink(callback: (queue: this) => void): void {
    this.#links.add(callback);
    if (this.#isReady()) this.#links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (queue: this) => void): void {
    this.#links.remove(callback);
  }

  /** Counters of this moment. */
  statistics(): QueueStatistics {
    const { getters, putters, maxsize } = this;
    const peekers = [...getters].filter(({ slot }) => slot === PEEK).length;
    return { size: this.qsize(), maxsize, getters: getters.size - peekers, peekers, putters: putters.size };
  }

  /** Takes another store for its own. @internal */
  adopt(store: ItemStore<T>): void {
    this.store = store;
  }

  // ---- what the operations use

  /** Lets an item in, for which there is a place. @internal */
  admit(item: T): void {
    if (this.empty()) {
      // Only now can anybody be waiting for an item.
      if (this.getters.size > 0) {
        this.#serve(item);
        return;
      }
      this.#links.notify();
    }
    this.store.add(item);
  }

  /** Lets in an item that is waited for. A store that throws takes nothing, and nobody is served. */
  #serve(item: T): void {
    const straight = this.store instanceof Ring;
    if (!straight) this.store.add(item);
    const getter = this.#firstGetter(item);
    if (getter === null) {
      if (straight) this.store.add(item);
      this.#links.notify();
    } else if (straight) getter.wake(item);
    else {
      this.claims++;
      getter.wake(CLAIM);
    }
  }

  /** Shows the item to those who peek in front of the first getter, and takes that one off. */
  #firstGetter(item: T): Waiter | null {
    let waiter = this.getters.shift();
    for (; waiter !== null && waiter.slot === PEEK; waiter = this.getters.shift()) waiter.wake(item);
    return waiter;
  }

  /** Takes out the item that was promised to a getter. @internal */
  redeem(): T {
    this.claims--;
    return this.store.take();
  }

  /** Takes out an item, which there is. @internal */
  take(): T {
    const item = this.store.take();
    if (this.putters.size > 0) this.#admitPutters();
    return item;
  }

  /** Adds items to `taken` until it has `max` or there are no more. @internal */
  takeMany(taken: T[], max: number): T[] {
    while (taken.length < max && !this.empty()) taken.push(this.take());
    return taken;
  }

  /** Takes out an item that nobody will get. @internal */
  drop(): void {
    this.store.take();
  }

  /** @internal */
  shutDownError(call: { describe(): string }): QueueShutDown {
    return new QueueShutDown(`${call.describe()}: the queue was shut down`);
  }

  #admitPutters(): void {
    while (this.putters.size > 0 && !this.full()) {
      const putter = this.putters.shift()!;
      try {
        this.admit(putter.slot);
        putter.wake(undefined);
      } catch (error) {
        putter.fail(error); // the store did not take it
      }
    }
  }

  #emptyError(call: string): Error {
    const message = `${this.#name}.${call}(): the queue`;
    return this.closed ? new QueueShutDown(`${message} was shut down`) : new QueueEmpty(`${message} is empty`);
  }

  #isReady(): boolean {
    return !this.empty() || this.closed;
  }

  get #name(): string {
    return this.constructor.name;
  }
}

/** What the `statistics()` of a joinable queue gives. */
export interface JoinableQueueStatistics extends QueueStatistics {
  /** Items put and not yet reported by `taskDone()`. */
  readonly unfinishedTasks: number;
  /** Greenlets blocked in `join()`. */
  readonly joiners: number;
}

/**
 * A `SimpleQueue` that also knows when the work is done: each item counts as unfinished until `taskDone()` is called for
 * it, and `join()` waits for the last. Follows `queue.Queue` and `gevent.queue.JoinableQueue`.
 *
 * @example
 * ```ts
 * import { Queue, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const queue = new Queue<string>(null, ['a', 'b']);
 *   spawn(function* () {
 *     for (;;) {
 *       console.log(yield* queue.get());
 *       queue.taskDone();
 *     }
 *   }).daemon = true;
 *   yield* queue.join();
 *   // => a
 *   // => b
 *   console.log(queue.unfinishedTasks); // => 0
 * });
 * ```
 */
export class Queue<T> extends SimpleQueue<T> {
  readonly #joiners = new ParkingLot(this, 'join');
  readonly #isDone = (): boolean => this.#unfinished === 0;
  #unfinished: number;

  /**
   * A queue that begins with `items`, which count as unfinished. They come out first in, first out, unless another
   * `store` decides otherwise.
   *
   * @throws {RangeError} `maxsize` is negative or no whole number, or there are more items than places
   */
  constructor(maxsize?: number | null, items?: Iterable<T>, store?: ItemStore<T>) {
    super(maxsize, items, store);
    this.#unfinished = this.qsize();
  }

  /** Items put and not yet reported by `taskDone()`. */
  get unfinishedTasks(): number {
    return this.#unfinished;
  }

  /**
   * Reports that the work on one item is done; after the last, joiners wake in the order of their calls.
   *
   * @throws {InvalidStateError} it was called more often than items were put
   */
  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new InvalidStateError('taskDone() was called more often than items were put: call it once an item');
    }
    if (--this.#unfinished === 0) this.#joiners.wakeAll(true);
  }

  /**
   * Waits until no task is unfinished and gives `true`; `false` when `timeout` milliseconds are over. Suspends unless
   * all is done; a kill ends the wait. Joiners wake in the order of their calls.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  join(timeout?: number | null): Operation<boolean> {
    return new LotWait(this.#joiners, this.#isDone, checkTimeout(timeout));
  }

  override statistics(): JoinableQueueStatistics {
    return { ...super.statistics(), unfinishedTasks: this.#unfinished, joiners: this.#joiners.size };
  }

  /** @internal */
  override adopt(store: ItemStore<T>): void {
    super.adopt(store);
    this.#unfinished = store.size;
  }

  /** @internal */
  override admit(item: T): void {
    super.admit(item);
    this.#unfinished++;
  }

  /** @internal */
  override drop(): void {
    super.drop();
    if (this.#unfinished > 0) this.taskDone();
  }
}
