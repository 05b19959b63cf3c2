/**
 * Calls whose frames the greenlet keeps itself: resuming is O(1) at any depth, recursion is bounded by memory only.
 *
 * A native `yield*` chain costs 15 ns a level at every resume, and ends at some 5,000 levels. For a function marked here,
 * `yield* fn()` gets, instead of the generator, a shared iterator. Its first `next()` puts the generator on the greenlet's
 * frame stack and runs it on the spot; if that ends, the result is returned without any suspension; if it suspends, the
 * hub resumes it directly from then on. Where many lie on each other natively, the hub starts the callee on an empty
 * stack. It costs 13 ns a call, so it pays from the second suspension of a frame.
 */
import { checkFunction, generatorNext as importedGeneratorNext, isGeneratorFunction } from './check.ts';
import { hub as importedHub } from './hub.ts';
import { type Coroutine, BOUNCE as importedBOUNCE, type Resumption, type Step } from './operation.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;
const generatorNext = importedGeneratorNext;
const BOUNCE = importedBOUNCE;

/** Native frames that may lie on each other before a call bounces. */
const MOST_NESTED = 100;

const call: Iterator<any, any, any> & { [Symbol.iterator](): typeof call } = {
  [Symbol.iterator]() {
    return this;
  },

  next(resumed?: Resumption): Step {
    if (resumed !== undefined) return resumed;
    const me = hub.self(described, arguments.length);
    const callee = hub.callee!;
    const caller = me.frame!;
    const extras = me.extra();
    extras.frames ??= [];
    const { frames } = extras;
    frames.push(caller);
    me.frame = callee;
    const { nest } = hub;
    if (nest >= MOST_NESTED) return BOUNCE;
    hub.nest = nest + 1;
    let result: Step;
    try {
      result = generatorNext.call(callee, undefined);
    } catch (error) {
      hub.nest = nest;
      frames.pop();
      me.frame = caller;
      throw error;
    }
    hub.nest = nest;
    if (result.done === true) {
      frames.pop();
      me.frame = caller;
    }
    return result;
  },

  throw(error: unknown): never {
    throw error;
  },

  return(): Step {
    return this.next() as Step;
  },
};

const described = { describe: () => 'a coroutine() call' };

/** The `[Symbol.iterator]` of marked functions' generators: what `yield*` asks for. */
function enter(this: Generator<any, any, any>): Iterator<any, any, any> {
  if (hub.current === undefined) return this;
  hub.callee = this;
  return call;
}

/**
 * Marks a coroutine function, which stays the same function with the same type, so that `yield* fn()` keeps its frame in
 * the greenlet: for recursion, and for functions that suspend often far below their greenlet's main function.
 *
 * @typeParam F - the function's own type
 * @throws {TypeError} `fn` is not a generator function
 * @example
 * ```ts
 * import { type Coroutine, coroutine, run, sleep } from 'genlet';
 *
 * const depth: (levels: number) => Coroutine<number> = coroutine(function* (levels) {
 *   if (levels === 0) yield* sleep(0);
 *   return levels === 0 ? 0 : 1 + (yield* depth(levels - 1));
 * });
 *
 * await run(function* () {
 *   console.log(yield* depth(100_000)); // => 100000
 * });
 * ```
 */
export function coroutine<F extends (...args: any[]) => Coroutine<any>>(fn: F): F {
  checkFunction('function', fn);
  if (!isGeneratorFunction(fn)) {
    throw new TypeError(`${fn.name || 'the function'} is not a generator function: mark function* only`);
  }
  Object.defineProperty(fn.prototype, Symbol.iterator, { value: enter, configurable: true });
  return fn;
}
