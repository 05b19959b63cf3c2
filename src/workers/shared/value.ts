/** A `Value` between threads: one number. */
import { checkOptions } from '../../core/check.ts';
import { Cells, type CellType, type CellValue } from './cells.ts';
import type { SharedOwnedLock } from './owned-lock.ts';
import { type Descriptor, Opening } from './shared-object.ts';

/** Options of a shared `Value` or `Array`. */
export interface CellOptions {
  /** The lock that belongs to it, a shared `Lock` or `RLock`; an `RLock` of its own by default. */
  lock?: SharedOwnedLock;
}

/**
 * A number that all threads see. Follows `multiprocessing.Value`, with `'i32'` for `'i'`, `'f64'` for `'d'` and so on.
 *
 * A single read or write of `value` is one step. `counter.value++` is two: hold its lock around them, or use
 * `Atomics.add(counter.array, 0, 1)`.
 *
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const counter = new shared.Value('i32', 5);
 *   const there = shared.open(counter.share()) as typeof counter; // as another thread does it
 *   {
 *     using _ = yield* there.hold();
 *     there.value++;
 *   }
 *   console.log(counter.value); // => 6
 * });
 * ```
 */
export class Value<C extends CellType> extends Cells<C> {
  /**
   * A cell of `type` with `value` in it, 0 by default.
   *
   * @throws {TypeError} there is no such type, or `value` is none of it
   * @throws {RangeError} `value` does not fit
   */
  constructor(type: C, value?: CellValue<C>, options?: CellOptions);
  /** @internal */
  constructor(opening: Opening);
  constructor(type: C | Opening, value?: CellValue<C>, options: CellOptions = {}) {
    checkOptions(options, '{ lock: a shared.Lock }');
    super(type, 1, options.lock);
    if (!(type instanceof Opening) && value !== undefined) this.value = value;
  }

  /**
   * The number.
   *
   * @throws {TypeError} it is assigned something that is none of its type
   * @throws {RangeError} it is assigned something that does not fit
   */
  get value(): CellValue<C> {
    return this.read(0);
  }

  set value(value: CellValue<C>) {
    this.write(0, value);
  }

  override share(): Descriptor<'Value'> {
    return super.share() as Descriptor<'Value'>;
  }

  /** @internal */
  get kind(): string {
    return 'Value';
  }
}
