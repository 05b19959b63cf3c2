import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: availableParallelism() + 1, // many tests wait for other processes
    testTimeout: 10_000,
    hookTimeout: 180_000,
  },
});
