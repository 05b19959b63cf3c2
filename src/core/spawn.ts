/** `spawn` and its kin. */
import { checkDuration, checkFunction } from './check.ts';
import { Greenlet } from './greenlet.ts';
import { hub as importedHub } from './hub.ts';
import type { Outcome } from './operation.ts';

// Constants of this module, not imported bindings: see `State`.
const hub = importedHub;

/** `spawnNow` runs children on the native stack of their parent, this many on each other at most. */
const MOST_NESTED = 100;

/**
 * Runs `fn(...args)` in a new greenlet, which begins after what is ready now; never synchronously. Greenlets begin in
 * the order in which they were spawned. `fn` may be a coroutine function, a plain one (the greenlet's value is what it
 * returns, or what the operation or promise that it returns gives), or an async one. Acts at once, and may be called
 * outside a greenlet. Follows `gevent.spawn`.
 *
 * An error that nobody takes by the end of the pass is reported to `hub.handleError`; the process goes on.
 *
 * @throws {TypeError} `fn` is not a function
 * @example
 * ```ts
 * import { run, sleep, spawn } from 'genlet';
 *
 * function* double(n: number) {
 *   yield* sleep(1);
 *   return 2 * n;
 * }
 *
 * await run(function* () {
 *   const greenlet = spawn(double, 21);
 *   console.log(yield* greenlet); // => 42
 * });
 * ```
 */
export function spawn<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>> {
  checkFunction('spawn() target', fn);
  return make(fn, args).start();
}

/**
 * As `spawn`, but inside a greenlet the child begins at once and runs until it first blocks; then the caller goes on.
 * The cheapest way to run many short children (accept loops, pools, trees). Outside a greenlet, or with 100 children
 * nested on each other, it is `spawn`.
 *
 * @throws {TypeError} `fn` is not a function
 * @example
 * ```ts
 * import { run, sleep, spawnNow } from 'genlet';
 *
 * await run(function* () {
 *   const child = spawnNow(function* () {
 *     console.log('child'); // => child
 *     yield* sleep(0);
 *     return 'done';
 *   });
 *   console.log('parent'); // => parent
 *   console.log(yield* child); // => done
 * });
 * ```
 */
export function spawnNow<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Greenlet<Outcome<R>> {
  checkFunction('spawnNow() target', fn);
  return startNow(make(fn, args));
}

/** Starts `greenlet` as `spawnNow` does. @internal */
export function startNow<T>(greenlet: Greenlet<T>): Greenlet<T> {
  const parent = hub.current;
  if (parent === undefined || hub.nest >= MOST_NESTED || greenlet.dead) return greenlet.start();
  greenlet.runNow(parent);
  return greenlet;
}

/**
 * As `spawn`, after `ms` milliseconds; until then it can be killed without ever running. Follows `gevent.spawn_later`.
 *
 * @throws {RangeError} `ms` is negative or NaN
 * @example
 * ```ts
 * import { run, spawnLater } from 'genlet';
 *
 * await run(function* () {
 *   const greenlet = spawnLater(2, (name: string) => `hello ${name}`, 'Ada');
 *   console.log(yield* greenlet); // => hello Ada
 * });
 * ```
 */
export function spawnLater<A extends unknown[], R>(
  ms: number,
  fn: (...args: A) => R,
  ...args: A
): Greenlet<Outcome<R>> {
  checkDuration('delay', ms);
  checkFunction('spawnLater() target', fn);
  return make(fn, args).startLater(ms);
}

function make<A extends unknown[], R>(fn: (...args: A) => R, args: A): Greenlet<Outcome<R>> {
  const greenlet = new Greenlet<Outcome<R>>(fn as never);
  if (args.length > 0) greenlet.slot = args;
  return greenlet;
}
