/**
 * Development mode, switched on by `GENLET_DEV=1` before the program starts: operations that were made and never
 * performed are reported with the stack of their creation (a forgotten `yield*`), when they are collected or at exit.
 *
 * `DEV` is a constant of the module, so V8 drops every branch on it from optimized code.
 */

/** Whether `GENLET_DEV=1` was set when genlet was loaded. @internal */
export const DEV: boolean = process.env.GENLET_DEV === '1';

const unperformed = new Map<number, Error>();
const tokens = new WeakMap<object, number>();
let made = 0;

const collected = new FinalizationRegistry<number>((token) => report(token));
if (DEV) process.once('exit', () => [...unperformed.keys()].forEach(report));

function report(token: number): void {
  const creation = unperformed.get(token);
  if (creation === undefined) return;
  unperformed.delete(token);
  process.stderr.write(`genlet: ${creation.stack}\n`);
}

/** @internal */
export function noteMade(operation: object, name: string = operation.constructor.name): void {
  const token = ++made;
  const creation = new Error(`${name} was made and never performed: write yield* before the call`);
  creation.name = 'Warning';
  unperformed.set(token, creation);
  tokens.set(operation, token);
  collected.register(operation, token);
}

/** Tracks a call that is written as a coroutine, in development mode. @internal */
export function composite<G extends Generator<any, any, any>>(name: string, generator: G): G {
  if (!DEV) return generator;
  noteMade(generator, name);
  return Object.defineProperty(generator, Symbol.iterator, {
    value(): G {
      notePerformed(generator);
      return generator;
    },
  });
}

/** Also called by operations that act at once, such as `kill`, which nobody needs to wait for. @internal */
export function notePerformed(operation: object): void {
  const token = tokens.get(operation);
  if (token !== undefined) unperformed.delete(token);
}

/** Says once, on stderr, what is probably a mistake. @internal */
export function warn(message: string): void {
  process.stderr.write(`genlet: Warning: ${message}\n`);
}
