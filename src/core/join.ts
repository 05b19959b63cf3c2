/** Waiting for the end of a greenlet, and for its result. */
import { notePerformed } from './dev.ts';
import { InvalidSwitchError } from './errors.ts';
import type { Greenlet } from './greenlet.ts';
import { State } from './greenlet-state.ts';
import { hub as importedHub } from './hub.ts';
import { Link } from './links.ts';
import { BaseOperation, type Resumption, type Step } from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { TimedWait } from './timed-wait.ts';
import { timedOut } from './timeout.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const { ENDED, FAILED } = State;

/** Wakes a greenlet that waits for another one's end. */
class Joiner extends Link {
  protected readonly waiter: RawGreenlet;

  constructor(waiter: RawGreenlet) {
    super();
    this.waiter = waiter;
  }

  notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    this.waiter.wake(undefined);
  }
}

/** Hands it the result as well. */
class ResultJoiner extends Joiner {
  override notify(greenlet: Greenlet<any>): void {
    this.removeFrom(greenlet);
    if (greenlet.state === FAILED) this.waiter.fail(greenlet.takeError());
    else this.waiter.wake(greenlet.slot);
  }
}

/** Blocks on a link to the end of another greenlet. */
abstract class JoinerCall<T> extends TimedWait<T> {
  protected readonly target: Greenlet<any>;
  #joiner: Joiner | undefined = undefined;

  constructor(target: Greenlet<any>, limit: number | undefined) {
    super(limit);
    this.target = target;
  }

  protected block(me: RawGreenlet, joiner: Joiner): Step {
    const step = hub.park(me, this);
    this.#joiner = joiner;
    this.target.addLink(joiner);
    this.startDeadline(me);
    return step;
  }

  cancel(): void {
    this.deadline?.cancel();
    this.#joiner!.removeFrom(this.target);
  }

  expire(me: RawGreenlet): void {
    this.#joiner!.removeFrom(this.target);
    this.giveUp(me);
  }

  /** Wakes a greenlet whose time is up, with what the call then gives or throws. */
  protected abstract giveUp(me: RawGreenlet): void;
}

/** `join`, and the waiting half of `kill`. @internal */
export class Join extends JoinerCall<void> {
  readonly #verb: string;

  constructor(target: Greenlet<any>, limit: number | undefined, verb: string) {
    super(target, limit);
    this.#verb = verb;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (me.principal === this.target) {
      me.checkInterrupts(); // its own kill
      throw new InvalidSwitchError(`${me.name} would wait for its own end for ever`);
    }
    return this.target.dead || this.limit === 0 ? hub.ready(undefined) : this.block(me, new Joiner(me));
  }

  protected giveUp(me: RawGreenlet): void {
    me.wake(undefined);
  }

  describe(): string {
    return `${this.target.name}.${this.#verb}()`;
  }
}

/** `get`. @internal */
export class Get<T> extends JoinerCall<T> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      this.deadline?.cancel();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { target } = this;
    if (target.state === ENDED) return hub.ready(target.slot);
    if (target.state === FAILED) return hub.refuse(target.takeError());
    if (me.principal === target) throw new InvalidSwitchError(`${me.name} would wait for its own result for ever`);
    if (this.limit === 0) return hub.refuse(timedOut(this.describe(), 0));
    return this.block(me, new ResultJoiner(me));
  }

  protected giveUp(me: RawGreenlet): void {
    me.fail(timedOut(this.describe(), this.limit!));
  }

  describe(): string {
    return `${this.target.name}.get()`;
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
