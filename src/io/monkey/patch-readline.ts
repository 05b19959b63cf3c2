/** `node:readline`: `question`. */
import type { Interface } from 'node:readline';
import { dual, type Peculiarity } from './dual.ts';
import type { Target } from './install.ts';
import { builtin } from './modules.ts';
import type { Started } from './started.ts';

/** @internal */
export function readlineTargets(): Target[] {
  const { prototype } = builtin('readline').Interface;
  return [dual('readline', 'Interface.prototype.', prototype, 'question', { plain: true, prepare })];
}

/** The callback is not called when the caller's signal is aborted or the interface is closed. */
function prepare([query, options]: unknown[], lines: Interface, started: Started<string>): Peculiarity {
  const controller = new AbortController();
  const given = (options as { signal?: AbortSignal } | null | undefined)?.signal;
  const stop = () => {
    controller.abort();
    started.land(given?.reason);
  };
  const close = () => started.land(closed());
  const isSignal = given instanceof AbortSignal;
  if (isSignal) given.addEventListener('abort', stop);
  lines.on('close', close);
  if (isSignal && given.aborted) queueMicrotask(stop);
  return {
    args:
      given !== undefined && !isSignal
        ? [query, options]
        : [query, { ...(options as object), signal: controller.signal }],
    cancel: () => controller.abort(),
    over: () => {
      lines.off('close', close);
      if (isSignal) given.removeEventListener('abort', stop);
    },
  };
}

function closed(): Error {
  const error = new Error('readline was closed before there was an answer');
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
