/**
 * What all copies of genlet in this thread know of the patches, so that they agree on one wrapper a function.
 *
 * A patched property belongs to nobody: whoever wants a say in it adds a part, and the last one who takes theirs away
 * restores it. The shape of these records is the contract between versions of genlet. They stand beside the functions, not
 * on them: a patched function has no property that the original has not.
 */

/** @internal */
export type AnyFunction = (this: any, ...args: any[]) => any;

/** What one copy of genlet has to do with a patched property. @internal */
export interface Part {
  /** Whose greenlets are meant; there is one running while `current` is not `undefined`. */
  readonly hub: { readonly current: unknown };
  /** Where that copy was loaded from. */
  readonly copy: string;
  /** The module that the property belongs to, without `node:`. */
  readonly module: string;
  /** The way to it from there, as in `Resolver.prototype.resolve4`. */
  readonly name: string;
  readonly holder: object;
  readonly key: PropertyKey;
  /** Takes over a call of `original` in a greenlet; for a getter, gives its value or `undefined`. */
  readonly act: (self: unknown, args: unknown[]) => unknown;
  /** Hears of the calls that are as ever. */
  readonly pass?: ((self: any) => void) | undefined;
}

/** Where a wrapper was put, and what was there before. @internal */
export interface Place {
  readonly holder: object;
  readonly key: PropertyKey;
  readonly before: PropertyDescriptor | undefined;
}

/** One wrapper, or getter. @internal */
export interface Patch {
  readonly original: AnyFunction | undefined;
  readonly wrapper: AnyFunction;
  readonly parts: Part[];
  readonly places: Place[];
}

/** @internal */
export interface Shared {
  /** The patches that have places. */
  readonly patches: Set<Patch>;
  /** Each patch by its wrapper and, if there is one, its original. */
  readonly known: WeakMap<AnyFunction, Patch>;
  /** While it is not 0, nothing is iterable that was not before. */
  hidden: number;
}

const key = Symbol.for('genlet.monkey');
const globals = globalThis as { [key]?: Shared };
if (globals[key] === undefined) {
  const value: Shared = { patches: new Set(), known: new WeakMap(), hidden: 0 };
  Object.defineProperty(globalThis, key, { value, configurable: true });
}

/** @internal */
export const shared: Shared = globals[key]!;

/** The part of the copy in whose greenlet this is called. @internal */
export function inside(parts: readonly Part[]): Part | undefined {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.hub.current !== undefined) return part;
  }
  return undefined;
}
