/** `RemoteStream`: what a generator in a worker yields, read one by one. */
import { ConcurrentObjectUseError, GreenletExit } from '../../core/errors.ts';
import type { Iteration } from '../../core/from-async-iterable.ts';
import { State } from '../../core/greenlet-state.ts';
import { hub } from '../../core/hub.ts';
import { Link } from '../../core/links.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { addAwaited } from '../packed-error.ts';
import type { RemoteGreenlet } from './remote-greenlet.ts';

/**
 * The items that a generator in a worker yields, as `WorkerHub.stream` gives them, in the form of `iwait`. The generator
 * runs ahead of the reader by at most as many items as its credit allows.
 *
 * `next()` suspends; a kill in it loses nothing. An error of the generator is thrown once all items before it were read.
 * `using` it, leaving early kills the generator.
 */
export class RemoteStream<T> implements Iteration<T> {
  /** How many items may be under way. @internal */
  readonly credit: number;
  readonly #grant: (items: number) => void;
  #job!: RemoteGreenlet<unknown>;
  #items: T[] = [];
  #at = 0;
  #taken = 0;
  #waiter: RawGreenlet | undefined = undefined;
  #over = false;

  /** @internal */
  constructor(credit: number, grant: (items: number) => void) {
    this.credit = credit;
    this.#grant = grant;
  }

  /** @internal */
  attach(job: RemoteGreenlet<unknown>): void {
    this.#job = job;
    job.addLink(new End(() => this.#ended()));
  }

  /** The generator's coroutine: to be joined, linked to, or killed. */
  get greenlet(): RemoteGreenlet<unknown> {
    return this.#job;
  }

  /**
   * Waits for the next item, as `{ done: false, value }`, or for the end, as `{ done: true }`.
   *
   * @throws what the generator threw, after its items
   * @throws {ConcurrentObjectUseError} another greenlet waits in it
   */
  next(): Operation<IteratorResult<T, undefined>> {
    return new Next(this);
  }

  /** Ends it: the generator is killed, and what it has yielded is dropped. */
  [Symbol.dispose](): void {
    this.#over = true;
    this.#items = [];
    this.#at = 0;
    if (!this.#job.dead) this.#job.sendKill(new GreenletExit('its reader has left'));
    this.#wake();
  }

  // ---- what the operation uses

  /** @internal */
  arrive(item: unknown): void {
    if (this.#over) return;
    this.#items.push(item as T);
    this.#wake();
  }

  #ended(): void {
    if (this.#over && this.#job.state === State.FAILED) this.#job.takeError();
    this.#wake();
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.wake(undefined);
  }

  /** Whether `take` has an answer. @internal */
  isReady(): boolean {
    return this.#at < this.#items.length || this.#over || this.#job.dead;
  }

  /** @internal */
  take(): IteratorResult<T, undefined> {
    if (this.#at < this.#items.length) {
      const value = this.#items[this.#at]!;
      this.#items[this.#at++] = undefined as never;
      if (this.#at === this.#items.length) {
        this.#items = [];
        this.#at = 0;
      }
      if (++this.#taken * 2 >= this.credit) {
        if (!this.#job.dead) this.#grant(this.#taken);
        this.#taken = 0;
      }
      return { done: false, value };
    }
    const failed = !this.#over && this.#job.state === State.FAILED;
    this.#over = true;
    if (!failed) return { done: true, value: undefined };
    const error = this.#job.takeError();
    addAwaited(error, new Error().stack);
    throw error;
  }

  /** @internal */
  block(me: RawGreenlet): void {
    if (this.#waiter !== undefined) {
      throw new ConcurrentObjectUseError(
        `${me.name} called next() of a stream in which ${this.#waiter.name} waits already`,
      );
    }
    this.#waiter = me;
  }

  /** @internal */
  unblock(): void {
    this.#waiter = undefined;
  }
}

/** Notes the end of the generator, in the order of other links. */
class End extends Link {
  readonly #callback: () => void;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  notify(job: RemoteGreenlet<unknown>): void {
    this.removeFrom(job);
    this.#callback();
  }
}

class Next<T> extends BaseOperation<IteratorResult<T, undefined>> {
  readonly #stream: RemoteStream<T>;
  #blocked = false;

  constructor(stream: RemoteStream<T>) {
    super();
    this.#stream = stream;
  }

  next(resumed?: Resumption): Step {
    const stream = this.#stream;
    if (resumed !== undefined) {
      if (this.#blocked) resumed.value = stream.take();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (stream.isReady()) return hub.ready(stream.take());
    me.checkInterrupts();
    stream.block(me);
    this.#blocked = true;
    return hub.park(me, this);
  }

  cancel(): void {
    this.#stream.unblock();
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return 'RemoteStream.next()';
  }
}
