/** What the conformance tests of locks share. */
import { type Coroutine, type Greenlet, joinall, type Operation, spawn } from 'genlet';
import { hub } from '../support/hub.ts';

/** Spawns `count` greenlets that run the same body. */
export function crowd(count: number, body: (index: number) => Operation<unknown> | unknown): Greenlet[] {
  return Array.from({ length: count }, (_, index) => spawn(body as (index: number) => unknown, index)) as Greenlet[];
}

/** Runs `body` in `count` greenlets, waits for their end, and throws what the first of them threw. */
export function* together(count: number, body: (index: number) => Operation<unknown> | unknown): Coroutine<void> {
  yield* joinall(crowd(count, body), { raiseError: true });
}

/** What `operation` gives, or the error that it throws. */
export function* outcome(operation: Operation<unknown>): Coroutine<unknown> {
  try {
    return yield* operation;
  } catch (error) {
    return error;
  }
}

/** What `operation` gives, and how many milliseconds it took. */
export function* timed<T>(operation: Operation<T>): Coroutine<[T, number]> {
  const begun = hub.now();
  return [yield* operation, hub.now() - begun];
}
