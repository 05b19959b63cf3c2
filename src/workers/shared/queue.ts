/**
 * A `Queue` between threads: items are serialized into a ring of bytes, which all threads put into and take from.
 *
 * Getters and putters stand in a line each. Whoever has put an item or taken one lets the first of the other line look.
 */
import { checkInteger, checkOptions, checkTimeout } from '../../core/check.ts';
import { InvalidStateError, QueueEmpty, QueueFull, QueueShutDown } from '../../core/errors.ts';
import type { Operation } from '../../core/operation.ts';
import type { Waitable } from '../../core/wait.ts';
import { type BlockOptions, limitOf } from '../../sync/block-options.ts';
import { checkMaxsize } from '../../sync/item-store.ts';
import type { Waiter } from '../../sync/parking-lot.ts';
import { BUSY, ByteRing, EMPTY, FULL, RING_WORDS, SHUT } from './byte-ring.ts';
import { decode, encode } from './codec.ts';
import { Failure, LINE_WORDS, Line, NOT_YET } from './line.ts';
import { LineWait } from './line-call.ts';
import { LineLinks, WATCHING } from './line-links.ts';
import { Get, GetMany, Parcel, Put } from './queue-calls.ts';
import { type Descriptor, FIRST_WORD, Opening, SharedObject } from './shared-object.ts';

const RING: number = FIRST_WORD;
/** How many items were reported as done. */
const DONE: number = RING + RING_WORDS;
const GETTERS: number = DONE + 1;
const PUTTERS: number = GETTERS + LINE_WORDS;
const JOINERS: number = PUTTERS + LINE_WORDS;
const BYTES: number = JOINERS + LINE_WORDS;

const LEAST_BYTES = 64;
const MOST_BYTES: number = 2 ** 30;
const DEFAULT_BYTES: number = 2 ** 20;
const MOST_ITEMS: number = 2 ** 31 - 1;

/** Options of a shared queue. */
export interface QueueOptions {
  /** How many bytes of items it has room for, at least; 1 MiB by default, at most 1 GiB. */
  bytes?: number;
}

/** What `statistics()` of a shared queue gives. */
export interface QueueStatistics {
  /** Items in the queue. */
  readonly size: number;
  /** Places for items; `Infinity` for no limit. */
  readonly maxsize: number;
  /** Greenlets of this thread blocked in `get()` or `getMany()`, and links. */
  readonly getters: number;
  /** Greenlets of this thread blocked in `put()`. */
  readonly putters: number;
  /** Items put and not yet reported by `taskDone()`. */
  readonly unfinishedTasks: number;
  /** Greenlets of this thread blocked in `join()`. */
  readonly joiners: number;
}

/**
 * A first-in-first-out queue between the greenlets of all threads, any number on both sides. Follows
 * `multiprocessing.JoinableQueue` and genlet's own `Queue`.
 *
 * Items are copied, as `v8.serialize` does it: numbers, strings, dates, maps, buffers, plain objects, but no functions, no
 * shared memory and no other shared objects. `put` blocks while `maxsize` items are in it, or too many bytes. Getters and
 * putters are served in the order of their calls, within a thread always; one from another thread may come before a
 * waiter, until that has waited for a millisecond. The forms that never wait (`putNowait`, `getNowait`) may be called from
 * anywhere. It can be given to `wait()` and `iwait()`. Between one thread and another, a `MessagePort` costs less.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const queue = new shared.Queue<{ page: number }>(10);
 *   const there = shared.open(queue.share()) as typeof queue; // as another thread does it with what it was sent
 *   const reader = spawn(() => there.get());
 *   yield* queue.put({ page: 1 });
 *   console.log(yield* reader); // => { page: 1 }
 * });
 * ```
 */
export class Queue<T> extends SharedObject implements Waitable {
  /** @internal */
  readonly getters: Line;
  /** @internal */
  readonly putters: Line;
  /** @internal */
  readonly ring: ByteRing;
  readonly #joiners: Line;
  readonly #links: LineLinks;
  readonly #isDone = (): boolean => this.unfinishedTasks === 0;

  /**
   * `maxsize` is how many items may be in it; 0, `undefined` or `null` leave that to the number of bytes.
   *
   * @throws {RangeError} `maxsize` is negative or no whole number, or `bytes` is no whole number up to 2^30
   */
  constructor(maxsize?: number | null, options?: QueueOptions);
  /** @internal */
  constructor(opening: Opening);
  constructor(maxsize?: number | null | Opening, options: QueueOptions = {}) {
    checkOptions(options, '{ bytes: number }');
    const opening = maxsize instanceof Opening ? maxsize : undefined;
    const places = opening === undefined ? checkMaxsize(maxsize as number | null | undefined) : 0;
    const size = opening === undefined ? roomFor(options.bytes ?? DEFAULT_BYTES) : 0;
    super(opening, BYTES + size / Int32Array.BYTES_PER_ELEMENT);
    const { space, words } = this;
    const ready = (): boolean => this.#isReady();
    const getters = { attempt: (waiter: Waiter) => this.#serveGetter(waiter), promising: ready };
    const room = (): boolean => !this.ring.isFull() || this.ring.closed;
    const putters = { attempt: (waiter: Waiter) => this.#servePutter(waiter), promising: room };
    const joiners = { attempt: () => (this.#isDone() ? true : NOT_YET), promising: this.#isDone };
    this.getters = new Line(this, 'get', space, words, GETTERS, getters, ready);
    this.putters = new Line(this, 'put', space, words, PUTTERS, putters, room);
    this.#joiners = new Line(this, 'join', space, words, JOINERS, joiners);
    this.#links = new LineLinks(this, this.getters, ready);
    this.ring = new ByteRing(space, words, RING, BYTES, () => this.#callBack());
    if (opening === undefined) this.ring.maxsize = places > MOST_ITEMS ? 0 : places;
  }

  /** How many items may be in it; `Infinity` for no limit. */
  get maxsize(): number {
    return this.ring.maxsize || Number.POSITIVE_INFINITY;
  }

  /** Items in the queue; those of blocked putters don't count. */
  qsize(): number {
    return this.ring.size;
  }

  /** Whether a `get()` would block. */
  empty(): boolean {
    return this.ring.size === 0;
  }

  /** Whether there are `maxsize` items in it; `put()` may block before, for lack of bytes. */
  full(): boolean {
    return this.ring.isFull();
  }

  /** Items put and not yet reported by `taskDone()`. */
  get unfinishedTasks(): number {
    const done = Atomics.load(this.words, DONE); // first, for a task can't be done before it was put
    return (this.ring.puts - done) | 0;
  }

  /**
   * Puts a copy of an item in. Suspends the greenlet, never the thread, while the queue is full; a kill then takes the item
   * back.
   *
   * @throws {QueueFull} no room within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN, or the item has more bytes than the whole queue
   * @throws {UncloneableError} the item can't be copied
   */
  put(item: T, options?: BlockOptions): Operation<void> {
    return new Put(this, item, limitOf(options));
  }

  /**
   * As `put`, without waiting; not an operation.
   *
   * @throws {QueueFull} there is no room
   * @throws {QueueShutDown} the queue was shut down
   * @throws {RangeError} the item has more bytes than the whole queue
   */
  putNowait(item: T): void {
    const outcome = this.pushNow(this.pack(item), 'putNowait');
    if (outcome === SHUT) throw new QueueShutDown('Queue.putNowait(): the queue was shut down');
    if (outcome === FULL) throw new QueueFull('Queue.putNowait(): the queue is full');
  }

  /**
   * Takes an item out. Suspends the greenlet, never the thread, while there is none; a kill then takes nothing. An item once
   * given to a greenlet stays its own: a kill that comes later is thrown at its next suspension.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue is empty and was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  get(options?: BlockOptions): Operation<T> {
    return new Get(this, limitOf(options));
  }

  /**
   * As `get`, without waiting; not an operation.
   *
   * @throws {QueueEmpty} there is no item
   * @throws {QueueShutDown} the queue is empty and was shut down
   */
  getNowait(): T {
    const item = this.shiftNow('getNowait');
    if (item === SHUT) throw new QueueShutDown('Queue.getNowait(): the queue was shut down');
    if (item === EMPTY) throw new QueueEmpty('Queue.getNowait(): the queue is empty');
    return this.unpack(item);
  }

  /**
   * Waits for an item and takes all there are then, at most `max`: for consumers that work in batches. Suspends, and
   * behaves at a kill, as `get`.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue is empty and was shut down, also while it waited
   * @throws {RangeError} `max` is no whole number of 1 or more, or `timeout` is negative or NaN
   */
  getMany(max: number = Number.POSITIVE_INFINITY, options?: BlockOptions): Operation<T[]> {
    const most = max === Number.POSITIVE_INFINITY ? max : checkInteger('max', max, 1);
    return new GetMany(this, most, limitOf(options));
  }

  /**
   * Reports that the work on one item is done; after the last, joiners wake, in all threads.
   *
   * @throws {InvalidStateError} it was called more often than items were put
   */
  taskDone(): void {
    if (this.unfinishedTasks === 0) {
      throw new InvalidStateError('taskDone() was called more often than items were put: call it once an item');
    }
    this.#finish(1);
  }

  #finish(tasks: number): void {
    Atomics.add(this.words, DONE, tasks);
    if (this.#isDone()) this.#wakeAll(this.#joiners);
  }

  /**
   * Waits until no task is unfinished and gives `true`; `false` when `timeout` milliseconds are over. Suspends unless
   * all is done, the greenlet, never the thread; a kill ends the wait.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  join(timeout?: number | null): Operation<boolean> {
    return new LineWait(this.#joiners, this.#isDone, checkTimeout(timeout));
  }

  /**
   * Shuts the queue down, for all threads: from now on `put` throws `QueueShutDown`, and `get` does so once the queue is
   * empty. Those who are blocked get the error. With `immediate`, the items that are left are dropped, and count as done. A
   * second call is allowed. Follows Python's `Queue.shutdown`.
   */
  shutdown(options: { immediate?: boolean } = {}): void {
    checkOptions(options, '{ immediate: true }');
    this.ring.close();
    if (options.immediate) this.#finish(this.ring.patiently('shutdown', () => this.ring.clear()));
    this.#wakeAll(this.getters);
    this.#wakeAll(this.putters);
  }

  #wakeAll(line: Line): void {
    if (!line.busy) return;
    line.serve();
    line.ringAll();
  }

  /**
   * Calls `callback(queue)` in the hub, once, when there is an item to get, or nothing to wait for because the queue was
   * shut down; in the next pass if it is so already. It takes nothing.
   */
  rawlink(callback: (queue: this) => void): void {
    this.#links.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (queue: this) => void): void {
    this.#links.remove(callback);
  }

  override share(): Descriptor<'Queue'> {
    return super.share() as Descriptor<'Queue'>;
  }

  /** Counters of this moment. */
  statistics(): QueueStatistics {
    const { maxsize, unfinishedTasks, getters, putters } = this;
    const size = this.qsize();
    return {
      size,
      maxsize,
      getters: getters.size,
      putters: putters.size,
      unfinishedTasks,
      joiners: this.#joiners.size,
    };
  }

  /** @internal */
  get kind(): string {
    return 'Queue';
  }

  #isReady(): boolean {
    return this.ring.size > 0 || this.ring.closed;
  }

  // ---- what the calls and the lines use

  /** @internal */
  pack(item: T): Uint8Array {
    const bytes = encode(item);
    if (bytes.length <= this.ring.largest) return bytes;
    throw new RangeError(
      `the item has ${bytes.length} bytes, the whole queue ${this.ring.largest}: make it with { bytes: … } of more`,
    );
  }

  /** @internal */
  unpack(bytes: Buffer): T {
    return decode(bytes);
  }

  /** @internal */
  push(bytes: Uint8Array): ReturnType<ByteRing['push']> {
    const outcome = this.ring.push(bytes);
    if (outcome === true && this.getters.busy) this.getters.serve();
    return outcome;
  }

  /** @internal */
  shift(): ReturnType<ByteRing['shift']> {
    const outcome = this.ring.shift();
    if (typeof outcome === 'object' && this.putters.busy) this.putters.serve();
    return outcome;
  }

  /** Never finds it busy. @internal */
  pushNow(bytes: Uint8Array, call: string): true | typeof FULL | typeof SHUT {
    if (!this.putters.isOpen()) return this.ring.closed ? SHUT : FULL;
    return this.ring.patiently(call, () => this.push(bytes));
  }

  /** Never finds it busy. @internal */
  shiftNow(call: string): Buffer | typeof EMPTY | typeof SHUT {
    if (!this.getters.isOpen()) return this.ring.closed && this.empty() ? SHUT : EMPTY;
    return this.ring.patiently(call, () => this.shift());
  }

  #serveGetter(waiter: Waiter): unknown {
    if (waiter.slot.note === WATCHING) return this.#isReady() ? undefined : NOT_YET;
    for (;;) {
      const item = this.shift();
      if (item === SHUT) return new Failure(new QueueShutDown(`${this.getters.describe()}: the queue was shut down`));
      if (item === EMPTY) return NOT_YET;
      if (item !== BUSY) return new Parcel(item);
      if (this.ring.want()) return NOT_YET;
    }
  }

  #servePutter(waiter: Waiter): unknown {
    for (;;) {
      const outcome = this.push(waiter.slot.note);
      if (outcome === SHUT)
        return new Failure(new QueueShutDown(`${this.putters.describe()}: the queue was shut down`));
      if (outcome === FULL) return NOT_YET;
      if (outcome === true) return undefined;
      if (this.ring.want()) return NOT_YET;
    }
  }

  /** Somebody found it busy, while this thread was at it. */
  #callBack(): void {
    for (const line of [this.getters, this.putters]) {
      line.ringAll();
      if (line.size > 0) this.space.callSoon();
    }
  }
}

/** Bytes for a ring: a power of two. */
function roomFor(bytes: number): number {
  if (checkInteger('bytes', bytes, 1) > MOST_BYTES)
    throw new RangeError(`bytes is ${bytes}: give at most ${MOST_BYTES}`);
  return Math.max(LEAST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
}
