/**
 * Real blocking style, by `node --import genlet/monkey/sync`: in a coroutine, `fs.readFileSync`, `execFileSync`,
 * `Atomics.wait` and their kin suspend the greenlet instead of blocking the thread.
 *
 * It rewrites the generator functions of the program's modules when they are loaded; of packages it rewrites nothing. A
 * plain function cannot suspend, whoever calls it: such calls go on blocking, and `missedCalls()` lists them.
 */
import module from 'node:module';
import { cooperative } from './sync-cooperative.ts';
import { concerns, loadSync, rewrite } from './sync-hooks.ts';
import { COOPERATIVE, type MissedCall } from './sync-transform.ts';

/** A blocking call that the loader could not turn into a suspending one. */
export interface BlockingCall {
  /** The module's URL, or the path of a CommonJS module. */
  readonly url: string;
  /** The line in it, counted from 1. */
  readonly line: number;
  /** What is called, such as `fs.readFileSync`. */
  readonly text: string;
  /** Why it stays as it is. */
  readonly reason: string;
}

const missed: BlockingCall[] = [];

/** The blocking calls in and around coroutines that stay as they are, in the modules that were loaded until now. */
export function missedCalls(): readonly BlockingCall[] {
  return missed;
}

function note(url: string, calls: readonly MissedCall[]): void {
  for (const call of calls) {
    missed.push({ url, ...call });
    if (process.env.GENLET_DEV === '1') {
      process.stderr.write(`genlet: Warning: ${url}:${call.line}: ${call.text}() blocks, for ${call.reason}\n`);
    }
  }
}

Object.defineProperty(globalThis, Symbol.for(COOPERATIVE), { value: Object.assign(cooperative, { missed: note }) });

interface Hooks {
  registerHooks?: (hooks: { load: typeof loadSync }) => void;
}

const { registerHooks } = module as unknown as Hooks;
if (registerHooks !== undefined) registerHooks({ load: loadSync });
else {
  module.register(new URL(`./sync-hooks${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
  rewriteCommonJs();
}

/** The hooks of older versions of Node do not see what `require` loads. */
function rewriteCommonJs(): void {
  type Compile = (this: unknown, content: string, filename: string, ...more: unknown[]) => unknown;
  const prototype = module.Module.prototype as unknown as { _compile: Compile };
  const compile = prototype._compile;
  prototype._compile = function (content, filename, ...more) {
    return compile.call(this, concerns(filename) ? rewrite(content, filename) : content, filename, ...more);
  };
}
