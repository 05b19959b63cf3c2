/** `setTrace`. */
import { show } from './check.ts';
import { contexts } from './context.ts';
import { State } from './greenlet-state.ts';
import { hub } from './hub.ts';
import type { RawGreenlet } from './raw-greenlet.ts';
import type { Tracer } from './scheduler.ts';

const { THROWING } = State;

/** Calls the tracer; one that throws is removed, and its error lands in the target. @internal */
export function trace(event: 'switch' | 'throw', target: RawGreenlet | undefined): void {
  const { origin, tracer } = hub;
  hub.origin = target;
  try {
    tracer!(event, origin, target);
  } catch (error) {
    hub.tracer = undefined;
    hub.observed = contexts.used;
    if (target === undefined) hub.handleError(error, undefined, 'tracer');
    else {
      target.slot = error;
      target.state = THROWING;
    }
  }
}

/**
 * Installs a function that sees every switch and throw between greenlets, ends included; `undefined` as origin or
 * target is the hub. It runs inside the switch and must not block. A tracer that throws is removed, and its error lands
 * in the target. Gives the tracer that was installed before. Follows `greenlet.settrace`.
 *
 * @example
 * ```ts
 * import { RawGreenlet, run, setTrace } from 'genlet';
 *
 * await run(function* () {
 *   const child = new RawGreenlet(() => 'done');
 *   child.name = 'child';
 *   setTrace((event, origin, target) => console.log(event, 'to', target === child ? 'child' : 'main'));
 *   yield* child.switch();
 *   setTrace(undefined);
 *   // => switch to child
 *   // => switch to main
 * });
 * ```
 */
export function setTrace(tracer: Tracer | undefined): Tracer | undefined {
  if (tracer !== undefined && typeof tracer !== 'function')
    throw new TypeError(`tracer is ${show(tracer)}: give a function`);
  const before = hub.tracer;
  hub.tracer = tracer;
  hub.observed = contexts.used || tracer !== undefined;
  hub.origin = hub.current;
  return before;
}
