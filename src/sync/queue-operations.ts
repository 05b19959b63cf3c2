/**
 * The blocking calls of a queue. Each tries first, then blocks in one of the queue's lots. What the queue hands to a
 * blocked caller is granted for good, so neither a kill nor a time limit that comes later can lose it.
 */
import type { Deadline } from '../core/deadline.ts';
import { QueueEmpty, QueueFull } from '../core/errors.ts';
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import type { SimpleQueue } from './queue.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/** @internal */
export class Get<T> extends BaseOperation<T> {
  readonly #queue: SimpleQueue<T>;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(queue: SimpleQueue<T>, timeout: number | undefined) {
    super();
    this.#queue = queue;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const queue = this.#queue;
    if (queue.store.size > 0) return hub.ready(queue.take());
    if (queue.closed) throw queue.shutDownError(this);
    if (this.#timeout === undefined) return queue.getters.park(me);
    if (this.#timeout === 0) throw new QueueEmpty(`${this.describe()}: the queue is empty`);
    const step = queue.getters.park(me, this);
    this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  override throw(error: unknown): never {
    this.#deadline?.cancel();
    throw error;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline!.cancel();
    this.#queue.getters.remove(me);
  }

  expire(me: RawGreenlet): void {
    this.#queue.getters.remove(me);
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.#timeout} ms`));
  }

  describe(): string {
    return this.#queue.getters.describe();
  }
}

/** As `Get`; with the item that it waited for it takes what has come behind that in the meantime. @internal */
export class GetMany<T> extends BaseOperation<T[]> {
  readonly #queue: SimpleQueue<T>;
  readonly #max: number;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(queue: SimpleQueue<T>, max: number, timeout: number | undefined) {
    super();
    this.#queue = queue;
    this.#max = max;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    const queue = this.#queue;
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      resumed.value = queue.takeMany([resumed.value], this.#max);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (queue.store.size > 0) return hub.ready(queue.takeMany([], this.#max));
    if (queue.closed) throw queue.shutDownError(this);
    if (this.#timeout === 0) throw new QueueEmpty(`${this.describe()}: the queue is empty`);
    const step = queue.getters.park(me, this);
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  override throw(error: unknown): never {
    this.#deadline?.cancel();
    throw error;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline?.cancel();
    this.#queue.getters.remove(me);
  }

  expire(me: RawGreenlet): void {
    this.#queue.getters.remove(me);
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.#timeout} ms`));
  }

  describe(): string {
    return `${this.#queue.constructor.name}.getMany()`;
  }
}

/** @internal */
export class Peek<T> extends BaseOperation<T> {
  readonly #queue: SimpleQueue<T>;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(queue: SimpleQueue<T>, timeout: number | undefined) {
    super();
    this.#queue = queue;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const queue = this.#queue;
    if (queue.store.size > 0) return hub.ready(queue.store.first());
    if (queue.closed) throw queue.shutDownError(this);
    if (this.#timeout === undefined) return queue.peekers.park(me);
    if (this.#timeout === 0) throw new QueueEmpty(`${this.describe()}: the queue is empty`);
    const step = queue.peekers.park(me, this);
    this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  override throw(error: unknown): never {
    this.#deadline?.cancel();
    throw error;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline!.cancel();
    this.#queue.peekers.remove(me);
  }

  expire(me: RawGreenlet): void {
    this.#queue.peekers.remove(me);
    me.fail(new QueueEmpty(`${this.describe()}: no item within ${this.#timeout} ms`));
  }

  describe(): string {
    return this.#queue.peekers.describe();
  }
}

/** While it is blocked, the greenlet keeps the item in its slot: the queue takes it from there. @internal */
export class Put<T> extends BaseOperation<void> {
  readonly #queue: SimpleQueue<T>;
  readonly #item: T;
  readonly #timeout: number | undefined;
  #deadline: Deadline | undefined;

  constructor(queue: SimpleQueue<T>, item: T, timeout: number | undefined) {
    super();
    this.#queue = queue;
    this.#item = item;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const queue = this.#queue;
    if (queue.closed) throw queue.shutDownError(this);
    if (queue.store.size < queue.capacity) {
      queue.admit(this.#item);
      return hub.ready(undefined);
    }
    if (this.#timeout === 0) throw new QueueFull(`${this.describe()}: the queue is full`);
    const step = queue.putters.park(me, this.#timeout === undefined ? queue.putters : this);
    me.slot = this.#item;
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  override throw(error: unknown): never {
    this.#deadline?.cancel();
    throw error;
  }

  cancel(me: RawGreenlet): void {
    this.#deadline!.cancel();
    this.#queue.putters.remove(me);
  }

  expire(me: RawGreenlet): void {
    this.#queue.putters.remove(me);
    me.fail(new QueueFull(`${this.describe()}: no free place within ${this.#timeout} ms`));
  }

  describe(): string {
    return this.#queue.putters.describe();
  }
}
