/** How a service is asked by greenlets of its own process. */
import { notePerformed } from '../../core/dev.ts';
import { hub as importedHub } from '../../core/hub.ts';
import { BaseOperation, type Operation, type Resumption, type Step } from '../../core/operation.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { type Broker, BrokerCall, type Call, itemOf } from './broker.ts';
import { ChannelEnd } from './channel-end.ts';
import { commit, encode, type Frame } from './frame.ts';
import { RemoteClient } from './remote-client.ts';
import { Request, type Service } from './request.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

/** @internal */
export class LocalBroker implements Broker {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  ask(call: Call): Operation<any> {
    return new LocalCall(this.#service, this, call);
  }

  push(call: Call): Operation<any> {
    return new LocalCall(this.#service, this, call);
  }

  tell(call: Call): Operation<any> {
    const request = new LocalRequest(this, call, undefined);
    this.#service.serve(request);
    if (request.failed) throw request.outcome;
    return new Done(call, request.outcome);
  }

  extend(): ChannelEnd {
    const [near, far] = ChannelEnd.pair();
    near.attach(new RemoteClient(this.#service, near));
    return far;
  }

  close(): void {}
}

class LocalRequest extends Request {
  settled = false;
  failed = false;
  outcome: unknown;
  waiter: RawGreenlet | undefined;

  constructor(client: object, { method, limit }: Call, item: Frame | undefined) {
    super(client, method, limit, item);
  }

  protected answer(value: unknown): void {
    this.settled = true;
    this.outcome = value;
    this.waiter?.wake(value);
  }

  protected refuse(error: unknown): void {
    this.settled = this.failed = true;
    this.outcome = error;
    this.waiter?.fail(error);
  }

  protected startTimer(ms: number, fire: () => void): { cancel(): void } {
    return hub.callLater(ms, fire);
  }
}

class LocalCall extends BrokerCall {
  readonly #service: Service;
  readonly #client: object;
  #request: LocalRequest | undefined;

  constructor(service: Service, client: object, call: Call) {
    super(call);
    this.#service = service;
    this.#client = client;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      const waited = this.me !== undefined;
      this.letGo();
      if (waited) resumed.value = itemOf(resumed.value);
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    const { item } = this.call;
    const frame = item === undefined ? undefined : commit(encode(item.value));
    const request = new LocalRequest(this.#client, this.call, frame);
    this.#request = request;
    me.checkInterrupts();
    this.#service.serve(request);
    if (request.failed) return hub.refuse(request.outcome);
    if (request.settled) return hub.ready(itemOf(request.outcome));
    request.waiter = me;
    return this.block(me);
  }

  protected withdraw(): void {
    this.#request!.withdraw();
  }
}

class Done extends BaseOperation<any> {
  readonly #call: Call;
  readonly #outcome: unknown;

  constructor(call: Call, outcome: unknown) {
    super();
    this.#call = call;
    this.#outcome = outcome;
    notePerformed(this);
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    hub.self(this, arguments.length);
    return hub.ready(this.#outcome);
  }

  describe(): string {
    return this.#call.name;
  }
}
