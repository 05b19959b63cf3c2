/** What `map` and its kin read: items of any kind of iterable. */
import { isGenerator, show } from '../core/check.ts';
import { fromAsyncIterable, type Iteration } from '../core/from-async-iterable.ts';
import { hub } from '../core/hub.ts';
import {
  BaseOperation,
  BOUNCE,
  type Coroutine,
  type Operation,
  RESULT,
  type Resumption,
  type Step,
  SUSPENDED,
  type Suspension,
  SWITCHING,
} from '../core/operation.ts';

/**
 * Items to work on: an iterable, an async iterable, an iteration such as `imap` and `iwait` give, or a generator that
 * yields items and may suspend in between, by `yield*`.
 */
export type Items<T> = Iterable<T | Suspension> | AsyncIterable<T> | Iteration<T>;

/** The items of an iterable, which need not be waited for. @internal */
export class SyncIteration<T> implements Iteration<T> {
  readonly #iterator: Iterator<T>;
  /** Their list, as long as nothing has been read of it. */
  #list: readonly T[] | undefined;
  #ended = false;

  constructor(iterator: Iterator<T>, list?: readonly T[]) {
    this.#iterator = iterator;
    this.#list = list;
  }

  *next(): Coroutine<IteratorResult<T, undefined>> {
    return this.read();
  }

  /** As `next`, not an operation. */
  read(): IteratorResult<T, undefined> {
    if (this.#ended) return { done: true, value: undefined };
    this.#ended = true; // an iterator that throws has ended
    this.#list = undefined;
    const result = this.#iterator.next();
    if (result.done) return { done: true, value: undefined };
    this.#ended = false;
    return result;
  }

  /** The list of all of them, if there is one and nothing has been read of it: for who copies what is needed. */
  takeList(): readonly T[] | undefined {
    const list = this.#list;
    if (this.#ended || list === undefined) return undefined;
    this.#ended = true;
    this.#list = undefined;
    return list;
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#iterator.return?.();
  }
}

/** The items that a generator yields, which may suspend in between. */
class CoroutineIteration<T> implements Iteration<T> {
  readonly #step: NextItem<T>;

  constructor(items: Generator<T, unknown, any>) {
    this.#step = new NextItem(items);
  }

  next(): Operation<IteratorResult<T, undefined>> {
    return this.#step;
  }

  [Symbol.dispose](): void {
    this.#step.end();
  }
}

/** Runs the generator up to its next item; what it yields to the hub on the way is passed through. */
class NextItem<T> extends BaseOperation<IteratorResult<T, undefined>> {
  readonly #items: Generator<T, unknown, any>;
  /** Whether a greenlet is blocked in the generator: whoever ends that ends the generator. */
  #blocked = false;

  constructor(items: Generator<T, unknown, any>) {
    super();
    this.#items = items;
  }

  next(resumed?: Resumption): Step {
    if (resumed === undefined) hub.self(this, arguments.length);
    return this.#pass(this.#items.next(resumed));
  }

  override throw(error: unknown): Step {
    this.#blocked = false;
    return this.#pass(this.#items.throw(error));
  }

  #pass(result: IteratorResult<unknown, unknown>): Step {
    this.#blocked = result === SUSPENDED || result === SWITCHING || result === BOUNCE;
    if (this.#blocked) return result as Step;
    RESULT.value = result.done ? { done: true, value: undefined } : { done: false, value: result.value };
    return RESULT;
  }

  end(): void {
    if (!this.#blocked) this.#items.return(undefined);
  }

  describe(): string {
    return 'next()';
  }
}

/** Whether it is read as any array is. */
function isPlainList<T>(source: Partial<Iterable<T>> | null | undefined): source is T[] {
  const { prototype } = Array;
  return Object.getPrototypeOf(source) === prototype && source![Symbol.iterator] === prototype[Symbol.iterator];
}

/** One way to read all of them. @internal */
export function iterate<T>(items: Items<T>): Iteration<T> {
  const source = items as Partial<Iterable<T> & AsyncIterable<T> & Iteration<T>> | undefined | null;
  const open = source?.[Symbol.iterator];
  if (isGenerator(source)) return new CoroutineIteration<T>(source);
  if (typeof open === 'function') {
    return new SyncIteration(open.call(source) as Iterator<T>, isPlainList(source) ? source : undefined);
  }
  if (typeof source?.[Symbol.asyncIterator] === 'function') return fromAsyncIterable(source as AsyncIterable<T>);
  if (typeof source?.next === 'function' && typeof source[Symbol.dispose] === 'function') return source as Iteration<T>;
  throw new TypeError(`items is ${show(items)}: give an iterable, an async iterable or an iteration`);
}
