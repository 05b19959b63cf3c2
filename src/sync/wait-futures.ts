/** `waitFutures`: several futures, until the first or all of them are done. */
import { checkOptions, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { hub } from '../core/hub.ts';
import { BaseOperation, type Coroutine, type Operation, type Resumption, type Step } from '../core/operation.ts';
import { iwait } from '../core/wait.ts';
import { type Completable, distinctFutures } from './completable.ts';
import { Future } from './future.ts';

/** `waitFutures` is over when any future is done or cancelled. */
export const FIRST_COMPLETED = 'FIRST_COMPLETED';
/** `waitFutures` is over when any future has failed; if none does, when all are done. */
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION';
/** `waitFutures` is over when all futures are done or cancelled. */
export const ALL_COMPLETED = 'ALL_COMPLETED';

/** When `waitFutures` is over. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** Options of `waitFutures`. */
export interface WaitFuturesOptions {
  /** What to wait for; `ALL_COMPLETED` by default. */
  returnWhen?: ReturnWhen;
  /** How long to wait, in milliseconds; 0 only looks. */
  timeout?: number | null;
}

/** What `waitFutures` gives: each future is in one of the two, in input order. */
export interface DoneAndNotDone<F> {
  /** Those that had a result or an error, or were cancelled. */
  readonly done: Set<F>;
  /** The others. */
  readonly notDone: Set<F>;
}

/**
 * Waits until the first or all of several futures are done, or `timeout` milliseconds are over, and tells which are done
 * at that moment. It never throws for a time limit or an error, and takes nothing. A cancelled future is done, but has
 * not failed. Greenlets and `AsyncResult`s may be among them; a killed greenlet has not failed.
 *
 * Suspends unless it is over from the beginning; a kill ends the wait. Follows `concurrent.futures.wait`.
 *
 * @throws {RangeError} `timeout` is negative or NaN, or `returnWhen` is none of the three
 * @example
 * ```ts
 * import { FIRST_COMPLETED, Future, getHub, run, waitFutures } from 'genlet';
 *
 * await run(function* () {
 *   const [quick, slow] = [new Future<string>(), new Future<string>()];
 *   getHub().callLater(1, () => quick.setResult('quick'));
 *   const { done, notDone } = yield* waitFutures([quick, slow], { returnWhen: FIRST_COMPLETED });
 *   console.log(done.has(quick), notDone.has(slow)); // => true true
 * });
 * ```
 */
export function waitFutures<F extends Completable>(
  futures: Iterable<F>,
  options: WaitFuturesOptions = {},
): Operation<DoneAndNotDone<F>> {
  const distinct = distinctFutures('waitFutures()', futures);
  checkOptions(options, '{ timeout: milliseconds } or { returnWhen: FIRST_COMPLETED }');
  const isEnough = rules.get(options.returnWhen ?? ALL_COMPLETED);
  if (isEnough === undefined) {
    const names = [...rules.keys()].join(', ');
    throw new RangeError(`returnWhen is ${show(options.returnWhen)}: give one of ${names}`);
  }
  return composite('waitFutures()', waitUntil(distinct, isEnough, checkTimeout(options.timeout)));
}

function* waitUntil<F extends Completable>(
  futures: Set<F>,
  isEnough: (future: Completable) => boolean,
  timeout: number | undefined,
): Coroutine<DoneAndNotDone<F>> {
  const pending = [...futures].filter((future) => !future.ready());
  const isOver = [...futures].some((future) => future.ready() && isEnough(future));
  if (!isOver && timeout !== 0) {
    using ready = iwait(pending, { timeout: timeout ?? null });
    for (let step: IteratorResult<F, undefined>; !(step = yield* ready.next()).done; ) {
      if (isEnough(step.value)) break;
    }
  }
  return yield* new Look(futures);
}

/** Looks which futures are done. An operation, so that a loop of calls that need not wait gives way now and then. */
class Look<F extends Completable> extends BaseOperation<DoneAndNotDone<F>> {
  readonly #futures: Set<F>;

  constructor(futures: Set<F>) {
    super();
    this.#futures = futures;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      resumed.value = this.#look();
      return resumed;
    }
    hub.self(this, arguments.length);
    return hub.ready(this.#look());
  }

  #look(): DoneAndNotDone<F> {
    const done = new Set<F>();
    const notDone = new Set<F>();
    for (const future of this.#futures) (future.ready() ? done : notDone).add(future);
    return { done, notDone };
  }

  describe(): string {
    return 'waitFutures()';
  }
}

const hasFailed = (future: Completable): boolean =>
  !future.successful() && !(future instanceof Future && future.cancelled());

/** By `returnWhen`: whether a future that is done makes the wait end, before all are. */
const rules: ReadonlyMap<string, (future: Completable) => boolean> = new Map([
  [FIRST_COMPLETED, () => true],
  [FIRST_EXCEPTION, hasFailed],
  [ALL_COMPLETED, () => false],
]);
