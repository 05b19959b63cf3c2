/**
 * The one wait queue under everything to coordinate with: first in, first out, and left in O(1).
 *
 * It is linked through the greenlets themselves, which block on one thing at a time: to wait allocates nothing. The same
 * links make up the hub's ready queue, so a greenlet is taken off the lot before it is woken.
 */
import { hub as importedHub } from '../core/hub.ts';
import type { Step, WaitPoint } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/** What can stand in a lot: a greenlet, or something that stands in several lots on behalf of one. @internal */
export interface Waiter {
  next: any;
  prev: any;
  /** What it brings along, such as an item to put. */
  slot: any;
  /** In whose name it stands here. */
  readonly principal: RawGreenlet;
  /** Grants it what it waits for; never runs it synchronously. */
  wake(value: unknown): void;
  /** As `wake`, with an error. */
  fail(error: unknown): void;
}

/** @internal */
export class ParkingLot implements WaitPoint {
  size = 0;
  readonly #owner: object;
  readonly #call: string;
  #first: Waiter | null = null;
  #last: Waiter | null = null;

  /** The lot for those who are blocked in `owner.call()`. */
  constructor(owner: object, call: string) {
    this.#owner = owner;
    this.#call = call;
  }

  /** Blocks the current greenlet here. A wait with a time limit gives itself as the point, to hear of an interruption. */
  park(me: RawGreenlet, point: WaitPoint = this): Step {
    const step = hub.park(me, point);
    this.add(me);
    return step;
  }

  add(waiter: Waiter): void {
    const last = this.#last;
    waiter.prev = last;
    if (last === null) this.#first = waiter;
    else last.next = waiter;
    this.#last = waiter;
    this.size++;
  }

  /** Takes off the one who has waited longest. */
  shift(): Waiter | null {
    const first = this.#first;
    if (first === null) return null;
    const { next } = first;
    this.#first = next;
    if (next === null) this.#last = null;
    else {
      next.prev = null;
      first.next = null;
    }
    this.size--;
    return first;
  }

  /** Takes off one who stands here. */
  remove(waiter: Waiter): void {
    const { prev, next } = waiter;
    if (prev === null) this.#first = next;
    else prev.next = next;
    if (next === null) this.#last = prev;
    else next.prev = prev;
    waiter.prev = waiter.next = null;
    this.size--;
  }

  /** Wakes everyone, in the order in which they came. */
  wakeAll(value: unknown): void {
    for (let waiter = this.shift(); waiter !== null; waiter = this.shift()) waiter.wake(value);
  }

  /** Those who wait, in the order in which they came. */
  *[Symbol.iterator](): Generator<Waiter, void, undefined> {
    for (let waiter = this.#first; waiter !== null; waiter = waiter.next) yield waiter;
  }

  cancel(greenlet: RawGreenlet): void {
    this.remove(greenlet);
  }

  describe(): string {
    return `${this.#owner.constructor.name}.${this.#call}()`;
  }
}
