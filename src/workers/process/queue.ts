/** `Queue` and `JoinableQueue` between processes: the items are in the process that made the queue. */
import { checkTimeout } from '../../core/check.ts';
import { QueueEmpty, QueueFull } from '../../core/errors.ts';
import type { Operation } from '../../core/operation.ts';
import { type BlockOptions, limitOf } from '../../sync/block-options.ts';
import { checkMaxsize } from '../../sync/item-store.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { Queue as Items } from '../../sync/queue.ts';
import { Ring } from '../../sync/ring.ts';
import type { Frame } from './frame.ts';
import { ProcessObject, registerObject } from './process-object.ts';
import type { Request, Service } from './request.ts';
import { Item } from './service-wire.ts';

const Method = { PUT: 0, GET: 1, SIZE: 2, TASK_DONE: 3, JOIN: 4, UNFINISHED: 5, GET_AHEAD: 6 } as const;

/** With fewer items than this, each goes to who asks for it, and none ahead. */
const MANY = 64;

class QueueService implements Service {
  readonly #store: Ring<Item> = new Ring();
  readonly #items: Items<Item>;
  readonly #joiners = new ParkingLot(this, 'join');

  constructor(maxsize: number) {
    this.#items = new Items<Item>(maxsize, [], this.#store);
  }

  serve(request: Request): void {
    const items = this.#items;
    switch (request.method) {
      case Method.PUT:
        this.#put(request);
        break;
      case Method.GET:
        this.#get(request);
        break;
      case Method.GET_AHEAD:
        request.wake(items.qsize() >= MANY ? items.take() : undefined);
        break;
      case Method.SIZE:
        request.wake(items.qsize());
        break;
      case Method.TASK_DONE:
        this.#taskDone(request);
        break;
      case Method.JOIN:
        if (items.unfinishedTasks === 0) request.wake(true);
        else if (request.limit === 0) request.wake(false);
        else request.park(this.#joiners, () => request.wake(false));
        break;
      default:
        request.wake(items.unfinishedTasks);
    }
  }

  #put(request: Request): void {
    request.slot = new Item(request.slot as Frame);
    if (!this.#items.full()) {
      this.#items.admit(request.slot);
      request.wake(undefined);
    } else if (request.limit === 0) request.fail(new QueueFull('Queue.put(): the queue is full'));
    else {
      request.park(this.#items.putters, () => {
        request.fail(new QueueFull(`Queue.put(): no free place within ${request.limit} ms`));
      });
    }
  }

  #get(request: Request): void {
    if (!this.#items.empty()) request.wake(this.#items.take());
    else if (request.limit === 0) request.fail(new QueueEmpty('Queue.get(): the queue is empty'));
    else {
      request.park(this.#items.getters, () => {
        request.fail(new QueueEmpty(`Queue.get(): no item within ${request.limit} ms`));
      });
    }
  }

  #taskDone(request: Request): void {
    try {
      this.#items.taskDone();
    } catch (error) {
      request.fail(error);
      return;
    }
    request.wake(undefined);
    if (this.#items.unfinishedTasks === 0) this.#joiners.wakeAll(true);
  }

  /** To the front, for it had left the queue before all that are in it. */
  takeBack(_request: Request, value: unknown): void {
    if (!(value instanceof Item)) return;
    const getter = this.#items.getters.shift();
    if (getter !== null) {
      getter.wake(value);
      return;
    }
    const behind: Item[] = [];
    while (this.#store.size > 0) behind.push(this.#store.take());
    for (const item of [value, ...behind]) this.#store.add(item);
  }

  lose(): void {}
}

/**
 * A first-in-first-out queue between processes. Follows `multiprocessing.Queue`.
 *
 * It is given to other processes as an argument of a `Process`, or through a connection or queue; any number of them, and
 * of greenlets in them, put and get. Items are structured clones, taken when they are put. They stay in the process that
 * made the queue until somebody gets them: a process that ends loses none of those that it put, and when the one that
 * made the queue ends, calls in the others throw `EOFError`. An item that was on its way to a process that dies comes
 * back. Getters and putters are served in the order in which their calls arrive.
 *
 * @example
 * ```ts
 * import { main, Process, Queue } from 'genlet/workers';
 *
 * export function* squares(numbers: Queue<number>, results: Queue<number>) {
 *   for (let left = 3; left > 0; left--) yield* results.put((yield* numbers.get()) ** 2);
 * }
 *
 * main(import.meta.url, function* () {
 *   const numbers = new Queue<number>();
 *   const results = new Queue<number>(2);
 *   new Process(squares, [numbers, results]).start();
 *   for (const number of [1, 2, 3]) yield* numbers.put(number);
 *   for (let left = 3; left > 0; left--) console.log(yield* results.get());
 *   // => 1
 *   // => 4
 *   // => 9
 * });
 * ```
 */
export class Queue<T = any> extends ProcessObject {
  /** How many items may be in it; `Infinity` for no limit. */
  readonly maxsize: number;

  /**
   * 0, `undefined` and `null` set no limit.
   *
   * @throws {RangeError} `maxsize` is negative or no whole number
   */
  constructor(maxsize?: number | null);
  /** @internal */
  constructor(maxsize?: number | null, kind?: string);
  constructor(maxsize?: number | null, kind = 'Queue') {
    const most = checkMaxsize(maxsize);
    super(kind, most, () => new QueueService(most));
    this.maxsize = most;
  }

  /**
   * Puts an item in. Suspends while the queue is full, or while what this process has put is a megabyte ahead of the one
   * that has the queue. A kill takes an item back that waits for a place, unless it gets one at that moment.
   *
   * @throws {QueueFull} no place within `timeout` ms, or not at once with `block: false`
   * @throws {EOFError} the process that made the queue has ended
   * @throws {InvalidStateError} the queue was closed in this process
   * @throws {UncloneableError} the item can't be sent: it contains a function, say
   * @throws {RangeError} `timeout` is negative or NaN
   */
  put(item: T, options?: BlockOptions): Operation<void> {
    const call = { method: Method.PUT, name: 'Queue.put()', limit: limitOf(options), item: { value: item } };
    return this.maxsize === Number.POSITIVE_INFINITY ? this.broker.push(call) : this.broker.ask(call);
  }

  /**
   * Takes an item out. Suspends while there is none, and in other processes than that of the queue until it is here; a
   * kill then takes nothing.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {EOFError} the process that made the queue has ended
   * @throws {InvalidStateError} the queue was closed in this process
   * @throws {RangeError} `timeout` is negative or NaN
   */
  get(options?: BlockOptions): Operation<T> {
    return this.broker.ask({
      method: Method.GET,
      name: 'Queue.get()',
      limit: limitOf(options),
      ahead: Method.GET_AHEAD,
    });
  }

  /** As `put` with `block: false`: suspends for the answer alone. */
  putNowait(item: T): Operation<void> {
    return this.put(item, { block: false });
  }

  /** As `get` with `block: false`: suspends for the answer alone. */
  getNowait(): Operation<T> {
    return this.get({ block: false });
  }

  /** How many items are in it. Suspends for the answer. */
  qsize(): Operation<number> {
    return this.broker.ask({ method: Method.SIZE, name: 'Queue.qsize()', limit: undefined });
  }

  /** Whether a `get()` would block. Suspends for the answer. */
  *empty(): Generator<any, boolean, any> {
    return (yield* this.qsize()) === 0;
  }

  /** Whether a `put()` would block. Suspends for the answer. */
  *full(): Generator<any, boolean, any> {
    return (yield* this.qsize()) >= this.maxsize;
  }

  /**
   * This process is done with the queue: calls here throw from now on. What was put is in it, and other processes go on.
   */
  close(): void {
    this.closeHere();
  }
}

/**
 * A `Queue` whose items are worked on: `join()` waits until `taskDone()` was called for each. Follows
 * `multiprocessing.JoinableQueue`.
 *
 * @example
 * ```ts
 * import { JoinableQueue, main, Process } from 'genlet/workers';
 *
 * export function* work(queue: JoinableQueue<string>) {
 *   for (;;) {
 *     console.log(`done: ${yield* queue.get()}`);
 *     yield* queue.taskDone();
 *   }
 * }
 *
 * main(import.meta.url, function* () {
 *   const queue = new JoinableQueue<string>();
 *   new Process(work, [queue], { daemon: true }).start();
 *   yield* queue.put('a');
 *   yield* queue.put('b');
 *   console.log(yield* queue.join()); // => done: a
 *   // => done: b
 *   // => true
 * });
 * ```
 */
export class JoinableQueue<T = any> extends Queue<T> {
  /**
   * 0, `undefined` and `null` set no limit.
   *
   * @throws {RangeError} `maxsize` is negative or no whole number
   */
  constructor(maxsize?: number | null) {
    super(maxsize, 'JoinableQueue');
  }

  /**
   * Reports that the work on one item is done; after the last, joiners wake in the order of their calls. Acts at once;
   * the operation that it gives waits until the queue has noted it, and need not be performed.
   *
   * @throws {InvalidStateError} it was called more often than items were put; if nobody waits for it in another process
   * than that of the queue, the hub gets the error
   */
  taskDone(): Operation<void> {
    return this.broker.tell({ method: Method.TASK_DONE, name: 'JoinableQueue.taskDone()', limit: undefined });
  }

  /**
   * Waits until no task is unfinished and gives `true`; `false` when `timeout` milliseconds are over. Suspends; a kill
   * ends the wait.
   *
   * @throws {EOFError} the process that made the queue has ended
   * @throws {RangeError} `timeout` is negative or NaN
   */
  join(timeout?: number | null): Operation<boolean> {
    return this.broker.ask({ method: Method.JOIN, name: 'JoinableQueue.join()', limit: checkTimeout(timeout) });
  }

  /** Items put and not yet reported by `taskDone()`. Suspends for the answer. */
  unfinishedTasks(): Operation<number> {
    return this.broker.ask({ method: Method.UNFINISHED, name: 'JoinableQueue.unfinishedTasks()', limit: undefined });
  }
}

registerObject('Queue', (maxsize: number) => new Queue(maxsize));
registerObject('JoinableQueue', (maxsize: number) => new JoinableQueue(maxsize));
