/**
 * Items that a process asks its parent for before it wants them: each would else cost the way there and back.
 *
 * It does so only while one `get` follows the other at once, and the queue gives so only while it is long, so that nobody
 * else lacks what lies here. Until a `get` takes them they belong to the queue still, which has them back when the process
 * dies, asks how long the queue is, or does not come for them within some milliseconds.
 */
import type { Item } from './service-wire.ts';

/** A `get` that came back within so many milliseconds did nothing much with its item. */
const AT_ONCE = 0.1;
/** So many of them make a habit. */
const HABIT = 8;
const MOST = 128;
/** How long an item may lie here unused, in milliseconds. */
const PATIENCE = 3;

/** The way to the queue, as far as it is needed here. */
interface Source {
  /** Asks for an item, if there are many. */
  askAhead(): void;
  /** An item was taken, or goes back. */
  confirm(id: number): void;
  giveBack(id: number, item: Item): void;
}

interface Spare {
  readonly id: number;
  readonly item: Item;
}

/** @internal */
export class ReadAhead {
  /** Asked for, and not answered. */
  asked = 0;
  readonly #source: Source;
  #spares: Spare[] = [];
  #depth = 0;
  #habit = 0;
  #lastTaken = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Source) {
    this.#source = source;
  }

  /** An item for a `get` that begins. */
  take(): Item | undefined {
    const quick = performance.now() - this.#lastTaken < AT_ONCE;
    this.#habit = quick ? this.#habit + 1 : 0;
    if (this.#habit >= HABIT) this.#depth = Math.min(MOST, Math.max(4, 2 * this.#depth));
    else if (!quick) this.#depth = 0;
    const spare = this.#spares.shift();
    if (spare !== undefined) this.#source.confirm(spare.id);
    return spare?.item;
  }

  /** Whether there are items here, or on their way. */
  get busy(): boolean {
    return this.asked > 0 || this.#spares.length > 0;
  }

  /** A `get` has its item, or waits for it. */
  refill(): void {
    if (2 * (this.#spares.length + this.asked) > this.#depth) return;
    for (let left = this.#depth - this.#spares.length - this.asked; left > 0; left--) {
      this.asked++;
      this.#source.askAhead();
    }
  }

  /** The greenlet has its item, and goes on. */
  taken(): void {
    this.#lastTaken = performance.now();
  }

  /** An item arrived for which nobody waits. */
  add(id: number, item: Item): void {
    this.#spares.push({ id, item });
    this.#timer ??= setTimeout(() => this.#check(), PATIENCE).unref();
  }

  /** There was none to spare. */
  rest(): void {
    this.#depth = this.#habit = 0;
  }

  #check(): void {
    this.#timer = undefined;
    if (this.#spares.length === 0) return;
    if (performance.now() - this.#lastTaken >= PATIENCE) this.giveBack();
    if (this.#spares.length > 0) this.#timer = setTimeout(() => this.#check(), PATIENCE).unref();
  }

  /**
   * The last first, so that they stand in the old order in front of the queue. Not while there are some on their way,
   * which would come out before those that went back.
   */
  giveBack(): void {
    this.rest();
    if (this.asked > 0) return;
    for (const { id, item } of this.#spares.splice(0).reverse()) this.#source.giveBack(id, item);
  }
}
