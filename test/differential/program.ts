/** What the programs share. The log writes a value as `python/run.py` writes its counterpart. */
import { type Coroutine, type Greenlet, type Iteration, type Operation, type SimpleQueue, sleep } from 'genlet';

/** Appends an event that is made of values. */
export type Log = (...items: unknown[]) => void;

/** Programs by name; each has a function of the same name in `python/`. */
export type Programs = Record<string, (log: Log) => Coroutine<void>>;

/** Stands for an error that only the program knows. */
export class KeyError extends Error {
  override name = 'KeyError';
}

/** A log, and the list that it appends to. */
export function makeLog(): { log: Log; events: string[] } {
  const events: string[] = [];
  return { events, log: (...items) => void events.push(items.map(show).join(' ')) };
}

function show(item: unknown): string {
  if (Array.isArray(item)) return `[${item.map(show).join(' ')}]`;
  return item instanceof Error ? item.name : String(item);
}

/** Calls `call` and logs what it gives, or what the operation gives that it returns, or the error. */
export function* attempt(log: Log, name: string, call: () => unknown): Coroutine<void> {
  try {
    const result = call();
    log(name, isOperation(result) ? yield* result : result);
  } catch (error) {
    log(name, error);
  }
}

function isOperation(value: unknown): value is Operation<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** All that an iteration gives. */
export function* listOf<T>(iteration: Iteration<T>): Coroutine<T[]> {
  using items = iteration;
  const list: T[] = [];
  for (let step: IteratorResult<T, undefined>; !(step = yield* items.next()).done; ) list.push(step.value);
  return list;
}

/** What `count` calls of `get()` give. */
export function* take<T>(queue: SimpleQueue<T>, count: number): Coroutine<T[]> {
  const items: T[] = [];
  while (items.length < count) items.push(yield* queue.get());
  return items;
}

/** Gives `value` after `ms` milliseconds. */
export function* after<T>(ms: number, value: T): Coroutine<T> {
  yield* sleep(ms);
  return value;
}

/** How a greenlet has ended. */
export function endingOf(g: Greenlet<unknown>): unknown[] {
  return [g.dead, g.ready(), g.successful(), g.value, g.exception];
}
