/** The way to a service, as those who ask it see it. */
import { hub as importedHub } from '../../core/hub.ts';
import { BaseOperation, type Operation, type Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import type { ChannelEnd } from './channel-end.ts';
import { decode } from './frame.ts';
import { holdLinks } from './links.ts';
import { Item } from './service-wire.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** @internal */
export interface Call {
  readonly method: number;
  /** For reports: `Queue.get()`. */
  readonly name: string;
  readonly limit: number | undefined;
  readonly item?: { readonly value: unknown } | undefined;
  /** The method that asks for the same, if there is more than enough; its answers may be taken by any such call. */
  readonly ahead?: number;
}

/** The way to a service. @internal */
export interface Broker {
  /** Asks and waits for the answer. */
  ask(call: Call): Operation<any>;
  /** Asks at once; who wants may wait for the answer. */
  tell(call: Call): Operation<any>;
  /** As `ask`; doesn't wait for the answer while little is on its way. */
  push(call: Call): Operation<any>;
  /** A channel to the service, for another process. */
  extend(): ChannelEnd;
  close(): void;
}

/** A call of which the greenlet waits for the end. @internal */
export abstract class BrokerCall extends BaseOperation<any> {
  protected readonly call: Call;
  protected me: RawGreenlet | undefined;
  #held = false;

  constructor(call: Call) {
    super();
    this.call = call;
  }

  protected block(me: RawGreenlet): Step {
    const step = hub.park(me, this);
    this.me = me;
    this.#held = true;
    holdLinks(1);
    return step;
  }

  protected letGo(): void {
    this.me = undefined;
    if (!this.#held) return;
    this.#held = false;
    holdLinks(-1);
  }

  cancel(_me: RawGreenlet): void {
    this.letGo();
    this.withdraw();
  }

  override throw(error: unknown): never {
    this.letGo();
    throw error;
  }

  protected abstract withdraw(): void;

  describe(): string {
    return this.call.name;
  }
}

/** The value of an answer: an item is decoded by who gets it. @internal */
export const itemOf = (value: unknown): unknown => (value instanceof Item ? decode(value.frame) : value);
