/**
 * Real blocking style, by `node --import genlet/monkey/sync`: in a coroutine, `fs.readFileSync`, `execFileSync`,
 * `Atomics.wait` and their kin suspend the greenlet instead of blocking the thread.
 *
 * It rewrites the generator functions of the program's modules when they are loaded; of packages it rewrites nothing. A
 * plain function cannot suspend, whoever calls it: such calls go on blocking, and `missedCalls()` lists them.
 */
import module from 'node:module';
import { watchAsEnvironmentSays } from './blocking-calls.ts';
import { type BlockingCall, missed } from './missed-calls.ts';
import { cooperative } from './sync-cooperative.ts';
import { concerns, loadSync, rewrite } from './sync-hooks.ts';
import { COOPERATIVE, type MissedCall } from './sync-transform.ts';

export type { BlockingCall } from './missed-calls.ts';

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

watchAsEnvironmentSays();
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
    return compile.call(this, concerns(filename) ? rewrite(content, filename, false) : content, filename, ...more);
  };
}
