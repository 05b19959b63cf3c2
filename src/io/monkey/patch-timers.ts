/** `node:timers` and the globals of the same names: on the hub's clock, which a test may replace. */
import { hub } from '../../core/hub.ts';
import { Interval } from '../interval.ts';
import type { Target } from './install.ts';
import { builtin } from './modules.ts';
import type { AnyFunction } from './shared.ts';
import { Started } from './started.ts';

/** What stands in for each function; it gets what is passed in the place of the callback, and the next argument. */
const substitutes = {
  setTimeout: (ms: number | undefined, value: unknown) => later('setTimeout', ms, atLeastOne(ms), value),
  setImmediate: (value: unknown) => later('setImmediate', undefined, 0, value),
  setInterval: (ms: number | undefined) => new Interval(atLeastOne(ms)),
};

/** @internal */
export function timersTargets(): Target[] {
  const names = Object.keys(substitutes) as (keyof typeof substitutes)[];
  return names.flatMap((name) => [target('timers', builtin('timers'), name), target('globalThis', globalThis, name)]);
}

function target(module: string, holder: object, name: keyof typeof substitutes): Target {
  const act = (original: AnyFunction | undefined) => {
    const substitute: AnyFunction = substitutes[name];
    return (self: unknown, args: unknown[]) => {
      const isRefused = name !== 'setImmediate' && args[0] !== undefined && typeof args[0] !== 'number';
      return isRefused ? Reflect.apply(original!, self, args) : substitute(...args);
    };
  };
  return { module, name, holder, key: name, kind: 'function', at: 0, act };
}

/** As Node has it, also for what is no number. */
const atLeastOne = (ms: number | undefined): number => (ms !== undefined && ms > 1 ? ms : 1);

function later<T>(name: string, subject: unknown, ms: number, value: T): Started<T> {
  const timer = hub.callLater(ms, () => started.land(undefined, value));
  const started: Started<T> = new Started<T>({ name, subject, inside: true, cancel: () => timer.cancel() });
  return started;
}
