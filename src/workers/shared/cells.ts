/** The kinds of numbers that shared memory can hold, and what `Value` and `Array` do with them. */
import { show } from '../../core/check.ts';
import type { Operation } from '../../core/operation.ts';
import type { BlockOptions } from '../../sync/block-options.ts';
import { SharedOwnedLock } from './owned-lock.ts';
import { RLock } from './rlock.ts';
import { type Descriptor, FIRST_WORD, Opening, SharedObject } from './shared-object.ts';

/** The typed array of each kind of cell: whole numbers with a sign (`i`) or without (`u`), floating (`f`), and their bits. */
export interface CellArrays {
  i8: Int8Array<SharedArrayBuffer>;
  u8: Uint8Array<SharedArrayBuffer>;
  i16: Int16Array<SharedArrayBuffer>;
  u16: Uint16Array<SharedArrayBuffer>;
  i32: Int32Array<SharedArrayBuffer>;
  u32: Uint32Array<SharedArrayBuffer>;
  i64: BigInt64Array<SharedArrayBuffer>;
  u64: BigUint64Array<SharedArrayBuffer>;
  f32: Float32Array<SharedArrayBuffer>;
  f64: Float64Array<SharedArrayBuffer>;
}

/** The name of a kind of cell. */
export type CellType = keyof CellArrays;

/** What a cell of a kind holds: a bigint in those of 64 bits, else a number. */
export type CellValue<C extends CellType> = C extends 'i64' | 'u64' ? bigint : number;

const ARRAYS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

const LENGTH: number = FIRST_WORD;
// The first cell is at a multiple of 8 bytes.
const CELLS: number = LENGTH + 1;

/** The base of the shared `Value` and `Array`: cells, and a lock that belongs to them. */
export abstract class Cells<C extends CellType> extends SharedObject {
  /** Which kind of number it holds. */
  readonly type: C;
  /** The memory itself, as a typed array, for `Atomics` and bulk work. */
  readonly array: CellArrays[C];
  readonly #lock: SharedOwnedLock;
  readonly #least: number | bigint;
  readonly #most: number | bigint;

  /** @internal */
  constructor(type: C | Opening, length: number, lock: SharedOwnedLock | undefined) {
    const opening = type instanceof Opening ? type : undefined;
    const kind = opening === undefined ? checkType(type as C) : (opening.descriptor.detail as C);
    checkLock(lock);
    const { BYTES_PER_ELEMENT: bytes } = ARRAYS[kind];
    super(opening, CELLS + Math.ceil((length * bytes) / Int32Array.BYTES_PER_ELEMENT));
    this.type = kind as C;
    const { buffer } = this.words;
    const offset = CELLS * Int32Array.BYTES_PER_ELEMENT;
    if (opening === undefined) this.words[LENGTH] = length;
    const TypedArray = ARRAYS[kind] as unknown as new (...args: unknown[]) => CellArrays[C];
    this.array = new TypedArray(buffer, offset, this.words[LENGTH]);
    this.#lock = opening === undefined ? (lock ?? new RLock()) : opening.parts.lock;
    [this.#least, this.#most] = rangeOf(kind);
  }

  /** The lock that belongs to it, for changes in several steps: `using _ = yield* counter.getLock().hold()`. */
  getLock(): SharedOwnedLock {
    return this.#lock;
  }

  /** As `getLock().acquire()`. */
  acquire(options?: BlockOptions): Operation<boolean> {
    return this.#lock.acquire(options);
  }

  /** As `getLock().hold()`: `using _ = yield* counter.hold()`. */
  hold(timeout?: number | null): Operation<Disposable> {
    return this.#lock.hold(timeout);
  }

  /** As `getLock().release()`. */
  release(): void {
    this.#lock.release();
  }

  /** @internal */
  read(index: number): CellValue<C> {
    const { array } = this;
    // A float of 64 bits is read in one step on all machines that Node supports.
    const value =
      array instanceof Float64Array || array instanceof Float32Array ? array[index] : atomic.load(array, index);
    return value as CellValue<C>;
  }

  /** @internal */
  write(index: number, value: CellValue<C>): void {
    this.#check(value);
    const { array } = this;
    if (array instanceof Float64Array || array instanceof Float32Array) array[index] = value as number;
    else atomic.store(array, index, value);
  }

  #check(value: number | bigint): void {
    const [least, most] = [this.#least, this.#most];
    if (typeof value !== typeof least) {
      throw new TypeError(`value is ${show(value)}: give a ${typeof least} for a cell of ${show(this.type)}`);
    }
    if (this.type === 'f64' || this.type === 'f32') return;
    if (typeof value === 'number' && !Number.isInteger(value)) {
      throw new RangeError(`value is ${show(value)}: give a whole number for a cell of ${show(this.type)}`);
    }
    if (value < least || value > most) throw new RangeError(`value is ${show(value)}: give ${least} to ${most}`);
  }

  override share(): Descriptor {
    return { ...super.share(), parts: { lock: this.#lock.share() }, detail: this.type };
  }
}

/** `Atomics` for any kind of whole numbers. */
const atomic = Atomics as unknown as {
  load(array: object, index: number): number | bigint;
  store(array: object, index: number, value: number | bigint): void;
};

function checkType<C extends CellType>(type: C): C {
  if (Object.hasOwn(ARRAYS, type)) return type;
  throw new TypeError(`type is ${show(type)}: give one of ${Object.keys(ARRAYS).join(', ')}`);
}

function checkLock(lock: unknown): void {
  if (lock === undefined || lock instanceof SharedOwnedLock) return;
  throw new TypeError(`lock is ${show(lock)}: give a shared.Lock or a shared.RLock`);
}

function rangeOf(type: CellType): [number | bigint, number | bigint] {
  const bits = Number(type.slice(1));
  const signed = type[0] === 'i';
  if (bits < 64 || type === 'f64') return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return signed ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
}
