/** What the conformance tests of queues share. */
import { type Coroutine, LifoQueue, type Operation, PriorityQueue, Queue, spawnLater } from 'genlet';
import { expect } from 'vitest';
import { hub } from '../support/hub.ts';

export type JoinableQueueClass = new <T>(maxsize?: number | null) => Queue<T>;

/** The queues with tasks, by name. */
export const joinableQueues: [string, JoinableQueueClass][] = Object.entries({ Queue, LifoQueue, PriorityQueue });

/** What `operation` gives, or the class of what it throws. */
export function* outcome(operation: Operation<unknown>): Coroutine<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return (error as Error).constructor;
  }
}

/** As `outcome`, of a plain call. */
export function outcomeNow(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as Error).constructor;
  }
}

/** What `operation` gives, which must block until `trigger` has run, 100 ms later. */
export function* unclogged<T>(operation: Operation<T>, trigger: () => Operation<unknown>): Coroutine<T> {
  const due = hub.now() + 100;
  const triggered = spawnLater(100, trigger);
  try {
    return yield* operation;
  } finally {
    expect(hub.now()).toBe(due);
    yield* triggered;
  }
}
