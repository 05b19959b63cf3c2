/** Node's modules, loaded no earlier than they are patched. */
import type { AnyFunction } from './shared.ts';

/** What `require` gives for a module of Node. @internal */
export function builtin(name: string): any {
  return process.getBuiltinModule(name);
}

/** The function under a name, if it is a plain property: getters are left alone. @internal */
export function plainFunction(holder: object, name: string): AnyFunction | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(holder, name)?.value;
  return typeof value === 'function' ? (value as AnyFunction) : undefined;
}

/** The functions that have a `…Sync` twin: those take a callback. @internal */
export function namesWithTwins(holder: object): string[] {
  return Object.keys(holder).filter((name) => plainFunction(holder, name) && plainFunction(holder, `${name}Sync`));
}
