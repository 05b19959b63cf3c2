/** A coroutine that yielded something of its own. */
import { isGenerator, show } from './check.ts';
import { BaseOperation } from './operation.ts';

/** What to say to a coroutine that yielded something of its own, `result` being the iterator result. @internal */
export function strangeYield(result: unknown): Error {
  const { value } = result as IteratorYieldResult<unknown>;
  const hint =
    value instanceof BaseOperation
      ? `write yield* ${value.describe()}, with a star`
      : isGenerator(value)
        ? 'write yield* before the call, with a star'
        : isGreenlet(value)
          ? 'write yield* greenlet, with a star, to wait for its value'
          : typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
            ? 'write yield* until(promise) to wait for a promise'
            : 'a coroutine suspends by yield* on an operation; to let others run write yield* sleep(0)';
  return new TypeError(`a coroutine yielded ${show(value)}: ${hint}`);
}

const isGreenlet = (value: unknown): boolean => typeof value === 'object' && value !== null && 'rawlink' in value;
