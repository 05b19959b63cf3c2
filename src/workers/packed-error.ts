/**
 * Errors on their way between threads and processes.
 *
 * A structured clone keeps the class of no error but the built-in ones, and drops `code` and everything else that was
 * added. So an error travels as a record of plain values, and is built again at the other end, as the first of its
 * classes that is known there.
 */
import * as errors from '../core/errors.ts';
import { Timeout } from '../core/timeout.ts';

/** An error, or whatever else was thrown, as plain values that can be cloned. @internal */
export interface PackedError {
  /** The names of its classes, the innermost first; absent if what was thrown is no error. */
  readonly classes?: readonly string[];
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly code?: string | number;
  readonly cause?: PackedError;
  readonly errors?: readonly PackedError[];
  /** Own properties that can be cloned. */
  readonly properties?: Record<string, unknown>;
  /** Own properties that are errors. */
  readonly errorProperties?: Record<string, PackedError>;
  /** What was thrown, if it is no error. */
  readonly thrown?: unknown;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** Errors in errors in errors: more than this many levels aren't kept. */
const DEEPEST = 16;
const carried = new Set(['name', 'message', 'stack', 'cause', 'errors']);

const known = new Map<string, ErrorClass>();

/**
 * Makes classes of errors known, so that an error that comes from another thread or process is an instance of its class:
 * `instanceof` and methods work, and its own properties are there. No constructor runs, so private fields aren't. Call it
 * in the thread that receives, best in the module that defines the class. Built-in errors and those of genlet are known.
 *
 * Acts at once. A second class of the same name takes the place of the first.
 *
 * @throws {TypeError} an argument is not a named class of errors
 * @example
 * ```ts
 * import { registerError } from 'genlet/workers';
 *
 * class OutOfPaper extends Error {
 *   pages = 0;
 *   get thick(): boolean {
 *     return this.pages > 100;
 *   }
 * }
 * registerError(OutOfPaper);
 * ```
 */
export function registerError(...classes: (abstract new (...args: never[]) => Error)[]): void {
  for (const errorClass of classes) {
    if (typeof errorClass !== 'function' || !(errorClass.prototype instanceof Error) || errorClass.name === '') {
      throw new TypeError(`registerError() got ${String(errorClass)}: give classes that extend Error and have a name`);
    }
  }
  for (const errorClass of classes) known.set(errorClass.name, errorClass);
}

const builtIn = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError];
for (const errorClass of [...builtIn, ...Object.values(errors), Timeout]) {
  const { prototype } = errorClass as { prototype?: unknown };
  if (prototype === Error.prototype || prototype instanceof Error) known.set(errorClass.name, errorClass as ErrorClass);
}

/** What was thrown, as values that can be cloned. Never throws. @internal */
export function packError(error: unknown): PackedError {
  return pack(error, []);
}

function pack(error: unknown, above: readonly unknown[]): PackedError {
  try {
    return error instanceof Error ? packProperly(error, [...above, error]) : { thrown: cloned(error, describe) };
  } catch {
    return { classes: ['Error'], name: 'Error', message: 'an error that could not be read' };
  }
}

function packProperly(error: Error, above: readonly unknown[]): PackedError {
  const inside = (inner: unknown): PackedError =>
    above.includes(inner) || above.length > DEEPEST ? { thrown: describe(inner) } : pack(inner, above);
  const { name, message, stack } = error;
  const { code } = error as { code?: unknown };
  const properties: [string, unknown][] = [];
  const errorProperties: [string, PackedError][] = [];
  for (const [key, value] of Object.entries(error instanceof Timeout ? { ms: error.ms } : error)) {
    if (carried.has(key)) continue;
    if (value instanceof Error) errorProperties.push([key, inside(value)]);
    else {
      const copy = cloned(value, () => nothing);
      if (copy !== nothing) properties.push([key, copy]);
    }
  }
  return {
    classes: classesOf(error),
    name: String(name),
    message: String(message),
    ...(typeof stack === 'string' ? { stack } : undefined),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : undefined),
    ...('cause' in error ? { cause: inside(error.cause) } : undefined),
    ...(isAggregate(error) ? { errors: error.errors.map(inside) } : undefined),
    ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : undefined),
    ...(errorProperties.length > 0 ? { errorProperties: Object.fromEntries(errorProperties) } : undefined),
  };
}

const nothing = Symbol('nothing');

const isAggregate = (error: Error): error is AggregateError => Array.isArray((error as AggregateError).errors);

function cloned(value: unknown, otherwise: (value: unknown) => unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return otherwise(value);
  if (typeof value !== 'object' || value === null) return value;
  try {
    return structuredClone(value);
  } catch {
    return otherwise(value);
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return String(value);
  } catch {
    return `a ${typeof value} that can't be shown`;
  }
}

function classesOf(error: Error): string[] {
  const classes: string[] = [];
  for (let at = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const name = at === Object.prototype ? undefined : at.constructor?.name;
    if (typeof name === 'string' && name !== '') classes.push(name);
  }
  return classes;
}

/** The error that was packed, or whatever else was thrown. @internal */
export function unpackError(packed: PackedError): unknown {
  const { classes, name, message = '', stack, code, properties, errorProperties } = packed;
  if (classes === undefined) return packed.thrown;
  const hidden = (value: unknown): PropertyDescriptor => ({ value, writable: true, configurable: true });
  const error =
    classes[0] === 'DOMException' ? (new DOMException(message, name) as unknown as Error) : new Error(message);
  if (classes[0] !== 'DOMException') {
    const errorClass = classes.map((each) => known.get(each)).find((each) => each !== undefined) ?? Error;
    Object.setPrototypeOf(error, errorClass.prototype);
  }
  if (error.name !== name) Object.defineProperty(error, 'name', hidden(name));
  if (error.message !== message) Object.defineProperty(error, 'message', hidden(message));
  Object.defineProperty(error, 'stack', hidden(stack ?? `${name}: ${message}`));
  for (const [key, value] of Object.entries(properties ?? {})) define(error, key, value);
  for (const [key, value] of Object.entries(errorProperties ?? {})) define(error, key, unpackError(value));
  if (code !== undefined && (error as { code?: unknown }).code !== code) define(error, 'code', code);
  if (packed.cause !== undefined) Object.defineProperty(error, 'cause', hidden(unpackError(packed.cause)));
  if (packed.errors !== undefined) Object.defineProperty(error, 'errors', hidden(packed.errors.map(unpackError)));
  return error;
}

/** By definition, not by assignment: a name such as `__proto__`, or one that the class has an accessor for, is data here. */
function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
}

const awaited = '\n    --- awaited at ---\n';

/**
 * Adds to the error's stack where it was waited for: the stack of the call, without its head. Once: the first who waits
 * for it counts. @internal
 */
export function addAwaited(error: unknown, here: string | undefined): void {
  if (!(error instanceof Error) || typeof error.stack !== 'string' || here === undefined) return;
  if (error.stack.includes(awaited)) return;
  const frames = here.split('\n').filter((line) => /^\s+at /.test(line));
  if (frames.length === 0) return;
  const value = `${error.stack}${awaited}${frames.join('\n')}`;
  Object.defineProperty(error, 'stack', { value, writable: true, configurable: true });
}
