/** How many items make a chunk: about as many as take 8 ms, and fewer towards the end, so that all workers end together. */
import type { Task } from './crew.ts';

/** The time that a chunk shall take, in microseconds: long beside a message, short beside the patience of a reader. */
const SPAN = 8000;
/** Not less than this, not even at the end. */
const LEAST_SPAN = 200;
/** Lists up to about this length lie where the collector takes garbage cheaply. */
const MOST_ITEMS = 4096;
/** What an item costs on its way there and back, in microseconds. */
const TRANSFER = 0.05;
/** No chunk has more than this many bytes, as far as that is known; nor have its results. */
const MOST_BYTES = 1 << 20;
/** Chunks for each worker that are on the way: one that runs, and one that follows. */
export const CHUNKS_AHEAD = 2;

/** How many of `left` items, of a task whose cost is known or not. @internal */
export function adaptedLength(task: Task, left: number, workers: number): number {
  const cost = task.cost >= 0 ? task.cost : task.single.average;
  if (cost < 0) return 1;
  const us = cost + TRANSFER;
  const share = Math.ceil(left / (CHUNKS_AHEAD * workers));
  const wanted = Math.max(Math.min(SPAN / us, share), Math.min(LEAST_SPAN / us, left), 1);
  return Math.floor(Math.min(wanted, MOST_ITEMS, Math.max(1, MOST_BYTES / task.resultSize)));
}

/** How many of the first `length` items may go in one message. @internal */
export function affordableLength(items: readonly unknown[], length: number): number {
  let bytes = 0;
  for (let i = 0; i < length; i++) {
    bytes += roughSize(items[i]);
    if (bytes > MOST_BYTES) return Math.max(i, 1);
  }
  return length;
}

/** The cost of a call was measured anew, in a chunk of so many. @internal */
export function noteCost(task: Task, us: number, values: readonly unknown[]): void {
  const cost = us / values.length;
  task.cost = task.cost < 0 ? cost : (task.cost + cost) / 2;
  task.resultSize = Math.max(roughSize(values[0]), roughSize(values.at(-1)));
}

/** About how many bytes a value has, without a look at what is deeper in it. */
function roughSize(value: unknown): number {
  if (typeof value === 'string') return value.length + 8;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength + 64;
  return Array.isArray(value) ? 16 * value.length + 64 : 64;
}
