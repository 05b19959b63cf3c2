export const title = 'Sync: locks, queues, channels, pools';

/** One file for each table, or for tables that differ in a number only, in the order in which they are printed. */
export const files = [
  'uncontended-lock.mjs',
  'contended-lock.mjs',
  'rlock.mjs',
  'semaphore.mjs',
  'condition.mjs',
  'event.mjs',
  'ready-queue.mjs',
  'queue.mjs',
  'channel.mjs',
  'select.mjs',
  'pool.mjs',
  'kill.mjs',
];
