/** Raw switches: how control goes from one greenlet straight to another, and where it goes at an end. */
import { InvalidSwitchError, isExit } from './errors.ts';
import { NONE, State } from './greenlet-state.ts';
import { hub as importedHub } from './hub.ts';
import {
  BaseOperation,
  SWITCHING as importedSWITCHING,
  type Resumption,
  type Step,
  type WaitPoint,
} from './operation.ts';
import type { RawGreenlet } from './raw-greenlet.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const SWITCHING = importedSWITCHING;
const { FAILED, NEW, SWITCHED } = State;

const switchPoint: WaitPoint = { cancel() {}, describe: () => 'switch()' };

/** Sends the result of `child` to the nearest ancestor that lives, and gives that one to run next. @internal */
export function passUp(child: RawGreenlet, value: unknown, error: unknown): RawGreenlet | undefined {
  let heir = child.extras?.parent;
  for (; heir !== undefined; heir = heir.extras?.parent) {
    if (heir.dead) continue;
    if (heir.state !== NEW || error === NONE) break;
    heir.finish(FAILED); // unstarted: it never runs, and the error surfaces in its parent
    heir.slot = error;
  }
  if (heir === undefined) {
    if (error !== NONE) hub.handleError(error, child, 'greenlet');
    return undefined;
  }
  try {
    if (error === NONE) heir.accept([value]);
    else heir.acceptError(error);
    return heir;
  } catch (invalid) {
    if (error === NONE) hub.handleError(invalid, child, 'end of a greenlet');
    else heir.interrupt(error);
    return undefined;
  }
}

/** Suspends `me` and lets the driver go on with `target`. */
function leave(me: RawGreenlet, target: RawGreenlet): Step {
  me.state = SWITCHED;
  me.waitPoint = switchPoint;
  hub.target = target;
  return SWITCHING;
}

/** `greenlet.switch()`. @internal */
export class Switch extends BaseOperation<any> {
  readonly #target: RawGreenlet;
  readonly #args: unknown[];

  constructor(target: RawGreenlet, args: unknown[]) {
    super();
    this.#target = target;
    this.#args = args;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    const args = this.#args;
    const target = nearestAlive(this.#target);
    if (target === me) return hub.ready(args.length > 1 ? args : args[0]);
    target.accept(args);
    return leave(me, target);
  }

  describe(): string {
    return `${this.#target.name}.switch()`;
  }
}

/** `greenlet.throw()`. @internal */
export class Throw extends BaseOperation<any> {
  readonly #target: RawGreenlet;
  readonly #error: unknown;

  constructor(target: RawGreenlet, error: unknown) {
    super();
    this.#target = target;
    this.#error = error;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    const target = this.#target;
    const error = this.#error;
    if (target === me) throw error;
    if (!target.dead && target.frame !== null) {
      target.acceptError(error);
      return leave(me, target);
    }
    // Dead or not begun: the error surfaces in the parent chain, where an exit counts as a value.
    me.state = SWITCHED;
    me.waitPoint = switchPoint;
    const heir = !target.dead
      ? target.dieUnbegun(error)
      : isExit(error)
        ? passUp(target, error, NONE)
        : passUp(target, undefined, error);
    if (heir === undefined) return me.yieldTurn();
    hub.target = heir;
    return SWITCHING;
  }

  describe(): string {
    return `${this.#target.name}.throw()`;
  }
}

function nearestAlive(greenlet: RawGreenlet): RawGreenlet {
  let at: RawGreenlet | undefined = greenlet;
  while (at?.dead) at = at.extras?.parent;
  if (at === undefined)
    throw new InvalidSwitchError(`can't switch to ${greenlet.name}: it is dead, and so are its parents`);
  return at;
}
