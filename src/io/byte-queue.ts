/** Bytes that have arrived and were not read yet. */

/** Chunks up to this size are joined, so that a peer that sends single bytes cannot make long lists of them. */
const SMALL = 4096;

/** A queue of bytes made of the chunks in which they came; a chunk is cut or copied only where a read wants it so. @internal */
export class ByteQueue {
  length = 0;
  #chunks: Buffer[] = [];

  push(chunk: Buffer): void {
    const chunks = this.#chunks;
    const last = chunks.at(-1);
    if (last !== undefined && last.length + chunk.length <= SMALL)
      chunks[chunks.length - 1] = Buffer.concat([last, chunk]);
    else chunks.push(chunk);
    this.length += chunk.length;
  }

  /** Takes some bytes, at least one and at most `most`: what lies there in one piece. */
  takeSome(most: number): Buffer {
    const chunks = this.#chunks;
    const first = chunks[0]!;
    if (first.length > most) {
      chunks[0] = first.subarray(most);
      this.length -= most;
      return first.subarray(0, most);
    }
    chunks.shift();
    this.length -= first.length;
    return first;
  }

  /** Takes `count` bytes, of which there must be so many. */
  take(count: number): Buffer {
    if (count === 0) return Buffer.alloc(0);
    if (this.#chunks[0]!.length >= count) return this.takeSome(count);
    if (count === this.length) {
      const all = this.copy();
      this.clear();
      return all;
    }
    const parts: Buffer[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)!.length) parts.push(this.takeSome(left));
    return Buffer.concat(parts, count);
  }

  /** Puts back what was taken last. */
  unshift(chunk: Buffer): void {
    this.#chunks.unshift(chunk);
    this.length += chunk.length;
  }

  /** A copy of all the bytes, which stay. */
  copy(): Buffer {
    return Buffer.concat(this.#chunks, this.length);
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
    let start = 0;
    for (const [index, chunk] of this.#chunks.entries()) {
      let at = from < start + chunk.length ? chunk.indexOf(separator[0]!, Math.max(0, from - start)) : -1;
      for (; at >= 0; at = chunk.indexOf(separator[0]!, at + 1)) {
        if (this.#matches(separator, index, at)) return start + at;
      }
      start += chunk.length;
    }
    return -1;
  }

  /** Whether `separator` stands at `at` of chunk `index`, where it may run into the next chunks. */
  #matches(separator: Uint8Array, index: number, at: number): boolean {
    for (const byte of separator) {
      while (at === this.#chunks[index]?.length) {
        index++;
        at = 0;
      }
      if (this.#chunks[index]?.[at++] !== byte) return false;
    }
    return true;
  }

  clear(): void {
    this.#chunks = [];
    this.length = 0;
  }
}
