/** The blocking calls of a shared queue. What a line has given to a blocked caller is granted for good. */
import { QueueEmpty, QueueFull, QueueShutDown } from '../../core/errors.ts';
import { hub as importedHub } from '../../core/hub.ts';
import type { Resumption, Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { type BUSY, EMPTY, FULL, SHUT } from './byte-ring.ts';
import { LineCall } from './line-call.ts';
import type { Queue } from './queue.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** An item that a getter was woken with. @internal */
export class Parcel {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** A call that wants an item. */
abstract class Take<T, R> extends LineCall<R> {
  protected readonly queue: Queue<T>;

  constructor(queue: Queue<T>, limit: number | undefined) {
    super(queue.getters, limit);
    this.queue = queue;
  }

  /** An item that is there, unless others have waited for it longer. */
  protected takeNow(): Buffer | typeof EMPTY | typeof SHUT | typeof BUSY {
    const { queue } = this;
    if (this.limit === 0) return queue.shiftNow('get');
    return queue.getters.isOpen() ? queue.shift() : EMPTY;
  }

  /** There is no item. */
  protected await(me: RawGreenlet, why: symbol): Step {
    if (why === SHUT) return hub.refuse(new QueueShutDown(`${this.describe()}: the queue was shut down`));
    if (this.limit === 0) return hub.refuse(new QueueEmpty(`${this.describe()}: the queue is empty`));
    return this.stand(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.limit} ms`));
  }
}

/** @internal */
export class Get<T> extends Take<T, T> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      if (resumed.value instanceof Parcel) resumed.value = this.queue.unpack(resumed.value.bytes);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const item = this.takeNow();
    return typeof item === 'symbol' ? this.await(me, item) : hub.ready(this.queue.unpack(item));
  }
}

/** As `Get`; with the item that it waited for it takes what has come behind that in the meantime. @internal */
export class GetMany<T> extends Take<T, T[]> {
  readonly #max: number;

  constructor(queue: Queue<T>, max: number, limit: number | undefined) {
    super(queue, limit);
    this.#max = max;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      if (resumed.value instanceof Parcel) resumed.value = this.#withMore(resumed.value.bytes);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const item = this.takeNow();
    return typeof item === 'symbol' ? this.await(me, item) : hub.ready(this.#withMore(item));
  }

  #withMore(first: Buffer): T[] {
    const { queue } = this;
    const items = [queue.unpack(first)];
    while (items.length < this.#max && queue.getters.isOpen()) {
      const item = queue.shift();
      if (typeof item === 'symbol') break;
      items.push(queue.unpack(item));
    }
    return items;
  }

  override describe(): string {
    return `${this.queue.constructor.name}.getMany()`;
  }
}

/** While it is blocked, the greenlet has the bytes of its item with it: the queue takes them from there. @internal */
export class Put<T> extends LineCall<void> {
  readonly #queue: Queue<T>;
  readonly #item: T;

  constructor(queue: Queue<T>, item: T, limit: number | undefined) {
    super(queue.putters, limit);
    this.#queue = queue;
    this.#item = item;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const queue = this.#queue;
    const bytes = queue.pack(this.#item);
    const outcome = this.#putNow(bytes);
    if (outcome === true) return hub.ready(undefined);
    if (outcome === SHUT) return hub.refuse(new QueueShutDown(`${this.describe()}: the queue was shut down`));
    if (this.limit === 0) return hub.refuse(new QueueFull(`${this.describe()}: the queue is full`));
    return this.stand(me, bytes);
  }

  #putNow(bytes: Uint8Array): true | typeof FULL | typeof SHUT | typeof BUSY {
    const queue = this.#queue;
    if (this.limit === 0) return queue.pushNow(bytes, 'put');
    return queue.putters.isOpen() ? queue.push(bytes) : queue.ring.closed ? SHUT : FULL;
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueFull(`${this.describe()}: no free place within ${this.limit} ms`));
  }
}
