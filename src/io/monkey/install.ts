/** Puts wrappers into their places, and takes them out again. */
import { type AnyFunction, type Part, type Patch, type Place, shared } from './shared.ts';
import { iteratorGetter, iteratorSetter, newMethod, wrapFunction } from './wrapper.ts';

/** What is to be patched. @internal */
export interface Target extends Omit<Part, 'hub' | 'copy' | 'act'> {
  readonly kind: 'function' | 'new method' | 'iterator';
  /** Where the callback of a function stands. */
  readonly at?: number;
  /** Makes what takes over calls; a property has no original. */
  readonly act: (original: AnyFunction | undefined) => Part['act'];
}

/** What this copy has done to a target. @internal */
export interface Installed {
  readonly patch: Patch;
  readonly part: Part;
}

/** Patches a target; `undefined` if that is not possible, or not needed. @internal */
export function install(target: Target, copy: Pick<Part, 'hub' | 'copy'>): Installed | undefined {
  const before = Object.getOwnPropertyDescriptor(target.holder, target.key);
  const patch = find(target, before) ?? make(target, before);
  if (patch === undefined) return undefined;
  const { module, name, holder, key, pass } = target;
  const part: Part = { ...copy, module, name, holder, key, act: target.act(patch.original), pass };
  if (!patch.places.some((place) => place.holder === holder && place.key === key)) {
    if (!define(target, before, patch)) return undefined;
    patch.places.push({ holder, key, before: stripped(before, patch) });
  }
  patch.parts.push(part);
  shared.patches.add(patch);
  return { patch, part };
}

/** Takes this copy's part away; the last one restores what was there, unless somebody else has changed it since. @internal */
export function uninstall({ patch, part }: Installed): void {
  const index = patch.parts.indexOf(part);
  if (index >= 0) patch.parts.splice(index, 1);
  if (patch.parts.length > 0) return;
  for (const place of patch.places.splice(0)) if (isInPlace(patch, place)) restore(place);
  shared.patches.delete(patch);
}

/** Whether nobody has replaced it since. @internal */
export function isInPlace(patch: Patch, { holder, key }: Pick<Place, 'holder' | 'key'>): boolean {
  const now = Object.getOwnPropertyDescriptor(holder, key);
  return now?.value === patch.wrapper || now?.get === patch.wrapper;
}

function restore({ holder, key, before }: Place): void {
  if (before === undefined) Reflect.deleteProperty(holder, key);
  else Object.defineProperty(holder, key, before);
}

/** The patch of a property, by whichever copy; or of the same function in another place. */
function find({ kind }: Target, before: PropertyDescriptor | undefined): Patch | undefined {
  const now: AnyFunction | undefined = kind === 'iterator' ? before?.get : before?.value;
  return typeof now === 'function' ? shared.known.get(now) : undefined;
}

function make({ kind, name, at, pass }: Target, before: PropertyDescriptor | undefined): Patch | undefined {
  const parts: Part[] = [];
  if (kind === 'function') {
    const original: unknown = before?.value;
    if (typeof original !== 'function') return undefined;
    return remember({
      original: original as AnyFunction,
      wrapper: wrapFunction(original as AnyFunction, at!, parts, pass !== undefined),
      parts,
    });
  }
  if (before !== undefined) return undefined; // there is something of that name already
  const wrapper = kind === 'iterator' ? iteratorGetter(parts) : newMethod(name.slice(name.lastIndexOf('.') + 1), parts);
  return remember({ original: undefined, wrapper, parts });
}

function remember(made: Omit<Patch, 'places'>): Patch {
  const patch: Patch = { ...made, places: [] };
  shared.known.set(patch.wrapper, patch);
  if (patch.original !== undefined) shared.known.set(patch.original, patch);
  return patch;
}

function define({ holder, key, kind }: Target, before: PropertyDescriptor | undefined, { wrapper }: Patch): boolean {
  if (kind === 'function') return Reflect.defineProperty(holder, key, { ...before, value: wrapper });
  return Reflect.defineProperty(
    holder,
    key,
    kind === 'iterator'
      ? { get: wrapper, set: iteratorSetter, enumerable: false, configurable: true }
      : { value: wrapper, writable: true, enumerable: false, configurable: true },
  );
}

/** What is to be restored, if a wrapper that had been left there is put to use again. */
function stripped(
  before: PropertyDescriptor | undefined,
  { wrapper, original }: Patch,
): PropertyDescriptor | undefined {
  if (before?.value === wrapper) return original === undefined ? undefined : { ...before, value: original };
  return before?.get === wrapper ? undefined : before;
}
