/**
 * The greenlet that does what somebody at the other end of a connection has asked for, in the name of a greenlet there: it
 * holds the locks that are acquired. The hub does not wait for it, as little as for the connection.
 */
import { GreenletExit, isExit } from '../../core/errors.ts';
import { State } from '../../core/greenlet-state.ts';
import { hub } from '../../core/hub.ts';
import { RawGreenlet } from '../../core/raw-greenlet.ts';

/** A greenlet of another process. @internal */
export class Owner {
  readonly name: string;
  /** What it may hold. */
  readonly held = new Set<object>();
  /** Calls that are made for it. */
  calls = 0;
  dead = false;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return `<${this.name}>`;
  }
}

/** Is told how the call has ended. */
type Settle = (outcome: unknown, hasFailed: boolean) => void;

/** @internal */
export class CallGreenlet extends RawGreenlet {
  readonly #owner: Owner | undefined;
  readonly #settle: Settle;
  /** Nobody waits for it any more. */
  canceled = false;

  constructor(fn: () => unknown, owner: Owner | undefined, settle: Settle) {
    super(fn, null);
    this.#owner = owner;
    this.#settle = settle;
  }

  override get principal(): RawGreenlet {
    return this.#owner === undefined ? this : (this.#owner as unknown as RawGreenlet);
  }

  /** Runs until it first blocks, so that calls begin in the order in which they came. */
  runNow(): void {
    const parent = hub.current;
    const { nest } = hub;
    this.state = State.READY;
    hub.nest = nest + 1;
    this.turn(parent);
    hub.nest = nest;
    hub.current = parent;
  }

  /** Takes the call back: what it waits for goes to others. */
  cancel(): void {
    this.canceled = true;
    this.interrupt(new GreenletExit());
  }

  override ended(value: unknown): undefined {
    this.finish(State.ENDED);
    this.#settle(value, false);
  }

  override failed(error: unknown): undefined {
    this.finish(isExit(error) ? State.ENDED : State.FAILED);
    this.#settle(error, true);
  }
}
