/** Turns what a function returned into a frame to run, where it is something to wait for. */
import { BaseOperation, type Coroutine, type Operation } from './operation.ts';
import { until } from './until.ts';

/**
 * A coroutine that waits for `made` if it is an operation, a greenlet or a promise; `undefined` for a plain value.
 * So `spawn(sleep, 100)` sleeps, and `spawn(asyncFunction)` ends with the promise's value.
 * @internal
 */
export function perform(made: unknown): Coroutine<unknown> | undefined {
  if (typeof made !== 'object' || made === null) return undefined;
  if (made instanceof BaseOperation || isGreenlet(made)) return wait(made as Operation<unknown>);
  if (typeof (made as PromiseLike<unknown>).then === 'function') return wait(until(made as PromiseLike<unknown>));
  return undefined;
}

const isGreenlet = (made: object): boolean => 'rawlink' in made && Symbol.iterator in made;

function* wait(operation: Operation<unknown>): Coroutine<unknown> {
  return yield* operation;
}

/** Calls `fn` in the current greenlet and waits for what it returns, whatever kind of function it is. @internal */
export function* callAndWait(fn: () => unknown): Coroutine<any> {
  const made = fn();
  const isCoroutine = typeof (made as Generator | undefined)?.throw === 'function';
  const frame = isCoroutine ? (made as Coroutine<unknown>) : perform(made);
  return frame === undefined ? made : yield* frame;
}
