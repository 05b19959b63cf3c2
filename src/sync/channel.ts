/** `Channel`: items go from hand to hand. */
import { QueueEmpty, QueueFull, QueueShutDown } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Operation, Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import type { Waitable } from '../core/wait.ts';
import { type BlockOptions, limitOf } from './block-options.ts';
import { LotCall } from './lot-call.ts';
import { ParkingLot, type Waiter } from './parking-lot.ts';
import { ReadyLinks } from './ready-links.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** What `channel.statistics()` gives. */
export interface ChannelStatistics {
  /** Greenlets blocked in `get()`. */
  readonly getters: number;
  /** Greenlets blocked in `put()`. */
  readonly putters: number;
}

/**
 * A queue without room: `put` returns when somebody has taken the item. Putters and getters are paired in the order of
 * their calls, and take turns. Follows `gevent.queue.Channel`, and Go's unbuffered channels.
 *
 * It can be given to `wait()` and `iwait()`, which take nothing, and used in `select`.
 *
 * @example
 * ```ts
 * import { Channel, run, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const channel = new Channel<string>();
 *   spawn(function* () {
 *     yield* channel.put('one');
 *     console.log('one is taken');
 *     channel.shutdown();
 *   });
 *   console.log(yield* channel.get()); // => one
 *   try {
 *     yield* channel.get(); // => one is taken
 *   } catch (error) {
 *     console.log((error as Error).name); // => QueueShutDown
 *   }
 * });
 * ```
 */
export class Channel<T> implements Waitable {
  /** @internal */
  readonly getters: ParkingLot = new ParkingLot(this, 'get');
  /** @internal */
  readonly putters: ParkingLot = new ParkingLot(this, 'put');
  /** @internal */
  closed = false;
  readonly #links = new ReadyLinks(this, () => this.ready());

  /** How many more greenlets wait to put than to get; negative if more wait to get. Follows `Channel.balance`. */
  get balance(): number {
    return this.putters.size - this.getters.size;
  }

  /** Always 0: there is no room. */
  qsize(): number {
    return 0;
  }

  /** Always `true`: there is no room. */
  empty(): boolean {
    return true;
  }

  /** Always `true`: there is no room. */
  full(): boolean {
    return true;
  }

  /** Whether `get()` would not block: somebody waits to put, or the channel was shut down. */
  ready(): boolean {
    return this.putters.size > 0 || this.closed;
  }

  /**
   * Hands an item to whoever gets it, and returns when somebody has. Suspends; a kill takes the item back, unless it was
   * taken already. Putters are served in the order of their calls.
   *
   * @throws {QueueFull} nobody took it within `timeout` ms, or at once with `block: false`
   * @throws {QueueShutDown} the channel was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  put(item: T, options?: BlockOptions): Operation<void> {
    return new Put(this, item, limitOf(options));
  }

  /**
   * Hands an item to the first who waits for one; not an operation.
   *
   * @throws {QueueFull} nobody waits for one
   * @throws {QueueShutDown} the channel was shut down
   */
  putNowait(item: T): void {
    if (this.closed) throw this.shutDownError(this.putters);
    const getter = this.getters.shift();
    if (getter === null) throw new QueueFull('Channel.putNowait(): nobody waits for an item');
    getter.wake(item);
  }

  /**
   * Takes an item from whoever puts one. Suspends while nobody does; a kill then takes nothing. Getters are served in the
   * order of their calls; an item once handed to one stays its own: a kill that comes later is thrown at its next
   * suspension.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the channel was shut down, also while it waited
   * @throws {RangeError} `timeout` is negative or NaN
   */
  get(options?: BlockOptions): Operation<T> {
    return new Get(this, limitOf(options));
  }

  /**
   * Takes the item of the first who waits to put one; not an operation.
   *
   * @throws {QueueEmpty} nobody does
   * @throws {QueueShutDown} the channel was shut down
   */
  getNowait(): T {
    const putter = this.putters.shift();
    if (putter === null) {
      if (this.closed) throw this.shutDownError(this.getters);
      throw new QueueEmpty('Channel.getNowait(): nobody waits to put an item');
    }
    return this.takeFrom(putter);
  }

  /**
   * Ends it: from now on `put` and `get` throw `QueueShutDown`, and so do those that are blocked. A second call is
   * allowed. Follows `Queue.shutdown`.
   */
  shutdown(): void {
    this.closed = true;
    for (const lot of [this.getters, this.putters]) {
      for (let waiter = lot.shift(); waiter !== null; waiter = lot.shift()) waiter.fail(this.shutDownError(lot));
    }
    this.#links.notify();
  }

  /**
   * Calls `callback(channel)` in the hub, once, when somebody waits to put an item, or the channel was shut down; in the
   * next pass if it is so already. It takes nothing.
   */
  rawlink(callback: (channel: this) => void): void {
    this.#links.add(callback);
    if (this.ready()) this.#links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (channel: this) => void): void {
    this.#links.remove(callback);
  }

  /** Counters of this moment. */
  statistics(): ChannelStatistics {
    return { getters: this.getters.size, putters: this.putters.size };
  }

  // ---- what the operations use

  /** @internal */
  takeFrom(putter: Waiter): T {
    const item: T = putter.slot;
    putter.wake(undefined);
    return item;
  }

  /** Somebody waits to put. @internal */
  offer(): void {
    this.#links.notify();
  }

  /** @internal */
  shutDownError(call: { describe(): string }): QueueShutDown {
    return new QueueShutDown(`${call.describe()}: the channel was shut down`);
  }
}

/** Takes off the first who does not act in the name of `me`: the cases of one `select` must not serve each other. */
function partner(lot: ParkingLot, me: RawGreenlet): Waiter | null {
  for (const waiter of lot) {
    if (waiter.principal === me.principal) continue;
    lot.remove(waiter);
    return waiter;
  }
  return null;
}

class Get<T> extends LotCall<T> {
  readonly #channel: Channel<T>;

  constructor(channel: Channel<T>, limit: number | undefined) {
    super(channel.getters, limit);
    this.#channel = channel;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const channel = this.#channel;
    if (channel.putters.size > 0) {
      const putter = partner(channel.putters, me);
      if (putter !== null) return hub.ready(channel.takeFrom(putter));
    }
    if (channel.closed) return hub.refuse(channel.shutDownError(this));
    if (this.limit === 0) return hub.refuse(new QueueEmpty(`${this.describe()}: nobody waits to put an item`));
    return this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.limit} ms`));
  }
}

/** While it is blocked, the greenlet keeps the item in its slot. */
class Put<T> extends LotCall<void> {
  readonly #channel: Channel<T>;
  readonly #item: T;

  constructor(channel: Channel<T>, item: T, limit: number | undefined) {
    super(channel.putters, limit);
    this.#channel = channel;
    this.#item = item;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const channel = this.#channel;
    if (channel.closed) return hub.refuse(channel.shutDownError(this));
    if (channel.getters.size > 0) {
      const getter = partner(channel.getters, me);
      if (getter !== null) {
        getter.wake(this.#item);
        return me.giveWay(undefined); // the getter has its turn first: so the two alternate
      }
    }
    if (this.limit === 0) return hub.refuse(new QueueFull(`${this.describe()}: nobody waits for an item`));
    const step = this.block(me);
    me.slot = this.#item;
    channel.offer();
    return step;
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueFull(`${this.describe()}: nobody took the item within ${this.limit} ms`));
  }
}
