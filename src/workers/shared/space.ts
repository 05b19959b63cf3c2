/**
 * The threads that share: each has a slot in a small block of shared memory, and in it a bell.
 *
 * A bell is a word on which its thread has one standing `Atomics.waitAsync`, without a time limit, however many greenlets
 * wait. For such a wait can't be canceled, keeps its memory until its time is up, and each that was given up swallows a
 * notification. Nor does it keep the event loop alive: while greenlets wait, a timer that never fires does.
 *
 * Ringing only says "look again". Nobody hands anything to another thread, so nothing is lost with one that dies, and
 * whoever sees a death looks again too, since the dead may have changed something and not have rung any more.
 */
import { randomFillSync } from 'node:crypto';
import { getEnvironmentData, isMainThread, setEnvironmentData, threadId, type Worker } from 'node:worker_threads';
import { InvalidStateError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Line } from './line.ts';

/** How many threads of one program can use shared objects at the same time. */
export const MAX_THREADS = 128;
const SLOT_BITS = 7;
const GENERATIONS = 2 ** (31 - SLOT_BITS);

/** Milliseconds for which the slot of a dead thread stays empty if there are others, so that all have heard of the death. */
const MOURNING = 1000;

// Words of the block; the last six are arrays with one word a thread.
const KEY = 0;
const RECORDS = 4;
const DEATHS = 5;
/** Slots that have ever been in use. */
const HIGH = 6;
const LIVE = 16;
const GENERATION: number = LIVE + MAX_THREADS;
const THREAD: number = GENERATION + MAX_THREADS;
const PARENT: number = THREAD + MAX_THREADS;
const ENDED: number = PARENT + MAX_THREADS;
/** @internal */
export const BELL: number = ENDED + MAX_THREADS;
const SIZE: number = BELL + MAX_THREADS;

/** Memory that several threads see as whole numbers. @internal */
export type Words = Int32Array<SharedArrayBuffer>;

/** @internal */
export const makeWords = (count: number): Words =>
  new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));

type Waiting = { readonly async: true; readonly value: Promise<unknown> } | { readonly async: false };
const { waitAsync } = Atomics as unknown as { waitAsync(words: Words, index: number, value: number): Waiting };

/** What a thread hands to those that it starts: the block of the program, and who the parent is. */
interface Inheritance {
  readonly block: SharedArrayBuffer;
  readonly thread: number;
  readonly parent: number;
}

// The version says how the words are laid out, for several copies of the package.
const INHERITANCE = 'genlet.shared.1';
const inherited = getEnvironmentData(INHERITANCE) as unknown as Inheritance | undefined;
const parent: number =
  inherited === undefined || inherited.thread !== threadId ? (inherited?.thread ?? -1) : inherited.parent;
const homeBlock: SharedArrayBuffer = inherited?.block ?? newBlock();
setEnvironmentData(INHERITANCE, { block: homeBlock, thread: threadId, parent } satisfies Inheritance as never);

function newBlock(): SharedArrayBuffer {
  const words = makeWords(SIZE);
  randomFillSync(words.subarray(KEY, RECORDS));
  return words.buffer;
}

const spaces = new Map<string, Space>();
/** Living threads that this one has started. */
let children = 0;

// From now on every thread that this one starts is counted, and buried when it ends.
process.on('worker', (worker: Worker) => {
  const { threadId } = worker;
  count(1);
  worker.once('exit', () => {
    bury(threadId);
    count(-1);
  });
});

function count(by: 1 | -1): void {
  children += by;
  for (const space of spaces.values()) space.stay();
}

/** The threads of a program, as one of them sees them. @internal */
export class Space {
  /** The one in which this thread makes its objects. */
  static home(): Space {
    return Space.of(homeBlock);
  }

  /** The one whose memory `block` is. */
  static of(block: SharedArrayBuffer): Space {
    const key = new Int32Array(block).subarray(KEY, RECORDS).join();
    let space = spaces.get(key);
    if (space === undefined) {
      space = new Space(block);
      spaces.set(key, space);
    }
    return space;
  }

  readonly block: SharedArrayBuffer;
  /** This thread's place, and the name that no other thread ever has. */
  readonly slot: number;
  readonly token: number;
  /** The objects that are open in this thread, by the number of their record. */
  readonly objects: Map<number, WeakRef<object>> = new Map();
  readonly #words: Words;
  readonly #lines = new Set<Line>();
  readonly #forget = new FinalizationRegistry<number>((number) => {
    if (this.objects.get(number)?.deref() === undefined) this.objects.delete(number);
  });
  /** What must be added to `performance.now()` for a time that all threads share. */
  readonly #clockOffset: number;
  /** Waiters that are a reason for the thread to stay. */
  #waiting = 0;
  #listening = false;
  #keep: NodeJS.Timeout | undefined;
  #kept = false;
  #deaths: number;
  #called = false;

  constructor(block: SharedArrayBuffer) {
    this.block = block;
    this.#words = new Int32Array(block);
    const [seconds, nanoseconds] = process.hrtime();
    this.#clockOffset = seconds * 1000 + nanoseconds / 1e6 - performance.now();
    this.slot = this.#claimSlot();
    this.token = this.#enrol();
    this.#deaths = Atomics.load(this.#words, DEATHS);
  }

  #claimSlot(): number {
    const words = this.#words;
    for (const mourning of [MOURNING, 0]) {
      for (let slot = 0; slot < MAX_THREADS; slot++) {
        const isNew = Atomics.load(words, GENERATION + slot) === 0;
        if (!isNew && ((this.now() - Atomics.load(words, ENDED + slot)) | 0) < mourning) continue;
        if (Atomics.compareExchange(words, THREAD + slot, 0, threadId + 1) === 0) return slot;
      }
    }
    throw new InvalidStateError(
      `${MAX_THREADS} threads use shared objects already: end some, or use fewer threads with more greenlets`,
    );
  }

  #enrol(): number {
    const { slot } = this;
    const words = this.#words;
    const generation = (Atomics.load(words, GENERATION + slot) + 1) % GENERATIONS || 1;
    Atomics.store(words, GENERATION + slot, generation);
    Atomics.store(words, PARENT + slot, parent + 1);
    Atomics.store(words, BELL + slot, 0);
    for (let high = Atomics.load(words, HIGH); high <= slot; high = Atomics.load(words, HIGH)) {
      Atomics.compareExchange(words, HIGH, high, slot + 1);
    }
    const token = (generation << SLOT_BITS) | slot;
    Atomics.store(words, LIVE + slot, token);
    this.ringAll(); // those who wait are not alone any more
    return token;
  }

  /** A number for a new record. */
  number(): number {
    return Atomics.add(this.#words, RECORDS, 1);
  }

  remember(number: number, object: object): void {
    this.objects.set(number, new WeakRef(object));
    this.#forget.register(object, number);
  }

  /** How many slots have to be looked at. */
  get high(): number {
    return Atomics.load(this.#words, HIGH);
  }

  alive(token: number): boolean {
    return Atomics.load(this.#words, LIVE + (token & (MAX_THREADS - 1))) === token;
  }

  /** The id of the thread that has `token`. */
  threadOf(token: number): number {
    return Atomics.load(this.#words, THREAD + (token & (MAX_THREADS - 1))) - 1;
  }

  /** Milliseconds of a clock that all threads share; it wraps, so only differences mean something. */
  now(): number {
    return (performance.now() + this.#clockOffset) | 0;
  }

  // ---- waiting

  /** A line has a waiter more; `counts` unless that is no reason to stay alive. */
  arrive(line: Line, counts: boolean): void {
    this.#lines.add(line);
    if (counts) this.#waiting++;
    if (!this.#listening) this.#listen();
    if (!this.#kept) this.stay();
  }

  /** A line has a waiter less. */
  depart(line: Line, counts: boolean): void {
    if (line.size === 0) this.#lines.delete(line);
    if (counts && --this.#waiting === 0) this.stay();
  }

  /** Waiting for others keeps the thread alive; where there are none, nobody could end the wait. */
  stay(): void {
    const keep = this.#waiting > 0 && !this.#isAlone();
    if (keep === this.#kept) return;
    this.#kept = keep;
    hub.outside += keep ? 1 : -1;
    this.#keep ??= setInterval(() => {}, 2 ** 31 - 1);
    if (keep) this.#keep.ref();
    else this.#keep.unref();
  }

  /** A thread that was started may not use shared objects yet, and one that uses them need not be known here. */
  #isAlone(): boolean {
    if (!isMainThread || children > 0) return false;
    const words = this.#words;
    for (let slot = this.high - 1; slot >= 0; slot--) {
      if (slot !== this.slot && Atomics.load(words, LIVE + slot) !== 0) return false;
    }
    return true;
  }

  /** Arms the bell. It is set back before anybody looks, so that whoever rings during the look is heard. */
  #listen(): void {
    this.#listening = true;
    const words = this.#words;
    const bell = BELL + this.slot;
    for (;;) {
      const waiting = waitAsync(words, bell, 0);
      if (waiting.async) {
        waiting.value.then(this.#onBell);
        return;
      }
      Atomics.store(words, bell, 0);
      this.callSoon();
    }
  }

  #onBell = (): void => {
    Atomics.store(this.#words, BELL + this.slot, 0);
    this.#listen();
    this.#look();
  };

  /** Looks after the waiters of this thread in the hub's next pass. */
  callSoon(): void {
    if (this.#called) return;
    this.#called = true;
    hub.callSoon(() => {
      this.#called = false;
      this.#look();
    });
  }

  #look(): void {
    const deaths = Atomics.load(this.#words, DEATHS);
    const bereaved = deaths !== this.#deaths;
    this.#deaths = deaths;
    this.stay();
    for (const line of [...this.#lines]) {
      if (bereaved) line.buryDead();
      line.serve();
    }
  }

  // ---- waking

  /** Makes the thread in `slot` look after its waiters. */
  ring(slot: number): void {
    if (slot === this.slot) {
      this.callSoon();
      return;
    }
    const words = this.#words;
    const bell = BELL + slot;
    // A bell that was rung and not answered yet need not be rung again.
    if (Atomics.load(words, bell) === 0 && Atomics.exchange(words, bell, 1) === 0) Atomics.notify(words, bell);
  }

  ringAll(): void {
    for (let slot = this.high - 1; slot >= 0; slot--) if (slot !== this.slot) this.ring(slot);
  }

  /** The thread has ended, and those that it had started. Its slot is free when everybody can know. */
  bury(thread: number): void {
    const words = this.#words;
    for (let slot = this.high - 1; slot >= 0; slot--) {
      const token = Atomics.load(words, LIVE + slot);
      const claimant = Atomics.load(words, THREAD + slot) - 1;
      if (claimant < 0) continue;
      if (claimant !== thread) {
        if (Atomics.load(words, PARENT + slot) === thread + 1) this.bury(claimant);
        continue;
      }
      Atomics.compareExchange(words, LIVE + slot, token, 0);
      Atomics.add(words, DEATHS, 1);
      Atomics.store(words, PARENT + slot, 0);
      Atomics.store(words, ENDED + slot, this.now());
      Atomics.compareExchange(words, THREAD + slot, claimant + 1, 0);
      this.ringAll();
      this.callSoon();
    }
  }
}

/**
 * Says that a worker thread has ended: the locks that it held are abandoned, its places in lines are given up, and
 * barriers at which it waited break. genlet does so by itself for every `Worker` that a thread starts after it has loaded
 * `genlet/workers`; others must be reported by who sees their `'exit'`. Threads that the dead one had started ended with
 * it, and need no report. Never suspends; a second call does nothing.
 *
 * @throws {RangeError} `thread` is no `threadId` of a worker
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { Worker } from 'node:worker_threads';
 * import { shared } from 'genlet/workers';
 *
 * const worker = new Worker('', { eval: true });
 * const { threadId } = worker; // -1 once it has ended
 * await once(worker, 'exit');
 * shared.bury(threadId);
 * ```
 */
export function bury(thread: number): void {
  if (!Number.isInteger(thread) || thread < 1 || thread === threadId) {
    throw new RangeError(`thread is ${thread}: give the threadId that a worker had which has ended`);
  }
  for (const space of spaces.values()) space.bury(thread);
}
