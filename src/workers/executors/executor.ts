/** What the executors have in common. Follows `concurrent.futures.Executor`. */
import { checkFunction, checkInteger, checkIterable, checkOptions, checkTimeout, show } from '../../core/check.ts';
import type { Iteration } from '../../core/from-async-iterable.ts';
import type { Coroutine, Operation, Outcome } from '../../core/operation.ts';
import type { Future } from '../../sync/future.ts';
import { type Items, iterate, SyncIteration } from '../../sync/items.ts';
import type { Referable } from '../reference.ts';
import type { WorkerHubStats } from '../remote/pool-statistics.ts';
import type { Crew } from './crew.ts';
import { JobFuture } from './job-future.ts';
import { Mapping } from './mapping.ts';

/** Options of an executor's `map`. */
export interface MapOptions {
  /**
   * How many calls go to a worker together. `'auto'`, the default, goes by what the calls before took: about 8 ms' worth,
   * less towards the end.
   */
  chunksize?: number | 'auto';
  /** `true`, the default: results in the order of the items; `false`: as they come. */
  ordered?: boolean;
  /** How long all of it may take, in milliseconds, from the call of `map` on. */
  timeout?: number | null;
}

/** Options of an executor's `shutdown`. */
export interface ShutdownOptions {
  /** Whether the returned operation waits for the end; `true` by default. */
  wait?: boolean;
  /** Cancels what no worker has got yet; `false` by default. */
  cancelFutures?: boolean;
}

/** The base of `ThreadPoolExecutor` and `ProcessPoolExecutor`. */
export abstract class Executor {
  /** The greatest number of workers. */
  readonly maxWorkers: number;
  readonly #crew: Crew;

  /** @internal */
  constructor(crew: Crew) {
    this.maxWorkers = crew.size;
    this.#crew = crew;
  }

  /**
   * Has a worker call `fn(...args)`: a coroutine function, an async or a plain one. Acts at once, and gives the future of
   * the result. Calls are begun in the order of their submission, one at a time in each worker. `fn` is marked with `task`,
   * exported by the main program, or a function of `hub.module()`; arguments and result are cloned.
   *
   * The future can be cancelled until its call is sent to a worker, which is when one gets free, or a millisecond before;
   * from then on it is `running()`. It fails with `WorkerDied` if the worker ends meanwhile.
   *
   * @throws {TypeError} it is not known where `fn` is exported
   * @throws {InvalidStateError} the executor was shut down
   * @throws {BrokenPoolError} workers end before they get anything done, for example since `initializer` fails
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Outcome<R>> {
    checkFunction('submit() target', fn);
    const crew = this.#crew;
    crew.checkOpen();
    const job = crew.makeJob<Outcome<R>>(crew.taskOf(fn as Referable).single, args);
    const future = new JobFuture(job);
    crew.submit(job);
    return future;
  }

  /**
   * Has the workers call `fn` for each item, or with an item from each of several iterables, until the shortest ends. Reads
   * the items and begins at once; gives an iteration over the results. A call that failed throws by `next()` at its place,
   * and the next one goes on behind it. What becomes of a chunk as a whole, whose worker died for example, is thrown for
   * each of its items.
   *
   * `next()` suspends; a kill in it loses nothing. `using` it, leaving early ends what is not done: calls that have begun
   * are killed. With `timeout`, the same happens when time is up.
   *
   * @throws {Timeout} by `next()`, once: time is up
   * @throws {TypeError} it is not known where `fn` is exported, or something is not iterable
   * @throws {RangeError} `chunksize` is no whole number of 1 or more, or `timeout` is negative or NaN
   * @throws {InvalidStateError} the executor was shut down
   */
  map<T, R>(fn: (item: T) => R, items: Items<T>, options?: MapOptions): Iteration<Outcome<R>>;
  map<A, B, R>(
    fn: (first: A, second: B) => R,
    first: Iterable<A>,
    second: Iterable<B>,
    options?: MapOptions,
  ): Iteration<Outcome<R>>;
  map<A, B, C, R>(
    fn: (first: A, second: B, third: C) => R,
    first: Iterable<A>,
    second: Iterable<B>,
    third: Iterable<C>,
    options?: MapOptions,
  ): Iteration<Outcome<R>>;
  map(fn: (...args: any[]) => unknown, ...rest: unknown[]): Iteration<any> {
    checkFunction('map() target', fn);
    const options = rest.length > 1 && !isIterable(rest.at(-1)) ? (rest.pop() as MapOptions | undefined) : undefined;
    checkOptions(options, '{ chunksize: 100 }, { ordered: false } or { timeout: milliseconds }');
    const { ordered = true } = options ?? {};
    const chunksize = checkChunksize(options?.chunksize ?? 'auto');
    const timeout = checkTimeout(options?.timeout);
    const spread = rest.length > 1;
    const source = spread ? zip(rest as Iterable<unknown>[]) : iterate(rest[0] as Items<unknown>);
    const crew = this.#crew;
    crew.checkOpen();
    const task = crew.taskOf(fn as Referable);
    const call = `${this.constructor.name}.map()`;
    const maxsize = Number.POSITIVE_INFINITY;
    return new Mapping<any>(crew, task, source, { call, spread, chunksize, ordered, maxsize, timeout });
  }

  /**
   * Takes no more calls, and ends the workers when what was submitted is done; with `cancelFutures`, what no worker has is
   * cancelled. Acts at once. The returned operation waits until the workers have ended, and need not be performed; with
   * `wait: false` it does not wait. A kill ends the wait.
   */
  shutdown(options: ShutdownOptions = {}): Operation<void> {
    checkOptions(options, '{ wait: false } or { cancelFutures: true }');
    const { wait = true, cancelFutures = false } = options;
    this.#crew.close();
    if (cancelFutures) this.#crew.cancelWaiting('was shut down');
    return wait ? this.#crew.join() : nothing();
  }

  /** Counters and histograms of this moment. A chunk counts as one job. */
  stats(): WorkerHubStats {
    return this.#crew.stats();
  }

  /** How it appears in messages. */
  toString(): string {
    return `<${this.constructor.name} ${this.#crew.name}>`;
  }

  /** `using executor = …` shuts it down at the end of the scope: what was submitted is done nevertheless. */
  [Symbol.dispose](): void {
    this.#crew.close();
  }
}

function* nothing(): Coroutine<void> {}

/** @internal */
export function checkChunksize(chunksize: unknown): number | 'auto' {
  if (chunksize === 'auto') return chunksize;
  if (typeof chunksize === 'string') throw new RangeError(`chunksize is ${show(chunksize)}: give a number, or 'auto'`);
  return checkInteger('chunksize', chunksize as number, 1);
}

function isIterable(value: unknown): boolean {
  return typeof (value as Iterable<unknown> | undefined | null)?.[Symbol.iterator] === 'function';
}

/** Lists of an item from each of several iterables. */
function zip(iterables: Iterable<unknown>[]): Iteration<unknown[]> {
  for (const [index, iterable] of iterables.entries()) checkIterable(`iterable ${index + 1}`, iterable);
  return new SyncIteration(zipped(iterables));
}

function* zipped(iterables: Iterable<unknown>[]): Generator<unknown[], void, undefined> {
  const iterators = iterables.map((iterable) => iterable[Symbol.iterator]());
  try {
    for (;;) {
      const items: unknown[] = [];
      for (const iterator of iterators) {
        const { done, value } = iterator.next();
        if (done) return;
        items.push(value);
      }
      yield items;
    }
  } finally {
    for (const iterator of iterators) iterator.return?.();
  }
}
