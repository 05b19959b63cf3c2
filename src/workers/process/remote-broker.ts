/** How a service is asked by greenlets of another process than its own. */
import { notePerformed } from '../../core/dev.ts';
import { EOFError } from '../../core/errors.ts';
import { hub as importedHub } from '../../core/hub.ts';
import type { Operation, Resumption, Step } from '../../core/operation.ts';
import { unpackError } from '../packed-error.ts';
import { type Broker, BrokerCall, type Call, itemOf } from './broker.ts';
import { ChannelEnd, type Sink } from './channel-end.ts';
import { beheaded, commit, type Draft, decode, encode, type Frame, headed, sizeOf } from './frame.ts';
import { ReadAhead } from './read-ahead.ts';
import { ANSWER_LENGTH, Answer, answerOf, Item, message, Op, WINDOW } from './service-wire.ts';

// A constant of this module, not an imported binding: see `State`.
const hub = importedHub;

const Kind = { ASK: 0, PUSH: 1, TELL: 2 } as const;

/** What waits for an answer. */
interface Pending {
  /** The bytes that it sent, for the account of what is on its way. */
  readonly size: number;
  /** Whether somebody takes it; `undefined` if that is not decided yet, or nobody need know. */
  answered(value: unknown, id: number): boolean | undefined;
  refused(error: unknown): void;
}

/** @internal */
export class RemoteBroker implements Broker, Sink, Pending {
  readonly #end: ChannelEnd;
  readonly #pending = new Map<number, Pending>();
  readonly #readAhead = new ReadAhead(this);
  /** The calls that wait for an item, whichever. */
  readonly #getting = new Set<RemoteCall>();
  #aheadMethod = 0;
  #lastId = 0;
  #ahead = 0;
  #lost: Error | undefined;

  constructor(end: ChannelEnd) {
    this.#end = end;
    end.attach(this);
  }

  ask(call: Call): Operation<any> {
    return new RemoteCall(this, call, Kind.ASK);
  }

  push(call: Call): Operation<any> {
    return new RemoteCall(this, call, Kind.PUSH);
  }

  tell(call: Call): Operation<any> {
    const operation = new RemoteCall(this, call, Kind.TELL);
    notePerformed(operation);
    operation.begin();
    return operation;
  }

  extend(): ChannelEnd {
    const [near, far] = ChannelEnd.pair();
    this.#end.send({ ...headed(message(Op.ATTACH, 0)), ends: [near] });
    return far;
  }

  close(): void {
    this.end(new EOFError('it was closed in this process'));
    this.#end.close();
  }

  // ---- for the calls

  /** Why nobody answers any more. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Whether a `push` need not wait. */
  get near(): boolean {
    return this.#ahead < WINDOW;
  }

  send(call: Call, operation: RemoteCall): number {
    if (call.ahead !== undefined) {
      this.#getting.add(operation);
      this.#aheadMethod = call.ahead;
    } else if (call.item === undefined) this.#readAhead.giveBack(); // it may ask how many items there are
    const draft: Draft | undefined = call.item === undefined ? undefined : encode(call.item.value);
    const body = draft === undefined ? undefined : commit(draft);
    const id = ++this.#lastId;
    this.#pending.set(id, operation);
    operation.size = body === undefined ? 0 : sizeOf(body);
    this.#ahead += operation.size;
    this.#end.send(headed(message(Op.CALL, id, call.method, call.limit), body));
    return id;
  }

  /** Sends an item, and waits for no answer. */
  pass({ method, item }: Call): void {
    const body = commit(encode(item!.value));
    this.#ahead += sizeOf(body);
    this.#end.send(headed(message(Op.PUSH, 0, method), body));
  }

  cancel(id: number, operation: RemoteCall): void {
    this.#getting.delete(operation);
    this.#end.send(headed(message(Op.CANCEL, id)));
  }

  // ---- items that nobody has asked for yet

  /** An item that is here already. */
  takeAhead(): Item | undefined {
    return this.#readAhead.take();
  }

  refill(): void {
    this.#readAhead.refill();
  }

  taken(): void {
    this.#readAhead.taken();
  }

  askAhead(): void {
    const id = ++this.#lastId;
    this.#pending.set(id, this);
    this.#end.send(headed(message(Op.CALL, id, this.#aheadMethod)));
  }

  confirm(id: number): void {
    this.#end.send(headed(message(Op.TAKEN, id)));
  }

  giveBack(id: number, { frame }: Item): void {
    this.#end.send(headed(message(Op.RETURN, id), frame.ends.length > 0 ? frame : undefined));
  }

  readonly size = 0;

  /** It came earlier than what those who wait have asked for, so the first of them takes it, and it has theirs. */
  answered(value: unknown, id: number): boolean | undefined {
    this.#readAhead.asked--;
    if (!(value instanceof Item)) {
      this.#readAhead.rest();
      return undefined;
    }
    this.#offer(id, value);
    return undefined;
  }

  #offer(id: number, item: Item): void {
    const [first] = this.#getting;
    if (first === undefined) {
      this.#readAhead.add(id, item);
      return;
    }
    this.#pending.set(first.id, this);
    this.#readAhead.asked++;
    this.#getting.delete(first);
    first.answered(item);
    this.confirm(id);
    this.cancel(first.id, first); // if it is answered already, that is one more item ahead
  }

  refused(): void {
    this.#readAhead.asked--;
  }

  // ---- as the sink of its end

  frame(frame: Frame): void {
    const parts = beheaded(frame, ANSWER_LENGTH);
    if (parts === undefined) return;
    const { head, body } = parts;
    const id = head.readUInt32LE(1);
    const operation = this.#pending.get(id);
    if (operation === undefined) {
      if (id === 0) hub.handleError(unpackError(decode(body) as never), undefined, 'what was sent in passing');
      return;
    }
    this.#pending.delete(id);
    this.#ahead -= operation.size;
    this.#getting.delete(operation as RemoteCall);
    if (head[0] === Answer.ERROR) {
      operation.refused(unpackError(decode(body) as never));
      return;
    }
    const wanted = operation.answered(answerOf(head, body), id);
    if (wanted === undefined || (head[0] !== Answer.TRUE && head[0] !== Answer.ITEM)) return;
    if (wanted) this.confirm(id);
    else if (head[0] === Answer.ITEM && this.#readAhead.busy) this.#offer(id, new Item(body));
    else this.giveBack(id, new Item(body));
  }

  credit(bytes: number): void {
    this.#ahead -= bytes;
  }

  end(reason: Error | undefined): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason ?? new EOFError('the process that made it has ended');
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    this.#getting.clear();
    for (const operation of calls) if (operation instanceof RemoteCall) operation.refused(operation.lostError());
  }
}

class RemoteCall extends BrokerCall implements Pending {
  size = 0;
  readonly #broker: RemoteBroker;
  readonly #kind: number;
  id = 0;
  #settled = false;
  #failed = false;
  #outcome: unknown;
  #unwanted = false;

  constructor(broker: RemoteBroker, call: Call, kind: number) {
    super(call);
    this.#broker = broker;
    this.#kind = kind;
  }

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) {
      const waited = this.me !== undefined;
      this.letGo();
      if (waited) resumed.value = itemOf(resumed.value);
      if (this.call.ahead !== undefined) this.#broker.taken();
      return resumed;
    }
    const me = hub.self(this, arguments.length);
    if (this.call.ahead !== undefined) {
      me.checkInterrupts();
      const item = this.#broker.takeAhead();
      if (item !== undefined) {
        this.#broker.refill();
        this.#broker.taken();
        return hub.ready(itemOf(item));
      }
    }
    if (this.id === 0) {
      me.checkInterrupts();
      if (this.#kind === Kind.PUSH && this.#broker.near) {
        if (this.#broker.lost !== undefined) throw this.lostError();
        this.#broker.pass(this.call);
        return hub.ready(undefined);
      }
      this.begin();
      if (this.call.ahead !== undefined) this.#broker.refill();
    }
    if (this.#failed) {
      this.#unwanted = true;
      return hub.refuse(this.#outcome);
    }
    return this.#settled ? hub.ready(this.#outcome) : this.block(me);
  }

  begin(): void {
    if (this.#broker.lost !== undefined) throw this.lostError();
    this.id = this.#broker.send(this.call, this);
  }

  /** Whether somebody takes it. */
  answered(value: unknown): boolean {
    this.#settled = true;
    this.#outcome = value;
    if (this.#unwanted) return false;
    this.me?.wake(value);
    return true;
  }

  refused(error: unknown): void {
    if (this.#unwanted) return;
    this.#failed = true;
    this.#outcome = error;
    if (this.me !== undefined) this.me.fail(error);
    else if (this.#broker.lost === undefined) hub.callSoon(() => this.#report());
  }

  /** Nobody waits for the answer of what was sent in passing, so the hub gets the error. */
  #report(): void {
    if (!this.#unwanted) hub.handleError(this.#outcome, undefined, this.call.name);
  }

  /** What was to happen in any case does happen. */
  protected withdraw(): void {
    if (this.#kind !== Kind.ASK) return;
    this.#unwanted = true;
    if (!this.#settled) this.#broker.cancel(this.id, this);
  }

  lostError(): Error {
    return new EOFError(`${this.call.name}: ${this.#broker.lost!.message}`, { cause: this.#broker.lost });
  }
}
