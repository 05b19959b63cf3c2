/** `run`: from ordinary code into the world of greenlets. */
import { checkFunction, show } from './check.ts';
import type { Clock } from './clock.ts';
import { GreenletExit, isExit } from './errors.ts';
import { Greenlet } from './greenlet.ts';
import { hub } from './hub.ts';
import type { Outcome } from './operation.ts';

/** Options of `run`. */
export interface RunOptions {
  /** Kills `main` when aborted; `run` rejects with its reason then. */
  signal?: AbortSignal | undefined;
  /** The first SIGINT or SIGTERM kills `main` and waits for its `finally` blocks, a second one ends the process. */
  signals?: boolean;
  /** The hub's clock meanwhile, such as a `VirtualClock`; not while timers run by another one. */
  clock?: Clock | undefined;
}

/** Exit codes of a process that ends by a signal: 128 and its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof EXIT_CODES;

/**
 * Runs `main` in a greenlet and gives a promise of its result; rejects with its error. Other greenlets, unless they are
 * daemons, run on when `main` has ended, and keep the process alive. If nothing can ever wake what is blocked, `main`
 * gets a `LoopExit` that tells who waits for what.
 *
 * If `main` dies of a signal, `process.exitCode` is set as by a shell (130 for Ctrl-C), and the promise resolves with
 * the `GreenletExit`.
 *
 * @throws {InvalidStateError} timers run by another clock
 * @example
 * ```ts
 * import { run, sleep } from 'genlet';
 *
 * const answer = await run(function* () {
 *   yield* sleep(1);
 *   return 42;
 * });
 * console.log(answer); // => 42
 * ```
 */
export function run<R>(main: () => R, options: RunOptions = {}): Promise<Outcome<R>> {
  checkFunction('run() target', main);
  const { signal, signals = false, clock } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is ${show(signal)}: give an AbortSignal`);
  }
  if (clock !== undefined && (typeof clock.now !== 'function' || typeof clock.rest !== 'function')) {
    throw new TypeError(`clock is ${show(clock)}: give a Clock, such as new VirtualClock()`);
  }
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (clock !== undefined) hub.useClock(clock);
  const greenlet = new Greenlet<Outcome<R>>(main as never).start();
  greenlet.name = 'main';
  hub.roster.mains.add(greenlet);
  const leave = [() => hub.roster.mains.delete(greenlet)] as (() => unknown)[];
  if (signal !== undefined) leave.push(killOnAbort(greenlet, signal));
  if (signals) leave.push(killOnSignals(greenlet));
  greenlet.rawlink(() => {
    for (const undo of leave) undo();
  });
  return greenlet.toPromise().then((value) => {
    if (signal?.aborted && isExit(value)) throw signal.reason;
    return value;
  });
}

function killOnAbort(main: Greenlet<any>, signal: AbortSignal): () => void {
  const kill = () => void main.kill(new GreenletExit('the signal was aborted', { cause: signal.reason }));
  signal.addEventListener('abort', kill, { once: true });
  return () => signal.removeEventListener('abort', kill);
}

function killOnSignals(main: Greenlet<any>): () => void {
  let cause: GreenletExit | undefined;
  const onSignal = (name: StopSignal) => {
    if (cause !== undefined) process.exit(EXIT_CODES[name]);
    cause = new GreenletExit(name);
    process.exitCode = EXIT_CODES[name];
    main.kill(cause);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    if (cause !== undefined && main.value !== cause) process.exitCode = undefined; // it coped with the signal
  };
}
