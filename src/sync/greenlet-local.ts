/**
 * `GreenletLocal`: a value for each greenlet.
 *
 * A local keeps its values in a `WeakMap`, so they go when the local goes; and under an object that a greenlet drops when
 * it ends, for the greenlet itself may be kept for its result.
 */
import { checkCallback, checkOptions } from '../core/check.ts';
import type { Greenlet } from '../core/greenlet.ts';
import { hub as importedHub } from '../core/hub.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';

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
  readonly #values = new WeakMap<object, T>();
  readonly #init: (() => T) | undefined;

  /**
   * `init` makes a greenlet's value at its first `get`, unless one was set or inherited before.
   *
   * @throws {TypeError} `init` is no plain function
   */
  constructor(...[init, options = {}]: GreenletLocalArguments<T>) {
    if (init !== undefined) checkCallback('init', init);
    checkOptions(options, '{ inherit: true }');
    this.#init = init;
    if (options.inherit === true) {
      const weak = new WeakRef(this);
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
    if (value !== undefined || this.#values.has(owner) || this.#init === undefined) return value as T;
    const made = this.#init();
    this.#values.set(owner, made);
    return made;
  }

  /** Gives the current greenlet a value. */
  set(value: T): void {
    this.#values.set(currentOwner(), value);
  }

  /** Whether the current greenlet has a value: set, inherited, or made by `init`. */
  has(): boolean {
    return this.#values.has(currentOwner());
  }

  /** Takes the current greenlet's value away, so that the next `get` calls `init` again. Tells whether there was one. */
  delete(): boolean {
    return this.#values.delete(currentOwner());
  }

  /** A greenlet is being started. @internal */
  inheritTo(greenlet: Greenlet<any>): void {
    if (greenlet.dead) return; // killed by another spawn hook: nothing would free the value
    const spawner = currentOwner();
    if (this.#values.has(spawner)) this.#values.set(lifetimeOf(greenlet.principal), this.#values.get(spawner) as T);
  }
}

/** Whose value is meant: the running greenlet's, or the hub's. */
function currentOwner(): object {
  const current = hub.current?.principal;
  return current === undefined ? hub : lifetimeOf(current);
}

function lifetimeOf(greenlet: RawGreenlet): object {
  const extras = greenlet.extra();
  extras.lifetime ??= {};
  return extras.lifetime;
}
