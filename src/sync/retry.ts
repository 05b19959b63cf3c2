/**
 * `retry`: calling something until it succeeds.
 *
 * A kill or a timeout of the caller must never be taken for a failure of the call, whatever error it brings, while a time
 * limit inside the call is one. The errors don't tell: both may be a `Timeout`, or any error that was given instead. So
 * each call runs in a greenlet of its own, in the name of the caller: what is thrown there is the call's, and what is
 * thrown into the caller, which waits for it, comes from outside, and is passed on to where the call is suspended.
 */
import { checkCallback, checkDuration, checkFunction, checkInteger, checkTimeout, show } from '../core/check.ts';
import { composite } from '../core/dev.ts';
import { isExit, LoopExit } from '../core/errors.ts';
import { Greenlet } from '../core/greenlet.ts';
import { hub } from '../core/hub.ts';
import type { Coroutine, Operation, Outcome } from '../core/operation.ts';
import { callAndWait } from '../core/perform.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';
import { sleep } from '../core/sleep.ts';
import { startNow } from '../core/spawn.ts';
import { Timeout, withTimeout } from '../core/timeout.ts';

/** A pause that gets longer with each failure. */
export interface Backoff {
  /** The first pause in milliseconds. */
  initial: number;
  /** By how much each pause is longer than the one before: 2 by default, at least 1. */
  factor?: number;
  /** The longest pause in milliseconds; no limit by default. */
  max?: number;
}

/** How `retry` goes about it. */
export interface RetryPolicy {
  /** How often the function is called at most, the first call included: 3 by default, `Infinity` for no limit. */
  attempts?: number;
  /** The pause between two calls: so many milliseconds each time, or growing. 0 by default, which lets others run. */
  backoff?: number | Backoff;
  /**
   * What part of each pause is random, from 0 (none, the default) to 1 (all of it, as `true`): with 0.5, a pause of 100 ms
   * becomes one of 50 to 100. It keeps clients that failed together from coming back together.
   */
  jitter?: number | boolean;
  /** How long one call may take, in milliseconds; a `Timeout` is thrown into it then, and it counts as failed. */
  timeout?: number | null;
  /** Whether to go on after this error; by default always. Not asked after the last attempt. It must not suspend. */
  retryIf?: (error: unknown, attempt: number) => boolean;
  /** Told of each failure after which `retry` goes on, before the pause of `delay` milliseconds. It must not suspend. */
  onRetry?: (error: unknown, attempt: number, delay: number) => void;
  /** The source of jitter: a number from 0 up to 1. `Math.random` by default. */
  random?: () => number;
}

/**
 * Calls `fn(attempt)`, with 1, 2, 3 and so on, until it gives a result, which is the result of `retry`. It may be a
 * coroutine function, a plain or an async one. Suspends as `fn` does, and during the pauses. Follows tenacity's `retry`
 * and `p-retry`.
 *
 * What comes from outside is no failure of the call: a kill, or a timeout of the caller, is thrown into `fn` where it is
 * suspended, and ends the retrying, whatever its error is. A `GreenletExit` that `fn` throws itself does so too. A time
 * limit inside `fn` that is exceeded (of a `get`, by `withTimeout`, by `timeout`) is a failure as any other. To limit the
 * time of all attempts together, put `withTimeout` around `retry`.
 *
 * Each call runs in a greenlet of its own, which has the caller's name, its locks, and its values of a `GreenletLocal`.
 *
 * @throws the very error of the last attempt, or the one after which `retryIf` said no
 * @throws {RangeError} a number of the policy makes no sense
 * @example
 * ```ts
 * import { retry, run } from 'genlet';
 *
 * await run(function* () {
 *   const answer = yield* retry(
 *     async (attempt) => {
 *       if (attempt < 3) throw new Error('busy');
 *       return 'here you are';
 *     },
 *     {
 *       attempts: 5,
 *       backoff: { initial: 2, factor: 3, max: 1000 },
 *       onRetry: (error, attempt, delay) => console.log(`${attempt}: ${(error as Error).message}, again in ${delay} ms`),
 *     },
 *   );
 *   console.log(answer);
 *   // => 1: busy, again in 2 ms
 *   // => 2: busy, again in 6 ms
 *   // => here you are
 * });
 * ```
 */
export function retry<R>(fn: (attempt: number) => R, policy: RetryPolicy = {}): Operation<Outcome<R>> {
  checkFunction('function', fn);
  return composite('retry()', callUntilDone(fn, new Plan(policy)));
}

/** A policy that has been checked, with its defaults. */
class Plan {
  readonly attempts: number;
  readonly timeout: number | undefined;
  readonly retryIf: (error: unknown, attempt: number) => boolean;
  readonly onRetry: (error: unknown, attempt: number, delay: number) => void;
  readonly #factor: number;
  readonly #max: number;
  readonly #jitter: number;
  readonly #random: () => number;
  #pause: number;

  constructor(policy: RetryPolicy) {
    if (typeof policy !== 'object' || policy === null) {
      throw new TypeError(`policy is ${show(policy)}: give an object such as { attempts: 5, backoff: 100 }`);
    }
    const { attempts = 3, backoff = 0, jitter = 0, retryIf = always, onRetry = nothing, random = Math.random } = policy;
    this.attempts = attempts === Number.POSITIVE_INFINITY ? attempts : checkInteger('attempts', attempts, 1);
    this.timeout = checkTimeout(policy.timeout);
    checkCallback('retryIf', retryIf);
    this.retryIf = retryIf;
    checkCallback('onRetry', onRetry);
    this.onRetry = onRetry;
    checkCallback('random', random);
    this.#random = random;
    this.#jitter = Number(jitter);
    if (!(this.#jitter >= 0 && this.#jitter <= 1)) throw new RangeError(`jitter is ${show(jitter)}: give 0 to 1`);
    const isGrowing = typeof backoff === 'object' && backoff !== null;
    const {
      initial,
      factor = 2,
      max = Number.POSITIVE_INFINITY,
    } = isGrowing ? backoff : { initial: backoff, factor: 1 };
    this.#pause = checkDuration(isGrowing ? 'backoff.initial' : 'backoff', initial);
    if (!(factor >= 1)) throw new RangeError(`backoff.factor is ${show(factor)}: give a number, 1 or more`);
    this.#factor = factor;
    this.#max = checkDuration('backoff.max', max);
  }

  /** How long to wait this time. */
  nextDelay(): number {
    const pause = Math.min(this.#pause, this.#max);
    this.#pause = pause * this.#factor;
    return this.#jitter === 0 ? pause : pause * (1 - this.#jitter * this.#random());
  }
}

const always = (): boolean => true;
const nothing = (): void => {};

function* callUntilDone<R>(fn: (attempt: number) => R, plan: Plan): Coroutine<Outcome<R>> {
  const me = hub.self({ describe: () => 'retry()' });
  for (let number = 1; ; number++) {
    const attempt = new Attempt(me, () => fn(number), plan.timeout);
    const wasInterrupted = yield* endOf(attempt, me);
    const outcome = attempt.outcome ?? { error: attempt.takeError() }; // it was killed before it began
    if ('value' in outcome) return outcome.value;
    const { error } = outcome;
    const isOver = wasInterrupted || isExit(error) || number >= plan.attempts;
    if (isOver || !plan.retryIf(error, number)) throw error;
    const delay = plan.nextDelay();
    plan.onRetry(error, number, delay);
    yield* sleep(delay);
  }
}

/** Waits for an attempt and passes on to it what `me` is interrupted with; tells whether that reached it. */
function* endOf(attempt: Attempt<any>, me: RawGreenlet): Coroutine<boolean> {
  let isInterrupted = false;
  startNow(attempt);
  while (!attempt.dead) {
    try {
      yield* attempt.join();
    } catch (error) {
      isInterrupted = true;
      attempt.passOn(error);
    }
  }
  attempt.takeError();
  for (const error of attempt.missed) postpone(error, me);
  return isInterrupted && attempt.missed.length === 0;
}

/**
 * Throws at the next suspension what came when the attempt was about to end, so that nothing is lost that the attempt was
 * given. What a `Timeout` throws instead of itself can't wait: the timeout could not take it back.
 */
function postpone(error: unknown, me: RawGreenlet): void {
  const source = error instanceof Timeout ? error : undefined;
  if (source === undefined && !isExit(error) && error !== me.extras?.killed) throw error;
  me.interrupt(error, me.extras?.shields, source);
}

/** One call, in the name of who retries. */
class Attempt<R> extends Greenlet<void> {
  /** What the call gave or threw; `undefined` if it never began. */
  outcome: { readonly value: Outcome<R> } | { readonly error: unknown } | undefined = undefined;
  /** What was passed on too late. */
  readonly missed: unknown[] = [];
  readonly #caller: RawGreenlet;
  readonly #call: () => R;
  readonly #timeout: number | undefined;

  constructor(caller: RawGreenlet, call: () => R, timeout: number | undefined) {
    super();
    this.#caller = caller;
    this.#call = call;
    this.#timeout = timeout;
    this.daemon = caller.daemon;
  }

  override *run(): Coroutine<void> {
    const call = this.#call;
    try {
      const value = yield* this.#timeout === undefined ? callAndWait(call) : withTimeout(this.#timeout, call);
      this.outcome = { value };
    } catch (error) {
      this.outcome = { error };
      throw error;
    } finally {
      for (const { error } of this.extras?.interrupts ?? []) this.missed.push(error);
    }
  }

  /** Throws into the call what the caller was interrupted with. */
  passOn(error: unknown): void {
    if (this.dead) this.missed.push(error);
    // Only this passes shields: nothing else could end the wait inside of one.
    else if (error instanceof LoopExit) this.interrupt(error, Number.POSITIVE_INFINITY);
    else this.sendKill(error);
  }

  override get principal(): RawGreenlet {
    return this.#caller.principal;
  }

  override get name(): string {
    return this.#caller.name;
  }

  override set name(name: string) {
    this.#caller.name = name;
  }
}
