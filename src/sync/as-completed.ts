/** `asCompleted`: futures one by one, in the order in which they are done. */
import type { Iteration } from '../core/from-async-iterable.ts';
import type { Coroutine } from '../core/operation.ts';
import { Timeout } from '../core/timeout.ts';
import { iwait } from '../core/wait.ts';
import { type Completable, distinctFutures } from './completable.ts';

/** An `iwait` that throws when time is up. */
class Completions<F extends Completable> implements Iteration<F> {
  readonly #ready: Iteration<F>;
  readonly #timeout: number | null;
  readonly #size: number;
  #left: number;

  constructor(futures: Set<F>, timeout: number | null) {
    this.#ready = iwait(futures, { timeout });
    this.#timeout = timeout;
    this.#size = this.#left = futures.size;
  }

  *next(): Coroutine<IteratorResult<F, undefined>> {
    const step = yield* this.#ready.next();
    if (!step.done) this.#left--;
    else if (this.#left > 0) throw this.#timeIsUp();
    return step;
  }

  [Symbol.dispose](): void {
    this.#left = 0;
    this.#ready[Symbol.dispose]();
  }

  #timeIsUp(): Timeout {
    const error = new Timeout(
      this.#timeout,
      `asCompleted(): ${this.#left} of ${this.#size} not done after ${this.#timeout} ms`,
    );
    Error.captureStackTrace(error);
    this.#left = 0;
    return error;
  }
}

/**
 * Gives futures one by one as they are done: the futures themselves, whatever became of them. Those that are done already
 * come first, in input order; one that was given twice comes once. Greenlets and `AsyncResult`s may be among them; their
 * errors are not taken.
 *
 * Its `next()` suspends; a kill ends the wait and loses nothing. The time limit is that of the whole iteration and begins
 * with the first `next()`; when it is over, `next()` throws once and the iteration is at its end. `using` frees what it
 * holds when the loop is left early. Follows `concurrent.futures.as_completed`.
 *
 * @throws {Timeout} by `next()`: not all are done within `timeout` ms; 0 gives those that are done already
 * @throws {RangeError} `timeout` is negative or NaN
 * @example
 * ```ts
 * import { asCompleted, Future, getHub, run } from 'genlet';
 *
 * await run(function* () {
 *   const futures = [20, 1, 10].map((ms) => {
 *     const future = new Future<number>();
 *     getHub().callLater(ms, () => future.setResult(ms));
 *     return future;
 *   });
 *   using completed = asCompleted(futures, 1000);
 *   for (let step; !(step = yield* completed.next()).done; ) console.log(step.value.value);
 *   // => 1
 *   // => 10
 *   // => 20
 * });
 * ```
 */
export function asCompleted<F extends Completable>(futures: Iterable<F>, timeout?: number | null): Iteration<F> {
  return new Completions(distinctFutures('asCompleted()', futures), timeout ?? null);
}
