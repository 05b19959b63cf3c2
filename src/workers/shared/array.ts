/** An `Array` between threads: numbers of one kind. */
import { checkInteger, checkIterable, checkOptions } from '../../core/check.ts';
import { Cells, type CellType, type CellValue } from './cells.ts';
import { type Descriptor, Opening } from './shared-object.ts';
import type { CellOptions } from './value.ts';

/**
 * Numbers that all threads see; their count never changes. Follows `multiprocessing.Array`, with `'i32'` for `'i'`,
 * `'f64'` for `'d'` and so on.
 *
 * `get` and `set` take one of them, in one step; `array` is the typed array over the same memory, for everything else. A
 * change in several steps needs its lock.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const row = new shared.Array('f64', [0.5, 1.5, 2.5]);
 *   const there = shared.open(row.share()) as typeof row; // as another thread does it
 *   using _ = yield* there.hold();
 *   for (let i = 0; i < there.length; i++) there.array[i]! *= 2;
 *   console.log([...row], row.get(-1)); // => [ 1, 3, 5 ] 5
 * });
 * ```
 */
export class SharedArray<C extends CellType> extends Cells<C> implements Iterable<CellValue<C>> {
  /**
   * `content` is how many cells there are, all 0, or what is in them.
   *
   * @throws {TypeError} there is no such type, or a value is none of it
   * @throws {RangeError} a value does not fit, or the number of cells is negative or no whole number
   */
  constructor(type: C, content: number | Iterable<CellValue<C>>, options?: CellOptions);
  /** @internal */
  constructor(opening: Opening);
  constructor(type: C | Opening, content: number | Iterable<CellValue<C>> = 0, options: CellOptions = {}) {
    checkOptions(options, '{ lock: a shared.Lock }');
    const values = typeof content === 'number' ? [] : valuesOf(content);
    super(type, typeof content === 'number' ? checkInteger('content', content, 0) : values.length, options.lock);
    if (type instanceof Opening) return;
    for (let index = 0; index < values.length; index++) this.write(index, values[index]!);
  }

  /** How many cells there are. */
  get length(): number {
    return this.array.length;
  }

  /**
   * The number at `index`; negative ones count from the end.
   *
   * @throws {RangeError} there is no such cell
   */
  get(index: number): CellValue<C> {
    return this.read(this.#at(index));
  }

  /**
   * Puts `value` at `index`; negative ones count from the end.
   *
   * @throws {TypeError} `value` is none of its type
   * @throws {RangeError} there is no such cell, or `value` does not fit
   */
  set(index: number, value: CellValue<C>): void {
    this.write(this.#at(index), value);
  }

  #at(index: number): number {
    const at = index < 0 ? index + this.length : index;
    if (Number.isInteger(at) && at >= 0 && at < this.length) return at;
    throw new RangeError(`index is ${index}: there are ${this.length} cells`);
  }

  /** The numbers one by one, each as it is when its turn comes. */
  *[Symbol.iterator](): Generator<CellValue<C>, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.read(index);
  }

  override share(): Descriptor<'Array'> {
    return super.share() as Descriptor<'Array'>;
  }

  /** @internal */
  get kind(): string {
    return 'Array';
  }
}

function valuesOf<T>(content: Iterable<T>): T[] {
  checkIterable('content', content);
  return [...content];
}
