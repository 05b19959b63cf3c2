/**
 * In the process of a service: who asks it from another process, through a channel.
 *
 * The service answers a request once. An answer that comes when the greenlet over there was killed goes back, so that
 * items and permits are not lost; so does one to a process that died before it could confirm it.
 */
import { packError } from '../packed-error.ts';
import type { ChannelEnd, Sink } from './channel-end.ts';
import { beheaded, commit, encode, type Frame, headed, sizeOf } from './frame.ts';
import { Request, type Service } from './request.ts';
import { Answer, ASK_LENGTH, Item, message, Op, WINDOW } from './service-wire.ts';

/** @internal */
export class RemoteClient implements Sink {
  readonly #service: Service;
  readonly #end: ChannelEnd;
  /** Not answered yet; and answered, but not confirmed. */
  readonly #waiting = new Map<number, RemoteRequest>();
  readonly #granted = new Map<number, { request: Request; value: unknown }>();
  /** Bytes that were pushed, and of which the other side does not know that they are taken. */
  #pushed = 0;

  constructor(service: Service, end: ChannelEnd) {
    this.#service = service;
    this.#end = end;
  }

  frame(frame: Frame): void {
    const parts = beheaded(frame, ASK_LENGTH);
    if (parts === undefined) return;
    const { head, body } = parts;
    const id = head.readUInt32LE(1);
    switch (head[0]) {
      case Op.CALL: {
        const number = head.readDoubleLE(6);
        const request = new RemoteRequest(this, id, head[5]!, Number.isNaN(number) ? undefined : number, body);
        this.#waiting.set(id, request);
        this.#service.serve(request);
        break;
      }
      case Op.PUSH:
        this.#service.serve(new RemoteRequest(this, 0, head[5]!, undefined, body));
        this.#pushed += sizeOf(body);
        if (this.#pushed >= WINDOW / 4) this.#grant();
        break;
      case Op.CANCEL:
        if (this.#waiting.get(id)?.withdraw()) {
          this.#waiting.delete(id);
          this.#end.send(headed(message(Answer.VALUE, id))); // each call has an answer
        }
        break;
      case Op.TAKEN:
        this.#granted.delete(id);
        break;
      case Op.RETURN:
        this.#takeBack(id, body);
        break;
      case Op.ATTACH:
        for (const end of body.ends) end.attach(new RemoteClient(this.#service, end));
        break;
    }
  }

  /** Ends of channels that it carried have moved to the other process, and come back with it. */
  #takeBack(id: number, body?: Frame): void {
    const granted = this.#granted.get(id);
    if (granted === undefined) return;
    this.#granted.delete(id);
    const value = body !== undefined && body.ends.length > 0 ? new Item(body) : granted.value;
    this.#service.takeBack(granted.request, value);
  }

  #grant(): void {
    this.#end.grant(this.#pushed);
    this.#pushed = 0;
  }

  answer(request: RemoteRequest, value: unknown): void {
    const { id } = request;
    if (id === 0) return; // it was pushed, and nobody waits
    this.#waiting.delete(id);
    if (value === true || value instanceof Item) this.#granted.set(id, { request, value });
    if (value instanceof Item) this.#end.send(headed(message(Answer.ITEM, id), value.frame));
    else if (typeof value === 'number') this.#end.send(headed(message(Answer.NUMBER, id, 0, value)));
    else {
      const kind = value === undefined ? Answer.VALUE : value ? Answer.TRUE : Answer.FALSE;
      this.#end.send(headed(message(kind, id)));
    }
  }

  refuse(request: RemoteRequest, error: unknown): void {
    this.#waiting.delete(request.id);
    this.#end.send(headed(message(Answer.ERROR, request.id), commit(encode(packError(error)))));
  }

  credit(): void {}

  end(): void {
    for (const request of this.#waiting.values()) request.withdraw();
    this.#waiting.clear();
    // The last first, for each goes to the front.
    for (const id of [...this.#granted.keys()].reverse()) this.#takeBack(id);
    this.#service.lose(this);
    this.#end.close();
  }

  /** For reports on who holds a lock. */
  toString(): string {
    return 'another process';
  }
}

class RemoteRequest extends Request {
  readonly id: number;
  declare readonly client: RemoteClient;

  constructor(client: RemoteClient, id: number, method: number, limit: number | undefined, item: Frame) {
    super(client, method, limit, item);
    this.id = id;
  }

  protected answer(value: unknown): void {
    this.client.answer(this, value);
  }

  protected refuse(error: unknown): void {
    this.client.refuse(this, error);
  }

  /** In real time, in which the other process lives; it does not keep this one alive. */
  protected startTimer(ms: number, fire: () => void): { cancel(): void } {
    const timer = setTimeout(fire, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }
}
