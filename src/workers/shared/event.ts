/**
 * An `Event` between threads: one word that counts how often the flag was raised and lowered, so that it is up when odd,
 * and a waiter sees that it was up in the meantime.
 */
import { checkTimeout } from '../../core/check.ts';
import type { Operation } from '../../core/operation.ts';
import type { Waitable } from '../../core/wait.ts';
import type { Waiter } from '../../sync/parking-lot.ts';
import { LINE_WORDS, Line, NOT_YET } from './line.ts';
import { LineWait } from './line-call.ts';
import { LineLinks } from './line-links.ts';
import { type Descriptor, FIRST_WORD, type Opening, SharedObject } from './shared-object.ts';

const CHANGES: number = FIRST_WORD;
const LINE: number = CHANGES + 1;

/** What `statistics()` of a shared event gives. */
export interface EventStatistics {
  /** Greenlets of this thread blocked in `wait()`, and links. */
  readonly waiting: number;
}

/**
 * A flag that greenlets of all threads can wait for, until somebody sets it. Follows `multiprocessing.Event` and genlet's
 * own `Event`.
 *
 * `set` and `clear` never suspend and may be called from anywhere, callbacks and ordinary code included. It can be given
 * to `wait()` and `iwait()`.
 *
 * @example
 * ```ts
 * import { run, spawn } from 'genlet';
 * import { shared } from 'genlet/workers';
 *
 * await run(function* () {
 *   const open = new shared.Event();
 *   const there = shared.open(open.share()); // as another thread does it with what it was sent
 *   spawn(() => there.set());
 *   console.log(open.isSet()); // => false
 *   console.log(yield* open.wait(1000)); // => true
 * });
 * ```
 */
export class Event extends SharedObject implements Waitable {
  /** @internal */
  readonly line: Line;
  readonly #links: LineLinks;
  readonly #isUp = (): boolean => this.isSet();
  readonly #mark = (): number => Atomics.load(this.words, CHANGES);

  constructor();
  /** @internal */
  constructor(opening: Opening);
  constructor(opening?: Opening) {
    super(opening, LINE + LINE_WORDS);
    this.line = new Line(this, 'wait', this.space, this.words, LINE, this);
    this.#links = new LineLinks(this, this.line, () => true, this.#mark);
  }

  /** Whether the flag is up. */
  isSet(): boolean {
    return (Atomics.load(this.words, CHANGES) & 1) === 1;
  }

  /** The same as `isSet()`, as all that can be waited for has it. */
  ready(): boolean {
    return this.isSet();
  }

  /**
   * Raises the flag: all who wait now get `true`, within a thread in the order of their calls, even if it is lowered again
   * before their turn comes.
   */
  set(): void {
    if (!this.#change(0)) return;
    if (!this.line.busy) return;
    this.line.serve();
    this.line.ringAll();
  }

  /** Lowers the flag: who waits from now on blocks. */
  clear(): void {
    this.#change(1);
  }

  /** One change more, if the flag is as given. */
  #change(from: 0 | 1): boolean {
    const { words } = this;
    for (let changes = Atomics.load(words, CHANGES); (changes & 1) === from; changes = Atomics.load(words, CHANGES)) {
      if (Atomics.compareExchange(words, CHANGES, changes, (changes + 1) | 0) === changes) return true;
    }
    return false;
  }

  /**
   * Waits until the flag is up and gives `true`; `false` when `timeout` milliseconds are over. Suspends unless the flag
   * is up, the greenlet, never the thread; a kill ends the wait. Waiters of a thread wake in the order of their calls.
   *
   * @throws {RangeError} `timeout` is negative or NaN
   */
  wait(timeout?: number | null): Operation<boolean> {
    return new LineWait(this.line, this.#isUp, checkTimeout(timeout), this.#mark);
  }

  /** Calls `callback(event)` in the hub, once, when the flag is raised; in the next pass if it is up already. */
  rawlink(callback: (event: this) => void): void {
    this.#links.add(callback);
  }

  /** Takes a link back; nothing happens if there is none. */
  unlink(callback: (event: this) => void): void {
    this.#links.remove(callback);
  }

  override share(): Descriptor<'Event'> {
    return super.share() as Descriptor<'Event'>;
  }

  /** Counters of this moment. */
  statistics(): EventStatistics {
    return { waiting: this.line.size };
  }

  /** @internal */
  get kind(): string {
    return 'Event';
  }

  /** @internal */
  attempt(waiter: Waiter): unknown {
    return this.promising(waiter) ? true : NOT_YET;
  }

  /** It is up, or it was in the meantime. @internal */
  promising(waiter: Waiter): boolean {
    const changes = Atomics.load(this.words, CHANGES);
    return (changes & 1) === 1 || changes !== waiter.slot.note;
  }
}
