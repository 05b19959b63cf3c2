/**
 * How functions are named where they can't be sent: by the URL of their module and the name of their export, which
 * another thread or process imports. Never by their source text, which knows nothing of what it refers to.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { checkFunction, show } from '../core/check.ts';
import { InvalidStateError } from '../core/errors.ts';
import { type RunOptions, run } from '../core/run.ts';
import { importModule } from './import-module.ts';

/** A function or class as other threads and processes find it. */
export interface FunctionReference {
  /** The URL of its module. */
  readonly module: string;
  /** The name of its export; `default` for the default one. */
  readonly name: string;
}

/** A function, or a class. */
export type Referable = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => object);

const references = new WeakMap<Referable, FunctionReference>();

/** The modules that called `main()` in this thread. */
const guarded = new Set<string>();
/** The exports of the main program, once it is loaded. */
let mainExports: Record<string, unknown> = {};
let mainUrl = '';
/** The main program. */
let program: string | undefined = firstProgram();
/** Whether this is a process that another one started. */
let isChild = false;
/** Modules that are being imported because somebody named a function of theirs. */
let importing = 0;

/**
 * Marks a function or class as the export `name` of the module at `url`, so that it can be named to threads and
 * processes; gives the function itself. Write one line for each, or `task(import.meta.url, 'name', fn)` after the
 * function. In the main program (see `main`) exports need no mark.
 *
 * Acts at once. Follows what `pickle` does with functions.
 *
 * @throws {TypeError} an argument is of another kind
 * @example
 * ```ts
 * import { run } from 'genlet';
 * import { task } from 'genlet/workers';
 *
 * export const square = task(import.meta.url, 'square', function* (x: number) {
 *   return x * x;
 * });
 * console.log(await run(() => square(3))); // => 9
 * ```
 */
export function task<F extends Referable>(url: string | URL, name: string, fn: F): F {
  checkFunction('task', fn);
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`name is ${show(name)}: give the name of the export`);
  return setReference(fn, { module: checkUrl(url), name });
}

function checkUrl(url: string | URL): string {
  const text = String(url);
  if (!URL.canParse(text)) throw new TypeError(`url is ${show(url)}: give import.meta.url`);
  return text;
}

/** As `task`. @internal */
export function setReference<F extends Referable>(fn: F, reference: FunctionReference): F {
  references.set(fn, reference);
  return fn;
}

/**
 * By what name other threads and processes find `fn`.
 *
 * @throws {TypeError} it is not a function, or nobody told where it is exported
 * @internal
 */
export function referenceTo(fn: Referable): FunctionReference {
  checkFunction('target', fn);
  const known = references.get(fn) ?? amongMainExports(fn);
  if (known !== undefined) return known;
  const name = fn.name === '' ? 'the function' : fn.name;
  const example = fn.name === '' ? 'work' : fn.name;
  throw new TypeError(
    `${name} can't be found by another thread or process: export it from its module and mark it there with ` +
      `task(import.meta.url, '${example}', ${example}); in the main program it is enough to export it and to begin with ` +
      'main(import.meta.url, …)',
  );
}

function adoptMainExports(module: string, exports: Record<string, unknown>): void {
  mainExports = exports;
  mainUrl = module;
}

function amongMainExports(fn: Referable): FunctionReference | undefined {
  for (const [name, value] of Object.entries(mainExports)) {
    if (value !== fn) continue;
    const reference = { module: mainUrl, name };
    references.set(fn, reference);
    return reference;
  }
  return undefined;
}

/**
 * Imports the function or class that was named.
 *
 * @throws {TypeError} the module has no such function
 * @throws whatever the module throws
 * @internal
 */
export async function resolveReference(reference: FunctionReference): Promise<Referable> {
  const { module, name } = reference;
  importing++;
  let exports: Record<string, unknown>;
  try {
    exports = await importModule(module);
  } finally {
    importing--;
  }
  if (module === program && !guarded.has(module)) {
    importing++; // whatever it has begun to do shall not start others
    throw new InvalidStateError(
      `${module} is the main program and runs anew in each thread and process that imports it: put what it does into ` +
        'main(import.meta.url, function* () { … })',
    );
  }
  if (module === program) adoptMainExports(module, exports);
  const fn = Object.hasOwn(exports, name) ? exports[name] : undefined;
  if (typeof fn !== 'function') {
    const functions = Object.keys(exports).filter((key) => typeof exports[key] === 'function');
    const offer = functions.length === 0 ? 'it exports no function' : `it exports ${functions.join(', ')}`;
    throw new TypeError(`${module} has no function ${name}: ${offer}`);
  }
  return setReference(fn as Referable, reference);
}

/**
 * Refuses to start a thread or process while a module is imported on behalf of another one: it would go on for ever.
 *
 * @throws {InvalidStateError} so it is
 * @internal
 */
export function checkNotImporting(what: string): void {
  if (importing === 0) return;
  throw new InvalidStateError(
    `${what} would be started by a module that a thread or process is just importing, and so without end: put it into ` +
      'main(import.meta.url, function* () { … })',
  );
}

/** The URL of the main program, as far as it has one: for the threads and processes that it starts. @internal */
export function programUrl(): string | undefined {
  return program;
}

/** This is a thread or process that the main program at `url` has started. @internal */
export function enterChild(url: string | undefined): void {
  isChild = true;
  program = url;
}

/**
 * Runs `fn` in a greenlet, as `run` does, if the module is the main program, and does nothing where a thread or process
 * imports it to get at its functions. What the module exports can be named to threads and processes without `task`.
 * Follows `if __name__ == '__main__'`.
 *
 * It acts at once and gives nothing, for the module must be loaded before `fn` begins; an error of `fn` ends the process.
 *
 * @throws {TypeError} `url` is no URL, or `fn` no function
 * @example
 * ```ts
 * import { main, Process } from 'genlet/workers';
 *
 * export function* greet(name: string) {
 *   console.log(`hello ${name}`); // => hello Bob
 * }
 *
 * main(import.meta.url, function* () {
 *   const process = new Process(greet, ['Bob']);
 *   process.start();
 *   yield* process.join();
 *   console.log(process.exitcode); // => 0
 * });
 * ```
 */
export function main(url: string, fn: () => unknown, options: RunOptions = {}): void {
  const module = checkUrl(url);
  checkFunction('main() target', fn);
  guarded.add(module);
  if (!isMainThread || isChild || !isMainProgram(module)) return;
  program = module;
  import(module).then(
    (exports: Record<string, unknown>) => {
      adoptMainExports(module, exports);
      run(fn, options).catch(fail);
    },
    () => {}, // its own error, which Node reports
  );
}

/** The file that Node was started with. */
function firstProgram(): string | undefined {
  const path = process.argv[1];
  return path === undefined || !isMainThread ? undefined : pathToFileURL(realPath(path)).href;
}

function fail(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

function isMainProgram(module: string): boolean {
  const first = process.argv[1];
  if (!module.startsWith('file:') || first === undefined) return false;
  const file = fileURLToPath(module);
  const path = realPath(first);
  return path === realPath(file) || `${path}.js` === file;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
