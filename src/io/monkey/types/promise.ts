/**
 * Promises for `yield*`. With this, the compiler also lets pass what it refused before and what fails when it runs: a
 * promise where something iterable is wanted (`new Set(promise)`), or where an operation is. It does so in every file of
 * a program that imports `genlet/monkey` somewhere, so nothing else of genlet may import it.
 */
import type { Suspension } from '../../../core/operation.ts';

/** What `yield*` performs, be it an operation or a promise: `node:readline/promises` overrides a call by one with promises. */
export interface Performable<T> {
  /** What `yield*` asks for. */
  [Symbol.iterator](): Iterator<Suspension, T, any>;
}

declare global {
  interface Promise<T> {
    /** In a greenlet, `yield* promise` waits for the promise, and gives its value or throws its error. */
    [Symbol.iterator](): Iterator<Suspension, T, any>;
  }
}
