/** The kernel's primitive in its public form, and Node's callbacks built on it. */
import { checkCallback } from './check.ts';
import { hub } from './hub.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

/** Resumes a suspended greenlet, once. Both forms tell whether they had an effect: a late one, after a kill, has none. */
export interface Resumer<T> {
  /** Resumes it with a value. */
  (value: T): boolean;
  /** Resumes it by throwing `error` into it. */
  throw(error: unknown): boolean;
}

/** Takes back what `register` has set up; called when the wait is interrupted, and never after a resume. */
export type Cancel = () => void;

const WAITING = 0;
const RESUMED = 1;
const THROWN = 2;
const CANCELLED = 3;

class Suspend<T> extends BaseOperation<T> {
  readonly #register: (resume: Resumer<T>) => Cancel | undefined | void;
  readonly #name: string;
  #cancel: Cancel | undefined;
  #outcome: unknown;
  #state = WAITING;
  #waiter: RawGreenlet | undefined;

  constructor(register: (resume: Resumer<T>) => Cancel | undefined | void, name: string) {
    super();
    this.#register = register;
    this.#name = name;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    const resume: Resumer<T> = (value) => this.#settle(RESUMED, value);
    resume.throw = (error) => this.#settle(THROWN, error);
    hub.current = me.runner;
    try {
      const cancel = this.#register(resume);
      if (typeof cancel === 'function') this.#cancel = cancel;
    } catch (error) {
      this.#state = CANCELLED;
      throw error;
    } finally {
      hub.current = me;
    }
    if (this.#state === RESUMED) return hub.ready(this.#outcome);
    if (this.#state === THROWN) throw this.#outcome;
    this.#waiter = me;
    hub.outside++;
    try {
      return hub.park(me, this);
    } catch (killed) {
      this.cancel(); // `register` killed its own greenlet
      throw killed;
    }
  }

  #settle(state: number, outcome: unknown): boolean {
    if (this.#state !== WAITING) return false;
    this.#state = state;
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#outcome = outcome;
      return true;
    }
    hub.outside--;
    if (state === RESUMED) waiter.wake(outcome);
    else waiter.fail(outcome);
    return true;
  }

  cancel(): void {
    this.#state = CANCELLED;
    hub.outside--;
    try {
      this.#cancel?.();
    } catch (error) {
      hub.handleError(error, undefined, `the cancel hook of ${this.#name}`);
    }
  }

  override get selectable(): boolean {
    return true;
  }

  describe(): string {
    return this.#name;
  }
}

/**
 * Suspends the current greenlet until `resume(value)` or `resume.throw(error)` is called: what every blocking call is
 * made of, for authors of their own. `register` is called at once; it may resume on the spot, and may return a function
 * that takes everything back, which a kill or timeout calls before it throws. A resume that comes too late gives
 * `false`: dispose then of what it would have delivered.
 *
 * @throws whatever `register` throws, or `resume.throw` was given
 * @example
 * ```ts
 * import { run, suspend } from 'genlet';
 *
 * const tick = (ms: number) =>
 *   suspend<string>((resume) => {
 *     const timer = setTimeout(() => resume('tick'), ms);
 *     return () => clearTimeout(timer);
 *   });
 *
 * await run(function* () {
 *   console.log(yield* tick(2)); // => tick
 * });
 * ```
 */
export function suspend<T>(register: (resume: Resumer<T>) => Cancel | undefined | void): Operation<T> {
  checkCallback('register', register);
  return new Suspend(register, register.name === '' ? 'suspend()' : `suspend(${register.name})`);
}

/**
 * Waits for a function that takes a Node-style callback: `register` gets `(error, value) => void` and passes it on.
 * Suspends; a kill drops the result, or calls the function that `register` returned, if any. Follows `util.promisify`.
 *
 * @throws the error that the callback is given
 * @example
 * ```ts
 * import { stat, type Stats } from 'node:fs';
 * import { fromCallback, run } from 'genlet';
 *
 * await run(function* () {
 *   const stats = yield* fromCallback<Stats>((done) => stat('.', done));
 *   console.log(stats.isDirectory()); // => true
 * });
 * ```
 */
export function fromCallback<T = void>(
  register: (callback: (error: unknown, value?: T) => void) => unknown,
): Operation<T> {
  checkCallback('register', register);
  const adapt = (resume: Resumer<T>): Cancel | undefined => {
    const cancel = register((error, value) => {
      if (error === undefined || error === null) resume(value as T);
      else resume.throw(error);
    });
    return typeof cancel === 'function' ? (cancel as Cancel) : undefined;
  };
  return new Suspend(adapt, 'fromCallback()');
}
