/** Argument checks, with one form of message: the name, the value, and what to write instead. */
import { inspect } from 'node:util';

const LONGEST = 2 ** 52;

/** A value as it appears in an error message, on one line and short. @internal */
export function show(value: unknown): string {
  if (typeof value === 'function') return value.name === '' ? 'a function' : value.name;
  const text = inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
  return text.length > 50 ? `${text.slice(0, 49)}…` : text;
}

/** A duration in milliseconds: 0 or more; `Infinity` is cut to the longest that can be counted. @internal */
export function checkDuration(name: string, ms: number): number {
  if (typeof ms !== 'number') throw new TypeError(`${name} is ${show(ms)}: give a number of milliseconds`);
  if (!(ms >= 0)) throw new RangeError(`${name} is ${show(ms)}: give milliseconds, 0 or more`);
  return Math.min(ms, LONGEST);
}

/** A time limit: `undefined` or `null` for none, else as a duration. @internal */
export function checkTimeout(timeout: number | null | undefined): number | undefined {
  return timeout === undefined || timeout === null ? undefined : checkDuration('timeout', timeout);
}

/** Options: an object, or nothing; `hint` shows what to give. @internal */
export function checkOptions(options: unknown, hint: string): void {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new TypeError(`options is ${show(options)}: give ${hint}`);
  }
}

/** An iterable. @internal */
export function checkIterable(name: string, value: unknown): void {
  if (typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`${name} is ${show(value)}: give an iterable`);
  }
}

/** A function that a greenlet can run. @internal */
export function checkFunction(name: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  const isCall = isGenerator(fn) || (typeof fn === 'object' && fn !== null && Symbol.iterator in fn);
  const hint = isCall ? '; pass the function and its arguments, not its call' : '';
  throw new TypeError(`${name} is ${show(fn)}: give a coroutine function or a plain function${hint}`);
}

/** A function that is called and must not suspend. @internal */
export function checkCallback(name: string, fn: unknown): void {
  if (typeof fn !== 'function') throw new TypeError(`${name} is ${show(fn)}: give a plain function`);
  if (isGeneratorFunction(fn))
    throw new TypeError(`${name} is a coroutine function, which can't suspend there: spawn it`);
  if (fn instanceof AsyncFunction)
    throw new TypeError(`${name} is an async function, for whose promise nobody would wait: spawn it`);
}

/** A whole number of at least `least`. @internal */
export function checkInteger(name: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${name} is ${show(value)}: give a whole number, ${least} or more`);
  }
  return value;
}

const GeneratorFunction = Object.getPrototypeOf(function* () {}).constructor as GeneratorFunctionConstructor;

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

/** @internal */
export function isGeneratorFunction(value: unknown): boolean {
  return value instanceof GeneratorFunction;
}

const GeneratorPrototype = Object.getPrototypeOf(function* () {}).prototype as Generator<any, any, any>;

/**
 * `Generator.prototype.next` and `throw`, fetched once. `frame.next()` turns megamorphic as soon as a program has five
 * generator functions, for each has a prototype of its own; `.call` on the builtin does not (25 against 32 ns).
 * @internal
 */
export const generatorNext = GeneratorPrototype.next;
/** @internal */
export const generatorThrow = GeneratorPrototype.throw;
/** @internal */
export const generatorReturn = GeneratorPrototype.return;

/** `instanceof` this walks the prototype chain without an inline cache, which each new `function*` closure would miss. */
const AnyGenerator = (() => {}) as unknown as { new (): Generator<any, any, any>; prototype: object };
AnyGenerator.prototype = GeneratorPrototype;

/** @internal */
export function isGenerator(value: unknown): value is Generator<any, any, any> {
  return value instanceof AnyGenerator;
}
