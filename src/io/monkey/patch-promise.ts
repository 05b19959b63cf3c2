/** Promises: `yield* promise`, inside greenlets only. */
import { until } from '../../core/until.ts';
import { blindTargets } from './blind.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';

/** @internal */
export function promiseTargets(): Target[] {
  return [iterable<Promise<unknown>>('promise', 'prototype', Promise.prototype, until), ...blindTargets()];
}
