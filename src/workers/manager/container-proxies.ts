/** The proxies of a manager's containers. */
import type { Operation } from '../../core/operation.ts';
import type { BlockOptions } from '../../sync/block-options.ts';
import { BaseProxy } from './base-proxy.ts';

/** What can be a key of a `DictProxy`: what arrives as a copy would be found by nobody if it were an object. */
export type DictKey = string | number | bigint | boolean | null | undefined;

/** What a dict can be filled with: a `Map`, an array of pairs, or an object. */
export type DictEntries<K, V> = ReadonlyMap<K, V> | readonly (readonly [K, V])[] | Readonly<Record<string, V>>;

/**
 * A dict of a `Manager`: a `Map` that several processes use. What is taken from it is a copy: to change an item, set it
 * again. Follows `multiprocessing.managers.DictProxy`, with the names of `Map` where it has some.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const ages = yield* manager.dict<string, number>({ Ann: 30 });
 *   yield* ages.set('Bob', 40);
 *   console.log(yield* ages.get('Bob'), yield* ages.keys()); // => 40 [ 'Ann', 'Bob' ]
 *   console.log(yield* ages.copy()); // => Map(2) { 'Ann' => 30, 'Bob' => 40 }
 * });
 * ```
 */
export class DictProxy<K extends DictKey = DictKey, V = any> extends BaseProxy {
  /** The value of a key; `otherwise` if there is none. */
  get(key: K): Operation<V | undefined>;
  get(key: K, otherwise: V): Operation<V>;
  get(key: K, otherwise?: V): Operation<V | undefined> {
    return this.call('get', [key, otherwise]);
  }

  /** Sets the value of a key. @throws {TypeError} the key is an object */
  set(key: K, value: V): Operation<void> {
    return this.call('set', [key, value]);
  }

  /** Whether there is such a key. */
  has(key: K): Operation<boolean> {
    return this.call('has', [key]);
  }

  /** Takes a key out, and tells whether it was there. */
  delete(key: K): Operation<boolean> {
    return this.call('delete', [key]);
  }

  /** Takes a key out, and gives its value; `otherwise` if it was not there. */
  pop(key: K, otherwise?: V): Operation<V | undefined> {
    return this.call('pop', [key, otherwise]);
  }

  /** Gives the value of a key, which is set to `value` first if it is not there. Follows `dict.setdefault`. */
  setdefault(key: K, value: V): Operation<V> {
    return this.call('setdefault', [key, value]);
  }

  /** Sets many keys at once. */
  update(entries: DictEntries<K, V>): Operation<void> {
    return this.call('update', [entries]);
  }

  /** Takes all out. */
  clear(): Operation<void> {
    return this.call('clear', []);
  }

  /** How many keys there are. */
  size(): Operation<number> {
    return this.call('size', []);
  }

  /** All keys, in the order in which they came in. */
  keys(): Operation<K[]> {
    return this.call('keys', []);
  }

  /** All values, in the order in which their keys came in. */
  values(): Operation<V[]> {
    return this.call('values', []);
  }

  /** All pairs, in the order in which they came in. */
  entries(): Operation<[K, V][]> {
    return this.call('entries', []);
  }

  /** All of it, as a `Map` of this process. */
  copy(): Operation<Map<K, V>> {
    return this.call('copy', []);
  }
}

/**
 * Named values of a `Manager` that several processes use. Follows `multiprocessing.managers.Namespace`; attributes can't
 * be read from afar here, so there are `get` and `set`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const settings = yield* manager.Namespace({ color: 'red', size: 1 });
 *   yield* settings.set('size', 2);
 *   console.log(yield* settings.copy()); // => { color: 'red', size: 2 }
 * });
 * ```
 */
export class NamespaceProxy<T extends object = Record<string, any>> extends BaseProxy {
  /** A value by its name; `undefined` if there is none. */
  get<N extends keyof T & string>(name: N): Operation<T[N]> {
    return this.call('get', [name]);
  }

  /** Sets a value. */
  set<N extends keyof T & string>(name: N, value: T[N]): Operation<void> {
    return this.call('set', [name, value]);
  }

  /** Whether there is a value of this name. */
  has(name: keyof T & string): Operation<boolean> {
    return this.call('has', [name]);
  }

  /** Takes a value out, and tells whether it was there. */
  delete(name: keyof T & string): Operation<boolean> {
    return this.call('delete', [name]);
  }

  /** Sets several values at once. */
  update(values: Partial<T>): Operation<void> {
    return this.call('update', [values]);
  }

  /** All values, as an object of this process. */
  copy(): Operation<T> {
    return this.call('entries', [], (entries: [string, unknown][]) => Object.fromEntries(entries) as T);
  }
}

/**
 * A list of a `Manager`: an array that several processes use. Indices may be negative: from the end. Follows
 * `multiprocessing.managers.ListProxy`, with the names of `Array` where it has some.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const list = yield* manager.list([3, 1]);
 *   yield* list.push(2);
 *   yield* list.sort();
 *   console.log(yield* list.copy(), yield* list.get(-1)); // => [ 1, 2, 3 ] 3
 * });
 * ```
 */
export class ListProxy<T = any> extends BaseProxy {
  /** An item by its index. @throws {RangeError} there is none */
  get(index: number): Operation<T> {
    return this.call('get', [index]);
  }

  /** Sets an item. @throws {RangeError} there is none at `index` */
  set(index: number, value: T): Operation<void> {
    return this.call('set', [index, value]);
  }

  /** Adds items at the end; gives the new length. */
  push(...items: T[]): Operation<number> {
    return this.call('push', items);
  }

  /** Takes out the last item; `undefined` if there is none. */
  pop(): Operation<T | undefined> {
    return this.call('pop', []);
  }

  /** Adds items in front; gives the new length. */
  unshift(...items: T[]): Operation<number> {
    return this.call('unshift', items);
  }

  /** Takes out the first item; `undefined` if there is none. */
  shift(): Operation<T | undefined> {
    return this.call('shift', []);
  }

  /** Adds all items of an array at the end. */
  extend(items: readonly T[]): Operation<void> {
    return this.call('extend', [items]);
  }

  /** Puts an item before the one at `index`. */
  insert(index: number, item: T): Operation<void> {
    return this.call('insert', [index, item]);
  }

  /** Takes items out, and puts others in their place; gives those that were taken out. */
  splice(start: number, count?: number, ...items: T[]): Operation<T[]> {
    return this.call('splice', [start, count ?? Number.POSITIVE_INFINITY, ...items]);
  }

  /** The items from `start` on, up to `end`. */
  slice(start?: number, end?: number): Operation<T[]> {
    return this.call('slice', [start, end]);
  }

  /** Takes out the first item that is `item`, and tells whether there was one. */
  remove(item: T): Operation<boolean> {
    return this.call('remove', [item]);
  }

  /** Whether `item` is in it; objects are copies, and so never. */
  includes(item: T): Operation<boolean> {
    return this.call('includes', [item]);
  }

  /** The index of the first item that is `item`; -1 if there is none. */
  indexOf(item: T): Operation<number> {
    return this.call('indexOf', [item]);
  }

  /** How many items there are. */
  length(): Operation<number> {
    return this.call('length', []);
  }

  /** Turns the order of the items round. */
  reverse(): Operation<void> {
    return this.call('reverse', []);
  }

  /** Sorts the items: numbers by size, others by their text. */
  sort(): Operation<void> {
    return this.call('sort', []);
  }

  /** Takes all out. */
  clear(): Operation<void> {
    return this.call('clear', []);
  }

  /** All of it, as an array of this process. */
  copy(): Operation<T[]> {
    return this.call('copy', []);
  }
}

/**
 * A single value of a `Manager` that several processes use. Follows `multiprocessing.managers.ValueProxy`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const count = yield* manager.Value(40);
 *   yield* count.add(2);
 *   console.log(yield* count.get()); // => 42
 * });
 * ```
 */
export class ValueProxy<T = any> extends BaseProxy {
  /** The value. */
  get(): Operation<T> {
    return this.call('get', []);
  }

  /** Sets it. */
  set(value: T): Operation<void> {
    return this.call('set', [value]);
  }

  /** Adds to a number, in one step that no other process comes in between; gives the sum. */
  add(amount: T & (number | bigint)): Operation<T> {
    return this.call('add', [amount]);
  }
}

/**
 * Values of a `Manager` whose number is fixed, and which several processes use. Follows
 * `multiprocessing.managers.ArrayProxy`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const counts = yield* manager.Array(3);
 *   yield* counts.add(1, 5);
 *   console.log(yield* counts.copy()); // => [ 0, 5, 0 ]
 * });
 * ```
 */
export class ArrayProxy<T = any> extends BaseProxy {
  /** The value at an index. @throws {RangeError} there is none */
  get(index: number): Operation<T> {
    return this.call('get', [index]);
  }

  /** Sets the value at an index. @throws {RangeError} there is none */
  set(index: number, value: T): Operation<void> {
    return this.call('set', [index, value]);
  }

  /** Adds to the number at an index, in one step that no other process comes in between; gives the sum. */
  add(index: number, amount: T & (number | bigint)): Operation<T> {
    return this.call('add', [index, amount]);
  }

  /** How many values there are. */
  length(): Operation<number> {
    return this.call('length', []);
  }

  /** The values from `start` on, up to `end`. */
  slice(start?: number, end?: number): Operation<T[]> {
    return this.call('slice', [start, end]);
  }

  /** All of them, as an array of this process. */
  copy(): Operation<T[]> {
    return this.call('copy', []);
  }
}

/**
 * A queue of a `Manager` that several processes use. Getters and putters of all processes are served in the order in which
 * their calls arrive. Follows the queues of `multiprocessing.managers.SyncManager`.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { Manager } from 'genlet/workers';
 *
 * await run(function* () {
 *   using manager = new Manager();
 *   const queue = yield* manager.Queue<string>();
 *   spawn(() => queue.put('bread'));
 *   console.log(yield* queue.get({ timeout: 1000 })); // => bread
 * });
 * ```
 */
export class QueueProxy<T = any> extends BaseProxy {
  /**
   * Puts an item in. Suspends while the queue is full; a kill then takes the item back.
   *
   * @throws {QueueFull} no place within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue was shut down, also while it waited
   */
  put(item: T, options?: BlockOptions): Operation<void> {
    return this.call('put', [item, options]);
  }

  /**
   * Takes an item out. Suspends while there is none; after a kill, the item that was on its way is in front again.
   *
   * @throws {QueueEmpty} no item within `timeout` ms, or not at once with `block: false`
   * @throws {QueueShutDown} the queue is empty and was shut down, also while it waited
   */
  get(options?: BlockOptions): Operation<T> {
    return this.call('get', [options]);
  }

  /** Waits for an item and takes all there are then, at most `max`; else as `get`. */
  getMany(max?: number, options?: BlockOptions): Operation<T[]> {
    return this.call('getMany', [max, options]);
  }

  /** Items in the queue. */
  qsize(): Operation<number> {
    return this.call('qsize', []);
  }

  /** Whether a `get()` would block. */
  empty(): Operation<boolean> {
    return this.call('empty', []);
  }

  /** Whether a `put()` would block. */
  full(): Operation<boolean> {
    return this.call('full', []);
  }

  /** Reports that the work on one item is done. @throws {InvalidStateError} it was called more often than items were put */
  taskDone(): Operation<void> {
    return this.call('taskDone', []);
  }

  /** Waits until the work on all items is done and gives `true`; `false` when `timeout` milliseconds are over. */
  join(timeout?: number | null): Operation<boolean> {
    return this.call('join', [timeout]);
  }

  /** Shuts it down: nothing can be put any more; with `immediate`, what is left is dropped. */
  shutdown(options?: { immediate?: boolean }): Operation<void> {
    return this.call('shutdown', [options]);
  }
}
