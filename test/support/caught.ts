import { type Coroutine, isExit, type Operation, spawn } from 'genlet';

/** What an operation throws. */
export function* caught(operation: Iterable<any>): Coroutine<any> {
  try {
    yield* operation as Operation<unknown>;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** A greenlet that ends with what `call` gives or throws. */
export const attempt = (call: () => Operation<unknown>) =>
  spawn(function* () {
    try {
      return yield* call();
    } catch (error) {
      if (isExit(error)) throw error;
      return error;
    }
  });
