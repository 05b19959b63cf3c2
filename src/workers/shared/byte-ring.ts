/**
 * The store of a shared queue: a ring of bytes with places for items of any size, guarded by a short mutex.
 *
 * Whoever has the mutex only copies bytes and never suspends, so others spin for a moment. What it changes it first writes
 * down completely: if its thread dies in the middle, the next owner finishes the change or finds none begun. So the four
 * words that describe the ring always fit each other.
 */
import { InvalidStateError } from '../../core/errors.ts';
import type { Space, Words } from './space.ts';

// Words of a ring.
const MUTEX = 0;
/** Somebody who waits in a line found the mutex taken. */
const WANTED = 1;
/** Where the next item begins, where the next is to go, in bytes that are never counted down; items ever put and taken. */
const HEAD = 2;
const TAIL = 3;
const PUTS = 4;
const GETS = 5;
/** The same four, as they are to be, while `LOGGED` is 1. */
const LOG = 6;
const LOGGED = 10;
const CLOSED = 11;
const MAXSIZE = 12;
/** @internal */
export const RING_WORDS = 13;

const HEADER = 4;
const SPINS = 300;
/** Milliseconds for which a call that can't suspend waits for the mutex. */
const PATIENCE = 500;

/** What an attempt came to that did nothing. @internal */
export const EMPTY: unique symbol = Symbol('empty');
/** @internal */
export const FULL: unique symbol = Symbol('full');
/** Another thread is at it. @internal */
export const BUSY: unique symbol = Symbol('busy');
/** @internal */
export const SHUT: unique symbol = Symbol('shut');

/** @internal */
export class ByteRing {
  readonly #space: Space;
  readonly #words: Words;
  readonly #at: number;
  readonly #bytes: Uint8Array;
  readonly #headers: Words;
  readonly #onWanted: () => void;

  /** In the `words` from `at` on, with its bytes in those from `bytesAt` on. `onWanted` is to wake who found it busy. */
  constructor(space: Space, words: Words, at: number, bytesAt: number, onWanted: () => void) {
    this.#space = space;
    this.#words = words;
    this.#at = at;
    this.#headers = words.subarray(bytesAt);
    this.#bytes = new Uint8Array(words.buffer, this.#headers.byteOffset, this.#headers.byteLength);
    this.#onWanted = onWanted;
  }

  /** How many bytes an item may have. */
  get largest(): number {
    return this.#bytes.length - HEADER;
  }

  get size(): number {
    return (this.puts - Atomics.load(this.#words, this.#at + GETS)) | 0;
  }

  /** Items ever put. */
  get puts(): number {
    return Atomics.load(this.#words, this.#at + PUTS);
  }

  /** Places for items; 0 for no limit. */
  get maxsize(): number {
    return Atomics.load(this.#words, this.#at + MAXSIZE);
  }

  set maxsize(maxsize: number) {
    Atomics.store(this.#words, this.#at + MAXSIZE, maxsize);
  }

  get closed(): boolean {
    return Atomics.load(this.#words, this.#at + CLOSED) === 1;
  }

  close(): void {
    Atomics.store(this.#words, this.#at + CLOSED, 1);
  }

  isFull(): boolean {
    const { maxsize } = this;
    return maxsize > 0 && this.size >= maxsize;
  }

  /** Puts an item in; `FULL`, `SHUT` or `BUSY` if that can't be. */
  push(item: Uint8Array): true | typeof FULL | typeof SHUT | typeof BUSY {
    if (this.closed) return SHUT;
    if (this.isFull()) return FULL;
    if (!this.#enter()) return BUSY;
    try {
      return this.#push(item);
    } finally {
      this.#leave();
    }
  }

  #push(item: Uint8Array): true | typeof FULL | typeof SHUT {
    const words = this.#words;
    const at = this.#at;
    if (this.closed) return SHUT;
    const head = words[at + HEAD]!;
    const tail = words[at + TAIL]!;
    const room = HEADER + align(item.length);
    if (this.isFull() || this.#bytes.length - ((tail - head) | 0) < room) return FULL;
    this.#headers[this.#offset(tail) / HEADER] = item.length;
    this.#copyIn(item, this.#offset(tail + HEADER));
    this.#commit(head, (tail + room) | 0, (words[at + PUTS]! + 1) | 0, words[at + GETS]!);
    return true;
  }

  /** Takes an item out. */
  shift(): Buffer | typeof EMPTY | typeof SHUT | typeof BUSY {
    if (this.size === 0) return this.closed ? SHUT : EMPTY;
    if (!this.#enter()) return BUSY;
    try {
      return this.#shift();
    } finally {
      this.#leave();
    }
  }

  #shift(): Buffer | typeof EMPTY {
    const words = this.#words;
    const at = this.#at;
    if (this.size === 0) return EMPTY;
    const head = words[at + HEAD]!;
    const length = this.#headers[this.#offset(head) / HEADER]!;
    const item = this.#copyOut(this.#offset(head + HEADER), length);
    const next = (head + HEADER + align(length)) | 0;
    this.#commit(next, words[at + TAIL]!, words[at + PUTS]!, (words[at + GETS]! + 1) | 0);
    return item;
  }

  /** Takes all items out, and gives how many there were. */
  clear(): number | typeof BUSY {
    if (!this.#enter()) return BUSY;
    const words = this.#words;
    const at = this.#at;
    const { size } = this;
    this.#commit(words[at + TAIL]!, words[at + TAIL]!, words[at + PUTS]!, words[at + PUTS]!);
    this.#leave();
    return size;
  }

  // ---- the mutex

  #enter(): boolean {
    const words = this.#words;
    const mutex = this.#at + MUTEX;
    const { token } = this.#space;
    for (let spins = SPINS; spins > 0; spins--) {
      const owner = Atomics.load(words, mutex);
      if (owner === 0) {
        if (Atomics.compareExchange(words, mutex, 0, token) === 0) return true;
      } else if (spins % 64 === 1 && !this.#space.alive(owner)) {
        if (Atomics.compareExchange(words, mutex, owner, token) !== owner) continue;
        this.#finish();
        return true;
      }
    }
    return false;
  }

  /** For calls that can't suspend: waits for whoever is at it, which takes microseconds. */
  patiently<R>(call: string, attempt: () => R): Exclude<R, typeof BUSY> {
    const mutex = this.#at + MUTEX;
    const due = performance.now() + PATIENCE;
    for (;;) {
      const outcome = attempt();
      if (outcome !== BUSY) return outcome as Exclude<R, typeof BUSY>;
      if (performance.now() > due) {
        throw new InvalidStateError(`Queue.${call}(): another thread has been at the queue for ${PATIENCE} ms`);
      }
      Atomics.wait(this.#words, mutex, Atomics.load(this.#words, mutex), 1);
    }
  }

  /** Calls `onWanted` in the thread that leaves the mutex; to be called by one whose ticket is published. Tells whether it is taken at all. */
  want(): boolean {
    Atomics.store(this.#words, this.#at + WANTED, 1);
    return Atomics.load(this.#words, this.#at + MUTEX) !== 0;
  }

  #leave(): void {
    const words = this.#words;
    Atomics.store(words, this.#at + MUTEX, 0);
    if (Atomics.load(words, this.#at + WANTED) === 0) return;
    if (Atomics.exchange(words, this.#at + WANTED, 0) !== 0) this.#onWanted();
  }

  #commit(head: number, tail: number, puts: number, gets: number): void {
    const words = this.#words;
    const log = this.#at + LOG;
    words[log] = head;
    words[log + 1] = tail;
    words[log + 2] = puts;
    words[log + 3] = gets;
    Atomics.store(words, this.#at + LOGGED, 1);
    this.#finish();
  }

  /** Makes the change that was written down, if there is one; a second time it has no effect. */
  #finish(): void {
    const words = this.#words;
    const at = this.#at;
    if (Atomics.load(words, at + LOGGED) === 0) return;
    words[at + HEAD] = words[at + LOG]!;
    words[at + TAIL] = words[at + LOG + 1]!;
    Atomics.store(words, at + PUTS, words[at + LOG + 2]!);
    Atomics.store(words, at + GETS, words[at + LOG + 3]!);
    Atomics.store(words, at + LOGGED, 0);
  }

  // ---- bytes

  /** Where a position is; the number of bytes is a power of two. */
  #offset(position: number): number {
    return position & (this.#bytes.length - 1);
  }

  #copyIn(item: Uint8Array, offset: number): void {
    const bytes = this.#bytes;
    const first = bytes.length - offset;
    if (item.length <= first) bytes.set(item, offset);
    else {
      bytes.set(item.subarray(0, first), offset);
      bytes.set(item.subarray(first), 0);
    }
  }

  #copyOut(offset: number, length: number): Buffer {
    const bytes = this.#bytes;
    const item = Buffer.allocUnsafe(length);
    const first = Math.min(length, bytes.length - offset);
    item.set(bytes.subarray(offset, offset + first));
    if (first < length) item.set(bytes.subarray(0, length - first), first);
    return item;
  }
}

const align = (length: number): number => (length + HEADER - 1) & -HEADER;
