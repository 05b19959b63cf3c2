/**
 * The base of operations that call a function of Node with a callback, when they are performed and once. What Node does
 * then can't be interrupted: after a kill it goes on unheard.
 */
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step, type Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** What Node calls in the end; `more` is there for functions that give two values. @internal */
export type Callback = (error: Error | null | undefined, value?: any, more?: any) => void;

const WAITING = 0;
const DONE = 1;
const FAILED = 2;
const KILLED = 3;

/** @internal */
export abstract class CallbackCall<T> extends BaseOperation<T> {
  #waiter: RawGreenlet | undefined = undefined;
  #outcome: unknown = undefined;
  #state = WAITING;

  /** Calls the function. */
  protected abstract begin(callback: Callback): void;

  /** Makes the result from what Node gives. */
  protected abstract answer(value: any, more: any): T;

  /** Told of a kill, after which the callback may come or not. */
  protected abstract abandon(): void;

  /** The callback has come after a kill. */
  protected late(_error: Error | null | undefined, _value: any): void {}

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    this.begin(this.#settle);
    // Node may find the arguments to be enough of an answer, and call back at once.
    if (this.#state === DONE) return hub.ready(this.#outcome);
    if (this.#state === FAILED) throw this.#outcome;
    const step = hub.park(me, this);
    this.#waiter = me;
    hub.outside++;
    return step;
  }

  #settle: Callback = (error, value, more) => {
    if (this.#state === KILLED) {
      this.late(error, value);
      return;
    }
    this.#state = error ? FAILED : DONE;
    this.#outcome = error || this.answer(value, more);
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    hub.outside--;
    if (error) waiter.fail(error);
    else waiter.wake(this.#outcome);
  };

  cancel(): void {
    this.#state = KILLED;
    hub.outside--;
    this.abandon();
  }

  /** Node's errors have no stack, or that of its callback: they get that of the suspended coroutine. */
  override throw(error: unknown): IteratorResult<Suspension, T> {
    if (this.#state === FAILED && error === this.#outcome) Error.captureStackTrace(error as Error, this.throw);
    throw error;
  }
}
