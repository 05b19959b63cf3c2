/**
 * Tells which calls in greenlets block the thread: those of Node's `…Sync` functions, and `Atomics.wait`.
 *
 * The functions are patched while somebody watches, and are Node's own otherwise, so that it costs nothing to be able to.
 * A call is timed from its beginning to its end; where it was made is looked at only when it took too long.
 */
import { syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';
import { checkCallback, checkDuration, checkOptions, show } from '../../core/check.ts';
import { warn } from '../../core/dev.ts';
import { hub } from '../../core/hub.ts';
import type { RawGreenlet } from '../../core/raw-greenlet.ts';
import { callbackFunctions } from '../fs-functions.ts';
import { copy } from './copy.ts';
import { type Installed, install, uninstall } from './install.ts';
import { reasonAt } from './missed-calls.ts';
import { builtin, namesWithTwins, plainFunction } from './modules.ts';
import { type AnyFunction, type Part, shared } from './shared.ts';
import { NONE } from './wrapper.ts';

/** A call that has blocked all greenlets for too long. */
export interface BlockingCallReport {
  /** What was called, such as `fs.readFileSync`. */
  readonly name: string;
  /** How long it took, in milliseconds. */
  readonly milliseconds: number;
  /** In which greenlet. */
  readonly greenlet: RawGreenlet;
  /** Where: the lines of the stack, from the one that made the call. */
  readonly stack: string;
  /** What to write, such as `yield* fs.readFile(…)`. */
  readonly instead: string;
  /** Why the loader of `genlet/monkey/sync` could not turn the call, if it has seen it. */
  readonly reason?: string;
}

/** What `watchBlockingCalls` looks for. */
export interface BlockingCallOptions {
  /** The time that a call may take, in milliseconds; 10 by default. */
  readonly limit?: number | undefined;
  /** Called for each call site, at once and in the greenlet; prints to stderr by default. */
  readonly report?: ((call: BlockingCallReport) => void) | undefined;
}

/** Watches for blocking calls until it is stopped. */
export interface BlockingCallWatch extends Disposable {
  /** Ends it. When the last one has ended, the functions are those of Node again. */
  stop(): void;
}

/** A function that blocks. */
interface Blocking {
  readonly module: string;
  /** The way to it from its module. */
  readonly name: string;
  readonly holder: object;
  readonly key: string;
  /** What to write in its place. */
  readonly instead: () => string;
}

interface Watch {
  readonly limit: number;
  readonly report: (call: BlockingCallReport) => void;
  /** The places that it was told of. */
  readonly places: Set<string>;
}

const watches = new Set<Watch>();
const installed: Installed[] = [];

/** Real time, also while a test has replaced the clock. */
const now: () => number = performance.now.bind(performance);

/**
 * Reports calls of blocking functions in greenlets that took longer than a limit, each call site once: the `…Sync`
 * functions of `node:fs`, `node:child_process`, `node:zlib` and `node:crypto`, and `Atomics.wait`. While it is on, these
 * functions are patched for it; calls outside greenlets are not looked at.
 *
 * By environment: `GENLET_MONITOR=1`, or a limit as in `GENLET_MONITOR=50`, with `--import genlet/monkey/register` or
 * `genlet/monkey/sync`. What `report` throws goes to `hub.handleError`.
 *
 * @throws {RangeError} `limit` is negative or NaN
 * @example
 * ```ts
 * import { statSync } from 'node:fs';
 * import { run } from 'genlet';
 * import { watchBlockingCalls } from 'genlet/monkey';
 *
 * const watch = watchBlockingCalls({ limit: 0, report: ({ name, instead }) => console.log(`${name}: use ${instead}`) });
 * await run(function* () {
 *   for (const path of ['.', '..']) statSync(path); // => fs.statSync: use yield* fs.stat(…) of genlet/io
 * });
 * watch.stop();
 * ```
 */
export function watchBlockingCalls(options: BlockingCallOptions = {}): BlockingCallWatch {
  checkOptions(options, '{ limit: 10 }');
  const { limit = 10, report = print } = options;
  checkCallback('report', report);
  const watch: Watch = { limit: checkDuration('limit', limit), report, places: new Set() };
  if (watches.size === 0) patchBlocking();
  watches.add(watch);
  const stop = (): void => {
    if (watches.delete(watch) && watches.size === 0) unpatchBlocking();
  };
  return { stop, [Symbol.dispose]: stop };
}

let fromEnvironment: BlockingCallWatch | undefined;

/** Begins what `GENLET_MONITOR` asks for, once. @internal */
export function watchAsEnvironmentSays(): void {
  const { GENLET_MONITOR: setting = '' } = process.env;
  if (setting === '' || setting === '0' || fromEnvironment !== undefined) return;
  const limit = setting === '1' ? undefined : Number(setting);
  if (limit !== undefined && !(limit > 0)) {
    throw new RangeError(`GENLET_MONITOR is ${show(setting)}: give 1, or a number of milliseconds`);
  }
  fromEnvironment = watchBlockingCalls({ limit });
}

function patchBlocking(): void {
  for (const blocking of blockingFunctions()) {
    const one = install(
      { ...blocking, kind: 'function', at: NONE, act: (original) => timed(blocking, original!) },
      copy,
    );
    if (one !== undefined) installed.push(one);
  }
  syncBuiltinESMExports();
}

function unpatchBlocking(): void {
  for (const one of installed.splice(0).reverse()) uninstall(one);
  syncBuiltinESMExports();
}

// ---- what blocks

/** A generator, for `realpathSync.native` hangs on what has taken the place of `realpathSync` by then. */
function* blockingFunctions(): Generator<Blocking, void, undefined> {
  const fs = builtin('fs');
  yield* syncFunctions('fs', callbackFunctions(fs));
  const instead = () => inGreenlet('fs', 'realpath.native');
  yield { module: 'fs', name: 'realpathSync.native', holder: fs.realpathSync, key: 'native', instead };
  for (const name of ['read', 'close']) {
    const key = `${name}Sync`;
    const instead = () => `yield* until(dir.${name}())`;
    yield { module: 'fs', name: `Dir.prototype.${key}`, holder: fs.Dir.prototype, key, instead };
  }
  for (const module of ['child_process', 'zlib', 'crypto']) {
    yield* syncFunctions(module, namesWithTwins(builtin(module)));
  }
  const wait = () => 'yield* until(Promise.resolve(Atomics.waitAsync(…).value))';
  yield { module: 'Atomics', name: 'wait', holder: Atomics, key: 'wait', instead: wait };
}

/** All of a module but those that only make an iterator; those of `twins` take a callback without the `Sync`. */
function* syncFunctions(module: string, twins: readonly string[]): Generator<Blocking, void, undefined> {
  const holder = builtin(module);
  for (const key of Object.keys(holder)) {
    if (!/^(?!create).*Sync$/.test(key) || plainFunction(holder, key) === undefined) continue;
    const name = key.slice(0, -'Sync'.length);
    const promising = `${module}.${plainFunction(holder, name) ? '' : 'promises.'}${name}`;
    const instead = () => (twins.includes(name) ? inGreenlet(module, name) : `yield* until(${promising}(…))`);
    yield { module, name: key, holder, key, instead };
  }
}

const patches: Record<string, string> = {
  child_process: 'patchChildProcess',
  zlib: 'patchZlib',
  crypto: 'patchCrypto',
};

function inGreenlet(module: string, name: string): string {
  const own = new Set(installed.map(({ part }) => part));
  const isOfPatch = (part: Part) => part.hub === hub && part.module === module && !own.has(part);
  const isPatched = [...shared.patches].some(({ parts }) => parts.some(isOfPatch));
  const where = isPatched ? '' : module === 'fs' ? ' of genlet/io' : ` after ${patches[module]}()`;
  return `yield* ${module}.${name}(…)${where}`;
}

// ---- the calls

/** Whether a call is on its way: what it calls itself is part of it. */
let timing = false;

function timed(blocking: Blocking, original: AnyFunction): (self: unknown, args: unknown[]) => unknown {
  return (self, args) => {
    if (timing) return Reflect.apply(original, self, args);
    timing = true;
    const began = now();
    try {
      return Reflect.apply(original, self, args);
    } finally {
      const milliseconds = now() - began;
      try {
        if (hub.current !== undefined) tell(blocking, original, milliseconds, hub.current);
      } finally {
        timing = false;
      }
    }
  };
}

function tell(blocking: Blocking, original: AnyFunction, milliseconds: number, greenlet: RawGreenlet): void {
  const exceeded = [...watches].filter(({ limit }) => milliseconds > limit);
  if (exceeded.length === 0) return;
  const lines = stackAbove(shared.known.get(original)!.wrapper);
  const place = lines.find((line) => !/\bnode:/.test(line)) ?? lines[0] ?? '';
  const { module, name, instead } = blocking;
  const reason = reasonAt(place, blocking.key);
  for (const { report, places } of exceeded) {
    if (places.has(place)) continue;
    places.add(place);
    try {
      const stack = lines.join('\n');
      const call = { name: `${module}.${name}`, milliseconds, greenlet, stack, instead: instead() };
      report(reason === undefined ? call : { ...call, reason });
    } catch (error) {
      hub.handleError(error, undefined, 'the report of a blocking call');
    }
  }
}

/** The lines of the stack above a function, but for genlet's own. */
function stackAbove(callee: AnyFunction): string[] {
  const { stackTraceLimit } = Error;
  const holder: { stack?: string } = {};
  Error.stackTraceLimit = Math.max(50, stackTraceLimit);
  Error.captureStackTrace(holder, callee);
  Error.stackTraceLimit = stackTraceLimit;
  const own = [copy.copy, pathToFileURL(copy.copy).href];
  const lines = String(holder.stack).split('\n').slice(1);
  return lines.filter((line) => !own.some((folder) => line.includes(folder)) && !/\.next \(<anonymous>\)$/.test(line));
}

function print({ name, milliseconds, greenlet, stack, instead, reason }: BlockingCallReport): void {
  const why = reason === undefined ? '' : `\n  genlet/monkey/sync could not turn it: ${reason}`;
  const time = Math.round(milliseconds);
  warn(`${name}() in ${greenlet.name} blocked all greenlets for ${time} ms: use ${instead}${why}\n${stack}`);
}
