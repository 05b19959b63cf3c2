/**
 * A line of waiters across threads: those of one thread stand in a parking lot of its own, and the thread has one ticket
 * in shared memory, which tells since when the first of them waits. So a wait costs a few words, and each thread only
 * ever writes what is its own.
 *
 * A waiter publishes its ticket and then looks again; a waker changes the state and then looks for tickets. So one of the
 * two sees the other. After that nothing depends on who was rung: whoever is first and can't use what is there (killed,
 * out of time, dead) rings the next.
 *
 * What is free may be taken by whoever comes, which spares most switches between threads (50 us each), but not over the
 * head of one who has waited for more than `PATIENCE`.
 */
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { ParkingLot, type Waiter } from '../../sync/parking-lot.ts';
import type { Space, Words } from './space.ts';
import { MAX_THREADS } from './space.ts';

/** Milliseconds after which nobody is let in before a waiter. */
const PATIENCE = 1;

// Words of a line, before those of the threads.
const SEQUENCE = 0;
/** How many tickets there are; rather too many than too few, if a thread dies in between. */
const TICKETS = 1;
const THREADS = 2;
// Words of a thread in a line.
const TICKET = 0;
const SINCE = 1;
const TOKEN = 2;
const EXTRA = 3;
const THREAD_WORDS = 4;

/** @internal */
export const LINE_WORDS: number = THREADS + MAX_THREADS * THREAD_WORDS;

/** The answer to a waiter for whom there is nothing yet. @internal */
export const NOT_YET: unique symbol = Symbol('not yet');

/** The answer to a waiter that gets an error. @internal */
export class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** What a waiter carries in its `slot` while it stands in a line. @internal */
export class Stand {
  readonly sequence: number;
  readonly since: number;
  /** Whether the thread stays alive for it. */
  readonly counts: boolean;
  /** What the owner of the line notes about it. */
  note: any = undefined;

  constructor(sequence: number, since: number, counts: boolean) {
    this.sequence = sequence;
    this.since = since;
    this.counts = counts;
  }
}

/** Whose line it is. @internal */
export interface Server {
  /** What the first waiter is to be woken with, taken for it; `NOT_YET` if there is nothing, `Failure` for an error. */
  attempt(waiter: Waiter): unknown;
  /** Whether `attempt` may succeed. */
  promising(waiter: Waiter): boolean;
  /** A thread died that stood in the line; `extra` is its extra word. */
  onDeath?(extra: number): void;
  /** Some thread died, in the line or not. */
  onAnyDeath?(): void;
}

/** @internal */
export class Line extends ParkingLot {
  readonly space: Space;
  readonly #words: Words;
  readonly #at: number;
  readonly #mine: number;
  readonly #server: Server;
  readonly #isFree: (() => boolean) | undefined;
  #head: Waiter | null = null;
  #serving = false;
  #again = false;

  /**
   * The line for those who are blocked in `owner.call()`, in the `words` from `at` on. With `isFree` they get it one by
   * one, in their order, where that tells whether there is anything to get; without, each on its own.
   */
  constructor(
    owner: object,
    call: string,
    space: Space,
    words: Words,
    at: number,
    server: Server,
    isFree?: () => boolean,
  ) {
    super(owner, call);
    this.space = space;
    this.#words = words;
    this.#at = at;
    this.#mine = at + THREADS + space.slot * THREAD_WORDS;
    this.#server = server;
    this.#isFree = isFree;
    this.#withdraw(); // the ticket of a thread that had the slot before, and died
    Atomics.store(words, this.#mine + EXTRA, 0);
    Atomics.store(words, this.#mine + TOKEN, space.token);
  }

  get head(): Waiter | null {
    return this.#head;
  }

  /** Whether anybody waits, in whatever thread. */
  get busy(): boolean {
    return Atomics.load(this.#words, this.#at + TICKETS) !== 0;
  }

  // ---- waiting

  override add(waiter: Waiter): void {
    const { space } = this;
    super.add(waiter);
    const sequence = (Atomics.add(this.#words, this.#at + SEQUENCE, 1) + 1) | 0 || 1;
    const stand = new Stand(sequence, space.now(), !(waiter as RawGreenlet).daemon);
    waiter.slot = stand;
    if (this.size === 1) {
      this.#head = waiter;
      this.#publish(stand);
    }
    space.arrive(this, stand.counts);
  }

  /** To be called when a waiter was added and stands there completely: looks again. */
  settle(waiter: Waiter): void {
    // Not here and now: the greenlet is not suspended yet, and a `select` has not heard of its case.
    if (this.#server.promising(waiter)) this.space.callSoon();
  }

  override shift(): Waiter | null {
    const head = this.#head;
    if (head === null) return null;
    this.#head = head.next;
    super.shift();
    this.#left(head);
    this.#renew();
    return head;
  }

  override remove(waiter: Waiter): void {
    const wasFirst = waiter === this.#head;
    if (wasFirst) this.#head = waiter.next;
    super.remove(waiter);
    this.#left(waiter);
    if (!wasFirst) return;
    this.#renew();
    this.serve(); // it may have been rung, for something that is the next one's now
  }

  #left(waiter: Waiter): void {
    this.space.depart(this, (waiter.slot as Stand).counts);
  }

  #renew(): void {
    if (this.#head === null) this.#withdraw();
    else this.#publish(this.#head.slot);
  }

  #publish({ sequence, since }: Stand): void {
    const words = this.#words;
    const mine = this.#mine;
    if (Atomics.load(words, mine + TICKET) === 0) Atomics.add(words, this.#at + TICKETS, 1);
    Atomics.store(words, mine + SINCE, since);
    Atomics.store(words, mine + TICKET, sequence);
  }

  #withdraw(): void {
    if (Atomics.exchange(this.#words, this.#mine + TICKET, 0) !== 0) Atomics.sub(this.#words, this.#at + TICKETS, 1);
  }

  // ---- serving

  /** Whether one who comes now may take what is free. */
  isOpen(): boolean {
    return this.size === 0 && (this.#words[this.#at + TICKETS] === 0 || !this.#mustGiveWay());
  }

  /** Whether somebody in another thread has waited longer than whoever is first here, and too long. */
  #mustGiveWay(): boolean {
    const slot = this.#oldest();
    if (slot < 0 || slot === this.space.slot) return false;
    const since = Atomics.load(this.#words, this.#at + THREADS + slot * THREAD_WORDS + SINCE);
    return ((this.space.now() - since) | 0) > PATIENCE;
  }

  /** Gives those of this thread what there is for them, and rings for what is left. */
  serve(): void {
    if (this.#serving) {
      this.#again = true;
      return;
    }
    this.#serving = true;
    do {
      this.#again = false;
      this.#serveOnce();
    } while (this.#again);
    this.#serving = false;
    if (this.#isFree !== undefined && this.busy && this.#isFree()) {
      const oldest = this.#oldest();
      if (oldest >= 0 && oldest !== this.space.slot) this.space.ring(oldest);
    }
  }

  /** Those behind one for whom there is nothing have waited less, so there is nothing for them either. */
  #serveOnce(): void {
    const exclusive = this.#isFree !== undefined;
    for (let waiter = this.#head; waiter !== null; waiter = this.#head) {
      if (exclusive && this.#mustGiveWay()) return;
      const answer = this.#server.attempt(waiter);
      if (answer === NOT_YET) return;
      this.shift();
      if (answer instanceof Failure) waiter.fail(answer.error);
      else waiter.wake(answer);
    }
  }

  /** Rings all who wait in other threads. */
  ringAll(): void {
    if (!this.busy) return;
    for (const slot of this.slots()) if (slot !== this.space.slot) this.space.ring(slot);
  }

  /** The slots of the threads that wait; tickets of dead ones are taken off. */
  *slots(): Generator<number, void, undefined> {
    for (let slot = 0, { high } = this.space; slot < high; slot++) if (this.ticketOf(slot) !== 0) yield slot;
  }

  ticketOf(slot: number): number {
    const words = this.#words;
    const at = this.#at + THREADS + slot * THREAD_WORDS;
    const ticket = Atomics.load(words, at + TICKET);
    if (ticket === 0 || this.space.alive(Atomics.load(words, at + TOKEN))) return ticket;
    if (Atomics.compareExchange(words, at + TICKET, ticket, 0) !== ticket) return 0;
    Atomics.sub(words, this.#at + TICKETS, 1);
    this.#server.onDeath?.(Atomics.exchange(words, at + EXTRA, 0));
    return 0;
  }

  buryDead(): void {
    for (const _ of this.slots());
    this.#server.onAnyDeath?.();
  }

  #oldest(): number {
    let oldest = -1;
    let least = 0;
    for (let slot = 0, { high } = this.space; slot < high; slot++) {
      const ticket = this.ticketOf(slot);
      if (ticket === 0 || (oldest >= 0 && ((ticket - least) | 0) > 0)) continue;
      oldest = slot;
      least = ticket;
    }
    return oldest;
  }

  /** Where the owner of the line keeps a word of its own for a thread. */
  extraAt(slot: number = this.space.slot): number {
    return this.#at + THREADS + slot * THREAD_WORDS + EXTRA;
  }
}
