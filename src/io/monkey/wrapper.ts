/** What stands in the place of a patched function or property. */
import { type AnyFunction, inside, type Part, shared } from './shared.ts';

/** The callback is the last argument. @internal */
export const LAST = -1;
/** There is no callback. @internal */
export const NONE = -2;

const { apply } = Reflect;

/**
 * A function that is `original` but for calls in a greenlet without a callback, which stands at index `at`. It has the
 * original's own properties: name, length, symbols. Whether it tells its parts of the other calls is settled here, for the
 * way to the original is to be short.
 * @internal
 */
export function wrapFunction(original: AnyFunction, at: number, parts: readonly Part[], tells: boolean): AnyFunction {
  const called = tells ? telling(original, parts) : original;
  const hasCallback = (args: unknown[]) => typeof args[at === LAST ? args.length - 1 : at] === 'function';
  const wrapper = !Object.hasOwn(original, 'prototype')
    ? {
        method(this: unknown, ...args: unknown[]): unknown {
          const part = inside(parts);
          return part === undefined || hasCallback(args) ? apply(called, this, args) : part.act(this, args);
        },
      }.method
    : function (this: unknown, ...args: unknown[]): unknown {
        const part = inside(parts);
        return part === undefined || hasCallback(args) ? apply(called, this, args) : part.act(this, args);
      };
  for (const key of Reflect.ownKeys(original)) {
    Object.defineProperty(wrapper, key, Object.getOwnPropertyDescriptor(original, key)!);
  }
  return wrapper;
}

function telling(original: AnyFunction, parts: readonly Part[]): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    for (const part of parts) part.pass?.(this);
    return apply(original, this, args);
  };
}

/** A method that Node has not. @internal */
export function newMethod(name: string, parts: readonly Part[]): AnyFunction {
  return {
    [name](this: unknown, ...args: unknown[]): unknown {
      return (inside(parts) ?? parts[0])!.act(this, args);
    },
  }[name]!;
}

/** A getter for `Symbol.iterator` that gives something in greenlets only, to those whom a part knows. @internal */
export function iteratorGetter(parts: readonly Part[]): AnyFunction {
  return {
    get(this: unknown): unknown {
      if (shared.hidden > 0) return undefined;
      for (const part of parts) {
        const iterate = part.hub.current === undefined ? undefined : part.act(this, []);
        if (iterate !== undefined) return iterate;
      }
      return undefined;
    },
  }.get;
}

/** Assigning to the property goes on to give the object one of its own. @internal */
export function iteratorSetter(this: object, value: unknown): void {
  Object.defineProperty(this, Symbol.iterator, { value, writable: true, enumerable: true, configurable: true });
}
