/**
 * What can't cross, where in a value it is, and why.
 *
 * A clone of a lock or a socket succeeds, and is an empty object: what makes it work is private, or belongs to the greenlets
 * here. So an object of a class is taken for data only if nobody waits for it or has to close it, and if a clone has
 * something of it.
 */
import { types } from 'node:util';
import { show } from '../core/check.ts';
import { UncloneableError } from '../core/errors.ts';
import { CROSS, PACK } from './crossing.ts';
import { SharedObject } from './shared/shared-object.ts';

/** Where a value goes. A process is one that this program has started, a program any other. @internal */
export type Destination = 'thread' | 'shared queue' | 'process' | 'program';

const FOR_THREADS = 'threads use shared.Lock, shared.Queue, … or a RemoteChannel';
const FOR_PROCESSES = 'processes use Lock, Queue, Pipe, … of genlet/workers or a Manager';

/** What there is to know of a class. */
interface Nature {
  readonly forThreads: boolean;
  readonly forProcesses: boolean;
  /** Somebody may wait for it, or has to close it. */
  readonly isLive: boolean;
  /** Whether a clone of one that has no public properties is an empty object; once that was asked. */
  isLost: boolean | undefined;
}

const natures = new WeakMap<object, Nature>();

/** An array, or an object of no class. @internal */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Why an object may not be copied to there although it can be, and what to do; `undefined` if it may. @internal */
export function objection(value: object, to: Destination): string | undefined {
  if (isPlain(value)) return undefined;
  const nature = natureOf(value);
  if (isCarried(nature, to)) return undefined;
  const { forThreads, forProcesses, isLive } = nature;
  const isNear = to === 'thread' || to === 'shared queue';
  if (forThreads && isNear) return 'a shared.Queue carries data only: give it as an argument, or by a RemoteChannel';
  if (forThreads && !forProcesses) return `it goes to threads only: ${FOR_PROCESSES}`;
  if (forProcesses && isNear) return `it goes to processes only: ${FOR_THREADS}`;
  if (forProcesses) return 'it goes to processes of this program only: others use the objects of a Manager';
  if (isLive) return `it stays where it was made: ${isNear ? FOR_THREADS : FOR_PROCESSES}`;
  if (isHollow(value, nature)) return 'nothing of it would arrive, for it has no public properties: send plain data';
  return undefined;
}

/** Whether it is no copy that arrives. */
function isCarried({ forThreads, forProcesses }: Nature, to: Destination): boolean {
  return (to === 'thread' && forThreads) || (to === 'process' && forProcesses);
}

function natureOf(value: object): Nature {
  const prototype = Object.getPrototypeOf(value);
  const known = natures.get(prototype);
  if (known !== undefined) return known;
  const nature: Nature = {
    forThreads: PACK in prototype || prototype instanceof SharedObject,
    forProcesses: CROSS in prototype,
    isLive: 'rawlink' in prototype || Symbol.dispose in prototype || Symbol.asyncDispose in prototype,
    isLost: undefined,
  };
  natures.set(prototype, nature);
  return nature;
}

/** Whether all that there is to it is its class, which a clone loses. */
function isHollow(value: object, nature: Nature): boolean {
  if (Object.keys(value).length > 0 || value instanceof Map || value instanceof Set || value instanceof Error)
    return false;
  nature.isLost ??= hasMembers(value) && losesClass(value);
  return nature.isLost;
}

function hasMembers(value: object): boolean {
  let at = Object.getPrototypeOf(value);
  // What is last in the chain is `Object.prototype`, of this or another realm.
  for (let next = Object.getPrototypeOf(at); next !== null; next = Object.getPrototypeOf(at)) {
    if (Reflect.ownKeys(at).some((key) => key !== 'constructor')) return true;
    at = next;
  }
  return false;
}

function losesClass(value: object): boolean {
  try {
    return isPlain(structuredClone(value));
  } catch {
    return true;
  }
}

/** The name of its class. @internal */
export function nameOf(value: object): string {
  return show(value.constructor);
}

/** Adds to `list` the objects that are in another and cross with it; about how many bytes all else in it has. @internal */
export function addInside(list: object[], value: object): number {
  let bytes = 0;
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) bytes += add(list, value[i]);
  else if (isPlain(value)) for (const key in value) bytes += add(list, (value as Record<string, unknown>)[key]);
  else if (value instanceof Map) for (const [key, item] of value) bytes += add(list, key) + add(list, item);
  else if (value instanceof Set) for (const item of value) bytes += add(list, item);
  else if (!ArrayBuffer.isView(value) && !(value instanceof Error)) {
    for (const key of Object.keys(value)) bytes += add(list, (value as Record<string, unknown>)[key]);
  }
  return bytes;
}

function add(list: object[], item: unknown): number {
  if (typeof item !== 'object' || item === null) return typeof item === 'string' ? item.length : 8;
  list.push(item);
  return 0;
}

/** The error for a value that can't go there: it names the first part that can't. @internal */
export function refusal(to: Destination, name: string, value: unknown, cause?: unknown): UncloneableError {
  const { path, culprit, reason } = find(to, name, value, new Set()) ?? { path: name };
  const problem = culprit === undefined ? (cause as Error).message : `${culprit} can't be cloned`;
  return new UncloneableError(`${path}: ${problem}${reason === undefined ? '' : `; ${reason}`}`, path, { cause });
}

interface Found {
  readonly path: string;
  readonly culprit?: string;
  readonly reason?: string | undefined;
}

function find(to: Destination, path: string, value: unknown, seen: Set<object>): Found | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return { path, culprit: show(value) };
  if (types.isProxy(value)) return { path, culprit: 'a Proxy' };
  if (typeof value !== 'object' || value === null || seen.has(value) || seen.size > 10_000) return undefined;
  seen.add(value);
  const reason = objection(value, to);
  if (reason !== undefined) return { path, culprit: nameOf(value), reason };
  if (!isPlain(value) && isCarried(natureOf(value), to)) return undefined;
  try {
    for (const [inner, child] of children(path, value)) {
      const found = find(to, inner, child, seen);
      if (found !== undefined) return found;
    }
  } catch (error) {
    return { path, culprit: nameOf(value), reason: `a getter threw ${show(error)}` };
  }
  if (isPlain(value) || value instanceof Map || value instanceof Set) return undefined;
  try {
    structuredClone(value);
    return undefined;
  } catch {
    return { path, culprit: show(value) };
  }
}

function* children(path: string, value: object): Generator<[string, unknown], void, undefined> {
  if (value instanceof Map) {
    for (const [key, item] of value) {
      yield [`${path}.key(${show(key)})`, key];
      yield [`${path}.get(${show(key)})`, item];
    }
  } else if (value instanceof Set) {
    for (const item of value) yield [`${path}.has(${show(item)})`, item];
  } else if (!ArrayBuffer.isView(value) && !(value instanceof Error)) {
    for (const key of Object.keys(value)) {
      const step = Array.isArray(value)
        ? `[${key}]`
        : /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)
          ? `.${key}`
          : `['${key}']`;
      yield [path + step, (value as Record<string, unknown>)[key]];
    }
  }
}
