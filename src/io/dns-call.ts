/** One call of a function of `node:dns` as an operation: it starts when it is performed, and ends once. */
import { type Callback, CallbackCall } from './callback-call.ts';

/** What is called, and how its answer is given. @internal */
export interface DnsQuestion<T> {
  /** The call as reports show it: `dns.lookup(localhost)`. */
  readonly text: string;
  /** Calls the function of Node. */
  readonly ask: (callback: Callback) => void;
  /** Takes it back, where that is possible; a late answer is dropped in any case. */
  readonly stop?: (() => void) | undefined;
  /** Makes the result from what Node gives. */
  readonly answer: (value: any, more: any) => T;
}

/** @internal */
export class DnsCall<T> extends CallbackCall<T> {
  readonly #question: DnsQuestion<T>;

  constructor(question: DnsQuestion<T>) {
    super();
    this.#question = question;
  }

  protected begin(callback: Callback): void {
    this.#question.ask(callback);
  }

  protected answer(value: any, more: any): T {
    return this.#question.answer(value, more);
  }

  protected abandon(): void {
    this.#question.stop?.();
  }

  override get selectable(): boolean {
    return true;
  }

  describe(): string {
    return this.#question.text;
  }
}
