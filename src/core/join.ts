/** Waiting for the end of a greenlet, and for its result. */
import type { Deadline } from './deadline.ts';
import { notePerformed } from './dev.ts';
import { InvalidSwitchError } from './errors.ts';
import type { Greenlet } from './greenlet.ts';
import { State } from './greenlet-state.ts';
import { hub as importedHub } from './hub.ts';
import { Link } from './links.ts';
import { BaseOperation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { timedOut } from './timeout.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const { ENDED, FAILED } = State;

/** Wakes a greenlet that waits for another one's end; hands it the result if it asked for that. */
class Joiner extends Link {
  readonly #waiter: RawGreenlet;
  readonly #wantsResult: boolean;

  constructor(waiter: RawGreenlet, wantsResult: boolean) {
    super();
    this.#waiter = waiter;
    this.#wantsResult = wantsResult;
  }

  notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    if (!this.#wantsResult) this.#waiter.wake(undefined);
    else if (greenlet.state === FAILED) this.#waiter.fail(greenlet.takeError());
    else this.#waiter.wake(greenlet.slot);
  }
}

/** `join`, and the waiting half of `kill`. @internal */
export class Join extends BaseOperation<void> {
  readonly #target: Greenlet<any>;
  readonly #timeout: number | undefined;
  readonly #verb: string;
  #joiner: Joiner | undefined;
  #deadline: Deadline | undefined;

  constructor(target: Greenlet<any>, timeout: number | undefined, verb: string) {
    super();
    this.#target = target;
    this.#timeout = timeout;
    this.#verb = verb;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (me.principal === this.#target) {
      me.checkInterrupts(); // its own kill
      throw new InvalidSwitchError(`${me.name} would wait for its own end for ever`);
    }
    if (this.#target.dead || this.#timeout === 0) return hub.ready(undefined);
    const step = hub.park(me, this);
    this.#joiner = new Joiner(me, false);
    this.#target.addLink(this.#joiner);
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  cancel(): void {
    this.#deadline?.cancel();
    this.#joiner!.removeFrom(this.#target);
  }

  expire(me: RawGreenlet): void {
    this.#joiner!.removeFrom(this.#target);
    me.wake(undefined);
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#target.name}.${this.#verb}()`;
  }
}

/** `get`. @internal */
export class Get<T> extends BaseOperation<T> {
  readonly #target: Greenlet<T>;
  readonly #timeout: number | undefined;
  #joiner: Joiner | undefined;
  #deadline: Deadline | undefined;

  constructor(target: Greenlet<T>, timeout: number | undefined) {
    super();
    this.#target = target;
    this.#timeout = timeout;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.#deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const target = this.#target;
    if (target.state === ENDED) return hub.ready(target.slot);
    if (target.state === FAILED) throw target.takeError();
    if (me.principal === (target as RawGreenlet))
      throw new InvalidSwitchError(`${me.name} would wait for its own result for ever`);
    if (this.#timeout === 0) throw timedOut(this.describe(), 0);
    const step = hub.park(me, this);
    this.#joiner = new Joiner(me, true);
    target.addLink(this.#joiner);
    if (this.#timeout !== undefined) this.#deadline = hub.deadline(me, this, this.#timeout);
    return step;
  }

  cancel(): void {
    this.#deadline?.cancel();
    this.#joiner!.removeFrom(this.#target);
  }

  expire(me: RawGreenlet): void {
    this.#joiner!.removeFrom(this.#target);
    me.fail(timedOut(this.describe(), this.#timeout!));
  }

  override throw(error: unknown): never {
    this.#deadline?.cancel();
    throw error;
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#target.name}.get()`;
  }
}

/** What `yield*` performs on a greenlet that has returned: nothing to keep, so one serves all. @internal */
class Returned extends BaseOperation<any> {
  value: unknown = undefined;

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    hub.self(this, arguments.length);
    const { value } = this;
    this.value = undefined;
    return hub.ready(value);
  }

  override get repeatable(): boolean {
    return true;
  }

  describe(): string {
    return 'greenlet.get()';
  }
}

/** @internal */
export const returned: Returned = new Returned();
notePerformed(returned);
