/** Streams, where they come from: a generator function in a worker whose items are sent one by one. */

import { generatorNext, generatorThrow, isGenerator, show } from '../../core/check.ts';
import { fromAsyncIterable } from '../../core/from-async-iterable.ts';
import { hub } from '../../core/hub.ts';
import {
  BaseOperation,
  BOUNCE,
  type Coroutine,
  type Resumption,
  type Step,
  SUSPENDED,
  SWITCHING,
} from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { Job } from './job.ts';

interface ItemSink {
  item(job: Job, value: unknown): void;
}

/** Runs the function that is loaded, and sends what it yields while there is credit. @internal */
export function* emitItems(
  job: Job,
  sink: ItemSink,
  loading: Coroutine<(...args: unknown[]) => unknown>,
  args: unknown[],
): Coroutine<void> {
  const fn = yield* loading;
  const made = fn(...args);
  if (isGenerator(made)) return yield* emitYields(job, sink, made);
  if (typeof (made as AsyncIterable<unknown> | undefined)?.[Symbol.asyncIterator] === 'function') {
    using items = fromAsyncIterable(made as AsyncIterable<unknown>);
    for (;;) {
      yield* new Credit(job);
      const step = yield* items.next();
      if (step.done) return;
      job.credit--;
      sink.item(job, step.value);
    }
  }
  if (typeof (made as Iterable<unknown> | undefined)?.[Symbol.iterator] !== 'function') {
    throw new TypeError(
      `${fn.name} gave ${show(made)}: a stream takes a generator function, or one that gives an iterable`,
    );
  }
  for (const item of made as Iterable<unknown>) {
    yield* new Credit(job);
    job.credit--;
    sink.item(job, item);
  }
}

function* emitYields(job: Job, sink: ItemSink, generator: Generator<unknown, unknown, any>): Coroutine<void> {
  for (;;) {
    let interruption: { error: unknown } | undefined;
    try {
      yield* new Credit(job);
    } catch (error) {
      interruption = { error };
    }
    const segment = new Segment(generator, interruption);
    const value = yield* segment;
    if (segment.ended) return;
    job.credit--;
    sink.item(job, value);
  }
}

/**
 * Runs a generator up to the next item, or throws into it what has interrupted the wait before. What its own `yield*` suspend with is handed on to the hub as it is, and is told
 * from items by identity.
 */
class Segment extends BaseOperation<unknown> {
  ended = false;
  readonly #generator: Generator<unknown, unknown, any>;

  #interruption: { error: unknown } | undefined;

  constructor(generator: Generator<unknown, unknown, any>, interruption: { error: unknown } | undefined) {
    super();
    this.#generator = generator;
    this.#interruption = interruption;
  }

  next(resumed?: Resumption): Step {
    const interruption = this.#interruption;
    this.#interruption = undefined;
    if (interruption !== undefined) return this.throw(interruption.error);
    return this.#judge(generatorNext.call(this.#generator, resumed));
  }

  override throw(error: unknown): Step {
    return this.#judge(generatorThrow.call(this.#generator, error));
  }

  #judge(step: IteratorResult<unknown, unknown>): Step {
    if (step === SUSPENDED || step === SWITCHING || step === BOUNCE) return step as Step;
    this.ended = step.done === true;
    return { done: true, value: step.value };
  }

  describe(): string {
    return 'a stream';
  }
}

/** Waits until the reader has asked for more. */
class Credit extends BaseOperation<void> {
  readonly #job: Job;

  constructor(job: Job) {
    super();
    this.#job = job;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    if (this.#job.itemError !== undefined) me.checkInterrupts(); // nothing may come after an item that could not be sent
    if (this.#job.credit > 0) return hub.ready(undefined);
    const step = hub.park(me, this);
    this.#job.creditWaiter = me;
    hub.outside++;
    return step;
  }

  cancel(_me: RawGreenlet): void {
    this.#job.creditWaiter = undefined;
    hub.outside--;
  }

  describe(): string {
    return 'the reader of a stream';
  }
}
