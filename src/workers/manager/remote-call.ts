/** A call of an object of a manager: the one blocking call under all methods of proxies. */
import { hub as importedHub } from '../../core/hub.ts';
import { BaseOperation, type Resumption, type Step, type Suspension } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { Event } from '../../sync/event.ts';
import { addAwaited } from '../packed-error.ts';
import type { ManagerLink, RemoteObject } from './manager-link.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** @internal */
export class RemoteCall<T> extends BaseOperation<T> {
  readonly #link: ManagerLink;
  readonly #target: RemoteObject | undefined;
  readonly #method: string;
  readonly #args: readonly unknown[];
  #id = -1;
  #greenlet: RawGreenlet | undefined;
  #failure: unknown;

  /** Set when the manager has taken back a call that was interrupted. */
  settled: Event | undefined = undefined;
  readonly #convert: ((result: any) => T) | undefined;

  /** Without a `target` it makes an object of the type `method`. */
  constructor(
    link: ManagerLink,
    target: RemoteObject | undefined,
    method: string,
    args: readonly unknown[],
    convert?: (result: any) => T,
  ) {
    super();
    this.#convert = convert;
    this.#link = link;
    this.#target = target;
    this.#method = method;
    this.#args = args;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      if (this.#convert !== undefined) resumed.value = this.#convert(resumed.value);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    me.checkInterrupts();
    this.#id = this.#link.ask(this, this.#target, me.principal.id, this.#method, this.#args);
    this.#greenlet = me;
    return hub.park(me, this);
  }

  /** The answer has come. */
  succeed(value: unknown): void {
    this.#greenlet!.wake(value);
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#greenlet!.fail(error);
  }

  /** Whether a kill or timeout has ended the wait. */
  interrupted = false;

  cancel(): void {
    this.interrupted = true;
    this.#link.forget(this.#id, this.settled);
  }

  override throw(error: unknown): IteratorResult<Suspension, T> {
    if (error === this.#failure) addAwaited(error, new Error().stack);
    throw error;
  }

  describe(): string {
    return this.#target === undefined
      ? `Manager.${this.#method}()`
      : `${this.#target.type}.${this.#method}() of a manager`;
  }
}
