/**
 * What a worker does with a chunk: one job that calls a function for each of several items. A message costs more than many
 * a call, so a mapping of small calls is many times as fast in chunks.
 */
import { isExit } from '../../core/errors.ts';
import type { Coroutine } from '../../core/operation.ts';
import { callAndWait } from '../../core/perform.ts';
import { until } from '../../core/until.ts';
import { moduleUrl } from '../module-url.ts';
import { type PackedError, packError } from '../packed-error.ts';
import { type FunctionReference, resolveReference } from '../reference.ts';

type AnyFunction = (...args: any[]) => unknown;

/** How long the calls took, in microseconds, what they gave, and the indexes and errors of those that failed. @internal */
export type ChunkOutcome = [us: number, values: unknown[], failures: (number | PackedError)[]];

/** Where workers find `runChunk`. @internal */
export const chunkReference: FunctionReference = { module: moduleUrl('executors/run-chunk'), name: 'runChunk' };

const functions = new Map<string, AnyFunction>();

/** Calls the function for each item, also behind one that fails. With `spread`, the items are lists of arguments. @internal */
export function* runChunk(module: string, name: string, items: unknown[], spread: boolean): Coroutine<ChunkOutcome> {
  const fn = functions.get(`${module} ${name}`) ?? (yield* find(module, name));
  const values: unknown[] = new Array(items.length);
  const failures: (number | PackedError)[] = [];
  const began = performance.now();
  for (let i = 0; i < items.length; i++) {
    try {
      const made = spread ? fn(...(items[i] as unknown[])) : fn(items[i]);
      values[i] = typeof made === 'object' && made !== null ? yield* callAndWait(() => made) : made;
    } catch (error) {
      if (isExit(error)) throw error;
      failures.push(i, packError(error));
    }
  }
  return [1000 * (performance.now() - began), values, failures];
}

function* find(module: string, name: string): Coroutine<AnyFunction> {
  const fn = (yield* until(resolveReference({ module, name }))) as AnyFunction;
  functions.set(`${module} ${name}`, fn);
  return fn;
}
