/** Protecting a piece of work from being killed. */
import { checkFunction } from './check.ts';
import { composite } from './dev.ts';
import { hub } from './hub.ts';
import type { Coroutine, Operation, Outcome } from './operation.ts';
import { callAndWait } from './perform.ts';

/**
 * Runs `fn` in the current greenlet, where no kill and no timeout from outside the shield reaches it; what came
 * meanwhile is thrown when `fn` has ended, and its result is lost then. Timeouts that `fn` starts itself work. Only
 * `LoopExit` passes. Suspends as `fn` does. Follows asyncio's `shield` and trio's shielded scopes.
 *
 * @example
 * ```ts
 * import { run, shield, sleep, spawn } from 'genlet';
 *
 * await run(function* () {
 *   const saver = spawn(function* () {
 *     yield* shield(function* () {
 *       yield* sleep(2);
 *       console.log('saved');
 *     });
 *     console.log('never reached');
 *   });
 *   yield* sleep(0);
 *   yield* saver.kill(); // => saved
 * });
 * ```
 */
export function shield<R>(fn: () => R): Operation<Outcome<R>> {
  checkFunction('function', fn);
  return composite('shield()', shielded(fn));
}

function* shielded(fn: () => unknown): Coroutine<any> {
  const me = hub.owner({ describe: () => 'shield()' });
  const extras = me.extra();
  extras.shields++;
  try {
    return yield* callAndWait(fn);
  } finally {
    extras.shields--;
    me.checkInterrupts();
  }
}
