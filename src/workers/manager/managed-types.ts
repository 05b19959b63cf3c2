/**
 * The types of object that a manager knows by itself, and what may be called of each: nothing but what stands here, or was
 * registered, can be.
 *
 * Methods that are done at once are called where the frame is read; those that may wait run in a greenlet.
 */
import { show } from '../../core/check.ts';
import { InvalidStateError } from '../../core/errors.ts';
import type { Operation } from '../../core/operation.ts';
import { Barrier } from '../../sync/barrier.ts';
import type { BlockOptions } from '../../sync/block-options.ts';
import { Condition } from '../../sync/condition.ts';
import { Event } from '../../sync/event.ts';
import { Lock } from '../../sync/lock.ts';
import { Queue, SimpleQueue } from '../../sync/queue.ts';
import { RLock } from '../../sync/rlock.ts';
import { BoundedSemaphore, Semaphore } from '../../sync/semaphore.ts';
import { putBack } from './put-back.ts';

/** In what way a method is called. @internal */
export interface ManagedMethod {
  /** Calls it. */
  call(object: any, args: unknown[]): unknown;
  /** Whether it may suspend, or is code of the program. */
  readonly waits?: boolean;
  /** Whether it is called in the name of the greenlet at the other end, who holds what is held. */
  readonly owned?: boolean;
  /** Whether it gives `true` when it has acquired a lock. */
  readonly takesLock?: boolean;
  /** Takes back what it has done, since nobody got its result. */
  undo?(object: any, result: unknown): void;
  /** The type of the object that it gives, which stays here. */
  readonly gives?: string;
}

/** A type of object. @internal */
export interface ManagedType {
  readonly name: string;
  make(args: unknown[]): unknown;
  readonly methods: Readonly<Record<string, ManagedMethod>>;
  /** Whether its proxies can be made from the methods alone. */
  readonly isPlain?: boolean;
}

type Call = (object: any, ...args: any[]) => unknown;

/** A method that is done at once. */
const now = (call: Call): ManagedMethod => ({ call: (object, args) => call(object, ...args) });
/** A method that may wait. */
const wait = (call: Call, undo?: (object: any, result: unknown) => void): ManagedMethod => ({
  call: (object, args) => call(object, ...args),
  waits: true,
  ...(undo === undefined ? {} : { undo }),
});
/** A method that may wait, in the name of a greenlet. */
const own = (call: Call, undo?: (object: any, result: unknown) => void): ManagedMethod => ({
  ...wait(call, undo),
  owned: true,
});

// ---- containers

type Key = string | number | bigint | boolean | null | undefined;

/** What is sent arrives as a copy, so an object would be found by nobody again. */
function checkKey(key: unknown): Key {
  if ((typeof key !== 'object' || key === null) && typeof key !== 'function') return key as Key;
  throw new TypeError(`key is ${show(key)}: give a string, a number or another simple value`);
}

function pairs(entries: unknown): Iterable<[Key, unknown]> {
  if (entries === undefined || entries === null) return [];
  if (entries instanceof Map) return entries as Map<Key, unknown>;
  if (Array.isArray(entries)) return entries as [Key, unknown][];
  if (typeof entries === 'object') return Object.entries(entries);
  throw new TypeError(`entries is ${show(entries)}: give a Map, an array of pairs or an object`);
}

function update(map: Map<Key, unknown>, entries: unknown): Map<Key, unknown> {
  for (const pair of pairs(entries)) {
    if (!Array.isArray(pair)) throw new TypeError(`an entry is ${show(pair)}: give [key, value]`);
    map.set(checkKey(pair[0]), pair[1]);
  }
  return map;
}

const mapMethods: Record<string, ManagedMethod> = {
  get: now((map: Map<Key, unknown>, key, otherwise) => (map.has(key) ? map.get(key) : otherwise)),
  set: now((map: Map<Key, unknown>, key, value) => void map.set(checkKey(key), value)),
  has: now((map: Map<Key, unknown>, key) => map.has(key)),
  delete: now((map: Map<Key, unknown>, key) => map.delete(key)),
  pop: now((map: Map<Key, unknown>, key, otherwise) => {
    const value = map.has(key) ? map.get(key) : otherwise;
    map.delete(key);
    return value;
  }),
  setdefault: now((map: Map<Key, unknown>, key, value) => {
    if (!map.has(key)) map.set(checkKey(key), value);
    return map.get(key);
  }),
  update: now((map: Map<Key, unknown>, entries) => void update(map, entries)),
  clear: now((map: Map<Key, unknown>) => map.clear()),
  size: now((map: Map<Key, unknown>) => map.size),
  keys: now((map: Map<Key, unknown>) => [...map.keys()]),
  values: now((map: Map<Key, unknown>) => [...map.values()]),
  entries: now((map: Map<Key, unknown>) => [...map]),
  copy: now((map: Map<Key, unknown>) => map),
};

function position(list: unknown[], index: unknown): number {
  const place = Number.isInteger(index)
    ? (index as number) < 0
      ? list.length + (index as number)
      : (index as number)
    : -1;
  if (place >= 0 && place < list.length) return place;
  throw new RangeError(`index is ${show(index)}: the list has ${list.length} items`);
}

/** Numbers and bigints by size, all else as text: what `sort()` of Python would do with lists of one kind. */
function compare(one: any, other: any): number {
  const [a, b] = isNumeric(one) && isNumeric(other) ? [one, other] : [String(one), String(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

const isNumeric = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

const listMethods: Record<string, ManagedMethod> = {
  get: now((list: unknown[], index) => list[position(list, index)]),
  set: now((list: unknown[], index, value) => {
    list[position(list, index)] = value;
  }),
  push: now((list: unknown[], ...items) => list.push(...items)),
  pop: now((list: unknown[]) => list.pop()),
  unshift: now((list: unknown[], ...items) => list.unshift(...items)),
  shift: now((list: unknown[]) => list.shift()),
  extend: now((list: unknown[], items) => {
    if (!Array.isArray(items)) throw new TypeError(`items is ${show(items)}: give an array`);
    for (const item of items) list.push(item);
  }),
  insert: now((list: unknown[], index, item) => void list.splice(index, 0, item)),
  splice: now((list: unknown[], start, count, ...items) => list.splice(start, count, ...items)),
  slice: now((list: unknown[], start, end) => list.slice(start, end)),
  remove: now((list: unknown[], item) => {
    const index = list.indexOf(item);
    if (index >= 0) list.splice(index, 1);
    return index >= 0;
  }),
  includes: now((list: unknown[], item) => list.includes(item)),
  indexOf: now((list: unknown[], item) => list.indexOf(item)),
  length: now((list: unknown[]) => list.length),
  reverse: now((list: unknown[]) => void list.reverse()),
  sort: now((list: unknown[]) => void list.sort(compare)),
  clear: now((list: unknown[]) => {
    list.length = 0;
  }),
  copy: now((list: unknown[]) => list),
};

/** A single value. */
class Cell {
  value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** Items whose number is fixed. */
class Cells {
  readonly items: unknown[];
  constructor(items: unknown) {
    if (typeof items === 'number') {
      if (!Number.isInteger(items) || items < 0)
        throw new RangeError(`length is ${items}: give a whole number, 0 or more`);
      this.items = new Array(items).fill(0);
    } else if (Array.isArray(items)) this.items = items;
    else throw new TypeError(`items is ${show(items)}: give an array, or a length`);
  }
}

function add(one: unknown, amount: unknown): number | bigint {
  if (typeof one === 'bigint' && typeof amount === 'bigint') return one + amount;
  if (typeof one === 'number' && typeof amount === 'number') return one + amount;
  throw new TypeError(`add(): ${show(one)} and ${show(amount)} are no numbers of one kind`);
}

// ---- synchronization

const release = (held: Lock | RLock | Semaphore, result: unknown): void => {
  if (result === true) held.release();
};

/** A method that is done at once, in the name of a greenlet. */
const ownNow = (call: Call): ManagedMethod => ({ ...now(call), owned: true });
/** A method that acquires a lock. */
const take = (call: Call, undo: (object: any, result: unknown) => void): ManagedMethod => ({
  ...own(call, undo),
  takesLock: true,
});

const lockMethods: Record<string, ManagedMethod> = {
  acquire: take((lock: Lock | RLock, options?: BlockOptions) => lock.acquire(options), release),
  release: ownNow((lock: Lock | RLock) => lock.release()),
  locked: now((lock: Lock | RLock) => lock.locked()),
};

const semaphoreMethods: Record<string, ManagedMethod> = {
  acquire: wait((semaphore: Semaphore, options?: BlockOptions) => semaphore.acquire(options), release),
  release: now((semaphore: Semaphore, permits = 1) => semaphore.release(permits)),
  counter: now((semaphore: Semaphore) => semaphore.counter),
  locked: now((semaphore: Semaphore) => semaphore.locked()),
};

const queueMethods: Record<string, ManagedMethod> = {
  put: wait((queue: Queue<unknown>, item, options?: BlockOptions) => queue.put(item, options)),
  get: wait((queue: Queue<unknown>, options?: BlockOptions) => queue.get(options), putBack),
  getMany: wait(
    (queue: Queue<unknown>, max: number | undefined, options?: BlockOptions): Operation<unknown[]> =>
      queue.getMany(max, options),
    (queue: Queue<unknown>, items) => {
      for (const item of (items as unknown[]).reverse()) putBack(queue, item);
    },
  ),
  qsize: now((queue: Queue<unknown>) => queue.qsize()),
  empty: now((queue: Queue<unknown>) => queue.empty()),
  full: now((queue: Queue<unknown>) => queue.full()),
  taskDone: now((queue: Queue<unknown>) => {
    if (!(queue instanceof Queue)) throw new InvalidStateError('taskDone() of a queue that is not joinable');
    queue.taskDone();
  }),
  join: wait((queue: Queue<unknown>, timeout) => {
    if (!(queue instanceof Queue)) throw new InvalidStateError('join() of a queue that is not joinable');
    return queue.join(timeout);
  }),
  shutdown: now((queue: Queue<unknown>, options) => queue.shutdown(options)),
};

const conditionMethods: Record<string, ManagedMethod> = {
  acquire: take(
    (condition: Condition, options?: BlockOptions) => condition.acquire(options),
    (condition: Condition, result) => release(condition.lock, result),
  ),
  release: ownNow((condition: Condition) => condition.release()),
  wait: own((condition: Condition, timeout) => condition.wait(timeout)),
  notify: ownNow((condition: Condition, count) => condition.notify(count)),
  notifyAll: ownNow((condition: Condition) => condition.notifyAll()),
  locked: now((condition: Condition) => condition.locked()),
};

const type = (
  name: string,
  make: (...args: any[]) => unknown,
  methods: Record<string, ManagedMethod>,
): ManagedType => ({
  name,
  make: (args) => make(...args),
  methods: Object.assign(Object.create(null), methods),
});

function lockOf(lock: unknown): Lock | RLock | undefined {
  if (lock === undefined || lock === null || lock instanceof Lock || lock instanceof RLock) return lock ?? undefined;
  throw new TypeError(`lock is ${show(lock)}: give a Lock or an RLock of this manager`);
}

/** @internal */
export const builtInTypes: readonly ManagedType[] = [
  type('dict', (entries) => update(new Map(), entries), mapMethods),
  type('Namespace', (entries) => update(new Map(), entries), mapMethods),
  type(
    'list',
    (items: unknown[] = []) => {
      if (!Array.isArray(items)) throw new TypeError(`items is ${show(items)}: give an array`);
      return items;
    },
    listMethods,
  ),
  type('Value', (value) => new Cell(value), {
    get: now((cell: Cell) => cell.value),
    set: now((cell: Cell, value) => {
      cell.value = value;
    }),
    add: now((cell: Cell, amount) => {
      cell.value = add(cell.value, amount);
      return cell.value;
    }),
  }),
  type('Array', (items) => new Cells(items), {
    get: now(({ items }: Cells, index) => items[position(items, index)]),
    set: now(({ items }: Cells, index, value) => {
      items[position(items, index)] = value;
    }),
    add: now(({ items }: Cells, index, amount) => {
      const place = position(items, index);
      items[place] = add(items[place], amount);
      return items[place];
    }),
    length: now(({ items }: Cells) => items.length),
    slice: now(({ items }: Cells, start, end) => items.slice(start, end)),
    copy: now(({ items }: Cells) => items),
  }),
  type('Lock', () => new Lock(), lockMethods),
  type('RLock', () => new RLock(), lockMethods),
  type('BoundedSemaphore', (value) => new BoundedSemaphore(value), semaphoreMethods),
  type('Semaphore', (value) => new Semaphore(value), semaphoreMethods),
  type('Event', () => new Event(), {
    set: now((event: Event) => event.set()),
    clear: now((event: Event) => event.clear()),
    isSet: now((event: Event) => event.isSet()),
    wait: wait((event: Event, timeout) => event.wait(timeout)),
  }),
  type('Condition', (lock) => new Condition(lockOf(lock)), conditionMethods),
  type('Barrier', (parties, timeout) => new Barrier(parties, undefined, timeout), {
    wait: wait((barrier: Barrier, timeout) => barrier.wait(timeout)),
    reset: now((barrier: Barrier) => barrier.reset()),
    abort: now((barrier: Barrier) => barrier.abort()),
    parties: now((barrier: Barrier) => barrier.parties),
    waiting: now((barrier: Barrier) => barrier.waiting),
    broken: now((barrier: Barrier) => barrier.broken),
  }),
  type('Queue', (maxsize) => new Queue(maxsize), queueMethods),
];

const classes: readonly [abstract new (...args: never[]) => object, string][] = [
  [Map, 'dict'],
  [Array, 'list'],
  [Lock, 'Lock'],
  [RLock, 'RLock'],
  [BoundedSemaphore, 'BoundedSemaphore'],
  [Semaphore, 'Semaphore'],
  [Event, 'Event'],
  [Condition, 'Condition'],
  [Barrier, 'Barrier'],
  [SimpleQueue, 'Queue'],
];

/** As which built-in type an object can be used that the program has made. @internal */
export function builtInTypeOf(object: object): ManagedType | undefined {
  const name = classes.find(([of]) => object instanceof of)?.[1];
  return name === undefined ? undefined : builtInTypes.find((type) => type.name === name);
}
