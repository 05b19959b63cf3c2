/** Promises: `yield* promise`, inside greenlets only. */
import { until } from '../../core/until.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin, plainFunction } from './modules.ts';
import { type AnyFunction, type Part, shared } from './shared.ts';
import { NONE } from './wrapper.ts';

/** @internal */
export function promiseTargets(): Target[] {
  const stream = builtin('stream');
  const places: [name: string, holder: object, key: string][] = [
    ['compose', stream, 'compose'],
    ['Duplex.from', stream.Duplex, 'from'],
    ['Readable.prototype.compose', stream.Readable.prototype, 'compose'],
  ];
  return [
    iterable<Promise<unknown>>('promise', 'prototype', Promise.prototype, until),
    ...places.filter(([, holder, key]) => plainFunction(holder, key)).map((place) => blind(...place)),
  ];
}

/** These ask whether something is iterable before they ask whether it is a promise. */
function blind(name: string, holder: object, key: string): Target {
  return { module: 'stream', name, holder, key, kind: 'function', at: NONE, act: actBlindly };
}

function actBlindly(original: AnyFunction | undefined): Part['act'] {
  return (self, args) => {
    shared.hidden++;
    try {
      return Reflect.apply(original!, self, args);
    } finally {
      shared.hidden--;
    }
  };
}
