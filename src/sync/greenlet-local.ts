/**
 * `GreenletLocal`: a value for each greenlet.
 *
 * A local keeps its values in a `WeakMap`, so they go when the local goes. A greenlet that has ended may be kept for its
 * result for long; so a link to its end, which does not hold the local, takes the value out then.
 */
import { checkCallback } from '../core/check.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub as importedHub } from '../core/hub.ts';
import { Link } from '../core/links.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** Options of a `GreenletLocal`. */
export interface GreenletLocalOptions {
  /** Whether a new greenlet begins with the value that its spawner has at that moment; `false` by default. */
  inherit?: boolean;
}

/** What a `GreenletLocal` is made with: `init` may only be left out where `undefined` is one of the values. */
export type GreenletLocalArguments<T> = undefined extends T
  ? [init?: (() => T) | undefined, options?: GreenletLocalOptions]
  : [init: () => T, options?: GreenletLocalOptions];

/** Stands for a value that was deleted; the link to the end of its greenlet is still there. */
const DELETED: unique symbol = Symbol('deleted');

/** Takes the spawn hook of an inheriting local out when that has been collected. */
const hooks = new FinalizationRegistry<() => void>((removeHook) => removeHook());

/**
 * A variable with a value for each greenlet: the state of a request, a connection, a log prefix. Follows
 * `gevent.local.local` and `threading.local`.
 *
 * Hub callbacks and ordinary code share one value, that of the hub. Nothing here suspends. A value is freed when its
 * greenlet ends, and all are when the local is.
 *
 * With `inherit: true`, a greenlet begins with the value that its spawner has when it is started, by whatever means
 * (`spawn`, `spawnNow`, `start()`); what either sets afterwards is its own. If the spawner has none, neither has the
 * greenlet. A `RawGreenlet` is not spawned and inherits nothing. For a value that is to reach callbacks and promises,
 * too, there is `AsyncLocalStorage`, which genlet's greenlets respect.
 *
 * @typeParam T - the values; include `undefined` if there is no `init`
 * @example
 * ```ts
 * import { GreenletLocal, joinall, run, sleep, spawn } from 'genlet';
 *
 * const request = new GreenletLocal(() => 'none');
 *
 * function* log(text: string) {
 *   yield* sleep(1);
 *   console.log(`${request.get()}: ${text}`);
 * }
 *
 * await run(function* () {
 *   const handle = function* (id: string) {
 *     request.set(id);
 *     yield* log('handled');
 *   };
 *   yield* joinall([spawn(handle, 'one'), spawn(handle, 'two')]);
 *   yield* log('done');
 *   // => one: handled
 *   // => two: handled
 *   // => none: done
 * });
 * ```
 */
export class GreenletLocal<T> {
  readonly #values = new WeakMap<object, T | typeof DELETED>();
  readonly #init: (() => T) | undefined;
  readonly #weak = new WeakRef(this);

  /**
   * `init` makes a greenlet's value at its first `get`, unless one was set or inherited before.
   *
   * @throws {TypeError} `init` is no plain function
   */
  constructor(...[init, options = {}]: GreenletLocalArguments<T>) {
    if (init !== undefined) checkCallback('init', init);
    this.#init = init;
    if (options.inherit === true) {
      const weak = this.#weak;
      hooks.register(
        this,
        hub.onSpawn((greenlet) => weak.deref()?.inheritTo(greenlet)),
      );
    }
  }

  /**
   * The value of the current greenlet. If there is none, what `init` gives, which is kept; `undefined` without `init`.
   *
   * @throws what `init` throws; nothing is kept then
   */
  get(): T {
    const owner = currentOwner();
    const value = this.#values.get(owner);
    if (value === undefined ? this.#values.has(owner) : value !== DELETED) return value as T;
    const init = this.#init;
    if (init === undefined) return undefined as T;
    const made = init();
    this.#put(owner, made);
    return made;
  }

  /** Gives the current greenlet a value. */
  set(value: T): void {
    this.#put(currentOwner(), value);
  }

  /** Whether the current greenlet has a value: set, inherited, or made by `init`. */
  has(): boolean {
    return this.#isSet(currentOwner());
  }

  /** Takes the current greenlet's value away, so that the next `get` calls `init` again. Tells whether there was one. */
  delete(): boolean {
    const owner = currentOwner();
    if (!this.#isSet(owner)) return false;
    this.#values.set(owner, DELETED);
    return true;
  }

  #isSet(owner: object): boolean {
    return this.#values.has(owner) && this.#values.get(owner) !== DELETED;
  }

  #put(owner: object, value: T): void {
    const isFirst = !this.#values.has(owner);
    this.#values.set(owner, value);
    if (isFirst && owner instanceof Greenlet) owner.addLink(new Release(this.#weak));
  }

  /** A greenlet is being started. @internal */
  inheritTo(greenlet: Greenlet<any>): void {
    const spawner = currentOwner();
    if (this.#isSet(spawner)) this.#put(greenlet.principal, this.#values.get(spawner) as T);
  }

  /** A greenlet has ended. @internal */
  release(greenlet: Greenlet<any>): void {
    this.#values.delete(greenlet);
  }
}

/** Whose value is meant: the running greenlet's, or the hub's. */
function currentOwner(): object {
  return hub.current?.principal ?? hub;
}

/** Frees the value of a greenlet when it ends. */
class Release extends Link {
  readonly #local: WeakRef<GreenletLocal<any>>;

  constructor(local: WeakRef<GreenletLocal<any>>) {
    super();
    this.#local = local;
  }

  notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    this.#local.deref()?.release(greenlet);
  }
}
