/** In-place patching of Node's modules, for blocking style inside greenlets; see docs/monkey-patching.md. */
export type { Interval } from '../interval.ts';
export {
  type BlockingCallOptions,
  type BlockingCallReport,
  type BlockingCallWatch,
  watchBlockingCalls,
} from './blocking-calls.ts';
export {
  getOriginal,
  isPatched,
  type PatchOptions,
  patchAll,
  patchChildProcess,
  patchCrypto,
  patchDgram,
  patchDns,
  patchFs,
  patchHttp,
  patchNet,
  patchPromise,
  patchReadline,
  patchStream,
  patchTimers,
  patchTls,
  patchZlib,
  unpatchAll,
} from './patch.ts';
export { PatchEvent, type PatchEventMap, type PatchName, patchEvents } from './patch-events.ts';
export { formatReport, report } from './report.ts';
export { Started } from './started.ts';
export type * from './types/index.ts';
