/** What `Pool` and `ThreadPool` have in common. Follows `multiprocessing.pool.Pool`. */
import { checkCallback, checkFunction, checkInteger, checkOptions } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { InvalidStateError } from '../../core/errors.ts';
import type { Iteration } from '../../core/from-async-iterable.ts';
import type { Coroutine, Operation, Outcome } from '../../core/operation.ts';
import { AsyncResult } from '../../sync/async-result.ts';
import type { Future } from '../../sync/future.ts';
import { type Items, iterate } from '../../sync/items.ts';
import type { Referable } from '../reference.ts';
import type { WorkerHubStats } from '../remote/pool-statistics.ts';
import { RemoteCall } from '../remote/remote-call.ts';
import type { RemoteGreenlet } from '../remote/remote-greenlet.ts';
import type { Crew } from './crew.ts';
import { checkArguments } from './crew-options.ts';
import { checkChunksize } from './executor.ts';
import { JobFuture } from './job-future.ts';
import { Mapping, type MappingPlan } from './mapping.ts';

/** What is called when the result is there; each in the hub, and must not block. */
export interface ResultCallbacks<T> {
  /** Called with the result. */
  callback?: (result: T) => unknown;
  /** Called with the error. */
  errorCallback?: (error: unknown) => unknown;
}

/** Options of a pool's `map` and `starmap`. */
export interface ChunkOptions {
  /**
   * How many calls go to a worker together. `'auto'`, the default, goes by what the calls before took: about 8 ms' worth,
   * less towards the end.
   */
  chunksize?: number | 'auto';
}

/** Options of a pool's `imap` and `imapUnordered`. */
export interface ChunkedImapOptions extends ChunkOptions {
  /** How many items may be in work, or done and not read: 1000 by default. `null` sets no limit. */
  maxsize?: number | null;
}

type AnyFunction = (...args: any[]) => unknown;

const DEFAULT_MAXSIZE = 1000;
const UNLIMITED = Number.POSITIVE_INFINITY;

/** The base of `Pool` and `ThreadPool`. */
export abstract class CrewPool {
  /** The greatest number of workers. */
  readonly size: number;
  readonly #crew: Crew;

  /** @internal */
  constructor(crew: Crew) {
    this.size = crew.size;
    this.#crew = crew;
  }

  /**
   * Has a worker call `fn(...args)` and gives the result. `fn` may be a coroutine function, an async or a plain one; it is
   * marked with `task`, exported by the main program, or a function of `hub.module()`. Arguments and result are cloned.
   * Suspends; a kill or timeout of the caller kills the call.
   *
   * @throws the error of `fn`
   * @throws {WorkerDied} its worker ended
   * @throws {TypeError} it is not known where `fn` is exported
   * @throws {InvalidStateError} the pool was closed
   */
  apply<A extends unknown[], R>(fn: (...args: A) => R, args: A = [] as unknown[] as A): Operation<Outcome<R>> {
    checkFunction('apply() target', fn);
    const crew = this.#crew;
    const task = crew.taskOf(fn as Referable);
    const start = (given: unknown[]): RemoteGreenlet<Outcome<R>> => {
      crew.checkOpen();
      const job = crew.makeJob<Outcome<R>>(task.single, given);
      crew.submit(job);
      return job;
    };
    return new RemoteCall(fn, checkArguments('args', args), start);
  }

  /**
   * As `apply`, without waiting: gives a future of the result. Acts at once. `callback` is called with the result,
   * `errorCallback` with the error, before anybody who waits goes on. The future can be cancelled until a worker has the
   * call.
   *
   * @throws {TypeError} it is not known where `fn` is exported
   * @throws {InvalidStateError} the pool was closed
   */
  applyAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: A = [] as unknown[] as A,
    callbacks: ResultCallbacks<Outcome<R>> = {},
  ): Future<Outcome<R>> {
    checkFunction('applyAsync() target', fn);
    checkCallbacks(callbacks);
    const crew = this.#crew;
    const given = checkArguments('args', args);
    crew.checkOpen();
    const job = crew.makeJob<Outcome<R>>(crew.taskOf(fn as Referable).single, given);
    const future = new JobFuture(job);
    addCallbacks(future, callbacks);
    crew.submit(job);
    return future;
  }

  /**
   * Has the workers call `fn(item)` for each item, and gives the results in the order of the items. All items are read
   * first, from any iterable, async iterable or iteration. Suspends; a kill of the caller kills the calls.
   *
   * @throws the first error in the order of the items, when all calls have ended
   * @throws {RangeError} `chunksize` is no whole number of 1 or more
   */
  map<T, R>(fn: (item: T) => R, items: Items<T>, options: ChunkOptions = {}): Operation<Outcome<R>[]> {
    return this.#mapAll('map()', fn, items, false, options);
  }

  /** As `map`, for items that are lists of arguments: calls `fn(...item)`. */
  starmap<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Items<Readonly<A>>,
    options: ChunkOptions = {},
  ): Operation<Outcome<R>[]> {
    return this.#mapAll('starmap()', fn, items, true, options);
  }

  #mapAll(
    call: string,
    fn: AnyFunction,
    items: Items<any>,
    spread: boolean,
    { chunksize }: ChunkOptions,
  ): Operation<any[]> {
    const begin = this.#prepare(fn, items, { call, spread, ...eager, chunksize: checkChunksize(chunksize ?? 'auto') });
    return composite(`${this.constructor.name}.${call}`, allOf(begin));
  }

  /**
   * As `map`, without waiting: gives an `AsyncResult` of the results. Acts at once. Callbacks as with `applyAsync`.
   *
   * @throws {InvalidStateError} the pool was closed
   */
  mapAsync<T, R>(
    fn: (item: T) => R,
    items: Items<T>,
    options: ChunkOptions & ResultCallbacks<Outcome<R>[]> = {},
  ): AsyncResult<Outcome<R>[]> {
    return this.#mapAllAsync('mapAsync()', fn, items, false, options);
  }

  /** As `mapAsync`, for items that are lists of arguments: calls `fn(...item)`. */
  starmapAsync<A extends unknown[], R>(
    fn: (...args: A) => R,
    items: Items<Readonly<A>>,
    options: ChunkOptions & ResultCallbacks<Outcome<R>[]> = {},
  ): AsyncResult<Outcome<R>[]> {
    return this.#mapAllAsync('starmapAsync()', fn, items, true, options);
  }

  #mapAllAsync(
    call: string,
    fn: AnyFunction,
    items: Items<any>,
    spread: boolean,
    options: ChunkOptions & ResultCallbacks<any[]>,
  ): AsyncResult<any[]> {
    checkOptions(options, '{ chunksize: 100, callback, errorCallback }');
    checkCallbacks(options);
    const chunksize = checkChunksize(options.chunksize ?? 'auto');
    const begin = this.#prepare(fn, items, { call, spread, ...eager, chunksize });
    const result = new AsyncResult<any[]>();
    addCallbacks(result, options);
    const mapping = begin();
    mapping.whenEnded(
      (results) => result.set(results),
      (error) => result.setException(error),
    );
    return result;
  }

  /**
   * As `map`, giving one result after the other in the order of the items, while the work goes on. Acts at once. An error
   * is thrown by `next()` at its place, and the next call goes on behind it. Items are read as they are needed, at most
   * `maxsize` ahead of who reads the results; when the pool is closed, all that are left.
   *
   * `next()` suspends; a kill in it loses nothing. `using` it, leaving early kills what is in work.
   *
   * @throws {InvalidStateError} the pool was closed
   * @throws {RangeError} `chunksize` or `maxsize` is no whole number of 1 or more
   */
  imap<T, R>(fn: (item: T) => R, items: Items<T>, options: ChunkedImapOptions = {}): Iteration<Outcome<R>> {
    return this.#imap('imap()', fn, items, true, options);
  }

  /** As `imap`, giving results as they come. */
  imapUnordered<T, R>(fn: (item: T) => R, items: Items<T>, options: ChunkedImapOptions = {}): Iteration<Outcome<R>> {
    return this.#imap('imapUnordered()', fn, items, false, options);
  }

  #imap(
    call: string,
    fn: AnyFunction,
    items: Items<any>,
    ordered: boolean,
    options: ChunkedImapOptions,
  ): Iteration<any> {
    checkOptions(options, '{ chunksize: 10 } or { maxsize: 100 }');
    const { chunksize = 'auto', maxsize = DEFAULT_MAXSIZE } = options;
    const begin = this.#prepare(fn, items, {
      call,
      spread: false,
      ordered,
      chunksize: checkChunksize(chunksize),
      maxsize: maxsize === null ? UNLIMITED : checkInteger('maxsize', maxsize, 1),
      timeout: undefined,
    });
    return begin();
  }

  /** Checks what is given; what it returns begins. */
  #prepare(fn: AnyFunction, items: Items<unknown>, plan: MappingPlan): () => Mapping<any> {
    checkFunction(`${plan.call.slice(0, -2)}() target`, fn);
    const crew = this.#crew;
    const task = crew.taskOf(fn as Referable);
    const source = iterate(items);
    const call = `${this.constructor.name}.${plan.call}`;
    return () => {
      crew.checkOpen();
      return new Mapping<any>(crew, task, source, { ...plan, call });
    };
  }

  /** Takes no more work; the workers end when what there is has been done. Acts at once. */
  close(): void {
    this.#crew.close();
  }

  /**
   * Ends everything at once: calls that have not ended fail with `CancelledError`, and the workers are terminated, whatever
   * they are doing. Acts at once.
   */
  terminate(): void {
    this.#crew.terminate();
  }

  /**
   * Waits until the workers have ended. Suspends; a kill ends the wait.
   *
   * @throws {InvalidStateError} the pool was neither closed nor terminated
   */
  join(): Operation<void> {
    return composite(`${this.constructor.name}.join()`, this.#join());
  }

  *#join(): Coroutine<void> {
    if (!this.#crew.closed) throw new InvalidStateError(`${this.#crew.name} is open: close() or terminate() it first`);
    yield* this.#crew.join();
  }

  /** Counters and histograms of this moment. A chunk counts as one job. */
  stats(): WorkerHubStats {
    return this.#crew.stats();
  }

  /** How it appears in messages. */
  toString(): string {
    return `<${this.constructor.name} ${this.#crew.name}>`;
  }

  /** `using pool = …` terminates it at the end of the scope. */
  [Symbol.dispose](): void {
    this.#crew.terminate();
  }
}

/** All items are read at once. */
const eager = { ordered: true, maxsize: UNLIMITED, timeout: undefined };

function* allOf(begin: () => Mapping<any>): Coroutine<any[]> {
  return yield* begin().all();
}

function checkCallbacks(callbacks: ResultCallbacks<any>): void {
  checkOptions(callbacks, '{ callback, errorCallback }');
  const { callback, errorCallback } = callbacks;
  if (callback !== undefined) checkCallback('callback', callback);
  if (errorCallback !== undefined) checkCallback('errorCallback', errorCallback);
}

function addCallbacks<T>(result: AsyncResult<T>, { callback, errorCallback }: ResultCallbacks<T>): void {
  if (callback === undefined && errorCallback === undefined) return;
  result.rawlink(() => {
    if (result.successful()) callback?.(result.value as T);
    else errorCallback?.(result.exception);
  });
}
