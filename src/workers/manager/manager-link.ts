/**
 * A connection to a manager, seen from its proxies: the calls that wait for their answers, and the objects that are used.
 * All proxies in a process that belong to one manager share it.
 */
import { EOFError, InvalidStateError } from '../../core/errors.ts';
import type { Coroutine } from '../../core/operation.ts';
import { Event } from '../../sync/event.ts';
import { Lock } from '../../sync/lock.ts';
import { type PackedError, unpackError } from '../packed-error.ts';
import { Decoder, MalformedError } from './decoder.ts';
import type { FrameReceiver } from './frame-socket.ts';
import type { PackedObject } from './objects.ts';
import { Outbox } from './outbox.ts';
import { Answer, Ask, MANAGER, type Wire } from './protocol.ts';
import type { RemoteCall } from './remote-call.ts';

/** An object of a manager, as this process uses it. @internal */
export interface RemoteObject {
  readonly id: string;
  readonly type: string;
  readonly methods: readonly string[] | undefined;
  /** By what number the manager knows it on this connection. */
  readonly number: number;
  /** How often it was handed over to this process. */
  grants: number;
  /** Proxies of it here. */
  proxies: number;
  /** Whether a proxy was sent to another process, which may begin to use it at any time. */
  isShared: boolean;
}

/** How another process finds the manager. @internal */
export interface ManagerAddress {
  readonly address: { readonly path: string } | { readonly host: string; readonly port: number };
  readonly encrypt: boolean;
  readonly key: Uint8Array;
}

/** Makes a proxy of an object, and tells what a proxy stands for. @internal */
export interface ProxyMaker {
  make(link: ManagerLink, object: RemoteObject): object;
  packed(value: object, link: ManagerLink): PackedObject | undefined;
}

/** What stands for a call for which nobody waits any more. */
const FORGOTTEN = Symbol('forgotten');

/** @internal */
export class ManagerLink implements FrameReceiver {
  /** The manager itself. */
  readonly manager: RemoteObject = newObject({ id: '', type: 'Manager', methods: undefined }, MANAGER, 0);
  readonly #where: () => ManagerAddress | undefined;
  readonly #dial: (link: ManagerLink) => Coroutine<Wire>;
  readonly #proxies: ProxyMaker;
  readonly #dialing = new Lock();
  readonly #decoder: Decoder;
  #wire: Wire | undefined;
  #outbox: Outbox | undefined;
  readonly #calls: (RemoteCall<any> | Event | typeof FORGOTTEN | undefined)[] = [];
  readonly #freeIds: number[] = [];
  /** Numbers for objects that are being made, by the calls that make them. */
  readonly #making = new Map<RemoteCall<any>, number>();
  readonly #objects = new Map<string, RemoteObject>();
  /** The last number that was given to an object. */
  #numbers = MANAGER;
  #failure: Error | undefined;
  readonly #collected = new FinalizationRegistry<RemoteObject>((object) => this.leave(object));
  /** Called once, when it can't be used any more. */
  onEnd: (() => void) | undefined;

  /** `dial` connects, when the first call is made. */
  constructor(
    dial: (link: ManagerLink) => Coroutine<Wire>,
    proxies: ProxyMaker,
    where: () => ManagerAddress | undefined,
  ) {
    this.#dial = dial;
    this.#proxies = proxies;
    this.#where = where;
    this.#decoder = new Decoder({ pack: () => undefined, unpack: (packed) => this.#take(packed as PackedObject, 1) });
  }

  /** Whether calls can be made at once. */
  get ready(): boolean {
    return this.#wire !== undefined || this.#failure !== undefined;
  }

  /** How other processes find the manager; `undefined` if they can't. */
  get where(): ManagerAddress | undefined {
    return this.#where();
  }

  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** Connects, unless it is connected. Several may wait for that. */
  *connect(): Coroutine<void> {
    using _ = yield* this.#dialing.hold();
    if (this.ready) return;
    const wire = yield* this.#dial(this);
    if (this.broken) {
      wire.close();
      throw this.#failure!;
    }
    this.#wire = wire;
    this.#outbox = new Outbox(wire, { pack: (value) => this.#proxies.packed(value, this), unpack: () => undefined });
    for (const object of this.#objects.values()) this.#tell(object);
  }

  // ---- objects

  /** An object that somebody has named. */
  use(packed: PackedObject): RemoteObject {
    const { id } = packed;
    const known = this.#objects.get(id);
    if (known !== undefined) return known;
    const object = this.#add(packed, ++this.#numbers, 1);
    if (this.#wire !== undefined) this.#tell(object);
    return object;
  }

  #add(packed: PackedObject, number: number, grants: number): RemoteObject {
    const object = newObject(packed, number, grants);
    this.#objects.set(packed.id, object);
    return object;
  }

  #tell(object: RemoteObject): void {
    const encoder = this.#outbox!.open();
    encoder.byte(Ask.ATTACH);
    encoder.count(object.number);
    encoder.value(object.id, 'id');
    this.#outbox!.seal();
  }

  /** An object that the manager has handed over in a result, in which case it counts it. */
  #take(packed: PackedObject, grants: number): object {
    if (typeof packed?.id !== 'string' || typeof packed.type !== 'string') {
      throw new MalformedError('there is a proxy of nothing');
    }
    const known = this.#objects.get(packed.id);
    if (known !== undefined) known.grants += grants;
    const object = known ?? this.use(packed);
    if (known === undefined) object.grants += grants;
    return this.#proxies.make(this, object);
  }

  /** There is a proxy of it. */
  join(object: RemoteObject, proxy: object): void {
    object.proxies++;
    this.#collected.register(proxy, object, proxy);
  }

  /** A proxy says that it will not be used any more. */
  release(object: RemoteObject, proxy: object): void {
    this.#collected.unregister(proxy);
    object.isShared = false;
    this.leave(object);
  }

  /** A proxy is gone; after the last one, the manager may drop the object. */
  leave(object: RemoteObject): void {
    object.proxies--;
    if (object.proxies > 0 || object.isShared || this.broken || this.#objects.get(object.id) !== object) return;
    this.#objects.delete(object.id);
    if (this.#wire !== undefined) this.#detach(object.number, object.grants);
  }

  #detach(number: number, grants: number): void {
    const encoder = this.#outbox!.open();
    encoder.byte(Ask.DETACH);
    encoder.count(number);
    encoder.count(grants);
    this.#outbox!.seal();
  }

  // ---- calls

  /**
   * Sends a call, and gives its number.
   *
   * @throws {EOFError} the connection has ended
   * @throws {UncloneableError} an argument can't be sent
   */
  ask(
    call: RemoteCall<any>,
    target: RemoteObject | undefined,
    greenlet: number,
    method: string,
    args: readonly unknown[],
  ): number {
    if (this.#failure !== undefined) throw this.#lost(call.describe());
    const isNew = target === undefined;
    const number = isNew ? ++this.#numbers : target.number;
    const id = this.#write(isNew ? Ask.CREATE : Ask.CALL, number, greenlet, method, args);
    if (isNew) this.#making.set(call, number);
    this.#calls[id] = call;
    this.#wire!.hold(1);
    return id;
  }

  /** Makes a call for whose answer nobody waits. */
  tell(target: RemoteObject, greenlet: number, method: string, args: readonly unknown[]): void {
    if (this.#outbox === undefined || this.broken) return;
    this.#calls[this.#write(Ask.CALL, target.number, greenlet, method, args)] = FORGOTTEN;
  }

  /** Writes a call, and gives its number. */
  #write(kind: number, number: number, greenlet: number, method: string, args: readonly unknown[]): number {
    const outbox = this.#outbox!;
    const encoder = outbox.open();
    const id = this.#freeIds.pop() ?? this.#calls.push(undefined) - 1;
    encoder.byte(kind);
    encoder.count(id);
    encoder.count(number);
    if (kind === Ask.CALL) encoder.count(greenlet);
    try {
      encoder.value(method, 'method');
      encoder.value(args, method);
    } catch (error) {
      outbox.drop();
      this.#freeIds.push(id);
      throw error;
    }
    try {
      outbox.seal();
    } catch (error) {
      this.#freeIds.push(id);
      throw error;
    }
    return id;
  }

  /** Nobody waits for the result of a call any more; `settled` is set when the manager has taken it back. */
  forget(id: number, settled?: Event): void {
    const call = this.#calls[id];
    this.#calls[id] = settled ?? FORGOTTEN;
    this.#making.delete(call as RemoteCall<any>);
    this.#wire!.hold(-1);
    const encoder = this.#outbox!.open();
    encoder.byte(Ask.CANCEL);
    encoder.count(id);
    this.#outbox!.seal();
  }

  // ---- frames

  receive(frame: Buffer): void {
    const decoder = this.#decoder;
    decoder.begin(frame);
    while (!decoder.ended && !this.broken) this.#answer(decoder.count(), decoder.byte(), decoder.value());
    decoder.end();
  }

  drained(): void {}

  #answer(id: number, kind: number, value: unknown): void {
    const call = this.#calls[id];
    if (call === undefined) throw new MalformedError('an answer came to a call that was not made');
    this.#calls[id] = undefined;
    this.#freeIds.push(id);
    if (call === FORGOTTEN) return;
    if (call instanceof Event) {
      call.set();
      return;
    }
    this.#wire!.hold(-1);
    const number = this.#making.get(call);
    if (number !== undefined) this.#making.delete(call);
    if (kind === Answer.ERROR) call.fail(unpackError(value as PackedError));
    else if (number === undefined) call.succeed(value);
    else call.succeed(this.#made(value as PackedObject, number));
  }

  /** An object was made for us, under the number that we have chosen. */
  #made(packed: PackedObject, number: number): object {
    const known = this.#objects.get(packed.id);
    if (known === undefined) this.#add(packed, number, 0);
    else this.#detach(number, 0); // the same object again: one number is enough, under which all is counted
    return this.#take(packed, 1);
  }

  // ---- the end

  #lost(call: string): EOFError {
    return new EOFError(`${call}: the connection to the manager has ended: ${this.#failure!.message}`, {
      cause: this.#failure,
    });
  }

  ended(reason: Error | undefined): void {
    this.#end(reason ?? new EOFError('the manager has closed it'));
  }

  #end(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    for (const call of this.#calls) {
      if (call instanceof Event) call.set();
      if (call === undefined || call === FORGOTTEN || call instanceof Event) continue;
      this.#wire!.hold(-1);
      call.fail(this.#lost(call.describe()));
    }
    this.#calls.length = 0;
    this.#making.clear();
    this.#objects.clear();
    this.#wire?.close();
    this.onEnd?.();
  }

  /** Ends the connection from this side. */
  close(): void {
    if (this.#wire !== undefined) this.#outbox!.flush();
    this.#end(new InvalidStateError('it was closed on this side'));
  }
}

function newObject({ id, type, methods }: PackedObject, number: number, grants: number): RemoteObject {
  return { id, type, methods, number, grants, proxies: 0, isShared: false };
}
