/**
 * How a greenlet's frames are run.
 *
 * `frame` is the innermost generator, which the hub resumes; below it, in `extras.frames`, lie those that called it through
 * `coroutine()` functions. Switches, returns and errors are handled in one loop, so no chain of them, however long, grows
 * the native stack.
 */
import {
  generatorReturn,
  generatorNext as importedGeneratorNext,
  generatorThrow as importedGeneratorThrow,
  isGenerator,
} from './check.ts';
import { contexts, rootContext } from './context.ts';
import { DEV, notePerformed } from './dev.ts';
import { State } from './greenlet-state.ts';
import { hub as importedHub } from './hub.ts';
import {
  BOUNCE as importedBOUNCE,
  RESULT as importedRESULT,
  SUSPENDED as importedSUSPENDED,
  SWITCHING as importedSWITCHING,
} from './operation.ts';
import { perform } from './perform.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import { strangeYield } from './strange-yield.ts';
import { trace } from './trace.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const RESULT = importedRESULT;
const SUSPENDED = importedSUSPENDED;
const SWITCHING = importedSWITCHING;
const BOUNCE = importedBOUNCE;
const generatorNext = importedGeneratorNext;
const generatorThrow = importedGeneratorThrow;
const { BLOCKED, RUNNING, SWITCHED, THROWING } = State;

/** Runs `greenlet` until it suspends or ends, and so on with each one that control is handed to. @internal */
export function drive(greenlet: RawGreenlet, returnTo: RawGreenlet | undefined): void {
  let running: RawGreenlet | undefined = greenlet;
  do running = hub.observed ? observedStep(running) : step(running);
  while (running !== undefined);
  if (hub.tracer !== undefined) trace('switch', returnTo);
}

/** One step with its storage context entered and the tracer told. */
function observedStep(me: RawGreenlet): RawGreenlet | undefined {
  if (hub.tracer !== undefined) trace(me.state === THROWING ? 'throw' : 'switch', me);
  const context = me.extras?.context ?? rootContext;
  return contexts.used ? context.runInAsyncScope(step, undefined, me) : step(me);
}

/** Resumes the innermost frame; gives the greenlet to switch to, if any. */
function step(me: RawGreenlet): RawGreenlet | undefined {
  const { nest } = hub;
  let throwing = me.state === THROWING;
  hub.current = me;
  hub.switches++;
  me.state = RUNNING;
  for (;;) {
    const { frame, slot } = me;
    me.slot = undefined;
    let result: IteratorResult<unknown, unknown>;
    try {
      if (throwing) {
        throwing = false;
        if (frame === null) throw slot;
        result = generatorThrow.call(frame, slot);
      } else if (frame !== null) {
        RESULT.value = slot;
        result = generatorNext.call(frame, RESULT);
      } else result = enter(me, slot);
    } catch (error) {
      hub.nest = nest;
      if (me.state !== RUNNING) abandonWait(me);
      if (!popFrame(me)) return me.failed(error);
      throwing = true;
      me.slot = error;
      continue;
    }
    if (result === SUSPENDED) return undefined;
    if (result.done === true) {
      if (me.state !== RUNNING) {
        throwing = true;
        me.slot = abandonWait(me, undefined, frame!);
      } else if (popFrame(me)) me.slot = result.value;
      else return me.ended(result.value);
    } else if (result === SWITCHING) {
      const { target } = hub;
      hub.target = undefined;
      return target;
    } else if (result !== BOUNCE) {
      throwing = true;
      me.slot = strangeYield(result);
    }
  }
}

/** First turn: only now is the generator made, so that a greenlet in the queue costs no frame. */
function enter(me: RawGreenlet, args: unknown[] | undefined): IteratorResult<unknown, unknown> {
  const { fn } = me;
  const made = args === undefined ? fn() : args.length === 1 ? fn(args[0]) : fn(...args);
  const frame = isGenerator(made) ? made : perform(made);
  if (frame === undefined) return { done: true, value: made };
  if (DEV) notePerformed(frame);
  me.frame = frame;
  return generatorNext.call(frame, undefined);
}

/** Goes back to the frame that called the one which has ended; `false` if there is none. */
function popFrame(me: RawGreenlet): boolean {
  const frames = me.extras?.frames;
  if (frames === undefined || frames.length === 0) return false;
  me.frame = frames.pop()!;
  return true;
}

/**
 * An operation suspended the greenlet, and yet it runs on: it was iterated by something other than `yield*`. Undoes
 * the suspension and gives the error that says so. `top` is the frame that runs on, if it is known.
 * @internal
 */
export function abandonWait(
  me: RawGreenlet,
  operation?: { describe(): string },
  top?: Generator<any, any, any>,
): TypeError {
  const name = (me.waitPoint ?? operation)?.describe() ?? 'an operation';
  if (me.state !== RUNNING) leaveWait(me);
  closeStaleFrames(me, top);
  return new TypeError(
    `${name} was iterated by something other than yield* (a spread, for...of, destructuring, Array.from): write yield* ${name}`,
  );
}

/** Undoes a suspension of any kind. */
function leaveWait(me: RawGreenlet): void {
  if (me.state === BLOCKED) me.waitPoint!.cancel(me as never);
  else if (me.state === SWITCHED) hub.target = undefined;
  else hub.unpush(me);
  me.waitPoint = null;
  me.slot = undefined;
  me.state = RUNNING;
}

/** Ends the frames that `coroutine()` calls left above the one that is really running. */
function closeStaleFrames(me: RawGreenlet, top: Generator<any, any, any> | undefined): void {
  const frames = me.extras?.frames ?? [];
  while (frames.length > 0 && me.frame !== top) {
    try {
      generatorReturn.call(me.frame!, undefined);
      if (me.state !== RUNNING) leaveWait(me);
    } catch (error) {
      if (error instanceof TypeError && /already running/.test(error.message)) return;
      hub.handleError(error, me, 'closing a frame');
    }
    me.frame = frames.pop()!;
  }
}
