/**
 * A connection to a manager, seen from the manager: the objects that are used over it, the calls that run, and the locks
 * that are held. All of it is given back when the connection ends.
 */
import { hub } from '../../core/hub.ts';
import { Condition } from '../../sync/condition.ts';
import type { Lock } from '../../sync/lock.ts';
import type { RLock } from '../../sync/rlock.ts';
import { BusyPoll } from '../busy-poll.ts';
import { type PackedError, packError } from '../packed-error.ts';
import { CallGreenlet, Owner } from './call-greenlet.ts';
import { Decoder } from './decoder.ts';
import type { FrameReceiver } from './frame-socket.ts';
import type { ManagedMethod } from './managed-types.ts';
import { type Managed, type Objects, packedObject } from './objects.ts';
import { Outbox } from './outbox.ts';
import { Answer, Ask, MANAGER, type Wire } from './protocol.ts';

/** @internal */
export class Session implements FrameReceiver {
  readonly #wire: Wire;
  readonly #busyPoll = new BusyPoll();
  readonly #objects: Objects;
  readonly #onEnd: (session: Session) => void;
  readonly #outbox: Outbox;
  readonly #decoder: Decoder;
  /** The objects by the numbers that the other end has given them. */
  readonly #attached = new Map<number, Managed>();
  /** How often each was handed over. */
  readonly #grants = new Map<Managed, number>();
  readonly #running = new Map<number, CallGreenlet>();
  /** How to take back what a call has done, as long as its answer may be on the way. */
  readonly #undo = new Map<number, () => void>();
  readonly #owners = new Map<number, Owner>();
  #ended = false;

  constructor(wire: Wire, objects: Objects, onEnd: (session: Session) => void) {
    this.#wire = wire;
    this.#objects = objects;
    this.#onEnd = onEnd;
    const specials = {
      pack: (value: object) => objects.pack(value, this),
      unpack: (packed: unknown) => objects.unpack(packed),
    };
    this.#outbox = new Outbox(wire, specials);
    this.#decoder = new Decoder(specials);
  }

  /** Calls that are running. */
  get running(): number {
    return this.#running.size;
  }

  /** The other end gets a proxy of the object. */
  grant(managed: Managed): void {
    const before = this.#grants.get(managed) ?? 0;
    if (before === 0) managed.users++;
    this.#grants.set(managed, before + 1);
  }

  close(): void {
    this.#wire.close();
  }

  // ---- frames

  receive(frame: Buffer): void {
    this.#busyPoll.end();
    const decoder = this.#decoder;
    decoder.begin(frame);
    while (!decoder.ended && !this.#ended) this.#message(decoder);
    decoder.end();
    if (!this.#wire.writable) this.#wire.pause();
    this.#busyPoll.begin(); // the next call may come when the answer has been read
  }

  drained(): void {
    this.#wire.resume();
  }

  #message(decoder: Decoder): void {
    const kind = decoder.byte();
    switch (kind) {
      case Ask.CALL: {
        const [id, number, greenlet] = [decoder.count(), decoder.count(), decoder.count()];
        const method = decoder.value() as string;
        const args = decoder.value() as unknown[];
        if (this.#objects.lostOne()) this.#fail(id, noObject(`${method}() with a proxy`));
        else this.#call(id, number, greenlet, method, args);
        break;
      }
      case Ask.CREATE: {
        const [id, number] = [decoder.count(), decoder.count()];
        const type = decoder.value() as string;
        const args = decoder.value() as unknown[];
        if (this.#objects.lostOne()) {
          this.#fail(id, noObject(`${type}() with a proxy`));
          break;
        }
        const creation: ManagedMethod = {
          call: () => this.#create(number, type, args),
          undo: () => this.#detach(number, 1),
        };
        this.#start(id, creation, this.#objects.manager, undefined, args);
        break;
      }
      case Ask.ATTACH: {
        const number = decoder.count();
        const managed = this.#objects.find(decoder.value());
        if (managed !== undefined) this.#attach(number, managed);
        break;
      }
      case Ask.DETACH:
        this.#detach(decoder.count(), decoder.count());
        break;
      case Ask.CANCEL:
        this.#cancel(decoder.count());
        break;
      default:
        throw new Error(`a message of the unknown kind ${kind} came`);
    }
  }

  // ---- objects

  *#create(number: number, typeName: string, args: unknown[]): Generator<any, unknown, any> {
    const managed = yield* this.#objects.make(typeName, args);
    if (this.#ended) {
      this.#objects.dropUnused(managed);
      return undefined;
    }
    this.#attach(number, managed);
    return packedObject(managed);
  }

  #attach(number: number, managed: Managed): void {
    this.#attached.set(number, managed);
    this.grant(managed);
  }

  #detach(number: number, grants: number): void {
    const managed = this.#attached.get(number);
    this.#attached.delete(number);
    if (managed !== undefined) this.#release(managed, grants);
  }

  #release(managed: Managed, grants: number): void {
    const left = (this.#grants.get(managed) ?? 0) - grants;
    if (left > 0) {
      this.#grants.set(managed, left);
      return;
    }
    if (!this.#grants.delete(managed)) return;
    managed.users--;
    this.#objects.dropUnused(managed);
  }

  // ---- calls

  #call(id: number, number: number, greenlet: number, name: string, args: unknown[]): void {
    const managed = number === MANAGER ? this.#objects.manager : this.#attached.get(number);
    if (managed === undefined) {
      this.#fail(id, noObject(`${name}()`));
      return;
    }
    const { methods } = managed.type;
    const method = typeof name === 'string' && Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined || !Array.isArray(args)) {
      this.#fail(
        id,
        new TypeError(`${managed.type.name} has no method ${name}(): it has ${Object.keys(methods).join(', ')}`),
      );
    } else if (method.waits) {
      this.#start(id, method, managed, method.owned ? this.#ownerOf(greenlet) : undefined, args);
    } else {
      this.#undo.delete(id);
      try {
        this.#answer(
          id,
          method.owned ? this.#callAs(greenlet, method, managed, args) : method.call(managed.object, args),
        );
      } catch (error) {
        this.#fail(id, error);
      }
    }
  }

  /** Calls what does not wait in the name of a greenlet. */
  #callAs(greenlet: number, method: ManagedMethod, { object }: Managed, args: unknown[]): unknown {
    const owner = this.#ownerOf(greenlet);
    owner.calls++;
    try {
      return inTheNameOf(owner, () => method.call(object, args));
    } finally {
      this.#note(owner, object);
    }
  }

  #start(id: number, method: ManagedMethod, { object }: Managed, owner: Owner | undefined, args: unknown[]): void {
    this.#undo.delete(id);
    if (owner !== undefined) owner.calls++;
    const greenlet = new CallGreenlet(
      () => method.call(object, args),
      owner,
      (outcome, hasFailed) => {
        this.#running.delete(id);
        if (owner !== undefined) this.#note(owner, object);
        this.#settle(id, greenlet.canceled, method, object, owner, outcome, hasFailed);
      },
    );
    this.#running.set(id, greenlet);
    greenlet.runNow();
  }

  #settle(
    id: number,
    canceled: boolean,
    method: ManagedMethod,
    object: object,
    owner: Owner | undefined,
    outcome: unknown,
    hasFailed: boolean,
  ): void {
    const { undo } = method;
    const takeBack = () => this.#takeBack(() => undo!(object, outcome), owner, object);
    if (canceled) {
      if (!hasFailed && undo !== undefined) takeBack();
      this.#write(id, Answer.CANCELED, undefined);
    } else if (hasFailed) this.#fail(id, outcome);
    else {
      if (undo !== undefined) this.#undo.set(id, takeBack);
      const wasAbandoned = outcome === true && method.takesLock === true && this.#objects.tookAbandoned(object);
      if (wasAbandoned) this.#answer(id, 'abandoned');
      else this.#reply(id, method, outcome);
    }
  }

  #reply(id: number, method: ManagedMethod, result: unknown): void {
    try {
      this.#answer(id, method.gives === undefined ? result : this.#objects.reference(result, method.gives));
    } catch (error) {
      this.#cancel(id);
      this.#fail(id, error);
    }
  }

  #cancel(id: number): void {
    const greenlet = this.#running.get(id);
    if (greenlet !== undefined) {
      greenlet.cancel();
      return;
    }
    const undo = this.#undo.get(id);
    this.#undo.delete(id);
    undo?.();
  }

  #takeBack(undo: () => void, owner: Owner | undefined, object: object): void {
    try {
      if (owner === undefined) undo();
      else {
        owner.calls++;
        inTheNameOf(owner, undo);
        this.#note(owner, object);
      }
    } catch (error) {
      hub.handleError(error, undefined, 'a manager that takes back a canceled call');
    }
  }

  #answer(id: number, value: unknown): void {
    this.#write(id, Answer.VALUE, value);
  }

  #fail(id: number, error: unknown): void {
    this.#write(id, Answer.ERROR, packError(error) satisfies PackedError);
  }

  #write(id: number, answer: number, value: unknown): void {
    if (this.#ended) return;
    const encoder = this.#outbox.open();
    encoder.count(id);
    encoder.byte(answer);
    try {
      encoder.value(value, 'result');
    } catch (error) {
      this.#outbox.drop();
      throw error;
    }
    this.#outbox.seal();
  }

  // ---- who holds what

  #ownerOf(greenlet: number): Owner {
    let owner = this.#owners.get(greenlet);
    if (owner === undefined) {
      owner = new Owner(`greenlet ${greenlet} of another process`);
      this.#owners.set(greenlet, owner);
      const made = owner;
      this.#ownerNumbers.set(made, greenlet);
    }
    return owner;
  }

  readonly #ownerNumbers = new Map<Owner, number>();

  /** A call of a lock or condition for `owner` has ended. */
  #note(owner: Owner, object: object): void {
    owner.calls--;
    if (isHeldBy(owner, object)) owner.held.add(object);
    else owner.held.delete(object);
    if (this.#ended) this.#abandon(owner);
    else if (owner.calls === 0 && owner.held.size === 0) this.#forget(owner);
  }

  #forget(owner: Owner): void {
    this.#owners.delete(this.#ownerNumbers.get(owner)!);
    this.#ownerNumbers.delete(owner);
  }

  /** What it holds goes to the next in line. */
  #abandon(owner: Owner): void {
    owner.dead = true;
    for (const object of owner.held) {
      inTheNameOf(owner, () => {
        const lock = lockOf(object);
        if (!lock.isMine()) return;
        this.#objects.abandon(lock);
        while (lock.isMine()) lock.release();
      });
    }
    owner.held.clear();
  }

  /** The connection has ended: calls are taken back, locks are handed on, objects that nobody else uses are dropped. */
  ended(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const greenlet of [...this.#running.values()]) greenlet.cancel();
    for (const owner of this.#owners.values()) this.#abandon(owner);
    for (const [managed, grants] of [...this.#grants]) this.#release(managed, grants);
    this.#attached.clear();
    this.#undo.clear();
    this.#onEnd(this);
  }
}

function noObject(call: string): ReferenceError {
  return new ReferenceError(`${call} of an object that the manager does not have, or no longer`);
}

function lockOf(object: object): Lock | RLock {
  return object instanceof Condition ? object.lock : (object as Lock | RLock);
}

/** Calls `fn`, which does not suspend, as if `owner` did. */
function inTheNameOf<T>(owner: Owner, fn: () => T): T {
  const before = hub.current;
  hub.current = new CallGreenlet(
    () => {},
    owner,
    () => {},
  );
  try {
    return fn();
  } finally {
    hub.current = before;
  }
}

function isHeldBy(owner: Owner, object: object): boolean {
  return inTheNameOf(owner, () => lockOf(object).isMine());
}
