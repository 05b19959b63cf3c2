/** Waits for what Node's objects tell by events. */
import type { EventEmitter } from 'node:events';
import type { Operation } from '../../core/operation.ts';
import { AsyncResult } from '../../sync/async-result.ts';
import { Started } from './started.ts';

type Listener = (...args: any[]) => void;

/** What is waited for. @internal */
export interface Watch<T> {
  /** How it appears in reports. */
  readonly name: string;
  /** What the events mean; each calls `land` or throws away what it is told. */
  readonly events: (land: (error: unknown, value?: T) => void) => Record<string, Listener>;
  /** Called when the last one who waits for it is killed. */
  readonly cancel?: () => void;
}

/** Listens until one of the events has told the result. @internal */
export function watch<T>(emitter: EventEmitter, { name, events, cancel }: Watch<T>): Started<T> {
  const forget = (): void => {
    for (const [event, listener] of Object.entries(listeners)) emitter.off(event, listener);
  };
  const started = new Started<T>({
    name,
    over: forget,
    cancel: () => {
      forget();
      cancel?.();
    },
  });
  const listeners = events((error, value) => started.land(error, value));
  for (const [event, listener] of Object.entries(listeners)) emitter.on(event, listener);
  return started.depart();
}

/** A result that is there already. @internal */
export function already<T>(value: T): Operation<T> {
  const result = new AsyncResult<T>();
  result.set(value);
  return result;
}

/** An error that is there already. @internal */
export function failed(error: unknown): Operation<never> {
  const result = new AsyncResult<never>();
  result.setException(error);
  return result;
}

/** What waits for an object, made when it is first asked for; a new one once it was cancelled. @internal */
export class Watches<K extends object, T> {
  readonly #watches = new WeakMap<K, Started<T>>();
  readonly #make: (object: K) => Started<T>;
  readonly #isFinal: boolean;

  /** `isFinal`: what happens to an object happens once, so that it can be told again. */
  constructor(make: (object: K) => Started<T>, isFinal: boolean) {
    this.#make = make;
    this.#isFinal = isFinal;
  }

  /** Whether somebody waits for it, or has. */
  has(object: K): boolean {
    const watch = this.#watches.get(object);
    return watch !== undefined && !watch.cancelled() && (this.#isFinal || !watch.ready());
  }

  set(object: K, started: Started<T>): void {
    this.#watches.set(object, started);
  }

  of(object: K): Started<T> {
    if (!this.has(object)) this.set(object, this.#make(object));
    return this.#watches.get(object)!;
  }
}
