/** What hears of patching, and can forbid it. */
import { EventEmitter } from 'node:events';

/** The parts of Node that can be patched, as the options of `patchAll` name them. */
export type PatchName =
  | 'fs'
  | 'net'
  | 'tls'
  | 'dgram'
  | 'timers'
  | 'dns'
  | 'childProcess'
  | 'http'
  | 'zlib'
  | 'crypto'
  | 'stream'
  | 'readline'
  | 'promise';

/** Something is about to be patched, or was. */
export class PatchEvent {
  /** What is patched: several names for `patchAll`. */
  readonly modules: readonly PatchName[];
  #cancelled = false;

  /** @internal */
  constructor(modules: readonly PatchName[]) {
    this.modules = modules;
  }

  /** Forbids it; has no effect once it is done. Follows raising `DoNotPatch` in gevent. */
  cancel(): void {
    this.#cancelled = true;
  }

  /** Whether it was forbidden. */
  get cancelled(): boolean {
    return this.#cancelled;
  }
}

/** The events of `patchEvents`, and what their listeners get. */
export interface PatchEventMap {
  /** `patchAll` is about to begin; it can be cancelled. */
  willPatchAll: [event: PatchEvent];
  /** One of the modules is about to be patched; it can be cancelled. */
  willPatch: [event: PatchEvent];
  /** One of the modules was patched. */
  didPatch: [event: PatchEvent];
  /** `patchAll` has ended. */
  didPatchAll: [event: PatchEvent];
}

/**
 * Emits events when this copy of genlet patches something for the first time. Listeners are called synchronously; what they
 * throw comes out of the call that patches. Follows `gevent.events`.
 *
 * @example
 * ```ts
 * import { isPatched, patchAll, patchEvents, unpatchAll } from 'genlet/monkey';
 *
 * patchEvents.on('willPatch', (event) => {
 *   if (event.modules.includes('crypto')) event.cancel();
 * });
 * patchAll();
 * console.log(isPatched('fs'), isPatched('crypto')); // => true false
 * unpatchAll();
 * ```
 */
export const patchEvents: EventEmitter<PatchEventMap> = new EventEmitter<PatchEventMap>();
