/**
 * The blocking calls of a queue. Each tries first, then blocks in one of the queue's lots. What the queue hands to a
 * blocked caller is granted for good, so neither a kill nor a time limit that comes later can lose it.
 */
import { InvalidStateError, QueueEmpty, QueueFull } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { Resumption, Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { LotCall } from './lot-call.ts';
import type { ParkingLot } from './parking-lot.ts';
import type { SimpleQueue } from './queue.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/** What a getter is woken with that takes its item from the store when it has its turn. @internal */
export const CLAIM: unique symbol = Symbol('claim');

/** In the slot of those who stand among the getters and take nothing. @internal */
export const PEEK: unique symbol = Symbol('peek');

/** A call that wants an item. */
abstract class Take<T, R> extends LotCall<R> {
  protected readonly queue: SimpleQueue<T>;

  constructor(queue: SimpleQueue<T>, lot: ParkingLot, limit: number | undefined) {
    super(lot, limit);
    this.queue = queue;
  }

  /** There is no item. */
  protected await(me: RawGreenlet): Step {
    if (this.queue.closed) return hub.refuse(this.queue.shutDownError(this));
    if (this.limit === 0) return hub.refuse(new QueueEmpty(`${this.describe()}: the queue is empty`));
    return this.block(me);
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.limit} ms`));
  }
}

/** @internal */
export class Get<T> extends Take<T, T> {
  next(resumed?: Resumption): Step {
    const { queue } = this;
    if (resumed !== undefined) {
      this.deadline?.cancel();
      if (resumed.value === CLAIM) resumed.value = queue.redeem();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    return queue.store.size > queue.claims ? hub.ready(queue.take()) : this.await(me);
  }

  override get shareable(): boolean {
    return this.limit === undefined;
  }
}

/** As `Get`; with the item that it waited for it takes what has come behind that in the meantime. @internal */
export class GetMany<T> extends Take<T, T[]> {
  readonly #max: number;
  #blocked = false;

  constructor(queue: SimpleQueue<T>, max: number, limit: number | undefined) {
    super(queue, queue.getters, limit);
    this.#max = max;
  }

  next(resumed?: Resumption): Step {
    const { queue } = this;
    if (resumed !== undefined) {
      this.deadline?.cancel();
      if (this.#blocked) resumed.value = queue.takeMany([this.#first(resumed.value)], this.#max);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (!queue.empty()) return hub.ready(queue.takeMany([], this.#max));
    const step = this.await(me);
    this.#blocked = me.isBlocked();
    return step;
  }

  #first(given: T | typeof CLAIM): T {
    return given === CLAIM ? this.queue.redeem() : given;
  }

  override describe(): string {
    return `${this.queue.constructor.name}.getMany()`;
  }
}

/** @internal */
export class Peek<T> extends Take<T, T> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { queue } = this;
    if (!queue.empty()) return hub.ready(queue.store.first());
    const step = this.await(me);
    if (me.isBlocked()) me.slot = PEEK;
    return step;
  }

  protected override block(me: RawGreenlet): Step {
    return this.blockHere(me);
  }

  override describe(): string {
    return `${this.queue.constructor.name}.peek()`;
  }
}

/** Stands for the item of a `put` that is over. */
const SPENT: unique symbol = Symbol('spent');

/** While it is blocked, the greenlet keeps the item in its slot: the queue takes it from there. @internal */
export class Put<T> extends LotCall<void> {
  readonly #queue: SimpleQueue<T>;
  #item: T | typeof SPENT;
  #blocked = false;

  constructor(queue: SimpleQueue<T>, item: T, limit: number | undefined) {
    super(queue.putters, limit);
    this.#queue = queue;
    this.#item = item;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      if (this.#blocked) this.#spend();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const queue = this.#queue;
    const item = this.#item;
    if (item === SPENT) throw new InvalidStateError(`${this.describe()} was performed already: call put() again`);
    if (queue.closed) return hub.refuse(queue.shutDownError(this));
    if (queue.store.size - queue.claims < queue.capacity) {
      queue.admit(item);
      this.#spend();
      return hub.ready(undefined);
    }
    if (this.limit === 0) return hub.refuse(new QueueFull(`${this.describe()}: the queue is full`));
    const step = this.block(me);
    me.slot = item;
    this.#blocked = true;
    return step;
  }

  /** It is over; whoever gives way after it was performed is resumed by it when others may use it already. */
  #spend(): void {
    this.#item = SPENT;
    this.#blocked = false;
    if (this.limit === undefined) this.#queue.sparePut = this;
  }

  /** Makes it the `put` of another item. */
  renew(item: T): this {
    this.#item = item;
    return this;
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(new QueueFull(`${this.describe()}: no free place within ${this.limit} ms`));
  }
}
