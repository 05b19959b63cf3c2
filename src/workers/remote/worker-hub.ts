/** `WorkerHub`: hubs in several worker threads, used as one. */
import { availableParallelism } from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';
import { checkDuration, checkFunction, checkInteger, checkIterable, checkOptions, show } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { joinall } from '../../core/joinall.ts';
import type { Coroutine, Operation, Outcome } from '../../core/operation.ts';
import {
  checkNotImporting,
  type FunctionReference,
  programUrl,
  type Referable,
  referenceTo,
  setReference,
} from '../reference.ts';
import type { WorkerHubStats } from './pool-statistics.ts';
import { type Call, Verb } from './protocol.ts';
import { RemoteCall } from './remote-call.ts';
import { RemoteGreenlet, type RemoteOptions, type Target } from './remote-greenlet.ts';
import { type ItemOf, type RemoteFunction, type RemoteModule, remoteModule } from './remote-module.ts';
import { RemoteStream } from './remote-stream.ts';
import { ThreadLink } from './thread-link.ts';
import type { LinkEvents, WorkerLink } from './worker-link.ts';
import { WorkerPool } from './worker-pool.ts';

/** A function to be called in each worker, by the name of its export. It may be a coroutine function or async. */
export interface WorkerCall {
  /** The URL of the module. */
  module: string | URL;
  /** The name of the export. */
  name: string;
  /** What it is called with; cloned. */
  args?: readonly unknown[];
}

/** Options of a `WorkerHub`. */
export interface WorkerHubOptions {
  /** The greatest number of worker threads; by default as many as the machine runs at once. */
  size?: number;
  /** After how many milliseconds without a job a worker is ended; never, by default. */
  idleTimeout?: number;
  /** After how many jobs, or at what age in milliseconds, a worker is replaced once its jobs have ended. */
  recycleAfter?: { jobs?: number; age?: number };
  /** Limits of the memory of each worker, in MB; who exceeds them dies. A limit that holds needs a process. */
  resourceLimits?: ResourceLimits;
  /** Called in each worker before its first job. */
  init?: WorkerCall;
  /** Called in each worker before it ends in the ordinary way. */
  teardown?: WorkerCall;
  /** How long a killed job that hangs may keep its thread, in milliseconds; 500 by default. Then the thread is terminated. */
  grace?: number;
  /** How many jobs may be unfinished in one worker; without limit by default, for a hub runs any number of coroutines. */
  concurrency?: number;
  /** How workers are called, in messages and as `threadName`: `worker-1`, … by default. */
  name?: string;
}

/** Options of `stream`. */
export interface StreamOptions {
  /** How many items the generator may be ahead of the reader; 64 by default. */
  credit?: number;
}

let made = 0;

/**
 * Hubs in several worker threads, one each, to which coroutines are spawned as to the own one. Threads are started when
 * there is work for them, and the process ends by itself when nothing is outstanding. Jobs are begun in the order of their
 * spawning, each in the worker that has the least to do. A worker's event loop is never blocked while it is idle.
 *
 * The functions stand in a module that each worker imports: coroutine functions, async ones or plain ones. Arguments and
 * results are cloned; what can't be cloned is an `UncloneableError` that names it. See `move` and `RemoteChannel`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { WorkerHub } from 'genlet/workers';
 *
 * await run(function* () {
 *   using hub = new WorkerHub({ size: 2 });
 *   const crypto = hub.module<typeof import('node:crypto')>('node:crypto');
 *   console.log((yield* crypto.pbkdf2Sync('secret', 'salt', 1000, 4, 'sha256')).length); // => 4
 *   const job = hub.spawn(crypto.getHashes);
 *   yield* job.join();
 *   console.log(job.value?.includes('sha256')); // => true
 * });
 * ```
 */
export class WorkerHub {
  /** The greatest number of worker threads. */
  readonly size: number;
  readonly #pool: WorkerPool;
  readonly #targets = new Map<Referable, Target>();
  /** By URL and name, for functions that are marked elsewhere. */
  readonly #named = new Map<string, Target>();

  constructor(options: WorkerHubOptions = {}) {
    checkOptions(options, '{ size: 4 }');
    const { size = availableParallelism(), idleTimeout, recycleAfter = {}, resourceLimits, grace = 500 } = options;
    const { concurrency = Infinity, name = `worker${++made === 1 ? '' : made}` } = options;
    this.size = checkInteger('size', size, 1);
    if (concurrency !== Infinity) checkInteger('concurrency', concurrency, 1);
    const { jobs: recycleJobs = Infinity, age: recycleAge = Infinity } = recycleAfter;
    if (recycleJobs !== Infinity) checkInteger('recycleAfter.jobs', recycleJobs, 1);
    if (recycleAge !== Infinity) checkDuration('recycleAfter.age', recycleAge);
    const init = checkCall('init', options.init);
    const teardown = checkCall('teardown', options.teardown);
    this.#pool = new WorkerPool({
      name,
      size,
      idleTimeout: idleTimeout === undefined ? undefined : checkDuration('idleTimeout', idleTimeout),
      recycleJobs,
      recycleAge,
      grace: checkDuration('grace', grace),
      concurrency,
      open: (workerName: string, events: LinkEvents): WorkerLink =>
        new ThreadLink(
          { name: workerName, concurrency, init, teardown, program: programUrl() },
          events,
          resourceLimits,
        ),
    });
  }

  /**
   * The functions that the module at `url` exports, to be called in workers: `yield* tasks.fib(35)` runs one there and
   * gives its result, and `spawn` takes them. The type argument is the module's type. Nothing is imported here.
   *
   * @throws {TypeError} `url` is no URL
   */
  module<M>(url: string | URL): RemoteModule<M> {
    const module = checkUrl('url', url);
    return remoteModule<M>((name) => this.#makeFunction({ module, name }));
  }

  #makeFunction(reference: FunctionReference): unknown {
    const call = (...args: unknown[]): Operation<unknown> => new RemoteCall(call, args, spawn);
    Object.defineProperty(call, 'name', { value: reference.name });
    setReference(call, reference);
    const target = this.#targetOf(call);
    const spawn = (args: unknown[]): RemoteGreenlet<any> => this.#submit(target, args);
    return call;
  }

  #targetOf(fn: Referable): Target {
    const known = this.#targets.get(fn);
    if (known !== undefined) return known;
    const reference = referenceTo(fn);
    const key = `${reference.module} ${reference.name}`;
    const target = this.#named.get(key) ?? { index: this.#named.size, reference, fn: fn as never, average: -1 };
    this.#named.set(key, target);
    this.#targets.set(fn, target);
    return target;
  }

  #submit<T>(target: Target, args: unknown[], options?: RemoteOptions): RemoteGreenlet<T> {
    this.#pool.checkOpen();
    checkNotImporting('a job in a worker');
    const job = new RemoteGreenlet<T>(this.#pool, target, args);
    if (options !== undefined) job.configure(options);
    this.#pool.submit(job);
    return job;
  }

  /**
   * Runs `fn(...args)` in a worker. Acts at once and does not wait: jobs are begun in the order of their spawning. `fn` is
   * a function of `module()`, or one that was marked with `task`.
   *
   * @throws {TypeError} it is not known where `fn` is exported
   * @throws {InvalidStateError} the hub was closed
   */
  spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): RemoteGreenlet<Outcome<R>> {
    return this.#submit(this.#targetOf(fn as Referable), args);
  }

  /**
   * As `spawn`, with options: `hub.spawnWith({ priority: 1 }, tasks.fib, 35)`.
   *
   * @throws {RangeError} an option is out of range
   */
  spawnWith<A extends unknown[], R>(
    options: RemoteOptions,
    fn: (...args: A) => R,
    ...args: A
  ): RemoteGreenlet<Outcome<R>> {
    checkRemoteOptions(options);
    return this.#submit(this.#targetOf(fn as Referable), args, options);
  }

  /**
   * Runs a generator function in a worker and gives what it yields, one by one, while it goes on there: an ordinary
   * generator whose `yield` sends an item, and whose `yield*` performs operations as in any coroutine. An async generator,
   * or a function that returns an iterable, will do as well. Acts at once; the generator gets at most `credit` items ahead.
   *
   * @typeParam F - The type that the function has in its module.
   * @throws {TypeError} it is not known where `fn` is exported
   */
  stream<F extends (...args: any[]) => any>(
    fn: RemoteFunction<F>,
    ...args: Parameters<F>
  ): RemoteStream<ItemOf<ReturnType<F>>> {
    return this.streamWith({}, fn, ...args);
  }

  /**
   * As `stream`, with options: `hub.streamWith({ credit: 8 }, tasks.lines, path)`.
   *
   * @typeParam F - The type that the function has in its module.
   * @throws {RangeError} `credit` is not a whole number of at least 1
   */
  streamWith<F extends (...args: any[]) => any>(
    options: StreamOptions & RemoteOptions,
    fn: RemoteFunction<F>,
    ...args: Parameters<F>
  ): RemoteStream<ItemOf<ReturnType<F>>> {
    checkRemoteOptions(options);
    const { credit = 64 } = options;
    checkInteger('credit', credit, 1);
    this.#pool.checkOpen();
    const stream = new RemoteStream<ItemOf<ReturnType<F>>>(credit, (items) => {
      this.#pool.tell(stream.greenlet, Verb.CREDIT, items);
    });
    const job = new RemoteGreenlet<unknown>(this.#pool, this.#targetOf(fn as Referable), args);
    job.configure(options);
    job.reader = stream;
    stream.attach(job);
    this.#pool.submit(job);
    return stream;
  }

  /**
   * Runs `fn(...args)` once in each worker, and starts those that don't run yet. Gives the results in the order of the
   * workers. Suspends; a kill ends the wait and kills the calls.
   *
   * @throws the first failure, when all calls have ended
   */
  broadcast<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Operation<Outcome<R>[]> {
    checkFunction('broadcast() target', fn);
    const target = this.#targetOf(fn as Referable);
    return composite('WorkerHub.broadcast()', this.#broadcast<Outcome<R>>(target, args));
  }

  *#broadcast<T>(target: Target, args: unknown[]): Coroutine<T[]> {
    this.#pool.checkOpen();
    if (this.#pool.broken !== undefined) throw this.#pool.broken;
    const jobs = this.#pool.submitToAll(() => new RemoteGreenlet<T>(this.#pool, target, args));
    for (const job of jobs) job.rawlink(() => void job.takeError()); // the first is thrown, the others are of the same call
    try {
      yield* joinall(jobs);
    } finally {
      for (const job of jobs) if (!job.dead) job.kill();
    }
    const results: T[] = [];
    for (const job of jobs) results.push(yield* job);
    return results;
  }

  /** Counters and histograms of this moment. */
  stats(): WorkerHubStats {
    return this.#pool.stats();
  }

  /**
   * Takes no more jobs, waits until those that there are have ended, and ends the workers after their `teardown`.
   * Suspends; a kill ends the wait.
   */
  close(): Operation<void> {
    return composite('WorkerHub.close()', this.#pool.close());
  }

  /** Ends everything at once: jobs end as if killed, threads are terminated without `teardown`. Acts at once. */
  terminate(): void {
    this.#pool.terminate();
  }

  /** `using hub = …` terminates it at the end of the scope. */
  [Symbol.dispose](): void {
    this.terminate();
  }
}

function checkUrl(name: string, url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) {
    throw new TypeError(`${name} is ${show(url)}: give a URL, such as new URL('./tasks.ts', import.meta.url)`);
  }
  return text;
}

function checkCall(name: string, call: WorkerCall | undefined): Call | undefined {
  if (call === undefined) return undefined;
  checkOptions(call, "{ module: new URL('./tasks.ts', import.meta.url), name: 'setUp' }");
  const { args = [] } = call;
  checkIterable(`${name}.args`, args);
  if (typeof call.name !== 'string')
    throw new TypeError(`${name}.name is ${show(call.name)}: give the name of an export`);
  return { reference: { module: checkUrl(`${name}.module`, call.module), name: call.name }, args: [...args] };
}

function checkRemoteOptions(options: RemoteOptions): void {
  checkOptions(options, '{ priority: 1 }, { signal } or { retries: 1 }');
  const { priority = 0, retries = 0, signal } = options;
  if (typeof priority !== 'number' || Number.isNaN(priority)) {
    throw new RangeError(`priority is ${show(priority)}: give a number`);
  }
  checkInteger('retries', retries, 0);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is ${show(signal)}: give an AbortSignal`);
  }
}
