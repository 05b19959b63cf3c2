/** `node:stream`: `finished`, `pipeline`, and `yield* stream`, which waits for its end. */
import type { Stream } from 'node:stream';
import type { Operation } from '../../core/operation.ts';
import { blind, blindTargets } from './blind.ts';
import { dual, startCalls } from './dual.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin } from './modules.ts';
import type { AnyFunction, Part } from './shared.ts';
import { Started } from './started.ts';
import { NONE } from './wrapper.ts';

/** @internal */
export function streamTargets(): Target[] {
  const stream = builtin('stream');
  return [
    dual('stream', '', stream, 'finished', { prepare: () => ({ cancel: (forget: () => void) => forget() }) }),
    pipeline(stream),
    ...blindTargets(),
    iterable('stream', 'prototype', stream.prototype, endOf),
  ];
}

/** It is called blindly, with its callback and without. */
function pipeline(holder: object): Target {
  const act = (original: AnyFunction | undefined): Part['act'] => {
    const call = blind(original!);
    const start = startCalls('stream.pipeline', original!, {
      call: (_, self, args) => call(self, args),
      prepare: () => ({ cancel: (last: Partial<Ending>) => last.destroy?.() }),
    });
    return (self, args) => (typeof args.at(-1) === 'function' ? call(self, args) : start(self, args));
  };
  return { module: 'stream', name: 'pipeline', holder, key: 'pipeline', kind: 'function', at: NONE, act };
}

interface Ending {
  destroy(): void;
}

function endOf(stream: Stream): Operation<void> {
  let forget: (() => void) | undefined;
  const started: Started<void> = new Started<void>({
    name: `stream.finished(${stream.constructor.name})`,
    cancel: () => forget?.(),
  });
  forget = builtin('stream').finished(stream, (error: unknown) => started.land(error));
  return started.depart();
}
