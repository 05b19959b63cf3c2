/** The base of what processes share by name: the object itself lives where it was made, and handles to it elsewhere. */
import { InvalidStateError } from '../../core/errors.ts';
import { CROSS, type Parcel, registerCrossing } from '../crossing.ts';
import type { Broker } from './broker.ts';
import type { ChannelEnd } from './channel-end.ts';
import { LocalBroker } from './local-broker.ts';
import { RemoteBroker } from './remote-broker.ts';
import type { Service } from './request.ts';

/** The channel of the handle that is just being built, because it arrived from another process. */
let arriving: ChannelEnd | undefined;

/** The base of `Queue`, `Lock`, `Semaphore` and `Event` between processes. */
export abstract class ProcessObject {
  #broker: Broker;
  #closed = false;
  readonly #kind: string;
  readonly #data: unknown;

  /** @internal */
  constructor(kind: string, data: unknown, makeService: () => Service) {
    this.#kind = kind;
    this.#data = data;
    this.#broker = arriving === undefined ? new LocalBroker(makeService()) : new RemoteBroker(arriving);
    arriving = undefined;
  }

  /** @internal */
  get broker(): Broker {
    if (this.#closed) throw new InvalidStateError(`this ${this.#kind} was closed in this process`);
    return this.#broker;
  }

  /** @internal */
  [CROSS](): Parcel {
    const { broker } = this;
    return { kind: this.#kind, data: this.#data, end: () => broker.extend() };
  }

  /** @internal */
  protected closeHere(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#broker.close();
  }
}

/** `build` makes a handle from the data that its constructor gave to `ProcessObject`. @internal */
export function registerObject<D>(kind: string, build: (data: D) => ProcessObject): void {
  registerCrossing(kind, (data: D, end) => {
    arriving = end;
    return build(data);
  });
}
