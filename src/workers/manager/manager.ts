/** `BaseManager` and `Manager`: objects that processes share. */
import { checkFunction, checkOptions, show } from '../../core/check.ts';
import { composite } from '../../core/dev.ts';
import { EOFError, InvalidStateError } from '../../core/errors.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { shield } from '../../core/shield.ts';
import type { Address, Endpoint } from '../../io/address.ts';
import type { Connection } from '../connection.ts';
import { Pipe } from '../process/pipe.ts';
import { Process } from '../process/process.ts';
import { type FunctionReference, type Referable, referenceTo } from '../reference.ts';
import type { BaseProxy } from './base-proxy.ts';
import type {
  ArrayProxy,
  DictEntries,
  DictKey,
  DictProxy,
  ListProxy,
  NamespaceProxy,
  QueueProxy,
  ValueProxy,
} from './container-proxies.ts';
import { type ClientOptions, Dialer } from './dialer.ts';
import type { ListenerOptions } from './gate.ts';
import type {
  BarrierProxy,
  ConditionProxy,
  EventProxy,
  LockProxy,
  RLockProxy,
  SemaphoreProxy,
} from './lock-proxies.ts';
import { builtInTypes, type ManagedType } from './managed-types.ts';
import { ManagerLink } from './manager-link.ts';
import { ManagerServer } from './manager-server.ts';
import { type RegisterOptions, registeredType } from './objects.ts';
import { proxyMaker, type Remote, wireOf } from './proxies.ts';
import { RemoteCall } from './remote-call.ts';
import { type ServeOrder, serveManager } from './serve-manager.ts';

/** Options of a manager. */
export interface ManagerOptions extends ListenerOptions {}

/** How a manager is started in a process of its own. */
export interface ManagerStartOptions {
  /** Called there before it begins; found as the target of a `Process` is. */
  readonly initializer?: ((...args: any[]) => unknown) | undefined;
  /** The arguments of `initializer`. */
  readonly args?: readonly unknown[] | undefined;
}

/** How long a process of a manager may take to end, in milliseconds. */
const PATIENCE = 2000;

/** What was registered with each class of managers. */
const registries = new WeakMap<object, Map<string, Registration>>();

interface Registration {
  readonly type: ManagedType;
  readonly maker: Referable;
  readonly options: RegisterOptions;
}

/** The part of a manager that the types don't matter for. */
export class BaseManager implements Disposable {
  readonly #address: Address | undefined;
  readonly #options: ManagerOptions;
  #server: ManagerServer | undefined;
  #process: Process | undefined;
  #line: Connection | undefined;
  #place: Endpoint | undefined;
  #link: ManagerLink | undefined;
  #isClosed = false;

  /**
   * Without an address, a Unix socket in a folder of its own; the options are those of `Listener`. Nothing is opened
   * before the first object is made, or the manager is started.
   *
   * @throws {TypeError} the options are none
   */
  constructor(address?: Address, options: ManagerOptions = {}) {
    checkOptions(options, "{ authkey: 'a long secret' }");
    this.#address = address;
    this.#options = options;
  }

  /**
   * Says of what a manager of this class, or of one that extends it, can make objects: by `new` of a class, or by a function
   * that makes or finds one. Nothing of them can be called but the methods that are named. What a function gives may also be
   * a `Map`, an array, or a queue, lock, event, … of genlet: then the proxy is that of the built-in type, and `methods` is
   * left out. Acts at once. Follows `BaseManager.register`.
   *
   * @throws {TypeError} an argument is of another kind
   * @example
   * ```ts
   * import { run } from 'genlet';
   * import { Manager, type Remote } from 'genlet/workers';
   *
   * class Counter {
   *   #count = 0;
   *   increment(by: number): number {
   *     this.#count += by;
   *     return this.#count;
   *   }
   * }
   *
   * class Counters extends Manager {}
   * Counters.register('Counter', Counter, { methods: ['increment'] });
   *
   * await run(function* () {
   *   using manager = new Counters();
   *   const counter = yield* manager.create<Remote<Counter>>('Counter');
   *   yield* counter.increment(40);
   *   console.log(yield* counter.increment(2)); // => 42
   * });
   * ```
   */
  static register(typeId: string, maker: Referable, options: RegisterOptions = {}): void {
    if (typeof typeId !== 'string' || typeId === '') throw new TypeError(`typeId is ${show(typeId)}: give a name`);
    checkOptions(options, "{ methods: ['name', …] }");
    const type = registeredType(typeId, maker, options);
    // biome-ignore lint/complexity/noThisInStatic: each class of managers has types of its own
    const own = registries.get(this) ?? new Map<string, Registration>();
    // biome-ignore lint/complexity/noThisInStatic: as above
    registries.set(this, own);
    own.set(typeId, { type, maker, options });
  }

  /**
   * A manager of this class for the objects of one that is elsewhere, at `address`. Suspends until both sides have proven
   * that they have the key; a kill or timeout leaves nothing behind. Follows `BaseManager.connect`.
   *
   * @throws what `Client` throws
   */
  static connect<M extends BaseManager>(
    this: new () => M,
    address: Address,
    options: ClientOptions = {},
  ): Operation<M> {
    const manager = new this();
    const dialer = new Dialer(address, options);
    return composite(`${manager.constructor.name}.connect()`, manager.#connect(dialer));
  }

  *#connect(dialer: Dialer): Coroutine<this> {
    yield* this.#reach(dialer).connect();
    return this;
  }

  /** Where it is; before it was started, the address that was given, if any. */
  get address(): Endpoint | undefined {
    return this.#place ?? this.#server?.address;
  }

  /** Whether `shutdown()` was called. */
  get closed(): boolean {
    return this.#isClosed;
  }

  /**
   * Starts it in a process of its own, which ends with this one. Otherwise it is in this process, which saves much; one of
   * its own has a core of its own, and lives on when this one is busy. Classes and functions that were registered must be
   * found there as the target of a `Process` is. Suspends until it is ready; a kill takes it back. Follows
   * `BaseManager.start`.
   *
   * @throws {InvalidStateError} it is in use already
   * @throws {TypeError} an option is of another kind, or what was registered, or the initializer, can't be found by another
   * process
   * @throws what the initializer throws
   */
  start(options: ManagerStartOptions = {}): Operation<void> {
    checkOptions(options, '{ initializer, args }');
    const { initializer, args = [] } = options;
    if (initializer !== undefined) checkFunction('initializer', initializer);
    if (!Array.isArray(args)) throw new TypeError(`args is ${show(args)}: give an array of arguments`);
    return composite(`${this.constructor.name}.start()`, this.#start(initializer, args));
  }

  *#start(initializer: ManagerStartOptions['initializer'], args: readonly unknown[]): Coroutine<void> {
    this.#checkNew('start()');
    const [here, there] = Pipe();
    const order: ServeOrder = {
      address: this.#address,
      options: this.#options,
      hasBuiltIns: this.hasBuiltIns,
      registered: [...this.#registrations()].map(([name, { maker, options }]) => {
        const reference: FunctionReference = referenceTo(maker);
        return { name, reference, options };
      }),
      initializer: initializer === undefined ? undefined : referenceTo(initializer),
      args,
    };
    const child = new Process(serveManager, [there, order], { name: this.constructor.name, daemon: true });
    this.#process = child;
    this.#line = here;
    let isReady = false;
    try {
      child.start();
      there.close();
      const said = yield* this.#hear(here, child);
      if ('error' in said) throw said.error;
      const { address } = said;
      const { authkey, encrypt, maxFrame, tls } = this.#options;
      // On this machine, the key tells well enough who it is.
      const more = tls === undefined ? {} : { tls: { rejectUnauthorized: false } };
      const link = this.#reach(new Dialer(address, { authkey, encrypt, maxFrame, ...more }));
      yield* link.connect();
      isReady = true;
    } finally {
      if (!isReady) this[Symbol.dispose]();
    }
  }

  *#hear(line: Connection, child: Process): Coroutine<any> {
    try {
      return yield* line.recv();
    } catch (error) {
      if (!(error instanceof EOFError)) throw error;
      yield* child.join(PATIENCE);
      throw new EOFError(`${child} ended before it was ready, with exit code ${child.exitcode}`, { cause: error });
    }
  }

  /**
   * What has the objects in this process, to be started and stopped by hand: `getServer().serveForever()` is the last line
   * of a program that serves others. Follows `BaseManager.get_server`.
   *
   * @throws {InvalidStateError} the objects are in another process
   */
  getServer(): ManagerServer {
    if (this.#server !== undefined) return this.#server;
    this.#checkNew('getServer()');
    this.#server = new ManagerServer(this.types(), this.#address, this.#options);
    return this.#server;
  }

  /**
   * Makes an object of a registered type, and gives its proxy. Suspends until it is there; a kill takes it back.
   *
   * @throws {TypeError} there is no such type
   * @throws {EOFError} the connection to the manager has ended
   * @throws {InvalidStateError} the manager was shut down
   * @throws what the class or function throws
   */
  create<P extends BaseProxy = BaseProxy>(typeId: string, ...args: unknown[]): Operation<P> {
    return composite(`${this.constructor.name}.create()`, this.#create<P>(typeId, args));
  }

  *#create<P extends BaseProxy>(typeId: string, args: unknown[]): Coroutine<P> {
    const link = this.#openLink();
    if (!link.ready) yield* link.connect();
    return yield* new RemoteCall<P>(link, undefined, typeId, args);
  }

  /** How many objects it has, wherever it is. Follows `number_of_objects`. */
  numberOfObjects(): Operation<number> {
    return composite(`${this.constructor.name}.numberOfObjects()`, this.#callManager<number>('numberOfObjects'));
  }

  *#callManager<T>(method: string): Coroutine<T> {
    const link = this.#openLink();
    if (!link.ready) yield* link.connect();
    return yield* new RemoteCall<T>(link, link.manager, method, []);
  }

  /**
   * Ends it: the objects are gone, and whoever waits for them gets an `EOFError`. One that was started in a process of its
   * own is ended, and waited for; one that was connected to is left alone, but for the connection. Suspends while there is
   * something to wait for. A second call does nothing. Follows `BaseManager.shutdown`.
   */
  shutdown(): Operation<void> {
    return composite(`${this.constructor.name}.shutdown()`, this.#shutdown());
  }

  *#shutdown(): Coroutine<void> {
    const child = this.#process;
    this[Symbol.dispose]();
    if (child?.isAlive() !== true) return;
    yield* shield(function* () {
      yield* child.join(PATIENCE);
      if (!child.isAlive()) return;
      child.terminate();
      yield* child.join();
    });
  }

  /** As `shutdown()`, without waiting: `using manager = new Manager()`. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#link?.close();
    this.#server?.stop();
    this.#line?.close(); // its process ends then
  }

  /** `Manager 127.0.0.1:80`. */
  toString(): string {
    return `${this.constructor.name} ${this.address ?? ''}`.trim();
  }

  // ---- inside

  /** Whether the types of `Manager` are there. @internal */
  protected get hasBuiltIns(): boolean {
    return false;
  }

  /** Of what it can make objects. @internal */
  types(): Map<string, ManagedType> {
    const types = new Map<string, ManagedType>();
    if (this.hasBuiltIns) for (const type of builtInTypes) types.set(type.name, type);
    for (const [name, { type }] of this.#registrations()) types.set(name, type);
    return types;
  }

  #registrations(): Map<string, Registration> {
    const classes: object[] = [];
    for (let at: object | null = this.constructor; at !== null; at = Object.getPrototypeOf(at)) classes.unshift(at);
    return new Map(classes.flatMap((each) => [...(registries.get(each) ?? [])]));
  }

  #checkNew(call: string): void {
    this.#checkOpen();
    if (this.#link === undefined && this.#process === undefined && this.#server === undefined) return;
    throw new InvalidStateError(`${this}.${call}: it is in use already`);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new InvalidStateError(`${this} was shut down: make a new one`);
  }

  #reach(dialer: Dialer): ManagerLink {
    const { path, host, port } = dialer.endpoint;
    const address = path === undefined ? { host, port } : { path };
    const { encrypt, authkey } = dialer.terms;
    const where = dialer.tls === false ? { address, encrypt, key: authkey } : undefined;
    const link: ManagerLink = new ManagerLink(
      () => wireOf(link, dialer),
      proxyMaker,
      () => where,
    );
    this.#place = dialer.endpoint;
    this.#link = link;
    return link;
  }

  #openLink(): ManagerLink {
    this.#checkOpen();
    if (this.#link !== undefined) return this.#link;
    if (this.#process !== undefined) throw new InvalidStateError(`${this} is being started: wait for start()`);
    const server = this.getServer();
    const link: ManagerLink = new ManagerLink(
      function* () {
        yield* server.start();
        return server.attach(link);
      },
      proxyMaker,
      () => server.where,
    );
    this.#link = link;
    return link;
  }
}

/**
 * Makes objects that several processes and threads use: each gets proxies, by which it calls their methods. Follows
 * `multiprocessing.Manager` and `SyncManager`.
 *
 * The objects are in the process that made the manager, or in one of their own after `start()`. Proxies go to child
 * processes and threads as arguments and through queues and pipes; other programs use `Manager.connect`. Only who has the
 * `authkey` can connect: by default it is random, and known to this program and its child processes. `using` ends it.
 *
 * @example
 * ```ts
 * import { joinall } from 'genlet';
 * import { type DictProxy, main, Manager, Process } from 'genlet/workers';
 *
 * export function* double(results: DictProxy<number, number>, n: number) {
 *   yield* results.set(n, 2 * n);
 * }
 *
 * main(import.meta.url, function* () {
 *   using manager = new Manager();
 *   const results = yield* manager.dict<number, number>();
 *   const processes = [1, 2].map((n) => new Process(double, [results, n]));
 *   for (const process of processes) process.start();
 *   for (const process of processes) yield* process.join();
 *   console.log((yield* results.entries()).sort()); // => [ [ 1, 2 ], [ 2, 4 ] ]
 * });
 * ```
 */
export class Manager extends BaseManager {
  /** @internal */
  protected override get hasBuiltIns(): boolean {
    return true;
  }

  /** Makes a dict. */
  dict<K extends DictKey = string, V = any>(entries?: DictEntries<K, V>): Operation<DictProxy<K, V>> {
    return this.create('dict', entries);
  }

  /** Makes a list. */
  list<T = any>(items: readonly T[] = []): Operation<ListProxy<T>> {
    return this.create('list', items);
  }

  /** Makes a namespace. */
  Namespace<T extends object = Record<string, any>>(values?: T): Operation<NamespaceProxy<T>> {
    return this.create('Namespace', values);
  }

  /** Makes a single value. */
  Value<T = any>(value: T): Operation<ValueProxy<T>> {
    return this.create('Value', value);
  }

  /** Makes an array of fixed length: of these items, or so many zeros. */
  Array<T = number>(items: readonly T[] | number): Operation<ArrayProxy<T>> {
    return this.create('Array', items);
  }

  /** Makes a lock. */
  Lock(): Operation<LockProxy> {
    return this.create('Lock');
  }

  /** Makes a lock that its holder can acquire again. */
  RLock(): Operation<RLockProxy> {
    return this.create('RLock');
  }

  /** Makes a semaphore. @throws {RangeError} `value` is negative or no whole number */
  Semaphore(value = 1): Operation<SemaphoreProxy> {
    return this.create('Semaphore', value);
  }

  /** Makes a semaphore that never has more permits than at first. @throws {RangeError} `value` is negative or no whole number */
  BoundedSemaphore(value = 1): Operation<SemaphoreProxy> {
    return this.create('BoundedSemaphore', value);
  }

  /** Makes an event. */
  Event(): Operation<EventProxy> {
    return this.create('Event');
  }

  /** Makes a condition, over a lock of this manager or an `RLock` of its own. */
  Condition(lock?: LockProxy): Operation<ConditionProxy> {
    return this.create('Condition', lock);
  }

  /** Makes a barrier. `timeout` is the limit in milliseconds of every `wait()` that has none of its own. */
  Barrier(parties: number, timeout?: number | null): Operation<BarrierProxy> {
    return this.create('Barrier', parties, timeout);
  }

  /** Makes a joinable queue; 0, `undefined` or `null` set no limit. */
  Queue<T = any>(maxsize?: number | null): Operation<QueueProxy<T>> {
    return this.create('Queue', maxsize);
  }
}

export type { Remote };
