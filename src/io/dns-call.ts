/** One call of a function of `node:dns` as an operation: it starts when it is performed, and ends once. */
import { hub as importedHub } from '../core/hub.ts';
import { BaseOperation, type Resumption, type Step, type Suspension } from '../core/operation.ts';
import type { RawGreenlet } from '../core/raw-greenlet.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** What Node calls in the end; `more` is there for functions that give two values. @internal */
export type DnsCallback = (error: Error | null | undefined, value?: any, more?: any) => void;

/** What is called, and how its answer is given. @internal */
export interface DnsQuestion<T> {
  /** The call as reports show it: `dns.lookup(localhost)`. */
  readonly text: string;
  /** Calls the function of Node. */
  readonly ask: (callback: DnsCallback) => void;
  /** Takes it back, where that is possible; a late answer is dropped in any case. */
  readonly stop?: (() => void) | undefined;
  /** Makes the result from what Node gives. */
  readonly answer: (value: any, more: any) => T;
}

const WAITING = 0;
const DONE = 1;
const FAILED = 2;
const KILLED = 3;

/** @internal */
export class DnsCall<T> extends BaseOperation<T> {
  readonly #question: DnsQuestion<T>;
  #waiter: RawGreenlet | undefined = undefined;
  #outcome: unknown = undefined;
  #state = WAITING;

  constructor(question: DnsQuestion<T>) {
    super();
    this.#question = question;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    this.#question.ask(this.#settle);
    // Node calls back later; what somebody has put in its place may not.
    if (this.#state === DONE) return hub.ready(this.#outcome);
    if (this.#state === FAILED) throw this.#outcome;
    const step = hub.park(me, this);
    this.#waiter = me;
    hub.outside++;
    return step;
  }

  #settle: DnsCallback = (error, value, more) => {
    if (this.#state === KILLED) return;
    this.#state = error ? FAILED : DONE;
    this.#outcome = error || this.#question.answer(value, more);
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    hub.outside--;
    if (error) waiter.fail(error);
    else waiter.wake(this.#outcome);
  };

  cancel(): void {
    this.#state = KILLED;
    hub.outside--;
    this.#question.stop?.();
  }

  /** Node's errors have the stack of its callback: they get that of the suspended coroutine. */
  override throw(error: unknown): IteratorResult<Suspension, T> {
    if (this.#state === FAILED && error === this.#outcome) Error.captureStackTrace(error as Error, this.throw);
    throw error;
  }

  override get selectable(): boolean {
    return true;
  }

  describe(): string {
    return this.#question.text;
  }
}
