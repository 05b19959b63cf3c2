/** `node:stream`: `finished`, `pipeline`, and `yield* stream`, which waits for its end. */
import type { Stream } from 'node:stream';
import type { Operation } from '../../core/operation.ts';
import { dual } from './dual.ts';
import type { Target } from './install.ts';
import { iterable } from './iterable.ts';
import { builtin } from './modules.ts';
import { Started } from './started.ts';

/** @internal */
export function streamTargets(): Target[] {
  const stream = builtin('stream');
  return [
    dual('stream', '', stream, 'finished', { prepare: () => ({ cancel: (forget: () => void) => forget() }) }),
    dual('stream', '', stream, 'pipeline', {
      prepare: () => ({ cancel: (last: Partial<Ending>) => last.destroy?.() }),
    }),
    iterable('stream', 'prototype', stream.prototype, endOf),
  ];
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
