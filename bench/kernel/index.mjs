export const title = 'Kernel: switches, greenlets, timers';

/** One file for each table, or for tables that differ in a number only, in the order in which they are printed. */
export const files = [
  'switch.mjs',
  'ready.mjs',
  'direct-switch.mjs',
  'spawn.mjs',
  'tree.mjs',
  'memory.mjs',
  'depth.mjs',
  'recursion.mjs',
  'timeout.mjs',
  'sleepers.mjs',
  'until.mjs',
  'fairness.mjs',
  'context.mjs',
];
