/**
 * `RemoteChannel`: a channel between two threads.
 *
 * Each end has a port. Items are sent as long as the other end has credit for them, which it gives back as they are taken,
 * so a slow reader holds up the writer instead of filling memory. Nothing waits in a shared place that a terminated
 * thread could leave half done: when one thread ends, its port closes and the other end is shut down.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { checkInteger } from '../../core/check.ts';
import { InvalidStateError, QueueEmpty, QueueFull, QueueShutDown } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Operation, Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { Waitable } from '../../core/wait.ts';
import { type BlockOptions, limitOf } from '../../sync/block-options.ts';
import { LotCall } from '../../sync/lot-call.ts';
import { ParkingLot } from '../../sync/parking-lot.ts';
import { ReadyLinks } from '../../sync/ready-links.ts';
import { PACK } from '../crossing.ts';
import { Cargo, load, registerParcel, uncloneable, unload } from './cargo.ts';
import type { Transferable } from './worker-link.ts';

const KIND = 'channel';

interface End {
  readonly port: MessagePort;
  readonly capacity: number;
}

/**
 * A channel between this thread and another one: give it to a remote function as an argument, and what one end puts, the
 * other gets, in both directions. `put` waits while `capacity` items are under way and not taken. Items are cloned.
 * Follows Go's buffered channels.
 *
 * It can be given to `wait()` and `iwait()`, which take nothing, and used in `select`. While nobody waits for it, it
 * does not keep the process alive.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { RemoteChannel } from 'genlet/workers';
 *
 * await run(function* () {
 *   const channel = new RemoteChannel<string>(2);
 *   console.log(channel.capacity, channel.qsize()); // => 2 0
 *   channel.shutdown();
 * });
 * ```
 */
export class RemoteChannel<T> implements Waitable {
  /** How many items may be under way in each direction. */
  readonly capacity: number;
  /** @internal */
  readonly getters: ParkingLot = new ParkingLot(this, 'get');
  /** @internal */
  readonly putters: ParkingLot = new ParkingLot(this, 'put');
  readonly #port: MessagePort;
  readonly #links = new ReadyLinks(this, () => this.ready());
  /** The other end, until it was sent. */
  #other: MessagePort | undefined;
  #items: T[] = [];
  #credit: number;
  #taken = 0;
  #out: unknown[] = [];
  #outGoing = false;
  readonly #cargo = new Cargo();
  /** No more items can be put; and none will come. */
  #closed = false;
  #ended = false;

  constructor(capacity = 16) {
    const end = opened ?? { capacity: checkInteger('capacity', capacity, 1) };
    this.capacity = end.capacity;
    this.#credit = end.capacity;
    if ('port' in end) this.#port = end.port;
    else {
      const { port1, port2 } = new MessageChannel();
      this.#port = port1;
      this.#other = port2;
    }
    this.#port.on('message', (message: unknown[]) => this.#receive(message));
    this.#port.once('close', () => this.#end());
    this.#port.unref();
  }

  /** @internal */
  [PACK](transfer: Transferable[]): { kind: string; data: End } {
    const port = this.#other;
    if (port === undefined) {
      throw new InvalidStateError('the other end of this RemoteChannel was given away: make one for each worker');
    }
    this.#other = undefined;
    transfer.push(port);
    return { kind: KIND, data: { port, capacity: this.capacity } };
  }

  /** Items that have arrived and were not taken. */
  qsize(): number {
    return this.#items.length;
  }

  /** Whether `get()` would not block: an item has arrived, or none will. */
  ready(): boolean {
    return this.#items.length > 0 || this.#ended;
  }

  /**
   * Sends an item. Suspends while `capacity` items are under way and not taken; a kill then sends nothing. Putters are
   * served in the order of their calls.
   *
   * @throws {QueueFull} no room within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the channel was shut down here or there, or the other thread has ended
   * @throws {UncloneableError} the item can't be cloned
   * @throws {RangeError} `timeout` is negative or NaN
   */
  put(item: T, options?: BlockOptions): Operation<void> {
    return new Put(this, item, limitOf(options));
  }

  /**
   * Takes an item. Suspends until one has arrived; a kill then takes nothing. Getters are served in the order of their
   * calls. After a shutdown, what was put before is given first.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the channel was shut down here or there, or the other thread has ended
   * @throws {RangeError} `timeout` is negative or NaN
   */
  get(options?: BlockOptions): Operation<T> {
    return new Get(this, limitOf(options));
  }

  /** Ends it in both directions, after what was put; those who are blocked there and here get `QueueShutDown`. */
  shutdown(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#flush();
    this.#other?.close();
    this.#port.close();
  }

  /** Calls `callback(channel)` in the hub, once, when `get()` would not block; in the next pass if it is so already. */
  rawlink(callback: (channel: this) => void): void {
    this.#links.add(callback);
    if (this.ready()) this.#links.notify();
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (channel: this) => void): void {
    this.#links.remove(callback);
  }

  // ---- what comes in

  #receive(message: unknown[]): void {
    const [credit, packed, ...items] = message as [number, boolean, ...T[]];
    this.#credit += credit;
    for (const item of items) this.#items.push((packed ? unload(item) : item) as T);
    while (this.#credit > 0 && this.putters.size > 0) {
      const putter = this.putters.shift()!;
      try {
        this.send(putter.slot);
        putter.wake(undefined);
      } catch (error) {
        putter.fail(error);
      }
    }
    while (this.#items.length > 0 && this.getters.size > 0) this.getters.shift()!.wake(this.take());
    if (this.#items.length > 0) this.#links.notify();
  }

  /** The other end was shut down, or its thread has ended. */
  #end(): void {
    this.#closed = true;
    this.#ended = true;
    for (const lot of [this.getters, this.putters]) {
      for (let waiter = lot.shift(); waiter !== null; waiter = lot.shift()) waiter.fail(this.shutDownError(lot));
    }
    this.#links.notify();
  }

  // ---- what the operations use

  /** Throws if nothing can be put any more. @internal */
  checkOpen(call: { describe(): string }): void {
    if (this.#closed) throw this.shutDownError(call);
  }

  /** @internal */
  hasRoom(): boolean {
    return this.#credit > 0;
  }

  /** @internal */
  send(item: T): void {
    if (this.#cargo.admits(item)) {
      this.#out.push(item);
      this.#credit--;
      this.#schedule();
      return;
    }
    this.#flush();
    this.#cargo.clear();
    try {
      const { value, transfer, packed } = load(item);
      this.#port.postMessage([0, packed, value], transfer as Transferable[]);
    } catch (cause) {
      throw uncloneable('item', item, cause);
    }
    this.#credit--;
  }

  /** @internal */
  take(): T {
    const item = this.#items.shift()!;
    if (++this.#taken * 2 >= this.capacity) this.#schedule();
    return item;
  }

  /** @internal */
  isOver(): boolean {
    return this.#ended || (this.#closed && this.#items.length === 0);
  }

  #schedule(): void {
    if (this.#outGoing) return;
    this.#outGoing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#outGoing = false;
    const credit = this.#taken * 2 >= this.capacity ? this.#taken : 0;
    const out = this.#out;
    if ((out.length === 0 && credit === 0) || this.#ended) return;
    this.#out = [];
    this.#taken -= credit;
    this.#cargo.clear();
    try {
      this.#port.postMessage([credit, false, ...out]);
    } catch {
      this.#port.postMessage([credit, false]);
      for (const item of out) this.#postOrReport(item);
    }
  }

  /** One of several items can't be cloned, though it looked as if it could: whoever has put it is gone. */
  #postOrReport(item: unknown): void {
    try {
      this.#port.postMessage([0, false, item]);
    } catch (cause) {
      this.#credit++;
      hub.handleError(uncloneable('item', item, cause), undefined, 'RemoteChannel.put()');
    }
  }

  /** @internal */
  hold(): void {
    hub.outside++;
    if (this.getters.size + this.putters.size === 0) this.#port.ref();
  }

  /** @internal */
  letGo(): void {
    hub.outside--;
    if (this.getters.size + this.putters.size === 0) this.#port.unref();
  }

  /** @internal */
  shutDownError(call: { describe(): string }): QueueShutDown {
    return new QueueShutDown(`${call.describe()}: the channel was shut down, or the other thread has ended`);
  }
}

/** While an end is built that has arrived. */
let opened: End | undefined;

registerParcel(KIND, (end: End) => {
  opened = end;
  try {
    return new RemoteChannel(end.capacity);
  } finally {
    opened = undefined;
  }
});

/** Both calls keep the process alive while they are blocked. */
abstract class ChannelCall<T, R> extends LotCall<R> {
  protected readonly channel: RemoteChannel<T>;
  #held = false;

  constructor(channel: RemoteChannel<T>, lot: ParkingLot, limit: number | undefined) {
    super(lot, limit);
    this.channel = channel;
  }

  protected wait(me: RawGreenlet): Step {
    me.checkInterrupts();
    this.channel.hold();
    this.#held = true;
    return this.blockHere(me);
  }

  protected resumed(outcome: Resumption): Resumption {
    this.#release();
    return outcome;
  }

  override throw(error: unknown): never {
    this.#release();
    throw error;
  }

  override cancel(me: RawGreenlet): void {
    super.cancel(me);
    this.#release();
  }

  #release(): void {
    this.deadline?.cancel();
    if (!this.#held) return;
    this.#held = false;
    this.channel.letGo();
  }
}

class Get<T> extends ChannelCall<T, T> {
  constructor(channel: RemoteChannel<T>, limit: number | undefined) {
    super(channel, channel.getters, limit);
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return this.resumed(resumed);
    const me = hub.self(this, arguments.length);
    const { channel } = this;
    if (channel.qsize() > 0) return hub.ready(channel.take());
    if (channel.isOver()) return hub.refuse(channel.shutDownError(this));
    if (this.limit === 0) return hub.refuse(new QueueEmpty(`${this.describe()}: no item has arrived`));
    return this.wait(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.limit} ms`));
  }
}

class Put<T> extends ChannelCall<T, void> {
  readonly #item: T;

  constructor(channel: RemoteChannel<T>, item: T, limit: number | undefined) {
    super(channel, channel.putters, limit);
    this.#item = item;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return this.resumed(resumed);
    const me = hub.self(this, arguments.length);
    const { channel } = this;
    channel.checkOpen(this);
    if (channel.hasRoom()) {
      channel.send(this.#item);
      return hub.ready(undefined);
    }
    if (this.limit === 0) return hub.refuse(new QueueFull(`${this.describe()}: no room`));
    const step = this.wait(me);
    me.slot = this.#item;
    return step;
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueFull(`${this.describe()}: no room within ${this.limit} ms`));
  }
}
