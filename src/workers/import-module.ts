/**
 * Importing a task module by URL, JavaScript or TypeScript.
 *
 * Node strips types by itself from 22.18 on. Where it does not, or the program runs under tsx and so may need more than
 * stripping, tsx's hooks are registered first; also where genlet itself runs from its sources, as in its own tests, whose
 * modules find `genlet` by tsconfig.json.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Set by the first who registers the hooks in this thread: here or in bootstrap.mjs. */
const registered: unique symbol = Symbol.for('genlet.tsx') as never;
const globals = globalThis as { [registered]?: boolean | Promise<void> };

const isTypeScript = (url: string): boolean => /\.[mc]?tsx?(?:[?#]|$)/.test(url);

const nodeStripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
const sources: boolean = isTypeScript(import.meta.url);
const underTsx = (): boolean => process.execArgv.some((argument) => /[\\/@]?tsx\b/.test(argument));

/**
 * Imports the module at `url` and gives its exports.
 *
 * @throws {Error} it is TypeScript, Node can't load that, and tsx isn't installed; or what the module throws
 * @internal
 */
export async function importModule(url: string): Promise<Record<string, unknown>> {
  if (isTypeScript(url) && globals[registered] !== true && (!nodeStripsTypes || sources || underTsx())) {
    globals[registered] ??= registerTsx(url).then(() => {
      globals[registered] = true;
    });
    await globals[registered];
  }
  return await import(url);
}

/** Finds tsx from the module, from the main program, from the current folder, or beside genlet. */
async function registerTsx(url: string): Promise<void> {
  const places = [url, process.argv[1], join(process.cwd(), 'package.json'), import.meta.url];
  for (const place of places) {
    const found = place === undefined ? undefined : resolveTsx(place);
    if (found === undefined) continue;
    const { register } = (await import(pathToFileURL(found).href)) as { register: () => unknown };
    register();
    return;
  }
  if (nodeStripsTypes) return;
  delete globals[registered];
  throw new Error(
    `${url} is TypeScript, which Node ${process.versions.node} can't load by itself: install tsx, give the URL of compiled JavaScript, or use Node 22.18 or newer`,
  );
}

function resolveTsx(place: string): string | undefined {
  try {
    return createRequire(place)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'); // what import would find
  } catch {
    return undefined;
  }
}
