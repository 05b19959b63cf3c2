/** Bytes that have arrived and were not read yet. */

/** Chunks up to this size are joined, so that a peer that sends single bytes cannot make long lists of them. */
const SMALL = 4096;

const RETURN = 13;

const EMPTY = Buffer.alloc(0);
/** The rest of a queue that has one chunk at most, as nearly all have; so they need no list of their own. */
const NONE: Buffer[] = [];

/** A queue of bytes made of the chunks in which they came; a chunk is cut or copied only where a read wants it so. @internal */
export class ByteQueue {
  length = 0;
  /** The chunk that is taken from; what comes before `#start` was taken. Empty only if the queue is. */
  #first: Buffer = EMPTY;
  #start = 0;
  #rest: Buffer[] = NONE;

  push(chunk: Buffer): void {
    const rest = this.#rest;
    if (this.length === 0) this.#first = chunk;
    else if (rest.length === 0) {
      const first = this.#start === 0 ? this.#first : this.#first.subarray(this.#start);
      if (first.length + chunk.length > SMALL) this.#rest = [chunk];
      else {
        this.#first = Buffer.concat([first, chunk]);
        this.#start = 0;
      }
    } else {
      const last = rest[rest.length - 1]!;
      if (last.length + chunk.length > SMALL) rest.push(chunk);
      else rest[rest.length - 1] = Buffer.concat([last, chunk]);
    }
    this.length += chunk.length;
  }

  /** Takes some bytes, at least one and at most `most`: what lies there in one piece. */
  takeSome(most: number): Buffer {
    const first = this.#first;
    const start = this.#start;
    const count = Math.min(first.length - start, most);
    this.#skip(count);
    return count === first.length ? first : first.subarray(start, start + count);
  }

  /** Drops the next `count` bytes, which are at most those of the first chunk. */
  #skip(count: number): void {
    this.length -= count;
    this.#start += count;
    if (this.#start < this.#first.length) return;
    this.#start = 0;
    this.#first = this.#rest.shift() ?? EMPTY;
    if (this.#rest.length === 0) this.#rest = NONE;
  }

  /** Takes `count` bytes, of which there must be so many. */
  take(count: number): Buffer {
    if (count === 0) return Buffer.alloc(0);
    if (this.#first.length - this.#start >= count) return this.takeSome(count);
    if (count === this.length) {
      const all = this.copy();
      this.clear();
      return all;
    }
    const parts: Buffer[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)!.length) parts.push(this.takeSome(left));
    return Buffer.concat(parts, count);
  }

  /** Takes a line of `length` bytes and the newline after it, and gives it as text, without a `\r` at its end. */
  takeLine(length: number, encoding: BufferEncoding): string {
    let chunk = this.#first;
    let start = this.#start;
    if (length < chunk.length - start) this.#skip(length + 1);
    else {
      chunk = this.take(length + 1);
      start = 0;
    }
    const end = start + length;
    return chunk.toString(encoding, start, length > 0 && chunk[end - 1] === RETURN ? end - 1 : end);
  }

  /** Puts back what was taken last. */
  unshift(chunk: Buffer): void {
    if (this.length > 0) this.#rest = this.#chunks();
    this.#first = chunk;
    this.#start = 0;
    this.length += chunk.length;
  }

  /** A copy of all the bytes, which stay. */
  copy(): Buffer {
    return Buffer.concat(this.#chunks(), this.length);
  }

  #chunks(): Buffer[] {
    return [this.#first.subarray(this.#start), ...this.#rest];
  }

  /** Fills `target` as far as there are bytes; tells how many. */
  copyTo(target: Uint8Array): number {
    let filled = 0;
    while (filled < target.length && this.length > 0) {
      const part = this.takeSome(target.length - filled);
      target.set(part, filled);
      filled += part.length;
    }
    return filled;
  }

  /** Where `separator` begins, at or after `from`; -1 if it is not there. */
  indexOf(separator: Uint8Array, from: number): number {
    let passed = 0;
    let chunk: Buffer | undefined = this.#first;
    let start = this.#start;
    for (let next = 0; chunk !== undefined; chunk = this.#rest[next++]) {
      const end: number = passed + chunk.length - start;
      let at = from < end ? chunk.indexOf(separator[0]!, start + Math.max(0, from - passed)) : -1;
      for (; at >= 0; at = chunk.indexOf(separator[0]!, at + 1)) {
        if (separator.length === 1 || this.#matches(separator, chunk, next, at)) return passed + at - start;
      }
      passed = end;
      start = 0;
    }
    return -1;
  }

  /** Whether `separator` stands at `at` of `chunk`, where it may run into the chunks from `next` of the rest on. */
  #matches(separator: Uint8Array, chunk: Buffer | undefined, next: number, at: number): boolean {
    for (const byte of separator) {
      while (at === chunk?.length) {
        chunk = this.#rest[next++];
        at = 0;
      }
      if (chunk?.[at++] !== byte) return false;
    }
    return true;
  }

  clear(): void {
    this.#first = EMPTY;
    this.#start = 0;
    this.#rest = NONE;
    this.length = 0;
  }
}
