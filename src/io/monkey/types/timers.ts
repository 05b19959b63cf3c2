/** The timers without callbacks: the globals, which `node:timers` hands on. */
import type { Interval } from '../../interval.ts';
import type { Started } from '../started.ts';

declare global {
  function setTimeout<A extends any[]>(callback: (...args: A) => void, delay?: number, ...args: A): NodeJS.Timeout;
  /** In a greenlet: a timer that is already running. `yield*` waits for it, and gives `value`; a kill clears it. */
  function setTimeout<T = void>(delay?: number, value?: T): Started<T>;
  // Again the form that is the last one before Node 26, for `ReturnType` and `Parameters`.
  function setTimeout(callback: (_: void) => void, delay?: number): NodeJS.Timeout;

  function setImmediate<A extends any[]>(callback: (...args: A) => void, ...args: A): NodeJS.Immediate;
  /** In a greenlet: `yield*` waits until the other greenlets that are ready have had their turn, and gives `value`. */
  function setImmediate<T = void>(value?: T extends (...args: any) => unknown ? never : T): Started<T>;
  function setImmediate(callback: (_: void) => void): NodeJS.Immediate;

  function setInterval<A extends any[]>(callback: (...args: A) => void, delay?: number, ...args: A): NodeJS.Timeout;
  /** In a greenlet: a beat to wait for, as that of `timers.interval` of `genlet/io`; `close()` ends it. */
  function setInterval(delay?: number): Interval;
  function setInterval(callback: (_: void) => void, delay?: number): NodeJS.Timeout;
}
