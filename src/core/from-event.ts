/** Waiting for an event. */
import type { EventEmitter } from 'node:events';
import { show } from './check.ts';
import type { Operation } from './operation.ts';
import { type Cancel, type Resumer, suspend } from './suspend.ts';

/** Options of `fromEvent`. */
export interface FromEventOptions {
  /** The event that fails the wait with its first argument: `'error'` by default; `false` for none. */
  error?: string | symbol | false;
  /** Aborting it fails the wait with its reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits until `emitter` emits `name`, once; gives the arguments as an array, or `[event]` of an `EventTarget`.
 * Suspends; a kill or timeout takes the listeners off. Follows `events.once`.
 *
 * @throws what the error event carries, or the signal's reason
 * @example
 * ```ts
 * import { EventEmitter } from 'node:events';
 * import { fromEvent, getHub, run } from 'genlet';
 *
 * await run(function* () {
 *   const emitter = new EventEmitter();
 *   getHub().callSoon(() => emitter.emit('data', 1, 2));
 *   console.log(yield* fromEvent<[number, number]>(emitter, 'data')); // => [ 1, 2 ]
 * });
 * ```
 */
export function fromEvent<A extends unknown[] = unknown[]>(
  emitter: EventEmitter | EventTarget,
  name: string | symbol,
  options: FromEventOptions = {},
): Operation<A> {
  const { error = 'error', signal } = options;
  const isTarget = typeof (emitter as EventTarget | undefined)?.addEventListener === 'function';
  if (!isTarget && typeof (emitter as EventEmitter | undefined)?.on !== 'function') {
    throw new TypeError(`emitter is ${show(emitter)}: give an EventEmitter or an EventTarget`);
  }
  return suspend(function event(resume: Resumer<A>): Cancel | undefined {
    if (signal?.aborted) {
      resume.throw(signal.reason);
      return;
    }
    const undo: Cancel[] = [];
    const leave: Cancel = () => {
      for (const takeOff of undo) takeOff();
    };
    const listen = (event: string | symbol, listener: (...args: any[]) => void): void => {
      const once = (...args: unknown[]) => {
        leave();
        listener(...args);
      };
      undo.push(attach(emitter, event, once));
    };
    listen(name, (...args) => resume(args as A));
    if (error !== false && error !== name) listen(error, (reason: unknown) => resume.throw(reason));
    if (signal !== undefined) {
      const abort = () => {
        leave();
        resume.throw(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      undo.push(() => signal.removeEventListener('abort', abort));
    }
    return leave;
  });
}

function attach(
  emitter: EventEmitter | EventTarget,
  name: string | symbol,
  listener: (...args: any[]) => void,
): Cancel {
  if ('addEventListener' in emitter) {
    emitter.addEventListener(name as string, listener);
    return () => emitter.removeEventListener(name as string, listener);
  }
  emitter.on(name, listener);
  return () => emitter.off(name, listener);
}
