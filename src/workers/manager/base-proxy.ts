/** `BaseProxy`: stands in one process for an object that is in the manager. */
import { composite } from '../../core/dev.ts';
import { InvalidStateError } from '../../core/errors.ts';
import { hub } from '../../core/hub.ts';
import type { Coroutine, Operation } from '../../core/operation.ts';
import { CROSS, PACK, type Parcel } from '../crossing.ts';
import { processAuthkey } from './authkey.ts';
import type { ManagerAddress, ManagerLink, RemoteObject } from './manager-link.ts';
import type { PackedObject } from './objects.ts';
import { RemoteCall } from './remote-call.ts';

/** By what kind proxies are known on their way to other threads and processes. @internal */
export const PROXY = 'manager proxy';

/** A proxy on its way. @internal */
export interface PackedProxy extends PackedObject {
  readonly address: ManagerAddress['address'];
  readonly encrypt: boolean;
  /** Absent if it is that of the program. */
  readonly key: Uint8Array | undefined;
}

/**
 * Stands for an object of a `Manager`. Each of its methods is an operation that calls the one of the object over there, and
 * waits for the result; what it is given and what it gives are copies. Calls that many greenlets make at once travel
 * together. Follows `multiprocessing.managers.BaseProxy`.
 *
 * A kill or timeout of a call takes it back over there as well: an item that nobody got stays in its queue, a permit goes
 * to the next. An error over there is thrown here. The object lives as long as there are proxies of it, in any process;
 * `using` lets go of it early.
 *
 * It can be an argument of a `Process`, of a task of a `WorkerHub`, an item of their queues and pipes, and an item of other
 * objects of the same manager, and is a proxy of the same object there. Once it was sent away, the object lives until the
 * process that sent it has let go of it or ended.
 */
export class BaseProxy implements Disposable {
  readonly #link: ManagerLink;
  readonly #object: RemoteObject;
  #isReleased = false;

  /** @internal */
  constructor(link: ManagerLink, object: RemoteObject) {
    this.#link = link;
    this.#object = object;
    link.join(object, this);
  }

  /**
   * Calls a method by its name. Suspends until the result has come; a kill or timeout takes the call back.
   *
   * @throws {EOFError} the connection to the manager has ended
   * @throws {UncloneableError} an argument can't be sent
   * @throws {InvalidStateError} this proxy was released
   * @throws {TypeError} the object has no such method, or it may not be called
   * @throws what the method throws
   */
  callMethod<T = unknown>(method: string, ...args: unknown[]): Operation<T> {
    return this.call<T>(method, args);
  }

  /** @internal */
  call<T>(method: string, args: readonly unknown[], convert?: (result: any) => T): Operation<T> {
    const link = this.#link;
    if (link.ready && !this.#isReleased) return new RemoteCall<T>(link, this.#object, method, args, convert);
    return composite(`${this}.${method}()`, this.#connectAndCall(method, args, convert));
  }

  *#connectAndCall<T>(method: string, args: readonly unknown[], convert?: (result: any) => T): Coroutine<T> {
    yield* this.connect();
    return yield* new RemoteCall<T>(this.#link, this.#object, method, args, convert);
  }

  /** Connects to the manager, if this process is not connected. @internal */
  *connect(): Coroutine<void> {
    if (this.#isReleased) throw new InvalidStateError(`${this} was released: it can't be used any more`);
    if (!this.#link.ready) yield* this.#link.connect();
  }

  /** A call for whose cancellation somebody waits. @internal */
  patientCall<T>(method: string, args: readonly unknown[]): RemoteCall<T> {
    return new RemoteCall<T>(this.#link, this.#object, method, args);
  }

  /** Calls a method, and does not wait. @internal */
  tell(method: string, args: readonly unknown[]): void {
    if (!this.#isReleased) this.#link.tell(this.#object, hub.current?.principal.id ?? 0, method, args);
  }

  /** Lets go of the object, which the manager drops if nobody else uses it; a call from here fails from now on. */
  [Symbol.dispose](): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#link.release(this.#object, this);
  }

  /** `dict of a manager`, with the type of the object. */
  toString(): string {
    return `${this.#object.type} of a manager`;
  }

  // ---- on its way to others

  /** What stands for it within the manager. @internal */
  packFor(link: ManagerLink): PackedObject {
    if (link !== this.#link && !isSame(link.where, this.#link.where)) {
      throw new TypeError(`${this} belongs to another manager: its objects can hold proxies of their own manager only`);
    }
    const { id, type, methods } = this.#object;
    return { id, type, methods };
  }

  /** What stands for it elsewhere. @internal */
  pack(withKey: boolean): PackedProxy {
    if (this.#isReleased) throw new InvalidStateError(`${this} was released: it can't be sent`);
    const { where } = this.#link;
    if (where === undefined)
      throw new TypeError(`${this}, which is reached over TLS, can't be sent to another process`);
    const { id, type, methods } = this.#object;
    const { address, encrypt, key } = where;
    this.#object.isShared = true;
    const isOwn = Buffer.from(key).equals(processAuthkey());
    return { id, type, methods, address, encrypt, key: isOwn || !withKey ? undefined : key };
  }

  /** For processes that this one has started. @internal */
  [CROSS](): Parcel {
    return { kind: PROXY, data: this.pack(true) };
  }

  /** For threads of this process. @internal */
  [PACK](): { kind: string; data: unknown } {
    return { kind: PROXY, data: this.pack(true) };
  }
}

function isSame(one: ManagerAddress | undefined, other: ManagerAddress | undefined): boolean {
  return one !== undefined && other !== undefined && JSON.stringify(one.address) === JSON.stringify(other.address);
}
