/**
 * The objects of a manager: those that connections use, by their ids, and the types of which they can be made. An object
 * that nobody uses any more is dropped.
 */
import { randomBytes } from 'node:crypto';
import { checkFunction, show } from '../../core/check.ts';
import type { Coroutine } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import { builtInTypeOf, builtInTypes, type ManagedMethod, type ManagedType } from './managed-types.ts';
import type { Session } from './session.ts';

/** What stands for an object of a manager on the wire. @internal */
export interface PackedObject {
  readonly id: string;
  readonly type: string;
  readonly methods: readonly string[] | undefined;
}

/** An object of the manager. @internal */
export class Managed {
  readonly id: string;
  readonly object: object;
  readonly type: ManagedType;
  /** Connections that use it, and other objects that contain it. */
  users = 0;

  constructor(id: string, object: object, type: ManagedType) {
    this.id = id;
    this.object = object;
    this.type = type;
  }

  /** The kind of its proxies. */
  get proxyType(): string {
    return this.type.name;
  }

  /** The methods of its proxies, if they don't follow from the kind. */
  get methodNames(): string[] | undefined {
    return builtInTypes.includes(this.type) ? undefined : Object.keys(this.type.methods);
  }
}

/** @internal */
export function packedObject(managed: Managed): PackedObject {
  return { id: managed.id, type: managed.proxyType, methods: managed.methodNames };
}

/** Stands in a container of the manager for one of its objects. */
class Reference {
  readonly managed: Managed;
  constructor(managed: Managed) {
    this.managed = managed;
  }
}

/** How a type is registered. */
export interface RegisterOptions {
  /** The names of the methods that may be called, and no others. Needed unless the objects are of a built-in type. */
  readonly methods?: readonly string[] | undefined;
  /** For methods whose result is to stay in the manager: the name of the registered type of the proxy that is given. */
  readonly results?: Readonly<Record<string, string>> | undefined;
}

/** @internal */
export class Objects {
  readonly #objects = new Map<string, Managed>();
  readonly #byObject = new Map<object, Managed>();
  readonly #types: Map<string, ManagedType>;
  readonly #abandoned = new WeakSet<object>();
  #lost = false;
  /** The manager itself, as it can be called. */
  readonly manager: Managed;
  /** Containers let go of what they contain when that is collected. */
  readonly #collected = new FinalizationRegistry<Managed>((managed) => {
    managed.users--;
    this.dropUnused(managed);
  });

  constructor(types: Map<string, ManagedType>, shutdown: () => void) {
    this.#types = types;
    const methods: Record<string, ManagedMethod> = {
      shutdown: { call: () => shutdown() },
      numberOfObjects: { call: () => this.#objects.size },
      types: { call: () => [...this.#types.keys()] },
    };
    this.manager = new Managed('', this, { name: 'Manager', make: () => undefined, methods });
  }

  get size(): number {
    return this.#objects.size;
  }

  *make(typeName: string, args: unknown[]): Coroutine<Managed> {
    const type = this.#types.get(typeName);
    if (type === undefined || !Array.isArray(args)) throw this.#noType(typeName);
    const object = yield* callAndWait(() => type.make(args.map((arg) => this.#resolve(arg))));
    return this.#manage(object, type);
  }

  #noType(name: unknown): TypeError {
    return new TypeError(`the manager has no type ${show(name)}: it has ${[...this.#types.keys()].join(', ')}`);
  }

  #manage(object: unknown, type: ManagedType): Managed {
    if (typeof object !== 'object' || object === null) {
      throw new TypeError(`what was made as ${type.name} is ${show(object)}: only objects can stay in the manager`);
    }
    const known = this.#byObject.get(object);
    if (known !== undefined) return known;
    const fitting = type.isPlain === true && Object.keys(type.methods).length === 0 ? builtInTypeOf(object) : type;
    if (fitting === undefined) {
      throw new TypeError(
        `${type.name} makes ${show(object)}, and no methods of that were registered: { methods: [...] }`,
      );
    }
    const managed = new Managed(randomBytes(16).toString('base64url'), object, fitting);
    this.#objects.set(managed.id, managed);
    this.#byObject.set(object, managed);
    return managed;
  }

  find(id: unknown): Managed | undefined {
    return typeof id === 'string' ? this.#objects.get(id) : undefined;
  }

  dropUnused(managed: Managed): void {
    if (managed.users > 0) return;
    this.#objects.delete(managed.id);
    this.#byObject.delete(managed.object);
  }

  clear(): void {
    this.#objects.clear();
    this.#byObject.clear();
  }

  // ---- objects in objects

  /** What goes out in place of an object of the manager. */
  pack(value: object, session: Session): PackedObject | undefined {
    const managed = value instanceof Reference ? value.managed : undefined;
    if (managed === undefined) return undefined;
    session.grant(managed);
    return packedObject(managed);
  }

  /** What comes in place of a proxy; nothing, if the object is gone. */
  unpack(packed: unknown): Reference | undefined {
    const managed = this.find((packed as Partial<PackedObject> | null | undefined)?.id);
    if (managed !== undefined) return this.#refer(managed);
    this.#lost = true;
    return undefined;
  }

  /** Whether a proxy came whose object is gone; told once. */
  lostOne(): boolean {
    const lost = this.#lost;
    this.#lost = false;
    return lost;
  }

  /** A result that is to stay here. */
  reference(result: unknown, typeName: string): unknown {
    if (result === undefined || result === null) return result;
    const type = this.#types.get(typeName);
    if (type === undefined) throw this.#noType(typeName);
    return this.#refer(this.#manage(result, type));
  }

  #refer(managed: Managed): Reference {
    const reference = new Reference(managed);
    managed.users++;
    this.#collected.register(reference, managed);
    return reference;
  }

  /** An argument of a constructor: the object itself for a proxy. */
  #resolve(arg: unknown): unknown {
    return arg instanceof Reference ? arg.managed.object : arg;
  }

  // ---- locks whose holder is gone

  abandon(lock: object): void {
    this.#abandoned.add(lock);
  }

  /** Whether the last holder of the lock had gone without releasing it; told once. */
  tookAbandoned(object: object): boolean {
    const lock = (object as { lock?: object }).lock ?? object;
    return this.#abandoned.delete(lock);
  }
}

/** A type that a program registers. @internal */
export function registeredType(name: string, maker: unknown, options: RegisterOptions): ManagedType {
  checkFunction('maker', maker);
  const { methods = [], results = {} } = options;
  if (!Array.isArray(methods)) throw new TypeError(`methods is ${show(methods)}: give an array of names`);
  const allowed: Record<string, ManagedMethod> = Object.create(null);
  for (const method of methods as unknown[]) {
    if (typeof method !== 'string' || method === '' || method === 'constructor') {
      throw new TypeError(`methods has ${show(method)}: give names of methods`);
    }
    const gives = Object.hasOwn(results, method) ? results[method] : undefined;
    allowed[method] = {
      call: (object, args) => callMethod(object, method, args),
      waits: true,
      ...(gives === undefined ? {} : { gives }),
    };
  }
  const make = maker as (...args: unknown[]) => unknown;
  const isClass = /^class\b/.test(Function.prototype.toString.call(make));
  return {
    name,
    make: isClass ? (args) => Reflect.construct(make, args) : (args) => make(...args),
    methods: allowed,
    isPlain: true,
  };
}

function callMethod(object: any, method: string, args: unknown[]): unknown {
  if (typeof object[method] !== 'function') throw new TypeError(`${show(object)} has no method ${method}()`);
  return object[method](...args);
}
