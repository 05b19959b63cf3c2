/** Calls of Node's functions with a callback, made without it. */
import { argumentNames, resultOf } from './callback-values.ts';
import type { Target } from './install.ts';
import type { AnyFunction, Part } from './shared.ts';
import { Started } from './started.ts';
import { LAST } from './wrapper.ts';

/** What a call has that others of its function have not. @internal */
export interface Peculiarity {
  /** What the function is called with; the callback is still to come. */
  readonly args?: unknown[];
  /** Ends the work before its time; `returned` is what the function gave. */
  readonly cancel?: (returned: any) => void;
  /** Called when it is over. */
  readonly over?: () => void;
}

/** A function that takes a callback. @internal */
export interface DualRule {
  /** The index of the callback; by default it is the last argument. */
  readonly at?: number;
  /** How many arguments stand at least before a callback that is the last one: 1 by default. */
  readonly least?: number;
  /** Whether the callback gets no error. */
  readonly plain?: boolean;
  /** Called instead of the function. */
  readonly call?: (original: AnyFunction, self: any, args: unknown[]) => unknown;
  /** Looks at a call before it is made. */
  readonly prepare?: (args: unknown[], self: any, started: Started<any>) => Peculiarity;
  /** Gives back a result that came too late. */
  readonly release?: ((late: any) => void) | undefined;
  /** Takes an error that nobody has waited for; tells whether it did. */
  readonly unheard?: (error: unknown, self: any) => boolean;
  /** Hears of the calls that are as ever. */
  readonly pass?: (self: any) => void;
}

/** The target of a function that takes a callback, if there is one. @internal */
export function dual(module: string, path: string, holder: object, key: string, rule: DualRule = {}): Target {
  const name = `${path}${key}`;
  const act = (original: AnyFunction | undefined) => startCalls(`${module}.${name}`, original!, rule);
  return { module, name, holder, key, kind: 'function', at: rule.at ?? LAST, act, pass: rule.pass };
}

/** Makes what starts calls of a function. @internal */
export function startCalls(name: string, original: AnyFunction, rule: DualRule): Part['act'] {
  const { at = LAST, least = 1, plain = false, call = Reflect.apply, prepare, release, unheard } = rule;
  const names = argumentNames(original);
  return (self, args) => {
    let returned: unknown;
    let peculiarity: Peculiarity | undefined;
    const started: Started<any> = new Started({
      name,
      subject: args[0],
      cancel: () => peculiarity?.cancel?.(returned),
      over: () => peculiarity?.over?.(),
      release,
      unheard: unheard && ((error) => unheard(error, self)),
    });
    peculiarity = prepare?.(args, self, started);
    const all = [...(peculiarity?.args ?? args)];
    const settle = plain
      ? (...values: unknown[]) => started.land(undefined, resultOf(values, names))
      : (error: unknown, ...values: unknown[]) => started.land(error, resultOf(values, names));
    all[at === LAST ? Math.max(all.length, least) : at] = settle;
    try {
      returned = call(original, self, all);
    } catch (error) {
      peculiarity?.over?.();
      throw error;
    }
    return started.depart();
  };
}
