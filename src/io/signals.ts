/** `onSignal`: signals of the system, each delivery in a greenlet of its own. */
import { constants } from 'node:os';
import { checkFunction, show } from '../core/check.ts';
import { spawn } from '../core/spawn.ts';

/** A function that is called for signals, as `onSignal` returns it. */
export interface SignalHandle {
  /** Takes it back; greenlets that run already go on. A second call does nothing. */
  cancel(): void;
  /** Whether `cancel()` was called. */
  readonly cancelled: boolean;
  /** Makes `using` cancel it. */
  [Symbol.dispose](): void;
}

/** Those who want to hear of a signal. They share one listener: Node warns of more than ten on one emitter. */
class Audience {
  static readonly #all = new Map<NodeJS.Signals, Audience>();
  readonly #name: NodeJS.Signals;
  readonly #handles = new Set<Handler>();

  constructor(name: NodeJS.Signals) {
    this.#name = name;
  }

  static of(name: NodeJS.Signals): Audience {
    const audience = Audience.#all.get(name) ?? new Audience(name);
    Audience.#all.set(name, audience);
    return audience;
  }

  add(handle: Handler): void {
    if (this.#handles.size === 0) process.on(this.#name, this.#deliver);
    this.#handles.add(handle);
  }

  remove(handle: Handler): void {
    if (this.#handles.delete(handle) && this.#handles.size === 0) process.off(this.#name, this.#deliver);
  }

  #deliver = (): void => {
    for (const { fn } of this.#handles) spawn(fn, this.#name);
  };
}

class Handler implements SignalHandle {
  readonly fn: (name: NodeJS.Signals) => unknown;
  cancelled = false;
  readonly #audience: Audience;

  constructor(name: NodeJS.Signals, fn: (name: NodeJS.Signals) => unknown) {
    this.fn = fn;
    this.#audience = Audience.of(name);
    this.#audience.add(this);
  }

  cancel(): void {
    this.cancelled = true;
    this.#audience.remove(this);
  }

  [Symbol.dispose](): void {
    this.cancel();
  }
}

/**
 * Calls `fn(name)` in a new greenlet whenever the process gets the signal, until the handle is cancelled; several
 * functions in the order of their registration. As long as there is one, the signal does not do what it does by default,
 * such as to end the process. It does not keep the process alive. Acts at once, does not suspend, and may be called outside
 * a greenlet. Follows `gevent.signal_handler`.
 *
 * @throws {RangeError} there is no such signal, or it can't be handled (`SIGKILL`, `SIGSTOP`)
 * @example
 * ```ts
 * import { Event, run, sleep } from 'genlet';
 * import { onSignal } from 'genlet/io';
 *
 * await run(function* () {
 *   const reload = new Event();
 *   using handle = onSignal('SIGHUP', () => reload.set());
 *   process.kill(process.pid, 'SIGHUP');
 *   while (!reload.isSet()) yield* sleep(1);
 *   console.log('read the configuration again', handle.cancelled); // => read the configuration again false
 * });
 * ```
 */
export function onSignal(name: NodeJS.Signals, fn: (name: NodeJS.Signals) => unknown): SignalHandle {
  if (!Object.hasOwn(constants.signals, name)) {
    throw new RangeError(`signal is ${show(name)}: give the name of a signal, such as 'SIGHUP'`);
  }
  if (name === 'SIGKILL' || name === 'SIGSTOP') {
    throw new RangeError(
      `signal is ${show(name)}: the system lets nobody handle that; give another, such as 'SIGTERM'`,
    );
  }
  checkFunction('onSignal() target', fn);
  return new Handler(name, fn);
}
