import { describe, expect, it } from 'vitest';
import { ByteQueue } from '../../src/io/byte-queue.ts';

function queueOf(...chunks: string[]): ByteQueue {
  const queue = new ByteQueue();
  for (const chunk of chunks) queue.push(Buffer.from(chunk));
  return queue;
}

/** Too long to be joined with its neighbours. */
const long = (letter: string) => letter.repeat(4096);

describe('ByteQueue', () => {
  it('gives a chunk as it came, without a copy', () => {
    const queue = new ByteQueue();
    const chunk = Buffer.from('chunk');
    queue.push(chunk);
    expect(queue.takeSome(100)).toBe(chunk);
    expect(queue.length).toBe(0);
  });

  it('cuts a chunk that is too long', () => {
    const queue = queueOf('abcdef');
    expect(`${queue.takeSome(4)} ${queue.takeSome(4)}`).toBe('abcd ef');
  });

  it('takes bytes over several chunks', () => {
    const queue = queueOf(long('a'), long('b'), long('c'));
    expect(String(queue.take(8193))).toBe(`${long('a')}${long('b')}c`);
    expect(queue.length).toBe(4095);
    expect(queue.take(0)).toHaveLength(0);
  });

  it('copies into memory as far as there are bytes', () => {
    const target = Buffer.alloc(5000);
    expect(queueOf(long('a'), 'bc').copyTo(target)).toBe(4098);
    expect(target.toString('latin1', 4094, 4099)).toBe('aabc\0');
  });

  it('joins small chunks, so that single bytes make no long lists', () => {
    const queue = queueOf(...Array.from({ length: 10_000 }, () => 'x'));
    expect(queue.length).toBe(10_000);
    expect(queue.takeSome(10_000).length).toBeGreaterThan(2048);
  });

  it.each([
    ['in one chunk', ['ab--cd'], 2],
    ['across two', [`${long('a')}-`, `-${long('b')}`], 4096],
    ['after a beginning that was none', ['a-b-c--'], 5],
    ['not there', [`${long('a')}-`, long('b'), '-'], -1],
    ['not whole', [`${long('a')}-`], -1],
  ])('finds a separator %s', (_, chunks, at) => {
    expect(queueOf(...chunks).indexOf(Buffer.from('--'), 0)).toBe(at);
  });

  it('searches from a place on', () => {
    const queue = queueOf('a-b-', long('c'), '-');
    expect([0, 1, 2, 4, 4100, 4101].map((from) => queue.indexOf(Buffer.from('-'), from))).toEqual([
      1, 1, 3, 4100, 4100, -1,
    ]);
  });

  it('agrees with Buffer at random', () => {
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 300; round++) {
      const queue = new ByteQueue();
      const parts = Array.from({ length: random(6) }, () => Buffer.alloc(random(3) * 2500 + 1 + random(3), 'ab'));
      for (const part of parts) queue.push(part);
      const all = Buffer.concat(parts);
      const separator = Buffer.from(['a', 'ba', 'aa', 'baa', 'abab'][random(5)]!);
      const from = random(all.length + 1);
      expect(queue.indexOf(separator, from)).toBe(all.indexOf(separator, from));
      const count = random(all.length + 1);
      expect(queue.take(count).equals(all.subarray(0, count))).toBe(true);
      expect(queue.take(queue.length).equals(all.subarray(count))).toBe(true);
    }
  });
});
