/** Plain functions that the hub calls: `callSoon`, `callLater`, links. They stand in the ready queue beside the greenlets. */
import type { AsyncResource } from 'node:async_hooks';
import { captureContext, contexts, rootContext } from './context.ts';
import type { Scheduler } from './scheduler.ts';
import { Timer } from './timers.ts';

/** What stands in the hub's ready queue: a greenlet or a callback. @internal */
export interface Runnable {
  next: Runnable | null;
  /** Runs until it suspends or ends; never throws. */
  turn(): void;
}

/** A function that the hub is to call, as `callSoon`, `callLater` and `callAt` return it. */
export interface Handle {
  /** Takes the call back; nothing happens if it was made already. */
  cancel(): void;
  /** Whether `cancel()` came before the call. */
  readonly cancelled: boolean;
}

/** @internal */
export class Callback extends Timer implements Runnable, Handle {
  next: Runnable | null = null;
  cancelled = false;
  #hub: Scheduler;
  #call: (() => void) | undefined;
  #context: AsyncResource | undefined = captureContext();

  constructor(hub: Scheduler, call: () => void) {
    super();
    this.#hub = hub;
    this.#call = call;
  }

  cancel(): void {
    if (this.#call === undefined) return;
    this.cancelled = true;
    this.#call = undefined;
    this.#hub.timers.cancel(this);
  }

  fire(): void {
    this.#hub.push(this);
  }

  turn(): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    this.#hub.current = undefined;
    try {
      if (!contexts.used) call();
      else (this.#context ?? rootContext).runInAsyncScope(call);
    } catch (error) {
      this.#hub.handleError(error, undefined, 'hub callback');
    }
  }
}
