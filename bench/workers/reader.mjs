// The other end of the queues: counts the items up to each `null`, and tells how many they were.
import { task } from '../../dist/workers/index.js';

export const drain = task(import.meta.url, 'drain', function* (queue, answers) {
  for (;;) {
    let count = 0;
    while ((yield* queue.get()) !== null) count++;
    yield* answers.put(count);
  }
});
