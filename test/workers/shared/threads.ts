/** Threads for the tests of shared objects, which do the jobs of fixtures/shared-thread.ts. */
import { afterAll } from 'vitest';
import { Thread } from './thread.ts';

export { Thread };

const threads: Thread[] = [];

/** Threads that end with the file; those that are idle are used again. */
export async function startThreads(count: number): Promise<Thread[]> {
  const started = await Promise.all(Array.from({ length: count }, () => Thread.start()));
  threads.push(...started);
  return started;
}

/** To be called once a file. */
export function endThreadsAfterwards(): void {
  afterAll(async () => {
    await Promise.all(threads.map((thread) => thread.end()));
  });
}
