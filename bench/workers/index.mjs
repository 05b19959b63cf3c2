export const title = 'Workers: pools of threads and processes, and what these share';

export const files = [
  'flood.mjs',
  'short-and-long.mjs',
  'one-at-a-time.mjs',
  'python-pools.mjs',
  'lock.mjs',
  'queue.mjs',
  'manager.mjs',
  'two-cores.mjs',
];

export const rounds = 3;

/** Longer than usual: what a worker does at first is a good deal slower. */
export const milliseconds = 300;
