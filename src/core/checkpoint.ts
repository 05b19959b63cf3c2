/** Where a call that is written as a coroutine begins: it then behaves as other operations, though it may not block. */
import { hub as importedHub } from './hub.ts';
import { BaseOperation, type Resumption, type Step } from './operation.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** Checks that there is a greenlet, lets a pending kill arrive, and gives way when the slice is over. @internal */
export class Checkpoint extends BaseOperation<void> {
  readonly #call: string;

  constructor(call: string) {
    super();
    this.#call = call;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    hub.self(this, arguments.length);
    return hub.ready(undefined);
  }

  describe(): string {
    return this.#call;
  }
}
