/**
 * undici, loaded at the first call that needs it: that takes longer than to load all the rest of genlet.
 *
 * Later calls find it here and go on without a turn of the event loop.
 */
import type * as Undici from 'undici';

let loaded: typeof Undici | undefined;
let loading: Promise<typeof Undici> | undefined;

/** undici, if it is there already. @internal */
export function loadedUndici(): typeof Undici | undefined {
  return loaded;
}

/** @internal */
export function loadUndici(): Promise<typeof Undici> {
  loading ??= import('undici').then((undici) => {
    loaded = undici;
    return undici;
  });
  return loading;
}
