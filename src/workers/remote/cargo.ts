/**
 * What may travel in one message.
 *
 * A structured clone keeps references within one message: two jobs of a batch that were given the same object would share
 * it at the other end, and one would see what the other does to it. So all objects of a batch are remembered, and a job
 * that brings one of them again goes with the next batch. Large values, and those that need more than a clone, go alone;
 * so the look at the others is short.
 */
import { show } from '../../core/check.ts';
import { UncloneableError } from '../../core/errors.ts';
import { CROSS, type Crossable, isCrossable, PACK, type Parcel as ProcessParcel } from '../crossing.ts';
import { packShared, unpackShared } from '../shared/transport.ts';
import { addInside, isPlain, nameOf, objection, refusal } from '../uncloneable.ts';
import type { Transferable } from './worker-link.ts';

/** Values of more objects and elements than this go alone. */
const MOST = 64;

/** An object that stays what it is in another thread. @internal */
export interface Packable {
  /** Adds to `transfer` what moves with it. */
  [PACK](transfer: Transferable[]): { kind: string; data: unknown };
}

/** What arrives in place of an object. */
interface Parcel {
  readonly genletParcel: string;
  readonly data: unknown;
}

/**
 * Goes in place of an object, to a thread or to a process, which is not known here. A thread gets a clone of it, which is a
 * parcel; for what can't go to threads it has a symbol, so that there is no clone. A process gets the object itself.
 */
class StandIn implements Crossable {
  readonly genletParcel: string | symbol;
  readonly data: unknown;
  readonly #object: object;

  constructor(object: object, parcel: Parcel | undefined) {
    this.genletParcel = parcel?.genletParcel ?? Symbol(`${nameOf(object)}; ${objection(object, 'thread')}`);
    this.data = parcel?.data;
    this.#object = object;
  }

  [CROSS](): ProcessParcel {
    const object = this.#object;
    if (isCrossable(object)) return object[CROSS]();
    throw refusal('process', 'value', object);
  }
}

const kinds = new Map<string, (data: never) => object>();

/** Says how objects of a kind are built again. @internal */
export function registerParcel(kind: string, build: (data: never) => object): void {
  kinds.set(kind, build);
}

const SHARED = 'shared';
registerParcel(SHARED, (data) => unpackShared(data) as object);

const moved = new WeakSet<object>();

/**
 * Marks an `ArrayBuffer`, a view of one, a port, a stream or whatever else can be transferred, and gives it back: as an
 * argument, result or item it is then moved to the other thread instead of being copied, and can't be used here any more.
 * It pays from some 64 KiB on. Also within plain objects and arrays. A job whose arguments were moved never runs twice.
 *
 * @throws {TypeError} it can't be transferred
 * @example
 * ```ts
 * import { move } from 'genlet/workers';
 *
 * const pixels = new Uint8Array(1_000_000);
 * console.log(move(pixels) === pixels); // => true
 * ```
 */
export function move<T extends object>(value: T): T {
  if (typeof value !== 'object' || value === null || isPlain(value) || value instanceof SharedArrayBuffer) {
    throw new TypeError(`move() got ${show(value)}: give an ArrayBuffer, a view of one, a MessagePort or the like`);
  }
  moved.add(value);
  return value;
}

/** The objects of one message. @internal */
export class Cargo {
  /** About how many bytes the values have that it looked at. */
  bytes = 0;
  readonly #aboard = new Set<object>();
  #left = 0;

  /** The next message begins. */
  clear(): void {
    if (this.#aboard.size > 0) this.#aboard.clear();
  }

  /** Whether `value` may travel with what is in the message. */
  admits(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) {
      this.bytes += typeof value === 'string' ? value.length : 8;
      return typeof value !== 'function' && typeof value !== 'symbol';
    }
    this.#left = MOST;
    try {
      return this.#admit(value);
    } catch {
      return false; // a getter threw
    }
  }

  /** As `admits`, for each element of a list that nobody else has. */
  admitsAll(values: readonly unknown[]): boolean {
    for (let i = 0; i < values.length; i++) if (!this.admits(values[i])) return false;
    return true;
  }

  #admit(value: object): boolean {
    if (--this.#left < 0 || this.#aboard.has(value)) return false;
    this.#aboard.add(value);
    if (Array.isArray(value)) {
      if (value.length > this.#left) return false;
      for (let i = 0; i < value.length; i++) if (!this.#admitInner(value[i])) return false;
      return true;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value instanceof Date;
    for (const key in value) {
      if (--this.#left < 0 || !this.#admitInner((value as Record<string, unknown>)[key])) return false;
      this.bytes += key.length;
    }
    return true;
  }

  #admitInner(value: unknown): boolean {
    if (typeof value === 'object' && value !== null) return this.#admit(value);
    this.bytes += typeof value === 'string' ? value.length : 8;
    return typeof value !== 'function' && typeof value !== 'symbol';
  }
}

/** A value that goes alone. @internal */
export interface Freight {
  readonly value: unknown;
  readonly transfer: Transferable[];
  /** Whether something in it was packed. */
  readonly packed: boolean;
  /** About how many bytes are copied. */
  readonly bytes: number;
}

/** Finds what is to be moved and packs what has to be packed, in the value itself and in plain objects and arrays. @internal */
export function load(value: unknown): Freight {
  const loader = new Loader();
  loader.survey(value);
  const loaded = loader.packing ? loader.copy(value) : value;
  return { value: loaded, transfer: [...loader.transfer], packed: loader.packing, bytes: loader.bytes };
}

/** To transfer a buffer a second time would not fail here: the message would get lost on its way. */
function checkAttached(buffer: ArrayBuffer): void {
  try {
    new Uint8Array(buffer);
  } catch {
    throw new DOMException('the ArrayBuffer was moved before', 'DataCloneError');
  }
}

class Loader {
  readonly transfer = new Set<Transferable>();
  packing = false;
  bytes = 0;
  readonly #seen = new Set<object>();
  readonly #standIns = new Map<object, StandIn>();
  readonly #copies = new Map<object, unknown>();

  survey(start: unknown): void {
    const left: object[] = [];
    this.bytes += addInside(left, [start]);
    for (let value = left.pop(); value !== undefined; value = left.pop()) {
      if (this.#seen.has(value)) continue;
      this.#seen.add(value);
      if (isPlain(value) || !this.#isWhole(value)) this.bytes += addInside(left, value);
    }
  }

  /** Whether it is moved, packed or cloned as one, so that nothing in it is to be looked at. */
  #isWhole(value: object): boolean {
    if (moved.has(value)) {
      const moving = ArrayBuffer.isView(value) ? value.buffer : value;
      if (moving instanceof ArrayBuffer) checkAttached(moving);
      this.transfer.add(moving as Transferable);
      return true;
    }
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      this.bytes += value.byteLength;
      return true;
    }
    this.bytes += 64;
    const parcel = this.#pack(value);
    if (parcel === undefined && objection(value, 'thread') === undefined) return !isOpen(value);
    this.packing = true;
    this.#standIns.set(value, new StandIn(value, parcel));
    return true;
  }

  #pack(value: object): Parcel | undefined {
    if (typeof (value as Partial<Packable>)[PACK] === 'function') {
      const transfer: Transferable[] = [];
      const { kind, data } = (value as Packable)[PACK](transfer);
      for (const each of transfer) this.transfer.add(each);
      return { genletParcel: kind, data };
    }
    const shared = packShared(value);
    return shared === undefined ? undefined : { genletParcel: SHARED, data: shared };
  }

  /** The value with what stands in for objects; the original stays as it is. */
  copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const known = this.#standIns.get(value) ?? this.#copies.get(value);
    if (known !== undefined) return known;
    if (value instanceof Map) {
      const copy = new Map();
      this.#copies.set(value, copy);
      for (const [key, item] of value) copy.set(this.copy(key), this.copy(item));
      return copy;
    }
    if (value instanceof Set) {
      const copy = new Set();
      this.#copies.set(value, copy);
      for (const item of value) copy.add(this.copy(item));
      return copy;
    }
    if (!isPlain(value) && !isOpen(value)) return value;
    const copy: any = Array.isArray(value) ? [] : {};
    this.#copies.set(value, copy);
    for (const key of Object.keys(value)) define(copy, key, this.copy((value as Record<string, unknown>)[key]));
    return copy;
  }
}

/** Whether a clone of it, which is of a class, is made of what is in it; an object of a class of the program is plain then. */
function isOpen(value: object): boolean {
  if (value instanceof Map || value instanceof Set) return true;
  if (Object.prototype.toString.call(value) !== '[object Object]' || moved.has(value)) return false;
  return Object.keys(value).length > 0; // an object of Node that can be cloned has no such
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Builds what was packed, in place. @internal */
export function unload(value: unknown): unknown {
  const seen = new Set<object>();
  const built = new Map<object, object>();
  return visit(value);

  function visit(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const { genletParcel, data } = value as Partial<Parcel>;
    if (genletParcel !== undefined && isPlain(value)) {
      const known = built.get(value) ?? build(genletParcel, data);
      built.set(value, known);
      return known;
    }
    if (seen.has(value)) return value;
    seen.add(value);
    if (value instanceof Map) {
      const entries = [...value].map(([key, item]) => [visit(key), visit(item)] as const);
      value.clear();
      for (const [key, item] of entries) value.set(key, item);
    } else if (value instanceof Set) {
      const items = [...value].map(visit);
      value.clear();
      for (const item of items) value.add(item);
    } else if (isPlain(value)) {
      for (const key of Object.keys(value)) {
        const inner = (value as Record<string, unknown>)[key];
        const visited = visit(inner);
        if (visited !== inner) define(value, key, visited);
      }
    }
    return value;
  }
}

function build(kind: string, data: unknown): object {
  const builder = kinds.get(kind);
  if (builder === undefined) throw new TypeError(`a ${kind} arrived, which this thread does not know how to build`);
  return builder(data as never);
}

/** The error for a value that could not be cloned: it names the first part that can't be. @internal */
export function uncloneable(name: string, value: unknown, cause: unknown): UncloneableError {
  // The codec of processes throws errors of genlet.
  return refusal(cause instanceof UncloneableError ? 'process' : 'thread', name, value, cause);
}
