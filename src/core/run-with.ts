/** A storage context for a body that suspends. */
import { type AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { checkFunction, show } from './check.ts';
import { composite } from './dev.ts';
import { hub } from './hub.ts';
import {
  BaseOperation,
  type Coroutine,
  type Operation,
  type Outcome,
  type Resumption,
  type Step,
  SWITCHING,
} from './operation.ts';
import { callAndWait } from './perform.ts';

/**
 * Runs `fn` with `value` in `storage`, across suspensions; afterwards the greenlet has its former context again.
 * `storage.run(value, coroutineFunction)` can't do that: it ends at the first `yield`. Suspends as `fn` does.
 * Follows `AsyncLocalStorage.run`.
 *
 * @example
 * ```ts
 * import { AsyncLocalStorage } from 'node:async_hooks';
 * import { run, runWith, sleep } from 'genlet';
 *
 * const request = new AsyncLocalStorage<string>();
 * await run(function* () {
 *   yield* runWith(request, 'request 7', function* () {
 *     yield* sleep(0);
 *     console.log(request.getStore()); // => request 7
 *   });
 *   console.log(request.getStore()); // => undefined
 * });
 * ```
 */
export function runWith<V, R>(storage: AsyncLocalStorage<V>, value: V, fn: () => R): Operation<Outcome<R>> {
  if (typeof storage?.run !== 'function') throw new TypeError(`storage is ${show(storage)}: give an AsyncLocalStorage`);
  checkFunction('function', fn);
  return composite('runWith()', within(storage, value, fn));
}

/** Leaves the greenlet's turn and comes straight back, now in the context that was set. It never suspends. */
class Reenter extends BaseOperation<void> {
  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    hub.target = hub.self(this, arguments.length);
    return SWITCHING;
  }

  describe(): string {
    return 'runWith()';
  }
}

function* within<V>(storage: AsyncLocalStorage<V>, value: V, fn: () => unknown): Coroutine<any> {
  const me = hub.self({ describe: () => 'runWith()' });
  const extras = me.extra();
  const { context } = extras;
  extras.context = storage.run(value, () => new AsyncResource('genlet'));
  try {
    yield* new Reenter();
    return yield* callAndWait(fn);
  } finally {
    extras.context = context;
    yield* new Reenter();
  }
}
