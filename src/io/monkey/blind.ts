/**
 * Functions of `node:stream` that ask whether something is iterable before they ask whether it is a promise, or a stream
 * from before there were iterators. While they work, nothing is iterable that was not before.
 */
import type { Target } from './install.ts';
import { builtin, plainFunction } from './modules.ts';
import { type AnyFunction, type Part, shared } from './shared.ts';
import { NONE } from './wrapper.ts';

/** @internal */
export function blindTargets(): Target[] {
  const stream = builtin('stream');
  const places: [name: string, holder: object, key: string][] = [
    ['compose', stream, 'compose'],
    ['Duplex.from', stream.Duplex, 'from'],
    ['Readable.from', stream.Readable, 'from'],
    ['Readable.prototype.compose', stream.Readable.prototype, 'compose'],
    ['promises.pipeline', stream.promises, 'pipeline'],
  ];
  return places
    .filter(([, holder, key]) => plainFunction(holder, key))
    .map(([name, holder, key]) => {
      return { module: 'stream', name, holder, key, kind: 'function', at: NONE, act: (original) => blind(original!) };
    });
}

/** What calls a function in this way. @internal */
export function blind(original: AnyFunction): Part['act'] {
  return (self, args) => {
    shared.hidden++;
    try {
      return Reflect.apply(original, self, args);
    } finally {
      shared.hidden--;
    }
  };
}
