/** The loader of `genlet/monkey/sync`: rewrites each module of the program, but none of its packages. */
import type { LoadFnOutput, LoadHookContext } from 'node:module';
import module from 'node:module';
import { COOPERATIVE, transform } from './sync-transform.ts';

type NextLoad = (url: string, context?: Partial<LoadHookContext>) => LoadFnOutput | Promise<LoadFnOutput>;

const FORMATS = /^(module|commonjs)(-typescript)?$/;
const PACKAGES = /[\\/]node_modules[\\/]/;

/** The source of a module as it is to run; the same if there is nothing to do. @internal */
export function rewrite(source: string, url: string, isModule: boolean): string {
  const rewritten = transform(source);
  if (rewritten === undefined) return source;
  const { missed, source: text } = rewritten;
  if (missed.length === 0) return text;
  const report = `globalThis[Symbol.for("${COOPERATIVE}")]?.missed(${JSON.stringify(url)}, ${JSON.stringify(missed)});`;
  if (!isModule) return `${text}\n;${report}`; // a directive must come first
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
  return `${text.slice(0, start)}${report} ${text.slice(start)}`; // a module may wait for its own calls
}

/** Whether a module is of the program itself. @internal */
export function concerns(url: string): boolean {
  return !PACKAGES.test(url) && !url.startsWith('node:');
}

function finish(url: string, loaded: LoadFnOutput): LoadFnOutput {
  const { format, source } = loaded;
  const isTypeScript = /-typescript$/.test(format ?? '');
  if (!concerns(url) || !FORMATS.test(format ?? '') || source === null || source === undefined) return loaded;
  const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
  const { stripTypeScriptTypes } = module as unknown as { stripTypeScriptTypes: (source: string) => string };
  const plain = isTypeScript ? stripTypeScriptTypes(text) : text;
  const result = rewrite(plain, url, format!.startsWith('module'));
  return result === plain
    ? loaded
    : { ...loaded, format: format!.replace('-typescript', '') as 'module', source: result };
}

/** For `module.registerHooks`, which runs it in the thread of the program. @internal */
export function loadSync(url: string, context: LoadHookContext, next: NextLoad): LoadFnOutput {
  return finish(url, next(url, context) as LoadFnOutput);
}

/** For `module.register`, which runs it in a thread of its own. @internal */
export async function load(url: string, context: LoadHookContext, next: NextLoad): Promise<LoadFnOutput> {
  return finish(url, await next(url, context));
}
