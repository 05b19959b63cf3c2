/**
 * Node's timers and clock as they were when genlet was loaded. Test runners replace the global ones, and the monkey patch
 * wraps them; the hub turns by the real ones all the same, for `VirtualClock` is its way to virtual time.
 */

/** @internal */
export const { setImmediate, setTimeout, clearTimeout } = globalThis;

const { performance } = globalThis;
const { now } = performance;

/** Milliseconds of the monotonic clock. @internal */
export const readClock = (): number => now.call(performance);
